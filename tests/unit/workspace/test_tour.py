"""The tour of the design, from the first line to the last."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from custinfo import Applied, AwaitingApproval, F, Tagged, Workspace
from custinfo.core.records import Tag
from tests.unit.workspace.conftest import Clock


def test_tour(workspace: Workspace, clock: Clock) -> None:
    """Create by labels, find by criteria, change through approval, and look back at the history."""
    with workspace.acting_as("lisi") as session:
        outcome = session.customers.create(
            {
                "客户名称": "北京示例科技有限公司",
                "客户类型": "企业客户",
                "联系人": "张三",
                "phone": "138 1234 5678",
                "industry": "制造业-IT设备",
                "annual_budget": "80万",
            },
            tags=[("行业", "制造业"), ("需求", "采购设备")],
        )
        assert isinstance(outcome, Applied)
        session.customers.create(
            {
                "name": "小店",
                "customer_type": "渠道客户",
                "contact_name": "李",
                "phone": "010-12345678",
                "annual_budget": 100,
            }
        )

        criterion = (F.annual_budget >= 500_000) & F.industry.under("manufacturing") & Tagged("需求", "采购设备")
        page = session.customers.find(criterion, order_by=["-annual_budget"], limit=50)
        assert [record["name"] for record in page.records] == ["北京示例科技有限公司"]
        assert page.next is None

        view = session.customers.get(page.records[0].id)
        assert view["name"] == view["客户名称"] == "北京示例科技有限公司"
        assert view["phone"] == "13812345678"
        assert view["annual_budget"] == Decimal(800_000)
        assert ("行业", "制造业") in view.tags
        assert view.owner == "lisi"
        assert view.department == "sales1-1"

        outcome = session.customers.update(view.id, {"status": "流失"}, version=view.version, reason="停产")
        match outcome:
            case AwaitingApproval(request=request):
                assert request.state == "pending"
            case Applied():
                raise AssertionError("a lost customer needs approval")
        assert session.customers.get(view.id)["status"] == "高潜"

    clock.advance(hours=1)
    with workspace.acting_as("zhaojl") as session:
        (task,) = session.approvals.inbox()
        assert session.approvals.approve(task.request_id, comment="同意").state == "applied"
        assert session.approvals.inbox() == ()
        after = session.customers.get(view.id)
        assert after["status"] == "流失"
        assert session.customers.count() == 2
        assert session.customers.distribution("industry") == {"IT设备": 1, None: 1}
        assert session.customers.distribution("行业") == {"制造业": 1, None: 1}

        history = session.customers.history(view.id)
        assert [(change.action, change.channel, change.actor) for change in history] == [
            ("create", "edit", "lisi"),
            ("update", "approval", "lisi"),
        ]
        assert history[1].approval == task.request_id
        assert history[1].fields["status"] == ("高潜", "流失")
        assert history[1].reason == "停产"
        assert session.customers.as_of(view.id, clock.time - timedelta(minutes=30))["status"] == "高潜"
        assert session.customers.diff(view.id, 1, 2) == {"status": ("高潜", "流失")}

        moved = session.customers.transfer(view.id, "王五", version=after.version)
        assert isinstance(moved, Applied)
        assert (moved.record.owner, moved.record.department) == ("wangwu", "sales1-2")
        assert session.explain("update", "customer", view.id).allowed is False

    with workspace.acting_as("wangwu") as session:
        mine = session.customers.get(view.id)
        tagged = session.customers.tag(view.id, ("自定义", "重点"), remove=[("行业", "制造业")], version=mine.version)
        assert isinstance(tagged, Applied)
        assert tagged.record.tags == {Tag("需求", "采购设备"), Tag("自定义", "重点")}
        back = session.customers.revert(view.id, to_version=3, version=tagged.record.version)
        assert isinstance(back, Applied)
        assert back.record.tags == mine.tags
        archived = session.customers.archive(view.id, version=back.record.version)
        assert isinstance(archived, Applied)
        assert session.customers.count() == 0
        restored = session.customers.restore(view.id, version=archived.record.version)
        assert isinstance(restored, Applied)
        assert session.records("customer").count() == 1

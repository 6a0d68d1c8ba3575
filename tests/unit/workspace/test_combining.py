"""Merging records that are about the same, and deleting what should not be there (CUS-1)."""

from __future__ import annotations

import pytest

from custinfo import (
    ANY,
    AwaitingApproval,
    F,
    FieldReservedError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    StaleVersionError,
    Workspace,
)
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.policy.grants import Grant
from custinfo.workspace.combining import Merged
from tests.unit.workspace.story import IDENTITY_NUMBER, Story, applied


def done(outcome: Merged | AwaitingApproval) -> Merged:
    """Return what a merger came to that took effect at once."""
    assert isinstance(outcome, Merged)
    return outcome


def test_merging(story: Story) -> None:
    """Blanks are filled, tags put together, follow-ups follow, and both histories tell it."""
    keep = story.customer("lisi", name="甲", phone="13812345678", tags=[("行业", "制造业")])
    other = story.customer("wangwu", name="甲公司", uscc=None, email="a@example.com", tags=[("需求", "采购设备")])
    third = story.customer("wangwu", name="甲", uscc=None, email="b@example.com", address="上海")
    with story.workspace.acting_as("wangwu") as session:
        visit = applied(session.follow_ups.create({"customer": other.id, "at": "2024-03-15 09:00", "content": "电话"}))
    with story.workspace.acting_as("sunjiu") as session:
        customers = session.customers
        merged = done(customers.merge(keep.id, [other.id, third.id], version=1, reason="重复"))
        view = merged.record
        assert (view["name"], view["email"], view["address"]) == ("甲", "a@example.com", "上海")
        assert (view["phone"], view.owner, view.version) == ("13812345678", "lisi", 2)
        assert view.tags == {("行业", "制造业"), ("需求", "采购设备")}
        assert merged.merged == (other.id, third.id)
        assert set(merged.differing) == {"name", "email"}
        assert merged.moved == 1
        assert session.follow_ups.get(visit.id)["customer"] == keep.id
        assert [item["name"] for item in customers.find().records] == ["甲"]
        for record in (keep.id, other.id, third.id):
            last = customers.history(record)[-1]
            assert (last.action, last.channel, last.batch, last.reason) == ("merge", "merge", merged.batch, "重复")
        assert set(customers.history(other.id)[-1].fields) == {"archived_at"}
        moved = session.follow_ups.history(visit.id)[-1]
        assert (moved.action, moved.channel, dict(moved.fields)) == (
            "update",
            "merge",
            {"customer": (other.id, keep.id)},
        )
    with story.workspace.acting_as("lisi") as session:
        assert session.follow_ups.count() == 1


def test_what_is_taken(story: Story) -> None:
    """`take` says whose value counts; a unique and an encrypted value move along, still sealed and found.

    It is an identity number, which changes on the record that stays: the flow that gates that is asked.
    """
    keep = story.individual("lisi", None, name="王小明", phone="13900139000")
    other = story.individual("lisi", name="王晓明", phone="13900139001")
    with story.workspace.acting_as("sunjiu") as session:
        outcome = session.customers.merge(keep.id, [other.id], take={"客户名称": other.id}, version=ANY)
        assert isinstance(outcome, AwaitingApproval)
        assert outcome.request.flows == ("sensitive_field",)
    with story.workspace.acting_as("zhoushi") as session:
        assert session.approvals.approve(outcome.request.id).state == "applied"
        assert session.customers.get(keep.id)["name"] == "王晓明"
        assert session.customers.get(keep.id)["id_number"] == IDENTITY_NUMBER
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as caught:
        session.customers.restore(other.id, version=ANY)
    assert caught.value.code == "not_unique"


def test_what_is_not_merged(story: Story) -> None:
    """Different types, open requests, other versions, people without the grant, and nothing at all."""
    keep, person = story.customer("lisi"), story.individual("lisi", None)
    won = story.won("lisi", name="乙", uscc=None)
    story.submit("lisi", won, {"status": "流失"})
    with story.workspace.acting_as("sunjiu") as session:
        merge = session.customers.merge
        with pytest.raises(InvalidInputError) as caught:
            merge(keep.id, [person.id], version=ANY)
        assert (caught.value.code, caught.value.problems[0].field) == ("not_mergeable", "customer_type")
        with pytest.raises(FieldReservedError):
            merge(keep.id, [won.id], version=ANY)
        with pytest.raises(ValueError, match="not the one to keep"):
            merge(keep.id, [keep.id], version=ANY)
        with pytest.raises(ValueError, match="take must name"):
            merge(keep.id, [person.id], take={"name": "x"}, version=ANY)
        with pytest.raises(NotFoundError):
            merge(keep.id, ["nothing"], version=ANY)
    other = story.customer("lisi", name="丙", uscc=None)
    with story.workspace.acting_as("sunjiu") as session:
        with pytest.raises(StaleVersionError):
            session.customers.merge(keep.id, [other.id], version=7)
        assert session.customers.get(other.id).archived_at is None
        with pytest.raises(InvalidInputError) as caught:
            session.customers.merge(keep.id, [other.id], take={"nothing": other.id}, version=ANY)
        assert caught.value.code == "unknown_field"
    with story.workspace.acting_as("lisi") as session, pytest.raises(PermissionDeniedError):
        session.customers.merge(keep.id, [other.id, won.id], version=ANY)


@pytest.fixture
def deleting(story: Story) -> Workspace:
    """Let data administrators delete customers."""
    with story.workspace.acting_as("admin") as session:
        grant = Grant("data_administrator", "customer", frozenset({"delete"}), "all")
        session.configuration.change(story.workspace.configuration.with_grants(grant))
    return story.workspace


def test_deleting(deleting: Workspace) -> None:
    """A deleted record is gone, live or archived; its history ends with the deletion, and its unique value is free."""
    story = Story(deleting)
    record, old = story.customer("lisi"), story.customer("lisi", name="旧", uscc=None)
    with deleting.acting_as("lisi") as session:
        session.customers.archive(old.id, version=ANY)
        with pytest.raises(PermissionDeniedError):
            session.customers.delete(record.id, version=ANY)
    with deleting.acting_as("sunjiu") as session:
        with pytest.raises(StaleVersionError):
            session.customers.delete(record.id, version=5)
        session.customers.delete(record.id, version=1, reason="误录")
        session.customers.delete(old.id, version=ANY)
        for key in (record.id, old.id):
            with pytest.raises(NotFoundError):
                session.customers.get(key)
        assert session.customers.count() == 0
        last = session.context.unit.history.of_record("customer", record.id)[-1]
        assert (last.action, last.version, last.reason) == ("delete", 2, "误录")
    story.customer("lisi")
    assert deleting.check_integrity().ok


def test_what_is_not_deleted(deleting: Workspace) -> None:
    """A record to which another one refers, or about which a request is open."""
    story = Story(deleting)
    record = story.won("lisi")
    with deleting.acting_as("lisi") as session:
        applied(session.follow_ups.create({"customer": record.id, "at": "2024-03-15 09:00", "content": "电话"}))
    with deleting.acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as caught:
        session.customers.delete(record.id, version=ANY)
    assert caught.value.code == "still_referenced"
    assert deleting.configuration.modules["follow_up"].label_in("en") in str(caught.value)
    other = story.won("lisi", name="乙", uscc=None)
    story.submit("lisi", other, {"status": "流失"})
    with deleting.acting_as("sunjiu") as session, pytest.raises(FieldReservedError):
        session.customers.delete(other.id, version=ANY)
    with deleting.acting_as("sunjiu") as session:
        assert session.customers.count(F.name == "乙") == 1


def test_a_request_tells_that_its_record_was_merged(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that came between the look and the merger tells it; archiving is another thing."""
    keep, other = story.customer("lisi", name="甲"), story.customer("lisi", name="乙", uscc=None)
    request = story.submit("lisi", other, {"status": "流失"})
    monkeypatch.setattr("custinfo.workspace.combining.refuse_pending", lambda *_: None)
    with story.workspace.acting_as("sunjiu") as session:
        session.customers.merge(keep.id, [other.id], version=ANY)
    assert story.approve("zhaojl", request).state == "needs_rebase"
    with story.workspace.acting_as("lisi") as session:
        assert [problem.code for problem in session.approvals.get(request.id).happened] == ["record_merged"]
    with story.workspace.acting_as("sunjiu") as session:
        session.customers.restore(other.id, version=ANY)
        session.customers.archive(other.id, version=ANY)
    with story.workspace.acting_as("lisi") as session:
        assert [problem.code for problem in session.approvals.get(request.id).happened] == ["record_archived"]


def test_what_waits_refers_to_what_is_there(deleting: Workspace) -> None:
    """What waits keeps nobody from deleting what it refers to; by then it is refused, and nothing refers to nothing."""
    story = Story(deleting)
    record = story.won("lisi")
    calls = Flow("calls", Trigger("follow_up", actions=("create",)), (Step("lead", (NamedMember("zhangsan"),)),))
    with deleting.acting_as("admin") as session:
        session.configuration.change(deleting.configuration.with_flows(calls))
    with deleting.acting_as("lisi") as session:
        asked = session.follow_ups.create({"customer": record.id, "at": "2024-03-15 09:00", "content": "电话"})
        assert isinstance(asked, AwaitingApproval)
    with deleting.acting_as("sunjiu") as session:
        session.customers.delete(record.id, version=ANY)
    with deleting.acting_as("zhangsan") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.approvals.approve(asked.request.id)
        assert [(problem.field, problem.code) for problem in caught.value.problems] == [
            ("customer", "unknown_reference")
        ]
        session.approvals.reject(asked.request.id, comment="客户已删除")
    assert deleting.check_integrity().ok

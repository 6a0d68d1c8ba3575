"""References are written as people name things: by title, by a unique value, or by id."""

from __future__ import annotations

from pathlib import Path

import pytest

from custinfo import InvalidInputError, Workspace
from custinfo.adapters.excel import plan_import
from tests.adapters.excel.sheets_by_hand import workbook as workbook_of
from tests.unit.workspace.story import ENTERPRISE, Story, applied

NOTE = {"跟进时间": "2024-03-01 10:00", "跟进内容": "电话沟通"}


def refusals(error: InvalidInputError) -> list[tuple[str, str | None]]:
    """Return (code, field) of every problem."""
    return [(problem.code, problem.field) for problem in error.problems]


@pytest.mark.parametrize(
    "name", ["北京示例科技有限公司", " 北京示例科技有限公司 ", "91350100M000100Y43", "91350100m000100y43"]
)
def test_by_title_or_unique_value(workspace: Workspace, story: Story, name: str) -> None:
    """A follow-up finds its customer by the name or the credit code, on creation and in an update."""
    customer = story.customer()
    with workspace.acting_as("lisi") as session:
        note = applied(session.follow_ups.create({**NOTE, "客户": name}))
        assert note["客户"] == customer.id
        assert applied(session.follow_ups.update(note.id, {"customer": name}, version=1)).version == 1


def test_what_names_several_or_none(workspace: Workspace, story: Story) -> None:
    """A title that two customers have is refused as ambiguous; one that nobody has, like an unknown id."""
    story.customer()
    story.customer(uscc="", phone="13900000001")
    with workspace.acting_as("lisi") as session:
        for name, code in (("北京示例科技有限公司", "ambiguous_reference"), ("没有这家", "unknown_reference")):
            with pytest.raises(InvalidInputError) as caught:
                session.follow_ups.create({**NOTE, "客户": name})
            assert refusals(caught.value) == [(code, "customer")]
    text = caught.value.problems[0].message("zh")
    assert text == "客户：没有您可以引用的客户，请填写其编号、名称或唯一值"


def test_out_of_reach_does_not_exist(workspace: Workspace, story: Story) -> None:
    """Customers of others are not found by name, and do not make a name ambiguous; archived ones neither."""
    theirs = story.customer("wangwu")
    with workspace.acting_as("lisi") as session:
        for name in (theirs["name"], ENTERPRISE["uscc"], theirs.id):
            with pytest.raises(InvalidInputError) as caught:
                session.follow_ups.create({**NOTE, "客户": name})
            assert refusals(caught.value) == [("unknown_reference", "customer")]
    mine = story.customer(uscc="", phone="13900000001")
    with workspace.acting_as("lisi") as session:
        assert applied(session.follow_ups.create({**NOTE, "客户": "北京示例科技有限公司"}))["客户"] == mine.id
        session.customers.archive(mine.id, version=1)
        with pytest.raises(InvalidInputError):
            session.follow_ups.create({**NOTE, "客户": "北京示例科技有限公司"})


def test_a_record_that_goes_in_between(workspace: Workspace, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who had a unique value, and is gone when they are looked at, is named by nothing: a problem, and no error."""
    story.customer("lisi")
    with workspace.acting_as("lisi") as session:
        records = type(session.context.unit.records)
        monkeypatch.setattr(records, "holders", lambda *_: {"91350100M000100Y43": "gone"})
        with pytest.raises(InvalidInputError) as caught:
            session.follow_ups.create({**NOTE, "客户": "91350100M000100Y43"})
    assert refusals(caught.value) == [("unknown_reference", "customer")]


def test_in_an_import(workspace: Workspace, story: Story, tmp_path: Path) -> None:
    """Rows of a workbook name their customers; each wrong one says so at its cell."""
    first = story.customer("sunjiu")
    second = story.customer("sunjiu", name="另一家", uscc="", phone="13900000001")
    path = tmp_path / "notes.xlsx"
    rows = [[name, "2024-03-01", "谈合作"] for name in ("另一家", "91350100M000100Y43", second.id, "无此公司")]
    path.write_bytes(workbook_of(["客户", "跟进时间", "跟进内容"], *rows))
    with workspace.acting_as("zhoushi") as session:
        assert session.follow_ups.count() == 0
    with workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "follow_up", path)
        assert [row.outcome for row in plan.rows] == ["create", "create", "create", "rejected"]
        [problem] = [item for item in plan.rows[3].problems if item.severity == "error"]
        assert (problem.code, problem.field, problem.place and problem.place.column) == (
            "unknown_reference",
            "customer",
            1,
        )
        plan.apply()
        found = session.follow_ups.distribution("customer")
        assert found == {second.id: 2, first.id: 1}

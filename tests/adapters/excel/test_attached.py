"""Tags and follow-ups come along in columns of their own; again they change nothing, and undo takes them back."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from custinfo import ANY, F, Workspace
from custinfo.adapters.excel import ExcelPlan, export, plan_import
from tests.adapters.excel.sessions import loaded, open_workspace, saved
from tests.adapters.excel.sheets_by_hand import workbook

HEADER = "客户名称,客户类型,联系人,联系方式,标签,跟进记录,标签:需求"
TALKS = '"2024-03-01 电话联系，有意向\n2024年3月8日 拜访\n谈价格"'
ROWS = (
    f"甲公司,企业客户,张三,13812345678,行业:制造业; 自定义:老客户,{TALKS},培训",
    "乙公司,企业客户,李四,13812345679,,寄了资料,",
    "丙公司,企业客户,王五,13812345670,行业:没有的,,",
)


def table(*rows: str) -> bytes:
    """Return a text table."""
    return "\n".join((HEADER, *rows)).encode()


def planned(workspace: Workspace, content: bytes) -> tuple[list[str], ExcelPlan]:
    """Return what the rows come to."""
    with workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", content)
        return [row.outcome for row in plan.rows], plan


def imported(workspace: Workspace, content: bytes) -> Any:
    """Plan and apply."""
    with workspace.acting_as("sunjiu") as session:
        return plan_import(session, "customer", content).apply()


def follow_ups(workspace: Workspace) -> list[tuple[str, datetime]]:
    """Return the follow-ups of the store."""
    with workspace.acting_as("zhoushi") as session:
        return [(view["content"], view["at"]) for view in session.records("follow_up").find(order_by=["id"]).records]


def test_tags_and_follow_ups_of_new_records() -> None:
    """They are read, saved with the record, and undone with it; unknown tags reject the row."""
    with open_workspace() as workspace:
        outcomes, plan = planned(workspace, table(*ROWS))
        assert outcomes == ["create", "create", "rejected"]
        assert plan.problems[-1].code == "unknown_tag"
        assert plan.problems[-1].place is not None
        assert plan.problems[-1].place.column == 5
        assert follow_ups(workspace) == []
        report = imported(workspace, table(*ROWS))
        with workspace.acting_as("zhoushi") as session:
            (first,) = session.customers.find(F.name == "甲公司").records
        assert {tuple(tag) for tag in first.tags} == {("行业", "制造业"), ("自定义", "老客户"), ("需求", "培训")}
        assert [text for text, _ in follow_ups(workspace)] == ["电话联系，有意向", "拜访\n谈价格", "寄了资料"]
        assert follow_ups(workspace)[0][1] == datetime(2024, 2, 29, 16, tzinfo=UTC)
        undone = workspace.undo_import(report.batch_id, actor="admin")
        assert (len(undone.removed), undone.kept) == (5, ())
        assert follow_ups(workspace) == []


def test_again_nothing_changes() -> None:
    """The same file adds nothing; another line adds one follow-up, another tag is added to those that are there."""
    with open_workspace() as workspace:
        imported(workspace, table(*ROWS[:2]))
        assert planned(workspace, table(*ROWS[:2]))[0] == ["unchanged", "unchanged"]
        more = ROWS[1].replace("寄了资料,", '"寄了资料\n2024-04-01 回访",采购设备')
        assert planned(workspace, table(more))[0] == ["update"]
        report = imported(workspace, table(more))
        assert [text for text, _ in follow_ups(workspace)][-1] == "回访"
        assert len(follow_ups(workspace)) == 4
        undone = workspace.undo_import(report.batch_id, actor="admin")
        assert (len(undone.removed), len(undone.reverted)) == (1, 1)
        assert len(follow_ups(workspace)) == 3


def test_who_refers_to_it_keeps_a_record() -> None:
    """A record to which somebody added a follow-up since is not undone, and neither is what it brought along lost."""
    with open_workspace() as workspace:
        report = imported(workspace, table(ROWS[1]))
        with workspace.acting_as("sunjiu") as session:
            (record,) = session.customers.find().records
            session.records("follow_up").create({"customer": record.id, "at": "2024-05-01", "content": "后来"})
        undone = workspace.undo_import(report.batch_id, actor="admin")
        assert (len(undone.removed), undone.kept) == (1, (record.id,))


def test_an_export_with_tags_changes_nothing() -> None:
    """What an export writes into the column of tags is what is there."""
    with open_workspace() as workspace:
        imported(workspace, table(*ROWS[:2]))
        target = BytesIO()
        with workspace.acting_as("zhoushi") as session:
            export(session, "customer", target)
        with workspace.acting_as("sunjiu") as session:
            plan = plan_import(session, "customer", target.getvalue())
            assert [row.outcome for row in plan.rows] == ["unchanged", "unchanged"]
            (view,) = session.customers.find(F.name == "甲公司").records
            session.customers.update(view.id, {"contact_name": "张三丰"}, version=ANY)
            again = plan_import(session, "customer", target.getvalue())
            assert [row.outcome for row in again.rows] == ["update", "unchanged"]


def test_follow_ups_beside_merged_cells() -> None:
    """A customer whose cells are merged over several rows is one, with the follow-ups that stand beside it."""
    header = ("序号", "客户名称", "客户类型", "联系人", "联系方式", "跟进记录")
    content = workbook(
        header,
        (1, "甲公司", "企业客户", "张三", "13812345678", "2024-03-01 电话联系"),
        (2, None, None, None, None, "2024-03-08 拜访"),
        (3, None, None, None, None, "谈价格"),
        (4, "乙公司", "企业客户", "李四", "13812345679", "寄了资料"),
        (5, None, None, "王五", None, "2024-03-09 另一人"),
        merges=("B2:B4", "C2:C4", "D2:D4", "E2:E4", "B5:B6", "C5:C6", "E5:E6"),
    )
    with open_workspace() as workspace:
        outcomes, plan = planned(workspace, content)
        assert [row.row for row in plan.rows] == [2, 5, 6]
        assert outcomes == ["create", "create", "duplicate"]
        imported(workspace, content)
        assert {text for text, _ in follow_ups(workspace)} == {"电话联系", "拜访\n谈价格", "寄了资料"}


def test_errors_beside_merged_cells_keep_what_comes_along() -> None:
    """A refused customer comes back with all of its follow-ups in one cell; corrected, it has them."""
    content = workbook(
        ("客户名称", "客户类型", "联系人", "联系方式", "跟进记录"),
        ("甲公司", "企业客户", "张三", "138", "2024-03-01 电话联系"),
        (None, None, None, None, "2024-03-08 拜访"),
        merges=("A2:A3", "B2:B3", "C2:C3", "D2:D3"),
    )
    with open_workspace() as workspace, workspace.acting_as("sunjiu") as session:
        target = BytesIO()
        plan_import(session, "customer", content).write_errors(target, form="sheet")
        book = loaded(target.getvalue())
        (phone,) = [cell for cell in book.active[2] if cell.value == "138"]
        phone.value = "13812345678"
        plan_import(session, "customer", saved(book)).apply()
        assert {view["content"] for view in session.follow_ups.find().records} == {"电话联系", "拜访"}


def test_an_error_beside_merged_cells_is_found() -> None:
    """A cell without a usable value is no line of text."""
    content = workbook(
        ("客户名称", "客户类型", "联系人", "联系方式", "跟进记录"),
        ("甲公司", "企业客户", "张三", "13812345678", "2024-03-01 电话联系"),
        (None, None, None, None, "=NOW()"),
        merges=("A2:A3", "B2:B3", "C2:C3", "D2:D3"),
    )
    book = loaded(content)
    book.active["E3"] = "=NOW()"  # which openpyxl writes without a result
    with open_workspace() as workspace:
        outcomes, plan = planned(workspace, saved(book))
        assert outcomes == ["rejected"]
        assert [problem.code for problem in plan.rejected[0].problems] == ["formula_without_value"]

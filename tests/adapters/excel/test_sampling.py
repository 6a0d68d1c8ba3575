"""A migration is checked by samples; a plan can be written down, and tells what changes."""

from __future__ import annotations

import io
from typing import Any

from custinfo import ANY, F, FieldDefinition, ModuleDefinition
from custinfo.adapters.excel import plan_import
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import acting_as, loaded

TABLE = (
    "客户名称,客户类型,联系人,联系方式,年采购预算\n"
    "甲公司,企业客户,张三,13812345678,80万\n"
    "乙公司,企业客户,李四,13812345679,5\n"
    "丙公司,企业客户,王五,13812345670,\n"
    "丁公司,企业客户,赵六,123,\n"
).encode()


def cells(written: io.BytesIO) -> list[list[Any]]:
    """Return everything in the first sheet of a workbook."""
    return [[cell.value for cell in row] for row in loaded(written).active.iter_rows()]


def test_rows_beside_their_records() -> None:
    """Rows stored as they stand are equal; others are told with both values, and so is what is not there at all."""
    with acting_as("sunjiu") as session:
        report = plan_import(session, "customer", TABLE).apply()
        before = report.sample_check(10)
        assert [(row.row, row.result) for row in before.rows] == [
            (2, "equal"), (3, "equal"), (4, "equal"), (5, "left_out")
        ]  # fmt: skip
        assert (before.equal, before.holds) == (3, True)
        first, second, _ = session.customers.find(order_by=["name"]).records
        names = {view["name"]: view for view in session.customers.find().records}
        session.customers.update(names["乙公司"].id, {"annual_budget": 7}, version=ANY)
        session.customers.archive(names["丙公司"].id, version=ANY)
        later = plan_import(session, "customer", TABLE).sample_check(10)
        assert [(row.row, row.result) for row in later.rows] == [
            (2, "equal"), (3, "different"), (4, "missing"), (5, "left_out")
        ]  # fmt: skip
        (difference,) = later.rows[1].differences
        assert (difference.label, difference.source, difference.stored) == ("年采购预算", "5.00", "7.00")
        assert not later.holds
        target = io.BytesIO()
        later.write(target)
        header, *lines = cells(target)
        assert header == ["原行号", "结果", "记录编号", "字段", "文件中的值", "系统中的值"]
        assert lines[1] == ["3", "不一致", names["乙公司"].id, "年采购预算", "5.00", "7.00"]
        assert first.id != second.id


def test_a_row_that_was_taken_over_is_never_left_out() -> None:
    """A record whose keys are not those of its row any more is told as different, not left out as a duplicate."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", TABLE)
        report = plan.apply()
        (record,) = session.customers.find(F.name == "甲公司").records
        session.customers.update(record.id, {"phone": "13812345677"}, version=ANY)
        checked = report.sample_check(10)
        assert [row.result for row in checked.rows] == ["different", "equal", "equal", "left_out"]
        (difference,) = checked.rows[0].differences
        assert (difference.field, difference.source, difference.stored) == ("phone", "13812345678", "13812345677")
        assert not checked.holds


def test_records_without_a_key_are_compared() -> None:
    """Where no field names a record, rows are compared with the records that they are likely about."""
    definition = ModuleDefinition("thing", [FieldDefinition("title", "text", "名称")], "事物", title_field="title")
    every: frozenset[Action] = frozenset({"view", "create", "edit", "import"})
    grant = Grant("data_administrator", "thing", every, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
    configuration = standard_configuration().with_modules(definition).with_grants(grant)
    with acting_as("sunjiu", configuration) as session:
        plan = plan_import(session, "thing", "名称\n示例科技\n样品贸易\n".encode())
        assert [row.result for row in plan.apply().sample_check(10).rows] == ["equal", "equal"]


def test_samples_are_chosen_by_the_seed() -> None:
    """As many rows as asked for, the same ones for the same seed; comparing writes nothing."""
    text = "客户名称,客户类型,联系人,联系方式\n" + "".join(
        f"公司{number},企业客户,张三,138{number:08}\n" for number in range(100)
    )
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", text.encode())
        one, same, other = (plan.sample_check(5, seed=seed) for seed in (1, 1, 2))
        assert [row.row for row in one.rows] == [row.row for row in same.rows] != [row.row for row in other.rows]
        assert len(one.rows) == 5
        assert {row.result for row in one.rows} <= {"missing", "left_out"}
        assert session.customers.count() == 0


def test_a_plan_as_a_workbook() -> None:
    """Each row with what it comes to, what changes, and what was found."""
    with acting_as("sunjiu") as session:
        plan_import(session, "customer", TABLE).apply()
        changed = TABLE.replace("张三".encode(), "张三丰".encode()).replace(b"13812345670", b"13812345671")
        plan = plan_import(session, "customer", changed)
        assert [row.outcome for row in plan.rows] == ["update", "unchanged", "duplicate", "rejected"]
        (change,) = plan.changes(plan.rows[0])
        assert tuple(change) == ("contact_name", "张三", "张三丰")
        assert plan.changes(plan.rows[1]) == ()
        target = io.BytesIO()
        plan.write(target)
        lines = cells(target)
        assert lines[0] == ["原行号", "结果", "记录编号", "变更", "发现"]
        assert lines[1][:2] == [2, "更新"]
        assert lines[1][3] == "联系人: 张三 → 张三丰"
        assert [line[1] for line in lines[2:]] == ["无变化", "疑似重复", "退回"]
        assert lines[4][4] == "联系方式：不是有效的电话号码"


def test_a_row_of_a_plan_shows_everything_found() -> None:
    """A row is as high as all of its findings need: not every program makes room by itself."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", "客户名称,客户类型,联系方式,联系人\n甲公司,国企,1,张三\n".encode())
        target = io.BytesIO()
        plan.write(target)
        sheet = loaded(target).active
        assert sheet["E2"].value.count("\n") == 1
        assert sheet.row_dimensions[2].height == 30

"""Columns in 万元 and the like: their numbers become the amounts that they mean, and come back as they were written."""

import io
import pickle
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from custinfo import Configuration
from custinfo.adapters.excel import ErrorForm, ExcelPlan, plan_import
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.policy.grants import ALL_FIELDS, Grant
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import acting_as, loaded, saved
from tests.adapters.excel.sheets_by_hand import workbook

HEADINGS = ("客户名称", "客户类型", "联系人", "联系方式")
FIRST = ("甲公司", "企业客户", "张三", "13800138000")
SECOND = ("乙公司", "企业客户", "李四", "13900139000")
BUDGET = "年采购预算（万元）"


def budget_of(heading: str, value: object, configuration: Configuration | None = None, **options: Any) -> Any:
    """Return the budget that an import of one customer stores, or the codes of what is wrong with it."""
    with acting_as("sunjiu", configuration) as session:
        plan = plan_import(session, "customer", workbook((*HEADINGS, heading), (*FIRST, value)), **options)
        if plan.rejected:
            return [item.code for item in plan.rejected[0].problems if item.severity == "error"]
        plan.apply()
        (view,) = session.customers.find().records
        return view.get("annual_budget")


HEADED = {
    BUDGET: 10_000,
    "年采购预算(万元)": 10_000,
    "年采购预算（万）": 10_000,
    "年采购预算【单位：万元】": 10_000,
    "5、年采购预算（人民币万元）": 10_000,
    "年采购预算/万元": 10_000,
    "Annual budget (万RMB)": 10_000,
    "年采购预算（千元）": 1_000,
    "年采购预算（百万元）": 1_000_000,
    "年采购预算（亿元）": 100_000_000,
    "年采购预算（元）": 1,
    "年采购预算": 1,
}


@pytest.mark.parametrize(("heading", "factor"), HEADED.items())
def test_units_in_headings(heading: str, factor: int) -> None:
    """The heading says in which unit its numbers are."""
    assert budget_of(heading, 8.5) == Decimal("8.5") * factor


WRITTEN: dict[object, object] = {
    80: 800_000,
    0.1: 1_000,
    "80": 800_000,
    "１,２００": 12_000_000,
    "¥80": 800_000,
    "1e2": 1_000_000,
    "50万": 500_000,
    "3.5亿": 350_000_000,
    "80元": 80,
    None: None,
    -3: ["too_small"],
    "(3)": ["too_small"],
    "约200": ["invalid_number"],
    1e9: ["number_out_of_range"],
    True: ["wrong_type"],
}


@pytest.mark.parametrize(("value", "expected"), WRITTEN.items())
def test_values_below_a_unit(value: object, expected: object) -> None:
    """Numbers are in the unit of their heading; text that says its own has that; the rest is refused as ever."""
    assert budget_of(BUDGET, value) == expected


MAPPED = {
    "采购额（万元）": 800_000,
    "采购额万元": 800_000,
    "采购额（万元/年）": 800_000,
    "采购额（单位：万元，含税）": 800_000,
    "采购额（万元人民币）": 800_000,
    "采购额 百万元": 80_000_000,
    "采购额（10万元以上）": 80,
    "万元以上客户的采购额": 80,
    "采购额（十万元户）": 80,
    "采购额（万美元）": 80,
}


@pytest.mark.parametrize("name", [None, "E"])
@pytest.mark.parametrize(("heading", "expected"), MAPPED.items())
def test_units_of_headings_that_are_mapped(heading: str, expected: int, name: str | None) -> None:
    """Whoever says which field a heading means does not take its unit away, wherever that stands."""
    assert budget_of(heading, 80, mapping={name or heading: "annual_budget"}) == expected


def test_fields_that_count_in_units_themselves() -> None:
    """Where the label says the unit, the values are in it; and of numbers that are no money no unit is known."""
    standard = standard_configuration()
    labelled = standard.change_field("customer", "annual_budget", label="年采购预算（万元）")
    assert budget_of(BUDGET, 80, labelled) == 80
    assert budget_of("预算", 80, labelled, mapping={"预算": "annual_budget"}) == 80
    assert budget_of("预算（亿元）", 1.5, labelled, mapping={"预算（亿元）": "annual_budget"}) == 15_000
    assert budget_of("预算（元）", 805_000, labelled, mapping={"预算（元）": "annual_budget"}) == Decimal("80.5")
    dollars = standard.change_field("customer", "annual_budget", options={"currency": "USD"})
    assert budget_of(BUDGET, 80, dollars) is None
    assert budget_of(BUDGET, 80, dollars, mapping={BUDGET: "annual_budget"}) == 80


def planned(session: Any, *rows: tuple[object, ...], **options: Any) -> ExcelPlan:
    """Return the plan of an import of customers with budgets in 万元."""
    return plan_import(session, "customer", workbook((*HEADINGS, BUDGET), *rows), **options)


def test_people_are_told() -> None:
    """A warning at the heading says by how much the numbers are multiplied."""
    with acting_as("sunjiu") as session:
        (problem,) = planned(session, (*FIRST, 80)).problems
    assert (problem.code, problem.severity, problem.place and problem.place.column) == ("amounts_scaled", "warning", 5)
    assert problem.message("zh") == "年采购预算（万元）：该列标题带单位：数字已乘以 10000"
    labelled = standard_configuration().change_field("customer", "annual_budget", label=BUDGET)
    with acting_as("sunjiu", labelled) as session:
        sheet = workbook((*HEADINGS, "预算（元）"), (*FIRST, 800_000))
        (problem,) = plan_import(session, "customer", sheet, mapping={"预算（元）": "annual_budget"}).problems
    assert problem.message("zh") == "预算（元）：该列标题带单位：数字已乘以 0.0001"


@pytest.mark.parametrize("form", ["rows", "sheet", "marked"])
def test_errors_come_back_as_they_were_written(form: ErrorForm) -> None:
    """The error workbook has the user's numbers below the user's heading, and is read like the file."""
    errors = io.BytesIO()
    with acting_as("sunjiu") as session:
        plan = planned(session, (*FIRST, 80), (*SECOND[:3], "12", 8.5))
        plan.write_errors(errors, form=form)
        (row,) = plan.rejected
        assert row.raw == (*SECOND[:3], "12", 8.5)
        assert pickle.loads(pickle.dumps(row)).raw == row.raw
        assert plan.rows[0].raw == (*FIRST, 80)
        plan.apply()
        book = loaded(errors)
        (bad,) = (cell for line in book.worksheets[0].iter_rows() for cell in line if cell.value == "12")
        bad.value = SECOND[3]
        plan_import(session, "customer", saved(book)).apply()
        assert {view["annual_budget"] for view in session.customers.find().records} == {800_000, 85_000}


def test_samples_are_compared_as_they_are_meant() -> None:
    """What an import stored agrees with its file: amounts in their unit, and days that count from 1904."""
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for line in ((*HEADINGS, BUDGET, "成立时间"), (*FIRST, 80, 43894), (*SECOND, "12", 43895)):
        book.active.append(line)
    with acting_as("sunjiu") as session:
        checked = plan_import(session, "customer", saved(book)).apply().sample_check(2)
    assert (checked.holds, checked.equal) == (True, 2)


@pytest.mark.parametrize(
    "rows",
    [((1, 2, 3, 4, 5), (*FIRST, 80), (*SECOND, 20)), ((*FIRST, 80), (*SECOND, 20), (None, None, None, None, 100))],
)
def test_lines_that_are_no_data(rows: tuple[tuple[object, ...], ...]) -> None:
    """Numbers of columns, and sums, are told from data by what their cells hold."""
    with acting_as("sunjiu") as session:
        plan = planned(session, *rows)
        assert (plan.counts.creates, plan.counts.skipped) == (2, 1)


def test_units_on_further_sheets() -> None:
    """Amounts of records that come along have the unit of their heading, too."""
    fields = (
        FieldDefinition("customer", "reference", "客户", options={"module": "customer"}),
        FieldDefinition("sum", "money", "订单金额"),
    )
    grant = Grant("data_administrator", "order", frozenset({"view", "create"}), "all", view=ALL_FIELDS, edit=ALL_FIELDS)
    configuration = standard_configuration().with_modules(ModuleDefinition("order", fields)).with_grants(grant)
    book = loaded(workbook(HEADINGS, FIRST))
    orders = book.create_sheet("订单")
    for line in (("客户", "订单金额（万元）"), ("甲公司", 3.5)):
        orders.append(line)
    with acting_as("sunjiu", configuration) as session:
        plan = plan_import(session, "customer", saved(book), related={"订单": "order"})
        assert [problem.code for problem in plan.problems] == ["amounts_scaled"]
        plan.apply()
        assert [view["sum"] for view in session.records("order").find().records] == [35_000]


@pytest.mark.parametrize(
    ("note", "heading", "told"),
    [
        ("单位：万元", "年采购预算", ["unit_not_in_heading"]),
        ("（金额单位：人民币千元）", "年采购预算", ["unit_not_in_heading"]),
        ("单位 ：   万元      制表人：王五", "年采购预算", ["unit_not_in_heading"]),
        ("单位：万元", BUDGET, ["amounts_scaled"]),
        ("单位：万元", "年采购预算（元）", []),
        ("单位：元", "年采购预算", []),
        ("填报单位：万达公司", "年采购预算", []),
    ],
)
def test_units_of_a_whole_sheet(note: str, heading: str, told: list[str]) -> None:
    """A unit above the table is not guessed to be that of a column: people are told to write it into the heading."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", workbook(("客户台账", None, note), (*HEADINGS, heading), (*FIRST, 80)))
    assert [problem.code for problem in plan.problems] == told
    if told == ["unit_not_in_heading"]:
        assert "如“金额（" in plan.problems[0].message("zh")

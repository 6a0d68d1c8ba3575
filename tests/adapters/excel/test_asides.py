"""Lines of totals, remarks, examples and guides are no data: each is told, left out, and never lost without a word."""

import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custinfo.adapters.excel import ExcelPlan, plan_import
from custinfo.adapters.excel._asides import aside_of
from tests.adapters.excel.sessions import acting_as, loaded, saved
from tests.adapters.excel.sheets_by_hand import workbook

HEADINGS = ("客户名称", "客户类型", "联系人", "联系方式", "年采购预算")
FIRST = ("甲公司", "企业客户", "张三", "13800138000", 100)
SECOND = ("乙公司", "企业客户", "李四", "13900139000", 200)


def planned(*rows: tuple[object, ...], merges: tuple[str, ...] = ()) -> ExcelPlan:
    """Return the plan of an import of customers, which is applied too."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", workbook(*rows, merges=merges))
        assert plan.apply().counts == plan.counts
        return plan


BELOW = {
    "totals": ("合计", None, None, None, 300),
    "totals with blanks": ("合　计", None, None, None, 300),
    "totals with a count": ("合计：2家", None, None, None, 300),
    "totals of a part": ("华东小计", None, None, None, 300),
    "totals in English": ("Grand total:", None, None, None, "300.00"),
    "totals in a later column": (None, None, "总计（元）", None, 300),
    "totals of nothing but a number": (None, None, None, None, 300),
    "a count": ("共 2 条记录", None, None, None, None),
    "a remark": ("备注：以上数据截至2024年3月", None, None, None, None),
    "a note": ("注1：金额含税", None, None, None, None),
    "signatures": ("制表人：王五", None, "审核：赵六", None, None),
    "who made it, and when": ("制表：王五", None, None, "日期：2024-03-05", None),
    "nothing further": ("以下空白", None, None, None, None),
    "an end": ("———— 完 ————", None, None, None, None),
    "signatures in all columns": ("制表：王五", "审核：赵六", "部门：销售部", "电话：010-1234567", "日期：2024-03-05"),
    "a sentence": ("以上客户资料由销售部提供，如有疑问请联系王五。", None, None, None, None),
    "a number of a page": ("第 2 页 / 共 2 页", None, None, None, None),
    "a number of a page in English": ("Page 1 of 2", None, None, None, None),
    "the heading of a section": ("二、华北区", None, None, None, None),
}


@pytest.mark.parametrize("row", BELOW.values(), ids=BELOW)
def test_what_stands_below_a_table(row: tuple[object, ...]) -> None:
    """It is skipped with a warning that names its place, and the customers above are taken over."""
    plan = planned(HEADINGS, FIRST, SECOND, row)
    assert (plan.counts.creates, plan.counts.skipped, plan.counts.total) == (2, 1, 3)
    skipped = plan.rows[-1]
    assert (skipped.row, skipped.outcome, skipped.raw) == (4, "skip", row)
    (problem,) = skipped.problems
    assert (problem.code, problem.severity, problem.place and problem.place.row) == ("no_data_row", "warning", 4)
    assert "未导入" in problem.message("zh")
    assert "not imported" in problem.message("en")


ABOVE = {
    "an example": ("示例：北京某某公司", "企业客户", "张三", "13800000000", 1),
    "an example in brackets": ("（示例，导入前请删除）某某公司", "企业客户", "张三", "13800000000", 1),
    "an example in English": ("e.g.: Some company", "企业客户", "张三", "13800000000", 1),
    "a guide": ("必填，不超过100字", "必填，企业客户/个人客户", "必填", "必填，11位手机号", "选填"),
    "a guide of one cell": ("（必填）请填写全称", None, None, None, None),
    "numbers of columns": (1, 2, 3, 4, 5),
    "numbers of columns in brackets": ("（1）", "（2）", "（3）", "（4）", "（5）"),
    "a unit": (None, None, None, None, "（元）"),
}


@pytest.mark.parametrize("row", ABOVE.values(), ids=ABOVE)
def test_what_stands_between_headings_and_data(row: tuple[object, ...]) -> None:
    """It is skipped with a warning, and the customers below are taken over."""
    plan = planned(HEADINGS, row, FIRST, SECOND)
    assert (plan.counts.creates, plan.counts.skipped) == (2, 1)
    assert plan.rows[0].outcome == "skip"
    assert [problem.code for problem in plan.rows[0].problems] == ["no_data_row"]


DATA = {
    "a customer called like a line of totals": (("合计", "企业客户", "张三", "13800138000", 1), "create"),
    "a customer called like an example": (("示例科技有限公司", "企业客户", "张三", "13800138000", 1), "create"),
    "a customer who designs": (("总计划设计公司", "企业客户", "张三", "13800138000", 1), "create"),
    "a phone without a name": ((None, None, None, 13700137000, None), "rejected"),
    "a number that is no sum": ((None, None, None, None, 310), "rejected"),
    "a unit that changes every amount": ((None, None, None, None, "万元"), "rejected"),
    "a name alone": (("丙公司", None, None, None, None), "rejected"),
}


@pytest.mark.parametrize(("row", "outcome"), DATA.values(), ids=DATA)
def test_what_is_data_after_all(row: tuple[object, ...], outcome: str) -> None:
    """A row is taken for data unless all of it agrees with what its words say."""
    assert [item.outcome for item in planned(HEADINGS, row).rows] == [outcome]
    assert [item.outcome for item in planned(HEADINGS, SECOND, row).rows] == ["create", outcome]


@pytest.mark.parametrize("filler", ["-", "/", "——", "……"])
def test_lines_that_are_crossed_out(filler: str) -> None:
    """A line of nothing but dashes is blank."""
    plan = planned(HEADINGS, FIRST, (filler,) * 5)
    assert [row.outcome for row in plan.rows] == ["create", "skip"]


def test_lines_that_are_numbered_in_advance() -> None:
    """A number alone, in a column that means no field, makes no row; with a value beside it the row is refused."""
    header = ("序号", *HEADINGS)
    plan = planned(header, (1, *FIRST), *((number,) for number in range(2, 90)), (90, None, "企业客户"))
    assert (plan.counts.creates, plan.counts.skipped, plan.counts.rejected) == (1, 88, 1)
    assert {problem.severity for problem in plan.rows[1].problems} == {"notice"}


def test_a_number_that_is_a_value_is_no_blank_line() -> None:
    """Where the column means a field, its number is a value."""
    plan = planned(("年采购预算", *HEADINGS[:4]), (1, *FIRST[:4]), (2,))
    assert [row.outcome for row in plan.rows] == ["create", "rejected"]


def test_parts_with_totals_of_their_own() -> None:
    """Each of the lines is told, wherever it stands; the rows keep their order."""
    part = ("小计", None, None, None, 100)
    plan = planned(HEADINGS, FIRST, part, SECOND, part, ("总计", None, None, None, 300))
    assert [row.outcome for row in plan.rows] == ["create", "skip", "create", "skip", "skip"]


def test_a_total_that_was_never_calculated() -> None:
    """A formula without a result is no error where it stands alone below the table."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (HEADINGS, FIRST, SECOND, (None, None, None, None, "=SUM(E2:E3)")):
        sheet.append(row)
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", saved(book))
    assert [row.outcome for row in plan.rows] == ["create", "create", "skip"]


def test_corrected_rows_come_without_them() -> None:
    """The workbook of what was refused has the refused rows alone, and a sample is drawn from the data."""
    content = workbook(HEADINGS, (*FIRST[:3], "123", 100), SECOND, ("合计", None, None, None, 300))
    file = io.BytesIO()
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", content)
        plan.write_errors(file)
        report = plan.apply()
        assert {row.row for row in report.sample_check(10).rows} == {2, 3}
        again = plan_import(session, "customer", content)
        assert [row.outcome for row in again.rows] == ["rejected", "unchanged", "skip"]
    assert [[cell.value for cell in row[1:3]] for row in loaded(file).active.iter_rows(min_row=2)] == [[2, "甲公司"]]


def test_a_further_sheet_has_them_too() -> None:
    """What stands below the follow-ups is told among the problems of the plan."""
    book = openpyxl.Workbook()
    main = book.active
    assert main is not None
    main.title = "客户"
    for row in (HEADINGS, FIRST):
        main.append(row)
    further = book.create_sheet("跟进记录")
    for line in (("客户", "跟进时间", "跟进内容"), ("甲公司", "2024-03-05", "电话沟通"), ("合计", None, 1)):
        further.append(line)
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", saved(book), sheet="客户", related={"跟进记录": "follow_up"})
    assert [problem.code for problem in plan.problems if problem.severity != "notice"] == ["no_data_row"]
    assert plan.problems[0].place is not None
    assert (plan.problems[0].place.sheet, plan.problems[0].place.row) == ("跟进记录", 3)


@pytest.mark.parametrize("text", ["*" * 32_767, " " * 32_000 + "x", "合计" * 16_000, "（" * 32_767, "1," * 16_000])
def test_long_texts_take_no_time(text: str) -> None:
    """A cell as long as it may be is looked at from its beginning only."""
    assert aside_of((text, None, None, 1), leading=True) is None


@given(
    st.lists(st.none() | st.from_regex(r"[a-zA-Z][ -~]{0,8}", fullmatch=True) | st.integers(), min_size=1, max_size=6),
    st.booleans(),
)
def test_a_row_without_their_words_is_data(values: list[object], leading: bool) -> None:
    """What has no Chinese and none of the English words is data, whatever else it holds."""
    words = (
        "total",
        "note",
        "remark",
        "source",
        "by",
        "printed",
        "page",
        "end",
        "e",
        "f",
        "m",
        "o",
        "r",
        "s",
        "g",
        "c",
    )
    texts = [value for value in values if isinstance(value, str)]
    plain = all(text.isascii() and text[0].isalpha() and not text.lower().startswith(words) for text in texts)
    assert not plain or aside_of(values, leading=leading) is None


def test_a_table_without_rows_says_so() -> None:
    """A template that nobody filled in makes an empty plan, with a warning."""
    plan = planned(HEADINGS)
    assert (plan.counts.total, [problem.code for problem in plan.column_problems]) == (0, ["no_data"])
    assert plan.column_problems[0].severity == "warning"

"""Files as people have them: each is planned as its owner would expect, or refused for a reason that helps."""

import datetime as dt
import io
import struct

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from custinfo import InvalidInputError, UnreadableFileError
from custinfo.adapters.excel import ExcelPlan, plan_import
from custinfo.adapters.excel._limits import DEFAULT_LIMITS
from custinfo.adapters.excel._old_records import FORMULA
from custinfo.adapters.excel._old_sheet import mark_of
from custinfo.adapters.excel.reading import CellError, UncachedFormula, read_tables
from tests.adapters.excel.sessions import acting_as, saved
from tests.adapters.excel.sheets_by_hand import excel_95, parts, text_cell, workbook, worksheet, zipped

HEADINGS = ("客户名称", "客户类型", "联系人", "联系方式")
FIRST = ("甲公司", "企业客户", "张三", "13800138000")
SECOND = ("乙公司", "企业客户", "李四", "13900139000")
BOTH = {"甲公司": "13800138000", "乙公司": "13900139000"}


def planned(content: bytes, **options: object) -> ExcelPlan:
    """Return the plan of an import of customers."""
    with acting_as("sunjiu") as session:
        return plan_import(session, "customer", io.BytesIO(content), **options)  # type: ignore[arg-type]


def phones(content: bytes) -> dict[str, str]:
    """Apply an import, and return the name and phone of each customer."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", content)
        assert [problem.code for row in plan.rejected for problem in row.problems] == []
        plan.apply()
        return {view["name"]: view["phone"] for view in session.customers.find().records}


def csv(*rows: tuple[str, ...], delimiter: str = ",") -> str:
    """Return rows as lines of text."""
    return "".join(delimiter.join(row) + "\r\n" for row in rows)


LAYOUTS = {
    "a heading of two levels": workbook(
        ("基本信息", None, "联系信息", None, "备注"),
        (*HEADINGS, None),
        (*FIRST, "x"),
        (*SECOND, "y"),
        merges=("A1:B1", "C1:D1", "E1:E2"),
    ),
    "titles and notes above a heading of two levels": workbook(
        ("客户信息登记表",),
        ("说明：带*的必填，日期如 2024-01-01",),
        ("基本信息", None, "联系信息", None),
        ("*客户名称", "客户类型（必填）", "联系人*", "联系方式【必填】"),
        FIRST,
        SECOND,
        merges=("A1:D1", "A2:D2", "A3:B3", "C3:D3"),
    ),
    "three levels": workbook(
        ("客户资料",), ("基本", None, "联系", None), HEADINGS, FIRST, SECOND, merges=("A1:D1", "A2:B2", "C2:D2")
    ),
    "three levels, of which some labels fill all": workbook(
        ("客户名称", "客户类型", "联系信息", None),
        (None, None, "主要联系人", None),
        (None, None, "联系人", "联系方式"),
        FIRST,
        SECOND,
        merges=("A1:A3", "B1:B3", "C1:D1", "C2:D2"),
    ),
    "groups that are not merged": workbook(("基本信息", None, "联系信息", None), HEADINGS, FIRST, SECOND),
    "blank rows and columns first": workbook(HEADINGS, FIRST, SECOND, top=3, left=2),
    "a column of numbers first": workbook(("序号", *HEADINGS), (1, *FIRST), (2, *SECOND)),
    "keys above the labels": workbook(("name", "customer_type", "contact_name", "phone"), HEADINGS, FIRST, SECOND),
    "labels above the keys": workbook(HEADINGS, ("name", "customer_type", "contact_name", "phone"), FIRST, SECOND),
    "the headings again on each page": workbook(HEADINGS, FIRST, HEADINGS, SECOND),
    "marks, hints and numbers in headings": workbook(
        ("1、客户名称(*)", "（2）【必填】客户类型", "3.联系人：", "4．联系方式（必填，11位手机号）"), FIRST, SECOND
    ),
    "invisible marks in headings": workbook(
        ("客户名称\u00a0", "\u200b客户类型", "联系人\t", "\ufeff联系方式"), FIRST, SECOND
    ),
    "full-width digits and blanks": workbook(
        ("　客户名称　", "客户类型：", "联 系 人", "联系\n方式"),
        ("　甲公司", "企业客户", "张三", "１３８００１３８０００"),
        ("乙公司　", "企业客户　", "李四", "１３９　００１３　９０００"),
    ),
    "phones as numbers and as programs write them": workbook(
        HEADINGS, (*FIRST[:3], 13800138000.0), (*SECOND[:3], "13900139000.0")
    ),
    "rows of blanks between and after": workbook(HEADINGS, (None,), FIRST, (" ", "　"), SECOND, (" ",) * 4),
    "bars between the columns": csv(HEADINGS, FIRST, SECOND, delimiter="|").encode(),
    "texts that a spreadsheet must not take for numbers": csv(
        HEADINGS, (*FIRST[:3], '="13800138000"'), (*SECOND[:3], '"=""13900139000"""')
    ).encode("gb18030"),
    "commas at the ends of the lines": csv((*HEADINGS, "", ""), (*FIRST, "", ""), (*SECOND, "", "")).encode(),
    "line ends of old Macs": csv(HEADINGS, FIRST, SECOND).replace("\r\n", "\r").encode("gb18030"),
}


@pytest.mark.parametrize("content", LAYOUTS.values(), ids=LAYOUTS)
def test_the_same_customers_however_they_are_laid_out(content: bytes) -> None:
    """Both customers are taken over, with nothing else."""
    assert phones(content) == BOTH


def test_a_heading_among_numbers() -> None:
    """A known heading beside years is a heading, where the years are numbers."""
    plan = planned(workbook(("客户名称", 2022, 2023, 2024), ("甲公司", 1, 2, 3)))
    assert plan.columns == {"客户名称": "name", "2022": None, "2023": None, "2024": None}


def test_a_unit_is_no_hint() -> None:
    """What a heading says about the form of values is passed over; what it says about their meaning counts."""
    plan = planned(
        workbook((*HEADINGS, "成立时间（格式：2024-01-01）", "生日(yyyy-mm-dd)", "年采购预算（万元）"), FIRST)
    )
    assert plan.columns["成立时间（格式：2024-01-01）"] == "founded_on"
    assert plan.columns["生日(yyyy-mm-dd)"] == "birthday"
    assert plan.columns["年采购预算（万元）"] == "annual_budget"
    assert [problem.code for problem in plan.problems] == ["amounts_scaled"]


def test_a_row_like_the_headings_of_nothing_known_is_a_row() -> None:
    """Only headings of fields are passed over where they come again."""
    table = read_tables(workbook(("a", "b"), ("a", "b"), ("c", "d")))[0]
    assert [row for row, _ in table.rows()] == [2, 3]


DAY = dt.date(2024, 3, 5)
DATES = [
    *("2024年3月5日", "2024年03月05日", "2024年3月5号", "2024/3/5", "2024.3.5", "2024-3-5", "20240305", "20240305.0"),
    *(
        "2024－03－05",
        "２０２４年３月５日",
        "二〇二四年三月五日",
        "2024/3/5 星期二",
        "2024年3月5日（周二）",
        "'2024-03-05",
    ),
    *("2024-03-05 00:00:00", "2024/03/05 08:30", "2024-03-05T00:00:00", 45356, 20240305, DAY),
]


def test_dates_as_people_write_them() -> None:
    """Each is the fifth of March, whatever its spelling."""
    rows = [(f"公司{number}", *FIRST[1:3], 13800138000 + number, day) for number, day in enumerate(DATES)]
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", workbook((*HEADINGS, "成立时间"), *rows))
        assert [row.raw[-1] for row in plan.rejected] == []
        plan.apply()
        assert {view["founded_on"] for view in session.customers.find().records} == {DAY}


@pytest.mark.parametrize("text", ["3/5/2024", "24-3-5", "2024-13-05", "2024年3月", "5-Mar-24", "二〇二四年十三月五日"])
def test_dates_that_nobody_can_tell(text: str) -> None:
    """A date that may be another one is asked, not guessed."""
    plan = planned(workbook((*HEADINGS, "成立时间"), (*FIRST, text)))
    assert [problem.code for problem in plan.rejected[0].problems] == ["invalid_date"]


@pytest.mark.parametrize("number", [110101199003070000.0, "1.10101E+17"])
def test_digits_that_are_lost_are_found(number: object) -> None:
    """An identity number that was typed as a number is refused for that, as a number and as a text of one."""
    plan = planned(workbook((*HEADINGS, "身份证号"), (*FIRST, number)))
    assert [problem.code for problem in plan.rejected[0].problems] == ["precision_lost"]


def test_two_columns_of_one_field_name_their_letters() -> None:
    """Who gets the message knows which two columns, and that a mapping by letter decides."""
    content = workbook((*HEADINGS, "手机号"), (*FIRST, "13600136000"))
    with pytest.raises(InvalidInputError) as caught:
        planned(content)
    assert caught.value.message("zh") == "E1：联系方式：D、E 列都对应该字段：请指定各列对应的字段（mapping=…）"
    assert "the columns D, E hold" in caught.value.message("en")
    assert planned(content, mapping={"D": ""}).columns == {
        **dict(zip(HEADINGS, ("name", "customer_type", "contact_name", None), strict=True)),
        "手机号": "phone",
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('客户名称,客户类型\n"甲公司,企业客户\n乙公司,企业客户\n'.encode(), "corrupt_workbook"),
        (b'ID;PWXL;N;E\r\nC;Y1;X1;K"name"\r\nE\r\n', "not_a_workbook"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n", "not_a_workbook"),
    ],
)
def test_what_is_no_table(content: bytes, code: str) -> None:
    """A quote that is never closed would swallow the rest of the file; other formats are no text tables."""
    with pytest.raises(UnreadableFileError) as caught:
        planned(content)
    assert caught.value.code == code


def test_a_file_from_taiwan() -> None:
    """Big5 is told from GB18030 by characters that nobody writes."""
    (table,) = read_tables(csv(("客戶名稱", "聯絡人"), ("甲公司", "張三")).encode("big5"))
    assert table.header == ("客戶名稱", "聯絡人")
    assert list(table.rows()) == [(2, ("甲公司", "張三"))]


def test_why_a_file_is_refused_is_said_in_chinese() -> None:
    """The words for what is too much are in the language of the message."""
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(b"a,b\n" * 3, limits=type(DEFAULT_LIMITS)(max_memory=10))
    assert caught.value.message("zh") == "工作簿内容超出限制：所需内存 超过 10。请拆分文件，或删除数据以外的内容"


@pytest.mark.parametrize(
    ("result", "flags", "mark"),
    [
        (b"\x03\0\0\0\0\0\xff\xff", 3, UncachedFormula()),
        (b"\x03\0\0\0\0\0\xff\xff", 1, None),  # a text without characters, as a volatile formula may give
        (b"\x02\0\x2a\0\0\0\xff\xff", 0, CellError("#N/A")),
        (struct.pack("<d", 1.5), 3, None),
    ],
)
def test_a_formula_of_an_old_workbook_that_was_never_calculated(result: bytes, flags: int, mark: object) -> None:
    """Libraries that write .xls ask for a calculation when it is loaded: a blank would be wrong."""
    record = struct.pack("<3H", 1, 3, 15) + result + struct.pack("<H", flags) + bytes(6)
    assert mark_of(FORMULA, record) == mark


def test_what_repeats_an_earlier_row_is_said_in_one_language() -> None:
    """A message has the labels of fields in its own language."""
    (row,) = planned(workbook(HEADINGS, FIRST, FIRST)).duplicates
    assert row.problems[0].message("zh") == "客户名称：第 2 行已有相同的客户名称、联系方式"
    assert row.problems[0].message("en") == "Name: the same Name, Phone stands in row 2 already"


@pytest.mark.parametrize(
    ("page", "encoding"), [(936, "gbk"), (1252, "gbk"), (950, "big5")], ids=["936", "said to be Western", "950"]
)
def test_texts_of_excel_95(page: int, encoding: str) -> None:
    """Their bytes are decoded as the file says, and as Chinese where a library called all texts Western."""
    (table,) = read_tables(excel_95(("名", "電"), ("甲公司", "138"), page=page, encoding=encoding))
    assert (table.sheet, table.header) == ("客户" if encoding == "gbk" else table.sheet, ("名", "電"))
    assert list(table.rows()) == [(2, ("甲公司", "138"))]


def test_western_texts_of_excel_95_stay_western() -> None:
    """One text that can't be Chinese tells that none is."""
    (table,) = read_tables(excel_95(("name", "city"), ("créée", "Málaga"), page=1252, encoding="cp1252"))
    assert list(table.rows()) == [(2, ("créée", "Málaga"))]


def test_names_of_parts_have_no_case() -> None:
    """A sheet whose part is spelled otherwise than its relation says is read, as Excel reads it."""
    made = parts(worksheet(f'<row r="1">{text_cell("A1", "名称")}{text_cell("B1", "电话")}</row>'))
    made["xl/worksheets/Sheet1.xml"] = made.pop("xl/worksheets/sheet1.xml")
    (table,) = read_tables(zipped(made))
    assert table.header == ("名称", "电话")


def test_the_mark_at_the_end_of_an_old_text_file() -> None:
    """It is no row."""
    assert phones(csv(HEADINGS, FIRST, SECOND).encode("gb18030") + b"\x1a") == BOTH


def test_headings_in_two_languages() -> None:
    """A heading of several names means a field where each of them does; where one doesn't, it is asked."""
    header = ("客户名称/公司名称", "客户类型 Customer type", "联系人\nContact", "联系方式（Phone）", "地区（Area）")
    plan = planned(workbook(header, (*FIRST, "华东")))
    assert list(plan.columns.values()) == ["name", "customer_type", "contact_name", "phone", None]
    assert plan.suggestions[0].field == "region"


def test_headings_of_which_none_is_known_come_with_what_they_may_mean() -> None:
    """Who gets the refusal sees which field each heading is like."""
    with pytest.raises(InvalidInputError) as caught:
        planned(workbook(("客户名", "联系电话号"), ("甲公司", "138")))
    assert caught.value.code == "no_header"
    assert "客户名：该列可能是 客户名称" in caught.value.message("zh")
    assert "联系电话号：该列可能是 联系方式" in caught.value.message("zh")


def test_what_a_spreadsheet_shows_in_place_of_a_value() -> None:
    """Saved as text, #N/A and ###### are no names; 3#楼 is part of an address."""
    lines = csv(
        HEADINGS,
        ("#N/A", *FIRST[1:]),
        ("乙公司", "企业客户", "######", SECOND[3]),
        ("3#楼", "企业客户", "王五", "13700137000"),
    )
    plan = planned(lines.encode("gb18030"))
    assert [(row.row, [(item.code, item.field) for item in row.problems]) for row in plan.rejected] == [
        (2, [("cell_error", "name")]),
        (3, [("cell_error", "contact_name")]),
    ]
    assert plan.counts.creates == 1


@pytest.mark.parametrize("value", [DAY, 43894, "43894", 20240305, "2024-03-05"])
def test_days_that_count_from_1904(value: object) -> None:
    """A day is the same day in either system, whether its cell has the form of a date or of a number."""
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    assert sheet is not None
    for row in ((*HEADINGS, "成立时间", "年采购预算"), (*FIRST, value, 100)):
        sheet.append(row)
    with acting_as("sunjiu") as session:
        plan_import(session, "customer", saved(book)).apply()
        (view,) = session.customers.find().records
        assert (view["founded_on"], view["annual_budget"]) == (DAY, 100)


def test_quotes_behind_blanks() -> None:
    """What people type with a blank behind each comma has its quotes around the cells, not in them."""
    text = '客户名称, 客户类型, 联系人, 联系方式\n"甲,公司", "企业客户", "张三", "13800138000"\n'
    (table,) = read_tables(text.encode())
    assert list(table.rows()) == [(2, ("甲,公司", "企业客户", "张三", "13800138000"))]
    (other,) = read_tables('名称, 尺寸\n管, 5" 长\n'.encode())
    assert list(other.rows()) == [(2, ("管", ' 5" 长'))]

"""What stands outside of what is looked for comes along all the same, or is told."""

import pytest

from custinfo.adapters.excel.reading import CellError, read_tables
from tests.adapters.excel.sheets_by_hand import parts, text_cell, workbook, worksheet, zipped
from tests.adapters.excel.test_peoples_files import FIRST, HEADINGS, SECOND, planned


def late(place: int, value: object) -> list[tuple[object, ...]]:
    """Return a table of 60 rows with a value in its fourth column, which has no heading, in the row at `place`."""
    return [
        ("名称", "电话", "地址"),
        *((f"甲{row}", "1", "x", *([value] if row == place else [])) for row in range(60)),
    ]


@pytest.mark.parametrize("place", [3, 29, 30, 58])
def test_a_column_without_heading_is_found_wherever_its_first_value_stands(place: int) -> None:
    """Rows are looked through for a heading only so far; a column is not left out for that."""
    (table,) = read_tables(workbook(*late(place, "补充")))
    assert (table.header, table.columns) == (("名称", "电话", "地址", ""), (1, 2, 3, 4))
    assert list(table.rows())[place] == (place + 2, (f"甲{place}", "1", "x", "补充"))


def test_a_column_without_heading_that_holds_an_error() -> None:
    """An error is not nothing."""
    head = f'<row r="1">{text_cell("A1", "名称")}{text_cell("B1", "电话")}</row>'
    rows = "".join(f'<row r="{row}">{text_cell(f"A{row}", "甲")}</row>' for row in range(2, 50))
    error = '<row r="50"><c r="A50"><v>1</v></c><c r="D50" t="e"><v>#N/A</v></c></row>'
    (table,) = read_tables(zipped(parts(worksheet(head + rows + error))))
    assert (table.columns, list(table.rows())[-1]) == ((1, 2, 4), (50, (1, None, CellError("#N/A"))))


def test_blanks_make_no_column() -> None:
    """Neither blanks nor what stands above the heading."""
    note = (None, None, None, None, None, "说明")
    (table,) = read_tables(workbook(note, *late(50, "  ")), known=("名称", "电话", "地址"))
    assert table.columns == (1, 2, 3)


def test_a_late_column_of_a_text_file() -> None:
    """A heading that is blank leaves a column, as a spreadsheet saves it."""
    lines = ["名称,电话,", *(f"甲{row},1," for row in range(50)), "乙,2,补充"]
    (table,) = read_tables("\r\n".join(lines).encode())
    assert (table.header, list(table.rows())[-1]) == (("名称", "电话", ""), (52, ("乙", "2", "补充")))


def test_a_late_column_is_told() -> None:
    """Its letter stands in the plan, like that of others without a heading."""
    rows = [(*FIRST, *(["补充"] if row == 50 else [])) for row in range(60)]
    plan = planned(workbook(HEADINGS, *rows))
    assert [(problem.code, problem.field) for problem in plan.column_problems] == [("unmapped_column", "E")]


HEAD = "".join(text_cell(f"{letter}1", label) for letter, label in zip("ABCDE", (*HEADINGS, "备注"), strict=True))
CUSTOMER = "".join(text_cell(f"{letter}2", value) for letter, value in zip("ABCD", FIRST, strict=True))
SHOWN = "=DISPIMG(&quot;ID_0A1B&quot;,1)"
FORMULA = "<f>_xlfn.DISPIMG(&quot;ID_0A1B&quot;,1)</f>"
PICTURES = {
    "of WPS": f'<c r="E2" t="str">{FORMULA}<v>{SHOWN}</v></c>',
    "of WPS, in single quotes": f"<c r='E2' t='str'>{FORMULA}<v>{SHOWN}</v></c>",
    "of WPS, never shown": f'<c r="E2">{FORMULA}</c>',
    "of WPS, seen by Excel": f'<c r="E2" t="e">{FORMULA}<v>#NAME?</v></c>',
    "of WPS, copied as text": text_cell("E2", SHOWN),
    "of Excel": '<c r="E2" t="e" vm="1"><v>#VALUE!</v></c>',
    "of Excel, in single quotes": "<c r='E2' t='e' vm='1'><v>#VALUE!</v></c>",
    "of Excel, from a page": '<c r="E2" t="e" vm="2"><f>_xlfn.IMAGE("https://a.cn/1.png")</f><v>#VALUE!</v></c>',
}


@pytest.mark.parametrize("cell", PICTURES.values(), ids=PICTURES)
def test_a_picture_in_a_cell_is_no_value(cell: str) -> None:
    """The row comes along without it, and the plan says how many pictures stay behind."""
    plan = planned(zipped(parts(worksheet(f'<row r="1">{HEAD}</row><row r="2">{CUSTOMER}{cell}</row>'))))
    assert [(row.outcome, row.raw) for row in plan.rows] == [("create", (*FIRST, None))]
    (problem,) = plan.column_problems
    assert (problem.code, dict(problem.params), problem.severity) == (
        "pictures_in_cells",
        {"column": "E", "count": 1},
        "warning",
    )


def test_pictures_among_shared_strings_and_in_text_files() -> None:
    """Wherever other programs wrote the word down."""
    shown = '=DISPIMG("ID_0A1B",1)'
    table = [(*HEADINGS, "备注"), (*FIRST, shown), (*SECOND, "DISPIMG(x")]
    text = "\r\n".join(",".join(f'"{value}"'.replace('"ID_0A1B"', '""ID_0A1B""') for value in row) for row in table)
    for content in (workbook(*table), text.encode()):
        plan = planned(content)
        assert [row.raw[-1] for row in plan.rows] == [None, "DISPIMG(x"]
        assert [problem.code for problem in plan.column_problems] == ["pictures_in_cells"]


def test_other_errors_with_a_value_of_their_own_kind() -> None:
    """A formula that spills over what is there is an error, not a picture."""
    cell = '<c r="E2" t="e" vm="1"><f>SORT(A1:A9)</f><v>#VALUE!</v></c>'
    (table,) = read_tables(zipped(parts(worksheet(f'<row r="1">{HEAD}</row><row r="2">{CUSTOMER}{cell}</row>'))))
    assert [values[-1] for _, values in table.rows()] == [CellError("#VALUE!")]

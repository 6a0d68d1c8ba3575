"""Any file people send becomes clean tables of raw values."""

import datetime as dt
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xlsxwriter

from custinfo.adapters.excel.reading import (
    CellError,
    Limits,
    Table,
    UncachedFormula,
    clean_label,
    normalise_label,
    read_tables,
)
from custinfo.core.errors import UnreadableFileError
from tests.adapters.excel.sheets_by_hand import old_workbook, parts, text_cell, workbook, worksheet, zipped


def only(content: bytes, **options: object) -> Table:
    """Return the only table of a file."""
    (table,) = read_tables(content, **options)  # type: ignore[arg-type]
    return table


def everything(content: bytes, **options: object) -> list[object]:
    """Read a file to its last row."""
    return [list(table.rows()) for table in read_tables(content, **options)]  # type: ignore[arg-type]


def code(content: bytes, **options: object) -> str:
    """Return the code with which a file is refused, in reading it or its rows."""
    with pytest.raises(UnreadableFileError) as caught:
        everything(content, **options)
    return caught.value.code


def test_paths_bytes_and_files_are_read_alike(tmp_path: Path) -> None:
    """The source may be a path of any kind, bytes, or an open file, and its name does not count."""
    content = workbook(["姓名", "电话"], ["张三", 13800138000])
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    for source in (content, path, str(path), io.BytesIO(content)):
        (table,) = read_tables(source)
        assert list(table.rows()) == [(2, ("张三", 13800138000))]
    assert os.fspath(path).endswith(".csv")


def test_a_text_stream_is_misuse() -> None:
    """A file opened for text is a mistake of the caller, not of the person who sent it."""
    with pytest.raises(TypeError, match="bytes"):
        read_tables(io.StringIO("a,b"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="path"):
        read_tables(7)  # type: ignore[arg-type]


def test_values_have_plain_types() -> None:
    """Whole numbers are ints, dates are dates, blank text is nothing, and inner text is kept."""
    moment = dt.datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001
    table = only(
        workbook(
            ["A", "B", "C", "D", "E", "F", "G"],
            [1.0, 1.5, True, " x ", "  ", dt.datetime(2024, 5, 6), moment],  # noqa: DTZ001
        )
    )
    ((_, values),) = table.rows()
    assert repr(values) == repr((1, 1.5, True, " x ", None, dt.date(2024, 5, 6), moment))


def test_rows_can_be_read_again() -> None:
    """Reading the rows does not use them up, so a dry run may come before the import."""
    table = only(workbook(["姓名", "电话"], ["张三", 1], [None, None], ["李四", 2]))
    assert list(table.rows()) == list(table.rows()) == [(2, ("张三", 1)), (4, ("李四", 2))]


def test_a_table_may_start_anywhere() -> None:
    """Rows and columns are those of the worksheet, wherever the table stands."""
    table = only(workbook(["姓名", "电话"], ["张三", 1], top=6, left=3))
    assert (table.header_row, table.columns, list(table.rows())) == (7, (4, 5), [(8, ("张三", 1))])


def test_marks_of_obligation_are_no_part_of_a_label() -> None:
    """Stars, remarks and line breaks go from the label, and the raw text stays at hand."""
    table = only(workbook(["*公司\n名称（必填）", "＊电话", "备注 (选填)", "E-Mail\n address"], ["a", "b", "c", "d"]))
    assert table.header == ("公司名称", "电话", "备注", "E-Mail address")
    assert table.header_raw == ("*公司\n名称（必填）", "＊电话", "备注 (选填)", "E-Mail\n address")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("**姓名", "姓名"),
        ("姓名【必填】", "姓名"),
        ("电话：", "电话"),
        ("Name (required)", "Name"),
        ("（必填）", "（必填）"),
    ],
)
def test_labels_are_cleaned(raw: str, clean: str) -> None:
    """Each usual mark goes, but a label never becomes empty."""
    assert clean_label(raw) == clean


def test_labels_compare_loosely() -> None:
    """Width, case, blanks and punctuation do not keep a label from its field."""
    assert normalise_label("＊E－Mail 地址") == normalise_label("email地址")


def test_notes_and_a_title_stand_above_the_header() -> None:
    """Title and notes are kept apart, also when the title is merged."""
    table = only(
        workbook(
            ["客户导入模板"],
            ["导出时间：", "2024-01-01"],
            ["姓名", "电话", "地址"],
            ["张三", 1, "北京"],
            merges=["A1:C1"],
        )
    )
    assert (table.header_row, table.notes) == (3, ("客户导入模板", "导出时间：", "2024-01-01"))


def test_known_labels_decide_between_rows_of_texts() -> None:
    """A row of group names over the labels loses against the row of known labels, by list or by function."""
    content = workbook(["甲", "乙", "丙", "丁"], ["姓名", "电话", "x", "y"], ["张三", "1", "2", "3"])
    assert only(content).header_row == 1
    assert only(content, known=["姓名", "电话"]).header_row == 2
    assert only(content, known={"姓名", "电话"}.__contains__).header_row == 2


TWO_LEVELS = (
    ["姓名", "联系方式", None, "地址", None],
    [None, "电话", "邮箱", "省", "市"],
    ["张三", 1, "a@b.cn", "浙江", "杭州"],
)
TWO_LEVEL_MERGES = ("A1:A2", "B1:C1", "D1:E1")


def test_two_levels_become_one_label() -> None:
    """A label under a merged one carries the upper one's name."""
    table = only(workbook(*TWO_LEVELS, merges=TWO_LEVEL_MERGES))
    assert table.header == ("姓名", "联系方式/电话", "联系方式/邮箱", "地址/省", "地址/市")
    assert (table.header_row, list(table.rows())) == (2, [(3, ("张三", 1, "a@b.cn", "浙江", "杭州"))])


def test_a_known_lower_label_stands_alone() -> None:
    """A label that a field has by itself is not renamed by its group."""
    table = only(workbook(*TWO_LEVELS, merges=TWO_LEVEL_MERGES), known=["电话", "姓名"])
    assert table.header[:3] == ("姓名", "电话", "联系方式/邮箱")


def test_a_column_without_label_is_not_lost() -> None:
    """Values under no label get an empty one, so that the import can report the column."""
    table = only(workbook(["姓名", None, "电话"], ["张三", "?", 1]))
    assert (table.header, list(table.rows())) == (("姓名", "", "电话"), [(2, ("张三", "?", 1))])


def test_merged_cells_fill_down_but_not_across() -> None:
    """A value merged over rows holds for each; merged over columns it stays in the first; blank rows stay blank."""
    content = workbook(
        ["部门", "姓名", "电话", "备注"],
        ["销售", "张三", 1, "好"],
        [None, "李四", 2, None],
        [None, None, None, None],
        ["市场", "王五", 3, None],
        merges=["A2:A4", "D2:D3", "C5:D5"],
    )
    assert list(only(content).rows()) == [
        (2, ("销售", "张三", 1, "好")),
        (3, ("销售", "李四", 2, "好")),
        (5, ("市场", "王五", 3, None)),
    ]


@pytest.mark.parametrize("prefix", ["", "x:"])
def test_errors_and_uncached_formulas_are_seen(prefix: str) -> None:
    """An error or a formula without result is a value of its own kind, however the XML is written."""
    cells = (
        f'<row r="1">{text_cell("A1", "a")}{text_cell("B1", "b")}{text_cell("C1", "c")}</row>'
        '<row r="3"><c r="A3" s="0" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="B3"><f>A1+1</f><v></v></c>'
        '<c r="C3" t="str"><f>""</f><v></v></c></row>'
        '<row r="4"><c r="B4"><f>1</f></c><c r="C4"><f>1+1</f><v>2</v></c></row>'
        '<row r="9"><c r="A9"><f t="shared" si="0"/></c></row>'
    )
    sheet = worksheet(cells)
    if prefix:
        sheet = sheet.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:").replace("xmlns", "xmlns:x")
    assert list(only(zipped(parts(sheet))).rows()) == [
        (3, (CellError("#DIV/0!"), UncachedFormula(), None)),
        (4, (None, UncachedFormula(), 2)),
        (9, (UncachedFormula(), None, None)),
    ]


def test_hidden_sheets_are_read_only_when_named() -> None:
    """A hidden sheet is passed over, unless the caller asks for it; a name that does not exist is refused."""
    book = parts(worksheet(f'<row r="1">{text_cell("A1", "a")}</row>'))
    book["xl/workbook.xml"] = book["xl/workbook.xml"].replace('name="S"', 'name="S" state="hidden"')
    content = zipped(book)
    assert code(content) == "no_data"
    assert only(content, sheet="S").header == ("a",)
    assert code(content, sheet="T") == "unknown_sheet"
    assert code(b"a,b\n", sheet="T") == "unknown_sheet"


def test_an_old_workbook_is_read() -> None:
    """An .xls gives the same types, its errors included, and its hidden sheet stays hidden."""
    table = only(old_workbook())
    assert (table.sheet, table.header) == ("客户", ("姓名", "电话", "日期", "金额", "错误"))
    assert list(table.rows()) == [
        (2, ("张三", 18787000001, dt.date(2021, 4, 29), 0.5, CellError("#N/A"))),
        (3, ("李四", "13800138000", None, None, None)),
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("姓名,电话\r\n张三,1\r\n", "utf-8"),
        ("姓名,电话\n张三,1", "utf-8-sig"),
        ("姓名;电话\n张三;1\n", "gb18030"),
        ("姓名\t电话\n张三\t1\n", "utf-16"),
        ("sep=;\n姓名;电话\n张三;1\n", "gb18030"),
    ],
)
def test_text_files_are_read(text: str, encoding: str) -> None:
    """Encoding and delimiter are found out; numbers in text files stay text, leading zeros and all."""
    table = only(text.encode(encoding))
    assert table.header == ("姓名", "电话")
    assert [values for _, values in table.rows()] == [("张三", "1")]


def test_text_fields_may_hold_anything() -> None:
    """Quotes protect delimiters and line breaks; short rows are filled up, long ones get an unlabelled column."""
    content = '名称;备注;电话\n"甲;乙";"第一行\n第二行";1\n丙\n丁;a;2;b\n\n'.encode()
    assert [values for _, values in only(content).rows()] == [
        ("甲;乙", "第一行\n第二行", "1", None),
        ("丙", None, None, None),
        ("丁", "a", "2", "b"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no_data"),
        (b" \n\n", "no_data"),
        (b"Attachment not found!", "not_a_workbook"),
        (b"<html><table><tr><td>a</td></tr></table></html>", "not_a_workbook"),
        (b"%PDF-1.7 ...", "not_a_workbook"),
        (b"\x00\x01\x02\x03", "not_a_workbook"),
        (b"\xff\xfe\x00\xd8", "not_a_workbook"),
        (b"PK\x03\x04 and no more", "corrupt_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no more", "corrupt_workbook"),
        (b"1,2,3\n4,5,6\n", "no_header"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, expected: str) -> None:
    """Each kind of wrong file has its code."""
    assert code(content) == expected


def test_limits_hold() -> None:
    """Each limit stops the reading with its own code."""
    content = workbook(["a", "b", "c"], *([str(number), "x", "y"] for number in range(40)))
    text = b"a,b,c\n" + b"1,x,y\n" * 40
    assert code(content, limits=Limits(max_bytes=100)) == "file_too_large"
    assert code(content, limits=Limits(max_expanded_bytes=100)) == "workbook_too_large"
    assert code(content, limits=Limits(max_rows=10)) == "workbook_too_large"
    assert code(content, limits=Limits(max_columns=2)) == "workbook_too_large"
    assert code(content, limits=Limits(max_text_bytes=100)) == "workbook_too_large"
    assert code(content, limits=Limits(max_seconds=0)) == "read_timeout"
    assert code(text, limits=Limits(max_cells=20)) == "workbook_too_large"
    assert code(content, limits=Limits(max_memory=10_000)) == "workbook_too_large"
    assert code(text, limits=Limits(max_memory=400)) == "workbook_too_large"


def test_memory_stays_within_its_limit(tmp_path: Path) -> None:
    """A file that takes more than the limit is refused before it is built; one within takes less than it says."""
    path = tmp_path / "large.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [f"h{number}" for number in range(10)])
        for number in range(1, 8_000):
            sheet.write_row(number, 0, [number, *(f"text {number} {column}" for column in range(9))])
    enough = 80_000 * 96 * 3 // 2
    assert code(path.read_bytes(), limits=Limits(max_memory=enough * 9 // 10)) == "workbook_too_large"
    script = f"""
def most():
    return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) * 1024

from custinfo.adapters.excel.reading import Limits, read_tables
read_tables(b"a,b\\n1,2\\n")
import python_calamine
before = most()
table, = read_tables({str(path)!r}, limits=Limits(max_memory={enough}))
assert sum(1 for _ in table.rows()) == 7_999
print(most() - before)
"""
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    taken = int(child.stdout)
    assert enough / 4 < taken < enough + path.stat().st_size


def test_time_that_the_caller_takes_does_not_count() -> None:
    """The clock stands still while the caller works on a row."""
    table = only(b"a,b\n" + b"1,x\n" * 5, limits=Limits(max_seconds=0.5))
    for number, _ in table.rows():
        if number == 2:
            time.sleep(0.6)

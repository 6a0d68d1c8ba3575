"""A file that cannot be imported is refused by a code, in words that say what it is and what to do."""

import io
import re
import struct
import time
import zipfile
import zlib
from collections import deque
from typing import Any

import openpyxl
import pytest

from custinfo import InvalidInputError, UnreadableFileError
from custinfo.adapters.excel import plan_import
from custinfo.adapters.excel.reading import read_tables
from tests.adapters.excel.sessions import acting_as, saved
from tests.adapters.excel.sheets_by_hand import (
    KINDS,
    PACKAGE,
    compound,
    parts,
    text_cell,
    workbook,
    worksheet,
    zipped,
)

HEADINGS = ("客户名称", "客户类型", "联系人", "联系方式")
FIRST = ("甲公司", "企业客户", "张三", "13800138000")
SECOND = ("乙公司", "企业客户", "李四", "13900139000")
LINES = "客户名称,客户类型,联系人,联系方式\r\n甲公司,企业客户,张三,13800138000\r\n"


def refused(content: bytes, **options: Any) -> UnreadableFileError:
    """Return the error with which a file is refused."""
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(content, known=HEADINGS, **options)
    return caught.value


def package(*names: str) -> bytes:
    """Return a zip with parts of some names, the first of which is the document."""
    relations = (
        f'<Relationships {PACKAGE}><Relationship Id="r1" Type="{KINDS}/officeDocument" Target="{names[0]}"/>'
        "</Relationships>"
    )
    return zipped({"[Content_Types].xml": "<Types/>", "_rels/.rels": relations, **dict.fromkeys(names, "<x/>")})


TABLE = "<table><tr><td>客户名称</td></tr></table>"
OTHERS = {
    "a page": (f"<html><body>{TABLE}</body></html>".encode(), "html"),
    "a page in GBK without a head": (f"<meta charset=gb2312>{TABLE}".encode("gbk"), "html"),
    "a page with a mark": (f"\ufeff\r\n<!-- x -->{TABLE}".encode(), "html"),
    "a page in wide characters": (f"<html>\n<body>{TABLE}</body></html>\n".encode("utf-16"), "html"),
    "a page in wide characters without a mark": (f"<html>\n<body>{TABLE}</body></html>\n".encode("utf-16-le"), "html"),
    "rows of a page": (f"{TABLE.removeprefix('<table>')}\n<tr><td>甲公司</td></tr>\n".encode(), "html"),
    "XML of 2003 in wide characters": (
        '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook/>\n'.encode("utf-16-be"),
        "xml_2003",
    ),
    "JSON in wide characters": ('[{"name": "x",\r\n"phone": "1"}]\r\n'.encode("utf-16"), "json"),
    "SYLK in wide characters": ('ID;PWXL;N;E\r\nC;Y1;X1;K"name"\r\nE\r\n'.encode("utf-32"), "sylk"),
    "XML without a declaration": (b'<kml xmlns="http://www.opengis.net/kml/2.2">\n<a>1,2</a>\n</kml>\n', "xml"),
    "OpenDocument without a declaration": (
        b'<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">\n</office:document>\n',
        "ods",
    ),
    "a web archive": (b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n", "mhtml"),
    "XML of 2003": (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?><Workbook/>', "xml_2003"),
    "XML": (b'<?xml version="1.0"?>\n<customers/>', "xml"),
    "PDF": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3", "pdf"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(40), "image"),
    "a photograph": (b"\xff\xd8\xff\xe0" + bytes(40), "image"),
    "RAR": (b"Rar!\x1a\x07\x00" + bytes(50), "archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(50), "archive"),
    "RTF": (b"{\\rtf1 x}", "word"),
    "SYLK": (b'ID;PWXL;N;E\r\nC;Y1;X1;K"name"\r\nE\r\n', "sylk"),
    "SYLK of other programs": (b"ID;PSCALC3\nF;P1\nC;X1;Y1;K1\nE\n", "sylk"),
    "SYLK with an end only": (b"ID;PMP\nE\n", "sylk"),
    "OpenDocument in one file": (
        b'<?xml version="1.0"?>\n<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>',
        "ods",
    ),
    "JSON with blanks": (b'[ {"name": "x"},\n {"name": "y"} ]', "json"),
    "an object with blanks": (b'{ "name": "x",\n "phone": "1" }', "json"),
    "DIF": (b'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,2\r\n""\r\n', "dif"),
    "JSON": (b'[{"name": "x",\r\n"phone": "1"}]', "json"),
    "the answer of a server": (b'{"code":401,"msg":"x"}', "json"),
    "lines of JSON": (b'{"name": "x"}\n{"name": "y"}\n', "json"),
    "printed JSON": (b'{\n  "name": "x",\n  "phone": "1"\n}\n', "json"),
    "contacts": (b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:x;y;;;\r\nEND:VCARD\r\n", "vcard"),
    "what stands beside an open workbook": (
        b"\x05Admin" + b" " * 49 + b"\x05\0" + "Admin".encode("utf-16-le") + b" \0" * 49,
        "lock",
    ),
    "Excel 2": (b"\t\0\4\0\0\2\x10\0" + bytes(20), "early_xls"),
    "Excel 4": (b"\t\4\6\0\0\4\x10\0\0\0" + bytes(20), "early_xls"),
    "records that a script writes without a container": (
        struct.pack("<6H", 0x809, 8, 0, 0x10, 0, 0) + struct.pack("<6H", 0x204, 10, 0, 0, 0, 2) + b"ab" + b"\n\0\0\0",
        "early_xls",
    ),
    "records of Excel 97 without a container": (struct.pack("<6H", 0x809, 16, 0x600, 5, 0, 0) + bytes(20), "early_xls"),
    "a new document of words": (package("word/document.xml"), "word"),
    "an old document of words": (compound("WordDocument", b"x"), "word"),
    "slides": (package("ppt/presentation.xml"), "slides"),
    "a binary workbook": (package("xl/workbook.bin"), "xlsb"),
    "OpenDocument": (
        zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}),
        "ods",
    ),
    "Numbers": (zipped({"Index/Document.iwa": "x"}), "numbers"),
    "a zip of workbooks": (zipped({"客户.xlsx": "x"}), "zip"),
    "a text with NUL in it": (LINES.replace("甲", "甲\0").encode(), "text with control characters"),
    "two encodings": (
        LINES.encode() + "乙公司,企业客户,李四,13900139000\r\n".encode("gbk"),
        "text in no known encoding",
    ),
    "a text that was cut": ("客户名称,联系人\n甲公司,李四".encode()[:-1], "text in no known encoding"),
}


@pytest.mark.parametrize(("content", "name"), OTHERS.values(), ids=OTHERS)
def test_a_file_of_another_format(content: bytes, name: str) -> None:
    """The refusal names the format in both languages, and says how to save the table."""
    error = refused(content)
    assert [problem.code for problem in error.problems] == ["not_a_workbook", "other_format"]
    assert error.problems[1].params == {"format": name}
    told, said = error.message("zh"), error.message("en")
    assert "另存为 .xlsx" in told
    assert "save it as .xlsx" in said
    assert told.splitlines()[1] != f"文件内容是{name}"
    assert told.splitlines()[1].startswith("文件内容是")


def test_headings_in_angle_brackets() -> None:
    """They are none of another format."""
    for text in (
        "<客户名称>,<联系人>\n甲公司,张三\n",
        "<CLIENT>,<PHONE>\na,1\n",
        "<br />\n客户名称,联系人\n甲公司,张三\n",
    ):
        assert len(read_tables(text.encode(), known=HEADINGS)[0].header) == 2


def book(*, data: str = "hidden", cover: object = None, chart: bool = False) -> bytes:
    """Return a workbook with its data on a hidden sheet behind a cover."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "客户"
    for row in (HEADINGS, FIRST):
        sheet.append(row)
    if chart:
        made.create_chartsheet("图")
    else:
        made.create_sheet("封面").append([cover])
    sheet.sheet_state = data
    return saved(made)


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
@pytest.mark.parametrize(("cover", "code"), [(None, "no_data"), (20240305, "no_header")])
def test_a_table_on_a_hidden_sheet_is_named(state: str, cover: object, code: str) -> None:
    """Who sees an empty workbook is told of the sheet that nobody sees, and may name it."""
    content = book(data=state, cover=cover)
    error = refused(content)
    assert [problem.code for problem in error.problems] == [code, "hidden_sheets"]
    assert "客户" in error.message("zh")
    assert "取消隐藏" in error.message("zh")
    assert "客户" in error.message("en")
    (table,) = read_tables(content, sheet="客户")
    assert [row for row, _ in table.rows()] == [2]


def test_a_cover_without_headings_of_fields() -> None:
    """The import, which looks for fields, names the hidden sheet too."""
    with acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as caught:
        plan_import(session, "customer", book(cover="汇总"))
    assert caught.value.code == "no_header"
    assert [problem.code for problem in caught.value.problems][-1] == "hidden_sheets"


def test_a_workbook_of_charts() -> None:
    """What is no worksheet is named as such."""
    error = refused(book(chart=True))
    assert [problem.code for problem in error.problems] == ["no_data", "hidden_sheets", "sheets_without_cells"]
    assert "图" in error.message("zh")


def test_what_is_simply_empty_says_no_more() -> None:
    """Nothing is hidden in an empty workbook."""
    assert [problem.code for problem in refused(workbook()).problems] == ["no_data"]


@pytest.mark.parametrize("count", [29, 30, 40, 900])
@pytest.mark.parametrize("note", [("请仔细阅读",), ("请仔细阅读", "各条说明")])
def test_headings_far_below(count: int, note: tuple[str, ...]) -> None:
    """Long instructions above the table do not hide it, where its headings are known."""
    notes = [tuple(f"{text}{number}" for text in note) for number in range(count)]
    (table,) = read_tables(workbook(*notes, HEADINGS, FIRST, SECOND), known=HEADINGS)
    assert (table.header, table.header_row) == (HEADINGS, count + 1)
    assert [values for _, values in table.rows()] == [FIRST, SECOND]


def test_hidden_rows_are_imported_and_told() -> None:
    """Who filtered a sheet learns that the rows that nobody sees come along; blank ones do not count."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in (HEADINGS, FIRST, SECOND):
        sheet.append(row)
    sheet.row_dimensions[3].hidden = sheet.row_dimensions[50].hidden = True
    sheet.column_dimensions["C"].hidden = True
    sheet.auto_filter.ref = "A1:D3"
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", saved(made))
    assert plan.counts.creates == 2
    assert [(problem.code, problem.severity, dict(problem.params)) for problem in plan.column_problems] == [
        ("hidden_rows", "warning", {"count": 1}),
        ("hidden_columns", "warning", {"columns": ("C",)}),
    ]


def test_hidden_rows_of_unusual_xml() -> None:
    """They are counted by the parser as by the quick look."""
    cells = "".join(text_cell(f"{column}1", text) for column, text in zip("ABCD", HEADINGS, strict=True))
    rows = f'<row r="1">{cells}</row><row hidden="true" r="2">{text_cell("a2", "甲公司")}</row><row r="3" hidden="1"/>'
    (table,) = read_tables(zipped(parts(worksheet(rows))))
    assert table.hidden_rows == 1


def test_values_under_no_heading_are_told() -> None:
    """A column without a heading is left out with a warning that has its letter."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", workbook((*HEADINGS, None), (*FIRST, "x")))
        assert [(problem.code, problem.field) for problem in plan.column_problems] == [("unmapped_column", "E")]
        named = plan_import(session, "customer", workbook((*HEADINGS, None), (*FIRST, "x")), mapping={"E": ""})
        assert named.column_problems == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_text_in_utf16_without_a_mark(encoding: str) -> None:
    """It is told by its line ends, and by having nothing that nobody prints."""
    (table,) = read_tables(LINES.encode(encoding))
    assert table.header == HEADINGS


@pytest.mark.parametrize("mark", ["^", "~", "\t", "|"])
def test_any_separator_that_is_declared(mark: str) -> None:
    """A first line `sep=^` names it, as spreadsheet programs understand it."""
    (table,) = read_tables(f"sep={mark}\r\n{LINES.replace(',', mark)}".encode("gb18030"))
    assert list(table.rows()) == [(3, FIRST)]


def test_a_quote_that_is_never_closed_is_told_by_its_row() -> None:
    """Whether it swallows the rest of the file or more than a cell may hold, the row is named."""
    short = LINES + '乙公司,"企业客户,李四,13900139000\r\n丙公司,企业客户,王五,13700137000\r\n'
    long = LINES + '乙公司,"企业客户,李四,13900139000\r\n' + "丙" * 200_000
    for content in (short, long):
        with pytest.raises(UnreadableFileError) as caught:
            list(read_tables(content.encode())[0].rows())
        assert [problem.code for problem in caught.value.problems] == ["corrupt_workbook", "open_quote"]
        assert caught.value.problems[1].params == {"row": 3}


def overlapping(count: int) -> bytes:
    """Return a workbook in whose directory many entries name the same megabyte."""
    sound = zipped(parts(worksheet("")))
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        listed, start = len(archive.infolist()), archive.start_dir
    text = b"<a>" + b" " * 1_000_000 + b"</a>"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(text) + packer.flush()
    sizes = (zlib.crc32(text), len(packed), len(text))
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, *sizes, 1, 0) + b"a" + packed
    directory = sound[start : sound.rfind(b"PK\5\6")]
    for number in range(count):
        name = f"xl/a{number}.xml".encode()
        head = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, *sizes, len(name), 0, 0, 0, 0, 0, start)
        directory += head + name
    total, body = listed + count, sound[:start] + local
    return body + directory + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, total, total, len(directory), len(body), 0)


def test_entries_that_overlap() -> None:
    """One megabyte that is named a hundred times is refused before it is unpacked a hundred times."""
    error = refused(overlapping(100))
    assert error.code == "unsafe_workbook"
    assert "重叠" in error.message("zh")


def test_too_many_parts() -> None:
    """A zip of ten thousand and more parts is too large, not damaged."""
    content = zipped({**parts(worksheet("")), **{f"xl/{number}.xml": "<a/>" for number in range(10_001)}})
    assert refused(content).code == "workbook_too_large"


def test_rows_that_are_there_twice() -> None:
    """Of two rows with one number a reader would show one, and nobody would miss the other."""
    first, again = (
        f'<row r="1">{text_cell("A1", "名称")}</row><row r="2">{text_cell("A2", text)}</row>' for text in "甲乙"
    )
    assert refused(zipped(parts(worksheet(first + again)))).code == "corrupt_workbook"


TWICE = {
    "side by side": f"{text_cell('A2', '甲')}{text_cell('A2', '乙')}",
    "apart": f"{text_cell('A2', '甲')}{text_cell('B2', 'x')}{text_cell('A2', '乙')}",
    "in a column of two letters": f"{text_cell('AB2', '甲')}{text_cell('AC2', 'x')}{text_cell('AB2', '乙')}",
    "with attributes": '<c s="1" r="A2"><v>1</v></c><c s="1" r="A2"><v>2</v></c>',
    "blank the second time": f"{text_cell('A2', '甲')}<c r='A2'/>".replace("'A2'", '"A2"'),
}


@pytest.mark.parametrize("first", [1, 70_000], ids=["", "in the middle of a large sheet"])
@pytest.mark.parametrize("cells", TWICE.values(), ids=TWICE)
def test_a_cell_that_is_there_twice(cells: str, first: int) -> None:
    """Of two cells of one place a reader would show the last, and nobody would miss the other."""
    row = first + 1
    head = f'<row r="1">{text_cell("A1", "名称")}{text_cell("B1", "电话")}</row>'
    before = "".join(f'<row r="{at}"><c r="A{at}"><v>{at}</v></c></row>' for at in range(2, row))
    twice = re.sub("([A-Z])2", rf"\g<1>{row}", cells)
    error = refused(zipped(parts(worksheet(f'{head}{before}<row r="{row}">{twice}</row>'))))
    assert [problem.code for problem in error.problems] == ["corrupt_workbook", "cell_twice"]
    place = re.search(f"[A-Z]+{row}", twice)
    assert place is not None
    assert f"单元格 {place[0]} 出现了两次" in error.message("zh")


def test_a_row_that_no_sheet_has() -> None:
    """Rows count from 1: what is said to stand above it would be shown nowhere."""
    rows = f'<row r="1">{text_cell("A1", "名称")}</row><row r="0">{text_cell("A0", "甲")}</row>'
    assert refused(zipped(parts(worksheet(rows)))).code == "corrupt_workbook"


def test_rows_out_of_order_are_read() -> None:
    """Their numbers are what counts."""
    rows = [f'<row r="{row}">{text_cell(f"A{row}", text)}</row>' for row, text in ((1, "名称"), (3, "乙"), (2, "甲"))]
    (table,) = read_tables(zipped(parts(worksheet("".join(rows)))))
    assert list(table.rows()) == [(2, ("甲",)), (3, ("乙",))]


BOMBS = {
    "a tag of nothing but the word hidden": zipped(parts(worksheet('<row r="1"' + ' hidden="1"' * 40_000 + "></row>"))),
    "blanks in hidden rows": zipped(
        parts(worksheet("".join(f'<row r="{row}" hidden="1">{" " * 2000}</row>' for row in range(1, 2000))))
    ),
    "a separator of one blank": ("sep= \r\na, " + " " * 60_000 + "b\r\n").encode(),
    "commas and blanks": ("a,b\r\n" + ", " * 20_000 + "\r\n").encode(),
    "quotes that are never closed": ("a,b\r\n" + ', "x' * 10_000 + "\r\n").encode(),
    "a wide sheet of texts": ("".join(f"{row}x," * 16_000 + "\r\n" for row in range(40))).encode(),
    **{
        f"cells of {name}": workbook(*[[text * (30_000 // len(text)) + "x"] * 40 for _ in range(30)])
        for name, text in (
            ("line breaks", "中" + "\n" * 29_999),
            ("wide blanks", "中" + "\u3000" * 29_999),
            ("remarks that are never closed", "（必填 "),
            ("hints that are never closed", "（格式："),
        )
    },
    "a long sheet of texts": ("".join("x," * 500 + "\r\n" for _ in range(1000))).encode(),
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_what_could_take_long_does_not(content: bytes) -> None:
    """Patterns that look at a file, and questions what its cells mean, end soon for any file."""
    begin = time.process_time()
    try:
        for table in read_tables(content, known=set(HEADINGS)):
            deque(table.rows(), maxlen=0)
    except UnreadableFileError:
        pass
    assert time.process_time() - begin < 5

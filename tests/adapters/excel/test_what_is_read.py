"""A workbook is read as it was looked at, within its limits on every way, and no error tells what stands in a cell."""

import io
import struct
import time
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress

import openpyxl
import pytest
import xlsxwriter
from openpyxl.comments import Comment

from custinfo.adapters.excel import plan_import
from custinfo.adapters.excel._openpyxl import read_patiently
from custinfo.adapters.excel.reading import CellError, Limits, read_tables
from custinfo.core.errors import UnreadableFileError
from tests.adapters.excel.sessions import COMPANY, acting_as, filled, saved
from tests.adapters.excel.sheets_by_hand import KINDS, parts, text_cell, worksheet, zipped
from tests.adapters.excel.test_old_workbooks_hostile import EOF, HEADINGS, begin, book, record, stream, text

HEADER = f'<row r="1">{text_cell("A1", "名称")}{text_cell("B1", "电话")}</row>'
SOUND = worksheet(f'{HEADER}<row r="2">{text_cell("A2", "甲")}</row>')
OTHER = worksheet(f'{HEADER}<row r="2">{text_cell("A2", "乙")}</row>')


def refusal(content: bytes, limits: Limits | None = None) -> UnreadableFileError:
    """Return the error with which a file is refused, at once."""
    begun = time.process_time()
    with pytest.raises(UnreadableFileError) as caught:
        for table in read_tables(content, limits=limits or Limits()):
            list(table.rows())
    assert time.process_time() - begun < 2
    return caught.value


def names(content: bytes) -> list[object]:
    """Return the first column of the only table."""
    (table,) = read_tables(content)
    return [values[0] for _, values in table.rows()]


# --- one file has one meaning


def test_a_second_name_of_an_entry_is_nothing() -> None:
    """Some readers go by a further name in the directory: a sheet that nobody looked at would take another's place."""
    file, name = io.BytesIO(), b"xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(file, "w") as archive:
        for part, content in parts(SOUND).items():
            archive.writestr(part, content)
        other = zipfile.ZipInfo("xl/other.bin")
        other.extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(b"xl/other.bin")) + name
        archive.writestr(other, OTHER)
    assert names(file.getvalue()) == ["甲"]


def two_books() -> dict[str, str]:
    """Return a file whose relations name another workbook than the usual one, which is there as well."""
    made = parts(SOUND)
    made["xl/other.xml"], made["xl/_rels/other.xml.rels"] = made["xl/workbook.xml"], made["xl/_rels/workbook.xml.rels"]
    made["xl/_rels/workbook.xml.rels"] = made["xl/_rels/workbook.xml.rels"].replace("sheet1", "sheet2")
    made["_rels/.rels"] = made["_rels/.rels"].replace("workbook", "other")
    return {**made, "xl/worksheets/sheet2.xml": OTHER}


def changed(part: str, before: str, after: str) -> dict[str, str]:
    """Return the parts of a sound workbook with a second sheet, one of them changed."""
    more = f'<Relationship Id="r9" Type="{KINDS}/worksheet" Target="worksheets/sheet2.xml"/></Relationships>'
    made = {**parts(SOUND), "xl/worksheets/sheet2.xml": OTHER}
    rels = "xl/_rels/workbook.xml.rels"
    made[rels] = made[rels].replace("</Relationships>", more)
    assert before in made[part]
    return {**made, part: made[part].replace(before, after)}


AMBIGUOUS: Mapping[str, dict[str, str]] = {
    "two workbooks": two_books(),
    "a sheet with two relations": changed("xl/workbook.xml", 'r:id="r1"', 'xmlns:q="urn:q" q:id="r9" r:id="r1"'),
    "two sheets of a name": changed("xl/workbook.xml", "</sheets>", '<sheet name="S" sheetId="2" r:id="r9"/></sheets>'),
    "a relation within another": changed(
        "xl/_rels/workbook.xml.rels",
        "</Relationships>",
        f'<a><Relationship Id="r1" Type="{KINDS}/worksheet" Target="worksheets/sheet2.xml"/></a></Relationships>',
    ),
}


@pytest.mark.parametrize("made", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_two_readers_understand_differently_is_refused(made: dict[str, str]) -> None:
    """Which sheet is read must not be up to the reader: one of them was not looked at."""
    assert refusal(zipped(made)).code == "corrupt_workbook"


@pytest.mark.parametrize(
    "target", ["/xl/worksheets/sheet1.xml", "../xl/worksheets/./sheet1.xml", "worksheets\\SHEET1.xml"]
)
def test_a_path_has_one_meaning(target: str) -> None:
    """However the path of a sheet is spelled, the sheet is read that it leads to."""
    made = parts(SOUND)
    rels = "xl/_rels/workbook.xml.rels"
    assert names(zipped({**made, rels: made[rels].replace("worksheets/sheet1.xml", target)})) == ["甲"]


# --- what could take long


BOMBS: Mapping[str, str] = {
    "errors without a value": HEADER
    + "".join(f'<row r="{row}"><c r="A{row}" t="e"/><c r="B{row}" t="e"></c></row>' for row in range(2, 20_000)),
    "cells that are never closed": HEADER + '<row r="2"><c r="A2" t="e"><f>' + '<c r="A2" ' * 60_000,
    "blanks behind a formula": HEADER + '<row r="2"><c r="A2"><f>x</f>' + " " * 300_000 + "<a/></c></row>",
}


@pytest.mark.parametrize("rows", BOMBS.values(), ids=BOMBS)
def test_marks_are_found_in_no_time(rows: str) -> None:
    """What stands in for values is looked for by patterns, which look at each cell once."""
    begun = time.process_time()
    with suppress(UnreadableFileError):
        read_tables(zipped(parts(worksheet(rows))))
    assert time.process_time() - begun < 2


def far_apart(more: str) -> bytes:
    """Return a workbook for the patient reader, which has something behind its cells."""
    rows = f'{HEADER}<row r="900000">{text_cell("XFD900000", "x")}</row>'
    return zipped(parts(worksheet(rows).replace("</worksheet>", f"{more}</worksheet>")))


@pytest.mark.parametrize("reference", ["A1:XFD1048576", "$A:$XFD", "1:1048576"])
def test_links_over_everything_are_refused(reference: str) -> None:
    """The patient reader gives each cell of the range a link of its own."""
    link = f'<hyperlinks><hyperlink ref="{reference}" location="x"/></hyperlinks>'
    assert refusal(far_apart(link)).code == "workbook_too_large"
    assert names(far_apart(link.replace(reference, "A1:B1"))) == [None]


# --- values


@pytest.mark.parametrize("number", ["1e999", "-INF", "NaN"])
def test_an_endless_number_is_an_error(number: str) -> None:
    """A file can spell it, and no cell can hold it; the row comes back like any other."""
    with acting_as("sunjiu") as session:
        header = [text_cell(f"{column}1", name) for column, name in zip("ABCD", COMPANY, strict=False)]
        cells = f'{text_cell("A2", "甲公司")}<c r="D2"><v>{number}</v></c>'
        plan = plan_import(
            session, "customer", zipped(parts(worksheet(f'<row r="1">{"".join(header)}</row><row r="2">{cells}</row>')))
        )
        (row,) = plan.rows
        assert (row.outcome, row.raw[3]) == ("rejected", CellError("#NUM!"))
        for form in ("rows", "sheet", "marked"):
            target = io.BytesIO()
            plan.write_errors(target, form=form)
            assert openpyxl.load_workbook(target).active["A2"].value is not None


def styled(number_format: str, number: str) -> bytes:
    """Return a workbook with a number that has a format."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["名称", "日期"])
        sheet.write_number(1, 1, 777, workbook.add_format({"num_format": number_format}))
    with zipfile.ZipFile(file) as archive:
        made = {name: archive.read(name) for name in archive.namelist()}
    sheet_part = "xl/worksheets/sheet1.xml"
    return zipped({**made, sheet_part: made[sheet_part].replace(b"<v>777</v>", f"<v>{number}</v>".encode())})


@pytest.mark.parametrize(("number_format", "number"), [("yyyy-mm-dd", "-1e300"), ("[h]:mm:ss", "1e10")])
def test_a_day_that_no_calendar_has(number_format: str, number: str) -> None:
    """The reader stumbles over it while rows are read; what it says of it is told to nobody."""
    error = refusal(styled(number_format, number))
    assert (error.code, error.__cause__, error.__suppress_context__ or error.__context__ is None) == (
        "corrupt_workbook",
        None,
        True,
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ('<c r="A2" t="e"><v>#N/A</v></c><c r="B2"><v>1</v></c>', (CellError("#N/A"), 1)),
        ('<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', (CellError("#DIV/0!"), None)),
        ('<c r="A2" t="e"/><c r="B2"><v>13812345678</v></c>', (None, 13812345678)),
        ('<c r="A2" t="e"></c><c r="B2"><v>13812345678</v></c>', (None, 13812345678)),
        ('<c r="A2" t="e"><v>13812345678</v></c><c r="B2"><v>1</v></c>', (CellError("#ERROR!"), 1)),
        ("<c r=\"A2\" t='e'><v>张三</v></c><c><v>1</v></c>", (CellError("#ERROR!"), 1)),
    ],
)
def test_an_error_has_a_name_and_no_value(cells: str, expected: tuple[object, ...]) -> None:
    """What a problem says of a cell is the name of its error, never what stands there or beside it."""
    (table,) = read_tables(zipped(parts(worksheet(f'{HEADER}<row r="2">{cells}</row>'))))
    assert list(table.rows()) == [(2, expected)]


# --- limits


MUCH = "字" * 400
LONG = worksheet(HEADER + "".join(f'<row r="{row}">{text_cell(f"A{row}", MUCH)}</row>' for row in range(2, 12)))
STRINGS = f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{MUCH}</t></si></sst>'
SHARED = worksheet(HEADER + "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(2, 12)))


def twice(sheet: str) -> bytes:
    """Return a workbook with a sheet that is there twice, under two names."""
    made = changed("xl/workbook.xml", "</sheets>", '<sheet name="T" sheetId="2" r:id="r9"/></sheets>')
    return zipped(
        {**made, "xl/worksheets/sheet1.xml": sheet, "xl/worksheets/sheet2.xml": sheet, "xl/sharedStrings.xml": STRINGS}
    )


TEXTS: Mapping[str, bytes] = {
    "in the cells": zipped(parts(LONG)),
    "shared by the cells": zipped(parts(SHARED, strings=STRINGS)),
    "in a text file": ("名称,电话\n" + f"{MUCH},1\n" * 10).encode(),
    "in an old workbook": book(
        stream(begin(16) + HEADINGS + b"".join(text(row, 0, MUCH * 2) for row in range(1, 11)) + record(EOF))
    ),
}


@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS)
def test_texts_are_limited_wherever_they_stand(content: bytes) -> None:
    """Ten texts of 1200 bytes are more than 10 000, and less than 20 000."""
    assert refusal(content, Limits(max_text_bytes=10_000)).code == "workbook_too_large"
    assert read_tables(content, limits=Limits(max_text_bytes=20_000))


@pytest.mark.parametrize("sheet", [LONG, SHARED])
def test_texts_of_all_sheets_count_together(sheet: str) -> None:
    """Two sheets of 12 000 bytes each are more than 20 000."""
    assert refusal(twice(sheet), Limits(max_text_bytes=20_000)).code == "workbook_too_large"
    assert len(read_tables(twice(sheet), limits=Limits(max_text_bytes=30_000))) == 2


# --- plans


def damaged(content: bytes) -> dict[str, bytes]:
    """Return files whose custom properties can't be read, each in another way."""
    sound = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(sound, "w", zipfile.ZIP_DEFLATED) as other:
        other.writestr("docProps/custom.xml", archive.read("docProps/custom.xml"))
        for name in archive.namelist():
            if name != "docProps/custom.xml":
                other.writestr(name, archive.read(name))
    made = sound.getvalue()
    directory = made.index(b"PK\x01\x02")

    def put(*places: tuple[int, bytes]) -> bytes:
        file = bytearray(made)
        for at, new in places:
            file[at : at + len(new)] = new
        return bytes(file)

    return {
        "a broken stream": put((30 + len("docProps/custom.xml"), b"\xff" * 8)),
        "encrypted": put((6, b"\1"), (directory + 8, b"\1")),
        "a later version": put((directory + 6, b"\x63")),
        "another method": put((8, b"\x0e"), (directory + 10, b"\x0e")),
    }


def test_damage_where_a_template_tells_of_itself() -> None:
    """Properties are looked at before the rest of the file, and what is wrong with them is said as ever."""
    with acting_as("sunjiu") as session:
        codes = {}
        for name, content in damaged(filled(session, COMPANY)).items():
            with pytest.raises(UnreadableFileError) as caught:
                plan_import(session, "customer", content)
            codes[name] = caught.value.code
    assert codes == {
        "a broken stream": "corrupt_workbook",
        "encrypted": "password_protected",
        "a later version": "corrupt_workbook",
        "another method": "corrupt_workbook",
    }


def refused_rows(content: bytes, form: str) -> list[str]:
    """Return the headings of the workbook of errors, within seconds."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", content)
        assert plan.counts.rejected
        target, begun = io.BytesIO(), time.process_time()
        plan.write_errors(target, form=form)  # type: ignore[arg-type]
        assert time.process_time() - begun < 5
        (table,) = read_tables(target.getvalue())
        assert plan_import(session, "customer", target.getvalue()).counts.rejected == plan.counts.rejected
        return list(table.header)


@pytest.mark.parametrize("form", ["sheet", "marked"])
def test_a_sheet_that_openpyxl_would_blow_up_is_written_plainly(form: str) -> None:
    """It makes a cell of each in a merged range, or in one with a comment: the reasons come first, as in `rows`."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["客户名称", "客户类型"])
    workbook.active.append(["甲公司", "公司"])
    workbook.active["A1"].comment = Comment("x", "y")
    with zipfile.ZipFile(io.BytesIO(saved(workbook))) as archive:
        made = {name: archive.read(name) for name in archive.namelist()}
    sheet, comments = "xl/worksheets/sheet1.xml", next(name for name in made if "comments/" in name)
    merged = b'</sheetData><mergeCells><mergeCell ref="F2:XFD1048576"/></mergeCells>'
    for part, before, after in ((sheet, b"</sheetData>", merged), (comments, b'ref="A1"', b'ref="A1:XFD1048576"')):
        assert before in made[part]
        content = zipped({**made, part: made[part].replace(before, after)})
        assert refused_rows(content, form)[0] == "错误原因"


@pytest.mark.parametrize("form", ["sheet", "marked"])
def test_a_sheet_used_up_to_its_last_column_is_written_plainly(form: str) -> None:
    """A format somewhere in column XFD leaves no room for the reasons, and takes no time for every row."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["客户名称", "客户类型"])
    for _ in range(300):
        workbook.active.append(["甲公司", "公司"])
    workbook.active["XFD1"].number_format = "@"
    assert refused_rows(saved(workbook), form)[0] == "错误原因"


def test_what_stands_between_stays_in_the_own_sheet() -> None:
    """Cells of a block that is filled down have their value among refused rows, whether the file has them or not."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["客户类型", "客户名称"])
    workbook.active.append(["公司", "甲公司"])
    workbook.active["B3"] = "乙公司"
    workbook.active.merge_cells("A2:A3")
    with acting_as("sunjiu") as session:
        target = io.BytesIO()
        plan_import(session, "customer", saved(workbook)).write_errors(target, form="sheet")
    sheet = openpyxl.load_workbook(target).active
    found = [[cell.value for cell in row[:2]] for row in sheet.iter_rows(min_row=2)]
    assert found == [["公司", "甲公司"], ["公司", "乙公司"]]


def test_the_patient_reader_names_errors_only() -> None:
    """It is asked where the fast one gives up."""
    rows = f'{HEADER}<row r="2"><c r="A2" t="e"><v>13812345678</v></c></row>'
    grids = read_patiently(zipped(parts(worksheet(rows))), ["S"])
    assert dict(grids["S"].rows())[2] == [CellError("#ERROR!")]

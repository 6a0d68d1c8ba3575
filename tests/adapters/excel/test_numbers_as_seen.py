"""Zeros that only a number format puts in front: people see a code, and the code is what arrives."""

import io
import struct
from collections.abc import Sequence

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from custinfo.adapters.excel._seen import SeenNumbers
from custinfo.adapters.excel._zero_formats import ZeroFormat, zero_format
from custinfo.adapters.excel.reading import read_tables
from tests.adapters.excel.sheets_by_hand import MAIN, parts, text_cell, worksheet, zipped
from tests.adapters.excel.test_old_workbooks_hostile import EOF, begin, book, record, stream, text
from tests.adapters.excel.test_old_workbooks_hostile import HEADINGS as OLD_HEADINGS
from tests.adapters.excel.test_peoples_files import FIRST, HEADINGS, phones, planned


def formatted(*cells: tuple[object, str], heading: str = "邮编", rows: int = 1) -> bytes:
    """Return a workbook of customers with a further column, whose cells have a number format each."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("客户")
        sheet.write_row(0, 0, [*HEADINGS, heading])
        for row, (value, code) in enumerate(cells * rows, start=1):
            sheet.write_row(row, 0, [f"甲公司{row}", *FIRST[1:]])
            sheet.write(row, len(HEADINGS), value, book.add_format({"num_format": code}))
    return file.getvalue()


def last_column(content: bytes) -> list[object]:
    """Return the last column of the only table."""
    (table,) = read_tables(content)
    return [values[-1] for _, values in table.rows()]


SEEN: list[tuple[object, str, object]] = [
    (123, "000000", "000123"),
    (200000, "000000", "200000"),
    (1234567, "000000", "1234567"),
    (0, "00000", "00000"),
    (123456, "0000-000", "0123-456"),
    (123456789, "[<=99999]00000;00000-0000", "12345-6789"),
    (1234, "[<=99999]00000;00000-0000", "01234"),
    (12345678, "000-00-0000", "012-34-5678"),
    (12, '"E"0000', "E0012"),
    (12, "[$-804]000000", "000012"),
    (571, "[Red]0000_)", "0571"),
    (20240131, '0000"年"00"月"00"日"', "2024年01月31日"),
    (1012345678, "00000000000", "01012345678"),
]
NOT_SEEN: list[tuple[object, str, object]] = [
    (5, "0", 5),
    (5.5, "00000", 5.5),
    (-5, "00000", -5),
    (5, "0.00", 5),
    (5, "#,##0", 5),
    (5, "00%", 5),
    (5, "00.0", 5),
    (5, '"¥"#,##0.00', 5),
    (5, "[$¥-804]000", 5),
    (5, "@", 5),
    (5, "00E+00", 5),
    (10**15, "000000000000000000", 10**15),
    (0, '000;;"无"', 0),
    ("007", "00000", "007"),
]


@pytest.mark.parametrize(("value", "code", "seen"), SEEN + NOT_SEEN)
def test_a_number_is_what_people_see(value: object, code: str, seen: object) -> None:
    """A code has its zeros and dashes; an amount, a percentage or a number that has lost digits stays a number."""
    assert last_column(formatted((value, code))) == [seen]


def test_codes_among_amounts_and_texts() -> None:
    """Each cell is by its own format, also where the column has several."""
    cells = ((1, "000"), (2, "000"), (3, "General"), ("4", "000"), (5, "0000"), (6, "000"), (None, "000"), (8, "000"))
    assert last_column(formatted(*cells)) == ["001", "002", 3, "4", "0005", "006", None, "008"]
    assert len(last_column(formatted(*cells, rows=500))) == 4000


def test_text_fields_get_what_is_seen_and_number_fields_the_number() -> None:
    """An amount in such a format is the same amount, whatever stands between its digits."""
    content = formatted((123, "000000"), (12, '"E"0000'), heading="备注")
    assert [row.raw[-1] for row in planned(content).rows] == ["000123", "E0012"]
    money = planned(formatted((123, "000000"), (5000, '00"元"'), (123456, "0000-000"), heading="年采购预算"))
    assert [(row.outcome, row.raw[-1]) for row in money.rows] == [("create", 123), ("create", 5000), ("create", 123456)]


def test_dates_in_the_form_of_a_number() -> None:
    """A day that is written as eight digits is that day."""
    plan = planned(formatted((20240131, "00000000"), (20240131, '0000"年"00"月"00"日"'), heading="成立时间"))
    assert [row.outcome for row in plan.rows] == ["create", "create"]


STYLES = (
    f'<styleSheet {MAIN}><numFmts count="1"><numFmt numFmtId="176" formatCode="000000"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="176"/><xf numFmtId="176"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="176"/></cellXfs></styleSheet>'
)


def by_hand(cells: str, styles: str = STYLES) -> bytes:
    """Return a workbook with styles of its own; the second one of the cells puts zeros in front."""
    book = parts(worksheet(f'<row r="1">{text_cell("A1", "名称")}{text_cell("B1", "邮编")}</row>{cells}'))
    relations = book["xl/_rels/workbook.xml.rels"].replace("sharedStrings.xml", "styles.xml")
    return zipped(
        {**book, "xl/_rels/workbook.xml.rels": relations.replace("/sharedStrings", "/styles"), "xl/styles.xml": styles}
    )


SPELLED = {
    "as usual": '<row r="2"><c r="A2" t="str"><v>甲</v></c><c r="B2" s="1"><v>123</v></c></row>',
    "the style first": '<row r="2"><c r="A2" t="str"><v>甲</v></c><c s="1" r="B2"><v>123</v></c></row>',
    "without references": '<row><c t="str"><v>甲</v></c><c s="1"><v>123</v></c></row>',
    "in single quotes": "<row r='2'><c r='A2' t='str'><v>甲</v></c><c r='B2' s='1'><v>123</v></c></row>",
    "as a formula": '<row r="2"><c r="A2" t="str"><v>甲</v></c><c r="B2" s="1"><f>100+23</f><v>123</v></c></row>',
}


@pytest.mark.parametrize("cells", SPELLED.values(), ids=SPELLED)
def test_styles_however_they_are_spelled(cells: str) -> None:
    """The format is found by the style of the cell, whatever the writer."""
    assert last_column(by_hand(cells)) == ["000123"]


@pytest.mark.parametrize("styles", [STYLES.replace("000000", "000000" * 50), STYLES.replace("176", "x", 1)])
def test_styles_that_say_nothing(styles: str) -> None:
    """Formats that cannot be told leave the numbers as they are."""
    assert last_column(by_hand(SPELLED["as usual"], styles)) == [123]


@pytest.mark.parametrize("before", ["", '<numFmts count="1"><numFmt numFmtId="176" formatCode="0.00"/></numFmts>'])
def test_formats_of_conditions_are_others(before: str) -> None:
    """They may have the number of a format of cells: an amount is no code because some cells are to be seen so."""
    cells = '<cellXfs><xf numFmtId="0"/><xf numFmtId="176"/></cellXfs>'
    conditions = '<dxfs count="1"><dxf><numFmt numFmtId="176" formatCode="000000"/></dxf></dxfs>'
    styles = f"<styleSheet {MAIN}>{before}{cells}{conditions}</styleSheet>"
    assert last_column(by_hand(SPELLED["as usual"], styles)) == [123]


def test_a_phone_that_is_seen_with_its_area_code() -> None:
    """The zero of an area code is often a format only."""
    content = formatted((1012345678, "00000000000"), heading="x")
    assert set(phones(content).values()) == {FIRST[3]}
    plan = planned(formatted((1012345678, "00000000000"), heading="联系方式2"), mapping={"联系方式2": "phone", "D": ""})
    assert [row.outcome for row in plan.rows] == ["create"]


@given(st.integers(0, 10**15 - 1), st.integers(2, 20))
def test_zeros_alone_change_no_number(number: int, places: int) -> None:
    """The text is as long as the format, and is the number again."""
    shown = found(zero_format("0" * places)).shown(number)
    assert shown is not None
    assert (int(shown), len(shown)) == (number, max(places, len(str(number))))


@given(st.text('0#;[]<=>-"\\_*() 年$Rd.,%/@19', max_size=40), st.integers(-5, 10**16))
def test_no_format_is_too_odd(code: str, number: int) -> None:
    """Whatever a file holds, a number is a text or stays one, with all of its digits."""
    format_ = zero_format(code)
    shown = format_.shown(number) if format_ else None
    digits = str(number)
    assert shown is None or all(shown.count(digit) >= digits.count(digit) for digit in digits)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 2)), max_size=40, unique_by=lambda item: item[0]))
def test_runs_are_as_the_cells(cells: Sequence[tuple[int, int]]) -> None:
    """What is kept is a run of rows of one format; what comes out is each cell by its own."""
    formats = {1: found(zero_format("000")), 2: found(zero_format("0000"))}
    seen, styles = SeenNumbers(formats), dict(cells)
    for row, style in cells:
        seen.add(row, 5, style)
    rows = [(row, ("x", 7)) for row in range(1, 61) if row % 7]
    expected = [(row, ("x", {1: "007", 2: "0007"}.get(styles.get(row, 0), 7))) for row, _ in rows]
    assert list(seen.over(iter(rows), (3, 5), ())) == expected
    assert list(seen.over(iter(rows), (3, 5), (1,))) == rows


def found(format_: ZeroFormat | None) -> ZeroFormat:
    """Return a format that there is."""
    assert format_ is not None
    return format_


def old(version: bytes, code: bytes) -> bytes:
    """Return an .xls of two styles, of which the second one has a format, and of numbers in all forms of records."""
    styles = b"".join(record(0xE0, struct.pack("<HH16x", 0, name)) for name in (0, 176))
    number = record(0x203, struct.pack("<3Hd", 1, 1, 1, 123))
    plain = record(0x203, struct.pack("<3Hd", 2, 1, 0, 123))
    short = record(0x27E, struct.pack("<3HI", 3, 1, 1, 45 << 2 | 2))
    several = record(0xBD, struct.pack("<2HHIHIH", 4, 1, 1, 7 << 2 | 2, 0, 8 << 2 | 2, 2))
    formula = record(0x06, struct.pack("<3HdH4xH", 5, 1, 1, 9, 0, 0))
    names = b"".join(text(row, 0, "甲") for row in range(1, 6))
    sheet = begin(16) + OLD_HEADINGS + names + number + plain + short + several + formula + record(EOF)
    return book(stream(sheet, more=record(0x41E, struct.pack("<H", 176) + version + code) + styles))


CODES = {
    "bytes": (struct.pack("<HB", 6, 0), b"000000"),
    "characters": (struct.pack("<HB", 6, 1), "000000".encode("utf-16-le")),
    "Excel 5": (struct.pack("<B", 6), b"000000"),
}


@pytest.mark.parametrize(("version", "code"), CODES.values(), ids=CODES)
def test_an_old_workbook(version: bytes, code: bytes) -> None:
    """It has the same formats in other records."""
    (table,) = read_tables(old(version, code))
    assert [values[1] for _, values in table.rows()] == ["000123", 123, "000045", "000007", "000009"]


@pytest.mark.parametrize("code", [b"", b"\xff\xff\x01", b"0.00"])
def test_an_old_workbook_with_damaged_formats(code: bytes) -> None:
    """A format that says nothing leaves the numbers as they are."""
    (table,) = read_tables(old(struct.pack("<HB", 400, 1), code))
    assert [values[1] for _, values in table.rows()] == [123, 123, 45, 7, 9]

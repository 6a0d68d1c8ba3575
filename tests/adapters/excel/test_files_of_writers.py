"""What differs between the programs that write files, and between the people who copy into them."""

import datetime as dt
import io
import zipfile
from collections.abc import Callable

import openpyxl
import pytest

from custinfo import UnreadableFileError
from custinfo.adapters.excel import plan_import
from custinfo.adapters.excel.reading import read_tables
from tests.adapters.excel.sessions import acting_as, local, saved
from tests.adapters.excel.sheets_by_hand import KINDS, parts, text_cell, workbook, worksheet, zipped
from tests.adapters.excel.test_peoples_files import BOTH, FIRST, HEADINGS, SECOND, csv, phones, planned

PLAIN = workbook(HEADINGS, FIRST, SECOND)


def respelled(content: bytes, spell: Callable[[str], str]) -> bytes:
    """Return a zip with the same content by other names."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return zipped({spell(name): archive.read(name) for name in archive.namelist()})


@pytest.mark.parametrize(
    "spell",
    [
        lambda name: f"/{name}",
        lambda name: f"./{name}",
        lambda name: "\\" + name.replace("/", "\\"),
        lambda name: name.replace(".xml", ".XML"),
        str.upper,
        str.lower,
    ],
    ids=["slash", "dot", "backslash", "ending", "upper", "lower"],
)
def test_names_of_parts_as_writers_spell_them(spell: Callable[[str], str]) -> None:
    """They have no case, and begin with what the writer's library puts there."""
    assert phones(respelled(PLAIN, spell)) == BOTH


SHEET = worksheet(f'<row r="1">{text_cell("A1", "名称")}</row><row r="2">{text_cell("A2", "甲")}</row>')


@pytest.mark.parametrize(
    "target",
    [
        "./worksheets/sheet1.xml",
        "./../xl/./worksheets/sheet1.xml",
        "xl/worksheets/sheet1.xml",
        "/worksheets/sheet1.xml",
        "../../xl/worksheets/sheet1.xml",
        "worksheets/sheet%31.xml",
        " worksheets\\sheet1.xml ",
    ],
)
def test_paths_of_parts_as_writers_spell_them(target: str) -> None:
    """Where one part only can be meant, it is."""
    book = parts(SHEET)
    name = "xl/_rels/workbook.xml.rels"
    (table,) = read_tables(zipped({**book, name: book[name].replace("worksheets/sheet1.xml", target)}))
    assert list(table.rows()) == [(2, ("甲",))]


@pytest.mark.parametrize("types", [True, False])
@pytest.mark.parametrize("folder", ["xl/", "book/", ""])
def test_a_workbook_that_nothing_names(folder: str, types: bool) -> None:
    """The only part that is called so is it."""
    book = {name.replace("xl/", folder): text.replace("xl/", folder) for name, text in parts(SHEET).items()}
    del book["_rels/.rels"]
    if not types:
        del book["[Content_Types].xml"]
    (table,) = read_tables(zipped(book))
    assert list(table.rows()) == [(2, ("甲",))]


def test_names_that_become_one_are_refused() -> None:
    """Of two entries for one part, readers would take different ones."""
    book = parts(worksheet(f'<row r="1">{text_cell("A1", "a")}</row>'))
    book["/xl/workbook.xml"] = book["xl/workbook.xml"]
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(zipped(book))
    assert caught.value.code == "corrupt_workbook"


def test_respelled_entries_that_overlap_are_refused() -> None:
    """Copied by other names, entries that share their bytes would be larger than the file."""
    book = {f"/{name}": text for name, text in parts(worksheet(f'<row r="1">{text_cell("A1", "a")}</row>')).items()}
    plain = zipped({**book, "pad.bin": b"\0" * 5000, "twin.bin": b"\0" * 5000}, zipfile.ZIP_STORED)
    local = plain.index(b"pad.bin") - 30
    at = plain.rindex(b"twin.bin") - 4
    spliced = bytearray(plain)
    spliced[at : at + 4] = local.to_bytes(4, "little")
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(bytes(spliced))
    assert caught.value.code == "unsafe_workbook"


def test_a_sheet_that_is_missing_is_named() -> None:
    """A file without a sheet that it lists is damaged, and says which; another one can be asked for."""
    book = parts(worksheet(f'<row r="1">{text_cell("A1", "客户名称")}</row>'))
    sheet = '<sheet name="S" sheetId="1" r:id="r1"/>'
    book["xl/workbook.xml"] = book["xl/workbook.xml"].replace(
        sheet, f'{sheet}<sheet name="二月" sheetId="2" r:id="r9"/>'
    )
    links = "xl/_rels/workbook.xml.rels"
    link = f'<Relationship Id="r9" Type="{KINDS}/worksheet" Target="worksheets/sheet2.xml"/>'
    book[links] = book[links].replace("</Relationships>", f"{link}</Relationships>")
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(zipped(book))
    assert [(item.code, dict(item.params)) for item in caught.value.problems] == [
        ("corrupt_workbook", {}),
        ("sheets_missing", {"sheets": ("二月",)}),
    ]
    assert "二月" in caught.value.message("zh")
    (table,) = read_tables(zipped(book), sheet="S")
    assert table.header == ("客户名称",)


@pytest.mark.parametrize("delimiter", ["，", "；", "、", "｜"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_delimiters_of_a_chinese_keyboard(delimiter: str, encoding: str) -> None:
    """Where they split all rows alike, they are what was meant."""
    assert phones(csv(HEADINGS, FIRST, SECOND, delimiter=delimiter).encode(encoding)) == BOTH


def test_a_wide_comma_in_a_cell_stays_there() -> None:
    """Where the usual comma splits the rows, it counts."""
    assert list(phones(csv(HEADINGS, ("甲，公司", *FIRST[1:])).encode())) == ["甲，公司"]


@pytest.mark.parametrize("name", ["Österreich Käse", "Müller", "Société Générale SA", "Straße 1"])
def test_western_text_is_not_read_as_chinese(name: str) -> None:
    """Its accents would become characters that nobody wrote; who gets the refusal knows to save it as UTF-8."""
    content = csv(("name", "customer_type", "contact_name", "phone"), (name, *FIRST[1:3], "1"))
    western = content.replace(FIRST[1], "enterprise").replace(FIRST[2], "Jörg").encode("cp1252")
    with pytest.raises(UnreadableFileError) as caught:
        planned(western)
    assert caught.value.code == "not_a_workbook"
    assert "UTF-8" in caught.value.message("zh")
    assert "UTF-8" in caught.value.message("en")


def test_rare_names_are_chinese() -> None:
    """A name with characters beyond the usual ones does not make a file Western."""
    assert list(phones(csv(HEADINGS, ("朱镕基喆堃", *FIRST[1:])).encode("gb18030"))) == ["朱镕基喆堃"]


def test_rows_of_headings_that_fill_each_other_up() -> None:
    """Without merged cells, as in text, a label stands in one of both rows, or a group over several."""
    upper, lower = ("客户名称", "客户类型", "联系信息", ""), ("", "", "联系人", "联系方式")
    assert phones(csv(upper, lower, FIRST, SECOND).encode()) == BOTH
    cells = [tuple(value or None for value in row) for row in (upper, lower)]
    (table,) = read_tables(workbook(*cells, FIRST, SECOND), known=HEADINGS)
    assert (table.header, table.header_row) == (HEADINGS, 2)


def test_a_row_of_values_below_a_heading_is_no_heading() -> None:
    """Values fill up nothing, even beside a column that means no field."""
    for below, row in (("联系方式", 2), ("值", 1)):
        content = csv(("客户名称", "联系人", "其他"), ("", "", below), ("甲", "乙", "丙")).encode()
        (table,) = read_tables(content, known=HEADINGS)
        assert table.header_row == row


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u200d", "\u200e", "\u00ad", "\u2060", "\u00a0", "\u3000"])
def test_invisible_marks_around_what_was_copied(mark: str) -> None:
    """They are no part of a name, or there would be two customers that look the same; nor of a value to choose."""
    assert phones(csv(HEADINGS, tuple(f"{mark}{value}{mark}" for value in FIRST), SECOND).encode()) == BOTH


def test_hidden_columns_are_told() -> None:
    """Who hid a column learns that it comes along, where it means a field; one far out is none of the table."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in ((*HEADINGS, "颜色"), (*FIRST, "红"), (*SECOND, "绿")):
        sheet.append(row)
    for letter in "CEZ":
        sheet.column_dimensions[letter].hidden = True
    (problem,) = (item for item in planned(saved(made)).column_problems if item.code == "hidden_columns")
    assert (problem.severity, dict(problem.params)) == ("warning", {"columns": ("C",)})
    assert problem.message("zh") == "C 列被隐藏，同样会导入：不需要的请先删除"


def test_hidden_columns_of_unusual_xml() -> None:
    """They are found whatever prefix the XML has."""
    cells = "".join(text_cell(f"{column}1", text) for column, text in zip("ABCD", HEADINGS, strict=True))
    sheet = worksheet(f'<row r="1">{cells}</row>')
    columns = "<cols><col max='3' min='2' hidden='true'/><col min='4' max='4' hidden='0'/></cols><sheetData>"
    (table,) = read_tables(zipped(parts(sheet.replace("<sheetData>", columns))))
    assert table.hidden_columns == (1, 2)


def test_a_customer_called_total() -> None:
    """A line with a phone is about somebody, whatever the name; one with sums, or with how many there are, is not."""
    headings = ("客户名称", "联系方式", "年采购预算", "客户类型", "联系人")
    first = ("甲公司", "13800138000", "100", "企业客户", "张三")
    with acting_as("sunjiu") as session:
        content = csv(headings, first, ("合计", "13900139000", "50", "", "")).encode()
        assert [row.outcome for row in plan_import(session, "customer", content).rows] == ["create", "rejected"]
        content = csv(headings, first, ("合计", "1", "100", "", "")).encode()
        assert [row.outcome for row in plan_import(session, "customer", content).rows] == ["create", "skip"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-03-05T00:00:00", dt.date(2024, 3, 5)),
        ("2024-03-05", dt.date(2024, 3, 5)),
        ("2024-03-05T08:30:00", local(2024, 3, 5, 8, 30)),
    ],
)
def test_cells_that_hold_a_date_in_iso_form(text: str, value: object) -> None:
    """A day is a day, whether the writer adds midnight or not."""
    row = f'<row r="2"><c r="A2" t="d"><v>{text}</v></c></row>'
    (table,) = read_tables(zipped(parts(worksheet(f'<row r="1">{text_cell("A1", "日期")}</row>{row}'))))
    ((_, (found,)),) = table.rows()
    assert (type(found), found) == (type(value), value)

"""A hostile or damaged file costs little and gets a code; nothing else ever comes out."""

import io
import time
import zipfile

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from custinfo.adapters.excel._openpyxl import read_patiently
from custinfo.adapters.excel.reading import Limits, read_tables
from custinfo.core.errors import UnreadableFileError
from tests.adapters.excel.sheets_by_hand import (
    MAIN,
    old_workbook,
    parts,
    text_cell,
    workbook,
    worksheet,
    zipped,
)

SMALL = worksheet(f'<row r="1">{text_cell("A1", "a")}{text_cell("B1", "b")}</row>')
TIGHT = Limits(max_bytes=2_000_000, max_expanded_bytes=20_000_000, max_cells=1_000_000, max_text_bytes=20_000_000)


def code(content: bytes, limits: Limits = TIGHT) -> str:
    """Return the code with which a file is refused, within two seconds; empty when it is read."""
    begin = time.perf_counter()
    try:
        for table in read_tables(content, limits=limits):
            list(table.rows())
    except UnreadableFileError as error:
        return error.code
    finally:
        assert time.perf_counter() - begin < 2
    return ""


def test_the_harmless_one_is_read() -> None:
    """The workbook that the attacks below are built from is sound."""
    assert code(zipped(parts(SMALL))) == ""


def test_a_number_that_is_none_is_not_quoted() -> None:
    """What the patient reader stumbles over stands in a cell: no error says it, nor leads to one that does."""
    content = zipped(parts(worksheet('<row r="1"><c r="A1"><v>13812345678 x</v></c></row>')))
    with pytest.raises(UnreadableFileError) as caught:
        read_patiently(content, ["客户", "Sheet1"])
    assert caught.value.code == "corrupt_workbook"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize("prefix", ["", "<!-- -->"])
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "_rels/.rels", "docProps/app.xml"])
def test_a_doctype_is_refused_in_any_part(part: str, prefix: str) -> None:
    """Entities can only be declared in a DOCTYPE, which no spreadsheet program writes."""
    book = {"docProps/app.xml": "<Properties/>", **parts(SMALL)}
    book[part] = f'{prefix}<!DOCTYPE a [<!ENTITY b "c">]>{book[part]}'
    assert code(zipped(book)) == "unsafe_workbook"


def test_cells_far_apart_do_not_claim_the_rectangle_between() -> None:
    """A value in the last cell is read from a small file; from a large one it is refused before it is allocated."""
    far = SMALL.replace("</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    assert code(zipped(parts(far))) == ""
    padded = far.replace("<sheetData>", f"<!--{'x' * 5_000_000}--><sheetData>")
    assert code(zipped(parts(padded))) in {"workbook_too_large", "corrupt_workbook"}


@pytest.mark.parametrize("cell", ['<x:c r="XFD1048576">', '<c\tr="XFD1048576">', '<c s="0" r="XFD1048576">'])
def test_unusual_spelling_does_not_hide_a_far_cell(cell: str) -> None:
    """The quick scan leaves what it does not know to the parser."""
    end = "</x:c>" if "x:" in cell else "</c>"
    far = SMALL.replace("</sheetData>", f'<row r="1048576">{cell}<v>1</v>{end}</row></sheetData>')
    padded = far.replace("<worksheet", '<worksheet xmlns:x="urn:x"').replace("</worksheet>", " " * 5_000_000)
    assert code(zipped(parts(padded + "</worksheet>"))) == "workbook_too_large"


def test_a_long_string_that_many_cells_share_is_counted_for_each() -> None:
    """A file of a hundred kilobytes cannot ask for gigabytes of copies; this ended the process of the bare reader."""
    rows = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 5000))
    strings = f"<sst {MAIN}><si><t>{'x' * 30_000}</t></si></sst>"
    assert code(zipped(parts(worksheet(rows), strings=strings))) == "workbook_too_large"
    single = rows.replace("'s'", "'s'").replace('t="s"', "t='s'")
    assert code(zipped(parts(worksheet(single), strings=strings))) == "workbook_too_large"
    shifted = strings.replace("<si>", "<si/><si>")
    assert code(zipped(parts(worksheet(rows.replace(">0<", ">1<")), strings=shifted))) == "workbook_too_large"


@pytest.mark.parametrize("count", ["1999999999", "&#49;999999999", "0x77777777"])
def test_strings_that_are_only_claimed_are_refused(count: str) -> None:
    """The number of shared strings is a claim, and the bare reader ended the process when it believed it."""
    strings = f'<sst {MAIN} uniqueCount="{count}"><si><t>a</t></si></sst>'
    assert code(zipped(parts(SMALL, strings=strings))) == "corrupt_workbook"
    assert code(zipped(parts(SMALL, strings=strings.replace("<si>", "<sheetData/><si>")))) == "corrupt_workbook"


def test_one_long_note_among_many_cells_is_read() -> None:
    """A single long text does not make a large sheet suspicious: only the cells that hold it count."""
    rows = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>{int(row == 3)}</v></c></row>' for row in range(1, 5000))
    strings = f"<sst {MAIN}><si><t>a</t></si><si><t>{'x' * 30_000}</t></si></sst>"
    assert code(zipped(parts(worksheet(rows), strings=strings))) == ""


def test_a_bomb_by_compression_is_refused() -> None:
    """An entry that unpacks to hundreds of times its size is refused before it is unpacked."""
    content = zipped({**parts(SMALL), "xl/media/image1.png": b"\0" * 30_000_000})
    assert code(content, Limits()) == "unsafe_workbook"


def test_an_entry_that_hides_its_size_is_refused() -> None:
    """The size in the directory is a claim: what unpacks to more is damage."""
    content = zipped(parts(SMALL))
    name = b"xl/worksheets/sheet1.xml"
    at = content.rindex(name) - 46 + 24
    forged = content[:at] + (50).to_bytes(4, "little") + content[at + 4 :]
    assert code(forged) == "corrupt_workbook"


def test_duplicate_encrypted_and_foreign_entries_are_refused() -> None:
    """Two entries of one name, an encrypted entry, and a zip that is no workbook have their codes."""
    twice = zipped({**parts(SMALL), "xl/WORKSHEETS/sheet1.xml": SMALL})
    assert code(twice) == "corrupt_workbook"
    content = bytearray(zipped(parts(SMALL)))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    assert code(bytes(content)) == "password_protected"
    assert code(zipped({"word/document.xml": "<a/>"})) == "not_a_workbook"
    assert code(zipped(parts(SMALL), zipfile.ZIP_LZMA)) == "corrupt_workbook"


def test_sheets_that_share_a_part_count_each() -> None:
    """A thousand sheets of one part are not a thousand times the work."""
    book = parts(worksheet(f'<row r="1">{text_cell("A1", "a")}</row>' + "<!--x-->" * 100_000))
    sheets = "".join(f'<sheet name="S{number}" sheetId="{number}" r:id="r1"/>' for number in range(900))
    book["xl/workbook.xml"] = book["xl/workbook.xml"].replace('<sheet name="S" sheetId="1" r:id="r1"/>', sheets)
    assert code(zipped(book)) == "workbook_too_large"


def test_a_merged_range_over_everything_is_harmless() -> None:
    """A merge is only a note to us, and the reader that would expand it is not asked."""
    merged = SMALL.replace("</sheetData>", '</sheetData><mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells>')
    assert code(zipped(parts(merged))) == ""
    broken = merged.replace(">b<", "><").replace(
        "</sheetData>", '<row r="2"><c r="A2" t="s"><v>9</v></c></row></sheetData>'
    )
    assert code(zipped(parts(broken))) == "workbook_too_large"


def unzipped(content: bytes) -> dict[str, bytes]:
    """Return the parts of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


SEEDS = (
    workbook(["姓名", "电话"], ["张三", 13800138000], ["李四", 0.5], merges=["A5:A7"]),
    zipped(parts(SMALL), zipfile.ZIP_STORED),
    old_workbook(),
    "姓名,电话\n张三,1\n".encode("gb18030"),
)


CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)
BOOKS = tuple(map(unzipped, SEEDS[:2]))


def changed(content: bytes, changes: list[tuple[float, int]]) -> bytes:
    """Return the bytes with some of them replaced, by their place between 0 and 1."""
    damaged = bytearray(content)
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    return bytes(damaged)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.sampled_from(SEEDS),
    changes=CHANGES,
    kept=st.one_of(st.just(1.0), st.floats(0, 1)),
)
@example(seed=SEEDS[0], changes=[], kept=1.0)
def test_damage_gives_a_table_or_a_code(seed: bytes, changes: list[tuple[float, int]], kept: float) -> None:
    """Changed and missing bytes end in tables or an UnreadableFileError, never in anything else."""
    code(changed(seed, changes)[: int(kept * len(seed))])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(book=st.sampled_from(BOOKS), data=st.data(), changes=CHANGES)
def test_damage_inside_a_part_gives_a_table_or_a_code(
    book: dict[str, bytes], data: st.DataObject, changes: list[tuple[float, int]]
) -> None:
    """The same holds when the archive is sound and one of its parts is not."""
    name = data.draw(st.sampled_from(sorted(book)))
    code(zipped({**book, name: changed(book[name], changes)}))


DIMENSIONS = b"\x00\x02\x0e\x00" + b"\0\0\0\0" + b"\x03\0\0\0"
STRINGS = b"\xfc\x00\x4d\x00" + b"\x09\0\0\0" + b"\x09\0\0\0"


@pytest.mark.parametrize(
    ("sound", "forged"),
    [
        (DIMENSIONS, DIMENSIONS[:8] + b"\xff\xff\xff\x7f"),
        (DIMENSIONS, DIMENSIONS[:4] + b"\x09\0\0\0" + DIMENSIONS[8:]),
        (STRINGS, STRINGS[:8] + b"\xff\xff\xff\x7f"),
    ],
)
def test_an_old_workbook_cannot_claim_room(sound: bytes, forged: bytes) -> None:
    """The reader reserves what an .xls declares, so a declaration beyond the file's means is refused before."""
    content = old_workbook()
    assert content.count(sound) == 1
    assert code(content.replace(sound, forged)) in {"workbook_too_large", "corrupt_workbook"}


def test_a_chain_that_turns_back_on_itself_is_refused() -> None:
    """The sectors of an .xls form chains, and one that never ends would fill the memory."""
    content = bytearray(old_workbook())
    table = int.from_bytes(content[76:80], "little")
    for sector in range(10):
        at = (table + 1) * 512 + 4 * sector
        content[at : at + 4] = (0).to_bytes(4, "little")
    assert code(bytes(content)) == "corrupt_workbook"

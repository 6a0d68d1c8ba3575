"""What a file says twice, or spells so that readers take it for another, is read as it is meant or refused."""

import re

import pytest

from custinfo import UnreadableFileError
from custinfo.adapters.excel.reading import read_tables
from tests.adapters.excel.sheets_by_hand import KINDS, MAIN, SHEETS, TYPES, parts, text_cell, worksheet, zipped

HEADINGS = ("客户名称", "联系人", "联系方式")
FIRST = ("甲公司", "张三", "13800138000")
SECOND = ("乙公司", "李四", "13900139000")
PREFIX = {'xmlns="': 'xmlns:x="', "</": "</x:", r"<(?=\w)": "<x:"}


def row(number: int, values: tuple[str, ...], shown: int | None = None) -> str:
    """Return a row whose cells say another number if one is given."""
    cells = (text_cell(f"{letter}{shown or number}", value) for letter, value in zip("ABC", values, strict=True))
    return f'<row r="{number}">{"".join(cells)}</row>'


ROWS = (row(1, HEADINGS), row(2, FIRST), row(3, SECOND))
MANY = "".join(row(number, SECOND) for number in range(3, 2000))


def values(sheet: str, *, strings: str | None = None, **more: str) -> list[tuple[object, ...]]:
    """Return the rows of a workbook with a sheet of that XML, in which the parts have their types."""
    override = '<Override PartName="/{}" ContentType="' + SHEETS + '.{}+xml"/></Types>'
    types = TYPES.replace("</Types>", override.format("xl/sharedStrings.xml", "sharedStrings"))
    made = zipped(parts(sheet, strings=strings, more={"[Content_Types].xml": types, **more}))
    (table,) = read_tables(made, known=HEADINGS)
    return [values for _, values in table.rows()]


def refusal(sheet: str, **more: str) -> str:
    """Return the code with which such a workbook is refused."""
    with pytest.raises(UnreadableFileError) as caught:
        values(sheet, **more)
    return caught.value.code


def prefixed(sheet: str) -> str:
    """Return XML all of whose elements have a prefix, which only a parser understands."""
    for pattern, text in PREFIX.items():
        sheet = re.sub(pattern, text, sheet)
    return sheet


TWICE = {
    "two lists of rows": f"<worksheet {MAIN}><sheetData>{ROWS[0]}{ROWS[1]}</sheetData>"
    f"<sheetData>{ROWS[2]}</sheetData></worksheet>",
    "an empty list before": f"<worksheet {MAIN}><sheetData/><sheetData>{''.join(ROWS)}</sheetData></worksheet>",
    "an empty list behind": f"<worksheet {MAIN}><sheetData>{''.join(ROWS)}</sheetData><sheetData/></worksheet>",
    "a cell of another row": worksheet("".join(ROWS).replace('"B2"', '"B3"')),
    "cells of another row": worksheet(ROWS[0] + ROWS[1] + row(9, SECOND, shown=3)),
    "a cell of a row far below": worksheet("".join(ROWS).replace('"C3"', '"C3333"')),
    "a cell of the row before, far below": worksheet(ROWS[0] + MANY.replace('"C1500"', '"C1499"')),
    "a cell of another row that has its style": worksheet(
        "".join(ROWS).replace('"B3"', '"B4" s="3"').replace('"C3"', '"C3" s="3"')
    ),
    "rows without numbers, and cells of the same": worksheet(
        re.sub(r'<row r="\d"', "<row", ROWS[0] + ROWS[1] + row(2, SECOND))
    ),
    "a row without a number, and cells of two": worksheet(
        re.sub(r'<row r="\d"', "<row", "".join(ROWS).replace('"B2"', '"B7"'))
    ),
}


@pytest.mark.parametrize("sheet", TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("spell", [str, prefixed], ids=["as usual", "with a prefix"])
def test_a_place_that_is_said_twice(sheet: str, spell: type[str]) -> None:
    """Which one is meant nobody can tell, and a reader would lose rows or put cells into others without a word."""
    assert refusal(spell(sheet)) == "corrupt_workbook"


def test_rows_that_need_no_number() -> None:
    """A row without a number is that of its cells, or the next one."""
    expected = [FIRST, SECOND]
    assert values(worksheet(re.sub(r'<row r="\d"', "<row", "".join(ROWS)))) == expected
    assert values(worksheet(re.sub(r' r="\w\d"| r="\d"', "", "".join(ROWS)))) == expected
    assert values(worksheet(re.sub(r'<row r="(\d)"', r'<row spans="1:3" r="\1"', "".join(ROWS)))) == expected


def test_breaks_of_pages_are_no_rows() -> None:
    """Their element begins like one."""
    breaks = '<rowBreaks count="1" manualBreakCount="1"><brk id="2" max="16383" man="1"/></rowBreaks>'
    sheet = worksheet("".join(ROWS)).replace("</sheetData>", f"</sheetData>{breaks}")
    assert values(sheet) == [FIRST, SECOND]


def with_cell(cell: str) -> str:
    """Return a sheet with another cell in place of B2."""
    return worksheet(ROWS[0] + re.sub('<c r="B2".*?</c>', lambda _: cell, ROWS[1]) + ROWS[2])


STRINGS = f'<sst {MAIN} count="2" uniqueCount="2"><si><t>王五</t></si><si><t>赵六</t></si></sst>'
SPELLED: dict[str, tuple[str, object]] = {
    "an index between blanks": ('<c r="B2" t="s"><v> 1 </v></c>', "赵六"),
    "an index on a line of its own": ('<c r="B2" t="s">\n<v>\n1\n</v>\n</c>', "赵六"),
    "an index in a section": ('<c r="B2" t="s"><v><![CDATA[1]]></v></c>', "赵六"),
    "an index behind a comment": ('<c r="B2" t="s"><v><!-- x -->1</v></c>', "赵六"),
    "an index as a reference": ('<c r="B2" t="s"><v>&#49;</v></c>', "赵六"),
    "an index with a note of spaces": ('<c r="B2" t="s"><v xml:space="preserve">1</v></c>', "赵六"),
    "an index in other quotes": ("""<c r="B2" t='s'><v> 1 </v></c>""", "赵六"),
    "a number in a section": ('<c r="B2"><v><![CDATA[15]]></v></c>', 15),
    "a number as a reference": ('<c r="B2"><v>&#49;5</v></c>', 15),
    "a number around a comment": ('<c r="B2"><v>1<!-- x -->5</v></c>', 15),
    "a number around an instruction": ('<c r="B2"><v>1<?x y?>5</v></c>', 15),
    "yes in a section": ('<c r="B2" t="b"><v><![CDATA[1]]></v></c>', True),
    "a text in a section": ('<c r="B2" t="str"><v>A<![CDATA[&]]>B</v></c>', "A&B"),
    "a value in front of its formula": ('<c r="B2"><v>15</v><f>A1</f></c>', 15),
    "a value in front of its formula, as others write it": ('<c r="B2"><v>15</v>\n<f>A1</f></c>', 15),
    "a text with references": ('<c r="B2" t="str"><v>A&#38;&#66;</v></c>', "A&B"),
    "a text with a blank value behind": ('<c r="B2" t="inlineStr"><is><t>王</t></is><v></v></c>', "王"),
    "a text with no value behind": ('<c r="B2" t="inlineStr"><is><t>王</t></is><v/></c>', "王"),
    "a section in a text": ('<c r="B2" t="inlineStr"><is><t><![CDATA[<c r="B2">]]></t></is></c>', '<c r="B2">'),
}


@pytest.mark.parametrize(("cell", "value"), SPELLED.values(), ids=SPELLED)
def test_values_that_the_fast_reader_takes_for_others(cell: str, value: object) -> None:
    """It would show the first shared string, a part of a number, or nothing at all."""
    assert values(with_cell(cell), strings=STRINGS) == [(FIRST[0], value, FIRST[2]), SECOND]


@pytest.mark.parametrize("end", ["/>", "></hyperlink>"])
@pytest.mark.parametrize("spell", [str, prefixed], ids=["as usual", "with a prefix"])
def test_a_link_in_a_blank_cell(spell: type[str], end: str) -> None:
    """It is no value, whichever reader sees it: nobody reads its address there."""
    links = f'<hyperlinks><hyperlink ref="B2" location="S!A1"/><hyperlink ref="B3" location="S!A2"{end}</hyperlinks>'
    sheet = with_cell('<c r="B2"/>').replace('<c r="C3"', '<c r="D3"><v>&#49;</v></c><c r="C3"')
    first, second = values(spell(sheet.replace("</sheetData>", f"</sheetData>{links}")), strings=STRINGS)
    assert (first[1], second[1], second[3]) == (None, SECOND[1], 1)


NO_VALUES = {
    "a sign": '<c r="B2" t="s"><v>-1</v></c>',
    "a word": '<c r="B2" t="s"><v>x</v></c>',
    "a fraction": '<c r="B2" t="s"><v>1.0</v></c>',
    "wide digits": '<c r="B2" t="s"><v>１</v></c>',
    "more than any": '<c r="B2" t="s"><v>18446744073709551617</v></c>',
    "two indexes": '<c r="B2" t="s"><v>0</v><v>1</v></c>',
    "two texts": '<c r="B2" t="inlineStr"><is><t>王</t></is><is><t>赵</t></is></c>',
}


@pytest.mark.parametrize("cell", NO_VALUES.values(), ids=NO_VALUES)
def test_an_index_that_is_none(cell: str) -> None:
    """It is damage, not the first string."""
    assert refusal(with_cell(cell), strings=STRINGS) == "corrupt_workbook"


def test_a_value_of_another_spelling_in_a_large_file() -> None:
    """The reader that would see it as it is meant takes too much memory for it: the file is refused."""
    rows = "".join(row(number, SECOND) for number in range(3, 30_000))
    sheet = worksheet(ROWS[0] + ROWS[1].replace("</row>", '<c r="D2"><v>&#49;5</v></c></row>') + rows)
    assert refusal(sheet) == "corrupt_workbook"


def test_elements_behind_the_rows_are_no_cells() -> None:
    """Extensions of programs may have elements of the same names."""
    more = '<extLst><ext xmlns:y="urn:y" uri="u"><y:c r="A2"/><y:row r="1"/></ext></extLst>'
    assert values(worksheet("".join(ROWS)).replace("</sheetData>", f"</sheetData>{more}")) == [FIRST, SECOND]


def linked(*targets: tuple[str, str]) -> str:
    """Return the relations of a workbook with further ones: type and target."""
    relations = parts("")["xl/_rels/workbook.xml.rels"].replace('Target="sharedStrings.xml"', 'Target="none.xml"')
    more = "".join(
        f'<Relationship Id="more{number}" Type="{KINDS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets)
    )
    return relations.replace("</Relationships>", f"{more}</Relationships>")


SHARED = with_cell('<c r="B2" t="s"><v>1</v></c>')
OTHERS = STRINGS.replace("赵六", "孙七")
STYLES = (
    f'<styleSheet {MAIN}><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy-mm-dd"/></numFmts>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


@pytest.mark.parametrize("more", [{}, {"xl/sharedStrings.xml": OTHERS}], ids=["alone", "beside the usual name"])
def test_strings_in_a_part_of_another_name(more: dict[str, str]) -> None:
    """The relation says where they are; what lies under the usual name is nobody's."""
    found = values(
        SHARED,
        **{"xl/_rels/workbook.xml.rels": linked(("sharedStrings", "texts.xml")), "xl/texts.xml": STRINGS},
        **more,
    )
    assert found == [(FIRST[0], "赵六", FIRST[2]), SECOND]


@pytest.mark.parametrize(
    "more", [{}, {"xl/styles.xml": f"<styleSheet {MAIN}/>"}], ids=["alone", "beside the usual name"]
)
def test_styles_in_a_part_of_another_name(more: dict[str, str]) -> None:
    """Without them a date would be a number."""
    found = values(
        with_cell('<c r="B2" s="1"><v>45000</v></c>'),
        **{"xl/_rels/workbook.xml.rels": linked(("styles", "formats.xml")), "xl/formats.xml": STYLES},
        **more,
    )
    assert [str(value) for value in found[0]] == [FIRST[0], "2023-03-15", FIRST[2]]


def test_two_parts_of_strings() -> None:
    """Which of them counts would be up to the reader."""
    relations = linked(("sharedStrings", "texts.xml"), ("sharedStrings", "sharedStrings.xml"))
    more = {"xl/_rels/workbook.xml.rels": relations, "xl/texts.xml": STRINGS, "xl/sharedStrings.xml": OTHERS}
    assert refusal(SHARED, **more) == "corrupt_workbook"

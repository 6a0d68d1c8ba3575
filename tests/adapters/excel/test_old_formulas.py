"""Formulas of old workbooks (.xls) whose writer could not calculate: a blank would be wrong."""

import struct

import pytest

from custinfo.adapters.excel._old_records import EOF, FORMULA
from custinfo.adapters.excel.reading import UncachedFormula, read_tables
from tests.adapters.excel.test_old_workbooks_hostile import HEADINGS, begin, book, record, stream, text

WRITER = 0x5C
NAMES = {
    "of a library": (b"None".ljust(112), UncachedFormula()),
    "of a program": (b"\x04\0\0None".ljust(112), None),
    "of nobody": (b"", None),
}


@pytest.mark.parametrize(("writer", "value"), NAMES.values(), ids=NAMES)
def test_a_formula_with_an_empty_text(writer: bytes, value: object) -> None:
    """The library writes each formula so, asks for no calculation, and is known by whom it names as the writer."""
    formula = record(FORMULA, struct.pack("<3H", 1, 1, 15) + b"\x03\0\0\0\0\0\xff\xff" + bytes(8))
    sheet = begin(16) + HEADINGS + text(1, 0, "甲") + formula + record(EOF)
    (table,) = read_tables(book(stream(sheet, more=record(WRITER, writer))))
    assert [values for _, values in table.rows()] == [("甲", value)]

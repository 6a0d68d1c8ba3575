"""Shared strings of old workbooks (.xls) that go on in further records."""

import struct
from itertools import pairwise

import pytest

from custinfo.adapters.excel._old_records import CONTINUE, EOF, LABELSST, SST
from custinfo.adapters.excel.reading import read_tables
from tests.adapters.excel.test_old_workbooks_hostile import HEADINGS, begin, book, record, stream, text

NAME = "甲😀乙𠮷丙"


def cut(*lengths: int) -> bytes:
    """Return the record of a string, and those in which it goes on after so many units each."""
    units = NAME.encode("utf-16-le")
    places = [0, *(2 * sum(lengths[: number + 1]) for number in range(len(lengths))), len(units)]
    first, *others = (units[start:end] for start, end in pairwise(places))
    made = record(SST, struct.pack("<IIHB", 1, 1, len(units) // 2, 1) + first)
    return made + b"".join(record(CONTINUE, b"\1" + part) for part in others)


@pytest.mark.parametrize("lengths", [(), (1,), (2,), (3,), (5,), (2, 3), (2, 1, 2), (1, 1, 1, 1, 1, 1)])
def test_characters_that_records_cut(lengths: tuple[int, ...]) -> None:
    """The name of somebody with a rare character is the same wherever a record is full."""
    cell = record(LABELSST, struct.pack("<HHHI", 1, 0, 0, 0))
    sheet = begin(16) + HEADINGS + cell + text(1, 1, "1") + record(EOF)
    (table,) = read_tables(book(stream(sheet, more=cut(*lengths))))
    assert [values for _, values in table.rows()] == [(NAME, "1")]

"""The records of an old workbook (.xls): their kinds, and one after the other."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

__all__ = [
    "BIFF5",
    "BOF",
    "BOOLERR",
    "BOUNDSHEET",
    "CELLS",
    "CODEPAGE",
    "COLINFO",
    "CONTINUE",
    "CUT",
    "DATE_1904",
    "DIMENSIONS",
    "EOF",
    "FILEPASS",
    "FORMULA",
    "LABEL",
    "LABELSST",
    "MULRK",
    "NOT_SHOWN",
    "NO_HEIGHT",
    "NUMBER",
    "RK",
    "ROW",
    "RSTRING",
    "SST",
    "STRING",
    "WRITER",
    "Record",
    "records_of",
]

FORMULA, BOOLERR, MULRK, LABELSST, LABEL, RSTRING, STRING = 0x06, 0x205, 0xBD, 0xFD, 0x204, 0xD6, 0x207
ROW, NO_HEIGHT = 0x208, 0x20
COLINFO, NOT_SHOWN = 0x7D, 0x01
DATE_1904 = 0x22
WRITER = 0x5C
CODEPAGE, BIFF5 = 0x42, 0x500
BOF, EOF, BOUNDSHEET, FILEPASS, SST, CONTINUE, DIMENSIONS = 0x809, 0x0A, 0x85, 0x2F, 0xFC, 0x3C, 0x200
CUT = -1
"""In place of a record that is not all there."""
NUMBER, RK = 0x203, 0x27E
CELLS: Final = frozenset({FORMULA, BOOLERR, MULRK, LABELSST, LABEL, RSTRING, NUMBER, RK})

Record = tuple[int, int, bytes]
"""Where it is, its kind, and its data."""


def records_of(book: bytes) -> Iterator[Record]:
    """Yield the records of a stream; a last one that is not all there is a `CUT`."""
    at, end = 0, len(book)
    while at + 4 <= end:
        kind, length = struct.unpack_from("<HH", book, at)
        behind = at + 4 + length
        yield (at, kind, book[at + 4 : behind]) if behind <= end else (at, CUT, b"")
        at = behind
    if at < end:
        yield at, CUT, b""

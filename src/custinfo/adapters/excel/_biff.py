"""Old workbooks (.xls): what their records hold, found before a reader allocates anything."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import attrs

from custinfo.adapters.excel._cells import CellError, Mark, UncachedFormula
from custinfo.adapters.excel._compound import streams_of
from custinfo.adapters.excel._extent import ALWAYS_ALLOWED, Extent
from custinfo.adapters.excel._limits import Limits, other_format, refusal
from custinfo.adapters.excel._package import SheetPart

__all__ = ["code_page_of", "counts_from_1904", "inspect_biff"]

FORMULA, BOOLERR, MULRK, LABELSST = 0x06, 0x205, 0xBD, 0xFD
ROW, NO_HEIGHT = 0x208, 0x20
COLINFO, NOT_SHOWN = 0x7D, 0x01
DATE_1904 = 0x22
CODEPAGE, BIFF5 = 0x42, 0x500
BOF, BOUNDSHEET, FILEPASS, SST, CONTINUE, DIMENSIONS = 0x809, 0x85, 0x2F, 0xFC, 0x3C, 0x200
CELLS: Final = frozenset({FORMULA, BOOLERR, MULRK, LABELSST, 0x203, 0x27E, 0x204, 0xD6})
ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
WORD: Final = "WordDocument".encode("utf-16-le")
WESTERN: Final = 1252
EMPTY: Final = 3
NEVER_CALCULATED: Final = 2
"""A flag that only libraries set, which cannot calculate: the cell is to be calculated when it is loaded."""
Record = tuple[int, int, bytes]


@attrs.define
class _Substream:
    top: int = 0xFFFF
    bottom: int = -1
    left: int = 0xFFFF
    right: int = -1
    marks: dict[tuple[int, int], Mark] = attrs.field(factory=dict)
    declared: int = 0
    filled: set[int] = attrs.field(factory=set)
    hidden: set[int] = attrs.field(factory=set)
    hidden_columns: list[tuple[int, int]] = attrs.field(factory=list)

    def note(self, kind: int, data: bytes) -> None:
        row, column = struct.unpack_from("<HH", data)
        self.filled.add(row)
        last = struct.unpack_from("<H", data, len(data) - 2)[0] if kind == MULRK else column
        self.top, self.bottom = min(self.top, row), max(self.bottom, row)
        self.left, self.right = min(self.left, column), max(self.right, last)
        if kind in (BOOLERR, FORMULA) and (mark := _mark_of(kind, data)):
            self.marks[row + 1, column + 1] = mark

    def declare(self, data: bytes) -> None:
        """Note the size that the sheet claims: the reader reserves room for it."""
        form = "<IIHH" if len(data) == 14 else "<HHHH"
        top, bottom, left, right = struct.unpack_from(form, data)
        if bottom and right:
            if bottom < top or right < left:
                raise refusal("corrupt_workbook")
            self.declared = max(self.declared, (bottom - top + 1) * (right - left + 1))

    def extent(self) -> Extent:
        if self.bottom < 0:
            return Extent()
        rows, columns = (self.top + 1, self.bottom + 1), (self.left + 1, self.right + 1)
        return Extent(rows, columns, self.marks, exact=True, hidden=len(self.hidden & self.filled))


def _mark_of(kind: int, data: bytes) -> Mark | None:
    """Return what stands in for a cell's value: an error, or a formula that its writer left to be calculated."""
    if kind == BOOLERR and len(data) > 7 and data[7]:
        return CellError(ERRORS.get(data[6], "#ERROR!"))
    if kind == FORMULA and len(data) > 15 and data[12:14] == b"\xff\xff":
        if data[6] == 2:
            return CellError(ERRORS.get(data[8], "#ERROR!"))
        if data[6] == EMPTY and data[14] & NEVER_CALCULATED:
            return UncachedFormula()
    return None


def inspect_biff(content: bytes, limits: Limits) -> tuple[SheetPart, ...]:
    """Return the sheets in the workbook's order.

    Raises: UnreadableFileError: not_a_workbook, password_protected, corrupt_workbook or workbook_too_large.
    """
    streams = streams_of(content)
    book = streams.get("Workbook") or streams.get("Book")
    if book is None:
        raise other_format("word" if WORD in content else None)
    try:
        return _sheets(book, limits)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise refusal("corrupt_workbook") from error


def code_page_of(content: bytes) -> int | None:
    """Return the code page of a workbook of Excel 5 or 95, whose texts are bytes; `None` for later ones.

    Raises: UnreadableFileError, as `inspect_biff`.
    """
    streams = streams_of(content)
    records = _records(streams.get("Workbook") or streams.get("Book") or b"")
    _, kind, data = next(records, (0, 0, b""))
    if kind != BOF or data[:2] != struct.pack("<H", BIFF5):
        return None
    pages = (struct.unpack_from("<H", data)[0] for _, kind, data in records if kind == CODEPAGE and len(data) == 2)
    return next(pages, WESTERN)


def counts_from_1904(content: bytes) -> bool:
    """Return whether the days of a workbook count from 1904. Raises: UnreadableFileError, as `inspect_biff`."""
    streams = streams_of(content)
    records = _records(streams.get("Workbook") or streams.get("Book") or b"")
    return any(kind == DATE_1904 and data[:1] == b"\x01" for _, kind, data in records)


def _sheets(book: bytes, limits: Limits) -> tuple[SheetPart, ...]:
    listed, substreams, shared = _walked(book)
    streams = [substreams.get(position, _Substream()) for position, _, _, _ in listed]
    found = [stream.extent() for stream in streams]
    declared = max((part.declared for part in substreams.values()), default=0)
    most = min(limits.most_cells, max(ALWAYS_ALLOWED, len(book)))  # no cell takes less than a byte
    if max(declared, sum(extent.area for extent in found)) > most:
        raise refusal("workbook_too_large", what="cells", limit=most)
    if _text_bytes(book, shared, limits.most_text_bytes) > limits.most_text_bytes:
        raise refusal("workbook_too_large", what="text", limit=limits.most_text_bytes)
    return tuple(
        SheetPart(name, state == 0, extent if kind == 0 else None, hidden_columns=tuple(stream.hidden_columns))
        for (_, state, kind, name), extent, stream in zip(listed, found, streams, strict=True)
    )


def _walked(book: bytes) -> tuple[list[tuple[int, int, int, str]], dict[int, _Substream], int]:
    listed: list[tuple[int, int, int, str]] = []
    substreams: dict[int, _Substream] = {}
    current, shared = _Substream(), 0
    for at, kind, data in _records(book):
        if kind == BOF:
            current = substreams.setdefault(at, _Substream())
        elif kind in CELLS:
            current.note(kind, data)
            shared += kind == LABELSST
        elif kind == DIMENSIONS:
            current.declare(data)
        elif kind == ROW and len(data) > 12 and data[12] & NO_HEIGHT:
            current.hidden.add(struct.unpack_from("<H", data)[0])
        elif kind == COLINFO and len(data) > 9 and data[8] & NOT_SHOWN:
            first, last = struct.unpack_from("<HH", data)
            current.hidden_columns.append((first + 1, last + 1))
        elif kind == SST and struct.unpack_from("<I", data, 4)[0] > len(book):
            raise refusal("corrupt_workbook")
        elif kind == FILEPASS:
            raise refusal("password_protected")
        elif kind == BOUNDSHEET:
            position, state, sheet_kind = struct.unpack_from("<IBB", data)
            listed.append((position, state & 3, sheet_kind, _name(data[6:])))
    return listed, substreams, shared


def _name(data: bytes) -> str:
    length = data[0]
    if len(data) == length + 1:  # BIFF5: bytes in the code page of the machine
        return data[1:].decode("gb18030", "replace")
    wide = data[1] & 1
    return data[2 : 2 + length * (wide + 1)].decode("utf-16-le" if wide else "latin-1")


def _records(book: bytes) -> Iterator[Record]:
    at, end = 0, len(book)
    while at + 4 <= end:
        kind, length = struct.unpack_from("<HH", book, at)
        yield at, kind, book[at + 4 : at + 4 + length]
        at += 4 + length


def _text_bytes(book: bytes, cells: int, limit: int) -> int:
    """Return a bound on the text of all cells, each with its own copy; a close one when a cheap one is too large."""
    lengths = list(_lengths(_string_parts(book)))
    longest = max(lengths, default=0)
    if cells * longest <= limit:
        return cells * longest
    indexes = (struct.unpack_from("<I", data, 6)[0] for _, kind, data in _records(book) if kind == LABELSST)
    return sum(lengths[index] if index < len(lengths) else longest for index in indexes)


def _string_parts(book: bytes) -> list[bytes]:
    """Return the table of shared strings and its continuations; every table, should there be several."""
    parts: list[bytes] = []
    last = 0
    for _, kind, data in _records(book):
        last = kind if kind != CONTINUE else last
        if kind == SST:
            parts.append(data[8:])
        elif kind == CONTINUE and last == SST:
            parts.append(data)
    return parts


def _lengths(parts: list[bytes]) -> Iterator[int]:
    """Yield three bytes a character for each string; strings run on into the next part."""
    part, at = 0, 0
    while part < len(parts):
        if at + 3 > len(parts[part]):
            part, at = part + 1, max(0, at - len(parts[part])) if at > len(parts[part]) else 0
            continue
        data = parts[part]
        count, flags = struct.unpack_from("<HB", data, at)
        yield count * 3
        at += 3
        runs = struct.unpack_from("<H", data, at)[0] if flags & 8 else 0
        at += 2 if flags & 8 else 0
        extra = struct.unpack_from("<I", data, at)[0] if flags & 4 else 0
        at += 4 if flags & 4 else 0
        part, at = _skipped(parts, part, at, count, flags & 1)
        at += 4 * runs + extra
        while part < len(parts) and at > len(parts[part]):
            at -= len(parts[part])
            part += 1


def _skipped(parts: list[bytes], part: int, at: int, count: int, wide: int) -> tuple[int, int]:
    """Return the place behind a string's characters; each further part begins with a new width."""
    while part < len(parts):
        room = (len(parts[part]) - at) // (wide + 1)
        if count <= room:
            return part, at + count * (wide + 1)
        count -= room
        part += 1
        if part < len(parts) and parts[part]:
            wide, at = parts[part][0] & 1, 1
    return part, 0

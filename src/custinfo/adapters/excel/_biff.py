"""Old workbooks (.xls): what their records hold, found before a reader allocates anything.

The reader behind us reads the globals up to their end, and each sheet from the place that they name up to the first
end behind it. So exactly these records are counted here; what leads it elsewhere is damage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from custinfo.adapters.excel._cells import CellError, Mark, UncachedFormula
from custinfo.adapters.excel._compound import stream_of, wrapped
from custinfo.adapters.excel._extent import ALWAYS_ALLOWED, Extent
from custinfo.adapters.excel._limits import Limits, other_format, refusal
from custinfo.adapters.excel._old_styles import OldStyles
from custinfo.adapters.excel._package import SheetPart
from custinfo.adapters.excel._seen import SeenNumbers
from custinfo.adapters.excel._zero_formats import ZeroFormat

__all__ = ["OldWorkbook", "inspect_biff"]

FORMULA, BOOLERR, MULRK, LABELSST, LABEL, RSTRING, STRING = 0x06, 0x205, 0xBD, 0xFD, 0x204, 0xD6, 0x207
ROW, NO_HEIGHT = 0x208, 0x20
COLINFO, NOT_SHOWN = 0x7D, 0x01
DATE_1904 = 0x22
CODEPAGE, BIFF5 = 0x42, 0x500
BOF, EOF, BOUNDSHEET, FILEPASS, SST, CONTINUE, DIMENSIONS = 0x809, 0x0A, 0x85, 0x2F, 0xFC, 0x3C, 0x200
CUT = -1
"""In place of a record that is not all there."""
NUMBER, RK = 0x203, 0x27E
CELLS: Final = frozenset({FORMULA, BOOLERR, MULRK, LABELSST, LABEL, RSTRING, NUMBER, RK})
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
MOST_SHEETS: Final = 1_000
Record = tuple[int, int, bytes]


@attrs.frozen
class OldWorkbook:
    """Hold the stream of a workbook, its sheets in order, and what was read from its globals.

    `code_page` is that of the texts of Excel 5 and 95, which are bytes; None for later ones. `of_1904` says whether
    days count from 1904.
    """

    stream: bytes = attrs.field(repr=False)
    sheets: tuple[SheetPart, ...]
    code_page: int | None
    of_1904: bool
    _pages: tuple[int, ...] = attrs.field(alias="pages", repr=False)

    def readable(self) -> bytes:
        """Return a file for the reader: nothing but what was looked at, and texts of Excel 5 and 95 called Western.

        The reader knows code pages of one byte a character only; called Western, bytes lose nothing.
        """
        if self.code_page is None:
            return wrapped(self.stream)
        stream = bytearray(self.stream)
        for at in self._pages:
            struct.pack_into("<H", stream, at + 4, WESTERN)
        return wrapped(bytes(stream))


@attrs.define
class _Substream:
    seen: SeenNumbers
    top: int = 0xFFFF
    bottom: int = -1
    left: int = 0xFFFF
    right: int = -1
    marks: dict[tuple[int, int], Mark] = attrs.field(factory=dict)
    declared: int = 0
    filled: set[int] = attrs.field(factory=set)
    hidden: set[int] = attrs.field(factory=set)
    hidden_columns: list[tuple[int, int]] = attrs.field(factory=list)
    formula: tuple[int, int] = (0, 0)
    shared: int = 0
    text: int = 0

    def read(self, kind: int, data: bytes) -> None:
        """Note what a record of the sheet says."""
        if kind in CELLS:
            self.note(kind, data)
            self.shared += kind == LABELSST
            self.text += len(data) if kind in (LABEL, RSTRING) else 0
        elif kind == STRING:  # the text of the formula before it; the reader puts it into the first cell where none is
            self.span(*self.formula, self.formula[1])
            self.text += len(data)
        elif kind == DIMENSIONS:
            self.declare(data)
        elif kind == ROW and len(data) > 12 and data[12] & NO_HEIGHT:
            self.hidden.add(struct.unpack_from("<H", data)[0])
        elif kind == COLINFO and len(data) > 9 and data[8] & NOT_SHOWN:
            first, last = struct.unpack_from("<HH", data)
            self.hidden_columns.append((first + 1, last + 1))

    def note(self, kind: int, data: bytes) -> None:
        row, column = struct.unpack_from("<HH", data)
        last = struct.unpack_from("<H", data, len(data) - 2)[0] if kind == MULRK else column
        if last < column:
            raise refusal("corrupt_workbook")
        self.filled.add(row)
        self.span(row, column, last)
        if kind == FORMULA:
            self.formula = row, column
        if self.seen.formats and kind in (NUMBER, RK, FORMULA, MULRK):
            self.note_styles(row, column, last, data)
        if kind in (BOOLERR, FORMULA) and (mark := _mark_of(kind, data)):
            self.marks[row + 1, column + 1] = mark

    def note_styles(self, row: int, first: int, last: int, data: bytes) -> None:
        """Note the cells of numbers that are seen with zeros in front; several have six bytes each."""
        for place, column in enumerate(range(first, last + 1)):
            style = struct.unpack_from("<H", data, 4 + 6 * place)[0]
            if style in self.seen.formats:
                self.seen.add(row + 1, column + 1, style)

    def span(self, row: int, first: int, last: int) -> None:
        self.top, self.bottom = min(self.top, row), max(self.bottom, row)
        self.left, self.right = min(self.left, first), max(self.right, last)

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


def inspect_biff(content: bytes, limits: Limits) -> OldWorkbook:
    """Return what an old workbook holds.

    Raises: UnreadableFileError: not_a_workbook, password_protected, corrupt_workbook or workbook_too_large.
    """
    stream = stream_of(content)
    if stream is None:
        raise other_format("word" if WORD in content else None)
    try:
        records = _records(stream)
        found = _Globals.read(records, len(stream))
        substreams = _substreams(records, [position for position, *_ in found.listed], found.styles.found())
        sheets = _sheets(stream, found, substreams, limits)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise refusal("corrupt_workbook") from error
    return OldWorkbook(stream, sheets, found.code_page(stream), found.of_1904, tuple(found.pages))


@attrs.define
class _Globals:
    """What stands before the sheets: their places, names and states, the shared strings, and settings."""

    listed: list[tuple[int, int, int, str]] = attrs.field(factory=list)
    strings: list[bytes] | None = None
    of_1904: bool = False
    pages: list[int] = attrs.field(factory=list)
    styles: OldStyles = attrs.field(factory=OldStyles)

    @classmethod
    def read(cls, records: Iterator[Record], size: int) -> _Globals:
        """Return what the records say up to their end."""
        found, last = cls(), 0
        for at, kind, data in records:
            if kind == EOF:
                break
            found._note(at, kind, data, size)
            if kind == CONTINUE and last == SST and found.strings is not None:
                found.strings.append(data)
            last = kind if kind != CONTINUE else last
        names = [name.replace("\0", "") for _, _, _, name in found.listed]
        if len(set(names)) < len(names):  # the reader finds a sheet by its name
            raise refusal("corrupt_workbook")
        if len(names) > MOST_SHEETS:
            raise refusal("workbook_too_large", what="sheets", limit=MOST_SHEETS)
        return found

    def _note(self, at: int, kind: int, data: bytes, size: int) -> None:
        if kind == CUT or (kind == SST and (self.strings is not None or struct.unpack_from("<I", data, 4)[0] > size)):
            raise refusal("corrupt_workbook")
        if kind == SST:
            self.strings = [data[8:]]
        elif kind == FILEPASS:
            raise refusal("password_protected")
        elif kind == BOUNDSHEET:
            position, state, sheet_kind = struct.unpack_from("<IBB", data)
            self.listed.append((position, state & 3, sheet_kind, _name(data[6:])))
        elif kind == DATE_1904:
            self.of_1904 = data[:1] == b"\x01"
        elif kind == CODEPAGE and len(data) == 2:
            self.pages.append(at)
        else:
            self.styles.note(kind, data)

    def code_page(self, stream: bytes) -> int | None:
        """Return the code page of a workbook of Excel 5 or 95, whose texts are bytes; None for later ones."""
        kind, _, version = struct.unpack_from("<HHH", stream)
        if (kind, version) != (BOF, BIFF5):
            return None
        return int(struct.unpack_from("<H", stream, self.pages[0] + 4)[0]) if self.pages else WESTERN


def _substreams(records: Iterator[Record], places: Sequence[int], styles: Mapping[int, ZeroFormat]) -> list[_Substream]:
    """Return what the sheets at some places hold."""
    found: dict[int, _Substream] = {}
    current: _Substream | None = None
    expected = frozenset(places)
    for at, kind, data in records:
        if at in expected:
            if kind != BOF or current is not None:
                raise refusal("corrupt_workbook")
            current = found[at] = _Substream(SeenNumbers(styles))
        elif kind == EOF:
            current = None
        elif kind == CUT and current is not None:
            raise refusal("corrupt_workbook")
        elif current is not None:
            current.read(kind, data)
    if len(found) < len(places):  # one is named twice, or is not where a sheet begins
        raise refusal("corrupt_workbook")
    return [found[place] for place in places]


def _sheets(stream: bytes, found: _Globals, substreams: Sequence[_Substream], limits: Limits) -> tuple[SheetPart, ...]:
    extents = [substream.extent() for substream in substreams]
    declared = max((substream.declared for substream in substreams), default=0)
    most = min(limits.most_cells, max(ALWAYS_ALLOWED, len(stream)))  # no cell takes less than a byte
    if max(declared, sum(extent.area for extent in extents)) > most:
        raise refusal("workbook_too_large", what="cells", limit=most)
    shared = sum(substream.shared for substream in substreams)
    own = sum(substream.text for substream in substreams)
    if own + _text_bytes(stream, found.strings or [], shared, limits.most_text_bytes) > limits.most_text_bytes:
        raise refusal("workbook_too_large", what="text", limit=limits.most_text_bytes)
    return tuple(
        SheetPart(
            name,
            state == 0,
            extent if kind == 0 else None,
            hidden_columns=tuple(substream.hidden_columns),
            seen=substream.seen,
        )
        for (_, state, kind, name), extent, substream in zip(found.listed, extents, substreams, strict=True)
    )


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
        behind = at + 4 + length
        yield (at, kind, book[at + 4 : behind]) if behind <= end else (at, CUT, b"")
        at = behind
    if at < end:
        yield at, CUT, b""


def _text_bytes(book: bytes, strings: list[bytes], cells: int, limit: int) -> int:
    """Return a bound on the text of all cells, each with its own copy; a close one when a cheap one is too large."""
    lengths = list(_lengths(strings))
    longest = max(lengths, default=0)
    if cells * longest <= limit:
        return cells * longest
    indexes = (struct.unpack_from("<I", data, 6)[0] for _, kind, data in _records(book) if kind == LABELSST)
    return sum(lengths[index] if index < len(lengths) else longest for index in indexes)


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

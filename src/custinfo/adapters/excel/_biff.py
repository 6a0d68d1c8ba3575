"""Old workbooks (.xls): what their records hold, found before a reader allocates anything.

The reader behind us reads the globals up to their end, and each sheet from the place that they name up to the first
end behind it. So exactly these records are counted here; what leads it elsewhere is damage.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from custinfo.adapters.excel._compound import stream_of, wrapped
from custinfo.adapters.excel._extent import ALWAYS_ALLOWED
from custinfo.adapters.excel._limits import Limits, other_format, refusal
from custinfo.adapters.excel._old_records import (
    BIFF5,
    BOF,
    BOUNDSHEET,
    CODEPAGE,
    CONTINUE,
    CUT,
    DATE_1904,
    EOF,
    FILEPASS,
    SST,
    WRITER,
    Record,
    records_of,
)
from custinfo.adapters.excel._old_sheet import OldSheet
from custinfo.adapters.excel._old_strings import text_bytes, with_whole_characters
from custinfo.adapters.excel._old_styles import OldStyles
from custinfo.adapters.excel._package import SheetPart
from custinfo.adapters.excel._seen import SeenNumbers

__all__ = ["OldWorkbook", "inspect_biff"]

WORD: Final = "WordDocument".encode("utf-16-le")
NOBODY: Final = b"None "
"""Whom a library (xlwt) names as the writer; it cannot calculate, and writes each formula with an empty text."""
WESTERN: Final = 1252
MOST_SHEETS: Final = 1_000


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
            return wrapped(with_whole_characters(self.stream))
        stream = bytearray(self.stream)
        for at in self._pages:
            struct.pack_into("<H", stream, at + 4, WESTERN)
        return wrapped(bytes(stream))


def inspect_biff(content: bytes, limits: Limits) -> OldWorkbook:
    """Return what an old workbook holds.

    Raises: UnreadableFileError: not_a_workbook, password_protected, corrupt_workbook or workbook_too_large.
    """
    stream = stream_of(content)
    if stream is None:
        raise other_format("word" if WORD in content else None)
    try:
        records = records_of(stream)
        found = _Globals.read(records, len(stream))
        styles = found.styles.found(of_1904=found.of_1904)
        places = [position for position, *_ in found.listed]
        substreams = _substreams(records, places, lambda: OldSheet(SeenNumbers(styles), found.calculated))
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
    calculated: bool = True
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
        elif kind == WRITER:
            self.calculated = not data.startswith(NOBODY)
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


def _substreams(records: Iterator[Record], places: Sequence[int], new: Callable[[], OldSheet]) -> list[OldSheet]:
    """Return what the sheets at some places hold."""
    found: dict[int, OldSheet] = {}
    current: OldSheet | None = None
    expected = frozenset(places)
    for at, kind, data in records:
        if at in expected:
            if kind != BOF or current is not None:
                raise refusal("corrupt_workbook")
            current = found[at] = new()
        elif kind == EOF:
            current = None
        elif kind == CUT and current is not None:
            raise refusal("corrupt_workbook")
        elif current is not None:
            current.read(kind, data)
    if len(found) < len(places):  # one is named twice, or is not where a sheet begins
        raise refusal("corrupt_workbook")
    return [found[place] for place in places]


def _sheets(stream: bytes, found: _Globals, substreams: Sequence[OldSheet], limits: Limits) -> tuple[SheetPart, ...]:
    extents = [substream.extent() for substream in substreams]
    declared = max((substream.declared for substream in substreams), default=0)
    most = min(limits.most_cells, max(ALWAYS_ALLOWED, len(stream)))  # no cell takes less than a byte
    if max(declared, sum(extent.area for extent in extents)) > most:
        raise refusal("workbook_too_large", what="cells", limit=most)
    shared = sum(substream.shared for substream in substreams)
    own = sum(substream.text for substream in substreams)
    if own + text_bytes(stream, found.strings or [], shared, limits.most_text_bytes) > limits.most_text_bytes:
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

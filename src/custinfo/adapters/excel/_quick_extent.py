"""A sheet's extent by regular expressions, in one fast pass over XML as nearly all writers make it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from custinfo.adapters.excel._cells import CellError, CellPicture, Mark, UncachedFormula, column_number
from custinfo.adapters.excel._extent import PICTURE_ERROR, PICTURE_WORD, WIDEST, Extent, Place, span
from custinfo.adapters.excel._odd_values import may_be_odd
from custinfo.adapters.excel._twice import RowsAsUsual

__all__ = ["PREFIXED", "quick_extent", "reference_extent", "whole_cells"]

NOTHING: Final = re.compile(b"<c")
REFERENCE: Final = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"')
PREFIXED: Final = re.compile(rb":c(?![\w.-])")
ERROR: Final = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?: [^<>]*)? t="e"[^<>]*(?<!/)>(?:[^<]|<(?!/?c[\s>]|v>))*<v>([^<]*)</v>'
)
PICTURE: Final = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"[^<>]*(?<!/)>\s*<f\b[^<>]*>\s*=?(?:_xlfn\.)?DISPIMG\([^<]*</f>'
)
UNCACHED: Final = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?![^<>]* t="(?:str|e)")[^<>]*>\s*<f\b(?:[^<>]*/>|[^<>]*>[^<]*</f>)\s*'
    rb"(?:(?:<v\s*/>|<v>\s*</v>)\s*)?</c>"
)
ROW: Final = b'<row r="'
ROW_NUMBER: Final = re.compile(rb'<row r="(\d{1,7})"')
HIDDEN: Final = re.compile(rb"""<row\b[^<>]{0,400} hidden=["'](?:1|true)["'][^<>]{0,400}(?<!/)>\s{0,40}<c""")
LONGEST_CARRY: Final = 1024 * 1024


def quick_extent(chunks: Iterable[bytes]) -> Extent | None:
    """Return an upper bound from one fast pass, or None when the XML is unusual and needs `exact_extent`."""
    letters: set[bytes] = set()
    marks: dict[Place, Mark] = {}
    digits, usual, hidden, rows, last, once, pictures = 1, NOTHING, 0, 0, 0, RowsAsUsual(), False
    for text in whole_cells(chunks):
        if b":c" in text and PREFIXED.search(text):
            return None
        if (length := _last_row_digits(text)) > digits or usual.search(text):
            digits = max(digits, length)
            letters |= _letters(text, digits)
            if b"" in letters:
                return None
            usual = _unlike(letters, digits)
        if not once.hold(text) or may_be_odd(text):
            return None
        rows += text.count(ROW)
        last = max(last, _last_row(text))
        marks.update(_marks(text))
        pictures = pictures or PICTURE_WORD in text
        if b" hidden=" in text:
            hidden += len(HIDDEN.findall(text))
    if rows > last or not once.hold_to_the_end():  # numbers are given twice, or rows are out of order
        return None
    _, widest = span(column_number(name.decode()) for name in letters)
    if widest > WIDEST:
        return None
    return Extent((1, 10**digits - 1 if letters else 0), (1, widest), marks, hidden=hidden, pictures=pictures)


def _last_row(text: bytes) -> int:
    """Return the number of the last row that begins in a text."""
    match = ROW_NUMBER.match(text, max(text.rfind(ROW), 0))
    return int(match[1]) if match else 0


def _last_row_digits(text: bytes) -> int:
    """Return how many digits the row of the last cell has; cells nearly always come in order."""
    match = REFERENCE.match(text, max(text.rfind(b'<c r="'), 0))
    return len(match[2]) if match else 0


def _letters(text: bytes, digits: int) -> set[bytes]:
    """Return the columns of all cells, with an empty one among them for a cell that is not as usual."""
    return set(re.findall(rb'<c(?: r="([A-Z]{1,3})\d{1,%d}"|(?![A-Za-z]))' % digits, text))


def _unlike(letters: set[bytes], digits: int) -> re.Pattern[bytes]:
    """Match a cell outside the columns and rows seen so far: a search that finds nothing is the fastest there is."""
    if any(len(name) > 1 for name in letters):
        return re.compile(b"<c")
    widest = max(letters, default=b"A")
    return re.compile(rb'<c(?! r="[A-%s]\d{1,%d}"|[A-Za-z])' % (widest, digits))


def whole_cells(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces so that no cell is cut, unless it is longer than any program writes."""
    carry = b""
    for chunk in chunks:
        text = carry + chunk
        cut = text.rfind(b"<c ")
        cut = max(cut if cut >= 0 else len(text) - 64, 0)
        yield text[:cut]
        carry = text[cut:]
        if len(carry) > LONGEST_CARRY:
            yield carry
            carry = carry[-64:]
    yield carry


def _marks(text: bytes) -> Iterator[tuple[Place, Mark]]:
    if b"e" in text and b't="e"' in text:  # one byte is found ten times faster than several, and is rare here
        for match in ERROR.finditer(text):
            column, row, error = match.groups()
            yield (int(row), column_number(column.decode())), _error(error.decode("utf-8", "replace"), match[0])
    if b"f" in text and b"<f" in text:
        for column, row in UNCACHED.findall(text):
            yield (int(row), column_number(column.decode())), UncachedFormula()
        for column, row in PICTURE.findall(text) if PICTURE_WORD in text else ():
            yield (int(row), column_number(column.decode())), CellPicture()


def _error(name: str, cell: bytes) -> Mark:
    """Return what stands in for a cell that shows an error: a picture of Excel is one with a value of its own kind."""
    head, _, _ = cell.partition(b">")
    return CellPicture() if name == PICTURE_ERROR and b" vm=" in head and _may_be_picture(cell) else CellError.of(name)


def _may_be_picture(cell: bytes) -> bool:
    """Tell a picture from a formula that ends in an error, unless the formula is one that gets a picture."""
    return b"<f" not in cell or b"IMAGE(" in cell


def reference_extent(chunks: Iterable[bytes], quick: Extent) -> Extent:
    """Return the bound from the references of all cells; for sheets whose columns make the quick one too large."""
    rows: set[bytes] = set()
    for text in whole_cells(chunks):
        rows.update(row for _, row in REFERENCE.findall(text))
    return attrs.evolve(quick, rows=span(map(int, rows)))

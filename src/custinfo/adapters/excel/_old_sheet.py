"""What one sheet of an old workbook (.xls) says: what it spans, and which of its cells need a stand-in."""

from __future__ import annotations

import struct
from typing import Final

import attrs

from custinfo.adapters.excel._cells import CellError, Mark, UncachedFormula
from custinfo.adapters.excel._extent import Extent
from custinfo.adapters.excel._limits import refusal
from custinfo.adapters.excel._old_records import (
    BOOLERR,
    CELLS,
    COLINFO,
    DIMENSIONS,
    FORMULA,
    LABEL,
    LABELSST,
    MULRK,
    NO_HEIGHT,
    NOT_SHOWN,
    NUMBER,
    RK,
    ROW,
    RSTRING,
    STRING,
)
from custinfo.adapters.excel._seen import SeenNumbers

__all__ = ["OldSheet", "mark_of"]

ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
EMPTY: Final = 3
NEVER_CALCULATED: Final = 2
"""A flag that only libraries set, which cannot calculate: the cell is to be calculated when it is loaded."""


@attrs.define
class OldSheet:
    """Follow the records of a sheet; `calculated` says whether its writer knew the results of formulas."""

    seen: SeenNumbers
    calculated: bool = True
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
        """Note the place of a cell, or of several in a row, and what stands in for its value."""
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
        if kind in (BOOLERR, FORMULA) and (mark := mark_of(kind, data, calculated=self.calculated)):
            self.marks[row + 1, column + 1] = mark

    def note_styles(self, row: int, first: int, last: int, data: bytes) -> None:
        """Note the cells of numbers that are seen with zeros in front; several have six bytes each."""
        for place, column in enumerate(range(first, last + 1)):
            style = struct.unpack_from("<H", data, 4 + 6 * place)[0]
            if style in self.seen.formats:
                self.seen.add(row + 1, column + 1, style)

    def span(self, row: int, first: int, last: int) -> None:
        """Note that there is something in some columns of a row."""
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
        """Return what the sheet spans."""
        if self.bottom < 0:
            return Extent()
        rows, columns = (self.top + 1, self.bottom + 1), (self.left + 1, self.right + 1)
        return Extent(rows, columns, self.marks, exact=True, hidden=len(self.hidden & self.filled))


def mark_of(kind: int, data: bytes, *, calculated: bool = True) -> Mark | None:
    """Return what stands in for a cell's value: an error, or a formula that its writer left to be calculated."""
    if kind == BOOLERR and len(data) > 7 and data[7]:
        return CellError(ERRORS.get(data[6], "#ERROR!"))
    if kind == FORMULA and len(data) > 15 and data[12:14] == b"\xff\xff":
        if data[6] == 2:
            return CellError(ERRORS.get(data[8], "#ERROR!"))
        if data[6] == EMPTY and (data[14] & NEVER_CALCULATED or not calculated):
            return UncachedFormula()
    return None

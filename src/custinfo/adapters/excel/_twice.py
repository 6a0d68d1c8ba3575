"""Places of cells that a sheet says twice: a reader goes by one of them, and nobody would miss the other."""

from __future__ import annotations

import re
from typing import Final

from custinfo.core.errors import UnreadableFileError
from custinfo.core.problems import Problem

__all__ = ["RowsAsUsual", "cell_twice"]

ROW: Final = b"<row"
NUMBER: Final = re.compile(rb'[^<>]*? r="(\d{1,7})"')
CELL: Final = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"')
OTHERS: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
LONGEST: Final = 4 * 1024 * 1024
PIECE: Final = 64 * 1024
"""So much is taken apart at a time: what it is taken apart into takes memory beside the cells."""

MOST: Final = 20_000
DIGITS: Final = 4
"""A number of fewer is that of a style, too, so that the cells of its row are looked at one by one."""


class RowsAsUsual:
    """Follow the text of a sheet, and tell whether each row has each column once, and its own cells only.

    Nearly all rows of a sheet have the same capital letters in the same order, those of its columns among them. So one
    row of each such sequence is looked at, and in the others it is counted how often the number of the row stands.
    """

    def __init__(self) -> None:
        self._cells: dict[bytes, int] = {}
        self._rest = b""
        self._begun = False

    def hold(self, text: bytes) -> bool:
        """Return false if a row may be unusual, as far as the rows end in this text."""
        for start in range(0, len(text), PIECE):
            *rows, self._rest = (self._rest + text[start : start + PIECE]).split(ROW)
            if len(self._rest) > LONGEST or not self._all_usual(rows):
                return False
        return True

    def hold_to_the_end(self) -> bool:
        """Return false if the last row may be unusual."""
        return self._all_usual([self._rest])

    def _all_usual(self, rows: list[bytes]) -> bool:
        if rows and not self._begun:
            self._begun = True
            return rows[0].count(b"<sheetData") < 2 and all(map(self._is_usual, rows[1:]))
        return all(map(self._is_usual, rows))

    def _is_usual(self, row: bytes) -> bool:
        if row.startswith(b"Breaks"):
            return b"<sheetData" not in row
        sequence = row.translate(None, OTHERS)
        number = NUMBER.match(row)
        cells = self._cells.get(sequence)
        if cells is None or number is None or len(number[1]) < DIGITS or row.count(number[1] + b'"') != cells + 1:
            cells = _cells_of(row, number and number[1])
            if len(self._cells) < MOST:
                self._cells[sequence] = cells
        return cells >= 0


def _cells_of(row: bytes, number: bytes | None) -> int:
    """Return how many cells a row has; -1 if one of them is there twice, or belongs to another row."""
    found = CELL.findall(row)
    columns, rows = {column for column, _ in found}, {number for _, number in found}
    once = len(columns) == len(found) and rows <= {number}
    return len(found) if once and b"<sheetData" not in row and b"<![CDATA[" not in row else -1


def cell_twice(column: str, row: int) -> UnreadableFileError:
    """Return the error for a cell that stands twice in a row; which is meant, nobody can tell."""
    cell = f"{column}{row}"
    return UnreadableFileError([Problem("corrupt_workbook"), Problem("cell_twice", params={"cell": cell})])

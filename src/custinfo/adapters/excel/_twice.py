"""Cells that a row of a sheet holds twice: a reader shows the last one, and nobody would miss the other."""

from __future__ import annotations

import re
from typing import Final

from custinfo.core.errors import UnreadableFileError
from custinfo.core.problems import Problem

__all__ = ["ColumnsOnce", "cell_twice"]

ROW: Final = b"<row"
COLUMN: Final = re.compile(rb'<c r="([A-Z]{1,3})\d')
OTHERS: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
LONGEST: Final = 4 * 1024 * 1024
PIECE: Final = 64 * 1024
"""So much is taken apart at a time: what it is taken apart into takes memory beside the cells."""

MOST: Final = 20_000


class ColumnsOnce:
    """Follow the text of a sheet, and tell whether each row has each column once.

    Nearly all rows of a sheet have the same capital letters in the same order, those of its columns among them. So one
    row of each such sequence is looked at.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._rest = b""

    def hold(self, text: bytes) -> bool:
        """Return false if a row may have a column twice, as far as the rows end in this text."""
        for start in range(0, len(text), PIECE):
            *rows, self._rest = (self._rest + text[start : start + PIECE]).split(ROW)
            if len(self._rest) > LONGEST or not self._all_once(rows):
                return False
        return True

    def hold_to_the_end(self) -> bool:
        """Return false if the last row may have a column twice."""
        return self._all_once([self._rest])

    def _all_once(self, rows: list[bytes]) -> bool:
        unlike = {row.translate(None, OTHERS): row for row in rows}
        for sequence in unlike.keys() - self._seen:
            columns = COLUMN.findall(unlike[sequence])
            if len(set(columns)) < len(columns):
                return False
        if len(self._seen) < MOST:
            self._seen.update(unlike)
        return True


def cell_twice(column: str, row: int) -> UnreadableFileError:
    """Return the error for a cell that stands twice in a row; which is meant, nobody can tell."""
    cell = f"{column}{row}"
    return UnreadableFileError([Problem("corrupt_workbook"), Problem("cell_twice", params={"cell": cell})])

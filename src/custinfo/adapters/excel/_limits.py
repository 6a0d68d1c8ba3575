"""How much a file may hold, and the one way to refuse it."""

from __future__ import annotations

import time
from typing import Final

import attrs

from custinfo.core.errors import UnreadableFileError
from custinfo.core.problems import ParamValue, Problem

__all__ = ["DEFAULT_LIMITS", "Limits", "Stopwatch", "other_format", "refusal"]

MEBIBYTE: Final = 1024 * 1024
_CELL: Final = 96
"""Bytes that a cell takes at most while it is read, without its text; 80 were measured."""


@attrs.frozen
class Limits:
    """Say how much of a file is read before it is refused.

    Attributes:
        max_bytes: Size of the file itself.
        max_expanded_bytes: Size of everything in it once unpacked, and of the worksheets that are read.
        max_ratio: How many times larger an entry over 16 MiB may get by unpacking.
        max_cells: Cells in the rectangles that hold the values, over all worksheets that are read.
        max_text_bytes: Text in all cells together; a text that many cells share counts once for each. All of a text
            file is text.
        max_rows: Rows of data in one table.
        max_columns: Columns of one table.
        max_memory: Bytes that reading may take beside the file itself, as estimated before anything is built: two
            thirds for cells, of which each takes at most 96, and a third for their texts; five for each byte of a text
            file. Where it is the narrower one, it lowers the numbers of cells and of bytes of text.
        max_seconds: Time spent on one table's rows, without the time that the caller takes between rows.
        max_header_scan_rows: Among how many of the first rows that are not blank the header is looked for.

    >>> Limits(max_rows=5_000).max_columns
    1024
    """

    max_bytes: int = 64 * MEBIBYTE
    max_expanded_bytes: int = 1024 * MEBIBYTE
    max_ratio: int = 250
    max_cells: int = 20_000_000
    max_text_bytes: int = 512 * MEBIBYTE
    max_rows: int = 1_048_576
    max_columns: int = 1_024
    max_memory: int = 2048 * MEBIBYTE
    max_seconds: float = 120
    max_header_scan_rows: int = 30

    @property
    def most_cells(self) -> int:
        """How many cells there may be."""
        return min(self.max_cells, self.max_memory * 2 // 3 // _CELL)

    @property
    def most_text_bytes(self) -> int:
        """How much text there may be."""
        return min(self.max_text_bytes, self.max_memory // 3)


DEFAULT_LIMITS: Final = Limits()


def refusal(code: str, **params: ParamValue) -> UnreadableFileError:
    """Return the error that names why a file is not read."""
    return UnreadableFileError([Problem(code, params=params)])


def other_format(name: str | None) -> UnreadableFileError:
    """Return the error for a file of another format, which it names where it is known."""
    known = [Problem("other_format", params={"format": name})] if name else []
    return UnreadableFileError([Problem("not_a_workbook"), *known])


class Stopwatch:
    """Add up the time spent reading, and stop when it is too much."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._spent = 0.0
        self._since = time.perf_counter()

    def resume(self) -> None:
        """Start to count again after the caller had its turn."""
        self._since = time.perf_counter()

    def pause(self) -> None:
        """Stop counting. Raises: UnreadableFileError (read_timeout) when the limit is passed."""
        now = time.perf_counter()
        self._spent += now - self._since
        self._since = now
        if self._spent > self._limit:
            raise refusal("read_timeout", limit=int(self._limit))

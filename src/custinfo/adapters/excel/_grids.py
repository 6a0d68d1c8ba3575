"""The cells of one sheet, from whichever reader, as rows that count from 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from custinfo.adapters.excel._cells import Mark
from custinfo.adapters.excel._seen import SeenNumbers

__all__ = ["Grid", "Merge", "with_marks"]

Rows = Iterator[tuple[int, Sequence[object]]]


@attrs.frozen
class Merge:
    """Name a merged range by its first and last row and column, counting from 1."""

    top: int
    left: int
    bottom: int
    right: int


@attrs.frozen
class Grid:
    """Give the raw cells of a sheet, as often as asked.

    Attributes:
        name: The sheet's name; empty for a text file.
        rows: Call it for the rows in order: number and values. Rows without a cell may be left out.
        first_column: Worksheet column of each row's first value.
        last_column: Worksheet column of the last value of any row; 0 where only the rows tell.
        merges: The merged ranges.
        hidden_rows: How many rows with cells are hidden.
        hidden_columns: First and last column of each range of columns that is hidden.
        pictures: Row and column of each cell that is blank but for a picture in it.
        seen: Which cells of numbers are seen with zeros in front, or as days.
        ragged: Whether rows come as long as they are written, as in a text file.
    """

    name: str
    rows: Callable[[], Rows]
    first_column: int = 1
    last_column: int = 0
    merges: tuple[Merge, ...] = ()
    hidden_rows: int = 0
    hidden_columns: tuple[tuple[int, int], ...] = ()
    pictures: frozenset[tuple[int, int]] = frozenset()
    seen: SeenNumbers | None = None
    ragged: bool = False


def with_marks(grid: Grid, marks: Mapping[tuple[int, int], Mark | None]) -> Grid:
    """Return the grid with errors and uncached formulas where the reader gave blanks; `None` makes a cell blank."""
    if not marks:
        return grid
    by_row: dict[int, dict[int, Mark | None]] = {}
    for (row, column), mark in marks.items():
        by_row.setdefault(row, {})[column] = mark
    last = max(grid.last_column, *(column for _, column in marks))
    return attrs.evolve(grid, rows=lambda: _marked(grid, dict(by_row)), first_column=1, last_column=last)


def _marked(grid: Grid, marks: dict[int, dict[int, Mark | None]]) -> Rows:
    margin: list[object] = [None] * (grid.first_column - 1)
    for row, values in grid.rows():
        for earlier in sorted(number for number in marks if number < row) if marks else ():
            yield earlier, _placed([], marks.pop(earlier))
        shifted = [*margin, *values]
        yield row, _placed(shifted, marks.pop(row)) if row in marks else shifted
    for row in sorted(marks):
        yield row, _placed([], marks[row])


def _placed(values: list[object], marks: Mapping[int, Mark | None]) -> list[object]:
    values.extend([None] * (max(marks) - len(values)))
    for column, mark in marks.items():
        values[column - 1] = mark
    return values

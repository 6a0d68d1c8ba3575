"""Columns without a heading whose first value stands below the rows in which the heading was looked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Final

import attrs

from custinfo.adapters.excel._cells import clean
from custinfo.adapters.excel._grids import Grid
from custinfo.adapters.excel._header import Header

__all__ = ["with_late_columns"]

BLANK: Final = frozenset({None, ""})


def with_late_columns(header: Header, grid: Grid) -> Header:
    """Return the header with each column that has a value anywhere below it.

    Most tables fill all columns of their sheet: their rows are not read for this.
    """
    last = grid.last_column or _widest(takewhile(lambda row: row[0] <= header.row, grid.rows()))
    missing = set(range(grid.first_column, last + 1)).difference(header.columns)
    found = _filled(grid, missing, header.row) if missing else set()
    if not found:
        return header
    labels = dict(zip(header.columns, zip(header.texts, header.raw, strict=True), strict=True))
    columns = tuple(sorted({*header.columns, *found}))
    texts, raw = zip(*(labels.get(column, ("", "")) for column in columns), strict=True)
    return attrs.evolve(header, columns=columns, texts=texts, raw=raw)


def _widest(rows: Iterable[tuple[int, Sequence[object]]]) -> int:
    return max((len(values) for _, values in rows), default=0)


def _filled(grid: Grid, columns: set[int], below: int) -> set[int]:
    """Return those of some columns that have a value below a row."""
    found: set[int] = set()
    places = [column - grid.first_column for column in columns]
    for row, values in grid.rows():
        if row <= below:
            continue
        there = [place for place in places if place < len(values) and values[place] not in BLANK]
        if there and (filled := {place for place in there if clean(values[place]) is not None}):
            found |= filled
            places = [place for place in places if place not in filled]
            if not places:
                break
    return {place + grid.first_column for place in found}

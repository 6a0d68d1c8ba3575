"""Pictures in cells: they hold no value, so that they become blank, and how many there were is told.

WPS has them as formulas, whose text `=DISPIMG("ID_…",1)` is all that other programs see; Excel as errors, with the
picture in a part of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from custinfo.adapters.excel._cells import CellPicture, Mark
from custinfo.adapters.excel._grids import Grid, with_marks

__all__ = ["WORD", "without_pictures"]

WORD: Final = "DISPIMG("
WORDED: Final = re.compile(r'\s*=?\s*(?:_xlfn\.)?DISPIMG\(\s*"[^"]*"\s*(?:,[^()]*)?\)\s*')


def without_pictures(grid: Grid, marks: Mapping[tuple[int, int], Mark], *, worded: bool) -> Grid:
    """Return the grid with blanks in place of pictures, and their places.

    Args:
        grid: The cells.
        marks: What stands in for values, pictures among them.
        worded: Whether a text anywhere has the word by which WPS calls pictures; all are looked at then.
    """
    places = {place for place, mark in marks.items() if isinstance(mark, CellPicture)}
    if worded:
        places |= {
            (row, column)
            for row, values in grid.rows()
            for column, value in enumerate(values, start=grid.first_column)
            if type(value) is str and WORD in value and WORDED.fullmatch(value)
        }
    return attrs.evolve(with_marks(grid, dict.fromkeys(places)), pictures=frozenset(places)) if places else grid

"""What a worksheet's cells span, and which of them need a stand-in.

The reader behind us allocates the whole rectangle between a sheet's first and last value, before anybody
can stop it, and it shows error cells and formulas without a result as blanks. So every part is scanned first:
by regular expressions where the XML looks as nearly all writers make it, else by a real parser.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from custinfo.adapters.excel._cells import Mark

__all__ = ["ALWAYS_ALLOWED", "PICTURE_ERROR", "PICTURE_WORD", "TALLEST", "WIDEST", "Extent", "Place", "span"]

WIDEST: Final = 16_384
TALLEST: Final = 1_048_576
ALWAYS_ALLOWED: Final = 1_000_000
PICTURE_WORD: Final = b"DISPIMG("
PICTURE_ERROR: Final = "#VALUE!"
Place = tuple[int, int]


@attrs.define
class Extent:
    """Say what a sheet's cells span at most, and which of them need a stand-in.

    Attributes:
        rows: First and last row that may hold a value; (1, 0) when there is none.
        columns: The same for columns.
        marks: What stands in for a value, by row and column.
        exact: Whether cells without a value were left out.
        hidden: How many rows with cells are hidden, by a filter for instance.
        pictures: Whether the word is in it by which a formula shows a picture in its cell.
        odd: Whether a value is spelled so that the fast reader would take it for another.
    """

    rows: tuple[int, int] = (1, 0)
    columns: tuple[int, int] = (1, 0)
    marks: dict[Place, Mark] = attrs.field(factory=dict)
    exact: bool = False
    hidden: int = 0
    pictures: bool = False
    odd: bool = False

    def is_sparse(self, size: int) -> bool:
        """Return whether the rectangle is large, and far larger than a part of this many bytes can fill."""
        return self.area > max(ALWAYS_ALLOWED, size // 2)

    @property
    def area(self) -> int:
        """Cells of the rectangle."""
        return (self.rows[1] - self.rows[0] + 1) * (self.columns[1] - self.columns[0] + 1)


def span(numbers: Iterable[int]) -> tuple[int, int]:
    """Return the first and the last of some numbers; (1, 0) where there are none."""
    found = set(numbers)
    return (min(found), max(found)) if found else (1, 0)

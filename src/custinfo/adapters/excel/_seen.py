"""What people see in cells of numbers whose format shows zeros in front, or a day: which cells these are, and what."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence

import attrs

from custinfo.adapters.excel._day_formats import DayFormat, day_format
from custinfo.adapters.excel._zero_formats import ZeroFormat, zero_format

__all__ = ["SeenFormat", "SeenNumbers", "seen_format"]

SeenFormat = ZeroFormat | DayFormat

Row = tuple[int, tuple[object, ...]]


def seen_format(code: str, *, of_1904: bool = False) -> SeenFormat | None:
    """Return a format by its code, or None for one that shows numbers as they are.

    Args:
        code: As a workbook has it.
        of_1904: Whether its days count from 1904.
    """
    return zero_format(code) or day_format(code, of_1904=of_1904)


@attrs.define
class _Runs:
    """The cells of one column that have such a format, as runs of rows: most columns have one from top to bottom."""

    first: array[int] = attrs.field(factory=lambda: array("I"))
    last: array[int] = attrs.field(factory=lambda: array("I"))
    style: array[int] = attrs.field(factory=lambda: array("I"))

    def add(self, row: int, style: int) -> None:
        if self.last and self.last[-1] + 1 == row and self.style[-1] == style:
            self.last[-1] = row
        else:
            self.first.append(row)
            self.last.append(row)
            self.style.append(style)

    def in_order(self) -> list[tuple[int, int, int]]:
        return sorted(zip(self.first, self.last, self.style, strict=True))


@attrs.define
class SeenNumbers:
    """Note the cells of a sheet whose format, by the number of their style, is such a one."""

    formats: Mapping[int, SeenFormat]
    _columns: dict[int, _Runs] = attrs.field(factory=dict, init=False)

    def add(self, row: int, column: int, style: int) -> None:
        """Note a cell; the style is one of `formats`."""
        runs = self._columns.get(column)
        if runs is None:
            runs = self._columns[column] = _Runs()
        runs.add(row, style)

    def __bool__(self) -> bool:
        return bool(self._columns)

    def over(self, rows: Iterator[Row], columns: Sequence[int], numbers: Collection[int]) -> Iterator[Row]:
        """Return rows with texts and days in place of the numbers in these cells.

        Args:
            rows: In order.
            columns: Worksheet column of each value.
            numbers: Places of columns whose numbers stay numbers.
        """
        found = {place: self._columns.get(column) for place, column in enumerate(columns) if place not in numbers}
        held = {place: runs for place, runs in found.items() if runs is not None}
        return self._over(rows, held) if held else rows

    def _over(self, rows: Iterator[Row], held: Mapping[int, _Runs]) -> Iterator[Row]:
        left = {place: list(reversed(runs.in_order())) for place, runs in held.items()}
        for number, values in rows:
            others: dict[int, object] = {}
            for place, runs in left.items():
                while runs and runs[-1][1] < number:
                    runs.pop()
                value = values[place]
                if runs and runs[-1][0] <= number and (type(value) is int or type(value) is float):
                    seen = self.formats[runs[-1][2]].shown(value)
                    if seen is not None:
                        others[place] = seen
            shown = tuple(others.get(place, value) for place, value in enumerate(values)) if others else values
            yield number, shown

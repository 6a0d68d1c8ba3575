"""Tables: a header, and the rows below it brought to plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import dropwhile, islice
from typing import Final

import attrs

from custinfo.adapters.excel._cells import Mark, clean_row
from custinfo.adapters.excel._grids import Grid, Merge
from custinfo.adapters.excel._header import Header, find_header
from custinfo.adapters.excel._labels import LONGEST, clean_label
from custinfo.adapters.excel._late_columns import with_late_columns
from custinfo.adapters.excel._limits import Limits, Stopwatch, refusal

__all__ = ["Table", "has_values", "nothing_known", "table_of"]

BLOCK: Final = 256
_ENOUGH: Final = 2
"""Known labels that make a row a header, wherever it stands."""
_DEEPEST: Final = 1_000
_BELOW: Final = 10
_MOST_ASKED: Final = 20_000
_LIKE_ONE: Final = 20
"""So many characters take as long as another cell."""
_LONGEST_LABEL: Final = 60
Row = tuple[int, tuple[object, ...]]


@attrs.frozen
class Table:
    """Give the header of a worksheet's table and, as often as asked, its rows.

    Attributes:
        sheet: The worksheet's name; empty for a text file.
        header: Clean label of each column; empty for a column that has values but no label.
        header_raw: The same as they stand in the file.
        header_row: Worksheet row of the header, the lower one of two levels; the data start below it.
        columns: Worksheet column of each label; rows and columns count from 1.
        notes: Texts that stand above the header.
        hidden_sheets: Names of the sheets with cells that were passed over because they are hidden.
        of_1904: Whether the numbers of days in the workbook count from 1904; dates themselves are read as such.
    """

    sheet: str
    header: tuple[str, ...]
    header_raw: tuple[str, ...]
    header_row: int
    columns: tuple[int, ...]
    notes: tuple[str, ...] = ()
    hidden_sheets: tuple[str, ...] = ()
    of_1904: bool = False
    _grid: Grid = attrs.field(kw_only=True, eq=False, repr=False)
    _limits: Limits = attrs.field(kw_only=True, eq=False, repr=False)
    _repeated: Sequence[object] = attrs.field(default=(), kw_only=True, eq=False, repr=False)
    _beside: frozenset[int] = attrs.field(default=frozenset(), kw_only=True, eq=False, repr=False)
    _numbers: frozenset[int] = attrs.field(default=frozenset(), kw_only=True, eq=False, repr=False)

    def with_blocks(self, places: Iterable[int]) -> Table:
        """Return the table in which a block of merged cells is one row, with the lines that stand beside it.

        A row below the first one of the block belongs to it if it has values of its own at some `places` only: they
        come as further lines of these cells.
        """
        return attrs.evolve(self, beside=frozenset(places))

    def with_numbers(self, places: Iterable[int]) -> Table:
        """Return the table in which numbers at some places stay numbers, whatever zeros are seen in front of them."""
        return attrs.evolve(self, numbers=frozenset(places))

    @property
    def hidden_rows(self) -> int:
        """How many rows of the worksheet with cells are hidden, by a filter for instance; they are read."""
        return self._grid.hidden_rows

    @property
    def hidden_columns(self) -> tuple[int, ...]:
        """The places of the columns that are hidden, from 0; they are read."""
        ranges = self._grid.hidden_columns
        columns = enumerate(self.columns) if ranges else ()
        return tuple(place for place, column in columns if any(first <= column <= last for first, last in ranges))

    @property
    def pictures(self) -> Mapping[int, int]:
        """How many cells below the heading are blank but for a picture, by the worksheet column."""
        return Counter(column for row, column in sorted(self._grid.pictures) if row > self.header_row)

    def overlong_rows(self) -> Mapping[int, int]:
        """Return how many cells a row of a text file has more than the heading, for each row with values there.

        A delimiter that stands in a cell without quotes moves what follows into the wrong columns.
        """
        widest, found = 0, {}
        for number, values in self._grid.rows() if self._grid.ragged else ():
            if number <= self.header_row:
                widest = max(widest, len(values))
            elif surplus := len(values) > widest and _last_value(values[widest:]):
                found[number] = surplus
        return found

    @property
    def has_blocks(self) -> bool:
        """Whether a row may hold more than one row of the worksheet."""
        return bool(self._beside and _fills(self._grid.merges, self.columns, self.header_row))

    def rows(self) -> Iterator[Row]:
        """Yield the worksheet row and the values under the header, for each row that is not blank.

        A row that has the labels of known fields again, as on each page of what is printed, is passed over.

        Raises: UnreadableFileError: workbook_too_large (too many rows) or read_timeout.
        """
        watch = Stopwatch(self._limits.max_seconds)
        rows = self._plain_rows()
        if self._grid.seen:
            rows = self._grid.seen.over(rows, self.columns, self._numbers)
        if fills := _fills(self._grid.merges, self.columns, self.header_row):
            rows = _filled(_blocks(rows, fills, self._beside) if self._beside else rows, fills)
        left = self._limits.max_rows
        while block := list(islice(rows, BLOCK)):
            left -= len(block)
            if left < 0:
                raise refusal("workbook_too_large", what="rows", limit=self._limits.max_rows)
            watch.pause()
            yield from block
            watch.resume()

    def _plain_rows(self) -> Iterator[Row]:
        passed_over = ([None] * len(self.columns), self._repeated)
        pick = _picker([column - self._grid.first_column for column in self.columns])
        rows = dropwhile(lambda row: row[0] <= self.header_row, self._grid.rows())
        for number, values in rows:
            row = clean_row(pick(values))
            if row not in passed_over:
                yield number, tuple(row)


def _last_value(values: Sequence[object]) -> int:
    """Return the place of the last value that is not blank, from 1; 0 if there is none."""
    return max((place for place, value in enumerate(clean_row(values), start=1) if value is not None), default=0)


def _picker(indexes: Sequence[int]) -> Callable[[Sequence[object]], Sequence[object]]:
    """Return what takes the columns out of a row; a row too short for them is filled up."""
    first, end = indexes[0], indexes[-1] + 1
    everything = list(range(first, end)) == list(indexes)

    def pick(values: Sequence[object]) -> Sequence[object]:
        if everything and len(values) >= end:
            return values[first:end]
        width = len(values)
        return [values[index] if index < width else None for index in indexes]

    return pick


Fills = dict[int, list[tuple[int, int]]]


def _fills(merges: Sequence[Merge], columns: Sequence[int], header_row: int) -> Fills:
    """Return where a value is filled down: by the row it stands in, its place in the row and the last row."""
    places = {column: place for place, column in enumerate(columns)}
    fills: Fills = {}
    for merge in merges:
        if merge.bottom > merge.top > header_row and merge.left in places:
            fills.setdefault(merge.top, []).append((places[merge.left], merge.bottom))
    return fills


def _blocks(rows: Iterator[Row], fills: Fills, beside: frozenset[int]) -> Iterator[Row]:
    block: list[Row] = []
    bottom = 0
    for number, values in rows:
        if not (block and number <= bottom and _stand_beside(values, beside)):
            if block:
                yield _one_row(block, beside)
            block.clear()
            bottom = max((end for place, end in fills.get(number, ()) if place not in beside), default=0)
        block.append((number, values))
    if block:
        yield _one_row(block, beside)


def _stand_beside(values: Sequence[object], beside: frozenset[int]) -> bool:
    return all(value is None or place in beside for place, value in enumerate(values))


def _one_row(block: Sequence[Row], beside: frozenset[int]) -> Row:
    """Return the first row of a block, with what stands beside it in the others as further lines."""
    number, values = block[0]
    if len(block) == 1:
        return block[0]
    columns = zip(*(values for _, values in block), strict=True)
    return number, tuple(_lines(column) if place in beside else values[place] for place, column in enumerate(columns))


def _lines(cells: Sequence[object]) -> object:
    """Return cells as lines of one; of those without a usable value, the first stands for all."""
    there = [cell for cell in cells if cell is not None]
    bad = [cell for cell in there if isinstance(cell, Mark)]
    return "\n".join(map(str, there)) if len(there) > 1 and not bad else (bad or there or [None])[0]


def _filled(rows: Iterator[Row], fills: Fills) -> Iterator[Row]:
    active: dict[int, tuple[object, int]] = {}
    for number, values in rows:
        filled = list(values)
        for place, (value, bottom) in list(active.items()):
            if number > bottom:
                del active[place]
            elif filled[place] is None:
                filled[place] = value
        for place, bottom in fills.get(number, ()):
            active[place] = (values[place], bottom)
        yield number, tuple(filled)


def nothing_known(_: str) -> bool:
    """Tell that a label is not known: for whoever knows none, so that none is looked for further down."""
    return False


def table_of(grid: Grid, limits: Limits, known: Callable[[str], bool]) -> Table | None:
    """Return the table in a grid, or None when no row looks like a header.

    Raises: UnreadableFileError (workbook_too_large) when it has too many columns.
    """
    window = dict(_bounded(islice(_window(grid), limits.max_header_scan_rows)))
    header = find_header(window, grid.merges, known)
    if known is not nothing_known and (header is None or sum(map(known, header.texts)) < _ENOUGH):
        further = _further(grid, len(window), known)
        header = (further and find_header(further, grid.merges, known)) or header
    if header is None:
        return None
    header = with_late_columns(header, grid)
    if len(header.columns) > limits.max_columns:
        raise refusal("workbook_too_large", what="columns", limit=limits.max_columns)
    labels = sum(map(known, header.texts))
    repeated = [text or None for text in header.raw] if labels > 1 else ()
    return _table(grid, header, limits, repeated)


def _further(grid: Grid, seen: int, known: Callable[[str], bool]) -> dict[int, dict[int, object]]:
    """Return the rows from one further down that has several known labels; long notes may stand above it."""
    rows = _bounded(islice(_window(grid), seen, _DEEPEST))
    begin = dropwhile(lambda row: sum(map(known, _short_texts(row[1]))) < _ENOUGH, rows)
    return dict(islice(begin, _BELOW))


def _bounded(rows: Iterator[tuple[int, dict[int, object]]]) -> Iterator[tuple[int, dict[int, object]]]:
    """Yield rows as long as it costs little to ask what each of their cells means."""
    cells = 0
    for number, values in rows:
        yield number, values
        cells += len(values) + sum(
            min(len(text), LONGEST) // _LIKE_ONE for text in values.values() if type(text) is str
        )
        if cells > _MOST_ASKED:
            return


def _short_texts(values: Mapping[int, object]) -> set[str]:
    return {clean_label(text) for text in values.values() if isinstance(text, str) and len(text) <= _LONGEST_LABEL}


def has_values(grid: Grid) -> bool:
    """Return whether any cell is more than white space."""
    return next(_window(grid), None) is not None


def _window(grid: Grid) -> Iterator[tuple[int, dict[int, object]]]:
    for number, values in grid.rows():
        cleaned = enumerate(clean_row(values), start=grid.first_column)
        if filled := {column: value for column, value in cleaned if value is not None}:
            yield number, filled


def _table(grid: Grid, header: Header, limits: Limits, repeated: Sequence[object]) -> Table:
    return Table(
        grid.name,
        header.texts,
        header.raw,
        header.row,
        header.columns,
        header.notes,
        grid=grid,
        limits=limits,
        repeated=repeated,
    )

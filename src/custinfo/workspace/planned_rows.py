"""What the rows of a file come to, kept compactly: most rows of most files are nothing but their typed values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, overload

import attrs

from custinfo.core.kinds.money import InUnits
from custinfo.core.problems import Problem
from custinfo.core.records import RecordId
from custinfo.workspace.attached_columns import Related
from custinfo.workspace.drafts import NewRow, Prepared
from custinfo.workspace.resembling import Resemblance

__all__ = [
    "Counts",
    "Entry",
    "PlannedRow",
    "PlannedRows",
    "RawValues",
    "RowOutcome",
    "count_name",
    "number_of",
    "prepared_of",
]

RawValues = tuple[object, ...]
RowOutcome = Literal["create", "update", "unchanged", "skip", "conflict", "rejected", "awaiting", "duplicate"]


@attrs.frozen
class Counts:
    """How many rows come to what.

    `creates` and `updates` are taken over, `unchanged` rows say what is stored already. `awaiting` ones become requests
    for approval. Left out are those that are `rejected`, since something is wrong with them, `duplicates` of another
    row or a record, those `skipped` by the mode of the import, and `conflicts`, which mean several records, or one that
    somebody else is changing.
    """

    creates: int = 0
    updates: int = 0
    unchanged: int = 0
    rejected: int = 0
    awaiting: int = 0
    duplicates: int = 0
    skipped: int = 0
    conflicts: int = 0

    @property
    def total(self) -> int:
        """The number of data rows."""
        return sum(attrs.astuple(self))


_COUNT_NAMES: Final[Mapping[str, str]] = {
    "create": "creates",
    "update": "updates",
    "unchanged": "unchanged",
    "rejected": "rejected",
    "awaiting": "awaiting",
    "duplicate": "duplicates",
    "skip": "skipped",
    "conflict": "conflicts",
}


@attrs.frozen(eq=False)
class PlannedRow:
    """What one row of the file comes to, and every problem and notice with its place.

    `row` is its number in the file, from 1 as a spreadsheet shows it. `outcome` is `create`, `update`, `unchanged`,
    `skip` (the mode of the import passes over it), `awaiting` (approval), `rejected` (something is wrong with it, as
    `problems` say), `duplicate` (of another row, or likely of a record) or `conflict` (somebody was faster, or a
    request holds a field). `record_id` is the record that it updates, or that it seems to duplicate. `related` are
    records of other modules that it brings along. `resemblance` says of a row that is likely about the same as another
    one how likely, and why.
    """

    row: int
    outcome: RowOutcome
    _raw: RawValues | Callable[[], RawValues] = attrs.field(repr=False, alias="raw")
    problems: tuple[Problem, ...] = ()
    record_id: RecordId | None = None
    _prepared: Prepared | None = attrs.field(default=None, repr=False, alias="prepared")
    related: tuple[Related, ...] = ()
    resemblance: Resemblance | None = None

    @property
    def raw(self) -> RawValues:
        """The user's own values, in the order of the headings."""
        raw = self._raw() if callable(self._raw) else self._raw
        return tuple([value.written if type(value) is InUnits else value for value in raw])

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle what the row tells: the change holds whole records, also what the actor may not read of them."""
        told = (self.row, self.outcome, self.raw, self.problems, self.record_id)
        return PlannedRow, (*told, None, self.related, self.resemblance)


def prepared_of(row: PlannedRow) -> Prepared | None:
    """Return the change on its way through the write path: with whole records, so that no public name leads there."""
    return row._prepared  # noqa: SLF001


def count_name(outcome: str) -> str:
    """Return the name under which rows of an outcome are counted."""
    return _COUNT_NAMES[outcome]


Entry = NewRow | PlannedRow


class PlannedRows(Sequence[PlannedRow]):
    """The rows of a plan, in the order of the file.

    A row that is simply created is kept as its values only, and made a `PlannedRow` whenever it is asked for; what the
    user wrote in it is read from the file again.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        remarks: Mapping[int, Sequence[Problem]],
        place: Callable[[int, Problem], Problem],
        raw: Callable[[int], RawValues],
    ) -> None:
        """Take what the planner found.

        Args:
            entries: The rows.
            remarks: Row → the notices of a row that is simply created, without their place.
            place: Return a problem of a row with its place.
            raw: Return the user's own values of a row.
        """
        self._entries = entries
        self._remarks = remarks
        self._place = place
        self._raw = raw

    @property
    def entries(self) -> Sequence[Entry]:
        """The rows as they are kept."""
        return self._entries

    @property
    def told(self) -> Iterator[PlannedRow]:
        """The rows of which there is more to tell than that a record is created."""
        return (entry for entry in self._entries if type(entry) is PlannedRow)

    def counts(self) -> Counts:
        """Return how many rows come to what."""
        told = Counter(entry.outcome if type(entry) is PlannedRow else "create" for entry in self._entries)
        return Counts(**{count_name(outcome): number for outcome, number in told.items()})

    def with_outcome(self, *outcomes: RowOutcome) -> tuple[PlannedRow, ...]:
        """Return the rows that come to one of `outcomes`."""
        if "create" in outcomes:
            return tuple(row for row in self if row.outcome in outcomes)
        return tuple(row for row in self.told if row.outcome in outcomes)

    def replaced(self, rows: Mapping[int, PlannedRow]) -> PlannedRows:
        """Return the same rows, with others for those that have the numbers of `rows`."""
        if not rows:
            return self
        entries = [rows.get(number_of(entry), entry) for entry in self._entries]
        return PlannedRows(entries, self._remarks, self._place, self._raw)

    def joined(self, rows: Iterable[PlannedRow]) -> PlannedRows:
        """Return these rows and others, in the order of the file."""
        entries = sorted((*self._entries, *rows), key=number_of)
        return PlannedRows(entries, self._remarks, self._place, self._raw)

    def planned(self, entry: Entry) -> PlannedRow:
        """Return an entry as a row."""
        if isinstance(entry, PlannedRow):
            return entry
        number: int = entry[0]
        problems = tuple(self._place(number, problem) for problem in self._remarks.get(number, ()))
        return PlannedRow(number, "create", lambda: self._raw(number), problems)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[PlannedRow]:
        return map(self.planned, self._entries)

    @overload
    def __getitem__(self, index: int) -> PlannedRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PlannedRow, ...]: ...
    def __getitem__(self, index: int | slice) -> PlannedRow | tuple[PlannedRow, ...]:
        """Return a row, or several."""
        if isinstance(index, slice):
            return tuple(map(self.planned, self._entries[index]))
        return self.planned(self._entries[index])

    def __repr__(self) -> str:
        return f"<{len(self)} planned rows>"


def number_of(entry: Entry) -> int:
    """Return the row of the file."""
    if type(entry) is PlannedRow:
        return entry.row
    number: int = entry[0]  # type: ignore[index]
    return number

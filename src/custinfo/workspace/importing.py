"""Import: a table becomes a plan, and a plan is applied — through the same rules as an edit by hand (XLS-2…5).

This module knows rows and columns, not files: `custinfo.adapters.excel` reads the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import attrs

from custinfo.core.errors import ConflictError, CustinfoError
from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.core.problems import Place, Problem
from custinfo.core.records import FieldKey, ModuleKey, RecordId
from custinfo.core.revisions import changed_configuration
from custinfo.workspace.context import Compiled, Context
from custinfo.workspace.drafts import Prepared
from custinfo.workspace.writing import WritePath

__all__ = ["Columns", "Counts", "ImportPlan", "ImportReport", "PlannedRow", "Progress", "SourceTable"]

RowOutcome = Literal["create", "update", "unchanged", "rejected", "awaiting", "duplicate"]
Duplicates = Literal["report", "create"]

_CHUNK = 1000


class SourceTable(Protocol):
    """A table of raw values, as a reader gives it."""

    @property
    def sheet(self) -> str:
        """Name of the sheet."""

    @property
    def header(self) -> tuple[str, ...]:
        """The headings."""

    @property
    def header_row(self) -> int:
        """Row of the headings, from 1."""

    @property
    def columns(self) -> tuple[int, ...]:
        """Column of each heading, from 1."""

    def rows(self) -> Iterator[tuple[int, tuple[object, ...]]]:
        """Yield (row from 1, values in the order of the headings) for each row that is not blank."""


class BadCell(Protocol):
    """A cell without a usable value; the raw values of a reader may hold such objects."""

    def problem(self) -> Problem:
        """Return what is wrong with the cell."""


@attrs.frozen
class Columns:
    """Say which field each heading means; `None` for a column that is left out, with a warning in `problems`."""

    keys: tuple[FieldKey | None, ...]
    problems: tuple[Problem, ...]


@attrs.frozen
class Counts:
    """How many rows come to what."""

    creates: int = 0
    updates: int = 0
    unchanged: int = 0
    rejected: int = 0
    awaiting: int = 0
    duplicates: int = 0

    @property
    def total(self) -> int:
        """The number of data rows."""
        return self.creates + self.updates + self.unchanged + self.rejected + self.awaiting + self.duplicates


_COUNT_NAMES: Mapping[RowOutcome, str] = {
    "create": "creates",
    "update": "updates",
    "unchanged": "unchanged",
    "rejected": "rejected",
    "awaiting": "awaiting",
    "duplicate": "duplicates",
}


def _counts(rows: Iterable[PlannedRow]) -> Counts:
    return Counts(**{_COUNT_NAMES[outcome]: number for outcome, number in Counter(row.outcome for row in rows).items()})


@attrs.define
class PlannedRow:
    """What one row of the file comes to, and every problem and notice with its place.

    `raw` are the user's own values. `record_id` is the record that it updates, or that it seems to duplicate.
    """

    row: int
    outcome: RowOutcome
    raw: tuple[object, ...] = attrs.field(repr=False)
    problems: tuple[Problem, ...] = ()
    record_id: RecordId | None = None
    _prepared: Prepared | None = attrs.field(default=None, repr=False, alias="prepared")

    @property
    def prepared(self) -> Prepared | None:
        """The change on its way through the write path."""
        return self._prepared


@attrs.frozen
class Progress:
    """How far an import is; as a text it reads `500/2000`."""

    done: int
    total: int

    def __str__(self) -> str:
        return f"{self.done}/{self.total}"


@attrs.frozen
class ImportReport:
    """What an import did: the id to undo it by, counts, and the rows that were not taken over."""

    batch_id: str
    module: ModuleKey
    counts: Counts
    rejected: tuple[PlannedRow, ...]
    duplicates: tuple[PlannedRow, ...]
    requests: tuple[str, ...]


@attrs.define
class ImportPlan:
    """What importing a table would do. Making it writes nothing; `apply` does what it says.

    `rows` holds one entry for each data row, in order; `problems` concern whole columns.
    """

    module: ModuleKey
    table: SourceTable
    columns: Columns
    rows: Sequence[PlannedRow] = attrs.field(repr=False)
    digest: str
    _context: Context = attrs.field(repr=False, alias="context")
    _report: ImportReport | None = attrs.field(default=None, init=False, repr=False)
    _compiled: Compiled = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._compiled = self._context.compiled

    @property
    def counts(self) -> Counts:
        """How many rows come to what."""
        return _counts(self.rows)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with whole columns."""
        return self.columns.problems

    @property
    def rejected(self) -> tuple[PlannedRow, ...]:
        """The rows that will not be taken over because something is wrong with them."""
        return tuple(row for row in self.rows if row.outcome == "rejected")

    @property
    def duplicates(self) -> tuple[PlannedRow, ...]:
        """The rows that will not be taken over because they repeat an earlier row, or seem to repeat a record."""
        return tuple(row for row in self.rows if row.outcome == "duplicate")

    def placed(self, row: int, problem: Problem) -> Problem:
        """Return a problem of a row with its place and labels."""
        columns = dict(zip(self.columns.keys, self.table.columns, strict=True))
        place = Place(self.table.sheet, row, columns.get(problem.field))
        return self._context.module(self.module).labelled(problem).at(place)

    def apply(self, progress: Callable[[Progress], object] | None = None, *, batch_size: int = _CHUNK) -> ImportReport:
        """Carry the plan out, batch by batch, each in a transaction of its own where the session owns it.

        A plan is applied once: asked again, it returns the same report.
        Interrupted work goes on where it stopped when the same file is planned and applied again. A row that
        clashes with what happened since the plan was made is rejected; the others go on.

        Args:
            progress: Called after each batch.
            batch_size: Rows that are saved together.
        """
        if self._report is None:
            if self._context.compiled is not self._compiled:
                raise changed_configuration(self._compiled.version, self._context.compiled.version)
            self._report = _Application(self._context, self, batch_size).run(progress)
        return self._report


@attrs.define
class _Application:
    """Carry one plan out."""

    context: Context
    plan: ImportPlan
    batch_size: int
    requests: list[str] = attrs.field(factory=list)

    def run(self, progress: Callable[[Progress], object] | None) -> ImportReport:
        unit = self.context.unit
        batch = unit.imports.unfinished(self.plan.module, self.plan.digest)
        if batch is None:
            now = self.context.now()
            batch = ImportBatch(self.context.ids(), self.plan.module, self.plan.digest, self.context.actor, now)
            unit.imports.save(batch)
        before = batch.requests
        rows = [row for row in self.plan.rows if row.row > batch.position]
        done = len(self.plan.rows) - len(rows)
        for start in range(0, len(rows), self.batch_size):
            part = rows[start : start + self.batch_size]
            self.save(part, batch.id)
            done += len(part)
            batch = attrs.evolve(batch, position=part[-1].row, requests=(*before, *self.requests))
            unit.imports.save(batch)
            unit.commit()
            if progress is not None:
                progress(Progress(done, len(self.plan.rows)))
        counts = self.plan.counts
        unit.imports.save(attrs.evolve(batch, state="done", counts=FrozenDict(attrs.asdict(counts))))
        unit.commit()
        return ImportReport(
            batch.id, self.plan.module, counts, self.plan.rejected, self.plan.duplicates, (*before, *self.requests)
        )

    def save(self, rows: Sequence[PlannedRow], batch_id: str) -> None:
        """Save a batch; if something clashes, row by row, so that only the rows that clash are rejected."""
        path = WritePath(self.context, channel="import", batch=batch_id)
        going = [row for row in rows if row.prepared is not None]
        items = [row.prepared for row in going if row.prepared is not None]
        try:
            with self.context.unit.atomic():
                path.commit(items)
        except ConflictError as error:
            if error.code == "configuration_changed":
                raise  # what was planned counts no more; planned anew, the import goes on where it is
            for row in going:
                self.save_one(path, row)
            return
        self.requests.extend(item.request.id for item in items if item.request is not None)

    def save_one(self, path: WritePath, row: PlannedRow) -> None:
        if row.prepared is None:
            return
        try:
            with self.context.unit.atomic():
                path.commit([row.prepared])
        except CustinfoError as error:
            row.outcome = "rejected"
            row.problems = (*row.problems, *(self.plan.placed(row.row, problem) for problem in error.problems))
            return
        if row.prepared.request is not None:
            self.requests.append(row.prepared.request.id)

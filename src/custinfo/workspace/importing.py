"""Import: a table becomes a plan, and a plan is applied — through the same rules as an edit by hand (XLS-2…5).

This module knows rows and columns, not files: `custinfo.adapters.excel` reads the files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, Literal, Protocol

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import FieldChange, changes_between
from custinfo.core.importing import ImportBatch
from custinfo.core.problems import Place, Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.revisions import changed_configuration
from custinfo.core.suggesting import Suggestion
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import NewColumns, NewRow
from custinfo.workspace.import_batches import Application, Progress
from custinfo.workspace.planned_rows import Counts, PlannedRow, PlannedRows, RowOutcome, prepared_of

__all__ = [
    "BATCH",
    "Columns",
    "Counts",
    "Difference",
    "ImportPlan",
    "ImportReport",
    "PlannedRow",
    "PlannedRows",
    "Progress",
    "RefusedSheet",
    "RelatedSheet",
    "RowOutcome",
    "SourceTable",
]

Duplicates = Literal["report", "exact", "create"]
ImportMode = Literal["upsert", "create", "update"]

BATCH: Final = 5_000
"""Rows that are saved together, where nothing else is said."""


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


@attrs.frozen
class RelatedSheet:
    """A further sheet, whose rows become records of a module that refers to that of the main sheet.

    `mapping` is as for the main sheet: heading → field name.
    """

    module: ModuleKey
    table: SourceTable
    mapping: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class RefusedSheet:
    """Those rows of a further sheet that are not taken over; `keys` are the fields that its columns mean."""

    table: SourceTable
    module: ModuleKey
    keys: tuple[FieldKey | None, ...]
    rows: tuple[PlannedRow, ...]


class BadCell(Protocol):
    """A cell without a usable value; the raw values of a reader may hold such objects."""

    def problem(self) -> Problem:
        """Return what is wrong with the cell."""


@attrs.frozen
class Columns:
    """Say which field each heading means; `None` for a column that is left out, with a warning in `problems`.

    `suggestions` are fields that such headings may mean. `attached` has the places of those that hold what comes along
    with the record: `tags`, or the module whose records their texts become.
    """

    keys: tuple[FieldKey | None, ...]
    problems: tuple[Problem, ...]
    suggestions: tuple[Suggestion, ...] = ()
    attached: FrozenDict[int, str] = attrs.field(factory=FrozenDict)


@attrs.frozen
class Difference:
    """A row that came to something else than planned: `applied` in place of `planned`, and `problems` say why."""

    row: int
    planned: RowOutcome
    applied: RowOutcome
    problems: tuple[Problem, ...] = ()


@attrs.frozen
class ImportReport:
    """What an import did.

    `batch_id` is what to undo it by. `rows` are all rows as they came out, `counts` how many came to what, `requests`
    the ids of the approval requests that were made, and `differences` the rows that came out otherwise than planned.
    """

    batch_id: str
    module: ModuleKey
    counts: Counts
    rows: PlannedRows = attrs.field(repr=False)
    requests: tuple[str, ...]
    differences: tuple[Difference, ...] = ()

    @property
    def rejected(self) -> tuple[PlannedRow, ...]:
        """The rows that were not taken over because something is wrong with them."""
        return self.rows.with_outcome("rejected")

    @property
    def duplicates(self) -> tuple[PlannedRow, ...]:
        """The rows that were not taken over because they repeat an earlier row, or seem to repeat a record."""
        return self.rows.with_outcome("duplicate")


@attrs.define
class ImportPlan:
    """What importing a table would do. Making it writes nothing; `apply` does what it says, and leaves it as it is.

    `rows` holds one entry for each data row, in order; `problems` concern whole columns.
    """

    module: ModuleKey
    table: SourceTable
    columns: Columns
    rows: PlannedRows = attrs.field(repr=False)
    digest: str
    _context: Context = attrs.field(repr=False, alias="context")
    _new: Callable[[Sequence[NewRow]], NewColumns] = attrs.field(repr=False, alias="new")
    _related: Callable[[Collection[int]], list[RefusedSheet]] | None = attrs.field(
        default=None, repr=False, alias="related"
    )
    _earlier: tuple[ImportBatch, ...] = attrs.field(default=(), repr=False, alias="earlier")
    _report: ImportReport | None = attrs.field(default=None, init=False, repr=False)
    _compiled: Compiled = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._compiled = self._context.compiled

    @property
    def counts(self) -> Counts:
        """How many rows come to what."""
        return self.rows.counts()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with whole columns."""
        return self.columns.problems

    @property
    def rejected(self) -> tuple[PlannedRow, ...]:
        """The rows that will not be taken over because something is wrong with them."""
        return self.rows.with_outcome("rejected")

    @property
    def duplicates(self) -> tuple[PlannedRow, ...]:
        """The rows that will not be taken over because they repeat an earlier row, or seem to repeat a record."""
        return self.rows.with_outcome("duplicate")

    def changes(self, row: PlannedRow) -> tuple[FieldChange, ...]:
        """Return what a row changes in its record, of the fields that the actor may read there."""
        prepared = prepared_of(row)
        if prepared is None or prepared.after is None:
            return ()
        readable = self._context.verdict(prepared.before or prepared.after).readable
        found = changes_between(prepared.before, prepared.after)
        return tuple(item for item in found if item.field in readable and item.field != "department")

    def finds(self, row: PlannedRow) -> bool:
        """Tell whether a row is about a record that there is, and that it may be compared with."""
        prepared = prepared_of(row)
        return prepared is not None and prepared.before is not None

    def refused_related(self, rows: Collection[int]) -> list[RefusedSheet]:
        """Return for each further sheet the rows that belong to some rows of the main sheet, or to none."""
        return self._related(rows) if self._related is not None else []

    def placed(self, row: int, problem: Problem) -> Problem:
        """Return a problem of a row with its place and labels."""
        columns = dict(zip(self.columns.keys, self.table.columns, strict=True))
        place = Place(self.table.sheet, row, columns.get(problem.field))
        return self._context.module(self.module).labelled(problem).at(place)

    def apply(
        self,
        progress: Callable[[Progress], object] | None = None,
        *,
        batch_size: int = BATCH,
        whole: bool = False,
    ) -> ImportReport:
        """Carry the plan out, batch by batch, each in a transaction of its own where the session owns it.

        A plan is applied once: asked again, it returns the same report.
        Interrupted work goes on where it stopped when the same file is planned and applied again. A row that
        clashes with what happened since the plan was made is rejected; the others go on.

        Args:
            progress: Called after each batch.
            batch_size: Rows that are saved together, from 1.
            whole: Save everything in one transaction, or nothing, if a row is rejected, a duplicate or in conflict.

        Raises: InvalidInputError for a plan that leaves rows out, and ConflictError for a clash, if `whole`;
            ConflictError (`imported_meanwhile`) if the member imports the same file elsewhere; StorageError.
        """
        if batch_size < 1:
            raise ValueError("batch_size must be at least 1")
        if self._report is None:
            if self._context.compiled is not self._compiled:
                raise changed_configuration(self._compiled.version, self._context.compiled.version)
            application = Application(
                self._context,
                self.module,
                self.digest,
                self.rows,
                self._new,
                self.placed,
                batch_size,
                whole,
                self._earlier,
            )
            try:
                batch = application.run(progress)
            finally:
                self._earlier = application.earlier
            self._report = self._reported(batch, application.changed)
        return self._report

    def _reported(self, batch: ImportBatch, changed: Mapping[int, PlannedRow]) -> ImportReport:
        rows = self.rows.replaced(changed)
        planned = {row.row: row.outcome for row in self.rows if row.row in changed} if changed else {}
        differences = tuple(
            Difference(number, planned[number], row.outcome, row.problems) for number, row in sorted(changed.items())
        )
        counts = Counts(**batch.counts)
        return ImportReport(batch.id, self.module, counts, rows, batch.requests, differences)

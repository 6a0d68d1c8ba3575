"""Import: a table becomes a plan, and a plan is applied — through the same rules as an edit by hand (XLS-2…5).

This module knows rows and columns, not files: `custinfo.adapters.excel` reads the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, Protocol

import attrs

from custinfo.core.errors import ConflictError, CustinfoError, InvalidInputError, PermissionDeniedError
from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.core.problems import Place, Problem
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.matching import Matcher, RowMatch, SourceRow
from custinfo.workspace.writing import WritePath

__all__ = ["Columns", "Counts", "ImportPlan", "ImportReport", "PlannedRow", "Progress", "SourceTable", "make_plan"]

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
        """The rows that will not be taken over, duplicates included."""
        return tuple(row for row in self.rows if row.outcome in ("rejected", "duplicate"))

    def apply(self, progress: Callable[[Progress], object] | None = None, *, batch_size: int = _CHUNK) -> ImportReport:
        """Carry the plan out, batch by batch, each in a transaction of its own where the session owns it.

        Interrupted work goes on where it stopped when the same file is planned and applied again. A row that
        clashes with what happened since the plan was made is rejected; the others go on.

        Args:
            progress: Called after each batch.
            batch_size: Rows that are saved together.
        """
        return _Application(self._context, self, batch_size).run(progress)


def make_plan(
    context: Context,
    module: ModuleKey,
    table: SourceTable,
    *,
    digest: str,
    mapping: Mapping[str, str] | None = None,
    duplicates: Duplicates = "report",
) -> ImportPlan:
    """Return what importing `table` into `module` would do; writes nothing and takes no ids.

    Args:
        context: The session's.
        module: Key of the module.
        table: The rows.
        digest: Identifies the content, so that interrupted work is recognised.
        mapping: Heading → field name, for headings that say it otherwise; an empty name leaves a column out.
        duplicates: Whether rows that look like an existing record of another key are only reported, or created.

    Raises: PermissionDeniedError where the actor may not import; InvalidInputError for headings that clash.
    """
    if not context.access(module).may("import"):
        raise PermissionDeniedError([Problem("action_denied", params={"action": "import", "module": module})])
    columns = match_columns(context, module, table, mapping or {})
    planner = _Planner(context, module, table, columns, duplicates)
    return ImportPlan(module, table, columns, list(planner.run()), digest, context)


def match_columns(context: Context, module: ModuleKey, table: SourceTable, mapping: Mapping[str, str]) -> Columns:
    """Return which field each heading means. Raises: InvalidInputError where two mean the same, or a mapping none."""
    schema = context.module(module)
    keys: list[FieldKey | None] = []
    problems: list[Problem] = []
    errors: list[Problem] = []
    for heading, column in zip(table.header, table.columns, strict=True):
        place = Place(table.sheet, table.header_row, column)
        name = mapping.get(heading, heading)
        key = schema.resolve(name) if name else None
        if key is None and heading in mapping and name:
            errors.append(Problem("unknown_field", name, place))
        if key is not None and key in keys:
            errors.append(Problem("duplicate_column", key, place))
        if key in SYSTEM_FIELDS and key not in schema.definition.fields and key not in ("id", "owner"):
            key = None
        if key is None and heading and name:
            problems.append(Problem("unmapped_column", heading, place, severity="warning"))
        keys.append(key)
    if errors:
        raise InvalidInputError(errors)
    if not any(keys):
        raise InvalidInputError([Problem("no_header", place=Place(table.sheet, table.header_row))])
    return Columns(tuple(keys), tuple(problems))


class _Planner:
    """Turn rows into planned rows, a chunk at a time."""

    def __init__(
        self, context: Context, module: ModuleKey, table: SourceTable, columns: Columns, duplicates: Duplicates
    ) -> None:
        self.context = context
        self.module = module
        self.table = table
        self.keys = columns.keys
        self.places = {key: column for key, column in zip(columns.keys, table.columns, strict=True) if key}
        self.validator = context.validator(module)
        self.matcher = Matcher(context, module, duplicates)
        self.write_path = WritePath(context, channel="import")

    def run(self) -> Iterator[PlannedRow]:
        rows = self.table.rows()
        while chunk := list(islice(rows, _CHUNK)):
            yield from self.chunk(chunk)

    def chunk(self, chunk: Sequence[tuple[int, tuple[object, ...]]]) -> Iterator[PlannedRow]:
        keys = self.keys
        normalise = self.validator.normalise
        raws = [
            {key: value for key, value in zip(keys, values, strict=False) if key is not None and value is not None}
            for _, values in chunk
        ]
        ids = [raw.pop("id", None) for raw in raws]
        found = [normalise(raw) for raw in raws]
        matches = self.matcher.match(
            [
                SourceRow(row, record_id, item.patch, not item.errors)
                for (row, _), record_id, item in zip(chunk, ids, found, strict=True)
            ]
        )
        drafts = [
            Draft(
                "create" if match.record_id is None else "update",
                self.module,
                match.record_id,
                {key: value for key, value in item.patch.items() if key not in match.agreed},
                typed=True,
                found=tuple(item.problems),
            )
            for match, item in zip(matches, found, strict=True)
        ]
        prepared = self.write_path.prepare(drafts)
        for (row, values), raw, match, item in zip(chunk, raws, matches, prepared, strict=True):
            yield self.planned(row, values, raw, match, item)

    def planned(
        self, row: int, values: tuple[object, ...], raw: Mapping[str, object], match: RowMatch, prepared: Prepared
    ) -> PlannedRow:
        problems = self.problems(row, raw, prepared)
        problems.extend(self.at(row, problem) for problem in match.problems)
        if match.problems and all(problem.code == "not_unique" for problem in prepared_errors(prepared)):
            # Where a row repeats another, that its unique values are taken is the same news twice.
            told = tuple(problem for problem in problems if problem.code != "not_unique")
            return PlannedRow(row, "duplicate", values, told, match.similar)
        if prepared.error is not None:
            return PlannedRow(row, "rejected", values, tuple(problems), match.record_id)
        outcome: RowOutcome
        if not prepared.changed:
            outcome = "unchanged"
        elif prepared.path is not None:
            outcome = "awaiting"
        else:
            outcome = "create" if match.record_id is None else "update"
        return PlannedRow(row, outcome, values, tuple(problems), match.record_id, prepared)

    def problems(self, row: int, raw: Mapping[str, object], prepared: Prepared) -> list[Problem]:
        """Return everything that was found, once, with its place; a bad cell says what it holds."""
        items = list(prepared.problems)
        if prepared.error is not None:
            items = [*(item for item in items if item.severity != "error"), *prepared.error.problems]
        placed = []
        for item in items:
            cell = raw.get(item.field or "")
            better = getattr(cell, "problem", None)
            if callable(better) and item.severity == "error":
                item = attrs.evolve(better(), field=item.field)  # noqa: PLW2901
            placed.append(self.at(row, item))
        return placed

    def at(self, row: int, problem: Problem) -> Problem:
        return problem.at(Place(self.table.sheet, row, self.places.get(problem.field or "")))


def prepared_errors(prepared: Prepared) -> tuple[Problem, ...]:
    """Return what stops a prepared change."""
    return prepared.error.problems if prepared.error is not None else ()


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
        rows = [row for row in self.plan.rows if row.row > batch.position]
        done = len(self.plan.rows) - len(rows)
        for start in range(0, len(rows), self.batch_size):
            part = rows[start : start + self.batch_size]
            self.save(part, batch.id)
            done += len(part)
            batch = attrs.evolve(batch, position=part[-1].row)
            unit.imports.save(batch)
            unit.commit()
            if progress is not None:
                progress(Progress(done, len(self.plan.rows)))
        counts = self.plan.counts
        unit.imports.save(attrs.evolve(batch, state="done", counts=FrozenDict(attrs.asdict(counts))))
        unit.commit()
        return ImportReport(batch.id, self.plan.module, counts, self.plan.rejected, tuple(self.requests))

    def save(self, rows: Sequence[PlannedRow], batch_id: str) -> None:
        """Save a batch; if something clashes, row by row, so that only the rows that clash are rejected."""
        path = WritePath(self.context, channel="import", batch=batch_id)
        going = [row for row in rows if row.prepared is not None]
        items = [row.prepared for row in going if row.prepared is not None]
        try:
            with self.context.unit.atomic():
                path.commit(items)
        except ConflictError:
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
            place = Place(self.plan.table.sheet, row.row)
            row.problems = (*row.problems, *(problem.at(place) for problem in error.problems))
            return
        if row.prepared.request is not None:
            self.requests.append(row.prepared.request.id)

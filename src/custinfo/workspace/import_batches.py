"""Carrying a plan out, batch by batch (XLS-4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext

import attrs

from custinfo.core.errors import (
    ConflictError,
    CustinfoError,
    FieldReservedError,
    InvalidInputError,
    StaleVersionError,
)
from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, RecordId
from custinfo.workspace.attached_columns import Related
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import NewColumns, NewRow, Prepared
from custinfo.workspace.import_requests import ImportRequests
from custinfo.workspace.joint_requests import Waiting, submit_together, together
from custinfo.workspace.overtaken import overtaken
from custinfo.workspace.planned_rows import (
    Entry,
    PlannedRow,
    PlannedRows,
    RowOutcome,
    count_name,
    number_of,
    prepared_of,
)
from custinfo.workspace.resuming import earlier_imports, refuse_others, running
from custinfo.workspace.writing import WritePath

__all__ = ["Application", "Progress"]

Item = Prepared | NewRow


@attrs.frozen
class Progress:
    """How far an import is: `done` of `total` rows; as a text it reads `500/2000`."""

    done: int
    total: int

    def __str__(self) -> str:
        return f"{self.done}/{self.total}"


@attrs.define
class Application:
    """Carry one plan out.

    Args:
        context: The session's.
        module: Key of the module.
        digest: Identifies the content.
        rows: What rows come to.
        new: Return the new records of rows that are kept as their values.
        placed: Return a problem of a row with its place and labels.
        batch_size: Rows that are saved together.
        whole: Whether everything is saved in one transaction, or nothing.
        earlier: The imports of the same content by the same member, as they are saved, of which the plan knows.
        changed: The rows that came to something else than planned.
    """

    context: Context
    module: ModuleKey
    digest: str
    rows: PlannedRows
    new: Callable[[Sequence[NewRow]], NewColumns]
    placed: Callable[[int, Problem], Problem]
    batch_size: int
    whole: bool = False
    earlier: tuple[ImportBatch, ...] = ()
    requests: list[str] = attrs.field(factory=list)
    changed: dict[int, PlannedRow] = attrs.field(factory=dict)

    def run(self, progress: Callable[[Progress], object] | None) -> ImportBatch:
        """Save what is not saved yet. Raises: what stops it; batches before it stay saved, unless `whole`."""
        if self.whole:
            self.refuse_partial()
        with self.context.atomic() if self.whole else nullcontext():
            batch = self.requested(self.batches(self.begun(), progress))
            batch = attrs.evolve(batch, state="done")
            self.context.unit.imports.save(batch)
        self.committed(batch)
        return batch

    def committed(self, batch: ImportBatch) -> None:
        """Make permanent what was done so far, and know of it."""
        self.context.unit.commit()
        self.earlier = (*(other for other in self.earlier if other.id != batch.id), batch)

    def take_turn(self) -> None:
        """Let nobody else work on the same content before the next commit. Raises: ConflictError if somebody did."""
        refuse_others(earlier_imports(self.context, self.module, self.digest, hold=True), self.earlier)

    def begun(self) -> ImportBatch:
        """Return the import: the actor's own that was interrupted, or a new one."""
        self.take_turn()
        batch = running(self.earlier)
        if batch is None:
            now = self.context.now()
            batch = ImportBatch(self.context.ids(), self.module, self.digest, self.context.actor, now)
            self.context.unit.imports.save(batch)
        return batch

    def batches(self, batch: ImportBatch, progress: Callable[[Progress], object] | None) -> ImportBatch:
        """Save batch after batch; return the import as it is then."""
        unit, before, counted = self.context.unit, batch.requests, Counter(batch.counts)
        every = self.rows.entries
        rows = [row for row in every if number_of(row) > batch.position] if batch.position else every
        done = len(every) - len(rows)
        for start in range(0, len(rows), self.batch_size):
            part = rows[start : start + self.batch_size]
            self.save(part, batch.id)
            counted.update(self.outcomes(row for row in part if not _waits(row)))
            done += len(part)
            requests = (*before, *self.requests)
            batch = attrs.evolve(
                batch, position=number_of(part[-1]), requests=requests, counts=FrozenDict(sorted(counted.items()))
            )
            unit.imports.save(batch)
            if not self.whole:
                self.committed(batch)
            if progress is not None:
                progress(Progress(done, len(every)))
            if not self.whole:
                self.take_turn()
        return batch

    def requested(self, batch: ImportBatch) -> ImportBatch:
        """Submit the rows that wait for approval: together, and with the end of the import, so that none is twice."""
        waiting = [row for row in self.rows.told if row.outcome == "awaiting"]
        if not waiting:
            return batch
        path = WritePath(self.context, channel="import", batch=batch.id)
        raising = ImportRequests(self.context, batch.id, path, self.refuse, self.take_over)
        with self.context.atomic():
            raising.run(waiting)
        counts = Counter(batch.counts) + Counter(self.outcomes(waiting))
        return attrs.evolve(
            batch, requests=(*batch.requests, *raising.requests), counts=FrozenDict(sorted(counts.items()))
        )

    def take_over(self, row: PlannedRow) -> None:
        """Take a row down whose request passed by itself."""
        outcome: RowOutcome = "create" if row.record_id is None else "update"
        self.changed[row.row] = attrs.evolve(row, outcome=outcome, prepared=None)

    def refuse(self, row: PlannedRow, error: CustinfoError) -> None:
        """Take a row down as one that clashes. Raises: the error, if everything or nothing is to be saved."""
        if self.whole:
            raise error
        problems = (*row.problems, *(self.placed(row.row, problem) for problem in error.problems))
        outcome: RowOutcome = "conflict" if isinstance(error, FieldReservedError | StaleVersionError) else "rejected"
        self.changed[row.row] = attrs.evolve(row, outcome=outcome, problems=problems, prepared=None)

    def outcomes(self, part: Iterable[Entry]) -> list[str]:
        """Return what rows came to, by the names under which that is counted."""
        came = [self.changed.get(number_of(entry), entry) for entry in part] if self.changed else part
        return [count_name(item.outcome if type(item) is PlannedRow else "create") for item in came]

    def refuse_partial(self) -> None:
        """Refuse a plan that leaves rows out. Raises: InvalidInputError with what is wrong with them."""
        left = [row for row in self.rows.told if row.outcome in ("rejected", "duplicate", "conflict")]
        if left:
            raise InvalidInputError([item for row in left for item in row.problems if item.severity == "error"])

    def save(self, rows: Sequence[Entry], batch_id: str) -> None:
        """Save a batch; if something clashes, row by row, so that only the rows that clash are rejected."""
        path = WritePath(self.context, channel="import", batch=batch_id)
        free = [row for row in rows if not _waits(row)]
        items = [item for row in free if (item := self.item(row)) is not None]
        try:
            with self.context.atomic():
                path.commit(items, self.new)
                requests = self.save_related(path, free)
        except ConflictError as error:
            if self.whole or error.code == "configuration_changed":
                raise  # what was planned counts no more; planned anew, the import goes on where it is
            for row in free:
                if self.item(row) is not None or _related(row):
                    self.save_one(path, row)
            return
        self.requests += requests

    def item(self, row: Entry) -> Item | None:
        """Return what of a row is to be saved."""
        return prepared_of(row) if isinstance(row, PlannedRow) else row

    def save_related(self, path: WritePath, rows: Sequence[Entry]) -> list[str]:
        """Save the records that rows bring along, and return the ids of requests for those of them that wait.

        Raises: ConflictError where one of them can't be saved.
        """
        drafts = []
        for row in rows:
            if type(row) is PlannedRow and row.related and (record_id := _record_of(row)) is not None:
                drafts += [related.draft(record_id) for related in row.related]
        if not drafts:
            return []
        prepared = path.prepare(drafts)
        for change in prepared:
            if change.error is not None:
                raise ConflictError(change.error.problems)
        for _, error in overtaken(self.context, prepared):
            raise ConflictError(error.problems)
        path.commit([change for change in prepared if change.path is None])
        now = self.context.now()
        waiting = [
            Waiting(change, path.finished(change.after, now), change.path)
            for change in prepared
            if change.path is not None and change.after is not None
        ]
        return [submit_together(self.context, group, path.batch, action="import").id for group in together(waiting)]

    def save_one(self, path: WritePath, row: Entry) -> None:
        """Save a row by itself; if that clashes, it is rejected."""
        item = self.item(row)
        try:
            with self.context.atomic():
                path.commit([] if item is None else [item], self.new)
                requests = self.save_related(path, [row])
        except CustinfoError as error:
            self.refuse(self.rows.planned(row), error)
            return
        self.requests += requests


def _waits(row: Entry) -> bool:
    return type(row) is PlannedRow and row.outcome == "awaiting"


def _record_of(row: PlannedRow) -> RecordId | None:
    """Return the record that a row is about, also one that was just made."""
    prepared = prepared_of(row)
    made = prepared.after.id if prepared is not None and prepared.after is not None else None
    return row.record_id if row.record_id is not None else made


def _related(row: Entry) -> tuple[Related, ...]:
    return row.related if isinstance(row, PlannedRow) else ()

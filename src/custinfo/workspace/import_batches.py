"""Carrying a plan out, batch by batch (XLS-4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import attrs

from custinfo.core.errors import ConflictError, CustinfoError, InvalidInputError, StaleVersionError
from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey
from custinfo.workspace.attached_columns import Related
from custinfo.workspace.collecting import uncollected
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Prepared
from custinfo.workspace.planned_rows import (
    Entry,
    PlannedRow,
    PlannedRows,
    RowOutcome,
    count_name,
    number_of,
    prepared_of,
)
from custinfo.workspace.writing import NewRecord, WritePath

__all__ = ["Application", "Progress"]

Item = Prepared | NewRecord


@attrs.frozen
class Progress:
    """How far an import is; as a text it reads `500/2000`."""

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
        new: Return the new record of a row that is kept as its values.
        placed: Return a problem of a row with its place and labels.
        batch_size: Rows that are saved together.
        whole: Whether everything is saved in one transaction, or nothing.
        changed: The rows that came to something else than planned.
    """

    context: Context
    module: ModuleKey
    digest: str
    rows: PlannedRows
    new: Callable[[tuple[Any, ...]], NewRecord]
    placed: Callable[[int, Problem], Problem]
    batch_size: int
    whole: bool = False
    requests: list[str] = attrs.field(factory=list)
    changed: dict[int, PlannedRow] = attrs.field(factory=dict)

    def run(self, progress: Callable[[Progress], object] | None) -> ImportBatch:
        """Save what is not saved yet. Raises: what stops it; batches before it stay saved, unless `whole`."""
        if self.whole:
            self.refuse_partial()
        with self.context.unit.atomic() if self.whole else nullcontext(), uncollected():
            batch = self.batches(self.begun(), progress)
            batch = attrs.evolve(batch, state="done")
            self.context.unit.imports.save(batch)
        self.context.unit.commit()
        return batch

    def begun(self) -> ImportBatch:
        """Return the import: the actor's own that was interrupted, or a new one."""
        unit = self.context.unit
        batch = unit.imports.unfinished(self.module, self.digest, self.context.actor)
        if batch is None:
            now = self.context.now()
            batch = ImportBatch(self.context.ids(), self.module, self.digest, self.context.actor, now)
            unit.imports.save(batch)
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
            counted.update(self.outcomes(part))
            done += len(part)
            requests = (*before, *self.requests)
            batch = attrs.evolve(
                batch, position=number_of(part[-1]), requests=requests, counts=FrozenDict(sorted(counted.items()))
            )
            unit.imports.save(batch)
            if not self.whole:
                unit.commit()
            if progress is not None:
                progress(Progress(done, len(every)))
        return batch

    def outcomes(self, part: Sequence[Entry]) -> list[str]:
        """Return what rows came to, by the names under which that is counted."""
        came = (self.changed.get(number_of(entry), entry) if self.changed else entry for entry in part)
        return [count_name(item.outcome if type(item) is PlannedRow else "create") for item in came]

    def refuse_partial(self) -> None:
        """Refuse a plan that leaves rows out. Raises: InvalidInputError with what is wrong with them."""
        left = [row for row in self.rows.told if row.outcome in ("rejected", "duplicate", "conflict")]
        if left:
            raise InvalidInputError([item for row in left for item in row.problems if item.severity == "error"])

    def save(self, rows: Sequence[Entry], batch_id: str) -> None:
        """Save a batch; if something clashes, row by row, so that only the rows that clash are rejected."""
        path = WritePath(self.context, channel="import", batch=batch_id)
        going = [(row, item) for row in rows if (item := self.item(row)) is not None or _related(row)]
        items = [item for _, item in going if item is not None]
        try:
            with self.context.unit.atomic():
                path.commit(items)
                self.save_related(path, going)
        except ConflictError as error:
            if self.whole or error.code == "configuration_changed":
                raise  # what was planned counts no more; planned anew, the import goes on where it is
            for row, item in going:
                self.save_one(path, row, item)
            return
        self.requests.extend(item.request.id for item in items if isinstance(item, Prepared) and item.request)

    def item(self, row: Entry) -> Item | None:
        """Return what of a row is to be saved."""
        return prepared_of(row) if isinstance(row, PlannedRow) else self.new(row)

    def save_related(self, path: WritePath, rows: Sequence[tuple[Entry, Item | None]]) -> None:
        """Save the records that rows bring along. Raises: ConflictError where one of them can't be."""
        drafts = []
        for row, item in rows:
            record_id = row.record_id if isinstance(row, PlannedRow) else None
            if record_id is None and isinstance(item, Prepared) and item.after is not None:
                record_id = item.after.id
            if record_id is not None:
                drafts += [related.draft(record_id) for related in _related(row)]
        prepared = path.prepare(drafts) if drafts else []
        for change in prepared:
            if change.error is not None:
                raise ConflictError(change.error.problems)
        if prepared:
            path.commit(prepared)

    def save_one(self, path: WritePath, row: Entry, item: Item | None) -> None:
        """Save a row by itself; if that clashes, it is rejected."""
        try:
            with self.context.unit.atomic():
                path.commit([] if item is None else [item])
                self.save_related(path, [(row, item)])
        except CustinfoError as error:
            planned = self.rows.planned(row)
            problems = (*planned.problems, *(self.placed(planned.row, problem) for problem in error.problems))
            outcome: RowOutcome = "conflict" if isinstance(error, StaleVersionError) else "rejected"
            self.changed[planned.row] = attrs.evolve(planned, outcome=outcome, problems=problems, prepared=None)
            return
        if isinstance(item, Prepared) and item.request is not None:
            self.requests.append(item.request.id)


def _related(row: Entry) -> tuple[Related, ...]:
    return row.related if isinstance(row, PlannedRow) else ()

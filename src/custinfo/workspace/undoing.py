"""Undoing an import (XLS-4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.approval.machine import Command
from custinfo.core.approval.requests import OPEN_STATES, Request, RequestId
from custinfo.core.criteria.nodes import OneOf
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, changes_between, fold
from custinfo.core.importing import ImportBatch
from custinfo.core.offers import offered
from custinfo.core.policy.grants import Action
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.ports.repositories import Grouping, ImportTurns, Query
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import references_to
from custinfo.workspace.deriving import derived, follow
from custinfo.workspace.former_values import present_tags, present_values
from custinfo.workspace.histories import histories
from custinfo.workspace.keeping_requests import carry_out, held_requests, keep
from custinfo.workspace.reading import not_found

__all__ = ["UndoReport", "undo"]

_CHANGES: Final[frozenset[GatedAction]] = frozenset({"create", "update", "transfer"})
"""What a row of an import may be beside that."""

_AT_ONCE: Final = 500

Place = tuple[ModuleKey, RecordId]
"""A record of a module."""

Reference = tuple[ModuleKey, FieldKey, RecordId]
"""A reference field of a module, and the record to which it points."""


def _number(ids: tuple[str, ...]) -> str:
    return f"<{len(ids)} ids>"  # thousands of them are no good to read


@attrs.frozen
class UndoReport:
    """What undoing an import did: ids of the records removed, taken back, and left because they changed since.

    `withdrawn` are the approval requests of its rows that were still open.
    """

    removed: tuple[RecordId, ...] = attrs.field(default=(), repr=_number)
    reverted: tuple[RecordId, ...] = attrs.field(default=(), repr=_number)
    kept: tuple[RecordId, ...] = attrs.field(default=(), repr=_number)
    withdrawn: tuple[RequestId, ...] = attrs.field(default=(), repr=_number)


def undo(context: Context, batch_id: str) -> UndoReport:
    """Take an import back, all of it in the session's transaction. Raises: NotFoundError."""
    batch = context.unit.imports.get(batch_id)
    if batch is None or not _may_know(context, batch):
        raise not_found("import")
    with context.atomic():
        context.hold_configuration()
        batch = _held(context, batch)
        return UndoReport() if batch.state == "undone" else _Undo(context, batch).run()


def _held(context: Context, batch: ImportBatch) -> ImportBatch:
    """Return the import as it is by now; nobody else goes on with it, or undoes it, if the store can do so."""
    turns = offered(context.unit.imports, ImportTurns)
    if turns is None:
        return batch
    same = turns.of_content(batch.module, batch.digest, batch.actor, hold=True)
    return next((one for one in same if one.id == batch.id), batch)


def _may_know(context: Context, batch: ImportBatch) -> bool:
    """Tell whether the actor may undo an import: for anybody else there is none, whatever they may do."""
    access = context.access(batch.module)
    if context.actor == batch.actor or access.may("configure"):
        return True
    return access.may("import") and _reaches(context, batch)


def _reaches(context: Context, batch: ImportBatch) -> bool:
    """Tell whether the actor may import every record that an import changed: else it is none of theirs.

    For those of other modules, which rows brought along, that is to create them, as when they came.
    """
    ids: dict[ModuleKey, set[RecordId]] = {}
    for change in context.unit.history.of_batch(batch.id):
        ids.setdefault(change.module, set()).add(change.record_id)
    for module, keys in ids.items():
        needed: Action = "import" if module == batch.module else "create"
        records = context.unit.records.get(module, keys).values()
        context.related.prefetch(records)
        if any(needed not in context.verdict(record).actions for record in records):
            return False
    return True


class _Part:
    """Some records of an import, with what decides whether they are taken back: read together.

    `records` are those that are there still, `histories` the changes of those that the import did not make. About those
    `waiting` a request is open. `references` says how many records refer, by a module's field, to one that it made.
    """

    def __init__(self, context: Context, changes: Mapping[Place, Sequence[Change]]) -> None:
        self.records: dict[RecordId, Record] = {}
        self.histories: dict[RecordId, Sequence[Change]] = {}
        self.waiting: set[RecordId] = set()
        self.references: dict[Reference, int] = {}
        ids: dict[ModuleKey, list[RecordId]] = {}
        for module, record_id in changes:
            ids.setdefault(module, []).append(record_id)
        for module, keys in ids.items():
            made = [key for key in keys if changes[module, key][0].version == 1]
            self._read(context, module, keys, made)

    def _read(self, context: Context, module: ModuleKey, keys: list[RecordId], made: list[RecordId]) -> None:
        unit = context.unit
        self.records.update(unit.records.get(module, keys))
        self.histories.update(histories(unit, module, [key for key in keys if key not in set(made)]))
        for request in unit.approvals.open_for(module, keys):
            self.waiting.update(request.record_ids())
        for owner, field in references_to(context, module) if made else ():
            query = Query(owner, OneOf((field,), tuple(made)))
            found = unit.queries.distribution(query, Grouping((field,)))
            self.references.update({(owner, field, RecordId(key)): number for key, number in found.items()})


class _Undo:
    def __init__(self, context: Context, batch: ImportBatch) -> None:
        self.context = context
        self.batch = batch
        self.removed: list[Record] = []
        self.reverted: list[Record] = []
        self.kept: list[RecordId] = []
        self.leaving: Counter[Reference] = Counter()
        self.changes: list[Change] = []
        found = context.unit.approvals.get([RequestId(key) for key in batch.requests])
        self.approved = {request.id for request in found.values() if _is_import(context, request)}

    def run(self) -> UndoReport:
        withdrawn = self.withdraw()
        by_record: dict[Place, list[Change]] = {}
        for change in self.context.unit.history.of_batch(self.batch.id):
            by_record.setdefault((change.module, change.record_id), []).append(change)
        # What was made last goes first: it may refer to what was made before it.
        places = sorted(by_record, key=lambda place: place[1], reverse=True)
        for start in range(0, len(places), _AT_ONCE):
            changes = {place: by_record[place] for place in places[start : start + _AT_ONCE]}
            part = _Part(self.context, changes)
            for (_, record_id), mine in changes.items():
                self.one(part, record_id, mine)
        self.removed.reverse()
        self.reverted.reverse()
        self.kept.reverse()
        if self.removed:
            self.context.unit.records.remove(self.removed)
        if self.reverted:
            self.context.unit.records.save(self.reverted)
        self.context.remember(self.changes)
        self.context.related.forget([*self.removed, *self.reverted])
        follow(self.context, self.reverted)
        self.context.unit.imports.save(attrs.evolve(self.batch, state="undone"))
        return UndoReport(
            tuple(record.id for record in self.removed),
            tuple(record.id for record in self.reverted),
            tuple(self.kept),
            withdrawn,
        )

    def withdraw(self) -> tuple[RequestId, ...]:
        """End the requests that still wait: what they would apply is taken back too."""
        found = held_requests(self.context.unit, [RequestId(key) for key in self.batch.requests])
        withdrawn = []
        for request in found.values():
            if request.state in OPEN_STATES:
                ended, events = carry_out(self.context, request, Command("cancel"))
                keep(self.context, request, ended, events)
                withdrawn.append(request.id)
        return tuple(withdrawn)

    def one(self, part: _Part, record_id: RecordId, changes: Sequence[Change]) -> None:
        """Undo one record, unless something happened to it after the import."""
        record = part.records.get(record_id)
        if record is None:
            return
        if record.version != changes[-1].version or self.held(part, record, changes):
            self.kept.append(record_id)
            return
        history = part.histories.get(record_id, ())
        past = fold(history, version=changes[0].version - 1)
        past = past and attrs.evolve(past, data_keys=record.data_keys)
        now = self.context.now()
        if past is None:
            self.removed.append(record)
            targets = ((key, record.values.get(key)) for key, _ in self.context.related.fields(record.module))
            self.leaving.update((record.module, key, target) for key, target in targets if target is not None)
            gone = attrs.evolve(record, version=record.version + 1, archived_at=now)
            self.changes.append(self.change(record, gone, "delete"))
            return
        values, problems = present_values(self.context, past, past.values, history)
        if problems:
            self.kept.append(record_id)
            return
        today = attrs.evolve(past, values=self.sealed(past, values), tags=present_tags(self.context, past.tags))
        back = attrs.evolve(
            derived(self.context, today), version=record.version + 1, updated_at=now, created_at=record.created_at
        )
        back = back.keeping_keys()
        self.reverted.append(back)
        self.changes.append(self.change(record, back, "revert"))

    def sealed(self, past: Record, values: Mapping[FieldKey, Any]) -> FrozenDict[FieldKey, Any]:
        """Return values in which those of fields that are encrypted by now are sealed."""
        fields = self.context.module(past.module).encrypted_fields
        plain = [field for field in fields if type(values.get(field.key, None)) not in (Sealed, type(None))]
        sealed = {
            field.key: self.context.seal(field, past.id, past.module, values[field.key], past.data_keys)
            for field in plain
        }
        return FrozenDict({**values, **sealed})

    def held(self, part: _Part, record: Record, changes: Sequence[Change]) -> bool:
        """Tell whether somebody approved it, waits for its approval, or refers to the record and stays.

        What was approved as an import, and not for what it changes, is taken back as the import.
        """
        if any(change.approval and change.approval not in self.approved for change in changes):
            return True
        return record.id in part.waiting or any(
            part.references.get(place, 0) > self.leaving[place]
            for place in ((*referring, record.id) for referring in references_to(self.context, record.module))
        )

    def change(self, before: Record, after: Record, action: str) -> Change:
        return Change(
            before.module,
            before.id,
            after.version,
            self.context.now(),
            self.context.author,
            "delete" if action == "delete" else "revert",
            changes_between(before, after),
            "undo",
            None,
            self.context.on_behalf_of,
            None,
            self.batch.id,
            self.context.schema.configuration.version,
        )


def _is_import(context: Context, request: Request) -> bool:
    """Tell whether nothing but that it is an import made a request necessary."""
    flows = context.schema.configuration.flows
    return all(key in flows and _CHANGES.isdisjoint(flows[key].trigger.actions) for key, _ in request.flows)

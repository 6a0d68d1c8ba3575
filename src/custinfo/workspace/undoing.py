"""Undoing an import (XLS-4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.approval.machine import Command
from custinfo.core.approval.requests import OPEN_STATES, Request, RequestId
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, changes_between, fold
from custinfo.core.importing import ImportBatch
from custinfo.core.offers import offered
from custinfo.core.policy.grants import Action
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.store_errors import overtaken
from custinfo.ports.repositories import ImportTurns
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import refuse_newcomers
from custinfo.workspace.deriving import derived, follow
from custinfo.workspace.former_values import present_tags, present_values
from custinfo.workspace.histories import histories
from custinfo.workspace.keeping_requests import carry_out, held_requests, keep
from custinfo.workspace.reading import not_found
from custinfo.workspace.ways_back import Place, Way, together

__all__ = ["UndoReport", "undo"]

_CHANGES: Final[frozenset[GatedAction]] = frozenset({"create", "update", "transfer"})
"""What a row of an import may be beside that."""

_AT_ONCE: Final = 500
"""Records that the store is asked about at once."""


def _number(ids: tuple[str, ...]) -> str:
    return f"<{len(ids)} ids>"  # thousands of them are no good to read


@attrs.frozen
class UndoReport:
    """What undoing an import did: ids of the records removed, taken back (`reverted`), and left (`kept`).

    Each record that the import made or changed is in one of these. One is left because somebody changed or deleted it
    since, because it would clash with what there is by now, or because what stays refers to it. `withdrawn` are the
    approval requests of its rows that were still open.
    """

    removed: tuple[RecordId, ...] = attrs.field(default=(), repr=_number)
    reverted: tuple[RecordId, ...] = attrs.field(default=(), repr=_number)
    kept: tuple[RecordId, ...] = attrs.field(default=(), repr=_number)
    withdrawn: tuple[RequestId, ...] = attrs.field(default=(), repr=_number)


def undo(context: Context, batch_id: str) -> UndoReport:
    """Take an import back, all of it in the session's transaction.

    Raises: NotFoundError; StorageError (`storage_retryable`) where the transaction shows an earlier state of the import
        than the one that is held: rows that came in since would stay, and nobody could take them back any more.
    """
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
    held = next((one for one in same if one.id == batch.id), batch)
    if context.unit.imports.get(batch.id) != held:
        raise overtaken()
    return held


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
    """Some records of an import, with what decides whether they go back: read together.

    `records` are those that are there still, `histories` the changes of those that the import did not make, or that
    changed after it. About those `waiting` a request is open.
    """

    def __init__(self, context: Context, changes: Mapping[Place, Sequence[Change]]) -> None:
        self.records: dict[RecordId, Record] = {}
        self.histories: dict[RecordId, Sequence[Change]] = {}
        self.waiting: set[RecordId] = set()
        ids: dict[ModuleKey, list[RecordId]] = {}
        for module, record_id in changes:
            ids.setdefault(module, []).append(record_id)
        for module, keys in ids.items():
            found = context.unit.records.get(module, keys)
            self.records.update(found)
            plain = {key for key in keys if changes[module, key][0].version == 1 and _is_as_made(found.get(key))}
            self._unwrap_ahead(context, module, found.values())
            self.histories.update(histories(context.unit, module, [key for key in keys if key not in plain]))
            for request in context.unit.approvals.open_for(module, keys):
                self.waiting.update(request.record_ids())

    @staticmethod
    def _unwrap_ahead(context: Context, module: ModuleKey, records: Iterable[Record]) -> None:
        """Tell the keyring of fields that are no longer encrypted: what they were is opened."""
        encrypted = {field.key for field in context.module(module).encrypted_fields}
        context.sealer.unwrap_ahead((record, record.data_keys.keys() - encrypted) for record in records)


def _is_as_made(record: Record | None) -> bool:
    return record is None or record.version == 1


class _Step(NamedTuple):
    """A record, and what it was before the import; `None` for one that the import made."""

    record: Record
    past: Record | None


class _Undo:
    def __init__(self, context: Context, batch: ImportBatch) -> None:
        self.context = context
        self.batch = batch
        self.now = context.now()
        self.ways: dict[Place, Way] = {}
        self.requests = self.held_requests()
        self.approved = {request.id for request in self.requests.values() if _is_import(context, request)}

    def run(self) -> UndoReport:
        withdrawn = self.withdraw()
        by_record: dict[Place, list[Change]] = {}
        for change in self.context.unit.history.of_batch(self.batch.id):
            by_record.setdefault((change.module, change.record_id), []).append(change)
        places = list(by_record)
        for start in range(0, len(places), _AT_ONCE):
            part = _Part(self.context, {place: by_record[place] for place in places[start : start + _AT_ONCE]})
            found = {
                place: step
                for place in places[start : start + _AT_ONCE]
                if (step := self.step(part, place[1], by_record[place])) is not None
            }
            self.context.sealer.make_data_keys(step.past for step in found.values() if step.past is not None)
            self.ways.update((place, self.way(step)) for place, step in found.items())
        self.ways = together(self.context, self.ways)
        removed, reverted = self.save()
        self.context.unit.imports.save(attrs.evolve(self.batch, state="undone"))
        kept = tuple(record_id for _, record_id in self.ordered(by_record.keys() - self.ways.keys()))
        return UndoReport(tuple(map(_id, removed)), tuple(map(_id, reverted)), kept, withdrawn)

    def ordered(self, places: Iterable[Place]) -> list[Place]:
        """Return places in the order of the ids, which is that of the work."""
        return sorted(places, key=lambda place: place[1])

    def save(self) -> tuple[list[Record], list[Record]]:
        """Save what goes back; return the records that are removed, and those that are as before."""
        ways = [self.ways[place] for place in self.ordered(self.ways)]
        removed = [way.record for way in ways if way.back is None]
        reverted = [way.back for way in ways if way.back is not None]
        if removed:
            self.context.unit.records.remove(removed)
        if reverted:
            self.context.unit.records.save(reverted)
        refuse_newcomers(self.context, removed)
        # What was made last goes first: it may refer to what was made before it.
        self.context.remember([self.change(way) for way in reversed(ways)])
        self.context.related.forget([*removed, *reverted])
        follow(self.context, reverted)
        return removed, reverted

    def held_requests(self) -> Mapping[RequestId, Request]:
        """Return the requests of its rows, which nobody else decides about until the end of the transaction.

        Raises: StorageError where the transaction shows nothing of what was decided since it began.
        """
        keys = [RequestId(key) for key in self.batch.requests]
        held, seen = held_requests(self.context.unit, keys), self.context.unit.approvals.get(keys)
        if any(seen[key].version != request.version for key, request in held.items()):
            raise overtaken()
        return held

    def withdraw(self) -> tuple[RequestId, ...]:
        """End the requests that still wait: what they would apply is taken back too."""
        withdrawn = []
        for request in self.requests.values():
            if request.state in OPEN_STATES:
                ended, events = carry_out(self.context, request, Command("cancel"))
                keep(self.context, request, ended, events)
                withdrawn.append(request.id)
        return tuple(withdrawn)

    def step(self, part: _Part, record_id: RecordId, changes: Sequence[Change]) -> _Step | None:
        """Return what a record goes back to, `None` if something happened to it after the import."""
        record = part.records.get(record_id)
        if record is None or record_id in part.waiting or self.is_approved(changes):
            return None
        history = part.histories.get(record_id, ())
        own = {change.version for change in changes}
        first = min(own)
        if any(item.version > first and item.version not in own and item.channel != "rule" for item in history):
            return None
        past = fold(history, version=first - 1)
        if past is None:
            return _Step(record, None)
        past = attrs.evolve(past, data_keys=record.data_keys)
        values, problems = present_values(self.context, past, past.values, history)
        return None if problems else _Step(record, attrs.evolve(past, values=FrozenDict(values)))

    def way(self, step: _Step) -> Way:
        """Return how one record goes back."""
        record, past = step
        if past is None:
            return Way(record, None)
        today = attrs.evolve(past, values=self.sealed(past, past.values), tags=present_tags(self.context, past.tags))
        back = attrs.evolve(
            derived(self.context, today),
            version=record.version + 1,
            updated_at=self.now,
            created_at=record.created_at,
        )
        return Way(record, back.keeping_keys())

    def sealed(self, past: Record, values: Mapping[FieldKey, Any]) -> FrozenDict[FieldKey, Any]:
        """Return values in which those of fields that are encrypted by now are sealed."""
        fields = self.context.module(past.module).encrypted_fields
        plain = [field for field in fields if type(values.get(field.key, None)) not in (Sealed, type(None))]
        sealed = {
            field.key: self.context.sealer.seal(field, past.id, past.module, values[field.key], past.data_keys)
            for field in plain
        }
        return FrozenDict({**values, **sealed})

    def is_approved(self, changes: Sequence[Change]) -> bool:
        """Tell whether somebody approved what was changed.

        What was approved as an import, and not for what it changes, is taken back as the import.
        """
        return any(change.approval and change.approval not in self.approved for change in changes)

    def change(self, way: Way) -> Change:
        before = way.record
        gone = attrs.evolve(before, version=before.version + 1, archived_at=self.now)
        after = way.back if way.back is not None else gone
        return Change(
            before.module,
            before.id,
            after.version,
            self.now,
            self.context.author,
            "delete" if way.back is None else "revert",
            changes_between(before, after),
            "undo",
            None,
            self.context.on_behalf_of,
            None,
            self.batch.id,
            self.context.schema.configuration.version,
        )


def _id(record: Record) -> RecordId:
    return record.id


def _is_import(context: Context, request: Request) -> bool:
    """Tell whether nothing but that it is an import made a request necessary."""
    flows = context.schema.configuration.flows
    return all(key in flows and _CHANGES.isdisjoint(flows[key].trigger.actions) for key, _ in request.flows)

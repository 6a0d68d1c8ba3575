"""A tenant as a whole in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import attrs

from custinfo.adapters.memory._state import State, UniqueKey
from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request
from custinfo.core.documents import unique_claims
from custinfo.core.errors import ConflictError
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event
from custinfo.core.problems import Problem
from custinfo.core.records import Record, RecordId
from custinfo.core.revisions import Revision
from custinfo.core.schema import Schema
from custinfo.ports.upkeep import Disagreement, Entry, EntryKind, Unreadable

__all__ = ["MemoryUpkeep"]

K = TypeVar("K")
V = TypeVar("V")


class MemoryUpkeep:
    """Look after the dicts of a tenant; units take turns, so that each sees one state."""

    def __init__(self, state: State, schema: Schema) -> None:
        self._state = state
        self._schema = schema

    def snapshot(self) -> None:
        """Do nothing: no other unit runs meanwhile."""

    def stored(self, kind: EntryKind, /) -> Iterator[Entry | Unreadable]:
        """Yield all entries of a kind in order."""
        return iter(self._sorted(kind))

    def restore(self, entries: Sequence[Entry], /) -> None:
        """Add entries as they are."""
        state = self._state
        for entry in entries:
            match entry:
                case Record():
                    self._add_record(entry)
                case Change():
                    self._add_change(entry)
                case Revision():
                    _add(state.revisions, entry.version, entry)
                case Anchor():
                    _add(state.anchors, entry.number, entry)
                case Request():
                    _add(state.requests, entry.id, entry)
                case ImportBatch():
                    _add(state.imports, entry.id, entry)
                case Event():
                    _add(state.events, entry.id, entry)
                case _:
                    _add(state.accesses, entry.id, entry)

    def forget(self, most: int, /) -> int:  # noqa: ARG002 - there is no use in parts
        """Delete everything at once."""
        found = sum(len(getattr(self._state, field.name)) for field in attrs.fields(State))
        for field in attrs.fields(State):
            setattr(self._state, field.name, {})
        return found

    def disagreements(self, *, repair: bool) -> Iterator[Disagreement]:
        """Compare who has which unique value with the records; rows of fields that are not unique any more are left."""
        state = self._state
        known = {key: record for (_, key), record in state.records.items()}
        gone = {holder for holder in (*state.unique.values(), *state.claims) if holder not in known}
        for holder in sorted(gone):
            yield Disagreement(Problem("index_without_record", params={"record": holder}), repair)
        if repair:
            state.unique = {key: holder for key, holder in state.unique.items() if holder not in gone}
            state.claims = {holder: keys for holder, keys in state.claims.items() if holder not in gone}
        held: dict[RecordId, set[UniqueKey]] = {}
        for key, holder in state.unique.items():
            held.setdefault(holder, set()).add(key)
        for record_id in sorted(known):
            record = known[record_id]
            yield from self._compared(record, held.get(record.id, set()), known, repair=repair)

    def _compared(
        self, record: Record, held: set[UniqueKey], known: dict[RecordId, Record], *, repair: bool
    ) -> Iterator[Disagreement]:
        expected, module = set(self._claims(record)), self._schema.modules.get(record.module)
        unique = {field.key for field in module.unique_fields} if module is not None else set()
        claimed = set(self._state.claims.get(record.id, ()))
        for key in sorted((held | claimed) ^ expected | held ^ claimed):
            if key not in expected and key[0] == record.module and key[1] not in unique:
                continue
            params = {"module": record.module, "record": record.id}
            other = known.get(self._state.unique[key]) if key in expected and key in self._state.unique else None
            if other is not None and other.id != record.id and key in self._claims(other):
                yield Disagreement(Problem("unique_shared", key[1], params={**params, "other": other.id}))
                continue
            if repair:
                self._settle(record.id, key, wanted=key in expected)
            yield Disagreement(Problem("unique_differs", key[1], params=params), repair)

    def _settle(self, record_id: RecordId, key: UniqueKey, *, wanted: bool) -> None:
        state = self._state
        others = tuple(item for item in state.claims.get(record_id, ()) if item != key)
        state.claims[record_id] = (*others, key) if wanted else others
        if wanted:
            state.unique[key] = record_id
        elif state.unique.get(key) == record_id:
            del state.unique[key]

    def _sorted(self, kind: EntryKind) -> Iterable[Entry]:
        state = self._state
        match kind:
            case "revision":
                return [state.revisions[version] for version in sorted(state.revisions)]
            case "record":
                return sorted(state.records.values(), key=lambda record: (record.id, record.module))
            case "change":
                keys = sorted(state.changes, key=lambda key: (key[1], key[0]))
                return [change for key in keys for change in state.changes[key]]
            case "request":
                return [state.requests[key] for key in sorted(state.requests)]
            case "import":
                return [state.imports[key] for key in sorted(state.imports)]
            case "event":
                return [state.events[key] for key in sorted(state.events)]
            case "anchor":
                return [state.anchors[key] for key in sorted(state.anchors)]
            case "access":
                return [state.accesses[key] for key in sorted(state.accesses)]

    def _add_record(self, record: Record) -> None:
        state = self._state
        _add(state.records, (record.module, record.id), record)
        for claim in self._claims(record):
            _add(state.unique, claim, record.id)
            state.claims[record.id] = (*state.claims.get(record.id, ()), claim)

    def _add_change(self, change: Change) -> None:
        key = (change.module, change.record_id)
        known = self._state.changes.get(key, ())
        if any(item.version == change.version for item in known):
            raise _not_empty()
        self._state.add_changes(key, tuple(sorted((*known, change), key=lambda item: item.version)), [change])

    def _claims(self, record: Record) -> list[UniqueKey]:
        """Return the unique values of a live record."""
        module = self._schema.modules.get(record.module)
        return [] if module is None else [(record.module, *claim) for claim in unique_claims(module, record)]


def _add(table: dict[K, V], key: K, entry: V) -> None:
    if key in table:
        raise _not_empty()
    table[key] = entry


def _not_empty() -> ConflictError:
    return ConflictError([Problem("tenant_not_empty")])

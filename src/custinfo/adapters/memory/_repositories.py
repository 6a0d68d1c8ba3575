"""Records, history, requests, imports and events in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from custinfo.adapters.memory._state import State, UniqueKey
from custinfo.core.access_log import AccessEntry, AccessQuery
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.documents import unique_claims
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event, EventId
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.core.revisions import Revision
from custinfo.core.schema import Schema
from custinfo.core.store_errors import changed_configuration, field_reserved, not_unique, stale_version
from custinfo.ports import scanning
from custinfo.ports.repositories import RequestQuery

__all__ = [
    "MemoryAccesses",
    "MemoryApprovals",
    "MemoryConfigurations",
    "MemoryHistory",
    "MemoryImports",
    "MemoryOutbox",
    "MemoryRecords",
]


class MemoryRecords:
    """Keep records in a dict."""

    def __init__(self, state: State, schema: Schema) -> None:
        self._state = state
        self._schema = schema

    def get(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Record]:
        """Return those that exist."""
        records = self._state.records
        return {key: records[module, key] for key in record_ids if (module, key) in records}

    def all(self, module: ModuleKey) -> Sequence[Record]:
        """Return every record of a module."""
        return [record for (home, _), record in self._state.records.items() if home == module]

    def save(self, records: Sequence[Record], /) -> None:
        """Insert or replace them all, or raise and change nothing."""
        for record in records:
            self._require(record, record.version - 1)
        self.put([self._as_sealed(record) for record in records])

    def put(self, records: Sequence[Record]) -> None:
        """Put records in their places with what they claim, whatever is there, or raise and change nothing."""
        taken = self._taken(records)
        for record in records:
            self._state.records[record.module, record.id] = record
        self._claim(records, taken)

    def _as_sealed(self, record: Record) -> Record:
        stored = self._state.records.get((record.module, record.id))
        return record if stored is None else record.as_sealed_in(stored)

    def reindex(self, records: Sequence[Record], /) -> None:
        """Claim the unique values of records anew, or raise and change nothing."""
        self._claim(records, self._taken(records))

    def remove(self, records: Sequence[Record], /) -> None:
        """Delete them all, or raise and change nothing."""
        for record in records:
            self._require(record, record.version)
        for record in records:
            self._release(record.id)
            del self._state.records[record.module, record.id]

    def holders(self, module: ModuleKey, key: FieldKey, values: Collection[str], /) -> Mapping[str, RecordId]:
        """Return unique value → the live record that has it."""
        unique = self._state.unique
        return {value: unique[module, key, value] for value in values if (module, key, value) in unique}

    def _require(self, record: Record, version: int) -> None:
        stored = self._state.records.get((record.module, record.id))
        actual = stored.version if stored is not None else 0
        if actual != version:
            raise stale_version(version, actual)

    def _taken(self, records: Sequence[Record]) -> dict[UniqueKey, RecordId]:
        """Return the unique values that the records would have. Raises: DuplicateValueError; nothing is changed."""
        saved = {record.id for record in records}
        taken: dict[UniqueKey, RecordId] = {}
        for record in records:
            for field, value in unique_claims(self._schema.module(record.module), record):
                key = (record.module, field, value)
                holder = self._state.unique.get(key)
                if taken.setdefault(key, record.id) != record.id or (holder is not None and holder not in saved):
                    raise not_unique(key[1])
        return taken

    def _claim(self, records: Sequence[Record], taken: Mapping[UniqueKey, RecordId]) -> None:
        for record in records:
            self._release(record.id)
        self._state.unique |= taken
        for key, record_id in taken.items():
            self._state.claims[record_id] = (*self._state.claims.get(record_id, ()), key)

    def _release(self, record_id: RecordId) -> None:
        """Give up what a record claims, under whatever configuration it was saved."""
        for key in self._state.claims.pop(record_id, ()):
            self._state.unique.pop(key, None)


def _version(change: Change) -> int:
    return change.version


class MemoryHistory:
    """Keep changes in a dict by record."""

    def __init__(self, state: State) -> None:
        self._state = state

    def append(self, changes: Sequence[Change], /) -> None:
        """Add changes, all or none. Raises: StaleVersionError if a version of a record has one already."""
        added: dict[tuple[ModuleKey, RecordId], tuple[Change, ...]] = {}
        new: dict[tuple[ModuleKey, RecordId], list[Change]] = {}
        for change in changes:
            key = (change.module, change.record_id)
            known = added.get(key) or self._state.changes.get(key, ())
            if any(item.version == change.version for item in known):
                raise stale_version(change.version - 1, known[-1].version)
            added[key] = tuple(sorted((*known, change), key=_version))
            new.setdefault(key, []).append(change)
        for key, whole in added.items():
            self._state.add_changes(key, whole, new[key])

    def of_record(self, module: ModuleKey, record_id: RecordId, /) -> Sequence[Change]:
        """Return all changes of a record, oldest first."""
        return self._state.changes.get((module, record_id), ())

    def of_batch(self, batch_id: str, /) -> Sequence[Change]:
        """Return all changes that an import made."""
        found = [change for changes in self._state.changes.values() for change in changes if change.batch == batch_id]
        return sorted(found, key=lambda change: (change.record_id, change.version))


class MemoryApprovals:
    """Keep requests in a dict."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those that exist."""
        requests = self._state.requests
        return {key: requests[key] for key in request_ids if key in requests}

    def save(self, request: Request, /) -> None:
        """Insert or replace the request, or raise and change nothing."""
        stored = self._state.requests.get(request.id)
        actual = stored.version if stored is not None else 0
        if actual != request.version - 1:
            raise stale_version(request.version - 1, actual)
        mine = set(request.reservations())
        holders = {
            field: other.id
            for other in self.open_for(request.module, request.record_ids())
            if other.id != request.id
            for _, field in mine.intersection(other.reservations())
        }
        if holders:
            raise field_reserved(holders)
        self._state.requests[request.id] = request

    def open_for(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return the open requests about these records, oldest first."""
        return scanning.open_for(self._state.requests.values(), module, record_ids)

    def waiting_for(self, member: MemberKey, /) -> Sequence[Request]:
        """Return the requests in which the member has an open task, oldest first."""
        return scanning.waiting_for(self._state.requests.values(), member)

    def submitted_by(self, member: MemberKey, /) -> Sequence[Request]:
        """Return the member's own requests, newest first."""
        return scanning.submitted_by(self._state.requests.values(), member)

    def find(self, query: RequestQuery, /) -> Sequence[Request]:
        """Return the requests in order."""
        return scanning.found_requests(self._state.requests.values(), query)

    def count(self, query: RequestQuery, /) -> int:
        """Return how many requests there are."""
        return len(scanning.found_requests(self._state.requests.values(), attrs.evolve(query, limit=None, after=None)))

    def due(self, moment: datetime, limit: int, /) -> Sequence[Request]:
        """Return the pending requests whose time limit passed by then, the longest overdue first."""
        return scanning.due_requests(self._state.requests.values(), moment, limit)


class MemoryImports:
    """Keep imports in a dict."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, batch_id: str, /) -> ImportBatch | None:
        """Return the import, or `None`."""
        return self._state.imports.get(batch_id)

    def save(self, batch: ImportBatch, /) -> None:
        """Insert or replace the import."""
        self._state.imports[batch.id] = batch

    def unfinished(self, module: ModuleKey, digest: str, actor: MemberKey, /) -> ImportBatch | None:
        """Return the latest running import of the same content by the same member, or `None`."""
        return scanning.unfinished(self._state.imports.values(), module, digest, actor)

    def of_content(
        self,
        module: ModuleKey,
        digest: str,
        actor: MemberKey,
        /,
        *,
        hold: bool = False,  # noqa: ARG002 - units take turns
    ) -> Sequence[ImportBatch]:
        """Return all imports of the same content by the same member, oldest first."""
        return scanning.of_content(self._state.imports.values(), module, digest, actor)


class MemoryConfigurations:
    """Keep revisions in a dict; units take turns, so that nothing has to be held."""

    def __init__(self, state: State) -> None:
        self._state = state

    def version(self) -> int:
        """Return the version that is in force, 0 if none was ever saved."""
        return max(self._state.revisions, default=0)

    def hold(self, version: int, /) -> None:
        """Refuse another version than the one in force."""
        if self.version() != version:
            raise changed_configuration(version, self.version())

    def save(self, revision: Revision, /, *, replacing: int) -> None:
        """Add a revision, or raise and change nothing."""
        self.hold(replacing)
        self._state.revisions[revision.version] = revision

    def get(self, version: int, /) -> Revision | None:
        """Return a revision, or `None`."""
        return self._state.revisions.get(version)

    def all(self) -> Sequence[Revision]:
        """Return every revision, oldest first."""
        return [self._state.revisions[version] for version in sorted(self._state.revisions)]


class MemoryOutbox:
    """Keep events in a dict, and until when some of them are held; units take turns."""

    def __init__(self, state: State) -> None:
        self._state = state

    def append(self, events: Sequence[Event], /) -> None:
        """Add events."""
        self._state.events |= {event.id: event for event in events}

    def claim(self, limit: int, /, *, now: datetime, until: datetime) -> Sequence[Event]:
        """Take events that are due."""
        events, held = self._state.events, self._state.held
        due = sorted(key for key in events if key not in held or held[key] <= now)[:limit]
        for key in due:
            events[key] = attrs.evolve(events[key], attempts=events[key].attempts + 1)
        self.postpone(due, until)
        return [events[key] for key in due]

    def postpone(self, event_ids: Sequence[EventId], until: datetime, /) -> None:
        """Let events be due again at an instant."""
        self._state.held |= {key: until for key in event_ids if key in self._state.events}

    def acknowledge(self, event_ids: Sequence[EventId], /) -> None:
        """Delete events."""
        for key in event_ids:
            self._state.events.pop(key, None)
            self._state.held.pop(key, None)

    def pending(self, limit: int, /) -> Sequence[Event]:
        """Return the first events, due or not."""
        return [self._state.events[key] for key in sorted(self._state.events)[:limit]]


class MemoryAccesses:
    """Keep the access log in a dict."""

    def __init__(self, state: State) -> None:
        self._state = state

    def append(self, entries: Sequence[AccessEntry], /) -> None:
        """Add entries that are not there yet."""
        self._state.accesses = {**{entry.id: entry for entry in entries}, **self._state.accesses}

    def find(self, query: AccessQuery, /) -> Sequence[AccessEntry]:
        """Return the entries that are meant, the newest first."""
        return scanning.accesses(self._state.accesses.values(), query)

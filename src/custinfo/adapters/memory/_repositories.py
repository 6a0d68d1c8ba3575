"""Records, history, requests, imports and events in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from custinfo.adapters.memory._state import State
from custinfo.core.access_log import AccessEntry, AccessQuery
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event, EventId
from custinfo.core.records import MemberKey, ModuleKey, RecordId
from custinfo.core.revisions import Revision
from custinfo.core.store_errors import changed_configuration, field_reserved, stale_version
from custinfo.ports import scanning
from custinfo.ports.repositories import RequestQuery

__all__ = [
    "MemoryAccesses",
    "MemoryApprovals",
    "MemoryConfigurations",
    "MemoryHistory",
    "MemoryImports",
    "MemoryOutbox",
]


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

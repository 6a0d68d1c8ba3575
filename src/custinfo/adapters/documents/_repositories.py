"""History, requests, imports, revisions and events as documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from custinfo.adapters.documents._shelf import Shelf, change_item, claim_name
from custinfo.core.access_log import AccessEntry, AccessQuery
from custinfo.core.approval.requests import OPEN_STATES, Request, RequestId
from custinfo.core.errors import StaleVersionError
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event, EventId
from custinfo.core.records import MemberKey, ModuleKey, RecordId
from custinfo.core.revisions import Revision, changed_configuration
from custinfo.core.store_errors import field_reserved, stale_version
from custinfo.core.stored import instant_to_text
from custinfo.ports import scanning
from custinfo.ports.documents import Item
from custinfo.ports.repositories import RequestQuery

__all__ = [
    "DocumentAccesses",
    "DocumentApprovals",
    "DocumentConfigurations",
    "DocumentHistory",
    "DocumentImports",
    "DocumentOutbox",
]


@attrs.frozen
class DocumentHistory:
    """Keep changes."""

    shelf: Shelf

    def append(self, changes: Sequence[Change], /) -> None:
        """Add changes, all or none. Raises: StaleVersionError if a version of a record has one already."""
        if not self.shelf.store.insert("change", [change_item(self.shelf, change) for change in changes]):
            raise self._clash(changes)

    def _clash(self, changes: Sequence[Change]) -> StaleVersionError:
        """Return the error for the first change to a version that has one already, here or among the others."""
        for change in changes:
            known = self.of_record(change.module, change.record_id)
            if any(item.version == change.version for item in known):
                return stale_version(change.version - 1, known[-1].version)
        return stale_version(changes[0].version - 1, changes[0].version)

    def of_record(self, module: ModuleKey, record_id: RecordId, /) -> Sequence[Change]:
        """Return all changes of a record, oldest first."""
        return self._read(module=(module,), record_id=(record_id,))

    def of_batch(self, batch_id: str, /) -> Sequence[Change]:
        """Return all changes that an import made, in order of record and version."""
        return self._read(batch=(batch_id,))

    def _read(self, **where: Collection[str]) -> list[Change]:
        found = [self.shelf.documents.decode(Change, data) for data in self.shelf.store.read("change", where)]
        return sorted(found, key=lambda change: (change.record_id, change.version))


@attrs.frozen
class DocumentApprovals:
    """Keep requests; an open one has its fields claimed."""

    shelf: Shelf

    def get(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those that exist."""
        found = self._decoded(self.shelf.get("request", request_ids))
        return {request.id: request for request in found}

    def save(self, request: Request, /) -> None:
        """Insert or replace the request, or raise and change nothing."""
        names = {claim_name("reserved", record, key): key for record, key in request.reservations()}
        with self.shelf.store.atomic():
            self.shelf.save("request", [request])
            taken = self.shelf.claim(dict.fromkeys(names, request.id))
            if taken:
                raise field_reserved({names[name]: RequestId(holder) for name, holder in taken.items()})

    def open_for(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return the open requests about these records, oldest first."""
        # A request for many records has none of its own: its key there is empty.
        others = {"module": (module,), "state": sorted(OPEN_STATES)}
        found = self._decoded(self.shelf.read("request", "record_id", [*record_ids, ""], others))
        return scanning.open_for(found, module, record_ids)

    def waiting_for(self, member: MemberKey, /) -> Sequence[Request]:
        """Return the requests in which the member has an open task, oldest first."""
        return scanning.waiting_for(self._read(state=("pending",)), member)

    def submitted_by(self, member: MemberKey, /) -> Sequence[Request]:
        """Return the member's own requests, newest first."""
        return scanning.submitted_by(self._read(submitted_by=(member,)), member)

    def find(self, query: RequestQuery, /) -> Sequence[Request]:
        """Return the requests in order."""
        return scanning.found_requests(self._candidates(query), query)

    def count(self, query: RequestQuery, /) -> int:
        """Return how many requests there are."""
        return len(scanning.found_requests(self._candidates(query), attrs.evolve(query, limit=None, after=None)))

    def due(self, moment: datetime, limit: int, /) -> Sequence[Request]:
        """Return the pending requests whose time limit passed by then, the longest overdue first."""
        return scanning.due_requests(self._read(state=("pending",)), moment, limit)

    def _candidates(self, query: RequestQuery) -> list[Request]:
        """Read what a query may ask for, as far as documents are found by what they hold."""
        where: dict[str, Collection[str]] = {}
        if query.part == "submitted":
            where["submitted_by"] = (query.member or "",)
        if query.part in ("deciding", "open"):
            where["state"] = ("pending",) if query.part == "deciding" else sorted(OPEN_STATES)
        if query.modules is not None:
            where["module"] = query.modules
        return self._read(**where)

    def _read(self, **where: Collection[str]) -> list[Request]:
        return self._decoded(self.shelf.store.read("request", where))

    def _decoded(self, found: Iterable[Mapping[str, Any]]) -> list[Request]:
        return [self.shelf.documents.decode(Request, data) for data in found]


@attrs.frozen
class DocumentImports:
    """Keep imports."""

    shelf: Shelf

    def get(self, batch_id: str, /) -> ImportBatch | None:
        """Return the import, or `None`."""
        return next(iter(self._read(key=(batch_id,))), None)

    def save(self, batch: ImportBatch, /) -> None:
        """Insert or replace the import."""
        with self.shelf.store.atomic():
            self.shelf.store.delete("import", {"key": (batch.id,)})
            self.shelf.store.insert("import", [Item(batch.id, 1, self.shelf.documents.encode(batch))])

    def unfinished(self, module: ModuleKey, digest: str, actor: MemberKey, /) -> ImportBatch | None:
        """Return the latest running import of the same content by the same member, or `None`."""
        found = self._read(module=(module,), digest=(digest,), state=("running",))
        return scanning.unfinished(found, module, digest, actor)

    def of_content(
        self, module: ModuleKey, digest: str, actor: MemberKey, /, *, hold: bool = False
    ) -> Sequence[ImportBatch]:
        """Return all imports of the same content by the same member, oldest first; held together with all else."""
        if hold:
            self.shelf.store.lock(shared=False)
        return scanning.of_content(self._read(module=(module,), digest=(digest,)), module, digest, actor)

    def _read(self, **where: Collection[str]) -> list[ImportBatch]:
        return [self.shelf.documents.decode(ImportBatch, data) for data in self.shelf.store.read("import", where)]


@attrs.frozen
class DocumentConfigurations:
    """Keep revisions; which one is in force stands in a document of its own, since revisions are large."""

    shelf: Shelf

    def version(self) -> int:
        """Return the version that is in force, 0 if none was ever saved."""
        return max((int(data["version"]) for data in self.shelf.store.read("in_force", {})), default=0)

    def hold(self, version: int, /) -> None:
        """Let nobody replace the version in force until the transaction ends, or raise."""
        self.shelf.store.lock(shared=True)
        self._require(version)

    def save(self, revision: Revision, /, *, replacing: int) -> None:
        """Add a revision, or raise and change nothing."""
        store = self.shelf.store
        with store.atomic():
            store.lock(shared=False)
            self._require(replacing)
            data = self.shelf.documents.encode(revision)
            if not store.insert("revision", [Item(str(revision.version), revision.version, data)]):
                raise changed_configuration(replacing, self.version())
            store.delete("in_force", {})
            store.insert("in_force", [Item("", 1, {"version": revision.version})])

    def get(self, version: int, /) -> Revision | None:
        """Return a revision, or `None`."""
        return next(iter(self._read(key=(str(version),))), None)

    def all(self) -> Sequence[Revision]:
        """Return every revision, oldest first."""
        return sorted(self._read(), key=lambda revision: revision.version)

    def _require(self, version: int) -> None:
        if self.version() != version:
            raise changed_configuration(version, self.version())

    def _read(self, **where: Collection[str]) -> list[Revision]:
        return [self.shelf.documents.decode(Revision, data) for data in self.shelf.store.read("revision", where)]


@attrs.frozen
class DocumentOutbox:
    """Keep events; beside each stand its version, which goes up when it is claimed, and until when it is held."""

    shelf: Shelf

    def append(self, events: Sequence[Event], /) -> None:
        """Add events, all or none."""
        if not self.shelf.store.insert("event", [self._item(event, 1, None) for event in events]):
            raise stale_version(0, 1)

    def claim(self, limit: int, /, *, now: datetime, until: datetime) -> Sequence[Event]:
        """Take events that are due, and that no other unit takes first."""
        moment = instant_to_text(now)
        due = [data for data in self._all() if data["held_until"] is None or data["held_until"] <= moment]
        claimed = []
        for data in due[:limit]:
            event = self._event(data)
            event = attrs.evolve(event, attempts=event.attempts + 1)
            if self.shelf.store.replace("event", self._item(event, data["version"] + 1, until)):
                claimed.append(event)
        return claimed

    def postpone(self, event_ids: Sequence[EventId], until: datetime, /) -> None:
        """Let events be due again at an instant."""
        for data in self.shelf.get("event", event_ids):
            self.shelf.store.replace("event", self._item(self._event(data), data["version"] + 1, until))

    def acknowledge(self, event_ids: Sequence[EventId], /) -> None:
        """Delete events."""
        self.shelf.delete("event", "key", event_ids)

    def pending(self, limit: int, /) -> Sequence[Event]:
        """Return the first events, due or not."""
        return [self._event(data) for data in self._all()[:limit]]

    def _item(self, event: Event, version: int, held_until: datetime | None) -> Item:
        held = None if held_until is None else instant_to_text(held_until)
        return Item(event.id, version, {**self.shelf.documents.encode(event), "version": version, "held_until": held})

    def _event(self, data: Mapping[str, Any]) -> Event:
        known = {name: value for name, value in data.items() if name not in ("version", "held_until")}
        return self.shelf.documents.decode(Event, known)

    def _all(self) -> list[Mapping[str, Any]]:
        return sorted(self.shelf.store.read("event", {}), key=lambda data: str(data["id"]))


@attrs.frozen
class DocumentAccesses:
    """Keep the access log."""

    shelf: Shelf

    def append(self, entries: Sequence[AccessEntry], /) -> None:
        """Add entries that are not there yet."""
        known = {data["id"] for data in self.shelf.get("access", [entry.id for entry in entries])}
        encode = self.shelf.documents.encode
        self.shelf.store.insert(
            "access", [Item(entry.id, 1, encode(entry)) for entry in entries if entry.id not in known]
        )

    def find(self, query: AccessQuery, /) -> Sequence[AccessEntry]:
        """Return the entries that are meant, the newest first."""
        where: dict[str, Collection[str]] = {"module": query.modules}
        if query.actor is not None:
            where["actor"] = (query.actor,)
        found = self.shelf.store.read("access", where) if query.modules else ()
        return scanning.accesses((self.shelf.documents.decode(AccessEntry, data) for data in found), query)

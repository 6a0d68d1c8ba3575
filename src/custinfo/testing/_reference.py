"""A store as plain as can be, to compare others with: it looks at everything, and knows no index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.documents import unique_claims
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event, EventId
from custinfo.core.records import FieldKey, Record, RecordId
from custinfo.core.revisions import Revision
from custinfo.core.schema import Schema
from custinfo.core.store_errors import changed_configuration, field_reserved, not_unique, stale_version

__all__ = ["Reference"]


@attrs.frozen
class Reference:
    """What one tenant has stored; each method returns the answer, or the reference as it is afterwards."""

    schema: Schema
    records: Mapping[RecordId, Record] = attrs.field(factory=dict)
    changes: Mapping[tuple[RecordId, int], Change] = attrs.field(factory=dict)
    requests: Mapping[RequestId, Request] = attrs.field(factory=dict)
    imports: Mapping[str, ImportBatch] = attrs.field(factory=dict)
    revisions: tuple[Revision, ...] = ()
    events: Mapping[EventId, tuple[Event, datetime | None]] = attrs.field(factory=dict)

    def get(self, module: str, record_ids: Collection[RecordId]) -> dict[RecordId, Record]:
        """Return records by id."""
        return {key: item for key, item in self.records.items() if key in record_ids and item.module == module}

    def save(self, records: Sequence[Record]) -> Reference:
        """Save records. Raises: StaleVersionError, DuplicateValueError."""
        for record in records:
            stored = self.records.get(record.id)
            actual = stored.version if stored is not None else 0
            if record.version != actual + 1:
                raise stale_version(record.version - 1, actual)
        known = self.records
        kept = [record.as_sealed_in(known[record.id]) if record.id in known else record for record in records]
        after = {**known, **{record.id: record for record in kept}}
        held = Counter((item.module, *claim) for item in after.values() for claim in self._claims(item))
        for (_, field, _), number in held.items():
            if number > 1:
                raise not_unique(field)
        return attrs.evolve(self, records=after)

    def remove(self, records: Sequence[Record]) -> Reference:
        """Delete records. Raises: StaleVersionError."""
        for record in records:
            stored = self.records.get(record.id)
            actual = stored.version if stored is not None else 0
            if record.version != actual:
                raise stale_version(record.version, actual)
        gone = {record.id for record in records}
        return attrs.evolve(self, records={key: item for key, item in self.records.items() if key not in gone})

    def holders(self, module: str, key: FieldKey, values: Collection[str]) -> dict[str, RecordId]:
        """Return who has unique values."""
        own = [item for item in self.records.values() if item.module == module]
        held = {text: item.id for item in own for field, text in self._claims(item) if field == key}
        return {value: held[value] for value in values if value in held}

    def _claims(self, record: Record) -> list[tuple[FieldKey, str]]:
        return unique_claims(self.schema.module(record.module), record)

    def append(self, changes: Sequence[Change]) -> Reference:
        """Add changes. Raises: StaleVersionError."""
        added = {(change.record_id, change.version): change for change in changes}
        for change in changes:
            if (change.record_id, change.version) in self.changes:
                raise stale_version(change.version - 1, change.version)
        return attrs.evolve(self, changes={**self.changes, **added})

    def of_record(self, module: str, record_id: RecordId) -> list[Change]:
        """Return changes of a record."""
        return [item for key, item in sorted(self.changes.items()) if key[0] == record_id and item.module == module]

    def of_batch(self, batch: str) -> list[Change]:
        """Return changes of an import."""
        return [item for _, item in sorted(self.changes.items()) if item.batch == batch]

    def submit(self, request: Request) -> Reference:
        """Save a request. Raises: StaleVersionError, FieldReservedError."""
        stored = self.requests.get(request.id)
        actual = stored.version if stored is not None else 0
        if request.version != actual + 1:
            raise stale_version(request.version - 1, actual)
        holders = {
            field: other.id
            for other in self.requests.values()
            if other.id != request.id and other.record_id == request.record_id
            for field in other.reserved_fields() & request.reserved_fields()
        }
        if holders:
            raise field_reserved(holders)
        return attrs.evolve(self, requests={**self.requests, request.id: request})

    def by_age(self) -> list[Request]:
        """Return all requests, oldest first."""
        return sorted(self.requests.values(), key=lambda request: (request.submitted_at, request.id))

    def keep(self, batch: ImportBatch) -> Reference:
        """Save an import."""
        return attrs.evolve(self, imports={**self.imports, batch.id: batch})

    def unfinished(self, module: str, digest: str, actor: str) -> Any:
        """Return the latest running import of a content by a member."""
        same = [item for item in self.imports.values() if (item.module, item.digest) == (module, digest)]
        running = [item for item in same if item.state == "running" and item.actor == actor]
        return max(running, key=lambda item: (item.started_at, item.id), default=None)

    def version(self) -> int:
        """Return the version in force."""
        return self.revisions[-1].version if self.revisions else 0

    def hold(self, version: int) -> None:
        """Check the version in force. Raises: ConflictError."""
        if version != self.version():
            raise changed_configuration(version, self.version())

    def revise(self, revision: Revision, replacing: int) -> Reference:
        """Add a revision. Raises: ConflictError."""
        self.hold(replacing)
        return attrs.evolve(self, revisions=(*self.revisions, revision))

    def announce(self, events: Sequence[Event]) -> Reference:
        """Add events, due at once."""
        return attrs.evolve(self, events={**self.events, **{event.id: (event, None) for event in events}})

    def due(self, limit: int, now: datetime) -> list[Event]:
        """Return the events that may be claimed, with one attempt more."""
        free = sorted(key for key, (_, until) in self.events.items() if until is None or until <= now)
        return [attrs.evolve(self.events[key][0], attempts=self.events[key][0].attempts + 1) for key in free[:limit]]

    def held(self, events: Sequence[Event], until: datetime) -> Reference:
        """Put events in the place of those that are known, due again at an instant."""
        known = {event.id: (event, until) for event in events if event.id in self.events}
        return attrs.evolve(self, events={**self.events, **known})

    def acknowledge(self, event_ids: Collection[EventId]) -> Reference:
        """Delete events."""
        return attrs.evolve(self, events={key: item for key, item in self.events.items() if key not in event_ids})

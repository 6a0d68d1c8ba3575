"""The sequence of changes, anchors, and rewriting, as documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.adapters.documents._records import DocumentRecords
from custinfo.adapters.documents._shelf import Shelf, change_item
from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.store_errors import anchor_exists, stale_version
from custinfo.ports.documents import Item
from custinfo.ports.history import ChangeQuery
from custinfo.ports.scanning import in_feed_order

__all__ = ["DocumentAnchors", "DocumentLog", "DocumentRewriting"]

_AT_ONCE: Final = 200


@attrs.frozen
class DocumentLog:
    """Number changes and read them in order; how many have a number stands in a document of its own."""

    shelf: Shelf

    def number(self) -> int:
        """Give each change without a position one."""
        store = self.shelf.store
        with store.atomic():
            store.lock(shared=False)
            last = self._last()
            waiting = {(item.record_id, item.version): item for item in self._changes({"position": (0,)})}
            if not waiting:
                return last
            order = in_feed_order((item.at, item.record_id, item.version) for item in waiting.values())
            for position, place in enumerate(order, start=last + 1):
                put(self.shelf, "change", change_item(self.shelf, attrs.evolve(waiting[place], position=position)))
            last += len(order)
            put(self.shelf, "numbered", Item("", 1, {"position": last}))
        return last

    def read(self, query: ChangeQuery, /) -> Sequence[Change]:
        """Return numbered changes in order: positions have no gap, so they are asked for one by one."""
        found: list[Change] = []
        last, start = self._last(), query.after + 1
        while start <= last and len(found) < query.limit:
            part = range(start, min(start + _AT_ONCE, last + 1))
            changes = sorted(self._changes({"position": list(part)}), key=lambda item: item.position or 0)
            found += [change for change in changes if query.wants(change)]
            start = part.stop
        return found[: query.limit]

    def position_of(self, record_id: RecordId, version: int, /) -> int | None:
        """Return the position of a change."""
        return next((item.position for item in self._keyed({record_id: version})), None)

    def evidence(self, versions: Mapping[RecordId, int], /) -> Mapping[RecordId, str]:
        """Return the evidence of changes."""
        return {item.record_id: item.evidence for item in self._keyed(versions) if item.evidence is not None}

    def of_records(self, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Sequence[Change]]:
        """Return all changes of each record, oldest first."""
        found: dict[RecordId, list[Change]] = {}
        changes = self._decoded(self.shelf.read("change", "record_id", record_ids))
        for change in sorted(changes, key=lambda item: item.version):
            found.setdefault(change.record_id, []).append(change)
        return found

    def _last(self) -> int:
        return max((int(data["position"]) for data in self.shelf.store.read("numbered", {})), default=0)

    def _keyed(self, versions: Mapping[RecordId, int]) -> list[Change]:
        keys = [f"{record_id} {version}" for record_id, version in versions.items()]
        return self._decoded(self.shelf.get("change", keys))

    def _changes(self, where: Mapping[str, Collection[str | int]]) -> list[Change]:
        return self._decoded(self.shelf.store.read("change", where))

    def _decoded(self, found: Iterable[Mapping[str, Any]]) -> list[Change]:
        return [self.shelf.documents.decode(Change, data) for data in found]


@attrs.frozen
class DocumentAnchors:
    """Keep anchors."""

    shelf: Shelf

    def all(self) -> Sequence[Anchor]:
        """Return every anchor in order."""
        found = [self.shelf.documents.decode(Anchor, data) for data in self.shelf.store.read("anchor", {})]
        return sorted(found, key=lambda anchor: anchor.number)

    def add(self, anchor: Anchor, /) -> None:
        """Add an anchor, or raise and change nothing."""
        item = Item(str(anchor.number), anchor.number, self.shelf.documents.encode(anchor))
        if not self.shelf.store.insert("anchor", [item]):
            raise anchor_exists(anchor.number)


@attrs.frozen
class DocumentRewriting:
    """Replace what is stored; other units wait meanwhile."""

    shelf: Shelf

    def held_changes(self, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Sequence[Change]]:
        """Return all changes of each record, oldest first."""
        self.shelf.store.lock(shared=False)
        return DocumentLog(self.shelf).of_records(record_ids)

    def held_requests(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those that exist."""
        self.shelf.store.lock(shared=False)
        found = (self.shelf.documents.decode(Request, data) for data in self.shelf.get("request", request_ids))
        return {request.id: request for request in found}

    def changes(self, changes: Sequence[Change], /) -> None:
        """Replace the content of changes."""
        with self.shelf.store.atomic():
            self.shelf.store.lock(shared=False)
            for change in changes:
                [data] = self.shelf.get("change", [f"{change.record_id} {change.version}"])
                stored = self.shelf.documents.decode(Change, data)
                new = attrs.evolve(stored, fields=change.fields, reason=change.reason, evidence=change.evidence)
                put(self.shelf, "change", change_item(self.shelf, new))

    def requests_of(self, module: ModuleKey, record_id: RecordId, /) -> Sequence[Request]:
        """Return every request about a record, oldest first."""
        return self.requests_of_all(module, [record_id])

    def requests_of_all(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return every request about one of some records, oldest first."""
        found = self.shelf.read("request", "record_id", ["", *record_ids])  # "" is that of requests for many
        requests = (self.shelf.documents.decode(Request, data) for data in found)
        wanted = (item for item in requests if item.concerns_one_of(module, record_ids))
        return sorted(wanted, key=lambda item: (item.submitted_at, item.id))

    def requests(self, requests: Sequence[Request], /) -> None:
        """Replace requests, or raise and change nothing."""
        with self.shelf.store.atomic():
            self.shelf.store.lock(shared=False)
            for request in requests:
                stored = next((int(data["version"]) for data in self.shelf.get("request", [request.id])), 0)
                if stored != request.version:
                    raise stale_version(request.version, stored)
                put(self.shelf, "request", Item(request.id, request.version, self.shelf.documents.encode(request)))

    def data_keys(self, records: Sequence[Record], data_keys: Sequence[FrozenDict[FieldKey, str]], /) -> int:
        """Replace the data keys of records."""
        done = 0
        with self.shelf.store.atomic():
            self.shelf.store.lock(shared=False)
            for record, keys in zip(records, data_keys, strict=True):
                for data in self.shelf.get("record", [record.id]):
                    if FrozenDict(data.get("data_keys") or {}) == record.data_keys:
                        item = Item(record.id, int(data["version"]), {**data, "data_keys": dict(keys)})
                        put(self.shelf, "record", item)
                        done += 1
        return done

    def digests(self, records: Sequence[Record], /) -> Collection[RecordId]:
        """Replace the sealed values of records, or raise and change nothing."""
        with self.shelf.store.atomic():
            self.shelf.store.lock(shared=False)
            stored = {str(data["id"]): data for data in self.shelf.get("record", [record.id for record in records])}
            taken = [record for record in records if stored.get(record.id, {}).get("version") == record.version]
            for record in taken:
                values = self.shelf.documents.codec(record.module).encode_values(record.values)
                put(self.shelf, "record", Item(record.id, record.version, {**stored[record.id], "values": values}))
            DocumentRecords(self.shelf).reindex(taken)
        return [record.id for record in taken]


def put(shelf: Shelf, kind: str, item: Item) -> None:
    """Put an item in the place of the one of its key, whatever their versions."""
    shelf.store.delete(kind, {"key": (item.key,)})
    shelf.store.insert(kind, [item])

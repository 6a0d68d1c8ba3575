"""The sequence of changes, anchors, and rewriting, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs

from custinfo.adapters.memory._records import MemoryRecords
from custinfo.adapters.memory._state import Key, State
from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.schema import Schema
from custinfo.core.store_errors import anchor_exists, stale_version
from custinfo.ports.history import ChangeQuery
from custinfo.ports.scanning import in_feed_order

__all__ = ["MemoryAnchors", "MemoryLog", "MemoryRewriting"]


class MemoryLog:
    """Number changes and read them in order."""

    def __init__(self, state: State) -> None:
        self._state = state

    def number(self) -> int:
        """Give each change without a position one."""
        state = self._state
        last = len(state.feed)
        modules = {record_id: module for (module, record_id), _ in state.pending}
        places = [(state.change(key, version).at, key[1], version) for key, version in state.pending]
        for record_id, version in in_feed_order(places):
            last += 1
            key: Key = (modules[record_id], record_id)
            state.feed[last] = (key, version)
            state.replace_change(attrs.evolve(state.change(key, version), position=last))
        state.pending = {}
        return last

    def read(self, query: ChangeQuery, /) -> Sequence[Change]:
        """Return numbered changes in order."""
        found: list[Change] = []
        for position in range(query.after + 1, max(self._state.feed, default=0) + 1):
            if len(found) == query.limit:
                break
            if position in self._state.feed:
                change = self._state.change(*self._state.feed[position])
                if query.wants(change):
                    found.append(change)
        return found

    def position_of(self, record_id: RecordId, version: int, /) -> int | None:
        """Return the position of a change."""
        changes = self.of_records([record_id]).get(record_id, ())
        return next((item.position for item in changes if item.version == version), None)

    def evidence(self, versions: Mapping[RecordId, int], /) -> Mapping[RecordId, str]:
        """Return the evidence of changes."""
        changes = (change for history in self.of_records(versions).values() for change in history)
        return {
            change.record_id: change.evidence
            for change in changes
            if change.version == versions[change.record_id] and change.evidence is not None
        }

    def of_records(self, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Sequence[Change]]:
        """Return all changes of each record, oldest first."""
        modules, known = tuple(self._state.modules), self._state.changes  # they are looked for among all changes
        keys = ((module, record_id) for record_id in record_ids for module in modules)
        return {key[1]: known[key] for key in keys if key in known}


class MemoryAnchors:
    """Keep anchors in a dict."""

    def __init__(self, state: State) -> None:
        self._state = state

    def all(self) -> Sequence[Anchor]:
        """Return every anchor in order."""
        return [self._state.anchors[number] for number in sorted(self._state.anchors)]

    def add(self, anchor: Anchor, /) -> None:
        """Add an anchor, or raise and change nothing."""
        if anchor.number in self._state.anchors:
            raise anchor_exists(anchor.number)
        self._state.anchors[anchor.number] = anchor


class MemoryRewriting:
    """Replace what is stored; there is one unit at a time, which holds everything."""

    def __init__(self, state: State, schema: Schema) -> None:
        self._state = state
        self._records = MemoryRecords(state, schema)

    def held_changes(self, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Sequence[Change]]:
        """Return all changes of each record, oldest first."""
        return MemoryLog(self._state).of_records(record_ids)

    def held_requests(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those that exist."""
        found = self._state.requests
        return {key: found[key] for key in request_ids if key in found}

    def changes(self, changes: Sequence[Change], /) -> None:
        """Replace the content of changes."""
        for change in changes:
            stored = self._state.change((change.module, change.record_id), change.version)
            new = attrs.evolve(stored, fields=change.fields, reason=change.reason, evidence=change.evidence)
            self._state.replace_change(new)

    def requests_of(self, module: ModuleKey, record_id: RecordId, /) -> Sequence[Request]:
        """Return every request about a record, oldest first."""
        return self.requests_of_all(module, [record_id])

    def requests_of_all(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return every request about one of some records, oldest first."""
        found = [item for item in self._state.requests.values() if item.concerns_one_of(module, record_ids)]
        return sorted(found, key=lambda item: (item.submitted_at, item.id))

    def requests(self, requests: Sequence[Request], /) -> None:
        """Replace requests, or raise and change nothing."""
        for request in requests:
            stored = self._state.requests.get(request.id)
            actual = stored.version if stored is not None else 0
            if actual != request.version:
                raise stale_version(request.version, actual)
        self._state.requests |= {request.id: request for request in requests}

    def data_keys(self, records: Sequence[Record], data_keys: Sequence[FrozenDict[FieldKey, str]], /) -> int:
        """Replace the data keys of records."""
        done = 0
        for record, keys in zip(records, data_keys, strict=True):
            key: Key = (record.module, record.id)
            stored = self._state.records.get(key)
            if stored is not None and stored.data_keys == record.data_keys:
                self._state.records[key] = attrs.evolve(stored, data_keys=keys)
                done += 1
        return done

    def digests(self, records: Sequence[Record], /) -> Collection[RecordId]:
        """Replace the sealed values of records, or raise and change nothing."""
        known = self._state.records
        pairs = [(known.get((record.module, record.id)), record) for record in records]
        new = [
            attrs.evolve(stored, values=record.values)
            for stored, record in pairs
            if stored is not None and stored.version == record.version
        ]
        self._records.put(new)
        return [record.id for record in new]

"""The tables in memory."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import Any

import attrs

from custinfo.core.access_log import AccessEntry
from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event, EventId
from custinfo.core.records import Record, RecordId
from custinfo.core.revisions import Revision

__all__ = ["Key", "State", "UniqueKey"]

Key = tuple[str, RecordId]
UniqueKey = tuple[str, str, str]


@attrs.define
class State:
    """Hold one tenant's data; copies share the immutable values, so a snapshot costs one shallow copy a table."""

    records: dict[Key, Record] = attrs.field(factory=dict)
    unique: dict[UniqueKey, RecordId] = attrs.field(factory=dict)
    claims: dict[RecordId, tuple[UniqueKey, ...]] = attrs.field(factory=dict)
    changes: dict[Key, tuple[Change, ...]] = attrs.field(factory=dict)
    requests: dict[RequestId, Request] = attrs.field(factory=dict)
    imports: dict[str, ImportBatch] = attrs.field(factory=dict)
    revisions: dict[int, Revision] = attrs.field(factory=dict)
    events: dict[EventId, Event] = attrs.field(factory=dict)
    held: dict[EventId, datetime] = attrs.field(factory=dict)
    feed: dict[int, tuple[Key, int]] = attrs.field(factory=dict)
    pending: dict[tuple[Key, int], None] = attrs.field(factory=dict)
    anchors: dict[int, Anchor] = attrs.field(factory=dict)
    accesses: dict[str, AccessEntry] = attrs.field(factory=dict)

    @property
    def modules(self) -> dict[str, None]:
        """The modules of which there is history."""
        return dict.fromkeys(module for module, _ in self.changes)

    def change(self, key: Key, version: int) -> Change:
        """Return the change to a version of a record; versions are not always without gaps."""
        changes = self.changes[key]
        if version <= len(changes) and changes[version - 1].version == version:
            return changes[version - 1]
        return next(change for change in changes if change.version == version)

    def add_changes(self, key: Key, changes: tuple[Change, ...], new: Iterable[Change]) -> None:
        """Keep the changes of a record, of which some are new."""
        self.changes[key] = changes
        for change in new:
            if change.position is None:
                self.pending[key, change.version] = None
            else:
                self.feed[change.position] = (key, change.version)

    def replace_change(self, change: Change) -> None:
        """Put a change in the place of that to the same version."""
        key = (change.module, change.record_id)
        self.changes[key] = tuple(change if item.version == change.version else item for item in self.changes[key])

    def snapshot(self) -> dict[str, Any]:
        """Return copies of all tables."""
        return {field.name: copy(getattr(self, field.name)) for field in attrs.fields(State)}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Take all tables back to a snapshot."""
        for name, table in snapshot.items():
            setattr(self, name, table)

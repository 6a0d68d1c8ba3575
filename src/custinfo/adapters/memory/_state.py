"""The tables in memory."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any

import attrs

from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event, EventId
from custinfo.core.records import Record, RecordId
from custinfo.core.revisions import Revision

__all__ = ["State", "UniqueKey"]

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

    def snapshot(self) -> dict[str, Any]:
        """Return copies of all tables."""
        return {field.name: copy(getattr(self, field.name)) for field in attrs.fields(State)}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Take all tables back to a snapshot."""
        for name, table in snapshot.items():
            setattr(self, name, table)

"""Events in a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, delete, or_, select, true, update

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.core.errors import StorageError
from custinfo.core.outbox import Event, EventId
from custinfo.core.problems import Problem
from custinfo.core.stored import instant_from_text
from custinfo.core.stored import instant_to_text as _text

__all__ = ["SqlAlchemyOutbox"]

_COLUMNS: Final = ("tenant_id", "id", "key", "at", "type", "attempts", "payload")


class SqlAlchemyOutbox:
    """Keep events in `outbox`."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._table = context.tables.outbox
        self._mine = self._table.c.tenant_id == context.tenant

    def append(self, events: Sequence[Event], /) -> None:
        """Add events, all or none."""
        if events:
            rows = [self._row(event) for event in events]
            self._context.insert(self._table, _COLUMNS, rows)

    def claim(self, limit: int, /, *, now: datetime, until: datetime) -> Sequence[Event]:
        """Take events that are due, and that no other unit has locked."""
        columns = self._table.c
        due = or_(columns.held_until.is_(None), columns.held_until <= _text(now))
        # SQLite locks no rows: who writes after others have written since this was read is told to try again.
        found = self._context.execute(self._first(limit).where(due).with_for_update(skip_locked=True)).all()
        # Where a database takes no notice of the lock, the condition decides; so it does between readers of old states.
        held = self._change([row.id for row in found], due, attempts=columns.attempts + 1, held_until=_text(until))
        if held != len(found):
            raise StorageError([Problem("storage_retryable", params={"error": "overtaken", "state": ""})])
        return [self._event(row, row.attempts + 1) for row in found]

    def postpone(self, event_ids: Sequence[EventId], until: datetime, /) -> None:
        """Let events be due again at an instant."""
        self._change(event_ids, true(), held_until=_text(until))

    def acknowledge(self, event_ids: Sequence[EventId], /) -> None:
        """Delete events."""
        for part in chunked(event_ids):
            self._context.execute(delete(self._table).where(self._mine, self._table.c.id.in_(part)))

    def pending(self, limit: int, /) -> Sequence[Event]:
        """Return the first events, due or not."""
        return [self._event(row, row.attempts) for row in self._context.execute(self._first(limit))]

    def _first(self, limit: int) -> Select[Any]:
        columns = self._table.c
        wanted = select(columns.id, columns.key, columns.at, columns.type, columns.attempts, columns.payload)
        return wanted.where(self._mine).order_by(columns.id).limit(limit)

    def _change(self, event_ids: Sequence[str], condition: ColumnElement[bool], **values: Any) -> int:
        """Change those of the events that meet a condition, and return how many these are."""
        same = (self._mine, condition)
        statements = (update(self._table).where(*same, self._table.c.id.in_(part)) for part in chunked(event_ids))
        return sum(self._context.execute(statement.values(**values)).rowcount for statement in statements)

    def _row(self, event: Event) -> tuple[Any, ...]:
        at = _text(event.at)
        return (self._context.tenant, event.id, event.key, at, event.type, event.attempts, event.payload)

    def _event(self, row: Any, attempts: int) -> Event:
        return Event(EventId(row.id), row.key, instant_from_text(row.at), row.type, row.payload, attempts)

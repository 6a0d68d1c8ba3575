"""All changes in one sequence: a stream for people, and pages with a cursor for other systems (HIS-1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import attrs

from custinfo.core.errors import InvalidCursorError, PermissionDeniedError
from custinfo.core.history.changes import Change, Channel
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.ports.history import ChangeQuery
from custinfo.workspace.context import Context
from custinfo.workspace.mistakes import one_of, refuse_nobody, text_id
from custinfo.workspace.past import Past, last_state
from custinfo.workspace.proving import log_of
from custinfo.workspace.views import ChangeView

__all__ = ["ChangePage", "Feed"]

_LEAST: Final = 200
_MOST: Final = 5000
_PAGE: Final = 1000
_VERSIONS: Final = 2**31
"""No record has so many: databases stumble at greater numbers."""


@attrs.frozen
class ChangePage:
    """Part of all changes: `changes` in order, `cursor` to go on behind the last, and whether there are `more` now."""

    changes: tuple[ChangeView, ...]
    cursor: str | None
    more: bool


class Feed:
    """Read what the actor may see of all changes, in the order in which they were found committed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._past = Past(context)

    def asked(
        self,
        modules: Sequence[ModuleKey],
        actor: MemberKey | None,
        channel: Channel | None,
        since: datetime | None,
        until: datetime | None,
    ) -> ChangeQuery:
        """Return what somebody asks for as a question to the log.

        Raises: ValueError for an unknown channel; TypeError for what is no id, and no time.
        """
        if channel is not None:
            one_of("channel", channel, Channel)
        instant, who = self._context.instant, None if actor is None else text_id(actor)
        return ChangeQuery(0, _PAGE, tuple(modules), who, channel, instant(since), instant(until))

    def stream(self, query: ChangeQuery, field: FieldKey | None = None) -> Iterator[ChangeView]:
        """Yield changes one by one, in memory that does not grow with them."""
        log_of(self._context.unit).number()
        nothing = True
        for view in self._seen(query):
            if field is None or field in view.fields:
                nothing = False
                yield view
        if nothing:
            refuse_nobody(self._context, query.actor)

    def since(self, cursor: str | None, limit: int, modules: tuple[ModuleKey, ...]) -> ChangePage:
        """Return the changes behind a cursor."""
        log_of(self._context.unit).number()
        after = 0 if cursor is None else self._position(cursor)
        found: list[ChangeView] = []
        more = False
        for view in self._seen(ChangeQuery(after, min(max(limit, _LEAST), _MOST) + 1, modules)):
            more = len(found) == limit
            if more:
                break
            found.append(view)
        return ChangePage(tuple(found), _cursor(found[-1]) if found else cursor, more)

    def readable_field(self, module: ModuleKey, name: str) -> FieldKey:
        """Return the key of a field by which changes may be chosen. Raises: as `Records.changes`."""
        key = self._past.field_key(module, name)
        if key not in self._context.access(module).visible_fields():
            raise PermissionDeniedError([Problem("field_not_readable", name)])
        return key

    def _seen(self, query: ChangeQuery) -> Iterator[ChangeView]:
        """Yield the changes that are meant and whose record the actor may view, page by page."""
        while changes := log_of(self._context.unit).read(query):
            with self._context.related.passing():
                views = self._views(changes)
                for change in changes:
                    view = views.get((change.record_id, change.version))
                    if view is not None:
                        yield view
            if len(changes) < query.limit:
                return
            query = attrs.evolve(query, after=changes[-1].position or 0)

    def _views(self, changes: Sequence[Change]) -> dict[tuple[RecordId, int], ChangeView]:
        """Return record and version → what the actor may see of that change."""
        wanted: dict[ModuleKey, list[RecordId]] = {}
        for change in changes:
            if change.module in self._context.schema.modules:
                wanted.setdefault(change.module, []).append(change.record_id)
        found: dict[tuple[RecordId, int], ChangeView] = {}
        for module, keys in wanted.items():
            ids = list(dict.fromkeys(keys))
            records = self._context.unit.records.get(module, ids)
            for record_id, history in log_of(self._context.unit).of_records(ids).items():
                record = records.get(record_id) or last_state(history)
                found |= {(record_id, view.version): view for view in self._of_record(record, history)}
        return found

    def _of_record(self, record: Record | None, history: Sequence[Change]) -> Iterator[ChangeView]:
        if record is None:
            return
        verdict = self._context.verdict(record)
        if "view" in verdict.actions:
            yield from self._past.views(record, verdict, history)

    def _position(self, cursor: str) -> int:
        """Return the position of the change that a cursor names. Raises: InvalidCursorError."""
        try:
            record_id, version = json.loads(base64.urlsafe_b64decode(cursor.encode()))
            known = type(record_id) is str and record_id.isprintable() and type(version) is int and version < _VERSIONS
            found = log_of(self._context.unit).position_of(RecordId(record_id), version) if known else None
        except (AttributeError, ValueError, TypeError, RecursionError):
            found = None
        if found is None:
            raise InvalidCursorError([Problem("cursor_unknown")])
        return found


def _cursor(view: ChangeView) -> str:
    """Return the name of a change: a position would tell how many others there are."""
    return base64.urlsafe_b64encode(json.dumps([view.record_id, view.version]).encode()).decode()

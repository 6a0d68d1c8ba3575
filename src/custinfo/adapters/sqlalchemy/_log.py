"""The sequence of changes, and anchors, in tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

import attrs
from sqlalchemy import ColumnElement, Select, bindparam, insert, select, tuple_, update

from custinfo.adapters.sqlalchemy._context import ClashError, Context, chunked
from custinfo.adapters.sqlalchemy._feed_row import hold_feed
from custinfo.adapters.sqlalchemy._history import SqlAlchemyHistory
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, Question, given_parameter, padded
from custinfo.core.anchors import Anchor
from custinfo.core.history.changes import Change
from custinfo.core.records import RecordId
from custinfo.core.store_errors import anchor_exists, overtaken
from custinfo.core.stored import instant_from_text, instant_to_text
from custinfo.ports.history import ChangeQuery
from custinfo.ports.scanning import in_feed_order

__all__ = ["SqlAlchemyAnchors", "SqlAlchemyLog"]

_STEP: Final = 10_000
"""So many changes are numbered at once."""

_FEW_VERSIONS: Final = 8
"""Up to so many versions, there is a statement for the records of each, which is kept."""


class SqlAlchemyLog:
    """Number changes and read them in order; `feed` has the last position, and is what units that number wait for."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._history = SqlAlchemyHistory(context)

    def number(self) -> int:
        """Give each change without a position one."""
        last = self._hold()
        while places := self._waiting():
            rows = [
                {"b_record": record_id, "b_version": version, "b_position": position}
                for position, (record_id, version) in enumerate(in_feed_order(places), start=last + 1)
            ]
            change = self._context.tables.change
            mine = change.c.tenant_id == self._context.tenant
            one = (change.c.record_id == bindparam("b_record")) & (change.c.version == bindparam("b_version"))
            self._context.execute(update(change).where(mine, one).values(position=bindparam("b_position")), rows)
            last += len(rows)
            self._keep(last)
        return last

    def read(self, query: ChangeQuery, /) -> Sequence[Change]:
        """Return numbered changes in order."""
        columns = self._context.tables.change.c
        conditions: list[ColumnElement[bool]] = [columns.position > query.after]
        if query.modules:
            conditions.append(columns.module.in_(query.modules))
        if query.actor is not None:
            conditions.append(columns.actor == query.actor)
        if query.channel is not None:
            conditions.append(columns.channel == query.channel)
        if query.since is not None:
            conditions.append(columns.at >= instant_to_text(query.since))
        if query.until is not None:
            conditions.append(columns.at < instant_to_text(query.until))
        found = self._history.select().where(*conditions).order_by(columns.position).limit(query.limit)
        return self._history.changes(found)

    def position_of(self, record_id: RecordId, version: int, /) -> int | None:
        """Return the position of a change."""
        columns = self._context.tables.change.c
        one = (columns.record_id == record_id) & (columns.version == version)
        found = self._context.execute(select(columns.position).where(self._mine(), one)).scalar()
        return None if found is None else int(found)

    def evidence(self, versions: Mapping[RecordId, int], /) -> Mapping[RecordId, str]:
        """Return the evidence of changes, by their primary key."""
        ids: dict[int, list[RecordId]] = {}
        for record_id, version in versions.items():
            ids.setdefault(version, []).append(record_id)
        if len(ids) > _FEW_VERSIONS:
            return self._evidence_of_many(versions)
        found: dict[RecordId, str] = {}
        for version, mine in ids.items():
            for part in chunked(mine):
                keys = padded(part)
                asked = partial(self._evidence, len(keys))
                values = (self._context.tenant, version, *keys)
                rows = self._context.ask(Question(("evidence", len(keys)), asked, values, steady=True))
                found.update(row for row in rows if row[1] is not None)
        return found

    def _evidence(self, count: int) -> Select[Any]:
        """Return the statement that reads the evidence of a version of so many records."""
        columns = self._context.tables.change.c
        version = given_parameter(Given(1), columns.version.type)
        ids = [given_parameter(Given(place), columns.record_id.type) for place in range(2, count + 2)]
        found = (columns.tenant_id == TENANT) & columns.record_id.in_(ids) & (columns.version == version)
        return select(columns.record_id, columns.evidence).where(found)

    def _evidence_of_many(self, versions: Mapping[RecordId, int]) -> Mapping[RecordId, str]:
        columns = self._context.tables.change.c
        key, found = tuple_(columns.record_id, columns.version), {}
        for part in chunked(list(versions.items())):
            statement = select(columns.record_id, columns.evidence).where(self._mine(), key.in_(part))
            found.update({row[0]: row[1] for row in self._context.execute(statement) if row[1] is not None})
        return found

    def of_records(self, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Sequence[Change]]:
        """Return all changes of each record, oldest first."""
        columns = self._context.tables.change.c
        found: dict[RecordId, list[Change]] = {}
        for part in chunked(list(record_ids)):
            statement = self._history.select().where(columns.record_id.in_(part))
            for change in self._history.changes(statement.order_by(columns.record_id, columns.version)):
                found.setdefault(change.record_id, []).append(change)
        return found

    def _mine(self) -> ColumnElement[bool]:
        return self._context.tables.change.c.tenant_id == self._context.tenant

    def _hold(self) -> int:
        """Lock the tenant's row and return the last position.

        Raises: StorageError (`storage_retryable`) in a transaction that began to read before others numbered, and shows
            nothing of that: what it would read next lacks their changes, and a cursor would pass them by.
        """
        columns, found = self._context.tables.feed.c, hold_feed(self._context)
        seen = select(columns.position).where(columns.tenant_id == self._context.tenant)
        if self._context.execute(seen).scalar() != found:
            raise overtaken()
        return found

    def _keep(self, last: int) -> None:
        feed = self._context.tables.feed
        mine = feed.c.tenant_id == self._context.tenant
        self._context.execute(update(feed).where(mine).values(position=last))

    def _waiting(self) -> list[tuple[str, RecordId, int]]:
        """Return time, record and version of the oldest changes without a position, and earlier versions of the same.

        They are committed, and nobody else numbers them: reading them with a lock would wait for whoever is writing.
        """
        columns = self._context.tables.change.c
        waiting = select(columns.at, columns.record_id, columns.version).where(self._mine(), columns.position.is_(None))
        first = waiting.order_by(columns.at, columns.record_id, columns.version).limit(_STEP)
        places = [(row.at, row.record_id, row.version) for row in self._context.execute(first)]
        if len(places) == _STEP:
            latest: dict[RecordId, int] = {}
            for _, record_id, version in places:
                latest[record_id] = max(version, latest.get(record_id, 0))
            for part in chunked(list(latest)):
                rows = self._context.execute(waiting.where(columns.record_id.in_(part)))
                earlier = {(row.at, row.record_id, row.version) for row in rows if row.version < latest[row.record_id]}
                places += sorted(earlier.difference(places))
        return places


class SqlAlchemyAnchors:
    """Keep anchors in `anchor`."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context

    def all(self) -> Sequence[Anchor]:
        """Return every anchor in order."""
        table = self._context.tables.anchor
        statement = select(table).where(table.c.tenant_id == self._context.tenant).order_by(table.c.number)
        names = [field.name for field in attrs.fields(Anchor)]
        rows = [{name: row[name] for name in names} for row in self._context.execute(statement).mappings()]
        return [Anchor(**{**row, "at": instant_from_text(row["at"])}) for row in rows]

    def add(self, anchor: Anchor, /) -> None:
        """Add an anchor, or raise and change nothing."""
        row = {**attrs.asdict(anchor), "tenant_id": self._context.tenant, "at": instant_to_text(anchor.at)}
        taken = False
        try:
            with self._context.savepoint():
                self._context.attempt(insert(self._context.tables.anchor), row)
        except ClashError:
            taken = True
        if taken:
            raise anchor_exists(anchor.number)

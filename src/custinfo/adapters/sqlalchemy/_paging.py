"""Finding one page without relying on a planner: for SQLite and MariaDB, which choose the wrong index for some.

1. Walk the index that has the records in order, over a window of the first 500. Many pages are full then.
2. Where another index leads to few records, filter what is left through that one, and sort.
3. Otherwise walk on over larger windows, as long as they have some; then filter by whatever the planner finds.

Every way finds the same records. PostgreSQL's own planner is as good or better, and is left alone.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from sqlalchemy import ColumnElement, Select, and_, select

from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.adapters.sqlalchemy._dialects import unindexed
from custinfo.adapters.sqlalchemy._sorting import Half, SortKey, half_of
from custinfo.adapters.sqlalchemy._windows import Driver, Windows, parts_of
from custinfo.core.criteria.nodes import Contains, Mentions
from custinfo.core.records import FieldKey, RecordId
from custinfo.ports.repositories import Query

__all__ = ["Pager"]

GLANCE: Final = 500
WINDOW: Final = 5_000
FARTHEST: Final = 100_000
"""How many records are walked at most, as far as one can tell."""


@attrs.frozen(eq=False)
class Pager:
    """Find the ids of one page of one half of a query."""

    windows: Windows
    query: Query
    present: bool | None

    def ids(self, limit: int) -> list[RecordId]:
        """Return the ids in order."""
        key = self._walked()
        driver = self._title_driver() if self.present is not False else self.windows.driver(self.query.criterion)
        if key is None or driver is not None:
            return self._filtered(limit, None, driver or self.windows.driver(self.query.criterion))
        found: list[RecordId] = []
        size, passed = GLANCE, None
        while True:
            end = self._end(size, passed)
            hits = self._window(key, limit - len(found), end, passed)
            found += hits
            missing = limit - len(found)
            if missing <= 0 or end is None:
                return found
            passed = end
            driver = self.windows.driver(self.query.criterion)
            if driver is not None or (size > GLANCE and len(hits) * FARTHEST < missing * size):
                return found + self._filtered(missing, passed, driver)
            size = WINDOW if size == GLANCE else size * 4

    def _walked(self) -> FieldKey | None:
        """Return the field by whose index the half is walked in order; `None` if there is no such index."""
        if not self.query.order:
            return "id"
        if len(self.query.order) > 1 or len(self.query.order[0].path) > 1:
            return None
        key = self.query.order[0].path[0]
        if key in ("owner", "department") or self.windows.column(key) is None:
            return None
        return "id" if self.present is False else key

    def _title_driver(self) -> Driver | None:
        """Return the part by which the index of titles leads to few records: there is nothing to be walked then."""
        titles = [part for part in parts_of(self.query.criterion) if isinstance(part, Mentions | Contains)]
        return next((driver for part in titles if (driver := self.windows.driver(part)) is not None), None)

    def _half(self, source: Source) -> Half:
        return half_of(source, self.query, present=self.present)

    # --- walking

    def _end(self, size: int, passed: Any) -> Any:
        """Return the sort value at the end of a window; `None` if no more records are left than it takes."""
        half = self._half(self.windows.source())
        key = half.keys[0]
        statement = select(key.expression).where(*half.within, *self._first(half), *_beyond(key, passed))
        row = self.windows.context.execute(statement.order_by(*key.ordering()).offset(size - 1).limit(1)).first()
        return None if row is None else row[0]

    def _window(self, walked: FieldKey, limit: int, end: Any, passed: Any) -> list[RecordId]:
        source = self.windows.source()
        half = self._half(source)
        key = half.keys[0]
        until = [] if end is None else [key.until(end)]
        where = [*half.within, *self._first(half), *_beyond(key, passed), *until]
        window = self.windows.window(source, where, walked)
        also = (lambda inside: self._half(inside).first) if self.present is False else None
        conditions = self.windows.conditions(window, parts_of(self.query.criterion), walked, also)
        column = window.c[self.windows.column(walked) or "id"]
        order = [attrs.evolve(key, expression=column), SortKey(window.c.id, optional=False)]
        ordering = [part for item in order for part in item.ordering()]
        return self._run(select(window.c.id).where(*conditions).order_by(*ordering).limit(limit))

    def _first(self, half: Half) -> list[ColumnElement[bool]]:
        """Return the condition by which a partial index is found; that a value is missing stands in no index."""
        return [] if self.present is False else [half.first]

    # --- filtering

    def _filtered(self, limit: int, passed: Any, driver: Driver | None) -> list[RecordId]:
        """Return ids behind what was walked, by the index of the driver; by what the planner finds if there is none."""
        if driver is not None:
            return self._driven(limit, passed, driver)
        source = self.windows.source(counting=True)
        condition = source.condition(self.query.criterion)
        half = self._half(source)
        dialect = self.windows.context.connection.dialect
        keys = tuple(attrs.evolve(key, expression=unindexed(key.expression, dialect)) for key in half.keys)
        first = keys[0].expression.is_not(None) if self.present else half.first
        half = attrs.evolve(half, keys=keys, first=first)
        statement = select(source.record.c.id).select_from(source.rows())
        statement = statement.where(*half.within, half.first, condition, *_beyond(half.keys[0], passed))
        return self._run(statement.order_by(*half.ordering()).limit(limit))

    def _driven(self, limit: int, passed: Any, driver: Driver) -> list[RecordId]:
        def also(inside: Source) -> ColumnElement[bool]:
            half = self._half(inside)
            return and_(half.first, *half.within, *_beyond(half.keys[0], passed))

        window, conditions = self.windows.narrowed(self.query.criterion, driver, also)
        source = self.windows.source()
        *keys, last = self._half(source).keys
        order = [
            *(attrs.evolve(key, expression=self.windows.looked_up(window, source, key.expression)) for key in keys),
            attrs.evolve(last, expression=window.c.id),
        ]
        ordering = [part for key in order for part in key.ordering()]
        return self._run(select(window.c.id).where(*conditions).order_by(*ordering).limit(limit))

    def _run(self, statement: Select[Any]) -> list[RecordId]:
        return [row[0] for row in self.windows.context.execute(statement)]


def _beyond(key: SortKey, passed: Any) -> list[ColumnElement[bool]]:
    return [] if passed is None else [key.behind(passed)]

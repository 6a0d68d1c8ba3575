"""Where windows end that are walked over: at a sort value of the index, which alone is read."""

from __future__ import annotations

from typing import Any

import attrs
from sqlalchemy import BigInteger, select

from custinfo.adapters.sqlalchemy._bounds import bounds_of
from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.adapters.sqlalchemy._fields import layouts
from custinfo.adapters.sqlalchemy._leads import index_of
from custinfo.adapters.sqlalchemy._parts import timeless
from custinfo.adapters.sqlalchemy._ready import Question, given_parameter
from custinfo.adapters.sqlalchemy._shaper import Shaper
from custinfo.adapters.sqlalchemy._sorting import half_of, position_of
from custinfo.adapters.sqlalchemy._titles import TitleSearch
from custinfo.core.criteria.nodes import all_of
from custinfo.core.records import FieldKey
from custinfo.ports.repositories import Query

__all__ = ["Windows"]


@attrs.frozen(eq=False)
class Windows:
    """Measure windows of a query."""

    context: Context
    titles: TitleSearch
    query: Query

    def first(self, key: FieldKey, present: bool | None, size: int) -> Any:
        """Return the end of the first window, from memory if it can: where it is exactly doesn't matter."""
        if self.query.after is not None:
            return self.end(key, present, size, None)
        bounds = tuple(map(timeless, bounds_of(self.query.criterion, key)))
        noted = "end", self.context.tenant, self.query.module, self.query.order, present, bounds, size
        end = self.context.memory.recall(noted)
        if end is None:
            end = self.end(key, present, size, None)
            self.context.memory.note(noted, end)
        return end

    def end(self, key: FieldKey, present: bool | None, size: int, passed: Any) -> Any:
        """Return the sort value at the end of a window; `None` if no more records are left than it takes."""
        query, shaper = self.query, Shaper(self.context, self.titles)
        position, skipped = position_of(self.context, self.query, shaper), shaper.give(size - 1)
        behind = None if passed is None else shaper.give(passed)
        bounds = shaper.shape(all_of(bounds_of(query.criterion, key)), query.module)

        def build() -> Any:
            source = Source(self.context, query.module, led=True)
            half = half_of(source, query.order, position, present=present)
            first = half.keys[0]
            # That a value is missing stands in no index, and is left to be told of each record.
            where = [*half.within, *([half.first] if present is not False else []), source.condition(bounds)]
            statement = select(first.expression).select_from(source.rows()).where(*where, *half.beyond(behind))
            return statement.order_by(*first.ordering()).limit(1).offset(given_parameter(skipped, BigInteger()))

        layout = layouts(self.context, query.module)
        shape = ("end", layout, query.order, present, position, behind, bounds)
        hint = index_of(self.context, query.module, key)
        rows = self.context.ask(Question(shape, build, shaper.values, hint))
        return rows[0][0] if rows else None

"""Finding one page without relying on a planner: for SQLite and MariaDB, which choose the wrong index for some.

1. Walk the index that has the records in order, over a window of the first 500. Many pages are full then.
2. Where another index leads to few records, filter what is left through that one, and sort.
3. Otherwise walk on over larger windows, as long as they have enough; then filter by the best lead after all.

Every way finds the same records. PostgreSQL's own planner is as good or better, and is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import attrs
from sqlalchemy import BigInteger, literal_column, select

from custinfo.adapters.sqlalchemy._bounds import bounds_of, loosened
from custinfo.adapters.sqlalchemy._context import CHUNK, Context
from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.adapters.sqlalchemy._dialects import unindexed
from custinfo.adapters.sqlalchemy._fields import layouts
from custinfo.adapters.sqlalchemy._leads import LOOKED_UP, Lead, Leads, index_of, parts_of, timeless
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, given_parameter
from custinfo.adapters.sqlalchemy._rows import NARROW_COLUMNS, document_columns, record_columns
from custinfo.adapters.sqlalchemy._scopes import departments_of
from custinfo.adapters.sqlalchemy._shaper import Shaper
from custinfo.adapters.sqlalchemy._sorting import NEVER_MISSING, Half, Position, half_of, position_of
from custinfo.core.criteria.nodes import Contains, Mentions, Nothing, OneOf, all_of
from custinfo.core.records import FieldKey
from custinfo.ports.repositories import Query

__all__ = ["Pager"]

GLANCE: Final = 500
WINDOW: Final = 5_000
NARROW: Final = 100_000
"""A title that leads to records is followed without a walk if it takes no more than so many entries of an index."""

SCOPED: Final = 20_000
"""The same within departments: an index that is walked tells whose records they are, and few are looked up."""

FENCED: Final = 60_000
"""A title that has no more records leads to them on PostgreSQL, which would not always let it."""

SHORT: Final = 20_000
"""A walk over windows of at most that size is short."""

FAR: Final = 5_000
"""If a walk is not expected to take more than that, no lead is sought."""

LISTED: Final = 10
"""From so many values on, a list says which records are meant rather than of what sort they are."""

_SCOPES: Final = (("owner",), ("department",))

Rows = list[Any]


@attrs.frozen(slots=False, eq=False)
class Pager:
    """Find one page of a query.

    An index has the records in order of which the first sort value is there; those of which it is missing, which come
    behind, are walked apart. `present` says which of them are meant: `None` means both.
    """

    context: Context
    leads: Leads
    query: Query

    def rows(self) -> Rows:
        """Return the rows in order."""
        halves, limit = self._halves, self.query.limit
        both = halves[0] if len(halves) == 1 else None
        if limit is None:
            return self._page(None, both, lead=self._listed())
        planned = self.context.connection.dialect.name == "postgresql"
        lead = self._sought() if planned else self._straight()
        if lead is not None:
            return self._page(limit, both, lead=lead)
        found: Rows = []
        for present in halves:
            missing = limit - len(found)
            key = None if planned else self._walked(present)
            if missing <= 0:
                break
            if key is None:  # of PostgreSQL always as many, for a statement that it knows
                found += self._page(limit, present)[:missing]
            elif self.context.memory.recall((self._sparse, present)):
                found += self._page(missing, present, walked=key)
            else:
                found += self._walk(key, missing, present)
        return found

    @cached_property
    def _halves(self) -> tuple[bool | None, ...]:
        """Those whose first sort value is there, those of which it is missing, or what there is of them."""
        query = self.query
        if not query.order or query.order[0].path in NEVER_MISSING:
            return (None,)
        if any(getattr(part, "path", None) == query.order[0].path for part in parts_of(query.criterion)):
            return (True,)
        return (False,) if query.after is not None and query.after[0] is None else (True, False)

    def _sought(self) -> Lead | None:
        """Return the title that is sought over many departments, where it has few records.

        PostgreSQL expects those who have a pair to be spread evenly over the names in order: of a city in a million
        names, that takes seconds. In few departments it is told how few they are.
        """
        criterion = self.query.criterion
        if not self.query.order or departments_of(criterion):
            return None
        return next(self.leads.titles_below(criterion, FENCED), None)

    def _listed(self) -> Lead | None:
        """Return the field of which many values are listed: they are keys, and SQLite would rather read all records."""
        for part in parts_of(self.query.criterion):
            if isinstance(part, OneOf) and len(part.path) == 1 and LISTED <= len(part.values) <= CHUNK:
                key = part.path[0]
                if key in self.context.module(self.query.module).readable_slots:
                    return Lead(part, key)
        return None

    def _straight(self) -> Lead | None:
        """Return the lead to follow without a walk: where nothing is walked, or a walk was left for it before."""
        if self._walked(self._halves[0]) is None:
            return self.leads.best(self.query.criterion)
        known: Lead | None = self.context.memory.recall(self._sparse)
        if known is not None:
            return known
        if not any(isinstance(part, Mentions | Contains) for part in parts_of(self.query.criterion)):
            return None
        return self.leads.best(self.query.criterion, SCOPED if departments_of(self.query.criterion) else NARROW)

    def _walk(self, key: FieldKey, limit: int, present: bool | None) -> Rows:
        """Walk an index over windows, and leave it where it has too little.

        A walk that was short is made in one go the next time.
        """
        found: Rows = []
        size, passed = GLANCE, None
        while True:
            end = self._first_end(key, present) if passed is None else self._end(key, present, size, passed)
            hits = self._page(limit - len(found), present, walked=key, end=end, passed=passed)
            found += hits
            missing = limit - len(found)
            if missing <= 0 or end is None:
                if missing <= 0 and size <= SHORT:
                    self.context.memory.note((self._sparse, present), value=True)
                return found
            passed = end
            ahead = size * missing * self._step * 2 // max(2 * len(hits), 1)
            lead = self.leads.best(self.query.criterion, ahead) if ahead > FAR else None
            if lead is not None and lead.cost <= ahead:
                self.context.memory.note(self._sparse, lead)
                return found + self._page(missing, present, lead=lead, passed=passed)
            size = WINDOW if size == GLANCE else size * 4

    @property
    def _step(self) -> int:
        """What walking over one record takes: where its scope stands in the index, few are looked up."""
        scoped = any(getattr(part, "path", None) in _SCOPES for part in parts_of(self.query.criterion))
        return 1 if scoped else LOOKED_UP

    @cached_property
    def _sparse(self) -> tuple[Any, ...]:
        """What the lead is noted under for which a walk was left."""
        query = self.query
        return "sparse", self.context.tenant, query.module, timeless(query.criterion), query.order

    def _walked(self, present: bool | None) -> FieldKey | None:
        """Return the field by whose index records are walked in order; `None` if there is no such index."""
        if not self.query.order:
            return "id"
        path = self.query.order[0].path
        if len(self.query.order) > 1 or len(path) > 1 or path[0] in ("owner", "department"):
            return None
        if index_of(self.context, self.query.module, path[0]) is None:
            return None
        return "id" if present is False else path[0]

    def _first_end(self, key: FieldKey, present: bool | None) -> Any:
        """Return the end of the first window, from memory if it can: where it is exactly doesn't matter."""
        if self.query.after is not None:
            return self._end(key, present, GLANCE, None)
        bounds = tuple(map(timeless, bounds_of(self.query.criterion, key)))
        noted = "end", self.context.tenant, self.query.module, self.query.order, present, bounds
        end = self.context.memory.recall(noted)
        if end is None:
            end = self._end(key, present, GLANCE, None)
            self.context.memory.note(noted, end)
        return end

    def _end(self, key: FieldKey, present: bool | None, size: int, passed: Any) -> Any:
        """Return the sort value at the end of a window; `None` if no more records are left than it takes."""
        query, shaper = self.query, Shaper(self.context, self.leads.titles)
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
        rows = self.context.ask(shape, build, shaper.values, hint=index_of(self.context, query.module, key))
        return rows[0][0] if rows else None

    def _page(
        self,
        limit: int | None,
        present: bool | None,
        *,
        walked: FieldKey | None = None,
        lead: Lead | None = None,
        end: Any = None,
        passed: Any = None,
    ) -> Rows:
        """Return rows found by the index that is walked, by a lead, or by whatever the planner finds.

        Args:
            limit: How many at most.
            present: Whether the first sort value is there; `None` for both.
            walked: The field by whose index they are walked.
            lead: What leads to them otherwise.
            end: The sort value at which a window ends.
            passed: The sort value at which the one before ended.
        """
        query, by_table = self.query, lead is not None and lead.key is None
        part = lead.criterion if lead is not None and by_table else None
        shaper = Shaper(self.context, self.leads.titles, counting=limit is None, lead=part)
        shape = shaper.shape(query.criterion, query.module)
        if isinstance(shape, Nothing):
            return []
        asked = _Asked(
            present,
            position_of(self.context, self.query, shaper),
            None if end is None else shaper.give(end),
            None if passed is None else shaper.give(passed),
            self._most(limit, shaper),
            free=walked is None and lead is None,
            plain=walked is not None and self.context.connection.dialect.name == "sqlite",
        )
        if walked is not None:
            descending = bool(query.order) and query.order[0].descending
            begun, ended = passed is not None or query.after is not None, end is not None
            shape = loosened(shape, walked, descending=descending, begun=begun, ended=ended)
        key = (
            "page",
            layouts(self.context, query.module, *(item.path for item in query.order)),
            query.order,
            shape,
            asked,
        )
        hint = self._hint(lead, walked)
        return self.context.ask(key, lambda: self._statement(shape, asked), shaper.values, hint=hint)

    def _hint(self, lead: Lead | None, walked: FieldKey | None) -> str | None:
        if lead is not None:
            return self.leads.hint(lead)
        return None if walked is None else index_of(self.context, self.query.module, walked)

    def _most(self, limit: int | None, shaper: Shaper) -> Given | int | None:
        """Return the limit; PostgreSQL plans for its number, which therefore belongs to the statement."""
        if limit is None or self.context.connection.dialect.name == "postgresql":
            return limit
        return shaper.give(limit)

    def _statement(self, shape: Any, asked: _Asked) -> Any:
        """Return the statement that finds the narrow rows of a page first, and then reads the documents of these."""
        source = Source(self.context, self.query.module, led=True)
        half = half_of(source, self.query.order, asked.position, present=asked.present)
        condition = source.condition(shape)
        until = [] if asked.end is None else [half.keys[0].until(asked.end)]
        keys = self._unled(half) if asked.free else half.keys
        order = [part for key in keys for part in key.ordering()]
        sorted_by = [key.expression.label(f"key_{place}") for place, key in enumerate(keys[:-1])]
        where = [*half.within, half.first, condition, *until, *half.beyond(asked.passed)]
        if asked.plain:  # in the order of the index: nothing is sorted
            statement = select(*record_columns(source.record, source.document)).select_from(source.rows(document=True))
            return _limited(statement.where(*where).order_by(*order), asked.limit)
        narrow = [source.record.c[name] for name in NARROW_COLUMNS]
        page = select(*narrow, *sorted_by).select_from(source.rows()).where(*where).order_by(*order)
        return self._with_documents(_limited(page, asked.limit).subquery(), half)

    def _unled(self, half: Half) -> Sequence[Any]:
        """Return sort keys for which SQLite uses no index: it would rather sort than filter."""
        dialect = self.context.connection.dialect
        return [attrs.evolve(key, expression=unindexed(key.expression, dialect)) for key in half.keys]

    def _with_documents(self, page: Any, half: Half) -> Any:
        document = self.context.memory.alias(self.context.tables.document, "found")
        columns = [page.c[f"key_{place}"] for place in range(len(half.keys) - 1)] + [page.c.id]
        keys = [attrs.evolve(key, expression=column) for key, column in zip(half.keys, columns, strict=True)]
        same = (document.c.tenant_id == TENANT) & (document.c.record_id == page.c.id)
        narrow = [page.c[name] for name in NARROW_COLUMNS if name != "tenant_id"]
        statement = select(*narrow, *document_columns(document)).select_from(page.join(document, same))
        return statement.order_by(*(part for key in keys for part in key.ordering()))


@attrs.frozen
class _Asked:
    """What a statement for a page depends on besides the criterion and the order.

    `free` says that nothing leads; `plain`, that documents are read row by row.
    """

    present: bool | None
    position: Position
    end: Given | None
    passed: Given | None
    limit: Given | int | None
    free: bool
    plain: bool


def _limited(statement: Any, limit: Given | int | None) -> Any:
    if limit is None:
        return statement
    return statement.limit(
        given_parameter(limit, BigInteger()) if isinstance(limit, Given) else literal_column(str(limit))
    )

"""Queries over records in tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import Operand, Source
from custinfo.adapters.sqlalchemy._rows import record_columns, record_from_row
from custinfo.core.records import Record
from custinfo.ports.repositories import Grouping, Query

__all__ = ["SqlAlchemyQueries"]


@attrs.frozen(eq=False)
class _SortKey:
    """One sort key: an expression, its direction, and whether it may be missing."""

    expression: ColumnElement[Any]
    descending: bool = False
    optional: bool = True

    def ordering(self) -> list[ColumnElement[Any]]:
        """Return what to sort by; missing values come last."""
        directed = self.expression.desc() if self.descending else self.expression.asc()
        return [self.expression.is_(None), directed] if self.optional else [directed]

    def behind(self, value: Any) -> ColumnElement[bool]:
        """Return the condition that a row's value comes behind `value`."""
        if value is None:
            return false()
        behind: ColumnElement[bool] = self.expression < value if self.descending else self.expression > value
        return or_(behind, self.expression.is_(None)) if self.optional else behind

    def same(self, value: Any) -> ColumnElement[bool]:
        """Return the condition that a row's value is `value`."""
        return self.expression.is_(None) if value is None else self.expression == value


def _behind(keys: Sequence[_SortKey], position: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a row comes behind a position."""
    key, *others = keys
    if not others:
        return key.behind(position[0])
    return or_(key.behind(position[0]), and_(key.same(position[0]), _behind(others, position[1:])))


class SqlAlchemyQueries:
    """Answer queries with SQL."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context

    def find(self, query: Query, /) -> Sequence[Record]:
        """Return the records in order; with a limit, documents are read for these alone.

        The rows whose first sort value is present and those where it is missing are asked for apart: an index has
        them in order then.
        """
        if not query.order:
            return self._find(query, present=None, limit=query.limit)
        found: list[Record] = []
        if query.after is None or query.after[0] is not None:
            found.extend(self._find(query, present=True, limit=query.limit))
        missing = None if query.limit is None else query.limit - len(found)
        if missing is None or missing > 0:
            found.extend(self._find(query, present=False, limit=missing))
        return found

    def count(self, query: Query, /) -> int:
        """Return how many records there are."""
        source = Source(self._context, query.module, counting=True)
        conditions = source.within(), source.condition(query.criterion)
        statement = select(func.count()).select_from(source.rows()).where(*conditions)
        return int(self._context.execute(statement).scalar_one())

    def distribution(self, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
        """Return typed value → number of records."""
        if grouping.dimension is not None:
            return self._tags(query, grouping.dimension)
        source = Source(self._context, query.module, counting=True)
        operand = source.operand(grouping.path or ())
        conditions = source.within(), source.condition(query.criterion)
        value = operand.expression.label("value")
        values = select(value).select_from(source.rows()).where(*conditions).subquery()
        counts: Counter[Any] = Counter()
        for stored, number in self._context.execute(select(values.c.value, func.count()).group_by(values.c.value)):
            for item in _groups(operand, stored):
                counts[item] += number
        return dict(counts)

    def _tags(self, query: Query, dimension: str) -> Mapping[Any, int]:
        source = Source(self._context, query.module, counting=True)
        conditions = source.within(), source.condition(query.criterion)
        tag = self._context.tables.tag.alias()
        same = and_(
            tag.c.tenant_id == source.record.c.tenant_id,
            tag.c.record_id == source.record.c.id,
            tag.c.dimension == dimension,
        )
        rows = source.rows().outerjoin(tag, same)
        statement = select(tag.c.value, func.count()).select_from(rows).where(*conditions).group_by(tag.c.value)
        return {row[0]: row[1] for row in self._context.execute(statement)}

    def _find(self, query: Query, *, present: bool | None, limit: int | None) -> list[Record]:
        """Return records of which the first sort value is there (`present`) or not; all if it is `None`."""
        if limit is None:
            source, keys, conditions = self._parts(query, present)
            rows = source.rows(document=True)
            statement = select(*record_columns(source.record, source.document)).select_from(rows).where(*conditions)
            statement = statement.order_by(*(part for key in keys for part in key.ordering()))
        else:
            statement = self._page(query, present, limit)
        prepared = self._context.module(query.module)
        return [record_from_row(row, query.module, prepared) for row in self._context.execute(statement)]

    def _page(self, query: Query, present: bool | None, limit: int) -> Select[Any]:
        """Return the statement that finds the ids of a page first, and then reads their documents."""
        source, keys, conditions = self._parts(query, present)
        columns = [key.expression.label(f"key_{number}") for number, key in enumerate(keys)]
        ordering = [part for key in keys for part in key.ordering()]
        page = (
            select(*columns).select_from(source.rows()).where(*conditions).order_by(*ordering).limit(limit).subquery()
        )
        outer = Source(self._context, query.module)
        found = outer.rows(document=True).join(
            page,
            and_(outer.record.c.tenant_id == self._context.tenant, outer.record.c.id == page.c[f"key_{len(keys) - 1}"]),
        )
        again = [
            part
            for number, key in enumerate(keys)
            for part in attrs.evolve(key, expression=page.c[f"key_{number}"]).ordering()
        ]
        return select(*record_columns(outer.record, outer.document)).select_from(found).order_by(*again)

    def _parts(self, query: Query, present: bool | None) -> tuple[Source, list[_SortKey], list[ColumnElement[bool]]]:
        """Return the rows, the sort keys and the conditions of a query or of one half of it."""
        source = Source(self._context, query.module)
        operands = [source.operand(order.path) for order in query.order]
        keys = [
            _SortKey(operand.expression, order.descending) for operand, order in zip(operands, query.order, strict=True)
        ]
        position = None
        if query.after is not None:
            *values, last = query.after
            position = [*map(_encoded, operands, values), last]
        conditions = [source.within(), source.condition(query.criterion)]
        if present is not None:
            first = keys[0].expression
            conditions.append(first.is_not(None) if present else first.is_(None))
            if present:
                keys[0] = attrs.evolve(keys[0], optional=False)
            else:
                del keys[0]
                position = position[1:] if position is not None and query.after and query.after[0] is None else None
        keys.append(_SortKey(source.record.c.id, optional=False))
        if position is not None:
            conditions.extend(_bounds(keys, position))
        return source, keys, conditions


def _bounds(keys: Sequence[_SortKey], position: Sequence[Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of a position; the first is redundant, and lets an index begin there."""
    first, value = keys[0], position[0]
    bounds = [_behind(keys, position)]
    if len(keys) > 1 and not first.optional:
        bounds.append(first.expression <= value if first.descending else first.expression >= value)
    return bounds


def _encoded(operand: Operand, value: Any) -> Any:
    return None if value is None else operand.encode(value)


def _groups(operand: Operand, stored: Any) -> Sequence[Any]:
    """Return the typed values of a group: of a list, each of its items."""
    if stored is None:
        return (None,)
    if operand.storage != "list":
        return (operand.decode(stored),)
    return tuple(operand.decode(json.loads(stored)))

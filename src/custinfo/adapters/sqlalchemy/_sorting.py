"""Sort keys, and positions between records in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from sqlalchemy import ColumnElement, and_, false, or_, true

from custinfo.adapters.sqlalchemy._criteria import Operand, Source
from custinfo.ports.repositories import Query

__all__ = ["Half", "SortKey", "half_of"]


@attrs.frozen(eq=False)
class SortKey:
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

    def until(self, value: Any) -> ColumnElement[bool]:
        """Return the condition that a row's value is `value` or comes before it."""
        until: ColumnElement[bool] = self.expression >= value if self.descending else self.expression <= value
        return until

    def same(self, value: Any) -> ColumnElement[bool]:
        """Return the condition that a row's value is `value`."""
        return self.expression.is_(None) if value is None else self.expression == value


@attrs.frozen(eq=False)
class Half:
    """The records of a query whose first sort value is there, or those of which it is missing; or all.

    An index has the records of a half in order, as it would not have those of both.

    Args:
        keys: The sort keys; the last is the id.
        within: The conditions that a record is of the module, and behind the position of the query.
        first: The condition that its first sort value is there, or that it is not.
    """

    keys: tuple[SortKey, ...]
    within: tuple[ColumnElement[bool], ...]
    first: ColumnElement[bool]

    def ordering(self) -> list[ColumnElement[Any]]:
        """Return what to sort by."""
        return [part for key in self.keys for part in key.ordering()]


def half_of(source: Source, query: Query, *, present: bool | None) -> Half:
    """Return one half of a query (`present` or not), or the whole for `None`: then none is missing."""
    operands = [source.operand(order.path) for order in query.order]
    keys = [SortKey(operand.expression, order.descending) for operand, order in zip(operands, query.order, strict=True)]
    position: list[Any] | None = None
    if query.after is not None:
        *values, last = query.after
        position = [*map(_encoded, operands, values), last]
    if present is None and keys:
        keys[0] = attrs.evolve(keys[0], optional=False)
    within = [source.within()]
    first: ColumnElement[bool] = true()
    if present is not None:
        first = keys[0].expression.is_not(None) if present else keys[0].expression.is_(None)
        if present:
            keys[0] = attrs.evolve(keys[0], optional=False)
        else:
            del keys[0]
            position = position[1:] if position is not None and query.after and query.after[0] is None else None
    keys.append(SortKey(source.record.c.id, optional=False))
    if position is not None:
        within.extend(_bounds(keys, position))
    return Half(tuple(keys), tuple(within), first)


def _behind(keys: Sequence[SortKey], position: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a row comes behind a position."""
    key, *others = keys
    if not others:
        return key.behind(position[0])
    return or_(key.behind(position[0]), and_(key.same(position[0]), _behind(others, position[1:])))


def _bounds(keys: Sequence[SortKey], position: Sequence[Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of a position; the second is redundant, and lets an index begin there."""
    first, value = keys[0], position[0]
    bounds = [_behind(keys, position)]
    if len(keys) > 1 and not first.optional:
        bounds.append(first.expression <= value if first.descending else first.expression >= value)
    return bounds


def _encoded(operand: Operand, value: Any) -> Any:
    return None if value is None else operand.encode(value)

"""Sort keys, and positions between records in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
from sqlalchemy import ColumnElement, and_, false, or_, true

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.adapters.sqlalchemy._fields import encoder
from custinfo.adapters.sqlalchemy._ready import Given, given_parameter
from custinfo.adapters.sqlalchemy._shaper import Shaper
from custinfo.ports.repositories import Order, Query

NEVER_MISSING: Final = frozenset({("id",), ("version",), ("created_at",), ("updated_at",)})
"""What every record has."""

__all__ = ["NEVER_MISSING", "Half", "Position", "SortKey", "half_of", "position_of"]

Position = tuple[Given | None, ...] | None
"""The sort values of a record, then its id; `None` for a value that is missing, and for no position at all."""


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

    def behind(self, value: Given | None) -> ColumnElement[bool]:
        """Return the condition that a row's value comes behind `value`."""
        if value is None:
            return false()
        given = self._given(value)
        behind: ColumnElement[bool] = self.expression < given if self.descending else self.expression > given
        return or_(behind, self.expression.is_(None)) if self.optional else behind

    def until(self, value: Given) -> ColumnElement[bool]:
        """Return the condition that a row's value is `value` or comes before it."""
        given = self._given(value)
        until: ColumnElement[bool] = self.expression >= given if self.descending else self.expression <= given
        return until

    def since(self, value: Given) -> ColumnElement[bool]:
        """Return the condition that a row's value is `value` or comes behind it."""
        given = self._given(value)
        since: ColumnElement[bool] = self.expression <= given if self.descending else self.expression >= given
        return since

    def same(self, value: Given | None) -> ColumnElement[bool]:
        """Return the condition that a row's value is `value`."""
        return self.expression.is_(None) if value is None else self.expression == self._given(value)

    def _given(self, value: Given) -> ColumnElement[Any]:
        return given_parameter(value, self.expression.type)


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

    def beyond(self, passed: Given | None) -> list[ColumnElement[bool]]:
        """Return the condition that the first sort value comes behind one that was passed, if one was."""
        return [] if passed is None else [self.keys[0].behind(passed)]

    def ordering(self) -> list[ColumnElement[Any]]:
        """Return what to sort by."""
        return [part for key in self.keys for part in key.ordering()]


def position_of(context: Context, query: Query, shaper: Shaper) -> Position:
    """Return the position of a query, its values given to a statement."""
    if query.after is None:
        return None
    *values, last = query.after
    given: list[Given | None] = []
    for item, value in zip(query.order, values, strict=True):
        encode = encoder(context, query.module, item.path)
        given.append(None if value is None else shaper.give(encode(value)))
    return (*given, shaper.give(last))


def half_of(source: Source, order: Sequence[Order], position: Position, *, present: bool | None) -> Half:
    """Return one half of a query (`present` or not), or the whole for `None`."""
    keys = [SortKey(source.operand(item.path).expression, item.descending) for item in order]
    within = [source.within()]
    first: ColumnElement[bool] = true()
    if present is not None:
        first = keys[0].expression.is_not(None) if present else keys[0].expression.is_(None)
    if present is False:
        del keys[0]
        position = position[1:] if position is not None and position[0] is None else None
    elif keys:
        keys[0] = attrs.evolve(keys[0], optional=present is None and order[0].path not in NEVER_MISSING)
    keys.append(SortKey(source.record.c.id, optional=False))
    if position is not None:
        within.extend(_bounds(keys, position))
    return Half(tuple(keys), tuple(within), first)


def _behind(keys: Sequence[SortKey], position: Sequence[Given | None]) -> ColumnElement[bool]:
    """Return the condition that a row comes behind a position."""
    key, *others = keys
    if not others:
        return key.behind(position[0])
    return or_(key.behind(position[0]), and_(key.same(position[0]), _behind(others, position[1:])))


def _bounds(keys: Sequence[SortKey], position: Sequence[Given | None]) -> list[ColumnElement[bool]]:
    """Return the conditions of a position; the second is redundant, and lets an index begin there."""
    first, value = keys[0], position[0]
    bounds = [_behind(keys, position)]
    if len(keys) > 1 and not first.optional and value is not None:
        bounds.append(first.since(value))
    return bounds

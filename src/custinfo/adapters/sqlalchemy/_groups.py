"""What records are grouped by, in SQL, and the typed groups that come of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from typing import Any

import attrs
from sqlalchemy import ColumnElement, FromClause, and_, case, func, literal

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.core.kinds import Kind
from custinfo.core.totals import Period, midnights, period_of
from custinfo.ports.repositories import Grouping

__all__ = ["Groups", "Reader", "group_reader", "groups_of"]


Reader = Callable[[Sequence[Any]], Sequence[Any]]


@attrs.frozen(eq=False)
class Groups:
    """What to select from, and to group by."""

    rows: Callable[[], FromClause]
    columns: Sequence[ColumnElement[Any]]


def groups_of(context: Context, source: Source, grouping: Grouping | None, kind: Kind | None) -> Groups:
    """Return the groups of a grouping by a field of `kind`, or by the tags of a dimension; one group for none."""
    if grouping is None:
        return Groups(source.rows, ())
    if grouping.dimension is not None:
        return _tags(context, source, grouping.dimension)
    value = source.operand(grouping.path or ()).expression
    if grouping.period is None or kind is None:
        return Groups(source.rows, (value,))
    if kind.key == "date":  # of months, quarters and years are made
        return Groups(source.rows, (func.substr(value, 1, 10 if grouping.period == "day" else 7),))
    return _instants(context, source, value)


def group_reader(context: Context, grouping: Grouping | None, kind: Kind | None) -> Reader:
    """Return what reads the typed groups of a row of the columns that `groups_of` gives."""
    if grouping is None:
        return lambda _: (None,)
    if grouping.dimension is not None or kind is None:
        return lambda row: (row[0],)
    if grouping.period is None:
        return lambda row: _values(kind, row[0])
    zone, period = context.schema.zone, grouping.period
    if kind.key == "date":
        return lambda row: (None if row[0] is None else _date(row[0], period, zone),)
    starts = midnights(zone)
    return lambda row: (None if row[0] is None else _instant(row, starts, period, zone),)


def _values(kind: Kind, stored: Any) -> Sequence[Any]:
    """Return the typed values of a group: of a list, each of its items."""
    if stored is None:
        return (None,)
    if kind.storage != "list":
        return (kind.decode(stored),)
    return tuple(kind.decode(json.loads(stored)))


def _tags(context: Context, source: Source, dimension: str) -> Groups:
    tag = context.tables.tag.alias()
    same = and_(
        tag.c.tenant_id == source.record.c.tenant_id,
        tag.c.record_id == source.record.c.id,
        tag.c.dimension == dimension,
    )
    return Groups(lambda: source.rows().outerjoin(tag, same), (tag.c.value,))


def _date(stored: str, period: Period, zone: tzinfo) -> date:
    return period_of(date.fromisoformat(f"{stored}-01"[:10]), period, zone)


def _instants(context: Context, source: Source, value: ColumnElement[Any]) -> Groups:
    """Group by the day in UTC and the part of it between two times at which days begin in the zone."""
    starts = midnights(context.schema.zone)
    clock = func.substr(value, 12)
    parts = [(clock < start, literal(place)) for place, start in enumerate(starts)]
    part: ColumnElement[Any] = case(*parts, else_=literal(len(starts))) if parts else literal(0)
    return Groups(source.rows, (func.substr(value, 1, 10), part))


def _instant(row: Sequence[Any], starts: Sequence[str], period: Period, zone: tzinfo) -> date:
    clock = "00:00:00" if row[1] == 0 else starts[row[1] - 1]
    return period_of(datetime.fromisoformat(f"{row[0]}T{clock}+00:00"), period, zone)

"""What records are grouped by, in SQL, and the typed groups that come of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import attrs
from sqlalchemy import ColumnElement, FromClause, and_, case, func, literal

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import Operand, Source
from custinfo.core.kinds import Kind
from custinfo.core.totals import Period, midnights, period_of
from custinfo.ports.repositories import Grouping

__all__ = ["Groups", "groups_of"]


@attrs.frozen(eq=False)
class Groups:
    """What to select from and to group by, and what reads the groups of a row of these columns.

    `joined` says that a record has several rows.
    """

    rows: Callable[[], FromClause]
    columns: Sequence[ColumnElement[Any]]
    read: Callable[[Sequence[Any]], Sequence[Any]]
    joined: bool = False


def groups_of(context: Context, source: Source, grouping: Grouping | None, kind: Kind | None) -> Groups:
    """Return the groups of a grouping by a field of `kind`, or by the tags of a dimension; one group for none."""
    if grouping is None:
        return Groups(source.rows, (), lambda _: (None,))
    if grouping.dimension is not None:
        return _tags(context, source, grouping.dimension)
    operand = source.operand(grouping.path or ())
    if grouping.period is None or kind is None:
        return Groups(source.rows, (operand.expression,), lambda row: _values(operand, row[0]))
    if kind.key == "date":
        return _dates(context, source, operand, grouping.period)
    return _instants(context, source, operand, grouping.period)


def _values(operand: Operand, stored: Any) -> Sequence[Any]:
    """Return the typed values of a group: of a list, each of its items."""
    if stored is None:
        return (None,)
    if operand.storage != "list":
        return (operand.decode(stored),)
    return tuple(operand.decode(json.loads(stored)))


def _tags(context: Context, source: Source, dimension: str) -> Groups:
    tag = context.tables.tag.alias()
    same = and_(
        tag.c.tenant_id == source.record.c.tenant_id,
        tag.c.record_id == source.record.c.id,
        tag.c.dimension == dimension,
    )
    return Groups(lambda: source.rows().outerjoin(tag, same), (tag.c.value,), lambda row: (row[0],), joined=True)


def _dates(context: Context, source: Source, operand: Operand, period: Period) -> Groups:
    """Group by the month, and make quarters and years of these."""
    length = 10 if period == "day" else 7

    def read(row: Sequence[Any]) -> Sequence[Any]:
        if row[0] is None:
            return (None,)
        return (period_of(date.fromisoformat(f"{row[0]}-01"[:10]), period, context.schema.zone),)

    return Groups(source.rows, (func.substr(operand.expression, 1, length),), read)


def _instants(context: Context, source: Source, operand: Operand, period: Period) -> Groups:
    """Group by the day in UTC and the part of it between two times at which days begin in the zone."""
    zone = context.schema.zone
    starts = midnights(zone)
    clock = func.substr(operand.expression, 12)
    parts = [(clock < start, literal(place)) for place, start in enumerate(starts)]
    part: ColumnElement[Any] = case(*parts, else_=literal(len(starts))) if parts else literal(0)

    def read(row: Sequence[Any]) -> Sequence[Any]:
        if row[0] is None:
            return (None,)
        clock = "00:00:00" if row[1] == 0 else starts[row[1] - 1]
        return (period_of(datetime.fromisoformat(f"{row[0]}T{clock}+00:00"), period, zone),)

    return Groups(source.rows, (func.substr(operand.expression, 1, 10), part), read)

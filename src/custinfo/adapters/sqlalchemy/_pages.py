"""The statements that find one page, once it is known by which way: a walk, a lead, or whatever the planner finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from sqlalchemy import BigInteger, Select, literal_column, select

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.adapters.sqlalchemy._dialects import unsorted
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, given_parameter
from custinfo.adapters.sqlalchemy._rows import NARROW_COLUMNS, document_columns, record_columns
from custinfo.adapters.sqlalchemy._shapes import Shape
from custinfo.adapters.sqlalchemy._sorting import Half, Position, SortKey, half_of
from custinfo.core.criteria.nodes import Everything
from custinfo.core.records import ModuleKey
from custinfo.ports.repositories import Order

__all__ = ["Asked", "page_statement"]


@attrs.frozen
class Asked:
    """What a statement for a page depends on besides the criterion and the order.

    Args:
        present: Whether the first sort value is there; `None` for both.
        position: Behind which the page begins.
        end: The sort value at which a window ends.
        passed: The sort value at which the one before ended.
        limit: How many at most.
        free: Whether nothing leads, so that no index is to be taken for its order.
        plain: Whether documents are read row by row.
        seen: What the index that is walked tells of each record by itself: PostgreSQL looks the others up, unless it
            is told to walk the index alone.
    """

    present: bool | None
    position: Position
    end: Given | None
    passed: Given | None
    limit: Given | int | None
    free: bool = False
    plain: bool = False
    seen: Shape = Everything()


def page_statement(
    context: Context, module: ModuleKey, order: Sequence[Order], shape: Shape, asked: Asked
) -> Select[Any]:
    """Return the statement that finds the narrow rows of a page first, and then reads the documents of these."""
    source = Source(context, module, led=True)
    half = half_of(source, order, asked.position, present=asked.present)
    condition = source.condition(shape)
    if asked.seen != Everything():
        return _with_documents(context, _seen_first(context, module, order, asked, source, condition), half)
    until = [] if asked.end is None else [half.keys[0].until(asked.end)]
    keys = _unsorted(half.keys, context) if asked.free else half.keys
    by = [part for key in keys for part in key.ordering()]
    where = [*half.within, half.first, condition, *until, *half.beyond(asked.passed)]
    if asked.plain:  # in the order of the index: nothing is sorted
        statement = select(*record_columns(source.record, source.document)).select_from(source.rows(document=True))
        return _limited(statement.where(*where).order_by(*by), asked.limit)
    page = select(*_narrow(source), *_labels(keys)).select_from(source.rows()).where(*where).order_by(*by)
    return _with_documents(context, _limited(page, asked.limit), half)


def _seen_first(
    context: Context, module: ModuleKey, order: Sequence[Order], asked: Asked, source: Source, condition: Any
) -> Select[Any]:
    """Return the narrow rows of those that an index alone has told to be seen, in its order, until there are enough.

    That a value is missing stands in no index of its own, and is left to be told of each record.
    """
    index = Source(context, module)
    half = half_of(index, order, asked.position, present=asked.present)
    within = [*half.within, index.condition(asked.seen), *half.beyond(asked.passed)]
    if asked.present is not False:
        within.append(half.first)
    if asked.end is not None:
        within.append(half.keys[0].until(asked.end))
    entries = select(index.record.c.id, *_labels(half.keys)).select_from(index.rows()).where(*within)
    walk = entries.order_by(*half.ordering()).offset(literal_column("0")).subquery("walked")  # which keeps it apart
    missing = half_of(source, order, None, present=False).first if asked.present is False else source.within()
    same = (source.record.c.tenant_id == TENANT) & (source.record.c.id == walk.c.id)
    keys = _renamed(half.keys, walk)
    by = [part for key in keys for part in key.ordering()]
    labels = [key.expression for key in keys[:-1]]
    found = select(*_narrow(source), *labels).select_from(walk.join(source.rows(), same)).where(missing, condition)
    return _limited(found.order_by(*by), asked.limit)


def _with_documents(context: Context, page: Select[Any], half: Half) -> Select[Any]:
    found, document = page.subquery(), context.memory.alias(context.tables.document, "found")
    same = (document.c.tenant_id == TENANT) & (document.c.record_id == found.c.id)
    narrow = [found.c[name] for name in NARROW_COLUMNS if name != "tenant_id"]
    statement = select(*narrow, *document_columns(document)).select_from(found.join(document, same))
    return statement.order_by(*(part for key in _renamed(half.keys, found) for part in key.ordering()))


def _narrow(source: Source) -> list[Any]:
    return [source.record.c[name] for name in NARROW_COLUMNS]


def _labels(keys: Sequence[SortKey]) -> list[Any]:
    """Return the sort values as columns, but for the id."""
    return [key.expression.label(f"key_{place}") for place, key in enumerate(keys[:-1])]


def _renamed(keys: Sequence[SortKey], rows: Any) -> list[SortKey]:
    """Return the sort keys of rows that have the columns of `_labels` and an id."""
    columns = [rows.c[f"key_{place}"] for place in range(len(keys) - 1)] + [rows.c.id]
    return [attrs.evolve(key, expression=column) for key, column in zip(keys, columns, strict=True)]


def _unsorted(keys: Sequence[SortKey], context: Context) -> Sequence[SortKey]:
    """Return sort keys for which no index is taken: SQLite and PostgreSQL would rather walk one than filter."""
    dialect = context.connection.dialect
    return [attrs.evolve(key, expression=unsorted(key.expression, dialect)) for key in keys]


def _limited(statement: Select[Any], limit: Given | int | None) -> Select[Any]:
    if limit is None:
        return statement
    return statement.limit(
        given_parameter(limit, BigInteger()) if isinstance(limit, Given) else literal_column(str(limit))
    )

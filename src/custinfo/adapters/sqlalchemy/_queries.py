"""Queries over records in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import Label, Select, and_, func, select

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.adapters.sqlalchemy._dialects import exact_sum
from custinfo.adapters.sqlalchemy._groups import Groups, groups_of
from custinfo.adapters.sqlalchemy._paging import Pager
from custinfo.adapters.sqlalchemy._rows import record_columns, record_from_row
from custinfo.adapters.sqlalchemy._sorting import half_of
from custinfo.adapters.sqlalchemy._statements import record_statements
from custinfo.adapters.sqlalchemy._titles import TitleSearch
from custinfo.adapters.sqlalchemy._windows import Driver, Windows
from custinfo.core.criteria.nodes import Criterion, Path, Present, all_of
from custinfo.core.records import Record
from custinfo.core.totals import Tally, Total
from custinfo.ports.repositories import Grouping, Query
from custinfo.ports.scanning import kind_at

__all__ = ["SqlAlchemyQueries"]


_NEVER_MISSING: Final = frozenset({("id",), ("version",), ("created_at",), ("updated_at",)})


class SqlAlchemyQueries:
    """Answer queries with SQL."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._titles = TitleSearch(context)
        self._drivers: dict[tuple[str, Criterion], Driver | None] = {}

    def find(self, query: Query, /) -> Sequence[Record]:
        """Return the records in order; with a limit, documents are read for these alone.

        The rows whose first sort value is present and those where it is missing are asked for apart: an index has
        them in order then.
        """
        if not query.order or query.order[0].path in _NEVER_MISSING:
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
        source = self._source(query, counting=True)
        driver = self._driver(query)
        if driver is not None:
            window, found = self._windows(query).narrowed(query.criterion, driver)
            statement = select(func.count()).select_from(window).where(*found)
        else:
            conditions = source.within(), source.condition(query.criterion)
            statement = select(func.count()).select_from(source.rows()).where(*conditions)
        return int(self._context.execute(statement).scalar_one())

    def distribution(self, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
        """Return typed value → number of records."""
        counts: Counter[Any] = Counter()
        if self._is_sparse(query, grouping):
            present = attrs.evolve(query, criterion=all_of([Present(grouping.path or ()), query.criterion]))
            counts.update(self._counted(present, grouping))
            counts[None] = self.count(query) - counts.total()
            return {group: number for group, number in counts.items() if number}
        return self._counted(query, grouping)

    def _counted(self, query: Query, grouping: Grouping) -> dict[Any, int]:
        counts: Counter[Any] = Counter()
        for groups, part in self._tallies(query, None, grouping):
            for group in groups:
                counts[group] += part.records
        return dict(counts)

    def _is_sparse(self, query: Query, grouping: Grouping) -> bool:
        """Tell whether all values stand in a partial index, which does not answer how many records have none."""
        path = grouping.path or ()
        slots = self._context.module(query.module).readable_slots
        partial = self._context.connection.dialect.name in ("sqlite", "postgresql")
        return partial and len(path) == 1 and path[0] in slots and self._driver(query) is None

    def totals(self, query: Query, path: Path, grouping: Grouping | None, /) -> Mapping[Any, Total]:
        """Return typed value → the total of the number at `path`."""
        found: dict[Any, Tally] = {} if grouping is not None else {None: Tally()}
        for groups, part in self._tallies(query, path, grouping):
            for group in groups:
                found[group] = found.get(group, Tally()) + part
        kind = kind_at(path, query.module, self._context.schema)
        return {group: part.total(kind) for group, part in found.items()}

    def _tallies(
        self, query: Query, path: Path | None, grouping: Grouping | None
    ) -> Iterator[tuple[Sequence[Any], Tally]]:
        """Yield the groups of each row that the database counted, and what it counted there."""
        source = self._source(query, counting=True)
        grouped = grouping.path if grouping is not None else None
        kind = kind_at(grouped, query.module, self._context.schema) if grouped else None
        groups = groups_of(self._context, source, grouping, kind)
        labels = [column.label(f"group_{number}") for number, column in enumerate(groups.columns)]
        values = [] if path is None else [source.operand(path).expression.label("value")]
        if not labels and not values:
            return
        inner = self._inner(query, source, groups, [*labels, *values]).subquery()
        by = [inner.c[label.name] for label in labels]
        sums = exact_sum(inner.c.value, self._context.connection.dialect) if values else ()
        ends = (func.count(inner.c.value), func.min(inner.c.value), func.max(inner.c.value)) if values else ()
        statement = select(func.count(), *ends, *sums, *by).select_from(inner).group_by(*by)
        for row in self._context.execute(statement):
            number, rest = row[0], row[1 : 1 + len(ends)]
            parts = row[1 + len(ends) : 1 + len(ends) + len(sums)]
            yield groups.read(row[1 + len(ends) + len(sums) :]), _tally(number, rest, parts)

    def _find(self, query: Query, *, present: bool | None, limit: int | None) -> list[Record]:
        """Return records of which the first sort value is there (`present`) or not; all if it is `None`."""
        if limit is not None and self._context.connection.dialect.name != "postgresql":
            return self._read(query, Pager(self._windows(query), query, present).ids(limit))
        statement = self._whole(query, present) if limit is None else self._page(query, present, limit)
        prepared = self._context.module(query.module)
        return [record_from_row(row, query.module, prepared) for row in self._context.execute(statement)]

    def _read(self, query: Query, record_ids: Sequence[str]) -> list[Record]:
        """Return records by id, in the order of the ids."""
        prepared, statements = self._context.module(query.module), record_statements(self._context.tables)
        found: dict[str, Record] = {}
        for part in chunked(record_ids):
            given = {"tenant": self._context.tenant, "module": query.module, "keys": part}
            rows = self._context.execute(statements.get_many, given)
            found.update({row[0]: record_from_row(row, query.module, prepared) for row in rows})
        return [found[key] for key in record_ids]

    def _whole(self, query: Query, present: bool | None) -> Select[Any]:
        source = self._source(query, counting=True)
        half = half_of(source, query, present=present)
        condition = source.condition(query.criterion)
        rows = source.rows(document=True)
        statement = select(*record_columns(source.record, source.document)).select_from(rows)
        return statement.where(*half.within, half.first, condition).order_by(*half.ordering())

    def _page(self, query: Query, present: bool | None, limit: int) -> Select[Any]:
        """Return the statement that finds the ids of a page first, and then reads their documents."""
        source = self._source(query)
        half = half_of(source, query, present=present)
        condition = source.condition(query.criterion)
        columns = [key.expression.label(f"key_{number}") for number, key in enumerate(half.keys)]
        inner = select(*columns).select_from(source.rows()).where(*half.within, half.first, condition)
        page = inner.order_by(*half.ordering()).limit(limit).subquery()
        outer = self._source(query)
        last = page.c[f"key_{len(half.keys) - 1}"]
        same = and_(outer.record.c.tenant_id == self._context.tenant, outer.record.c.id == last)
        again = [
            part
            for number, key in enumerate(half.keys)
            for part in attrs.evolve(key, expression=page.c[f"key_{number}"]).ordering()
        ]
        rows = outer.rows(document=True).join(page, same)
        return select(*record_columns(outer.record, outer.document)).select_from(rows).order_by(*again)

    def _windows(self, query: Query) -> Windows:
        return Windows(self._context, self._titles, query.module, self._drivers)

    def _inner(self, query: Query, source: Source, groups: Groups, columns: list[Label[Any]]) -> Select[Any]:
        """Return the columns of all records of a query, one row for each."""
        windows, driver = self._windows(query), self._driver(query)
        if driver is None:
            conditions = source.within(), source.condition(query.criterion)
            return select(*columns).select_from(groups.rows()).where(*conditions)
        window, found = windows.narrowed(query.criterion, driver)
        if groups.joined:
            narrow = source.record.c.id.in_(select(window.c.id).where(*found))
            return select(*columns).select_from(groups.rows()).where(source.within(), narrow)
        labels = [windows.looked_up(window, source, column.element).label(column.name) for column in columns]
        return select(*labels).select_from(window).where(*found)

    def _driver(self, query: Query) -> Driver | None:
        """Return the part of a criterion whose index leads to few records; PostgreSQL finds it by itself."""
        if self._context.connection.dialect.name == "postgresql":
            return None
        return self._windows(query).driver(query.criterion)

    def _source(self, query: Query, *, counting: bool = False) -> Source:
        return Source(self._context, query.module, self._titles, counting=counting)


def _tally(records: int, ends: Sequence[Any], sums: Sequence[Any]) -> Tally:
    """Return a tally of what a row says: the number of values, the least, the greatest, and the parts of the sum."""
    if not ends:
        return Tally(records)
    values, low, high = ends
    return Tally(
        records,
        int(values),
        sum(int(part or 0) << shift for part, shift in zip(sums, (0, 32), strict=False)),
        None if low is None else int(low),
        None if high is None else int(high),
    )

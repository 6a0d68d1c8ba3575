"""Queries over records in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import Select, func, literal, select

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.adapters.sqlalchemy._dialects import exact_sum
from custinfo.adapters.sqlalchemy._fields import layouts
from custinfo.adapters.sqlalchemy._groups import Groups, group_reader, groups_of
from custinfo.adapters.sqlalchemy._leads import Lead, Leads
from custinfo.adapters.sqlalchemy._paging import Pager
from custinfo.adapters.sqlalchemy._ready import Question
from custinfo.adapters.sqlalchemy._rows import record_from_row
from custinfo.adapters.sqlalchemy._shaper import Shaper
from custinfo.adapters.sqlalchemy._titles import TitleSearch
from custinfo.core.criteria.nodes import Contains, Mentions, Nothing, Path, Present, all_of
from custinfo.core.criteria.walking import leaves
from custinfo.core.records import Record
from custinfo.core.totals import Tally, Total
from custinfo.ports.repositories import Grouping, Query
from custinfo.ports.scanning import kind_at

__all__ = ["SqlAlchemyQueries"]


class SqlAlchemyQueries:
    """Answer queries with SQL."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._titles = TitleSearch(context)

    def find(self, query: Query, /) -> Sequence[Record]:
        """Return the records in order; with a limit, documents are read for these alone."""
        prepared = self._context.module(query.module)
        pager = Pager(self._context, Leads(self._context, self._titles, query.module), query)
        return [record_from_row(row, query.module, prepared) for row in pager.rows()]

    def count(self, query: Query, /) -> int:
        """Return how many records there are."""
        shaper, hint, shape = self._counted(query)
        if isinstance(shape, Nothing):
            return 0

        def build() -> Select[Any]:
            source = Source(self._context, query.module, led=True)
            conditions = source.within(), source.condition(shape)
            return select(func.count()).select_from(source.rows()).where(*conditions)

        key = ("count", layouts(self._context, query.module), shape)
        return int(self._context.ask(Question(key, build, shaper.values, hint, _is_steady(query)))[0][0])

    def distribution(self, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
        """Return typed value → number of records."""
        if not self._is_sparse(query, grouping):
            return self._grouped(query, grouping)
        present = attrs.evolve(query, criterion=all_of([Present(grouping.path or ()), query.criterion]))
        counts = self._grouped(present, grouping)
        counts[None] = self.count(query) - sum(counts.values())
        return {group: number for group, number in counts.items() if number}

    def totals(self, query: Query, path: Path, grouping: Grouping | None, /) -> Mapping[Any, Total]:
        """Return typed value → the total of the number at `path`."""
        found: dict[Any, Tally] = {} if grouping is not None else {None: Tally()}
        for groups, part in self._tallies(query, path, grouping):
            for group in groups:
                found[group] = found.get(group, Tally()) + part
        kind = kind_at(path, query.module, self._context.schema)
        return {group: part.total(kind) for group, part in found.items()}

    def _grouped(self, query: Query, grouping: Grouping) -> dict[Any, int]:
        counts: Counter[Any] = Counter()
        for groups, part in self._tallies(query, None, grouping):
            for group in groups:
                counts[group] += part.records
        return dict(counts)

    def _is_sparse(self, query: Query, grouping: Grouping) -> bool:
        """Tell whether SQLite counts in a partial index, which does not answer how many records have no value."""
        path = grouping.path or ()
        if len(path) != 1 or path[0] not in self._context.module(query.module).readable_slots:
            return False
        return self._context.connection.dialect.name == "sqlite" and self._lead(query) is None

    def _tallies(
        self, query: Query, path: Path | None, grouping: Grouping | None
    ) -> Iterator[tuple[Sequence[Any], Tally]]:
        """Yield the groups of each row that the database counted, and what it counted there."""
        shaper, hint, shape = self._counted(query)
        if isinstance(shape, Nothing):
            return
        grouped = grouping.path if grouping is not None else None
        kind = kind_at(grouped, query.module, self._context.schema) if grouped else None
        read = group_reader(self._context, grouping, kind)
        paths = [item for item in (path, grouped) if item is not None]
        key = ("tally", layouts(self._context, query.module, *paths), path, grouping, self._context.schema.zone, shape)

        def build() -> Select[Any]:
            return self._tallied(shape, path, groups_of(self._context, source, grouping, kind), source)

        source = Source(self._context, query.module, led=True)
        width = 0 if path is None else (4 if self._context.connection.dialect.name != "sqlite" else 5)
        for row in self._context.ask(Question(key, build, shaper.values, hint, _is_steady(query))):
            yield read(row[1 + width :]), _tally(row[0], row[1 : 1 + width])

    def _tallied(self, shape: Any, path: Path | None, groups: Groups, source: Source) -> Select[Any]:
        labels = [column.label(f"group_{number}") for number, column in enumerate(groups.columns)]
        values = [] if path is None else [source.operand(path).expression.label("value")]
        condition = source.condition(shape)
        columns = [*labels, *values] or [literal(1).label("one")]
        inner = select(*columns).select_from(groups.rows()).where(source.within(), condition).subquery()
        by = [inner.c[label.name] for label in labels]
        sums = exact_sum(inner.c.value, self._context.connection.dialect) if values else ()
        ends = (func.count(inner.c.value), func.min(inner.c.value), func.max(inner.c.value)) if values else ()
        return select(func.count(), *ends, *sums, *by).select_from(inner).group_by(*by)

    def _counted(self, query: Query) -> tuple[Shaper, str | None, Any]:
        """Return what gives the values of a query for all that match, the index that leads there, and its shape."""
        lead = self._lead(query)
        part = lead.criterion if lead is not None and lead.key is None else None
        shaper = Shaper(self._context, self._titles, counting=True, lead=part)
        hint = None if lead is None else Leads(self._context, self._titles, query.module).hint(lead)
        return shaper, hint, shaper.shape(query.criterion, query.module)

    def _lead(self, query: Query) -> Lead | None:
        """Return what leads to the records of a query; PostgreSQL finds it by itself."""
        if self._context.connection.dialect.name == "postgresql":
            return None
        leads = Leads(self._context, self._titles, query.module)
        return leads.only(query.criterion) or leads.best(query.criterion)


def _is_steady(query: Query) -> bool:
    """Tell whether one plan serves all values of a query: of titles, some have a pair of characters, and some all."""
    return not any(isinstance(leaf, Mentions | Contains) for leaf in leaves(query.criterion))


def _tally(records: int, found: Sequence[Any]) -> Tally:
    """Return a tally of what a row says: the number of values, the least, the greatest, and the parts of the sum."""
    if not found:
        return Tally(records)
    values, low, high, *sums = found
    return Tally(
        records,
        int(values),
        sum(int(part or 0) << shift for part, shift in zip(sums, (0, 32), strict=False)),
        None if low is None else int(low),
        None if high is None else int(high),
    )

"""What a store should answer, worked out from the records themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cmp_to_key
from typing import Any

import attrs

from custinfo.core.criteria.evaluate import compile_predicate, read_path
from custinfo.core.criteria.nodes import Path
from custinfo.core.offers import offered
from custinfo.core.records import FieldKey, Record
from custinfo.core.schema import Schema
from custinfo.core.totals import NUMBER_KINDS, Total, period_of, tally
from custinfo.ports import Grouping, Query, TotalQueries, UnitOfWork
from custinfo.ports.scanning import kind_at

__all__ = ["find_disagreement"]


@attrs.frozen
class _Model:
    """Answer queries over records by looking at each."""

    schema: Schema
    records: Sequence[Record]

    def related(self, record: Record, key: FieldKey) -> Record | None:
        """Follow a reference."""
        module = self.schema.module(record.module).definition.fields[key].options["module"]
        target = record.values.get(key)
        return next((item for item in self.records if item.id == target and item.module == module), None)

    def read(self, record: Record, path: Path) -> Any:
        """Return the value at the end of a path."""
        *hop, key = path
        return read_path(self.related(record, hop[0]) if hop else record, key)

    def position(self, record: Record, query: Query) -> tuple[Any, ...]:
        """Return the sort values of a record and its id."""
        return (*(self.read(record, order.path) for order in query.order), record.id)

    def find(self, query: Query) -> list[Record]:
        """Return all records of a query in order."""
        holds = compile_predicate(query.criterion)
        descending = (*(order.descending for order in query.order), False)

        def compare(one: Record, other: Record) -> int:
            pairs = zip(self.position(one, query), self.position(other, query), descending, strict=True)
            for left, right, down in pairs:
                if left != right:
                    if left is None or right is None:
                        return 1 if left is None else -1
                    return -1 if (left < right) != down else 1
            return 0

        wanted = [item for item in self.records if item.module == query.module and holds(item, self.related)]
        return sorted(wanted, key=cmp_to_key(compare))

    def distribution(self, query: Query, grouping: Grouping) -> dict[Any, int]:
        """Return the number of records of each group."""
        counts: Counter[Any] = Counter()
        for record in self.find(query):
            if grouping.dimension is not None:
                tags: list[str | None] = [tag.value for tag in record.tags if tag.dimension == grouping.dimension]
                counts.update(tags or [None])
            else:
                counts.update(self.groups(record, grouping))
        return dict(counts)

    def groups(self, record: Record, grouping: Grouping) -> Sequence[Any]:
        """Return the groups of a record by a field."""
        value = self.read(record, grouping.path or ())
        if grouping.period is not None and value is not None:
            return [period_of(value, grouping.period, self.schema.zone)]
        return value if isinstance(value, tuple) else [value]

    def totals(self, query: Query, path: Path, grouping: Grouping | None) -> dict[Any, Total]:
        """Return the total of each group by a field, or of everything."""
        found: dict[Any, list[Any]] = {} if grouping is not None else {None: []}
        for record in self.find(query):
            for group in [None] if grouping is None else self.groups(record, grouping):
                found.setdefault(group, []).append(self.read(record, path))
        kind = kind_at(path, query.module, self.schema)
        return {group: tally(values, kind).total(kind) for group, values in found.items()}


def find_disagreement(
    unit: UnitOfWork, schema: Schema, records: Sequence[Record], query: Query, grouping: Grouping, *, size: int = 2
) -> str | None:
    """Return how a store's answers differ from what they should be; `None` if they do not.

    Find at once and in pages, count and distribution are compared with the predicates of `custinfo.core.criteria`.

    Args:
        unit: A unit of work in which exactly `records` are stored.
        schema: The configuration.
        records: What is stored, of whatever modules.
        query: What to ask, with a bound criterion.
        grouping: What to group by.
        size: The size of a page.
    """
    model = _Model(schema, records)
    expected = model.find(query)
    found = list(unit.queries.find(query))
    if found != expected:
        return f"find: {[item.id for item in found]} instead of {[item.id for item in expected]}"
    if unit.queries.count(query) != len(expected):
        return f"count: {unit.queries.count(query)} instead of {len(expected)}"
    walked: list[Record] = []
    page = attrs.evolve(query, limit=size)
    while part := unit.queries.find(page):
        walked.extend(part)
        page = attrs.evolve(page, after=model.position(part[-1], query))
        if len(walked) > len(expected):
            break
    if walked != expected:
        return f"pages: {[item.id for item in walked]} instead of {[item.id for item in expected]}"
    groups = dict(unit.queries.distribution(query, grouping))
    if groups != model.distribution(query, grouping):
        return f"distribution: {groups} instead of {model.distribution(query, grouping)}"
    return _disagreement_on_totals(unit, model, query, grouping)


def _disagreement_on_totals(unit: UnitOfWork, model: _Model, query: Query, grouping: Grouping) -> str | None:
    """Compare what the numbers that are not references to elsewhere come to, where the store adds up."""
    queries = offered(unit.queries, TotalQueries)
    if queries is None:
        return None
    module = model.schema.module(query.module)
    paths = [(key,) for key, kind in module.kinds.items() if kind.key in NUMBER_KINDS]
    for path in paths:
        for by in (None, grouping) if grouping.dimension is None else (None,):
            expected, found = model.totals(query, path, by), dict(queries.totals(query, path, by))
            if found != expected:
                return f"totals of {path} by {by}: {found} instead of {expected}"
    return None

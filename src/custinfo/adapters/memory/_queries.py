"""Queries over records in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from custinfo.adapters.memory._state import State
from custinfo.core.criteria.evaluate import compile_predicate, read_path
from custinfo.core.criteria.nodes import Path
from custinfo.core.records import FieldKey, Record, RecordId
from custinfo.core.schema import Schema
from custinfo.ports.repositories import Grouping, Query

__all__ = ["MemoryQueries"]


def _compare(one: Sequence[Any], other: Sequence[Any], descending: Sequence[bool]) -> int:
    """Order two positions; missing values come last whatever the direction."""
    for left, right, down in zip(one, other, descending, strict=True):
        if left == right:
            continue
        if left is None or right is None:
            return 1 if left is None else -1
        return -1 if (left < right) != down else 1
    return 0


class MemoryQueries:
    """Answer queries by looking at every record."""

    def __init__(self, state: State, schema: Schema) -> None:
        self._state = state
        self._schema = schema

    def find(self, query: Query, /) -> Sequence[Record]:
        """Return the records in order."""
        descending = (*(order.descending for order in query.order), False)
        paths = [order.path for order in query.order]
        rows: list[tuple[tuple[Any, ...], Record]] = [
            ((*(self._read(record, path) for path in paths), record.id), record) for record in self._matching(query)
        ]

        def compare(one: tuple[Any, Record], other: tuple[Any, Record]) -> int:
            return _compare(one[0], other[0], descending)

        rows.sort(key=cmp_to_key(compare))
        if query.after is not None:
            rows = [row for row in rows if _compare(row[0], query.after, descending) > 0]
        return [record for _, record in rows[: query.limit]]

    def count(self, query: Query, /) -> int:
        """Return how many records there are."""
        return sum(1 for _ in self._matching(query))

    def distribution(self, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
        """Return typed value → number of records."""
        return Counter(value for record in self._matching(query) for value in self._groups(record, grouping))

    def _groups(self, record: Record, grouping: Grouping) -> Sequence[Any]:
        if grouping.dimension is not None:
            return [tag.value for tag in record.tags if tag.dimension == grouping.dimension] or [None]
        value = self._read(record, grouping.path or ())
        return value if isinstance(value, tuple) else [value]

    def _matching(self, query: Query) -> Iterator[Record]:
        holds = compile_predicate(query.criterion)
        related = self._related
        return (
            record
            for (module, _), record in self._state.records.items()
            if module == query.module and holds(record, related)
        )

    def _read(self, record: Record, path: Path) -> Any:
        *hop, key = path
        return read_path(self._related(record, hop[0]) if hop else record, key)

    def _related(self, record: Record, key: FieldKey) -> Record | None:
        target = self._schema.module(record.module).definition.fields[key].options["module"]
        record_id: RecordId | None = record.values.get(key)
        return self._state.records.get((str(target), record_id)) if record_id is not None else None

"""Counting and adding up within what an actor may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from custinfo.core.criteria.nodes import Criterion, Path
from custinfo.core.errors import InvalidInputError
from custinfo.core.kinds import Kind
from custinfo.core.offers import offered
from custinfo.core.paths import bind_path
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, Record
from custinfo.core.totals import NUMBER_KINDS, PERIODS, Period, Total
from custinfo.ports.repositories import Grouping, Query, TotalQueries
from custinfo.ports.scanning import ScanQueries, kind_at
from custinfo.workspace.context import Context
from custinfo.workspace.reading import ReadPath

__all__ = ["Summaries"]


@attrs.frozen
class Summaries:
    """Answer one session's questions of how many and how much."""

    context: Context
    reading: ReadPath

    def count(self, module: ModuleKey, criterion: Criterion) -> int:
        """Return how many records the actor sees."""
        return self.context.unit.queries.count(Query(module, self.reading.guarded(module, criterion)))

    def distribution(self, module: ModuleKey, by: str, period: Period | None, criterion: Criterion) -> dict[Any, int]:
        """Return group → number of records, the largest group first, periods in their order."""
        grouping = self._grouping(module, by, period)
        guarded = self.reading.guarded(module, criterion, _read(grouping))
        counts = self.context.unit.queries.distribution(Query(module, guarded), grouping)
        if period is not None:
            return _in_time(counts)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, str(item[0]))))

    def total(self, module: ModuleKey, name: str, criterion: Criterion) -> Total:
        """Return the total of a field."""
        path = self._number(module, name)
        return self._totals(Query(module, self.reading.guarded(module, criterion, path)), path, None)[None]

    def totals(
        self, module: ModuleKey, name: str, by: str, period: Period | None, criterion: Criterion
    ) -> dict[Any, Total]:
        """Return group → total of a field, the largest sum first, periods in their order."""
        path, grouping = self._number(module, name), self._grouping(module, by, period)
        guarded = self.reading.guarded(module, criterion, path, _read(grouping))
        found = self._totals(Query(module, guarded), path, grouping)
        if period is not None:
            return _in_time(found)
        return dict(sorted(found.items(), key=lambda item: (-item[1].sum, item[0] is None, str(item[0]))))

    def _totals(self, query: Query, path: Path, grouping: Grouping | None) -> Mapping[Any, Total]:
        """Ask the store, or where it does not add up, add what it finds."""
        unit = self.context.unit
        queries = offered(unit.queries, TotalQueries)
        if queries is not None:
            return queries.totals(query, path, grouping)

        def load(_: ModuleKey) -> list[Record]:
            return list(unit.queries.find(query))

        return ScanQueries(self.context.schema, load, unit.records.get).totals(Query(query.module), path, grouping)

    def _grouping(self, module: ModuleKey, name: str, period: Period | None) -> Grouping:
        """Return what a name groups by: a field, or else a tag dimension. Raises: InvalidInputError."""
        if period is not None and period not in PERIODS:
            raise ValueError(f"unknown period {period!r}: one of {', '.join(PERIODS)}")
        schema = self.context.module(module)
        is_field = any(name in (field.key, *field.label.values()) for field in schema.definition.fields.values())
        dimension = None if is_field else self.context.schema.resolve_dimension(name)
        if dimension is not None:
            self.reading.require_readable(module, ("tags",))
            if period is not None:
                params = {"kind": "tags", "operator": period}
                raise InvalidInputError([Problem("unknown_operator", "tags", params=params, labels=dimension.label)])
            return Grouping(dimension=dimension.key)
        path, kind = self._field(module, name, "group")
        if period is not None and kind.key not in ("date", "datetime"):
            raise self.reading.unfit(module, path, kind.key, period)
        return Grouping(path, period=period)

    def _number(self, module: ModuleKey, name: str) -> Path:
        path, kind = self._field(module, name, "total")
        if kind.key not in NUMBER_KINDS:
            raise self.reading.unfit(module, path, kind.key, "total")
        return path

    def _field(self, module: ModuleKey, name: str, operator: str) -> tuple[Path, Kind]:
        """Return a field that the actor may read, and its kind. Raises: InvalidInputError, PermissionDeniedError."""
        path = bind_path(name, module, self.context.schema)
        self.reading.require_readable(module, path)
        definition = self.reading.definition(module, path)
        if definition is not None and definition.encrypted:
            raise self.reading.unfit(module, path, "encrypted", operator)
        return path, kind_at(path, module, self.context.schema)


def _read(grouping: Grouping) -> Path:
    return grouping.path or ("tags",)


def _in_time(groups: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return groups by their first days, that of no value last."""
    days = sorted(day for day in groups if day is not None)
    return {day: groups[day] for day in (*days, *([None] if None in groups else []))}

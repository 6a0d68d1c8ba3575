"""Finding records through the index that one names, not the one that a planner takes to be the best.

A window is what one index leads to. The rest of a criterion is then told from the columns that stand in the index, as
far as they go, and for what is left from the record itself, looked up by its key. That needs nothing from a planner
but that it finds a row by its key; the limit of a window keeps it from being dissolved into the statement around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import ColumnElement, Subquery, exists, func, literal, select

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import SYSTEM_COLUMNS, Source
from custinfo.adapters.sqlalchemy._titles import TitleSearch, form_of
from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Leaf,
    Mentions,
    OneOf,
    SharedWith,
    StartsWith,
    Tagged,
    all_of,
    leaves,
    path_of,
)
from custinfo.core.records import FieldKey, ModuleKey

__all__ = ["SEEN", "Driver", "Windows", "parts_of"]

SEEN: Final = ("id", "owner", "department", "archived_at")
"""System fields that stand in the indexes that are walked."""

MOST: Final = 20_000
"""An index that leads to more records narrows nothing."""

_INDEXED: Final = frozenset({"id", "owner", "department", "updated_at"})
_NO_LIMIT: Final = 2**62

Condition = ColumnElement[bool]


@attrs.frozen
class Driver:
    """The part of a criterion whose index leads to the fewest records, and the field that stands in that index."""

    criterion: Criterion
    key: FieldKey | None


def parts_of(criterion: Criterion) -> tuple[Criterion, ...]:
    """Return the criteria all of which have to hold."""
    return criterion.parts if isinstance(criterion, AllOf) else (criterion,)


@attrs.frozen(eq=False)
class Windows:
    """Make windows on the records of a module."""

    context: Context
    titles: TitleSearch
    module: ModuleKey
    known: dict[tuple[ModuleKey, Criterion], Driver | None]

    def source(self, **options: Any) -> Source:
        """Return the rows of the module, named anew."""
        return Source(self.context, self.module, self.titles, **options)

    def column(self, key: FieldKey) -> str | None:
        """Return the column of the narrow rows that an index begins with, after the module, for a field."""
        if key in _INDEXED:
            return SYSTEM_COLUMNS[key]
        return self.context.module(self.module).readable_slots.get(key)

    def window(self, source: Source, where: Sequence[Condition], *keys: FieldKey | None) -> Subquery:
        """Return the rows of `source` that meet conditions for which there is one index, with what stands in it."""
        names = {SYSTEM_COLUMNS[key] for key in SEEN} | {"tenant_id", "module"}
        names |= {column for key in keys if key is not None and (column := self.column(key)) is not None}
        columns = [source.record.c[name] for name in sorted(names)]
        return select(*columns).where(*where).limit(_NO_LIMIT).subquery()

    def conditions(
        self,
        window: Subquery,
        parts: Sequence[Criterion],
        key: FieldKey | None,
        also: Callable[[Source], Condition] | None = None,
    ) -> list[Condition]:
        """Return the conditions that rows of a window meet a criterion's parts.

        Args:
            window: The window.
            parts: The parts of the criterion that are not met by the window itself.
            key: The field that stands in its index besides the system fields.
            also: Makes a further condition on the record itself.
        """
        told = [part for part in parts if _is_told(part, (*SEEN, key))]
        others = [part for part in parts if part not in told]
        far = [part for part in told if any(isinstance(leaf, Tagged | SharedWith | Mentions) for leaf in leaves(part))]
        near = [part for part in told if part not in far]
        conditions = [self.source(record=window).condition(all_of(near))]
        if others or also is not None:
            inside = self.source()
            rest = [inside.condition(all_of(others)), *([also(inside)] if also is not None else [])]
            same = (inside.record.c.tenant_id == self.context.tenant) & (inside.record.c.id == window.c.id)
            conditions.append(exists(select(literal(1)).select_from(inside.rows()).where(same, *rest)))
        conditions.append(self.source(record=window).condition(all_of(far)))
        return conditions

    def narrowed(
        self, criterion: Criterion, driver: Driver, also: Callable[[Source], Condition] | None = None
    ) -> tuple[Subquery, list[Condition]]:
        """Return the window of a driver, and the conditions that its rows meet a whole criterion."""
        source = self.source(leading=True)
        window = self.window(source, [source.within(), source.condition(driver.criterion)], driver.key)
        rest = [part for part in parts_of(criterion) if part not in parts_of(driver.criterion)]
        return window, self.conditions(window, rest, driver.key, also)

    def looked_up(self, window: Subquery, source: Source, expression: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return what an expression over `source` comes to for the record of a row of a window."""
        same = (source.record.c.tenant_id == self.context.tenant) & (source.record.c.id == window.c.id)
        return select(expression).select_from(source.rows()).where(same).scalar_subquery()

    def driver(self, criterion: Criterion) -> Driver | None:
        """Return the part of a criterion that leads to the fewest records; `None` if none narrows.

        What was found is good for the rest of the unit: only how fast answers come depends on it.
        """
        if (self.module, criterion) not in self.known:
            self.known[self.module, criterion] = self._least(criterion)
        return self.known[self.module, criterion]

    def _least(self, criterion: Criterion) -> Driver | None:
        best, least = None, MOST + 1
        for candidate in sorted(self._candidates(criterion), key=_is_no_scope):
            number = self._count(candidate, least)
            if number < least:
                best, least = candidate, number
        return best

    def _count(self, driver: Driver, most: int) -> int:
        match driver.criterion:
            case Tagged() as tagged:
                entries = self.source().tagged(tagged)
            case Mentions(path, form) | Contains(path, form):
                entries = self.titles.entries(self.module, path[0], form_of(form))
            case criterion:
                source = self.source()
                entries = select(literal(1)).where(source.within(), source.condition(criterion))
        found = select(func.count()).select_from(entries.limit(most).subquery())
        return int(self.context.execute(found).scalar_one())

    def _candidates(self, criterion: Criterion) -> Iterator[Driver]:
        """Yield the parts for which there is an index, those on one field together."""
        by_key: dict[FieldKey, list[Criterion]] = defaultdict(list)
        for part in parts_of(criterion):
            match part:
                case Tagged():
                    yield Driver(part, None)
                case Mentions(path, form) | Contains(path, form):
                    if len(path) == 1 and form_of(form) and self.titles.has(self.module, path[0]):
                        yield Driver(part, None)
                case AnyOf(parts) if parts and all(self._key(item) for item in parts):
                    keys = {self._key(item) for item in parts}
                    yield Driver(part, keys.pop() if len(keys) == 1 else None)
                case _:
                    key = self._key(part)
                    if key is not None:
                        by_key[key].append(part)
        for key, found in by_key.items():
            yield Driver(all_of(found), key)

    def _key(self, part: Criterion) -> FieldKey | None:
        """Return the field by whose index a comparison is answered; `None` if there is none."""
        if not isinstance(part, Compare | OneOf | StartsWith) or len(part.path) > 1:
            return None
        ranged = not isinstance(part, Compare) or part.operator != "ne"
        return part.path[0] if ranged and self.column(part.path[0]) is not None else None


def _is_no_scope(driver: Driver) -> bool:
    """Order those first that limit whom one sees: they are often the narrowest, and no other is counted further."""
    return driver.key not in ("owner", "department")


def _is_told(criterion: Criterion, keys: Sequence[FieldKey | None]) -> bool:
    """Tell whether a criterion can be told from the id, or from the fields of an index."""
    return all(_is_leaf_told(leaf, keys) for leaf in leaves(criterion))


def _is_leaf_told(leaf: Leaf | Tagged | Any, keys: Sequence[FieldKey | None]) -> bool:
    if isinstance(leaf, Tagged | SharedWith):
        return True
    path = path_of(leaf)
    return len(path) == 1 and (isinstance(leaf, Mentions) or path[0] in keys)

"""Choosing the index by which records are found: for SQLite and MariaDB, whose planners choose the wrong one for some.

Each part of a criterion for which there is an index is a lead. How many records it leads to is counted in the index,
as is how many of these are left after what else the index tells: whom they belong to, and whether they are archived.
What was counted is remembered for a while; only how fast answers come depends on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import BigInteger, Dialect, case, func, select

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._criteria import Source
from custinfo.adapters.sqlalchemy._fields import is_claimed
from custinfo.adapters.sqlalchemy._parts import SEEN, is_told, parts_of, timeless
from custinfo.adapters.sqlalchemy._ready import Question, given_parameter
from custinfo.adapters.sqlalchemy._scopes import departments_of
from custinfo.adapters.sqlalchemy._shaper import Shaper
from custinfo.adapters.sqlalchemy._shapes import LIVE
from custinfo.adapters.sqlalchemy._title_rows import form_of
from custinfo.adapters.sqlalchemy._titles import TitleSearch
from custinfo.core.criteria.nodes import (
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    Mentions,
    Nothing,
    OneOf,
    Present,
    SealedAs,
    SharedWith,
    StartsWith,
    Tagged,
    all_of,
)
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey

__all__ = ["Lead", "Leads", "index_of", "looked_up"]

MOST: Final = 300_000
"""Further than that, no index is counted but that of titles, which is counted fast."""

ENOUGH: Final = 8_000
"""A title that takes less is followed: counting others takes as long."""

LOOKED_UP: Final = 8
"""How many entries of an index are passed in the time in which one record is looked up."""

_LOOKED_UP_FAST: Final = 1
"""The same of MariaDB and MySQL, where testing what stands in an entry takes as long as fetching its record."""

_SAMPLE: Final = 1_000
"""Of so many entries it is looked at how many are left after what else they tell."""

_TABLES: Final = 3
"""In how many a record is looked up to which a title leads: by its number, by its id, and where it is."""

_INDEXES: Final = {"id": "list", "owner": "owner", "department": "department", "updated_at": "updated"}


@attrs.frozen
class Lead:
    """A part of a criterion that leads to records, and what that takes, in entries of an index passed.

    Args:
        criterion: The part.
        key: The field in whose index the part stands; `None` for a table beside the records, or several indexes.
        cost: What finding the records takes; 0 if it was not counted, there being no other lead.
    """

    criterion: Criterion
    key: FieldKey | None
    cost: int = 0


def index_of(context: Context, module: ModuleKey, key: FieldKey) -> str | None:
    """Return the name of the index that begins with a field, after the module; `None` if there is none."""
    ending = _INDEXES.get(key) or context.module(module).readable_slots.get(key)
    return None if ending is None else f"{context.tables.record.name}_{ending}"


@attrs.frozen(eq=False)
class Leads:
    """Find the leads of criteria on the records of a module."""

    context: Context
    titles: TitleSearch
    module: ModuleKey

    def only(self, criterion: Criterion) -> Lead | None:
        """Return the lead of a criterion that has one alone, uncounted."""
        candidates = list(self._candidates(criterion))
        return candidates[0] if len(candidates) == 1 else None

    def best(self, criterion: Criterion, most: int = MOST) -> Lead | None:
        """Return the lead that takes least; `None` if all take `most` or more."""
        key = ("lead", self.context.tenant, self.module, timeless(criterion))
        found, counted = self.context.memory.recall(key) or (None, 0)
        if found is None and counted < most:
            least = counted = most
            for candidate in sorted(self._candidates(criterion), key=_likelihood):
                limit = least if _is_title(candidate) else min(least, MOST)
                cost = self._cost(candidate, criterion, limit)
                if cost < limit:
                    found, least = attrs.evolve(candidate, cost=cost), cost
                if least < ENOUGH and _is_title(candidate):
                    break
            self.context.memory.note(key, (found, counted))
        lead: Lead | None = found
        return lead

    def titles_below(self, criterion: Criterion, most: int) -> Iterator[Lead]:
        """Yield the titles sought that no more than `most` records have, whatever departments these are in."""
        for title in self.titles_in(criterion):
            key = ("titles", self.context.tenant, self.module, title)
            number = self.context.memory.recall(key)
            if number is None:
                number = self.titles.number(self.module, title.path[0], form_of(title.text), most + 1)
                self.context.memory.note(key, number)
            if number <= most:
                yield Lead(title, None, number * LOOKED_UP)

    def sampled(self, criterion: Criterion, missing: int) -> tuple[Lead, int] | None:
        """Return the title that is sought in few departments, with about what following it takes, and what a walk does.

        Args:
            criterion: Of the query.
            missing: How many records are to be found by a walk.

        Returns: The lead, and how many entries are passed; `None` if no title is sought, or not in few departments.
        """
        titles, departments = self.titles_in(criterion), departments_of(criterion)
        if not titles or not departments:
            return None
        sample = self.titles.sample(self.module, titles[0].path[0], form_of(titles[0].text), departments)
        lead = Lead(titles[0], None, sample.number * LOOKED_UP * _TABLES)
        return lead, MOST if sample.spread is None else round(sample.spread * missing)

    def titles_in(self, criterion: Criterion) -> list[Mentions | Contains]:
        """Return the parts that seek something in titles, for which there is an index."""
        found = [part for part in parts_of(criterion) if isinstance(part, Mentions | Contains) and len(part.path) == 1]
        return [part for part in found if form_of(part.text) and self.titles.has(self.module, part.path[0])]

    def number_in(self, departments: Sequence[str], most: int) -> int:
        """Return how many records are in departments, up to a number."""
        return self._entries(Lead(OneOf(("department",), tuple(departments)), "department"), most)

    def hint(self, lead: Lead) -> str | None:
        """Return the index by which the records of a lead are found: by their ids if these come from elsewhere."""
        return index_of(self.context, self.module, lead.key or "id")

    def _cost(self, lead: Lead, criterion: Criterion, most: int) -> int:
        match lead.criterion:
            case Tagged() | SharedWith():
                return self._linked(lead.criterion, most) * LOOKED_UP
            case SealedAs(_, digests):  # each belongs to one record at most
                return len(digests) * LOOKED_UP
            case Mentions() | Contains():
                return self._mentioned(lead.criterion, departments_of(criterion), most)
            case AnyOf(parts) if lead.key is None and (titles := self.titles_in(criterion)):
                return self._among(parts, titles[0], most)
        entries = self._entries(lead, most)
        return entries if entries >= most else entries + round(entries * self._left(lead, criterion)) * self._looked_up

    @property
    def _looked_up(self) -> int:
        return looked_up(self.context.connection.dialect)

    def _mentioned(self, title: Mentions | Contains, departments: tuple[str, ...], most: int) -> int:
        most = most // (LOOKED_UP * _TABLES) + 1
        number = self.titles.number(self.module, title.path[0], form_of(title.text), most, departments)
        return number * LOOKED_UP * _TABLES

    def _among(self, parts: Sequence[Criterion], title: Mentions | Contains, most: int) -> int:
        """Return what finding the records of all parts takes: where one names departments, by the titles there."""
        cost = 0
        for part in parts:
            homes = departments_of(part)
            lead = Lead(part, None if isinstance(part, SharedWith) else self._key(part))
            cost += self._mentioned(title, homes, most) if homes else self._cost(lead, part, most)
        return cost

    def _linked(self, link: Tagged | SharedWith, most: int) -> int:
        shaper = Shaper(self.context, self.titles)
        test = shaper.shape(link, self.module)
        limit = shaper.give(most // LOOKED_UP + 1)

        def build() -> Any:
            found = Source(self.context, self.module).linked(test)
            return select(func.count()).select_from(found.limit(given_parameter(limit, BigInteger())).subquery())

        if isinstance(test, Nothing):
            return 0
        return int(self.context.ask(Question(("linked", test), build, shaper.values))[0][0])

    def _entries(self, lead: Lead, most: int) -> int:
        """Return how many records an index leads to, up to a number: remembered for whatever else they are asked."""
        key = ("entries", self.context.tenant, self.module, timeless(lead.criterion))
        number, counted = self.context.memory.recall(key) or (0, 0)
        if counted <= number < most:  # counted no further than that
            counted = max(most, min(1 << most.bit_length(), MOST))
            number, _ = self._counted(lead, Everything(), counted)
            self.context.memory.note(key, (number, counted))
        return min(number, most)

    def _left(self, lead: Lead, criterion: Criterion) -> float:
        """Return which share of the records an index leads to is left after what else it tells, by its first ones."""
        told = all_of([part for part in parts_of(criterion) if self._is_told_besides(part, lead)])
        if told == Everything():
            return 1.0
        key = ("left", self.context.tenant, self.module, timeless(lead.criterion), timeless(told))
        share: float | None = self.context.memory.recall(key)
        if share is None:
            entries, left = self._counted(lead, told, _SAMPLE)
            share = left / entries if entries else 0.0
            self.context.memory.note(key, share)
        return share

    def _is_told_besides(self, part: Criterion, lead: Lead) -> bool:
        return part not in parts_of(lead.criterion) and is_told(part, (*SEEN, lead.key))

    def _counted(self, lead: Lead, told: Criterion, most: int) -> tuple[int, int]:
        """Return how many records an index leads to, up to a number, and for how many of them holds what it tells."""
        shaper = Shaper(self.context, self.titles, counting=True)
        led, rest = shaper.shape(lead.criterion, self.module), shaper.shape(told, self.module)
        limit = shaper.give(most)
        if isinstance(led, Nothing):
            return 0, 0

        def build() -> Any:
            source = Source(self.context, self.module, led=True)
            left = case((source.condition(rest), 1), else_=0).label("rest")
            entries = select(left).select_from(source.rows()).where(source.within(), source.condition(led))
            inner = entries.limit(given_parameter(limit, BigInteger())).subquery()
            return select(func.count(), func.sum(inner.c.rest)).select_from(inner)

        key = ("entries", self.context.module(self.module).layout, led, rest)
        hint = self.hint(lead) if lead.key is not None else None
        entries, left = self.context.ask(Question(key, build, shaper.values, hint))[0]
        return int(entries), int(left or 0)

    def _candidates(self, criterion: Criterion) -> Iterator[Lead]:
        """Yield the parts for which there is an index, those on one field together."""
        by_key: dict[FieldKey, list[Criterion]] = defaultdict(list)
        parts = parts_of(criterion)
        yield from (Lead(title, None) for title in self.titles_in(criterion))
        for part in parts:
            match part:
                case Tagged() | SharedWith():
                    yield Lead(part, None)
                case SealedAs():
                    if LIVE in parts and is_claimed(self.context, self.module, part):
                        yield Lead(part, None)
                case AnyOf(others) if others and all(self._leads(item, criterion) for item in others):
                    keys = {self._key(item) for item in others}
                    joined = all(isinstance(item, OneOf) or _is_equal(item) for item in others)
                    yield Lead(part, keys.pop() if len(keys) == 1 and joined else None)
                case _:
                    key = self._key(part)
                    if key is not None:
                        by_key[key].append(part)
        for key, found in by_key.items():
            yield Lead(all_of(found), key)

    def _leads(self, part: Criterion, criterion: Criterion) -> bool:
        """Tell whether a part of an alternative leads to records: by its index, or by titles in its departments."""
        if isinstance(part, SharedWith) or self._key(part):
            return True
        return bool(departments_of(part)) and bool(self.titles_in(criterion))

    def _key(self, part: Criterion) -> FieldKey | None:
        """Return the field by whose index a comparison is answered; `None` if there is none."""
        if not isinstance(part, Compare | OneOf | StartsWith | Present) or len(part.path) > 1:
            return None
        key = part.path[0]
        if isinstance(part, Present) and key in SYSTEM_FIELDS:
            return None
        ranged = not isinstance(part, Compare) or part.operator != "ne"
        return key if ranged and index_of(self.context, self.module, key) is not None else None


def looked_up(dialect: Dialect) -> int:
    """Return how many entries of an index are passed in the time in which one record is looked up."""
    return _LOOKED_UP_FAST if dialect.name in ("mysql", "mariadb") else LOOKED_UP


def _is_equal(part: Criterion) -> bool:
    return isinstance(part, Compare) and part.operator == "eq"


def _is_title(lead: Lead) -> bool:
    return isinstance(lead.criterion, Mentions | Contains)


def _likelihood(lead: Lead) -> int:
    """Order first what is often the narrowest, as no other is counted further: a title, then whom one sees."""
    if _is_title(lead):
        return 0
    return 1 if lead.key in ("owner", "department") else 2

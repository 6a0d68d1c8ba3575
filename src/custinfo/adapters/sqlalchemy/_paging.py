"""Finding one page without relying on a planner, which chooses the wrong index for some, on any database.

1. Walk the index that has the records in order, over a window of the first 500. Many pages are full then.
2. Where another index leads to few records, filter what is left through that one, and sort.
3. Otherwise walk on over larger windows, as long as they have enough; then filter by the best lead after all.

A title sought in few departments is sampled on SQLite after the first window, rather than walked for or counted.

Every way finds the same records. SQLite and MariaDB are told the index. PostgreSQL takes no hint: it is told to walk an
index alone where that says whose few records are wanted, and left none to walk where it is to filter, as it likes best.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import attrs

from custinfo.adapters.sqlalchemy._context import CHUNK, Context
from custinfo.adapters.sqlalchemy._leads import Lead, Leads, index_of
from custinfo.adapters.sqlalchemy._parts import SEEN, is_told, timeless
from custinfo.adapters.sqlalchemy._sorting import NEVER_MISSING
from custinfo.adapters.sqlalchemy._title_order import TitleOrder
from custinfo.adapters.sqlalchemy._traits import Traits
from custinfo.adapters.sqlalchemy._ways import Rows, Way, Ways
from custinfo.adapters.sqlalchemy._windows import Windows
from custinfo.core.criteria.nodes import Everything, OneOf, all_of
from custinfo.core.records import FieldKey, RecordId
from custinfo.ports.repositories import Query

__all__ = ["Pager"]

GLANCE: Final = 500
WINDOW: Final = 5_000
NARROW: Final = 100_000
"""A title that leads to records is followed without a walk if it takes no more than so many entries of an index."""

FENCED: Final = 60_000
"""A title that has no more records leads to them on PostgreSQL, which would not always let it."""

SCOPED: Final = 30_000
"""The same within few departments, where an index that is walked tells whose records they are."""

SHORT: Final = 40_000
"""A walk over windows of at most that size is short."""

FAR: Final = 5_000
"""If a walk is not expected to take more than that, no lead is sought."""

LISTED: Final = 10
"""From so many values on, a list says which records are meant rather than of what sort they are."""

SOUGHT: Final = 12_000
"""What finding a title in few departments takes on PostgreSQL, in entries: counting them takes as long."""

UNIT: Final = 2
"""How many entries of an index are passed in what PostgreSQL's planner counts as one."""

WORTH: Final = 8
"""A lead is not followed if it takes more than so many times the next window, which may be full after all."""

_PLANNER: Final = Lead(Everything(), None)
"""What leads where PostgreSQL's planner finds the records by whatever indexes it likes, but for the one in order."""


@attrs.frozen(slots=False, eq=False)
class Pager:
    """Find one page of a query.

    An index has the records in order of which the first sort value is there; those of which it is missing, which come
    behind, are walked apart. `present` says which of them are meant: `None` means both.
    """

    context: Context
    leads: Leads
    query: Query

    def rows(self) -> Rows:
        """Return the rows in order."""
        named = TitleOrder(self.context, self.leads, self.query).rows(self._among)
        return self._found() if named is None else named

    def _found(self) -> Rows:
        halves, limit = self._halves, self.query.limit
        both = halves[0] if len(halves) == 1 else None
        if limit is None:
            return self._ways.rows(Way(None, both, lead=self._listed()))
        lead = self._straight()
        if lead is not None:
            return self._ways.rows(Way(limit, both, lead=lead))
        found: Rows = []
        for present in halves:
            missing = limit - len(found)
            if missing <= 0:
                break
            key, size = self._walked(present), self.context.memory.recall((self._sparse, present))
            if key is None or self._is_full(key) or (size is not None and not self._traits.is_ended):
                found += self._ways.rows(Way(missing, present, walked=key))
            else:
                found += self._walk(key, missing, present, size or GLANCE)
        return found

    @cached_property
    def _ways(self) -> Ways:
        return Ways(self.context, self.leads, self.query)

    @property
    def _traits(self) -> Traits:
        return self._ways.traits

    @cached_property
    def _windows(self) -> Windows:
        return Windows(self.context, self.leads.titles, self.query)

    @cached_property
    def _halves(self) -> tuple[bool | None, ...]:
        """Those whose first sort value is there, those of which it is missing, or what there is of them."""
        query = self.query
        if not query.order or query.order[0].path in NEVER_MISSING:
            return (None,)
        if any(getattr(part, "path", None) == query.order[0].path for part in self._traits.parts):
            return (True,)
        return (False,) if query.after is not None and query.after[0] is None else (True, False)

    def _among(self, ids: Sequence[RecordId]) -> Rows:
        """Return the page of those records of which one has the ids."""
        among = OneOf(("id",), tuple(ids))
        query = attrs.evolve(self.query, criterion=all_of([*self._traits.parts, among]))
        return attrs.evolve(self._ways, query=query).rows(Way(query.limit, present=True, lead=Lead(among, "id")))

    def _sought(self) -> Lead | None:
        """Return the title that is sought over many departments, where it has few records.

        PostgreSQL expects those who have a pair to be spread evenly over the names in order: of a city in a million
        names, that takes seconds. In few departments it is told how few they are.
        """
        criterion = self.query.criterion
        if not self.query.order or self._traits.departments:
            return None
        return next(self.leads.titles_below(criterion, FENCED), None)

    def _listed(self) -> Lead | None:
        """Return the field of which many values are listed: they are keys, and SQLite would rather read all records."""
        for part in self._traits.parts:
            if isinstance(part, OneOf) and len(part.path) == 1 and LISTED <= len(part.values) <= CHUNK:
                key = part.path[0]
                if key in self.context.module(self.query.module).readable_slots:
                    return Lead(part, key)
        return None

    def _straight(self) -> Lead | None:
        """Return the lead to follow without a walk: where nothing is walked, or a walk was left for it before."""
        sought = self._sought() if self._traits.is_planned else None
        if self._walked(self._halves[0]) is None:
            return sought if self._traits.is_planned else self.leads.best(self.query.criterion)
        known: Lead | None = sought or self.context.memory.recall(self._sparse)
        if known is None and self._traits.is_planned and not self._is_full(self._walked(self._halves[0])):
            return self._other(2 * GLANCE)  # finding a few and sorting them takes no walk
        if known is not None or not self._traits.is_titled:
            return known
        if self._traits.is_scoped:
            return self._titled_there()
        return self.leads.best(self.query.criterion, NARROW)

    def _titled_there(self) -> Lead | None:
        """Return the title that leads to few records of a scope, where counting them takes less than a window."""
        return self.leads.best(self.query.criterion, SCOPED) if self._traits.is_mysql else None

    def _is_full(self, key: FieldKey | None) -> bool:
        """Tell whether the index has nothing but what is wanted, more or less: PostgreSQL walks it without windows."""
        told = (is_told(part, (*SEEN, key)) for part in self._traits.parts)
        return self._traits.is_planned and not self._traits.is_scoped and all(told)

    def _walk(self, key: FieldKey, limit: int, present: bool | None, size: int) -> Rows:
        """Walk an index over windows, and leave it where it has too little.

        A walk that was short is made in one go the next time; where it needs an end, in one window of that size.
        """
        found: Rows = []
        passed, entries = None, 0
        while True:
            end = (
                self._windows.first(key, present, size)
                if passed is None
                else self._windows.end(key, present, size, passed)
            )
            hits = self._ways.rows(Way(limit - len(found), present, walked=key, end=end, passed=passed))
            found += hits
            missing = limit - len(found)
            if missing <= 0 or end is None:
                if size <= SHORT:
                    self.context.memory.note((self._sparse, present), size)
                return found
            passed, entries = end, entries + size
            following = WINDOW if size == GLANCE else _further(size, entries, len(found), missing)
            ahead = size * missing * self._traits.step * 2 // max(2 * len(hits), 1)
            early = size == GLANCE and self._traits.is_scoped and self._traits.is_titled and not self._traits.is_planned
            lead = None
            if early:  # counting titles takes longer than the next window
                lead, following = self._sampled(missing, following)
            elif ahead > FAR:
                lead = self._other(min(ahead, following * self._traits.step * WORTH))
            if lead is not None:
                self.context.memory.note(self._sparse, lead)
                return found + self._ways.rows(Way(missing, present, lead=lead, passed=passed))
            size = following

    def _sampled(self, missing: int, following: int) -> tuple[Lead | None, int]:
        """Return the title that leads to fewer records of a scope than a walk passes, or how far to walk next.

        On SQLite, whose index tells it by the first titles: MariaDB has counted them before.
        """
        sampled = None if self._traits.is_mysql else self.leads.sampled(self.query.criterion, missing)
        if sampled is None:
            return None, following
        lead, walk = sampled
        return (lead, following) if lead.cost <= walk else (None, min(max(walk * 5 // 4, following), SHORT))

    def _other(self, most: int) -> Lead | None:
        """Return what leads to the records at a cost of at most so many entries; of PostgreSQL, its own plan does."""
        criterion, memory = self.query.criterion, self.context.memory
        if not self._traits.is_planned:
            lead = self.leads.best(criterion, most)
            return lead if lead is not None and lead.cost <= most else None
        title = next(iter(self.leads.titles_in(criterion)), None)
        if title is not None and self._traits.is_scoped:
            return Lead(title, None, SOUGHT) if most >= SOUGHT else None
        key = "planned", self.context.tenant, self.query.module, timeless(criterion)
        cost = memory.recall(key)
        if cost is None:
            question = self._ways.question(Way(self.query.limit, None, lead=_PLANNER))
            cost = 0 if question is None else int(self.context.estimate(question) * UNIT)
            memory.note(key, cost)
        return attrs.evolve(_PLANNER, cost=cost) if cost <= most else None

    @cached_property
    def _sparse(self) -> tuple[Any, ...]:
        """What the lead is noted under for which a walk was left."""
        query = self.query
        return "sparse", self.context.tenant, query.module, timeless(query.criterion), query.order

    def _walked(self, present: bool | None) -> FieldKey | None:
        """Return the field by whose index records are walked in order; `None` if there is no such index."""
        if not self.query.order:
            return "id"
        path = self.query.order[0].path
        if len(self.query.order) > 1 or len(path) > 1 or path[0] in ("owner", "department"):
            return None
        if index_of(self.context, self.query.module, path[0]) is None:
            return None
        return "id" if present is False else path[0]


def _further(size: int, entries: int, found: int, missing: int) -> int:
    """Return the size of the next window: of what so many entries had, somewhat more than what is missing takes."""
    if not found:
        return size * 4
    return min(max(entries * missing * 5 // (found * 4), WINDOW), size * 8)

"""Asking for a part of a page: by an index that is walked, by a lead, or by whatever the planner finds."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs

from custinfo.adapters.sqlalchemy._bounds import loosened
from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._fields import layouts
from custinfo.adapters.sqlalchemy._leads import Lead, Leads, index_of
from custinfo.adapters.sqlalchemy._pages import Asked, page_statement
from custinfo.adapters.sqlalchemy._parts import SEEN, is_told
from custinfo.adapters.sqlalchemy._ready import Given, Question
from custinfo.adapters.sqlalchemy._shaper import Shaper
from custinfo.adapters.sqlalchemy._sorting import position_of
from custinfo.adapters.sqlalchemy._traits import Traits
from custinfo.core.criteria.nodes import Everything, Nothing, all_of
from custinfo.core.records import FieldKey
from custinfo.ports.repositories import Query

__all__ = ["Rows", "Way", "Ways"]

Rows = list[Any]


@attrs.frozen
class Way:
    """Say how rows are found.

    Attributes:
        limit: How many at most.
        present: Whether the first sort value is there; `None` for both.
        walked: The field by whose index they are walked.
        lead: What leads to them otherwise.
        end: The sort value at which a window ends.
        passed: The sort value at which the one before ended.
    """

    limit: int | None
    present: bool | None
    walked: FieldKey | None = None
    lead: Lead | None = None
    end: Any = None
    passed: Any = None

    @property
    def is_free(self) -> bool:
        """Whether neither an index nor a lead is named."""
        return self.walked is None and self.lead is None

    @property
    def is_in_order(self) -> bool:
        """Whether records come by an index in order, and tables beside them are asked for each."""
        return self.walked is not None or (self.lead is not None and self.lead.key == "id")


@attrs.frozen(slots=False, eq=False)
class Ways:
    """Ask for rows of one query, one way or another."""

    context: Context
    leads: Leads
    query: Query

    @cached_property
    def traits(self) -> Traits:
        """What the query is like."""
        return Traits(self.context.connection.dialect, self.query)

    def rows(self, way: Way) -> Rows:
        """Return the rows that are found."""
        question = self.question(way)
        return [] if question is None else self.context.ask(question)[: way.limit]

    def question(self, way: Way) -> Question | None:
        """Return what asks for the rows; `None` if there are none."""
        query, traits, walked = self.query, self.traits, way.walked
        shaper = self._shaper(way)
        shapes = shaper.parts(query.criterion, query.module)
        if any(isinstance(shape, Nothing) for shape in shapes):
            return None
        seen, shape = self._told(shapes, walked)
        asked = self._asked(way, shaper, seen)
        if walked is not None:
            descending = bool(query.order) and query.order[0].descending
            begun, ended = way.passed is not None or query.after is not None, way.end is not None
            shape = loosened(shape, walked, descending=descending, begun=begun, ended=ended)
        layout = layouts(self.context, query.module, *(item.path for item in query.order))
        return Question(
            ("page", layout, query.order, shape, asked),
            lambda: page_statement(self.context, query.module, query.order, shape, asked),
            shaper.values,
            self._hint(way),
            steady=way.is_in_order or traits.is_narrow,
        )

    def _shaper(self, way: Way) -> Shaper:
        lead = way.lead
        by_table = lead.criterion if lead is not None and lead.key is None else None
        counting, walking = way.limit is None, way.is_in_order
        return Shaper(self.context, self.leads.titles, counting=counting, lead=by_table, walking=walking)

    def _asked(self, way: Way, shaper: Shaper, seen: Any) -> Asked:
        return Asked(
            way.present,
            position_of(self.context, self.query, shaper),
            None if way.end is None else shaper.give(way.end),
            None if way.passed is None else shaper.give(way.passed),
            self._most(way.limit, shaper),
            free=way.lead is not None if self.traits.is_planned else way.is_free,
            plain=way.walked is not None and self.context.connection.dialect.name == "sqlite",
            seen=seen,
        )

    def _told(self, shapes: list[Any], walked: FieldKey | None) -> tuple[Any, Any]:
        """Return what PostgreSQL is to see in the index that is walked before it looks a record up, and the rest."""
        if walked is None or not (self.traits.is_planned and self.traits.is_scoped):
            return Everything(), all_of(shapes)
        told = [is_told(part, (*SEEN, walked)) for part in self.traits.parts]
        seen = [shape for shape, is_seen in zip(shapes, told, strict=True) if is_seen]
        return all_of(seen), all_of([shape for shape, is_seen in zip(shapes, told, strict=True) if not is_seen])

    def _hint(self, way: Way) -> str | None:
        if way.lead is not None:
            return self.leads.hint(way.lead)
        return None if way.walked is None else index_of(self.context, self.query.module, way.walked)

    def _most(self, limit: int | None, shaper: Shaper) -> Given | int | None:
        """Return the limit.

        PostgreSQL plans for its number, which therefore belongs to the statement: it is always that of the query.
        """
        if limit is None or self.traits.is_planned:
            return self.query.limit
        return shaper.give(limit)

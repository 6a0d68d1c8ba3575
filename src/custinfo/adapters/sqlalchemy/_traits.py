"""What paging depends on of a query, and of the database that it is asked of."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import attrs
from sqlalchemy import Dialect

from custinfo.adapters.sqlalchemy._leads import looked_up
from custinfo.adapters.sqlalchemy._parts import parts_of
from custinfo.adapters.sqlalchemy._scopes import departments_of
from custinfo.core.criteria.nodes import Contains, Mentions
from custinfo.ports.repositories import Query

__all__ = ["Traits"]

FEW: Final = 20
"""Departments of whose records PostgreSQL may keep a plan."""


@attrs.frozen(slots=False, eq=False)
class Traits:
    """Tell what a query is like."""

    dialect: Dialect
    query: Query

    @cached_property
    def is_planned(self) -> bool:
        """Tell whether the planner takes no hints: it is PostgreSQL's."""
        return self.dialect.name == "postgresql"

    @cached_property
    def is_ended(self) -> bool:
        """Tell whether a walk needs an end.

        PostgreSQL would walk none without; MariaDB and MySQL sort all that an index has where ids go the other way.
        """
        descending = bool(self.query.order) and self.query.order[0].descending
        return self.is_planned or (descending and self.is_mysql)

    @property
    def is_mysql(self) -> bool:
        """Tell whether it is MariaDB or MySQL."""
        return self.dialect.name in ("mysql", "mariadb")

    @cached_property
    def parts(self) -> tuple[Any, ...]:
        """The criteria all of which have to hold."""
        return parts_of(self.query.criterion)

    @property
    def step(self) -> int:
        """What walking over one record takes: of a narrow scope, which stands in the index, few are looked up."""
        return 1 if self.is_scoped else looked_up(self.dialect)

    @cached_property
    def is_titled(self) -> bool:
        """Tell whether something is sought in titles."""
        return any(isinstance(part, Mentions | Contains) for part in self.parts)

    @cached_property
    def departments(self) -> tuple[str, ...]:
        """The few departments of which all records are that are wanted; none if they are many, or unknown."""
        return departments_of(self.query.criterion)

    @cached_property
    def is_scoped(self) -> bool:
        """Tell whether the records of one owner, or of a few departments, are wanted."""
        return bool(self.departments) or any(getattr(part, "path", None) == ("owner",) for part in self.parts)

    @cached_property
    def is_narrow(self) -> bool:
        """Tell whether one plan serves all who ask: PostgreSQL takes lists for ten values, titles for rare."""
        return self.is_scoped and not self.is_titled and len(self.departments) <= FEW

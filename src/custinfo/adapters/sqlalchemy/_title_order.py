"""Which records come first of those whose titles are sought within few departments, and in the order of the titles.

An index has the titles of each department in order, with what is searched. It is read alone, and no more records are
looked up than a page takes, where the index of pairs leads to all that have a pair, wherever they stand in the order.
PostgreSQL, which takes longer over an entry, looks up the titles of a rare pair instead, as its planner expects them.
MariaDB and MySQL, which look records up about as fast, gained nothing, and have no such index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Text, cast, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from custinfo.adapters.sqlalchemy._context import CHUNK, Context
from custinfo.adapters.sqlalchemy._criteria import is_among
from custinfo.adapters.sqlalchemy._leads import Leads
from custinfo.adapters.sqlalchemy._parts import timeless
from custinfo.adapters.sqlalchemy._ready import LED, TENANT, Given, Question, given_parameter, padded
from custinfo.adapters.sqlalchemy._scopes import departments_of
from custinfo.adapters.sqlalchemy._shaper import Shaper
from custinfo.adapters.sqlalchemy._texts import is_storable
from custinfo.adapters.sqlalchemy._title_rows import form_of
from custinfo.adapters.sqlalchemy._titles import title_conditions
from custinfo.adapters.sqlalchemy.tables import TITLE_START
from custinfo.core.criteria.nodes import Contains, Mentions
from custinfo.core.records import RecordId
from custinfo.ports.repositories import Query

__all__ = ["TitleOrder"]

SCOPE: Final = 20_000
"""Of more titles the index is not read."""

ROOM: Final = 13
"""So many titles more than a page are taken: the records of some may be out of reach."""

PASSED: Final = 16
"""How many entries of the order PostgreSQL passes in the time in which it looks up one title that has the pairs."""

Rows = list[Any]


@attrs.frozen(eq=False)
class TitleOrder:
    """Find one page of a search by title."""

    context: Context
    leads: Leads
    query: Query

    def rows(self, of: Callable[[Sequence[RecordId]], Rows]) -> Rows | None:
        """Return the page; `None` where it has to be found another way.

        Args:
            of: Returns the page of the query among records.
        """
        title, limit = self._title(), self.query.limit
        if title is None or limit is None:
            return None
        query, memory = self.query, self.context.memory
        key = "in order", self.context.tenant, query.module, timeless(query.criterion)
        known: int | None = memory.recall(key)
        if known == 0:
            return None
        size = max(known or 0, limit + ROOM)
        while 0 < size <= CHUNK:
            first = self._first(title, size)
            if any(row[1] == "" for row in first):
                break
            found = of([RecordId(row[0]) for row in first]) if first else []
            if len(found) >= limit or len(first) < size:
                memory.note(key, size)
                return found
            size = limit * size * 5 // (len(found) * 4) if found else 0
        memory.note(key, 0)
        return None

    def _title(self) -> Mentions | Contains | None:
        """Return the title that is sought, if the index of an order tells which come first."""
        query = self.query
        if self.context.connection.dialect.name not in ("sqlite", "postgresql"):
            return None
        if len(query.order) != 1 or query.order[0].descending or not _is_short(query.after):
            return None
        titles = [title for title in self.leads.titles_in(query.criterion) if title.path == query.order[0].path]
        departments = departments_of(query.criterion)
        if not titles or not departments or not self.leads.titles.has_order(query.module, titles[0].path[0]):
            return None
        return titles[0] if self.leads.number_in(departments, SCOPE) < SCOPE else None

    def _first(self, title: Mentions | Contains, size: int) -> Rows:
        """Return the ids and what else the index has of the first titles, behind the position of the query."""
        planned = self.context.connection.dialect.name == "postgresql"
        if planned and self._is_rare(title, size):
            return self._having(title, size)
        return self._in_order(title, size, each=planned)

    def _is_rare(self, title: Mentions | Contains, size: int) -> bool:
        """Tell whether looking up all titles that have the pairs takes less than reading them in order."""
        module, query = self.query.module, self.query
        departments, memory = departments_of(query.criterion), self.context.memory
        key = "expected", self.context.tenant, module, title, departments
        number: float | None = memory.recall(key)
        if number is None:
            expected = self.leads.titles.expected(module, title.path[0], form_of(title.text), departments)
            number = max(expected, 1.0)
            memory.note(key, number)
        scope = self.leads.number_in(departments, SCOPE)
        return number * PASSED < min(scope, len(departments) * size * scope / number)

    def _having(self, title: Mentions | Contains, size: int) -> Rows:
        """Return them from all titles that the index of pairs leads to."""
        module, field, form = self.query.module, title.path[0], form_of(title.text)
        shaper = Shaper(self.context, self.leads.titles)
        test = shaper.title(module, field, form, departments_of(self.query.criterion))
        most, position = shaper.give(size), shaper.give_all(self.query.after or ())

        def build() -> Select[Any]:
            title = self.context.memory.alias(self.context.tables.title, "titled")
            sought = given_parameter(test.form, title.c.form.type)
            where = title_conditions(self.context, title, module, field, sought, test.wanted)
            return _first_of(title, where, position, most)

        return self.context.ask(Question(("titles having", module, test, position), build, shaper.values))

    def _in_order(self, title: Mentions | Contains, size: int, *, each: bool) -> Rows:
        """Return them from the index that has them in order: of each department so many, or from all of them."""
        module, field, form = self.query.module, title.path[0], form_of(title.text)
        shaper = Shaper(self.context, self.leads.titles)
        departments = list(dict.fromkeys(departments_of(self.query.criterion)))
        homes, sought = shaper.give(departments if each else padded(departments)), shaper.give(form)
        most, position = shaper.give(size), shaper.give_all(self.query.after or ())

        def build() -> Select[Any]:
            context, title = self.context, self.context.memory.alias(self.context.tables.title, LED)
            columns = title.c
            form = given_parameter(sought, columns.form.type)
            contains = [context.reader.contains(column, form) for column in (columns.start, columns.brief)]
            where = [columns.tenant_id == TENANT, columns.module == module, columns.field == field]
            where.append(or_(*contains, columns.brief == ""))
            if not each:
                where.append(is_among(columns.department_id, homes, context.connection.dialect))
                return _first_of(title, where, position, most)
            array = ARRAY(Text())
            home = (
                func.unnest(cast(given_parameter(homes, array), array)).table_valued("key").render_derived(name="home")
            )
            own = _first_of(title, [*where, columns.department_id == home.c.key], position, most).lateral("own")
            found = select(own.c.record_id, own.c.brief).select_from(home).join(own, true())
            return found.order_by(own.c.start, own.c.record_id).limit(given_parameter(most, BigInteger()))

        shape = "titles in order", module, field, each, position
        hint = f"{self.context.tables.title.name}_order"
        return self.context.ask(Question(shape, build, shaper.values, hint, steady=True))


def _first_of(
    title: FromClause, where: Sequence[ColumnElement[bool]], position: Sequence[Given], most: Given
) -> Select[Any]:
    """Return the statement that finds the first titles that meet conditions, behind a position."""
    start, key = title.c.start, title.c.record_id
    found = select(key, title.c.brief, start).where(*where)
    if position:
        value, last = (given_parameter(given, start.type) for given in position)
        found = found.where(start >= value, or_(start > value, key > last))
    return found.order_by(start, key).limit(given_parameter(most, BigInteger()))


def _is_short(position: Sequence[Any] | None) -> bool:
    """Tell whether a position stands behind a title that the index has as a whole."""
    if position is None:
        return True
    value = position[0]
    return isinstance(value, str) and len(value) < TITLE_START and is_storable(value)

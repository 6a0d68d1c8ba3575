"""Titles of records in their searchable form, and finding records by a part of it.

A title is written with its record, in the same transaction, with the department that the record is in. Records that
were saved before there was an index for the field are added by `_titling`; until then, titles are read from the records
themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import attrs
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    delete,
    func,
    literal_column,
    select,
)

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.adapters.sqlalchemy._dialects import unindexed
from custinfo.adapters.sqlalchemy._gram_tokens import scope_of
from custinfo.adapters.sqlalchemy._grams import GramIndex, Wanted, gram_index
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, Question, given_parameter
from custinfo.adapters.sqlalchemy._title_rows import Title, Titles, form_of
from custinfo.core.new_records import NewRecords
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.schema import ModuleSchema

__all__ = ["Sample", "TitleSearch", "TitleWriter", "title_columns", "title_conditions", "titled_by"]

_SCOPED: Final = frozenset({"ready", "unordered"})
"""States of an index that knows departments."""

SAMPLED: Final = 100
"""From so many titles it is told about how many there are."""


def titled_by(module: ModuleSchema) -> FieldKey | None:
    """Return the field whose searchable form is kept: the title, if it is text."""
    key = module.definition.title_field
    field = module.definition.fields.get(key) if key is not None else None
    if field is None or field.encrypted or module.kinds[field.key].storage != "text":
        return None
    return field.key


def title_columns(title: Table) -> list[ColumnElement[Any]]:
    """Return the columns of which a `Title` is made, in its order."""
    return [
        title.c[name] for name in ("module", "record_id", "field", "form", "department_id", "start", "brief", "doc")
    ]


class TitleWriter:
    """Keep the titles of records."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._table = context.tables.title

    @cached_property
    def _grams(self) -> GramIndex:
        return gram_index(self._context.tables, self._context.connection.dialect)

    def write(self, records: Sequence[Record], documents: Mapping[RecordId, Mapping[str, Any]]) -> None:
        """Bring the titles of saved records in line with them; those of version 1 have none yet."""
        if not records:
            return
        titles = [title for record in records if (title := self._title(record, documents[record.id])) is not None]
        self.replace([record.id for record in records if record.version != 1], titles)

    def write_new(self, records: NewRecords) -> None:
        """Add the titles of new records."""
        prepared = self._context.module(records.module)
        field = titled_by(prepared.schema)
        stored = records.stored(prepared.codec).values.get(field) if field is not None else None
        if field is None or stored is None:
            return
        titles = Titles.of_field(records.module, field, records.ids, list(stored), records.departments)
        if titles:
            self._grams.add(self._context, titles)

    def replace(self, old: Sequence[RecordId], titles: Sequence[Title]) -> None:
        """Let `titles` be those of their records, and the only ones of the records `old`."""
        wanted = {title.record_id: title for title in titles}
        gone = []
        for stored in self._stored(old):
            known = wanted.get(stored.record_id)
            if known is not None and stored._replace(doc=None) == known:
                del wanted[stored.record_id]
            else:
                gone.append(stored)
        self._delete(gone)
        if wanted:
            self._grams.add(self._context, Titles.of(list(wanted.values())))

    def remove(self, record_ids: Sequence[RecordId]) -> None:
        """Delete the titles of records."""
        self._delete(list(self._stored(record_ids)))

    def _title(self, record: Record, document: Mapping[str, Any]) -> Title | None:
        field = titled_by(self._context.module(record.module).schema)
        if field is None:
            return None
        title = Title.of(record.module, record.id, field, document.get(field), record.department)
        return title if title.form else None

    def _stored(self, record_ids: Sequence[RecordId]) -> Iterator[Title]:
        """Yield the titles as they are in this very moment."""
        columns, statement = self._table.c, select(*title_columns(self._table))
        for part in chunked(record_ids):
            mine = statement.where(columns.tenant_id == self._context.tenant, columns.record_id.in_(part))
            for row in self._context.execute(mine.with_for_update()):
                yield Title(*row)

    def _delete(self, titles: Sequence[Title]) -> None:
        columns = self._table.c
        for part in chunked(titles):
            self._grams.remove(self._context, part)
            ids = [title.record_id for title in part]
            mine = and_(columns.tenant_id == self._context.tenant, columns.record_id.in_(ids))
            self._context.execute(delete(self._table).where(mine))


@attrs.frozen
class Sample:
    """Say about how many titles have something, and in how many that came one after the other there is one of them.

    `spread` is `None` where so few have it that they were all counted.
    """

    number: int
    spread: float | None = None


class TitleSearch:
    """Know which titles are indexed, and how many mention something."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context

    @cached_property
    def _grams(self) -> GramIndex:
        return gram_index(self._context.tables, self._context.connection.dialect)

    @cached_property
    def _states(self) -> Mapping[tuple[ModuleKey, FieldKey], str]:
        columns = self._context.tables.titled.c
        statement = select(columns.module, columns.field, columns.state).where(
            columns.tenant_id == self._context.tenant, columns.state != "building"
        )
        return {(module, field): state for module, field, state in self._context.execute(statement)}

    def has(self, module: ModuleKey, field: FieldKey) -> bool:
        """Tell whether the index answers for a field."""
        return (module, field) in self._states

    def has_order(self, module: ModuleKey, field: FieldKey) -> bool:
        """Tell whether titles of a field are also kept in their order within each department."""
        return self._states.get((module, field)) == "ready"

    def sought(
        self, module: ModuleKey, field: FieldKey, form: str, departments: Sequence[str] = ()
    ) -> tuple[Sequence[Any], Sequence[Any]]:
        """Return the values by which the index of pairs is asked for `form`, and for departments if it knows them."""
        scope = scope_of(self._context.tenant, module, field)
        within = departments if self._states[module, field] in _SCOPED else ()
        return self._grams.sought(scope, form), self._grams.within(scope, within) if within else ()

    def number(self, module: ModuleKey, field: FieldKey, form: str, most: int, departments: Sequence[str] = ()) -> int:
        """Return of how many titles the index has all pairs of `form`, up to a number; in departments, if any."""
        tokens, homes = self.sought(module, field, form, departments)
        values = [self._context.tenant, *tokens, *homes, most]
        wanted, last = Wanted.of(form, *_given_for(tokens, homes)), Given(len(values) - 1)

        def build() -> Select[Any]:
            entries = self._grams.entries(wanted).limit(given_parameter(last, BigInteger()))
            return select(func.count()).select_from(entries.subquery())

        return int(self._context.ask(Question(("titles", wanted), build, values))[0][0])

    def sample(self, module: ModuleKey, field: FieldKey, form: str, departments: Sequence[str]) -> Sample:
        """Return how many titles in departments have all pairs of `form`, by where the first of them stand on SQLite.

        Its index numbers titles as they came: from how far apart the first ones are follows about how many there are.
        """
        tokens, homes = self.sought(module, field, form, departments)
        wanted = Wanted.of(form, *_given_for(tokens, homes))

        def build() -> Select[Any]:
            entries = self._grams.entries(wanted).limit(literal_column(str(SAMPLED))).subquery()
            doc, last = next(iter(entries.c)), select(func.max(self._context.tables.title.c.doc)).scalar_subquery()
            return select(func.count(), func.min(doc), func.max(doc), last)

        values = [self._context.tenant, *tokens, *homes]
        found, first, end, last = self._context.ask(Question(("sampled", wanted), build, values))[0]
        if found < SAMPLED:
            return Sample(found)
        spread = (end - first) / (found - 1)
        return Sample(round((last - first) / spread) + 1, spread)

    def expected(self, module: ModuleKey, field: FieldKey, form: str, departments: Sequence[str]) -> float:
        """Return how many titles in departments PostgreSQL's planner expects to have all pairs of `form`."""
        tokens, homes = self.sought(module, field, form, departments)
        wanted = Wanted.of(form, *_given_for(tokens, homes))
        values = [self._context.tenant, *tokens, *homes]
        return self._context.expected(Question(("entries", wanted), lambda: self._grams.entries(wanted), values))

    def mentioning(self, module: ModuleKey, field: FieldKey, form: str) -> list[RecordId]:
        """Return the ids of the records that mention something, from the records: for as long as there is no index."""
        record, document = self._context.tables.record, self._context.tables.document
        slot = self._context.module(module).readable_slots.get(field)
        value = record.c[slot] if slot is not None else self._context.reader.text(document.c.data, field)
        same = and_(document.c.tenant_id == record.c.tenant_id, document.c.record_id == record.c.id)
        within = and_(record.c.tenant_id == self._context.tenant, record.c.module == module)
        rows = record if slot is not None else record.join(document, same)
        statement = select(record.c.id, value).select_from(rows).where(within)
        return [row[0] for row in self._context.execute(statement) if form in form_of(row[1])]


def _given_for(tokens: Sequence[Any], homes: Sequence[Any]) -> tuple[tuple[Given, ...], tuple[Given, ...]]:
    """Return the places of values that a statement is given behind the tenant."""
    given = tuple(map(Given, range(1, 1 + len(tokens) + len(homes))))
    return given[: len(tokens)], given[len(tokens) :]


def title_conditions(
    context: Context,
    title: FromClause,
    module: ModuleKey,
    field: FieldKey,
    form: ColumnElement[str],
    wanted: Wanted | None,
) -> list[ColumnElement[bool]]:
    """Return the conditions that a row of titles is of a field, and contains a form.

    With `wanted`, the index of pairs has to lead to it; without, it is looked up for a record. Where the index says all
    that there is to say, the row itself isn't read: the record that it is of tells its module.
    """
    columns = title.c
    if wanted is None:
        return [columns.tenant_id == TENANT, *_is_told(context, title, module, field, form)]
    tenant = unindexed(columns.tenant_id, context.connection.dialect) == TENANT
    led = gram_index(context.tables, context.connection.dialect).having(title, wanted)
    if wanted.exact:
        return [tenant, columns.field == field, led]
    return [tenant, *_is_told(context, title, module, field, form), led]


def _is_told(
    context: Context, title: FromClause, module: ModuleKey, field: FieldKey, form: ColumnElement[str]
) -> list[ColumnElement[bool]]:
    columns = title.c
    return [columns.field == field, columns.module == module, context.reader.contains(columns.form, form)]

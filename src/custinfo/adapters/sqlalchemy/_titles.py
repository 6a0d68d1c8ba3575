"""Titles of records in their searchable form, and finding records by a part of it.

A title is written with its record, in the same transaction. Records that were saved before there was an index for
the field are added by `_titling`; until then, titles are read from the records themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, and_, delete, func, select

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.adapters.sqlalchemy._dialects import unindexed
from custinfo.adapters.sqlalchemy._grams import GramIndex, Title, gram_index
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, given_parameter
from custinfo.core.names import searchable
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.schema import ModuleSchema

__all__ = ["TitleSearch", "TitleWriter", "form_of", "title_conditions", "titled_by"]


def titled_by(module: ModuleSchema) -> FieldKey | None:
    """Return the field whose searchable form is kept: the title, if it is text."""
    key = module.definition.title_field
    field = module.definition.fields.get(key) if key is not None else None
    if field is None or field.encrypted or module.kinds[field.key].storage != "text":
        return None
    return field.key


def form_of(value: Any) -> str:
    """Return the searchable form of a stored value; empty for none."""
    return searchable(value) if type(value) is str else ""


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

    def replace(self, old: Sequence[RecordId], titles: Sequence[Title]) -> None:
        """Let `titles` be those of their records, and the only ones of the records `old`."""
        wanted = {title.record_id: title for title in titles}
        gone = []
        for stored in self._stored(old):
            known = wanted.get(stored.record_id)
            if known is not None and (known.field, known.form) == (stored.field, stored.form):
                del wanted[stored.record_id]
            else:
                gone.append(stored)
        self._delete(gone)
        if wanted:
            self._grams.add(self._context, list(wanted.values()))

    def remove(self, record_ids: Sequence[RecordId]) -> None:
        """Delete the titles of records."""
        self._delete(list(self._stored(record_ids)))

    def _title(self, record: Record, document: Mapping[str, Any]) -> Title | None:
        field = titled_by(self._context.module(record.module).schema)
        form = form_of(document.get(field)) if field is not None else ""
        return Title(record.module, record.id, field, form) if form and field is not None else None

    def _stored(self, record_ids: Sequence[RecordId]) -> Iterator[Title]:
        """Yield the titles as they are in this very moment."""
        columns = self._table.c
        statement = select(columns.module, columns.record_id, columns.field, columns.form, columns.doc)
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


class TitleSearch:
    """Know which titles are indexed, and how many mention something."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context

    @cached_property
    def _grams(self) -> GramIndex:
        return gram_index(self._context.tables, self._context.connection.dialect)

    @cached_property
    def _ready(self) -> Collection[tuple[ModuleKey, FieldKey]]:
        columns = self._context.tables.titled.c
        statement = select(columns.module, columns.field).where(
            columns.tenant_id == self._context.tenant, columns.state == "ready"
        )
        return {(row[0], row[1]) for row in self._context.execute(statement)}

    def has(self, module: ModuleKey, field: FieldKey) -> bool:
        """Tell whether the index answers for a field."""
        return (module, field) in self._ready

    def sought(self, module: ModuleKey, field: FieldKey, form: str) -> Sequence[Any]:
        """Return the values by which the index of pairs is asked for `form`."""
        return self._grams.sought(self._context.tenant, module, field, form)

    def number(self, module: ModuleKey, field: FieldKey, form: str, most: int) -> int:
        """Return of how many titles the index has all pairs of `form`, up to a number."""
        sought, single = self.sought(module, field, form), len(form) == 1

        def build() -> Select[Any]:
            entries = self._grams.entries([*map(Given, range(1, len(sought) + 1))], single=single)
            limit = given_parameter(Given(len(sought) + 1), BigInteger())
            return select(func.count()).select_from(entries.limit(limit).subquery())

        rows = self._context.ask(("titles", len(sought), single), build, [self._context.tenant, *sought, most])
        return int(rows[0][0])

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


def title_conditions(
    context: Context,
    title: FromClause,
    module: ModuleKey,
    field: FieldKey,
    form: ColumnElement[str],
    *,
    each: bool,
) -> list[ColumnElement[bool]]:
    """Return the conditions that a row of titles is of a field, and contains a form.

    `each` says that the row is looked up for a record; otherwise the index of pairs has to lead to it.
    """
    columns = title.c
    return [
        (columns.tenant_id if each else unindexed(columns.tenant_id, context.connection.dialect)) == TENANT,
        columns.field == field,
        columns.module == module,
        context.reader.contains(columns.form, form),
    ]

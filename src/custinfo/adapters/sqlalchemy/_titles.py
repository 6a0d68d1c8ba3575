"""Titles of records in their searchable form, and finding records by a part of it.

A title is written with its record, in the same transaction. Records that were saved before there was an index for
the field are added by `_titling`; until then, titles are read from the records themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, delete, exists, func, literal, select

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.adapters.sqlalchemy._dialects import unindexed
from custinfo.adapters.sqlalchemy._grams import GramIndex, Title, gram_index
from custinfo.core.names import searchable
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.schema import ModuleSchema

__all__ = ["TitleSearch", "TitleWriter", "form_of", "titled_by"]

NARROW: Final = 5_000
"""Up to so many titles, the index leads to the records; of more, the records are looked at in their order."""


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
    """Make the conditions that a title mentions something."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._table = context.tables.title

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

    def is_narrow(self, module: ModuleKey, field: FieldKey, form: str) -> bool:
        """Tell whether the index has few titles with all pairs of `form`."""
        entries = self.entries(module, field, form).limit(NARROW + 1)
        found = self._context.execute(select(func.count()).select_from(entries.subquery())).scalar_one()
        return bool(found <= NARROW)

    def entries(self, module: ModuleKey, field: FieldKey, form: str) -> Select[Any]:
        """Return a row for each title of which the index has all pairs of `form`."""
        return self._grams.entries(self._context, module, field, form)

    def found(self, module: ModuleKey, field: FieldKey, form: str) -> Select[Any]:
        """Return the ids of the records whose titles contain `form`, by the index."""
        title = self._table.alias()
        having = self._grams.having(self._context, title, module, field, form)
        tenant = unindexed(title.c.tenant_id, self._context.connection.dialect)
        return select(title.c.record_id).where(having, *self._same(title, tenant, module, field, form))

    def holds(
        self, record_id: ColumnElement[str], module: ModuleKey, field: FieldKey, form: str
    ) -> ColumnElement[bool]:
        """Return whether the title of one record contains `form`."""
        title = self._table.alias()
        same = self._same(title, title.c.tenant_id, module, field, form)
        return exists(select(literal(1)).where(title.c.record_id == record_id, *same))

    def _same(
        self, title: FromClause, tenant: ColumnElement[str], module: ModuleKey, field: FieldKey, form: str
    ) -> list[ColumnElement[bool]]:
        columns = title.c
        return [
            tenant == self._context.tenant,
            columns.field == field,
            columns.module == module,
            self._context.reader.contains(columns.form, form),
        ]

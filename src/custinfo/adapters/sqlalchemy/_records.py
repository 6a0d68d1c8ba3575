"""Records in tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import Table, delete, select

from custinfo.adapters.sqlalchemy._conflicts import Conflicts
from custinfo.adapters.sqlalchemy._context import ClashError, Context, chunked
from custinfo.adapters.sqlalchemy._creating import insert_documents, insert_narrow, insert_unique
from custinfo.adapters.sqlalchemy._prepared import PreparedModule
from custinfo.adapters.sqlalchemy._ready import padded
from custinfo.adapters.sqlalchemy._rows import (
    DOCUMENT_COLUMNS,
    RECORD_COLUMNS,
    SHARE_COLUMNS,
    TAG_COLUMNS,
    UNIQUE_COLUMNS,
    by_module,
    changed_columns,
    changed_rows,
    differing_columns,
    document_of,
    record_from_row,
    record_rows,
    sealed_parts,
    share_rows,
    tag_rows,
    unique_text,
)
from custinfo.adapters.sqlalchemy._statements import RecordStatements
from custinfo.adapters.sqlalchemy._titles import TitleWriter
from custinfo.adapters.sqlalchemy._types import dump_json
from custinfo.core.errors import ConflictError
from custinfo.core.fields import FieldDefinition
from custinfo.core.new_records import NewRecords
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed

__all__ = ["SqlAlchemyRecords"]

_KEYS: Final = 3
"""Tenant, id and module come first in a row, and never change."""

_LOADED: Final = 2_000
"""So many records are remembered to see what changes of them."""


_WORTH_READING: Final = 20
"""From so many records on, SQLite reads them faster than it writes all of their indexes."""


class _StaleError(Exception):
    """Some of the records are stored at another version than expected."""


class _TakenError(Exception):
    """Some of the unique values belong to another record."""


def _links(record: Record) -> tuple[object, ...]:
    """Return what rows beside a record depend on, besides its values."""
    return record.tags, record.shares, record.archived_at is None


def _holds_sealed(record: Record, fields: Sequence[FieldDefinition]) -> bool:
    return any(type(record.values.get(field.key)) is Sealed for field in fields) if fields else False


def _tag_list(record: Record) -> list[list[str]] | None:
    return [list(tag) for tag in sorted(record.tags)] or None


def _text(data: Any) -> str | None:
    return dump_json(data) if data else None


class SqlAlchemyRecords:
    """Keep records in `record` and the tables beside it."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._statements = RecordStatements(context)
        self._titles = TitleWriter(context)
        self._conflicts = Conflicts(context, self._statements)

    def get(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Record]:
        """Return those that exist; one id takes one statement."""
        prepared, tenant = self._context.module(module), self._context.tenant
        found: dict[RecordId, Record] = {}
        for part in chunked(tuple(record_ids)):
            keys = padded(part)
            rows = self._context.fetch(self._statements.get(len(keys)), (tenant, module, *keys))
            found.update({row[0]: record_from_row(row, module, prepared) for row in rows})
        if self._context.remembers:
            if len(self._context.loaded) > _LOADED:
                self._context.loaded.clear()
            self._context.loaded.update(found)
        return found

    def save(self, records: Sequence[Record], /) -> None:
        """Insert or replace them all within a savepoint, or raise and change nothing."""
        if not records:
            return
        failure: ConflictError | None = None
        try:
            if isinstance(records, NewRecords):
                with self._context.savepoint():
                    self._create(records)
            else:
                self._save(records)
        except _StaleError:
            failure = self._conflicts.stale({record.id: (record, record.version - 1) for record in records})
        except _TakenError:
            failure = self._conflicts.taken(records)
        if failure is not None:
            raise failure

    def restore(self, records: Sequence[Record], /) -> None:
        """Insert records at whatever version they are, with what is kept beside them. Raises: ClashError."""
        modules = self._context.module
        documents = {record.id: document_of(record, modules(record.module)) for record in records}
        try:
            self._insert(records, documents)
            self._add_beside(records)
            self._titles.write(records, documents)
        except (_StaleError, _TakenError):
            raise ClashError from None

    def remove(self, records: Sequence[Record], /) -> None:
        """Delete them all within a savepoint, or raise and change nothing."""
        if not records:
            return
        failure: ConflictError | None = None
        try:
            with self._context.savepoint():
                self._remove(records)
        except _StaleError:
            failure = self._conflicts.stale({record.id: (record, record.version) for record in records})
        if failure is not None:
            raise failure

    def holders(self, module: ModuleKey, key: FieldKey, values: Collection[str], /) -> Mapping[str, RecordId]:
        """Return unique value → the live record that has it."""
        wanted = {unique_text(value): value for value in values}
        columns = self._context.tables.unique.c
        found = {}
        for part in chunked(tuple(wanted)):
            statement = select(columns.value, columns.record_id).where(
                columns.tenant_id == self._context.tenant,
                columns.module == module,
                columns.field == key,
                columns.value.in_(part),
            )
            found.update({wanted[row.value]: row.record_id for row in self._context.execute(statement)})
        return found

    def reindex(self, records: Sequence[Record], /) -> None:
        """Claim the unique values of records anew within a savepoint, or raise and change nothing."""
        if not records:
            return
        failure: ConflictError | None = None
        try:
            with self._context.savepoint():
                self._clear(records, self._context.tables.unique)
                self._claim(records)
        except _TakenError:
            failure = self._conflicts.taken(records)
        if failure is not None:
            raise failure

    def _create(self, records: NewRecords) -> None:
        try:
            insert_narrow(self._context, records)
        except ClashError:
            raise _StaleError from None
        insert_documents(self._context, records)
        try:
            insert_unique(self._context, records)
        except ClashError:
            raise _TakenError from None
        self._titles.write_new(records)

    def _save(self, records: Sequence[Record]) -> None:
        modules = self._context.module
        documents = {record.id: document_of(record, modules(record.module)) for record in records}
        beside = [record for record in records if record.version == 1 or not self._is_same_beside(record)]
        titled = [record for record in records if record.version == 1 or not self._is_same_title(record)]
        if self._is_alone(records, beside, titled):  # stale before anything is written; no other failure is committed
            self._replace(records, documents)
            self._replace_documents(records, documents)
        else:
            with self._context.savepoint():
                self._write(records, documents, beside)
                self._titles.write(titled, documents)
        for record in records:
            self._context.loaded.pop(record.id, None)

    def _is_alone(self, records: Sequence[Record], *others: Sequence[Record]) -> bool:
        """Tell whether nothing is written but the rows of one record, in a transaction of custinfo's own."""
        return len(records) == 1 and self._context.remembers and not any(others) and not self._is_sealed(records[0])

    def _is_sealed(self, record: Record) -> bool:
        fields = self._context.module(record.module).schema.encrypted_fields
        return bool(record.data_keys) or _holds_sealed(record, fields)

    def _write(
        self, records: Sequence[Record], documents: dict[RecordId, dict[str, Any]], beside: Sequence[Record]
    ) -> None:
        """Write records, and anew what stands beside some of them."""
        modules = self._context.module
        old = [record for record in records if record.version != 1]
        new = [record for record in records if record.version == 1]
        if old:
            self._replace(old, documents)
            rotated = self._rotated(old)
            documents |= {key: document_of(record, modules(record.module)) for key, record in rotated.items()}
            self._replace_documents([rotated.get(record.id, record) for record in old], documents)
            beside = [rotated.get(record.id, record) for record in beside]
            self._clear([record for record in beside if record.version != 1], *self._beside)
        if new:
            self._insert(new, documents)
        self._add_beside(beside)

    def _is_same_beside(self, record: Record) -> bool:
        """Tell whether tags, shares and unique values are as they were in the version that it replaces."""
        before = self._before(record)
        if before is None or _links(before) != _links(record):
            return False
        keys = self._context.module(record.module).unique_fields
        return all(before.values.get(key) == record.values.get(key) for key in keys)

    def _is_same_title(self, record: Record) -> bool:
        """Tell whether what finds a record by its title is as it was in the version that it replaces."""
        before = self._before(record)
        if before is None or before.department != record.department:
            return False
        title = self._context.module(record.module).schema.definition.title_field
        return title is None or before.values.get(title) == record.values.get(title)

    def _add_beside(self, records: Sequence[Record]) -> None:
        tags = tag_rows(records, self._context.tenant)
        if tags:
            self._context.insert(self._context.tables.tag, TAG_COLUMNS, tags)
        shares = share_rows(records, self._context.tenant)
        if shares:
            self._context.insert(self._context.tables.share, SHARE_COLUMNS, shares)
        self._claim(records)

    def _claim(self, records: Sequence[Record]) -> None:
        taken = self._conflicts.unique_rows(records)
        if taken:
            try:
                self._context.insert(self._context.tables.unique, UNIQUE_COLUMNS, taken)
            except ClashError:
                raise _TakenError from None

    def _insert(self, records: Sequence[Record], documents: Mapping[RecordId, dict[str, Any]]) -> None:
        tenant, tables = self._context.tenant, self._context.tables
        for part in by_module(records):
            rows = record_rows(part, documents, self._context.module(part[0].module), tenant)
            try:
                self._context.insert(tables.record, RECORD_COLUMNS, rows)
            except ClashError:
                raise _StaleError from None
        contents = (
            (tenant, record.id, documents[record.id], _tag_list(record), record.data_keys or None) for record in records
        )
        self._context.insert(tables.document, DOCUMENT_COLUMNS, contents)

    def _replace(self, records: Sequence[Record], documents: Mapping[RecordId, dict[str, Any]]) -> None:
        changed = 0
        for part in by_module(records):
            prepared, tenant = self._context.module(part[0].module), self._context.tenant
            names = self._changed(part, documents, prepared)
            changes = list(changed_rows(part, documents, prepared, names, tenant))
            changed += self._context.change(self._statements.update_record(names), changes)
        if changed != len(records):
            raise _StaleError

    def _replace_documents(self, records: Sequence[Record], documents: Mapping[RecordId, dict[str, Any]]) -> None:
        tenant = self._context.tenant
        contents = [
            (tenant, record.id, dump_json(documents[record.id]), _text(_tag_list(record)), _text(record.data_keys))
            for record in records
        ]
        self._context.change(self._statements.update_document, contents)

    def _rotated(self, records: Sequence[Record]) -> dict[RecordId, Record]:
        """Return the records whose keys were rotated since they were read, with data keys and digests of now."""
        sealed = {record.id: record for record in records if self._is_sealed(record)}
        found: dict[RecordId, Record] = {}
        for part in chunked(tuple(sealed)):
            keys = padded(part)
            rows = self._context.fetch(self._statements.sealed(len(keys)), (self._context.tenant, *keys))
            for key, document, data_keys in rows:
                record = sealed[key]
                values, held = sealed_parts(document, data_keys, self._context.module(record.module))
                kept = record.as_sealed_in(attrs.evolve(record, values=values, data_keys=held))
                if kept is not record:
                    found[key] = kept
        return found

    def _changed(
        self, records: Sequence[Record], documents: Mapping[RecordId, dict[str, Any]], prepared: PreparedModule
    ) -> tuple[str, ...]:
        """Return the columns that change; SQLite writes each index of those that a statement names."""
        changed: set[str] = set()
        unread = []
        for record in records:
            before = self._before(record)
            if before is None:
                unread.append(record)
            else:
                changed |= changed_columns(before, record, prepared)
        if unread and (len(unread) < _WORTH_READING or self._context.connection.dialect.name != "sqlite"):
            return RECORD_COLUMNS[_KEYS:]
        for part in chunked(unread):
            changed |= self._differing(part, documents, prepared)
        return tuple(name for name in RECORD_COLUMNS[_KEYS:] if name in changed) or RECORD_COLUMNS[_KEYS:]

    def _differing(
        self, records: Sequence[Record], documents: Mapping[RecordId, dict[str, Any]], prepared: PreparedModule
    ) -> set[str]:
        """Return the columns in which the narrow rows of records differ from those that are stored."""
        tenant, keys = self._context.tenant, padded([record.id for record in records])
        found = {
            row[0]: (tenant, *row) for row in self._context.fetch(self._statements.narrow(len(keys)), (tenant, *keys))
        }
        written = [row for row in record_rows(records, documents, prepared, tenant) if row[1] in found]
        return differing_columns([found[row[1]] for row in written], written)

    def _before(self, record: Record) -> Record | None:
        """Return the version that a record replaces, if it was read in this unit: that is replaced, or nothing."""
        before = self._context.loaded.get(record.id)
        fits = before is not None and before.version == record.version - 1 and before.module == record.module
        return before if fits else None

    def _remove(self, records: Sequence[Record]) -> None:
        rows = [(self._context.tenant, record.id, record.module, record.version) for record in records]
        if self._context.change(self._statements.delete_record, rows) != len(records):
            raise _StaleError
        self._clear(records, self._context.tables.document, *self._beside)
        self._titles.remove([record.id for record in records])

    @property
    def _beside(self) -> tuple[Table, ...]:
        """The tables that repeat parts of a record, a row for each."""
        tables = self._context.tables
        return tables.tag, tables.share, tables.unique

    def _clear(self, records: Sequence[Record], *tables: Table) -> None:
        """Delete what belongs to the records."""
        for part in chunked([record.id for record in records]):
            for table in tables:
                columns = table.c
                self._context.execute(
                    delete(table).where(columns.tenant_id == self._context.tenant, columns.record_id.in_(part))
                )

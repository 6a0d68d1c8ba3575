"""Records in tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table, delete, select

from custinfo.adapters.sqlalchemy._comparing import Saving, saving
from custinfo.adapters.sqlalchemy._conflicts import Conflicts
from custinfo.adapters.sqlalchemy._context import ClashError, Context, chunked
from custinfo.adapters.sqlalchemy._creating import insert_documents, insert_narrow, insert_unique
from custinfo.adapters.sqlalchemy._ready import padded
from custinfo.adapters.sqlalchemy._replacing import Replacer, tag_list
from custinfo.adapters.sqlalchemy._rows import (
    DOCUMENT_COLUMNS,
    RECORD_COLUMNS,
    SHARE_COLUMNS,
    TAG_COLUMNS,
    UNIQUE_COLUMNS,
    Loaded,
    by_module,
    document_of,
    record_and_document,
    record_rows,
    share_rows,
    tag_rows,
    unique_text,
)
from custinfo.adapters.sqlalchemy._statements import RecordStatements
from custinfo.adapters.sqlalchemy._targets import refuse_past
from custinfo.adapters.sqlalchemy._titles import TitleWriter
from custinfo.core.errors import ConflictError
from custinfo.core.new_records import NewRecords
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId

__all__ = ["SqlAlchemyRecords"]

_LOADED: Final = 2_000
"""So many records are remembered to see what changes of them."""


class _StaleError(Exception):
    """Some of the records are stored at another version than expected."""


class _TakenError(Exception):
    """Some of the unique values belong to another record."""


class SqlAlchemyRecords:
    """Keep records in `record` and the tables beside it."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._statements = RecordStatements(context)
        self._replacer = Replacer(context, self._statements)
        self._titles = TitleWriter(context)
        self._conflicts = Conflicts(context, self._statements)

    def get(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Record]:
        """Return those that exist; one id takes one statement."""
        prepared, tenant = self._context.module(module), self._context.tenant
        found: dict[RecordId, Loaded] = {}
        for part in chunked(tuple(record_ids)):
            keys = padded(part)
            rows = self._context.fetch(self._statements.get(len(keys)), (tenant, module, *keys))
            found.update({row[0]: record_and_document(row, module, prepared) for row in rows})
        if self._context.remembers:
            if len(self._context.loaded) > _LOADED:
                self._context.loaded.clear()
            self._context.loaded.update(found)
        return {key: record for key, (record, _) in found.items()}

    def save(self, records: Sequence[Record], /) -> None:
        """Insert or replace them all within a savepoint, or raise and change nothing."""
        if not records:
            return
        refuse_past(self._context, records)
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
        loaded = self._context.loaded
        parts = [saving(part, self._context.module(part[0].module), loaded) for part in by_module(records)]
        if len(records) == 1 and self._context.remembers and parts[0].is_plain:
            self._replace(parts[0])  # stale before anything is written; no other failure is committed
        else:
            with self._context.savepoint():
                for part in parts:
                    self._write(part)
        for record in records:
            loaded.pop(record.id, None)

    def _write(self, part: Saving) -> None:
        """Write records, and anew what stands beside some of them."""
        rotated = self._replace(part) if part.old else {}
        beside = [rotated.get(record.id, record) for record in part.beside]
        self._clear([record for record in beside if record.version != 1], *self._beside)
        if part.new:
            self._insert(part.new, part.documents)
        self._add_beside(beside)
        self._titles.write(part.titled, part.documents)

    def _replace(self, part: Saving) -> Mapping[RecordId, Record]:
        """Replace the rows of records; return those of which keys were rotated, as they were saved."""
        if self._replacer.narrow(part) != len(part.old):
            raise _StaleError
        rotated = self._replacer.rotated(part)
        self._replacer.documents(part, rotated)
        return rotated

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
            (tenant, record.id, documents[record.id], tag_list(record), record.data_keys or None) for record in records
        )
        self._context.insert(tables.document, DOCUMENT_COLUMNS, contents)

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

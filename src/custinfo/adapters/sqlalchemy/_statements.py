"""The statements that are the same in every unit of work, built once."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, delete, select, update

from custinfo.adapters.sqlalchemy._rows import record_columns
from custinfo.adapters.sqlalchemy.tables import Tables

__all__ = ["RecordStatements", "record_statements"]


class RecordStatements:
    """Statements that get and change records by id."""

    def __init__(self, tables: Tables) -> None:
        """Take the tables; each statement is built when it is first needed."""
        self._record = tables.record
        self._document = tables.document

    @cached_property
    def _get(self) -> Select[Any]:
        record, document = self._record, self._document
        same = (document.c.tenant_id == record.c.tenant_id) & (document.c.record_id == record.c.id)
        return (
            select(*record_columns(record, document))
            .select_from(record.join(document, same))
            .where(record.c.tenant_id == bindparam("tenant"), record.c.module == bindparam("module"))
        )

    @cached_property
    def get_one(self) -> Select[Any]:
        """Read one record: `tenant`, `module`, `key`."""
        return self._get.where(self._record.c.id == bindparam("key"))

    @cached_property
    def get_many(self) -> Select[Any]:
        """Read records: `tenant`, `module`, `keys`."""
        return self._get.where(self._record.c.id.in_(bindparam("keys", expanding=True)))

    @cached_property
    def versions(self) -> Select[Any]:
        """Read the versions of records as they are in this very moment: `tenant`, `keys`."""
        columns = self._record.c
        return (
            select(columns.id, columns.module, columns.version)
            .where(columns.tenant_id == bindparam("tenant"), columns.id.in_(bindparam("keys", expanding=True)))
            .with_for_update(read=True)
        )

    @cached_property
    def update_record(self) -> Any:
        """Change a record at a version: `b_tenant`, `b_id`, `b_module`, `b_version`, and the new values."""
        return _at_version(update(self._record), self._record)

    @cached_property
    def delete_record(self) -> Any:
        """Delete a record at a version: `b_tenant`, `b_id`, `b_module`, `b_version`."""
        return _at_version(delete(self._record), self._record)

    @cached_property
    def update_document(self) -> Any:
        """Replace a document: `b_tenant`, `b_id`, and the new values."""
        columns = self._document.c
        return update(self._document).where(
            columns.tenant_id == bindparam("b_tenant"), columns.record_id == bindparam("b_id")
        )


def _at_version(statement: Any, table: Table) -> Any:
    return statement.where(
        table.c.tenant_id == bindparam("b_tenant"),
        table.c.id == bindparam("b_id"),
        table.c.module == bindparam("b_module"),
        table.c.version == bindparam("b_version"),
    )


@lru_cache(maxsize=64)
def record_statements(tables: Tables) -> RecordStatements:
    """Return the statements over `tables`."""
    return RecordStatements(tables)

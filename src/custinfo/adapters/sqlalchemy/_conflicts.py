"""Saying what was in the way of a record: another version, or a unique value that another record has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from sqlalchemy import select, tuple_

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.adapters.sqlalchemy._ready import padded
from custinfo.adapters.sqlalchemy._rows import UniqueRow, unique_rows
from custinfo.adapters.sqlalchemy._statements import RecordStatements
from custinfo.core.errors import ConflictError
from custinfo.core.records import Record, RecordId
from custinfo.core.store_errors import not_unique, stale_version

__all__ = ["Conflicts"]


@attrs.frozen(eq=False)
class Conflicts:
    """Look up what is stored after a statement found less than it was to change, or a key that is taken."""

    _context: Context
    _statements: RecordStatements

    def unique_rows(self, records: Sequence[Record]) -> list[UniqueRow]:
        """Return a row for each unique value of each record."""
        return [
            row
            for record in records
            for row in unique_rows(record, self._context.module(record.module), self._context.tenant)
        ]

    def stale(self, expected: Mapping[RecordId, tuple[Record, int]]) -> ConflictError:
        """Say which record is stored at another version than expected."""
        stored: dict[tuple[str, RecordId], int] = {}
        for part in chunked(tuple(expected)):
            keys = padded(part)
            for key, module, version in self._context.fetch(
                self._statements.versions(len(keys)), (self._context.tenant, *keys)
            ):
                stored[module, key] = version
        for record, version in expected.values():
            actual = stored.get((record.module, record.id), 0)
            if actual != version:
                return stale_version(version, actual)
        return stale_version(next(iter(expected.values()))[1], 0)

    def taken(self, records: Sequence[Record]) -> ConflictError:
        """Say which unique field has a value of another record."""
        rows = self.unique_rows(records)
        columns = self._context.tables.unique.c
        holders: dict[tuple[str, ...], RecordId] = {}
        ids = {record.id for record in records}
        key = tuple_(columns.module, columns.field, columns.value)
        for part in chunked([row[1:4] for row in rows]):
            statement = select(columns.module, columns.field, columns.value, columns.record_id)
            found = statement.where(columns.tenant_id == self._context.tenant, key.in_(part))
            for module, field, value, holder in self._context.execute(found.with_for_update(read=True)):
                if holder not in ids:
                    holders[module, field, value] = holder
        for _, module, field, value, record_id in rows:
            if holders.setdefault((module, field, value), record_id) != record_id:
                return not_unique(field)
        return not_unique(rows[0][2])

"""Replacing rows of records by those of their next versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.adapters.sqlalchemy._comparing import Saving
from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.adapters.sqlalchemy._ready import padded
from custinfo.adapters.sqlalchemy._rows import (
    RECORD_COLUMNS,
    changed_rows,
    differing_columns,
    document_of,
    record_rows,
    sealed_parts,
)
from custinfo.adapters.sqlalchemy._statements import RecordStatements
from custinfo.adapters.sqlalchemy._types import dump_json
from custinfo.core.records import Record, RecordId

__all__ = ["Replacer", "tag_list"]

_KEYS: Final = 3
"""Tenant, id and module come first in a row, and never change."""

_WORTH_READING: Final = 20
"""From so many records on, SQLite reads them faster than it writes all of their indexes."""


def tag_list(record: Record) -> list[list[str]] | None:
    """Return the tags of a record as its document has them, `None` for none."""
    return [list(tag) for tag in sorted(record.tags)] or None


def _text(data: Any) -> str | None:
    return dump_json(data) if data else None


@attrs.frozen(eq=False)
class Replacer:
    """Write what differs of records that are there."""

    _context: Context
    _statements: RecordStatements

    def narrow(self, saving: Saving) -> int:
        """Replace the narrow rows of records at the versions before, and return how many there were."""
        tenant, columns = self._context.tenant, self._columns(saving)
        rows = changed_rows(saving.old, saving.documents, saving.prepared, columns, tenant)
        return self._context.change(self._statements.update_record(columns), list(rows))

    def documents(self, saving: Saving, rotated: Mapping[RecordId, Record]) -> None:
        """Replace the documents of records, of some by what `rotated` found.

        Tags and keys are written where they may differ.
        """
        tenant, documents = self._context.tenant, saving.documents
        if not (saving.unread or saving.beside or saving.sealed):
            plain = [(tenant, record.id, dump_json(documents[record.id])) for record in saving.old]
            self._context.change(self._statements.update_data, plain)
            return
        rows = []
        for record in saving.old:
            found = rotated.get(record.id)
            data = documents[record.id] if found is None else document_of(found, saving.prepared)
            keys = (record if found is None else found).data_keys
            rows.append((tenant, record.id, dump_json(data), _text(tag_list(record)), _text(keys)))
        self._context.change(self._statements.update_document, rows)

    def rotated(self, saving: Saving) -> dict[RecordId, Record]:
        """Return the records whose keys were rotated since they were read, with data keys and digests of now."""
        sealed = {record.id: record for record in saving.sealed if record.version != 1}
        found: dict[RecordId, Record] = {}
        for part in chunked(tuple(sealed)):
            keys = padded(part)
            rows = self._context.fetch(self._statements.sealed(len(keys)), (self._context.tenant, *keys))
            for key, document, data_keys in rows:
                record = sealed[key]
                values, held = sealed_parts(document, data_keys, saving.prepared)
                kept = record.as_sealed_in(attrs.evolve(record, values=values, data_keys=held))
                if kept is not record:
                    found[key] = kept
        return found

    def _columns(self, saving: Saving) -> tuple[str, ...]:
        """Return the columns that change; SQLite writes each index of those that a statement names."""
        everything, changed = RECORD_COLUMNS[_KEYS:], saving.columns
        if saving.unread:
            if len(saving.unread) < _WORTH_READING or self._context.connection.dialect.name != "sqlite":
                return everything
            for part in chunked(saving.unread):
                changed = changed | self._differing(part, saving)
        return tuple(name for name in everything if name in changed) or everything

    def _differing(self, records: Sequence[Record], saving: Saving) -> set[str]:
        """Return the columns in which the narrow rows of records differ from those that are stored."""
        tenant, keys = self._context.tenant, padded([record.id for record in records])
        found = {
            row[0]: (tenant, *row) for row in self._context.fetch(self._statements.narrow(len(keys)), (tenant, *keys))
        }
        rows = record_rows(records, saving.documents, saving.prepared, tenant)
        written = [row for row in rows if row[1] in found]
        return differing_columns([found[row[1]] for row in written], written)

"""New records and their history, from columns to rows: no object is made for a row but what the driver takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress, repeat
from typing import Any, Final

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._prepared import PreparedModule
from custinfo.adapters.sqlalchemy._rows import unique_text
from custinfo.core.new_records import Creations, NewRecords
from custinfo.core.records import FieldKey, RecordId
from custinfo.core.stored import instant_to_text, unique_keys

__all__ = ["insert_creations", "insert_documents", "insert_narrow", "insert_unique"]

Columns = dict[str, Iterable[Any]]

_WRITTEN: Final = frozenset({"data", "fields"})
"""Columns that are given as JSON text."""


def insert_narrow(context: Context, records: NewRecords) -> None:
    """Insert the narrow rows, whose slots repeat the stored values. Raises: ClashError, StorageError."""
    prepared, at = context.module(records.module), instant_to_text(records.at)
    sealed = {field.key for field in prepared.schema.encrypted_fields}
    values = records.stored(prepared.codec).values
    columns: Columns = {
        "tenant_id": repeat(context.tenant),
        "id": records.ids,
        "module": repeat(records.module),
        "owner_id": records.owners,
        "department_id": records.departments,
        "created_by": repeat(records.created_by),
        "version": repeat(1),
        "created_at": repeat(at),
        "updated_at": repeat(at),
    }
    columns |= {slot: values[key] for key, slot in prepared.slots.items() if key in values and key not in sealed}
    context.insert_columns(context.tables.record, columns)


def insert_documents(context: Context, records: NewRecords) -> None:
    """Insert the documents. Raises: ClashError, StorageError."""
    texts = records.stored(context.module(records.module).codec).documents()
    columns: Columns = {"tenant_id": repeat(context.tenant), "record_id": records.ids, "data": texts}
    context.insert_columns(context.tables.document, columns, written=_WRITTEN)


def insert_unique(context: Context, records: NewRecords) -> None:
    """Insert the unique values. Raises: ClashError for one that is taken; StorageError."""
    prepared = context.module(records.module)
    for field in prepared.unique_fields:
        texts, record_ids = _unique_claims(records, prepared, field)
        columns: Columns = {
            "tenant_id": repeat(context.tenant),
            "module": repeat(records.module),
            "field": repeat(field),
            "value": map(unique_text, texts),
            "record_id": record_ids,
        }
        context.insert_columns(context.tables.unique, columns)


def _unique_claims(
    records: NewRecords, prepared: PreparedModule, field: FieldKey
) -> tuple[Sequence[str], Sequence[RecordId]]:
    """Return the texts that only one record may have in a unique field, and beside them the records that have them."""
    if field in {field.key for field in prepared.schema.encrypted_fields}:
        found = zip(records.columns.get(field, ()), records.ids, strict=False)
        keyed = ((unique_keys(prepared.schema, field, value), key) for value, key in found if value is not None)
        claims = [(text, key) for texts, key in keyed for text in texts]
        return [text for text, _ in claims], [key for _, key in claims]
    stored = records.stored(prepared.codec).values.get(field, ())
    there = [value is not None for value in stored]
    return list(map(str, compress(stored, there))), list(compress(records.ids, there))


def insert_creations(context: Context, changes: Creations) -> None:
    """Insert the history of new records. Raises: ClashError, StorageError."""
    records = changes.records
    same = {
        "module": records.module,
        "at": instant_to_text(records.at),
        "actor": changes.actor,
        "action": "create",
        "channel": changes.channel,
        "on_behalf_of": changes.on_behalf_of,
        "batch": changes.batch,
        "configuration_version": changes.configuration_version,
    }
    columns: Columns = {
        "tenant_id": repeat(context.tenant),
        "record_id": records.ids,
        "version": repeat(1),
        **{name: repeat(value) for name, value in same.items() if value is not None},
        "fields": records.stored(context.module(records.module).codec).changes(),
    }
    if changes.evidence is not None:
        columns["evidence"] = changes.evidence
    context.insert_columns(context.tables.change, columns, written=_WRITTEN)

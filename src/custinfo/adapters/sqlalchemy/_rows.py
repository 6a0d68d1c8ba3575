"""Records to and from rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Table

from custinfo.adapters.sqlalchemy._context import PreparedModule
from custinfo.adapters.sqlalchemy.tables import SLOT_LENGTH
from custinfo.core.records import ModuleKey, Record, RecordId, Tag
from custinfo.core.stored import instant_from_text, instant_to_text, unique_key

__all__ = ["by_module", "record_columns", "record_from_row", "record_rows", "tag_rows", "unique_rows", "unique_text"]

_NO_TAGS: Final[frozenset[Tag]] = frozenset()
_NARROW: Final = (
    "id",
    "owner_id",
    "department_id",
    "version",
    "created_at",
    "updated_at",
    "created_by",
    "archived_at",
)


def record_columns(record: Table, document: Table) -> list[Any]:
    """Return the columns that `record_from_row` takes, in its order."""
    return [*(record.c[name] for name in _NARROW), document.c.data, document.c.tags]


def record_from_row(row: Row[*tuple[Any, ...]], module: ModuleKey, prepared: PreparedModule) -> Record:
    """Return the record of a row of `record_columns`."""
    key, owner, department, version, created_at, updated_at, created_by, archived_at, data, tags = row
    return Record(
        id=key,
        module=module,
        values=prepared.codec.decode_values(data),
        tags=frozenset([Tag(dimension, value) for dimension, value in tags]) if tags else _NO_TAGS,
        owner=owner,
        department=department,
        version=version,
        created_at=instant_from_text(created_at),
        updated_at=instant_from_text(updated_at),
        created_by=created_by,
        archived_at=instant_from_text(archived_at) if archived_at else None,
    )


def record_rows(
    records: Sequence[Record], documents: Mapping[RecordId, Mapping[str, Any]], slots: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the narrow rows of records of one module, without the tenant; their slots repeat the documents."""
    columns = tuple(slots.items())
    rows = []
    for record in records:
        document = documents[record.id]
        row = {
            "id": record.id,
            "module": record.module,
            "owner_id": record.owner,
            "department_id": record.department,
            "created_by": record.created_by,
            "version": record.version,
            "created_at": instant_to_text(record.created_at),
            "updated_at": instant_to_text(record.updated_at),
            "archived_at": instant_to_text(record.archived_at) if record.archived_at else None,
        }
        for key, slot in columns:
            value = document.get(key)
            row[slot] = value if type(value) is not dict else None
        rows.append(row)
    return rows


def tag_rows(records: Sequence[Record], tenant: str) -> list[dict[str, Any]]:
    """Return one row for each tag."""
    return [
        {"tenant_id": tenant, "record_id": record.id, "dimension": dimension, "value": value}
        for record in records
        for dimension, value in record.tags
    ]


def unique_rows(record: Record, prepared: PreparedModule, tenant: str) -> Iterator[dict[str, Any]]:
    """Yield one row for each unique value of a live record."""
    if record.archived_at is not None:
        return
    for field in prepared.unique_fields:
        if field in record.values:
            value = unique_key(prepared.schema, field, record.values[field])
            if value is not None:
                yield {
                    "tenant_id": tenant,
                    "module": record.module,
                    "field": field,
                    "value": unique_text(value),
                    "record_id": record.id,
                }


def unique_text(key: str) -> str:
    """Return the form in which a unique value is kept: itself, or a digest of one too long for an index."""
    if len(key) <= SLOT_LENGTH:
        return key
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def by_module(records: Sequence[Record]) -> Iterable[list[Record]]:
    """Return the records in one list a module."""
    parts: dict[ModuleKey, list[Record]] = {}
    for record in records:
        parts.setdefault(record.module, []).append(record)
    return parts.values()

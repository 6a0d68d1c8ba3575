"""Records to and from rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import FromClause, Row

from custinfo.adapters.sqlalchemy._context import PreparedModule
from custinfo.adapters.sqlalchemy.tables import NUMBER_SLOTS, SLOT_LENGTH, TEXT_SLOTS
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Share, Tag
from custinfo.core.stored import (
    instant_from_text,
    instant_to_text,
    instant_writer,
    share_from_json,
    share_to_json,
    unique_key,
)

__all__ = [
    "DOCUMENT_COLUMNS",
    "RECORD_COLUMNS",
    "SHARE_COLUMNS",
    "TAG_COLUMNS",
    "UNIQUE_COLUMNS",
    "UniqueRow",
    "by_module",
    "document_of",
    "parts_of_document",
    "record_columns",
    "record_from_row",
    "record_rows",
    "share_rows",
    "tag_rows",
    "unique_rows",
    "unique_text",
]

RECORD_COLUMNS: Final = (
    "tenant_id",
    "id",
    "module",
    "owner_id",
    "department_id",
    "created_by",
    "version",
    "created_at",
    "updated_at",
    "archived_at",
    *TEXT_SLOTS,
    *NUMBER_SLOTS,
)
"""The columns of `record_rows`."""

DOCUMENT_COLUMNS: Final = ("tenant_id", "record_id", "data", "tags", "data_keys")
"""The columns of a row with the document of a record."""

TAG_COLUMNS: Final = ("tenant_id", "record_id", "dimension", "value")
"""The columns of `tag_rows`."""

SHARE_COLUMNS: Final = ("tenant_id", "record_id", "kind", "key", "level", "until")
"""The columns of `share_rows`."""

UNIQUE_COLUMNS: Final = ("tenant_id", "module", "field", "value", "record_id")
"""The columns of `unique_rows`."""

UniqueRow = tuple[str, ModuleKey, FieldKey, str, RecordId]
"""Tenant, module, field, value, and the record that has it."""

_NO_TAGS: Final[frozenset[Tag]] = frozenset()
_NO_SHARES: Final[frozenset[Share]] = frozenset()
_SHARES: Final = "@shares"
"""Key of the shares in a document, which can't be that of a field."""
_NO_KEYS: Final[FrozenDict[FieldKey, str]] = FrozenDict()
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


def record_columns(record: FromClause, document: FromClause) -> list[Any]:
    """Return the columns that `record_from_row` takes, in its order."""
    return [*(record.c[name] for name in _NARROW), document.c.data, document.c.tags, document.c.data_keys]


def record_from_row(row: Row[*tuple[Any, ...]], module: ModuleKey, prepared: PreparedModule) -> Record:
    """Return the record of a row of `record_columns`."""
    key, owner, department, version, created_at, updated_at, created_by, archived_at, document, tags, keys = row
    data, shares = parts_of_document(document)
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
        shares=frozenset(map(share_from_json, shares)) if shares else _NO_SHARES,
        data_keys=FrozenDict(keys) if keys else _NO_KEYS,
    )


def document_of(record: Record, prepared: PreparedModule) -> dict[str, Any]:
    """Return what is kept as the document of a record: its values, and its shares where it has some."""
    data = prepared.codec.encode_values(record.values)
    return {**data, _SHARES: list(map(share_to_json, sorted(record.shares)))} if record.shares else data


def parts_of_document(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], Sequence[Any]]:
    """Return values and shares of a document, in the form of JSON."""
    if _SHARES not in document:
        return document, ()
    return {key: value for key, value in document.items() if key != _SHARES}, document[_SHARES]


def record_rows(
    records: Sequence[Record], documents: Mapping[RecordId, Mapping[str, Any]], prepared: PreparedModule, tenant: str
) -> Iterator[tuple[Any, ...]]:
    """Yield the narrow rows of records of one module; their slots repeat the documents."""
    fields, moment = prepared.columns, instant_writer()
    for record in records:
        value_of = documents[record.id].get
        yield (
            tenant,
            record.id,
            record.module,
            record.owner,
            record.department,
            record.created_by,
            record.version,
            moment(record.created_at),
            moment(record.updated_at),
            moment(record.archived_at) if record.archived_at else None,
            *[None if type(value := value_of(key)) is dict else value for key in fields],
        )


def tag_rows(records: Sequence[Record], tenant: str) -> list[tuple[Any, ...]]:
    """Return one row for each tag."""
    return [
        (tenant, record.id, dimension, value) for record in records if record.tags for dimension, value in record.tags
    ]


def share_rows(records: Sequence[Record], tenant: str) -> list[tuple[Any, ...]]:
    """Return one row for each share."""
    return [
        (tenant, record.id, kind, key, level, None if until is None else instant_to_text(until))
        for record in records
        if record.shares
        for kind, key, level, until in record.shares
    ]


def unique_rows(record: Record, prepared: PreparedModule, tenant: str) -> Iterator[UniqueRow]:
    """Yield one row for each unique value of a live record."""
    if record.archived_at is not None:
        return
    for field in prepared.unique_fields:
        if field in record.values:
            value = unique_key(prepared.schema, field, record.values[field])
            if value is not None:
                yield tenant, record.module, field, unique_text(value), record.id


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

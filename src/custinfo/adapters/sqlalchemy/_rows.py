"""Records to and from rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from json import JSONDecoder, loads
from typing import Any, Final

from sqlalchemy import FromClause

from custinfo.adapters.sqlalchemy._prepared import PreparedModule
from custinfo.adapters.sqlalchemy.tables import NUMBER_SLOTS, SLOT_LENGTH, TEXT_SLOTS
from custinfo.core.documents import unique_claims
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Share, Tag
from custinfo.core.stored import (
    instant_to_text,
    instant_writer,
    share_from_json,
    share_to_json,
)

__all__ = [
    "ATTRIBUTES",
    "DOCUMENT_COLUMNS",
    "NARROW_COLUMNS",
    "RECORD_COLUMNS",
    "SHARE_COLUMNS",
    "TAG_COLUMNS",
    "UNIQUE_COLUMNS",
    "Loaded",
    "UniqueRow",
    "by_module",
    "document_columns",
    "document_of",
    "parts_of_document",
    "record_and_document",
    "record_columns",
    "record_from_row",
    "record_rows",
    "sealed_parts",
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

Loaded = tuple[Record, Mapping[str, Any]]
"""A record as it was read, and its document."""

Sealings = FrozenDict[FieldKey, Any]
DataKeys = FrozenDict[FieldKey, str]

_tag: Final = Tag._make  # public, in spite of its name
_moment: Final = datetime.fromisoformat  # as `instant_from_text`
_parse: Final = JSONDecoder().raw_decode
_NO_TAGS: Final[frozenset[Tag]] = frozenset()
_NO_SHARES: Final[frozenset[Share]] = frozenset()
_NO_KEYS: Final[FrozenDict[FieldKey, str]] = FrozenDict()
_SHARES: Final = "@shares"
"""Key of the shares in a document, which can't be that of a field."""
NARROW_COLUMNS: Final = (
    "tenant_id",
    "id",
    "owner_id",
    "department_id",
    "version",
    "created_at",
    "updated_at",
    "created_by",
    "archived_at",
)
"""The columns of `record` of which a record is made."""


def record_columns(record: FromClause, document: FromClause) -> list[Any]:
    """Return the columns that `record_from_row` takes, in its order."""
    return [*(record.c[name] for name in NARROW_COLUMNS[1:]), *document_columns(document)]


def document_columns(document: FromClause) -> list[Any]:
    """Return the columns of a document, which come behind the narrow ones."""
    return [document.c[name] for name in DOCUMENT_COLUMNS[2:]]


def _parsed(text: str) -> Any:
    """Return JSON data; that of custinfo's own making has no blanks around it, which `loads` looks for at length."""
    try:
        return _parse(text)[0]
    except ValueError:
        return loads(text)


def record_from_row(row: Sequence[Any], module: ModuleKey, prepared: PreparedModule) -> Record:
    """Return the record of a row of `record_columns`, as a driver gives it: JSON may still be text."""
    return record_and_document(row, module, prepared)[0]


def record_and_document(row: Sequence[Any], module: ModuleKey, prepared: PreparedModule) -> Loaded:
    """Return the record of a row of `record_columns`, and its document, of which `document_of` is the inverse."""
    key, owner, department, version, created_at, updated_at, created_by, archived_at, document, tags, keys = row
    if type(document) is str:
        document = _parsed(document)
    if type(tags) is str:
        tags = _parsed(tags)
    if type(keys) is str:
        keys = _parsed(keys)
    data, shares = parts_of_document(document) if _SHARES in document else (document, None)
    record = Record(  # by position, which is faster
        key,
        module,
        prepared.codec.decode_values(data),
        frozenset(map(_tag, tags)) if tags else _NO_TAGS,
        owner,
        department,
        version,
        _moment(created_at),
        _moment(updated_at),
        created_by,
        _moment(archived_at) if archived_at else None,
        frozenset(map(share_from_json, shares)) if shares else _NO_SHARES,
        FrozenDict(keys) if keys else _NO_KEYS,
    )
    return record, document


def sealed_parts(document: Any, keys: Any, prepared: PreparedModule) -> tuple[Sealings, DataKeys]:
    """Return the sealed values of a document, and the data keys, as a driver gives them: JSON may still be text."""
    data = _parsed(document) if type(document) is str else document
    held = _parsed(keys) if type(keys) is str else keys
    sealed = {key: value for key, value in data.items() if type(value) is dict and "sealed" in value}
    return prepared.codec.decode_values(sealed), FrozenDict(held) if held else _NO_KEYS


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


def changed_rows(
    records: Sequence[Record],
    documents: Mapping[RecordId, Mapping[str, Any]],
    prepared: PreparedModule,
    names: Sequence[str],
    tenant: str,
) -> Iterator[tuple[Any, ...]]:
    """Yield what changes the narrow rows of records: tenant, id, module, the version before, the columns `names`."""
    attributes, fields = dict(ATTRIBUTES), {slot: key for key, slot in prepared.slots.items()}
    held = [(attributes.get(name), fields.get(name, "")) for name in names]
    writers = [instant_writer() for _ in names]  # each column has the moments of its own
    for record in records:
        value_of, row = documents[record.id].get, [tenant, record.id, record.module, record.version - 1]
        for (attribute, key), moment in zip(held, writers, strict=True):
            value = value_of(key) if attribute is None else getattr(record, attribute)
            if type(value) is datetime:
                value = moment(value)
            row.append(None if type(value) is dict else value)
        yield tuple(row)


ATTRIBUTES: Final = (
    ("owner_id", "owner"),
    ("department_id", "department"),
    ("created_by", "created_by"),
    ("version", "version"),
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
    ("archived_at", "archived_at"),
)
"""Columns of `record`, each with the attribute of a record that it keeps."""


def differing_columns(stored: Sequence[Sequence[Any]], written: Sequence[Sequence[Any]]) -> set[str]:
    """Return the columns of `RECORD_COLUMNS` in which the narrow rows of some records differ, in the same order."""
    if not stored:
        return set()
    columns = zip(RECORD_COLUMNS, zip(*stored, strict=True), zip(*written, strict=True), strict=True)
    return {name for name, old, new in columns if old != new}


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
    for field, text in unique_claims(prepared.schema, record):
        yield tenant, record.module, field, unique_text(text), record.id


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

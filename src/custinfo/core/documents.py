"""All that a store keeps, as JSON documents: one form for every store that keeps such."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import attrs

from custinfo.core.access_log import AccessEntry
from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request
from custinfo.core.fields import ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event
from custinfo.core.records import FieldKey, ModuleKey, Record, Tag
from custinfo.core.revisions import Revision
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.stored import (
    ValueCodec,
    instant_from_text,
    instant_to_text,
    share_from_json,
    share_to_json,
    unique_keys,
)
from custinfo.core.stored_requests import request_from_json, request_to_json

__all__ = ["DOCUMENT_KINDS", "Document", "Documents", "unique_claims"]

Document = Record | Change | Request | ImportBatch | Revision | Event | Anchor | AccessEntry
"""What a store keeps."""

DOCUMENT_KINDS: Final[Mapping[str, type[Any]]] = FrozenDict(
    {
        "record": Record,
        "change": Change,
        "request": Request,
        "import": ImportBatch,
        "revision": Revision,
        "event": Event,
        "anchor": Anchor,
        "access": AccessEntry,
    }
)
"""Name in a file → what it names."""

D = TypeVar("D", Record, Change, Request, ImportBatch, Revision, Event, Anchor, AccessEntry)

_TIMES: Final = ("at", "created_at", "updated_at", "archived_at", "started_at")


class Documents:
    """Turn what a store keeps into JSON data and back, as one configuration has it.

    Instants become texts whose order is that of time. Revisions, imports, events and the access log belong to no
    configuration, and are the same under each.

    >>> from custinfo.testing import full_record, sample_schema
    >>> documents = Documents(sample_schema())
    >>> data = documents.encode(full_record(1))
    >>> data["module"], data["values"]["day"], data["tags"][0]
    ('thing', '0001-01-01', ['mark', '𠮷'])
    >>> documents.decode(Record, data) == full_record(1)
    True
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._codecs: dict[ModuleKey, ValueCodec] = {}

    def codec(self, module: ModuleKey) -> ValueCodec:
        """Return what encodes the values of a module, for stores that keep some in columns of their own.

        Values of a module that is no longer defined stay in the form of JSON.
        """
        known = self._codecs.get(module)
        if known is None:
            compiled = self._schema.modules.get(module)
            known = self._codecs[module] = ValueCodec(compiled or _former_module(self._schema, module))
        return known

    def encode(self, item: Document, /) -> dict[str, Any]:
        """Return the JSON data of an item."""
        match item:
            case Request():
                return request_to_json(item, self.codec(item.module))
            case Record():
                values = self.codec(item.module).encode_values(item.values)
                tags, shares = [list(tag) for tag in sorted(item.tags)], map(share_to_json, sorted(item.shares))
                return {**_plain(item), "values": values, "tags": tags, "shares": list(shares)}
            case Change():
                return {**_plain(item), "fields": self.codec(item.module).encode_change(item)}
            case _:
                return _plain(item)

    def decode(self, kind: type[D], data: Mapping[str, Any], /) -> D:
        """Return the item of a kind that `encode` gave; fields that are no longer defined keep their JSON form."""
        times = {key: instant_from_text(data[key]) for key in _TIMES if data.get(key) is not None}
        item: D = _DECODERS[kind](self, {**data, **times})
        return item


def _former_module(schema: Schema, key: ModuleKey) -> ModuleSchema:
    return ModuleSchema(ModuleDefinition(key, ()), {}, schema.context)


def unique_claims(module: ModuleSchema, record: Record) -> list[tuple[FieldKey, str]]:
    """Return the unique fields and texts that only one live record of a module may have; none of an archived record.

    While the key of blind indexes is being replaced, a field has several. A sealed value without a blind index is left
    out: nobody can tell whether it is unique.
    """
    if record.archived_at is not None:
        return []
    values = record.values
    held = (field.key for field in module.unique_fields if field.key in values)
    return [(key, text) for key in held for text in unique_keys(module, key, values[key])]


def _plain(item: Any) -> dict[str, Any]:
    """Return the attributes with instants as texts."""
    data = attrs.asdict(item, recurse=False)
    return {key: instant_to_text(value) if isinstance(value, datetime) else value for key, value in data.items()}


def _record(documents: Documents, data: dict[str, Any]) -> Record:
    values = documents.codec(data["module"]).decode_values(data["values"])
    tags, shares = frozenset(Tag(*pair) for pair in data["tags"]), frozenset(map(share_from_json, data["shares"]))
    keys = FrozenDict(data.get("data_keys") or {})
    return Record(**{**data, "values": values, "tags": tags, "shares": shares, "data_keys": keys})


def _change(documents: Documents, data: dict[str, Any]) -> Change:
    codec = documents.codec(data["module"])
    fields = codec.decode_change(data["fields"], data["channel"], data["configuration_version"])
    return Change(**{**data, "fields": fields, "position": data.get("position") or None})


def _request(documents: Documents, data: dict[str, Any]) -> Request:
    return request_from_json(data, documents.codec(data["module"]))


def _batch(_documents: Documents, data: dict[str, Any]) -> ImportBatch:
    return ImportBatch(**{**data, "counts": FrozenDict(data["counts"]), "requests": tuple(data["requests"])})


def _access(_documents: Documents, data: dict[str, Any]) -> AccessEntry:
    lists = {key: tuple(data[key]) for key in ("fields", "record_ids", "asked")}
    return AccessEntry(**{**data, **lists})


def _revision(_documents: Documents, data: dict[str, Any]) -> Revision:
    return Revision(**data)


def _event(_documents: Documents, data: dict[str, Any]) -> Event:
    return Event(**data)


def _anchor(_documents: Documents, data: dict[str, Any]) -> Anchor:
    return Anchor(**data)


_DECODERS: Final[dict[type, Callable[[Documents, dict[str, Any]], Any]]] = {
    Record: _record,
    Change: _change,
    Request: _request,
    ImportBatch: _batch,
    Revision: _revision,
    Event: _event,
    Anchor: _anchor,
    AccessEntry: _access,
}

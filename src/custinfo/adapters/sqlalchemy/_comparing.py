"""What saving records takes: their documents, and which rows of theirs differ from those that were read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import attrs

from custinfo.adapters.sqlalchemy._prepared import PreparedModule
from custinfo.adapters.sqlalchemy._rows import ATTRIBUTES, Loaded, document_of
from custinfo.core.records import FieldKey, Record, RecordId, Sealed

__all__ = ["Saving", "saving"]


@attrs.define(eq=False)
class Saving:
    """Hold what saving records of one module takes.

    Args:
        prepared: The module.
        documents: What is kept as the document of each.
        new: Those of version 1.
        old: The others.
        unread: Those among them that nobody has read: nobody knows what of them differs.
        columns: The columns of the narrow rows in which the others differ.
        beside: Records of which tags, shares or unique values differ, or may.
        titled: Records of which the title or the department differs, or may.
        sealed: Records that hold sealed values or keys of such.
    """

    prepared: PreparedModule
    documents: dict[RecordId, dict[str, Any]] = attrs.field(factory=dict)
    new: list[Record] = attrs.field(factory=list)
    old: list[Record] = attrs.field(factory=list)
    unread: list[Record] = attrs.field(factory=list)
    columns: set[str] = attrs.field(factory=set)
    beside: list[Record] = attrs.field(factory=list)
    titled: list[Record] = attrs.field(factory=list)
    sealed: list[Record] = attrs.field(factory=list)

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing is written but the narrow row and the values of each record."""
        return not (self.beside or self.titled or self.sealed)

    def add_unread(self, record: Record) -> None:
        """Add a record of which everything may differ."""
        self.documents[record.id] = document_of(record, self.prepared)
        self.beside.append(record)
        self.titled.append(record)
        if record.version == 1:
            self.new.append(record)
        else:
            self.old.append(record)
            self.unread.append(record)

    def add(self, record: Record, before: Record, document: Mapping[str, Any]) -> None:
        """Add the version that follows one that was read with its document: that is replaced, or nothing."""
        prepared = self.prepared
        keys = _differing(before.values, record.values)
        self.old.append(record)
        self.documents[record.id] = _followed(record, before, document, keys, prepared)
        links, others = _links(before) != _links(record), _others(before) != _others(record)
        if links or not prepared.unique_keys.isdisjoint(keys):
            self.beside.append(record)
        if prepared.title in keys or before.department != record.department:
            self.titled.append(record)
        if others:
            self.columns.update(column for column, name in ATTRIBUTES if getattr(before, name) != getattr(record, name))
        self.columns.update(_ALWAYS)
        self.columns.update([prepared.slots[key] for key in keys if key in prepared.slots])


_ALWAYS: Final = ("version", "updated_at")
"""Columns that differ in every version."""

_links: Final = attrgetter("tags", "shares", "archived_at")
_others: Final = attrgetter(*(name for column, name in ATTRIBUTES if column not in _ALWAYS))


def saving(records: Sequence[Record], prepared: PreparedModule, loaded: Mapping[RecordId, Loaded]) -> Saving:
    """Compare records of one module with what was read of them: each is compared, and encoded, once.

    Args:
        records: What is saved.
        prepared: Their module.
        loaded: What was read in this unit.
    """
    found = Saving(prepared)
    sealing = prepared.schema.encrypted_fields
    for record in records:
        before, document = loaded.get(record.id, _NOTHING)
        if before is not None and before.version == record.version - 1 and before.module == record.module:
            found.add(record, before, document)
        else:
            found.add_unread(record)
        if record.data_keys or (sealing and any(type(record.values.get(field.key)) is Sealed for field in sealing)):
            found.sealed.append(record)
    return found


_NOTHING: Final[tuple[None, Mapping[str, Any]]] = (None, {})


def _differing(old: Mapping[FieldKey, Any], new: Mapping[FieldKey, Any]) -> list[FieldKey]:
    """Return the fields of which two versions have other values: equal ones are stored alike."""
    keys = [key for key, value in old.items() if value != new.get(key)]
    return keys if new.keys() <= old.keys() else [*keys, *(new.keys() - old.keys())]


def _followed(
    record: Record, before: Record, document: Mapping[str, Any], keys: Collection[FieldKey], prepared: PreparedModule
) -> dict[str, Any]:
    """Return the document of a record made of that of the version before, where no shares are in it."""
    if record.shares or before.shares:
        return document_of(record, prepared)
    data, values, encode = dict(document), record.values, prepared.codec.encode
    for key in keys:
        if key in values:
            data[key] = encode(key, values[key])
        else:
            del data[key]
    return data

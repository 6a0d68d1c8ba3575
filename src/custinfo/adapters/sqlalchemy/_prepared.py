"""Modules of a configuration, with what reading and writing their records in tables needs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs

from custinfo.adapters.sqlalchemy.tables import NUMBER_SLOTS, TEXT_SLOTS
from custinfo.core.records import FieldKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.stored import ValueCodec

__all__ = ["Layout", "PreparedModule"]


@attrs.frozen(cache_hash=True)
class Layout:
    """Hold where the values of a module's fields are kept; statements over equal layouts are the same."""

    parts: tuple[Any, ...]


@attrs.frozen(slots=False, eq=False)
class PreparedModule:
    """Hold what reading and writing the records of a module needs, made once for a configuration.

    Args:
        schema: The module compiled.
        slots: Field key → the column of `record` that repeats its stored value.
        unfilled: Fields whose slots are written, but can't be read yet.
    """

    schema: ModuleSchema
    slots: Mapping[FieldKey, str]
    unfilled: frozenset[FieldKey] = frozenset()

    @cached_property
    def readable_slots(self) -> Mapping[FieldKey, str]:
        """The slots by which fields may be asked for."""
        return {key: slot for key, slot in self.slots.items() if key not in self.unfilled}

    @cached_property
    def codec(self) -> ValueCodec:
        """The codec of its values."""
        return ValueCodec(self.schema)

    @cached_property
    def columns(self) -> tuple[FieldKey, ...]:
        """The field that each slot column of `record` repeats, text slots first; empty for none."""
        fields = {slot: key for key, slot in self.slots.items()}
        return tuple(fields.get(slot, "") for slot in (*TEXT_SLOTS, *NUMBER_SLOTS))

    @cached_property
    def layout(self) -> Layout:
        """What statements about its records depend on."""
        fields = self.schema.definition.fields.values()
        kinds = tuple((field.key, self.schema.kinds[field.key].storage, self.slots.get(field.key)) for field in fields)
        return Layout((self.schema.definition.key, kinds, self.unfilled))

    @cached_property
    def unique_fields(self) -> tuple[FieldKey, ...]:
        """The fields of which no two live records may have the same value."""
        return tuple(field.key for field in self.schema.definition.fields.values() if field.unique)

    @cached_property
    def unique_keys(self) -> frozenset[FieldKey]:
        """The same, to look one up."""
        return frozenset(self.unique_fields)

    @cached_property
    def title(self) -> FieldKey | None:
        """The field by which records are named, if there is one."""
        return self.schema.definition.title_field

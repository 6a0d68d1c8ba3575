"""Slots: which column of `record` repeats which indexed field, for one tenant.

A field claims a slot when a unit first begins under a configuration in which it is indexed; see `_filling` for what
happens then:

- `building`: every unit from now on writes the slot, and none reads it; records saved before are filled in.
- `ready`: queries use it.
- `freeing`: nobody writes or reads it; it is emptied, and then free for another field.

A slot stays claimed, and is written, where a configuration has the field but does not index it (any more): another
process may still run under one that does. Only `SqlAlchemyUnits.build_indexes` frees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from custinfo.adapters.sqlalchemy._prepared import PreparedModule
from custinfo.adapters.sqlalchemy.tables import NUMBER_SLOTS, SLOT_LENGTH, TEXT_SLOTS, Tables
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.store_errors import overtaken

__all__ = ["Prepared", "SlotKeeper", "slot_columns", "wanted_slots"]

_TRIES: Final = 3
_LONG_KINDS: Final = frozenset({"long_text", "url", "attachment"})


def slot_columns(module: ModuleSchema, field: FieldDefinition) -> tuple[str, ...]:
    """Return the columns that could repeat a field in full; none for a list or for texts that may be too long."""
    kind = module.kinds[field.key]
    length = field.options.get("max_length", SLOT_LENGTH)
    joined = field.kind == "computed" and kind.key == "text"
    too_long = joined or kind.key in _LONG_KINDS or (isinstance(length, int) and length > SLOT_LENGTH)
    if field.encrypted or kind.storage == "list":
        return ()
    if kind.storage == "number":
        return NUMBER_SLOTS
    return () if too_long else TEXT_SLOTS


def wanted_slots(module: ModuleSchema, key: FieldKey) -> tuple[str, ...]:
    """Return the columns of which a field should have one: none unless it is indexed and in use."""
    field = module.definition.fields.get(key)
    if field is None or not field.indexed or field.retired:
        return ()
    return slot_columns(module, field)


@attrs.frozen
class Prepared:
    """Hold every module with its slots, and which modules have a field whose slot is not filled yet."""

    modules: Mapping[ModuleKey, PreparedModule]
    building: frozenset[ModuleKey]


@attrs.define
class _Claimed:
    """What the table of slots says: module → field → slot, fields yet to be filled, and slot → who has it.

    `unsuited` are fields that were given a kind of which their slot can't hold the values.
    """

    slots: dict[ModuleKey, dict[FieldKey, str]] = attrs.field(factory=dict)
    unfilled: dict[ModuleKey, set[FieldKey]] = attrs.field(factory=dict)
    taken: dict[ModuleKey, dict[str, FieldKey]] = attrs.field(factory=dict)
    unsuited: dict[ModuleKey, list[FieldKey]] = attrs.field(factory=dict)


@attrs.frozen
class _Claim:
    """One slot to claim for a field, and the one that the field had `before`, where that suits it no more."""

    module: ModuleKey
    field: FieldKey
    slot: str
    before: str | None


class SlotKeeper:
    """Find and claim the slots of a tenant.

    Args:
        connection: Where to do it.
        tables: The tables.
        schema: The configuration that says which fields are indexed.
        tenant: Whose slots.
    """

    def __init__(self, connection: Connection, tables: Tables, schema: Schema, tenant: str) -> None:
        """Take what to work with; nothing is read yet."""
        self._connection = connection
        self._tables = tables
        self._schema = schema
        self._tenant = tenant

    def prepare(self) -> Prepared:
        """Return every module with its slots, claiming those that are missing; they are to be filled then.

        Under a configuration that is not in force, such as that of code which the store follows no more, nothing is
        claimed, and nothing taken from those that are in use.
        Raises: ConfigurationError if a module has more indexed fields than slots.
        """
        claimed = self._load()
        if not self._is_in_force():
            modules = {key: self._prepared(module, claimed) for key, module in self._schema.modules.items()}
            return Prepared(modules, frozenset())
        self._doubt(claimed)
        for attempt in range(_TRIES):
            claims = list(self._claims(claimed))
            if not claims:
                break
            try:
                with self._connection.begin_nested():
                    self._claim(claims)
            except IntegrityError:  # another process claimed at the same time
                if attempt == _TRIES - 1:  # this transaction shows nothing of it: a new one does
                    raise overtaken() from None
            claimed = self._load()
        modules = {key: self._prepared(module, claimed) for key, module in self._schema.modules.items()}
        return Prepared(modules, frozenset(self._building(claimed)))

    def _is_in_force(self) -> bool:
        """Tell whether the store follows this configuration, or has none of its own."""
        columns = self._tables.configuration.c
        statement = select(columns.version).where(columns.tenant_id == self._tenant)
        version = self._connection.execute(statement).scalar()
        return not version or version == self._schema.configuration.version

    def _doubt(self, claimed: _Claimed) -> None:
        """Have slots filled anew, should their fields come to suit them again: nobody writes them until then."""
        slot = self._tables.slot
        for module, fields in claimed.unsuited.items():
            mine = (slot.c.tenant_id == self._tenant) & (slot.c.module == module) & slot.c.field.in_(fields)
            values = {"state": "building", "filled_to": None}
            self._connection.execute(update(slot).where(mine, slot.c.state == "ready").values(**values))

    def _prepared(self, module: ModuleSchema, claimed: _Claimed) -> PreparedModule:
        key = module.definition.key
        slots, unfilled = claimed.slots.get(key, {}), claimed.unfilled.get(key, set())
        # What is not indexed is written for others, and not read: the slot may be freed at any time.
        unread = {field for field in slots if field in unfilled or not wanted_slots(module, field)}
        return PreparedModule(module, slots, frozenset(unread))

    def _building(self, claimed: _Claimed) -> Iterator[ModuleKey]:
        for key, fields in claimed.unfilled.items():
            if any(wanted_slots(self._schema.modules[key], field) for field in fields):
                yield key

    def _load(self) -> _Claimed:
        """Return the slots that are claimed; of fields that have no use for theirs, only that they are taken."""
        columns = self._tables.slot.c
        statement = select(columns.module, columns.field, columns.slot, columns.state)
        claimed = _Claimed()
        for key, name, slot, state in self._connection.execute(statement.where(columns.tenant_id == self._tenant)):
            claimed.taken.setdefault(key, {})[slot] = name
            module = self._schema.modules.get(key)
            field = None if module is None else module.definition.fields.get(name)
            if module is None or field is None or state == "freeing":
                continue
            if slot not in slot_columns(module, field):
                if state == "ready":
                    claimed.unsuited.setdefault(key, []).append(name)
                continue
            claimed.slots.setdefault(key, {})[name] = slot
            if state != "ready":
                claimed.unfilled.setdefault(key, set()).add(name)
        return claimed

    def _claims(self, claimed: _Claimed) -> Iterator[_Claim]:
        """Yield the slots to claim, in the order of modules and fields."""
        for key, module in self._schema.modules.items():
            taken = dict(claimed.taken.get(key, {}))
            before = {field: slot for slot, field in taken.items()}
            for field in module.definition.fields:
                columns = wanted_slots(module, field)
                if not columns or field in claimed.slots.get(key, {}):
                    continue
                free = next((column for column in columns if taken.get(column, field) == field), None)
                if free is None:
                    problem = Problem("slots_used_up", field, params={"module": key, "count": len(columns)})
                    raise ConfigurationError([module.labelled(problem)])
                taken[free] = field
                yield _Claim(key, field, free, before.get(field))

    def _claim(self, claims: list[_Claim]) -> None:
        """Claim slots, in one order whatever the order of the configuration: others wait, rather than in a circle.

        Only what was seen before is replaced: another process may have claimed the same just now.
        """
        slot = self._tables.slot
        for claim in claims:
            if claim.before is not None:
                mine = (slot.c.tenant_id == self._tenant) & (slot.c.module == claim.module)
                unfit = mine & (slot.c.field == claim.field) & (slot.c.slot == claim.before)
                self._connection.execute(delete(slot).where(unfit))
        rows = [
            {"tenant_id": self._tenant, "module": module, "field": field, "slot": column, "state": "building"}
            for module, field, column in sorted((claim.module, claim.field, claim.slot) for claim in claims)
        ]
        self._connection.execute(insert(slot), rows)

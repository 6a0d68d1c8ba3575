"""Slots: which column of `record` repeats which indexed field, for one tenant.

Slots are claimed in the order of the fields, and filled from the documents. They are never freed by themselves:
another process may still run under a configuration in which the field is indexed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from custinfo.adapters.sqlalchemy._context import PreparedModule
from custinfo.adapters.sqlalchemy.tables import NUMBER_SLOTS, SLOT_LENGTH, TEXT_SLOTS, Tables
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema, Schema

__all__ = ["SlotKeeper", "slot_storage"]

_BATCH: Final = 1000
_TRIES: Final = 3
_LONG_KINDS: Final = frozenset({"long_text", "url", "attachment"})

Slots = dict[FieldKey, str]


def slot_storage(module: ModuleSchema, field: FieldDefinition) -> tuple[str, ...]:
    """Return the columns that an indexed field may have; none for what no column could repeat in full."""
    kind = module.kinds[field.key]
    length = field.options.get("max_length", SLOT_LENGTH)
    joined = field.kind == "computed" and kind.key == "text"
    too_long = joined or kind.key in _LONG_KINDS or (isinstance(length, int) and length > SLOT_LENGTH)
    if not field.indexed or field.encrypted or kind.storage == "list":
        return ()
    if kind.storage == "number":
        return NUMBER_SLOTS
    return () if too_long else TEXT_SLOTS


@attrs.define
class _Claimed:
    """What the table of slots says: module → field → slot, fields yet to be filled, and every slot taken."""

    slots: dict[ModuleKey, Slots] = attrs.field(factory=dict)
    unfilled: dict[ModuleKey, list[FieldKey]] = attrs.field(factory=dict)
    taken: dict[ModuleKey, set[str]] = attrs.field(factory=dict)


class SlotKeeper:
    """Find, claim and fill the slots of a tenant.

    Args:
        connection: Where to do it.
        tables: The tables.
        schema: The configuration that says which fields are indexed.
        tenant: Whose slots.
        flush: Called when a step is done, so that a long fill is kept and can be resumed.
    """

    def __init__(
        self, connection: Connection, tables: Tables, schema: Schema, tenant: str, flush: Callable[[], None]
    ) -> None:
        """Take what to work with; nothing is read yet."""
        self._connection = connection
        self._tables = tables
        self._schema = schema
        self._tenant = tenant
        self._flush = flush

    def prepare(self, *, fill: bool = True) -> dict[ModuleKey, PreparedModule]:
        """Return every module with its slots, claiming those that are missing.

        With `fill`, they are filled from the documents at once; else they are only written until that is done.
        Raises: ConfigurationError if a module has more indexed fields than slots.
        """
        claimed = self._load()
        for attempt in range(_TRIES):
            claims = list(self._claims(claimed))
            if not claims:
                break
            try:
                with self._connection.begin_nested():
                    self._claim(claims)
            except IntegrityError:
                if attempt == _TRIES - 1:
                    raise
            claimed = self._load()
        self._flush()
        unfilled: dict[ModuleKey, frozenset[FieldKey]] = {}
        for module, fields in claimed.unfilled.items():
            if fill:
                self._fill(module, {field: claimed.slots[module][field] for field in fields})
            else:
                unfilled[module] = frozenset(fields)
        return {
            key: PreparedModule(module, claimed.slots.get(key, {}), unfilled.get(key, frozenset()))
            for key, module in self._schema.modules.items()
        }

    def _load(self) -> _Claimed:
        """Return the slots that are claimed; of fields that are gone or converted, only that they are taken."""
        columns = self._tables.slot.c
        statement = select(columns.module, columns.field, columns.slot, columns.state)
        claimed = _Claimed()
        for module, field, slot, state in self._connection.execute(statement.where(columns.tenant_id == self._tenant)):
            claimed.taken.setdefault(module, set()).add(slot)
            known = self._schema.modules.get(module)
            if known is not None and _fits(known.kinds.get(field), slot):
                claimed.slots.setdefault(module, {})[field] = slot
                if state != "ready":
                    claimed.unfilled.setdefault(module, []).append(field)
        return claimed

    def _claims(self, claimed: _Claimed) -> Iterator[tuple[ModuleKey, FieldKey, str]]:
        """Yield the slots to claim, in the order of modules and fields."""
        for key, module in self._schema.modules.items():
            taken = set(claimed.taken.get(key, ()))
            for field in module.definition.fields.values():
                columns = slot_storage(module, field)
                if not columns or field.key in claimed.slots.get(key, {}):
                    continue
                free = next((column for column in columns if column not in taken), None)
                if free is None:
                    hint = f"module {key} has more indexed fields than slots for {module.kinds[field.key].storage}"
                    raise ConfigurationError([Problem("configuration_invalid", field.key, params={"hint": hint})])
                taken.add(free)
                yield key, field.key, free

    def _claim(self, claims: list[tuple[ModuleKey, FieldKey, str]]) -> None:
        slot = self._tables.slot
        for module, field, _ in claims:
            unfit = (slot.c.tenant_id == self._tenant) & (slot.c.module == module) & (slot.c.field == field)
            self._connection.execute(delete(slot).where(unfit))
        rows = [
            {"tenant_id": self._tenant, "module": module, "field": field, "slot": column, "state": "building"}
            for module, field, column in claims
        ]
        self._connection.execute(insert(slot), rows)

    def _fill(self, module: ModuleKey, slots: Slots) -> None:
        """Copy the fields from the documents into their slots, batch by batch, and mark them ready."""
        record, slot = self._tables.record, self._tables.slot
        last = ""
        while rows := self._documents(module, last):
            updates = [
                {"b_id": key, "b_version": version, **{column: _value(data, field) for field, column in slots.items()}}
                for key, version, data in rows
            ]
            same = (record.c.tenant_id == self._tenant) & (record.c.id == bindparam("b_id"))
            statement = update(record).where(same, record.c.version == bindparam("b_version"))
            self._connection.execute(statement, updates)
            self._flush()
            last = rows[-1][0]
        filled = (slot.c.tenant_id == self._tenant) & (slot.c.module == module) & slot.c.field.in_(list(slots))
        self._connection.execute(update(slot).where(filled).values(state="ready"))
        self._flush()

    def _documents(self, module: ModuleKey, last: str) -> list[Any]:
        record, document = self._tables.record, self._tables.document
        same = (document.c.tenant_id == record.c.tenant_id) & (document.c.record_id == record.c.id)
        statement = (
            select(record.c.id, record.c.version, document.c.data)
            .select_from(record.join(document, same))
            .where(record.c.tenant_id == self._tenant, record.c.module == module, record.c.id > last)
            .order_by(record.c.id)
            .limit(_BATCH)
        )
        return list(self._connection.execute(statement))


def _value(data: dict[str, Any], field: FieldKey) -> Any:
    value = data.get(field)
    return value if type(value) is not dict else None


def _fits(kind: Any, slot: str) -> bool:
    """Tell whether a slot still suits a field: the field exists, and was not converted to another kind of storage."""
    return kind is not None and kind.storage == ("number" if slot.startswith("n") else "text")

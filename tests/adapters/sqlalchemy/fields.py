"""A module whose fields become indexed, and what its slots must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.configuration import Configuration
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.schema import Schema
from custinfo.testing import make_record, sample_directory


def schema_of(*fields: FieldDefinition) -> Schema:
    """Return the configuration of a module with these fields."""
    module = ModuleDefinition("thing", fields)
    return Schema(Configuration((module,)), sample_directory(), ZoneInfo("Asia/Shanghai"))


def text_and_number(*indexed: str) -> Schema:
    """Return the configuration with a text `a` and a number `b`, of which some are indexed."""
    return schema_of(
        FieldDefinition("a", "text", indexed="a" in indexed), FieldDefinition("b", "integer", indexed="b" in indexed)
    )


def values_of(number: int) -> dict[str, Any]:
    """Return values from which some are missing."""
    values: dict[str, Any] = {"a": f"v{number % 7}"} if number % 5 else {}
    return values | ({"b": number % 11} if number % 3 else {})


def fill_store(units: SqlAlchemyUnits, schema: Schema, count: int) -> None:
    """Save records 0 to `count`."""
    with units.begin(schema, "one") as unit:
        unit.records.save([make_record(number, values_of(number)) for number in range(count)])


def engine_of(units: SqlAlchemyUnits) -> Engine:
    """Return the engine of units that have one."""
    assert isinstance(units._source, Engine)
    return units._source


def claims(units: SqlAlchemyUnits) -> dict[str, tuple[str, str]]:
    """Return field → slot and state."""
    slot = units.tables.slot
    with engine_of(units).connect() as connection:
        rows = connection.execute(select(slot.c.field, slot.c.slot, slot.c.state)).all()
    return {field: (column, state) for field, column, state in rows}


def differing(units: SqlAlchemyUnits) -> list[tuple[str, str]]:
    """Return record and field wherever a claimed slot is not what the document has."""
    slots = {field: column for field, (column, _) in claims(units).items()}
    record, document = units.tables.record, units.tables.document
    same = (document.c.tenant_id == record.c.tenant_id) & (document.c.record_id == record.c.id)
    columns = [record.c[column] for column in slots.values()]
    with engine_of(units).connect() as connection:
        rows = connection.execute(
            select(record.c.id, document.c.data, *columns).select_from(record.join(document, same))
        )
        return [(row[0], field) for row in rows for field, stored in _beside(row, slots) if row[1].get(field) != stored]


def _beside(row: Any, slots: Mapping[str, str]) -> list[tuple[str, Any]]:
    return list(zip(slots, row[2:], strict=True))


def empty_slots(units: SqlAlchemyUnits, connection: Connection) -> None:
    """Pretend that nothing was filled."""
    columns: dict[str, Any] = {column: None for column, _ in claims(units).values()}
    connection.execute(units.tables.record.update().values(**columns))
    connection.execute(units.tables.slot.update().values(state="building", filled_to=None))

"""Whether the tables agree, counted by plain statements that have nothing to do with the integrity check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, select

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from tests.adapters.sqlalchemy.fields import engine_of

__all__ = ["disagreements"]


def disagreements(units: SqlAlchemyUnits, *unique: str) -> list[str]:
    """Return what differs between records, documents, tags, unique values, slots, titles, history and events.

    Args:
        units: The store, of one tenant; nothing in it was ever deleted or delivered, and all records are live.
        unique: The unique fields, of one module.
    """
    with engine_of(units).connect() as connection:
        found = list(_Look(units, connection).differences(unique))
        connection.rollback()
    return found


class _Look:
    """Read everything, and compare."""

    def __init__(self, units: SqlAlchemyUnits, connection: Connection) -> None:
        """Read records and documents."""
        if connection.dialect.name != "sqlite":
            connection.execution_options(isolation_level="REPEATABLE READ")
        self.tables, self.connection = units.tables, connection
        self.records = {row.id: row for row in self.rows(self.tables.record)}
        self.documents = {row.record_id: row for row in self.rows(self.tables.document)}

    def rows(self, table: Table) -> list[Any]:
        """Return all rows of a table."""
        return list(self.connection.execute(select(table)))

    def differences(self, unique: tuple[str, ...]) -> Iterator[str]:
        """Yield what differs."""
        if self.records.keys() != self.documents.keys():
            yield f"documents: {len(self.documents)} of {len(self.records)} records"
            return
        yield from self.beside(unique)
        versions: dict[str, list[int]] = {}
        for row in self.rows(self.tables.change):
            versions.setdefault(row.record_id, []).append(row.version)
        for key, record in self.records.items():
            if sorted(versions.get(key, ())) != list(range(1, record.version + 1)):
                yield f"history of {key}: {sorted(versions.get(key, ()))}, and the record is at {record.version}"
        announced = sorted(row.key for row in self.rows(self.tables.outbox))
        if announced != sorted(f"record/{key}/{number}" for key in versions for number in versions[key]):
            yield f"events: {len(announced)} of {sum(map(len, versions.values()))} changes"

    def beside(self, unique: tuple[str, ...]) -> Iterator[str]:
        """Compare what is kept beside the documents."""
        tags = {(row.record_id, row.dimension, row.value) for row in self.rows(self.tables.tag)}
        if tags != {(key, *tag) for key, row in self.documents.items() for tag in row.tags or ()}:
            yield "tags"
        held = {(row.field, row.value, row.record_id) for row in self.rows(self.tables.unique)}
        wanted = {(f, row.data[f], key) for key, row in self.documents.items() for f in unique if f in row.data}
        if held != wanted:
            yield f"unique values: {len(held)} of {len(wanted)}"
        for slot in self.rows(self.tables.slot):
            for key, record in self.records.items():
                full = slot.state == "ready" and record.module == slot.module
                if full and getattr(record, slot.slot) != self.documents[key].data.get(slot.field):
                    yield f"slot of {slot.field} of {key}"
        filled = {(row.module, row.field) for row in self.rows(self.tables.titled) if row.state == "ready"}
        titled = {row.record_id: row.department_id for row in self.rows(self.tables.title)}
        homes = {key: row.department_id for key, row in self.records.items()}
        if ("customer", "name") in filled and titled != homes:
            yield f"titles: {len(titled)} of {len(self.records)}"

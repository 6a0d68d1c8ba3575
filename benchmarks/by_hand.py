"""What one would write by hand on the same tables: SQL through the raw driver, and records made of its rows.

Where an engineer would have to try, it is tried: of several ways to write a question the fastest counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
from sqlalchemy import Engine

__all__ = ["ByHand", "CustomerRow"]

_NARROW = "id, owner_id, department_id, version, created_at, updated_at, created_by, archived_at"
_INSTANT = datetime.fromisoformat


@attrs.frozen
class CustomerRow:
    """A customer as somebody would define it who needs no other module, nor fields at run time."""

    id: str
    values: dict[str, Any]
    tags: frozenset[tuple[str, str]]
    owner: str | None
    department: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: str | None
    archived_at: datetime | None


def _customer(row: Sequence[Any]) -> CustomerRow:
    key, owner, department, version, created, updated, created_by, archived, data, tags = row
    values = json.loads(data) if type(data) is str else data
    labels = json.loads(tags) if type(tags) is str else tags
    budget = values.get("annual_budget")
    if budget is not None:
        values["annual_budget"] = Decimal(budget // 1_000_000)
    values["founded_on"] = date.fromisoformat(values["founded_on"])
    values["submitted_on"] = date.fromisoformat(values["submitted_on"])
    return CustomerRow(
        key,
        values,
        frozenset((dimension, value) for dimension, value in labels or ()),
        owner,
        department,
        version,
        _INSTANT(created),
        _INSTANT(updated),
        created_by,
        _INSTANT(archived) if archived else None,
    )


@attrs.frozen
class ByHand:
    """Ask one database through its driver.

    Args:
        name: Which: sqlite, postgresql or mariadb.
        driver: The driver's connection, in a transaction.
        table: Name of the table of records, with which those of the others begin.
        slots: Field → column.
    """

    name: str
    driver: Any
    table: str
    slots: Mapping[str, str]

    @classmethod
    def of(cls, name: str, engine: Engine, table: str, slots: Mapping[str, str]) -> ByHand:
        """Connect."""
        driver: Any = engine.raw_connection().driver_connection
        return cls(name, driver, table, slots)

    def rows(self, sql: str, given: Sequence[Any]) -> list[Any]:
        """Return the rows of a question; `$` stands for the table, `?` for a value, `:field` for a column."""
        cursor = self.driver.cursor()
        cursor.execute(self.text(sql), given)
        found: list[Any] = cursor.fetchall()
        return found

    def text(self, sql: str) -> str:
        """Return a statement as the driver takes it."""
        for field, slot in self.slots.items():
            sql = sql.replace(f":{field}", slot)
        sql = sql.replace("$", self.table)
        return sql if self.name == "sqlite" else sql.replace("?", "%s")

    def hint(self, index: str) -> str:
        """Return the hint to use an index; PostgreSQL takes none."""
        index = self.slots.get(index, index)
        forms = {"sqlite": f"INDEXED BY $_{index}", "mariadb": f"FORCE INDEX ($_{index})"}
        return forms.get(self.name, "")

    def pages(self, where: str, order: str, given: Sequence[Any], indexes: Sequence[str]) -> Callable[[], Any]:
        """Return the fastest way to a page of customers: by each index or none, documents joined before or after."""
        narrow = ", ".join(f"r.{name.strip()}" for name in _NARROW.split(","))
        join = "JOIN $_document d ON d.tenant_id = ? AND d.record_id ="
        ways = []
        for hint in dict.fromkeys(["", *map(self.hint, indexes)]):
            inner = f"SELECT r.* FROM $ r {hint} WHERE {where} ORDER BY {order} LIMIT 50"
            nested = f"SELECT {narrow}, d.data, d.tags FROM ({inner}) r {join} r.id ORDER BY {order}"
            plain = (
                f"SELECT {narrow}, d.data, d.tags FROM $ r {hint} {join} r.id WHERE {where} ORDER BY {order} LIMIT 50"
            )
            tenant = given[0]
            ways.append((nested, (*given, tenant)))
            ways.append((plain, (tenant, *given)))
        return self.quickest([partial(self.customers, sql, args) for sql, args in ways])

    def fastest(self, sqls: Sequence[str], given: Sequence[Any]) -> Callable[[], Any]:
        """Return the fastest way to ask a question with equal values."""
        return self.quickest([partial(self.rows, sql, given) for sql in dict.fromkeys(sqls)])

    def customers(self, sql: str, given: Sequence[Any]) -> list[CustomerRow]:
        """Return customers."""
        return [_customer(row) for row in self.rows(sql, given)]

    def get(self, tenant: str, key: str) -> CustomerRow:
        """Return one customer."""
        narrow = ", ".join(f"r.{name.strip()}" for name in _NARROW.split(","))
        sql = (
            f"SELECT {narrow}, d.data, d.tags FROM $ r JOIN $_document d ON d.tenant_id = r.tenant_id AND "
            "d.record_id = r.id WHERE r.tenant_id = ? AND r.module = 'customer' AND r.id = ?"
        )
        return self.customers(sql, (tenant, key))[0]

    def bare(self, tenant: str, key: str) -> Any:
        """Return the row of one customer as the driver gives it."""
        sql = (
            "SELECT r.*, d.data, d.tags FROM $ r JOIN $_document d ON d.tenant_id = r.tenant_id AND "
            "d.record_id = r.id WHERE r.tenant_id = ? AND r.id = ?"
        )
        return self.rows(sql, (tenant, key))[0]

    def update(self, tenant: str, keys: Sequence[str], budget: int, contact: str, now: str) -> None:
        """Change two fields of customers, each if it is at the version that was read, with history, and commit."""
        cursor = self.driver.cursor()
        if self.name == "sqlite":
            cursor.execute("BEGIN")
        marks = ", ".join("?" * len(keys))
        found = self.rows(
            "SELECT r.id, r.version, d.data FROM $ r JOIN $_document d ON d.tenant_id = r.tenant_id AND d.record_id = "
            f"r.id WHERE r.tenant_id = ? AND r.id IN ({marks})",
            (tenant, *keys),
        )
        records, documents, changes = [], [], []
        for key, version, data in found:
            before = json.loads(data) if type(data) is str else data
            after = {**before, "annual_budget": budget, "contact_name": contact}
            diff = [[field, before.get(field), after[field]] for field in ("annual_budget", "contact_name")]
            records.append((version + 1, now, budget, tenant, key, version))
            documents.append((json.dumps(after, ensure_ascii=False), tenant, key))
            what = (tenant, key, version + 1, "customer", now, "keeper", "update", "edit", 1)
            changes.append((*what, json.dumps(diff, ensure_ascii=False)))
        head = self.table.removesuffix("record")
        self._write(
            "UPDATE $ SET version = ?, updated_at = ?, :annual_budget = ? "
            "WHERE tenant_id = ? AND id = ? AND version = ?",
            records,
        )
        self._write("UPDATE $_document SET data = ? WHERE tenant_id = ? AND record_id = ?", documents)
        self._write(
            f"INSERT INTO {head}change (tenant_id, record_id, version, module, at, actor, action, channel, "
            f"configuration_version, fields) VALUES ({', '.join('?' * 10)})",
            changes,
        )
        self.driver.commit()

    def _write(self, sql: str, rows: Sequence[Any]) -> None:
        cursor = self.driver.cursor()
        if len(rows) == 1:
            cursor.execute(self.text(sql), rows[0])
        else:
            cursor.executemany(self.text(sql), rows)
        if cursor.rowcount != len(rows):
            raise RuntimeError("somebody else was here")

    def layout_rows(self, sql: str, given: Sequence[Any]) -> list[CustomerRow]:
        """Return customers of a statement that names its own tables, in which `$` begins a path in a document."""
        cursor = self.driver.cursor()
        cursor.execute(sql, given)
        return [_customer(row) for row in cursor.fetchall()]

    def quickest(self, ways: Sequence[Callable[[], Any]]) -> Callable[[], Any]:
        """Return the fastest of several ways."""
        best, least = ways[0], float("inf")
        for way in ways:
            taken = []
            for _ in range(3):
                start = time.perf_counter()
                way()
                taken.append(time.perf_counter() - start)
                if taken[0] > 5 * least:
                    break
            if min(taken) < least:
                best, least = way, min(taken)
        return best

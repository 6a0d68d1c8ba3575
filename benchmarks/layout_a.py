"""The layout that most would begin with: one table with a JSON document, and indexes of expressions on it (SQLite)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.by_hand import ByHand

__all__ = ["build", "flagship"]

_INDEXES = {
    "department": "department_id",
    "updated": "updated_at",
    "region": "json_extract(data, '$.region')",
    "budget": "json_extract(data, '$.annual_budget')",
    "status": "json_extract(data, '$.status')",
    "name": "json_extract(data, '$.name')",
}


def build(hand: ByHand) -> None:
    """Copy the customers into such a table."""
    name = hand.table.replace("record", "layout_a")
    cursor = hand.driver.cursor()
    cursor.execute(f"DROP TABLE IF EXISTS {name}")
    cursor.execute(
        f"CREATE TABLE {name} AS SELECT r.tenant_id, r.id, r.module, r.owner_id, r.department_id, r.created_by, "
        "r.version, r.created_at, r.updated_at, r.archived_at, d.data, d.tags FROM "
        f"{hand.table} r JOIN {hand.table}_document d ON d.tenant_id = r.tenant_id AND d.record_id = r.id"
    )
    cursor.execute(f"CREATE UNIQUE INDEX {name}_id ON {name} (tenant_id, id)")
    for key, expression in _INDEXES.items():
        cursor.execute(f"CREATE INDEX {name}_{key} ON {name} (tenant_id, module, {expression})")
    hand.driver.commit()


def flagship(hand: ByHand, given: Sequence[Any], marks: str) -> Callable[[], Any]:
    """Return the fastest way to the flagship page there, by each index."""
    name = hand.table.replace("record", "layout_a")
    where = (
        f"r.tenant_id = ? AND r.module = 'customer' AND r.archived_at IS NULL AND r.department_id IN ({marks}) AND "
        "json_extract(data, '$.annual_budget') >= ? AND r.updated_at >= ? AND json_extract(data, '$.region') = ? AND "
        f"EXISTS (SELECT 1 FROM {hand.table}_tag t WHERE t.tenant_id = r.tenant_id AND t.record_id = r.id AND "
        "t.dimension = '需求' AND t.value = '采购设备')"
    )
    narrow = "id, owner_id, department_id, version, created_at, updated_at, created_by, archived_at, data, tags"

    def way(index: str) -> Callable[[], Any]:
        hint = f"INDEXED BY {name}_{index}" if index else ""
        sql = f"SELECT {narrow} FROM {name} r {hint} WHERE {where} ORDER BY updated_at DESC LIMIT 50"
        return lambda: hand.layout_rows(sql, given)

    return hand.quickest([way(index) for index in ("", "department", "region", "updated")])

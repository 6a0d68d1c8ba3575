"""A page in SQL under a policy, against the same page with a WHERE written by hand, on SQLite."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from benchmarks.customers import NOW, TENANT, claimed_slots, load, organisation
from benchmarks.harness import Result, per_call
from custinfo import F, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.binding import bind
from custinfo.core.schema import Schema
from custinfo.core.stored import ValueCodec
from custinfo.ports import Order, Query
from custinfo.standard import standard_configuration
from custinfo.workspace.reading import ReadPath

__all__ = ["pages"]

REGION: Final = [
    *(f"d3-{branch}-{team}" for branch in range(10) for team in range(10)),
    *(f"b3-{n}" for n in range(10)),
    "r3",
]
_CRITERION: Final = F.annual_budget >= 500_000


def pages(quick: bool) -> Iterator[Result]:
    """Measure a page of 50 that a regional manager sees, filtered by a field, the newest first."""
    count = 5_000 if quick else 50_000
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder, 'store.db')}")
        try:
            units = SqlAlchemyUnits(engine)
            units.create_tables()
            schema = Schema(standard_configuration(), organisation(), ZoneInfo("Asia/Shanghai"))
            load(engine, units, schema, count)
            yield from _Pages(engine, units, schema, count, 3 if quick else 15).results()
        finally:
            engine.dispose()


@attrs.frozen
class _Pages:
    engine: Any
    units: SqlAlchemyUnits
    schema: Schema
    count: int
    calls: int

    def results(self) -> Iterator[Result]:
        space = Workspace(
            self.schema.configuration, units=self.units, organisation=organisation(), tenant=TENANT, clock=lambda: NOW
        )
        case = f"SQL page of 50 in a region of {self.count:,}"
        with space.acting_as("region3") as session:
            order = (Order(("updated_at",), descending=True),)
            reading, store = ReadPath(session.context), session.context.unit.queries
            written = _CRITERION & F.department.is_in(REGION) & F.archived_at.is_missing()
            by_hand = Query("customer", bind(written, "customer", self.schema, NOW), order, 50)

            def scoped() -> Any:
                guarded = reading.guarded("customer", _CRITERION, ("updated_at",))
                return store.find(Query("customer", guarded, order, 50))

            if [item.id for item in scoped()] != [item.id for item in store.find(by_hand)]:
                raise RuntimeError("the policy and the WHERE by hand give different pages")
            own, other = per_call(scoped, lambda: store.find(by_hand), calls=self.calls, repeat=9)
            yield Result("policy", case, own, "same store, WHERE by hand", other, 1.2)
            yield self._against_sql(case, session)

    def _against_sql(self, case: str, session: Any) -> Result:
        """Compare all of `find`, with views and masks, with SQL through the driver whose values are made typed."""
        slots = {field: slot for slot, field in claimed_slots(self.engine, self.units, self.schema).items()}
        record, document = self.units.tables.record.name, self.units.tables.document.name
        text = (
            f"SELECT r.*, d.data, d.tags FROM {record} r INDEXED BY {record}_department JOIN {document} d "
            "ON d.tenant_id = r.tenant_id AND d.record_id = r.id WHERE r.tenant_id = ? AND r.module = 'customer' "
            f"AND r.archived_at IS NULL AND r.department_id IN ({', '.join('?' * len(REGION))}) "
            f"AND r.{slots['annual_budget']} >= ? ORDER BY r.updated_at DESC LIMIT 50"
        )
        given = (TENANT, *REGION, 500_000 * 1_000_000)
        codec = ValueCodec(self.schema.module("customer"))
        with self.engine.connect() as connection:
            cursor = connection.connection.driver_connection.cursor()

            def raw() -> list[Any]:
                rows = cursor.execute(text, given).fetchall()
                return [(row[1], codec.decode_values(json.loads(row[-2]))) for row in rows]

            def found() -> Any:
                return session.customers.find(_CRITERION, order_by="-updated_at", limit=50)

            if [view.id for view in found().records] != [key for key, _ in raw()]:
                raise RuntimeError("the session and the SQL by hand give different pages")
            own, other = per_call(found, raw, calls=self.calls, repeat=9)
        return Result("policy", f"{case}, views and all", own, "SQL by hand, values decoded", other, 1.2)

"""Queries and writes at size, against hand-written SQL through the raw driver on the same tables in the same run.

SQLite always; PostgreSQL and MariaDB where they answer at the addresses of the tests. The tables are thrown away.
"""

from __future__ import annotations

import itertools
import os
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from sqlalchemy import Engine, select

from benchmarks.customers import NOW, TENANT, as_record, claimed_slots, customers, insert_raw, load, organisation
from benchmarks.harness import Result, per_call
from custinfo import F, Tagged, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.binding import bind
from custinfo.core.criteria import Criterion
from custinfo.core.schema import Schema
from custinfo.core.stored import ValueCodec, instant_to_text
from custinfo.ports import Grouping, Order, Query
from custinfo.standard import standard_configuration

__all__ = ["run"]

SERVERS = {
    "postgresql": os.environ.get("CUSTINFO_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"),
    "mariadb": os.environ.get("CUSTINFO_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test"),
}
WORST = {"sqlite": 0.150, "postgresql": 0.150, "mariadb": 0.700}
BRANCH = [f"d3-4-{team}" for team in range(10)] + ["b3-4"]


def run(quick: bool, customers: int | None = None) -> Iterator[Result]:
    """Measure at 100 000 customers, or 20 000, or as many as are asked for."""
    count = customers or (20_000 if quick else 100_000)
    with tempfile.TemporaryDirectory() as folder:
        yield from _measured("sqlite", f"sqlite:///{Path(folder, 'store.db')}", count)
    for name, url in SERVERS.items():
        yield from _measured(name, url, count)


def _measured(name: str, url: str, count: int) -> Iterator[Result]:
    engine = open_engine(url)
    units = SqlAlchemyUnits(engine, prefix=f"b{uuid.uuid4().hex[:8]}_")
    try:
        try:
            units.create_tables()
        except Exception:
            print(f"{name} does not answer")
            return
        schema = Schema(standard_configuration(), organisation(), ZoneInfo("Asia/Shanghai"))
        _assert_same_rows(engine, schema)
        load(engine, units, schema, count)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if name == "postgresql":
                for table in units.tables.record.metadata.sorted_tables:
                    connection.exec_driver_sql(f"VACUUM ANALYZE {table.name}")
        bench = Bench(f"{name} {count:,}", name, engine, units, schema)
        yield from bench.reads()
        yield from bench.searches()
        yield from bench.worst()
        yield from bench.inserts(count)
    finally:
        units.drop_tables()
        engine.dispose()


def _assert_same_rows(engine: Engine, schema: Schema) -> None:
    """Make sure that what the raw driver writes is what custinfo writes, on 200 customers."""
    found = []
    for raw in (True, False):
        units = SqlAlchemyUnits(engine, prefix=f"b{uuid.uuid4().hex[:8]}_")
        units.create_tables()
        try:
            if raw:
                load(engine, units, schema, 200)
            else:
                codec = ValueCodec(schema.module("customer"))
                with units.begin(schema, TENANT) as unit:
                    unit.records.save([as_record(item, codec) for item in customers(200, schema)])
            tables = units.tables
            with engine.connect() as connection:
                names = (tables.record, tables.document, tables.tag, tables.unique, tables.title, tables.gram)
                found.append([sorted(map(repr, connection.execute(select(table)))) for table in names])
        finally:
            units.drop_tables()
    if found[0] != found[1]:
        raise RuntimeError("the raw driver writes other rows than custinfo")


@attrs.frozen
class Bench:
    """Measure on one database."""

    title: str
    name: str
    engine: Engine
    units: SqlAlchemyUnits
    schema: Schema

    def _result(self, case: str, ours: float, baseline: str, other: float, target: float) -> Result:
        return Result("storage", f"{self.title}: {case}", ours, baseline, other, target)

    def _compared(
        self, case: str, ours: Callable[[], object], sql: str, given: tuple[Any, ...], target: float, calls: int = 5
    ) -> Result:
        with self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            text = sql.replace("$", self.units.tables.record.name)
            cursor = driver.cursor()
            written = text if self.name == "sqlite" else text.replace("?", "%s")

            def raw() -> object:
                cursor.execute(written, given)
                return cursor.fetchall()

            ours()
            raw()
            one, other = per_call(ours, raw, calls=calls, repeat=3)
        return self._result(case, one, "hand-written SQL", other, target)

    def reads(self) -> Iterator[Result]:
        """Yield pages, a get, a count and groups."""
        with self.units.begin(self.schema, TENANT) as unit:
            slots = {field: slot for slot, field in claimed_slots(self.engine, self.units, self.schema).items()}
            budget, region, industry = slots["annual_budget"], slots["region"], slots["industry"]
            since = NOW.replace(year=NOW.year - 1, month=12)
            criterion = (
                (F.annual_budget >= 500_000)
                & (F.updated_at >= since)
                & (F.region == "江苏")
                & Tagged("需求", "采购设备")
                & F.department.is_in(BRANCH)
                & F.archived_at.is_missing()
            )
            bound = bind(criterion, "customer", self.schema, NOW)
            scope = bind(F.department.is_in(BRANCH) & F.archived_at.is_missing(), "customer", self.schema, NOW)
            query = Query("customer", bound, (Order(("updated_at",), descending=True),), 50)
            marks = ", ".join("?" * len(BRANCH))
            start = "r.tenant_id = ? AND r.module = 'customer' AND r.archived_at IS NULL"
            branch = f"{start} AND r.department_id IN ({marks})"
            where = (
                f"{branch} AND r.{budget} >= ? AND r.updated_at >= ? AND r.{region} = ? AND EXISTS (SELECT 1 FROM "
                "$_tag t WHERE t.tenant_id = r.tenant_id AND t.record_id = r.id AND t.dimension = '需求' AND "
                "t.value = '采购设备')"
            )
            index = {"sqlite": "INDEXED BY $_department", "mariadb": "FORCE INDEX ($_department)"}.get(self.name, "")
            document = "JOIN $_document d ON d.tenant_id = r.tenant_id AND d.record_id = r.id"
            flagship = (
                f"SELECT r.*, d.data FROM $ r {index} {document} WHERE {where} ORDER BY r.updated_at DESC LIMIT 50"
            )
            given = (TENANT, *BRANCH, 500_000 * 1_000_000, instant_to_text(since), "江苏")
            yield self._compared("flagship page in a branch", lambda: unit.queries.find(query), flagship, given, 1.2)
            sort = Query("customer", bind(F.archived_at.is_missing(), "customer", self.schema, NOW), limit=50)
            ordered = attrs.evolve(sort, order=(Order(("annual_budget",)),))
            text = f"SELECT r.*, d.data FROM $ r {document} WHERE {start} AND r.{budget} IS NOT NULL"
            page = f"{text} ORDER BY r.{budget}, r.id LIMIT 50"
            yield self._compared("sort by an indexed field", lambda: unit.queries.find(ordered), page, (TENANT,), 1.2)
            key = unit.queries.find(attrs.evolve(sort, limit=1))[0].id
            one = f"SELECT r.*, d.data, d.tags FROM $ r {document} WHERE r.tenant_id = ? AND r.id = ?"
            bounds = 3.0 if self.name == "sqlite" else 2.0
            got = lambda: unit.records.get("customer", [key])  # noqa: E731 - one of many
            yield self._compared("get", got, one, (TENANT, key), bounds, calls=200)
            narrow = Query("customer", scope)
            number = f"SELECT count(*) FROM $ r WHERE {branch}"
            counted = lambda: unit.queries.count(narrow)  # noqa: E731
            yield self._compared("count in a branch", counted, number, (TENANT, *BRANCH), 1.2)
            groups = f"SELECT r.{industry}, count(*) FROM $ r WHERE {branch} GROUP BY r.{industry}"
            by = Grouping(("industry",))
            grouped = lambda: unit.queries.distribution(narrow, by)  # noqa: E731
            yield self._compared("group by a field in a branch", grouped, groups, (TENANT, *BRANCH), 1.2)

    def _times(self, actor: str, works: Sequence[Callable[[Any], object]]) -> list[float]:
        space = Workspace(
            self.schema.configuration, units=self.units, organisation=organisation(), tenant=TENANT, clock=lambda: NOW
        )
        taken = []
        with space.acting_as(actor) as session:
            for work in works:
                start = time.perf_counter()
                work(session)
                taken.append(time.perf_counter() - start)
        return sorted(taken)

    def searches(self) -> Iterator[Result]:
        """Yield the time of searches for two characters in a branch, and of that for the commonest pair."""
        rng = random.Random(11)
        names = [item.document["name"] for item in itertools.islice(customers(400, self.schema), 200)]
        starts = [rng.randrange(len(name) - 4) for name in names]
        pairs = [name[start : start + 2] for name, start in zip(names, starts, strict=True)]
        works = [partial(_search, pair) for pair in pairs]
        times = self._times("branch3-4", works)
        yield self._result("search for two characters, 95 %", times[len(times) * 95 // 100], "10 ms", 0.010, 1.0)
        common = self._times("branch3-4", [partial(_search, "公司")] * 5)
        yield self._result("search for the commonest pair", common[2], "50 ms", 0.050, 1.0)

    def worst(self) -> Iterator[Result]:
        """Yield the time of the slowest pages of a random mix of scopes, criteria and orders."""
        rng, times = random.Random(5), []
        picks = (
            F.annual_budget >= 1_500_000,
            F.region == "江苏",
            F.status == "成交",
            F.updated_at.within(months=6),
            Tagged("需求", "技术服务"),
            F.industry == "软件",
        )
        orders = ((), ("-updated_at",), ("annual_budget",), ("name",), ("-annual_budget",))
        for actor in ("all", "region2", "branch5-5", "d1-2-3a"):
            works: list[Callable[[Any], object]] = []
            for _ in range(50):
                criterion = F.archived_at.is_missing()
                for part in rng.sample(picks, rng.randrange(4)):
                    criterion &= part
                order = rng.choice(orders)
                works.append(partial(_page, criterion, order))
            times += self._times(actor, works)
        times.sort()
        budget = WORST[self.name]
        yield self._result("worst page, 99 %", times[len(times) * 99 // 100], f"{budget * 1000:.0f} ms", budget, 1.0)

    def inserts(self, count: int) -> Iterator[Result]:
        """Yield what inserting new customers takes."""
        slots = claimed_slots(self.engine, self.units, self.schema)
        codec = ValueCodec(self.schema.module("customer"))
        one, two = (list(customers(2000, self.schema, start=count + first, seed=first)) for first in (10_000, 20_000))
        records = [as_record(item, codec) for item in one]
        start = time.perf_counter()
        with self.units.begin(self.schema, TENANT) as unit:
            for first in range(0, len(records), 500):
                unit.records.save(records[first : first + 500])
        ours = time.perf_counter() - start
        start = time.perf_counter()
        with self.engine.begin() as connection:
            for first in range(0, len(two), 500):
                insert_raw(connection, self.units, two[first : first + 500], slots)
        raw = time.perf_counter() - start
        kind = "COPY" if self.name == "postgresql" else "executemany"
        yield Result(
            "storage", f"{self.title}: insert 2 000", ours, f"raw {kind} of the same rows", raw, 0.6, faster=True
        )


def _search(text: str, session: Any) -> object:
    return session.customers.search(text)


def _page(criterion: Criterion, order: str | tuple[str, ...], session: Any) -> object:
    return session.customers.find(criterion, order_by=order, limit=50)

"""Queries and writes at size, against SQL by hand through the raw driver, on the same tables, in the same run.

SQLite always; PostgreSQL and MariaDB where they answer at the addresses of the tests. The tables are thrown away.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from benchmarks.clock import Clock
from benchmarks.customers import TENANT, as_record, claimed_slots, customers, load, organisation
from benchmarks.harness import Result
from benchmarks.storage_cases import Bench
from benchmarks.storage_users import Users, growth
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.schema import Schema
from custinfo.core.stored import ValueCodec
from custinfo.standard import standard_configuration

__all__ = ["run"]

SERVERS = {
    "postgresql": os.environ.get("CUSTINFO_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"),
    "mariadb": os.environ.get("CUSTINFO_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test"),
}
SMALL = 10_000


def run(
    quick: bool, customers: int | None = None, databases: str | None = None, keep: str | None = None
) -> Iterator[Result]:
    """Measure at 100 000 customers, or 20 000 on SQLite alone, or as many and where one asks for.

    With `keep`, a folder, the stores stay, and are used again by the next run of as many customers.
    """
    count = customers or (20_000 if quick else 100_000)
    names = databases.split(",") if databases else ["sqlite"] if quick else ["sqlite", *SERVERS]
    for name in names:
        if name != "sqlite":
            yield from _measured(name, SERVERS[name], count, kept=keep is not None)
            continue
        if keep:
            Path(keep).mkdir(parents=True, exist_ok=True)
        with nullcontext(keep) if keep else tempfile.TemporaryDirectory() as folder:
            yield from _measured(name, f"sqlite:///{Path(folder, f'store{count}.db')}", count, kept=keep is not None)


def _measured(name: str, url: str, count: int, *, kept: bool) -> Iterator[Result]:
    engine = open_engine(url)
    clock = Clock(engine)
    schema = Schema(standard_configuration(), organisation(), ZoneInfo("Asia/Shanghai"))
    mark = f"b{count}" if kept else f"b{uuid.uuid4().hex[:8]}"
    big, small = (SqlAlchemyUnits(engine, prefix=f"{mark}{which}_") for which in ("", "s"))
    try:
        with engine.connect():
            pass
    except SQLAlchemyError:
        print(f"{name} does not answer")
        return
    try:
        _assert_same_rows(engine, schema)
        if not inspect(engine).has_table(big.tables.record.name):
            _fill(engine, small, schema, SMALL)
            _fill(engine, big, schema, count)
        title = f"{name} {count:,}"
        bench = Bench.of(title, name, engine, big, schema, clock)
        yield from bench.reads()
        yield from Users(title, name, schema, big, clock).results()
        yield from growth(title, schema, small, big, clock)
        yield from bench.writes(count)
    finally:
        if not kept:
            big.drop_tables()
            small.drop_tables()
        engine.dispose()


def _fill(engine: Engine, units: SqlAlchemyUnits, schema: Schema, count: int, *, size: int = 5_000) -> None:
    """Put customers into new tables, through custinfo."""
    units.create_tables()
    codec, source, start = ValueCodec(schema.module("customer")), customers(count, schema), time.perf_counter()
    while batch := [as_record(item, codec) for item in itertools.islice(source, size)]:
        with units.begin(schema, TENANT) as unit:
            unit.records.save(batch)
    if count > 100_000:
        print(f"{count:,} customers saved in {time.perf_counter() - start:.0f} s", flush=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in units.tables.record.metadata.sorted_tables:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"VACUUM ANALYZE {table.name}")
            elif engine.dialect.name != "sqlite":
                connection.exec_driver_sql(f"ANALYZE TABLE {table.name}").close()


def _assert_same_rows(engine: Engine, schema: Schema) -> None:
    """Make sure that what the raw driver writes is what custinfo writes, on 200 customers."""
    found = []
    for raw in (True, False):
        units = SqlAlchemyUnits(engine, prefix=f"b{uuid.uuid4().hex[:8]}_")
        try:
            if raw:
                units.create_tables()
                load(engine, units, schema, 200)
            else:
                _fill(engine, units, schema, 200)
            tables = units.tables
            with engine.connect() as connection:
                names = (tables.record, tables.document, tables.tag, tables.unique, tables.title, tables.gram)
                found.append([sorted(map(repr, connection.execute(select(table)))) for table in names])
            claimed_slots(engine, units, schema)
        finally:
            units.drop_tables()
    if found[0] != found[1]:
        raise RuntimeError("the raw driver writes other rows than custinfo")

"""How many bytes a change takes in each database, its indexes included, beside the JSON of what changed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from benchmarks.harness import Result
from benchmarks.storage import SERVERS
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.history.changes import Change, FieldChange
from custinfo.core.records import RecordId
from custinfo.core.schema import Schema
from custinfo.workspace.proving import Prover

__all__ = ["sizes"]

_TENANT: Final = "default"
_PIECE: Final = 1_000
_MOST: Final = 15.0
"""Times the JSON of two small fields: who, when, how and the evidence are as long whatever changed."""

_SIZES: Final = {
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name IN "
    "(SELECT name FROM sqlite_master WHERE tbl_name = '{table}')",
    "postgresql": "SELECT pg_total_relation_size('{table}')",
    "mariadb": "SELECT data_length + index_length FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name = '{table}'",
}


def sizes(folder: Path, schema: Schema, prover: Prover, *, quick: bool) -> Iterator[Result]:
    """Yield the bytes of a change of two fields, with and without evidence; on servers too, unless it is quick."""
    urls = {"sqlite": f"sqlite:///{folder / 'sizes.db'}", **({} if quick else SERVERS)}
    for name, url in urls.items():
        engine = open_engine(url)
        try:
            with engine.connect():
                pass
        except SQLAlchemyError:
            print(f"{name} does not answer")
            continue
        for proven in (False, True):
            yield _measured(name, engine, schema, prover if proven else None, 2_000 if quick else 20_000)
        engine.dispose()


def _measured(name: str, engine: Engine, schema: Schema, prover: Prover | None, count: int) -> Result:
    units = SqlAlchemyUnits(engine, prefix=f"b{uuid.uuid4().hex[:8]}_")
    units.create_tables()
    try:
        before = _size(name, engine, units)
        for start in range(0, count, _PIECE):
            changes = _changes(start, _PIECE)
            with units.begin(schema, _TENANT) as unit:
                unit.history.append(changes if prover is None else prover.proven(changes, unit.log))
                unit.log.number()
        taken = (_size(name, engine, units) - before) / count
    finally:
        units.drop_tables()
    content = json.dumps([list(item) for item in _changes(0, 1)[0].fields], ensure_ascii=False).encode()
    case = f"{name}: a change of 2 fields{' with evidence' if prover is not None else ''}"
    return Result("history", case, taken, "the JSON of what changed", len(content), _MOST, unit="B")


def _size(name: str, engine: Engine, units: SqlAlchemyUnits) -> float:
    table = units.tables.change.name
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if name == "postgresql":
            connection.execute(text(f"VACUUM {table}"))
        elif name == "mariadb":
            connection.execute(text(f"ANALYZE TABLE {table}")).close()
        return float(connection.execute(text(_SIZES[name].format(table=table))).scalar() or 0)


def _changes(start: int, count: int) -> Sequence[Change]:
    now = datetime(2024, 3, 15, 2, 30, tzinfo=UTC)
    found = []
    for number in range(start, start + count):
        fields = (
            FieldChange("phone", f"139{number:08}", f"138{number:08}"),
            FieldChange("budget", str(number), str(number + 1)),
        )
        key = RecordId(f"018f0000-{number % 9973:04x}-7000-8000-{number:012x}")
        found.append(Change("customer", key, 1, now, "lisi", "update", fields, reason="电话确认"))
    return found

"""Many rows through the driver's own `executemany`: the same rows as by SQLAlchemy's statements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, insert, select, text

from custinfo.adapters.sqlalchemy import SqlAlchemyUnit
from custinfo.adapters.sqlalchemy._inserts import bulk_insert
from custinfo.adapters.sqlalchemy.tables import Tables, make_tables
from custinfo.testing import make_record, sample_schema
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix

ODD = {
    "text": "百分之 50 % (%s) ? :name 'quoted' \\ 😀",
    "number": -(2**62),
    "list": ["a", "b"],
    "sealed": {"sealed": "x"},
}


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Make an engine for each database."""
    url = request.param
    if url == "sqlite":
        url = f"sqlite:///{tmp_path / 'inserts.db'}"
    else:
        require_server(url)
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def tables(engine: Engine) -> Iterator[Tables]:
    """Create tables, and drop them in the end."""
    metadata = MetaData()
    tables = make_tables(metadata, prefix=throw_away_prefix())
    metadata.create_all(engine)
    yield tables
    metadata.drop_all(engine)


def test_rows_come_back_as_sqlalchemy_stores_them(engine: Engine, tables: Tables) -> None:
    """Documents, nulls, and characters that mean something in some style of parameters are stored alike."""
    table = tables.document
    names = ("record_id", "data", "tenant_id", "tags")  # not the order of the table
    rows: list[tuple[Any, ...]] = [("a", ODD, "one", None), ("b", {}, "one", [["行业", "制造业"]])]
    with engine.begin() as connection:
        bulk = bulk_insert(table, names, connection.dialect)
        connection.exec_driver_sql(bulk.text, bulk.parameters(iter(rows)))
        others = [(key, data, "two", tags) for key, data, _, tags in rows]
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in others])
        statement = select(*(table.c[name] for name in names)).order_by(table.c.tenant_id, table.c.record_id)
        found = [tuple(row) for row in connection.execute(statement)]
    assert found == [*rows, *others]


def test_a_host_may_translate_the_schema(tmp_path: Path) -> None:
    """Rows go to the schema that a host's connection puts in place of the tables' own."""
    engine = create_engine(f"sqlite:///{tmp_path / 'main.db'}")
    prefix = throw_away_prefix()
    with engine.connect() as plain:
        plain.execute(text("ATTACH DATABASE :path AS elsewhere"), {"path": str(tmp_path / "elsewhere.db")})
        connection = plain.execution_options(schema_translate_map={None: "elsewhere"})
        metadata = MetaData()
        make_tables(metadata, prefix=prefix)
        metadata.create_all(connection)
        with SqlAlchemyUnit(connection, prefix=prefix).begin(sample_schema(), "one") as unit:
            unit.records.save([make_record(1), make_record(2)])
        assert connection.execute(text(f"SELECT count(*) FROM elsewhere.{prefix}record")).scalar_one() == 2
        connection.rollback()
    engine.dispose()

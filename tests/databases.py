"""The databases that the tests use; a server that does not answer is a skip that says its name."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy.tables import Tables
from custinfo.ports import Units
from custinfo.testing import RepositoryContract

POSTGRESQL = os.environ.get("CUSTINFO_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
MARIADB = os.environ.get("CUSTINFO_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")
SERVERS = {"PostgreSQL": POSTGRESQL, "MariaDB": MARIADB}


def throw_away_prefix() -> str:
    """Return a prefix that no other run uses."""
    return f"t{uuid.uuid4().hex[:8]}_"


def require_server(url: str) -> None:
    """Skip the test, by the server's name, unless it answers."""
    engine = create_engine(url)
    try:
        with engine.connect():
            pass
    except OperationalError:
        name = next((name for name, known in SERVERS.items() if known == url), url)
        pytest.skip(f"{name} does not answer at {engine.url.host}:{engine.url.port}")
    finally:
        engine.dispose()


@contextmanager
def throw_away_units(url: str) -> Iterator[SqlAlchemyUnits]:
    """Open a store in tables of its own, and drop them in the end."""
    if not url.startswith("sqlite"):
        require_server(url)
    units = SqlAlchemyUnits.open(url, prefix=throw_away_prefix())
    try:
        yield units
    finally:
        units.drop_tables()
        units.dispose()


def empty(engine: Engine, tables: Tables) -> None:
    """Delete all rows of a store."""
    with engine.begin() as connection:
        for table in tables.record.metadata.sorted_tables:
            connection.execute(text(f"DELETE FROM {table.name}"))


class SharedTables:
    """Tables of the servers that tests have in turns: MariaDB takes seconds to make them, and none to empty them."""

    def __init__(self) -> None:
        self._prefixes: dict[str, str] = {}

    @contextmanager
    def lent(self, engine: Engine) -> Iterator[str]:
        """Lend empty tables by their prefix; those in SQLite are the borrower's own, and go with its file."""
        own = engine.dialect.name == "sqlite"
        url = engine.url.render_as_string(hide_password=False)
        prefix = throw_away_prefix() if own else self._prefixes.setdefault(url, throw_away_prefix())
        units = SqlAlchemyUnits(engine, prefix=prefix)
        units.create_tables()  # those that are not there
        try:
            yield prefix
        finally:
            if not own and inspect(engine).has_table(units.tables.record.name):
                empty(engine, units.tables)

    def drop(self) -> None:
        """Drop them all."""
        for url, prefix in self._prefixes.items():
            units = SqlAlchemyUnits.open(url, prefix=prefix)
            units.drop_tables()
            units.dispose()


class ServerContract(RepositoryContract):
    """Run the contract on a server: the tables are made once for the class, and emptied after each test."""

    url: str
    prefix: str
    engine: Engine

    @classmethod
    def setup_class(cls) -> None:
        """Create the tables."""
        require_server(cls.url)
        cls.prefix = throw_away_prefix()
        cls.engine = open_engine(cls.url)
        SqlAlchemyUnits(cls.engine, prefix=cls.prefix).create_tables()

    @classmethod
    def teardown_class(cls) -> None:
        """Drop the tables."""
        SqlAlchemyUnits(cls.engine, prefix=cls.prefix).drop_tables()
        cls.engine.dispose()

    def units(self) -> Units:
        """Return units that know nothing of earlier tests."""
        return SqlAlchemyUnits(self.engine, prefix=self.prefix)

    def discard(self, units: Units) -> None:
        """Empty the tables."""
        assert isinstance(units, SqlAlchemyUnits)
        empty(self.engine, units.tables)

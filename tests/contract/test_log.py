"""The contract of the log of changes, on each store that has it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.ports import Units
from custinfo.testing import LogContract
from tests.contract.test_own_repository import example, path_of
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix


class TestMemory(LogContract):
    """Everything in dicts."""

    def units(self) -> Units:
        """Return an empty store."""
        return MemoryUnits()


class TestDocuments(LogContract):
    """The store that the examples build: everything by `custinfo.adapters.documents`."""

    def units(self) -> Units:
        """Return an empty store."""
        units: Units = example.OwnUnits(Path(tempfile.mkdtemp()) / "own.db")
        return units

    def discard(self, units: Units) -> None:
        """Delete the file."""
        shutil.rmtree(path_of(units).parent)


class TestSqlite(LogContract):
    """Tables of its own for each test, dropped afterwards."""

    url = "sqlite://"

    def units(self) -> Units:
        """Return an empty store."""
        if not self.url.startswith("sqlite"):
            require_server(self.url)
        return SqlAlchemyUnits.open(self.url, prefix=throw_away_prefix())

    def discard(self, units: Units) -> None:
        """Drop the tables."""
        assert isinstance(units, SqlAlchemyUnits)
        units.drop_tables()
        units.dispose()


class TestPostgresql(TestSqlite):
    """A server."""

    url = POSTGRESQL


class TestMariadb(TestSqlite):
    """A server that has no partial index."""

    url = MARIADB

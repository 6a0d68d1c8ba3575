"""The contract of the access log, on each store that has it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.ports import Units
from custinfo.testing import AccessContract
from tests.contract.test_own_repository import example, path_of
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix


class TestMemory(AccessContract):
    """Everything in dicts."""

    def units(self) -> Units:
        """Return an empty store."""
        return MemoryUnits()


class TestDocuments(AccessContract):
    """A store of documents that a host might write."""

    def units(self) -> Units:
        """Return an empty store."""
        units: Units = example.OwnUnits(Path(tempfile.mkdtemp()) / "own.db")
        return units

    def discard(self, units: Units) -> None:
        """Delete the file."""
        shutil.rmtree(path_of(units).parent)


class TestSqlite(AccessContract):
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
    """A server, with JSONB documents."""

    url = POSTGRESQL


class TestMariadb(TestSqlite):
    """A server, with documents as text."""

    url = MARIADB

"""Stores to run a contract on: put one before the contract among the bases of a test class."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.ports import Units
from tests.contract.test_own_repository import example, path_of
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix


class InMemory:
    """Everything in dicts."""

    def units(self) -> Units:
        """Return an empty store."""
        return MemoryUnits()


class InDocuments:
    """The store that an example builds: everything by `custinfo.adapters.documents`."""

    def units(self) -> Units:
        """Return an empty store."""
        units: Units = example.OwnUnits(Path(tempfile.mkdtemp()) / "own.db")
        return units

    def discard(self, units: Units) -> None:
        """Delete the file."""
        shutil.rmtree(path_of(units).parent)


class OnSqlite:
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


class OnPostgresql(OnSqlite):
    """A server, with JSONB documents."""

    url = POSTGRESQL


class OnMariadb(OnSqlite):
    """A server, with documents as text, and without partial indexes."""

    url = MARIADB

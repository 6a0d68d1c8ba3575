"""The contract of upkeep, on each store that has it."""

from __future__ import annotations

from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.ports import Units
from custinfo.testing import UpkeepContract
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix


class TestMemory(UpkeepContract):
    """Everything in dicts."""

    def units(self) -> Units:
        """Return an empty store."""
        return MemoryUnits()


class TestSqlite(UpkeepContract):
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

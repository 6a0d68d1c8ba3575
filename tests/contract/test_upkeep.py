"""The contract of upkeep, on each store that has it."""

from __future__ import annotations

from custinfo.testing import UpkeepContract
from tests.contract.stores import InMemory, OnMariadb, OnPostgresql, OnSqlite


class TestMemory(InMemory, UpkeepContract):
    """In memory."""


class TestSqlite(OnSqlite, UpkeepContract):
    """On SQLite."""


class TestPostgresql(OnPostgresql, UpkeepContract):
    """On PostgreSQL."""


class TestMariadb(OnMariadb, UpkeepContract):
    """On MariaDB."""

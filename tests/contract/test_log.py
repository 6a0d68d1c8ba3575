"""The contract of the log of changes, on each store that has it."""

from __future__ import annotations

from custinfo.testing import LogContract
from tests.contract.stores import InDocuments, InMemory, OnMariadb, OnPostgresql, OnSqlite


class TestMemory(InMemory, LogContract):
    """In memory."""


class TestDocuments(InDocuments, LogContract):
    """In a store of documents that a host might write."""


class TestSqlite(OnSqlite, LogContract):
    """On SQLite."""


class TestPostgresql(OnPostgresql, LogContract):
    """On PostgreSQL."""


class TestMariadb(OnMariadb, LogContract):
    """On MariaDB."""

"""The contract of the access log, on each store that has it."""

from __future__ import annotations

from custinfo.testing import AccessContract
from tests.contract.stores import InDocuments, InMemory, OnMariadb, OnPostgresql, OnSqlite


class TestMemory(InMemory, AccessContract):
    """In memory."""


class TestDocuments(InDocuments, AccessContract):
    """In a store of documents that a host might write."""


class TestSqlite(OnSqlite, AccessContract):
    """On SQLite."""


class TestPostgresql(OnPostgresql, AccessContract):
    """On PostgreSQL."""


class TestMariadb(OnMariadb, AccessContract):
    """On MariaDB."""

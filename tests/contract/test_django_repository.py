"""The contract on the store that the examples build with Django's ORM: on SQLite and PostgreSQL, alone and hosted."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import tempfile
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from custinfo.core.errors import StorageError
from custinfo.ports import Units
from custinfo.testing import RepositoryContract, make_record, record_id
from tests.databases import POSTGRESQL, require_server

pytest.importorskip("django", reason="Django is not installed")

address = urlsplit(POSTGRESQL)
settings = importlib.import_module("django.conf").settings
settings.configure(
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "IMMEDIATE"}},
        "postgresql": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": address.hostname,
            "PORT": address.port,
            "USER": address.username,
            "PASSWORD": address.password or "",
            "NAME": address.path.lstrip("/"),
        },
    },
    USE_TZ=True,
)
importlib.import_module("django").setup()
PATH = Path(__file__).parents[2] / "examples" / "django_repository.py"
spec = importlib.util.spec_from_file_location("django_repository", PATH)
assert spec is not None
assert spec.loader is not None
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)


class DjangoContract(RepositoryContract):
    """Run the contract on a database of Django's: tables are made once for the class, and emptied after each test."""

    using = "default"

    def units(self) -> Units:
        """Return units that know nothing of earlier tests."""
        units: Units = example.DjangoUnits(self.using)
        return units

    def discard(self, _units: Units) -> None:
        """Empty the tables."""
        for model in (example.StoredItem, example.Tenant):
            model.objects.using(self.using).all().delete()

    def leave_thread(self, _units: Units) -> None:
        """Close the connection: Django has one for each thread."""
        example.connections.close_all()

    @classmethod
    def setup_class(cls) -> None:
        """Create the tables."""
        example.DjangoUnits(cls.using).create_tables()

    @classmethod
    def teardown_class(cls) -> None:
        """Close the connection."""
        example.connections.close_all()


class TestDjangoOnSqlite(DjangoContract):
    """A file."""

    folder: Path

    @classmethod
    def setup_class(cls) -> None:
        """Create the file."""
        cls.folder = Path(tempfile.mkdtemp())
        example.connections.settings[cls.using]["NAME"] = cls.folder / "contract.db"
        super().setup_class()

    @classmethod
    def teardown_class(cls) -> None:
        """Delete the file."""
        super().teardown_class()
        shutil.rmtree(cls.folder)

    def test_failures_are_ours(self) -> None:
        """What the database says leaves as a StorageError, which tells whether to try again."""
        with self.begin() as unit, pytest.raises(StorageError) as caught, example.translated():
            unit.records.save([make_record(1)])
            with example.connections[self.using].cursor() as cursor:
                cursor.execute("SELECT * FROM there_is_no_such_table")
        assert caught.value.code == "storage_failed"


class TestDjangoOnPostgresql(DjangoContract):
    """A server, in a schema of its own."""

    using = "postgresql"
    schema_name: str

    @classmethod
    def setup_class(cls) -> None:
        """Create the schema."""
        pytest.importorskip("psycopg", reason="psycopg is not installed")
        require_server(POSTGRESQL)
        cls.schema_name = f"t{uuid.uuid4().hex[:8]}"
        example.connections.settings[cls.using]["OPTIONS"] = {"options": f"-c search_path={cls.schema_name}"}
        with example.connections[cls.using].cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {cls.schema_name}")
        super().setup_class()

    @classmethod
    def teardown_class(cls) -> None:
        """Drop the schema."""
        with example.connections[cls.using].cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {cls.schema_name} CASCADE")
        super().teardown_class()


class HostedContract(DjangoContract):
    """Run the contract within one transaction of the host, which takes back all of it after each test."""

    concurrent = False
    persistent = False
    commits = False

    def units(self) -> Units:
        """Begin the host's transaction."""
        self.host: Any = ExitStack()
        atomic = example.transaction.atomic(self.using)
        self.host.enter_context(atomic)
        return super().units()

    def discard(self, _units: Units) -> None:
        """Roll it back; nothing is left."""
        example.transaction.set_rollback(True, using=self.using)
        self.host.close()
        assert not example.StoredItem.objects.using(self.using).exists()

    def test_commit_leaves_it_to_the_host(self) -> None:
        """In the host's transaction, `commit` makes nothing permanent."""
        with self.begin() as unit:
            unit.records.save([make_record(1)])
            unit.commit()
        assert self.stored(1) == [make_record(1)]
        example.transaction.set_rollback(True, using=self.using)
        self.host.close()
        self.host.enter_context(example.transaction.atomic(self.using))
        with self.begin() as unit:
            assert unit.records.get("thing", [record_id(1)]) == {}


class TestDjangoHostedOnSqlite(HostedContract, TestDjangoOnSqlite):
    """A block of `transaction.atomic` on a file."""


class TestDjangoHostedOnPostgresql(HostedContract, TestDjangoOnPostgresql):
    """A block of `transaction.atomic` on a server."""

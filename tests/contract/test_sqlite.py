"""The contract on SQLite."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.ports import Units
from custinfo.testing import RepositoryContract


class TestSqliteInMemory(RepositoryContract):
    """One connection that holds the database."""

    persistent = False

    def units(self) -> Units:
        """Return an empty store."""
        return SqlAlchemyUnits.open("sqlite://")

    def discard(self, units: Units) -> None:
        """Close the connection."""
        assert isinstance(units, SqlAlchemyUnits)
        units.dispose()


class TestSqliteFile(RepositoryContract):
    """A file with a write-ahead log."""

    def units(self) -> Units:
        """Return an empty store."""
        self.folder = Path(tempfile.mkdtemp())
        return SqlAlchemyUnits.open(f"sqlite:///{self.folder / 'store.db'}")

    def discard(self, units: Units) -> None:
        """Close the file and delete it."""
        assert isinstance(units, SqlAlchemyUnits)
        units.dispose()
        shutil.rmtree(self.folder)

    def reopen(self, units: Units) -> Units:
        """Open the file once more."""
        assert isinstance(units, SqlAlchemyUnits)
        units.dispose()
        return SqlAlchemyUnits.open(f"sqlite:///{self.folder / 'store.db'}")

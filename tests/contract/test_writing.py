"""The contract of units that write from their beginning, on each store that has them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.offers import offered
from custinfo.ports import Units, WritingUnits
from custinfo.testing import WritingContract
from tests.contract.stores import InDocuments, InMemory, OnMariadb, OnPostgresql, OnSqlite


class TestSqliteInMemory(OnSqlite, WritingContract):
    """On the one connection that there is."""


class TestSqliteFile(WritingContract):
    """On a file with a write-ahead log, where others read meanwhile."""

    def units(self) -> Units:
        """Return an empty store."""
        self.folder = Path(tempfile.mkdtemp())
        return SqlAlchemyUnits.open(f"sqlite:///{self.folder / 'store.db'}")

    def discard(self, units: Units) -> None:
        """Close the file and delete it."""
        assert isinstance(units, SqlAlchemyUnits)
        units.dispose()
        shutil.rmtree(self.folder)

    def test_units_that_only_read_wait_for_nobody(self) -> None:
        """While one holds the turn to write, those that were there before read what was committed."""
        with self.writing():
            assert self.stored(1) == [None]


class TestPostgresql(OnPostgresql, WritingContract):
    """On PostgreSQL."""


class TestMariadb(OnMariadb, WritingContract):
    """On MariaDB."""


def test_who_has_none() -> None:
    """Stores in which a unit waits whenever it has to, or holds everything from its beginning, do without."""
    for place in (InMemory(), InDocuments()):
        units = place.units()
        assert offered(units, WritingUnits) is None
        if isinstance(place, InDocuments):
            place.discard(units)

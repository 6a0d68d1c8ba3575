"""The contract on the store that the examples build with `sqlite3` alone."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from custinfo.core.errors import StorageError
from custinfo.ports import Units
from custinfo.testing import RepositoryContract

PATH = Path(__file__).parents[2] / "examples" / "own_repository.py"
spec = importlib.util.spec_from_file_location("own_repository", PATH)
assert spec is not None
assert spec.loader is not None
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)


def path_of(units: Units) -> Path:
    """Return where a store is."""
    assert isinstance(units, example.OwnUnits)
    return Path(units.path)


class TestOwnRepository(RepositoryContract):
    """A file, and one connection for each unit of work."""

    def units(self) -> Units:
        """Return an empty store."""
        units: Units = example.OwnUnits(Path(tempfile.mkdtemp()) / "own.db")
        return units

    def discard(self, units: Units) -> None:
        """Delete the file."""
        shutil.rmtree(path_of(units).parent)

    def reopen(self, units: Units) -> Units:
        """Open the file once more."""
        again: Units = example.OwnUnits(path_of(units))
        return again

    def test_failures_are_ours(self) -> None:
        """What the database says leaves as a StorageError, which tells whether to try again."""
        with closing(sqlite3.connect(path_of(self.store))) as other:
            other.execute("DROP TABLE item")
        with pytest.raises(StorageError) as caught:
            self.stored(1)
        assert caught.value.code == "storage_failed"
        assert not caught.value.retryable

    def test_a_lock_is_retryable(self) -> None:
        """Of two units at once, the second may be tried again, and works when the first has ended."""
        with closing(sqlite3.connect(path_of(self.store), timeout=0)) as other, self.begin():
            with pytest.raises(StorageError) as caught, example.translated():
                other.execute("BEGIN IMMEDIATE")
            assert caught.value.retryable
        assert self.stored(1) == [None]

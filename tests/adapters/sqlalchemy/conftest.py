"""What the tests of the adapter share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import SharedTables


@pytest.fixture(scope="session")
def shared_tables() -> Iterator[SharedTables]:
    """Lend tables of the servers to one test after another, and drop them in the end."""
    shared = SharedTables()
    yield shared
    shared.drop()

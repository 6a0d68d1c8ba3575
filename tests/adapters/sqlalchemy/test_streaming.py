"""Going through everything takes memory that does not grow with it.

`CUSTINFO_STREAMED` says how many records the larger store has; 8 800 unless told otherwise, so that the smaller one has
more than the two pages of 1 000 that are in memory at once.
"""

from __future__ import annotations

import io
import os
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from custinfo import Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.schema import Schema
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import make_change, make_record
from tests.databases import throw_away_units

STREAMED = int(os.environ.get("CUSTINFO_STREAMED", "8800"))
BATCH = 500


@pytest.fixture
def units(tmp_path: Path) -> Iterator[SqlAlchemyUnits]:
    """Open a file of SQLite, whose driver holds no more rows than it is asked for."""
    with throw_away_units(f"sqlite:///{tmp_path / 'store.db'}") as units:
        yield units


def fill(workspace: Workspace, units: SqlAlchemyUnits, start: int, end: int) -> None:
    """Save customers of lisi's, with their history."""
    schema: Schema = workspace._begin.compiled.schema
    for first in range(start, end, BATCH):
        records = [
            make_record(
                number, {"name": f"客户{number:06}", "customer_type": "企业客户"}, module="customer", owner="lisi"
            )
            for number in range(first, min(first + BATCH, end))
        ]
        with units.begin(schema, "default") as unit:
            unit.records.save(records)
            unit.history.append([make_change(None, record) for record in records])


def peak(action: Callable[[], object]) -> int:
    """Return how many bytes more than before are in use at the worst moment, the second time."""
    action()
    tracemalloc.start()
    action()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


class Nowhere(io.RawIOBase):
    """A file that keeps nothing."""

    def writable(self) -> bool:
        """Take everything."""
        return True

    def write(self, data: object) -> int:
        """Forget it."""
        return len(data)  # type: ignore[arg-type]


def test_memory_does_not_grow(units: SqlAlchemyUnits) -> None:
    """Iterating, reading changes, backing up and checking take as much memory for many records as for a quarter."""
    with Workspace(standard_configuration(), units=units, organisation=sample_organisation()) as workspace:

        def iterate() -> None:
            with workspace.acting_as("lisi") as session:
                deque(session.customers.iterate(order_by="name"), maxlen=0)

        def changes() -> None:
            with workspace.acting_as("lisi") as session:
                deque(session.changes(channel="edit"), maxlen=0)

        def export() -> None:
            workspace.export_tenant(Nowhere())  # type: ignore[arg-type]

        def check() -> None:
            assert workspace.check_integrity().ok

        actions = (iterate, changes, export, check)
        fill(workspace, units, 0, STREAMED // 4)
        few = [peak(action) for action in actions]
        fill(workspace, units, STREAMED // 4, STREAMED)
        many = [peak(action) for action in actions]
        print(STREAMED, few, many)  # noqa: T201 - shown by `pytest -s`
        for before, after in zip(few, many, strict=True):
            assert after < before * 1.5 + 500_000

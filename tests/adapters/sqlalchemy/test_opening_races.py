"""Many processes meet an empty store at once: each of them begins its work, and the slots are claimed once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select

from custinfo import CustinfoError
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.schema import Schema
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix

ROUNDS = 6
THREADS = 6
PATIENCE = 60


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[SqlAlchemyUnits]]:
    """One database as several processes open it, each with connections of its own."""
    url = f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.param
    if url == request.param:
        require_server(url)
    prefix = throw_away_prefix()
    opened = [SqlAlchemyUnits.open(url, prefix=prefix) for _ in range(THREADS)]
    yield opened
    opened[0].drop_tables()
    for units in opened:
        units.dispose()


def fresh_schema() -> Schema:
    """Return the standard configuration, compiled as another process would."""
    return Schema(standard_configuration(), sample_organisation(), ZoneInfo("Asia/Shanghai"))


def claimed(units: SqlAlchemyUnits) -> dict[str, dict[tuple[str, str], tuple[str, str]]]:
    """Return tenant → module and field → slot and state."""
    slot = units.tables.slot.c
    found: dict[str, dict[tuple[str, str], tuple[str, str]]] = {}
    assert isinstance(units._source, Engine)
    with units._source.connect() as connection:
        for row in connection.execute(select(slot.tenant_id, slot.module, slot.field, slot.slot, slot.state)):
            found.setdefault(row[0], {})[row[1], row[2]] = (row[3], row[4])
    return found


def test_everybody_begins_at_once(stores: list[SqlAlchemyUnits]) -> None:
    """Claiming slots, and what else the first unit of a tenant does, lets nobody fail."""
    ready = threading.Barrier(THREADS)
    errors: list[CustinfoError] = []

    def begin(units: SqlAlchemyUnits) -> None:
        for number in range(ROUNDS):
            schema = fresh_schema()
            ready.wait(PATIENCE)
            try:
                with units.begin(schema, f"tenant{number}"):
                    pass
            except CustinfoError as error:
                errors.append(error)

    threads = [threading.Thread(target=begin, args=(units,), daemon=True) for units in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []
    found = claimed(stores[0])
    with stores[0].begin(fresh_schema(), "alone"):
        alone = claimed(stores[0])["alone"]
    assert len(found) == ROUNDS
    assert all(slots == alone for slots in found.values())
    assert {state for _, state in alone.values()} == {"ready"}

"""Sessions that a host's framework hands from thread to thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from custinfo import Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix
from tests.unit.workspace.story import ENTERPRISE


@pytest.mark.parametrize("within", [False, True], ids=["its own", "a host's"])
@pytest.mark.parametrize("url", ["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def test_a_session_may_be_handed_from_thread_to_thread(url: str, tmp_path: Path, *, within: bool) -> None:
    """Opened, used and closed in different threads, one after the other, it is not refused and keeps what it did."""
    if url != "sqlite":
        require_server(url)
    engine = create_engine(f"sqlite:///{tmp_path / 'store.db'}" if url == "sqlite" else url)
    units, host = SqlAlchemyUnits(engine, prefix=throw_away_prefix()), Session(engine)
    units.create_tables()
    workspace = Workspace(standard_configuration(), units=units, organisation=sample_organisation())
    opened = workspace.acting_as("lisi", unit=units.within(host) if within else None)
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        session = first.submit(opened.__enter__).result()
        second.submit(session.customers.create, ENTERPRISE).result()
        first.submit(opened.__exit__, None, None, None).result()
        second.submit(host.commit).result()
    host.close()
    with workspace.acting_as("lisi") as session:
        assert session.customers.count() == 1
    units.drop_tables()
    engine.dispose()

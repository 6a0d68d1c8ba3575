"""Work that is tried again where others are in the way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from custinfo import ANY, InvalidInputError, Session, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy.units import SqlAlchemyWork
from custinfo.core.errors import CustinfoError, StaleVersionError, StorageError
from custinfo.core.revisions import changed_configuration
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace import trying
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix
from tests.unit.workspace.story import Story

SERVERS = pytest.mark.parametrize("url", [POSTGRESQL, MARIADB], ids=["postgresql", "mariadb"])


@pytest.fixture
def workspace(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Open a workspace; on PostgreSQL, its transactions are serializable."""
    monkeypatch.setattr(trying, "_PAUSE", 0.001)
    if url == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.db'}"
    else:
        require_server(url)
    level: dict[str, Any] = {"isolation_level": "SERIALIZABLE"} if url == POSTGRESQL else {}
    engine = open_engine(url) if url.startswith("sqlite") else create_engine(url, hide_parameters=True, **level)
    units = SqlAlchemyUnits(engine, prefix=throw_away_prefix())
    units.create_tables()
    with Workspace(standard_configuration(), units=units, organisation=sample_organisation()) as workspace:
        yield workspace
        units.drop_tables()


def at_once(*actions: Callable[[], object]) -> list[CustinfoError]:
    """Do things in threads, and return what they raise."""
    errors: list[CustinfoError] = []

    def guarded(action: Callable[[], object]) -> None:
        try:
            action()
        except CustinfoError as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(action,), daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


class Crossing:
    """Lock two customers, the first time not before another one has locked its first, and change both."""

    def __init__(self, first: str, second: str, meeting: threading.Barrier) -> None:
        self.first, self.second, self.meeting, self.calls = first, second, meeting, 0

    def __call__(self, session: Session) -> None:
        """Do it, and count."""
        self.calls += 1
        self.lock(session, self.first)
        if self.calls == 1:
            self.meeting.wait(10)
        self.lock(session, self.second)
        for key in (self.first, self.second):
            address = session.customers.get(key)["address"] or ""
            session.customers.update(key, {"address": f"{address}x"}, version=ANY)

    def lock(self, session: Session, record_id: str) -> None:
        """Lock a customer's row."""
        unit = session.context.unit
        assert isinstance(unit, SqlAlchemyWork)
        columns = unit._context.tables.record.c
        mine = (columns.tenant_id == session.context.tenant) & (columns.id == record_id)
        unit._context.execute(select(columns.id).where(mine).with_for_update())


@SERVERS
def test_a_deadlock_is_tried_again(workspace: Workspace) -> None:
    """Two that wait for each other both come to an end, one of them the second time, and nothing is lost."""
    story = Story(workspace)
    one, other = story.customer().id, story.customer(name="上海样品贸易有限公司", phone="13900139001", uscc=None).id
    meeting = threading.Barrier(2)
    works = Crossing(one, other, meeting), Crossing(other, one, meeting)
    errors = at_once(*(lambda work=work: workspace.run("lisi", work, attempts=5) for work in works))
    assert errors == []
    assert sum(work.calls for work in works) > 2
    with workspace.acting_as("lisi") as session:
        assert [session.customers.get(key)["address"] for key in (one, other)] == ["xx", "xx"]


@SERVERS
def test_one_attempt_is_one_attempt(workspace: Workspace) -> None:
    """Without a further attempt, the one that is given up is told that it may try again."""
    story = Story(workspace)
    one, other = story.customer().id, story.customer(name="上海样品贸易有限公司", phone="13900139001", uscc=None).id
    meeting = threading.Barrier(2)
    works = Crossing(one, other, meeting), Crossing(other, one, meeting)
    (error,) = at_once(*(lambda work=work: workspace.run("lisi", work, attempts=1) for work in works))
    assert isinstance(error, StorageError)
    assert error.retryable


@pytest.mark.parametrize("url", ["sqlite"])
def test_a_changed_configuration_is_tried_again(workspace: Workspace) -> None:
    """Work that began before the configuration was replaced is done again under the new one."""
    seen: list[int] = []

    def work(session: Session) -> int:
        seen.append(session.configuration.current.version)
        if len(seen) == 1:
            raise changed_configuration(1, 2)
        return len(seen)

    assert workspace.run("lisi", work) == 2


@pytest.mark.parametrize("url", [MARIADB], ids=["mariadb"])
def test_a_stale_version_is_read_again(workspace: Workspace) -> None:
    """Who reads and then saves is called again if somebody was faster."""
    story = Story(workspace)
    customer = story.customer()
    calls: list[int] = []

    def work(session: Session) -> None:
        read = session.customers.get(customer.id).version
        calls.append(read)
        if len(calls) == 1:
            story.update("lisi", customer, {"address": "x"})
        session.customers.update(customer.id, {"special_notes": "y"}, version=read)

    workspace.run("lisi", work)
    assert calls == [1, 2]


@pytest.mark.parametrize("url", ["sqlite"])
def test_a_version_that_was_brought_along_stays_stale(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that a web page gave, or one before the caller's own change, is refused at once, without a pause."""
    key = Story(workspace).customer().id
    calls: list[int] = []
    monkeypatch.setattr("custinfo.workspace.trying.time.sleep", calls.append)

    def brought(session: Session) -> None:
        calls.append(1)
        session.customers.get(key)
        session.customers.update(key, {"address": "y"}, version=7)

    def twice(session: Session) -> None:
        calls.append(1)
        version = session.customers.get(key).version
        for address in "xy":
            session.customers.update(key, {"address": address}, version=version)

    for work in (brought, twice):
        calls.clear()
        with pytest.raises(StaleVersionError):
            workspace.run("lisi", work)
        assert calls == [1]


@pytest.mark.parametrize("url", ["sqlite"])
def test_what_does_not_mend_is_raised_at_once(workspace: Workspace) -> None:
    """Wrong data stays wrong: the function is called once. Attempts are counted from 1."""
    calls: list[Session] = []

    def work(session: Session) -> None:
        calls.append(session)
        session.customers.create({})

    with pytest.raises(InvalidInputError):
        workspace.run("lisi", work)
    assert len(calls) == 1
    with pytest.raises(ValueError, match="attempts"):
        workspace.run("lisi", work, attempts=0)
    assert len(calls) == 1


@pytest.mark.parametrize("url", ["sqlite"])
def test_the_second_attempt_has_its_turn_on_sqlite(workspace: Workspace) -> None:
    """Whoever was overtaken after reading lets nobody write the next time, and so comes to an end."""
    key = Story(workspace).customer().id
    locked: list[bool] = []

    def work(session: Session) -> None:
        address = session.customers.get(key)["address"] or ""
        locked.append(not written_by_another(session))
        session.customers.update(key, {"address": f"{address}x"}, version=ANY)

    workspace.run("lisi", work, attempts=2)
    assert locked == [False, True]
    with workspace.acting_as("lisi") as session:
        assert session.customers.get(key)["address"] == "x"


def written_by_another(session: Session) -> bool:
    """Write to the database from elsewhere, without waiting, and tell whether that was possible."""
    unit = session.context.unit
    assert isinstance(unit, SqlAlchemyWork)
    connection = unit._context.connection
    with closing(sqlite3.connect(str(connection.engine.url.database), timeout=0)) as other:
        try:
            other.execute(f"UPDATE {unit._context.tables.record.name} SET created_by = 'zhangsan'")
            other.commit()
        except sqlite3.OperationalError:
            return False
    return True


@pytest.mark.parametrize("url", ["sqlite"])
def test_many_who_write_at_once_on_sqlite(workspace: Workspace) -> None:
    """Twelve threads that each read and then write ten times lose nothing, and none is sent away."""
    key = Story(workspace).customer().id

    def count(session: Session) -> None:
        address = session.customers.get(key)["address"] or ""
        session.customers.update(key, {"address": f"{address}x"}, version=ANY)

    def several() -> None:
        for _ in range(10):
            workspace.run("lisi", count)

    assert at_once(*[several] * 12) == []
    with workspace.acting_as("lisi") as session:
        assert session.customers.get(key)["address"] == "x" * 120

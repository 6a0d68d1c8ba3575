"""A host's own transaction: nothing is committed behind its back, and all of it can be taken back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits
from custinfo.core.errors import DuplicateValueError, StorageError
from custinfo.core.records import Record
from custinfo.testing import make_record, record_id, sample_schema
from tests.databases import MARIADB, POSTGRESQL, SharedTables, require_server

SCHEMA = sample_schema()


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Make an engine as a host would: plainly, with SQLite's driver left to begin transactions late."""
    url = request.param
    if url == "sqlite":
        url = f"sqlite:///{tmp_path / 'host.db'}"
    else:
        require_server(url)
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def prefix(engine: Engine, shared_tables: SharedTables) -> Iterator[str]:
    """Name tables that are empty, with one of the host's beside them."""
    with shared_tables.lent(engine) as prefix:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {prefix}host (id INTEGER)"))
        yield prefix
        with engine.begin() as connection:
            connection.execute(text(f"DROP TABLE {prefix}host"))


def let_savepoints_nest(engine: Engine) -> None:
    """Do what SQLAlchemy recommends for SQLite: let it begin transactions, instead of the driver."""

    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)


def stored(engine: Engine, prefix: str, *numbers: int) -> list[Record | None]:
    """Return what another transaction sees."""
    with SqlAlchemyUnits(engine, prefix=prefix).begin(SCHEMA, "one") as unit:
        found = unit.records.get("thing", [record_id(number) for number in numbers])
    return [found.get(record_id(number)) for number in numbers]


def hosts_rows(engine: Engine, prefix: str) -> int:
    """Return how many rows of its own the host sees."""
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {prefix}host")).scalar_one())


def work(host: Session | Connection, prefix: str) -> None:
    """Save, conflict, take back a block, and save again, in a unit of the host's."""
    with SqlAlchemyUnit(host, prefix=prefix).begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1, {"code": "x"})])
        with pytest.raises(DuplicateValueError):
            unit.records.save([make_record(2, {"code": "x"})])
        with pytest.raises(ZeroDivisionError), unit.atomic():
            unit.records.save([make_record(3)])
            _ = 1 // 0
        unit.records.save([make_record(4)])
        unit.commit()


def test_a_session_rolls_back(engine: Engine, prefix: str) -> None:
    """Rolling back the host's session takes back everything, also when savepoints came first."""
    with Session(engine) as session:
        work(session, prefix)
        session.execute(text(f"INSERT INTO {prefix}host VALUES (1)"))
        session.rollback()
    assert stored(engine, prefix, 1, 2, 3, 4) == [None] * 4
    assert hosts_rows(engine, prefix) == 0


def test_a_session_commits(engine: Engine, prefix: str) -> None:
    """Committing the host's session keeps the host's work and custinfo's together."""
    with Session(engine) as session:
        session.execute(text(f"INSERT INTO {prefix}host VALUES (1)"))
        work(session, prefix)
        session.commit()
    expected = [make_record(1, {"code": "x"}), None, None, make_record(4)]
    assert stored(engine, prefix, 1, 2, 3, 4) == expected
    assert hosts_rows(engine, prefix) == 1


def test_a_unit_never_commits(engine: Engine, prefix: str) -> None:
    """Neither the end of a unit nor its `commit` makes anything visible to others."""
    with Session(engine) as session:
        work(session, prefix)
        assert session.in_transaction()
    assert stored(engine, prefix, 1, 4) == [None, None]


def test_a_connection_rolls_back(engine: Engine, prefix: str) -> None:
    """A host may give a connection instead of a session."""
    with engine.connect() as connection:
        work(connection, prefix)
        connection.rollback()
    assert stored(engine, prefix, 1, 4) == [None, None]
    with engine.begin() as connection:
        work(connection, prefix)
    assert stored(engine, prefix, 1, 4) == [make_record(1, {"code": "x"}), make_record(4)]


def test_a_host_savepoint_takes_back(engine: Engine, prefix: str) -> None:
    """What was done within a savepoint of the host goes with it, the claims of slots too."""
    with Session(engine) as session:
        with SqlAlchemyUnit(session, prefix=prefix).begin(SCHEMA, "one") as unit:
            unit.records.save([make_record(1, {"title": "a"})])
        savepoint = session.begin_nested()
        with SqlAlchemyUnit(session, prefix=prefix).begin(SCHEMA, "two") as unit:
            unit.records.save([make_record(2, {"title": "b"})])
        savepoint.rollback()
        with SqlAlchemyUnit(session, prefix=prefix).begin(SCHEMA, "two") as unit:
            assert unit.records.get("thing", [record_id(2)]) == {}
            unit.records.save([make_record(3, {"title": "c"})])
        session.commit()
    assert stored(engine, prefix, 1, 3) == [make_record(1, {"title": "a"}), None]


def test_a_host_savepoint_that_comes_first(engine: Engine, prefix: str) -> None:
    """Where the host's first statement is a savepoint, its rollback takes all back too, its own rows among it."""
    if engine.dialect.name == "sqlite":
        engine.dispose()
        let_savepoints_nest(engine)
    for end in ("rollback", "commit"):
        with Session(engine) as session:
            with session.begin_nested():
                work(session, prefix)
                session.execute(text(f"INSERT INTO {prefix}host VALUES (1)"))
            getattr(session, end)()
        kept = end == "commit"
        assert [record is not None for record in stored(engine, prefix, 1, 2, 3, 4)] == [kept, False, False, kept]
        assert hosts_rows(engine, prefix) == int(kept)


def test_threads_of_a_host(engine: Engine, prefix: str) -> None:
    """Threads share the units and have a session each: what each of them commits is there, and nothing else."""

    def run(number: int) -> None:
        for _ in range(50):
            try:
                with Session(engine) as session:
                    session.execute(text(f"INSERT INTO {prefix}host VALUES ({number})"))
                    with SqlAlchemyUnit(session, prefix=prefix).begin(SCHEMA, "one") as unit:
                        unit.records.save([make_record(number)])
                    if number % 2:
                        session.commit()
                    else:
                        session.rollback()
            except (StorageError, OperationalError):  # SQLite has one writer at a time
                time.sleep(0.05)
            else:
                return

    with SqlAlchemyUnits(engine, prefix=prefix).begin(SCHEMA, "one"):
        pass  # slots are claimed
    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record is not None for record in stored(engine, prefix, *range(6))] == [False, True] * 3
    assert hosts_rows(engine, prefix) == 3


def test_units_of_a_session_factory(engine: Engine, prefix: str) -> None:
    """Units that make sessions commit and roll back their own, and go on after `commit`."""
    units = SqlAlchemyUnits(sessionmaker(engine), prefix=prefix)
    with units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1)])
        unit.commit()
        assert unit.records.get("thing", [record_id(1)]) == {record_id(1): make_record(1)}
        unit.records.save([make_record(2)])
    with pytest.raises(ZeroDivisionError), units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(3)])
        unit.commit()
        unit.records.save([make_record(4)])
        _ = 1 // 0
    units.dispose()
    assert stored(engine, prefix, 1, 2, 3, 4) == [make_record(1), make_record(2), make_record(3), None]


def test_errors_of_the_host_pass(engine: Engine, prefix: str) -> None:
    """An error of the host's own statements is not translated."""
    units = SqlAlchemyUnits(engine, prefix=prefix)
    error = OSError("of the host")
    with pytest.raises(OSError, match="of the host"), units.begin(SCHEMA, "one"):
        raise error


def test_storage_errors_tell_no_values(engine: Engine, prefix: str) -> None:
    """A failing statement leaves as StorageError, with neither statement nor values anywhere in its chain."""
    units = SqlAlchemyUnits(engine, prefix=prefix)
    with units.begin(SCHEMA, "one"):
        pass
    SqlAlchemyUnits(engine, prefix=prefix).drop_tables()
    with pytest.raises(StorageError) as caught, units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1, {"title": "secret"})])
    assert not caught.value.retryable
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "secret" not in f"{caught.value} {caught.value.problems}"


def test_sqlite_drivers_own_transactions(tmp_path: Path) -> None:
    """With a driver that begins late, a savepoint that comes first does not commit when it is released."""
    engine = create_engine(f"sqlite:///{tmp_path / 'late.db'}")
    units = SqlAlchemyUnits(engine)
    units.create_tables()
    with units.begin(SCHEMA, "one"):
        pass
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        with SqlAlchemyUnit(connection).begin(SCHEMA, "one") as unit:
            assert driver.in_transaction
            with unit.atomic():
                unit.records.save([make_record(1)])
        connection.rollback()
    assert stored(engine, "custinfo_", 1) == [None]
    engine.dispose()


def test_units_within_a_host(engine: Engine, prefix: str) -> None:
    """Units on tables of another name begin others within a host's transaction on the same tables."""
    units = SqlAlchemyUnits(engine, prefix=prefix)
    registry = scoped_session(sessionmaker(engine))
    with Session(engine) as host:
        for given in (host, host.connection()):
            with units.within(given).begin(SCHEMA, "t") as unit:
                assert unit.records.get("thing", [record_id(1)]) == {}
    with units.within(registry).begin(SCHEMA, "t") as unit:
        assert unit.records.get("thing", [record_id(1)]) == {}
    registry.remove()


def test_tables_that_are_not_there(engine: Engine) -> None:
    """Who forgot to make the tables, or named others, is told so."""
    with Session(engine) as host, pytest.raises(StorageError) as caught:  # noqa: SIM117
        with SqlAlchemyUnit(host, prefix="nowhere_").begin(SCHEMA, "t"):
            pass
    assert caught.value.code == "tables_missing"
    assert not caught.value.retryable


def test_what_is_no_source_and_no_host(engine: Engine) -> None:
    """An engine is no transaction of a host, and a URL makes no session."""
    wrong: Any
    for wrong in (engine, sessionmaker(engine), None):
        with pytest.raises(TypeError, match=f"a Session or a Connection: not {type(wrong).__name__}"):
            SqlAlchemyUnit(wrong)
    for wrong in ("sqlite://", Session(engine), None):
        with pytest.raises(TypeError, match="source must be an Engine, or what makes a Session: not"):
            SqlAlchemyUnits(wrong)


def test_units_say_what_they_are(engine: Engine) -> None:
    """Units show the database and the names of their tables, and no address or password."""
    name = engine.dialect.name
    assert repr(SqlAlchemyUnits(engine, prefix="crm_")) == f"SqlAlchemyUnits({name}, prefix='crm_', schema=None)"
    assert (
        repr(SqlAlchemyUnits(sessionmaker(engine))) == "SqlAlchemyUnits(sessionmaker, prefix='custinfo_', schema=None)"
    )
    with Session(engine) as host:
        assert repr(SqlAlchemyUnit(host)) == "SqlAlchemyUnit(Session, prefix='custinfo_', schema=None)"

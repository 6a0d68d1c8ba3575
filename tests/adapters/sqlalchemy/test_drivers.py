"""A host keeps its own driver: psycopg2, asyncpg and others do for custinfo what those of the extras do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from custinfo import Applied, F, StaleVersionError, StorageError, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy._failures import storage_error
from custinfo.adapters.sqlalchemy._transactions import _commits_each
from custinfo.ports import Query
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import make_record, next_version, run_conformance, sample_schema
from tests.databases import SharedTables
from tests.drivers import DRIVERS, OURS, Driver
from tests.unit.workspace.story import ENTERPRISE

Work = Callable[[Engine, str], None]
Run = Callable[[Work], None]

NAMES = ("成都煦禾商贸有限公司", "宁波望潮物流有限公司", "苏州霁川电子有限公司")


@pytest.fixture(params=DRIVERS, ids=lambda driver: driver.name)
def run(request: pytest.FixtureRequest, shared_tables: SharedTables) -> Iterator[Run]:
    """Return what runs work with an engine of a driver, and with the prefix of empty tables."""
    driver: Driver = request.param
    driver.require()
    engine = open_engine(driver.server)
    with shared_tables.lent(engine) as prefix:
        yield lambda work: driver.run(partial(_given, work, prefix))
    engine.dispose()


def _given(work: Work, prefix: str, engine: Engine) -> None:
    work(engine, prefix)


def hear_nothing(*_: Any) -> None:
    """Listen to statements, which lets SQLAlchemy run them."""


def test_a_random_history(run: Run) -> None:
    """What the repositories answer is what they answer with the drivers of the extras."""

    def work(engine: Engine, prefix: str) -> None:
        run_conformance(lambda: SqlAlchemyUnits(engine, prefix=prefix), seed=1, steps=120)

    run(work)


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
def test_one_of_many_is_stale(run: Run, heard: bool) -> None:
    """Of records saved in one call, one that somebody changed is noticed; without it, all of them are saved."""

    def work(engine: Engine, prefix: str) -> None:
        if heard:
            event.listen(engine, "before_cursor_execute", hear_nothing)
        units, schema = SqlAlchemyUnits(engine, prefix=prefix), sample_schema()
        records = [make_record(number, {"title": f"{number}"}) for number in range(1, 4)]
        with units.begin(schema, "one") as unit:
            unit.records.save(records)
        with units.begin(schema, "one") as unit:
            unit.records.save([next_version(record) for record in records])
        stale = [next_version(next_version(records[0])), next_version(records[1])]
        with units.begin(schema, "one") as unit, pytest.raises(StaleVersionError):
            unit.records.save(stale)
        with units.begin(schema, "one") as unit:
            found = unit.records.get("thing", [record.id for record in records])
        assert [record.version for record in found.values()] == [2, 2, 2]

    run(work)


def test_what_may_be_tried_again_is_told(run: Run) -> None:
    """Locks that are not to be had, deadlocks and failed serialization are retryable; missing tables are named."""

    def work(engine: Engine, prefix: str) -> None:
        units = SqlAlchemyUnits(engine, prefix=prefix)
        with units.begin(sample_schema(), "one") as unit:
            unit.records.save([make_record(1)])
        locked = f"SELECT version FROM {prefix}record FOR UPDATE"
        with engine.connect() as holder:
            holder.execute(text(locked))
            assert failure(engine, f"{locked} NOWAIT").retryable
        assert failure(engine, *given_up(engine)).retryable
        missing = failure(engine, f"SELECT 1 FROM {prefix}nothing")
        assert (missing.code, missing.retryable) == ("tables_missing", False)

    run(work)


def failure(engine: Engine, *statements: str) -> StorageError:
    """Return what custinfo makes of the driver's error for the last of some statements."""
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        for statement in statements:
            connection.exec_driver_sql(statement)
    return storage_error(caught.value)


def given_up(engine: Engine) -> tuple[str, ...]:
    """Return statements after which a server says that it gave the transaction up."""
    if engine.dialect.name == "postgresql":
        return ("DO $$ BEGIN RAISE EXCEPTION 'given up' USING ERRCODE = '40P01'; END $$",)
    return ("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'given up'",)


@pytest.mark.parametrize(
    "run", [driver for driver in DRIVERS if driver.notices_loss], ids=lambda driver: driver.name, indirect=True
)
def test_a_lost_connection_may_be_tried_again(run: Run) -> None:
    """The unit in which the server hangs up fails as retryable, and the next one works."""

    def work(engine: Engine, prefix: str) -> None:
        units, schema = SqlAlchemyUnits(engine, prefix=prefix), sample_schema()
        postgresql = engine.dialect.name == "postgresql"
        own = "SELECT pg_backend_pid()" if postgresql else "SELECT connection_id()"
        end = "SELECT pg_terminate_backend({})" if postgresql else "KILL {}"
        with (
            engine.connect() as host,
            pytest.raises(StorageError) as caught,
            units.within(host).begin(schema, "one") as unit,
        ):
            number = host.execute(text(own)).scalar_one()
            with engine.connect() as other:
                other.exec_driver_sql(end.format(number))
            unit.records.get("thing", [make_record(1).id])
        assert caught.value.retryable
        with units.begin(schema, "one") as unit:
            assert unit.records.get("thing", [make_record(1).id]) == {}

    run(work)


@pytest.mark.parametrize("driver", [*OURS, *DRIVERS], ids=lambda driver: driver.name)
def test_a_server_that_is_not_there(driver: Driver) -> None:
    """Nobody listens: that is an error of custinfo's, whatever the driver raises."""
    driver.require()

    def work(engine: Engine) -> None:
        with pytest.raises(StorageError), SqlAlchemyUnits(engine).begin(sample_schema(), "one"):
            pytest.fail("the unit began")

    driver.run(work, port=1)


@pytest.mark.parametrize("run", [*OURS, *DRIVERS], ids=lambda driver: driver.name, indirect=True)
def test_connections_that_commit_each_statement_are_refused(run: Run) -> None:
    """A unit that could not be taken back does not begin, on custinfo's connections and on the host's."""

    def work(engine: Engine, prefix: str) -> None:
        with engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            levels = engine.dialect.get_isolation_level_values(driver)
        if "AUTOCOMMIT" not in levels:
            pytest.skip(f"SQLAlchemy knows no such level of {engine.driver}")
        units, schema = SqlAlchemyUnits(engine, prefix=prefix), sample_schema()
        committing = SqlAlchemyUnits(engine.execution_options(isolation_level="AUTOCOMMIT"), prefix=prefix)
        with pytest.raises(ValueError, match="AUTOCOMMIT"), committing.begin(schema, "one"):
            pytest.fail("the unit began")
        with (
            engine.connect().execution_options(isolation_level="AUTOCOMMIT") as host,
            pytest.raises(ValueError, match="AUTOCOMMIT"),
            units.within(host).begin(schema, "one"),
        ):
            pytest.fail("the unit began")
        with units.begin(schema, "one") as unit:
            assert unit.queries.count(Query("thing")) == 0

    run(work)


def test_people_work_with_it(run: Run) -> None:
    """Customers are made, sought, counted and changed in a workspace, and values come back as they were given."""

    def work(engine: Engine, prefix: str) -> None:
        units = SqlAlchemyUnits(engine, prefix=prefix)
        workspace = Workspace(standard_configuration(), units=units, organisation=sample_organisation())
        with workspace.acting_as("lisi") as session:
            for name in NAMES:
                session.customers.create({**ENTERPRISE, "name": name, "uscc": None, "annual_budget": "80.5万"})
        with workspace.acting_as("lisi") as session:
            assert [view["name"] for view in session.customers.search("望潮").records] == [NAMES[1]]
            [view] = session.customers.find(F.name == NAMES[2]).records
            outcome = session.customers.update(view.id, {"contact_name": "周强"}, version=view.version)
            assert isinstance(outcome, Applied)
            assert session.customers.count(F.annual_budget == 805_000) == 3
            assert session.customers.total("annual_budget").sum == 2_415_000
        with workspace.acting_as("lisi") as session:
            [*_, change] = session.customers.history(view.id)
            assert list(change.fields) == ["contact_name"]

    run(work)


class Adapter:
    """What SQLAlchemy 2.0 puts before a driver for asyncio: it can be told, and says nothing."""

    def autocommit(self, value: object) -> None:
        """Be told."""


@attrs.frozen
class Asked:
    """A driver's connection that can be asked."""

    flag: object

    def get_autocommit(self) -> object:
        """Answer."""
        return self.flag


@attrs.frozen
class Open:
    """A driver's connection that has an attribute."""

    autocommit: object


@pytest.mark.parametrize(
    ("connections", "commits"),
    [
        ((Adapter(), Asked(flag=True)), True),
        ((Adapter(), Asked(flag=False)), False),
        ((Open(1), Asked(flag=False)), True),
        ((Adapter(), object()), False),
    ],
)
def test_whoever_can_be_asked_tells(connections: tuple[object, ...], commits: bool) -> None:
    """Where what stands before a driver can't tell whether it commits each statement, the driver itself does."""
    assert _commits_each(*connections) is commits

"""A statement that failed, and was not taken back, lets nothing of its unit be committed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.errors import StaleVersionError, StorageError
from custinfo.core.records import Record
from custinfo.ports import UnitOfWork
from custinfo.testing import make_change, make_record, next_version, record_id, sample_schema
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix

SCHEMA = sample_schema()


@pytest.fixture(scope="module", params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def units(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlAlchemyUnits]:
    """Keep ten things, of which each test takes its own."""
    url = request.param if request.param != "sqlite" else f"sqlite:///{tmp_path_factory.mktemp('units') / 'store.db'}"
    if request.param != "sqlite":
        require_server(url)
    engine = open_engine(url)
    units = SqlAlchemyUnits(engine, prefix=throw_away_prefix())
    units.create_tables()
    with units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(number, {"title": "一", "count": number}) for number in range(10)])
    yield units
    units.drop_tables()
    units.dispose()


def read(unit: UnitOfWork, number: int) -> Record:
    """Return a thing."""
    return unit.records.get("thing", [record_id(number)])[record_id(number)]


def fail(unit: UnitOfWork) -> None:
    """Let a statement of a unit fail, outside of any savepoint, and go on as if nothing had happened."""
    with pytest.raises(StorageError):
        unit._context.run("SELECT * FROM there_is_no_such_table", ())  # type: ignore[attr-defined]


def test_what_failed_is_not_committed(units: SqlAlchemyUnits) -> None:
    """Whoever catches the error and goes on is told at the end, and nothing of the unit is stored."""
    with pytest.raises(StorageError), units.begin(SCHEMA, "one") as unit:
        unit.records.save([next_version(read(unit, 1), count=7)])
        fail(unit)
    with units.begin(SCHEMA, "one") as unit:
        assert read(unit, 1).values["count"] == 1
        assert read(unit, 1).version == 1


def test_what_failed_is_not_committed_on_the_way(units: SqlAlchemyUnits) -> None:
    """A commit amid the unit refuses as well, whichever configuration the statement was made under."""
    with pytest.raises(StorageError), units.begin(SCHEMA, "one") as unit:
        unit.records.save([next_version(read(unit, 1), count=7)])
        fail(unit.under(SCHEMA))
        unit.commit()
    with units.begin(SCHEMA, "one") as unit:
        assert read(unit, 1).version == 1


def test_what_was_taken_back_may_fail(units: SqlAlchemyUnits) -> None:
    """A savepoint around what fails takes it back, and the unit is committed."""
    with units.begin(SCHEMA, "one") as unit:
        unit.records.save([next_version(read(unit, 3), count=7)])
        with pytest.raises(ZeroDivisionError), unit.atomic():
            unit.records.save([next_version(read(unit, 4), count=8)])
            fail(unit)
            raise ZeroDivisionError
        unit.records.save([next_version(read(unit, 2), count=9)])
    with units.begin(SCHEMA, "one") as unit:
        assert [read(unit, number).values["count"] for number in (2, 3, 4)] == [9, 7, 4]


def test_a_failure_before_a_savepoint_stays_one(units: SqlAlchemyUnits) -> None:
    """What a later savepoint takes back was not what failed."""
    with pytest.raises(StorageError), units.begin(SCHEMA, "one") as unit:
        fail(unit)
        with pytest.raises((ZeroDivisionError, StorageError)), unit.atomic():
            raise ZeroDivisionError


def test_a_refusal_is_no_failure(units: SqlAlchemyUnits) -> None:
    """A stale version, of a record or in its history, changes nothing, and the unit goes on."""
    with units.begin(SCHEMA, "one") as unit:
        one = read(unit, 5)
        two = next_version(one, count=7)
        unit.records.save([two])
        unit.history.append([make_change(one, two)])
        with pytest.raises(StaleVersionError):
            unit.records.save([next_version(one, count=8)])
        with pytest.raises(StaleVersionError):
            unit.history.append([make_change(one, two)])
        unit.records.save([next_version(read(unit, 6), count=9)])
    with units.begin(SCHEMA, "one") as unit:
        assert [read(unit, number).values["count"] for number in (5, 6)] == [7, 9]
        assert len(unit.history.of_record("thing", record_id(5))) == 1


def test_one_record_is_updated_without_savepoints(units: SqlAlchemyUnits) -> None:
    """A record that was read, its document and its history take three statements: nothing else could be taken back."""
    engine = units._source
    seen: list[str] = []

    def note(*given: Any) -> None:
        seen.append(given[2])

    event.listen(engine, "before_cursor_execute", note)
    with units.begin(SCHEMA, "one") as unit:
        before = read(unit, 7)
        after = next_version(before, count=7)
        seen.clear()
        unit.records.save([after])
        unit.history.append([make_change(before, after)])
    event.remove(engine, "before_cursor_execute", note)
    assert [statement.split()[0] for statement in seen] == ["UPDATE", "UPDATE", "INSERT"]

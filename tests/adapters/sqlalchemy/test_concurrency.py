"""Two units at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import Engine

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.errors import (
    ConflictError,
    CustinfoError,
    DuplicateValueError,
    FieldReservedError,
    StaleVersionError,
    StorageError,
)
from custinfo.ports import Query, UnitOfWork, Units
from custinfo.testing import make_record, make_request, record_id, sample_schema
from tests.databases import MARIADB, POSTGRESQL, throw_away_units

SCHEMA = sample_schema()


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def units(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlAlchemyUnits]:
    """Open a store that several threads may use."""
    url = request.param if request.param != "sqlite" else f"sqlite:///{tmp_path / 'store.db'}"
    with throw_away_units(url) as units:
        with units.begin(SCHEMA, "one"):
            pass
        yield units


def race(units: Units, first: Callable[[UnitOfWork], Any], second: Callable[[UnitOfWork], Any]) -> CustinfoError | None:
    """Let the second unit begin and work while the first one has worked but not committed; return its error."""
    found: list[CustinfoError] = []

    def run() -> None:
        try:
            with units.begin(SCHEMA, "one") as unit:
                second(unit)
        except CustinfoError as error:
            found.append(error)

    other = threading.Thread(target=run)
    with units.begin(SCHEMA, "one") as unit:
        first(unit)
        other.start()
        other.join(0.3)
    other.join()
    return found[0] if found else None


def test_a_raced_update_is_stale(units: Units) -> None:
    """Of two units that change the same version, the later one is told the version that it finds."""
    with units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1)])
    one, other = make_record(1, {"title": "a"}, version=2), make_record(1, {"title": "b"}, version=2)
    error = race(units, lambda unit: unit.records.save([one]), lambda unit: unit.records.save([other]))
    assert type(error) is StaleVersionError
    assert error.problems[0].params["expected"] == 1
    with units.begin(SCHEMA, "one") as unit:
        assert unit.records.get("thing", [record_id(1)]) == {record_id(1): one}


def test_a_raced_insert_is_stale(units: Units) -> None:
    """Of two units that insert the same record, the later one is told that it exists."""
    error = race(
        units, lambda unit: unit.records.save([make_record(1)]), lambda unit: unit.records.save([make_record(1)])
    )
    assert type(error) is StaleVersionError
    assert error.problems[0].params == {"expected": 0, "actual": 1}


def test_a_raced_unique_value_is_a_duplicate(units: Units) -> None:
    """Of two units that take the same unique value, the later one is told the field."""
    error = race(
        units,
        lambda unit: unit.records.save([make_record(1, {"code": "x"})]),
        lambda unit: unit.records.save([make_record(2, {"code": "x"})]),
    )
    assert type(error) is DuplicateValueError
    assert error.problems[0].field == "code"
    with units.begin(SCHEMA, "one") as unit:
        assert list(unit.records.get("thing", [record_id(1), record_id(2)])) == [record_id(1)]


def test_a_raced_reservation_is_refused(units: Units) -> None:
    """Of two requests for the same field, the later one is told the id of the first."""
    first, second = (make_request(number, record_id(1), {"title": "x"}) for number in (1, 2))
    error = race(units, lambda unit: unit.approvals.save(first), lambda unit: unit.approvals.save(second))
    assert type(error) is FieldReservedError
    assert error.request_id == first.id


def test_a_read_before_the_race(units: SqlAlchemyUnits) -> None:
    """A unit that has read before another one wrote gets a conflict or is told to try again; nothing is lost."""
    with units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1)])
    stale = make_record(1, {"title": "b"}, version=2)
    new = attrs.evolve(stale, values=make_record(1, {"title": "a"}).values)
    with pytest.raises((ConflictError, StorageError)) as caught, units.begin(SCHEMA, "one") as unit:
        unit.records.get("thing", [record_id(1)])
        with units.begin(SCHEMA, "one") as other:
            other.records.save([new])
        unit.records.save([stale])
    assert isinstance(caught.value, StaleVersionError) or caught.value.code == "storage_retryable"
    with units.begin(SCHEMA, "one") as unit:
        assert unit.records.get("thing", [record_id(1)]) == {record_id(1): new}


def test_a_deadlock_may_be_tried_again(units: SqlAlchemyUnits) -> None:
    """Two units that wait for each other: one goes on, the other is told to try again."""
    with units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1), make_record(2)])
    ready = threading.Barrier(2, timeout=10)
    errors: list[CustinfoError] = []

    def run(*numbers: int) -> None:
        try:
            with units.begin(SCHEMA, "one") as unit:
                unit.records.save([make_record(numbers[0], version=2)])
                ready.wait()
                unit.records.save([make_record(numbers[1], version=2)])
        except threading.BrokenBarrierError:
            return
        except CustinfoError as error:
            errors.append(error)
            ready.abort()

    if isinstance(units._source, Engine) and units._source.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, so nobody waits for another in a circle")
    threads = [threading.Thread(target=run, args=numbers) for numbers in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.code for error in errors] == ["storage_retryable"]


def test_memory_is_one_at_a_time() -> None:
    """Units on one in-memory database wait for each other, from whatever thread."""
    with throw_away_units("sqlite://") as units:

        def save(number: int) -> None:
            with units.begin(SCHEMA, "one") as unit:
                unit.records.save([make_record(number)])

        threads = [threading.Thread(target=save, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with units.begin(SCHEMA, "one") as unit:
            assert len(unit.queries.find(Query("thing"))) == 20

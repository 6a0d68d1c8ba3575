"""Whoever listens to statements hears all of them, wherever they listen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from custinfo.adapters.sqlalchemy._driver import is_watched

PLACES: dict[str, Callable[[Connection], Any]] = {
    "the connection": lambda connection: connection,
    "its engine": lambda connection: connection.engine,
    "all connections": lambda _connection: Connection,
    "all engines": lambda _connection: Engine,
}


def listener(*_given: object) -> None:
    """Hear, and do nothing."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Return an engine of the test's own."""
    made = create_engine("sqlite://")
    yield made
    made.dispose()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["before_execute", "after_execute", "before_cursor_execute", "after_cursor_execute"])
def test_a_listener_is_found_wherever_it_listens(engine: Engine, place: str, name: str) -> None:
    """Of the connection that is there already as of the next one, wherever SQLAlchemy itself lets it hear."""
    heard: list[object] = []

    def hear(*given: object) -> None:
        heard.append(given)

    with engine.connect() as connection:
        assert not is_watched(connection)
        target = PLACES[place](connection)
        event.listen(target, name, hear)
        try:
            for each in (connection, engine.connect()):
                heard.clear()
                with each:
                    each.execute(text("SELECT 1"))
                    assert is_watched(each) == bool(heard)
                    assert heard or place in ("the connection", "all connections")  # the latter not in SQLAlchemy 2.0
        finally:
            event.remove(target, name, hear)


@pytest.mark.parametrize("name", ["do_execute", "do_executemany", "do_execute_no_params", "handle_error"])
def test_a_listener_of_the_dialect_is_found(engine: Engine, name: str) -> None:
    """So are those that stand between SQLAlchemy and the driver, or want to hear of errors."""
    with engine.connect() as connection:
        assert not is_watched(connection)
        event.listen(engine, name, listener)
        assert is_watched(connection)


def test_a_listener_of_an_engine_with_options_is_found(engine: Engine) -> None:
    """An engine made of another one has listeners of its own, and those of the other."""
    other = engine.execution_options(note=1)
    event.listen(other, "after_execute", listener)
    with other.connect() as connection, engine.connect() as plain:
        assert is_watched(connection)
        assert not is_watched(plain)
    event.listen(engine, "after_execute", listener)
    with engine.execution_options(note=2).connect() as connection:
        assert is_watched(connection)


def test_listeners_to_other_things_are_none(engine: Engine) -> None:
    """Who wants to hear when a transaction begins does not listen to statements."""
    event.listen(engine, "begin", listener)
    with engine.connect() as connection:
        assert not is_watched(connection)


def test_one_that_echoes_is_watched() -> None:
    """So a host that logs statements finds those of custinfo in its log."""
    engine = create_engine("sqlite://", echo=True)
    try:
        with engine.connect() as connection:
            assert is_watched(connection)
    finally:
        engine.dispose()

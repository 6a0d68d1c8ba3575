"""What a driver says is told as retryable where trying again may help."""

from __future__ import annotations

from typing import NoReturn

import pytest
from sqlalchemy.exc import OperationalError

from custinfo import StorageError
from custinfo.adapters.sqlalchemy._driver import run
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy._failures import storage_error


class DriverError(Exception):
    """An error of a MariaDB driver that gives the SQLSTATE beside its own number."""

    sqlstate = "HY000"


@pytest.mark.parametrize(
    ("number", "retryable"), [(1205, True), (1213, True), (1020, True), (1305, True), (1064, False)]
)
def test_numbers_count_more_than_states(number: int, retryable: bool) -> None:
    """Lock waits that time out have no state of their own; a lost savepoint means that a deadlock took it back."""
    error = storage_error(OperationalError("", {}, DriverError(number, "…")))
    assert (error.retryable, error.problems[0].params["state"]) == (retryable, f"{number}")


class Pg8000Error(Exception):
    """An error of pg8000, with the fields of PostgreSQL's message."""


@pytest.mark.parametrize(("code", "retryable"), [("57P01", True), ("40P01", True), ("08006", True), ("22012", False)])
def test_fields_of_a_message(code: str, retryable: bool) -> None:
    """pg8000 gives the code among the fields; that the server ended the connection may be tried again."""
    error = storage_error(OperationalError("", {}, Pg8000Error({"S": "FATAL", "C": code, "M": "…"})))
    assert (error.retryable, error.problems[0].params["state"]) == (retryable, code)


def hung_up(*_: object) -> NoReturn:
    """Fail as the network does."""
    raise ConnectionResetError(104, "of 13812345678")


def test_what_the_network_says_is_retryable() -> None:
    """Where a driver lets errors of the network pass, the connection is lost, and nothing of their text is told."""
    engine = open_engine("sqlite://")
    with engine.connect() as connection:
        with pytest.raises(StorageError) as caught:
            run(connection, "SELECT 1", (), hung_up, watched=False)
        assert connection.invalidated
    engine.dispose()
    assert caught.value.retryable
    assert caught.value.problems[0].params["error"] == "ConnectionResetError"
    assert caught.value.__cause__ is caught.value.__context__ is None

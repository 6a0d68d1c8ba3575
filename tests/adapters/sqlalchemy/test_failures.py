"""What a driver says is told as retryable where trying again may help."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

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

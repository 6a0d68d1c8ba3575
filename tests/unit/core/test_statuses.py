"""Which status of HTTP answers which error."""

from __future__ import annotations

import pytest

from custinfo import (
    ConfigurationError,
    ConflictError,
    CustinfoError,
    DuplicateValueError,
    FieldReservedError,
    IllegalTransitionError,
    InvalidCriterionError,
    InvalidCursorError,
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
    NotYourDecisionError,
    PermissionDeniedError,
    Problem,
    SessionEndedError,
    StaleVersionError,
    StorageError,
    UnreadableFileError,
    http_status,
)
from custinfo.core import errors

STATUS = {
    CustinfoError: 500,
    InvalidInputError: 422,
    ConfigurationError: 422,
    InvalidCriterionError: 422,
    InvalidCursorError: 422,
    PermissionDeniedError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    StaleVersionError: 409,
    DuplicateValueError: 409,
    FieldReservedError: 409,
    IllegalTransitionError: 409,
    NotYourDecisionError: 403,
    SessionEndedError: 500,
    UnreadableFileError: 422,
    StorageError: 500,
    MissingExtraError: 500,
}


def test_every_error_has_a_status() -> None:
    """The table above names every class of errors that there is."""
    assert {kind.__name__ for kind in STATUS} == set(errors.__all__)


@pytest.mark.parametrize("kind", STATUS, ids=lambda kind: kind.__name__)
def test_the_status_of_an_error(kind: type[CustinfoError]) -> None:
    """An error is answered as its class says, and so is one of a class that a host made of it."""
    own = type("OwnError", (kind,), {})
    assert [http_status(cls([Problem("required")])) for cls in (kind, own)] == [STATUS[kind]] * 2


def test_a_store_that_may_be_asked_again() -> None:
    """Where the same may succeed a moment later, the status says so."""
    assert http_status(StorageError([Problem("storage_retryable")])) == 503

"""What a web host answers an error with."""

from __future__ import annotations

from typing import Final

from custinfo.core.errors import (
    ConflictError,
    CustinfoError,
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    StorageError,
    UnreadableFileError,
)

__all__ = ["http_status"]

_STATUS: Final[tuple[tuple[type[CustinfoError], int], ...]] = (
    (NotFoundError, 404),
    (PermissionDeniedError, 403),  # before what is not possible: a decision that is somebody else's is both
    (ConflictError, 409),  # before wrong input: a unique value that is taken is both
    (IllegalTransitionError, 409),
    (InvalidInputError, 422),
    (UnreadableFileError, 422),
)


def http_status(error: CustinfoError) -> int:
    """Return the status of HTTP to answer an error with (RFC 9110).

    404 for what is not there for the actor, 403 for what they may not do, 409 where somebody was faster or a request is
    in another state, 422 for wrong input and files that can't be read, 503 where the store failed and the same may
    succeed when it is asked again. Anything else is 500: not for who asked to mend, and better not told to them.

    >>> from custinfo.core.problems import Problem
    >>> http_status(NotFoundError([Problem("not_found", params={"what": "customer"})]))
    404
    """
    if isinstance(error, StorageError):
        return 503 if error.retryable else 500
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)

"""What holds a transaction: a session or a connection, and errors on the way out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from custinfo.adapters.sqlalchemy._failures import storage_error
from custinfo.core.errors import StorageError

__all__ = ["Host", "connection_of", "translated", "translating"]

T = TypeVar("T")

Host = Session | Connection


@contextmanager
def translated() -> Iterator[None]:
    """Let errors of the database leave as StorageError, without the statement and its parameters."""
    failure: StorageError | None = None
    try:
        yield
    except SQLAlchemyError as error:
        failure = storage_error(error)
    if failure is not None:
        raise failure


def translating(action: Callable[[], T]) -> T:
    """Return what an action does, as within `translated`, which takes longer than most of what is done to a host."""
    failure: StorageError
    try:
        return action()
    except SQLAlchemyError as error:
        failure = storage_error(error)
    raise failure


def connection_of(host: Host) -> Connection:
    """Return the connection on which a host works."""
    return host.connection() if isinstance(host, Session) else host

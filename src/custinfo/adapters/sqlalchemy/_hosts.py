"""What holds a transaction: a session or a connection, errors on the way out of it, and trying one of ours again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from custinfo.adapters.sqlalchemy._failures import LOST, storage_error
from custinfo.core.errors import StorageError

__all__ = ["PAUSE", "Host", "connection_of", "translated", "translating", "tried"]

PAUSE: Final = 0.005
"""Seconds to rest at least before others are met again."""

_TRIES: Final = 10

T = TypeVar("T")

Host = Session | Connection


@contextmanager
def translated() -> Iterator[None]:
    """Let errors of the database leave as StorageError, without the statement and its parameters."""
    failure: StorageError | None = None
    try:
        yield
    except (SQLAlchemyError, *LOST) as error:
        failure = storage_error(error)
    if failure is not None:
        raise failure


def translating(action: Callable[[], T]) -> T:
    """Return what an action does, as within `translated`, which takes longer than most of what is done to a host."""
    failure: StorageError
    try:
        return action()
    except (SQLAlchemyError, *LOST) as error:
        failure = storage_error(error)
    raise failure


def tried(action: Callable[[], T], *, once: bool = False) -> T:
    """Return what an action does in a transaction of its own, done again while others are in the way.

    Args:
        action: What to do; nothing of it may stay behind when it raises.
        once: Not to do it again: in a host's transaction, which what is in the way may have ended.

    Raises: StorageError.
    """
    for attempt in range(1, _TRIES):
        try:
            return action()
        except StorageError as error:
            if once or not error.retryable:
                raise
        time.sleep(PAUSE * 2**attempt)
    return action()


def connection_of(host: Host) -> Connection:
    """Return the connection on which a host works."""
    return host.connection() if isinstance(host, Session) else host

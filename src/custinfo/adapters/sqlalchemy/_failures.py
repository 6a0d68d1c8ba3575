"""Errors of drivers become errors of custinfo, without statements, parameters or messages that might tell values."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from custinfo.core.errors import StorageError
from custinfo.core.problems import Problem
from custinfo.core.store_errors import storage_failure

__all__ = ["LOST", "is_gone", "raised_by", "storage_error"]

LOST: Final = (ConnectionError, TimeoutError)
"""What drivers without an error of their own for it let through when a connection breaks, or does not come about."""

_RAISED: Final = (SQLAlchemyError, UnicodeError, OverflowError, *LOST)

_NO_SAVEPOINT: Final = "1305"
"""MariaDB's number for a savepoint that is not there: a deadlock took it back with the transaction."""

_MARIADB: Final = frozenset({"1213", "1205", "1020", _NO_SAVEPOINT})
"""Its numbers for deadlocks, locks that are waited for in vain, and rows that changed since they were read."""

_PLACES: Final = ("errno", "sqlstate", "pgcode", "sqlite_errorname")
"""Where drivers keep the code: MariaDB's connector in the first two, psycopg2 in the third."""

_NO_TABLE: Final = frozenset({"42P01", "42703", "1146", "1054"})
"""Codes of PostgreSQL and MariaDB for tables and columns that are not there."""

_GONE: Final = frozenset({"57P01", "57P02", "57P03", "08000", "08003", "08006"})
"""PostgreSQL's codes for a connection that it ended, or that it lost."""

_RETRYABLE: Final = _MARIADB | _GONE | {"40001", "40P01", "55P03", "SQLITE_BUSY", "SQLITE_LOCKED"}


def _state(original: BaseException | None) -> str:
    """Return the database's code of an error: number, SQLSTATE or name. Each driver keeps it in a place of its own."""
    first = original.args[0] if original is not None and original.args else None
    if isinstance(first, int):
        return str(first)  # MariaDB's number says more than its SQLSTATE, which newer drivers give, too
    if isinstance(first, dict):  # pg8000: the fields of the server's message
        return str(first.get("C", ""))
    return str(next(filter(None, (getattr(original, place, None) for place in _PLACES)), ""))


def _unwrapped(dialect: Dialect) -> tuple[type[Exception], ...]:
    """Return what asyncpg raises of a connection that broke under it, which SQLAlchemy 2.0 lets through."""
    asyncpg = getattr(dialect.loaded_dbapi, "asyncpg", None)
    return () if asyncpg is None else (asyncpg.InternalClientError,)


def raised_by(dialect: Dialect) -> tuple[type[Exception], ...]:
    """Return what a statement may raise: drivers have no error of their own for texts that they can't send, either."""
    return (dialect.loaded_dbapi.Error, *_RAISED, *_unwrapped(dialect))


def is_gone(original: BaseException, dialect: Dialect) -> bool:
    """Tell whether an error says that the connection is gone: pg8000 is told so in words, or by the socket."""
    return isinstance(original, (*LOST, *_unwrapped(dialect))) or _state(original) in _GONE


def _first(error: Exception) -> Exception:
    """Return what went wrong first, where rolling back to a savepoint failed: a deadlock had taken it back already."""
    cause = error.__context__
    lost = isinstance(error, DBAPIError) and _state(error.orig) == _NO_SAVEPOINT
    return cause if lost and isinstance(cause, DBAPIError) else error


def storage_error(error: Exception) -> StorageError:
    """Return the error to raise: retryable for deadlocks, failed serialization and locks, else failed.

    Drivers raise exceptions of their own too, for text that they can't encode: these hold the values.
    """
    error = _first(error)
    original = error.orig if isinstance(error, DBAPIError) else None
    state = _state(original)
    retryable = (
        state in _RETRYABLE
        or state.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
        or isinstance(error, (PoolTimeoutError, *LOST))
        or (isinstance(error, DBAPIError) and error.connection_invalidated)
    )
    if state in _NO_TABLE or str(original).startswith(("no such table", "no such column")):
        return StorageError([Problem("tables_missing")])
    return storage_failure(original or error, state, retryable=retryable)

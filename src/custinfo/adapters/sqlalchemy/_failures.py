"""Errors of drivers become errors of custinfo, without statements, parameters or messages that might tell values."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from custinfo.core.errors import StorageError
from custinfo.core.problems import Problem
from custinfo.core.store_errors import storage_failure

__all__ = ["storage_error"]

_NO_SAVEPOINT: Final = 1305
"""MariaDB's number for a savepoint that is not there: a deadlock took it back with the transaction."""

_MARIADB: Final = frozenset({"1213", "1205", "1020", f"{_NO_SAVEPOINT}"})
"""Its numbers for deadlocks, locks that are waited for in vain, and rows that changed since they were read."""

_NO_TABLE: Final = frozenset({"42P01", "42703", "1146", "1054"})
"""Codes of PostgreSQL and MariaDB for tables and columns that are not there."""

_RETRYABLE: Final = _MARIADB | {"40001", "40P01", "55P03", "SQLITE_BUSY", "SQLITE_LOCKED"}


def _state(original: BaseException | None) -> str:
    """Return the database's code of an error: number, SQLSTATE or name."""
    if original is not None and original.args and isinstance(original.args[0], int):
        return str(original.args[0])  # MariaDB's number says more than its SQLSTATE, which newer drivers give, too
    found: Any = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    return str(found or "")


def _first(error: Exception) -> Exception:
    """Return what went wrong first, where rolling back to a savepoint failed: a deadlock had taken it back already."""
    cause = error.__context__
    lost = isinstance(error, DBAPIError) and error.orig is not None and error.orig.args[:1] == (_NO_SAVEPOINT,)
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
        or isinstance(error, PoolTimeoutError)
        or (isinstance(error, DBAPIError) and error.connection_invalidated)
    )
    if state in _NO_TABLE or str(original).startswith(("no such table", "no such column")):
        return StorageError([Problem("tables_missing")])
    return storage_failure(original or error, state, retryable=retryable)

"""Running statements on the driver's own cursors, within the transaction that SQLAlchemy holds.

SQLAlchemy takes longer to run a statement and to wrap its rows than SQLite takes to answer most of ours. Where the host
listens to statements or logs them, SQLAlchemy runs them all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import INFO
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from custinfo.adapters.sqlalchemy._failures import is_gone, raised_by, storage_error

__all__ = ["ClashError", "Run", "afresh", "copied", "is_watched", "many", "once", "run"]

_HEARD: Final = ("before_execute", "after_execute", "before_cursor_execute", "after_cursor_execute")
_HEARD_OF_DIALECT: Final = ("do_execute", "do_executemany", "do_execute_no_params", "handle_error")

Run = Callable[[Any, str, Any], object]
"""How a cursor runs a statement with parameters."""


class ClashError(Exception):
    """Say that a statement met a primary key that is taken; the repository knows what that means."""


def once(cursor: Any, text: str, parameters: Any) -> None:
    """Run a statement."""
    cursor.execute(text, parameters)


def afresh(cursor: Any, text: str, parameters: Any) -> None:
    """Run a statement whose plan depends on its values: psycopg would prepare it, and PostgreSQL plan it for any.

    A plan for any pair of characters reads all titles that have the commonest.
    """
    cursor.execute(text, parameters, prepare=False)


def many(cursor: Any, text: str, rows: Any) -> None:
    """Run a statement for each row of parameters."""
    cursor.executemany(text, rows)


def copied(cursor: Any, text: str, rows: Any) -> None:
    """Send rows to a `COPY` of PostgreSQL's."""
    with cursor.copy(text) as copy:
        for row in rows:
            copy.write_row(row)


def is_watched(connection: Connection) -> bool:
    """Tell whether the host listens to statements of the engine, the connection or the dialect, or logs them."""
    return (_may_be_heard(connection) and _is_heard(connection)) or connection.engine.logger.isEnabledFor(INFO)


def _may_be_heard(connection: Connection) -> bool:
    """Tell whether anybody listens at all, by what SQLAlchemy itself asks first.

    Each connection would make its lists of listeners for the question, which takes as long as a small statement. Where
    SQLAlchemy says nothing, they are made.
    """
    return any(getattr(item, "_has_events", True) for item in (connection, connection.engine, connection.dialect))


def _is_heard(connection: Connection) -> bool:
    events, dialect = connection.dispatch, connection.dialect.dispatch  # a connection's are its engine's, too
    return any(getattr(events, name) for name in _HEARD) or any(getattr(dialect, name) for name in _HEARD_OF_DIALECT)


def run(connection: Connection, text: str, parameters: Any, how: Run, *, watched: bool) -> Any:
    """Run a statement, and return its rows, or how many it changed. Raises: ClashError, StorageError."""
    failure: Exception
    try:
        return _watched(connection, text, parameters) if watched else _unwatched(connection, text, parameters, how)
    except IntegrityError:
        failure = ClashError()
    except raised_by(connection.dialect) as error:
        failure = _failure(connection, error)
    raise failure


def _watched(connection: Connection, text: str, parameters: Any) -> Any:
    result = connection.exec_driver_sql(text, parameters)
    return result.fetchall() if result.returns_rows else result.rowcount


def _unwatched(connection: Connection, text: str, parameters: Any, how: Run) -> Any:
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        how(cursor, text, parameters)
        return list(cursor.fetchall()) if cursor.description else cursor.rowcount  # PyMySQL gives a tuple
    finally:
        cursor.close()


def _failure(connection: Connection, error: Any) -> Exception:
    """Return what to raise for an error of the driver; a connection that is lost is not used again."""
    dialect = connection.dialect
    if isinstance(error, dialect.loaded_dbapi.IntegrityError):
        return ClashError()
    if isinstance(error, (SQLAlchemyError, UnicodeError, OverflowError)):
        return storage_error(error)
    lost = is_gone(error, dialect) or dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if lost:
        connection.invalidate()
    return storage_error(DBAPIError(None, None, error, connection_invalidated=lost))

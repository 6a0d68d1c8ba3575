"""Engines for stores that custinfo opens itself."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from custinfo.core.errors import MissingExtraError, StorageError
from custinfo.core.problems import Problem

__all__ = ["open_engine"]

_EXTRAS: Final = {"sqlite": "sqlalchemy", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_DRIVERS: Final = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}
"""The drivers that the extras bring, for URLs that name none."""

_BUSY_TIMEOUT: Final = 10_000
_CACHE: Final = 32 * 1024
"""Kibibytes of pages that a connection to SQLite keeps, at most; the default of 2 MiB holds no large index."""

_LOG_PAGES: Final = 8_192
"""Pages (32 MiB) that the log may hold before they are moved into the database; the default of 4 MiB moves the pages of
indexes again and again while an import writes them."""


def open_engine(url: str) -> Engine:
    """Return an engine for a URL, set up so that transactions mean what they say.

    Statements' parameters never stand in errors or logs. A URL without a driver gets the one that the extra brings;
    `postgres` means `postgresql`. Raises: StorageError for a URL that is none, or of a database or driver that is not
    supported (`invalid_database_url`, `unsupported_database`, `asynchronous_driver`); MissingExtraError without its
    driver.
    """
    target = _target(url)
    backend = target.get_backend_name()
    options: dict[str, Any] = {"hide_parameters": True}
    in_memory = backend == "sqlite" and target.database in (None, "", ":memory:")
    if in_memory:
        options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    elif backend != "sqlite":
        options["pool_pre_ping"] = True
        # MariaDB's own default shows what was there when a transaction began, even after it waited for a lock.
        options["isolation_level"] = "READ COMMITTED"
    try:
        engine = create_engine(target, **options)
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(_EXTRAS[backend], error.name or target.get_driver_name()) from error
    except ArgumentError:  # the driver's own notion, such as of two slashes where three are wanted
        raise StorageError([Problem("invalid_database_url")]) from None
    if backend == "sqlite":
        _set_up_sqlite(engine, in_memory=in_memory)
    return engine


def _target(url: str) -> URL:
    """Return a URL with its driver, or say why it is none. Causes are left out: they may repeat the URL's password."""
    try:
        target = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError([Problem("invalid_database_url")]) from None
    backend, _, driver = target.drivername.partition("+")
    backend = "postgresql" if backend == "postgres" else backend  # as libpq has it, and so many a host's setting
    if backend not in _EXTRAS:
        raise StorageError([Problem("unsupported_database", params={"database": backend})])
    if driver or backend in _DRIVERS:
        target = target.set(drivername=f"{backend}+{driver or _DRIVERS[backend]}")
    if target.get_dialect().is_async:
        raise StorageError([Problem("asynchronous_driver", params={"driver": driver})])
    return target


def _set_up_sqlite(engine: Engine, *, in_memory: bool) -> None:
    """Let SQLAlchemy begin transactions instead of the driver, and let readers and a writer work side by side."""

    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT}")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE}")
        if not in_memory:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        cursor.close()

    def begin(connection: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        cursor.close()

    event.listen(engine, "connect", connect)
    dialect: Any = engine.dialect  # an event would let SQLAlchemy look for listeners at every step of a connection
    dialect.do_begin = begin

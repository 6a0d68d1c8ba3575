"""Engines for stores that custinfo opens itself."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import StaticPool

from custinfo.core.errors import MissingExtraError

__all__ = ["open_engine"]

_EXTRAS: Final = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_BUSY_TIMEOUT: Final = 10_000
_CACHE: Final = 32 * 1024
"""Kibibytes of pages that a connection to SQLite keeps, at most; the default of 2 MiB holds no large index."""

_LOG_PAGES: Final = 8_192
"""Pages (32 MiB) that the log may hold before they are moved into the database; the default of 4 MiB moves the pages of
indexes again and again while an import writes them."""


def open_engine(url: str) -> Engine:
    """Return an engine for a URL, set up so that transactions mean what they say.

    Statements' parameters never stand in errors or logs. Raises: MissingExtraError if the driver is not installed.
    """
    target = make_url(url)
    backend = target.get_backend_name()
    options: dict[str, Any] = {"hide_parameters": True}
    in_memory = backend == "sqlite" and target.database in (None, "", ":memory:")
    if in_memory:
        options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    elif backend != "sqlite":
        options["pool_pre_ping"] = True
        # MariaDB's own default shows what was there when a transaction began, even after it waited for a lock.
        options["isolation_level"] = "READ COMMITTED"
    driver = target.get_dialect().driver
    try:
        engine = create_engine(target, **options)
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(_EXTRAS.get(backend, "sqlalchemy"), error.name or driver) from error
    if backend == "sqlite":
        _set_up_sqlite(engine, in_memory=in_memory)
    return engine


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
        cursor = connection.connection.cursor()  # SQLAlchemy takes longer than the driver
        cursor.execute("BEGIN")
        cursor.close()

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)

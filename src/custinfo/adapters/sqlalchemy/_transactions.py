"""Transactions: how they begin, what has become of one, and savepoints in it."""

from __future__ import annotations

from typing import Any

import attrs
from sqlalchemy import Connection, Table, delete, false

from custinfo.core.errors import StorageError

__all__ = ["Standing", "commits_each", "ensure_transaction", "ensure_writing", "refuse_autocommit"]


@attrs.define(eq=False)
class Standing:
    """Hold what has become of a transaction; all who work in it share it.

    Args:
        depth: How many savepoints are open.
        failure: What a statement raised whose effects nobody took back. Such a transaction must not be committed: it
            may hold half of what was to be saved, and PostgreSQL would roll it back without a word.
        hosted: Whether it is a host's, of an isolation that custinfo does not set.
        looks: Whether what is read is what is there by now, locked, and not what a transaction of one state shows.
    """

    depth: int = 0
    failure: StorageError | None = None
    hosted: bool = False
    looks: bool = False

    def fail(self, failure: StorageError) -> None:
        """Keep the first failure."""
        if self.failure is None:
            self.failure = failure

    def check(self) -> None:
        """Raise what a statement raised, if one did."""
        if self.failure is not None:
            raise StorageError(self.failure.problems)

    def name(self, dialect: str) -> str:
        """Return the name of the next savepoint.

        MySQL and MariaDB forget a savepoint when another one takes its name; elsewhere the latest is meant, and
        statements that are always the same are parsed once.
        """
        return f"custinfo_{id(self):x}_{self.depth}" if dialect in ("mysql", "mariadb") else "custinfo"


def ensure_transaction(connection: Connection) -> None:
    """Begin the transaction that SQLite's driver would begin late.

    Without it, a savepoint that comes first would be the transaction, and releasing it would commit.
    """
    if connection.dialect.name != "sqlite":
        return
    if not connection.in_transaction():
        connection.begin()
    pooled = connection.connection
    for candidate in (pooled.dbapi_connection, pooled.driver_connection):
        active = getattr(candidate, "in_transaction", None)
        if active is not None:
            if not active:
                connection.exec_driver_sql("BEGIN")
            return


def refuse_autocommit(connection: Connection) -> None:
    """Raise ValueError where the driver commits each statement: nothing could be taken back.

    SQLite begins a transaction all the same, by a statement of ours.
    """
    if connection.dialect.name != "sqlite" and commits_each(connection):
        raise ValueError("the connection commits each statement by itself (AUTOCOMMIT): units need transactions")


def commits_each(connection: Connection) -> bool:
    """Tell whether a connection's driver commits each statement by itself."""
    pooled = connection.connection
    return _commits_each(pooled.dbapi_connection, pooled.driver_connection)


def _commits_each(*connections: Any) -> bool:
    """Tell what the first connection says that can be asked: some have a method by which it is set, and none to ask."""
    for driver in connections:
        ask = getattr(driver, "get_autocommit", None)
        said = getattr(driver, "autocommit", None) if ask is None else ask()
        if isinstance(said, int):  # a flag of the server's, with some
            return bool(said)
    return False


def ensure_writing(connection: Connection, table: Table) -> None:
    """Begin a transaction of SQLite's that may write: any statement that could, takes the turn before it looks."""
    if connection.dialect.name == "sqlite":
        ensure_transaction(connection)
        connection.execute(delete(table).where(false()))

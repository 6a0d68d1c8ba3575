"""The isolation of transactions that custinfo owns, whatever engine a host gives.

A transaction of `REPEATABLE READ`, which is the default of MariaDB and MySQL, shows the state in which it began to its
end. Whoever waits there for a lock, and then looks at what they hold, still sees what was there before they waited, and
nothing of records that came in meanwhile. What is decided by that is wrong: so units take `READ COMMITTED` instead.
`SERIALIZABLE`, in which the database itself refuses such decisions, stays.

A host's transaction is as it is. In one of `REPEATABLE READ` on MariaDB or MySQL, whatever is read while something is
saved is read with a lock: such a statement shows what is there by now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ForUpdateArg, SelectBase
from sqlalchemy.sql.visitors import cloned_traverse

from custinfo.adapters.sqlalchemy._hosts import Host
from custinfo.adapters.sqlalchemy._transactions import commits_each

__all__ = ["Source", "locking", "shows_what_was"]


class Source:
    """Make the connections or sessions of units that own their transactions.

    Args:
        given: An engine, or what makes a session; a session that has an engine of its own is bound to the one in
            which its transactions are `READ COMMITTED`.
    """

    def __init__(self, given: Engine | Callable[[], Session]) -> None:
        """Take what the host gave; nothing is connected yet."""
        self._given = given
        self._known: tuple[Engine, Engine] | None = None

    def host(self) -> Host:
        """Connect, or make a session; whoever asks for it closes it."""
        if isinstance(self._given, Engine):
            return self._committed(self._given).connect()
        session = self._given()
        if isinstance(session.bind, Engine):
            session.bind = self._committed(session.bind)
        return session

    def _committed(self, engine: Engine) -> Engine:
        """Return an engine whose transactions see what others commit, on the same pool; asked for once."""
        if self._known is None or self._known[0] is not engine:
            lowered = engine.execution_options(isolation_level="READ COMMITTED") if _repeats(engine) else engine
            self._known = (engine, lowered)
        return self._known[1]


def _repeats(engine: Engine) -> bool:
    """Tell whether transactions of an engine show one state; where each statement commits, that is refused later."""
    if engine.dialect.name == "sqlite":
        return False
    with engine.connect() as connection:
        if commits_each(connection):
            return False
        return connection.get_isolation_level() == "REPEATABLE READ"


def shows_what_was(connection: Connection) -> bool:
    """Tell whether a transaction on MariaDB or MySQL shows one state, but for statements that lock."""
    is_theirs = connection.dialect.name in ("mysql", "mariadb")
    return is_theirs and connection.get_isolation_level() == "REPEATABLE READ"


def locking(statement: Any) -> Any:
    """Return a query of which every part locks what it reads against changes; any other statement as it is."""
    if not isinstance(statement, SelectBase):
        return statement

    def lock(part: Any) -> None:
        if part._for_update_arg is None:  # noqa: SLF001 - there is no other way to reach a part of a query
            part._for_update_arg = ForUpdateArg(read=True)  # noqa: SLF001

    return cloned_traverse(statement, {}, {"select": lock})

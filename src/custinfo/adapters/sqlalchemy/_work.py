"""One unit of work in tables."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from custinfo.adapters.sqlalchemy._accesses import SqlAlchemyAccesses
from custinfo.adapters.sqlalchemy._approvals import SqlAlchemyApprovals
from custinfo.adapters.sqlalchemy._configurations import SqlAlchemyConfigurations
from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._history import SqlAlchemyHistory
from custinfo.adapters.sqlalchemy._hosts import Host, connection_of, translated
from custinfo.adapters.sqlalchemy._imports import SqlAlchemyImports
from custinfo.adapters.sqlalchemy._log import SqlAlchemyAnchors, SqlAlchemyLog
from custinfo.adapters.sqlalchemy._outbox import SqlAlchemyOutbox
from custinfo.adapters.sqlalchemy._queries import SqlAlchemyQueries
from custinfo.adapters.sqlalchemy._records import SqlAlchemyRecords
from custinfo.adapters.sqlalchemy._rewriting import SqlAlchemyRewriting
from custinfo.adapters.sqlalchemy._slots import SlotKeeper
from custinfo.adapters.sqlalchemy._upkeep import SqlAlchemyUpkeep
from custinfo.core.schema import Schema

if TYPE_CHECKING:  # pyright takes a cached property for none of a protocol's properties
    from builtins import property as made_once
else:
    from functools import cached_property as made_once

__all__ = ["SqlAlchemyWork"]


class SqlAlchemyWork:
    """One unit of work: the repositories on one connection."""

    def __init__(self, context: Context, host: Host, *, owned: bool) -> None:
        """Take what the repositories work with; each is made when it is asked for: most units need two or three.

        Args:
            context: What they share.
            host: The session or connection that holds the transaction.
            owned: Whether `commit` commits it; otherwise it only flushes.
        """
        self._context = context
        self._host = host
        self._owned = owned

    @made_once
    def records(self) -> SqlAlchemyRecords:
        """The records."""
        return SqlAlchemyRecords(self._context)

    @made_once
    def queries(self) -> SqlAlchemyQueries:
        """The queries over them."""
        return SqlAlchemyQueries(self._context)

    @made_once
    def history(self) -> SqlAlchemyHistory:
        """Their changes."""
        return SqlAlchemyHistory(self._context)

    @made_once
    def approvals(self) -> SqlAlchemyApprovals:
        """The approval requests."""
        return SqlAlchemyApprovals(self._context)

    @made_once
    def imports(self) -> SqlAlchemyImports:
        """The imports."""
        return SqlAlchemyImports(self._context)

    @made_once
    def accesses(self) -> SqlAlchemyAccesses:
        """The access log."""
        return SqlAlchemyAccesses(self._context)

    @made_once
    def configurations(self) -> SqlAlchemyConfigurations:
        """The versions of the configuration."""
        return SqlAlchemyConfigurations(self._context)

    @made_once
    def outbox(self) -> SqlAlchemyOutbox:
        """The events that are not delivered yet."""
        return SqlAlchemyOutbox(self._context)

    @made_once
    def log(self) -> SqlAlchemyLog:
        """The sequence of changes."""
        return SqlAlchemyLog(self._context)

    @made_once
    def anchors(self) -> SqlAlchemyAnchors:
        """The anchors of the history."""
        return SqlAlchemyAnchors(self._context)

    @made_once
    def rewriting(self) -> SqlAlchemyRewriting:
        """What replaces the content of entries."""
        return SqlAlchemyRewriting(self._context)

    @made_once
    def upkeep(self) -> SqlAlchemyUpkeep:
        """The tenant as a whole."""
        return SqlAlchemyUpkeep(self._context)

    def under(self, schema: Schema, /) -> SqlAlchemyWork:
        """Return the same unit as another configuration sees its records.

        Slots are claimed for it, and written from now on; they are filled later, in transactions that others see.
        Raises: ConfigurationError if slots run out; StorageError.
        """
        inner = self._context
        with translated():
            prepared = SlotKeeper(inner.connection, inner.tables, schema, inner.tenant).prepare()
        context = Context(
            inner.connection,
            inner.tables,
            schema,
            inner.tenant,
            prepared.modules,
            inner.memory,
            standing=inner.standing,
        )
        return SqlAlchemyWork(context, self._host, owned=self._owned)

    def atomic(self) -> AbstractContextManager[None]:
        """Take back everything done inside, by a savepoint, if the block raises."""
        return self._context.savepoint()

    def commit(self) -> None:
        """Make permanent what was done so far; only flush in a host's transaction.

        Raises: StorageError, also where a statement failed before and nobody took back what it belonged to.
        """
        with translated():
            if self._owned:
                self._context.standing.check()
                self._host.commit()
                self._context.connection = connection_of(self._host)
            elif isinstance(self._host, Session):
                self._host.flush()

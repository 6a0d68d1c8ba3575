"""Units of work: what is saved together."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from custinfo.core.schema import Schema
from custinfo.ports.repositories import (
    ApprovalRepository,
    ConfigurationRepository,
    HistoryRepository,
    ImportRepository,
    OutboxRepository,
    RecordQueries,
    RecordRepository,
)

__all__ = ["UnitOfWork", "Units", "WritingUnits"]


class UnitOfWork(Protocol):
    """Hold one transaction of one tenant, and the repositories that work within it."""

    @property
    def records(self) -> RecordRepository:
        """The records."""

    @property
    def queries(self) -> RecordQueries:
        """The queries over them."""

    @property
    def history(self) -> HistoryRepository:
        """Their changes."""

    @property
    def approvals(self) -> ApprovalRepository:
        """The approval requests."""

    @property
    def imports(self) -> ImportRepository:
        """The imports."""

    @property
    def configurations(self) -> ConfigurationRepository:
        """The versions of the configuration."""

    @property
    def outbox(self) -> OutboxRepository:
        """The events that are not delivered yet."""

    def under(self, schema: Schema, /) -> UnitOfWork:
        """Return the same unit, in the same transaction, as another configuration of the tenant sees its records."""

    def atomic(self) -> AbstractContextManager[None]:
        """Take back everything done inside if the block raises, and go on in the transaction around it."""

    def commit(self) -> None:
        """Make permanent what was done so far and go on in a new transaction; only flush in a host's transaction."""


class Units(Protocol):
    """Begin units of work; a host's own transaction is one that begins within it.

    Units that hold connections may have a method `dispose` to give them back: `Workspace.close` calls it.
    Those that index fields may have a method `build_indexes(schema, tenant, progress)`: `Workspace.build_indexes` calls
    it. Those that remember something of a tenant may have `forget(tenant)`: `Workspace.delete_tenant` calls it.
    """

    def begin(self, schema: Schema, tenant: str, /) -> AbstractContextManager[UnitOfWork]:
        """Return a unit for a `with` block: committed at its end, rolled back if it raises.

        In a transaction of the host, it is only flushed at the end, and the host rolls back.
        """


@runtime_checkable
class WritingUnits(Protocol):
    """Begin units that may write from their beginning: what `Units` may offer besides.

    For a store in which a unit that has read fails at once where another one writes, instead of waiting for its turn.
    `Workspace.run` uses them from the second attempt on.
    """

    def writing(self) -> Units:
        """Return such units on the same store; each waits for its turn when it begins.

        So none is sent away for what others wrote elsewhere since it began: who writes the same record, or claims the
        same value, may still be refused in a store that has no turns. What begins after `commit` is an ordinary
        transaction again. `custinfo.testing.WritingContract` tests it.
        Raises: nothing; a turn that does not come is a retryable StorageError of `begin`.
        """

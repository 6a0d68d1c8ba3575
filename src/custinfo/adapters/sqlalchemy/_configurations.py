"""Revisions of the configuration in tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, insert, select, update

from custinfo.adapters.sqlalchemy._context import ClashError, Context
from custinfo.adapters.sqlalchemy._ready import TENANT, Question
from custinfo.core.revisions import Revision, changed_configuration
from custinfo.core.stored import instant_from_text, instant_to_text

__all__ = ["SqlAlchemyConfigurations"]


class SqlAlchemyConfigurations:
    """Keep revisions in `configuration_revision`; `configuration` has the version in force, in a row to be locked.

    Units that write take a shared lock on that row, and who replaces the version an exclusive one: no record is saved
    under a configuration that is not in force any more. SQLite needs no locks, having one writer at a time.
    """

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context

    def version(self) -> int:
        """Return the version that is in force, 0 if none was ever saved."""
        return self._context.execute(self._head()).scalar() or 0

    def hold(self, version: int, /) -> None:
        """Lock the version in force against being replaced, or raise."""
        self._context.look()
        self._require(self._held, version)

    def save(self, revision: Revision, /, *, replacing: int) -> None:
        """Add a revision within a savepoint, or raise and change nothing."""
        tables = self._context.tables
        self._context.look()
        with self._context.savepoint():
            self._require(self._locked, replacing)
            row = {
                "tenant_id": self._context.tenant,
                "version": revision.version,
                "at": instant_to_text(revision.at),
                "actor": revision.actor,
                "undone": revision.undone,
                "reason": revision.reason,
                "data": revision.data,
            }
            self._context.execute(insert(tables.revision), row)
            mine = tables.configuration.c.tenant_id == self._context.tenant
            self._context.execute(update(tables.configuration).where(mine).values(version=revision.version))

    def get(self, version: int, /) -> Revision | None:
        """Return a revision, or `None`."""
        found = self._revisions(self._select().where(self._context.tables.revision.c.version == version))
        return found[0] if found else None

    def all(self) -> Sequence[Revision]:
        """Return every revision, oldest first."""
        return self._revisions(self._select().order_by(self._context.tables.revision.c.version))

    def _require(self, locked: Callable[[], int | None], version: int) -> None:
        """Lock the row of what is in force, made where it is missing. Raises: ConflictError for another version."""
        found = locked()
        if found is None:
            self._begin()
            found = locked() or 0
        if found != version:
            raise changed_configuration(version, found)

    def _locked(self) -> int | None:
        found: int | None = self._context.execute(self._head().with_for_update()).scalar()
        return found

    def _held(self) -> int | None:
        """Return the version, locked by those who save; every change asks for it."""

        def build() -> Select[Any]:
            columns = self._context.tables.configuration.c
            return select(columns.version).where(columns.tenant_id == TENANT).with_for_update(read=True, key_share=True)

        rows = self._context.ask(Question("held_configuration", build, (self._context.tenant,)))
        return rows[0][0] if rows else None

    def _begin(self) -> None:
        row = {"tenant_id": self._context.tenant, "version": 0}
        try:
            with self._context.savepoint():
                self._context.attempt(insert(self._context.tables.configuration), row)
        except ClashError:
            return  # another unit was faster

    def _head(self) -> Select[Any]:
        columns = self._context.tables.configuration.c
        return select(columns.version).where(columns.tenant_id == self._context.tenant)

    def _select(self) -> Select[Any]:
        table = self._context.tables.revision
        return select(table).where(table.c.tenant_id == self._context.tenant)

    def _revisions(self, statement: Select[Any]) -> list[Revision]:
        return [
            Revision(row.version, row.data, instant_from_text(row.at), row.actor, row.reason, row.undone)
            for row in self._context.execute(statement)
        ]

"""Imports in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, insert, select, update

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._feed_row import hold_feed
from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.core.records import MemberKey, ModuleKey
from custinfo.core.stored import instant_from_text, instant_to_text

__all__ = ["SqlAlchemyImports"]


class SqlAlchemyImports:
    """Keep imports in `import_batch`."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context

    def get(self, batch_id: str, /) -> ImportBatch | None:
        """Return the import, or `None`."""
        columns = self._context.tables.batch.c
        return self._first(self._select().where(columns.id == batch_id))

    def save(self, batch: ImportBatch, /) -> None:
        """Insert or replace the import."""
        table = self._context.tables.batch
        row = {
            "module": batch.module,
            "digest": batch.digest,
            "actor": batch.actor,
            "started_at": instant_to_text(batch.started_at),
            "state": batch.state,
            "position": batch.position,
            "counts": batch.counts,
            "requests": batch.requests,
        }
        same = (table.c.tenant_id == self._context.tenant) & (table.c.id == batch.id)
        if not self._context.execute(update(table).where(same).values(**row)).rowcount:
            self._context.execute(insert(table), [{"tenant_id": self._context.tenant, "id": batch.id, **row}])

    def unfinished(self, module: ModuleKey, digest: str, actor: MemberKey, /) -> ImportBatch | None:
        """Return the latest running import of the same content by the same member, or `None`."""
        columns = self._context.tables.batch.c
        same = (columns.module == module) & (columns.digest == digest) & (columns.actor == actor)
        statement = self._select().where(same, columns.state == "running")
        return self._first(statement.order_by(columns.started_at.desc(), columns.id.desc()))

    def of_content(
        self, module: ModuleKey, digest: str, actor: MemberKey, /, *, hold: bool = False
    ) -> Sequence[ImportBatch]:
        """Return all imports of the same content by the same member, oldest first, with their rows locked.

        Before there is a row that could be locked, whoever begins waits for all who begin.
        """
        columns = self._context.tables.batch.c
        same = (columns.module == module) & (columns.digest == digest) & (columns.actor == actor)
        statement = self._select().where(same).order_by(columns.started_at, columns.id)
        if not hold:
            return self._batches(statement)
        if self._context.execute(statement.limit(1)).first() is None:
            hold_feed(self._context)
        return self._batches(statement.with_for_update())

    def _select(self) -> Select[Any]:
        table = self._context.tables.batch
        return select(table).where(table.c.tenant_id == self._context.tenant)

    def _first(self, statement: Select[Any]) -> ImportBatch | None:
        return next(iter(self._batches(statement.limit(1))), None)

    def _batches(self, statement: Select[Any]) -> list[ImportBatch]:
        return [
            ImportBatch(
                id=row.id,
                module=row.module,
                digest=row.digest,
                actor=row.actor,
                started_at=instant_from_text(row.started_at),
                state=row.state,
                position=row.position,
                counts=FrozenDict(row.counts),
                requests=tuple(row.requests),
            )
            for row in self._context.execute(statement)
        ]

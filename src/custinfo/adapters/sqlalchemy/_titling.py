"""Adding the titles of records that were saved before there was an index of them, while others read and write.

Each batch is a transaction of its own, begins by locking the row that says how far the index has come, and ends by
saying so: whoever goes on, goes on there. Records are locked while their titles are added, so that nobody changes them
in between.

An index is `building` until all titles are there. One that was complete before it knew departments is `unscoped` until
it does, one that was complete before titles were in order within them, `unordered`; both answer meanwhile what they
answered before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

import attrs
from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._hosts import tried
from custinfo.adapters.sqlalchemy._title_rows import Title
from custinfo.adapters.sqlalchemy._titles import TitleWriter, titled_by
from custinfo.adapters.sqlalchemy.tables import Tables
from custinfo.core.records import FieldKey, ModuleKey, RecordId
from custinfo.core.schema import Schema

__all__ = ["TitleFiller"]

_BATCH: Final = 500

Told = Callable[[ModuleKey, int, int], None]
Transaction = Callable[[], AbstractContextManager[Connection]]


@attrs.frozen
class TitleFiller:
    """Fill the index of titles of a tenant.

    Args:
        begin: Begins a transaction for a `with` block. One of the host may be given again and again.
        tables: The tables.
        schema: The configuration that says which field titles the records of a module.
        tenant: Whose records.
        hosted: Whether it is one transaction of the host: then a batch that meets a lock can't be tried again.
    """

    begin: Transaction
    tables: Tables
    schema: Schema
    tenant: str
    hosted: bool = False

    def fill(self, *, most: int | None = None, told: Told | None = None) -> None:
        """Add the titles of all modules that have no full index yet.

        Args:
            most: Leave modules alone that have more records than that.
            told: Called after each batch with the module, how many of its records are done, and how many there are.

        Raises: StorageError; what is added stays so.
        """
        for module, field in self._unfilled():
            total = self._count(module, None if most is None else most + 1)
            if most is None or total <= most:
                batch = partial(tried, partial(self._batch, module, field), once=self.hosted)
                done, last = 0, batch()
                while last is not None:
                    done += _BATCH
                    if told is not None:
                        told(module, min(done, total), total)
                    last = batch()

    def reset(self) -> None:
        """Let the next fill begin anew; until it is done, titles are read from the records."""
        titled = self.tables.titled
        with self.begin() as connection:
            mine = titled.c.tenant_id == self.tenant
            connection.execute(update(titled).where(mine).values(state="building", filled_to=None))

    def _unfilled(self) -> list[tuple[ModuleKey, FieldKey]]:
        columns = self.tables.titled.c
        statement = select(columns.module, columns.field).where(
            columns.tenant_id == self.tenant, columns.state == "ready"
        )
        with self.begin() as connection:
            ready = {(row[0], row[1]) for row in connection.execute(statement)}
        return [item for item in self._wanted() if item not in ready]

    def _wanted(self) -> Iterator[tuple[ModuleKey, FieldKey]]:
        for key, module in self.schema.modules.items():
            field = titled_by(module)
            if field is not None:
                yield key, field

    def _count(self, module: ModuleKey, most: int | None) -> int:
        columns = self.tables.record.c
        records = select(columns.id).where(columns.tenant_id == self.tenant, columns.module == module).limit(most)
        with self.begin() as connection:
            return int(connection.execute(select(func.count()).select_from(records.subquery())).scalar_one())

    def _batch(self, module: ModuleKey, field: FieldKey) -> RecordId | None:
        """Add the titles of the records that come next and return the last; `None` if all are there."""
        titled = self.tables.titled
        with self.begin() as connection:
            mine = self._claimed(connection, module, field)
            start = connection.execute(select(titled.c.filled_to).where(mine, titled.c.state != "ready")).first()
            if start is None:
                return None  # somebody else was faster
            titles = self._titles(connection, module, field, start[0] or "")
            if not titles:
                connection.execute(update(titled).where(mine).values(state="ready", filled_to=None))
                return None
            context = Context(connection, self.tables, self.schema, self.tenant, {})
            present = [title for title in titles if title.form]
            TitleWriter(context).replace([title.record_id for title in titles], present)
            last = titles[-1].record_id
            connection.execute(update(titled).where(mine).values(filled_to=last))
            return last

    def _claimed(self, connection: Connection, module: ModuleKey, field: FieldKey) -> ColumnElement[bool]:
        """Lock the row of an index, adding it if need be, and return the condition that it is the one."""
        titled = self.tables.titled
        columns = titled.c
        mine = and_(columns.tenant_id == self.tenant, columns.module == module, columns.field == field)
        unfilled = mine & (columns.state != "ready")
        connection.execute(update(titled).where(unfilled).values(state=columns.state))
        if connection.execute(select(columns.state).where(mine)).first() is None:
            row = {"tenant_id": self.tenant, "module": module, "field": field, "state": "building"}
            try:
                with connection.begin_nested():
                    connection.execute(insert(titled), row)
            except IntegrityError:  # another process began at the same time, and holds the row no longer
                connection.execute(update(titled).where(unfilled).values(state=columns.state))
        return mine

    def _titles(self, connection: Connection, module: ModuleKey, field: FieldKey, start: str) -> list[Title]:
        """Lock the records that come next, and return their titles, empty ones too."""
        record, document = self.tables.record, self.tables.document
        same = (document.c.tenant_id == record.c.tenant_id) & (document.c.record_id == record.c.id)
        statement = (
            select(record.c.id, record.c.department_id, document.c.data)
            .select_from(record.join(document, same))
            .where(record.c.tenant_id == self.tenant, record.c.module == module, record.c.id > start)
            .order_by(record.c.id)
            .limit(_BATCH)
            .with_for_update(read=True, of=record)
        )
        rows = connection.execute(statement)
        return [Title.of(module, key, field, data.get(field), home) for key, home, data in rows]

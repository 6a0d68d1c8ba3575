"""Filling slots from the documents, and emptying them, while records are read and written.

Each batch is a transaction of its own. It begins by locking the claims of the slots, so that of several processes each
fills another batch, and ends by keeping how far it came, in `field_slot.filled_to`: whoever goes on, goes on there,
also after the process was killed. On SQLite that first statement takes the only writer's place, so that what is read
afterwards can't change any more.

Nobody who writes waits for longer than a batch. A row that somebody else holds is left for last, and then waited for
alone: a fill never holds rows while it waits, and so is in no deadlock.

A fill is right if everybody writes the slots meanwhile. Then whatever was saved before the claim is either filled, or
saved again by one who writes the slot; a row that changed since it was read is left alone by its version.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import takewhile
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, func, select, update

from custinfo.adapters.sqlalchemy._hosts import PAUSE, tried
from custinfo.adapters.sqlalchemy._slots import wanted_slots
from custinfo.adapters.sqlalchemy.tables import Tables
from custinfo.core.records import FieldKey, ModuleKey, RecordId
from custinfo.core.schema import Schema

__all__ = ["HOSTED_FILL", "SMALL_FILL", "Filler", "Told"]

SMALL_FILL: Final = 10_000
"""Greatest number of records of a module for which `begin` fills slots at once."""

HOSTED_FILL: Final = 1_000
"""The same in a transaction of the host, which keeps the rows locked to its end."""

Told = Callable[[ModuleKey, int, int], None]
"""Called after each batch: the module, how many of its records are done, and how many there are."""

Transaction = Callable[[], AbstractContextManager[Connection]]

_BATCH: Final = 500
_SQLITE_BATCH: Final = 200

T = TypeVar("T")
_Row = Row[*tuple[Any, ...]]


@attrs.frozen
class _Claims:
    """The slots of a module that are filled next: column → field, from which id on, and up to which at most."""

    slots: Mapping[str, FieldKey]
    start: RecordId
    end: RecordId | None


@attrs.frozen
class _Step:
    """What one batch did: the id that it came to, how many records it filled, and whether somebody holds the next."""

    last: RecordId
    records: int
    held: bool = False


class Filler:
    """Fill and empty the slots of a tenant.

    Args:
        begin: Begins a transaction for a `with` block; one of the host may be given again and again.
        tables: The tables.
        schema: The configuration that says which fields are indexed.
        tenant: Whose slots.
        hosted: Whether it is one transaction of the host: then a batch that meets a lock can't be tried again.
        gentle: Whether to rest after each batch as long as it took, so that the database has time for others. It
            matters most on SQLite, which lets in who happens to ask when nobody writes.
    """

    def __init__(
        self,
        begin: Transaction,
        tables: Tables,
        schema: Schema,
        tenant: str,
        *,
        hosted: bool = False,
        gentle: bool = False,
    ) -> None:
        """Take what to work with; nothing is read yet."""
        self._begin = begin
        self._tables = tables
        self._schema = schema
        self._tenant = tenant
        self._hosted = hosted
        self._gentle = gentle

    def fill(self, modules: Iterable[ModuleKey], *, most: int | None = None, told: Told | None = None) -> None:
        """Fill the slots of modules that are not filled yet.

        Args:
            modules: Their keys.
            most: Leave modules alone that have more records than that.
            told: Called after each batch.

        Raises: StorageError; what is filled stays so.
        """
        for module in modules:
            if most is None or self._count(module, most=most + 1) <= most:
                self._fill(module, told)

    def free(self) -> None:
        """Empty and free the slots of fields that the configuration does not index. Raises: StorageError."""
        for module, field, slot in self._tried(self._unused):
            last: RecordId | None = RecordId("")
            while last is not None:
                began = time.monotonic()
                last = self._tried(partial(self._empty, module, field, slot, last))
                self._pause(began)

    # --- filling

    def _fill(self, module: ModuleKey, told: Told | None) -> None:
        total = self._count(module) if told is not None else 0
        done, held = None, False
        while True:
            began = time.monotonic()
            step = self._tried(partial(self._batch, module, alone=held))
            if step is None:
                return
            held = step.held
            if told is not None and step.records:
                done = self._count(module, until=step.last) if done is None else done + step.records
                told(module, min(done, total), total)
            self._pause(began)

    def _batch(self, module: ModuleKey, *, alone: bool) -> _Step | None:
        """Fill what comes next, up to a row that somebody holds, or one row `alone`; return `None` if all is filled."""
        with self._begin() as connection:
            claims = self._next(connection, module)
            if claims is None:
                return None
            rows = self._rows(connection, module, claims, most=1 if alone else _size(connection))
            if not rows:
                return self._finish(connection, module, claims)
            if not alone:
                free = self._locked(connection, [row[0] for row in rows])
                rows = list(takewhile(lambda row: row[0] in free, rows))
                if not rows:
                    return _Step(claims.start, 0, held=True)
            self._write(connection, rows, claims)
            self._keep(connection, module, claims, filled_to=rows[-1][0])
            return _Step(rows[-1][0], len(rows))

    def _next(self, connection: Connection, module: ModuleKey) -> _Claims | None:
        """Lock the claims of the module's slots that are building, and return those that are behind all others."""
        slot, compiled = self._tables.slot, self._schema.modules[module]
        fields = [field for field in compiled.definition.fields if wanted_slots(compiled, field)]
        mine = and_(
            slot.c.tenant_id == self._tenant,
            slot.c.module == module,
            slot.c.field.in_(fields),
            slot.c.state == "building",
        )
        connection.execute(update(slot).where(mine).values(state="building"))
        behind: dict[RecordId, dict[str, FieldKey]] = {}
        statement = select(slot.c.field, slot.c.slot, slot.c.filled_to).where(mine)
        for field, column, filled_to in connection.execute(statement):
            behind.setdefault(RecordId(filled_to or ""), {})[column] = field
        if not behind:
            return None
        start, *others = sorted(behind)
        return _Claims(behind[start], start, others[0] if others else None)

    def _rows(self, connection: Connection, module: ModuleKey, claims: _Claims, *, most: int) -> Sequence[_Row]:
        """Return id, version and document of the records that come next."""
        record, document = self._tables.record, self._tables.document
        same = (document.c.tenant_id == record.c.tenant_id) & (document.c.record_id == record.c.id)
        statement = (
            select(record.c.id, record.c.version, document.c.data)
            .select_from(record.join(document, same))
            .where(record.c.tenant_id == self._tenant, record.c.module == module, record.c.id > claims.start)
            .order_by(record.c.id)
            .limit(most)
        )
        if claims.end is not None:
            statement = statement.where(record.c.id <= claims.end)
        return connection.execute(statement).all()

    def _locked(self, connection: Connection, record_ids: Sequence[RecordId]) -> set[RecordId]:
        """Lock the rows that nobody else holds, and return their ids."""
        columns = self._tables.record.c
        statement = select(columns.id).where(columns.tenant_id == self._tenant, columns.id.in_(record_ids))
        return set(connection.execute(statement.with_for_update(skip_locked=True)).scalars())

    def _write(self, connection: Connection, rows: Sequence[_Row], claims: _Claims) -> None:
        record = self._tables.record
        same = (record.c.tenant_id == self._tenant) & (record.c.id == bindparam("b_id"))
        statement = update(record).where(same, record.c.version == bindparam("b_version"))
        given = [
            {
                "b_id": key,
                "b_version": version,
                **{column: _stored(data, field, column) for column, field in claims.slots.items()},
            }
            for key, version, data in rows
        ]
        connection.execute(statement, given)

    def _finish(self, connection: Connection, module: ModuleKey, claims: _Claims) -> _Step | None:
        """Go on together with those that were ahead, or let the slots be read."""
        if claims.end is not None:
            self._keep(connection, module, claims, filled_to=claims.end)
            return _Step(claims.end, 0)
        self._keep(connection, module, claims, state="ready", filled_to=None)
        return None

    def _keep(self, connection: Connection, module: ModuleKey, claims: _Claims, **values: Any) -> None:
        slot = self._tables.slot
        mine = (slot.c.tenant_id == self._tenant) & (slot.c.module == module)
        connection.execute(update(slot).where(mine, slot.c.field.in_(claims.slots.values())).values(**values))

    # --- emptying

    def _unused(self) -> list[tuple[ModuleKey, FieldKey, str]]:
        """Return the slots that no field has a use for; from now on, nobody who begins writes or reads them."""
        slot = self._tables.slot
        statement = select(slot.c.module, slot.c.field, slot.c.slot).where(slot.c.tenant_id == self._tenant)
        with self._begin() as connection:
            claims = [(row[0], row[1], row[2]) for row in connection.execute(statement)]
            unused = [claim for claim in claims if not self._is_wanted(*claim)]
            for claim in unused:
                values = {"state": "freeing", "filled_to": None}
                connection.execute(update(slot).where(self._claim(*claim)).values(**values))
            return unused

    def _is_wanted(self, module: ModuleKey, field: FieldKey, slot: str) -> bool:
        compiled = self._schema.modules.get(module)
        return compiled is not None and slot in wanted_slots(compiled, field)

    def _empty(self, module: ModuleKey, field: FieldKey, slot: str, start: RecordId) -> RecordId | None:
        """Empty a batch and return how far it came; free the slot and return `None` if all are empty.

        Rows that somebody else holds are left as they are: what a free slot has is overwritten by who claims it next.
        """
        record, claims = self._tables.record, self._tables.slot
        claim = and_(self._claim(module, field, slot), claims.c.state == "freeing")
        with self._begin() as connection:
            if not connection.execute(update(claims).where(claim).values(state="freeing")).rowcount:
                return None  # claimed again meanwhile
            mine = (record.c.tenant_id == self._tenant) & (record.c.module == module) & (record.c.id > start)
            full = select(record.c.id).where(mine, record.c[slot].is_not(None)).order_by(record.c.id)
            ids = connection.execute(full.limit(_size(connection))).scalars().all()
            if not ids:
                connection.execute(delete(claims).where(claim))
                return None
            free = self._locked(connection, ids)
            same = (record.c.tenant_id == self._tenant) & record.c.id.in_(free)
            connection.execute(update(record).where(same).values({slot: None}))
            return RecordId(ids[-1])

    def _claim(self, module: ModuleKey, field: FieldKey, slot: str) -> ColumnElement[bool]:
        columns = self._tables.slot.c
        return and_(
            columns.tenant_id == self._tenant,
            columns.module == module,
            columns.field == field,
            columns.slot == slot,
        )

    # --- both

    def _count(self, module: ModuleKey, *, most: int | None = None, until: RecordId | None = None) -> int:
        columns = self._tables.record.c
        statement = select(columns.id).where(columns.tenant_id == self._tenant, columns.module == module)
        if until is not None:
            statement = statement.where(columns.id <= until)
        with self._begin() as connection:
            return connection.execute(select(func.count()).select_from(statement.limit(most).subquery())).scalar_one()

    def _tried(self, action: Callable[[], T]) -> T:
        return tried(action, once=self._hosted)

    def _pause(self, began: float) -> None:
        if self._gentle:
            time.sleep(max(PAUSE, time.monotonic() - began))


def _size(connection: Connection) -> int:
    return _SQLITE_BATCH if connection.dialect.name == "sqlite" else _BATCH


def _stored(data: Mapping[str, Any], field: FieldKey, slot: str) -> Any:
    """Return what a slot repeats; an encrypted value, and one of another kind than the slot takes, stays out of it."""
    value = data.get(field)
    return value if isinstance(value, int if slot.startswith("n") else str) else None

"""A tenant as a whole in tables: everything read, put back and deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import Column, Row, Select, Table, and_, delete, insert, or_, select, text, tuple_, update
from sqlalchemy.exc import SQLAlchemyError

from custinfo.adapters.sqlalchemy._accesses import access_row, accessed_rows
from custinfo.adapters.sqlalchemy._approvals import mark_rows, request_row, reservation_rows, task_rows
from custinfo.adapters.sqlalchemy._context import ClashError, Context, chunked
from custinfo.adapters.sqlalchemy._failures import storage_error
from custinfo.adapters.sqlalchemy._integrity import BROKEN, Integrity
from custinfo.adapters.sqlalchemy._records import SqlAlchemyRecords
from custinfo.adapters.sqlalchemy._rows import parts_of_document, record_columns
from custinfo.adapters.sqlalchemy._titles import TitleWriter
from custinfo.adapters.sqlalchemy.tables import Tables
from custinfo.core.access_log import AccessEntry
from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request
from custinfo.core.documents import DOCUMENT_KINDS, Documents
from custinfo.core.errors import ConflictError
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import Record, RecordId
from custinfo.core.revisions import Revision
from custinfo.ports.upkeep import Disagreement, Entry, EntryKind, Unreadable

__all__ = ["SqlAlchemyUpkeep"]

_PAGE: Final = 500
_STEADY: Final = frozenset({"REPEATABLE READ", "SERIALIZABLE", "SNAPSHOT"})


class SqlAlchemyUpkeep:
    """Look after the rows of a tenant."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context
        self._codec = Documents(context.schema)

    def snapshot(self) -> None:
        """Make the transaction read one state; SQLite's do so by themselves. Raises: StorageError if it has begun."""
        try:
            steady = self._context.connection.get_isolation_level() in _STEADY
        except SQLAlchemyError as error:
            raise storage_error(error) from None
        if not steady:
            self._context.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))

    def stored(self, kind: EntryKind, /) -> Iterator[Entry | Unreadable]:
        """Yield all entries of a kind, page by page."""
        tables = self._context.tables
        match kind:
            case "revision":
                return self._entries(kind, tables.revision, ("version",))
            case "record":
                return self._records()
            case "change":
                return self._entries(kind, tables.change, ("record_id", "version"))
            case "request":
                return self._whole(kind, tables.request)
            case "import":
                return self._entries(kind, tables.batch, ("id",))
            case "event":
                return self._entries(kind, tables.outbox, ("id",))
            case "anchor":
                return self._entries(kind, tables.anchor, ("number",))
            case "access":
                return self._whole(kind, tables.access)

    def restore(self, entries: Sequence[Entry], /) -> None:
        """Insert entries as they are, with everything that is kept beside them."""
        clash = False
        try:
            for kind in (Revision, Record, Change, Request, ImportBatch, Event, Anchor, AccessEntry):
                found = [entry for entry in entries if type(entry) is kind]
                if found:
                    self._insert_all(found)
        except ClashError:
            clash = True
        if clash:
            raise ConflictError([Problem("tenant_not_empty")])

    def forget(self, most: int, /) -> int:
        """Delete rows of the first table that has some; the configuration goes last, so that it can be gone on with."""
        for table in _all_tables(self._context.tables):
            deleted = self._delete(table, most)
            if deleted:
                return deleted
        return 0

    def disagreements(self, *, repair: bool) -> Iterator[Disagreement]:
        """Compare what stands beside records and requests with what it repeats."""
        return Integrity(self._context, self.stored, repair=repair).run()

    # --- reading

    def _entries(self, kind: EntryKind, table: Table, keys: Sequence[str]) -> Iterator[Entry | Unreadable]:
        """Yield the entries of a table whose columns are named as the parts of the entries are."""
        names = [column.name for column in table.columns if column.name not in ("tenant_id", "held_until")]
        statement = select(table).where(table.c.tenant_id == self._context.tenant)
        for row in self._rows(statement, [table.c[key] for key in keys]):
            data = {name: getattr(row, name) for name in names}
            yield self._decoded(kind, data, str(data[keys[0]]), {"key": str(data[keys[-1]])})

    def _records(self) -> Iterator[Entry | Unreadable]:
        record, document = self._context.tables.record, self._context.tables.document
        same = (document.c.tenant_id == record.c.tenant_id) & (document.c.record_id == record.c.id)
        statement = (
            select(*record_columns(record, document), record.c.module)
            .select_from(record.outerjoin(document, same))
            .where(record.c.tenant_id == self._context.tenant)
        )
        for row in self._rows(statement, [record.c.id]):
            params: dict[str, ParamValue] = {"module": row.module, "record": row.id}
            if row.data is None:
                yield Unreadable(row.id, Problem("record_without_document", params=params))
                continue
            data = dict(row._mapping)  # noqa: SLF001 - public, in spite of its name
            data |= {"owner": data.pop("owner_id"), "department": data.pop("department_id")}
            values, shares = parts_of_document(data.pop("data"))
            data |= {"values": values, "tags": data["tags"] or (), "shares": shares}
            yield self._decoded("record", data, row.id, params)

    def _whole(self, kind: EntryKind, table: Table) -> Iterator[Entry | Unreadable]:
        """Yield the entries of a table that has each as a whole in one column."""
        statement = select(table.c.id, table.c.data).where(table.c.tenant_id == self._context.tenant)
        for row in self._rows(statement, [table.c.id]):
            yield self._decoded(kind, row.data, row.id, {"key": row.id})

    def _decoded(
        self, kind: EntryKind, data: Mapping[str, Any], key: str, params: Mapping[str, ParamValue]
    ) -> Entry | Unreadable:
        try:
            entry: Entry = self._codec.decode(DOCUMENT_KINDS[kind], data)
        except BROKEN:
            told = {"module": str(data.get("module", "")), "record": key, **params} if kind == "change" else params
            return Unreadable(key, Problem(f"{kind}_unreadable", params=told))
        return entry

    def _rows(self, statement: Select[Any], keys: Sequence[Column[Any]]) -> Iterator[Row[*tuple[Any, ...]]]:
        """Yield the rows in the order of a key, a page of them at a time."""
        page = statement.order_by(*keys).limit(_PAGE)
        behind = page
        while rows := self._context.execute(behind).all():
            yield from rows
            if len(rows) < _PAGE:
                return
            behind = page.where(_behind(keys, [getattr(rows[-1], key.name) for key in keys]))

    # --- writing

    def _insert_all(self, entries: Sequence[Any]) -> None:
        tables = self._context.tables
        match entries[0]:
            case Record():
                SqlAlchemyRecords(self._context).restore(entries)
            case Change():
                self._insert(tables.change, [self._codec.encode(entry) for entry in entries])
            case Request():
                self._insert_requests(entries)
            case ImportBatch():
                self._insert(tables.batch, [self._codec.encode(entry) for entry in entries])
            case Event():
                self._insert(tables.outbox, [self._codec.encode(entry) for entry in entries])
            case Anchor():
                self._insert(tables.anchor, [self._codec.encode(entry) for entry in entries])
            case AccessEntry():
                tenant = self._context.tenant
                self._insert(tables.access, [access_row(entry, tenant, self._codec) for entry in entries])
                self._insert(tables.accessed, [row for entry in entries for row in accessed_rows(entry, tenant)])
            case Revision():
                self._insert(tables.revision, [self._codec.encode(entry) for entry in entries])
                self._put_in_force(entries[-1].version)

    def _insert_requests(self, requests: Sequence[Request]) -> None:
        tables, tenant = self._context.tables, self._context.tenant
        rows = [{"id": request.id, **request_row(request, self._codec.codec(request.module))} for request in requests]
        self._insert(tables.request, rows)
        self._insert(tables.task, [row for request in requests for row in task_rows(request, tenant)])
        self._insert(tables.reservation, [row for request in requests for row in reservation_rows(request, tenant)])
        self._insert(tables.mark, [row for request in requests for row in mark_rows(request, tenant)])

    def _insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._context.attempt(insert(table), [{**row, "tenant_id": self._context.tenant} for row in rows])

    def _put_in_force(self, version: int) -> None:
        head, tenant = self._context.tables.configuration, self._context.tenant
        changed = self._context.execute(update(head).where(head.c.tenant_id == tenant).values(version=version))
        if not changed.rowcount and not self._in_force():
            self._context.attempt(insert(head), {"tenant_id": tenant, "version": version})

    def _in_force(self) -> bool:
        """Tell whether there is a version in force; a row that an update leaves as it was may not be counted."""
        head = self._context.tables.configuration
        statement = select(head.c.version).where(head.c.tenant_id == self._context.tenant)
        return self._context.execute(statement).first() is not None

    def _delete(self, table: Table, most: int) -> int:
        tenant, keys = self._context.tenant, list(table.primary_key.columns)[1:]
        mine = table.c.tenant_id == tenant
        if not keys:
            return int(self._context.execute(delete(table).where(mine)).rowcount)
        rows = self._context.execute(select(*keys).where(mine).order_by(*keys).limit(most)).all()
        if table is self._context.tables.title:  # the database's own index has to be told
            TitleWriter(self._context).remove(sorted({RecordId(row.record_id) for row in rows}))
            return len(rows)
        for part in chunked([tuple(row) for row in rows]):
            self._context.execute(delete(table).where(mine, tuple_(*keys).in_(part)))
        return len(rows)


def _behind(keys: Sequence[Column[Any]], values: Sequence[Any]) -> Any:
    """Return the condition that a row comes behind a key of one or two parts."""
    first, *others = keys
    if not others:
        return first > values[0]
    return and_(first >= values[0], or_(first > values[0], others[0] > values[1]))


def _all_tables(tables: Tables) -> list[Table]:
    """Return every table, in the order in which they are emptied: a record is gone first, the configuration last."""
    known = [getattr(tables, field.name) for field in attrs.fields(Tables)]
    last = (tables.revision, tables.configuration)
    return [*(table for table in known if table not in last), *last]

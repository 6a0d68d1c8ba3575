"""Whether what tables repeat, for the sake of indexes and constraints, is what the entries say (INT-4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import Table, select, update

from custinfo.adapters.sqlalchemy._approvals import SqlAlchemyApprovals, mark_rows, reservation_rows, task_rows
from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._records import SqlAlchemyRecords
from custinfo.adapters.sqlalchemy._rows import share_rows, tag_rows, unique_rows
from custinfo.adapters.sqlalchemy._title_rows import Title
from custinfo.adapters.sqlalchemy._titles import TitleWriter, title_columns, titled_by
from custinfo.adapters.sqlalchemy._whole_rows import WholeRow, WholeRows
from custinfo.core.approval.requests import Request
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.ports.upkeep import Disagreement, Entry, EntryKind, Unreadable

__all__ = ["BROKEN", "Integrity"]

BROKEN: Final = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What decoding may raise for data that nobody wrote through custinfo."""

_PAGE: Final = 500

E = TypeVar("E", Record, Request)


@attrs.frozen
class _Finding:
    """What differs, whose it is, and what sets it right: a call that tells whether it could."""

    problem: Problem
    owner: Record | Request
    rebuild: Callable[[], bool]


class Integrity:
    """Compare, and with `repair` rebuild, what stands beside the entries of a tenant.

    A row is rebuilt while its record or request is locked at the version that was read, so that the change of somebody
    else meanwhile is never overwritten.
    """

    def __init__(
        self,
        context: Context,
        stored: Callable[[EntryKind], Iterator[Entry | Unreadable]],
        *,
        repair: bool,
    ) -> None:
        """Take what reads the entries; those that can't be read are passed over."""
        self._context = context
        self._stored = stored
        self._repair = repair
        self._tables = context.tables
        self._titles = TitleWriter(context)
        self._rows = WholeRows(context)

    def run(self) -> Iterator[Disagreement]:
        """Yield what differs: rows that belong to nothing, then those of records and of requests."""
        tables = self._tables
        yield from self._orphans(tables.document, tables.record, "document_without_record", keep=True)
        for table in (tables.tag, tables.share, tables.unique, tables.title):
            yield from self._orphans(table, tables.record, "index_without_record")
        for table in (tables.task, tables.reservation, tables.mark):
            yield from self._orphans(table, tables.request, "index_without_request")
        for page in _pages(self._stored("record"), Record):
            records = [record for record in page if record.module in self._context.modules]
            yield from self._settled(tables.record, self._record_findings(records))
        for requests in _pages(self._stored("request"), Request):
            yield from self._settled(tables.request, self._request_findings(requests))

    def _orphans(self, table: Table, owners: Table, code: str, *, keep: bool = False) -> Iterator[Disagreement]:
        """Yield one disagreement for each record or request that is gone and has rows in a table."""
        name = "request" if owners is self._tables.request else "record"
        owner = table.c[f"{name}_id"]
        there = (owners.c.tenant_id == table.c.tenant_id) & (owners.c.id == owner)
        statement = select(owner).distinct().select_from(table.outerjoin(owners, there))
        missing = statement.where(table.c.tenant_id == self._context.tenant, owners.c.id.is_(None)).order_by(owner)
        for key in self._context.execute(missing).scalars().all():
            repaired = self._repair and not keep
            if repaired and table is self._tables.title:
                self._titles.remove([RecordId(key)])
            elif repaired:
                self._rows.delete(table, owner == key)
            yield Disagreement(Problem(code, params={name: key}), repaired)

    def _settled(self, table: Table, findings: Iterator[_Finding]) -> Iterator[Disagreement]:
        locked: dict[str, bool] = {}
        for finding in findings:
            owner = finding.owner
            if self._repair and owner.id not in locked:
                locked[owner.id] = self._lock(table, owner)
            yield Disagreement(finding.problem, self._repair and locked[owner.id] and finding.rebuild())

    def _lock(self, table: Table, owner: Record | Request) -> bool:
        """Lock a record or request; tell whether it is still at the version that was read."""
        mine = (table.c.tenant_id == self._context.tenant) & (table.c.id == owner.id)
        return self._context.execute(select(table.c.version).where(mine).with_for_update()).scalar() == owner.version

    # --- records

    def _record_findings(self, records: Sequence[Record]) -> Iterator[_Finding]:
        tables = self._tables
        ids = [record.id for record in records]
        tags = self._rows.of(tables.tag, tables.tag.c.record_id, ids)
        shares = self._rows.of(tables.share, tables.share.c.record_id, ids)
        claims = self._rows.of(tables.unique, tables.unique.c.record_id, ids)
        slots = self._slots(ids)
        titles = self._known_titles(ids)
        for record in records:
            wanted = tag_rows([record], self._context.tenant)
            if tags.get(record.id, set()) != set(wanted):
                yield _Finding(
                    _problem("tags_differ", record, "tags"), record, self._rows.anew(tables.tag, record, wanted)
                )
            wanted = share_rows([record], self._context.tenant)
            if shares.get(record.id, set()) != set(wanted):
                again = self._rows.anew(tables.share, record, wanted)
                yield _Finding(_problem("shares_differ", record, "shares"), record, again)
            yield from self._claim_findings(record, claims.get(record.id, set()))
            yield from self._slot_findings(record, slots.get(record.id, {}))
            yield from self._title_findings(record, titles.get(record.id, []))

    def _claim_findings(self, record: Record, actual: set[WholeRow]) -> Iterator[_Finding]:
        """Yield what differs in unique values; rows of fields that are not unique any more do no harm."""
        prepared, table = self._context.module(record.module), self._tables.unique
        expected: set[WholeRow] = set(unique_rows(record, prepared, self._context.tenant))
        for row in sorted(actual - expected):
            if row[1] != record.module or row[2] in prepared.unique_fields:
                yield _Finding(_problem("unique_differs", record, row[2]), record, self._rows.giving_up(table, row))
        for row in sorted(expected - actual):
            holder = self._rows.holder(table, row)
            found = self._readable(record.module, holder) if holder else None
            theirs = unique_rows(found, prepared, self._context.tenant) if found is not None else ()
            if any(claim[:-1] == row[:-1] for claim in theirs):
                yield _Finding(_problem("unique_shared", record, row[2], other=str(holder)), record, lambda: False)
            else:
                yield _Finding(_problem("unique_differs", record, row[2]), record, self._rows.taking(table, row))

    def _readable(self, module: ModuleKey, record_id: RecordId) -> Record | None:
        """Return a record, or `None` if there is none that can be read."""
        try:
            return SqlAlchemyRecords(self._context).get(module, [record_id]).get(record_id)
        except BROKEN:
            return None

    def _slots(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        table = self._tables.record
        statement = select(table).where(table.c.tenant_id == self._context.tenant, table.c.id.in_(ids))
        return {row["id"]: dict(row) for row in self._context.execute(statement).mappings()}

    def _slot_findings(self, record: Record, row: Mapping[str, Any]) -> Iterator[_Finding]:
        prepared = self._context.module(record.module)
        for field, slot in prepared.readable_slots.items():
            value = prepared.codec.encode(field, record.values.get(field))
            value = None if type(value) is dict else value
            if row.get(slot) != value:
                yield _Finding(_problem("slot_differs", record, field), record, self._refill(record, slot, value))

    def _refill(self, record: Record, slot: str, value: Any) -> Callable[[], bool]:
        def rebuild() -> bool:
            table = self._tables.record
            mine = (table.c.tenant_id == self._context.tenant) & (table.c.id == record.id)
            self._context.execute(update(table).where(mine).values({slot: value}))
            return True

        return rebuild

    def _known_titles(self, ids: Sequence[str]) -> dict[str, list[Title]]:
        columns, statement = self._tables.title.c, select(*title_columns(self._tables.title))
        found: dict[str, list[Title]] = {}
        mine = statement.where(columns.tenant_id == self._context.tenant, columns.record_id.in_(ids))
        for row in self._context.execute(mine):
            found.setdefault(row.record_id, []).append(Title(*row)._replace(doc=None))
        return found

    def _title_findings(self, record: Record, found: list[Title]) -> Iterator[_Finding]:
        """Yield whether the title that searches find is another; while the index is being built it may be missing."""
        prepared = self._context.module(record.module)
        field = titled_by(prepared.schema)
        state = self._indexed.get((record.module, field or ""))
        wanted: list[Title] = []
        if field is not None:
            value = prepared.codec.encode(field, record.values.get(field))
            title = Title.of(record.module, record.id, field, value, record.department)
            wanted = [title] if title.form else []
        known = found if state == "ready" or not wanted else [_filled(each, wanted[0], state) for each in found]
        if known != wanted and (found or state is not None):

            def rebuild() -> bool:
                self._titles.replace([record.id], wanted)
                return True

            yield _Finding(_problem("title_differs", record, field or "id"), record, rebuild)

    @cached_property
    def _indexed(self) -> Mapping[tuple[ModuleKey, FieldKey], str]:
        """The fields whose titles can be searched by the index; it knows the departments of those that are ready."""
        columns = self._tables.titled.c
        mine = (columns.tenant_id == self._context.tenant) & (columns.state != "building")
        statement = select(columns.module, columns.field, columns.state).where(mine)
        return {(module, field): state for module, field, state in self._context.execute(statement)}

    # --- requests

    def _request_findings(self, requests: Sequence[Request]) -> Iterator[_Finding]:
        tables, tenant = self._tables, self._context.tenant
        ids = [request.id for request in requests]
        for table, code, rows_of in (
            (tables.task, "tasks_differ", task_rows),
            (tables.reservation, "reservations_differ", reservation_rows),
            (tables.mark, "marks_differ", mark_rows),
        ):
            actual = self._rows.of(table, table.c.request_id, ids)
            for request in requests:
                expected = {tuple(row[column.name] for column in table.columns) for row in rows_of(request, tenant)}
                known = actual.get(request.id, set())
                changes = [self._rows.giving_up(table, row) for row in sorted(known - expected)]
                changes += [self._rows.taking(table, row) for row in sorted(expected - known) if self._free(table, row)]
                if known != expected:
                    problem = Problem(code, params={"request": request.id})
                    whole = len(changes) == len(known ^ expected)
                    yield _Finding(problem, request, _all(changes) if whole else lambda: False)

    def _free(self, table: Table, row: WholeRow) -> bool:
        """Tell whether no other open request has a right to a row."""
        holder = self._rows.holder(table, row)
        if holder is None or table is not self._tables.reservation:
            return True
        try:
            found = SqlAlchemyApprovals(self._context).get([holder]).get(holder)
        except BROKEN:
            return True
        theirs = reservation_rows(found, self._context.tenant) if found is not None else []
        return all((item["record_id"], item["field"]) != row[1:3] for item in theirs)


def _problem(code: str, record: Record, field: FieldKey, **params: ParamValue) -> Problem:
    return Problem(code, field, params={"module": record.module, "record": record.id, **params})


def _filled(title: Title, wanted: Title, state: str | None) -> Title:
    """Return a title as if it had what an index in this state may be without yet."""
    title = title._replace(start=wanted.start, brief=wanted.brief)
    return title if state == "unordered" else title._replace(department=wanted.department)


def _all(changes: Sequence[Callable[[], bool]]) -> Callable[[], bool]:
    return lambda: all(change() for change in changes)


def _pages(entries: Iterator[Entry | Unreadable], kind: type[E]) -> Iterator[list[E]]:
    """Yield the entries that can be read, a page of them at a time."""
    readable = (entry for entry in entries if isinstance(entry, kind))
    while page := list(islice(readable, _PAGE)):
        yield page

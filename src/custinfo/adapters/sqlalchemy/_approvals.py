"""Approval requests in tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Select, and_, delete, insert, or_, select, update

from custinfo.adapters.sqlalchemy._approval_queries import counting, due, finding, mark_rows
from custinfo.adapters.sqlalchemy._context import ClashError, Context, chunked
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, Question, given_parameter, padded
from custinfo.core.approval.requests import OPEN_STATES, Request, RequestId
from custinfo.core.errors import ConflictError
from custinfo.core.records import MemberKey, ModuleKey, RecordId
from custinfo.core.store_errors import field_reserved, stale_version
from custinfo.core.stored import ValueCodec, instant_to_text
from custinfo.core.stored_requests import request_from_json, request_to_json
from custinfo.ports.repositories import RequestQuery

__all__ = ["SqlAlchemyApprovals", "mark_rows", "request_row", "reservation_rows", "task_rows"]


def request_row(request: Request, codec: ValueCodec) -> dict[str, Any]:
    """Return what the row of a request holds beside its key."""
    return {
        "module": request.module,
        "record_id": request.record_id,
        "state": request.state,
        "submitted_by": request.submitted_by,
        "submitted_at": instant_to_text(request.submitted_at),
        "version": request.version,
        "data": request_to_json(request, codec),
    }


def task_rows(request: Request, tenant: str) -> list[dict[str, Any]]:
    """Return one row for each member whom a request waits for."""
    members = sorted(request.waiting_for())
    return [{"tenant_id": tenant, "request_id": request.id, "approver": member} for member in members]


def reservation_rows(request: Request, tenant: str) -> list[dict[str, Any]]:
    """Return one row for each field that a request reserves."""
    key = {"tenant_id": tenant, "request_id": request.id}
    return [{**key, "record_id": record, "field": field} for record, field in sorted(set(request.reservations()))]


class _StaleError(Exception):
    """The request is stored at another version than expected."""


class _ReservedError(Exception):
    """Another open request reserves one of the fields."""


class SqlAlchemyApprovals:
    """Keep requests in `approval_request`; what they reserve and whom they ask stands in tables of its own."""

    def __init__(self, context: Context) -> None:
        """Work within the unit that `context` belongs to."""
        self._context = context

    def get(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those that exist."""
        columns = self._context.tables.request.c
        parts = chunked(tuple(request_ids))
        found = [request for part in parts for request in self._requests(self._select().where(columns.id.in_(part)))]
        return {request.id: request for request in found}

    def save(self, request: Request, /) -> None:
        """Insert or replace the request within a savepoint, or raise and change nothing."""
        failure: ConflictError | None = None
        try:
            with self._context.savepoint():
                self._save(request)
        except _StaleError:
            failure = self._stale(request)
        except _ReservedError:
            failure = self._reserved(request)
        if failure is not None:
            raise failure

    def open_for(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return the open requests about these records, oldest first."""
        tenant, found = self._context.tenant, {}
        for part in chunked(tuple(record_ids)):
            keys = padded(part)
            asked = partial(self._open_for, len(keys))
            for owner, data in self._context.ask(Question(("open_for", len(keys)), asked, (tenant, module, *keys))):
                whole = json.loads(data) if type(data) is str else data
                request = request_from_json(whole, self._context.module(owner).codec)
                found[request.id] = request
        return sorted(found.values(), key=lambda request: (request.submitted_at, request.id))

    def _open_for(self, count: int) -> Select[Any]:
        """Return the statement that every change of a record asks, whose building would take longest."""
        columns, reserved = self._context.tables.request.c, self._context.tables.reservation.c
        module = given_parameter(Given(1), columns.module.type)
        ids = [given_parameter(Given(place), columns.record_id.type) for place in range(2, count + 2)]
        held = select(reserved.request_id).where(reserved.tenant_id == TENANT, reserved.record_id.in_(ids))
        return select(columns.module, columns.data).where(
            columns.tenant_id == TENANT,
            or_(columns.record_id.in_(ids), and_(columns.record_id == "", columns.id.in_(held))),
            columns.module == module,
            or_(*(columns.state == state for state in sorted(OPEN_STATES))),
        )

    def waiting_for(self, member: MemberKey, /) -> Sequence[Request]:
        """Return the requests in which the member has a task that is open now, oldest first."""
        request, task = self._context.tables.request.c, self._context.tables.task.c
        asked = select(task.request_id).where(task.tenant_id == self._context.tenant, task.approver == member)
        statement = self._select().where(request.id.in_(asked))
        return self._requests(statement.order_by(request.submitted_at, request.id))

    def submitted_by(self, member: MemberKey, /) -> Sequence[Request]:
        """Return the member's own requests, newest first."""
        columns = self._context.tables.request.c
        statement = self._select().where(columns.submitted_by == member)
        return self._requests(statement.order_by(columns.submitted_at.desc(), columns.id.desc()))

    def find(self, query: RequestQuery, /) -> Sequence[Request]:
        """Return the requests in order."""
        return self._requests(finding(self._context, query))

    def count(self, query: RequestQuery, /) -> int:
        """Return how many requests there are."""
        return int(self._context.execute(counting(self._context, query)).scalar_one())

    def due(self, moment: datetime, limit: int, /) -> Sequence[Request]:
        """Return the pending requests whose time limit passed by then, the longest overdue first."""
        return self._requests(due(self._context, moment, limit))

    def _select(self) -> Select[Any]:
        columns = self._context.tables.request.c
        return select(columns.module, columns.data).where(columns.tenant_id == self._context.tenant)

    def _requests(self, statement: Select[Any]) -> list[Request]:
        return [
            request_from_json(data, self._context.module(module).codec)
            for module, data in self._context.execute(statement)
        ]

    def _save(self, request: Request) -> None:
        row = request_row(request, self._context.module(request.module).codec)
        if request.version == 1:
            self._insert({"tenant_id": self._context.tenant, "id": request.id, **row})
        else:
            self._update(request, row)
        self._write_tasks(request)
        self._write_reservations(request)

    def _insert(self, row: dict[str, Any]) -> None:
        try:
            self._context.attempt(insert(self._context.tables.request), [row])
        except ClashError:
            raise _StaleError from None

    def _update(self, request: Request, row: dict[str, Any]) -> None:
        tables = self._context.tables
        columns = tables.request.c
        same = (columns.tenant_id == self._context.tenant) & (columns.id == request.id)
        statement = update(tables.request).where(same, columns.version == request.version - 1).values(**row)
        if self._context.execute(statement).rowcount != 1:
            raise _StaleError
        for table in (tables.task, tables.reservation, tables.mark):
            mine = (table.c.tenant_id == self._context.tenant) & (table.c.request_id == request.id)
            self._context.execute(delete(table).where(mine))

    def _write_tasks(self, request: Request) -> None:
        rows = task_rows(request, self._context.tenant)
        if rows:
            self._context.execute(insert(self._context.tables.task), rows)
        marks = mark_rows(request, self._context.tenant)
        if marks:
            self._context.execute(insert(self._context.tables.mark), marks)

    def _write_reservations(self, request: Request) -> None:
        rows = reservation_rows(request, self._context.tenant)
        if not rows:
            return
        try:
            self._context.attempt(insert(self._context.tables.reservation), rows)
        except ClashError:
            raise _ReservedError from None

    def _stale(self, request: Request) -> ConflictError:
        columns = self._context.tables.request.c
        same = (columns.tenant_id == self._context.tenant) & (columns.id == request.id)
        statement = select(columns.version).where(same).with_for_update(read=True)
        return stale_version(request.version - 1, self._context.execute(statement).scalar() or 0)

    def _reserved(self, request: Request) -> ConflictError:
        columns = self._context.tables.reservation.c
        mine = set(request.reservations())
        statement = select(columns.record_id, columns.field, columns.request_id).where(
            columns.tenant_id == self._context.tenant,
            columns.record_id.in_(sorted({record for record, _ in mine})),
            columns.field.in_(sorted({field for _, field in mine})),
            columns.request_id != request.id,
        )
        rows = self._context.execute(statement.order_by(columns.record_id).with_for_update(read=True))
        # The statement finds each of the fields on each of the records: some of that is in nobody's way.
        holders = {field: holder for record, field, holder in rows if (record, field) in mine}
        return field_reserved(holders) if holders else stale_version(request.version - 1, request.version)

"""Finding approval requests: who has which part in them, which flow they take, and which are due."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.core.approval.requests import OPEN_STATES, Request
from custinfo.core.stored import instant_to_text
from custinfo.ports.repositories import RequestQuery

__all__ = ["counting", "due", "finding", "mark_rows"]


def mark_rows(request: Request, tenant: str) -> list[dict[str, Any]]:
    """Return the rows by which a request is found beside its tasks: who decided, its flows, and when it is due."""
    marks = {("decided", member) for member in request.decided_by()}
    marks |= {("flow", key) for key, _ in request.flows}
    if request.due_at is not None:
        marks.add(("due", instant_to_text(request.due_at)))
    if request.state in OPEN_STATES:
        marks.add(("open", instant_to_text(request.submitted_at)))
    key = {"tenant_id": tenant, "request_id": request.id}
    return [{**key, "kind": kind, "value": value} for kind, value in sorted(marks)]


def finding(context: Context, query: RequestQuery) -> Select[Any]:
    """Return the statement for a page of requests."""
    columns = context.tables.request.c
    statement = select(columns.module, columns.data).where(*_conditions(context, query))
    keys = (columns.submitted_at, columns.id)
    if query.after is not None:
        moment, request_id = instant_to_text(query.after[0]), query.after[1]
        one, other = keys
        if query.newest_first:
            statement = statement.where(or_(one < moment, and_(one == moment, other < request_id)))
        else:
            statement = statement.where(or_(one > moment, and_(one == moment, other > request_id)))
    ordered = statement.order_by(*(key.desc() if query.newest_first else key.asc() for key in keys))
    return ordered if query.limit is None else ordered.limit(query.limit)


def counting(context: Context, query: RequestQuery) -> Select[Any]:
    """Return the statement that counts requests."""
    return select(func.count()).select_from(context.tables.request).where(*_conditions(context, query))


def due(context: Context, moment: datetime, limit: int) -> Select[Any]:
    """Return the statement for the requests that are overdue longest."""
    request, mark = context.tables.request.c, context.tables.mark.c
    joined = context.tables.request.join(
        context.tables.mark, and_(mark.tenant_id == request.tenant_id, mark.request_id == request.id)
    )
    statement = select(request.module, request.data).select_from(joined)
    mine = (request.tenant_id == context.tenant, mark.tenant_id == context.tenant, mark.kind == "due")
    passed = mark.value <= instant_to_text(moment)
    return statement.where(*mine, passed).order_by(mark.value, request.id).limit(limit)


def _conditions(context: Context, query: RequestQuery) -> list[ColumnElement[bool]]:
    columns = context.tables.request.c
    found = [columns.tenant_id == context.tenant, _part(context, query)]
    if query.modules is not None:
        found.append(columns.module.in_(query.modules))
    if query.states is not None:
        found.append(columns.state.in_(query.states))
    if query.flow is not None:
        found.append(columns.id.in_(_marked(context, "flow", query.flow)))
    if query.record_id is not None:
        reservation = context.tables.reservation.c
        held = select(reservation.request_id).where(
            reservation.tenant_id == context.tenant, reservation.record_id == query.record_id
        )
        found.append(or_(columns.record_id == query.record_id, columns.id.in_(held)))
    return found


def _part(context: Context, query: RequestQuery) -> ColumnElement[bool]:
    columns, task = context.tables.request.c, context.tables.task.c
    match query.part:
        case "deciding":
            asked = select(task.request_id).where(task.tenant_id == context.tenant, task.approver == query.member)
            return columns.id.in_(asked)
        case "submitted":
            return columns.submitted_by == (query.member or "")
        case "decided":
            return columns.id.in_(_marked(context, "decided", query.member or ""))
        case "open":
            return columns.id.in_(_marked(context, "open", None))


def _marked(context: Context, kind: str, value: str | None) -> Select[Any]:
    mark = context.tables.mark.c
    statement = select(mark.request_id).where(mark.tenant_id == context.tenant, mark.kind == kind)
    return statement if value is None else statement.where(mark.value == value)

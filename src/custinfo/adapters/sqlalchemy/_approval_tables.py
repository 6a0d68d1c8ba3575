"""The tables of approval requests, and of what they are found by."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from custinfo.adapters.sqlalchemy._making import INSTANT, NAME, TableMaker, key, number, text
from custinfo.adapters.sqlalchemy._types import JsonText

__all__ = ["approval_tables"]


def approval_tables(maker: TableMaker) -> dict[str, Table]:
    """Return the tables of requests and what is beside them, by the names of `Tables`."""
    return {
        "request": _request(maker),
        "task": _beside(maker, "approval_task", key("approver", NAME), key("request_id")),
        "reservation": _beside(maker, "approval_reservation", key("record_id"), key("field"), text("request_id")),
        "mark": _beside(maker, "approval_mark", key("kind"), key("value", NAME), key("request_id")),
    }


def _request(maker: TableMaker) -> Table:
    request = maker.table(
        "approval_request",
        key("id"),
        text("module"),
        text("record_id"),
        text("state"),
        text("submitted_by", NAME),
        text("submitted_at", INSTANT),
        number("version"),
        Column("data", JsonText, nullable=False),
    )
    columns = request.c
    Index(f"{request.name}_record", columns.tenant_id, columns.record_id, columns.submitted_at)
    Index(f"{request.name}_submitter", columns.tenant_id, columns.submitted_by, columns.submitted_at)
    return request


def _beside(maker: TableMaker, name: str, *columns: Column[str]) -> Table:
    """Return a table of rows that belong to a request, by which they are found again."""
    table = maker.table(name, *columns, rowid=False)
    Index(f"{table.name}_request", table.c.tenant_id, table.c.request_id)
    return table

"""The tables of what is written down beside records: imports, the access log, configurations, and events."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table

from custinfo.adapters.sqlalchemy._making import INSTANT, NAME, TableMaker, key, number, text
from custinfo.adapters.sqlalchemy._types import JsonText, LongText

__all__ = ["ledger_tables"]

_EVENT: Final = 255


def ledger_tables(maker: TableMaker) -> dict[str, Table]:
    """Return these tables by the names of `Tables`; of `configuration`, what is in force, a tenant's row is locked."""
    accessed = (key("record_id"), key("access_id"))
    return {
        "batch": _batch(maker),
        "access": _access(maker),
        "accessed": maker.table("access_record", *accessed, rowid=False),
        "configuration": maker.table("configuration", Column("version", Integer, nullable=False)),
        "revision": _revision(maker),
        "outbox": _outbox(maker),
    }


def _batch(maker: TableMaker) -> Table:
    table = maker.table(
        "import_batch",
        key("id"),
        text("module"),
        text("digest", NAME),
        text("actor", NAME),
        text("started_at", INSTANT),
        text("state"),
        Column("position", Integer, nullable=False),
        Column("counts", JsonText, nullable=False),
        Column("requests", JsonText, nullable=False),
    )
    Index(f"{table.name}_digest", table.c.tenant_id, table.c.module, table.c.digest)
    return table


def _access(maker: TableMaker) -> Table:
    access = maker.table(
        "access_log",
        key("id"),
        text("module"),
        text("actor", NAME),
        text("at", INSTANT),
        number("count"),
        Column("data", JsonText, nullable=False),
    )
    columns = access.c
    Index(f"{access.name}_module", columns.tenant_id, columns.module, columns.id)
    Index(f"{access.name}_actor", columns.tenant_id, columns.actor, columns.id)
    return access


def _revision(maker: TableMaker) -> Table:
    return maker.table(
        "configuration_revision",
        Column("version", Integer, primary_key=True, autoincrement=False),
        text("at", INSTANT),
        text("actor", NAME, null=True),
        Column("undone", Integer, nullable=True),
        Column("reason", LongText, nullable=True),
        Column("data", LongText, nullable=False),
    )


def _outbox(maker: TableMaker) -> Table:
    """Return the table of events that are not delivered yet: few, and so without an index beside its key."""
    return maker.table(
        "outbox",
        key("id"),
        text("key", _EVENT),
        text("at", INSTANT),
        text("type"),
        Column("attempts", Integer, nullable=False),
        text("held_until", INSTANT, null=True),
        Column("payload", JsonText, nullable=False),
    )

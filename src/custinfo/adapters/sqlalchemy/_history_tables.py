"""The tables of the history: the changes, how many of them have a position, and the anchors."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table

from custinfo.adapters.sqlalchemy._making import INSTANT, NAME, TableMaker, key, number, numbered, text
from custinfo.adapters.sqlalchemy._types import JsonText

__all__ = ["history_tables"]

_EVIDENCE: Final = 500


def history_tables(maker: TableMaker) -> dict[str, Table]:
    """Return the tables of the history, by the names of `Tables`; of `feed` a tenant's row is locked."""
    return {
        "change": _change(maker),
        "feed": maker.table("change_feed", number("position")),
        "anchor": maker.table(
            "history_anchor",
            numbered("number"),
            text("tenant", NAME),
            text("at", INSTANT),
            number("position"),
            number("unproven"),
            text("root"),
            text("key_id"),
            text("seal"),
        ),
    }


def _change(maker: TableMaker) -> Table:
    table = maker.table(
        "change",
        key("record_id"),
        numbered("version"),
        text("module"),
        text("at", INSTANT),
        text("actor", NAME),
        text("action"),
        text("channel"),
        text("on_behalf_of", NAME, null=True),
        text("approval", null=True),
        text("batch", null=True),
        Column("configuration_version", Integer, nullable=False),
        Column("reason", JsonText, nullable=True),
        Column("fields", JsonText, nullable=False),
        text("evidence", _EVIDENCE, null=True),
        number("position", null=True),
    )
    Index(f"{table.name}_position", table.c.tenant_id, table.c.position)
    given = table.c.batch.is_not(None)
    columns = (table.c.tenant_id, table.c.batch, table.c.record_id, table.c.version)
    Index(f"{table.name}_batch", *columns, sqlite_where=given, postgresql_where=given)
    return table

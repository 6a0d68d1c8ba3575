"""The tables of records: narrow rows with slots for indexed fields, and what belongs to each record beside them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Index, Table, UniqueConstraint

from custinfo.adapters.sqlalchemy._making import INSTANT, NAME, TableMaker, key, number, text
from custinfo.adapters.sqlalchemy._types import Document, JsonText

__all__ = ["NUMBER_SLOTS", "SLOT_LENGTH", "TEXT_SLOTS", "record_tables"]

TEXT_SLOTS: Final = tuple(f"t{number}" for number in range(1, 13))
"""Columns for indexed fields whose stored form is a text: texts, choices, dates, people, references."""

NUMBER_SLOTS: Final = tuple(f"n{number}" for number in range(1, 9))
"""Columns for indexed fields whose stored form is a whole number: numbers, money, booleans."""

SLOT_LENGTH: Final = 500
"""Longest text that a slot takes; fields that allow longer ones are read from the document."""

_TAG: Final = 255


def record_tables(maker: TableMaker) -> dict[str, Table]:
    """Return the tables of records, of their parts, and of what is in which slot, by the names of `Tables`."""
    return {
        "record": _record(maker),
        "document": _document(maker),
        "tag": _tag(maker),
        "share": _share(maker),
        "unique": _unique(maker),
        "slot": _slot(maker),
    }


def _record(maker: TableMaker) -> Table:
    table = maker.table(
        "record",
        key("id"),
        text("module"),
        text("owner_id", NAME, null=True),
        text("department_id", NAME, null=True),
        text("created_by", NAME, null=True),
        number("version"),
        text("created_at", INSTANT),
        text("updated_at", INSTANT),
        text("archived_at", INSTANT, null=True),
        *(text(slot, SLOT_LENGTH, null=True) for slot in TEXT_SLOTS),
        *(number(slot, null=True) for slot in NUMBER_SLOTS),
    )
    _index_records(table)
    return table


def _index_records(table: Table) -> None:
    """Index lists and slots; each index ends with what row scopes look at, so that few rows are visited in vain."""
    columns = table.c
    scope = (columns.owner_id, columns.department_id, columns.archived_at)
    lead = (columns.tenant_id, columns.module)
    Index(f"{table.name}_list", *lead, columns.id, *scope)
    Index(f"{table.name}_updated", *lead, columns.updated_at, columns.id, *scope)
    Index(f"{table.name}_owner", *lead, columns.owner_id, columns.id, columns.department_id, columns.archived_at)
    Index(f"{table.name}_department", *lead, columns.department_id, columns.id, columns.owner_id, columns.archived_at)
    for slot in (*TEXT_SLOTS, *NUMBER_SLOTS):
        present = columns[slot].is_not(None)
        options: dict[str, Any] = {"sqlite_where": present, "postgresql_where": present}
        if slot in TEXT_SLOTS:  # MariaDB and MySQL have room for 3072 bytes, of which the slot may take 2000
            options["mysql_length"] = {"department_id": 1, "owner_id": 1}
        seen = (columns.department_id, columns.owner_id, columns.archived_at)
        Index(f"{table.name}_{slot}", *lead, columns[slot], columns.id, *seen, **options)


def _document(maker: TableMaker) -> Table:
    return maker.table(
        "record_document",
        key("record_id"),
        Column("data", Document, nullable=False),
        Column("tags", JsonText, nullable=True),
        Column("data_keys", JsonText, nullable=True),
    )


def _tag(maker: TableMaker) -> Table:
    tag = maker.table("record_tag", key("record_id"), key("dimension"), key("value", _TAG), rowid=False)
    Index(f"{tag.name}_value", tag.c.tenant_id, tag.c.dimension, tag.c.value, tag.c.record_id)
    return tag


def _share(maker: TableMaker) -> Table:
    keys = (key("record_id"), key("kind"), key("key", NAME))
    share = maker.table("record_share", *keys, text("level"), text("until", INSTANT, null=True), rowid=False)
    Index(f"{share.name}_key", share.c.tenant_id, share.c.kind, share.c.key, share.c.record_id)
    return share


def _unique(maker: TableMaker) -> Table:
    keys = (key("module"), key("field"), key("value", SLOT_LENGTH))
    unique = maker.table("record_unique", *keys, text("record_id"), rowid=False)
    Index(f"{unique.name}_record", unique.c.tenant_id, unique.c.record_id)
    return unique


def _slot(maker: TableMaker) -> Table:
    once = UniqueConstraint("tenant_id", "module", "slot", name=f"{maker.prefix}field_slot_once")
    columns = (text("slot"), text("state"), text("filled_to", null=True), once)
    return maker.table("field_slot", key("module"), key("field"), *columns, rowid=False)

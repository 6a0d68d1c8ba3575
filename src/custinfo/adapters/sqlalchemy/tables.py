"""The tables: narrow rows with slots for indexed fields, and everything else as JSON beside them.

Every key and index starts with the tenant, so that the tables can be partitioned or distributed by it. There are no
sequences and no foreign keys. A field that is declared `indexed` is given one of the slot columns of `record`, so
that no table changes at run time.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import attrs
from sqlalchemy import MetaData, Table

from custinfo.adapters.sqlalchemy._approval_tables import approval_tables
from custinfo.adapters.sqlalchemy._history_tables import history_tables
from custinfo.adapters.sqlalchemy._ledger_tables import ledger_tables
from custinfo.adapters.sqlalchemy._making import TableMaker
from custinfo.adapters.sqlalchemy._partitions import partitioning
from custinfo.adapters.sqlalchemy._record_tables import NUMBER_SLOTS, SLOT_LENGTH, TEXT_SLOTS, record_tables
from custinfo.adapters.sqlalchemy._title_tables import TITLE_START, title_tables

__all__ = [
    "NUMBER_SLOTS",
    "SLOT_LENGTH",
    "TEXT_SLOTS",
    "TITLE_START",
    "Tables",
    "full_text_of",
    "make_tables",
    "shared_tables",
]


@attrs.frozen(eq=False)
class Tables:
    """Hold the tables of one prefix.

    Args:
        record: One row a record, with its system fields and the slots of its indexed fields.
        document: The values, tags and data keys of each record, as JSON.
        tag: One row for each tag of a record.
        share: One row for each of those with whom a record is shared.
        unique: The unique values of live records: the key lets nobody else have one.
        slot: Which indexed field is in which slot, and how far that is filled.
        title: The titles of records in their searchable form.
        gram: Pairs of characters of titles, where the database has no index for parts of texts (MariaDB, MySQL).
        titled: Which title fields are indexed, and how far that is filled.
        change: The history, one row for each version of a record.
        feed: How many changes have a position, one row a tenant.
        anchor: The anchors of the history.
        request: The approval requests.
        task: Who has to decide on which request now.
        reservation: The fields that open requests reserve: the key lets no other request have one.
        mark: What else requests are found by: flow, decisions, time limits, further records.
        batch: The imports.
        access: The access log.
        accessed: Which records the entries of the access log name.
        configuration: The version of the configuration in force, one row a tenant.
        revision: Every version of the configuration.
        outbox: The events that are not delivered yet.
    """

    record: Table
    document: Table
    tag: Table
    share: Table
    unique: Table
    slot: Table
    title: Table
    gram: Table
    titled: Table
    change: Table
    feed: Table
    anchor: Table
    request: Table
    task: Table
    reservation: Table
    mark: Table
    batch: Table
    access: Table
    accessed: Table
    configuration: Table
    revision: Table
    outbox: Table


def full_text_of(tables: Tables) -> Table:
    """Return the full-text index beside `title`, which only SQLite has; the column with its name takes commands."""
    index: Table = tables.title.info["full_text"]
    return index


def make_tables(
    metadata: MetaData, *, prefix: str = "custinfo_", schema: str | None = None, partitions: int | None = None
) -> Tables:
    """Add the tables to `metadata` and return them.

    For a host that keeps all its tables in one `MetaData`; custinfo's own migrations make the same tables, and so does
    `SqlAlchemyUnits.create_tables`.

    Args:
        metadata: The host's collection of tables.
        prefix: What their names start with.
        schema: The database schema they live in; the connection's own if `None`.
        partitions: Into how many partitions PostgreSQL spreads each table by a hash of the tenant; `None` for tables
            that are whole. Other databases take no notice.
    """
    options: dict[str, Any] = {"schema": schema, "mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}
    if partitions is not None:
        options |= partitioning(partitions)
    maker = TableMaker(metadata, prefix, options)
    return Tables(
        **record_tables(maker),
        **title_tables(maker),
        **history_tables(maker),
        **approval_tables(maker),
        **ledger_tables(maker),
    )


@cache
def shared_tables(prefix: str, schema: str | None) -> Tables:
    """Return the tables of a prefix, made once, so that statements over them are compiled once."""
    return make_tables(MetaData(), prefix=prefix, schema=schema)

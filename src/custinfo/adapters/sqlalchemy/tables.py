"""The tables: narrow rows with slots for indexed fields, and everything else as JSON beside them.

Every key and index starts with the tenant, so that the tables can be partitioned or distributed by it. There are no
sequences and no foreign keys. A field that is declared `indexed` is given one of the slot columns of `record`, so
that no table changes at run time.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import attrs
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.dialects import sqlite

from custinfo.adapters.sqlalchemy._partitions import partitioning
from custinfo.adapters.sqlalchemy._types import CodePointText, Document, JsonText, LongText, Tokens

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

TEXT_SLOTS: Final = tuple(f"t{number}" for number in range(1, 13))
"""Columns for indexed fields whose stored form is a text: texts, choices, dates, people, references."""

NUMBER_SLOTS: Final = tuple(f"n{number}" for number in range(1, 9))
"""Columns for indexed fields whose stored form is a whole number: numbers, money, booleans."""

SLOT_LENGTH: Final = 500
"""Longest text that a slot takes; fields that allow longer ones are read from the document."""

TITLE_START: Final = 120
"""So many characters of a title are in the index that has titles in order: nearly all names are shorter."""

_KEY: Final = 64
_NAME: Final = 128
_TAG: Final = 255
_INSTANT: Final = 32
_EVIDENCE: Final = 500


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


def _text(name: str, length: int = _KEY, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, CodePointText(length), primary_key=key, nullable=null)


def _key(name: str) -> Column[str]:
    return _text(name, key=True)


def _record(metadata: MetaData, name: str, options: dict[str, Any]) -> Table:
    table = Table(
        name,
        metadata,
        _key("tenant_id"),
        _key("id"),
        _text("module"),
        _text("owner_id", _NAME, null=True),
        _text("department_id", _NAME, null=True),
        _text("created_by", _NAME, null=True),
        Column("version", BigInteger, nullable=False),
        _text("created_at", _INSTANT),
        _text("updated_at", _INSTANT),
        _text("archived_at", _INSTANT, null=True),
        *(_text(slot, SLOT_LENGTH, null=True) for slot in TEXT_SLOTS),
        *(Column(slot, BigInteger, nullable=True) for slot in NUMBER_SLOTS),
        **options,
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


def _record_parts(metadata: MetaData, prefix: str, options: dict[str, Any]) -> tuple[Table, Table, Table, Table]:
    narrow = {"sqlite_with_rowid": False, **options}
    document = Table(
        f"{prefix}record_document",
        metadata,
        _key("tenant_id"),
        _key("record_id"),
        Column("data", Document, nullable=False),
        Column("tags", JsonText, nullable=True),
        Column("data_keys", JsonText, nullable=True),
        **options,
    )
    tag_keys = (_key("tenant_id"), _key("record_id"), _key("dimension"), _text("value", _TAG, key=True))
    tag = Table(f"{prefix}record_tag", metadata, *tag_keys, **narrow)
    Index(f"{tag.name}_value", tag.c.tenant_id, tag.c.dimension, tag.c.value, tag.c.record_id)
    unique_keys = (_key("tenant_id"), _key("module"), _key("field"), _text("value", SLOT_LENGTH, key=True))
    unique = Table(f"{prefix}record_unique", metadata, *unique_keys, _text("record_id"), **narrow)
    Index(f"{unique.name}_record", unique.c.tenant_id, unique.c.record_id)
    share_keys = (_key("tenant_id"), _key("record_id"), _key("kind"), _text("key", _NAME, key=True))
    ends = _text("until", _INSTANT, null=True)
    share = Table(f"{prefix}record_share", metadata, *share_keys, _text("level"), ends, **narrow)
    Index(f"{share.name}_key", share.c.tenant_id, share.c.kind, share.c.key, share.c.record_id)
    return document, tag, share, unique


def _slot(metadata: MetaData, name: str, options: dict[str, Any]) -> Table:
    return Table(
        name,
        metadata,
        _key("tenant_id"),
        _key("module"),
        _key("field"),
        _text("slot"),
        _text("state"),
        _text("filled_to", null=True),
        UniqueConstraint("tenant_id", "module", "slot", name=f"{name}_once"),
        sqlite_with_rowid=False,
        **options,
    )


def full_text_of(tables: Tables) -> Table:
    """Return the full-text index beside `title`, which only SQLite has; the column with its name takes commands."""
    index: Table = tables.title.info["full_text"]
    return index


def _has_order(*_: Any, dialect: Dialect, **__: Any) -> bool:
    """Tell whether titles are searched in their order: on MariaDB and MySQL that gains nothing."""
    return dialect.name in ("sqlite", "postgresql")


def _titles(metadata: MetaData, prefix: str, options: dict[str, Any]) -> tuple[Table, Table, Table]:
    """Return the table of titles in their searchable form, that of their pairs, and that of what is indexed."""
    narrow = {"sqlite_with_rowid": False, **options}
    title = Table(
        f"{prefix}record_title",
        metadata,
        _key("tenant_id"),
        _key("record_id"),
        _key("field"),
        _text("module"),
        Column("form", LongText, nullable=False),
        Column("doc", BigInteger, nullable=True),
        Column("tokens", Tokens, nullable=True),
        _text("department_id", _NAME, null=True),
        _text("start", TITLE_START, null=True),
        _text("brief", TITLE_START, null=True),
        **narrow,
    )
    order = ("tenant_id", "module", "field", "department_id", "start", "record_id", "brief")
    Index(f"{title.name}_order", *map(title.c.__getitem__, order)).ddl_if(callable_=_has_order)
    Index(f"{title.name}_doc", title.c.doc, unique=True).ddl_if(dialect="sqlite")
    Index(f"{title.name}_tokens", title.c.tokens, postgresql_using="gin").ddl_if(dialect="postgresql")
    _add_full_text(title, options["schema"])
    token = Column("token", BigInteger, primary_key=True, autoincrement=False)
    home = _text("department_id", _NAME, key=True)
    gram = Table(f"{prefix}record_gram", metadata, _key("tenant_id"), token, home, _key("record_id"), **narrow)
    titled = Table(
        f"{prefix}title_index",
        metadata,
        _key("tenant_id"),
        _key("module"),
        _key("field"),
        _text("state"),
        _text("filled_to", null=True),
        **narrow,
    )
    return title, gram, titled


def _add_full_text(title: Table, schema: str | None) -> None:
    """Let SQLite create and drop its index with the table of titles; it is no table of the metadata."""
    name = f"{title.name}_fts"
    quote = sqlite.dialect().identifier_preparer.quote

    def full(connection: Connection) -> str:
        translated = connection.get_execution_options().get("schema_translate_map") or {}
        home = translated.get(schema, schema)
        return (f"{quote(home)}." if home else "") + quote(name)

    def create(_: Table, connection: Connection, **__: Any) -> None:
        if connection.dialect.name == "sqlite":
            options = "content='', columnsize=0, detail=none, tokenize='ascii'"
            connection.exec_driver_sql(f"CREATE VIRTUAL TABLE {full(connection)} USING fts5(grams, {options})")

    def drop(_: Table, connection: Connection, **__: Any) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {full(connection)}")

    event.listen(title, "after_create", create)
    event.listen(title, "before_drop", drop)
    columns = (Column(name, Text), Column("rowid", BigInteger), Column("grams", Text))
    title.info["full_text"] = Table(name, MetaData(), *columns, schema=schema)


def _change(metadata: MetaData, name: str, options: dict[str, Any]) -> Table:
    table = Table(
        name,
        metadata,
        _key("tenant_id"),
        _key("record_id"),
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        _text("module"),
        _text("at", _INSTANT),
        _text("actor", _NAME),
        _text("action"),
        _text("channel"),
        _text("on_behalf_of", _NAME, null=True),
        _text("approval", null=True),
        _text("batch", null=True),
        Column("configuration_version", Integer, nullable=False),
        Column("reason", JsonText, nullable=True),
        Column("fields", JsonText, nullable=False),
        _text("evidence", _EVIDENCE, null=True),
        Column("position", BigInteger, nullable=True),
        **options,
    )
    Index(f"{name}_position", table.c.tenant_id, table.c.position)
    given = table.c.batch.is_not(None)
    columns = (table.c.tenant_id, table.c.batch, table.c.record_id, table.c.version)
    Index(f"{name}_batch", *columns, sqlite_where=given, postgresql_where=given)
    return table


def _log(metadata: MetaData, prefix: str, options: dict[str, Any]) -> tuple[Table, Table]:
    """Return the table of how many changes have a position, one row a tenant to be locked, and that of anchors."""
    position = Column("position", BigInteger, nullable=False)
    feed = Table(f"{prefix}change_feed", metadata, _key("tenant_id"), position, **options)
    anchor = Table(
        f"{prefix}history_anchor",
        metadata,
        _key("tenant_id"),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        _text("tenant", _NAME),
        _text("at", _INSTANT),
        Column("position", BigInteger, nullable=False),
        Column("unproven", BigInteger, nullable=False),
        _text("root"),
        _text("key_id"),
        _text("seal"),
        **options,
    )
    return feed, anchor


def _approvals(metadata: MetaData, prefix: str, options: dict[str, Any]) -> tuple[Table, Table, Table, Table]:
    narrow = {"sqlite_with_rowid": False, **options}
    request = Table(
        f"{prefix}approval_request",
        metadata,
        _key("tenant_id"),
        _key("id"),
        _text("module"),
        _text("record_id"),
        _text("state"),
        _text("submitted_by", _NAME),
        _text("submitted_at", _INSTANT),
        Column("version", BigInteger, nullable=False),
        Column("data", JsonText, nullable=False),
        **options,
    )
    columns = request.c
    Index(f"{request.name}_record", columns.tenant_id, columns.record_id, columns.submitted_at)
    Index(f"{request.name}_submitter", columns.tenant_id, columns.submitted_by, columns.submitted_at)
    task_keys = (_key("tenant_id"), _text("approver", _NAME, key=True), _key("request_id"))
    task = Table(f"{prefix}approval_task", metadata, *task_keys, **narrow)
    Index(f"{task.name}_request", task.c.tenant_id, task.c.request_id)
    reservation_keys = (_key("tenant_id"), _key("record_id"), _key("field"))
    reservation = Table(f"{prefix}approval_reservation", metadata, *reservation_keys, _text("request_id"), **narrow)
    Index(f"{reservation.name}_request", reservation.c.tenant_id, reservation.c.request_id)
    mark_keys = (_key("tenant_id"), _key("kind"), _text("value", _NAME, key=True), _key("request_id"))
    mark = Table(f"{prefix}approval_mark", metadata, *mark_keys, **narrow)
    Index(f"{mark.name}_request", mark.c.tenant_id, mark.c.request_id)
    return request, task, reservation, mark


def _batch(metadata: MetaData, name: str, options: dict[str, Any]) -> Table:
    table = Table(
        name,
        metadata,
        _key("tenant_id"),
        _key("id"),
        _text("module"),
        _text("digest", _NAME),
        _text("actor", _NAME),
        _text("started_at", _INSTANT),
        _text("state"),
        Column("position", Integer, nullable=False),
        Column("counts", JsonText, nullable=False),
        Column("requests", JsonText, nullable=False),
        **options,
    )
    Index(f"{name}_digest", table.c.tenant_id, table.c.module, table.c.digest)
    return table


def _accesses(metadata: MetaData, prefix: str, options: dict[str, Any]) -> tuple[Table, Table]:
    """Return the table of the access log, and that of the records that its entries name."""
    access = Table(
        f"{prefix}access_log",
        metadata,
        _key("tenant_id"),
        _key("id"),
        _text("module"),
        _text("actor", _NAME),
        _text("at", _INSTANT),
        Column("count", BigInteger, nullable=False),
        Column("data", JsonText, nullable=False),
        **options,
    )
    columns = access.c
    Index(f"{access.name}_module", columns.tenant_id, columns.module, columns.id)
    Index(f"{access.name}_actor", columns.tenant_id, columns.actor, columns.id)
    keys = (_key("tenant_id"), _key("record_id"), _key("access_id"))
    accessed = Table(f"{prefix}access_record", metadata, *keys, sqlite_with_rowid=False, **options)
    return access, accessed


def _configurations(metadata: MetaData, prefix: str, options: dict[str, Any]) -> tuple[Table, Table]:
    """Return the table of what is in force, one row a tenant to be locked, and that of all revisions."""
    version = Column("version", Integer, nullable=False)
    head = Table(f"{prefix}configuration", metadata, _key("tenant_id"), version, **options)
    revision = Table(
        f"{prefix}configuration_revision",
        metadata,
        _key("tenant_id"),
        Column("version", Integer, primary_key=True, autoincrement=False),
        _text("at", _INSTANT),
        _text("actor", _NAME, null=True),
        Column("undone", Integer, nullable=True),
        Column("reason", LongText, nullable=True),
        Column("data", LongText, nullable=False),
        **options,
    )
    return head, revision


def _outbox(metadata: MetaData, name: str, options: dict[str, Any]) -> Table:
    """Return the table of events that are not delivered yet: few, and so without an index beside its key."""
    return Table(
        name,
        metadata,
        _key("tenant_id"),
        _key("id"),
        _text("key", _TAG),
        _text("at", _INSTANT),
        _text("type"),
        Column("attempts", Integer, nullable=False),
        _text("held_until", _INSTANT, null=True),
        Column("payload", JsonText, nullable=False),
        **options,
    )


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
    document, tag, share, unique = _record_parts(metadata, prefix, options)
    feed, anchor = _log(metadata, prefix, options)
    request, task, reservation, mark = _approvals(metadata, prefix, options)
    title, gram, titled = _titles(metadata, prefix, options)
    configuration, revision = _configurations(metadata, prefix, options)
    access, accessed = _accesses(metadata, prefix, options)
    return Tables(
        record=_record(metadata, f"{prefix}record", options),
        document=document,
        tag=tag,
        share=share,
        unique=unique,
        title=title,
        gram=gram,
        titled=titled,
        slot=_slot(metadata, f"{prefix}field_slot", options),
        change=_change(metadata, f"{prefix}change", options),
        feed=feed,
        anchor=anchor,
        request=request,
        task=task,
        reservation=reservation,
        mark=mark,
        batch=_batch(metadata, f"{prefix}import_batch", options),
        access=access,
        accessed=accessed,
        configuration=configuration,
        revision=revision,
        outbox=_outbox(metadata, f"{prefix}outbox", options),
    )


@cache
def shared_tables(prefix: str, schema: str | None) -> Tables:
    """Return the tables of a prefix, made once, so that statements over them are compiled once."""
    return make_tables(MetaData(), prefix=prefix, schema=schema)

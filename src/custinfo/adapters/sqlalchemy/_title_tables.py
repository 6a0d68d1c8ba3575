"""The tables of titles, in the form in which they are searched, and SQLite's full-text index beside them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Dialect, Index, MetaData, Table, Text, event
from sqlalchemy.dialects import sqlite

from custinfo.adapters.sqlalchemy._making import NAME, TableMaker, key, number, numbered, text
from custinfo.adapters.sqlalchemy._types import LongText, Tokens

__all__ = ["TITLE_START", "title_tables"]

TITLE_START: Final = 120
"""So many characters of a title are in the index that has titles in order: nearly all names are shorter."""


def title_tables(maker: TableMaker) -> dict[str, Table]:
    """Return the tables of titles, of their pairs, and of what is indexed, by the names of `Tables`."""
    state = (text("state"), text("filled_to", null=True))
    home = key("department_id", NAME)
    return {
        "title": _title(maker),
        "gram": maker.table("record_gram", numbered("token"), home, key("record_id"), rowid=False),
        "titled": maker.table("title_index", key("module"), key("field"), *state, rowid=False),
    }


def _title(maker: TableMaker) -> Table:
    title = maker.table(
        "record_title",
        key("record_id"),
        key("field"),
        text("module"),
        Column("form", LongText, nullable=False),
        number("doc", null=True),
        Column("tokens", Tokens, nullable=True),
        text("department_id", NAME, null=True),
        text("start", TITLE_START, null=True),
        text("brief", TITLE_START, null=True),
        rowid=False,
    )
    order = ("tenant_id", "module", "field", "department_id", "start", "record_id", "brief")
    Index(f"{title.name}_order", *map(title.c.__getitem__, order)).ddl_if(callable_=_has_order)
    Index(f"{title.name}_doc", title.c.doc, unique=True).ddl_if(dialect="sqlite")
    Index(f"{title.name}_tokens", title.c.tokens, postgresql_using="gin").ddl_if(dialect="postgresql")
    _add_full_text(title, title.schema)
    return title


def _has_order(*_: Any, dialect: Dialect, **__: Any) -> bool:
    """Tell whether titles are searched in their order: on MariaDB and MySQL that gains nothing."""
    return dialect.name in ("sqlite", "postgresql")


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

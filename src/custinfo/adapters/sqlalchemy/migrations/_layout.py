"""Where the tables are and what they are called: what every revision needs to know, and says nothing about itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
from alembic import op
from sqlalchemy import Column, text
from sqlalchemy.schema import SchemaItem

from custinfo.adapters.sqlalchemy._partitions import partition_statements

__all__ = ["LAYOUT", "Layout", "layout_in_use"]

LAYOUT: Final = "custinfo"
"""Key of the layout among the attributes of Alembic's `Config`."""


@attrs.frozen
class Layout:
    """Create, change and drop tables by their own names, such as `record`.

    Args:
        prefix: What the names of the tables start with.
        schema: The database schema of the tables; the connection's own if `None`.
        partitions: Into how many partitions PostgreSQL spreads each new table by a hash of the tenant.
    """

    prefix: str = "custinfo_"
    schema: str | None = None
    partitions: int | None = None

    def create(self, name: str, *parts: SchemaItem, rowid: bool = True) -> None:
        """Create a table; on SQLite with a row id beside its key, or without."""
        options: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}
        if not rowid:
            options["sqlite_with_rowid"] = False
        if self.partitions is not None:
            options["postgresql_partition_by"] = "HASH (tenant_id)"
        op.create_table(f"{self.prefix}{name}", *parts, schema=self.schema, **options)
        if self.partitions is not None and dialect() == "postgresql":
            for statement in partition_statements(f"{self.prefix}{name}", self.schema, self.partitions):
                op.execute(statement)

    def index(self, table: str, name: str, columns: Sequence[str], *, where: str | None = None, **options: Any) -> None:
        """Create the index `{table}_{name}`, partial where the database has such."""
        if where is not None:
            options |= {"sqlite_where": text(where), "postgresql_where": text(where)}
        full = f"{self.prefix}{table}"
        op.create_index(f"{full}_{name}", full, list(columns), schema=self.schema, **options)

    def add(self, table: str, *columns: Column[Any]) -> None:
        """Add columns to a table."""
        for column in columns:
            op.add_column(f"{self.prefix}{table}", column, schema=self.schema)

    def remove(self, table: str, *columns: str) -> None:
        """Drop columns of a table."""
        for column in columns:
            op.drop_column(f"{self.prefix}{table}", column, schema=self.schema)

    def drop_index(self, table: str, name: str) -> None:
        """Drop the index `{table}_{name}`."""
        full = f"{self.prefix}{table}"
        op.drop_index(f"{full}_{name}", full, schema=self.schema)

    def drop(self, *names: str) -> None:
        """Drop tables, with their indexes and partitions."""
        for name in names:
            op.drop_table(f"{self.prefix}{name}", schema=self.schema)


def dialect() -> str:
    """Return the name of the database that is being migrated."""
    return op.get_context().dialect.name


def layout_in_use() -> Layout:
    """Return the layout that `configure` gave, or the usual one."""
    config = op.get_context().config
    found = None if config is None else config.attributes.get(LAYOUT)
    return found if isinstance(found, Layout) else Layout()

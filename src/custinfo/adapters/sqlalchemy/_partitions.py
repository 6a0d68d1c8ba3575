"""Hash partitions by tenant, as PostgreSQL declares them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import DDL, Connection, Table
from sqlalchemy.dialects import postgresql

__all__ = ["partition_statements", "partitioning"]


def partitioning(partitions: int) -> dict[str, Any]:
    """Return the options of a `Table` that PostgreSQL is to partition by a hash of the tenant.

    The partitions are created with the table, and dropped with it. Raises: ValueError for a number below 1.
    """
    if partitions < 1:
        raise ValueError(f"there must be at least one partition, not {partitions}")

    def create(table: Table, connection: Connection, **_: Any) -> None:
        if connection.dialect.name == "postgresql":
            for statement in partition_statements(table.name, table.schema, partitions):
                connection.execute(statement)

    return {"postgresql_partition_by": "HASH (tenant_id)", "listeners": [("after_create", create)]}


def partition_statements(table: str, schema: str | None, partitions: int) -> Iterator[DDL]:
    """Yield the statements that create the partitions of a table; that of remainder 3 is called `…_p3`."""
    quote = postgresql.dialect().identifier_preparer.quote  # type: ignore[no-untyped-call]
    where = f"{quote(schema)}." if schema else ""
    for number in range(partitions):
        # A percent sign would be taken for a parameter.
        name, parent = (f"{where}{quote(each)}".replace("%", "%%") for each in (f"{table}_p{number}", table))
        which = f"MODULUS {partitions}, REMAINDER {number}"
        yield DDL(f"CREATE TABLE {name} PARTITION OF {parent} FOR VALUES WITH ({which})")  # type: ignore[no-untyped-call]

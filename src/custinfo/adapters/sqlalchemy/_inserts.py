"""Inserting many whole rows through the driver's own `executemany`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from json import loads
from typing import Any

import attrs
from sqlalchemy import Dialect, Insert, Table, insert
from sqlalchemy.dialects import postgresql

from custinfo.adapters.sqlalchemy._types import LongText

__all__ = ["BulkInsert", "Rows", "bulk_insert", "insert_or_not", "texts_of", "unwritten", "without_blanks"]

Rows = Iterable[Sequence[Any]]
"""Rows as tuples of values, in the order of the columns that are named beside them; made one by one, soon forgotten."""


@attrs.frozen(eq=False)
class BulkInsert:
    """Hold the text of an `INSERT` for one database, and what makes rows its driver's parameters.

    SQLAlchemy prepares the parameters of every row anew, which takes half as long as SQLite takes to insert it; here
    it is asked once for the text, and for what the types do to values.

    Args:
        text: The statement in the driver's own style.
        names: The columns, in the order of the values.
        order: The places of the values in the order in which the driver takes them; `None` where it takes names.
        processors: Place of a value → what the type of its column does to it on its way to the driver.
        copy: The `COPY` that inserts many rows twice as fast, where there is one.
        one_by_one: Whether the driver asks for parameters when it comes to them.
    """

    text: str
    names: tuple[str, ...]
    order: tuple[int, ...] | None
    processors: tuple[tuple[int, Callable[[Any], Any]], ...]
    copy: str | None = None
    one_by_one: bool = False

    @property
    def streams(self) -> bool:
        """Whether the driver takes whole rows one by one as they are: then no two of them need be there at once."""
        return self.one_by_one and not self.processors and self.order == tuple(range(len(self.names)))

    def rows(self, rows: Rows) -> Rows:
        """Return rows in the order of the columns, with values as the driver takes them."""
        if not self.processors:
            yield from rows
            return
        for row in rows:
            values = list(row)
            for place, process in self.processors:
                values[place] = process(values[place])
            yield values

    def parameters(self, rows: Rows) -> list[Any]:
        """Return rows as the driver takes them."""
        order, names = self.order, self.names
        if not self.processors and order == tuple(range(len(names))):
            return list(rows)
        if order is None:
            return [dict(zip(names, values, strict=True)) for values in self.rows(rows)]
        return [tuple([values[place] for place in order]) for values in self.rows(rows)]


@lru_cache(maxsize=256)
def bulk_insert(
    table: Table,
    names: tuple[str, ...],
    dialect: Dialect,
    written: frozenset[str] = frozenset(),
    *,
    or_not: bool = False,
) -> BulkInsert:
    """Return the statement that inserts rows of the columns `names` into `table`.

    The values of the columns `written` are given as the database keeps them. With `or_not`, it is `insert_or_not`.
    """
    compiled: Any = (insert_or_not(table) if or_not else insert(table)).compile(
        dialect=dialect, column_keys=list(names)
    )
    order = tuple(map(names.index, compiled.positiontup)) if dialect.positional else None
    impls = (
        (place, table.c[name].type.dialect_impl(dialect)) for place, name in enumerate(names) if name not in written
    )
    processors = ((place, impl.bind_processor(dialect)) for place, impl in impls)
    found = tuple((place, process) for place, process in processors if process is not None)
    copied = dialect.name == "postgresql" and dialect.driver == "psycopg" and not dialect.is_async
    copy = _copy(table, names, dialect) if copied else None
    return BulkInsert(str(compiled), names, order, found, copy, dialect.driver == "pysqlite")


def insert_or_not(table: Table) -> Insert:
    """Return the statement by which PostgreSQL leaves out rows whose key is taken: errors end transactions there."""
    return postgresql.insert(table).on_conflict_do_nothing()


def without_blanks(names: tuple[str, ...], rows: list[Sequence[Any]]) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
    """Return names and rows without the columns that are blank in every row.

    They are blank anyhow, and Python's driver of SQLite takes as long for ten `None` as SQLite for a row.
    """
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    filled = {name: column for name, column in columns.items() if any(value is not None for value in column)}
    return (names, rows) if len(filled) == len(names) else (tuple(filled), list(zip(*filled.values(), strict=True)))


def _copy(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    preparer = dialect.identifier_preparer
    columns = ", ".join(map(preparer.quote, names))
    return f"COPY {preparer.format_table(table)} ({columns}) FROM STDIN"


def texts_of(table: Table, written: frozenset[str]) -> frozenset[str]:
    """Return those columns that SQLAlchemy makes a text of by itself."""
    return frozenset(name for name in written if not isinstance(table.c[name].type, LongText))


def unwritten(row: dict[str, Any], written: frozenset[str]) -> dict[str, Any]:
    """Return a row with JSON texts as data."""
    return {name: loads(value) if name in written else value for name, value in row.items()}

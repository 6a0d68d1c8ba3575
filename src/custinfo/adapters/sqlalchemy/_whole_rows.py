"""Whole rows of tables that stand beside entries: reading them, and what sets them right when it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from sqlalchemy import Column, ColumnElement, Table, delete, insert, select

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.core.records import Record

__all__ = ["WholeRow", "WholeRows"]

WholeRow = tuple[Any, ...]
"""The values of all columns, in their order."""


@attrs.frozen
class WholeRows:
    """Read and write whole rows of one tenant."""

    context: Context

    def anew(self, table: Table, record: Record, rows: Sequence[WholeRow]) -> Callable[[], bool]:
        """Return what writes the rows of a record in a table anew."""

        def rebuild() -> bool:
            self.delete(table, table.c.record_id == record.id)
            self.insert(table, rows)
            return True

        return rebuild

    def of(self, table: Table, column: Column[str], ids: Sequence[str]) -> dict[str, set[WholeRow]]:
        """Return the whole rows of records or requests, by id."""
        statement = select(column, *table.columns).where(table.c.tenant_id == self.context.tenant, column.in_(ids))
        found: dict[str, set[WholeRow]] = {}
        for key, *row in self.context.execute(statement):
            found.setdefault(key, set()).add(tuple(row))
        return found

    def holder(self, table: Table, row: WholeRow) -> Any:
        """Return the last column of the row that has the same primary key."""
        *_, last = table.columns
        return self.context.execute(select(last).where(*_same_key(table, row))).scalar()

    def giving_up(self, table: Table, row: WholeRow) -> Callable[[], bool]:
        """Return what deletes a row, if it is still as it was read."""

        def rebuild() -> bool:
            *_, last = table.columns
            self.context.execute(delete(table).where(*_same_key(table, row), last == row[-1]))
            return True

        return rebuild

    def taking(self, table: Table, row: WholeRow) -> Callable[[], bool]:
        """Return what writes a row in place of whichever has its key."""

        def rebuild() -> bool:
            self.context.execute(delete(table).where(*_same_key(table, row)))
            self.insert(table, [row])
            return True

        return rebuild

    def insert(self, table: Table, rows: Sequence[WholeRow]) -> None:
        """Write new rows."""
        names = [column.name for column in table.columns]
        if rows:
            self.context.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])

    def delete(self, table: Table, condition: ColumnElement[bool]) -> None:
        """Delete the tenant's rows that meet a condition."""
        self.context.execute(delete(table).where(table.c.tenant_id == self.context.tenant, condition))


def _same_key(table: Table, row: WholeRow) -> list[ColumnElement[bool]]:
    names = [column.name for column in table.columns]
    return [column == row[names.index(column.name)] for column in table.primary_key.columns]

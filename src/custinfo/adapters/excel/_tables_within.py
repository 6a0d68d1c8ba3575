"""A table that is another one with other rows: a sample of them, or the same ones with something replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from custinfo.workspace.importing import SourceTable
from custinfo.workspace.planned_rows import RawValues

__all__ = ["TableWithin"]


@attrs.frozen
class TableWithin:
    """A table with the name, headings and columns of another one, and rows of its own."""

    table: SourceTable
    _make_rows: Callable[[], Iterator[tuple[int, RawValues]]] = attrs.field(repr=False, alias="make_rows")

    @property
    def sheet(self) -> str:
        """The name of the sheet."""
        return self.table.sheet

    @property
    def header(self) -> tuple[str, ...]:
        """The headings."""
        return self.table.header

    @property
    def header_row(self) -> int:
        """The row of the headings, from 1."""
        return self.table.header_row

    @property
    def columns(self) -> tuple[int, ...]:
        """The numbers of the columns, from 1."""
        return self.table.columns

    def rows(self) -> Iterator[tuple[int, RawValues]]:
        """Yield the number of each row and its values."""
        return self._make_rows()

"""Masks in a file: what an export shows in place of a value is never taken for the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import attrs

from custinfo.adapters.excel.reading import Table
from custinfo.core.kinds.masks import MASK
from custinfo.core.records import Masked
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.import_columns import lettered

__all__ = ["GuardedTable"]

_BLOCK: Final = 256


@attrs.frozen
class GuardedTable:
    """A table in which text that is a mask can no longer be taken for a value."""

    table: Table
    places: tuple[int, ...]

    @classmethod
    def of(cls, table: Table, schema: ModuleSchema, mapping: Mapping[str, str]) -> GuardedTable:
        """Guard the columns of fields of which some people see a part only."""
        places, named = [], lettered(table, mapping)
        for place, heading in enumerate(table.header):
            key = schema.resolve(named.get(place, heading))
            field = schema.definition.fields.get(key) if key else None
            if field is not None and (field.mask or field.sensitivity != "normal"):
                places.append(place)
        return cls(table, tuple(places))

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

    def rows(self) -> Iterator[tuple[int, tuple[object, ...]]]:
        """Yield the number of each row and its values."""
        rows = self.table.rows()
        while block := list(islice(rows, _BLOCK)):
            if any(MASK in self.texts(block, place) for place in self.places):
                yield from ((number, tuple(map(_guarded, values, self.watched))) for number, values in block)
            else:
                yield from block

    @property
    def watched(self) -> list[bool]:
        """Which columns are of fields that have masks."""
        return [place in self.places for place in range(len(self.header))]

    def texts(self, block: Sequence[tuple[int, tuple[object, ...]]], place: int) -> str:
        """Return all texts of a column together: one search is faster than many."""
        return "\n".join([text for _, values in block if type(text := values[place]) is str])


def _guarded(value: object, watched: bool) -> object:
    return Masked(value) if watched and isinstance(value, str) and MASK in value else value

"""Masks in a file: what an export shows in place of a value is never taken for the value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final

from custinfo.adapters.excel._tables_within import TableWithin
from custinfo.core.kinds.masks import MASK
from custinfo.core.records import Masked
from custinfo.core.schema import ModuleSchema
from custinfo.core.suggesting import Headings
from custinfo.workspace.import_columns import lettered
from custinfo.workspace.importing import SourceTable
from custinfo.workspace.planned_rows import RawValues

__all__ = ["guarded"]

_BLOCK: Final = 256

Row = tuple[int, RawValues]


def guarded(table: SourceTable, schema: ModuleSchema, mapping: Mapping[str, str]) -> TableWithin:
    """Return a table in which text that is a mask can no longer be taken for a value.

    Only columns of fields are looked at of which some people see a part only.
    """
    places, named, headings = [], lettered(table, mapping), Headings(schema)
    for place, heading in enumerate(table.header):
        keys = (schema.resolve(named[place]),) if place in named else headings.meanings(heading)
        fields = [schema.definition.fields[key] for key in keys if key and key in schema.definition.fields]
        if any(field.mask or field.encrypted or field.sensitivity != "normal" for field in fields):
            places.append(place)
    return TableWithin(table, partial(_rows, table, places))


def _rows(table: SourceTable, places: Collection[int]) -> Iterator[Row]:
    rows, watched = table.rows(), [place in places for place in range(len(table.header))]
    while block := list(islice(rows, _BLOCK)):
        if any(MASK in _texts(block, place) for place in places):
            yield from ((number, tuple(map(_guarded, values, watched))) for number, values in block)
        else:
            yield from block


def _texts(block: Sequence[Row], place: int) -> str:
    """Return all texts of a column together: one search is faster than many."""
    return "\n".join([text for _, values in block if type(text := values[place]) is str])


def _guarded(value: object, watched: bool) -> object:
    return Masked(value) if watched and isinstance(value, str) and MASK in value else value

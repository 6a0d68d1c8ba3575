"""Masks in a file: what an export shows in place of a value is never taken for the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import islice
from typing import Final

from custinfo.adapters.excel._tables_within import TableWithin
from custinfo.core.configuration import Configuration
from custinfo.core.kinds.masks import any_style, looks_masked
from custinfo.core.records import FieldKey, Masked
from custinfo.core.schema import ModuleSchema
from custinfo.core.suggesting import Headings
from custinfo.workspace.import_columns import lettered
from custinfo.workspace.importing import SourceTable
from custinfo.workspace.planned_rows import RawValues

__all__ = ["guarded"]

_BLOCK: Final = 256

Row = tuple[int, RawValues]


def guarded(
    table: SourceTable, schema: ModuleSchema, configuration: Configuration, mapping: Mapping[str, str]
) -> TableWithin:
    """Return a table in which text that is a mask can no longer be taken for a value.

    Only columns of fields are looked at of which some people see a part only.
    """
    masked, places = _styles(schema, configuration), dict[int, str]()
    named, headings = lettered(table, mapping), Headings(schema)
    for place, heading in enumerate(table.header):
        keys = (schema.resolve(named[place]),) if place in named else headings.meanings(heading)
        styles = [masked[key] for key in keys if key in masked]
        if styles:
            places[place] = reduce(any_style, styles)
    return TableWithin(table, partial(_rows, table, places))


def _styles(schema: ModuleSchema, configuration: Configuration) -> dict[FieldKey, str]:
    """Return the fields of which some people see a part only, with the styles in which anybody may see them."""
    fields = schema.definition.fields
    found = {
        field.key: field.mask or "full"
        for field in fields.values()
        if field.mask or field.encrypted or field.sensitivity != "normal"
    }
    for grant in configuration.grants:
        for key, style in grant.mask.items() if grant.module == schema.definition.key else ():
            if key in fields:
                shown = style or fields[key].mask or "full"
                found[key] = any_style(shown, found.get(key, shown))
    return found


def _rows(table: SourceTable, places: Mapping[int, str]) -> Iterator[Row]:
    rows, watched = table.rows(), [places.get(place) for place in range(len(table.header))]
    while block := list(islice(rows, _BLOCK)):
        if any("*" in _texts(block, place) for place in places):
            yield from ((number, tuple(map(_guarded, values, watched))) for number, values in block)
        else:
            yield from block


def _texts(block: Sequence[Row], place: int) -> str:
    """Return all texts of a column together: one search is faster than many."""
    return "\n".join([text for _, values in block if type(text := values[place]) is str])


def _guarded(value: object, style: str | None) -> object:
    return Masked(value) if style is not None and isinstance(value, str) and looks_masked(value, style) else value

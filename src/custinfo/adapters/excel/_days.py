"""Numbers in columns of dates, in workbooks whose days count from 1904: what cells hold without the form of a date."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Final

from custinfo.adapters.excel._tables_within import TableWithin
from custinfo.core.kinds.dates import LAST_SERIAL
from custinfo.core.schema import ModuleSchema
from custinfo.core.suggesting import Headings
from custinfo.workspace.import_columns import lettered
from custinfo.workspace.importing import SourceTable
from custinfo.workspace.planned_rows import RawValues

__all__ = ["counted_from_1900"]

_FROM_1900_TO_1904: Final = 1_462


def counted_from_1900(table: SourceTable, schema: ModuleSchema, mapping: Mapping[str, str]) -> TableWithin:
    """Return a table in which the numbers of days count from 1900, as everywhere else.

    Without it, a day that was typed as a number would come over four years early, and nobody would see it.
    """
    named, headings = lettered(table, mapping), Headings(schema)
    places = set()
    for place, heading in enumerate(table.header):
        keys = (schema.resolve(named[place]),) if place in named else headings.meanings(heading)
        fields = (schema.definition.fields.get(key) for key in keys if key)
        if any(field is not None and field.kind in ("date", "datetime") for field in fields):
            places.add(place)
    return TableWithin(table, partial(_rows, table, places))


def _rows(table: SourceTable, places: Collection[int]) -> Iterator[tuple[int, RawValues]]:
    for number, values in table.rows():
        yield number, tuple(_moved(value) if place in places else value for place, value in enumerate(values))


def _moved(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LAST_SERIAL:
        return value
    return value + _FROM_1900_TO_1904

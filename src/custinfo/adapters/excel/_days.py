"""Serial numbers of days in columns of dates: what cells hold without the form of a date."""

from __future__ import annotations

import re
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

__all__ = ["with_days"]

_FROM_1900_TO_1904: Final = 1_462
_SERIAL: Final = re.compile(r"\s*([0-9]{5}(?:\.[0-9]{1,15})?)\s*", re.ASCII)
"""A day from 1927 to 2173 as text: no other way to write a date has so many digits."""


def with_days(table: SourceTable, schema: ModuleSchema, mapping: Mapping[str, str], *, of_1904: bool) -> SourceTable:
    """Return a table in whose columns of dates the numbers of days are numbers, and count from 1900.

    Text files have them where a cell had lost the form of a date. Without the shift for a workbook whose days count
    from 1904, a day would come over four years early, and nobody would see it.
    """
    named, headings = lettered(table, mapping), Headings(schema)
    places = set()
    for place, heading in enumerate(table.header):
        keys = (schema.resolve(named[place]),) if place in named else headings.meanings(heading)
        fields = (schema.definition.fields.get(key) for key in keys if key)
        if any(field is not None and field.kind in ("date", "datetime") for field in fields):
            places.add(place)
    if not places:
        return table
    return TableWithin(table, partial(_rows, table, places, _FROM_1900_TO_1904 if of_1904 else 0))


def _rows(table: SourceTable, places: Collection[int], shift: int) -> Iterator[tuple[int, RawValues]]:
    for number, values in table.rows():
        found = {place: moved for place in places if (moved := _moved(values[place], shift)) is not None}
        if found:
            yield number, tuple(found.get(place, value) for place, value in enumerate(values))
        else:
            yield number, values


def _moved(value: object, shift: int) -> float | None:
    """Return the number of a day, counted from 1900; `None` for what stays as it is."""
    if type(value) is str:
        match = _SERIAL.fullmatch(value) if value[:5].strip().isdecimal() else None
        return (float(match[1]) if "." in match[1] else int(match[1])) + shift if match else None
    if not shift or isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LAST_SERIAL:
        return None
    return value + shift

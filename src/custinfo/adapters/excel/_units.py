"""Amounts in 万元 and the like: what a heading says about the numbers below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial

from custinfo.adapters.excel._tables import Table
from custinfo.adapters.excel._tables_within import TableWithin
from custinfo.core.kinds.money import in_units
from custinfo.core.problems import Place, Problem
from custinfo.core.records import FieldKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.suggesting import Headings, noted_unit
from custinfo.workspace.import_columns import lettered
from custinfo.workspace.importing import SourceTable
from custinfo.workspace.planned_rows import RawValues

__all__ = ["scaled_columns", "unread_units", "with_units"]


def with_units(table: SourceTable, schema: ModuleSchema, mapping: Mapping[str, str]) -> SourceTable:
    """Return a table in whose columns of 万元 and the like the numbers are in yuan.

    Text that says its own unit, such as 50万, stays, and so does what is no number.
    """
    powers = _powers(table, schema, mapping)
    return TableWithin(table, partial(_rows, table, powers)) if powers else table


def scaled_columns(table: SourceTable, schema: ModuleSchema, mapping: Mapping[str, str]) -> list[Problem]:
    """Return a warning for each column whose numbers are multiplied."""
    return [
        Problem(
            "amounts_scaled",
            table.header[place],
            Place(table.sheet, table.header_row, table.columns[place]),
            {"factor": f"{Decimal((0, (1,), power)):f}"},
            severity="warning",
        )
        for place, power in _powers(table, schema, mapping).items()
    ]


def unread_units(table: Table, schema: ModuleSchema, mapping: Mapping[str, str]) -> list[Problem]:
    """Return a warning for each column of amounts that is read in yuan, where a note above the table says otherwise."""
    unit = noted_unit(table.notes)
    return [
        Problem(
            "unit_not_in_heading",
            heading,
            Place(table.sheet, table.header_row, table.columns[place]),
            {"unit": unit},
            severity="warning",
        )
        for place, heading, keys, headings in (_meant(table, schema, mapping) if unit else ())
        if any(headings.lacks_unit(heading, key) for key in keys)
    ]


def _meant(
    table: SourceTable, schema: ModuleSchema, mapping: Mapping[str, str]
) -> Iterator[tuple[int, str, list[FieldKey], Headings]]:
    """Yield for each column its place, its heading, and the fields that this may mean."""
    named, headings = lettered(table, mapping), Headings(schema)
    for place, heading in enumerate(table.header):
        keys = (schema.resolve(named[place]),) if place in named else headings.meanings(heading)
        yield place, heading, [key for key in keys if key], headings


def _powers(table: SourceTable, schema: ModuleSchema, mapping: Mapping[str, str]) -> dict[int, int]:
    """Return the places of columns with a unit, each with the power of ten of this unit."""
    powers = {}
    for place, heading, keys, headings in _meant(table, schema, mapping):
        if power := next(filter(None, (headings.power(heading, key) for key in keys)), 0):
            powers[place] = power
    return powers


def _rows(table: SourceTable, powers: Mapping[int, int]) -> Iterator[tuple[int, RawValues]]:
    exponents = [powers.get(place, 0) for place in range(len(table.header))]
    for number, values in table.rows():
        yield number, tuple(map(_in_yuan, values, exponents))


def _in_yuan(value: object, power: int) -> object:
    return in_units(value, power) if power and value is not None else value

"""What people should know of a file that is read: what of it nobody sees, and what of it stays behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from custinfo.adapters.excel.reading import Table
from custinfo.core.cells import column_letters
from custinfo.core.problems import Place, Problem
from custinfo.workspace.importing import ImportPlan

__all__ = ["missing_columns", "told_of"]


def told_of(table: Table, plan: ImportPlan) -> list[Problem]:
    """Return what is told of the table that a plan is made of."""
    return [*_hidden_rows(table), *_hidden_columns(table, plan), *_pictures(table), *_nothing(plan)]


def missing_columns(plan: ImportPlan, mapping: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a warning for each heading that a mapping names and the file lacks."""
    place = Place(plan.table.sheet, plan.table.header_row)
    there = {*plan.table.header, *map(column_letters, plan.table.columns)}
    missing = [name for name in mapping if name not in there]
    return (Problem("missing_column", name, place, severity="warning") for name in missing)


def _hidden_rows(table: Table) -> list[Problem]:
    """Say that rows are read that nobody sees: who filtered a sheet may expect that the others stay out."""
    place = Place(table.sheet)
    hidden = table.hidden_rows
    return [Problem("hidden_rows", place=place, params={"count": hidden}, severity="warning")] if hidden else []


def _hidden_columns(table: Table, plan: ImportPlan) -> list[Problem]:
    """Say which columns are read that nobody sees: what stands there may be old, or not meant for this."""
    read = [place for place in table.hidden_columns if plan.columns.keys[place] is not None]
    letters = tuple(column_letters(table.columns[place]) for place in read)
    place = Place(table.sheet, table.header_row)
    return [Problem("hidden_columns", place=place, params={"columns": letters}, severity="warning")] if read else []


def _pictures(table: Table) -> list[Problem]:
    """Say which columns have pictures in their cells: they are no values, and stay behind."""
    return [
        Problem(
            "pictures_in_cells",
            place=Place(table.sheet, table.header_row, column),
            params={"column": column_letters(column), "count": count},
            severity="warning",
        )
        for column, count in table.pictures.items()
    ]


def _nothing(plan: ImportPlan) -> list[Problem]:
    """Say that a table has headings only, as a template that nobody filled in."""
    return [] if len(plan.rows) else [Problem("no_data", place=Place(plan.table.sheet), severity="warning")]

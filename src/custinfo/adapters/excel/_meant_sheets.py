"""Which sheet of a workbook is meant: the one that the library marked, or the only one that names records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from custinfo.adapters.excel._mark import marked_sheet
from custinfo.adapters.excel._meant_columns import MeantColumns
from custinfo.adapters.excel._phrases import every_phrase
from custinfo.adapters.excel.reading import Limits, Table, read_tables
from custinfo.core.errors import UnreadableFileError
from custinfo.core.problems import Problem

__all__ = ["meant_table"]

_EXAMPLES: Final = frozenset(every_phrase("example_sheet"))
"""Names of the sheet on which a template shows a row filled in."""


def meant_table(
    content: bytes, limits: Limits, sheet: str | None, related: Collection[str], meant: MeantColumns
) -> Table:
    """Return the table of the sheet that is named, or of the one that can be meant beside those `related`.

    Raises: UnreadableFileError, also (several_sheets) where several can be meant.
    """
    tables = read_tables(content, limits=limits, sheet=sheet, known=meant.known)
    tables = tuple(table for table in tables if table.sheet not in related) or tables
    return tables[0] if len(tables) == 1 else _chosen(tables, content, meant)


def _chosen(tables: Sequence[Table], content: bytes, meant: MeantColumns) -> Table:
    """Return the one table that can be meant. Raises: UnreadableFileError (several_sheets) where several can."""
    mark = marked_sheet(content)
    for table in tables:
        if table.sheet == mark:
            return table
    tables = [table for table in tables if table.sheet not in _EXAMPLES] or tables
    matches = {table.sheet: sum(map(meant.known, table.header)) for table in tables}
    most = max(matches.values())
    likely = [table for table in tables if matches[table.sheet] and 2 * matches[table.sheet] >= most]
    named = _naming(likely, meant)
    filled = [table for table in named if next(table.rows(), None) is not None]
    if len(filled) == 1 or len(named) == 1:
        return (filled if len(filled) == 1 else named)[0]
    names = tuple(table.sheet for table in named or tables)
    raise UnreadableFileError([Problem("several_sheets", params={"sheets": names})])


def _naming(tables: Sequence[Table], meant: MeantColumns) -> Sequence[Table]:
    """Return those tables that name their records, or all if none does.

    A sheet of the values to choose from has headings of fields, and no names.
    """
    title = meant.schema.definition.title_field
    return [table for table in tables if title in map(meant.meaning, table.header)] or tables

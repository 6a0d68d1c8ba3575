"""The user's own sheet, with its styles, marked where something is wrong."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Final

import attrs

from custinfo.adapters.excel._cells import CellError, UncachedFormula
from custinfo.adapters.excel._extent import WIDEST
from custinfo.adapters.excel._hidden import Hidden
from custinfo.adapters.excel._output import Target, written
from custinfo.adapters.excel._phrases import every_phrase, phrase
from custinfo.adapters.excel._reasons import MOST_COMMENTS, Reasons, reasons_of
from custinfo.adapters.excel._styles import BAD_FILL, row_height, safe_text
from custinfo.adapters.excel._tables import Table
from custinfo.adapters.excel._xlsxwriter import AUTHOR
from custinfo.core.errors import MissingExtraError
from custinfo.core.records import Masked
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.planned_rows import PlannedRow

__all__ = ["LARGEST", "write_own_sheet"]

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of the largest file whose sheet is written again: openpyxl takes some fifty times as much memory."""

_WIDTH: Final = 50


def write_own_sheet(
    target: Target,
    content: bytes,
    table: Table,
    rows: Sequence[PlannedRow],
    schema: ModuleSchema,
    language: str,
    hidden: Hidden,
    *,
    marked: bool,
) -> bool:
    """Write the user's workbook with reasons in a column of their own, offending cells coloured and explained.

    Args:
        target: Where to.
        content: The user's file.
        table: The table in it.
        rows: The rows that were not taken over.
        schema: Has the labels of the fields.
        language: Of the reasons.
        hidden: The columns whose values are masked, also in rows that were taken over.
        marked: Whether all rows and sheets stay, or only the rows that were not taken over.

    Returns: False for a file that openpyxl does not understand, or without a free column; nothing is written then.
    Raises: MissingExtraError; OSError where the target cannot be written.
    """
    try:
        import openpyxl  # noqa: PLC0415 -- an extra, loaded on first use
    except ImportError as error:
        raise MissingExtraError.of("excel", "openpyxl") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), keep_links=False)
            source = book[table.sheet]
            _drop_bare_tables(book)
            sheet = source if marked else _reduced(book, source, table, rows)
            if marked:
                _hide(sheet, table, hidden)
            places = {row.row: row.row if marked else number for number, row in _numbered(table, rows)}
            _Marker(sheet, table, schema, language).mark(rows, places)
            saved = io.BytesIO()
            book.save(saved)
    except Exception:  # its parsers let anything through, and so do its writers
        return False
    with written(target) as file:
        file.write(saved.getbuffer())
    return True


def _drop_bare_tables(book: Any) -> None:
    """Take out tables that do not say their columns: to save one, openpyxl builds every cell of its range."""
    for sheet in book.worksheets:
        for name in [name for name, table in sheet.tables.items() if not table.tableColumns]:
            del sheet.tables[name]


def _hide(sheet: Any, table: Table, hidden: Hidden) -> None:
    """Mask what stands in columns, below the headings."""
    masks = {table.columns[place]: masked for place, masked in hidden.items()}
    for cell in _cells(sheet) if masks else ():
        if cell.column in masks and cell.row > table.header_row and cell.value is not None:
            cell.value = _shown(masks[cell.column](cell.value))


def _cells(sheet: Any) -> list[Any]:
    """Return the cells that there are: a walk over rows would make one for every column, up to the last one used."""
    return [cell for _, cell in sorted(sheet._cells.items())]  # noqa: SLF001 - the only sparse view it has


def _numbered(table: Table, rows: Iterable[PlannedRow]) -> Iterable[tuple[int, PlannedRow]]:
    return enumerate(rows, start=table.header_row + 1)


def _reduced(book: Any, source: Any, table: Table, rows: Sequence[PlannedRow]) -> Any:
    """Return a sheet with what stands above the data and the rows that were not taken over; the others are gone."""
    sheet = book.create_sheet(source.title + "_")
    for letter, dimension in source.column_dimensions.items():
        sheet.column_dimensions[letter] = copy(dimension)
        sheet.column_dimensions[letter].worksheet = sheet
    cells: dict[int, list[Any]] = {}
    for cell in _cells(source):
        cells.setdefault(cell.row, []).append(cell)
    for number in range(1, table.header_row + 1):
        _copy_row(source, cells.get(number, ()), sheet, number, {})
    for number, row in _numbered(table, rows):
        values = dict(zip(table.columns, row.raw, strict=False))
        _copy_row(source, cells.get(row.row, ()), sheet, number, values)
    for merged in source.merged_cells.ranges:
        if merged.max_row <= table.header_row:
            sheet.merge_cells(merged.coord)
    sheet.freeze_panes = source.freeze_panes
    title = source.title
    for other in list(book.worksheets):
        if other is not sheet:
            book.remove(other)
    book.defined_names.clear()
    sheet.title = title
    return sheet


def _copy_row(source: Any, cells: Sequence[Any], sheet: Any, number: int, values: Mapping[int, object]) -> None:
    """Copy a row with its styles; `values` are those that the reader found, results in place of formulas."""
    there = {cell.column: cell for cell in cells}
    for place in sorted({*there, *values}):
        cell = there.get(place)
        own = None if cell is None or cell.data_type == "f" else cell.value
        value = _shown(values[place]) if place in values else own
        if value is None and not (cell is not None and cell.has_style):
            continue
        copied = sheet.cell(number, place)
        copied.value = value
        if isinstance(value, str):
            copied.data_type = "s"
        if cell is not None:
            copied._style = copy(cell._style)  # noqa: SLF001 - the styles of one workbook are shared by number
    height = source.row_dimensions[cells[0].row].height if cells else None
    if height is not None:
        sheet.row_dimensions[number].height = height


def _shown(value: object) -> Any:
    match value:
        case CellError() | UncachedFormula():
            return None
        case Masked(text):
            return safe_text(text)
        case str():
            return safe_text(value)
        case _:
            return value


@attrs.define
class _Marker:
    """Write reasons, colours and comments into a sheet."""

    sheet: Any
    table: Table
    schema: ModuleSchema
    language: str
    comments: int = 0

    def mark(self, rows: Iterable[PlannedRow], places: Mapping[int, int]) -> None:
        from openpyxl.styles import Alignment, Font, PatternFill  # noqa: PLC0415
        from openpyxl.utils import get_column_letter  # noqa: PLC0415

        column = self.column()
        fill = PatternFill("solid", fgColor=BAD_FILL.lstrip("#"))
        heading = self.sheet.cell(self.table.header_row, column, phrase(self.language, "reason"))
        heading.fill, heading.font = fill, Font(bold=True)
        self.sheet.column_dimensions[get_column_letter(column)].width = _WIDTH
        for row in rows:
            reasons = reasons_of(row, self.schema, self.language, self.table.sheet)
            number = places[row.row]
            cell = self.sheet.cell(number, column, safe_text(reasons.text))
            cell.data_type, cell.alignment = "s", Alignment(wrap_text=True, vertical="top")
            if self.sheet.row_dimensions[number].height is None:
                self.sheet.row_dimensions[number].height = row_height([(reasons.text, _WIDTH)])
            self.colour(number, reasons, fill)

    def column(self) -> int:
        """Return the column of the reasons: that of an earlier time, or the first free one.

        Raises: ValueError where no column is free.
        """
        known = frozenset(every_phrase("reason"))
        for column, label in zip(self.table.columns, self.table.header, strict=True):
            if label in known:
                return column
        free = 1 + max(int(self.sheet.max_column), *self.table.columns)
        if free > WIDEST:
            raise ValueError("the sheet is used up to its last column")
        return free

    def colour(self, number: int, reasons: Reasons, fill: Any) -> None:
        from openpyxl.comments import Comment  # noqa: PLC0415

        for column, texts in reasons.cells.items():
            cell = self.sheet.cell(number, column)
            cell.fill = fill
            if self.comments < MOST_COMMENTS:
                self.comments += 1
                cell.comment = Comment(safe_text("\n".join(texts)), AUTHOR, height=80, width=240)

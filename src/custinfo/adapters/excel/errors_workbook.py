"""The error workbook: the user's own rows that were not taken over, with the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import attrs

from custinfo.adapters.excel._output import Target
from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel._reasons import MOST_COMMENTS, reasons_of
from custinfo.adapters.excel._styles import BAD_FILL, HEADER_FILL, TEXT, row_height, safe_text, sheet_name, width_of
from custinfo.adapters.excel._writer import MOST_ROWS
from custinfo.adapters.excel._xlsxwriter import AUTHOR, new_workbook, print_wide
from custinfo.adapters.excel.reading import CellError, UncachedFormula, clean_label
from custinfo.core.records import Masked
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.importing import PlannedRow, SourceTable

__all__ = ["ErrorSheet", "write_error_workbook"]

_REASON_WIDTH: Final = 50
_OWN_COLUMNS: Final = 2
"""The reason and the row number in the user's file stand before the user's own columns."""

_FORMATS: Final[Mapping[type, str]] = {
    datetime: "yyyy-mm-dd hh:mm:ss",
    date: "yyyy-mm-dd",
    time: "hh:mm:ss",
    timedelta: "[h]:mm:ss",
    str: TEXT,
}
_FIRST_DAY: Final = date(1900, 3, 1)


@attrs.frozen
class ErrorSheet:
    """Rows of a table to write, with the labels of their fields, and whether values in them are masked."""

    table: SourceTable
    rows: Sequence[PlannedRow]
    schema: ModuleSchema
    masked: bool = False


def write_error_workbook(target: Target, sheets: Sequence[ErrorSheet], language: str, now: datetime) -> None:
    """Write rows of tables, a sheet each, after their reasons and row numbers; the cells they are about are coloured.

    Rows for which a sheet has no room stand on a further one.

    Headings stand in row 1 as in the file, so that the workbook can be imported again. Values are what the reader
    found: dates stay dates, text stays text and is never a formula; a formula without a result is blank.

    Args:
        target: Where to.
        sheets: The rows, with their problems: the main sheet, then those whose rows come along with its rows.
        language: Of the reasons.
        now: The present instant.

    Raises: MissingExtraError; OSError where the target cannot be written.
    """
    with new_workbook(target, now) as workbook:
        names: list[str] = []
        for item in sheets:
            for start in range(0, max(len(item.rows), 1), MOST_ROWS - 1):
                names.append(sheet_name(item.table.sheet or item.schema.definition.label_in(language), names))
                page = workbook.add_worksheet(names[-1])
                part = item.rows[start : start + MOST_ROWS - 1]
                _Sheet(workbook, page, item.table, item.schema, language).write(part)


@attrs.define
class _Sheet:
    """Write the one sheet of an error workbook."""

    workbook: Any
    sheet: Any
    table: SourceTable
    schema: ModuleSchema
    language: str
    formats: dict[tuple[str, bool, bool], Any] = attrs.field(factory=dict)
    comments: int = 0

    def write(self, rows: Iterable[PlannedRow]) -> None:
        self._write_header()
        for number, row in enumerate(rows, start=1):
            self._write_row(number, row)
        self.sheet.freeze_panes(1, _OWN_COLUMNS)
        print_wide(self.sheet)

    def _write_header(self) -> None:
        plain = {"bold": True, "text_wrap": True, "valign": "vcenter", "border": 1, "num_format": TEXT}
        heading = self.workbook.add_format({**plain, "bg_color": HEADER_FILL})
        reason = self.workbook.add_format({**plain, "bg_color": BAD_FILL})
        source = phrase(self.language, "source_row")
        self.sheet.set_column(0, 0, _REASON_WIDTH)
        self.sheet.set_column(1, 1, width_of("integer", source))
        self.sheet.write_string(0, 0, phrase(self.language, "reason"), reason)
        self.sheet.write_string(0, 1, source, reason)
        labels = zip(self.table.header, getattr(self.table, "header_raw", self.table.header), strict=True)
        for column, (label, raw) in enumerate(labels, start=_OWN_COLUMNS):
            text = raw if clean_label(raw) == label else label
            kind = self._kind(label)
            self.sheet.set_column(column, column, width_of(kind, text))
            self.sheet.write_string(0, column, safe_text(text), heading)

    def _kind(self, label: str) -> str:
        key = self.schema.resolve(label)
        return self.schema.kind_of(key).key if key else "text"

    def _write_row(self, number: int, row: PlannedRow) -> None:
        reasons = reasons_of(row, self.schema, self.language, self.table.sheet)
        reason = safe_text(reasons.text)
        self.sheet.set_row(number, row_height([(reason, _REASON_WIDTH)]))
        self.sheet.write_string(number, 0, reason, self._format(TEXT, wrapped=True))
        self.sheet.write_number(number, 1, row.row, self._format(""))
        told = reasons.cells
        for column, (place, value) in enumerate(zip(self.table.columns, row.raw, strict=False), start=_OWN_COLUMNS):
            self._write_cell(number, column, value, bad=place in told)
            if place in told and self.comments < MOST_COMMENTS:
                self.comments += 1
                self.sheet.write_comment(number, column, safe_text("\n".join(told[place])), {"author": AUTHOR})

    def _write_cell(self, row: int, column: int, value: object, *, bad: bool) -> None:
        shown = _shown(value)
        style = self._format(_FORMATS.get(type(shown), ""), bad=bad)
        match shown:
            case None:
                self.sheet.write_blank(row, column, None, style)
            case bool():
                self.sheet.write_boolean(row, column, shown, style)
            case int() | float():
                self.sheet.write_number(row, column, shown, style)
            case str():
                self.sheet.write_string(row, column, shown, style)
            case CellError(error):  # stays an error: as text it would come back as a value
                self.sheet.write_formula(row, column, f"={error}", style, error)
            case _:
                self.sheet.write_datetime(row, column, shown, style)

    def _format(self, number_format: str, *, bad: bool = False, wrapped: bool = False) -> Any:
        key = number_format, bad, wrapped
        if key not in self.formats:
            properties = {"num_format": number_format} if number_format else {}
            fill = {"bg_color": BAD_FILL} if bad else {}
            self.formats[key] = self.workbook.add_format({**properties, **fill, "valign": "top", "text_wrap": wrapped})
        return self.formats[key]


_ERRORS: Final = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})


def _shown(value: object) -> Any:
    """Return a value of a type that a cell can hold.

    A number that has lost its last digits stays a number: as text it would pass for exact.
    """
    match value:
        case UncachedFormula():
            return None
        case CellError(error):
            return value if error in _ERRORS else None
        case Masked(text):
            return safe_text(text)
        case datetime() if value.date() < _FIRST_DAY:
            return str(value)
        case date() if not isinstance(value, datetime) and value < _FIRST_DAY:
            return str(value)
        case None | bool() | int() | float() | date() | time() | timedelta():
            return value
        case _:
            return safe_text(str(value))

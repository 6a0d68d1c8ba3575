"""Read any spreadsheet or text table that people send, or say in one code why not.

The content decides what a file is, not its name: .xlsx and .xlsm (also strict), .xls, and text in UTF-8, UTF-16,
UTF-32, GB18030 or Big5 with commas, semicolons, tabs or bars. Everything in a file is looked at before a reader builds
anything, so that a hostile one is refused with a code instead of exhausting the process.

What a cell's value becomes:

* blank, or only white space: `None`. Other text stays as typed, outer blanks included where the file keeps them
  (`xml:space`); `_x000D_`-style escapes are decoded.
* a number: `int` when it is whole (a phone number is exact, never 1.8787E10), else `float`. Numbers of more than 15
  digits stay numbers; the field says that the last digits are lost.
* a whole number that its format shows with zeros in front, 123 as `000123` or `0123-456`: the text that people see,
  since postal codes, area codes and numbers of employees are kept so. It is the number still in columns for which
  `Table.with_numbers` says so, as an import does for fields of amounts. All other formats, decimals, amounts and
  percentages among them, change how a number looks and not what it is.
* a date: `datetime.date` when its time is midnight, else a naive `datetime.datetime`; the Chinese, Japanese and Korean
  built-in formats count as dates, and so do their weekdays and years (`aaaa`, `e`). A time of day or a duration:
  `datetime.time`, `datetime.timedelta`.
* a picture in a cell, of Excel or of WPS (`=DISPIMG(…)`): `None`; `Table.pictures` says how many there are.
* yes or no: `bool`. An error such as #N/A: `CellError`. A formula: its stored result, or `UncachedFormula`.
* text files hold text only, and zero bytes behind it do not count; `="0571"`, by which programs keep a spreadsheet from
  taking it for a number, is `0571`, and what a spreadsheet shows in place of a value, #N/A or ######, is a `CellError`.

A column without a heading is one if any cell below the heading has a value. Cells merged downwards in the data give
their value to each row that has a value of its own somewhere; cells merged across give it to the first column only.
Hidden rows and columns count, hidden sheets do not, and neither do chart, dialog and macro sheets; where no table is
found, those with cells are named. A zip with a wrong checksum, a duplicate entry, entries that overlap or a DOCTYPE is
refused, and so are a text file with a quote that is never closed, a sheet that has a row, a cell or all of its rows
twice, and one with a cell that names another row than its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import attrs

from custinfo.adapters.excel._cells import CellError, UncachedFormula
from custinfo.adapters.excel._labels import clean_label, normalise_label
from custinfo.adapters.excel._limits import DEFAULT_LIMITS, Limits
from custinfo.adapters.excel._sniff import Source, content_of
from custinfo.adapters.excel._tables import Table, has_values, nothing_known, table_of
from custinfo.adapters.excel._workbook import read_book
from custinfo.core.errors import UnreadableFileError
from custinfo.core.problems import Problem

__all__ = [
    "DEFAULT_LIMITS",
    "CellError",
    "Limits",
    "Source",
    "Table",
    "UncachedFormula",
    "clean_label",
    "normalise_label",
    "read_tables",
    "sheets_not_read",
]


def read_tables(
    source: Source,
    *,
    limits: Limits = DEFAULT_LIMITS,
    sheet: str | None = None,
    known: Callable[[str], bool] | Collection[str] | None = None,
) -> tuple[Table, ...]:
    r"""Return a table for each visible worksheet that holds one, in the workbook's order.

    A header is looked for among the first rows, and as far as row 1000 where two of its labels are known.
    A table may have no rows: a template that nobody filled in. Sheets without a header are left out as long as
    another sheet has one.

    Args:
        source: A path, the bytes, or a file opened for reading bytes.
        limits: How much a file may hold.
        sheet: The name of the only worksheet to read, which may be hidden.
        known: Labels of the fields, or whether a label is one; helps to tell the header from titles above it.
            A function gets clean labels; labels are compared by `normalise_label`.

    Raises:
        UnreadableFileError: Why the file cannot be read: not_a_workbook, password_protected, corrupt_workbook,
            unsafe_workbook, file_too_large, workbook_too_large, no_data, no_header or unknown_sheet.
        MissingExtraError: The extra `excel` is not installed.
        OSError: The path cannot be opened.

    >>> table, = read_tables("客户表,\n*姓名,电话（必填）\n张三,13800138000\n".encode("gb18030"))
    >>> table.header, table.header_row, table.notes
    (('姓名', '电话'), 2, ('客户表',))
    >>> list(table.rows())
    [(3, ('张三', '13800138000'))]
    """
    book = read_book(content_of(source, limits), limits, sheet)
    is_known = _predicate(known)
    tables = tuple(table for grid in book.grids if (table := table_of(grid, limits, is_known)))
    if not tables:
        code = "no_header" if any(map(has_values, book.grids)) else "no_data"
        raise UnreadableFileError([Problem(code), *sheets_not_read(book.hidden, book.without_cells)])
    return tuple(attrs.evolve(table, hidden_sheets=book.hidden, of_1904=book.of_1904) for table in tables)


def sheets_not_read(hidden: Sequence[str], without_cells: Sequence[str] = ()) -> list[Problem]:
    """Return which sheets were not read, for somebody who misses a table."""
    found = {"hidden_sheets": tuple(hidden), "sheets_without_cells": tuple(without_cells)}
    return [Problem(code, params={"sheets": names}) for code, names in found.items() if names]


def _predicate(known: Callable[[str], bool] | Collection[str] | None) -> Callable[[str], bool]:
    if known is None:
        return nothing_known
    if callable(known):
        return known
    labels = frozenset(map(normalise_label, known))
    return lambda label: normalise_label(label) in labels

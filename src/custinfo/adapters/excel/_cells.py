"""What stands in a cell, brought to a few plain types."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

import attrs

from custinfo.core.problems import Problem

__all__ = ["CellError", "CellPicture", "Mark", "UncachedFormula", "clean", "clean_row", "column_number", "unescape"]


NAMED: Final = re.compile(r"#[A-Z0-9_/]{1,20}[!?]?")
"""What errors are called: #N/A, #DIV/0!, #NAME?, #GETTING_DATA."""


@attrs.frozen
class CellError:
    """Stand in for the value of a cell that shows an error.

    >>> CellError("#DIV/0!").error
    '#DIV/0!'
    """

    error: str

    @classmethod
    def of(cls, text: str) -> CellError:
        """Return the error that a workbook calls by a text; what is no name of an error may be a value.

        >>> CellError.of("#SPILL!"), CellError.of("13812345678")
        (CellError(error='#SPILL!'), CellError(error='#ERROR!'))
        """
        return cls(text if NAMED.fullmatch(text) else "#ERROR!")

    def problem(self) -> Problem:
        """Return what is wrong with the cell."""
        return Problem("cell_error", params={"error": self.error})


@attrs.frozen
class UncachedFormula:
    """Stand in for the value of a formula that was never calculated: the file holds no result.

    >>> UncachedFormula() == UncachedFormula()
    True
    """

    def problem(self) -> Problem:
        """Return what is wrong with the cell."""
        return Problem("formula_without_value")


@attrs.frozen
class CellPicture:
    """Stand in for a picture in a cell while a sheet is looked at; in a table the cell is blank."""


Mark = CellError | UncachedFormula | CellPicture

_NO_NUMBER: Final = CellError("#NUM!")
"""Stands for an endless number, or none: a file can spell it, and no cell can hold it."""

ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


def clean(value: object) -> object:
    """Return a raw value by the policy of `reading`: blank text is None, whole floats are ints, endless ones errors.

    >>> clean(18787000001.0), clean("  "), clean(0.5), clean(" x ")
    (18787000001, None, 0.5, ' x ')
    """
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if type(value) is float:
        return int(value) if value.is_integer() else value if isfinite(value) else _NO_NUMBER
    return _day(value) if type(value) is dt.datetime else value


def clean_row(values: Sequence[Any]) -> list[object]:
    """Return the cleaned values of a row; the same as `clean` on each, several times faster."""
    return [
        (value if value and not value.isspace() else None)
        if (kind := type(value)) is str
        else (
            (int(value) if value.is_integer() else value if isfinite(value) else _NO_NUMBER)
            if kind is float
            else (_day(value) if kind is dt.datetime else value)
        )
        for value in values
    ]


def _day(value: dt.datetime) -> dt.date:
    """Return the day of a time that is midnight; any other time as it is."""
    return value.date() if value.time() == dt.time() and value.tzinfo is None else value


def unescape(text: str) -> str:
    r"""Decode the `_xHHHH_` escapes of a shared or inline string.

    >>> unescape("ABC_x000D_"), unescape("SH_x005F_x000D_Z")
    ('ABC\r', 'SH_x000D_Z')
    """
    return ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def column_number(letters: str) -> int:
    """Return the 1-based number of a column.

    >>> column_number("A"), column_number("XFD")
    (1, 16384)
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number

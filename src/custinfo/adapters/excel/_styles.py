"""How values look in the workbooks that are written: safe texts, formats, widths and colours."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from math import ceil
from typing import Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import Kind
from custinfo.core.text import CONTROL, LONGEST_CELL

__all__ = [
    "BAD_FILL",
    "HEADER_FILL",
    "REQUIRED_FILL",
    "TEXT",
    "number_format",
    "row_height",
    "safe_text",
    "sheet_name",
    "width_of",
]

TEXT: Final = "@"
HEADER_FILL: Final = "#DDEBF7"
REQUIRED_FILL: Final = "#FFE699"
BAD_FILL: Final = "#FFC7CE"
"""How many UTF-16 units a cell can hold."""

_LONGEST_NAME: Final = 31
_LINE: Final = 15
_HIGHEST_ROW: Final = 409
_FILLED: Final = 0.92
"""How much of a line wrapped text fills; the rest goes to the margins and to words that do not fit."""

_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\]")
_LINE_ENDS: Final = re.compile("\r\n?")
_WIDTHS: Final = {
    "text": 18,
    "long_text": 36,
    "integer": 12,
    "decimal": 14,
    "money": 16,
    "boolean": 8,
    "date": 12,
    "datetime": 20,
    "choice": 16,
    "multiple_choice": 24,
    "phone": 16,
    "email": 26,
    "url": 28,
    "uscc": 22,
    "resident_id": 22,
    "reference": 38,
    "user": 22,
    "department": 20,
}


def safe_text(text: str) -> str:
    r"""Return what a cell can hold of a text: no control characters or lone surrogates, and not too much.

    >>> safe_text("a\x00b\r\nc\ud800")
    'ab\nc�'
    """
    if text.isprintable() and len(text) <= LONGEST_CELL // 2:
        return text
    clean = CONTROL.sub(lambda match: "\ufffd" if "\ud800" <= match[0] <= "\udfff" else "", _LINE_ENDS.sub("\n", text))
    units = clean.encode("utf-16-le")
    return clean if len(units) <= 2 * LONGEST_CELL else units[: 2 * LONGEST_CELL].decode("utf-16-le", "ignore")


def sheet_name(label: str, taken: Collection[str] = ()) -> str:
    """Return a name that spreadsheets accept and that differs from those `taken`.

    >>> sheet_name("A/B: [C]"), sheet_name("客户", ["客户"]), sheet_name("'")
    ('A B   C', '客户 2', 'Sheet')
    """
    stem = _NOT_IN_NAMES.sub(" ", safe_text(label)).strip(" '\n\t")[:_LONGEST_NAME].strip(" '") or "Sheet"
    used = {name.casefold() for name in taken}
    name, number = stem, 1
    while name.casefold() in used:
        number += 1
        ending = f" {number}"
        name = stem[: _LONGEST_NAME - len(ending)] + ending
    return name


def number_format(field: FieldDefinition, kind: Kind) -> str:
    """Return the number format of a field's cells; an amount of money shows as many decimal places as it may have."""
    places = field.options.get("decimal_places")
    if kind.key == "money" and isinstance(places, int) and 0 <= places <= 6:
        return "#,##0." + "0" * places if places else "#,##0"
    return kind.cell_format


def width_of(kind: str, label: str) -> float:
    """Return how many digits wide a column is: enough for its kind of values and its heading."""
    return float(min(max(_WIDTHS.get(kind, 18), _digits(label) + 3), 60))


def row_height(cells: Iterable[tuple[str, float]]) -> float:
    r"""Return about how high a row is, in points, that shows all of its wrapped texts; each with its column's width.

    >>> row_height([("a", 20), ("客户名称" * 10, 40)]), row_height([("a\nb", 20)]), row_height([])
    (45.0, 30.0, 15.0)
    """
    lines = max((_lines(text, width) for text, width in cells), default=1)
    return float(min(_LINE * lines, _HIGHEST_ROW))


def _lines(text: str, width: float) -> int:
    return sum(max(1, ceil(_digits(line) / (_FILLED * width))) for line in text.split("\n"))


def _digits(text: str) -> int:
    """Return how many digits are as wide as a text; a Chinese character takes two."""
    return len(text) if text.isascii() else sum(2 if ord(character) > 0x2E7F else 1 for character in text)

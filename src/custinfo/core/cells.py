"""What a spreadsheet calls its columns and cells."""

from __future__ import annotations

from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.problems import Place

__all__ = ["cell_name", "column_letters", "place_text"]


def column_letters(column: int) -> str:
    """Return the letters of a column, counting from 1.

    >>> column_letters(1), column_letters(28), column_letters(16384)
    ('A', 'AB', 'XFD')
    """
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_name(place: Place) -> str | None:
    """Return the name that a spreadsheet gives to the cell; `None` where no single cell is meant.

    >>> cell_name(Place("客户", 3, 28)), cell_name(Place("客户", 3))
    ('AB3', None)
    """
    return None if place.row is None or place.column is None else f"{column_letters(place.column)}{place.row}"


def place_text(place: Place | None, language: str, messages: Messages = DEFAULT_MESSAGES) -> str:
    """Return `B3`, `row 3` or `column B`, whatever is known of a place within its sheet; empty for nothing.

    >>> place_text(Place("客户", 3), "en"), place_text(Place(column=2), "zh")
    ('row 3', 'B 列')
    """
    if place is None or (place.row is None and place.column is None):
        return ""
    name, value = ("row", place.row) if place.row is not None else ("column", column_letters(place.column or 0))
    key = f"report_{name}"
    known = DEFAULT_MESSAGES.render(key, {name: value}, language)  # for a host's catalogue that was made without it
    return cell_name(place) or messages.render(key, {name: value, "hint": known}, language)

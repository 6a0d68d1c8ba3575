"""The drop-down lists of a template, on a hidden sheet; those of hierarchical dictionaries depend on their cell.

With nothing in the cell the list offers everything; with an entry that has others below, these; with one that has none,
those beside it. Three columns make it so: the entries, depth first, and for each of them where its part of the list
begins and how long it is. The formulas are plain OFFSET, INDEX and MATCH, which Excel, LibreOffice and WPS know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from custinfo.adapters.excel._guidance import active_codes, choices_of, dictionary_of
from custinfo.adapters.excel._styles import safe_text
from custinfo.core.cells import column_letters
from custinfo.core.dictionaries import Dictionary
from custinfo.core.fields import FieldDefinition
from custinfo.core.schema import ModuleSchema

__all__ = ["write_lists"]

_SINGLE: Final = "choice"


def write_lists(
    sheet: Any,
    schema: ModuleSchema,
    cells: Sequence[tuple[FieldDefinition, str]],
    language: str,
    style: Callable[..., Any],
) -> dict[str, str]:
    """Write each dictionary in use once; return field → formula of what its list offers.

    Args:
        sheet: The hidden sheet, of XlsxWriter.
        schema: The module.
        cells: Each field with the first cell of its column, such as `C2`.
        language: Of the entries.
        style: Return a format.
    """
    places: dict[tuple[str, bool], _List] = {}
    found: dict[str, str] = {}
    column = 1
    for field, cell in cells:
        dictionary = dictionary_of(schema, field)
        if dictionary is None:
            continue
        key = dictionary.key, bool(field.options.get("leaf_only"))
        if key not in places:
            choices = choices_of(dictionary, language, leaf_only=key[1])
            if not choices:
                continue
            parts = () if key[1] else _parts(dictionary, len(choices))
            places[key] = _List(sheet.get_name(), column, len(choices), deep=bool(parts))
            _write(sheet, column, safe_text(dictionary.label_in(language)), choices, parts, style)
            column += 3 if parts else 1
        found[field.key] = places[key].formula(cell if field.kind == _SINGLE else None)
    sheet.hide()
    return found


class _List:
    """Know where a list stands on the hidden sheet."""

    def __init__(self, sheet: str, column: int, length: int, *, deep: bool) -> None:
        quoted = sheet.replace("'", "''")
        self._first = f"'{quoted}'!${column_letters(column)}$2"
        self._ranges = [
            f"'{quoted}'!${column_letters(at)}$2:${column_letters(at)}${length + 1}" for at in range(column, column + 3)
        ]
        self._length, self._deep = length, deep

    def formula(self, cell: str | None) -> str:
        """Return what a list offers, for the cell in which it opens; all for `None`."""
        entries, starts, lengths = self._ranges
        if cell is None or not self._deep:
            return f"={entries}"
        place = f"MATCH({cell},{entries},0)"
        start = f"IFERROR(INDEX({starts},{place}),0)"
        length = f"IFERROR(INDEX({lengths},{place}),{self._length})"
        return f"=OFFSET({self._first},{start},0,{length},1)"


def _write(
    sheet: Any, column: int, label: str, choices: Sequence[str], parts: Sequence[tuple[int, int]], style: Any
) -> None:
    sheet.write_string(0, column - 1, label)
    for row, choice in enumerate(choices, start=1):
        sheet.write_string(row, column - 1, safe_text(choice), style(num_format="@"))
    for row, (start, length) in enumerate(parts, start=1):
        sheet.write_number(row, column, start)
        sheet.write_number(row, column + 1, length)


def _parts(dictionary: Dictionary, count: int) -> tuple[tuple[int, int], ...]:
    """Return for each entry where its part of the list begins, from 0, and its length; nothing where none is below.

    Entries are depth first, so that one and all below it stand together.
    """
    codes = active_codes(dictionary)
    depths = [len([code for code in dictionary.ancestry(item) if code in codes]) for item in codes]
    if len(codes) != count or max(depths, default=0) < 2:
        return ()
    ends = [
        next((other for other in range(at + 1, len(depths)) if depths[other] <= depth), len(depths))
        for at, depth in enumerate(depths)
    ]
    parts = []
    for at, depth in enumerate(depths):
        above = [other for other in range(at) if depths[other] < depth and ends[other] > at]
        start = at if ends[at] > at + 1 else (above[-1] if above else None)
        parts.append((0, len(depths)) if start is None else (start, ends[start] - start))
    return tuple(parts)

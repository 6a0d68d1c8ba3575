r"""Quotes behind backslashes in text files: databases write `"a\"b"` where spreadsheets write `"a""b"`.

A backslash may also be the end of a path, `"D:\"`. So a text is taken as it stands where each quoted cell ends at a
delimiter and all rows are as wide, and with backslashes where that is so only then.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Final

__all__ = ["with_usual_quotes"]

QUOTED_TEXT: Final = re.compile(r'\\"[^,;\t|"\r\n]')
"""A quote in the middle of a cell, where it closes none."""
ESCAPED: Final = re.compile(r'\\(["\\])')


def with_usual_quotes(text: str, delimiter: str, *, spaced: bool = False) -> str:
    r"""Return a text in which quotes stand as spreadsheets write them.

    Args:
        text: The file.
        delimiter: What stands between cells.
        spaced: Whether quotes may stand behind blanks.

    >>> with_usual_quotes('"a\\"b","c:\\\\d",e\\"f\n', ","), with_usual_quotes('"c:\\","d",e\\"f\n', ",")
    ('"a""b","c:\\d","e""f"\n', '"c:\\","d",e\\"f\n')
    """
    if '\\"' not in text:
        return text
    widths = _widths(text, delimiter, spaced=spaced)
    if widths is not None and len(widths) == 1:
        return text
    usual = _cell(delimiter, spaced=spaced).sub(_usual_cell, text)
    others = _widths(usual, delimiter, spaced=spaced)
    alike = others is not None and len(others) == 1
    return usual if alike or (widths is None and (others or QUOTED_TEXT.search(text))) else text


def _widths(text: str, delimiter: str, *, spaced: bool) -> set[int] | None:
    """Return how many cells the rows have, or None where a quoted cell goes on behind its quote, or never ends."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=spaced, strict=True)
    try:
        return {len(row) for row in rows if row}
    except csv.Error:
        return None


def _cell(delimiter: str, *, spaced: bool) -> re.Pattern[str]:
    """Return the pattern of a cell in quotes, or without them and with something behind a backslash."""
    ends = re.escape(delimiter) + r"\r\n"
    blanks = " *+" if spaced else ""
    quoted = rf'"(?P<quoted>(?:[^"\\]++|\\.|"")*+)"(?=[{ends}]|\Z)'
    return re.compile(rf'(?<![^{ends}]){blanks}(?:{quoted}|(?P<bare>(?!")[^{ends}]*?\\["\\][^{ends}]*+))', re.DOTALL)


def _usual_cell(found: re.Match[str]) -> str:
    if (quoted := found["quoted"]) is not None:
        return '"' + ESCAPED.sub(lambda match: '""' if match[1] == '"' else "\\", quoted) + '"'
    return '"' + ESCAPED.sub(r"\1", found["bare"]).replace('"', '""') + '"'

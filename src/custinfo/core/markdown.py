"""Tables in Markdown, in which every text is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from unicodedata import category

__all__ = ["Cell", "markdown_table", "markdown_text", "one_line"]

Cell = str | Sequence[str]
"""A text, or several on a line each."""

_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|~&#])")


def one_line(text: str) -> str:
    """Return a text that stays on its line and leaves a terminal as it is: no line ends, control or invisible marks."""
    shown = (character if category(character) not in _UNSHOWN else " " for character in text)
    return " ".join("".join(shown).split())


def markdown_text(text: str) -> str:
    r"""Return a text on one line, in which nothing is markup.

    >>> print(markdown_text("a|b\n*c*"))
    a\|b \*c\*
    """
    return _MARKUP.sub(r"\\\1", one_line(text))


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> list[str]:
    """Return the lines of a table; a cell of several texts shows each on a line of its own."""
    return [_line(head), "|" + " --- |" * len(head), *map(_line, rows)]


def _line(cells: Sequence[Cell]) -> str:
    texts = ([cell] if isinstance(cell, str) else cell for cell in cells)
    return "| " + " | ".join("<br>".join(map(markdown_text, text)) for text in texts) + " |"

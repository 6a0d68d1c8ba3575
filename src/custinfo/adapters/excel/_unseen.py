"""Which columns of a worksheet nobody sees."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["hidden_columns"]

COLUMN: Final = re.compile(rb"<(?:[\w.-]+:)?col\b([^<>]*)>")
NOT_SHOWN: Final = re.compile(rb"""\bhidden=["'](?:1|true)["']""")
FROM, TO = re.compile(rb"""\bmin=["'](\d{1,5})["']"""), re.compile(rb"""\bmax=["'](\d{1,5})["']""")


def hidden_columns(head: bytes) -> tuple[tuple[int, int], ...]:
    """Return the ranges of columns that nobody sees, by what a sheet says of them before its cells."""
    about = [match[1] for match in COLUMN.finditer(head.partition(b"sheetData")[0]) if NOT_SHOWN.search(match[1])]
    spans = [(FROM.search(text), TO.search(text)) for text in about]
    return tuple((int(first[1]), int(last[1])) for first, last in spans if first and last)

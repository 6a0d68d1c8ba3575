"""What a real parser finds in the parts of a workbook: how many cells their ranges have, and how much text there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from xml.parsers import expat

from custinfo.adapters.excel._cells import column_number
from custinfo.adapters.excel._extent import TALLEST, WIDEST
from custinfo.adapters.excel._limits import refusal

__all__ = ["expanded_cells", "fed", "text_sizes", "whole_number"]

RANGE: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7}):\$?([A-Za-z]{1,3})\$?(\d{1,7})", re.ASCII)
TEXTS: Final = frozenset({"s", "str", "inlineStr"})
EXPANDED: Final = frozenset({"mergeCell", "hyperlink", "comment"})


def fed(parser: expat.XMLParserType, chunks: Iterable[bytes]) -> Iterator[None]:
    """Feed a parser, and yield after each piece. Raises: UnreadableFileError: corrupt_workbook, unsafe_workbook."""
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)  # noqa: FBT003 -- expat takes it by position only
            yield
        parser.Parse(b"", True)  # noqa: FBT003
        yield
    except (expat.ExpatError, LookupError, ValueError) as error:  # an unknown encoding is a LookupError
        raise refusal("corrupt_workbook") from error


def _refuse_doctype(*_: object) -> None:
    raise refusal("unsafe_workbook", reason="DOCTYPE")


def whole_number(digits: str) -> int:
    """Return a number that is written in digits. Raises: UnreadableFileError (corrupt_workbook)."""
    if not (digits.isascii() and digits.isdigit() and len(digits) < 9):
        raise refusal("corrupt_workbook")
    return int(digits)


def expanded_cells(chunks: Iterable[bytes]) -> int:
    """Return how many cells there are in the ranges of a part for each of whose cells openpyxl builds something.

    Raises: UnreadableFileError (corrupt_workbook) when the XML is not well-formed.
    """
    found = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal found
        if tag.rpartition(":")[2] in EXPANDED:
            found += _area(attributes.get("ref", ""))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    for _ in fed(parser, chunks):
        pass
    return found


def _area(reference: str) -> int:
    if ":" not in reference:
        return 0
    match = RANGE.fullmatch(reference)
    if match is None:  # whole rows or columns
        return WIDEST * TALLEST
    left, top, right, bottom = match.groups()
    return (abs(int(bottom) - int(top)) + 1) * (abs(column_number(right) - column_number(left)) + 1)


def text_sizes(chunks: Iterable[bytes], length_of: Callable[[int], int]) -> Iterator[int]:
    """Yield how many bytes of text there are in the cells of a sheet, piece by piece.

    Args:
        chunks: The sheet.
        length_of: Return the length of a shared string by its index.
    """
    found: list[int] = []
    held: list[str] = []
    kind = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal kind
        name = tag.rpartition(":")[2]
        if name == "c":
            kind = attributes.get("t", "")
        elif name in ("v", "t") and kind in TEXTS:
            parser.CharacterDataHandler = held.append

    def end(_: str) -> None:
        parser.CharacterDataHandler = None
        text = "".join(held).strip() if held else ""
        held.clear()
        if text:
            found.append(length_of(whole_number(text)) if kind == "s" else len(text.encode()))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    for _ in fed(parser, chunks):
        yield from found
        found.clear()

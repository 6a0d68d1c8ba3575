"""Which cells of a workbook (.xlsx) have a number format that shows zeros in front, or a day.

Only sheets of workbooks that have such a format are looked through for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from xml.parsers import expat

import attrs

from custinfo.adapters.excel._cells import column_number
from custinfo.adapters.excel._exact_extent import PLACE
from custinfo.adapters.excel._parsing import fed
from custinfo.adapters.excel._quick_extent import PREFIXED, whole_cells
from custinfo.adapters.excel._seen import SeenFormat, SeenNumbers, seen_format
from custinfo.core.errors import UnreadableFileError

__all__ = ["seen_numbers", "seen_styles"]

CELL: Final = re.compile(rb"<c[\s/>]")
MOST_NAMED: Final = 40
MOST_STYLES: Final = 1_000_000


@attrs.define
class _Styles:
    """Follow a parser through the styles: the formats, and the format of each style of cells.

    Formats that depend on a condition have numbers of their own, which may be those of others.
    """

    of_1904: bool
    formats: dict[str, SeenFormat] = attrs.field(factory=dict)
    cells: dict[int, str] = attrs.field(factory=dict)
    _within: str = ""
    _number: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name in ("numFmts", "cellXfs"):
            self._within = name
        elif name == "numFmt" and self._within == "numFmts":
            if found := seen_format(attributes.get("formatCode", ""), of_1904=self.of_1904):
                self.formats[attributes.get("numFmtId", "")] = found
        elif name == "xf" and self._within == "cellXfs":
            if len(self.cells) < MOST_STYLES:
                self.cells[self._number] = attributes.get("numFmtId", "")
            self._number += 1

    def end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == self._within:
            self._within = ""

    def found(self) -> dict[int, SeenFormat]:
        return {number: self.formats[name] for number, name in self.cells.items() if name in self.formats}


def seen_styles(chunks: Iterable[bytes], *, of_1904: bool) -> dict[int, SeenFormat]:
    """Return the styles of cells, by their numbers, that show numbers with zeros in front or as days.

    Styles that are damaged have none: what a reader makes of them is its affair.
    """
    styles = _Styles(of_1904)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = styles.start, styles.end
    try:
        for _ in fed(parser, chunks):
            pass
    except UnreadableFileError:
        return {}
    return styles.found()


def seen_numbers(chunks: Iterable[bytes], again: Iterable[bytes], formats: Mapping[int, SeenFormat]) -> SeenNumbers:
    """Return the cells of a sheet with one of some styles.

    Args:
        chunks: The sheet.
        again: The same, for XML that only a parser understands.
        formats: The styles.
    """
    seen = SeenNumbers(formats)
    return seen if _quickly(chunks, seen) else _exactly(again, formats)


def _quickly(chunks: Iterable[bytes], seen: SeenNumbers) -> bool:
    """Note the cells where the XML is as usual; return false where it is not."""
    styles = [str(number) for number in seen.formats] if len(seen.formats) <= MOST_NAMED else [r"\d{1,7}"]
    pattern = rf"""<c r="([A-Z]{{1,3}})(\d{{1,7}})"(?: [^<>]*?)? s=["']({"|".join(styles)})["']"""
    styled, columns = re.compile(pattern.encode()), dict[bytes, int]()
    for text in whole_cells(chunks):
        if (b":c" in text and PREFIXED.search(text)) or text.count(b'<c r="') < len(CELL.findall(text)):
            return False
        for letters, row, style in styled.findall(text):
            if (number := int(style)) in seen.formats:
                column = columns.get(letters) or columns.setdefault(letters, column_number(letters.decode()))
                seen.add(int(row), column, number)
    return True


def _exactly(chunks: Iterable[bytes], formats: Mapping[int, SeenFormat]) -> SeenNumbers:
    seen, row, column = SeenNumbers(formats), 0, 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column
        name = tag.rpartition(":")[2]
        if name == "row":
            row, column = int(attributes.get("r", row + 1)), 0
        elif name == "c":
            place = PLACE.fullmatch(attributes.get("r", ""))
            row, column = (int(place[2]), column_number(place[1])) if place else (row, column + 1)
            style = attributes.get("s", "")
            if style.isdecimal() and len(style) < 8 and int(style) in formats:
                seen.add(row, column, int(style))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    for _ in fed(parser, chunks):
        pass
    return seen

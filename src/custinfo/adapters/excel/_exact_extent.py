"""A sheet's extent by a real parser, for XML of whatever writer: the rectangle of the cells that have a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.parsers import expat

import attrs

from custinfo.adapters.excel._cells import CellError, CellPicture, Mark, UncachedFormula, column_number
from custinfo.adapters.excel._extent import PICTURE_ERROR, PICTURE_WORD, TALLEST, WIDEST, Extent, Place, span
from custinfo.adapters.excel._limits import refusal
from custinfo.adapters.excel._odd_values import Values
from custinfo.adapters.excel._parsing import fed, whole_number
from custinfo.adapters.excel._twice import cell_twice
from custinfo.core.cells import column_letters

__all__ = ["PLACE", "exact_extent"]

PLACE: Final = re.compile(r"([A-Za-z]{1,3})(\d{1,7})", re.ASCII)


def exact_extent(chunks: Iterable[bytes], _: Extent | None = None) -> Extent:
    """Return the rectangle of the cells that have a value, by a real parser.

    Raises: UnreadableFileError (corrupt_workbook) when the XML is not well-formed or a place is impossible.
    """
    parser = expat.ParserCreate()
    values, words = Values(parser), _Words(PICTURE_WORD)
    collector = _CellCollector(values)
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    for _ in fed(parser, words.through(chunks)):
        pass
    return Extent(
        span(collector.rows),
        span(collector.columns),
        collector.marks,
        exact=True,
        hidden=collector.hidden,
        pictures=words.found,
        odd=values.odd,
    )


class _CellCollector:
    """Follow a parser through a sheet."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self.rows: set[int] = set()
        self.columns: set[int] = set()
        self.marks: dict[Place, Mark] = {}
        self.hidden = 0
        self._hidden = self._numbered = self._begun = self._inside = False
        self._row = self._column = 0
        self._places: set[Place] = set()
        self._type = ""
        self._rich = self._formula = self._value = self._in_value = False
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "sheetData":
            if self._begun:  # the reader would show one of them
                raise refusal("corrupt_workbook")
            self._begun = self._inside = True
        elif not self._inside:
            return
        elif name == "c":
            self._begin(attributes)
        elif name == "row":
            self._begin_row(attributes)
        elif name in ("v", "is"):
            self._value = self._in_value = True
            self._values.enter(name)
        elif name == "f":
            self._formula = True
            self._values.pass_formula()

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self._numbered = "r" in attributes
        self._row = whole_number(attributes["r"]) if self._numbered else self._row + 1
        self._column = 0
        self._places.clear()
        self._check_row()
        self._hidden = attributes.get("hidden") in ("1", "true")

    def _check_row(self) -> None:
        if self._row in self.rows:  # of two rows with one number the reader would show one
            raise refusal("corrupt_workbook")

    def _begin(self, attributes: dict[str, str]) -> None:
        if (reference := attributes.get("r")) is None:
            self._column += 1
        elif match := PLACE.fullmatch(reference):
            self._move(int(match[2]), column_number(match[1]))
        else:
            raise refusal("corrupt_workbook")
        if self._column > WIDEST or not 0 < self._row <= TALLEST:
            raise refusal("corrupt_workbook")
        if (self._row, self._column) in self._places:
            raise cell_twice(column_letters(self._column), self._row)
        self._places.add((self._row, self._column))
        self._type, self._rich = attributes.get("t", ""), "vm" in attributes
        self._values.begin(self._type)
        self._formula = self._value = False
        self._text.clear()

    def _move(self, row: int, column: int) -> None:
        """Go to the place that a cell names, which is in its row: a row without a number has that of its first cell."""
        if row != self._row:
            if self._numbered or self._places:
                raise refusal("corrupt_workbook")
            self._row = row
            self._check_row()
        self._column = column

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "sheetData":
            self._inside = False
        elif not self._inside:
            return
        elif name in ("v", "is"):
            self._in_value = False
            self._values.leave("".join(self._text))
        elif name == "c":
            self._finish("".join(self._text).strip())

    def text(self, text: str) -> None:
        if self._in_value:
            self._text.append(text)
            self._values.read(text)

    def _finish(self, text: str) -> None:
        place = (self._row, self._column)
        if self._type == "e" and self._rich and not self._formula and text == PICTURE_ERROR:
            self.marks[place] = CellPicture()
        elif self._type == "e":
            self.marks[place] = CellError.of(text)
        elif self._formula and not text and self._type != "str":
            self.marks[place] = UncachedFormula()
        if self._value or place in self.marks:
            self.hidden += self._hidden
            self._hidden = False
            self.rows.add(self._row)
            self.columns.add(self._column)


@attrs.define
class _Words:
    """Tell whether a word stands in a text that comes in pieces."""

    word: bytes
    found: bool = False

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        before = b""
        for chunk in chunks:
            self.found = self.found or self.word in before + chunk
            before = chunk[-len(self.word) :]
            yield chunk

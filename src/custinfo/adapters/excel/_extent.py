"""What a worksheet's XML holds, found without building it.

The reader behind us allocates the whole rectangle between a sheet's first and last value, before anybody
can stop it, and it shows error cells and formulas without a result as blanks. So every part is scanned first:
by regular expressions where the XML looks as nearly all writers make it, else by a real parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.parsers import expat

import attrs

from custinfo.adapters.excel._cells import CellError, Mark, UncachedFormula, column_number
from custinfo.adapters.excel._limits import refusal

__all__ = ["Extent", "exact_extent", "quick_extent", "reference_extent"]

CELL: Final = re.compile(rb'<c(?: r="([A-Z]{1,3})\d{1,6}"|(?![A-Za-z]))')
REFERENCE: Final = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"')
PREFIXED: Final = re.compile(rb":c(?![\w.-])")
ERROR: Final = re.compile(rb'<c r="([A-Z]+)(\d+)"(?: [^>]*)? t="e"[^>]*>.*?<v>([^<]*)</v>', re.DOTALL)
UNCACHED: Final = re.compile(
    rb'<c r="([A-Z]+)(\d+)"(?![^>]* t="(?:str|e)")[^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*'
    rb"(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
WIDEST: Final = 16_384
TALLEST: Final = 1_048_576
QUICK_ROWS: Final = 999_999
NARROWEST_CELL: Final = 22
LONGEST_CARRY: Final = 4 * 1024 * 1024
Place = tuple[int, int]


@attrs.define
class Extent:
    """Say what a sheet's cells span at most, and which of them need a stand-in.

    Attributes:
        rows: First and last row that may hold a value; (1, 0) when there is none.
        columns: The same for columns.
        marks: What stands in for a value, by row and column.
        exact: Whether cells without a value were left out.
    """

    rows: tuple[int, int] = (1, 0)
    columns: tuple[int, int] = (1, 0)
    marks: dict[Place, Mark] = attrs.field(factory=dict)
    exact: bool = False

    @property
    def area(self) -> int:
        """Cells of the rectangle."""
        return (self.rows[1] - self.rows[0] + 1) * (self.columns[1] - self.columns[0] + 1)


def _span(numbers: Iterable[int]) -> tuple[int, int]:
    found = set(numbers)
    return (min(found), max(found)) if found else (1, 0)


def quick_extent(chunks: Iterable[bytes]) -> Extent | None:
    """Return an upper bound from one fast pass, or None when the XML is unusual and needs `exact_extent`."""
    letters: set[bytes] = set()
    marks: dict[Place, Mark] = {}
    usual = re.compile(b"(?!)")
    for text in _whole_cells(chunks):
        if b":c" in text and PREFIXED.search(text):
            return None
        if not letters or usual.search(text):
            letters |= set(CELL.findall(text))
            if b"" in letters:
                return None
            usual = _unlike(letters)
        marks.update(_marks(text))
    columns = _span(column_number(name.decode()) for name in letters)
    return Extent((1, QUICK_ROWS if letters else 0), (1, columns[1]), marks)


def _unlike(letters: set[bytes]) -> re.Pattern[bytes]:
    """Match a cell outside the columns seen so far: a search that finds nothing is the fastest there is."""
    single = sorted(name for name in letters if len(name) == 1)
    if len(single) != len(letters):
        return re.compile(b"<c")
    return re.compile(rb'<c(?! r="[A-%s]\d{1,6}"|[A-Za-z])' % (single[-1] if single else b"A"))


def _whole_cells(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces so that no cell is cut; a cell that is too long for that is damage or an attack."""
    carry = b""
    for chunk in chunks:
        text = carry + chunk
        cut = text.rfind(b"<c ")
        cut = len(text) - 64 if cut < 0 else cut
        yield text
        carry = text[max(cut, 0) :]
        if len(carry) > LONGEST_CARRY:
            raise refusal("corrupt_workbook")


def _marks(text: bytes) -> Iterator[tuple[Place, Mark]]:
    if b't="e"' in text:
        for column, row, error in ERROR.findall(text):
            yield (int(row), column_number(column.decode())), CellError(error.decode("utf-8", "replace"))
    if b"<f" in text:
        for column, row in UNCACHED.findall(text):
            yield (int(row), column_number(column.decode())), UncachedFormula()


def reference_extent(chunks: Iterable[bytes], quick: Extent) -> Extent:
    """Return the bound from the references of all cells; for sheets whose columns make the quick one too large."""
    rows: set[bytes] = set()
    for text in _whole_cells(chunks):
        rows.update(row for _, row in REFERENCE.findall(text))
    return attrs.evolve(quick, rows=_span(map(int, rows)))


class _CellCollector:
    """Follow a parser through a sheet."""

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self.columns: set[int] = set()
        self.marks: dict[Place, Mark] = {}
        self._row = self._column = 0
        self._type = ""
        self._formula = self._value = self._in_value = False
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "c":
            self._begin(attributes)
        elif name == "row":
            self._row = _number(attributes.get("r", ""), self._row + 1)
            self._column = 0
        elif name in ("v", "is"):
            self._value = self._in_value = True
        elif name == "f":
            self._formula = True

    def _begin(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r", "")
        letters = reference.rstrip("0123456789")
        self._column = column_number(letters) if letters.isalpha() and letters.isascii() else self._column + 1
        self._row = _number(reference[len(letters) :], self._row)
        if self._column > WIDEST or self._row > TALLEST:
            raise refusal("corrupt_workbook")
        self._type = attributes.get("t", "")
        self._formula = self._value = False
        self._text.clear()

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name in ("v", "is"):
            self._in_value = False
        elif name == "c":
            self._finish("".join(self._text).strip())

    def text(self, text: str) -> None:
        if self._in_value:
            self._text.append(text)

    def _finish(self, text: str) -> None:
        place = (self._row, self._column)
        if self._type == "e":
            self.marks[place] = CellError(text)
        elif self._formula and not text and self._type != "str":
            self.marks[place] = UncachedFormula()
        if self._value or place in self.marks:
            self.rows.add(self._row)
            self.columns.add(self._column)


def _number(digits: str, otherwise: int) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else otherwise


def _refuse_doctype(*_: object) -> None:
    raise refusal("unsafe_workbook", reason="DOCTYPE")


def exact_extent(chunks: Iterable[bytes], _: Extent | None = None) -> Extent:
    """Return the rectangle of the cells that have a value, by a real parser.

    Raises: UnreadableFileError (corrupt_workbook) when the XML is not well-formed or a place is impossible.
    """
    collector = _CellCollector()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    for _ in _fed(parser, chunks):
        pass
    return Extent(_span(collector.rows), _span(collector.columns), collector.marks, exact=True)


def _fed(parser: expat.XMLParserType, chunks: Iterable[bytes]) -> Iterator[None]:
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)  # noqa: FBT003 -- expat takes it by position only
            yield
        parser.Parse(b"", True)  # noqa: FBT003
        yield
    except expat.ExpatError as error:
        raise refusal("corrupt_workbook") from error


def shared_strings(chunks: Iterable[bytes]) -> Iterator[int]:
    """Yield the index of the shared string of each cell that has one."""
    found: list[int] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True
    shared = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal shared
        name = tag.rpartition(":")[2]
        if name == "c":
            shared = attributes.get("t") == "s"
        parser.CharacterDataHandler = text if shared and name == "v" else None

    def text(digits: str) -> None:
        found.append(_number(digits.strip(), 0))

    parser.StartElementHandler = start
    for _ in _fed(parser, chunks):
        yield from found
        found.clear()

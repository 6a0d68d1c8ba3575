"""What a worksheet's XML holds, found without building it.

The reader behind us allocates the whole rectangle between a sheet's first and last value, before anybody
can stop it, and it shows error cells and formulas without a result as blanks. So every part is scanned first:
by regular expressions where the XML looks as nearly all writers make it, else by a real parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from xml.parsers import expat

import attrs

from custinfo.adapters.excel._cells import CellError, CellPicture, Mark, UncachedFormula, column_number
from custinfo.adapters.excel._limits import refusal
from custinfo.adapters.excel._odd_values import Values, may_be_odd
from custinfo.adapters.excel._twice import RowsAsUsual, cell_twice
from custinfo.workspace.import_columns import column_letters

__all__ = [
    "PLACE",
    "PREFIXED",
    "Extent",
    "exact_extent",
    "expanded_cells",
    "fed",
    "quick_extent",
    "reference_extent",
    "text_sizes",
    "whole_cells",
]

NOTHING: Final = re.compile(b"<c")
REFERENCE: Final = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"')
PREFIXED: Final = re.compile(rb":c(?![\w.-])")
ERROR: Final = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?: [^<>]*)? t="e"[^<>]*(?<!/)>(?:[^<]|<(?!/?c[\s>]|v>))*<v>([^<]*)</v>'
)
PICTURE_WORD: Final = b"DISPIMG("
PICTURE: Final = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"[^<>]*(?<!/)>\s*<f\b[^<>]*>\s*=?(?:_xlfn\.)?DISPIMG\([^<]*</f>'
)
PICTURE_ERROR: Final = "#VALUE!"
PLACE: Final = re.compile(r"([A-Za-z]{1,3})(\d{1,7})", re.ASCII)
RANGE: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7}):\$?([A-Za-z]{1,3})\$?(\d{1,7})", re.ASCII)
UNCACHED: Final = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?![^<>]* t="(?:str|e)")[^<>]*>\s*<f\b(?:[^<>]*/>|[^<>]*>[^<]*</f>)\s*'
    rb"(?:(?:<v\s*/>|<v>\s*</v>)\s*)?</c>"
)
ROW: Final = b'<row r="'
ROW_NUMBER: Final = re.compile(rb'<row r="(\d{1,7})"')
HIDDEN: Final = re.compile(rb"""<row\b[^<>]{0,400} hidden=["'](?:1|true)["'][^<>]{0,400}(?<!/)>\s{0,40}<c""")
TEXTS: Final = frozenset({"s", "str", "inlineStr"})
EXPANDED: Final = frozenset({"mergeCell", "hyperlink", "comment"})
WIDEST: Final = 16_384
TALLEST: Final = 1_048_576
ALWAYS_ALLOWED: Final = 1_000_000
NARROWEST_CELL: Final = 22
LONGEST_CARRY: Final = 1024 * 1024
Place = tuple[int, int]


@attrs.define
class Extent:
    """Say what a sheet's cells span at most, and which of them need a stand-in.

    Attributes:
        rows: First and last row that may hold a value; (1, 0) when there is none.
        columns: The same for columns.
        marks: What stands in for a value, by row and column.
        exact: Whether cells without a value were left out.
        hidden: How many rows with cells are hidden, by a filter for instance.
        pictures: Whether the word is in it by which a formula shows a picture in its cell.
        odd: Whether a value is spelled so that the fast reader would take it for another.
    """

    rows: tuple[int, int] = (1, 0)
    columns: tuple[int, int] = (1, 0)
    marks: dict[Place, Mark] = attrs.field(factory=dict)
    exact: bool = False
    hidden: int = 0
    pictures: bool = False
    odd: bool = False

    def is_sparse(self, size: int) -> bool:
        """Return whether the rectangle is large, and far larger than a part of this many bytes can fill."""
        return self.area > max(ALWAYS_ALLOWED, size // 2)

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
    digits, usual, hidden, rows, last, once, pictures = 1, NOTHING, 0, 0, 0, RowsAsUsual(), False
    for text in whole_cells(chunks):
        if b":c" in text and PREFIXED.search(text):
            return None
        if (length := _last_row_digits(text)) > digits or usual.search(text):
            digits = max(digits, length)
            letters |= _letters(text, digits)
            if b"" in letters:
                return None
            usual = _unlike(letters, digits)
        if not once.hold(text) or may_be_odd(text):
            return None
        rows += text.count(ROW)
        last = max(last, _last_row(text))
        marks.update(_marks(text))
        pictures = pictures or PICTURE_WORD in text
        if b" hidden=" in text:
            hidden += len(HIDDEN.findall(text))
    if rows > last or not once.hold_to_the_end():  # numbers are given twice, or rows are out of order
        return None
    _, widest = _span(column_number(name.decode()) for name in letters)
    if widest > WIDEST:
        return None
    return Extent((1, 10**digits - 1 if letters else 0), (1, widest), marks, hidden=hidden, pictures=pictures)


def _last_row(text: bytes) -> int:
    """Return the number of the last row that begins in a text."""
    match = ROW_NUMBER.match(text, max(text.rfind(ROW), 0))
    return int(match[1]) if match else 0


def _last_row_digits(text: bytes) -> int:
    """Return how many digits the row of the last cell has; cells nearly always come in order."""
    match = REFERENCE.match(text, max(text.rfind(b'<c r="'), 0))
    return len(match[2]) if match else 0


def _letters(text: bytes, digits: int) -> set[bytes]:
    """Return the columns of all cells, with an empty one among them for a cell that is not as usual."""
    return set(re.findall(rb'<c(?: r="([A-Z]{1,3})\d{1,%d}"|(?![A-Za-z]))' % digits, text))


def _unlike(letters: set[bytes], digits: int) -> re.Pattern[bytes]:
    """Match a cell outside the columns and rows seen so far: a search that finds nothing is the fastest there is."""
    if any(len(name) > 1 for name in letters):
        return re.compile(b"<c")
    widest = max(letters, default=b"A")
    return re.compile(rb'<c(?! r="[A-%s]\d{1,%d}"|[A-Za-z])' % (widest, digits))


def whole_cells(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces so that no cell is cut, unless it is longer than any program writes."""
    carry = b""
    for chunk in chunks:
        text = carry + chunk
        cut = text.rfind(b"<c ")
        cut = max(cut if cut >= 0 else len(text) - 64, 0)
        yield text[:cut]
        carry = text[cut:]
        if len(carry) > LONGEST_CARRY:
            yield carry
            carry = carry[-64:]
    yield carry


def _marks(text: bytes) -> Iterator[tuple[Place, Mark]]:
    if b"e" in text and b't="e"' in text:  # one byte is found ten times faster than several, and is rare here
        for match in ERROR.finditer(text):
            column, row, error = match.groups()
            yield (int(row), column_number(column.decode())), _error(error.decode("utf-8", "replace"), match[0])
    if b"f" in text and b"<f" in text:
        for column, row in UNCACHED.findall(text):
            yield (int(row), column_number(column.decode())), UncachedFormula()
        for column, row in PICTURE.findall(text) if PICTURE_WORD in text else ():
            yield (int(row), column_number(column.decode())), CellPicture()


def _error(name: str, cell: bytes) -> Mark:
    """Return what stands in for a cell that shows an error: a picture of Excel is one with a value of its own kind."""
    head, _, _ = cell.partition(b">")
    return CellPicture() if name == PICTURE_ERROR and b" vm=" in head and _may_be_picture(cell) else CellError.of(name)


def _may_be_picture(cell: bytes) -> bool:
    """Tell a picture from a formula that ends in an error, unless the formula is one that gets a picture."""
    return b"<f" not in cell or b"IMAGE(" in cell


def reference_extent(chunks: Iterable[bytes], quick: Extent) -> Extent:
    """Return the bound from the references of all cells; for sheets whose columns make the quick one too large."""
    rows: set[bytes] = set()
    for text in whole_cells(chunks):
        rows.update(row for _, row in REFERENCE.findall(text))
    return attrs.evolve(quick, rows=_span(map(int, rows)))


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

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self._numbered = "r" in attributes
        self._row = _number(attributes["r"]) if self._numbered else self._row + 1
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


def _number(digits: str) -> int:
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


def _refuse_doctype(*_: object) -> None:
    raise refusal("unsafe_workbook", reason="DOCTYPE")


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
        _span(collector.rows),
        _span(collector.columns),
        collector.marks,
        exact=True,
        hidden=collector.hidden,
        pictures=words.found,
        odd=values.odd,
    )


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
            found.append(length_of(_number(text)) if kind == "s" else len(text.encode()))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    for _ in fed(parser, chunks):
        yield from found
        found.clear()

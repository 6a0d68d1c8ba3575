"""Values of cells that are spelled as no spreadsheet spells them, and that the fast reader takes for others.

It reads an index of a shared string with a blank or a sign as that of the first string, and leaves out what stands
behind a comment, in a CDATA section or as a character reference. A parser sees them as they are meant.
"""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

from custinfo.adapters.excel._limits import refusal

__all__ = ["Values", "may_be_odd"]

INDEX: Final = re.compile(rb"""t=["']s["'](?!(?: [^<>]*)?(?:/>|><v>\d{1,9}</v></c>|></c>))""")
REFERENCE: Final = re.compile(rb"<v(?: [^<>]*)?>[^<&]*&")
TEXT_TWICE: Final = re.compile(rb"</is>\s*+<[vi]")
FORMULA_BEHIND: Final = re.compile(rb"</v>\s*+<f")
LONGEST_INDEX: Final = 10
ANY_TEXT: Final = frozenset({"str", "e", "inlineStr"})
"""Types of cells whose value may be any text, so that character references in it are read as such."""


def may_be_odd(text: bytes) -> bool:
    """Tell whether a piece of a sheet may have such a value: a parser decides."""
    return (
        INDEX.search(text) is not None
        or (b"!" in text and b"<!-" in text)
        or (b"?" in text and text.rfind(b"<?") > len(b"\xef\xbb\xbf"))
        or (b"inlineStr" in text and TEXT_TWICE.search(text) is not None)
        or (b"<f" in text and FORMULA_BEHIND.search(text) is not None)
        or (b"&" in text and any(_is_plain(text, match.start()) for match in REFERENCE.finditer(text)))
    )


def _is_plain(text: bytes, at: int) -> bool:
    """Tell whether the cell around a value is none of texts."""
    start = text.rfind(b"<c ", 0, at)
    head = text[start : text.find(b">", start)]
    return b' t="str"' not in head and b' t="e"' not in head


class Values:
    """Follow a parser through the values of cells; `odd` says whether one is such."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.odd = False
        self._parser = parser
        self._kind = ""
        self._before: set[str] = set()
        self._within = self._marked = False
        self._begin, self._length = -1, 0
        parser.CommentHandler = self._mark
        parser.ProcessingInstructionHandler = self._mark
        parser.StartCdataSectionHandler = self._note_section

    def begin(self, kind: str) -> None:
        """Note that a cell of some type begins."""
        self._kind = kind
        self._before.clear()

    def pass_formula(self) -> None:
        """Note that there is a formula: behind a value, it would hide it."""
        self.odd = self.odd or "v" in self._before

    def enter(self, name: str) -> None:
        """Note that a value begins: `v` or `is`. Raises: UnreadableFileError (corrupt_workbook) for a second one."""
        if name in self._before:
            raise refusal("corrupt_workbook")
        self.odd = self.odd or (name == "v" and "is" in self._before)
        self._before.add(name)
        self._within, self._marked = name == "v", False
        self._begin, self._length = -1, 0

    def read(self, text: str) -> None:
        """Note a piece of a value."""
        if self._begin < 0:
            self._begin = self._parser.CurrentByteIndex
        self._length += len(text.encode("utf-8", "surrogatepass"))

    def leave(self, text: str) -> None:
        """Note that a value ends.

        Raises: UnreadableFileError (corrupt_workbook) where it is to be an index and none.
        """
        if not self._within:
            return
        self._within = False
        spelled = self._parser.CurrentByteIndex - self._begin if self._length else 0
        self.odd = self.odd or (self._kind not in ANY_TEXT and (self._marked or spelled != self._length))
        if self._kind == "s" and text and not _is_index(text):
            if not _is_index(text.strip()):
                raise refusal("corrupt_workbook")
            self.odd = True

    def _mark(self, *_: object) -> None:
        self._marked = True

    def _note_section(self) -> None:
        self._marked = True
        self.odd = self.odd or (self._within and self._kind != "e")


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < LONGEST_INDEX

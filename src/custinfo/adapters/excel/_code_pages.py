"""Texts of workbooks of Excel 5 and 95, which are bytes in the code page of the machine that wrote them.

The reader behind us knows code pages of one byte a character only. So it is told that all texts are Western, which
loses nothing, and they are decoded here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from custinfo.adapters.excel._biff import WESTERN
from custinfo.adapters.excel._grids import Grid

__all__ = ["with_texts_decoded"]

_CODECS: Final = {936: "gb18030", 950: "cp950", 932: "cp932", 949: "cp949"}
_CHINESE: Final = re.compile(rb"(?:[\x00-\x7f]|[\x81-\xfe][\x40-\x7e\x80-\xfe])*")
_PAIR: Final = re.compile(rb"[\x81-\xfe][\x40-\xfe]")


def _western(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


_BYTES: Final = {ord(_western(byte)): byte for byte in range(256)}


def with_texts_decoded(grids: Sequence[Grid], page: int) -> tuple[Grid, ...]:
    """Return sheets whose texts were read as Western, with those texts as they are in a code page.

    Libraries that write such files call every text Western. It is Chinese where all texts can be, and most characters
    are usual ones, of two bytes that both stand for letters with accents: in Western words these stand alone.
    """
    codec = _CODECS.get(page)
    if codec is None and page == WESTERN and _all_chinese(grids):
        codec = "gb18030"
    return tuple(attrs.evolve(grid, rows=_decoded(grid, codec)) for grid in grids) if codec else tuple(grids)


def _all_chinese(grids: Sequence[Grid]) -> bool:
    pairs = usual = 0
    for grid in grids:
        for _, values in grid.rows():
            for text in values:
                if type(text) is str and not text.isascii():
                    content = _bytes(text)
                    if not _CHINESE.fullmatch(content):
                        return False
                    found = _PAIR.findall(content)
                    pairs += len(found)
                    usual += sum(pair[0] > 0xA0 < pair[1] for pair in found)
    return 5 * usual >= 4 * pairs


def _bytes(text: str) -> bytes:
    return bytes(_BYTES.get(ord(character), 0x3F) for character in text)


def _decoded(grid: Grid, codec: str) -> Callable[[], Iterator[tuple[int, Sequence[object]]]]:
    def rows() -> Iterator[tuple[int, Sequence[object]]]:
        for number, values in grid.rows():
            yield number, [_text(value, codec) if type(value) is str else value for value in values]

    return rows


def _text(text: str, codec: str) -> str:
    return text if text.isascii() else _bytes(text).decode(codec, "replace")

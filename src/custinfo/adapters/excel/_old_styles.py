"""The styles of cells of an old workbook (.xls) whose numbers are seen with zeros in front, or as days."""

from __future__ import annotations

import struct
from typing import Final

import attrs

from custinfo.adapters.excel._seen import SeenFormat, seen_format

__all__ = ["OldStyles"]

FORMAT: Final = 0x41E
XF: Final = 0xE0


@attrs.define
class OldStyles:
    """Follow the records of number formats, and of styles, each of which names its format."""

    _formats: dict[int, str] = attrs.field(factory=dict, init=False)
    _styles: list[int] = attrs.field(factory=list, init=False)

    def note(self, kind: int, data: bytes) -> None:
        """Note what a record of the globals says; damaged ones say nothing."""
        if kind == XF:
            self._styles.append(struct.unpack_from("<H", data, 2)[0] if len(data) > 3 else 0)
        elif kind == FORMAT and len(data) > 5 and seen_format(code := _code(data)):
            self._formats[struct.unpack_from("<H", data)[0]] = code

    def found(self, *, of_1904: bool) -> dict[int, SeenFormat]:
        """Return the formats by the numbers of the styles; in a workbook whose days may count from 1904."""
        seen = {name: seen_format(code, of_1904=of_1904) for name, code in self._formats.items()}
        formats = {name: format_ for name, format_ in seen.items() if format_}
        return {number: formats[name] for number, name in enumerate(self._styles) if name in formats} if formats else {}


def _code(data: bytes) -> str:
    """Return the code of a format: bytes behind their number (Excel 5 and 95), or characters of one or two bytes."""
    if len(data) == 3 + data[2]:
        return data[3:].decode("gb18030", "replace")
    length, wide = struct.unpack_from("<HB", data, 2)
    return data[5 : 5 + length * (1 + (wide & 1))].decode("utf-16-le" if wide & 1 else "latin-1", "replace")

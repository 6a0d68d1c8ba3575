"""How much text the shared strings of an old workbook (.xls) come to in its cells."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from custinfo.adapters.excel._old_records import LABELSST, records_of

__all__ = ["text_bytes"]


def text_bytes(book: bytes, strings: list[bytes], cells: int, limit: int) -> int:
    """Return a bound on the text of all cells, each with its own copy; a close one when a cheap one is too large."""
    lengths = list(_lengths(strings))
    longest = max(lengths, default=0)
    if cells * longest <= limit:
        return cells * longest
    indexes = (struct.unpack_from("<I", data, 6)[0] for _, kind, data in records_of(book) if kind == LABELSST)
    return sum(lengths[index] if index < len(lengths) else longest for index in indexes)


def _lengths(parts: list[bytes]) -> Iterator[int]:
    """Yield three bytes a character for each string; strings run on into the next part."""
    part, at = 0, 0
    while part < len(parts):
        if at + 3 > len(parts[part]):
            part, at = part + 1, max(0, at - len(parts[part])) if at > len(parts[part]) else 0
            continue
        data = parts[part]
        count, flags = struct.unpack_from("<HB", data, at)
        yield count * 3
        at += 3
        runs = struct.unpack_from("<H", data, at)[0] if flags & 8 else 0
        at += 2 if flags & 8 else 0
        extra = struct.unpack_from("<I", data, at)[0] if flags & 4 else 0
        at += 4 if flags & 4 else 0
        part, at = _skipped(parts, part, at, count, flags & 1)
        at += 4 * runs + extra
        while part < len(parts) and at > len(parts[part]):
            at -= len(parts[part])
            part += 1


def _skipped(parts: list[bytes], part: int, at: int, count: int, wide: int) -> tuple[int, int]:
    """Return the place behind a string's characters; each further part begins with a new width."""
    while part < len(parts):
        room = (len(parts[part]) - at) // (wide + 1)
        if count <= room:
            return part, at + count * (wide + 1)
        count -= room
        part += 1
        if part < len(parts) and parts[part]:
            wide, at = parts[part][0] & 1, 1
    return part, 0

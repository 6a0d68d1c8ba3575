"""The shared strings of an old workbook (.xls): how much text they come to in its cells, and where records cut them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from custinfo.adapters.excel._old_records import CONTINUE, EOF, LABELSST, SST, records_of

__all__ = ["text_bytes", "with_whole_characters"]

UNIT: Final = 2
"""Bytes; characters such as emoji and rare ones of names have two units."""
LONGEST: Final = 0xFFFF


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


def with_whole_characters(stream: bytes) -> bytes:
    """Return a stream of the same length in which no record of shared strings ends within a character.

    A writer cuts strings where a record is full. The reader takes each half of a character for one that is unknown.
    """
    whole = bytearray(stream)
    head, before = 0, b""
    for at, kind, data in records_of(stream):
        if kind == EOF:
            break
        start = at
        if kind == CONTINUE and _cuts(before, data):
            start = at - UNIT
            length = struct.unpack_from("<H", whole, head + 2)[0]
            struct.pack_into("<H", whole, head + 2, length - UNIT)
            struct.pack_into("<HHB2s", whole, start, CONTINUE, len(data) + UNIT, data[0], before[-UNIT:])
        head, before = start, data if kind in (SST, CONTINUE) else b""
    return bytes(whole)


def _cuts(before: bytes, data: bytes) -> bool:
    """Tell whether a record ends with the first half of a character, and the next one goes on with the other."""
    if len(before) <= UNIT or not UNIT < len(data) <= LONGEST - UNIT or data[0] != 1:
        return False
    return 0xD8 <= before[-1] < 0xDC <= data[UNIT] < 0xE0

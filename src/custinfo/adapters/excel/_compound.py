"""The compound file (CFB) that old workbooks and encrypted new ones are wrapped in.

The reader behind us believes every count and every chain in it, and ends the process when they are wrong. So a
workbook's stream is taken out here, and the reader gets that alone, wrapped anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from custinfo.adapters.excel._limits import refusal

__all__ = ["stream_of", "wrapped"]

END: Final = 0xFFFFFFFA  # this and above: no sector
SMALL: Final = 4096
STORAGE_ROOT: Final = 5
STREAM: Final = 2
LAST, FREE, TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
HEADS: Final = 109
SECTOR: Final = 4096
ENTRY: Final = struct.Struct("<64sHBx48xIQ")
SHIFTS: Final = struct.Struct("<HH")
HEADER: Final = struct.Struct("<III8xIIII")  # sectors of directory and table, root; small table, its size, more
NEEDED: Final = ("Workbook", "Book")
ENCRYPTED: Final = ("EncryptedPackage", "EncryptionInfo")


@attrs.frozen
class _Compound:
    content: bytes
    sector: int
    table: Sequence[int]

    def chain(self, start: int) -> bytes:
        """Return the sectors of a chain; a chain that turns back on itself or leaves the file is damage."""
        parts: list[bytes] = []
        while start < END:
            if start >= len(self.table) or len(parts) > len(self.table):
                raise refusal("corrupt_workbook")
            at = (start + 1) * self.sector
            parts.append(self.content[at : at + self.sector])
            start = self.table[start]
        return b"".join(parts)


@attrs.frozen
class _Entry:
    name: str
    kind: int
    start: int
    size: int


def _numbers(content: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])


def stream_of(content: bytes) -> bytes | None:
    """Return the stream of an old workbook, or None for a file of another program.

    Raises: UnreadableFileError: corrupt_workbook, or password_protected when a new one is wrapped in it.
    """
    try:
        return _stream(content)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise refusal("corrupt_workbook") from error


def _stream(content: bytes) -> bytes | None:
    shift, small_shift = SHIFTS.unpack_from(content, 30)
    if shift not in (9, 12) or small_shift != 6:
        raise refusal("corrupt_workbook")
    most = len(content) // (1 << shift) + 1
    directory, tables, root, small_start, smalls, more, others = HEADER.unpack_from(content, 40)
    if max(directory, tables, smalls, others) > most:
        raise refusal("corrupt_workbook")
    file = _Compound(content, 1 << shift, _table(content, 1 << shift, more, most))
    entries = list(_entries(file.chain(root), long=shift == 12))
    if any(entry.name in ENCRYPTED for entry in entries):
        raise refusal("password_protected")
    for name in NEEDED:
        named = [entry for entry in entries if entry.kind == STREAM and entry.name == name]
        if len(named) > 1:
            raise refusal("corrupt_workbook")
        if named and named[0].size:
            return _followed(named[0], file, entries, small_start)
    return None


def _table(content: bytes, size: int, more: int, most: int) -> tuple[int, ...]:
    heads = [number for number in _numbers(content[76:512]) if number < END]
    blocks = 0
    while more < END:
        block = _numbers(content[(more + 1) * size : (more + 2) * size])
        heads.extend(number for number in block[:-1] if number < END)
        more, blocks = block[-1], blocks + 1
        if blocks > most:
            raise refusal("corrupt_workbook")
    if len(heads) > most:
        raise refusal("corrupt_workbook")
    return _numbers(b"".join(content[(head + 1) * size : (head + 2) * size] for head in heads))


def _entries(directory: bytes, *, long: bool) -> Iterator[_Entry]:
    """Yield the entries; files of short sectors have nothing usable in the upper half of a size."""
    for at in range(0, len(directory) - 127, 128):
        name, length, kind, start, size = ENTRY.unpack_from(directory, at)
        spelled = name[: max(min(length, 64) - 2, 0)].decode("utf-16-le")
        yield _Entry(spelled, kind, start, size if long else size & 0xFFFFFFFF)


def _small(file: _Compound, entries: list[_Entry], start: int) -> _Compound:
    """Return the short sectors, which are a file within the root's stream, with a table of their own."""
    root = next((entry for entry in entries if entry.kind == STORAGE_ROOT), None)
    held = file.chain(root.start) if root else b""
    return _Compound(bytes(64) + held, 64, _numbers(file.chain(start)))


def _followed(entry: _Entry, file: _Compound, entries: list[_Entry], small_start: int) -> bytes:
    if entry.size > len(file.content):
        raise refusal("corrupt_workbook")
    holder = _small(file, entries, small_start) if entry.size < SMALL else file
    stream = holder.chain(entry.start)[: entry.size]
    if len(stream) < entry.size:  # the file was cut
        raise refusal("corrupt_workbook")
    return stream


def wrapped(stream: bytes) -> bytes:
    """Return a compound file that holds a workbook's stream and nothing else.

    Raises: UnreadableFileError (workbook_too_large) for more than 400 MB, which no workbook of this kind has.
    """
    padded = stream + bytes(-len(stream) % SECTOR)
    sectors = len(padded) // SECTOR
    tables = -(-(sectors + HEADS + 2) // (SECTOR // 4))
    if tables > HEADS:
        raise refusal("workbook_too_large", what="bytes", limit=(HEADS - 1) * SECTOR // 4 * SECTOR)
    first = tables + 2
    links = [TABLE] * tables + [LAST, LAST, *range(first + 1, first + sectors), LAST]
    links += [FREE] * (tables * SECTOR // 4 - len(links))
    heads = [*range(tables), *[FREE] * (HEADS - tables)]
    header = struct.pack("<8s16x5H6x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 4, 0xFFFE, 12, 6)
    header += struct.pack("<9I", 1, tables, tables, 0, SMALL, LAST, 0, LAST, 0) + struct.pack(f"<{HEADS}I", *heads)
    size = max(len(stream), SMALL)
    directory = _named("Root Entry", STORAGE_ROOT, tables + 1, 0) + _named(NEEDED[0], STREAM, first, size)
    table = struct.pack(f"<{len(links)}I", *links)
    return b"".join((header.ljust(SECTOR, b"\0"), table, directory.ljust(2 * SECTOR, b"\0"), padded))


def _named(name: str, kind: int, start: int, size: int) -> bytes:
    spelled = name.encode("utf-16-le")
    return struct.pack("<64sHBB48xIQ", spelled, len(spelled) + 2, kind, 1, start, size)

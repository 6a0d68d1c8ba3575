"""The compound file (CFB) that old workbooks and encrypted new ones are wrapped in.

The reader behind us believes every count and every chain in it, and ends the process when they are wrong. So all
of them are followed here first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from custinfo.adapters.excel._limits import refusal

__all__ = ["streams_of"]

END: Final = 0xFFFFFFFA  # this and above: no sector
SMALL: Final = 4096
STORAGE_ROOT: Final = 5
STREAM: Final = 2
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


def streams_of(content: bytes) -> dict[str, bytes]:
    """Return the streams of an old workbook by name.

    Raises: UnreadableFileError: corrupt_workbook, or password_protected when a new one is wrapped in it.
    """
    try:
        return _streams(content)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise refusal("corrupt_workbook") from error


def _streams(content: bytes) -> dict[str, bytes]:
    shift, small_shift = SHIFTS.unpack_from(content, 30)
    if shift not in (9, 12) or small_shift != 6:
        raise refusal("corrupt_workbook")
    most = len(content) // (1 << shift) + 1
    directory, tables, root, small_start, smalls, more, others = HEADER.unpack_from(content, 40)
    if max(directory, tables, smalls, others) > most:
        raise refusal("corrupt_workbook")
    file = _Compound(content, 1 << shift, _table(content, 1 << shift, more, most))
    entries = list(_entries(file.chain(root)))
    if any(entry.name in ENCRYPTED for entry in entries):
        raise refusal("password_protected")
    small = _small(file, entries, small_start)
    found = {}
    for entry in entries:
        stream = _followed(entry, file, small)
        if entry.kind == STREAM and entry.name in NEEDED:
            found[entry.name] = stream
    return found


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


def _entries(directory: bytes) -> Iterator[_Entry]:
    for at in range(0, len(directory) - 127, 128):
        name, length, kind, start, size = ENTRY.unpack_from(directory, at)
        yield _Entry(name[: max(min(length, 64) - 2, 0)].decode("utf-16-le"), kind, start, size)


def _small(file: _Compound, entries: list[_Entry], start: int) -> _Compound:
    """Return the short sectors, which are a file within the root's stream, with a table of their own."""
    root = next((entry for entry in entries if entry.kind == STORAGE_ROOT), None)
    held = file.chain(root.start) if root else b""
    return _Compound(bytes(64) + held, 64, _numbers(file.chain(start)))


def _followed(entry: _Entry, file: _Compound, small: _Compound) -> bytes:
    if entry.kind not in (STREAM, STORAGE_ROOT) or not entry.size:
        return b""
    if entry.size & 0xFFFFFFFF > len(file.content):
        raise refusal("corrupt_workbook")
    holder = small if entry.size < SMALL and entry.kind == STREAM else file
    return holder.chain(entry.start)[: entry.size]

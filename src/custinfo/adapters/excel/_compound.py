"""The compound file (CFB) that old workbooks and encrypted new ones are wrapped in."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import attrs

from custinfo.adapters.excel._limits import refusal

__all__ = ["streams_of"]

END: Final = 0xFFFFFFFA  # this and above: no sector
SMALL: Final = 4096
ENTRY: Final = struct.Struct("<64sHBx48xIQ")
HEADER: Final = struct.Struct("<24xHHHHH6x4xII4xIIIII")


@attrs.frozen
class _Compound:
    content: bytes
    sector: int
    table: Sequence[int]

    def chain(self, start: int) -> bytes:
        """Return the sectors of a chain; a chain that turns back on itself or leaves the file is damage."""
        parts, most = [], len(self.table)
        while start < END:
            if start >= len(self.table) or most < 0:
                raise refusal("corrupt_workbook")
            at = (start + 1) * self.sector
            parts.append(self.content[at : at + self.sector])
            start, most = self.table[start], most - 1
        return b"".join(parts)


def _numbers(content: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])


def streams_of(content: bytes) -> dict[str, bytes]:
    """Return the streams by name. Raises: UnreadableFileError (corrupt_workbook)."""
    try:
        return _streams(content)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise refusal("corrupt_workbook") from error


def _streams(content: bytes) -> dict[str, bytes]:
    _, _, _, shift, small_shift, _, root, _, small_start, _, more, _ = HEADER.unpack_from(content)
    if shift not in (9, 12) or small_shift != 6:
        raise refusal("corrupt_workbook")
    size = 1 << shift
    heads = [number for number in _numbers(content[76:512]) if number < END]
    seen = 0
    while more < END and seen <= len(content) // size:
        block = _numbers(content[(more + 1) * size : (more + 2) * size])
        heads.extend(number for number in block[:-1] if number < END)
        more, seen = block[-1], seen + 1
    if len(heads) > len(content) // size:
        raise refusal("corrupt_workbook")
    table = _numbers(b"".join(content[(head + 1) * size : (head + 2) * size] for head in heads))
    file = _Compound(content, size, table)
    return _listed(file, file.chain(root), small_start)


def _listed(file: _Compound, directory: bytes, small_start: int) -> dict[str, bytes]:
    entries = [ENTRY.unpack_from(directory, at) for at in range(0, len(directory) - 127, 128)]
    root = next((entry for entry in entries if entry[2] == 5), None)
    small = None
    if root is not None and root[3] < END and small_start < END:
        small = _Compound(bytes(64) + file.chain(root[3]), 64, _numbers(file.chain(small_start)))
    streams = {}
    for name, length, kind, start, size in entries:
        label = name[: max(length - 2, 0)].decode("utf-16-le")
        if kind != 2 or label not in WANTED:
            continue
        holder = small if size < SMALL and small is not None else file
        streams[label] = holder.chain(start)[:size]
    return streams


WANTED: Final = ("Workbook", "Book", "EncryptedPackage", "EncryptionInfo")

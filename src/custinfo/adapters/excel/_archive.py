"""The zip container, read distrustfully.

`zipfile` lists the entries; unpacking is done here, because `zipfile` stops at the size that an entry declares
while the reader that comes after us does not. An entry that is not exactly what the directory says is refused,
and so are entries of the same name, encrypted entries and unknown methods.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from custinfo.adapters.excel._limits import Limits, refusal

__all__ = ["XML_ENDINGS", "Archive", "open_archive", "part_of"]

XML_ENDINGS: Final = (".xml", ".rels")
PIECE: Final = 64 * 1024
MOST_AT_ONCE: Final = 1024 * 1024
RATIO_MATTERS_FROM: Final = 16 * 1024 * 1024
LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
MOST_ENTRIES: Final = 10_000
_FIRST_DAY: Final = 0x21
"""The first of January 1980, the first day that a zip knows."""
_NAME_IN_UTF8: Final = 0x800
_LONGEST_NAME: Final = 0xFFFF
_LARGEST_PART: Final = 0xFFFFFFFF


@attrs.frozen
class Archive:
    """Hold the bytes of a zip file and its directory, by the names of parts: `xl/workbook.xml`, say."""

    content: bytes = attrs.field(repr=False)
    entries: Mapping[str, zipfile.ZipInfo]

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the unpacked bytes of an entry in pieces of at most 1 MiB.

        Raises: UnreadableFileError (corrupt_workbook) when size, checksum or stream are not as declared.
        """
        entry = self.entries[name]
        size, checksum = 0, 0
        for chunk in _unpacked(self._packed(entry), entry.compress_type):
            size += len(chunk)
            if size > entry.file_size:
                raise refusal("corrupt_workbook")
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
        if size != entry.file_size or checksum != entry.CRC:
            raise refusal("corrupt_workbook")

    def read(self, name: str) -> bytes:
        """Return a whole entry, for small parts."""
        return b"".join(self.chunks(name))

    def moved(self, names: Mapping[str, str]) -> Archive:
        """Return the archive in which entries have other names, in place of those that have them: new name → name."""
        given = {name.casefold() for name in (*names, *names.values())}
        others = {name: entry for name, entry in self.entries.items() if name.casefold() not in given}
        return attrs.evolve(self, entries={**others, **{name: self.entries[old] for name, old in names.items()}})

    def repacked(self, replaced: Mapping[str, bytes]) -> bytes:
        """Return a zip of the same entries, packed as they are, by the names of the parts, and nothing else.

        Other readers go by marks that were not looked at here: a second name of an entry, say.

        Args:
            replaced: Parts that get another content, or that are not there.

        Raises: UnreadableFileError: corrupt_workbook, workbook_too_large for parts of 4 GiB and more, or
            unsafe_workbook for entries that overlap.
        """
        if sum(entry.compress_size for entry in self.entries.values()) > len(self.content):
            raise refusal("unsafe_workbook", reason="overlap")
        file, directory = io.BytesIO(), io.BytesIO()
        names = dict.fromkeys([*self.entries, *replaced])
        for name in names:
            spelled, at = name.encode(), file.tell()
            if len(spelled) > _LONGEST_NAME:
                raise refusal("corrupt_workbook")
            if (own := replaced.get(name)) is not None:
                packed, how = memoryview(own), (zipfile.ZIP_STORED, zlib.crc32(own), len(own), len(own))
            else:
                entry = self.entries[name]
                if entry.file_size > _LARGEST_PART:
                    raise refusal("workbook_too_large", what="bytes", limit=_LARGEST_PART)
                packed = self._packed(entry)
                how = (entry.compress_type, entry.CRC, entry.compress_size, entry.file_size)
            about = (20, _NAME_IN_UTF8, how[0], 0, _FIRST_DAY, *how[1:], len(spelled), 0)
            file.write(struct.pack("<4s5H3L2H", b"PK\x03\x04", *about) + spelled)
            file.write(packed)
            directory.write(struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, *about, 0, 0, 0, 0, at) + spelled)
        start, number = file.tell(), len(names)
        file.write(directory.getvalue())
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, number, number, directory.tell(), start, 0))
        return file.getvalue()

    def _packed(self, entry: zipfile.ZipInfo) -> memoryview:
        offset = entry.header_offset
        if offset < 0 or offset + LOCAL_HEADER.size > len(self.content):
            raise refusal("corrupt_workbook")
        signature, name_length, extra_length = LOCAL_HEADER.unpack_from(self.content, offset)
        start = offset + LOCAL_HEADER.size + name_length + extra_length
        end = start + entry.compress_size
        if signature != b"PK\x03\x04" or end > len(self.content):
            raise refusal("corrupt_workbook")
        return memoryview(self.content)[start:end]


def _unpacked(packed: memoryview, method: int) -> Iterator[bytes]:
    pieces = (bytes(packed[at : at + PIECE]) for at in range(0, len(packed), PIECE))
    if method == zipfile.ZIP_STORED:
        yield from pieces
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            pending = piece
            while pending:
                yield inflater.decompress(pending, MOST_AT_ONCE)
                pending = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as error:
        raise refusal("corrupt_workbook") from error
    if not inflater.eof or inflater.unused_data:
        raise refusal("corrupt_workbook")


def part_of(content: bytes, name: str, most: int) -> str:
    """Return the text of a part of a zip, at most so many bytes of it; empty where there is none that can be read.

    For files that were not looked at yet: whatever is wrong with one is said by whoever reads it as a whole.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file, file.open(name) as part:
            return part.read(most).decode("utf-8", "replace")
    except Exception:  # zipfile answers damage with a dozen types
        return ""


def open_archive(content: bytes, limits: Limits) -> Archive:
    """Return the archive after checks that need no unpacking.

    Raises: UnreadableFileError: corrupt_workbook, password_protected, unsafe_workbook or workbook_too_large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            listed, start = file.infolist(), file.start_dir
    except Exception as error:  # zipfile answers damage with a dozen types
        raise refusal("corrupt_workbook") from error
    if content.count(b"PK\x05\x06", start) != 1:
        raise refusal("corrupt_workbook")
    if len(listed) > MOST_ENTRIES:
        raise refusal("workbook_too_large", what="parts", limit=MOST_ENTRIES)
    if len({entry.header_offset for entry in listed}) < len(listed):
        raise refusal("unsafe_workbook", reason="overlap")
    entries: dict[str, zipfile.ZipInfo] = {}
    taken = set()
    for entry in listed:
        # Newer versions of `zipfile` take the name from a further field, which not every reader knows.
        name = _part_name(entry.orig_filename.partition("\0")[0])
        if name.casefold() in taken:
            raise refusal("corrupt_workbook")
        taken.add(name.casefold())
        _check_entry(entry, limits)
        entries[name] = entry
    if sum(entry.file_size for entry in listed) > limits.max_expanded_bytes:
        raise refusal("workbook_too_large", what="bytes", limit=limits.max_expanded_bytes)
    return Archive(content, entries)


def _part_name(name: str) -> str:
    r"""Return the name of a part as a workbook names it.

    >>> _part_name(r"\xl\workbook.xml"), _part_name("./XL/WORKBOOK.XML"), _part_name("xl/sharedStrings.xml")
    ('xl/workbook.xml', 'xl/workbook.xml', 'xl/sharedStrings.xml')
    """
    plain = name.replace("\\", "/").removeprefix("./").lstrip("/")
    lower = plain.lower()  # names of parts have no case
    return lower if lower.endswith(XML_ENDINGS) and not plain.endswith(XML_ENDINGS) else plain


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    if entry.flag_bits & 0x1:
        raise refusal("password_protected")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refusal("corrupt_workbook")
    if entry.file_size > RATIO_MATTERS_FROM and entry.file_size > limits.max_ratio * max(entry.compress_size, 1):
        raise refusal("unsafe_workbook", reason="zip bomb")

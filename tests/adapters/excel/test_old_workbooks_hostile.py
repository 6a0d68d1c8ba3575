"""An old workbook (.xls) is read as it was looked at: no place, count or name leads the reader anywhere else."""

import io
import pickle
import struct
import subprocess
import sys
import time

import pytest

from custinfo.adapters.excel.reading import Table, read_tables
from custinfo.core.errors import UnreadableFileError
from tests.adapters.excel.sheets_by_hand import old_workbook

BOF, EOF, BOUNDSHEET, DIMENSIONS = 0x809, 0x0A, 0x85, 0x200
LABEL, STRING, MULRK, SST, LABELSST = 0x204, 0x207, 0xBD, 0xFC, 0xFD
IN_CHILD = """
import pickle, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from custinfo.adapters.excel.reading import read_tables
from custinfo.core.errors import UnreadableFileError
for content in pickle.load(sys.stdin.buffer):
    try:
        for table in read_tables(content):
            list(table.rows())
        print("read", flush=True)
    except UnreadableFileError as error:
        print(error.code, flush=True)
"""


def record(kind: int, data: bytes = b"") -> bytes:
    """Return a record of a workbook's stream."""
    return struct.pack("<HH", kind, len(data)) + data


def begin(kind: int) -> bytes:
    """Return the record that begins a part: 5 the whole, 16 a sheet."""
    return record(BOF, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0))


def text(row: int, column: int, value: str) -> bytes:
    """Return a cell that holds its text itself."""
    return record(LABEL, struct.pack("<HHHHB", row, column, 0, len(value), 1) + value.encode("utf-16-le"))


HEADINGS = text(0, 0, "名称") + text(0, 1, "电话")
PLAIN = begin(16) + HEADINGS + text(1, 0, "甲") + text(1, 1, "1") + record(EOF)
FAR = begin(16) + text(0, 0, "名称") + text(65535, 65535, "x") + record(EOF)


def stream(*sheets: bytes, more: bytes = b"", places: tuple[int, ...] = (), names: str = "甲乙丙") -> bytes:
    """Return the stream of a workbook of sheets, which may be said to begin elsewhere, by so many bytes."""
    length = len(begin(5) + more + record(EOF)) + sum(4 + 8 + 2 for _ in sheets)
    starts = [length + sum(map(len, sheets[:number])) for number in range(len(sheets))]
    listed = b"".join(
        record(BOUNDSHEET, struct.pack("<IBBBB", start + by, 0, 0, 1, 1) + name.encode("utf-16-le"))
        for start, by, name in zip(starts, places or (0,) * len(sheets), names, strict=False)
    )
    return begin(5) + listed + more + record(EOF) + b"".join(sheets)


def compound(*entries: tuple[str, bytes], lengths: tuple[int, ...] = (), kind: int = 2) -> bytes:
    """Return a compound file of streams of 4 KiB and more; a name may be said to have another length."""
    padded = [content + bytes(-len(content) % 512) for _, content in entries]
    directory = [struct.pack("<64sHBB48xIQ", "Root Entry".encode("utf-16-le"), 22, 5, 1, 0xFFFFFFFE, 0)]
    folders = -(-(len(entries) + 1) // 4)
    links = [0xFFFFFFFD, *range(2, folders + 1), 0xFFFFFFFE]
    for number, (name, _) in enumerate(entries):
        spelled, size = name.encode("utf-16-le"), len(padded[number])
        length = lengths[number] if lengths else len(spelled) + 2
        directory.append(struct.pack("<64sHBB48xIQ", spelled, length, kind, 1, len(links), size))
        links += [*range(len(links) + 1, len(links) + size // 512), 0xFFFFFFFE]
    table = struct.pack("<128I", *links, *[0xFFFFFFFF] * (128 - len(links)))
    head = struct.pack("<8s16xHHHHH", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<6xIIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    entries_ = b"".join(directory)
    return head + table + entries_ + bytes(-len(entries_) % 512) + b"".join(padded)


def book(content: bytes) -> bytes:
    """Return a compound file with a workbook's stream."""
    return compound(("Workbook", content + bytes(max(0, 4096 - len(content)))))


def outcomes(*contents: bytes) -> list[str]:
    """Return the codes with which another process refuses files; one on which it dies has none, nor the next."""
    child = subprocess.run(
        [sys.executable, "-c", IN_CHILD], input=pickle.dumps(contents), capture_output=True, check=False, timeout=60
    )
    return child.stdout.decode().split()


def rows(content: bytes) -> list[tuple[object, ...]]:
    """Return the rows of the only table."""
    (table,) = read_tables(content)
    return [values for _, values in table.rows()]


def test_the_harmless_one_is_read() -> None:
    """What the attacks below are built from is sound."""
    assert rows(book(stream(PLAIN))) == [("甲", "1")]


def hidden(inner: bytes) -> tuple[bytes, int]:
    """Return a record that nobody knows, with others in it, and how far behind its beginning they stand."""
    return record(0x899, inner), 4


FORGED = {
    "a sheet inside of a record": book(stream(hidden(FAR)[0] + PLAIN, places=(hidden(FAR)[1],))),
    "a sheet that begins at one of its cells": book(
        stream(PLAIN, FAR, places=(0, len(begin(16)))),
    ),
    "a sheet that goes on behind the beginning of a chart": book(
        stream(begin(16) + HEADINGS + begin(32) + text(65535, 65535, "x") + record(EOF))
    ),
    "a sheet without an end before the next": book(
        stream(begin(16) + HEADINGS, begin(16) + text(65535, 65535, "x") + record(EOF))
    ),
    "the text of a formula without a formula": book(
        stream(begin(16) + text(65535, 65535, "x") + record(STRING, struct.pack("<HBH", 1, 1, 0x540D)) + record(EOF))
    ),
    "numbers from the last column to the first": book(
        stream(
            begin(16)
            + HEADINGS
            + text(40000, 0, "x")
            + record(MULRK, struct.pack("<HH", 0, 65535) + bytes(18) + struct.pack("<H", 1))
            + record(EOF)
        )
    ),
    "two streams of one name": compound(
        ("Workbook", stream(FAR) + bytes(4096)), ("Workbook", stream(PLAIN) + bytes(4096))
    ),
    "a name longer than it says": compound(
        ("Workbook", stream(FAR) + bytes(4096)), ("Book", stream(PLAIN) + bytes(4096)), lengths=(0, 10)
    ),
}


def test_a_forged_one_does_not_end_the_process() -> None:
    """The reader would reserve room for the rectangle between two cells far apart, which was not seen before."""
    found = dict(zip(FORGED, outcomes(*FORGED.values()), strict=False))
    assert found == {
        "a sheet inside of a record": "corrupt_workbook",
        "a sheet that begins at one of its cells": "corrupt_workbook",
        "a sheet that goes on behind the beginning of a chart": "workbook_too_large",
        "a sheet without an end before the next": "corrupt_workbook",
        "the text of a formula without a formula": "workbook_too_large",
        "numbers from the last column to the first": "corrupt_workbook",
        "two streams of one name": "corrupt_workbook",
        "a name longer than it says": "read",
    }


def test_two_tables_of_strings_are_refused() -> None:
    """The reader takes the last one; the lengths of the first say nothing of it."""

    def strings(value: str) -> bytes:
        body = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
        return record(SST, struct.pack("<II", 1, 1) + body)

    cell = record(LABELSST, struct.pack("<HHHI", 0, 0, 0, 0))
    sheet = begin(16) + cell + record(EOF)
    assert rows(
        book(
            stream(
                begin(16) + HEADINGS + record(LABELSST, struct.pack("<HHHI", 1, 0, 0, 0)) + record(EOF),
                more=strings("甲"),
            )
        )
    ) == [("甲", None)]
    assert outcomes(book(stream(sheet, more=strings("甲") + strings("乙" * 4000)))) == ["corrupt_workbook"]


def test_sheets_of_one_name_or_place_are_refused() -> None:
    """The reader finds a sheet by its name, and reads a place as often as it is named."""
    twice = book(stream(PLAIN, PLAIN, names="甲甲")), book(stream(PLAIN, PLAIN, places=(0, -len(PLAIN))))
    assert outcomes(*twice) == ["corrupt_workbook"] * 2


def test_a_file_that_was_cut_is_refused() -> None:
    """A sheet whose last record is not all there has lost rows."""
    cut = stream(PLAIN)[: -len(text(1, 1, "1") + record(EOF)) + 9]
    sound = old_workbook()
    assert outcomes(book(cut.ljust(4096, b"\xff")), sound[: len(sound) - 1024]) == ["corrupt_workbook"] * 2


def test_many_streams_of_many_megabytes_take_no_time() -> None:
    """Each entry of a directory may name the same sectors: only the workbook's are followed."""
    entries, size = 4000, 1_000_000 - 1_000_000 % 512
    folders, tables = entries // 4, 24
    start = tables + folders
    links = [0xFFFFFFFD] * tables + [*range(tables + 1, start), 0xFFFFFFFE]
    links += [*range(start + 1, start + size // 512), 0xFFFFFFFE]
    links += [0xFFFFFFFF] * (tables * 128 - len(links))
    head = struct.pack("<8s16xHHHHH", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<6xIIIIIIIII", 0, tables, tables, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", *range(tables), *[0xFFFFFFFF] * (109 - tables))
    entry = struct.pack("<64sHBB48xIQ", "a".encode("utf-16-le"), 4, 2, 1, start, size)
    content = head + struct.pack(f"<{len(links)}I", *links) + entry * entries + bytes(size)
    begun = time.process_time()
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(content)
    assert caught.value.code == "not_a_workbook"
    assert time.process_time() - begun < 1


def test_a_large_old_workbook_is_read() -> None:
    """More than the head of a compound file has room for: 8 MB of texts."""
    name = "甲" * 200
    sheet = begin(16) + HEADINGS + b"".join(text(row, 0, name) for row in range(1, 20_001)) + record(EOF)
    content = stream(sheet)
    assert len(content) > 8_000_000
    tables: tuple[Table, ...] = read_tables(large(content))
    assert sum(values == (name, None) for _, values in tables[0].rows()) == 20_000


def large(content: bytes) -> bytes:
    """Return a compound file of sectors of 4 KiB."""
    padded = content + bytes(-len(content) % 4096)
    sectors = len(padded) // 4096
    tables = -(-(sectors + 200) // 1024)
    links = [0xFFFFFFFD] * tables + [0xFFFFFFFE] + [*range(tables + 2, tables + 1 + sectors), 0xFFFFFFFE]
    links += [0xFFFFFFFF] * (tables * 1024 - len(links))
    head = struct.pack("<8s16xHHHHH", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 4, 0xFFFE, 12, 6)
    head += struct.pack("<6xIIIIIIIII", 1, tables, tables, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", *range(tables), *[0xFFFFFFFF] * (109 - tables))
    root = struct.pack("<64sHBB48xIQ", "Root Entry".encode("utf-16-le"), 22, 5, 1, 0, 0)
    entry = struct.pack("<64sHBB48xIQ", "Workbook".encode("utf-16-le"), 18, 2, 1, tables + 1, len(content))
    file = io.BytesIO(head.ljust(4096, b"\0"))
    file.seek(0, io.SEEK_END)
    file.write(struct.pack(f"<{len(links)}I", *links) + (root + entry).ljust(4096, b"\0") + padded)
    return file.getvalue()

"""What a file is, by its content: a name's ending says what somebody wished it were."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, Literal, cast

from custinfo.adapters.excel._limits import Limits, refusal

__all__ = [
    "Kind",
    "Source",
    "content_of",
    "format_of",
    "format_of_package",
    "kind_of",
    "wide_encoding_of",
    "without_padding",
]

Kind = Literal["ooxml", "biff", "text", "unknown"]
Source = str | os.PathLike[str] | bytes | BinaryIO

ZIP_SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
COMPOUND_SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WIDE_MARKS: Final = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
WIDE_CHARACTERS: Final = (("utf-16", 2), ("utf-32", 4))
WIDE_LINE_ENDS: Final = (
    ("utf-32-le", b"\n\0\0\0"),
    ("utf-32-be", b"\0\0\0\n"),
    ("utf-16-le", b"\n\0"),
    ("utf-16-be", b"\0\n"),
)
BINARY_BYTES: Final = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1a\x1b"))
SPACES: Final = str.maketrans("\t\r\n\u3000\u00a0", "     ")
SIGNATURES: Final = (
    *(
        (tag, "html")
        for tag in (
            *(b"<html", b"<!doctype", b"<table", b"<meta", b"<head", b"<body", b"<div", b"<style", b"<!--", b"<title"),
            *(b"<thead", b"<tbody", b"<tr>", b"<tr ", b"<script", b"<link ", b"<form", b"<center"),
        )
    ),
    (b"mime-version:", "mhtml"),
    (b"%pdf-", "pdf"),
    (b"{\\rtf", "word"),
    *((start, "image") for start in (b"\x89png", b"\xff\xd8\xff", b"gif8", b"bm\x00", b"ii*\x00", b"mm\x00*")),
    *((start, "archive") for start in (b"rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"bzh")),
    (b"sqlite format 3", "database"),
    *((start, "dif") for start in (b"table\n0,1", b"table\r\n0,1")),
    *((start, "json") for start in (b'{"', b"[{", b"[ {", b'{ "', b"{\n", b"{\r\n", b"[\n", b"[\r\n")),
    (b"begin:vcard", "vcard"),
)
MARKUP: Final = frozenset({"html", "mhtml", "pdf", "word", "dif", "json", "vcard"})
SYLK: Final = re.compile(rb"id;p[^\r\n]*[\r\n]+(?:[bcfopw];[a-z]|nn;|e[\r\n])")
"""Its first two lines: a table may begin with a heading ID, too."""
ROOT: Final = re.compile(rb"<\?xml|<workbook|<[a-z][\w.:-]*\s[^<>]*\bxmlns[:=]")
"""How XML begins, with its declaration or without: `<客户>` may be a heading."""
EARLY_XLS: Final = (
    b"\t\0\4\0",
    b"\t\2\6\0",
    b"\t\4\6\0",
    b"\t\x08\x08\0\0\0",
    b"\t\x08\x08\0\0\5",
    b"\t\x08\x10\0\0\6",
)
"""How a workbook of Excel 2, 3 or 4 begins, which has no container, and one that a script writes without it."""
LOCK_SIZE: Final = 165
PARTS: Final = (
    ("xl/workbook.bin", "xlsb"),
    ("content.xml", "ods"),
    ("word/", "word"),
    ("ppt/", "slides"),
    ("index/document.iwa", "numbers"),
    ("index.zip", "numbers"),
)
PIECE: Final = 1024 * 1024


def content_of(source: Source, limits: Limits) -> bytes:
    """Return the bytes of a file, never more than allowed.

    Raises:
        UnreadableFileError: file_too_large.
        OSError: The file cannot be opened.
        TypeError: It is neither a path, nor bytes, nor a binary file.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _within(bytes(source), limits)
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return _within(b"".join(_pieces(file, limits.max_bytes + 1)), limits)
    if not hasattr(source, "read"):
        raise TypeError("source must be a path, bytes or a file opened for reading bytes")
    return _within(b"".join(_pieces(source, limits.max_bytes + 1)), limits)


def _pieces(file: BinaryIO, most: int) -> Iterator[bytes]:
    while most > 0:
        piece = cast("object", file.read(min(PIECE, most)))
        if not isinstance(piece, bytes):
            raise TypeError("source must be opened for reading bytes, not text")
        if not piece:
            return
        most -= len(piece)
        yield piece


def _within(content: bytes, limits: Limits) -> bytes:
    if len(content) > limits.max_bytes:
        raise refusal("file_too_large", limit=limits.max_bytes)
    return content


def without_padding(content: bytes) -> bytes:
    r"""Return a text without the zero bytes behind it that a disk or a transfer left there.

    Wide characters stay whole.

    >>> without_padding(b"a,b\n\0\0\0"), without_padding("a\n".encode("utf-16-le") + bytes(9))
    (b'a,b\n', b'a\x00\n\x00')
    """
    if not content.endswith(b"\0"):
        return content
    bare = content.rstrip(b"\0")
    if b"\0" not in bare and not bare.startswith(tuple(mark for mark, _ in WIDE_MARKS)):
        return bare
    for encoding, width in WIDE_CHARACTERS:
        whole = bare + bytes(-len(bare) % width)
        if (wide_encoding_of(whole) or "").startswith(encoding):
            return whole
    return bare


def kind_of(content: bytes) -> Kind:
    r"""Return what the bytes are; zero bytes behind a text do not count.

    >>> kind_of(b"PK\x03\x04..."), kind_of("姓名,电话\n".encode("gb18030") + bytes(9)), kind_of(b"\x00\x01")
    ('ooxml', 'text', 'unknown')
    """
    if content.startswith(ZIP_SIGNATURES):
        return "ooxml"
    if content.startswith(COMPOUND_SIGNATURE):
        return "biff"
    text = without_padding(content)
    if wide_encoding_of(text):
        return "unknown" if _is_markup(text) else "text"
    if len(text) < len(content) and (not text or _starts_like(text, SIGNATURES)):
        return "unknown"
    return "unknown" if _is_binary(text) or _is_markup(text) else "text"


def wide_encoding_of(content: bytes) -> str | None:
    r"""Return the encoding of a text in UTF-16 or UTF-32, with a mark or without; None for anything else.

    >>> wide_encoding_of("名,电话\n".encode("utf-16")), wide_encoding_of("名,电话\n".encode("utf-16-le"))
    ('utf-16', 'utf-16-le')
    >>> wide_encoding_of("名\n".encode("utf-32-be")), wide_encoding_of(b"a,b\n")
    ('utf-32-be', None)
    """
    for mark, encoding in WIDE_MARKS:
        if content.startswith(mark):
            return encoding
    head = content[:4096]
    if b"\0" not in head:
        return None
    for encoding, line_end in WIDE_LINE_ENDS:
        if len(content) % len(line_end) == 0 and line_end in head and _is_printable(head, encoding):
            return encoding
    return None


def _is_printable(head: bytes, encoding: str) -> bool:
    text = head.decode(encoding, "ignore").translate(SPACES)
    return bool(text) and text.isprintable()


def format_of(content: bytes) -> str | None:
    r"""Return what a file is that is neither a workbook nor a text table, by the words of the catalogue.

    >>> format_of(b"%PDF-1.7"), format_of(b"<html><table>"), format_of(b"\x00\x01")
    ('pdf', 'html', None)
    """
    if content and not content.strip(b"\0"):
        return "zero bytes"
    if content.startswith(EARLY_XLS) or _is_lock(content):
        return "lock" if _is_lock(content) else "early_xls"
    head = _head_of(content)
    if SYLK.match(head):
        return "sylk"
    found = (name for start, name in SIGNATURES if head.startswith(start))
    named = next(found, _kind_of_xml(head) if ROOT.match(head) else None)
    return named or ("text with control characters" if _is_nearly_text(head) else None)


def _kind_of_xml(head: bytes) -> str:
    if b"tc:opendocument:" in head:
        return "ods"
    return "xml_2003" if b"schemas-microsoft-com:office:spreadsheet" in head or b"excel.sheet" in head else "xml"


def _is_lock(content: bytes) -> bool:
    """Tell the file that an office program keeps beside an open one: the name of who opened it, twice."""
    return len(content) == LOCK_SIZE and 0 < content[55] <= content[0] <= 54 and content[56] == 0


def _is_nearly_text(head: bytes) -> bool:
    """Tell a text with few control characters in it, or with holes of zero bytes, from what is none at all."""
    told = head.replace(b"\0", b"")
    return len(told) - len(told.translate(None, BINARY_BYTES)) <= len(told) // 20


def format_of_package(names: Iterable[str]) -> str | None:
    """Return what a zip is that is no workbook of the known kind, by the names of its parts."""
    parts = [name.casefold() for name in names]
    found = (name for part, name in PARTS if any(item.startswith(part) for item in parts))
    inside = any(item.endswith((".xlsx", ".xls", ".csv")) for item in parts)
    return next(found, "zip" if inside else None)


def _is_binary(content: bytes) -> bool:
    head = content[:65536]
    return len(head.translate(None, BINARY_BYTES)) != len(head)


def _is_markup(content: bytes) -> bool:
    head = _head_of(content)
    known = (item for item in SIGNATURES if item[1] in MARKUP)
    return bool(SYLK.match(head) or ROOT.match(head)) or _starts_like(content, known)


def _starts_like(content: bytes, signatures: Iterable[tuple[bytes, str]]) -> bool:
    return _head_of(content).startswith(tuple(start for start, _ in signatures))


def _head_of(content: bytes) -> bytes:
    r"""Return the first bytes of a file in small letters, of a text in wide characters as those of UTF-8.

    >>> _head_of(b"\xef\xbb\xbf <HTML>"), _head_of("<HTML>\n".encode("utf-16"))
    (b'<html>', b'<html>\n')
    """
    head = content[:4096]
    if wide := wide_encoding_of(head):
        head = head.decode(wide, "ignore").encode()
    return head.removeprefix(BOM_UTF8).lstrip().lower()

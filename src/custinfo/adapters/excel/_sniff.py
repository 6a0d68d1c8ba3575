"""What a file is, by its content: a name's ending says what somebody wished it were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal, cast

from custinfo.adapters.excel._limits import Limits, refusal

__all__ = ["Kind", "Source", "content_of", "kind_of"]

Kind = Literal["ooxml", "biff", "text", "unknown"]
Source = str | os.PathLike[str] | bytes | BinaryIO

ZIP_SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
COMPOUND_SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
BINARY_BYTES: Final = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1a\x1b"))
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


def kind_of(content: bytes) -> Kind:
    r"""Return what the bytes are.

    >>> kind_of(b"PK\x03\x04..."), kind_of("姓名,电话\n".encode("gb18030")), kind_of(b"\x00\x01")
    ('ooxml', 'text', 'unknown')
    """
    if content.startswith(ZIP_SIGNATURES):
        return "ooxml"
    if content.startswith(COMPOUND_SIGNATURE):
        return "biff"
    if content.startswith(UTF16_MARKS):
        return "text"
    return "unknown" if _is_binary(content) or _is_markup(content) else "text"


def _is_binary(content: bytes) -> bool:
    head = content[:65536]
    return len(head.translate(None, BINARY_BYTES)) != len(head)


def _is_markup(content: bytes) -> bool:
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith(
        (b"<?xml", b"<html", b"<!doctype", b"<table", b"{\\rtf", b"%pdf-", b"mime-version:", b"id;pwxl", b"id;pcalc")
    )

"""Where a workbook goes: all of it or nothing."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Final

__all__ = ["Target", "check_target", "written"]

Target = str | os.PathLike[str] | BinaryIO
_IN_MEMORY: Final = 16 * 1024 * 1024
_TABLES: Final = (".csv", ".tsv", ".tab", ".txt", ".xls", ".xlsm", ".xlsb", ".xlt", ".xltx", ".xltm", ".ods", ".et")
_DOCUMENTS: Final = (".pdf", ".htm", ".html", ".xml", ".json", ".md", ".doc", ".docx", ".ppt", ".pptx", ".zip")
_OTHER_FORMATS: Final = frozenset({*_TABLES, *_DOCUMENTS})
"""Endings by which programs, and people, take a file for something else than a workbook."""


def check_target(target: Target) -> None:
    """Refuse what no workbook can be written to, before anything else is done.

    Raises: TypeError where it is neither a path nor a file; ValueError for a path that says another format.
    """
    if not isinstance(target, str | os.PathLike):
        if not hasattr(target, "write"):
            raise TypeError("target must be a path or a file opened for writing bytes")
        return
    ending = Path(target).suffix.lower()
    if ending in _OTHER_FORMATS:
        raise ValueError(f"a workbook is written: the target may not end in {ending}; .xlsx is meant")


@contextmanager
def written(target: Target) -> Iterator[IO[bytes]]:
    """Give a file to write; when the block ends well, `target` has its content, and else it is as it was.

    Args:
        target: A path, whose file is replaced in one step and keeps its permissions, or a file open for writing bytes.

    Raises: OSError where the path cannot be written; what `check_target` raises.
    """
    check_target(target)
    if isinstance(target, str | os.PathLike):
        with _replaced(Path(target)) as file:
            yield file
        return
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        yield spool
        spool.seek(0)
        shutil.copyfileobj(spool, target)


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    beside = path.with_name(f".{uuid.uuid4().hex}.tmp")
    with _named(path):
        mode = _mode(path)
        opened = open(beside, "xb", opener=_as_made if mode is None else _private)  # noqa: SIM115 - closed below
    try:
        with opened as file:
            if mode is not None:
                with suppress(OSError):  # file systems that know no permissions refuse it
                    beside.chmod(mode)
            yield file
        with _named(path):
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _mode(path: Path) -> int | None:
    """Return who may do what with the file that is replaced; `None` for a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _as_made(name: str, flags: int) -> int:
    """Open a file that is as the process makes files."""
    return os.open(name, flags, 0o666)


def _private(name: str, flags: int) -> int:
    """Open a file that nobody else reads: until it is known who may."""
    return os.open(name, flags, 0o600)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let errors say the name that the caller knows."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # no error of a file system, which alone has names
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None

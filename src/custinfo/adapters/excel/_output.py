"""Where a workbook goes: all of it or nothing."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Final

__all__ = ["Target", "written"]

Target = str | os.PathLike[str] | BinaryIO
_IN_MEMORY: Final = 16 * 1024 * 1024


@contextmanager
def written(target: Target) -> Iterator[IO[bytes]]:
    """Give a file to write; when the block ends well, `target` has its content, and else it is as it was.

    Args:
        target: A path, whose file is replaced in one step, or a file open for writing bytes.

    Raises: OSError where the path cannot be written; TypeError where it is neither.
    """
    if isinstance(target, str | os.PathLike):
        with _replaced(Path(target)) as file:
            yield file
        return
    if not hasattr(target, "write"):
        raise TypeError("target must be a path or a file opened for writing bytes")
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        yield spool
        spool.seek(0)
        shutil.copyfileobj(spool, target)


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    beside = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        opened = beside.open("xb")
    except OSError as error:
        error.filename = os.fspath(path)  # the name that the caller knows
        raise
    try:
        with opened as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

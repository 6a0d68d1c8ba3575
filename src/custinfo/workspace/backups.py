"""The form of a backup: one line of JSON for each entry, and a last one by which damage is found (INT-4).

The first line says what the file is. Each other line holds an entry under the name of its kind, the kinds in the order
of `custinfo.ports.upkeep.ENTRY_KINDS`. The last line has the number of entries of each kind, and the SHA-256 digest of
all lines before it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, cast

import attrs

from custinfo.core.errors import UnreadableFileError
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.stored import instant_from_text, instant_to_text
from custinfo.ports.upkeep import ENTRY_KINDS, EntryKind

__all__ = ["BackupReader", "BackupWriter", "Source", "Target", "TenantSummary", "opened_source", "opened_target"]

Target = str | os.PathLike[str] | IO[bytes]
Source = str | os.PathLike[str] | IO[bytes]

_FORMAT: Final = 1
_GZIP: Final = b"\x1f\x8b"
_LONGEST_LINE: Final = 256 * 1024 * 1024
_ENTRY: Final[frozenset[str]] = frozenset(ENTRY_KINDS)


@attrs.frozen
class TenantSummary:
    """Say what a backup holds.

    Args:
        tenant: Whose data it is.
        configuration: The version of the configuration in force, 0 if it is that of the host's code.
        created_at: When the backup was made.
        counts: Kind of entry → number: `revision`, `record`, `change`, `request`, `import`, `event`, `anchor`,
            `access`.
        digest: The SHA-256 digest of all lines but the last, in hexadecimal: note it elsewhere, and a backup that
            somebody else made in its place is found too.
    """

    tenant: str
    configuration: int
    created_at: datetime
    counts: FrozenDict[str, int]
    digest: str


def _line(data: dict[str, Any]) -> bytes:
    # A value of a field that is no longer defined may be of any type in memory.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _footer(counts: Counter[str], digest: str) -> bytes:
    return _line({"end": {"counts": {kind: counts[kind] for kind in ENTRY_KINDS}, "sha256": digest}})


class BackupWriter:
    """Write a backup line by line.

    Args:
        file: Where to.
        tenant: Whose data it is.
        configuration: The version of the configuration in force, 0 if the store has none.
        created_at: Now.
        library: The version of custinfo.
    """

    def __init__(self, file: IO[bytes], tenant: str, configuration: int, created_at: datetime, library: str) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._counts: Counter[str] = Counter()
        self._head = (tenant, configuration, created_at)
        head = {"format": _FORMAT, "version": library, "tenant": tenant, "configuration": configuration}
        self._write({"custinfo_backup": {**head, "created_at": instant_to_text(created_at)}})

    def add(self, kind: EntryKind, data: dict[str, Any]) -> None:
        """Write an entry; kinds come in their order."""
        self._counts[kind] += 1
        self._write({kind: data})

    def finish(self) -> TenantSummary:
        """Write the last line."""
        digest = self._digest.hexdigest()
        self._file.write(_footer(self._counts, digest))
        return TenantSummary(*self._head, _counted(self._counts), digest)

    def _write(self, data: dict[str, Any]) -> None:
        line = _line(data)
        self._digest.update(line)
        self._file.write(line)


class BackupReader:
    """Read a backup line by line; what was read can be relied on when `entries` has come to its end.

    Raises: UnreadableFileError (`not_a_backup`, `backup_newer`) for another file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._counts: Counter[str] = Counter()
        self.line: int = 0
        self.summary: TenantSummary | None = None
        self.tenant: str
        self.configuration: int
        self.created_at: datetime
        self.tenant, self.configuration, self.created_at = self._header()

    def _header(self) -> tuple[str, int, datetime]:
        line = self._next()
        head: Any = None
        known: int | None = None
        with suppress(ValueError, LookupError, TypeError, RecursionError):  # what they raise may quote the line
            head = json.loads(line)["custinfo_backup"]
            known = int(head["format"])
        if known is None:
            raise UnreadableFileError([Problem("not_a_backup")])
        if known != _FORMAT:
            raise UnreadableFileError([Problem("backup_newer", params={"format": known})])
        self._digest.update(line)
        with suppress(ValueError, LookupError, TypeError):
            return str(head["tenant"]), int(head["configuration"]), instant_from_text(head["created_at"])
        raise self._damaged()

    def entries(self) -> Iterator[tuple[EntryKind, Any]]:
        """Yield the kind and the JSON data of each entry.

        Raises: UnreadableFileError (`backup_damaged` with `line`) where something is altered, missing, twice or out of
        place: at its line if it can be told there, else at the last one.
        """
        while True:
            line = self._next()
            kind, data = self._parsed(line)
            if kind == "end":
                self._finish(line)
                return
            self._digest.update(line)
            self._counts[kind] += 1
            yield cast("EntryKind", kind), data

    def drain(self) -> TenantSummary:
        """Read to the end and return what the backup holds. Raises: UnreadableFileError."""
        for _ in self.entries() if self.summary is None else ():
            pass
        if self.summary is None:
            raise self._damaged()
        return self.summary

    def _parsed(self, line: bytes) -> tuple[str, Any]:
        with suppress(ValueError, AttributeError, RecursionError):  # what they raise may quote the line
            ((kind, data),) = json.loads(line.decode("utf-8", "surrogatepass")).items()
            if kind == "end" or kind in _ENTRY:
                return kind, data
        raise self._damaged()

    def _finish(self, line: bytes) -> None:
        digest = self._digest.hexdigest()
        if line != _footer(self._counts, digest) or self._guarded(lambda: self._file.read(1)):
            raise self._damaged()
        self.summary = TenantSummary(self.tenant, self.configuration, self.created_at, _counted(self._counts), digest)

    def _next(self) -> bytes:
        self.line += 1
        line = self._guarded(lambda: self._file.readline(_LONGEST_LINE))
        if not line.endswith(b"\n"):
            raise self._damaged()
        return line

    def _guarded(self, read: Callable[[], bytes]) -> bytes:
        """Return what is read; an archive that is damaged is damage."""
        try:
            return read()
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise self._damaged() from None

    def _damaged(self) -> UnreadableFileError:
        return UnreadableFileError([Problem("backup_damaged", params={"line": self.line})])


def _counted(counts: Counter[str]) -> FrozenDict[str, int]:
    return FrozenDict({kind: counts[kind] for kind in ENTRY_KINDS})


@contextmanager
def opened_target(target: Target) -> Iterator[IO[bytes]]:
    """Open a file to write a backup to: compressed if its name ends in `.gz`, for its owner alone to read.

    It takes its name when the block has ended well; until then, and if it raises, what was there stays. A file that is
    open already is written to as it is, and left open.
    """
    if not isinstance(target, str | os.PathLike):
        yield target
        return
    path = Path(target)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with open(part, "xb", opener=_private) as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as archive:
                    yield cast("IO[bytes]", archive)
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def opened_source(source: Source) -> Iterator[IO[bytes]]:
    """Open a backup, compressed or not, by its name; a file that is open already is read as it is, and left open."""
    if not isinstance(source, str | os.PathLike):
        yield source
        return
    with ExitStack() as stack:
        raw = stack.enter_context(Path(source).open("rb"))
        if raw.peek(2)[:2] == _GZIP:
            yield cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw)))
        else:
            yield raw

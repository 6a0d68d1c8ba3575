"""Upkeep of a tenant: backup, restore and deletion (INT-4, INT-5).

These are the host's own operations, like opening a workspace: nobody acts, and no grant is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby, islice
from typing import Any, Final

import attrs

from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request
from custinfo.core.documents import DOCUMENT_KINDS, Documents
from custinfo.core.errors import ConflictError, InvalidInputError, StorageError, UnreadableFileError
from custinfo.core.history.changes import Change
from custinfo.core.offers import offered
from custinfo.core.problems import Problem
from custinfo.core.records import Record, Sealed
from custinfo.core.revisions import Revision
from custinfo.core.schema import Schema
from custinfo.ports.system import Clock, IndexKeys
from custinfo.ports.units import UnitOfWork
from custinfo.ports.upkeep import ENTRY_KINDS, Entry, EntryKind, Unreadable, Upkeep
from custinfo.workspace.backups import (
    BackupReader,
    BackupWriter,
    Source,
    Target,
    TenantSummary,
    opened_source,
    opened_target,
)
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.integrity import IntegrityReport, check
from custinfo.workspace.reindexing import digests_left

__all__ = ["Maintenance", "in_force", "upkeep_of", "verify_backup"]

_PAGE: Final = 500
_DELETED_AT_ONCE: Final = 5000


def upkeep_of(unit: UnitOfWork) -> Upkeep:
    """Return the upkeep of a unit of work. Raises: TypeError for a store that has none."""
    found: Upkeep | None = getattr(unit, "upkeep", None)
    if found is None:
        raise TypeError(
            f"{type(unit).__name__} has no attribute `upkeep`: to back up, restore, delete, check or verify a tenant,"
            " or to rotate its keys, in a store of your own, implement custinfo.ports.Upkeep"
        )
    return found


def in_force(unit: UnitOfWork) -> Revision | None:
    """Return the revision in force; the latest that can be read where that one can't, `None` if there is none."""
    version, found = unit.configurations.version(), None
    for entry in upkeep_of(unit).stored("revision") if version else ():
        if isinstance(entry, Revision) and entry.version <= version:
            found = entry
    return found


def verify_backup(source: Source) -> TenantSummary:
    """Read a backup to its end and return what it holds; no store is needed.

    Args:
        source: The path of a backup, compressed or not, or a binary file of its lines.

    Raises: UnreadableFileError (`not_a_backup`, `backup_newer`, or `backup_damaged` with the line) if it is anything
        but a backup as it was written. Somebody who alters it and counts anew is found by the digest noted elsewhere.
    """
    with opened_source(source) as file:
        return BackupReader(file).drain()


@attrs.frozen
class Maintenance:
    """Look after a tenant within one unit of work, under the configuration in force."""

    tenant: str
    compiled: Compiled
    unit: UnitOfWork
    clock: Clock

    def export(self, target: Target) -> TenantSummary:
        """Write everything to a backup."""
        codec, upkeep = Documents(self.compiled.schema), upkeep_of(self.unit)
        with opened_target(target) as file:
            writer = BackupWriter(file, self.tenant, self.compiled.revision, self.clock(), _library())
            for kind in ENTRY_KINDS:
                for entry in upkeep.stored(kind):
                    if isinstance(entry, Unreadable):  # a backup without it would look like a whole one
                        raise StorageError([entry.problem])
                    writer.add(kind, codec.encode(entry))
            return writer.finish()

    def restore(self, source: Source) -> TenantSummary:
        """Add everything that a backup holds to an empty tenant."""
        if not self.empty():
            raise ConflictError([Problem("tenant_not_empty")])
        with opened_source(source) as file:
            reader = BackupReader(file)
            try:
                self._restore(reader)
            except UnreadableFileError:
                raise
            except Exception:
                reader.drain()  # what does not fit is more likely damage, which is found at the end
                raise
            return reader.drain()

    def empty(self) -> bool:
        """Tell whether the tenant has nothing."""
        upkeep = upkeep_of(self.unit)
        return all(next(upkeep.stored(kind), None) is None for kind in ENTRY_KINDS)

    def delete(self) -> int:
        """Delete everything, part by part, and return the number of rows."""
        upkeep, total = upkeep_of(self.unit), 0
        while deleted := upkeep.forget(_DELETED_AT_ONCE):
            total += deleted
            self.unit.commit()
        return total

    def check(self, keyring: object, *, repair: bool) -> IntegrityReport:
        """Compare everything, and with `repair` write anew what stands beside the entries."""
        if repair:
            self.unit.configurations.hold(self.unit.configurations.version())
        upkeep = upkeep_of(self.unit)
        report = check(self.unit, upkeep, self.compiled.schema, repair=repair)
        keys = offered(keyring, IndexKeys)
        left = {} if keys is None else digests_left(upkeep, keys, former=True)
        problems = [
            Problem("digests_left", params={"key": key or "-", "count": left[key]}, severity="warning")
            for key in sorted(left)
        ]
        return attrs.evolve(report, problems=(*report.problems, *problems))

    def _restore(self, reader: BackupReader) -> None:
        unit, schema = self.unit, self.compiled.schema
        for kind, lines in groupby(reader.entries(), key=lambda item: item[0]):
            last: Entry | None = None
            for page in _pages(_decoded(reader, schema, kind, (data for _, data in lines))):
                if reader.tenant != self.tenant and any(map(_is_bound, page)):
                    raise InvalidInputError([Problem("backup_of_other_tenant", params={"tenant": reader.tenant})])
                upkeep_of(unit).restore(page)
                last = page[-1]
            if isinstance(last, Revision):
                schema = self.compiled.as_stored(last).schema
                unit = self.unit.under(schema)


def _decoded(reader: BackupReader, schema: Schema, kind: EntryKind, lines: Iterable[Any]) -> Iterator[Entry]:
    codec = Documents(schema)
    for data in lines:
        entry: Entry | None = None
        with suppress(LookupError, TypeError, ValueError, ArithmeticError, AttributeError):  # which may quote a value
            entry = codec.decode(DOCUMENT_KINDS[kind], data)
        if entry is None:
            raise InvalidInputError([Problem("backup_misfit", params={"line": reader.line})])
        if isinstance(entry, Record):
            schema.module(entry.module)  # history may be of a module that is gone, records may not
        yield entry


def _pages(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while page := list(islice(entries, _PAGE)):
        yield page


def _is_bound(entry: Entry) -> bool:
    """Tell whether an entry holds for one tenant alone: an encrypted value, evidence and anchors have its name in."""
    values: Iterable[Any]
    match entry:
        case Record():
            values = entry.values.values()
        case Anchor() | Change(evidence=str()):
            return True
        case Change():
            values = (value for item in entry.fields for value in (item.old, item.new))
        case Request():
            parts = [entry.patch, entry.base, *(part for item in entry.items for part in (item.patch, item.base))]
            values = (value for part in parts for value in part.values())
        case _:
            return False
    return any(type(value) is Sealed for value in values)


def _library() -> str:
    """Return the version of custinfo, for people who look into a backup."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - as slow as all of custinfo

    try:
        return version("custinfo")
    except PackageNotFoundError:
        return "unknown"

"""Upkeep of a tenant as a whole: everything in it read, put back, deleted and compared (INT-4, INT-5).

Stores may do without. `Workspace.export_tenant`, `import_tenant`, `delete_tenant` and `check_integrity` need a unit of
work that has an `Upkeep` as its attribute `upkeep`; everything else works on a store that has none. Test it with
`custinfo.testing.UpkeepContract`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, Protocol

import attrs

from custinfo.core.access_log import AccessEntry
from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event
from custinfo.core.problems import Problem
from custinfo.core.records import Record
from custinfo.core.revisions import Revision

__all__ = ["ENTRY_KINDS", "Disagreement", "Entry", "EntryKind", "Unreadable", "Upkeep"]

Entry = Record | Change | Request | ImportBatch | Revision | Event | Anchor | AccessEntry
"""What a tenant consists of; all else that a store keeps follows from it."""

EntryKind = Literal["revision", "record", "change", "request", "import", "event", "anchor", "access"]

ENTRY_KINDS: Final[tuple[EntryKind, ...]] = (
    "revision",
    "record",
    "change",
    "request",
    "import",
    "event",
    "anchor",
    "access",
)
"""The kinds of entries, in the order in which a tenant is put back."""


@attrs.frozen
class Unreadable:
    """Stand in for an entry that is stored, and can't be read.

    `key` is the id of the record that it is or is about, that of a request, or the like. The problem holds no value.
    """

    key: str
    problem: Problem


@attrs.frozen
class Disagreement:
    """Say by `problem` where what is kept beside the entries differs from them; `repaired` where it was rebuilt."""

    problem: Problem
    repaired: bool = False


class Upkeep(Protocol):
    """Look after a tenant as a whole, within the unit of work that has it. No method looks at another tenant."""

    def snapshot(self) -> None:
        """Let the transaction see the tenant in one state to its end, whatever others commit meanwhile.

        Called before anything else in the unit. Raises: StorageError where the transaction is too far gone for it.
        """

    def stored(self, kind: EntryKind, /) -> Iterator[Entry | Unreadable]:
        """Yield all entries of a kind as they are stored, sealed values sealed, in memory that does not grow with them.

        Revisions come by version, records by id, changes by record and version, anchors by number, and the others by
        id. Entries of a module that is no longer defined are among them, their values in the form of JSON.
        """

    def restore(self, entries: Sequence[Entry], /) -> None:
        """Add entries of one kind as they are, whatever their versions, and what is kept beside them.

        Revisions come in order; the last one is in force then. Raises: ConflictError (`tenant_not_empty`) if one of
        them is there already, or takes what another one has. The unit is of no use then, and is to be taken back.
        """

    def forget(self, most: int, /) -> int:
        """Delete about `most` rows of the tenant, of whatever kind, and return how many; 0 when none is left."""

    def disagreements(self, *, repair: bool) -> Iterator[Disagreement]:
        """Yield where unique values, tags, tasks and whatever else the store keeps beside the entries differ from them.

        Problems are named by record or request, and field; none holds a value. With `repair`, what differs is written
        anew from the entries, which themselves stay as they are.
        """

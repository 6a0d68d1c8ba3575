"""What a store may do with history beyond keeping it: give it an order, read it as a whole, prove and erase it.

A unit of work that has a `ChangeLog` as its attribute `log` gives its host `Session.changes_since` and
`Session.changes`, and evidence of what happened where there is a key for it; with `anchors` also `Workspace.anchor`.
One that has a `Rewriting` as `rewriting` allows people to be erased and keys to be rotated, and those of blind indexes
if that is a `Reindexing`, too; a `ManyRequests` is asked once for many. Everything else works on a store that has none
of them. `custinfo.testing.LogContract` tests them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from custinfo.core.anchors import Anchor
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, Channel
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId

__all__ = ["AnchorRepository", "ChangeLog", "ChangeQuery", "ManyRequests", "Purging", "Reindexing", "Rewriting"]


class _Told(Protocol):
    """What tells whether a change is meant."""

    @property
    def module(self) -> ModuleKey:
        """Key of the module."""

    @property
    def actor(self) -> MemberKey:
        """Who made it."""

    @property
    def channel(self) -> Channel:
        """How it came."""

    @property
    def at(self) -> datetime:
        """When."""


@attrs.frozen
class ChangeQuery:
    """Ask for numbered changes, in the order of their positions.

    Args:
        after: Start behind this position.
        limit: At most so many.
        modules: Keys of modules; all if empty.
        actor: Who made them.
        channel: How they came.
        since: Not before this instant.
        until: Before this instant.
    """

    after: int = 0
    limit: int = 1000
    modules: tuple[ModuleKey, ...] = ()
    actor: MemberKey | None = None
    channel: Channel | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, change: _Told) -> bool:
        """Tell whether a change is meant, its position apart; one that somebody sees a part of, too."""
        return (
            (not self.modules or change.module in self.modules)
            and (self.actor is None or change.actor == self.actor)
            and (self.channel is None or change.channel == self.channel)
            and (self.since is None or change.at >= self.since)
            and (self.until is None or change.at < self.until)
        )


class ChangeLog(Protocol):
    """Read the changes of a tenant as one sequence.

    A change gets its position when `number` finds it committed, and not when it is written: so writers do not wait for
    each other, and no position comes into view behind one that was read.
    """

    def number(self) -> int:
        """Give each change that is visible to this unit and has no position one, and return the last position.

        Positions count from 1 without a gap; versions of one record are in order. Units that number wait for each
        other, nobody else does.
        """

    def read(self, query: ChangeQuery, /) -> Sequence[Change]:
        """Return numbered changes with their positions, in order."""

    def position_of(self, record_id: RecordId, version: int, /) -> int | None:
        """Return the position of a change, `None` if there is no such change or it has none yet."""

    def evidence(self, versions: Mapping[RecordId, int], /) -> Mapping[RecordId, str]:
        """Return the evidence of the change to this version of each record, where there is such a change and it."""

    def of_records(self, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Sequence[Change]]:
        """Return all changes of each of these records, oldest first, whether numbered or not."""


class AnchorRepository(Protocol):
    """Keep anchors."""

    def all(self) -> Sequence[Anchor]:
        """Return every anchor, in the order of their numbers."""

    def add(self, anchor: Anchor, /) -> None:
        """Add an anchor. Raises: ConflictError (`anchor_exists`) if there is one of its number."""


class Rewriting(Protocol):
    """Write anew what is otherwise never written again, for the erasure of people and the rotation of keys.

    Nothing gets another version by it, so that no version tells who was faster: what is written anew is held first.
    """

    def held_changes(self, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Sequence[Change]]:
        """Return all changes of each of these records as they are by now, oldest first; nobody else rewrites them.

        That holds until the transaction ends: who comes second waits, or one of the two is refused. Raises:
        StorageError (`storage_retryable`), also where the transaction shows a state that is past.
        """

    def held_requests(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those of these requests that exist, as they are by now; nobody else writes them, as above."""

    def changes(self, changes: Sequence[Change], /) -> None:
        """Put the fields, the reason and the evidence of these changes in the place of those that are held."""

    def requests_of(self, module: ModuleKey, record_id: RecordId, /) -> Sequence[Request]:
        """Return every request that concerns a record (`Request.concerns`), in whatever state, oldest first."""

    def requests(self, requests: Sequence[Request], /) -> None:
        """Put these requests in the place of those that are stored, all of them or none.

        Raises: StaleVersionError, if one of them has another version by now or is not there; none is replaced.
        """

    def data_keys(self, records: Sequence[Record], data_keys: Sequence[FrozenDict[FieldKey, str]], /) -> int:
        """Give records other data keys, one mapping for each, and return how many records took them.

        A record that has other data keys by now than the one that was read is left as it is.
        """


@runtime_checkable
class ManyRequests(Protocol):
    """What a `Rewriting` is beyond that where many are erased at once, as by a retention rule: it is asked once.

    What looks for the requests of one record at a time need not have it.
    """

    def requests_of_all(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return every request that concerns one of these records, each once, in whatever state, oldest first."""


@runtime_checkable
class Purging(Protocol):
    """What a `Rewriting` is beyond that where something of what was erased stays beside it, such as in an index."""

    def purge(self) -> None:
        """Let nothing be left of what was overwritten or deleted in this transaction, as far as the store can.

        The last step of an erasure, in its transaction: it commits nothing, and is taken back with what it follows.
        Nothing else goes, neither of this tenant nor of others. It may take as long as writing an index anew does.
        `custinfo.testing.PurgingContract` tests it.
        """


@runtime_checkable
class Reindexing(Protocol):
    """What a `Rewriting` is beyond that where the key of blind indexes can be rotated, too."""

    def digests(self, records: Sequence[Record], /) -> Collection[RecordId]:
        """Put the sealed values of these records in the place of those that are stored, and return who took them.

        They claim what these do, at once and under the same constraint as in `RecordRepository.save`. A record that has
        another version by now is left as it is; those that took them can't be changed by others before the end of the
        transaction. Nothing else of a record changes. Raises: DuplicateValueError, if one of them would claim what
        another record has; nothing is changed.
        """

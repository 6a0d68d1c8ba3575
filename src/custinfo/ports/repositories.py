"""Where records, history, requests and imports are kept.

Implement these Protocols to put custinfo on another store, and run `custinfo.testing.RepositoryContract` on
the result. Every method works within the unit of work that gave the repository, returns domain values, and raises
only errors of `custinfo.core.errors`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import attrs

from custinfo.core.approval.requests import Request, RequestId, RequestState
from custinfo.core.criteria.nodes import Criterion, Everything, Path
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.outbox import Event, EventId
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.core.revisions import Revision
from custinfo.core.totals import Period, Total

__all__ = [
    "ApprovalQueries",
    "ApprovalRepository",
    "ConfigurationRepository",
    "Grouping",
    "HistoryRepository",
    "ImportRepository",
    "ImportTurns",
    "Order",
    "OutboxRepository",
    "Query",
    "RecordQueries",
    "RecordRepository",
    "RequestQuery",
    "TotalQueries",
]


@attrs.frozen
class Order:
    """Sort by a field or system field; missing values come last either way.

    `path` is the key of the field, or of a reference and of a field of the record that it leads to; `descending` puts
    the greatest first.
    """

    path: Path
    descending: bool = False


@attrs.frozen
class Query:
    """Ask for the records of a module that meet a bound criterion.

    Args:
        module: Key of the module.
        criterion: Bound (see `custinfo.core.binding`).
        order: Sort keys; ties break by ascending id. Text sorts by code point.
        limit: At most so many records; `None` for all.
        after: Start behind this position: the sort values of the last record of the page before, then its id.
    """

    module: ModuleKey
    criterion: Criterion = Everything()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    after: tuple[Any, ...] | None = None


@attrs.frozen
class Grouping:
    """Group by a field's value, or with `dimension` by the tags of a dimension (a record counts once for each).

    `path` is the field, as in `Order`; one of the two is given. With `period`, dates and instants are grouped by the
    day, month, quarter or year in which they lie, in the time zone of the configuration; each group is its first day.
    """

    path: Path | None = None
    dimension: str | None = None
    period: Period | None = None


class RecordRepository(Protocol):
    """Keep records. Saving is atomic per call; uniqueness and versions hold under concurrency."""

    def get(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Record]:
        """Return those that exist, archived ones too, as of this unit of work; order is not defined."""

    def save(self, records: Sequence[Record], /) -> None:
        """Insert records of version 1, and replace others if the stored version is one less.

        The records may be of several modules; ids are distinct. A store with a `Rewriting` keeps data keys and digests
        of values that stay as they are stored (`Record.as_sealed_in`): they may have been rotated since they were read.
        Raises: StaleVersionError (`stale_version` with `expected` and `actual`, 0 if it is gone) if a stored version
        is another; DuplicateValueError (`not_unique` of the field) if a live record would share a unique value with
        another live record. In both cases nothing is saved.
        """

    def remove(self, records: Sequence[Record], /) -> None:
        """Delete the records if they are stored at these versions, else none. Raises: StaleVersionError."""

    def holders(self, module: ModuleKey, key: FieldKey, values: Collection[str], /) -> Mapping[str, RecordId]:
        """Return unique value (as `custinfo.core.stored.unique_keys` gives it) → the live record that has it."""

    def reindex(self, records: Sequence[Record], /) -> None:
        """Bring what is kept beside records, such as unique values, in line with the unit's configuration.

        The records are as stored; their versions stay. Raises: DuplicateValueError if live records would share a
        unique value; nothing is changed then.
        """


class RecordQueries(Protocol):
    """Answer queries over records, with the meaning that `custinfo.core.criteria` gives them in memory."""

    def find(self, query: Query, /) -> Sequence[Record]:
        """Return the records in order."""

    def count(self, query: Query, /) -> int:
        """Return how many records there are; order, limit and position play no part."""

    def distribution(self, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
        """Return typed value (`None` for none) → number of records; values without records are absent.

        By a multiple choice, a record counts once for each of its choices.
        """


@runtime_checkable
class TotalQueries(Protocol):
    """Add numbers up. `RecordQueries` may do so, too; where they do not, custinfo finds the records and adds itself."""

    def totals(self, query: Query, path: Path, grouping: Grouping | None, /) -> Mapping[Any, Total]:
        """Return typed value (`None` for none) → the total of the number at `path` in that group, exactly.

        Without a grouping, everything is one group, `None`, which is there even where no record is. Groups are those of
        `distribution`.
        """


class HistoryRepository(Protocol):
    """Keep changes, in the same transaction as the records that they are about."""

    def append(self, changes: Sequence[Change], /) -> None:
        """Add changes, all or none.

        Raises: StaleVersionError (`stale_version`) if a (record, version) has a change already; nothing is added.
        """

    def of_record(self, module: ModuleKey, record_id: RecordId, /) -> Sequence[Change]:
        """Return all changes of a record, oldest first, also of one that was removed."""

    def of_batch(self, batch_id: str, /) -> Sequence[Change]:
        """Return all changes that an import made, in order of record and version."""


class ApprovalRepository(Protocol):
    """Keep approval requests. No two open requests reserve the same field of a record, also under concurrency."""

    def get(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those that exist."""

    def save(self, request: Request, /) -> None:
        """Insert version 1, or replace the version before.

        Raises: StaleVersionError (`stale_version`) if the stored version is another; FieldReservedError
        (`field_reserved` with `request_id`) if an open request reserves one of its fields. Nothing is saved then.
        """

    def open_for(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return the open requests about these records, oldest first."""

    def waiting_for(self, member: MemberKey, /) -> Sequence[Request]:
        """Return the requests in which the member has a task that is open now, oldest first."""

    def submitted_by(self, member: MemberKey, /) -> Sequence[Request]:
        """Return the member's own requests, newest first."""


@attrs.frozen
class RequestQuery:
    """Say which requests, and which part of the answer.

    Args:
        part: What `member` has to do with them: `deciding` now, `submitted`, or `decided`; `open` for all open ones.
        member: Whose; plays no part for `open`.
        modules: Requests about records of these modules; of all if `None`.
        flow: Requests that take this flow.
        states: Requests in these states.
        record_id: Requests about this record.
        limit: At most so many.
        after: Time of submission and id of the request after which the answer goes on.
        newest_first: The order of the answer, by time of submission and id.
    """

    part: Literal["deciding", "submitted", "decided", "open"]
    member: MemberKey | None = None
    modules: tuple[ModuleKey, ...] | None = None
    flow: str | None = None
    states: tuple[RequestState, ...] | None = None
    record_id: RecordId | None = None
    limit: int | None = None
    after: tuple[datetime, RequestId] | None = None
    newest_first: bool = True


@runtime_checkable
class ApprovalQueries(Protocol):
    """Find requests page by page: an `ApprovalRepository` does so, too, where inboxes may be long."""

    def find(self, query: RequestQuery, /) -> Sequence[Request]:
        """Return the requests in order."""

    def count(self, query: RequestQuery, /) -> int:
        """Return how many requests there are; order, limit and position play no part."""

    def due(self, moment: datetime, limit: int, /) -> Sequence[Request]:
        """Return the pending requests whose time limit passed by then, the longest overdue first, at most so many."""


class ImportRepository(Protocol):
    """Keep what is needed to resume and to undo imports."""

    def get(self, batch_id: str, /) -> ImportBatch | None:
        """Return the import, or `None`."""

    def save(self, batch: ImportBatch, /) -> None:
        """Insert or replace the import."""

    def unfinished(self, module: ModuleKey, digest: str, actor: MemberKey, /) -> ImportBatch | None:
        """Return the latest running import of the same content by the same member, or `None`."""


@runtime_checkable
class ImportTurns(Protocol):
    """Let those take turns who import the same file at once: an `ImportRepository` does so, too, where several may.

    On a store that lacks it, whoever applies a plan finds only an import that is running then.
    """

    def of_content(
        self, module: ModuleKey, digest: str, actor: MemberKey, /, *, hold: bool = False
    ) -> Sequence[ImportBatch]:
        """Return all imports of the same content by the same member, oldest first.

        With `hold` as they are by now, and nobody else saves one of them, or another one of this content, before the
        transaction ends: who comes second waits, or is refused. Raises: StorageError (`storage_retryable`).
        """


class ConfigurationRepository(Protocol):
    """Keep the versions of the tenant's configuration that were made at run time (FLD-1)."""

    def version(self) -> int:
        """Return the version that is in force, 0 if none was ever saved."""

    def hold(self, version: int, /) -> None:
        """Keep the version in force from being replaced until the end of the unit's transaction.

        Several units may hold it at once. Raises: ConflictError (`configuration_changed`) if another one is in force.
        """

    def save(self, revision: Revision, /, *, replacing: int) -> None:
        """Add a revision, which is in force from then on; it waits for units that hold the one before.

        Raises: ConflictError (`configuration_changed`) unless `replacing` is in force; nothing is saved then.
        """

    def get(self, version: int, /) -> Revision | None:
        """Return a revision, or `None`."""

    def all(self) -> Sequence[Revision]:
        """Return every revision, oldest first."""


class OutboxRepository(Protocol):
    """Keep events until they are delivered, in the same transaction as what they tell of (AUT-3)."""

    def append(self, events: Sequence[Event], /) -> None:
        """Add new events, all or none; they are due at once."""

    def claim(self, limit: int, /, *, now: datetime, until: datetime) -> Sequence[Event]:
        """Take at most `limit` events that are due at `now`, and return them, in order of id, with one attempt more.

        They are due again at `until`. Of two units that claim at once, neither gets an event of the other: it passes
        over them, waits for the other one, or raises a StorageError that is retryable.
        """

    def postpone(self, event_ids: Sequence[EventId], until: datetime, /) -> None:
        """Let events be due again at an instant; those that are gone are no error."""

    def acknowledge(self, event_ids: Sequence[EventId], /) -> None:
        """Delete events that are delivered; those that are gone are no error."""

    def pending(self, limit: int, /) -> Sequence[Event]:
        """Return the first events in order of id, due or not, at most `limit`."""

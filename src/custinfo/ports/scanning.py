"""Answers for stores that can't give them in a language of their own: by looking at everything that may matter.

It is how the store in memory answers. It reads all records of a module, which is right for tens of thousands; a store
of more lets its database find them, as `custinfo.adapters.sqlalchemy` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from custinfo.core.access_log import AccessEntry, AccessQuery, is_meant
from custinfo.core.approval.requests import OPEN_STATES, Request, RequestId
from custinfo.core.criteria.evaluate import compile_selection, read_path
from custinfo.core.criteria.nodes import Path
from custinfo.core.importing import ImportBatch
from custinfo.core.kinds import Kind
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.core.schema import Schema
from custinfo.core.totals import Total, period_of, tally
from custinfo.ports.repositories import Grouping, Query, RequestQuery

__all__ = [
    "ScanQueries",
    "accesses",
    "due_requests",
    "found_requests",
    "in_feed_order",
    "kind_at",
    "of_content",
    "open_for",
    "submitted_by",
    "unfinished",
    "waiting_for",
]

Load = Callable[[ModuleKey], Iterable[Record]]
Get = Callable[[ModuleKey, Collection[RecordId]], Mapping[RecordId, Record]]


@attrs.frozen
class ScanQueries:
    """Be the `RecordQueries` and the `TotalQueries` of a store that can read the records of a module.

    Args:
        schema: The configuration of the unit of work.
        load: Return all records of a module, archived ones too, in any order.
        get: Return records by id, as `RecordRepository.get` does: for queries that follow a reference.
    """

    schema: Schema
    load: Load
    get: Get

    def find(self, query: Query, /) -> Sequence[Record]:
        """Return the records in order."""
        scan = self._scan(query)
        paths = [order.path for order in query.order]
        rows = [((*(scan.read(record, path) for path in paths), record.id), record) for record in scan.records]
        descending = [order.descending for order in query.order]
        if query.after is not None:
            rows = [row for row in rows if _is_behind(row[0], query.after, descending)]
        return [record for _, record in _in_order(rows, descending)[: query.limit]]

    def count(self, query: Query, /) -> int:
        """Return how many records there are."""
        return len(self._scan(query).records)

    def distribution(self, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
        """Return typed value → number of records."""
        scan = self._scan(query)
        return Counter(group for record in scan.records for group in scan.groups(record, grouping))

    def totals(self, query: Query, path: Path, grouping: Grouping | None, /) -> Mapping[Any, Total]:
        """Return typed value → the total of the number at `path`."""
        scan = self._scan(query)
        values: dict[Any, list[Any]] = {} if grouping is not None else {None: []}
        for record in scan.records:
            for group in (None,) if grouping is None else scan.groups(record, grouping):
                values.setdefault(group, []).append(scan.read(record, path))
        kind = kind_at(path, query.module, self.schema)
        return {group: tally(items, kind).total(kind) for group, items in values.items()}

    def _scan(self, query: Query) -> _Scan:
        """Read the module and keep what meets the criterion."""
        everything = list(self.load(query.module))
        scan = _Scan(self.schema, self.get, everything)
        return attrs.evolve(scan, records=compile_selection(query.criterion)(everything, scan.related))


@attrs.frozen
class _Scan:
    """Records of one module, and those that they refer to: all that a field refers to is read at once, if at all."""

    schema: Schema
    get: Get
    records: Sequence[Record]
    targets: dict[tuple[ModuleKey, FieldKey], dict[RecordId, Record | None]] = attrs.field(factory=dict)

    def related(self, record: Record, key: FieldKey) -> Record | None:
        """Follow a reference."""
        target: RecordId | None = record.values.get(key)
        if target is None:
            return None
        known = self.targets.setdefault((record.module, key), {})
        if target not in known:
            module = str(self.schema.module(record.module).definition.fields[key].options["module"])
            wanted = {item.values[key] for item in self.records if item.module == record.module and key in item.values}
            known.update(self.get(module, wanted - known.keys() | {target}))
            known.setdefault(target, None)
        return known[target]

    def read(self, record: Record, path: Path) -> Any:
        """Return the value at the end of a path."""
        *hop, key = path
        return read_path(self.related(record, hop[0]) if hop else record, key)

    def groups(self, record: Record, grouping: Grouping) -> Sequence[Any]:
        """Return the groups to which a record belongs."""
        if grouping.dimension is not None:
            return [tag.value for tag in record.tags if tag.dimension == grouping.dimension] or [None]
        value = self.read(record, grouping.path or ())
        if grouping.period is not None and value is not None:
            return [period_of(value, grouping.period, self.schema.zone)]
        return value if isinstance(value, tuple) else [value]


def kind_at(path: Path, module: ModuleKey, schema: Schema) -> Kind:
    """Return the kind of the field at the end of a path."""
    *hop, key = path
    owner = str(schema.module(module).definition.fields[hop[0]].options["module"]) if hop else module
    return schema.module(owner).kind_of(key)


Row = tuple[tuple[Any, ...], Record]


def _is_behind(position: Sequence[Any], other: Sequence[Any], descending: Sequence[bool]) -> bool:
    """Tell whether one position comes after another; the id at their end always ascends."""
    for value, mark, down in zip(position, other, (*descending, False), strict=True):
        if value == mark:
            continue
        if value is None or mark is None:
            return value is None
        return bool(value < mark) if down else bool(value > mark)
    return False


def _in_order(rows: list[Row], descending: Sequence[bool]) -> list[Row]:
    """Sort by id, then by each key from the last to the first: sorting is stable, and values need no wrapper."""
    rows.sort(key=lambda row: row[0][-1])
    for place in reversed(range(len(descending))):
        present = [row for row in rows if row[0][place] is not None]
        missing = [row for row in rows if row[0][place] is None]
        present.sort(key=lambda row: row[0][place], reverse=descending[place])
        rows = present + missing
    return rows


def in_feed_order(places: Iterable[tuple[Any, RecordId, int]]) -> list[tuple[RecordId, int]]:
    """Return records and versions in the order in which changes are numbered: of time, but versions always in order.

    Args:
        places: Time, record and version of each change. The clocks of two processes may differ a little, so that a
            later version seems to be earlier.
    """
    ordered = [(record_id, version) for _, record_id, version in sorted(places)]
    versions: dict[RecordId, list[int]] = {}
    for record_id, version in ordered:
        versions.setdefault(record_id, []).append(version)
    turns = {record_id: iter(sorted(found)) for record_id, found in versions.items()}
    return [(record_id, next(turns[record_id])) for record_id, _ in ordered]


def open_for(requests: Iterable[Request], module: ModuleKey, record_ids: Collection[RecordId]) -> list[Request]:
    """Return the open requests about these records, oldest first."""
    wanted = frozenset(record_ids)
    found = (item for item in requests if item.module == module and not wanted.isdisjoint(item.record_ids()))
    return sorted((item for item in found if item.state in OPEN_STATES), key=_age)


def waiting_for(requests: Iterable[Request], member: MemberKey) -> list[Request]:
    """Return the requests in which the member has a task that is open now, oldest first."""
    found = (item for item in requests if member in item.waiting_for())
    return sorted(found, key=_age)


def submitted_by(requests: Iterable[Request], member: MemberKey) -> list[Request]:
    """Return the member's own requests, newest first."""
    return sorted((item for item in requests if item.submitted_by == member), key=_age, reverse=True)


def found_requests(requests: Iterable[Request], query: RequestQuery) -> list[Request]:
    """Return the requests that a query asks for, in order."""
    found = sorted((item for item in requests if _is_wanted(item, query)), key=_age, reverse=query.newest_first)
    if query.after is not None:
        mark = query.after
        found = [item for item in found if (_age(item) < mark if query.newest_first else _age(item) > mark)]
    return found[: query.limit]


def _is_wanted(request: Request, query: RequestQuery) -> bool:
    return (
        (query.modules is None or request.module in query.modules)
        and (query.states is None or request.state in query.states)
        and (query.flow is None or any(key == query.flow for key, _ in request.flows))
        and (query.record_id is None or query.record_id in request.record_ids())
        and _has_part(request, query)
    )


def _has_part(request: Request, query: RequestQuery) -> bool:
    match query.part:
        case "deciding":
            return query.member in request.waiting_for()
        case "submitted":
            return request.submitted_by == query.member
        case "decided":
            return query.member in request.decided_by()
        case "open":
            return request.state in OPEN_STATES


def due_requests(requests: Iterable[Request], moment: datetime, limit: int) -> list[Request]:
    """Return the pending requests whose time limit passed by then, the longest overdue first."""
    due = [(item.due_at, item.id, item) for item in requests if item.due_at is not None and item.due_at <= moment]
    return [item for _, _, item in sorted(due, key=lambda row: row[:2])][:limit]


def _age(request: Request) -> tuple[datetime, RequestId]:
    return request.submitted_at, request.id


def accesses(entries: Iterable[AccessEntry], query: AccessQuery) -> list[AccessEntry]:
    """Return the entries of the access log that a query asks for, the newest first."""
    meant = (entry for entry in entries if is_meant(entry, query) and (query.after is None or entry.id < query.after))
    return sorted(meant, key=lambda entry: entry.id, reverse=True)[: query.limit]


def of_content(
    batches: Iterable[ImportBatch], module: ModuleKey, digest: str, actor: MemberKey
) -> Sequence[ImportBatch]:
    """Return the imports of a content by a member among `batches`, oldest first."""
    same = [batch for batch in batches if (batch.module, batch.digest, batch.actor) == (module, digest, actor)]
    return sorted(same, key=lambda batch: (batch.started_at, batch.id))


def unfinished(batches: Iterable[ImportBatch], module: ModuleKey, digest: str, actor: MemberKey) -> ImportBatch | None:
    """Return the latest running import of the same content by the same member, or `None`."""
    wanted = (module, digest, actor, "running")
    same = (batch for batch in batches if (batch.module, batch.digest, batch.actor, batch.state) == wanted)
    return max(same, key=lambda batch: (batch.started_at, batch.id), default=None)

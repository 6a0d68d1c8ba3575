"""The records that requests are about, and their histories: for a page of requests read together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from custinfo.core.approval.requests import OPEN_STATES, Request
from custinfo.core.history.changes import Change
from custinfo.core.records import ModuleKey, Record, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.histories import histories

__all__ = ["RequestRecords"]


class RequestRecords:
    """Know the records of some requests as they are when the first of their module is asked for.

    A history is asked for where a record changed since, or was decided about: those of all such records of a module
    are read with the first one.
    """

    def __init__(self, context: Context, requests: Iterable[Request]) -> None:
        self._context = context
        self._requests = tuple(requests)
        self._records: dict[ModuleKey, Mapping[RecordId, Record]] = {}
        self._histories: dict[tuple[ModuleKey, RecordId], Sequence[Change]] = {}

    def record(self, module: ModuleKey, record_id: RecordId) -> Record | None:
        """Return a record, `None` if there is none (yet, or any more)."""
        if module not in self._records:
            self._records[module] = self._read(module)
        return self._records[module].get(record_id)

    def history(self, record: Record) -> Sequence[Change]:
        """Return all changes of a record, oldest first."""
        key = record.module, record.id
        if key not in self._histories:
            wanted = dict.fromkeys([record.id, *self._changed(record.module)])
            found = histories(self._context.unit, record.module, list(wanted))
            self._histories |= {(record.module, each): found.get(each, ()) for each in wanted}
        return self._histories[key]

    def _read(self, module: ModuleKey) -> Mapping[RecordId, Record]:
        mine = [request for request in self._requests if request.module == module]
        ids = {key for request in mine for key in request.record_ids() if key}
        found = self._context.unit.records.get(module, ids) if ids else {}
        if len(ids) > 1:  # what the policy follows from each of them
            self._context.related.prefetch(found.values())
            self._prefetch_companions(mine)
        return found

    def _prefetch_companions(self, requests: Iterable[Request]) -> None:
        """Load what the records refer to that items bring along, which are judged as if they were there."""
        related = self._context.related
        targets: dict[ModuleKey, set[RecordId]] = {}
        for brought in (found for request in requests for item in request.items for found in item.companions):
            for key, module in related.fields(brought.module):
                if isinstance(target := brought.values.get(key), str):  # it may be erased
                    targets.setdefault(module, set()).add(RecordId(target))
        for module, ids in targets.items():
            related.load(module, ids)

    def _changed(self, module: ModuleKey) -> Iterator[RecordId]:
        """Yield the records of a module whose history is likely to be asked for."""
        for request in self._requests:
            if request.module != module:
                continue
            for key in request.record_ids():
                record = self.record(module, key)
                if record is not None and (module, key) not in self._histories and _has_a_past(request, record):
                    yield key


def _has_a_past(request: Request, record: Record) -> bool:
    if request.state in OPEN_STATES:
        return record.archived_at is not None or record.updated_at > request.submitted_at
    return record.created_at <= request.submitted_at

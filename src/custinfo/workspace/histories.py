"""The histories of many records, read together where the store can do so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from custinfo.core.history.changes import Change
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.ports.history import ChangeLog
from custinfo.ports.units import UnitOfWork

__all__ = ["LastAuthors", "histories"]

_AT_ONCE: Final = 200


def histories(unit: UnitOfWork, module: ModuleKey, ids: Sequence[RecordId]) -> Mapping[RecordId, Sequence[Change]]:
    """Return all changes of each of some records of a module, oldest first."""
    log: ChangeLog | None = getattr(unit, "log", None)
    if log is not None and len(ids) > 1:
        return log.of_records(ids)
    return {key: unit.history.of_record(module, key) for key in ids}


class LastAuthors:
    """Know who changed a field of a record last, of records that are looked at in their order.

    What is asked of one is likely asked of the next ones, too: the histories of so many are read together.
    """

    def __init__(self, unit: UnitOfWork, records: Iterable[Record]) -> None:
        self._unit = unit
        self._waiting = {record.id: record.module for record in records}
        self._known: dict[RecordId, dict[FieldKey, MemberKey]] = {}

    def of(self, record: Record, key: FieldKey) -> MemberKey | None:
        """Return who changed a field of a record last; `None` where nobody did."""
        if record.id not in self._known:
            self._read(record)
        return self._known[record.id].get(key)

    def _read(self, record: Record) -> None:
        """Read the history of a record, and those of the next ones of its module."""
        others = (key for key, module in self._waiting.items() if module == record.module and key != record.id)
        ids = [record.id, *islice(others, _AT_ONCE - 1)]
        found = histories(self._unit, record.module, ids)
        for key in ids:
            self._waiting.pop(key, None)
            changes = found.get(key, ())
            self._known[key] = {item.field: change.actor for change in changes for item in change.fields}

"""The records in memory, and the unique values that live ones have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from custinfo.adapters.memory._state import State, UniqueKey
from custinfo.core.documents import unique_claims
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.schema import Schema
from custinfo.core.store_errors import not_unique, stale_version

__all__ = ["MemoryRecords"]


class MemoryRecords:
    """Keep records in a dict."""

    def __init__(self, state: State, schema: Schema) -> None:
        self._state = state
        self._schema = schema

    def get(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Record]:
        """Return those that exist."""
        records = self._state.records
        return {key: records[module, key] for key in record_ids if (module, key) in records}

    def all(self, module: ModuleKey) -> Sequence[Record]:
        """Return every record of a module."""
        return [record for (home, _), record in self._state.records.items() if home == module]

    def save(self, records: Sequence[Record], /) -> None:
        """Insert or replace them all, or raise and change nothing."""
        for record in records:
            self._require(record, record.version - 1)
        self.put([self._as_sealed(record) for record in records])

    def put(self, records: Sequence[Record]) -> None:
        """Put records in their places with what they claim, whatever is there, or raise and change nothing."""
        taken = self._taken(records)
        for record in records:
            self._state.records[record.module, record.id] = record
        self._claim(records, taken)

    def _as_sealed(self, record: Record) -> Record:
        stored = self._state.records.get((record.module, record.id))
        return record if stored is None else record.as_sealed_in(stored)

    def reindex(self, records: Sequence[Record], /) -> None:
        """Claim the unique values of records anew, or raise and change nothing."""
        self._claim(records, self._taken(records))

    def remove(self, records: Sequence[Record], /) -> None:
        """Delete them all, or raise and change nothing."""
        for record in records:
            self._require(record, record.version)
        for record in records:
            self._release(record.id)
            del self._state.records[record.module, record.id]

    def holders(self, module: ModuleKey, key: FieldKey, values: Collection[str], /) -> Mapping[str, RecordId]:
        """Return unique value → the live record that has it."""
        unique = self._state.unique
        return {value: unique[module, key, value] for value in values if (module, key, value) in unique}

    def _require(self, record: Record, version: int) -> None:
        stored = self._state.records.get((record.module, record.id))
        actual = stored.version if stored is not None else 0
        if actual != version:
            raise stale_version(version, actual)

    def _taken(self, records: Sequence[Record]) -> dict[UniqueKey, RecordId]:
        """Return the unique values that the records would have. Raises: DuplicateValueError; nothing is changed."""
        saved = {record.id for record in records}
        taken: dict[UniqueKey, RecordId] = {}
        for record in records:
            for field, value in unique_claims(self._schema.module(record.module), record):
                key = (record.module, field, value)
                holder = self._state.unique.get(key)
                if taken.setdefault(key, record.id) != record.id or (holder is not None and holder not in saved):
                    raise not_unique(key[1])
        return taken

    def _claim(self, records: Sequence[Record], taken: Mapping[UniqueKey, RecordId]) -> None:
        for record in records:
            self._release(record.id)
        self._state.unique |= taken
        for key, record_id in taken.items():
            self._state.claims[record_id] = (*self._state.claims.get(record_id, ()), key)

    def _release(self, record_id: RecordId) -> None:
        """Give up what a record claims, under whatever configuration it was saved."""
        for key in self._state.claims.pop(record_id, ()):
            self._state.unique.pop(key, None)

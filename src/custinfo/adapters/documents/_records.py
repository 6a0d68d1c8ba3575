"""Records as documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from custinfo.adapters.documents._shelf import Shelf, claim_name
from custinfo.core.documents import unique_claims
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.store_errors import not_unique
from custinfo.ports.documents import Item

__all__ = ["DocumentRecords"]


@attrs.frozen
class DocumentRecords:
    """Keep records; one has its unique values claimed."""

    shelf: Shelf

    def get(self, module: ModuleKey, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Record]:
        """Return those that exist."""
        found = [data for data in self.shelf.get("record", record_ids) if data["module"] == module]
        return {record.id: record for record in self._decoded(found)}

    def all(self, module: ModuleKey) -> Sequence[Record]:
        """Return every record of a module."""
        return self._decoded(self.shelf.store.read("record", {"module": (module,)}))

    def save(self, records: Sequence[Record], /) -> None:
        """Insert or replace them all, or raise and change nothing."""
        with self.shelf.store.atomic():
            kept = self._as_sealed(records)
            self.shelf.save("record", kept)
            self._claim(kept)

    def remove(self, records: Sequence[Record], /) -> None:
        """Delete them all, or raise and change nothing."""
        with self.shelf.store.atomic():
            for record in records:
                if not self.shelf.store.delete("record", {"key": (record.id,), "version": (record.version,)}):
                    raise self.shelf.stale("record", [Item(record.id, record.version, {})], 0)
            self.shelf.release([record.id for record in records])

    def reindex(self, records: Sequence[Record], /) -> None:
        """Claim the unique values of records anew, or raise and change nothing."""
        with self.shelf.store.atomic():
            self.shelf.release([record.id for record in records])
            self._claim(records)

    def holders(self, module: ModuleKey, key: FieldKey, values: Collection[str], /) -> Mapping[str, RecordId]:
        """Return unique value → the live record that has it."""
        names = {claim_name("unique", module, key, value): value for value in values}
        return {names[name]: RecordId(holder) for name, holder in self.shelf.holders(names).items()}

    def _as_sealed(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return the records with data keys and digests as they are stored by now."""
        sealed = [record.id for record in records if record.data_keys or Sealed in map(type, record.values.values())]
        stored = {record.id: record for record in self._decoded(self.shelf.get("record", sealed))}
        return [record.as_sealed_in(stored[record.id]) if record.id in stored else record for record in records]

    def _claim(self, records: Sequence[Record]) -> None:
        wanted: dict[str, str] = {}
        fields: dict[str, FieldKey] = {}
        for record in records:
            for field, value in unique_claims(self.shelf.schema.module(record.module), record):
                name = claim_name("unique", record.module, field, value)
                if wanted.setdefault(name, record.id) != record.id:
                    raise not_unique(field)
                fields[name] = field
        taken = self.shelf.claim(wanted)
        if taken:
            raise not_unique(*dict.fromkeys(fields[name] for name in taken))

    def _decoded(self, found: Iterable[Mapping[str, Any]]) -> list[Record]:
        return [self.shelf.documents.decode(Record, data) for data in found]

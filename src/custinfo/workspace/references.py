"""Following references within a session."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.schema import Schema
from custinfo.ports.units import UnitOfWork

__all__ = ["References"]


class References:
    """Follow references within a session, each record loaded once."""

    def __init__(self, unit: UnitOfWork, schema: Schema) -> None:
        self._unit = unit
        self._schema = schema
        self._known: dict[tuple[ModuleKey, RecordId], Record | None] = {}
        self._moved = False

    def __call__(self, record: Record, key: FieldKey) -> Record | None:
        """Return the record to which the reference field `key` of `record` points, or `None`."""
        target = record.values.get(key)
        if target is None:
            return None
        module = self.target(record.module, key)
        if (module, target) not in self._known:
            self.load(module, [target])
        return self._known[module, target]

    def fields(self, module: ModuleKey) -> tuple[tuple[FieldKey, ModuleKey], ...]:
        """Return the reference fields of a module, each with the module to which it points."""
        return self._schema.module(module).reference_fields

    def target(self, module: ModuleKey, key: FieldKey) -> ModuleKey:
        """Return the module to which a reference field points."""
        return dict(self.fields(module))[key]

    def load(self, module: ModuleKey, record_ids: Collection[RecordId]) -> None:
        """Load records that are about to be followed, in one go."""
        wanted = [key for key in record_ids if (module, key) not in self._known]
        if wanted:
            found = self._unit.records.get(module, wanted)
            self._known |= {(module, key): found.get(key) for key in wanted}

    def prefetch(self, records: Iterable[Record]) -> None:
        """Load everything to which `records` refer."""
        for module, ids in self._targets(records).items():
            self.load(module, ids)

    def renew(self, records: Iterable[Record]) -> bool:
        """Read again everything to which `records` refer, and these, as far as it was looked at.

        Tell whether any of it is not as it was, at this call or an earlier one: what was decided before that may count
        no more.
        """
        wanted, seen = self._targets(records), set[tuple[ModuleKey, RecordId]]()
        while wanted:
            there: list[Record] = []
            for module, ids in wanted.items():
                found = self._unit.records.get(module, ids)
                for key in ids:
                    self._moved |= (module, key) not in self._known or found.get(key) != self._known[module, key]
                    self._known[module, key] = found.get(key)
                    seen.add((module, key))
                there += found.values()
            behind = {
                module: {key for key in ids if (module, key) in self._known and (module, key) not in seen}
                for module, ids in self._targets(there).items()
            }
            wanted = {module: ids for module, ids in behind.items() if ids}
        return self._moved

    def _targets(self, records: Iterable[Record]) -> dict[ModuleKey, set[RecordId]]:
        """Return to what `records` refer."""
        wanted: dict[ModuleKey, set[RecordId]] = {}
        for record in records:
            for key, module in self.fields(record.module):
                if (target := record.values.get(key)) is not None:
                    wanted.setdefault(module, set()).add(target)
        return wanted

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Forget at the end of the block what was loaded inside, so that memory does not grow with long lists."""
        before = set(self._known)
        try:
            yield
        finally:
            self._known = {key: record for key, record in self._known.items() if key in before}

    def clear(self) -> None:
        """Drop all records: some of them were changed, and that was taken back."""
        self._known.clear()

    def forget(self, records: Iterable[Record]) -> None:
        """Drop records that changed."""
        for record in records:
            self._known.pop((record.module, record.id), None)

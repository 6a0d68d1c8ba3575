"""Following references while the configuration is being replaced: to records as they will be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.schema import Schema
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.context import Context

__all__ = ["Foreseen"]

_MOST_HOPS: Final = 8

Step = Callable[[Record], Record]
"""Take a record as it is stored to the new configuration."""


class Foreseen:
    """Follow references to records as a new configuration will have them, whether they are saved under it yet or not.

    What follows from a record may depend on others, which are converted too, and of which some come later: each is
    taken to the new configuration by itself when it is followed. Further than eight hops away, or round a circle of
    references, what follows from a record counts as it is.
    """

    def __init__(self, context: Context, schema: Schema) -> None:
        self._context = context
        self._schema = schema
        self._steps: dict[ModuleKey, tuple[Step, Step]] = {}
        self._known: dict[tuple[ModuleKey, RecordId], Record | None] = {}
        self._new: UnitOfWork | None = None
        self._done: set[ModuleKey] = set()
        self._saved: set[RecordId] = set()
        self._hops = 0

    def add(self, module: ModuleKey, converted: Step, complete: Step) -> None:
        """Say how records of a module are taken to the new configuration: by themselves, and with what follows."""
        self._steps[module] = converted, complete

    def __call__(self, record: Record, key: FieldKey) -> Record | None:
        """Return the record to which the reference field `key` of `record` points, or `None`."""
        target = record.values.get(key)
        if target is None:
            return None
        module = dict(self._schema.module(record.module).reference_fields)[key]
        if (module, target) not in self._known:
            self._load(module, [target])
        return self._known[module, target]

    def prefetch(self, records: Iterable[Record], fields: Collection[FieldKey]) -> None:
        """Load what `records` refer to in `fields`, in one go, and forget what was loaded for others."""
        self._known.clear()
        wanted: dict[ModuleKey, set[RecordId]] = {}
        for record in records:
            for key, module in self._schema.module(record.module).reference_fields:
                if key in fields and (target := record.values.get(key)) is not None:
                    wanted.setdefault(module, set()).add(target)
        for module, ids in wanted.items():
            self._load(module, [key for key in ids if (module, key) not in self._known])

    # --- while the configuration is put in force

    def begin(self, unit: UnitOfWork) -> None:
        """Read what is saved from now on in a unit of the new configuration; an attempt before was taken back."""
        self._known.clear()
        self._done.clear()
        self._saved.clear()
        self._new = unit

    def saved(self, records: Iterable[Record]) -> None:
        """Take down that records of the module at hand are stored under the new configuration."""
        self._saved.update(record.id for record in records)

    def finished(self, module: ModuleKey) -> None:
        """Take down that all records of a module are as the new configuration has them."""
        self._done.add(module)
        self._saved.clear()

    # --- inner

    def _load(self, module: ModuleKey, record_ids: Collection[RecordId]) -> None:
        self._known |= {(module, key): None for key in record_ids}
        if module not in self._steps:
            return
        there = {key for key in record_ids if module in self._done or key in self._saved}
        if there and self._new is not None:
            self._known |= {(module, key): found for key, found in self._new.records.get(module, there).items()}
        others = self._context.unit.records.get(module, set(record_ids) - there)
        converted, complete = self._steps[module]
        self._known |= {(module, key): converted(record) for key, record in others.items()}
        if self._hops < _MOST_HOPS:
            self._hops += 1
            try:
                self._known |= {(module, key): complete(record) for key, record in others.items()}
            finally:
                self._hops -= 1

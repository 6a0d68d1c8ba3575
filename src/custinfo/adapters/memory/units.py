"""Units of work in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from custinfo.adapters.memory._log import MemoryAnchors, MemoryLog, MemoryRewriting
from custinfo.adapters.memory._records import MemoryRecords
from custinfo.adapters.memory._repositories import (
    MemoryAccesses,
    MemoryApprovals,
    MemoryConfigurations,
    MemoryHistory,
    MemoryImports,
    MemoryOutbox,
)
from custinfo.adapters.memory._state import State
from custinfo.adapters.memory._upkeep import MemoryUpkeep
from custinfo.core.schema import Schema
from custinfo.ports.scanning import ScanQueries

__all__ = ["MemoryUnit", "MemoryUnits"]


class MemoryUnit:
    """One unit of work on the tables in memory."""

    def __init__(self, state: State, schema: Schema, committed: dict[str, Any] | None = None) -> None:
        self._state = state
        self._committed = state.snapshot() if committed is None else committed
        self.records: MemoryRecords = MemoryRecords(state, schema)
        self.queries: ScanQueries = ScanQueries(schema, self.records.all, self.records.get)
        self.history: MemoryHistory = MemoryHistory(state)
        self.approvals: MemoryApprovals = MemoryApprovals(state)
        self.imports: MemoryImports = MemoryImports(state)
        self.configurations: MemoryConfigurations = MemoryConfigurations(state)
        self.outbox: MemoryOutbox = MemoryOutbox(state)
        self.log: MemoryLog = MemoryLog(state)
        self.anchors: MemoryAnchors = MemoryAnchors(state)
        self.rewriting: MemoryRewriting = MemoryRewriting(state, schema)
        self.accesses: MemoryAccesses = MemoryAccesses(state)
        self.upkeep: MemoryUpkeep = MemoryUpkeep(state, schema)

    def under(self, schema: Schema, /) -> MemoryUnit:
        """Return the same unit as another configuration sees its records."""
        return MemoryUnit(self._state, schema, self._committed)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Take back everything done inside if the block raises."""
        before = self._state.snapshot()
        try:
            yield
        except BaseException:
            self._state.restore(before)
            raise

    def commit(self) -> None:
        """Make permanent what was done so far."""
        self._committed.update(self._state.snapshot())

    def rollback(self) -> None:
        """Take back what was done since the last commit."""
        self._state.restore(self._committed)


class MemoryUnits:
    """Begin units of work in memory; one at a time, so that several threads may share it."""

    def __init__(self) -> None:
        self._tenants: dict[str, State] = {}
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"MemoryUnits(tenants={sorted(self._tenants)})"

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[MemoryUnit]:
        """Return a unit for a `with` block: kept at its end, taken back if it raises."""
        with self._lock:
            unit = MemoryUnit(self._tenants.setdefault(tenant, State()), schema)
            try:
                yield unit
            except BaseException:
                unit.rollback()
                raise

"""History, and the events that tell of it: written together, so that neither is without the other."""

from __future__ import annotations

from collections.abc import Sequence

from custinfo.core.history.changes import Change
from custinfo.core.new_records import Creations
from custinfo.core.outbox import EventId, record_event
from custinfo.core.schema import Schema
from custinfo.ports.history import ChangeLog
from custinfo.ports.system import Ids
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.proving import Prover

__all__ = ["remember"]


def remember(
    unit: UnitOfWork, schema: Schema, ids: Ids, changes: Sequence[Change], prover: Prover | None = None
) -> None:
    """Add changes to the history of a unit, and events to its outbox for modules whose definition asks for them.

    With a prover, the changes get evidence, where the store has what it takes.
    """
    log: ChangeLog | None = getattr(unit, "log", None)
    if prover is not None and log is not None:
        unit.history.append(prover.proven(changes, log))
    else:
        unit.history.append(changes)
    announced = {key for key, module in schema.configuration.modules.items() if module.announced}
    found = () if isinstance(changes, Creations) and changes.records.module not in announced else changes
    events = [record_event(change, EventId(ids())) for change in found if change.module in announced]
    if events:
        unit.outbox.append(events)

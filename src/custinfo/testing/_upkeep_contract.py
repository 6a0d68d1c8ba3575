"""What the upkeep of a tenant promises (INT-4, INT-5)."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from custinfo.core.access_log import AccessEntry
from custinfo.core.anchors import Anchor
from custinfo.core.errors import ConflictError
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.records import Record, RecordId
from custinfo.core.revisions import Revision
from custinfo.ports import UnitOfWork
from custinfo.ports.history import ChangeLog, ChangeQuery
from custinfo.ports.upkeep import ENTRY_KINDS, Entry, EntryKind, Unreadable
from custinfo.testing._harness import Harness, raised_by
from custinfo.testing._samples import (
    NOW,
    full_record,
    make_change,
    make_event,
    make_record,
    make_request,
    next_version,
    record_id,
)
from custinfo.testing._telling import same
from custinfo.workspace.access_logging import accesses_of
from custinfo.workspace.upkeep import upkeep_of

__all__ = ["UpkeepContract"]

_FIRST, _SECOND = full_record(2), full_record(1)
_LATER = next_version(_FIRST, title="neu")
_NOTE = make_record(101, {"text": "甲"}, module="thing_note")
_OPEN = attrs.evolve(make_request(2, _LATER.id, {"title": "x"}), version=4)
_CLOSED = make_request(1, _LATER.id, {"title": "y"}, state="applied")

_ENTRIES: dict[EntryKind, list[Entry]] = {
    "revision": [Revision(2, '{"一": 1}', NOW), Revision(3, "{}", NOW, "ann", "理由", 2)],
    "record": [_SECOND, _LATER, _NOTE],
    "change": [
        make_change(None, _SECOND),
        make_change(None, _FIRST),
        make_change(_FIRST, _LATER, reason="'\"\n", batch="b1", channel="import"),
        make_change(None, _NOTE),
    ],
    "request": [_CLOSED, _OPEN],
    "access": [AccessEntry("a1", NOW, "ann", "export", "export", "thing", ("title",), (_LATER.id,), 1, ("title eq",))],
    "import": [ImportBatch("b1", "thing", "d", "ann", NOW, "done", 3), ImportBatch("b2", "thing", "d", "bob", NOW)],
    "event": [make_event(1), make_event(2)],
    "anchor": [Anchor("one", number, NOW, number, 0, "ab" * 32, "k", "cd" * 32) for number in (1, 2)],
}


_PARTS: Final = 1000
"""More parts than what is stored here can have."""


def _stored(unit: UnitOfWork) -> dict[EntryKind, list[Entry | Unreadable]]:
    return {kind: list(upkeep_of(unit).stored(kind)) for kind in ENTRY_KINDS}


def _restore(unit: UnitOfWork) -> None:
    for kind in ENTRY_KINDS:
        upkeep_of(unit).restore(_ENTRIES[kind])


def _forget(unit: UnitOfWork, most: int) -> int:
    """Forget a tenant, and return in how many parts."""
    for parts in range(_PARTS):
        if not upkeep_of(unit).forget(most):
            return parts
        unit.commit()
    raise AssertionError(f"there is something to forget after {_PARTS} calls: 0 says that nothing is left")


class UpkeepContract(Harness):
    """Test every promise of `custinfo.ports.Upkeep`, for stores that have it: inherit it as `RepositoryContract`."""

    def test_what_was_saved_is_stored(self) -> None:
        """Entries that the repositories saved come back equal, each kind in its order."""
        requests = [attrs.evolve(_OPEN, version=version) for version in range(1, 5)]
        with self.begin() as unit:
            unit.configurations.save(Revision(2, '{"一": 1}', NOW), replacing=0)
            unit.configurations.save(Revision(3, "{}", NOW, "ann", "理由", 2), replacing=2)
            unit.records.save([_FIRST, _SECOND, _NOTE])
            unit.records.save([_LATER])
            for request in (*requests, _CLOSED):
                unit.approvals.save(request)
            for change in _ENTRIES["change"]:
                unit.history.append([change])  # type: ignore[list-item]
            for batch in _ENTRIES["import"]:
                unit.imports.save(batch)  # type: ignore[arg-type]
            for anchor in _ENTRIES["anchor"]:
                unit.anchors.add(anchor)  # type: ignore[attr-defined]
            unit.outbox.append(_ENTRIES["event"][::-1])  # type: ignore[arg-type]
            accesses_of(unit).append(_ENTRIES["access"])  # type: ignore[arg-type]
            same(_stored(unit), _ENTRIES)

    def test_what_is_restored_is_stored(self) -> None:
        """Entries come back as they were given, whatever their versions."""
        with self.begin() as unit:
            upkeep_of(unit).snapshot()
            same(_stored(unit), {kind: [] for kind in ENTRY_KINDS})
            _restore(unit)
            same(_stored(unit), _ENTRIES)
        with self.begin() as unit:
            same(_stored(unit), _ENTRIES)

    def test_the_repositories_know_what_is_restored(self) -> None:
        """Unique values, tasks, reservations and the version in force are as if they had been saved."""
        with self.begin() as unit:
            _restore(unit)
            holders = unit.records.holders("thing", "code", ["C-1", "C-2", "C-3"])
            same(dict(holders), {"C-1": record_id(1), "C-2": record_id(2)})
            same([request.id for request in unit.approvals.waiting_for("bob")], [_OPEN.id])
            same(list(unit.approvals.open_for("thing", [RecordId(_LATER.id)])), [_OPEN])
            same(unit.configurations.version(), 3)
            same(list(unit.history.of_batch("b1")), [_ENTRIES["change"][2]])
            same(list(unit.outbox.claim(1, now=NOW, until=NOW)), [attrs.evolve(make_event(1), attempts=1)])
            unit.records.save([next_version(_LATER, title="c")])
        same(self.ordered(), [1, 2])

    def test_what_is_there_already(self) -> None:
        """Restoring an entry that is there, or what it has, is refused."""
        taken = attrs.evolve(make_record(9), values=_SECOND.values, version=2)
        for entry in (_LATER, taken, _ENTRIES["change"][0], _OPEN, _ENTRIES["import"][0], make_event(1)):
            with self.begin(f"tenant {id(entry)}") as unit:
                _restore(unit)

                def again(entry: Entry = entry, unit: UnitOfWork = unit) -> None:
                    with unit.atomic():
                        upkeep_of(unit).restore([entry])

                same(raised_by(ConflictError, again).code, "tenant_not_empty")

    def test_forgetting_a_tenant(self) -> None:
        """It goes part by part, to the last row; another tenant stays as it is, and the first may begin anew."""
        for tenant in ("one", "two"):
            with self.begin(tenant) as unit:
                _restore(unit)
        with self.begin() as unit:
            assert _forget(unit, 2) > 0
            same(upkeep_of(unit).forget(2), 0)
            same(_stored(unit), {kind: [] for kind in ENTRY_KINDS})
            same(unit.configurations.version(), 0)
        with self.begin("two") as unit:
            same(_stored(unit), _ENTRIES)
            same(list(upkeep_of(unit).disagreements(repair=False)), [])

    def test_a_tenant_that_begins_anew(self) -> None:
        """Nothing of what was forgotten counts any more, such as until when somebody holds an event."""
        with self.begin() as unit:
            _restore(unit)
            unit.outbox.claim(9, now=NOW, until=NOW + timedelta(hours=1))
            _forget(unit, 99)
            _restore(unit)
            same(_stored(unit), _ENTRIES)
            same([event.attempts for event in unit.outbox.claim(9, now=NOW, until=NOW)], [1, 1])

    def test_positions_are_restored(self) -> None:
        """Where a store numbers changes, those that had a position have it still, and the others get the next ones."""
        changes: list[Change] = _ENTRIES["change"]  # type: ignore[assignment]
        with self.begin() as unit:
            log: ChangeLog | None = getattr(unit, "log", None)
            if log is None:
                return
            placed = [attrs.evolve(change, position=place) for place, change in enumerate(changes[1::-1], start=1)]
            upkeep_of(unit).restore(placed)
            upkeep_of(unit).restore(changes[2:])
            same(log.number(), len(changes))
            found = log.read(ChangeQuery())
            same(found[:2], [changes[1], changes[0]])
            same([change.position for change in found], [1, 2, 3, 4])

    def test_an_orderly_store_has_no_disagreements(self) -> None:
        """Nothing that was saved or restored differs from what is kept beside it, and repairing changes nothing."""
        gone, archived = full_record(7), attrs.evolve(full_record(8), archived_at=NOW)
        with self.begin() as unit:
            _restore(unit)
            unit.records.save([gone, archived])
            unit.records.save([next_version(_LATER, code="C-9")])
            unit.records.remove([gone])
            same(list(upkeep_of(unit).disagreements(repair=False)), [])
            before = _stored(unit)
            same(list(upkeep_of(unit).disagreements(repair=True)), [])
            same(_stored(unit), before)
            assert all(isinstance(record, Record) for record in before["record"])

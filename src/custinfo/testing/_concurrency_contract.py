"""The promises that hold between units of work that run at once."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from custinfo.core.errors import ConflictError
from custinfo.core.revisions import Revision
from custinfo.ports import UnitOfWork
from custinfo.testing._samples import (
    NOW,
    make_change,
    make_event,
    make_record,
    make_request,
    next_version,
    record_id,
)
from custinfo.testing._telling import same
from custinfo.testing._threads import PATIENCE, Action, Threads, is_retryable

__all__ = ["ConcurrencyContract"]


class ConcurrencyContract(Threads):
    """Of two units that want the same at once, one gets it, and the other is told so or may try again."""

    def test_one_of_two_units_saves_the_next_version(self) -> None:
        """Two units read a record and save their next version of it: one is kept, whole."""
        self.require("concurrent")
        record = make_record(1, {"title": "a"}, tags=[("need", "设备")])
        self.given(record)
        versions = [next_version(record, title=title, count=number) for number, title in enumerate("xy")]

        def save(place: int) -> Action:
            def action(unit: UnitOfWork, meet: Callable[[], None]) -> None:
                unit.records.get("thing", [record.id])
                meet()
                unit.records.save([versions[place]])

            return action

        won = self.winner(save(0), save(1))
        same(self.stored(1), [versions[won]])

    def test_one_of_two_units_gets_a_unique_value(self) -> None:
        """Two units save different records with the same unique value: one is kept."""
        self.require("concurrent")
        records = [make_record(number, {"code": "same"}) for number in (1, 2)]

        def save(place: int) -> Action:
            def action(unit: UnitOfWork, meet: Callable[[], None]) -> None:
                unit.records.holders("thing", "code", ["same"])
                meet()
                unit.records.save([records[place]])

            return action

        won = self.winner(save(0), save(1))
        same(self.stored(1, 2), [record if place == won else None for place, record in enumerate(records)])

    def test_one_of_two_units_reserves_a_field(self) -> None:
        """Two units save requests on the same field of a record: one is kept."""
        self.require("concurrent")
        requests = [make_request(number, record_id(1), {"title": str(number)}) for number in (1, 2)]

        def save(place: int) -> Action:
            def action(unit: UnitOfWork, meet: Callable[[], None]) -> None:
                unit.approvals.open_for("thing", [record_id(1)])
                meet()
                unit.approvals.save(requests[place])

            return action

        won = self.winner(save(0), save(1))
        with self.begin() as unit:
            same(list(unit.approvals.open_for("thing", [record_id(1)])), [requests[won]])

    def test_one_of_two_units_appends_a_change(self) -> None:
        """Two units append a change of the same version of a record: one is kept."""
        self.require("concurrent")
        changes = [make_change(None, make_record(1), reason=reason) for reason in "xy"]

        def append(place: int) -> Action:
            def action(unit: UnitOfWork, meet: Callable[[], None]) -> None:
                meet()
                unit.history.append([changes[place]])

            return action

        won = self.winner(append(0), append(1))
        with self.begin() as unit:
            same(list(unit.history.of_record("thing", record_id(1))), [changes[won]])

    def test_one_of_two_units_replaces_the_configuration(self) -> None:
        """Two administrators replace the same version: one revision is in force."""
        self.require("concurrent")
        revisions = [Revision(2, "{}", NOW, reason=reason) for reason in "xy"]

        def save(place: int) -> Action:
            def action(unit: UnitOfWork, meet: Callable[[], None]) -> None:
                meet()
                unit.configurations.save(revisions[place], replacing=0)

            return action

        won = self.winner(save(0), save(1))
        with self.begin() as unit:
            same(list(unit.configurations.all()), [revisions[won]])

    def test_two_units_claim_different_events(self) -> None:
        """Two units deliver at once: no event is in the hands of both, and none is left behind."""
        self.require("concurrent")
        with self.begin() as unit:
            unit.outbox.append([make_event(number) for number in range(6)])
        claimed: list[list[str]] = []

        def claim(unit: UnitOfWork, meet: Callable[[], None]) -> None:
            meet()
            found = unit.outbox.claim(4, now=NOW, until=NOW + timedelta(hours=1))
            meet()
            claimed.append([event.id for event in found])

        for error in self.together(claim, claim):
            assert error is None or is_retryable(error), error
        while len(claimed) < 3:  # who had to give way, and who comes later
            same(self.together(claim), [None])
        numbers = sorted(key for keys in claimed for key in keys)
        same(numbers, [make_event(number).id for number in range(6)])

    def test_two_units_hold_a_version(self) -> None:
        """Units that save records under the version in force all succeed, if need be when they try again."""
        self.require("concurrent")

        def save(number: int) -> Action:
            def action(unit: UnitOfWork, meet: Callable[[], None]) -> None:
                unit.configurations.hold(0)
                meet()
                unit.records.save([make_record(number)])

            return action

        for number, error in enumerate(self.together(save(1), save(2)), 1):
            assert error is None or is_retryable(error), error
            if error is not None:
                same(self.together(save(number)), [None])
        same(self.stored(1, 2), [make_record(1), make_record(2)])

    def test_who_replaces_a_version_waits_for_those_who_hold_it(self) -> None:
        """No record is saved under a version that another unit has replaced: either is first, wholly."""
        self.require("concurrent")
        order: list[str] = []

        def save(unit: UnitOfWork, meet: Callable[[], None]) -> None:
            unit.configurations.hold(0)
            meet()
            unit.records.save([make_record(1)])
            threading.Event().wait(PATIENCE)
            order.append("saved")

        def replace(unit: UnitOfWork, meet: Callable[[], None]) -> None:
            meet()
            unit.configurations.save(Revision(2, "{}", NOW), replacing=0)
            order.append("replaced")

        saving, replacing = self.together(save, replace)
        if saving is None and replacing is None:
            same(order, ["saved", "replaced"])
        else:
            same(order, ["saved"] if saving is None else ["replaced"])
            lost = saving or replacing
            assert isinstance(lost, ConflictError) or is_retryable(lost), lost

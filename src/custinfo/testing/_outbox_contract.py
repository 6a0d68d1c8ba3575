"""The promises of `OutboxRepository`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs

from custinfo.core.outbox import Event, EventId
from custinfo.ports import UnitOfWork
from custinfo.testing._harness import Harness, raised_by
from custinfo.testing._samples import NOW, make_event, make_record
from custinfo.testing._telling import same

__all__ = ["OutboxContract"]

_MINUTE = timedelta(minutes=1)


def _tried(event: Event, attempts: int = 1) -> Event:
    return attrs.evolve(event, attempts=attempts)


class OutboxContract(Harness):
    """Events stay until they are acknowledged, and one at a time may deliver them."""

    def announce(self, *numbers: int, tenant: str = "one") -> None:
        """Append events in a unit of their own."""
        with self.begin(tenant) as unit:
            unit.outbox.append([make_event(number) for number in numbers])

    def claim(self, limit: int = 9, *, after: int = 0, tenant: str = "one") -> Sequence[Event]:
        """Claim events for a minute in a unit of its own, so many minutes after now."""
        now = NOW + after * _MINUTE
        with self.begin(tenant) as unit:
            return list(unit.outbox.claim(limit, now=now, until=now + _MINUTE))

    def pending(self, tenant: str = "one") -> Sequence[Event]:
        """Return what is not delivered."""
        with self.begin(tenant) as unit:
            return list(unit.outbox.pending(99))

    def test_events_come_back_in_order(self) -> None:
        """Events come back equal, by id, whatever the order in which they came; reading takes nothing."""
        given = make_event(3, type="approval.task_opened", payload={"at": ["𠮷", 1.5, True], "empty": []})
        with self.begin() as unit:
            unit.outbox.append([])
            unit.outbox.append([given, make_event(1)])
            unit.outbox.append([make_event(2)])
            same(list(unit.outbox.pending(9)), [make_event(1), make_event(2), given])
            same(list(unit.outbox.pending(2)), [make_event(1), make_event(2)])
        same(self.claim(), [_tried(make_event(1)), _tried(make_event(2)), _tried(given)])

    def test_what_is_claimed_is_passed_over(self) -> None:
        """Who claims next gets the next ones, until the time is over: then they come again, one attempt more."""
        self.announce(1, 2, 3)
        same(self.claim(2), [_tried(make_event(1)), _tried(make_event(2))])
        same(self.claim(), [_tried(make_event(3))])
        same(self.claim(), [])
        same(self.claim(2, after=1), [_tried(make_event(1), 2), _tried(make_event(2), 2)])
        same(self.pending(), [_tried(make_event(1), 2), _tried(make_event(2), 2), _tried(make_event(3))])

    def test_what_is_acknowledged_is_gone(self) -> None:
        """It does not come again; acknowledging it once more, or nothing, is no error."""
        self.announce(1, 2, 3)
        ids = [event.id for event in self.claim(2)]
        for _ in range(2):
            with self.begin() as unit:
                unit.outbox.acknowledge(ids)
                unit.outbox.acknowledge([])
        same(self.pending(), [make_event(3)])
        same(self.claim(after=1), [_tried(make_event(3))])

    def test_what_is_postponed_comes_later(self) -> None:
        """An event that failed is due when it is said to be; one that is gone stays gone."""
        self.announce(1, 2)
        first, second = self.claim()
        with self.begin() as unit:
            unit.outbox.postpone([second.id, EventId("gone")], NOW + 5 * _MINUTE)
            unit.outbox.postpone([first.id], NOW)
            unit.outbox.postpone([], NOW)
        same(self.claim(), [_tried(make_event(1), 2)])
        same(self.claim(after=4), [_tried(make_event(1), 3)])
        same(self.claim(after=5), [_tried(make_event(1), 4), _tried(make_event(2), 2)])

    def test_events_share_the_fate_of_what_they_tell(self) -> None:
        """What a unit or a block announces is taken back with it; what it claims, too."""
        raised_by(ZeroDivisionError, self._fail)
        same(self.pending(), [])
        same(self.stored(1), [None])
        self.announce(1)
        with self.begin() as unit:
            raised_by(ZeroDivisionError, lambda: self._fail_inside(unit))
            unit.outbox.append([make_event(3)])
        same(self.claim(), [_tried(make_event(1)), _tried(make_event(3))])

    def _fail(self) -> None:
        with self.begin() as unit:
            unit.records.save([make_record(1)])
            unit.outbox.append([make_event(1)])
            _ = 1 // 0

    def _fail_inside(self, unit: UnitOfWork) -> None:
        with unit.atomic():
            unit.outbox.append([make_event(2)])
            unit.outbox.claim(9, now=NOW, until=NOW + _MINUTE)
            _ = 1 // 0

    def test_many_events(self) -> None:
        """A thousand are claimed and acknowledged at once."""
        events = [make_event(number) for number in range(1000)]
        with self.begin() as unit:
            unit.outbox.append(events)
            claimed = unit.outbox.claim(2000, now=NOW, until=NOW + _MINUTE)
            same(list(claimed), [_tried(event) for event in events])
            unit.outbox.acknowledge([event.id for event in claimed[1:]])
        same(self.pending(), [_tried(events[0])])

    def test_events_are_the_tenants_own(self) -> None:
        """Another tenant has none of them, and takes none away, though the ids be the same."""
        self.announce(1)
        same(self.claim(tenant="two"), [])
        self.announce(1, tenant="two")
        with self.begin("two") as unit:
            unit.outbox.acknowledge([make_event(1).id])
        same(self.pending("two"), [])
        same(self.claim(), [_tried(make_event(1))])

"""Delivery of events: at least once, by whoever calls, several at a time if need be (AUT-3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Final, TypeVar

import attrs

from custinfo.core.errors import StorageError
from custinfo.core.outbox import Event
from custinfo.ports.system import Clock
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.trying import tried_again

__all__ = ["DeliveryReport", "FailedDelivery", "Handler", "Relay"]

Handler = Callable[[Event], object]
"""What a host does with an event. When it returns, the event is delivered; when it raises, it comes again."""

T = TypeVar("T")

_ATTEMPTS: Final = 5
_LONGEST_PAUSE: Final = timedelta(days=1)


@attrs.frozen
class FailedDelivery:
    """An `event` that the handler did not take: `error` is what it raised, and `due_at` when it is due again, UTC."""

    event: Event
    error: Exception = attrs.field(repr=False)
    due_at: datetime


@attrs.frozen
class DeliveryReport:
    """What one call of `Workspace.deliver` did: `delivered` and `failed` are both empty where nothing was due."""

    delivered: tuple[Event, ...] = ()
    failed: tuple[FailedDelivery, ...] = ()


@attrs.frozen
class Relay:
    """Hand the events of a tenant on.

    Args:
        begin: Begins a unit of work of the tenant.
        clock: Returns the present instant.
        lease: For how long events that are being delivered belong to this call.
        pause: How long an event waits after its first failure; twice as long after each further one, a day at most.
    """

    begin: Callable[[], AbstractContextManager[UnitOfWork]]
    clock: Clock
    lease: timedelta
    pause: timedelta

    def run(self, handler: Handler, limit: int) -> DeliveryReport:
        """Claim what is due, hand it on one by one, each outside any transaction, and settle each in one of its own."""
        until = self.clock() + self.lease
        waiting = deque(self._claim(limit, until))
        delivered: list[Event] = []
        failed: list[FailedDelivery] = []
        try:
            while waiting and self.clock() < until:  # what comes later is somebody else's by then
                self._hand_on(waiting[0], handler, delivered, failed)
                waiting.popleft()
        finally:
            self._give_back(waiting)
        return DeliveryReport(tuple(delivered), tuple(failed))

    def _claim(self, limit: int, until: datetime) -> list[Event]:
        return self._settle(lambda unit: list(unit.outbox.claim(limit, now=self.clock(), until=until)))

    def _hand_on(self, event: Event, handler: Handler, delivered: list[Event], failed: list[FailedDelivery]) -> None:
        try:
            handler(event)
        except Exception as error:
            due_at = self.clock() + min(self.pause * 2 ** min(event.attempts - 1, 30), _LONGEST_PAUSE)
            self._settle(lambda unit: unit.outbox.postpone([event.id], due_at))
            failed.append(FailedDelivery(event, error, due_at))
        else:
            self._settle(lambda unit: unit.outbox.acknowledge([event.id]))
            delivered.append(event)

    def _give_back(self, events: Iterable[Event]) -> None:
        """Let others have what this call does not come to; where that fails, they have it at the end of the lease."""
        ids = [event.id for event in events]
        if ids:
            with suppress(StorageError):
                self._settle(lambda unit: unit.outbox.postpone(ids, self.clock()))

    def _settle(self, work: Callable[[UnitOfWork], T]) -> T:
        """Do something in a transaction of its own, tried again where others were in the way."""

        def once() -> T:
            with self.begin() as unit:
                return work(unit)

        return tried_again(lambda _: once(), _ATTEMPTS)

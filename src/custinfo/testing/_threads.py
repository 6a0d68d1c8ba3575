"""Units of work that run at once, for the contracts that ask what they do to each other."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Final

from custinfo.core.errors import ConflictError, CustinfoError, StorageError
from custinfo.ports import UnitOfWork
from custinfo.testing._harness import Harness
from custinfo.testing._telling import same

__all__ = ["PATIENCE", "Action", "Threads", "is_retryable"]

PATIENCE: Final = 0.15
"""Seconds for which a unit waits for the other one to come as far; where units take turns, it waits in vain."""

Action = Callable[[UnitOfWork, Callable[[], None]], None]


class Threads(Harness):
    """Run actions at once, each in a unit and a thread of its own."""

    def together(
        self, *actions: Action, begin: Callable[[], AbstractContextManager[UnitOfWork]] | None = None
    ) -> Sequence[CustinfoError | None]:
        """Run each action in a unit and a thread of its own; return what each raised.

        An action is given its unit, and what waits until the others have come as far. What is none of custinfo's
        errors, such as one of a driver that the store let out, is raised here: a thread would keep it to itself.
        Units are those of `begin`, plain ones by default.
        """
        with self.begin() as unit:  # what a store prepares once, such as a row to lock, is no part of this
            unit.configurations.hold(unit.configurations.version())
        meeting = threading.Barrier(len(actions))
        outcomes: list[CustinfoError | None] = [None] * len(actions)
        foreign: list[BaseException] = []

        def meet() -> None:
            with suppress(threading.BrokenBarrierError):
                meeting.wait(PATIENCE)

        def run(place: int, action: Action) -> None:
            try:
                with (begin or self.begin)() as unit:
                    action(unit, meet)
            except CustinfoError as error:
                outcomes[place] = error
            except BaseException as error:
                foreign.append(error)
            finally:
                self.leave_thread(self.store)

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for error in foreign:
            raise error
        return outcomes

    def winner(self, *actions: Action) -> int:
        """Return which action succeeded; check that the others were told of the conflict, or to try again."""
        outcomes = self.together(*actions)
        won = [place for place, error in enumerate(outcomes) if error is None]
        same(len(won), 1, outcomes)
        for error in outcomes:
            assert error is None or isinstance(error, ConflictError) or is_retryable(error), error
        return won[0]


def is_retryable(error: CustinfoError | None) -> bool:
    """Tell whether whoever was told of it may try again."""
    return isinstance(error, StorageError) and error.retryable

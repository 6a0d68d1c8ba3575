"""Approval transitions against state machines of others, and the least that could do: a dict, and frozen values."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import attrs

from benchmarks.harness import Result, in_turns
from custinfo.core.approval.machine import Command, decide
from custinfo.core.approval.requests import Request, RequestId, ResolvedStep, Task
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import RecordId

NOW = datetime(2024, 3, 15, tzinfo=UTC)
APPROVERS = ("lead", "manager", "director")
TABLE = {("pending", 0): ("pending", 1), ("pending", 1): ("pending", 2), ("pending", 2): ("approved", 3)}


def _request() -> Request:
    steps = tuple(ResolvedStep("flow", name, FrozenDict(), "any", (name,)) for name in APPROVERS)
    tasks = tuple(Task(number, name) for number, name in enumerate(APPROVERS))
    patch: FrozenDict[str, str] = FrozenDict({"status": "流失"})
    return Request(
        RequestId("r"), "customer", RecordId("c"), "update", patch, patch, (("flow", 1),), steps, tasks, "sales", NOW
    )


@attrs.frozen
class _Floor:
    state: str
    position: int
    version: int
    trail: tuple[tuple[datetime, str, str], ...]


STATES = ("lead_asked", "manager_asked", "director_asked", "approved")


class _Shared:
    """What a shared machine of `transitions` moves: a state, whose turn it is, and a trail."""

    state: str

    def __init__(self) -> None:
        self.trail: list[tuple[datetime, str, str]] = []

    def is_asked(self, actor: str) -> bool:
        """Tell whether it is the actor's turn, as a guard."""
        return self.state == f"{actor}_asked"

    def remember(self, actor: str) -> None:
        """Keep who did what, and when."""
        self.trail.append((NOW, actor, "approve"))


def _transitions() -> Callable[[], None]:
    """Return three approvals on one machine of `transitions` that all requests share: its fastest way."""
    from transitions import Machine

    machine = Machine(model=None, states=list(STATES), initial="lead_asked", auto_transitions=False)
    for source, target in pairwise(STATES):
        machine.add_transition("approve", source, target, conditions="is_asked", after="remember")

    def three() -> None:
        model = _Shared()
        machine.add_model(model)
        for actor in APPROVERS:
            model.approve(actor)  # type: ignore[attr-defined]
        machine.remove_model(model)

    return three


def _statemachine() -> Callable[[], None]:
    """Return three approvals on a machine of `python-statemachine`, one for each request as is its way."""
    from statemachine import State, StateMachine

    class Approval(StateMachine):
        lead_asked = State(initial=True)
        manager_asked = State()
        director_asked = State()
        approved = State(final=True)
        approve = (
            lead_asked.to(manager_asked, cond="is_asked")
            | manager_asked.to(director_asked, cond="is_asked")
            | director_asked.to(approved, cond="is_asked")
        )

        def __init__(self) -> None:
            self.trail: list[tuple[datetime, str, str]] = []
            super().__init__()

        def is_asked(self, actor: str, source: State) -> bool:
            return source.id == f"{actor}_asked"

        def after_approve(self, actor: str) -> None:
            self.trail.append((NOW, actor, "approve"))

    def three() -> None:
        machine = Approval()
        for actor in APPROVERS:
            machine.approve(actor=actor)

    return three


def _each(*works: Callable[[], None], least: float) -> list[float]:
    """Return the seconds of processor time of one transition of each: each work is three, and is done in hundreds."""

    def hundred(work: Callable[[], None]) -> None:
        for _ in range(100):
            work()

    batches = [partial(hundred, work) for work in works]
    return [seconds / 300 for seconds in in_turns(*batches, clock=time.process_time, least=least, most=1_000)]


def run(quick: bool) -> Iterator[Result]:
    """Measure three approvals in turn, and give the time of one."""
    request = _request()
    approve = Command("approve")
    floor = _Floor("pending", 0, 1, ())

    def ours() -> None:
        current = request
        for actor in APPROVERS:
            current, _ = decide(current, approve, actor=actor, now=NOW)

    def frozen() -> None:
        current = floor
        for actor in APPROVERS:
            state, position = TABLE[current.state, current.position]
            entry = (NOW, actor, "approve")
            current = attrs.evolve(
                current, state=state, position=position, version=current.version + 1, trail=(*current.trail, entry)
            )

    def table() -> None:
        state = {"state": "pending", "position": 0}
        for actor in APPROVERS:
            if actor == APPROVERS[state["position"]]:  # type: ignore[call-overload]
                state["state"], state["position"] = TABLE[state["state"], state["position"]]  # type: ignore[index]

    least = 0.2 if quick else 1.0
    own, attrs_floor, dict_floor = _each(ours, frozen, table, least=least)
    name = "one transition of a 3-step approval"
    yield Result("approval", name, own, "frozen attrs with evolve", attrs_floor, 3.0)
    # The floor of frozen values costs ten times a dict, and three times that is the target.
    yield Result("approval", name, own, "hand-written dict", dict_floor, 30.0)
    again, shared, machine = _each(ours, _transitions(), _statemachine(), least=least)
    yield Result("approval", name, again, "transitions, one machine for all requests", shared, 5.0, faster=True)
    yield Result("approval", name, again, "python-statemachine, one machine a request", machine, 30.0, faster=True)

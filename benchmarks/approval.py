"""Approval transitions against the least that could do: a dict, and frozen attrs values with a time stamp."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import attrs

from benchmarks.harness import Result, per_call
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

    calls = 2_000 if quick else 10_000
    own, attrs_floor, dict_floor = (seconds / 3 for seconds in per_call(ours, frozen, table, calls=calls))
    yield Result("approval", "one transition of a 3-step approval", own, "frozen attrs with evolve", attrs_floor, 3.0)
    # The floor of frozen values costs ten times a dict, and three times that is the target.
    yield Result("approval", "one transition of a 3-step approval", own, "hand-written dict", dict_floor, 30.0)

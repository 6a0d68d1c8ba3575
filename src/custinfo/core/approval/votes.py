"""How the decisions on a step count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_never

from custinfo.core.approval.flows import CountQuorum, Quorum, ShareQuorum, StepMode, WeightQuorum
from custinfo.core.approval.requests import ResolvedStep, Task

__all__ = ["needed", "reachable", "standing", "tally"]

Standing = Literal["open", "voted", "passed", "failed"]


def needed(mode: StepMode, quorum: Quorum | None, total: int) -> int:
    """Return the weight of approvals that passes a step of which all votes together weigh `total`."""
    if mode == "any":
        return 1
    match quorum:
        case CountQuorum(approvals):
            return approvals
        case ShareQuorum(percent):
            return max(1, -(-total * percent // 100))
        case WeightQuorum(pass_mark=mark):
            return mark
        case None:
            return total
        case _:
            assert_never(quorum)


def reachable(mode: StepMode, quorum: Quorum | None, weights: Sequence[int]) -> bool:
    """Tell whether a step passes at all if everybody approves."""
    total = sum(weights)
    return bool(weights) and total >= needed(mode, quorum, total)


def standing(step: ResolvedStep, tasks: Sequence[Task], number: int) -> Standing:
    """Return how step `number` stands, given all tasks.

    `voted` means that the vote passed, and somebody who was added has yet to sign.
    """
    return tally(step, tasks, number)[0]


def tally(step: ResolvedStep, tasks: Sequence[Task], number: int) -> tuple[Standing, bool]:
    """Return how step `number` stands, given all tasks, and whether one of its tasks may still be undecided."""
    yes = left = total = 0
    waiting = replaced = False
    for task in tasks:
        if task[0] != number:
            continue
        _, _, decision, kind, weight, _, _ = task
        if kind == "asked":
            total += weight
            if decision is None:
                left += weight
            elif decision in ("approved", "presumed"):
                yes += weight
        elif kind == "instead":
            replaced = True
            if decision is not None and decision != "closed":
                return "passed" if decision == "approved" else "failed", True
        elif decision == "rejected":
            return "failed", True
        else:
            waiting = waiting or decision is None
    mark = 1 if step.mode == "any" else needed(step.mode, step.quorum, total)
    if yes >= mark:
        return "voted" if waiting else "passed", waiting or left > 0
    return "open" if replaced or yes + left >= mark else "failed", True

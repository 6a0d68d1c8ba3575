"""The approval machine: one table of states and commands, and one pure function."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import attrs

from custinfo.core.approval.requests import CommandName, Request, RequestState, Task, TrailEntry
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey

__all__ = ["ACCEPTED", "Command", "Event", "decide"]


@attrs.frozen
class Command:
    """What somebody wants done with a request; `expected_version` guards against a decision on an old reading."""

    name: CommandName
    comment: str | None = attrs.field(default=None, repr=False)
    expected_version: int | None = None


Event = Literal["task_decided", "step_passed", "approved", "rejected", "withdrawn", "applied", "conflict_found"]

ACCEPTED: Final[dict[RequestState, frozenset[CommandName]]] = {
    "pending": frozenset({"approve", "reject", "withdraw"}),
    "approved": frozenset({"apply", "find_conflict"}),
    "needs_rebase": frozenset({"withdraw"}),
    "applied": frozenset(),
    "rejected": frozenset(),
    "withdrawn": frozenset(),
}
"""Which commands each state accepts; everything else is refused."""


def decide(request: Request, command: Command, *, actor: MemberKey, now: datetime) -> tuple[Request, tuple[Event, ...]]:
    """Return the request after the command, and what happened; the same request and nothing for a repeated command.

    Pure: reads no clock and no store, and knows nothing of the record.
    Raises: IllegalTransitionError when the state does not accept the command, the actor has no open task, or
    `expected_version` is not the request's; nothing is changed.
    """
    if _is_repetition(request, command, actor):
        return request, ()
    if command.expected_version is not None and command.expected_version != request.version:
        versions = {"expected": command.expected_version, "actual": request.version}
        raise IllegalTransitionError([Problem("stale_request", params=versions)])
    if command.name not in ACCEPTED[request.state]:
        params = {"state": request.state, "command": command.name}
        raise IllegalTransitionError([Problem("request_closed", params=params)])
    changed, events = _carry_out(request, command, actor)
    entry = TrailEntry(now, actor, command.name, command.comment, request.position)
    return attrs.evolve(changed, version=request.version + 1, trail=(*request.trail, entry)), events


def _carry_out(request: Request, command: Command, actor: MemberKey) -> tuple[Request, tuple[Event, ...]]:
    match command.name:
        case "approve":
            return _approve(request, _own_task(request, actor))
        case "reject":
            task = _own_task(request, actor)
            return attrs.evolve(_close(request, task, "rejected"), state="rejected"), ("task_decided", "rejected")
        case "withdraw":
            if actor != request.submitted_by:
                raise IllegalTransitionError([Problem("not_submitter")])
            return attrs.evolve(_close_all(request), state="withdrawn"), ("withdrawn",)
        case "apply":
            return attrs.evolve(request, state="applied"), ("applied",)
        case "find_conflict":
            return attrs.evolve(request, state="needs_rebase"), ("conflict_found",)
        case _:
            raise IllegalTransitionError(
                [Problem("request_closed", params={"state": request.state, "command": command.name})]
            )


def _is_repetition(request: Request, command: Command, actor: MemberKey) -> bool:
    """Tell whether this very command was carried out already as the actor's last one and still stands."""
    match command.name:
        case "approve" | "reject":
            wanted = "approved" if command.name == "approve" else "rejected"
            mine = [task.decision for task in request.tasks if task.approver == actor]
            open_now = any(task.approver == actor for task in request.open_tasks())
            return not open_now and bool(mine) and mine[-1] == wanted
        case "withdraw":
            return request.state == "withdrawn" and actor == request.submitted_by
        case "apply":
            return request.state == "applied"
        case _:
            return False


def _own_task(request: Request, actor: MemberKey) -> Task:
    for task in request.open_tasks():
        if task.approver == actor:
            if actor == request.submitted_by and not request.allow_own:
                raise IllegalTransitionError([Problem("own_change")])
            return task
    if actor == request.submitted_by and not request.allow_own:
        raise IllegalTransitionError([Problem("own_change")])
    raise IllegalTransitionError([Problem("not_your_task")])


def _approve(request: Request, task: Task) -> tuple[Request, tuple[Event, ...]]:
    tasks = tuple(attrs.evolve(item, decision="approved") if item is task else item for item in request.tasks)
    decided = attrs.evolve(request, tasks=tasks)
    here = [item for item in tasks if item.step == request.position]
    if request.steps[request.position].mode != "any" and any(item.decision is None for item in here):
        return decided, ("task_decided",)
    passed = _close_step(decided)
    if request.position + 1 < len(request.steps):
        return attrs.evolve(passed, position=request.position + 1), ("task_decided", "step_passed")
    return attrs.evolve(passed, state="approved"), ("task_decided", "approved")


def _close_step(request: Request) -> Request:
    """Close the tasks of the current step that are no longer needed."""
    return attrs.evolve(
        request,
        tasks=tuple(
            attrs.evolve(task, decision="closed") if task.step == request.position and task.decision is None else task
            for task in request.tasks
        ),
    )


def _close(request: Request, own: Task, decision: Literal["approved", "rejected"]) -> Request:
    tasks = tuple(attrs.evolve(task, decision=decision) if task is own else task for task in request.tasks)
    return _close_all(attrs.evolve(request, tasks=tasks))


def _close_all(request: Request) -> Request:
    tasks = tuple(attrs.evolve(task, decision="closed") if task.decision is None else task for task in request.tasks)
    return attrs.evolve(request, tasks=tasks)

"""The approval machine: one table of states and commands, and one pure function."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

import attrs

from custinfo.core.approval.requests import CommandName, Request, RequestState, Task, TrailEntry
from custinfo.core.errors import IllegalTransitionError, NotYourDecisionError
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
    "pending": frozenset({"approve", "reject", "withdraw", "cancel"}),
    "approved": frozenset({"apply", "find_conflict"}),
    "needs_rebase": frozenset({"withdraw", "cancel"}),
    "applied": frozenset(),
    "rejected": frozenset(),
    "withdrawn": frozenset(),
}
"""Which commands each state accepts; everything else is refused.

`cancel` ends a request like `withdraw`, on the library's own account: when the import that made it is undone.
"""

_DECISIONS: Final = frozenset({"approve", "reject"})

Changes = dict[str, Any]
Decision = Literal["approved", "rejected"]


def decide(request: Request, command: Command, *, actor: MemberKey, now: datetime) -> tuple[Request, tuple[Event, ...]]:
    """Return the request after the command, and what happened; the same request and nothing for a repeated command.

    Pure: reads no clock and no store, and knows nothing of the record.
    Raises: IllegalTransitionError when the state does not accept the command, the actor has no open task, or
    `expected_version` is not the request's; nothing is changed.
    """
    if command.name not in ACCEPTED[request.state]:
        if _is_repetition(request, command, actor):
            return request, ()
        raise _closed(request, command)
    if command.name in _DECISIONS:
        task = _open_task(request, actor)
        if task is None and _is_repetition(request, command, actor):
            return request, ()
        _require_version(request, command)
        changes, events = _decided(request, command, _allowed(request, task, actor))
    else:
        _require_version(request, command)
        changes, events = _ended(request, command, actor)
    entry = TrailEntry(now, actor, command.name, command.comment, request.position)
    return request.after(version=request.version + 1, trail=(*request.trail, entry), **changes), events


def _closed(request: Request, command: Command) -> IllegalTransitionError:
    return IllegalTransitionError([Problem("request_closed", params={"state": request.state, "command": command.name})])


def _require_version(request: Request, command: Command) -> None:
    if command.expected_version is not None and command.expected_version != request.version:
        versions = {"expected": command.expected_version, "actual": request.version}
        raise IllegalTransitionError([Problem("stale_request", params=versions)])


def _is_repetition(request: Request, command: Command, actor: MemberKey) -> bool:
    """Tell whether the actor carried out this very command already, and it still stands."""
    match command.name:
        case "approve" | "reject":
            wanted = "approved" if command.name == "approve" else "rejected"
            mine = [
                task.decision
                for task in request.tasks
                if task.approver == actor and task.decision in ("approved", "rejected")
            ]
            return bool(mine) and mine[-1] == wanted
        case "withdraw" | "cancel":
            return request.state == "withdrawn" and (command.name == "cancel" or actor == request.submitted_by)
        case "apply":
            return request.state == "applied"
        case "find_conflict":
            return request.state == "needs_rebase"
        case _:
            return False


def _ended(request: Request, command: Command, actor: MemberKey) -> tuple[Changes, tuple[Event, ...]]:
    match command.name:
        case "withdraw":
            if actor != request.submitted_by:
                raise NotYourDecisionError([Problem("not_submitter")])
            return {"state": "withdrawn", "tasks": _closed_tasks(request.tasks)}, ("withdrawn",)
        case "cancel":
            return {"state": "withdrawn", "tasks": _closed_tasks(request.tasks)}, ("withdrawn",)
        case "apply":
            return {"state": "applied"}, ("applied",)
        case _:
            return {"state": "needs_rebase"}, ("conflict_found",)


def _open_task(request: Request, actor: MemberKey) -> int | None:
    """Return the position of the actor's task that is open now."""
    sequential = request.steps[request.position].mode == "sequential"
    for number, task in enumerate(request.tasks):
        if task.step == request.position and task.decision is None:
            if task.approver == actor:
                return number
            if sequential:
                return None
    return None


def _allowed(request: Request, task: int | None, actor: MemberKey) -> int:
    if actor == request.submitted_by and not request.allow_own:
        raise NotYourDecisionError([Problem("own_change")])
    if task is None:
        raise NotYourDecisionError([Problem("not_your_task")])
    return task


def _decided(request: Request, command: Command, number: int) -> tuple[Changes, tuple[Event, ...]]:
    task = request.tasks[number]
    decision: Decision = "approved" if command.name == "approve" else "rejected"
    decided = Task(task.step, task.approver, decision)
    tasks = (*request.tasks[:number], decided, *request.tasks[number + 1 :])
    if decision == "rejected":
        return {"state": "rejected", "tasks": _closed_tasks(tasks)}, ("task_decided", "rejected")
    here = request.position
    waiting = any(item.step == here and item.decision is None for item in tasks)
    if waiting and request.steps[here].mode != "any":
        return {"tasks": tasks}, ("task_decided",)
    if waiting:
        tasks = _closed_tasks(tasks, here)
    if here + 1 < len(request.steps):
        return {"tasks": tasks, "position": here + 1}, ("task_decided", "step_passed")
    return {"tasks": tasks, "state": "approved"}, ("task_decided", "approved")


def _closed_tasks(tasks: tuple[Task, ...], step: int | None = None) -> tuple[Task, ...]:
    """Close the tasks, all or those of a step, that are no longer needed."""
    return tuple(
        Task(task.step, task.approver, "closed") if task.decision is None and step in (None, task.step) else task
        for task in tasks
    )

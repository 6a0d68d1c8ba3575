"""Opening and closing the steps of a request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from custinfo.core.approval.calendars import WorkingCalendar
from custinfo.core.approval.commands import Act, Command, Event, Outcome, not_yours, refuse
from custinfo.core.approval.requests import Decision, Request, ResolvedStep, Task, TrailEntry, made
from custinfo.core.approval.votes import standing
from custinfo.core.records import MemberKey

__all__ = ["closed", "decided", "due_at", "enter", "own_task", "replaced", "reset"]

Tasks = tuple[Task, ...]
Approvers = frozenset[MemberKey]


def replaced(tasks: Tasks, number: int, task: Task) -> Tasks:
    """Return the tasks with another one in the place of one of them."""
    return (*tasks[:number], task, *tasks[number + 1 :])


def decided(tasks: Tasks, number: int, decision: Decision) -> Tasks:
    """Return the tasks with one decided."""
    step, approver, _, kind, weight, waits_for, delegate = tasks[number]
    changed = list(tasks)
    changed[number] = made(Task, (step, approver, decision, kind, weight, waits_for, delegate))
    return tuple(changed)


def closed(tasks: Tasks, step: int | None = None, *, votes_only: bool = False) -> Tasks:
    """Close the tasks, all or those of a step, that are no longer needed."""
    for task in tasks:
        if task[2] is None and (step is None or task[0] == step):
            break
    else:
        return tasks
    return tuple(
        task._replace(decision="closed", delegate=None)
        if task[2] is None and step in (None, task[0]) and not (votes_only and task.kind != "asked")
        else task
        for task in tasks
    )


def reset(tasks: Tasks, start: int) -> Tasks:
    """Open the tasks from a step on anew; where somebody decides in place of those asked, theirs stay closed."""
    taken = {task.step for task in tasks if task.kind == "instead"}
    return tuple(
        task
        if task.step < start or (task.kind != "instead" and task.step in taken)
        else task._replace(decision=None, delegate=None)
        for task in tasks
    )


def own_task(request: Request, actor: MemberKey, command: Command, *, delegates: bool = False) -> int:
    """Return the number of the open task on which the actor acts, for themselves or for `command.holder`.

    Raises: NotYourDecisionError.
    """
    who = command.holder or actor
    trail, here = request.trail, request.position
    if (request.is_own(actor) or request.is_own(who)) and not request.own_allowed:
        raise not_yours("own_change")
    if trail and trail[-1][4] == here and command.name in ("approve", "reject"):
        _require_first_decision(request, actor, who)
    in_turn = request.steps[here].mode == "sequential"
    for number, (step, approver, decision, _, _, waits_for, delegate) in enumerate(request.tasks):
        if step != here or decision is not None or who != (delegate or approver):
            continue
        if (delegates or delegate is None) and ((waits_for is None and not in_turn) or _is_open(request, number)):
            return number
    raise not_yours("not_your_task")


def _require_first_decision(request: Request, actor: MemberKey, who: MemberKey) -> None:
    """Refuse a second decision of one person on one step, where one of the two is on behalf of somebody."""
    for entry in reversed(request.trail):
        if entry.command in ("submit", "resubmit", "rebase") or entry.step != request.position:
            return
        if entry.actor == actor and entry.command in ("approve", "reject") and (entry.holder or actor) != who:
            raise not_yours("decided_already")


def _is_open(request: Request, number: int) -> bool:
    return number in request.open_numbers()


def due_at(step: ResolvedStep, opened_at: datetime, fired: int, calendar: WorkingCalendar) -> datetime | None:
    """Return when the next time limit of an open step passes; `None` for no more."""
    if fired >= len(step.limits):
        return None
    return calendar.after(opened_at, step.limits[fired].hours)


Approvals = tuple[Sequence[TrailEntry], str, MemberKey | None]
"""Where to find who approved a proposal: in a trail, by its digest, and who does so now, which is not in it yet."""


def _approvers(trail: Sequence[TrailEntry], digest: str, last: MemberKey | None) -> Approvers:
    given = (entry for entry in trail if entry.command == "approve" and entry.digest == digest)
    found = (entry.holder or entry.actor for entry in given)
    return frozenset(found) if last is None else frozenset((*found, last))


def enter(steps: Sequence[ResolvedStep], tasks: Tasks, position: int, given: Approvals | None, act: Act) -> Outcome:
    """Open a step, unless approvals that were given decide it: then the next one, or the request is approved.

    Args:
        steps: The steps of the request.
        tasks: Its tasks.
        position: The step to open.
        given: The approvals that were given to what the request proposes now, if any.
        act: Who makes it open, and when.
    """
    events: tuple[Event, ...] = ()
    _, now, calendar = act
    while position < len(steps):
        step = steps[position]
        if step.presumed or step.repeated != "each":
            tasks = _presumed(step, tasks, position, frozenset() if given is None else _approvers(*given))
            if standing(step, tasks, position) == "passed":
                tasks, position, events = closed(tasks, position), position + 1, (*events, "step_passed")
                continue
        due = due_at(step, now, 0, calendar) if step.limits else None
        return {
            "tasks": tasks,
            "position": position,
            "state": "pending",
            "opened_at": now,
            "fired": 0,
            "due_at": due,
        }, events
    return {"tasks": tasks, "position": len(steps) - 1, "state": "approved", "due_at": None}, (*events, "approved")


def _presumed(step: ResolvedStep, tasks: Tasks, position: int, approvers: Approvers) -> Tasks:
    """Count approvals of earlier steps, as far as the flow says so, and the submitter's own where it says so."""
    wanted = set(step.presumed)
    if step.repeated != "each":
        first = position - 1 if step.repeated == "adjacent" else 0
        wanted |= {
            task.approver
            for task in tasks
            if first <= task.step < position
            and task.decision in ("approved", "presumed")
            and task.approver in approvers
        }
    return tuple(
        task._replace(decision="presumed")
        if task.step == position and task.decision is None and task.kind == "asked" and task.approver in wanted
        else task
        for task in tasks
    )


def newcomer(request: Request, member: MemberKey) -> None:
    """Refuse a member who may not come to decide. Raises: IllegalTransitionError."""
    if request.is_own(member) and not request.own_allowed:
        raise not_yours("own_change")
    for task in request.tasks:
        if task.step == request.position and member in (task.approver, task.delegate) and task.decision != "closed":
            refuse("already_asked", member=member)

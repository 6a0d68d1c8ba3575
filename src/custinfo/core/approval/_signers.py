"""What handing tasks on and adding signers do to a request (转交, 委派, 加签)."""

from __future__ import annotations

from collections.abc import Sequence

from custinfo.core.approval._steps import closed, newcomer, own_task, replaced
from custinfo.core.approval.commands import Act, Command, Outcome, refuse
from custinfo.core.approval.requests import Request, Task
from custinfo.core.records import MemberKey

__all__ = ["add_signer", "delegate", "instead", "rescue", "transfer"]


def _recipient(command: Command) -> MemberKey:
    if len(command.to) != 1:
        refuse("recipient_needed")
    return command.to[0]


def transfer(request: Request, command: Command, act: Act) -> Outcome:
    """Give a task to somebody else for good."""
    number, member = own_task(request, act.actor, command), _recipient(command)
    task = request.tasks[number]
    others = [item.approver for item in request.open_tasks() if item.kind == "asked" and item is not task]
    if request.steps[task.step].mode == "any" and task.kind == "asked" and member in others:
        changed = task._replace(decision="closed")
    else:
        newcomer(request, member)
        changed = task._replace(approver=member)
    return {"tasks": replaced(request.tasks, number, changed)}, ("task_transferred",)


def delegate(request: Request, command: Command, act: Act) -> Outcome:
    """Ask somebody for their opinion on a task, which then comes back."""
    number, member = own_task(request, act.actor, command), _recipient(command)
    newcomer(request, member)
    changed = request.tasks[number]._replace(delegate=member)
    return {"tasks": replaced(request.tasks, number, changed)}, ("task_delegated",)


def add_signer(request: Request, command: Command, act: Act) -> Outcome:
    """Ask others to sign too: before, after or beside the holder of a task."""
    number = own_task(request, act.actor, command)
    if not command.to or len(set(command.to)) < len(command.to):
        refuse("recipient_needed")
    for member in command.to:
        newcomer(request, member)
    tasks, place = request.tasks, command.place or "parallel"
    waits = number if place == "after" else None
    for member in command.to:
        tasks = (*tasks, Task(request.position, member, None, "added", 0, waits))
        if place == "before":
            waits = len(tasks) - 1
    if place == "before":
        tasks = replaced(tasks, number, tasks[number]._replace(waits_for=waits))
    return {"tasks": tasks}, ("signer_added",)


def rescue(request: Request, command: Command, _act: Act) -> Outcome:
    """Let others decide in place of a step that is stuck."""
    if not command.to or len(set(command.to)) < len(command.to):
        refuse("recipient_needed")
    if any(map(request.is_own, command.to)) and not request.own_allowed:
        refuse("own_change")
    return {"tasks": instead(request, command.to)}, ("rescued",)


def instead(request: Request, members: Sequence[MemberKey]) -> tuple[Task, ...]:
    """Return the tasks with those of the present step closed, and new ones for others."""
    added = (Task(request.position, member, None, "instead") for member in members)
    return (*closed(request.tasks, request.position), *added)

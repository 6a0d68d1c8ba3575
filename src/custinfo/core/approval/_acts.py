"""What deciding, returning, resubmitting and taking back do to a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from custinfo.core.approval._steps import closed, decided, due_at, enter, own_task, replaced, reset
from custinfo.core.approval.commands import Act, Changes, Command, Event, Outcome, not_yours, refuse
from custinfo.core.approval.flows import Ending
from custinfo.core.approval.requests import Proposal, Request, Task
from custinfo.core.approval.votes import standing, tally
from custinfo.core.records import FieldKey, MemberKey

_BEGINNINGS: Final[dict[str, Event]] = {"submit": "submitted", "resubmit": "resubmitted", "rebase": "rebased"}
_APPROVED: Final[tuple[Event, ...]] = ("task_decided", "approved")
_PASSED: Final[tuple[Event, ...]] = ("task_decided", "step_passed")

__all__ = ["approve", "cancel", "propose", "reject", "resubmit", "return_back", "take_back", "withdraw"]


def approve(request: Request, command: Command, act: Act) -> Outcome:
    """Approve a task; a delegate gives an opinion."""
    number = own_task(request, act.actor, command, delegates=True)
    if request.tasks[number][6] is not None:
        return _opinion(request, command, number)
    changes = {} if command.proposal is None else _amended(request, command.proposal)
    tasks = decided(request.tasks, number, "approved")
    here = request.position
    step = request.steps[here]
    stands, unfinished = tally(step, tasks, here)
    if stands == "open":
        return {**changes, "tasks": tasks}, ("task_decided",)
    if stands == "voted":
        return {**changes, "tasks": closed(tasks, here, votes_only=True)}, ("task_decided",)
    if unfinished:
        tasks = closed(tasks, here)
    given = request.trail, changes.get("digest", request.digest), command.holder or act.actor
    opened, events = enter(request.steps, tasks, here + 1, given, act)
    if changes:
        opened |= changes
    if not events:
        return opened, _PASSED
    return opened, _APPROVED if events == ("approved",) else (*_PASSED, *events)


def _opinion(request: Request, command: Command, number: int) -> Outcome:
    if command.proposal is not None:
        refuse("not_amendable", fields=tuple(sorted(command.proposal.patch)))
    task = request.tasks[number]._replace(delegate=None)
    return {"tasks": replaced(request.tasks, number, task)}, ("opinion_given",)


def _amended(request: Request, proposal: Proposal) -> Changes:
    """Return what an approver's amendment changes. Raises: IllegalTransitionError for fields that are not theirs."""
    touched = _differing(request.patch, proposal.patch)
    for old, new in zip(request.items, proposal.items, strict=True):
        touched |= _differing(old.patch, new.patch)
    foreign = touched - set(request.steps[request.position].amends)
    if foreign:
        refuse("not_amendable", fields=tuple(sorted(foreign)))
    return _content(proposal)


def _differing(old: Mapping[FieldKey, Any], new: Mapping[FieldKey, Any]) -> set[FieldKey]:
    return {key for key in old.keys() | new.keys() if key not in new or key not in old or old[key] != new[key]}


def _content(proposal: Proposal) -> Changes:
    """Return what is proposed, without whom it asks."""
    return {"patch": proposal.patch, "base": proposal.base, "digest": proposal.digest, "items": proposal.items}


def reject(request: Request, command: Command, act: Act) -> Outcome:
    """Reject a task; a delegate gives an opinion. The step says what one rejection does."""
    number = own_task(request, act.actor, command, delegates=True)
    task = request.tasks[number]
    if task.delegate is not None:
        return _opinion(request, command, number)
    step = request.steps[request.position]
    tasks = decided(request.tasks, number, "rejected")
    ending: Ending = step.unreachable
    if step.rejection != "votes":
        ending = step.rejection
    elif task.approver not in step.veto and standing(step, tasks, request.position) != "failed":
        return {"tasks": tasks}, ("task_decided",)
    if ending == "returns":
        return _returned(request, tasks), ("task_decided", "returned")
    return {"state": "rejected", "tasks": closed(tasks), "due_at": None}, ("task_decided", "rejected")


def _returned(request: Request, tasks: tuple[Task, ...]) -> Changes:
    # The tasks stay as they are, so that who returned it can take that back; none is open while it is returned.
    return {"state": "returned", "tasks": tasks, "returned_from": request.position, "due_at": None}


def return_back(request: Request, command: Command, act: Act) -> Outcome:
    """Give the request back to an earlier step, or to its submitter."""
    own_task(request, act.actor, command)
    if command.step is None:
        return _returned(request, request.tasks), ("returned",)
    if not 0 <= command.step < request.position:
        refuse("not_an_earlier_step", step=command.step + 1)  # as people count
    changes, events = enter(request.steps, reset(request.tasks, command.step), command.step, None, act)
    return changes, ("returned", *events)


def propose(request: Request, command: Command, act: Act) -> Outcome:
    """Begin all steps with a new proposal: of a draft, of a changed patch, or on the record as it is now."""
    _require_submitter(request, command.holder or act.actor)
    proposal = command.proposal
    if proposal is None or not proposal.steps:
        refuse("nothing_proposed")
    changes: dict[str, Any] = attrs.asdict(proposal, recurse=False)
    tasks = tuple(task for number, step in enumerate(proposal.steps) for task in step.tasks(number))
    opened, events = enter(proposal.steps, tasks, 0, None, act)
    event = _BEGINNINGS[command.name]
    return {**changes, **opened, "returned_from": None}, (event, *events)


def resubmit(request: Request, command: Command, act: Act) -> Outcome:
    """Send what was returned again: all steps, or from the one that returned it, if nothing changed."""
    if command.proposal is not None:
        return propose(request, command, act)
    _require_submitter(request, command.holder or act.actor)
    begin = (request.returned_from or 0) if request.continues else 0
    given = request.trail, request.digest, None
    opened, events = enter(request.steps, reset(request.tasks, begin), begin, given, act)
    return {**opened, "returned_from": None}, ("resubmitted", *events)


def withdraw(request: Request, command: Command, act: Act) -> Outcome:
    """End the request on the submitter's behalf."""
    _require_submitter(request, command.holder or act.actor)
    return cancel(request, command, act)


def cancel(request: Request, _command: Command, _act: Act) -> Outcome:
    """End the request."""
    return {"state": "withdrawn", "tasks": closed(request.tasks), "due_at": None}, ("withdrawn",)


def _require_submitter(request: Request, actor: MemberKey) -> None:
    if actor != request.submitted_by:
        raise not_yours("not_submitter")


def take_back(request: Request, command: Command, act: Act) -> Outcome:
    """Undo one's own decision of this round, or call a delegated task back."""
    who = command.holder or act.actor
    if request.state == "returned":
        return _pending_again(request, who, act), ("taken_back",)
    for number, task in enumerate(request.tasks):
        if task.step == request.position and task.approver == who and task.decision is None and task.delegate:
            return {"tasks": replaced(request.tasks, number, task._replace(delegate=None))}, ("taken_back",)
    number = _last_decided(request, who)
    step = request.tasks[number].step
    former = _require_nothing_after(request, number, who)
    kept = request.tasks
    tasks = reset(kept, step + 1)
    tasks = tuple(
        task._replace(decision=None) if at == number or (task.step == step and task.decision == "closed") else task
        for at, task in enumerate(tasks)
    )
    before = {} if former is None else _content(former)
    return {**before, **_opened(request, tasks, step, act)}, ("taken_back",)


def _opened(request: Request, tasks: tuple[Task, ...], step: int, act: Act) -> Changes:
    due = due_at(request.steps[step], act.now, 0, act.calendar)
    return {"tasks": tasks, "position": step, "opened_at": act.now, "fired": 0, "due_at": due}


def _pending_again(request: Request, who: MemberKey, act: Act) -> Changes:
    """Return what undoes that somebody returned a request, by a return or by a rejection."""
    last, tasks = request.trail[-1], request.tasks
    if (last.holder or last.actor) != who or last.command not in ("return", "reject"):
        refuse("nothing_to_take_back")
    if last.command == "reject":
        number = _last_decided(request, who)
        tasks = replaced(tasks, number, tasks[number]._replace(decision=None))
    step = request.returned_from or 0
    return {**_opened(request, tasks, step, act), "state": "pending", "returned_from": None}


def _last_decided(request: Request, member: MemberKey) -> int:
    found = [
        number
        for number, task in enumerate(request.tasks)
        if task.approver == member and task.decision in ("approved", "rejected")
    ]
    if not found:
        refuse("nothing_to_take_back")
    return max(found, key=lambda number: (request.tasks[number].step, number))


def _require_nothing_after(request: Request, number: int, who: MemberKey) -> Proposal | None:
    """Refuse where somebody acted on what the decision made possible, or the step was taken from those asked.

    Returns: What was proposed before, if the decision amended it; then others must not have decided on the step since.
    """
    tasks, own = request.tasks, request.tasks[number]
    here = [(at, task) for at, task in enumerate(tasks) if task.step == own.step]
    in_turn = request.steps[own.step].mode == "sequential" and own.kind == "asked"
    acted = any(
        task.decision in ("approved", "rejected")
        and (task.waits_for == number or (in_turn and task.kind == "asked" and at > number))
        for at, task in here
    )
    taken = own.kind != "instead" and any(task.kind == "instead" for _, task in here)
    former, others = None, False
    for entry in reversed(request.trail):
        decides = entry.step == own.step and entry.command in ("approve", "reject")
        if decides and (entry.holder or entry.actor) == who:
            former = entry.former
            break
        others = others or decides
        acted = acted or (entry.step is not None and entry.step > own.step and entry.command != "remind")
    if acted or taken or (others and former is not None):
        refuse("acted_since")
    return former

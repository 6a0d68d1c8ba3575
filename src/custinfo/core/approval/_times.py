"""What time limits and reminders do to a request."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from custinfo.core.approval._signers import instead
from custinfo.core.approval._steps import closed, due_at
from custinfo.core.approval.commands import Act, Changes, Command, Outcome, not_yours, refuse
from custinfo.core.approval.requests import Request, ResolvedLimit

__all__ = ["SOON", "escalate", "expire", "remind"]

SOON: Final = timedelta(hours=1)
"""Whoever reminds twice within this time, reminds once."""


def remind(request: Request, command: Command, act: Act) -> Outcome:
    """Remind those who are asked: of a member's own accord, or as a time limit says."""
    if command.timer:
        _passed_limit(request, command, act)
        return _next(request, act), ("reminded",)
    involved = {request.submitted_by, *(member for task in request.tasks for member in (task.approver, task.delegate))}
    if (command.holder or act.actor) not in involved:
        raise not_yours("not_involved")
    last = request.trail[-1] if request.trail else None
    if last is not None and (last.command, last.actor) == ("remind", act.actor) and act.now - last.at < SOON:
        refuse("reminded_already")
    return {}, ("reminded",)


def escalate(request: Request, command: Command, act: Act) -> Outcome:
    """Ask those to whom the step escalates in place of those who did not decide."""
    limit = _passed_limit(request, command, act)
    tasks = instead(request, limit.to) if limit.to else request.tasks
    return {**_next(request, act), "tasks": tasks}, ("escalated",)


def expire(request: Request, command: Command, act: Act) -> Outcome:
    """End the request because time is up."""
    _passed_limit(request, command, act)
    return {"state": "expired", "tasks": closed(request.tasks), "due_at": None}, ("expired",)


def _passed_limit(request: Request, command: Command, act: Act) -> ResolvedLimit:
    limits = request.steps[request.position].limits
    if request.due_at is None or act.now < request.due_at or limits[request.fired].then != command.name:
        refuse("not_due")
    return limits[request.fired]


def _next(request: Request, act: Act) -> Changes:
    fired, step = request.fired + 1, request.steps[request.position]
    return {"fired": fired, "due_at": due_at(step, request.opened_at or act.now, fired, act.calendar)}

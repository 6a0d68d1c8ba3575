"""What time limits ask for: reminders, escalations and expiry of requests (APR-3)."""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs

from custinfo.core.approval.machine import Command, decide
from custinfo.core.approval.requests import CommandName, Request
from custinfo.core.errors import ConflictError, IllegalTransitionError
from custinfo.core.offers import offered
from custinfo.ports.repositories import ApprovalQueries
from custinfo.workspace.context import Context
from custinfo.workspace.keeping_requests import held_requests, keep

__all__ = ["SYSTEM", "DueReport", "run_due"]

SYSTEM: Final = "system"
"""Who acts where nobody does; no member has this key."""


@attrs.frozen
class DueReport:
    """What passed time limits came to: how many requests were reminded of, escalated, and expired.

    `more` says that there were more than were looked at.
    """

    reminded: int = 0
    escalated: int = 0
    expired: int = 0
    more: bool = False


def run_due(context: Context, limit: int) -> DueReport:
    """Carry out what passed time limits ask for, each once. Raises: TypeError for a store without such questions."""
    repository = offered(context.unit.approvals, ApprovalQueries)
    if repository is None:
        raise TypeError("the store of approval requests is no ApprovalQueries: it can't say what is due")
    done: Counter[CommandName] = Counter()
    found = repository.due(context.now(), limit)
    for request in found:
        name = _carry_out(context, request)
        if name is not None:
            done[name] += 1
    return DueReport(done["remind"], done["escalate"], done["expire"], len(found) == limit)


def _carry_out(context: Context, request: Request) -> CommandName | None:
    """Carry out one limit; `None` where somebody decided meanwhile."""
    known = request.version
    request = held_requests(context.unit, [request.id]).get(request.id, request)
    if request.version != known:
        return None
    name: CommandName = request.steps[request.position].limits[request.fired].then
    command = Command(name, expected_version=request.version, timer=True)
    try:
        decided, events = decide(request, command, actor=SYSTEM, now=context.now(), calendar=context.calendar)
        with context.atomic():
            keep(context, request, decided, events)
    except (IllegalTransitionError, ConflictError):
        return None
    return name if events else None

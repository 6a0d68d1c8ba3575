"""The approval machine: one table of states and commands, and one pure function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from custinfo.core.approval import _acts, _signers, _times
from custinfo.core.approval.calendars import EVERY_DAY, WorkingCalendar
from custinfo.core.approval.commands import Act, Command, Event, Outcome, refuse
from custinfo.core.approval.requests import CommandName, Request, RequestState, TrailEntry, made
from custinfo.core.approval.rules import RULES
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.records import MemberKey

__all__ = ["ACCEPTED", "Command", "Event", "decide"]

_STATES: Final[tuple[RequestState, ...]] = (
    "draft",
    "pending",
    "returned",
    "approved",
    "needs_rebase",
    "applied",
    "rejected",
    "withdrawn",
    "expired",
)

ACCEPTED: Final[dict[RequestState, frozenset[CommandName]]] = {
    state: frozenset(name for name, rule in RULES.items() if state in rule.states) for state in _STATES
}
"""Which commands each state accepts; everything else is refused."""

_EFFECTS: Final[dict[CommandName, Callable[[Request, Command, Act], Outcome]]] = {
    "submit": _acts.propose,
    "approve": _acts.approve,
    "reject": _acts.reject,
    "return": _acts.return_back,
    "resubmit": _acts.resubmit,
    "withdraw": _acts.withdraw,
    "transfer": _signers.transfer,
    "delegate": _signers.delegate,
    "add_signer": _signers.add_signer,
    "take_back": _acts.take_back,
    "remind": _times.remind,
    "escalate": _times.escalate,
    "expire": _times.expire,
    "rescue": _signers.rescue,
    "rebase": _acts.propose,
    "apply": lambda _request, _command, _act: ({"state": "applied"}, ("applied",)),
    "find_conflict": lambda _request, _command, _act: ({"state": "needs_rebase"}, ("conflict_found",)),
    "cancel": _acts.cancel,
}


def decide(
    request: Request, command: Command, *, actor: MemberKey, now: datetime, calendar: WorkingCalendar = EVERY_DAY
) -> tuple[Request, tuple[Event, ...]]:
    """Return the request after the command, and what happened; the same request and nothing for a repeated command.

    Pure: reads no clock and no store, and knows nothing of the record. What only an administrator or the system may do
    is for the caller to see to.

    Args:
        request: The request.
        command: What is to be done.
        actor: Who wants it.
        now: The present instant, aware.
        calendar: By which time limits go.

    Raises: IllegalTransitionError when the state does not accept the command, it is not the actor's to give, what else
        it requires does not hold, or `expected_version` is not the request's; nothing is changed.
    """
    name = command.name
    try:
        if name not in ACCEPTED[request.state]:
            refuse("request_closed", state=request.state, command=name)
        expected = command.expected_version
        if expected is not None and expected != request.version:
            refuse("stale_request", expected=expected, actual=request.version)
        changes, events = _EFFECTS[name](request, command, made(Act, (actor, now, calendar)))
    except IllegalTransitionError:
        if _is_repetition(request, command, actor):
            return request, ()
        raise
    changes["version"] = request.version + 1
    changes["trail"] = (*request.trail, _entry(request, command, actor, now))
    return request.after(changes), events


def _entry(request: Request, command: Command, actor: MemberKey, now: datetime) -> TrailEntry:
    return made(
        TrailEntry,
        (
            now,
            actor,
            command.name,
            command.comment,
            request.position,
            request.digest,
            command.to,
            command.place,
            command.step,
            command.holder,
            command.proposal,
            None if command.proposal is None or command.name == "submit" else request.proposal,
        ),
    )


def _is_repetition(request: Request, command: Command, actor: MemberKey) -> bool:
    """Tell whether the actor carried out this very command already, and it still stands."""
    if command.expected_version is not None:
        place = command.expected_version - (request.version - len(request.trail))
        known = 0 <= place < len(request.trail) and _same(request.trail[place], command, actor)
        return known and not (place < len(request.trail) - 1 and command.name not in ("approve", "reject"))
    if RULES[command.name].by in ("system", "administrator") and request.state in RULES[command.name].leads_to:
        return request.state != "pending"
    if command.name in ("approve", "reject"):
        who = command.holder or actor
        wanted = "approved" if command.name == "approve" else "rejected"
        mine = [task.decision for task in request.tasks if task.approver == who and task.decision is not None]
        mine = [decision for decision in mine if decision in ("approved", "rejected")]
        return bool(mine) and mine[-1] == wanted
    return bool(request.trail) and _same(request.trail[-1], command, actor)


def _same(entry: TrailEntry, command: Command, actor: MemberKey) -> bool:
    done = (entry.actor, entry.command, entry.to, entry.place, entry.target, entry.holder)
    return done == (actor, command.name, command.to, command.place, command.step, command.holder)

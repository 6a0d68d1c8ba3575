"""What somebody wants done with a request."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple, NoReturn

import attrs

from custinfo.core.approval.calendars import WorkingCalendar
from custinfo.core.approval.requests import CommandName, Place, Proposal
from custinfo.core.errors import IllegalTransitionError, NotYourDecisionError
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey

__all__ = ["Act", "Changes", "Command", "Event", "Outcome", "not_yours", "refuse"]

Event = Literal[
    "submitted",
    "task_decided",
    "step_passed",
    "approved",
    "rejected",
    "returned",
    "resubmitted",
    "withdrawn",
    "task_transferred",
    "task_delegated",
    "opinion_given",
    "signer_added",
    "taken_back",
    "reminded",
    "escalated",
    "expired",
    "rescued",
    "rebased",
    "applied",
    "conflict_found",
]

Changes = dict[str, Any]
Outcome = tuple[Changes, tuple[Event, ...]]


@attrs.frozen
class Command:
    """What somebody wants done with a request; `expected_version` guards against a decision on an old reading.

    Args:
        name: The command.
        comment: What they say.
        expected_version: The version of the request that they read; any if `None`.
        to: Members: who gets a task, is asked for an opinion, signs too, or decides in place of a step.
        place: When an added signer signs.
        step: The step to return to; the submitter if `None`.
        proposal: What is proposed now, where that changes. With `approve`, its patch is what the approver amended.
        holder: Whose task it is about, where an administrator or a deputy acts for somebody.
        timer: A time limit gives the command, and nobody.
    """

    name: CommandName
    comment: str | None = attrs.field(default=None, repr=False)
    expected_version: int | None = None
    to: tuple[MemberKey, ...] = ()
    place: Place | None = None
    step: int | None = None
    proposal: Proposal | None = None
    holder: MemberKey | None = None
    timer: bool = False


class Act(NamedTuple):
    """Who gives a command, when, and by which calendar time limits go."""

    actor: MemberKey
    now: datetime
    calendar: WorkingCalendar


def refuse(code: str, **params: Any) -> NoReturn:
    """Raise what refuses a command."""
    raise IllegalTransitionError([Problem(code, params=params)])


def not_yours(code: str) -> NotYourDecisionError:
    """Return what refuses a command of somebody whose it is not."""
    return NotYourDecisionError([Problem(code)])

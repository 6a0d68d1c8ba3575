"""Which command each state accepts, whose it is, and where it leads: the table that decides, and that the docs show."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from custinfo.core.approval.requests import CommandName, RequestState

__all__ = ["RULES", "By", "Rule"]

By = Literal["submitter", "approver", "holder", "involved", "administrator", "system"]


@attrs.frozen
class Rule:
    """One command: what it may be given to, by whom, and what comes of it.

    Args:
        command: The command.
        states: The states that accept it.
        by: Whose it is: the `submitter`; the `approver` of an open task, or who was asked for an opinion; the
            `holder`, who is the approver alone; anybody `involved`; an `administrator`, or the `system`. For the last
            two, whoever calls the machine has to know.
        leads_to: The states that may follow.
        requires: What else must hold, in English.
    """

    command: CommandName
    states: tuple[RequestState, ...]
    by: By
    leads_to: tuple[RequestState, ...]
    requires: str = ""


_TABLE: Final = (
    Rule("submit", ("draft",), "submitter", ("pending", "approved"), "a proposal with at least one step"),
    Rule(
        "approve",
        ("pending",),
        "approver",
        ("pending", "approved"),
        "the task is open; it is not the actor's own change, unless the flow allows that; what is amended, the step "
        "lets approvers amend. From a delegate it is an opinion, and the task goes back",
    ),
    Rule(
        "reject",
        ("pending",),
        "approver",
        ("pending", "rejected", "returned"),
        "as for approve; the step says whether one rejection ends the request, returns it, or is a vote",
    ),
    Rule(
        "return",
        ("pending",),
        "holder",
        ("pending", "returned"),
        "a step before the present one, or none for the submitter",
    ),
    Rule("resubmit", ("returned",), "submitter", ("pending", "approved"), "with a changed patch, a proposal"),
    Rule("withdraw", ("draft", "pending", "returned", "needs_rebase"), "submitter", ("withdrawn",)),
    Rule(
        "transfer",
        ("pending",),
        "holder",
        ("pending",),
        "one other member, whose own change it is not, and who is not asked in this step (in a step of mode any, they "
        "may be: the task closes)",
    ),
    Rule(
        "delegate",
        ("pending",),
        "holder",
        ("pending",),
        "one other member, whose own change it is not, and who is not asked in this step; the task comes back with "
        "their opinion",
    ),
    Rule(
        "add_signer",
        ("pending",),
        "holder",
        ("pending",),
        "members whose own change it is not, and who are not asked in this step: before, after or parallel to the "
        "actor's own decision",
    ),
    Rule(
        "take_back",
        ("pending", "returned"),
        "involved",
        ("pending",),
        "the actor decided in this round, and nobody acted on a later step, or on a task that waited "
        "for it, or on the step once the actor had amended it; or the actor's task is with a delegate; of what is "
        "returned, the actor returned it to the submitter",
    ),
    Rule(
        "remind",
        ("pending",),
        "involved",
        ("pending",),
        "the same member did not do so within the hour; from the system, the step's time limit has passed",
    ),
    Rule("escalate", ("pending",), "system", ("pending",), "the step's time limit has passed, and names somebody"),
    Rule("expire", ("pending",), "system", ("expired",), "the step's time limit has passed"),
    Rule(
        "rescue",
        ("pending",),
        "administrator",
        ("pending",),
        "members who are to decide in place of the step, none of whose own change it is",
    ),
    Rule("rebase", ("needs_rebase",), "submitter", ("pending", "approved"), "a proposal on the record as it is now"),
    Rule(
        "apply", ("approved",), "system", ("applied",), "the record has the values of the base in the request's fields"
    ),
    Rule("find_conflict", ("approved",), "system", ("needs_rebase",), "it has not, or is gone"),
    Rule(
        "cancel",
        ("draft", "pending", "returned", "approved", "needs_rebase"),
        "administrator",
        ("withdrawn",),
        "or the import that made it is undone",
    ),
)

RULES: Final[dict[CommandName, Rule]] = {rule.command: rule for rule in _TABLE}
"""Command → its rule; each command has one."""

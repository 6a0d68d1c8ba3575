"""Approval flows as data: when a change needs approval, whose, how votes count, and by when (APR-1, APR-2)."""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs

from custinfo.core.approval.approvers import (
    APPROVER_TYPES,
    Approver,
    DepartmentHead,
    FieldMember,
    NamedMember,
    PositionHolders,
    RoleHolders,
)
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.fields import Labels
from custinfo.core.frozen import FrozenDict, freeze_labels, label_in
from custinfo.core.records import FieldKey, ModuleKey

__all__ = [
    "APPROVER_TYPES",
    "QUORUM_TYPES",
    "Approver",
    "CountQuorum",
    "DepartmentHead",
    "FieldMember",
    "Flow",
    "GatedAction",
    "NamedMember",
    "PositionHolders",
    "Quorum",
    "RoleHolders",
    "ShareQuorum",
    "Step",
    "StepMode",
    "TimeLimit",
    "Trigger",
    "WeightQuorum",
]

StepMode = Literal["any", "all", "sequential", "quorum"]
GatedAction = Literal["create", "update", "delete", "merge", "transfer", "archive", "import", "export", "erase"]
Ending = Literal["ends", "returns"]
Timeout = Literal["remind", "escalate", "expire"]


@attrs.frozen
class CountQuorum:
    """Pass a step with so many approvals."""

    approvals: int


@attrs.frozen
class ShareQuorum:
    """Pass a step with at least `percent` of those asked, from 1 to 100, rounded up: of five, 50 % are three."""

    percent: int


@attrs.frozen
class WeightQuorum:
    """Pass a step when the weights of those who approve reach `pass_mark`.

    `weights` has one number for each of the step's `approvers`, which each member whom that finds has.
    """

    weights: tuple[int, ...]
    pass_mark: int


Quorum = CountQuorum | ShareQuorum | WeightQuorum

QUORUM_TYPES: Final[dict[str, type[Any]]] = {"count": CountQuorum, "share": ShareQuorum, "weight": WeightQuorum}


@attrs.frozen
class Trigger:
    """Say which changes need the flow: a module, actions, changed fields, and criteria before and after.

    All given parts must hold. No `fields` means any field. A transition is a field with criteria on both sides, or a
    move of a life cycle that names the flow. A merger is looked at as a change of the record that stays, and of each
    that goes; a row of an import is an `import` beside what else it is. An `export` has no record: its
    columns trigger the flow, which knows no criteria.
    """

    module: ModuleKey
    actions: tuple[GatedAction, ...] = ("update",)
    fields: tuple[FieldKey, ...] = ()
    before: Criterion | None = None
    after: Criterion | None = None


@attrs.frozen
class TimeLimit:
    """Say what happens when a step is still open after so many `hours` of the working calendar.

    `then` is one of these: `remind` tells those who are asked; `escalate` asks `to` in their place; `expire` ends the
    request.
    """

    hours: int
    then: Timeout = "remind"
    to: tuple[Approver, ...] = ()


@attrs.frozen
class Step:
    """Ask approvers: `any` (或签, the first decision counts), `all` (会签), `sequential` (依次) or `quorum` (投票).

    Args:
        key: Name of the step within its flow.
        approvers: Whom it asks.
        label: What people call it.
        mode: How their decisions count; with `quorum`, as `quorum` says.
        fallback: Who is asked when `approvers` finds nobody who may decide, or too few for the quorum.
        quorum: How many approvals pass the step, for mode `quorum`.
        rejection: What one rejection does: it `ends` the request, `returns` it to the submitter, or is a vote.
        unreachable: Where a rejection is a vote: what happens when the step can't pass any more.
        veto: Whose rejection is no vote but decides at once, as `unreachable` says.
        skip_when: The step is left out for records that meet this, as they would be after the change.
        nobody: What happens where nobody at all is found: `refuse` the change, or `pass` the step.
        inactive: Whether members who have left are left out, or the head above decides in their place.
        sees: The fields of the request that its approvers may see here; all that policy allows if `None`.
        amends: The fields that its approvers may change when they approve.
        limits: Time limits, the shortest first.
    """

    key: str
    approvers: tuple[Approver, ...]
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)
    mode: StepMode = "any"
    fallback: tuple[Approver, ...] = ()
    quorum: Quorum | None = None
    rejection: Literal["ends", "returns", "votes"] = "ends"
    unreachable: Ending = "ends"
    veto: tuple[Approver, ...] = ()
    skip_when: Criterion | None = None
    nobody: Literal["refuse", "pass"] = "refuse"
    inactive: Literal["leave_out", "head"] = "leave_out"
    sees: tuple[FieldKey, ...] | None = None
    amends: tuple[FieldKey, ...] = ()
    limits: tuple[TimeLimit, ...] = ()

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)


@attrs.frozen
class Flow:
    """A path that a change takes before it is applied.

    Args:
        key: Name of the flow.
        trigger: Which changes take it.
        steps: What they pass, one after the other.
        label: What people call it.
        allow_own: Whether submitters decide about their own change (APR-4: not unless the flow says so). Where a change
            takes several flows, each says so of its own steps.
        own_passes: Whether the task of a submitter who is among those asked counts as approved from the start.
        repeated: Whether who approved an earlier step is asked again: `each` time, only if the steps are not
            `adjacent`, or `first` only; otherwise the approval counts again.
        after_return: Whether what was returned and comes back unchanged passes all steps again (`replay`), or goes on
            where it was returned (`continue`). A changed patch always passes all.
        version: Counts up with each change of the flow; requests keep the one that they were submitted under.
        export_hours: For how long after its approval an export may be run.
        announced: Whether what happens to its requests is written to the outbox, as events such as `approval.decided`.
            Turn it off where nobody delivers them: they would pile up.
    """

    key: str
    trigger: Trigger
    steps: tuple[Step, ...]
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)
    allow_own: bool = False
    version: int = 1
    own_passes: bool = False
    repeated: Literal["first", "adjacent", "each"] = "first"
    after_return: Literal["replay", "continue"] = "replay"
    export_hours: int = 24
    announced: bool = True

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)

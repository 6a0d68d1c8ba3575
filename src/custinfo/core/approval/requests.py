"""Change requests as values (APR-5, APR-6)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, NewType

import attrs

from custinfo.core.approval.exports import ExportScope
from custinfo.core.approval.flows import Ending, GatedAction, Quorum, StepMode, Timeout
from custinfo.core.approval.items import Item
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, RecordId

__all__ = [
    "OPEN_STATES",
    "CommandName",
    "Decision",
    "Place",
    "Proposal",
    "Request",
    "RequestId",
    "RequestState",
    "ResolvedLimit",
    "ResolvedStep",
    "Task",
    "TaskKind",
    "TrailEntry",
    "made",
]

made: Final = tuple.__new__
"""Make a named tuple of a tuple, at half the price of its class."""

RequestId = NewType("RequestId", str)

RequestState = Literal[
    "draft", "pending", "returned", "approved", "applied", "needs_rebase", "rejected", "withdrawn", "expired"
]
CommandName = Literal[
    "submit",
    "approve",
    "reject",
    "return",
    "resubmit",
    "withdraw",
    "transfer",
    "delegate",
    "add_signer",
    "take_back",
    "remind",
    "escalate",
    "expire",
    "rescue",
    "rebase",
    "apply",
    "find_conflict",
    "cancel",
]
Decision = Literal["approved", "rejected", "presumed", "closed"]
TaskKind = Literal["asked", "added", "instead"]
Place = Literal["before", "after", "parallel"]

OPEN_STATES: Final[frozenset[RequestState]] = frozenset({"pending", "returned", "approved", "needs_rebase"})
"""States in which a request reserves its fields."""


@attrs.frozen
class ResolvedLimit:
    """A time limit with the people to whom it escalates, fixed when the request was submitted."""

    hours: int
    then: Timeout
    to: tuple[MemberKey, ...] = ()


@attrs.frozen
class ResolvedStep:
    """A step of a flow with the people that it asks, fixed when the request was submitted.

    `weights` goes with `approvers`; empty means one each. `presumed` are those whose task counts as approved when the
    step opens. `repeated` and `allow_own` are those of the flow, the other attributes those of `Step`.
    """

    flow: str
    key: str
    label: FrozenDict[str, str]
    mode: StepMode
    approvers: tuple[MemberKey, ...]
    weights: tuple[int, ...] = ()
    quorum: Quorum | None = None
    rejection: Literal["ends", "returns", "votes"] = "ends"
    unreachable: Ending = "ends"
    veto: tuple[MemberKey, ...] = ()
    presumed: tuple[MemberKey, ...] = ()
    repeated: Literal["first", "adjacent", "each"] = "each"
    sees: tuple[FieldKey, ...] | None = None
    amends: tuple[FieldKey, ...] = ()
    limits: tuple[ResolvedLimit, ...] = ()
    allow_own: bool = False

    def tasks(self, number: int) -> tuple[Task, ...]:
        """Return its tasks, undecided, as those of step `number`."""
        weights = self.weights or (1,) * len(self.approvers)
        return tuple(
            Task(number, approver, weight=weight) for approver, weight in zip(self.approvers, weights, strict=True)
        )


class Task(NamedTuple):
    """Ask one approver for a decision.

    Args:
        step: Number of the step.
        approver: Whose decision it is.
        decision: `None` while there is none; `presumed` if an earlier approval counts, `closed` if none was needed.
        kind: `asked` by the flow, `added` by an approver (加签, whose approval is needed whatever the mode), or asked
            `instead` of all others of the step, after an escalation or a rescue.
        weight: What the vote weighs.
        waits_for: Number of the task that has to be decided before this one opens.
        delegate: Who is asked for an opinion at present; the decision stays the approver's.
    """

    step: int
    approver: MemberKey
    decision: Decision | None = None
    kind: TaskKind = "asked"
    weight: int = 1
    waits_for: int | None = None
    delegate: MemberKey | None = None

    @property
    def holder(self) -> MemberKey:
        """Who is to act on it now."""
        return self.delegate or self.approver


@attrs.frozen
class Proposal:
    """What a request would do, and whom it asks: set by submitting, resubmitting a changed patch, or rebasing.

    `items` are those of a request for many.
    """

    patch: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    base: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    digest: str = ""
    flows: tuple[tuple[str, int], ...] = ()
    steps: tuple[ResolvedStep, ...] = attrs.field(default=(), repr=False)
    allow_own: bool = False
    continues: bool = False
    configuration_version: int = 1
    items: tuple[Item, ...] = attrs.field(default=(), repr=False)


class TrailEntry(NamedTuple):
    """Record one command: who, when, what they said, and what of the patch they saw (by its digest).

    `to`, `place`, `target` and `proposal` are those of the command; `holder` is the member for whom somebody acted, and
    `former` what was proposed before, where that was replaced.
    """

    at: datetime
    actor: MemberKey
    command: CommandName
    comment: str | None = None
    step: int | None = None
    digest: str = ""
    to: tuple[MemberKey, ...] = ()
    place: Place | None = None
    target: int | None = None
    holder: MemberKey | None = None
    proposal: Proposal | None = None
    former: Proposal | None = None

    def __repr__(self) -> str:
        """Show no comment: it may hold personal data."""
        return f"TrailEntry(at={self.at!r}, actor={self.actor!r}, command={self.command!r}, step={self.step!r})"


@attrs.frozen(slots=False)
class Request:
    """A change that waits for approval: live data stays as it is until the last one.

    `patch` is what it will change and `base` the values of these fields when it was submitted; encrypted fields
    hold their sealed form. While the request is open, it reserves the patch's fields of the record.
    `configuration_version` is that under which it was submitted.

    Args:
        items: The records of a request for many, which has no patch of its own.
        allow_own: Whether every flow lets the submitter decide; where only some do, the steps of these say so.
        digest: Of the patch: what the trail says that somebody saw.
        opened_at: When the present step opened.
        due_at: When its next time limit passes.
        fired: How many of its time limits have passed.
        returned_from: The step that returned it, while it is with the submitter.
        continues: Whether it goes on there when it comes back unchanged.
        export: Which export it is about; such a request changes nothing.
    """

    id: RequestId
    module: ModuleKey
    record_id: RecordId
    action: GatedAction
    patch: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    base: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    flows: tuple[tuple[str, int], ...]
    steps: tuple[ResolvedStep, ...] = attrs.field(repr=False)
    tasks: tuple[Task, ...] = attrs.field(repr=False)
    submitted_by: MemberKey
    submitted_at: datetime
    state: RequestState = "pending"
    position: int = 0
    version: int = 1
    reason: str | None = attrs.field(default=None, repr=False)
    allow_own: bool = False
    batch: str | None = None
    trail: tuple[TrailEntry, ...] = attrs.field(default=(), repr=False)
    configuration_version: int = 1
    items: tuple[Item, ...] = attrs.field(default=(), repr=False)
    digest: str = ""
    opened_at: datetime | None = None
    due_at: datetime | None = None
    fired: int = 0
    returned_from: int | None = None
    continues: bool = False
    export: ExportScope | None = None

    @property
    def proposal(self) -> Proposal:
        """What it proposes now, and whom it asks."""
        return Proposal(
            self.patch,
            self.base,
            self.digest,
            self.flows,
            self.steps,
            self.allow_own,
            self.continues,
            self.configuration_version,
            self.items,
        )

    def after(self, changes: dict[str, Any]) -> Request:
        """Return the request with some attributes changed; like `attrs.evolve`, at a fifth of its price.

        The machine makes a new request for each command; this is why the class has no slots.
        """
        changed = object.__new__(Request)
        object.__setattr__(changed, "__dict__", self.__dict__ | changes)
        return changed

    @property
    def author(self) -> MemberKey:
        """Who submitted it in person: the deputy, where somebody did so on behalf of the submitter."""
        first = self.trail[0] if self.trail else None
        return first.actor if first is not None and first.command == "submit" else self.submitted_by

    def is_own(self, member: MemberKey) -> bool:
        """Tell whether it is a member's own change: submitted by them, or by them on behalf of the submitter."""
        return member in (self.submitted_by, self.author)

    @property
    def own_allowed(self) -> bool:
        """Whether the submitter may decide in the present step."""
        return self.allow_own or self.steps[self.position].allow_own

    def open_numbers(self) -> tuple[int, ...]:
        """Return the numbers of the tasks that may be decided now; of a sequential step's own, that is one at most."""
        found, tasks, here = [], self.tasks, self.position
        if self.state != "pending":
            return ()
        in_turn, taken = self.steps[here].mode == "sequential", False
        for number, (step, _, decision, kind, _, waits_for, _) in enumerate(tasks):
            if step != here or decision is not None:
                continue
            if taken and kind == "asked":
                continue  # another one's turn comes first
            taken = taken or (in_turn and kind == "asked")
            if waits_for is None or tasks[waits_for].decision is not None:
                found.append(number)
        return tuple(found)

    def open_tasks(self) -> tuple[Task, ...]:
        """Return the tasks that may be decided now."""
        return tuple(self.tasks[number] for number in self.open_numbers())

    def waiting_for(self) -> tuple[MemberKey, ...]:
        """Return the members who may act on a task now, each once."""
        return tuple(dict.fromkeys(task.holder for task in self.open_tasks()))

    def reserved_fields(self) -> frozenset[FieldKey]:
        """Return the fields of `record_id` that nobody else may change meanwhile."""
        return frozenset(self.patch) if self.state in OPEN_STATES else frozenset()

    def reservations(self) -> Iterator[tuple[RecordId, FieldKey]]:
        """Yield each field that nobody else may change meanwhile, with its record."""
        if self.state in OPEN_STATES:
            yield from ((self.record_id, key) for key in self.patch)
            yield from ((item.record_id, key) for item in self.items for key in item.patch if item.outcome is None)

    @property
    def proposed_at(self) -> datetime:
        """When its submitter last said that this is what they want."""
        said = [entry.at for entry in self.trail if entry.command in ("submit", "resubmit", "rebase")]
        return said[-1] if said else self.submitted_at

    def decided_by(self) -> frozenset[MemberKey]:
        """Return the members who approved, rejected or returned it, in this round or an earlier one."""
        return frozenset(
            entry.holder or entry.actor for entry in self.trail if entry.command in ("approve", "reject", "return")
        )

    def concerns(self, module: ModuleKey, record_id: RecordId) -> bool:
        """Tell whether it has values of a record: alone, as one of many, or brought along by one of these."""
        return self.concerns_one_of(module, [record_id])

    def concerns_one_of(self, module: ModuleKey, record_ids: Collection[RecordId]) -> bool:
        """Tell whether it has values of one of some records of a module."""
        brought = (found for item in self.items for found in item.companions if found.module == module)
        mine = (self.record_id, *self.record_ids()) if self.module == module else ()
        known = {*mine, *(found.record_id for found in brought)}
        return any(key in known for key in record_ids)

    def record_ids(self) -> tuple[RecordId, ...]:
        """Return the records that it is about."""
        return tuple(item.record_id for item in self.items) if self.items else (self.record_id,)

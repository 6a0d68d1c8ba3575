"""Change requests as values (APR-5, APR-6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NewType

import attrs

from custinfo.core.approval.flows import GatedAction, StepMode
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, RecordId

__all__ = ["OPEN_STATES", "CommandName", "Request", "RequestId", "RequestState", "ResolvedStep", "Task", "TrailEntry"]

RequestId = NewType("RequestId", str)

RequestState = Literal["pending", "approved", "applied", "needs_rebase", "rejected", "withdrawn"]
CommandName = Literal["submit", "approve", "reject", "withdraw", "cancel", "apply", "find_conflict"]

OPEN_STATES: frozenset[RequestState] = frozenset({"pending", "approved", "needs_rebase"})
"""States in which a request reserves its fields."""


@attrs.frozen
class ResolvedStep:
    """A step of a flow with the people that it asks, fixed when the request was submitted."""

    flow: str
    key: str
    label: FrozenDict[str, str]
    mode: StepMode
    approvers: tuple[MemberKey, ...]


@attrs.frozen
class Task:
    """Ask one approver for a decision; `decision` stays `None` while it is open, `closed` if it was not needed."""

    step: int
    approver: MemberKey
    decision: Literal["approved", "rejected", "closed"] | None = None


@attrs.frozen
class TrailEntry:
    """Record one command: who, when, what they said."""

    at: datetime
    actor: MemberKey
    command: CommandName
    comment: str | None = attrs.field(default=None, repr=False)
    step: int | None = None


@attrs.frozen(slots=False)
class Request:
    """A change that waits for approval: live data stays as it is until the last one.

    `patch` is what it will change and `base` the values of these fields when it was submitted; encrypted fields
    hold their sealed form. While the request is open, it reserves the patch's fields of the record.
    `configuration_version` is that under which it was submitted.
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

    def after(self, **changes: Any) -> Request:
        """Return the request with some attributes changed; like `attrs.evolve`, at a fifth of its price.

        The machine makes a new request for each command; this is why the class has no slots.
        """
        changed = object.__new__(Request)
        changed.__dict__.update(self.__dict__, **changes)
        return changed

    def open_tasks(self) -> tuple[Task, ...]:
        """Return the tasks that may be decided now; in a sequential step that is one."""
        if self.state != "pending":
            return ()
        waiting = tuple(task for task in self.tasks if task.step == self.position and task.decision is None)
        return waiting[:1] if self.steps[self.position].mode == "sequential" else waiting

    def reserved_fields(self) -> frozenset[FieldKey]:
        """Return the fields that nobody else may change meanwhile."""
        return frozenset(self.patch) if self.state in OPEN_STATES else frozenset()

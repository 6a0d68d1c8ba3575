"""The gate: which changes need approval, by whom, and which fields wait for one already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from custinfo.core.approval.flows import (
    Approver,
    DepartmentHead,
    FieldMember,
    Flow,
    GatedAction,
    NamedMember,
    RoleHolders,
    Step,
)
from custinfo.core.approval.requests import Request, RequestId, ResolvedStep, Task, TrailEntry
from custinfo.core.criteria.evaluate import compile_predicate
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import CustinfoError, FieldReservedError, PermissionDeniedError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import FieldChange, changes_between
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, MemberKey, ModuleKey, Record
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import stripped

__all__ = ["ApprovalPath", "Gate"]


@attrs.frozen
class ApprovalPath:
    """The flows that a change triggers, one after the other, with the people whom each step asks."""

    action: GatedAction
    flows: tuple[Flow, ...]
    steps: tuple[ResolvedStep, ...]

    def request(
        self,
        context: Context,
        before: Record | None,
        after: Record,
        written: Iterable[FieldKey],
        reason: str | None,
        batch: str | None,
    ) -> Request:
        """Return the request for a change whose encrypted values are sealed; it takes an id, and saves nothing."""
        own = None if before is None else stripped(context, before)
        changes = _changes(own, stripped(context, after), written)
        now = context.now()
        return Request(
            id=RequestId(context.ids()),
            module=after.module,
            record_id=after.id,
            action=self.action,
            patch=FrozenDict({item.field: CLEAR if item.new is None else item.new for item in changes}),
            base=FrozenDict({item.field: item.old for item in changes}),
            flows=tuple((flow.key, flow.version) for flow in self.flows),
            steps=self.steps,
            tasks=tuple(
                Task(number, approver) for number, step in enumerate(self.steps) for approver in step.approvers
            ),
            submitted_by=context.actor,
            submitted_at=now,
            reason=reason,
            allow_own=all(flow.allow_own for flow in self.flows),
            batch=batch,
            trail=(TrailEntry(now, context.actor, "submit", reason),),
            configuration_version=context.schema.configuration.version,
        )


class Gate:
    """Match changes against the triggers of the configured flows."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._flows = context.schema.configuration.flows.values()

    def watches_creation(self, module: ModuleKey) -> bool:
        """Return whether a flow may be triggered by a new record of the module."""
        return any(flow.trigger.module == module and "create" in flow.trigger.actions for flow in self._flows)

    def reservations(self, records: Iterable[Record]) -> dict[str, dict[FieldKey, str]]:
        """Return record id → field → id of the open request that reserves it."""
        by_module: dict[str, list[Any]] = {}
        for record in records:
            by_module.setdefault(record.module, []).append(record.id)
        held: dict[str, dict[FieldKey, str]] = {}
        for module, ids in by_module.items():
            for request in self._context.unit.approvals.open_for(module, ids):
                held.setdefault(request.record_id, {}).update(dict.fromkeys(request.reserved_fields(), request.id))
        return held

    def judge(
        self,
        before: Record | None,
        after: Record,
        written: Iterable[FieldKey],
        reserved: Mapping[str, Mapping[FieldKey, str]],
    ) -> tuple[ApprovalPath | None, CustinfoError | None]:
        """Return the approval that a change needs, or what stops it: a reserved field, or that nobody can approve."""
        if before is None and not self.watches_creation(after.module):
            return None, None
        touched = [item.field for item in _changes(before, after, written)]
        blockers = reserved.get(after.id, {})
        own = None if before is None else stripped(self._context, before)
        held = [
            Problem("field_reserved", item.field, params={"request_id": blockers[item.field]})
            for item in (_changes(own, stripped(self._context, after), written) if blockers else ())
            if item.field in blockers
        ]
        if held:
            return None, FieldReservedError(held)
        try:
            return self.path(before, after, touched), None
        except CustinfoError as error:
            return None, error

    def path(self, before: Record | None, after: Record, touched: Collection[FieldKey]) -> ApprovalPath | None:
        """Return what approval a change needs, or `None`. Raises: PermissionDeniedError where nobody can approve."""
        action, actions = _action(before, after), _actions(before, after, touched)
        moving = self._context.validator(after.module).move_flows(before, after, self._context.related)
        flows = [
            flow for flow in self._flows if flow.key in moving or self._triggers(flow, actions, before, after, touched)
        ]
        if not flows:
            return None
        steps = tuple(self._resolve(flow, step, before or after) for flow in flows for step in flow.steps)
        return ApprovalPath(action, tuple(flows), _without_repeats(steps))

    def _triggers(
        self,
        flow: Flow,
        actions: Collection[GatedAction],
        before: Record | None,
        after: Record,
        touched: Collection[FieldKey],
    ) -> bool:
        trigger = flow.trigger
        if trigger.module != after.module or not set(actions) & set(trigger.actions):
            return False
        if trigger.fields and not set(trigger.fields) & set(touched):
            return False
        if trigger.before is not None and (before is None or not self._holds(trigger.before, before)):
            return False
        return trigger.after is None or self._holds(trigger.after, after)

    def _holds(self, criterion: Criterion, record: Record) -> bool:
        return compile_predicate(self._context.bind(criterion, record.module))(record, self._context.related)

    def _resolve(self, flow: Flow, step: Step, record: Record) -> ResolvedStep:
        """Return the step with the active members whom it asks, the submitter left out unless the flow says so."""
        for approvers in (step.approvers, step.fallback):
            members = self._members(flow, approvers, record)
            if members:
                return ResolvedStep(flow.key, step.key, step.label, step.mode, members)
        language = self._context.schema.configuration.language
        params = {"flow": flow.label_in(language), "step": step.label.get(language) or step.key}
        raise PermissionDeniedError([Problem("no_approver", params=params)])

    def _members(self, flow: Flow, approvers: Sequence[Approver], record: Record) -> tuple[MemberKey, ...]:
        submitter = self._context.actor
        found: dict[MemberKey, None] = {}
        for approver in approvers:
            for key in self._candidates(flow, approver, record):
                member = self._context.schema.directory.member(key)
                if member is not None and member.active and (flow.allow_own or key != submitter):
                    found[key] = None
        return tuple(found)

    def _candidates(self, flow: Flow, approver: Approver, record: Record) -> Iterable[MemberKey]:
        match approver:
            case NamedMember(member):
                return (member,)
            case RoleHolders(role):
                return self._context.schema.directory.holders(role)
            case FieldMember(field):
                value = record.owner if field == "owner" else record.values.get(field)
                return (value,) if isinstance(value, str) else ()
            case DepartmentHead(of, level):
                return self._heads(flow, of == "owner", level, record)

    def _heads(self, flow: Flow, of_owner: bool, level: int, record: Record) -> Iterable[MemberKey]:
        """Return the head of the department `level` up, or of the next one above that has another active head."""
        directory = self._context.schema.directory
        submitter = directory.member(self._context.actor)
        start = record.department if of_owner else (submitter.department if submitter else None)
        node = directory.department(start or "")
        passed = 0
        while node is not None:
            if node.kind == "department":
                passed += 1
                head = directory.member(node.head or "")
                usable = head is not None and head.active and (flow.allow_own or head.key != self._context.actor)
                if passed >= level and head is not None and usable:
                    return (head.key,)
            node = directory.department(node.parent or "")
        return ()


def _changes(before: Record | None, after: Record, written: Iterable[FieldKey]) -> list[FieldChange]:
    """Return what a change touches: what differs, and what is written though nobody may say that it does not."""
    changes = [item for item in changes_between(before, after) if item.field != "created_by"]
    if before is not None:
        known = {item.field for item in changes} | {"owner"}
        same = [key for key in written if key not in known]
        changes += [FieldChange(key, before.values.get(key), before.values.get(key)) for key in same]
    return changes


def _actions(before: Record | None, after: Record, touched: Collection[FieldKey]) -> set[GatedAction]:
    """Return all that a change is: whoever gives a record away in the same step still changes its fields."""
    found: set[GatedAction] = {_action(before, after)}
    if before is not None and set(touched) - {"owner", "department", "archived_at"}:
        found.add("update")
    return found


def _action(before: Record | None, after: Record) -> GatedAction:
    if before is None:
        return "create"
    if before.owner != after.owner:
        return "transfer"
    return "archive" if before.archived_at != after.archived_at else "update"


def _without_repeats(steps: Sequence[ResolvedStep]) -> tuple[ResolvedStep, ...]:
    """Leave out a step that asks just the same people in the same way as one before."""
    kept: list[ResolvedStep] = []
    for step in steps:
        if not any(step.approvers == other.approvers and step.mode == other.mode for other in kept):
            kept.append(step)
    return tuple(kept)

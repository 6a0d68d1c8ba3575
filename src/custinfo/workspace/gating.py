"""The gate: which changes need approval, by whom, and which fields wait for one already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from custinfo.core.approval.flows import Flow, GatedAction, Step
from custinfo.core.approval.machine import Command, decide
from custinfo.core.approval.requests import Item, Proposal, Request, RequestId, ResolvedStep
from custinfo.core.approval.resolving import Resolver
from custinfo.core.criteria.evaluate import compile_predicate
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import CustinfoError, FieldReservedError, PermissionDeniedError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import FieldChange, changes_between
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, ModuleKey, Record, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import stripped

__all__ = ["ApprovalPath", "Gate", "digest_of", "proposed", "submitted"]

_DIGEST: Final = 16


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
        patch, base = proposed(context, before, after, written)
        return self._submitted(context, after.module, after.id, patch, base, (), reason, batch)

    def request_for_many(
        self, context: Context, module: ModuleKey, items: tuple[Item, ...], reason: str | None, batch: str | None = None
    ) -> Request:
        """Return one request for many records, as `request` does for one."""
        nothing: FrozenDict[FieldKey, Any] = FrozenDict()
        return self._submitted(context, module, RecordId(""), nothing, nothing, items, reason, batch)

    def _submitted(
        self,
        context: Context,
        module: ModuleKey,
        record_id: RecordId,
        patch: FrozenDict[FieldKey, Any],
        base: FrozenDict[FieldKey, Any],
        items: tuple[Item, ...],
        reason: str | None,
        batch: str | None,
    ) -> Request:
        draft = Request(
            id=RequestId(context.ids()),
            module=module,
            record_id=record_id,
            action=self.action,
            patch=patch,
            base=base,
            flows=(),
            steps=(),
            tasks=(),
            submitted_by=context.actor,
            submitted_at=context.now(),
            state="draft",
            version=0,
            reason=reason,
            batch=batch,
            items=items,
        )
        return submitted(context, draft, self.proposal(context, module, patch, base, items))

    def proposal(
        self,
        context: Context,
        module: ModuleKey,
        patch: FrozenDict[FieldKey, Any],
        base: FrozenDict[FieldKey, Any],
        items: tuple[Item, ...] = (),
    ) -> Proposal:
        """Return what is to be approved, with those who are asked."""
        return Proposal(
            patch,
            base,
            digest_of(context, module, patch, items),
            tuple((flow.key, flow.version) for flow in self.flows),
            self.steps,
            all(flow.allow_own for flow in self.flows),
            all(flow.after_return == "continue" for flow in self.flows),
            context.schema.configuration.version,
        )


def proposed(
    context: Context, before: Record | None, after: Record, written: Iterable[FieldKey]
) -> tuple[FrozenDict[FieldKey, Any], FrozenDict[FieldKey, Any]]:
    """Return what a change does to fields that people write, and the values that they had."""
    own = None if before is None else stripped(context, before)
    changes = _changes(own, stripped(context, after), written)
    patch = FrozenDict({item.field: CLEAR if item.new is None else item.new for item in changes})
    return patch, FrozenDict({item.field: item.old for item in changes})


def submitted(context: Context, draft: Request, proposal: Proposal) -> Request:
    """Return a draft with a proposal submitted: the machine opens its first step."""
    command = Command("submit", draft.reason, proposal=proposal, holder=context.on_behalf_of)
    request, _ = decide(draft, command, actor=context.author, now=draft.submitted_at, calendar=context.calendar)
    # What was first proposed stands in the request itself, and is not kept twice.
    return request.after({"trail": (*request.trail[:-1], request.trail[-1]._replace(proposal=None))})


def digest_of(context: Context, module: ModuleKey, patch: Mapping[FieldKey, Any], items: Iterable[Item] = ()) -> str:
    """Return the digest by which the trail says what of a patch somebody saw."""
    codec = context.compiled.codec(module)
    data = [codec.encode_values(patch), *((item.record_id, codec.encode_values(item.patch)) for item in items)]
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


class Gate:
    """Match changes against the triggers of the configured flows."""

    def __init__(self, context: Context, *, own: RequestId | None = None, also: Collection[str] = ()) -> None:
        """Work for one session.

        Args:
            context: The session's.
            own: The request that the changes come from: what it reserves, it may change.
            also: Flows that the changes have to pass in any case.
        """
        self._context = context
        self._own = own
        self._also = also
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
                if request.id != self._own:
                    for record_id, field in request.reservations():
                        held.setdefault(record_id, {})[field] = request.id
        return held

    def judge(
        self,
        before: Record | None,
        after: Record,
        written: Iterable[FieldKey],
        reserved: Mapping[str, Mapping[FieldKey, str]],
        action: GatedAction | None = None,
    ) -> tuple[ApprovalPath | None, CustinfoError | None]:
        """Return the approval that a change needs, or what stops it: a reserved field, or that nobody can approve."""
        if before is None and not self._also and not self.watches_creation(after.module):
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
            return self.path(before, after, touched, action), None
        except CustinfoError as error:
            return None, error

    def path(
        self,
        before: Record | None,
        after: Record,
        touched: Collection[FieldKey],
        given: GatedAction | None = None,
    ) -> ApprovalPath | None:
        """Return what approval a change needs, or `None`. Raises: PermissionDeniedError where nobody can approve."""
        action, actions = given or _action(before, after), {given} if given else _actions(before, after, touched)
        moving = self._context.validator(after.module).move_flows(before, after, self._context.related)
        flows = [
            flow
            for flow in self._flows
            if flow.key in moving or flow.key in self._also or self._triggers(flow, actions, before, after, touched)
        ]
        return self._path(action, flows, before, after)

    def _path(
        self, action: GatedAction, flows: Collection[Flow], before: Record | None, after: Record
    ) -> ApprovalPath | None:
        steps = tuple(
            found for flow in flows for step in flow.steps for found in self._resolve(flow, step, before, after)
        )
        return ApprovalPath(action, tuple(flows), steps) if steps else None

    def erasure(self, record: Record, keys: Collection[FieldKey]) -> ApprovalPath | None:
        """Return the approval that erasing values needs, or `None`. Raises: PermissionDeniedError."""
        flows = [flow for flow in self._flows if self._triggers(flow, {"erase"}, record, record, keys)]
        return self._path("erase", flows, record, record)

    def merger(
        self, before: Record, after: Record, touched: Collection[FieldKey], others: Iterable[Record]
    ) -> ApprovalPath | None:
        """Return the approval that a merger needs, or `None`. Raises: PermissionDeniedError.

        A flow is triggered by the record that stays, or by one that goes.
        """
        going = [(other, attrs.evolve(other, archived_at=after.updated_at), ("archived_at",)) for other in others]
        changes: list[tuple[Record, Record, Collection[FieldKey]]] = [(before, after, touched), *going]
        flows = [flow for flow in self._flows if any(self._triggers(flow, {"merge"}, *change) for change in changes)]
        return self._path("merge", flows, before, after)

    def watches_mergers(self, module: ModuleKey) -> bool:
        """Return whether a flow may be triggered by a merger of records of the module."""
        return any(flow.trigger.module == module and "merge" in flow.trigger.actions for flow in self._flows)

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

    def _resolve(self, flow: Flow, step: Step, before: Record | None, after: Record) -> Iterator[ResolvedStep]:
        """Yield the step with the people whom it asks, unless it is left out. Raises: PermissionDeniedError."""
        if step.skip_when is not None and self._holds(step.skip_when, after):
            return
        context = self._context
        deputy = None if context.deputy is None else context.author
        found = Resolver(context.schema.directory, context.actor, before or after, deputy).step(flow, step)
        if found is not None:
            yield found
        elif step.nobody == "refuse":
            language = self._context.schema.configuration.language
            params = {"flow": flow.label_in(language), "step": step.label_in(language)}
            raise PermissionDeniedError([Problem("no_approver", params=params)])


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

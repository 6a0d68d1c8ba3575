"""The gate: which changes need approval, by whom, and which fields wait for one already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import attrs

from custinfo.core.approval.flows import Flow, GatedAction, Step
from custinfo.core.approval.requests import RequestId, ResolvedStep
from custinfo.core.approval.resolving import Resolver
from custinfo.core.criteria.evaluate import compile_predicate
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import CustinfoError, FieldReservedError, PermissionDeniedError
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record
from custinfo.workspace.approval_paths import ApprovalPath, touching
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import stripped

__all__ = ["Gate"]


class Gate:
    """Match changes against the triggers of the configured flows."""

    def __init__(
        self,
        context: Context,
        *,
        own: RequestId | None = None,
        also: Collection[str] = (),
        importing: bool = False,
    ) -> None:
        """Work for one session.

        Args:
            context: The session's.
            own: The request that the changes come from: what it reserves, it may change.
            also: Flows that the changes have to pass in any case.
            importing: Whether the changes are rows of an import: each is one beside what else it is.
        """
        self._context = context
        self._own = own
        self._also = also
        self._channel: frozenset[GatedAction] = frozenset({"import"} if importing else ())
        self._flows = context.schema.configuration.flows.values()

    def watches_creation(self, module: ModuleKey) -> bool:
        """Return whether a flow may be triggered by a new record of the module."""
        return self._watches(module, {"create", *self._channel})

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
        error = self.held(before, after, written, reserved)
        if error is not None:
            return None, error
        touched = [item.field for item in touching(before, after, written)]
        try:
            return self.path(before, after, touched, action), None
        except CustinfoError as error:
            return None, error

    def held(
        self,
        before: Record | None,
        after: Record,
        written: Iterable[FieldKey],
        reserved: Mapping[str, Mapping[FieldKey, str]],
    ) -> FieldReservedError | None:
        """Return what stops a change of fields that wait for approval already."""
        blockers = reserved.get(after.id, {})
        if not blockers:
            return None
        own = None if before is None else stripped(self._context, before)
        held = [
            Problem("field_reserved", item.field, params={"request_id": blockers[item.field]})
            for item in touching(own, stripped(self._context, after), written)
            if item.field in blockers
        ]
        return FieldReservedError(held) if held else None

    def path(
        self,
        before: Record | None,
        after: Record,
        touched: Collection[FieldKey],
        given: GatedAction | None = None,
    ) -> ApprovalPath | None:
        """Return what approval a change needs, or `None`. Raises: PermissionDeniedError where nobody can approve."""
        action = given or _action(before, after, touched)
        actions = ({given} if given else _actions(before, after, touched)) | self._channel
        moving = self._context.validator(after.module).move_flows(before, after, self._context.related)
        flows = [
            flow
            for flow in self._flows
            if flow.key in moving or flow.key in self._also or self._triggers(flow, actions, before, after, touched)
        ]
        return self._path(action, flows, before, after)

    def _path(
        self, action: GatedAction, flows: Collection[Flow], before: Record | None, after: Record | None
    ) -> ApprovalPath | None:
        steps = tuple(
            found for flow in flows for step in flow.steps for found in self._resolve(flow, step, before, after)
        )
        return ApprovalPath(action, tuple(flows), steps) if steps else None

    def erasure(self, record: Record, keys: Collection[FieldKey]) -> ApprovalPath | None:
        """Return the approval that erasing values needs, or `None`. Raises: PermissionDeniedError."""
        flows = [flow for flow in self._flows if self._triggers(flow, {"erase"}, record, record, keys)]
        return self._path("erase", flows, record, record)

    def export(self, module: ModuleKey, fields: Collection[FieldKey]) -> ApprovalPath | None:
        """Return the approval that writing some columns needs, or `None`. Raises: PermissionDeniedError."""
        flows = [
            flow
            for flow in self._flows
            if (flow.trigger.module, "export" in flow.trigger.actions) == (module, True)
            and (not flow.trigger.fields or set(flow.trigger.fields) & set(fields))
        ]
        return self._path("export", flows, None, None)

    def merger(
        self, before: Record, after: Record, touched: Collection[FieldKey], others: Iterable[Record]
    ) -> ApprovalPath | None:
        """Return the approval that a merger needs, or `None`. Raises: PermissionDeniedError.

        A flow is triggered by the record that stays, or by one that goes. What the merger changes in the one that stays
        passes the flows of that change, and those of the moves of its life cycles, as an edit by hand would.
        """
        going = [(other, attrs.evolve(other, archived_at=after.updated_at), ("archived_at",)) for other in others]
        moving = self._context.validator(after.module).move_flows(before, after, self._context.related)
        flows = [
            flow
            for flow in self._flows
            if flow.key in moving
            or flow.key in self._also
            or self._triggers(flow, {"merge", "update"}, before, after, touched)
            or any(self._triggers(flow, {"merge"}, *change) for change in going)
        ]
        return self._path("merge", flows, before, after)

    def watches_mergers(self, module: ModuleKey) -> bool:
        """Return whether a flow may be triggered by a merger of records of the module."""
        cycles = self._context.module(module).definition.life_cycles
        return bool(cycles) or self._watches(module, {"merge", "update"})

    def _watches(self, module: ModuleKey, actions: Collection[GatedAction]) -> bool:
        return any(flow.trigger.module == module and set(actions) & set(flow.trigger.actions) for flow in self._flows)

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

    def _resolve(self, flow: Flow, step: Step, before: Record | None, after: Record | None) -> Iterator[ResolvedStep]:
        """Yield the step with the people whom it asks, unless it is left out. Raises: PermissionDeniedError."""
        if step.skip_when is not None and after is not None and self._holds(step.skip_when, after):
            return
        context = self._context
        deputy = None if context.deputy is None else context.author
        found = Resolver(context.schema.directory, context.actor, before or after, deputy).step(flow, step)
        if found is not None:
            yield found
        elif step.nobody == "refuse":
            language = self._context.schema.configuration.language
            named: dict[str, Flow | Step] = {"flow": flow, "step": step}
            params = {what: Translated.named(item.label, item.key, language) for what, item in named.items()}
            raise PermissionDeniedError([Problem("no_approver", params=params)])


def _actions(before: Record | None, after: Record, touched: Collection[FieldKey]) -> set[GatedAction]:
    """Return all that a change is: whoever gives a record away in the same step still changes its fields."""
    found: set[GatedAction] = {_action(before, after, touched)}
    if before is not None and set(touched) - {"owner", "department", "archived_at"}:
        found.add("update")
    return found


def _action(before: Record | None, after: Record, touched: Collection[FieldKey]) -> GatedAction:
    if before is None:
        return "create"
    if "owner" in touched:  # also where it is the same, and whoever gives the record away may not know
        return "transfer"
    return "archive" if before.archived_at != after.archived_at else "update"

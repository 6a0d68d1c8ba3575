"""The path that a change has to pass: flows one after the other, and the request that takes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from custinfo.core.approval.exports import ExportScope
from custinfo.core.approval.flows import Flow, GatedAction
from custinfo.core.approval.items import Item
from custinfo.core.approval.machine import Command, decide
from custinfo.core.approval.requests import Proposal, Request, RequestId, ResolvedStep
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import FieldChange, changes_between, held
from custinfo.core.records import CLEAR, FieldKey, ModuleKey, Record, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import stripped

__all__ = ["ApprovalPath", "digest_of", "drafted", "proposed", "submitted", "touching"]

_DIGEST: Final = 16


@attrs.frozen
class ApprovalPath:
    """The flows that a change triggers, one after the other, with the people whom each step asks."""

    action: GatedAction
    flows: tuple[Flow, ...]
    steps: tuple[ResolvedStep, ...]

    def joined(self, others: Iterable[ApprovalPath]) -> ApprovalPath:
        """Return a path that passes the flows of others too, each flow once, after its own."""
        path = self
        for other in others:
            known = {flow.key for flow in path.flows}
            flows = tuple(flow for flow in other.flows if flow.key not in known)
            steps = tuple(step for step in other.steps if step.flow not in known)
            path = ApprovalPath(path.action, (*path.flows, *flows), (*path.steps, *steps))
        return path

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
        draft = drafted(context, self.action, after.module, reason, batch)
        return self._submitted(context, draft.after({"record_id": after.id, "patch": patch, "base": base}))

    def request_for_many(
        self, context: Context, module: ModuleKey, items: tuple[Item, ...], reason: str | None, batch: str | None = None
    ) -> Request:
        """Return one request for many records, as `request` does for one."""
        return self._submitted(context, drafted(context, self.action, module, reason, batch).after({"items": items}))

    def request_for_export(
        self, context: Context, module: ModuleKey, scope: ExportScope, reason: str | None
    ) -> Request:
        """Return the request for an export."""
        return self._submitted(context, drafted(context, self.action, module, reason, None).after({"export": scope}))

    def _submitted(self, context: Context, draft: Request) -> Request:
        proposal = self.proposal(context, draft.module, draft.patch, draft.base, draft.items)
        if draft.export is not None:
            proposal = attrs.evolve(proposal, digest=draft.export.digest)
        return submitted(context, draft, proposal)

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
            items,
        )


def proposed(
    context: Context, before: Record | None, after: Record, written: Iterable[FieldKey]
) -> tuple[FrozenDict[FieldKey, Any], FrozenDict[FieldKey, Any]]:
    """Return what a change does to fields that people write, and the values that they had."""
    own = None if before is None else stripped(context, before)
    changes = touching(own, stripped(context, after), written)
    patch = FrozenDict({item.field: CLEAR if item.new is None else item.new for item in changes})
    return patch, FrozenDict({item.field: item.old for item in changes})


def drafted(
    context: Context, action: GatedAction, module: ModuleKey, reason: str | None, batch: str | None = None
) -> Request:
    """Return a request of the actor that is not submitted, and changes nothing yet; it takes an id."""
    nothing: FrozenDict[FieldKey, Any] = FrozenDict()
    return Request(
        id=RequestId(context.ids()),
        module=module,
        record_id=RecordId(""),
        action=action,
        patch=nothing,
        base=nothing,
        flows=(),
        steps=(),
        tasks=(),
        submitted_by=context.actor,
        submitted_at=context.now(),
        state="draft",
        version=0,
        reason=reason,
        batch=batch,
    )


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


def touching(before: Record | None, after: Record, written: Iterable[FieldKey]) -> list[FieldChange]:
    """Return what a change touches: what differs, and what is written though nobody may say that it does not.

    With the owner goes the department, which is stamped anew. The order is that of the keys: another one would say
    which are which.
    """
    changes = [item for item in changes_between(before, after) if item.field != "created_by"]
    if before is not None:
        known = {item.field for item in changes}
        wanted = {*written, *known}
        same = (wanted | {"department"} if "owner" in wanted else wanted) - known
        changes += [FieldChange(key, held(before, key), held(before, key)) for key in same]
    return sorted(changes, key=lambda item: item.field)

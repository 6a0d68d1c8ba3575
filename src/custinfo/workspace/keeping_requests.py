"""Saving requests, with the events that tell of what happened to them: in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import attrs

from custinfo.core.approval.machine import Command, Event, decide
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import Record
from custinfo.core.store_errors import stale_version
from custinfo.ports.history import Rewriting
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.context import Context

__all__ = ["carry_out", "held_requests", "hold_as_read", "keep"]

_KINDS: Final[FrozenDict[Event, str]] = FrozenDict(
    {
        "submitted": "approval.submitted",
        "resubmitted": "approval.submitted",
        "rebased": "approval.submitted",
        "task_decided": "approval.decided",
        "approved": "approval.approved",
        "rejected": "approval.rejected",
        "returned": "approval.returned",
        "withdrawn": "approval.withdrawn",
        "reminded": "approval.reminded",
        "escalated": "approval.escalated",
        "expired": "approval.expired",
        "applied": "approval.applied",
        "conflict_found": "approval.needs_rebase",
    }
)
"""What the machine says → the type of the event."""


def held_requests(unit: UnitOfWork, request_ids: Collection[RequestId]) -> Mapping[RequestId, Request]:
    """Return requests that are about to change, as they are by now: until the transaction ends they stay so for others.

    Erasing and rotating write requests anew at the same version: who saves what they read before would write values,
    data keys and digests back that are gone since. A store that does neither is read without holding anything.
    """
    rewriting: Rewriting | None = getattr(unit, "rewriting", None)
    return unit.approvals.get(request_ids) if rewriting is None else rewriting.held_requests(request_ids)


def hold_as_read(context: Context, records: Iterable[Record]) -> None:
    """Hold the history of records of which a request is about to keep values, and refuse that if they changed since.

    An erasure writes the history anew: it waits, and then finds the request, or it was faster. A store that does not
    erase holds nothing. Raises: StaleVersionError.
    """
    rewriting: Rewriting | None = getattr(context.unit, "rewriting", None)
    read = {record.id: record.version for record in records}
    if rewriting is None or not read:
        return
    for record_id, changes in rewriting.held_changes(read).items():
        if changes[-1].version != read[record_id]:
            raise stale_version(read[record_id], changes[-1].version)


def carry_out(context: Context, request: Request, command: Command) -> tuple[Request, tuple[Event, ...]]:
    """Return the request after a command of the session's actor, or of the deputy who acts for them; saves nothing."""
    if context.on_behalf_of is not None:
        command = attrs.evolve(command, holder=command.holder or context.actor)
    try:
        return decide(request, command, actor=context.author, now=context.now(), calendar=context.calendar)
    except IllegalTransitionError as error:
        raise type(error)(map(context.module(request.module).with_names, error.problems)) from None


def keep(context: Context, before: Request | None, after: Request, events: Sequence[Event]) -> None:
    """Save a request, and announce what happened, unless its flows and its module want no events.

    One that was there `before` is held (`held_requests`).

    Keys of events name the request and its version, so that none is told twice. Raises: ConflictError.
    """
    context.unit.approvals.save(after)
    if not _is_announced(context, after):
        return
    key = f"request/{after.id}/{after.version}"
    payload = {
        "request_id": after.id,
        "module": after.module,
        "record_id": after.record_id or None,
        "version": after.version,
        "state": after.state,
        "flows": [flow for flow, _ in after.flows],
        "actor": after.trail[-1].actor if after.trail else after.submitted_by,
    }
    for event in events:
        if event in _KINDS:
            context.announce(_KINDS[event], f"{key}/{event}", **payload)
    known = () if before is None else before.waiting_for()
    for member in after.waiting_for():
        if member not in known:
            step = after.steps[after.position].key
            context.announce("approval.task_opened", f"{key}/task/{member}", **payload, member=member, step=step)


def _is_announced(context: Context, request: Request) -> bool:
    flows = context.schema.configuration.flows
    wanted = (key not in flows or flows[key].announced for key, _ in request.flows)
    return context.module(request.module).definition.announced or any(wanted)

"""Changing many records at once: what needs no approval happens, and what does is one request for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from custinfo.core.approval.requests import Item, RequestId
from custinfo.core.problems import Problem
from custinfo.core.records import RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.gating import ApprovalPath, proposed
from custinfo.workspace.keeping_requests import keep
from custinfo.workspace.writing import WritePath

__all__ = ["BulkOutcome", "Refused", "write_many"]


@attrs.frozen
class Refused:
    """A record that stays as it is, and why."""

    record_id: RecordId
    problems: tuple[Problem, ...]


@attrs.frozen
class BulkOutcome:
    """What a change of many records came to.

    Args:
        applied: The records that changed.
        requests: The requests for those that wait: one for all that pass the same steps with the same people.
        refused: The records for which it is not possible; the others go on.
    """

    applied: tuple[RecordId, ...]
    requests: tuple[RequestId, ...]
    refused: tuple[Refused, ...]


def write_many(context: Context, drafts: Sequence[Draft]) -> BulkOutcome:
    """Carry out drafts on existing records; what stops one does not stop the others. Raises: ConflictError."""
    path = WritePath(context)
    prepared = path.prepare(drafts)
    refused = tuple(
        Refused(RecordId(item.draft.record_id or ""), tuple(item.error.problems)) for item in prepared if item.error
    )
    going = [item for item in prepared if item.going and item.changed]
    waiting: dict[ApprovalPath, list[Prepared]] = {}
    for item in going:
        if item.path is not None:
            waiting.setdefault(item.path, []).append(item)
    with context.unit.atomic():
        direct = [item for item in going if item.path is None]
        path.commit(direct)
        requests = tuple(_submit(context, path, way, items) for way, items in waiting.items())
    return BulkOutcome(tuple(RecordId(item.draft.record_id or "") for item in direct), requests, refused)


def _submit(context: Context, path: WritePath, way: ApprovalPath, prepared: Sequence[Prepared]) -> RequestId:
    """Save one request for the records that pass the same steps."""
    context.hold_configuration()
    now = context.now()
    items = []
    for item in prepared:
        if item.after is not None:
            after = path.finished(item.after, now)
            items.append(Item(after.id, *proposed(context, item.before, after, item.patch)))
    request = way.request_for_many(context, prepared[0].draft.module, tuple(items), prepared[0].draft.reason)
    keep(context, None, request, ("submitted",))
    return request.id

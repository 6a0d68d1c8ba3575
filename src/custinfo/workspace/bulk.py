"""Changing many records at once: what needs no approval happens, and what does is one request for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from custinfo.core.approval.requests import RequestId
from custinfo.core.history.changes import Channel
from custinfo.core.problems import Problem
from custinfo.core.records import RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft
from custinfo.workspace.joint_requests import Waiting, submit_together, together
from custinfo.workspace.writing import WritePath

__all__ = ["BulkOutcome", "Refused", "write_many"]


@attrs.frozen
class Refused:
    """A record that stays as it is: `record_id` names it, and `problems` say why."""

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


def write_many(context: Context, drafts: Sequence[Draft], channel: Channel = "edit") -> BulkOutcome:
    """Carry out drafts on existing records; what stops one does not stop the others. Raises: ConflictError."""
    path = WritePath(context, channel)
    prepared = path.prepare(drafts)
    refused = tuple(
        Refused(RecordId(item.draft.record_id or ""), tuple(item.error.problems)) for item in prepared if item.error
    )
    now = context.now()
    going = [item for item in prepared if item.going and item.changed]
    waiting = [
        Waiting(item, path.finished(item.after, now), item.path)
        for item in going
        if item.path is not None and item.after is not None
    ]
    with context.atomic():
        direct = [item for item in going if item.path is None]
        path.commit(direct)
        requests = tuple(submit_together(context, group).id for group in together(waiting))
    return BulkOutcome(tuple(RecordId(item.draft.record_id or "") for item in direct), requests, refused)

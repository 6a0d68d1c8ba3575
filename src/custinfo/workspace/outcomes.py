"""What a change came to, as its author is told."""

from __future__ import annotations

from custinfo.core.approval.requests import Request
from custinfo.core.records import ModuleKey, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Prepared
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.viewing_requests import RequestViews
from custinfo.workspace.views import Applied, AwaitingApproval, Outcome

__all__ = ["applied", "outcome", "waiting"]


def outcome(context: Context, prepared: Prepared) -> Outcome:
    """Return what was made of a draft in which nothing was wrong."""
    request = prepared.request
    if request is not None:
        return waiting(context, request) or applied(context, request.module, request.record_id)
    record = prepared.after if prepared.changed else prepared.before
    if record is None:
        raise RuntimeError("a draft without error gives a record")
    return Applied(ReadPath(context).view(record))


def waiting(context: Context, request: Request | None) -> AwaitingApproval | None:
    """Return that a change waits for a request; `None` where there is none, or it is applied already."""
    if request is None or request.state == "applied":
        return None
    return AwaitingApproval(RequestViews(context).view(request))


def applied(context: Context, module: ModuleKey, record_id: RecordId) -> Applied:
    """Return that a change was made by a request, with the record as it is by now."""
    reading = ReadPath(context)
    return Applied(reading.view(reading.record(module, record_id)[0]))

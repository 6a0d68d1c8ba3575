"""Exports that wait for approval: asked for once, and run as they were approved (APR-1)."""

from __future__ import annotations

import json
from datetime import timedelta

import attrs

from custinfo.core.approval.exports import ExportScope
from custinfo.core.approval.requests import Request, RequestState
from custinfo.core.criteria.as_json import criterion_to_json
from custinfo.core.criteria.nodes import Criterion, SealedAs
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.workspace.applying import Applying
from custinfo.workspace.approval_paths import ApprovalPath
from custinfo.workspace.context import Context
from custinfo.workspace.finding_requests import RequestFilter, RequestFinder
from custinfo.workspace.gating import Gate
from custinfo.workspace.keeping_requests import keep
from custinfo.workspace.mistakes import storable
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.viewing_requests import RequestViews
from custinfo.workspace.views import AwaitingApproval

__all__ = ["GatedExport"]

_STATES: tuple[RequestState, ...] = ("pending", "returned", "applied")


@attrs.frozen
class GatedExport:
    """One export of one session's actor, at the gate.

    Args:
        context: The session's.
        module: Key of the module.
        criterion: Which records.
        fields: The columns, in order.
        order_by: Field names, `-` before one for descending.
    """

    context: Context
    module: ModuleKey
    criterion: Criterion
    fields: tuple[FieldKey, ...]
    order_by: tuple[str, ...]

    def admitted(self, reason: str | None) -> Request | AwaitingApproval | None:
        """Return the request under which the export may be run, what it waits for, or `None` if no flow asks.

        The same export asked for again waits for the same request, and needs another one once its time is up.

        Raises: as the export itself; InvalidInputError (`export_asks_encrypted`) for a criterion on encrypted values:
            the request would hold them in the open.
        """
        storable("reason", reason)
        path = Gate(self.context).export(self.module, self.fields)
        if path is None:
            return None
        self._refuse_what_is_not_allowed()
        request = self._known(path) or self._submitted(path, reason)
        if request.state == "applied":
            return request
        return AwaitingApproval(RequestViews(self.context).view(request))

    def _refuse_what_is_not_allowed(self) -> None:
        """Ask for the records as the export will: what is refused then is refused now."""
        next(ReadPath(self.context).stream(self.module, self.criterion, self.order_by, action="export", size=1), None)
        bound = self.context.bind_search(self.criterion, self.module)
        sealed = [leaf for leaf in leaves(bound) if isinstance(leaf, SealedAs)]
        if sealed:
            raise InvalidInputError([Problem("export_asks_encrypted", path_of(leaf)[-1]) for leaf in sealed])

    def _scope(self, path: ApprovalPath) -> ExportScope:
        text = json.dumps(criterion_to_json(self.criterion), ensure_ascii=False, sort_keys=True)
        return ExportScope(text, self.fields, self.order_by, min(flow.export_hours for flow in path.flows))

    def _known(self, path: ApprovalPath) -> Request | None:
        """Return the actor's request for this very export that waits, or under which it may still be run."""
        scope, needed = self._scope(path), {flow.key for flow in path.flows}
        finder = RequestFinder(self.context)
        for state in _STATES:
            for request in finder.each("submitted", RequestFilter(self.module, min(needed), state)):
                passed = {key for key, _ in request.flows}
                if request.export == scope and needed <= passed and self._is_open(request):
                    return request
        return None

    def _is_open(self, request: Request) -> bool:
        if request.state != "applied" or request.export is None:
            return True
        return self.context.now() < request.trail[-1].at + timedelta(hours=request.export.hours)

    def _submitted(self, path: ApprovalPath, reason: str | None) -> Request:
        context = self.context
        with context.atomic():
            context.hold_configuration()
            request = path.request_for_export(context, self.module, self._scope(path), reason)
            keep(context, None, request, ("submitted",))
            return Applying(context).run(request) if request.state == "approved" else request

"""Submitting requests: drafts, and what was returned or met a conflict, sent again with other values."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from custinfo.core.approval.machine import Command
from custinfo.core.approval.requests import Request
from custinfo.core.records import ModuleKey
from custinfo.workspace.context import Context
from custinfo.workspace.deciding import Decisions
from custinfo.workspace.mistakes import record_key
from custinfo.workspace.outcomes import applied, outcome
from custinfo.workspace.proposing import Proposals
from custinfo.workspace.views import AwaitingApproval, Outcome, RequestView

__all__ = ["Submissions"]


@attrs.frozen
class Submissions:
    """Submit requests for one session; `Approvals` says what each verb does and raises."""

    context: Context
    decisions: Decisions

    def draft(
        self, module: ModuleKey, values: Mapping[str, object], record_id: str | None, reason: str | None
    ) -> Request:
        """Keep a change that is not submitted yet, and return it."""
        key = None if record_id is None else record_key(record_id)
        request = Proposals(self.context).drafted(module, key, values, reason)
        with self.context.atomic():
            self.context.hold_configuration()
            self.context.unit.approvals.save(request)
        return request

    def submit(self, request_id: str, values: Mapping[str, object], comment: str | None) -> Outcome:
        """Submit a draft through the write path; where no flow gates it, the change is made and the draft withdrawn."""
        context, decide = self.context, self.decisions.decide
        request = self.decisions.held(request_id)
        if request.state != "draft":
            return AwaitingApproval(decide(request, Command("submit", comment)))
        path, prepared = Proposals(context).prepared(request, values)
        if prepared.path is not None:
            proposal = Proposals(context).proposal(request, values)
            view = decide(request, Command("submit", comment, proposal=proposal))
            done = view.state == "applied"
            return applied(context, view.module, view.record_id) if done else AwaitingApproval(view)
        with context.atomic():
            decide(request, Command("withdraw", comment))
            path.commit([prepared])
        return outcome(context, prepared)

    def resubmit(
        self, request_id: str, values: Mapping[str, object], comment: str | None, version: int | None
    ) -> RequestView:
        """Send a returned request again; where the values change nothing, it counts as unchanged."""
        request = self.decisions.held(request_id)
        changed = bool(values) and request.state == "returned"
        proposal = Proposals(self.context).proposal(request, values) if changed else None
        if proposal is not None and (proposal.patch, proposal.base) == (request.patch, request.base):
            proposal = None
        return self.decisions.decide(request, Command("resubmit", comment, version, proposal=proposal))

    def rebase(
        self, request_id: str, values: Mapping[str, object], comment: str | None, version: int | None
    ) -> RequestView:
        """Propose again what met a conflict."""
        request = self.decisions.held(request_id)
        stopped = request.state == "needs_rebase"
        proposal = Proposals(self.context).proposal(request, values) if stopped else None
        return self.decisions.decide(request, Command("rebase", comment, version, proposal=proposal))

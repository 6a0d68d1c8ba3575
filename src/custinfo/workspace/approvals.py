"""The verbs on approval requests: the inbox, submitting, deciding, handing on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from custinfo.core.approval.machine import Command
from custinfo.core.approval.requests import Place, Request, RequestState
from custinfo.core.diagrams import to_mermaid, to_svg
from custinfo.core.records import ModuleKey
from custinfo.workspace.context import Context
from custinfo.workspace.deciding import Decisions
from custinfo.workspace.finding_requests import RequestFilter, RequestFinder, RequestPart
from custinfo.workspace.mistakes import checked_limit
from custinfo.workspace.proposing import Proposals
from custinfo.workspace.reading import not_found
from custinfo.workspace.submitting import Submissions
from custinfo.workspace.viewing_requests import RequestViews
from custinfo.workspace.views import InboxTask, Outcome, RequestPage, RequestView

__all__ = ["Approvals"]


class Approvals:
    """Give one session's actor their requests and decisions: `Session.approvals`.

    Every command takes `request_id`, a `comment` for the trail, and `version`: that of the request that the actor read;
    a command on an older reading is refused, and without it the request counts as it is. Said again, a command changes
    nothing. A request that the actor has no part in, and whose record they may not view, does not exist for them
    (`NotFoundError`); what the request's state does not accept is refused (`IllegalTransitionError`), also as
    `NotYourDecisionError` where it is somebody else's.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._views = RequestViews(context)
        self._decisions = Decisions(context, self._views)
        self._submissions = Submissions(context, self._decisions)

    def __repr__(self) -> str:
        return f"Approvals(actor={self._context.actor!r})"

    # --- reading

    def inbox(self) -> tuple[InboxTask, ...]:
        """Return the decisions that wait for the actor, oldest first."""
        return tuple(self._views.tasks(self._context.unit.approvals.waiting_for(self._context.actor)))

    def submitted(self) -> tuple[RequestView, ...]:
        """Return the actor's own requests, newest first."""
        return tuple(self._views.views(self._context.unit.approvals.submitted_by(self._context.actor)))

    def find(
        self,
        part: RequestPart = "to_decide",
        *,
        module: ModuleKey | None = None,
        flow: str | None = None,
        state: RequestState | None = None,
        record_id: str | None = None,
        limit: int | None = 50,
        after: str | None = None,
    ) -> RequestPage:
        """Return a page of the actor's requests.

        Args:
            part: `to_decide` (oldest first), `submitted`, `decided` by the actor, or `stuck`: open requests that do not
                move, of the actor's own and of modules that they may configure; each says why in `stuck`.
            module: Requests about records of this module.
            flow: Requests that take this flow.
            state: Requests in this state.
            record_id: Requests about this record.
            limit: At most so many, from 1; `None` for all at once.
            after: `RequestPage.next` of the page before.

        Raises: ValueError for a limit below 1, and a part or state that there is not; InvalidInputError for an unknown
            module; NotFoundError where nothing is found of a flow that the configuration has not; InvalidCursorError
            for an `after` that is none.
        """
        most = None if limit is None else checked_limit(limit)
        wanted = RequestFilter(module, flow, state, record_id)
        found, position = RequestFinder(self._context).page(part, wanted, most, after)
        return RequestPage(tuple(self._views.views(found)), position)

    def count(
        self,
        part: RequestPart = "to_decide",
        *,
        module: ModuleKey | None = None,
        flow: str | None = None,
        state: RequestState | None = None,
        record_id: str | None = None,
    ) -> int:
        """Return how many requests `find` gives on all pages together; the arguments are its own. Raises: as `find`."""
        return RequestFinder(self._context).count(part, RequestFilter(module, flow, state, record_id))

    def get(self, request_id: str) -> RequestView:
        """Return a request that the actor submitted, decides or decided, or whose record the actor sees.

        Raises: NotFoundError for any other.
        """
        return self._views.view(self._decisions.known(request_id))

    def view(self, request: Request) -> RequestView:
        """Return what the actor may see of a request: values obey the policy on its record."""
        return self._views.view(request)

    def diagram(
        self, request_id: str, *, form: Literal["mermaid", "svg"] = "mermaid", language: Literal["zh", "en"] = "zh"
    ) -> str:
        """Return how far a request is as a diagram: who decided, for whom it waits, what is to come.

        Args:
            request_id: The request.
            form: `mermaid` text, or an `svg` document, for which no program is needed.
            language: Of the words in it.

        Raises: NotFoundError.
        """
        picture = self._views.picture(self._decisions.known(request_id), language)
        return to_svg(picture) if form == "svg" else to_mermaid(picture)

    def flow_diagram(
        self, flow: str, *, form: Literal["mermaid", "svg"] = "mermaid", language: Literal["zh", "en"] = "zh"
    ) -> str:
        """Return a flow of the configuration as a diagram; arguments as those of `diagram`.

        Raises: NotFoundError for an unknown one.
        """
        known = self._context.schema.configuration.flows.get(flow)
        if known is None:
            raise not_found("flow")
        picture = self._views.flow_picture(known, language)
        return to_svg(picture) if form == "svg" else to_mermaid(picture)

    # --- submitting

    def draft(
        self,
        module: ModuleKey,
        values: Mapping[str, object],
        *,
        record_id: str | None = None,
        reason: str | None = None,
    ) -> RequestView:
        """Keep a change that is not submitted yet: of a record, or of a new one without `record_id`.

        A draft reserves nothing and is seen by its author. Each value must be one of its field; what is missing, or
        goes against a rule, is said when it is submitted.

        Args:
            module: Key of the module.
            values: Field name → raw value.
            record_id: The record to change; a new one if `None`.
            reason: Why, for those who approve it.

        Raises: NotFoundError, InvalidInputError, PermissionDeniedError.
        """
        return self._views.view(self._submissions.draft(module, values, record_id, reason))

    def submit(
        self, request_id: str, values: Mapping[str, object] | None = None, *, comment: str | None = None
    ) -> Outcome:
        """Submit a draft, with some values changed or added: through the write path, like any change.

        Returns: `AwaitingApproval`, or `Applied` where no flow gates it; the draft is then withdrawn.
        Raises: as the change itself; IllegalTransitionError if it is no draft of the actor.
        """
        return self._submissions.submit(request_id, values or {}, comment)

    def resubmit(
        self,
        request_id: str,
        values: Mapping[str, object] | None = None,
        comment: str | None = None,
        *,
        version: int | None = None,
    ) -> RequestView:
        """Send a request that was returned again, with some values changed or added.

        Unchanged, it passes all steps again, or goes on where it was returned if the flow says so. Changed, it passes
        the write path, and all steps of the flows that it triggers now.

        Raises: as the class says; as the change itself where values are given.
        """
        return self._submissions.resubmit(request_id, values or {}, comment, version)

    def rebase(
        self,
        request_id: str,
        values: Mapping[str, object] | None = None,
        comment: str | None = None,
        *,
        version: int | None = None,
    ) -> RequestView:
        """Propose again what met a conflict, on the record as it is now: the view has `base`, `live` and `proposed`.

        Raises: as the class says; as the change itself.
        """
        return self._submissions.rebase(request_id, values or {}, comment, version)

    def withdraw(self, request_id: str, comment: str | None = None, *, version: int | None = None) -> RequestView:
        """Take back one's own request (撤回) while it is open, or drop one's draft. Raises: as the class says."""
        return self._decisions.carry_out(request_id, Command("withdraw", comment, version))

    # --- deciding

    def approve(
        self,
        request_id: str,
        comment: str | None = None,
        *,
        version: int | None = None,
        amend: Mapping[str, object] | None = None,
    ) -> RequestView:
        """Approve the open task of the actor; with the last one the change is applied, all or nothing.

        If the same fields changed meanwhile, the request becomes `needs_rebase` and nothing is overwritten.
        From somebody who was asked for an opinion it is that: the task goes back.

        Args:
            request_id: The request.
            comment: What the trail keeps.
            version: The request's version that the actor read; a decision on an older reading is refused.
            amend: Values to change, in fields that the step lets its approvers amend and that the actor may edit.

        Raises: as the class says; InvalidInputError if the record would break a rule: the request stays as it was.
        """
        request = self._decisions.held(request_id)
        proposal = Proposals(self._context).amended(request, amend) if amend else None
        return self._decisions.decide(request, Command("approve", comment, version, proposal=proposal))

    def reject(self, request_id: str, comment: str | None = None, *, version: int | None = None) -> RequestView:
        """Reject: the request ends, is returned, or has a vote against it, as the step says. Raises: as `approve`."""
        return self._decisions.carry_out(request_id, Command("reject", comment, version))

    def send_back(
        self, request_id: str, comment: str | None = None, *, step: str | None = None, version: int | None = None
    ) -> RequestView:
        """Return a request (退回) to its submitter, or to an earlier step by its key. Raises: as the class says."""
        request = self._decisions.held(request_id)
        number = None
        if step is not None:
            keys = [item.key for item in request.steps]
            number = keys.index(step) if step in keys else len(keys)
        return self._decisions.decide(request, Command("return", comment, version, step=number))

    def take_back(self, request_id: str, comment: str | None = None, *, version: int | None = None) -> RequestView:
        """Undo one's own decision while nobody acted on it, or call back a task that is with a delegate.

        Raises: as the class says.
        """
        return self._decisions.carry_out(request_id, Command("take_back", comment, version))

    # --- handing on

    def transfer(
        self,
        request_id: str,
        to: str,
        comment: str | None = None,
        *,
        holder: str | None = None,
        version: int | None = None,
    ) -> RequestView:
        """Give one's open task to somebody else for good (转交).

        Args:
            request_id: The request.
            to: A member by key, name, `name(department)` or employee number.
            comment: What the trail keeps.
            holder: Whose task it is, where an administrator hands it on.
            version: As the class says.

        Raises: as the class says; InvalidInputError for nobody known; PermissionDeniedError.
        """
        return self._decisions.hand_on("transfer", request_id, to, comment, holder, version)

    def delegate(
        self, request_id: str, to: str, comment: str | None = None, *, version: int | None = None
    ) -> RequestView:
        """Ask `to`, named as in `transfer`, for their opinion on one's task (委派), which then comes back.

        Raises: as `transfer`.
        """
        return self._decisions.hand_on("delegate", request_id, to, comment, None, version)

    def add_signer(
        self,
        request_id: str,
        to: str | Sequence[str],
        comment: str | None = None,
        *,
        place: Place = "parallel",
        version: int | None = None,
    ) -> RequestView:
        """Let others sign too (加签): by `place` `before` one's own decision, `after` it, or `parallel` to it.

        Their approval is needed whatever the step's mode. Raises: as `transfer`.
        """
        members = self._decisions.members(to)
        return self._decisions.carry_out(request_id, Command("add_signer", comment, version, members, place))

    def remind(self, request_id: str, comment: str | None = None, *, version: int | None = None) -> RequestView:
        """Remind those who are asked (催办); again within the hour changes nothing. Raises: as the class says."""
        return self._decisions.carry_out(request_id, Command("remind", comment, version))

    # --- administrators

    def rescue(
        self, request_id: str, to: str | Sequence[str], comment: str | None = None, *, version: int | None = None
    ) -> RequestView:
        """Let others decide in place of a step that is stuck: for who may configure the module.

        `to` is one or several, each named as in `transfer`. Raises: as `transfer`; PermissionDeniedError for anybody
        else.
        """
        request = self._decisions.administered(request_id)
        members = self._decisions.members(to)
        return self._decisions.decide(request, Command("rescue", comment, version, members))

    def cancel(self, request_id: str, comment: str | None = None, *, version: int | None = None) -> RequestView:
        """End an open request: for who may configure the module. Raises: as `rescue`."""
        return self._decisions.decide(self._decisions.administered(request_id), Command("cancel", comment, version))

    def apply(self, request_id: str) -> RequestView:
        """Apply a request that is approved and was not applied; where it is applied already, nothing happens.

        Raises: as `approve`.
        """
        return self._decisions.apply(request_id)

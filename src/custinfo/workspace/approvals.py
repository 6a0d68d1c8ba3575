"""Deciding about requests: the inbox, the commands, and applying what was approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from custinfo.core.approval.machine import Command, decide
from custinfo.core.approval.requests import OPEN_STATES, Request, RequestId
from custinfo.core.errors import InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import fold
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Record, RecordId
from custinfo.core.text import CONTROL
from custinfo.workspace.applying import Applying
from custinfo.workspace.context import Context
from custinfo.workspace.past import both
from custinfo.workspace.reading import ReadPath, not_found
from custinfo.workspace.views import InboxTask, RequestView

__all__ = ["Approvals"]

_SYSTEM: Final = frozenset({"owner", "department", "archived_at", "tags"})


class Approvals:
    """Give one session's actor their requests and decisions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reading = ReadPath(context)

    def inbox(self) -> tuple[InboxTask, ...]:
        """Return the decisions that wait for the actor, oldest first."""
        tasks = []
        for request in self._context.unit.approvals.waiting_for(self._context.actor):
            step = request.steps[request.position]
            view = self._view(request)
            tasks.append(InboxTask(request.id, request.record_id, request.module, step.key, view))
        return tuple(tasks)

    def submitted(self) -> tuple[RequestView, ...]:
        """Return the actor's own requests, newest first."""
        return tuple(map(self._view, self._context.unit.approvals.submitted_by(self._context.actor)))

    def get(self, request_id: str) -> RequestView:
        """Return a request that the actor submitted, decides or decided, or whose record the actor sees.

        Raises: NotFoundError for any other.
        """
        return self._view(self._known(request_id))

    def approve(self, request_id: str, comment: str | None = None, *, version: int | None = None) -> RequestView:
        """Approve the open task of the actor; with the last one the change is applied, all or nothing.

        If the same fields changed meanwhile, the request becomes `needs_rebase` and nothing is overwritten.
        Saying it again changes nothing.

        Args:
            request_id: The request.
            comment: What the trail keeps.
            version: The request's version that the actor read; a decision on an older reading is refused.

        Raises: NotFoundError; IllegalTransitionError without an open task, or for one's own change;
            InvalidInputError if the record would break a rule: the request stays as it was.
        """
        return self._carry_out(request_id, Command("approve", comment, version))

    def reject(self, request_id: str, comment: str | None = None, *, version: int | None = None) -> RequestView:
        """Reject the request: it ends, and the record stays as it is. Raises: as `approve`."""
        return self._carry_out(request_id, Command("reject", comment, version))

    def withdraw(self, request_id: str, comment: str | None = None, *, version: int | None = None) -> RequestView:
        """Take back one's own request while it is open. Raises: NotFoundError; IllegalTransitionError."""
        return self._carry_out(request_id, Command("withdraw", comment, version))

    # --- commands

    def _known(self, request_id: str) -> Request:
        key = RequestId(str(request_id))
        request = self._context.unit.approvals.get([key]).get(key)
        if request is None or not self._may_know(request):
            raise not_found("request")
        return request

    def _may_know(self, request: Request) -> bool:
        involved = {request.submitted_by, *(task.approver for task in request.tasks)}
        if self._context.actor in involved:
            return True
        return "view" in self._verdict(request)[1].actions

    def _carry_out(self, request_id: str, command: Command) -> RequestView:
        request = self._known(request_id)
        if command.comment is not None and CONTROL.search(command.comment):
            raise InvalidInputError([Problem("control_character", "comment")])
        command = attrs.evolve(command, holder=command.holder or self._context.on_behalf_of)
        decided, events = decide(request, command, actor=self._context.author, now=self._context.now())
        if events:
            with self._context.unit.atomic():
                self._context.hold_configuration()
                self._context.unit.approvals.save(decided)
                if decided.state == "approved":
                    decided = Applying(self._context).run(decided)
        return self._view(decided)

    # --- views

    def _verdict(self, request: Request) -> tuple[Record | None, Verdict]:
        record = self._context.unit.records.get(request.module, [request.record_id]).get(request.record_id)
        return record, NO_ACCESS if record is None else self._context.verdict(record)

    def view(self, request: Request) -> RequestView:
        """Return what the actor may see of a request: values obey the policy on its record."""
        return self._view(request)

    def _view(self, request: Request) -> RequestView:
        record, verdict = self._verdict(request)
        if record is not None and request.state not in OPEN_STATES:
            changes = self._context.unit.history.of_record(request.module, request.record_id)
            past = fold(changes, until=request.submitted_at)
            if past is not None:
                verdict = both(verdict, self._context.verdict(past))
        shown = record or _stand_in(request)
        return RequestView(
            request.id,
            request.module,
            request.record_id,
            request.state,
            request.version,
            tuple(key for key, _ in request.flows),
            request.submitted_by,
            request.submitted_at,
            tuple(request.patch),
            self._visible(shown, request.base, verdict),
            self._visible(shown, request.patch, verdict),
            tuple(task.approver for task in request.open_tasks()),
            request.reason,
            request.trail,
        )

    def _visible(self, record: Record, values: Mapping[FieldKey, Any], verdict: Verdict) -> FrozenDict[FieldKey, Any]:
        return FrozenDict(
            {
                key: value if value is CLEAR else self._reading.reveal(record, key, value, verdict)
                for key, value in values.items()
                if verdict.field(key) != "hidden"
            }
        )


def _stand_in(request: Request) -> Record:
    """Return an empty record for a request whose record is not there (yet, or any more)."""
    return Record(
        RecordId(request.record_id),
        request.module,
        FrozenDict(),
        frozenset(),
        None,
        None,
        0,
        request.submitted_at,
        request.submitted_at,
    )

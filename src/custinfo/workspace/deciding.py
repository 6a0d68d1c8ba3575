"""Carrying out commands on requests: whose they are, who is meant, what is saved, and applying what was approved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

from custinfo.core.approval.machine import Command
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey
from custinfo.workspace.applying import Applying
from custinfo.workspace.context import Context
from custinfo.workspace.keeping_requests import carry_out, held_requests, keep
from custinfo.workspace.mistakes import storable, text_id
from custinfo.workspace.reading import not_found
from custinfo.workspace.viewing_requests import RequestViews
from custinfo.workspace.views import RequestView

__all__ = ["Decisions"]


@attrs.frozen
class Decisions:
    """Decide about requests for one session; `Approvals` says what each command does and raises."""

    context: Context
    views: RequestViews

    # --- which request

    def known(self, request_id: str) -> Request:
        """Return a request to be looked at. Raises: NotFoundError for one that the actor may not know of."""
        key = RequestId(text_id(request_id))
        return self._allowed(self.context.unit.approvals.get([key]).get(key))

    def held(self, request_id: str) -> Request:
        """Return a request that is to be changed, as it is by now. Raises: as `known`."""
        key = RequestId(text_id(request_id))
        return self._allowed(held_requests(self.context.unit, [key]).get(key))

    def administered(self, request_id: str) -> Request:
        """Return a request that is to be changed by who may configure its module. Raises: PermissionDeniedError."""
        request = self.held(request_id)
        if not self.views.administers(request):
            raise self.context.denied("configure", request.module)
        return request

    def _allowed(self, request: Request | None) -> Request:
        if request is None or not self.views.may_know(request):
            raise not_found("request")
        if request.state == "draft" and request.submitted_by != self.context.actor:
            raise not_found("request")
        return request

    # --- who is meant

    def members(self, texts: str | Sequence[str]) -> tuple[MemberKey, ...]:
        """Return the active members that one text or several name. Raises: InvalidInputError for anybody else."""
        return tuple(map(self._member, [texts] if isinstance(texts, str) else texts))

    def _member(self, text: str) -> MemberKey:
        directory = self.context.schema.directory
        found = directory.find_member(text)
        if not isinstance(found, str):
            raise InvalidInputError([Problem("ambiguous_member" if found else "unknown_member")])
        member = directory.member(found)
        if member is None or not member.active:
            raise InvalidInputError([Problem("inactive_member")])
        return found

    # --- what is done

    def carry_out(self, request_id: str, command: Command) -> RequestView:
        """Carry out a command on the request as it is by now."""
        return self.decide(self.held(request_id), command)

    def decide(self, request: Request, command: Command) -> RequestView:
        """Carry out a command on a request that is held; with the last decision its change is applied."""
        context = self.context
        storable("comment", command.comment)
        decided, events = carry_out(context, request, command)
        if events:
            with context.atomic():
                context.hold_configuration()
                keep(context, request, decided, events)
                if decided.state == "approved":
                    decided = Applying(context).run(decided)
        return self.views.view(decided)

    def hand_on(
        self,
        name: Literal["transfer", "delegate"],
        request_id: str,
        to: str,
        comment: str | None,
        holder: str | None,
        version: int | None,
    ) -> RequestView:
        """Give the task of the actor, or that of its `holder`, to somebody else."""
        request = self.held(request_id) if holder is None else self.administered(request_id)
        return self.decide(request, Command(name, comment, version, self.members([to]), holder=holder))

    def apply(self, request_id: str) -> RequestView:
        """Apply a request that is approved and was not applied."""
        request = self.held(request_id)
        if request.state == "approved":
            with self.context.atomic():
                self.context.hold_configuration()
                request = Applying(self.context).run(request)
        return self.views.view(request)

"""The actor's requests page by page: to decide, submitted, decided by them, and stuck (APR-7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Final, Literal

import attrs

from custinfo.core.approval.requests import Request, RequestId, RequestState
from custinfo.core.errors import InvalidCursorError
from custinfo.core.offers import offered
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey
from custinfo.core.stored import instant_from_text, instant_to_text
from custinfo.ports import scanning
from custinfo.ports.repositories import ApprovalQueries, RequestQuery
from custinfo.workspace.context import Context
from custinfo.workspace.mistakes import cursor_id, one_of, record_key, text_id
from custinfo.workspace.reading import not_found

__all__ = ["RequestFilter", "RequestFinder", "RequestPart", "stuck"]

RequestPart = Literal["to_decide", "submitted", "decided", "stuck"]

_PAGE: Final = 200
_AT_ONCE: Final = 50
"""Requests that are read at once for somebody who looks for one of them."""


@attrs.frozen
class RequestFilter:
    """Say which requests of a part are wanted: of a module, of a flow, in a state, about a record."""

    module: ModuleKey | None = None
    flow: str | None = None
    state: RequestState | None = None
    record_id: str | None = None


@attrs.frozen
class RequestFinder:
    """Find requests for one session's actor."""

    context: Context

    def page(
        self, part: RequestPart, wanted: RequestFilter, limit: int | None, after: str | None
    ) -> tuple[list[Request], str | None]:
        """Return requests in order, and the position after them if there are more."""
        query = attrs.evolve(self._query(part, wanted), after=_position(after))
        most = None if limit is None else limit + 1
        found = list(
            islice(self._stuck(query), most) if part == "stuck" else self._find(attrs.evolve(query, limit=most))
        )
        if not found and after is None:
            self._refuse_unknown_flow(wanted)
        if limit is None or len(found) <= limit:
            return found, None
        last = found[limit - 1]
        return found[:limit], f"{instant_to_text(last.submitted_at)} {last.id}"

    def each(self, part: RequestPart, wanted: RequestFilter) -> Iterator[Request]:
        """Yield requests in order, read page by page: whoever has found what they look for reads no further."""
        after = None
        while True:
            found, after = self.page(part, wanted, _AT_ONCE, after)
            yield from found
            if after is None:
                return

    def count(self, part: RequestPart, wanted: RequestFilter) -> int:
        """Return how many requests there are."""
        query = self._query(part, wanted)
        repository = offered(self.context.unit.approvals, ApprovalQueries)
        if part == "stuck":
            number = sum(1 for _ in self._stuck(query))
        else:
            number = len(self._find(query)) if repository is None else repository.count(query)
        if not number:
            self._refuse_unknown_flow(wanted)
        return number

    def _refuse_unknown_flow(self, wanted: RequestFilter) -> None:
        """Refuse a flow that there is not, where nothing was found: former ones may have requests.

        Raises: NotFoundError.
        """
        if wanted.flow is not None and wanted.flow not in self.context.schema.configuration.flows:
            raise not_found("flow")

    def _query(self, part: RequestPart, wanted: RequestFilter) -> RequestQuery:
        one_of("part", part, RequestPart)
        if wanted.module is not None:
            self.context.module(wanted.module)
        if wanted.state is not None:
            one_of("state", wanted.state, RequestState)
        name: Literal["deciding", "submitted", "decided", "open"]
        name = "deciding" if part == "to_decide" else "open" if part == "stuck" else part
        return RequestQuery(
            name,
            self.context.actor,
            None if wanted.module is None else (wanted.module,),
            None if wanted.flow is None else text_id(wanted.flow),
            None if wanted.state is None else (wanted.state,),
            None if wanted.record_id is None else record_key(wanted.record_id),
            newest_first=part != "to_decide",
        )

    def _find(self, query: RequestQuery) -> Sequence[Request]:
        repository = self.context.unit.approvals
        queries = offered(repository, ApprovalQueries)
        if queries is not None:
            return queries.find(query)
        match query.part:
            case "deciding":
                known = repository.waiting_for(query.member or "")
            case "submitted":
                known = repository.submitted_by(query.member or "")
            case _:
                raise TypeError("the store of approval requests is no ApprovalQueries: it has no such pages")
        return scanning.found_requests(known, query)

    def _stuck(self, query: RequestQuery) -> Iterator[Request]:
        """Yield the open requests that do not move, of the actor's own and of modules that they may configure."""
        context = self.context
        administered = {key for key in context.schema.modules if context.access(key).may("configure")}
        if not administered:
            query = attrs.evolve(query, part="submitted")
        while True:
            page = self._find(attrs.evolve(query, limit=_PAGE))
            for request in page:
                mine = request.module in administered or request.submitted_by == context.actor
                if mine and stuck(context, request):
                    yield request
            if len(page) < _PAGE:
                return
            query = attrs.evolve(query, after=(page[-1].submitted_at, page[-1].id))


def stuck(context: Context, request: Request) -> Problem | None:
    """Return why a request does not move; `None` where it does, or is closed."""
    match request.state:
        case "needs_rebase":
            return Problem("needs_rebase", severity="warning")
        case "approved":
            return Problem("not_applied", severity="warning")
        case "pending":
            found = (context.schema.directory.member(key) for key in request.waiting_for())
            if not any(member is not None and member.active for member in found):
                return Problem("nobody_left", severity="warning")
            overdue = request.due_at is not None and request.due_at <= context.now()
            return Problem("overdue", severity="warning") if overdue else None
        case _:
            return None


def _position(after: str | None) -> tuple[datetime, RequestId] | None:
    """Return where a page begins. Raises: InvalidCursorError."""
    if after is None:
        return None
    with suppress(AttributeError, TypeError, ValueError):
        text, _, key = after.partition(" ")
        moment = instant_from_text(text)
        if moment.tzinfo is not None:
            return moment, RequestId(cursor_id(key))
    raise InvalidCursorError([Problem("page_unknown")])

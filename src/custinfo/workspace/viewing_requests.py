"""What an actor may see of approval requests: values obey the policy on the record, and the step's fields to see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import islice
from typing import Any, Final, Literal

from custinfo.core.approval.exports import ExportScope
from custinfo.core.approval.flows import Flow, NamedMember
from custinfo.core.approval.items import Companion, Item
from custinfo.core.approval.requests import OPEN_STATES, Request
from custinfo.core.criteria.as_json import criterion_from_json
from custinfo.core.criteria.nodes import Criterion, Nothing
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.diagrams import Picture, flow_picture, request_picture
from custinfo.core.errors import CustinfoError
from custinfo.core.frozen import FrozenDict, label_in
from custinfo.core.history.changes import fold
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, MemberKey, Record
from custinfo.core.retention import told_reason
from custinfo.workspace.access_logging import asked_in
from custinfo.workspace.applying import Applying, current
from custinfo.workspace.context import Context
from custinfo.workspace.finding_requests import stuck
from custinfo.workspace.past import both
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.request_reach import RequestReach, would_be
from custinfo.workspace.request_records import RequestRecords
from custinfo.workspace.views import CompanionView, ExportView, InboxTask, ItemView, RequestView

__all__ = ["RequestViews"]

_PAGE: Final = 200
"""Requests whose records are read together."""


class RequestViews:
    """Show requests to one session's actor."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reading = ReadPath(context)

    def may_know(self, request: Request) -> bool:
        """Tell whether the actor has a part in a request, sees something of what it changes, or sees to the module."""
        return self._may_know(RequestReach(self._context, request))

    def known(self, requests: Iterable[Request]) -> Iterator[tuple[Request, RequestView]]:
        """Yield those of some requests that the actor may know, each with what they may see of it."""
        for reach in self._reaches(requests):
            if self._may_know(reach):
                yield reach.request, self._view(reach)

    @staticmethod
    def _may_know(reach: RequestReach) -> bool:
        if reach.part or reach.administers:
            return True
        return any(
            "view" in verdict.actions and (not part.patch or any(verdict.field(key) != "hidden" for key in part.patch))
            for part in reach.request.items or (reach.request,)
            for _, verdict in (reach.now(part.record_id),)
        )

    def administers(self, request: Request) -> bool:
        """Tell whether the actor may move the requests of a module on that are stuck: who may configure it."""
        return RequestReach(self._context, request).administers

    def tasks(self, requests: Sequence[Request]) -> Iterator[InboxTask]:
        """Yield the actor's tasks in requests that wait for them."""
        return map(self._task, requests, self.views(requests))

    def _task(self, request: Request, view: RequestView) -> InboxTask:
        step = request.steps[request.position]
        mine = next((item for item in request.open_tasks() if item.holder == self._context.actor), None)
        delegated_by = mine.approver if mine is not None and mine.delegate is not None else None
        return InboxTask(request.id, request.record_id, request.module, step.key, view, delegated_by, request.due_at)

    def view(self, request: Request) -> RequestView:
        """Return what the actor may see of a request."""
        return next(self.views([request]))

    def views(self, requests: Iterable[Request]) -> Iterator[RequestView]:
        """Yield what the actor may see of each of some requests; what they are about is read together."""
        return map(self._view, self._reaches(requests))

    def _reaches(self, requests: Iterable[Request]) -> Iterator[RequestReach]:
        """Yield what judges each request: the records of a page of them are read together, when they are asked for."""
        waiting = iter(requests)
        while page := list(islice(waiting, _PAGE)):
            records = RequestRecords(self._context, page)
            yield from (RequestReach(self._context, request, records) for request in page)

    def _view(self, reach: RequestReach) -> RequestView:
        request = reach.request
        shown, verdict = reach.seen(request)
        record = reach.now(request.record_id)[0]
        open_ = request.state in OPEN_STATES and not request.items and request.action not in ("create", "export")
        sees, told = reach.sees(), reach.part or reach.reads_all()
        here = request.position in reach.steps()
        live = {key: current(record, key) for key in request.patch} if open_ and record is not None else {}
        return RequestView(
            request.id,
            request.module,
            request.record_id,
            request.state,
            request.version,
            reach.flows(),
            request.submitted_by,
            request.submitted_at,
            tuple(key for key in reach.fields if sees is None or key in sees),
            self._visible(shown, request.base, verdict, sees),
            self._visible(shown, request.patch, verdict, sees),
            request.waiting_for() if here else (),
            told_reason(request.reason, self._context.schema.configuration.retention) if told else None,
            tuple(reach.trail(told=told)),
            self._visible(shown, live, verdict, sees),
            request.steps[request.position].key if here and request.state == "pending" else None,
            request.due_at if here or not request.steps else None,
            self._happened(request, record, reach) if open_ else tuple(self._happened_to_merger(request, reach)),
            tuple(self._item(reach, item, sees) for item in request.items if self._shows(reach, item)),
            stuck(self._context, request) if here or request.state != "pending" else None,
            None if request.export is None or not reach.part else self._export(request, request.export),
            self._context.schema.modules.get(request.module),
        )

    def picture(self, request: Request, language: Literal["zh", "en"]) -> Picture:
        """Return the picture of a request on its way, which shows people and no values."""
        flows = self._context.schema.configuration.flows
        reach = RequestReach(self._context, request)
        titles = [flows[key].label_in(language) if key in flows else key for key in reach.flows()]
        title = " · ".join(titles) or request.action
        return request_picture(request, title, language, self._name, reach.steps())

    def flow_picture(self, flow: Flow, language: Literal["zh", "en"]) -> Picture:
        """Return the picture of a flow, with roles, fields and people by their names."""
        configuration = self._context.schema.configuration
        names = {key: role.label_in(language) for key, role in configuration.roles.items()}
        fields = configuration.modules[flow.trigger.module].fields
        names |= {key: label_in(field.label, language, key) for key, field in fields.items()}
        asked = [item for step in flow.steps for item in (*step.approvers, *step.fallback)]
        names |= {item.member: self._name(item.member) for item in asked if isinstance(item, NamedMember)}
        return flow_picture(flow, language, names)

    def _name(self, member: MemberKey) -> str:
        known = self._context.schema.directory.member(member)
        return member if known is None else known.name

    def _happened(self, request: Request, record: Record | None, reach: RequestReach) -> tuple[Problem, ...]:
        """Return what happened to the record since: what is in the way, and that it has another owner."""
        found = list(Applying(self._context, reach.records).conflicts(request, record))
        if record is not None and "owner" not in request.patch and record.updated_at > request.submitted_at:
            past = fold(reach.records.history(record), until=request.submitted_at)
            if past is not None and past.owner != record.owner:
                found.append(Problem("record_transferred", severity="warning"))
        verdict = reach.now(request.record_id)[1]
        seen = (item for item in found if item.field is None or verdict.field(item.field) == "readable")
        return tuple(map(self._context.module(request.module).labelled, seen))

    def _happened_to_merger(self, request: Request, reach: RequestReach) -> Iterator[Problem]:
        """Yield what happened to the records of a merger that is not applied yet."""
        if request.action == "merge" and request.state in OPEN_STATES:
            for record, found in Applying(self._context, reach.records).merger_conflicts(request):
                verdict = NO_ACCESS if record is None else self._context.verdict(record)
                seen = (item for item in found if item.field is None or verdict.field(item.field) == "readable")
                yield from map(self._context.module(request.module).labelled, seen)

    @staticmethod
    def _shows(reach: RequestReach, item: Item) -> bool:
        return reach.part or "view" in reach.now(item.record_id)[1].actions

    def _item(self, reach: RequestReach, item: Item, sees: frozenset[FieldKey] | None) -> ItemView:
        request = reach.request
        shown, verdict = reach.seen(item)
        if request.action == "merge":  # what one of them will hold comes from any of them
            verdict = reduce(both, (reach.now(key)[1] for key in request.record_ids()), verdict)
        return ItemView(
            item.record_id,
            item.outcome,
            item.problem,
            self._visible(shown, item.base, verdict, sees),
            self._visible(shown, item.patch, verdict, sees),
            item.action or request.action,
            item.row,
            tuple(self._companion(request, companion) for companion in item.companions if sees is None),
            self._context.schema.modules.get(request.module),
        )

    def _export(self, request: Request, scope: ExportScope) -> ExportView:
        criterion = criterion_from_json(json.loads(scope.criterion))
        shown = criterion if self._reads(request, criterion) else None
        return ExportView(scope.fields, scope.order_by, scope.hours, asked_in(criterion), shown)

    def _reads(self, request: Request, criterion: Criterion) -> bool:
        """Tell whether the actor may see the values that a question names: their own, or of fields that they read."""
        if self._context.actor == request.submitted_by:
            return True
        try:
            paths = {path_of(leaf) for leaf in leaves(self._context.bind(criterion, request.module))}
        except CustinfoError:  # the fields are no longer what they were
            return False
        access = self._context.access(request.module)
        return all(len(path) == 1 and not isinstance(access.readable_where(path[0]), Nothing) for path in paths)

    def _companion(self, request: Request, companion: Companion) -> CompanionView:
        codec = self._context.compiled.codec(companion.module).as_of(request.configuration_version)
        values = codec.decode_values(companion.values)
        record = would_be(companion.module, companion.record_id, values, request.submitted_at)
        shown = self._visible(record, values, self._context.verdict(record), None)
        schema = self._context.schema.modules.get(companion.module)
        return CompanionView(companion.module, companion.record_id, shown, schema)

    def _visible(
        self, record: Record, values: Mapping[FieldKey, Any], verdict: Verdict, sees: frozenset[FieldKey] | None
    ) -> FrozenDict[FieldKey, Any]:
        return FrozenDict(
            {
                key: value if value is CLEAR else self._reading.reveal(record, key, value, verdict)
                for key, value in values.items()
                if verdict.field(key) != "hidden" and (sees is None or key in sees)
            }
        )

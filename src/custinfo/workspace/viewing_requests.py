"""What an actor may see of approval requests: values obey the policy on the record, and the step's fields to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from typing import Any, Literal

from custinfo.core.approval.flows import Flow, NamedMember
from custinfo.core.approval.requests import OPEN_STATES, Item, Request, TrailEntry
from custinfo.core.diagrams import Picture, flow_picture, request_picture
from custinfo.core.fields import label_in
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import fold
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, MemberKey, Record, RecordId
from custinfo.workspace.applying import Applying, current
from custinfo.workspace.context import Context
from custinfo.workspace.finding_requests import stuck
from custinfo.workspace.past import both
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.views import InboxTask, ItemView, RequestView

__all__ = ["RequestViews"]


_Judge = Callable[[Request, RecordId], tuple[Record | None, Verdict]]


class RequestViews:
    """Show requests to one session's actor."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reading = ReadPath(context)
        self._applying = Applying(context)

    def may_know(self, request: Request) -> bool:
        """Tell whether the actor has a part in a request, sees something of what it changes, or sees to the module."""
        if self._context.actor in involved(request) or self.administers(request):
            return True
        return any(
            "view" in verdict.actions and (not patch or any(verdict.field(key) != "hidden" for key in patch))
            for patch, verdict in self._parts(request, self._verdict)
        )

    def administers(self, request: Request) -> bool:
        """Tell whether the actor may move the requests of a module on that are stuck: who may configure it."""
        return self._context.access(request.module).may("configure")

    def task(self, request: Request) -> InboxTask:
        """Return the actor's task in a request that waits for them."""
        step = request.steps[request.position]
        mine = next((item for item in request.open_tasks() if item.holder == self._context.actor), None)
        delegated_by = mine.approver if mine is not None and mine.delegate is not None else None
        view = self.view(request)
        return InboxTask(request.id, request.record_id, request.module, step.key, view, delegated_by, request.due_at)

    def view(self, request: Request) -> RequestView:
        """Return what the actor may see of a request."""
        record, verdict = self._seen(request, request.record_id)
        shown = record or _stand_in(request)
        open_ = request.state in OPEN_STATES and not request.items and request.action != "create"
        sees = self._sees(request)
        part = self._context.actor in involved(request)
        told = part or self._reads_all(request)
        live = {key: current(record, key) for key in request.patch} if open_ and record is not None else {}
        return RequestView(
            request.id,
            request.module,
            request.record_id,
            request.state,
            request.version,
            self._flows(request, part=part),
            request.submitted_by,
            request.submitted_at,
            tuple(key for key in self._fields(request, part=part) if sees is None or key in sees),
            self._visible(shown, request.base, verdict, sees),
            self._visible(shown, request.patch, verdict, sees),
            request.waiting_for(),
            request.reason if told else None,
            tuple(_shown(entry, told=told) for entry in request.trail),
            self._visible(shown, live, verdict, sees),
            request.steps[request.position].key if request.steps and request.state == "pending" else None,
            request.due_at,
            self._happened(request, record) if open_ else tuple(self._happened_to_merger(request)),
            tuple(self._item(request, item) for item in request.items if part or self._may_view(request, item)),
            stuck(self._context, request),
        )

    def picture(self, request: Request, language: Literal["zh", "en"]) -> Picture:
        """Return the picture of a request on its way, which shows people and no values."""
        flows = self._context.schema.configuration.flows
        known = self._flows(request, part=self._context.actor in involved(request))
        titles = [flows[key].label_in(language) if key in flows else key for key in known]
        return request_picture(request, " · ".join(titles) or request.action, language, self._name)

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

    def _happened(self, request: Request, record: Record | None) -> tuple[Problem, ...]:
        """Return what happened to the record since: what is in the way, and that it has another owner."""
        found = list(self._applying.conflicts(request, record))
        if record is not None and "owner" not in request.patch and record.updated_at > request.submitted_at:
            changes = self._context.unit.history.of_record(request.module, request.record_id)
            past = fold(changes, until=request.submitted_at)
            if past is not None and past.owner != record.owner:
                found.append(Problem("record_transferred", severity="warning"))
        verdict = self._verdict(request, request.record_id)[1]
        return tuple(item for item in found if item.field is None or verdict.field(item.field) == "readable")

    def _happened_to_merger(self, request: Request) -> Iterator[Problem]:
        """Yield what happened to the records of a merger that is not applied yet."""
        if request.action == "merge" and request.state in OPEN_STATES:
            for record, found in self._applying.merger_conflicts(request):
                verdict = NO_ACCESS if record is None else self._context.verdict(record)
                yield from (item for item in found if item.field is None or verdict.field(item.field) == "readable")

    def _item(self, request: Request, item: Item) -> ItemView:
        record, verdict = self._seen(request, item.record_id)
        if request.action == "merge":  # what one of them will hold comes from any of them
            verdict = reduce(both, (self._verdict(request, key)[1] for key in request.record_ids()), verdict)
        shown, sees = record or _stand_in(request), self._sees(request)
        return ItemView(
            item.record_id,
            item.outcome,
            item.problem,
            self._visible(shown, item.base, verdict, sees),
            self._visible(shown, item.patch, verdict, sees),
        )

    def _parts(self, request: Request, judge: _Judge | None = None) -> Iterator[tuple[Mapping[FieldKey, Any], Verdict]]:
        """Yield what a request changes in each of its records, and what the actor may see there."""
        for item in request.items or (request,):
            yield item.patch, (judge or self._seen)(request, item.record_id)[1]

    def _may_view(self, request: Request, item: Item) -> bool:
        return "view" in self._verdict(request, item.record_id)[1].actions

    def _reads_all(self, request: Request) -> bool:
        """Tell whether the actor reads all that a request changes: what people say about it may tell any of that."""
        return all(
            "view" in verdict.actions and all(verdict.field(key) == "readable" for key in patch)
            for patch, verdict in self._parts(request)
        )

    def _fields(self, request: Request, *, part: bool) -> Iterable[FieldKey]:
        """Return the fields that a request changes; to those who have no part in it, not the hidden ones."""
        parts = self._parts(request)
        return dict.fromkeys(key for patch, verdict in parts for key in patch if part or verdict.field(key) != "hidden")

    def _flows(self, request: Request, *, part: bool) -> tuple[str, ...]:
        """Return the flows that a request takes; a flow that nothing but hidden fields call for tells these."""
        flows, known = self._context.schema.configuration.flows, set(self._fields(request, part=part))
        asked = {key: set(flows[key].trigger.fields or ()) if key in flows else set() for key, _ in request.flows}
        return tuple(key for key, fields in asked.items() if part or not fields or fields & known)

    def _sees(self, request: Request) -> frozenset[FieldKey] | None:
        """Return the fields that the steps show to the actor, if they know the request as an approver only."""
        actor = self._context.actor
        if actor == request.submitted_by:
            return None
        steps = {task.step for task in request.tasks if actor in (task.approver, task.delegate)}
        shown = [request.steps[step].sees for step in steps]
        if not shown or any(fields is None for fields in shown):
            return None
        return frozenset(key for fields in shown for key in fields or ())

    def _verdict(self, request: Request, record_id: RecordId) -> tuple[Record | None, Verdict]:
        record = self._context.unit.records.get(request.module, [record_id]).get(record_id)
        return record, NO_ACCESS if record is None else self._context.verdict(record)

    def _seen(self, request: Request, record_id: RecordId) -> tuple[Record | None, Verdict]:
        """Return the record, and what the actor may see on it now, and of a closed request also at its time."""
        record, verdict = self._verdict(request, record_id)
        if record is not None and request.state not in OPEN_STATES:
            changes = self._context.unit.history.of_record(request.module, record_id)
            past = fold(changes, until=request.submitted_at)
            if past is not None:
                verdict = both(verdict, self._context.verdict(past))
        return record, verdict

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


def involved(request: Request) -> set[MemberKey]:
    """Return who has, or had, a part in a request."""
    members: Iterable[MemberKey | None] = (
        member for task in request.tasks for member in (task.approver, task.delegate)
    )
    actors = {member for entry in request.trail for member in (entry.actor, entry.holder) if member is not None}
    return {request.submitted_by, *actors, *(member for member in members if member is not None)}


def _shown(entry: TrailEntry, *, told: bool) -> TrailEntry:
    """Return an entry of the trail without what was proposed, which may hold values that the reader may not see.

    So may the comment: it is for those who are `told`.
    """
    return entry._replace(digest="", proposal=None, comment=entry.comment if told else None)


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

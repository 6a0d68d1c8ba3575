"""What an actor may see of the records of a request: as the policy judges each, loaded and judged once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import attrs

from custinfo.core.approval.items import Item
from custinfo.core.approval.requests import OPEN_STATES, CommandName, Request, TrailEntry
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import fold
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.records import CLEAR, FieldKey, MemberKey, ModuleKey, Record, RecordId, Tag
from custinfo.core.retention import told_reason
from custinfo.workspace.context import Context
from custinfo.workspace.past import both
from custinfo.workspace.request_records import RequestRecords

__all__ = ["Judged", "RequestReach", "involved", "would_be"]

Judged = tuple[Record, Verdict]
"""A record, and what the actor may see of it; one that is not there (yet, or any more) as it would be."""

_OF_THE_WHOLE: Final[frozenset[CommandName]] = frozenset(
    {"submit", "resubmit", "withdraw", "rebase", "apply", "find_conflict", "cancel", "expire"}
)
"""Commands that are about a request, and not about one of its steps."""
_SYSTEM: Final = frozenset({"owner", "department", "archived_at", "tags", "created_by"})


@attrs.define(slots=False)
class RequestReach:
    """Judge the records of one request for one session's actor."""

    context: Context
    request: Request
    records: RequestRecords = attrs.Factory(lambda self: RequestRecords(self.context, [self.request]), takes_self=True)
    _known: dict[RecordId, tuple[Record | None, Verdict]] = attrs.field(factory=dict)
    _seen: dict[RecordId, Judged] = attrs.field(factory=dict)

    @cached_property
    def part(self) -> bool:
        """Whether the actor has, or had, a part in the request."""
        return self.context.actor in involved(self.request)

    def now(self, record_id: RecordId) -> tuple[Record | None, Verdict]:
        """Return a record, and what the actor may see on it now."""
        known = self._known.get(record_id)
        if known is None:
            record = self.records.record(self.request.module, record_id)
            known = record, NO_ACCESS if record is None else self.context.verdict(record)
            self._known[record_id] = known
        return known

    def seen(self, part: Request | Item) -> Judged:
        """Return a record, and what the actor may see on it now, and of a closed request also at its time.

        Who has a part in the making of a new record sees what they may see of it once it is there.
        """
        known = self._seen.get(part.record_id)
        if known is None:
            known = self._seen[part.record_id] = self._judged(part)
        return known

    def _judged(self, part: Request | Item) -> Judged:
        request = self.request
        record, verdict = self.now(part.record_id)
        if record is None:
            stand_in = would_be(request.module, part.record_id, part.patch, request.submitted_at)
            creating = (part.action or request.action) == "create"
            return stand_in, self.context.verdict(stand_in) if creating and self.part else NO_ACCESS
        if request.state in OPEN_STATES or record.created_at > request.submitted_at:
            return record, verdict
        past = fold(self.records.history(record), until=request.submitted_at)
        return record, verdict if past is None else both(verdict, self.context.verdict(past))

    def parts(self) -> Iterator[tuple[Mapping[FieldKey, Any], Verdict]]:
        """Yield what the request changes in each of its records, and what the actor may see there."""
        for part in self.request.items or (self.request,):
            yield part.patch, self.seen(part)[1]

    def reads_all(self) -> bool:
        """Tell whether the actor reads all that the request changes: what people say about it may tell any of that."""
        return all(
            "view" in verdict.actions and all(verdict.field(key) == "readable" for key in patch)
            for patch, verdict in self.parts()
        )

    @cached_property
    def fields(self) -> tuple[FieldKey, ...]:
        """The fields that the request changes; to those who have no part in it, not the hidden ones.

        Nor to who submitted a merger: they did not name what it takes over from records that they do not read.
        """
        merged = self.request.action == "merge" and self.context.actor in (
            self.request.submitted_by,
            self.request.author,
        )
        told = self.part and not merged
        found = (key for patch, verdict in self.parts() for key in patch if told or verdict.field(key) != "hidden")
        return tuple(dict.fromkeys(found))

    def flows(self) -> tuple[str, ...]:
        """Return the flows that the request takes; a flow that nothing but hidden fields call for tells these."""
        flows, known = self.context.schema.configuration.flows, set(self.fields)
        asked = {key: set(flows[key].trigger.fields or ()) if key in flows else set() for key, _ in self.request.flows}
        return tuple(key for key, fields in asked.items() if self.part or not fields or fields & known)

    @cached_property
    def administers(self) -> bool:
        """Whether the actor may move the requests of the module on that are stuck: who may configure it."""
        return self.context.access(self.request.module).may("configure")

    def steps(self) -> tuple[int, ...]:
        """Return the numbers of the steps of these flows, in order; of all to who sees to requests that are stuck."""
        steps = self.request.steps
        known = {step.flow for step in steps} if self.administers else set(self.flows())
        return tuple(number for number, step in enumerate(steps) if step.flow in known)

    def trail(self, *, told: bool) -> Iterator[TrailEntry]:
        """Yield the entries of the trail, without those of other steps; numbers are those among the steps told of.

        What was proposed is left out, which may hold values that the actor may not see. So may a comment: it is for
        those who are `told`.
        """
        places = {number: place for place, number in enumerate(self.steps())}
        rules = self.context.schema.configuration.retention
        for entry in self.request.trail:
            if entry.step is None or entry.step in places or entry.command in _OF_THE_WHOLE:
                step, target = (None if number is None else places.get(number) for number in (entry.step, entry.target))
                comment = told_reason(entry.comment, rules) if told else None
                yield entry._replace(digest="", proposal=None, former=None, comment=comment, step=step, target=target)

    def sees(self) -> frozenset[FieldKey] | None:
        """Return the fields that the steps show to the actor, if they know the request as an approver only."""
        actor, request = self.context.actor, self.request
        if actor == request.submitted_by:
            return None
        steps = {task.step for task in request.tasks if actor in (task.approver, task.delegate)}
        shown = [request.steps[step].sees for step in steps]
        if not shown or any(fields is None for fields in shown):
            return None
        return frozenset(key for fields in shown for key in fields or ())


def involved(request: Request) -> set[MemberKey]:
    """Return who has, or had, a part in a request."""
    asked = (member for task in request.tasks for member in (task.approver, task.delegate))
    actors = (member for entry in request.trail for member in (entry.actor, entry.holder))
    return {request.submitted_by, *(member for member in (*asked, *actors) if member is not None)}


def would_be(module: ModuleKey, record_id: RecordId, patch: Mapping[FieldKey, Any], at: datetime) -> Record:
    """Return a record that is not there as a patch would make it."""
    given = {key: value for key, value in patch.items() if value is not CLEAR}
    tags = frozenset(Tag(*tag) for tag in given.get("tags") or ())
    values = FrozenDict({key: value for key, value in given.items() if key not in _SYSTEM})
    return Record(record_id, module, values, tags, given.get("owner"), given.get("department"), 0, at, at)

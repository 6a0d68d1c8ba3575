"""Handing over everything that somebody who leaves has, previewed and in one step (ORG-4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import attrs

from custinfo.core.approval.machine import Command, Event
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.criteria.evaluate import Predicate, compile_predicate
from custinfo.core.criteria.nodes import Compare, Criterion, OneOf, all_of, any_of
from custinfo.core.errors import CustinfoError, IllegalTransitionError, InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft
from custinfo.workspace.keeping_requests import carry_out, held_requests, keep
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.writing import WritePath

__all__ = ["HandOverItem", "HandOverPlan", "HandOverReport", "HandOverTask", "Successor", "plan_hand_over"]

_CHUNK: Final = 500


@attrs.frozen
class Successor:
    """Say who takes over, and what of it; of several, the first that fits a record.

    Args:
        to: A member by key, name, `name(department)` or employee number.
        module: Records of this module alone; of all when not given.
        where: Records that meet this criterion alone, which is one on the records of `module`.
        department: Records of this department, by key, name or path, and of all below it, alone.
    """

    to: str
    module: ModuleKey | None = None
    where: Criterion | None = None
    department: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.where is not None and self.module is None:
            raise ValueError("a criterion is one on the records of a module: say which")


@attrs.frozen
class HandOverItem:
    """A record that is handed over: to whom, at which version it was seen, and in which fields it names the leaver.

    `problems` say why it can't be handed over; then it stays as it is.
    """

    module: ModuleKey
    record_id: RecordId
    version: int
    to: MemberKey | None
    fields: tuple[FieldKey, ...]
    problems: tuple[Problem, ...] = ()


@attrs.frozen
class HandOverTask:
    """A decision that waits for the leaver, and to whom it goes; `problems` say why it can't."""

    request_id: RequestId
    version: int
    to: MemberKey | None
    problems: tuple[Problem, ...] = ()


@attrs.frozen
class HandOverReport:
    """What a hand-over did: how many records of each module it gave to whom, and what it left.

    `batch` stands in the history of each record. `tasks` are the requests in which somebody else decides now.
    `requests` wait for approval where a flow gates transfers.
    """

    batch: str
    records: FrozenDict[ModuleKey, FrozenDict[MemberKey, int]]
    left: tuple[HandOverItem, ...]
    tasks: tuple[RequestId, ...] = ()
    requests: tuple[RequestId, ...] = ()


@attrs.define
class HandOverPlan:
    """What handing over would do. Making it changes nothing; `apply` does what it says, or nothing.

    `items` are the records, module by module; `tasks` the decisions that wait for the leaver. `out_of_reach` are the
    modules in which the actor may not transfer: nothing is said of what the leaver has there.
    """

    leaver: MemberKey
    items: tuple[HandOverItem, ...] = attrs.field(repr=False)
    tasks: tuple[HandOverTask, ...] = attrs.field(repr=False)
    out_of_reach: tuple[ModuleKey, ...]
    _context: Context = attrs.field(repr=False, alias="context")
    _report: HandOverReport | None = attrs.field(default=None, init=False, repr=False)

    @property
    def counts(self) -> FrozenDict[ModuleKey, FrozenDict[MemberKey, int]]:
        """How many records of each module go to whom; those with problems are not counted."""
        return _counted(self.items)

    @property
    def left(self) -> tuple[HandOverItem, ...]:
        """The records that stay as they are, because something is in the way or nobody takes them over."""
        return tuple(item for item in self.items if item.problems)

    def apply(self, *, reason: str | None = None) -> HandOverReport:
        """Hand everything over in one step: ordinary changes, with history under the channel `hand_over`.

        A plan is applied once: asked again, it returns the same report.

        Args:
            reason: Kept in the history of each record.

        Raises: StaleVersionError or IllegalTransitionError (`stale_request`) if a record or a request was changed since
            the plan was made, or another error that a change may meet: nothing is handed over then; make another plan.
        """
        if self._report is None:
            self._report = _Application(self._context, self, reason).run()
        return self._report


def plan_hand_over(context: Context, leaver: str, to: str | Sequence[Successor]) -> HandOverPlan:
    """Return what handing over everything of a member would do; writes nothing.

    Raises: as `Session.plan_hand_over`.
    """
    successors = [Successor(to)] if isinstance(to, str) else list(to)
    key = _member(context, leaver)
    modules = context.schema.configuration.modules
    reached = [module for module in modules if context.access(module).may("transfer")]
    planner = _Planner(context, key, [_Taker.of(context, item, key, reached) for item in successors])
    items = [item for module in reached for item in planner.module(module)]
    beyond = tuple(module for module in modules if module not in reached)
    return HandOverPlan(key, tuple(items), tuple(planner.tasks()), beyond, context)


def _counted(items: Iterable[HandOverItem]) -> FrozenDict[ModuleKey, FrozenDict[MemberKey, int]]:
    found: dict[ModuleKey, Counter[MemberKey]] = {}
    for item in items:
        if not item.problems and item.to is not None:
            found.setdefault(item.module, Counter())[item.to] += 1
    return FrozenDict({module: FrozenDict(counts) for module, counts in found.items()})


def _member(context: Context, text: str) -> MemberKey:
    """Return the key of a member, also one who has left."""
    if context.schema.directory.member(text) is not None:
        return text
    found = context.schema.directory.find_member(text)
    if isinstance(found, str):
        return found
    raise InvalidInputError([Problem("ambiguous_member" if found else "unknown_member", "owner")])


@attrs.frozen
class _Taker:
    """A successor, with what decides for each module whether a record is theirs."""

    to: MemberKey
    where: Mapping[ModuleKey, Predicate]
    context: Context

    @classmethod
    def of(cls, context: Context, successor: Successor, leaver: MemberKey, reached: Collection[ModuleKey]) -> _Taker:
        key = _member(context, successor.to)
        member = context.schema.directory.member(key)
        if member is None or not member.active or key == leaver:
            raise InvalidInputError([Problem("inactive_member", "owner")])
        parts: list[Criterion] = []
        if successor.department is not None:
            parts.append(_within(context, successor.department))
        if successor.where is not None:
            parts.append(successor.where)
        if successor.module is not None:
            reached = {context.module(successor.module).definition.key}.intersection(reached)
        # Who takes a record over tells what it has: it is a question like any other.
        guarded = partial(ReadPath(context).guarded, criterion=all_of(parts), action="transfer", archived=True)
        return cls(key, {module: compile_predicate(guarded(module)) for module in reached}, context)

    def takes(self, record: Record) -> bool:
        where = self.where.get(record.module)
        return where is not None and where(record, self.context.related)


def _within(context: Context, department: str) -> Criterion:
    directory = context.schema.directory
    found = department if directory.department(department) is not None else directory.find_department(department)
    if not isinstance(found, str):
        raise InvalidInputError([Problem("ambiguous_department" if found else "unknown_department", "department")])
    return OneOf(("department",), directory.subtree(found))


@attrs.frozen
class _Planner:
    """Find what somebody has, module by module, and see whether it can be handed over."""

    context: Context
    leaver: MemberKey
    takers: Sequence[_Taker]

    def module(self, module: ModuleKey) -> Iterator[HandOverItem]:
        definition = self.context.module(module).definition
        named = [key for key in definition.handed_over if key in self.context.module(module).user_fields]
        mine: Criterion = any_of([Compare((key,), "eq", self.leaver) for key in ("owner", *named)])
        for chunk in _chunks(ReadPath(self.context).stream(module, mine, action="transfer")):
            found = [self.item(record, named) for record in chunk]
            going = [item for item in found if not item.problems]
            prepared = WritePath(self.context, channel="hand_over").prepare([draft_of(item, None) for item in going])
            errors = {
                item.record_id: one.error.problems
                for item, one in zip(going, prepared, strict=True)
                if one.error is not None
            }
            for item in found:
                yield attrs.evolve(item, problems=errors[item.record_id]) if item.record_id in errors else item

    def item(self, record: Record, named: Sequence[FieldKey]) -> HandOverItem:
        fields = [key for key in named if record.values.get(key) == self.leaver]
        if record.owner == self.leaver:
            fields.insert(0, "owner")
        taker = next((taker for taker in self.takers if taker.takes(record)), None)
        problems = () if taker is not None else (Problem("nobody_takes_over", "owner"),)
        to = None if taker is None else taker.to
        self.context.versions.show(record.id, record.version)
        return HandOverItem(record.module, record.id, record.version, to, tuple(fields), problems)

    def tasks(self) -> Iterator[HandOverTask]:
        """Find the decisions that wait for the leaver, of those on records that the actor may transfer."""
        requests = self.context.unit.approvals.waiting_for(self.leaver)
        stored = self.records(requests)
        for request in requests:
            records = [stored[key] for key in request.record_ids() if key in stored]
            if not records or any("transfer" not in self.context.verdict(item).actions for item in records):
                continue
            record = records[0]
            taker = next((taker for taker in self.takers if taker.takes(record)), None)
            task = HandOverTask(request.id, request.version, None if taker is None else taker.to)
            try:
                handed_over(self.context, request, self.leaver, task)
            except CustinfoError as error:
                task = attrs.evolve(task, problems=error.problems)
            yield task

    def records(self, requests: Iterable[Request]) -> dict[RecordId, Record]:
        """Return the records that requests are about, read together."""
        wanted: dict[ModuleKey, set[RecordId]] = {}
        for request in requests:
            wanted.setdefault(request.module, set()).update(request.record_ids())
        found: dict[RecordId, Record] = {}
        for module, ids in wanted.items():
            found.update(self.context.unit.records.get(module, ids))
        return found


def handed_over(
    context: Context, request: Request, leaver: MemberKey, task: HandOverTask
) -> tuple[Request, tuple[Event, ...]]:
    """Return a request with the decision of a leaver given to somebody else. Raises: IllegalTransitionError."""
    if task.to is None:
        raise IllegalTransitionError([Problem("nobody_takes_over")])
    return carry_out(context, request, Command("transfer", None, task.version, (task.to,), holder=leaver))


def draft_of(item: HandOverItem, reason: str | None) -> Draft:
    """Return the change of one record."""
    raw = dict.fromkeys(item.fields, item.to)
    return Draft("transfer", item.module, item.record_id, raw, None, item.version, reason, typed=True)


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@attrs.define
class _Application:
    """Carry one plan out."""

    context: Context
    plan: HandOverPlan
    reason: str | None

    def run(self) -> HandOverReport:
        batch = self.context.ids()
        path = WritePath(self.context, channel="hand_over", batch=batch)
        going = [item for item in self.plan.items if not item.problems]
        given: list[HandOverItem] = []
        requests: list[RequestId] = []
        with self.context.atomic():
            for start in range(0, len(going), _CHUNK):
                part = going[start : start + _CHUNK]
                prepared = path.prepare([draft_of(item, self.reason) for item in part])
                for one in prepared:
                    if one.error is not None:
                        raise one.error
                path.commit(prepared)
                for item, one in zip(part, prepared, strict=True):
                    if one.request is None or one.request.state == "applied":
                        given.append(item)
                    else:
                        requests.append(one.request.id)
            tasks = tuple(self.task(task) for task in self.plan.tasks if not task.problems)
        return HandOverReport(batch, _counted(given), self.plan.left, tasks, tuple(requests))

    def task(self, task: HandOverTask) -> RequestId:
        [request] = held_requests(self.context.unit, [task.request_id]).values()
        keep(self.context, request, *handed_over(self.context, request, self.plan.leaver, task))
        return task.request_id

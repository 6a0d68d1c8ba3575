"""Deciding about requests: the inbox, the commands, and applying what was approved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.approval.machine import Command, decide
from custinfo.core.approval.requests import OPEN_STATES, CommandName, Request, RequestId
from custinfo.core.errors import CustinfoError, InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, ChangeAction, changes_between, fold
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Record, RecordId, Sealed
from custinfo.core.text import CONTROL
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import derived, derived_changes, follow, stripped
from custinfo.workspace.past import both
from custinfo.workspace.reading import ReadPath, not_found
from custinfo.workspace.rereading import reread
from custinfo.workspace.uniqueness import UniqueCheck
from custinfo.workspace.validating import leavers, without_states
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
        decided, events = decide(request, command, actor=self._context.actor, now=self._context.now())
        if events:
            with self._context.unit.atomic():
                self._context.hold_configuration()
                self._context.unit.approvals.save(decided)
                if decided.state == "approved":
                    decided = self._apply(decided)
        return self._view(decided)

    def _step(self, request: Request, name: CommandName) -> Request:
        changed, _ = decide(request, Command(name), actor=self._context.actor, now=self._context.now())
        self._context.unit.approvals.save(changed)
        return changed

    def _apply(self, request: Request) -> Request:
        """Make the approved change, or say why it can't be made."""
        before = self._context.unit.records.get(request.module, [request.record_id]).get(request.record_id)
        if request.action != "create" and (before is None or self._conflicts(request, before)):
            return self._step(request, "find_conflict")
        patch, problems = reread(self._context, request, before)
        after = derived(self._context, self._patched(request, before, patch))
        self._check(request, before, after, problems)
        # The request gives its reservation up before the record takes the values.
        applied = self._step(request, "apply")
        self._context.unit.records.save([after])
        self._context.unit.history.append([self._change(request, before, after)])
        self._context.related.forget([after])
        follow(self._context, [after])
        return applied

    def _conflicts(self, request: Request, record: Record) -> bool:
        if record.archived_at is not None and "archived_at" not in request.patch:
            return True
        own = stripped(self._context, record)
        return any(_current(own, key) != value for key, value in request.base.items())

    def _patched(self, request: Request, before: Record | None, written: Mapping[FieldKey, Any]) -> Record:
        patch = {key: value for key, value in written.items() if key not in _SYSTEM}
        fixed: dict[str, Any] = {
            key: None if value is CLEAR else value for key, value in written.items() if key in _SYSTEM
        }
        if "tags" in fixed:
            fixed["tags"] = frozenset(fixed["tags"] or ())
        now = self._context.now()
        if before is None:
            empty: frozenset[Any] = frozenset()
            created = {"owner": None, "department": None, "tags": empty, **fixed}
            return Record(
                id=request.record_id,
                module=request.module,
                values=FrozenDict(patch),
                version=1,
                created_at=now,
                updated_at=now,
                created_by=request.submitted_by,
                **created,
            )
        values = before.patched(patch)
        return attrs.evolve(before, values=values, version=before.version + 1, updated_at=now, **fixed)

    def _check(self, request: Request, before: Record | None, after: Record, found: Sequence[Problem]) -> None:
        """Validate the merged state: rules may have changed, and other fields too, since it was submitted."""
        validator = self._context.validator(request.module)
        changed = validator.changed(before, after, request.patch)
        if changed is not None and before is not None:
            changed |= derived_changes(self._context, before, after)
        plain, related = self._plain(after, request.patch), self._context.related
        failed = frozenset(problem.field for problem in found if problem.field is not None)
        problems = validator.check(plain, changed, related, failed, before=before)
        problems = [*found, *without_states(self._context, before, request.patch, problems)]
        problems += leavers(self._context, before, after, request.patch)
        problems += self._unpassed(request, validator.move_flows(before, plain, related))
        UniqueCheck(self._context, everything=True).run([(before, after, problems)])
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise InvalidInputError(errors)

    def _unpassed(self, request: Request, needed: Collection[str]) -> Iterator[Problem]:
        """Yield a problem for each flow that the move has to pass, as things are now, and the request did not."""
        passed = {key for key, _ in request.flows}
        language = self._context.schema.configuration.language
        for key in needed:
            if key not in passed:
                flow = self._context.schema.configuration.flows[key]
                yield Problem("approval_missing", params={"flow": flow.label_in(language)})

    def _plain(self, record: Record, keys: Collection[FieldKey]) -> Record:
        """Return the record with its sealed values of `keys` in the open, so that the rules on them run."""
        values: dict[FieldKey, Any] = dict(record.values)
        for key, value in values.items():
            if type(value) is Sealed and key in keys:
                try:
                    values[key] = self._context.unseal(record.id, record.module, key, value)
                except CustinfoError:
                    continue
        return attrs.evolve(record, values=FrozenDict(values))

    def _change(self, request: Request, before: Record | None, after: Record) -> Change:
        actions: dict[GatedAction, ChangeAction] = {"create": "create", "transfer": "transfer", "archive": "archive"}
        return Change(
            after.module,
            after.id,
            after.version,
            after.updated_at,
            request.submitted_by,
            actions.get(request.action, "update"),
            changes_between(before, after),
            "approval",
            request.reason,
            None,
            request.id,
            request.batch,
            self._context.schema.configuration.version,
        )

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


def _current(record: Record, key: FieldKey) -> Any:
    """Return a value as the history names it."""
    if key == "tags":
        return tuple(sorted(record.tags))
    if key in ("owner", "department", "archived_at"):
        return getattr(record, key)
    return record.values.get(key)


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

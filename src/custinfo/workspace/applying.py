"""Applying what was approved: the record as it is by then changes as a whole, or the request says why not (APR-5)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.approval.items import Companion, Item
from custinfo.core.approval.machine import Command
from custinfo.core.approval.requests import CommandName, Request
from custinfo.core.errors import CustinfoError, InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, ChangeAction, changes_written
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Record, Sealed
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import refuse_newcomers, refuse_pending, refuse_referenced
from custinfo.workspace.deriving import derived, derived_changes, follow, stripped
from custinfo.workspace.erasing import Eraser
from custinfo.workspace.joining import Repointing, joint_shares
from custinfo.workspace.keeping_requests import carry_out, keep
from custinfo.workspace.past import deleted_record
from custinfo.workspace.request_records import RequestRecords
from custinfo.workspace.rereading import reread
from custinfo.workspace.uniqueness import UniqueCheck
from custinfo.workspace.validating import leavers, lost_references, without_hidden

__all__ = ["Applying", "current", "part_of"]

_SYSTEM: Final = frozenset({"owner", "department", "archived_at", "tags"})


class Applying:
    """Apply approved requests for one session.

    Who only looks passes the `records` that are read already; what is applied is read as it is by then.
    """

    def __init__(self, context: Context, records: RequestRecords | None = None) -> None:
        self._context = context
        self._records = records

    def run(self, request: Request) -> Request:
        """Make an approved change, or say why it can't be made, and return the request after it.

        A request for many records is applied record by record: what stops one stands in its item.

        Raises: InvalidInputError if the record would break a rule; ConflictError. Call it in `atomic`.
        """
        if request.action == "export":
            return self.step(request, "apply")  # from now on it may be run
        if request.action == "merge":
            return self._run_merger(request)
        if request.items:
            return self._run_items(request)
        before = self._before(request)
        erased = before or deleted_record(self._context, request.module, request.record_id)
        if request.action == "erase" and erased is not None:  # it takes what is there by now, whoever wrote it
            applied = self.step(request, "apply")
            Eraser(self._context).apply(
                erased, frozenset(request.patch), request.reason or "", request.submitted_by, request.id
            )
            return applied
        if self.conflicts(request, before):
            return self.step(request, "find_conflict")
        after = self.checked(request, before)
        # The request gives its reservation up before the record takes the values.
        applied = self.step(request, "apply")
        self._save(request, before, after)
        return applied

    def _run_items(self, request: Request) -> Request:
        items = tuple(self._item(part_of(request, item), item) for item in request.items)
        return self.step(request.after({"items": items}), "apply")

    def _item(self, part: Request, item: Item) -> Item:
        try:
            with self._context.atomic():
                before = self._before(part)
                found = self.conflicts(part, before)
                if found:
                    return attrs.evolve(item, outcome="conflict", problem=found[0].code)
                self._save(part, before, self.checked(part, before))
                for companion in item.companions:
                    self._accompany(part, companion)
        except CustinfoError as error:
            return attrs.evolve(item, outcome="refused", problem=error.code)
        return attrs.evolve(item, outcome="applied")

    def _accompany(self, part: Request, companion: Companion) -> None:
        """Save a record that an item brings along. Raises: what is wrong with it; the item is refused then."""
        codec = self._context.compiled.codec(companion.module).as_of(part.configuration_version)
        patch = codec.decode_values(companion.values)
        place = {"module": companion.module, "record_id": companion.record_id, "action": "create"}
        other = part.after({**place, "patch": patch, "base": FrozenDict()})
        self._save(other, None, self.checked(other, None))

    def _run_merger(self, request: Request) -> Request:
        """Merge as a whole what was approved, on the records as they are now, or find the conflict."""
        if any(found for _, found in self.merger_conflicts(request)):
            return self.step(request, "find_conflict")
        parts = [part_of(request, item) for item in request.items]
        records = [record for part in parts if (record := self._before(part)) is not None]
        refuse_pending(self._context, records, request.id)
        items = tuple(attrs.evolve(item, outcome="applied") for item in request.items)
        applied = self.step(request.after({"items": items}), "apply")
        # The others go first, so that their unique values are free.
        for part, record in zip(parts[1:], records[1:], strict=True):
            self._save(part, record, self.checked(part, record))
        after = attrs.evolve(self.checked(parts[0], records[0]), shares=joint_shares(records))
        self._save(parts[0], records[0], after)
        gone, deputed = tuple(record.id for record in records[1:]), request.author != request.submitted_by
        holder = request.submitted_by if deputed else None
        Repointing(
            self._context, after, gone, request.author, "approval", request.reason, holder, request.id, request.batch
        ).run()
        return applied

    def check_merger(self, request: Request) -> None:
        """Look whether the record that stays keeps all rules once the others are out of its way; that is taken back.

        Raises: InvalidInputError.
        """
        stays, *others = (part_of(request, item) for item in request.items)
        records = self._context.unit.records.get(request.module, request.record_ids())
        going = [part for part in others if part.record_id in records]
        away = [attrs.evolve(self.checked(part, records[part.record_id]), shares=frozenset()) for part in going]
        with self._context.trial():
            self._context.unit.records.save(away)
            self._context.related.forget(away)
            self.checked(stays, records.get(stays.record_id))

    def merger_conflicts(self, request: Request) -> Iterator[tuple[Record | None, tuple[Problem, ...]]]:
        """Yield each record of a merger, the one that stays first, with what happened to it since."""
        for item in request.items:
            part = part_of(request, item)
            record = self._before(part)
            yield record, self.conflicts(part, record)

    def step(self, request: Request, name: CommandName) -> Request:
        """Carry out a command of the library's own, and save the request."""
        changed, events = carry_out(self._context, request, Command(name))
        keep(self._context, request, changed, events)
        return changed

    def _before(self, request: Request) -> Record | None:
        if self._records is not None:
            return self._records.record(request.module, request.record_id)
        return self._context.unit.records.get(request.module, [request.record_id]).get(request.record_id)

    def checked(self, request: Request, before: Record | None) -> Record:
        """Return the record as the request would make it now. Raises: InvalidInputError."""
        patch, problems = reread(self._context, request, before)
        after = derived(self._context, self._patched(request, before, patch)).keeping_keys()
        if request.action != "delete":
            self._check(request, before, after, problems)
        return after

    def _save(self, request: Request, before: Record | None, after: Record) -> None:
        unit = self._context.unit
        if request.action == "delete" and before is not None:
            refuse_referenced(self._context, before)
            unit.records.remove([before])
            refuse_newcomers(self._context, [before])
        else:
            unit.records.save([after])
        self._context.remember([self._change(request, before, after)])
        self._context.related.forget([after])
        follow(self._context, [after])

    def conflicts(self, request: Request, record: Record | None) -> tuple[Problem, ...]:
        """Return what happened to the record since, in the request's fields or as a whole."""
        if request.action == "create":
            return () if record is None else (Problem("record_exists"),)
        if record is None:
            return (Problem("record_gone"),)
        found = []
        merging = request.action == "merge"
        if record.archived_at is not None and (merging or "archived_at" not in request.patch):
            found.append(Problem("record_merged" if self.was_merged(record) else "record_archived"))
        going = request.action == "delete" or (merging and request.patch["archived_at"] is not CLEAR)
        if going and record.updated_at > request.proposed_at:
            found.append(Problem("changed_since"))
        own = stripped(self._context, record)
        found += [Problem("changed_since", key) for key, value in request.base.items() if current(own, key) != value]
        return tuple(found)

    def was_merged(self, record: Record) -> bool:
        """Tell whether a record is in the archive because it went into another one."""
        known, history = self._records, self._context.unit.history
        changes = history.of_record(record.module, record.id) if known is None else known.history(record)
        moves = [change.action for change in changes if any(item.field == "archived_at" for item in change.fields)]
        return moves[-1:] == ["merge"]

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
        problems = [*found, *without_hidden(self._context, before, after, request.patch, problems)]
        problems += leavers(self._context, before, after, request.patch)
        problems += lost_references(self._context, before, after, request.patch)
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
                yield Problem("approval_missing", params={"flow": Translated.named(flow.label, key, language)})

    def _plain(self, record: Record, keys: Collection[FieldKey]) -> Record:
        """Return the record with its sealed values of `keys` in the open, so that the rules on them run."""
        values: dict[FieldKey, Any] = dict(record.values)
        for key, value in values.items():
            if type(value) is Sealed and key in keys:
                # What nobody can open stays sealed, and rules pass it by: it kept them when it was submitted.
                with suppress(CustinfoError):
                    values[key] = self._context.sealer.unseal(record, key, value)
        return attrs.evolve(record, values=FrozenDict(values))

    def _change(self, request: Request, before: Record | None, after: Record) -> Change:
        actions: dict[GatedAction, ChangeAction] = {
            "create": "create",
            "transfer": "transfer",
            "archive": "archive",
            "delete": "delete",
            "merge": "merge",
        }
        return Change(
            after.module,
            after.id,
            after.version,
            after.updated_at,
            request.author,
            actions.get(request.action, "update"),
            changes_written(before, after, request.patch),
            "approval",
            request.reason,
            request.submitted_by if request.author != request.submitted_by else None,
            request.id,
            request.batch,
            self._context.schema.configuration.version,
        )


def part_of(request: Request, item: Item) -> Request:
    """Return the part of a request for many that is about one of them."""
    action = item.action or request.action
    values = {"patch": item.patch, "base": item.base}
    return request.after({"record_id": item.record_id, "action": action, **values, "items": ()})


def current(record: Record, key: FieldKey) -> Any:
    """Return a value as the history names it."""
    if key == "tags":
        return tuple(sorted(record.tags))
    if key in ("owner", "department", "archived_at"):
        return getattr(record, key)
    return record.values.get(key)

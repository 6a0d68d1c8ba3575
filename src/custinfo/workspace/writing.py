"""The write path: normalise → authorise → validate → gate → commit with history. Every change goes through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from custinfo.core.approval.requests import Request
from custinfo.core.errors import (
    CustinfoError,
    FieldReservedError,
    InvalidInputError,
    PermissionDeniedError,
    StaleVersionError,
)
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, ChangeAction, Channel, changes_between
from custinfo.core.policy.access import Verdict
from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.records import (
    ANY,
    CLEAR,
    FieldKey,
    MemberKey,
    ModuleKey,
    Record,
    RecordId,
    Sealed,
    Tag,
    Version,
)
from custinfo.workspace.context import Context
from custinfo.workspace.gating import ApprovalPath, Gate
from custinfo.workspace.reading import not_found
from custinfo.workspace.uniqueness import UniqueCheck

__all__ = ["Draft", "Prepared", "WritePath"]

_NEEDED: Mapping[ChangeAction, Action] = {
    "create": "create",
    "update": "edit",
    "revert": "edit",
    "archive": "archive",
    "restore": "archive",
    "transfer": "transfer",
    "tag": "tag",
}


@attrs.frozen
class Draft:
    """A change as somebody asks for it.

    `raw` are raw values by field name. `tags` replaces all tags where it is not `None`. `owner` is the raw new owner.
    `version` is what the asker read, or `ANY`; it plays no part on creation. With `typed`, `raw` has keys and typed
    values, also of fields that are retired by now, and `found` is what was found when they were made typed.
    """

    action: ChangeAction
    module: ModuleKey
    record_id: RecordId | None = None
    raw: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    tags: frozenset[Tag] | None = attrs.field(default=None, repr=False)
    version: Version = ANY
    reason: str | None = attrs.field(default=None, repr=False)
    typed: bool = False
    found: tuple[Problem, ...] = ()


@attrs.define
class Prepared:
    """A draft on its way: what it comes to, and what stops it.

    `after` has plain values until it is sealed. `error` is what to raise for it; then nothing of it is saved.
    """

    draft: Draft
    before: Record | None
    after: Record | None = None
    patch: Mapping[FieldKey, Any] = attrs.field(factory=dict)
    problems: list[Problem] = attrs.field(factory=list)
    error: CustinfoError | None = None
    path: ApprovalPath | None = None
    request: Request | None = None

    @property
    def changed(self) -> bool:
        """Whether anything would be different."""
        return self.before is None or (self.after is not None and self.after.version != self.before.version)

    @property
    def notices(self) -> list[Problem]:
        """What the library noticed or changed without stopping the draft."""
        return [problem for problem in self.problems if problem.severity != "error"]


@attrs.frozen
class WritePath:
    """Carry drafts out for one session.

    `channel`, `batch`, `approval` and `on_behalf_of` go into the history; `gated` is switched off only where an
    approval is being applied or an import is being undone.
    """

    context: Context
    channel: Channel = "edit"
    batch: str | None = None
    approval: str | None = None
    on_behalf_of: MemberKey | None = None
    gated: bool = True
    authorised: bool = True

    # --- one draft

    def write(self, draft: Draft) -> Prepared:
        """Carry out one draft. Raises: what stops it; nothing is saved then."""
        prepared = self.prepare([draft])[0]
        if prepared.error is not None:
            raise prepared.error
        with self.context.unit.atomic():
            self.commit([prepared])
        return prepared

    # --- many drafts

    def prepare(self, drafts: Sequence[Draft]) -> list[Prepared]:
        """Return what each draft comes to; writes nothing. Records are loaded, and clashes looked up, in batches."""
        before = self._load(drafts)
        batch = [self._prepare_one(draft, before) for draft in drafts]
        going = [prepared for prepared in batch if prepared.error is None and prepared.after is not None]
        self.context.related.prefetch(prepared.after for prepared in going if prepared.after is not None)
        for prepared in going:
            self._authorise(prepared)
        UniqueCheck(self.context).run(
            (prepared.before, prepared.after, prepared.problems)
            for prepared in going
            if prepared.error is None and prepared.after is not None
        )
        for prepared in going:
            if prepared.error is None:
                self._validate(prepared)
        self._gate([prepared for prepared in going if prepared.error is None and prepared.changed])
        return batch

    def commit(self, batch: Iterable[Prepared]) -> None:
        """Save what was prepared, with history, and submit the requests. Raises: ConflictError; call it in `atomic`."""
        now = self.context.now()
        records: list[Record] = []
        changes: list[Change] = []
        for prepared in batch:
            if prepared.error is not None or prepared.after is None or not prepared.changed:
                continue
            after = prepared.after = self._finished(prepared.after, now)
            if prepared.path is not None:
                prepared.request = self._submit(prepared, after, prepared.path)
                continue
            records.append(after)
            changes.append(self._change(prepared, after, now))
        if records:
            self.context.unit.records.save(records)
            self.context.unit.history.append(changes)
            self.context.related.forget(records)

    def _submit(self, prepared: Prepared, after: Record, path: ApprovalPath) -> Request:
        request = path.request(self.context, prepared.before, after, prepared.draft.reason, self.batch)
        self.context.unit.approvals.save(request)
        return request

    def _change(self, prepared: Prepared, after: Record, now: datetime) -> Change:
        return Change(
            after.module,
            after.id,
            after.version,
            now,
            self.context.actor,
            prepared.draft.action,
            changes_between(prepared.before, after),
            self.channel,
            prepared.draft.reason,
            self.on_behalf_of,
            self.approval,
            self.batch,
            self.context.schema.configuration.version,
        )

    def _finished(self, after: Record, now: datetime) -> Record:
        """Return the record as it is saved: with its id, its times, and every encrypted field sealed."""
        record_id = after.id or RecordId(self.context.ids())
        fields = self.context.module(after.module).definition.fields
        sealed = {
            key: self.context.seal(fields[key], record_id, after.module, value)
            for key, value in after.values.items()
            if key in fields and fields[key].encrypted and type(value) is not Sealed
        }
        values = after.values.merged(sealed) if sealed else after.values
        created_at = now if after.version == 1 else after.created_at
        return attrs.evolve(after, id=record_id, values=values, created_at=created_at, updated_at=now)

    # --- normalise

    def _load(self, drafts: Sequence[Draft]) -> dict[tuple[ModuleKey, RecordId], Record]:
        wanted: dict[ModuleKey, set[RecordId]] = {}
        for draft in drafts:
            if draft.record_id is not None:
                wanted.setdefault(draft.module, set()).add(draft.record_id)
        return {
            (module, key): record
            for module, keys in wanted.items()
            for key, record in self.context.unit.records.get(module, keys).items()
        }

    def _prepare_one(self, draft: Draft, stored: Mapping[tuple[ModuleKey, RecordId], Record]) -> Prepared:
        before = None
        try:
            if draft.record_id is not None:
                before = self._target(draft, stored.get((draft.module, draft.record_id)))
            prepared = Prepared(draft, before)
            self._normalise(prepared)
        except CustinfoError as error:
            return Prepared(draft, before, error=error)
        return prepared

    def _target(self, draft: Draft, record: Record | None) -> Record:
        """Return the record that a draft is about, if the actor may know of it and read the version."""
        if record is None:
            raise not_found(draft.module)
        if self.authorised:
            actions = self.context.verdict(record).actions
            if actions.isdisjoint({"view", _NEEDED[draft.action]} if draft.action in _NEEDED else {"view"}):
                raise not_found(draft.module)
        if draft.version is not ANY and draft.version != record.version:
            versions = {"expected": draft.version, "actual": record.version}
            raise StaleVersionError([Problem("stale_version", params=versions)])
        if draft.action == "restore":
            if record.archived_at is None:
                raise InvalidInputError([Problem("not_archived")])
        elif record.archived_at is not None:
            raise InvalidInputError([Problem("already_archived" if draft.action == "archive" else "archived")])
        return record

    def _normalise(self, prepared: Prepared) -> None:
        """Turn raw values into the record as it would be after the draft."""
        draft, before = prepared.draft, prepared.before
        patch: Mapping[FieldKey, Any] = draft.raw
        prepared.problems = list(draft.found)
        if not draft.typed:
            validator = self.context.validator(draft.module)
            found = validator.normalise(draft.raw, before.values if before is not None else None)
            prepared.problems, patch = found.problems, found.patch
        prepared.patch = self._changing(before, patch)
        self._require_keyring(prepared)
        prepared.after = self._created(prepared) if before is None else self._changed(before, prepared)

    def _changing(self, before: Record | None, patch: Mapping[FieldKey, Any]) -> dict[FieldKey, Any]:
        """Return the part of a patch that changes something; sealed values are compared by what they hold.

        A value that the actor may not read always counts as changed: that nothing changed would confirm a guess.
        """
        if before is None:
            return {key: value for key, value in patch.items() if value is not CLEAR}
        changing = {}
        readable = self.context.verdict(before).readable if self.authorised else None
        for key, value in patch.items():
            if readable is not None and key not in readable:
                changing[key] = value
                continue
            old = before.owner if key == "owner" else before.values.get(key)
            if type(old) is Sealed and value is not CLEAR:
                old = self._opened(before, key, old)
            if old != (None if value is CLEAR else value):
                changing[key] = value
        return changing

    def _opened(self, record: Record, key: FieldKey, sealed: Sealed) -> Any:
        try:
            return self.context.unseal(record.id, record.module, key, sealed)
        except InvalidInputError:
            return sealed

    def _require_keyring(self, prepared: Prepared) -> None:
        fields = self.context.module(prepared.draft.module).definition.fields
        if self.context.keyring is not None:
            return
        missing = [
            Problem("keyring_missing", key)
            for key, value in prepared.patch.items()
            if key in fields and fields[key].encrypted and value is not CLEAR
        ]
        if missing:
            raise InvalidInputError([*missing, *(item for item in prepared.problems if item.severity == "error")])

    def _created(self, prepared: Prepared) -> Record:
        draft = prepared.draft
        values = {**self.context.validator(draft.module).defaults, **prepared.patch}
        owner = values.pop("owner", self.context.actor)
        now = self.context.now()
        return Record(
            id=RecordId(""),
            module=draft.module,
            values=FrozenDict(values),
            tags=draft.tags or frozenset(),
            owner=owner,
            department=self._department(owner),
            version=1,
            created_at=now,
            updated_at=now,
            created_by=self.context.actor,
        )

    def _changed(self, before: Record, prepared: Prepared) -> Record:
        draft = prepared.draft
        patch = {key: value for key, value in prepared.patch.items() if key != "owner"}
        now = self.context.now()
        after = before
        if patch:
            after = attrs.evolve(after, values=before.patched(patch))
        if "owner" in prepared.patch:
            owner = prepared.patch["owner"]
            after = attrs.evolve(after, owner=owner, department=self._department(owner))
        if draft.tags is not None and draft.tags != before.tags:
            after = attrs.evolve(after, tags=draft.tags)
        if draft.action in ("archive", "restore"):
            after = attrs.evolve(after, archived_at=now if draft.action == "archive" else None)
        return after if after is before else attrs.evolve(after, version=before.version + 1, updated_at=now)

    def _department(self, owner: MemberKey | None) -> str | None:
        member = self.context.schema.directory.member(owner) if owner else None
        return member.department if member is not None else None

    # --- authorise

    def _authorise(self, prepared: Prepared) -> None:
        """Refuse what no grant allows, before and after the change."""
        if not self.authorised or prepared.after is None:
            return
        access = self.context.access(prepared.draft.module)
        refusals = self._refusals(prepared, access.verdict(prepared.before or prepared.after, self.context.related))
        if not refusals and prepared.before is not None and prepared.before.owner != prepared.after.owner:
            verdict = access.verdict(prepared.after, self.context.related)
            if "transfer" not in verdict.actions:
                refusals = [self._refusal("transfer", prepared.draft.module)]
        if refusals:
            prepared.error = PermissionDeniedError(refusals)

    def _refusals(self, prepared: Prepared, verdict: Verdict) -> list[Problem]:
        draft, before = prepared.draft, prepared.before
        action = _NEEDED[draft.action]
        if action not in verdict.actions:
            return [self._refusal(action, draft.module)]
        writable = verdict.creatable if before is None else verdict.editable
        refusals = []
        for key in prepared.patch if action in ("create", "edit") else ():
            if key == "owner" and before is not None:
                if "transfer" not in verdict.actions:
                    refusals.append(self._refusal("transfer", draft.module))
            elif key not in writable and not (key == "owner" and prepared.patch[key] == self.context.actor):
                refusals.append(Problem("field_not_editable", key))
        changes_tags = draft.tags is not None and draft.tags != (before.tags if before else frozenset())
        if changes_tags and "tag" not in verdict.actions:
            refusals.append(self._refusal("tag", draft.module))
        return refusals

    def _refusal(self, action: Action, module: ModuleKey) -> Problem:
        params = {"action": action, "module": module}
        if self.context.access(module).may(action):
            return Problem("scope_denied", params={**params, "clause": "scope"})
        return Problem("action_denied", params=params)

    # --- validate

    def _validate(self, prepared: Prepared) -> None:
        """Check the state after the change and the references in it."""
        after, before = prepared.after, prepared.before
        if after is None:
            return
        changed = None if before is None else frozenset(prepared.patch)
        failed = {problem.field for problem in prepared.problems if problem.severity == "error"}
        found = self.context.validator(after.module).check(after, changed, self.context.related)
        prepared.problems += [problem for problem in found if problem.field not in failed]
        prepared.problems += self._reference_problems(after, changed)
        errors = [problem for problem in prepared.problems if problem.severity == "error"]
        if errors:
            prepared.error = InvalidInputError(errors)

    def _reference_problems(self, after: Record, changed: frozenset[FieldKey] | None) -> list[Problem]:
        """Refuse references to what does not exist or what the actor can't see: the answer is the same."""
        problems = []
        for key, field in self.context.module(after.module).definition.fields.items():
            if field.kind != "reference" or key not in after.values or (changed is not None and key not in changed):
                continue
            target = self.context.related(after, key)
            seen = target is not None and (not self.authorised or "view" in self.context.verdict(target).actions)
            if not seen:
                problems.append(Problem("unknown_reference", key, params={"module": str(field.options["module"])}))
        return problems

    # --- gate

    def _gate(self, batch: Sequence[Prepared]) -> None:
        """Refuse what touches reserved fields, and turn what needs approval into requests."""
        if not self.gated or not batch:
            return
        gate = Gate(self.context)
        reserved = gate.reservations([item.before for item in batch if item.before is not None])
        for prepared in batch:
            before, after = prepared.before, prepared.after
            if after is None:
                continue
            touched = [item.field for item in changes_between(before, after) if item.field != "created_by"]
            blockers = reserved.get(after.id, {})
            held = [key for key in touched if key in blockers]
            if held:
                prepared.error = FieldReservedError(
                    [Problem("field_reserved", key, params={"request_id": blockers[key]}) for key in held]
                )
                continue
            try:
                prepared.path = gate.path(before, after, touched)
            except CustinfoError as error:
                prepared.error = error

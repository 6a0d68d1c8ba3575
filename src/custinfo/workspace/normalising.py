"""First stage of the write path: raw values become the record as it would be after the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from custinfo.core.errors import CustinfoError, InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds.masks import looks_masked
from custinfo.core.policy.access import Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Masked, MemberKey, ModuleKey, Record, RecordId, Sealed, Tag
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import NEEDED, Draft, Prepared
from custinfo.workspace.histories import LastAuthors
from custinfo.workspace.mistakes import storable
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.referring import ReferenceReader
from custinfo.workspace.sealing import sealed_keys
from custinfo.workspace.sharing import asks_for_shares
from custinfo.workspace.tagging import asks_for_tags

__all__ = ["NO_RECORDS", "Normaliser"]

NO_RECORDS: Final[FrozenDict[RecordId, Record]] = FrozenDict()
_NO_TAGS: Final[frozenset[Tag]] = frozenset()

Stored = Mapping[tuple[ModuleKey, RecordId], Record]


class Normaliser:
    """Turn drafts into prepared changes; loads the records that they are about in one go."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._authors = LastAuthors(context.unit, ())

    def run(self, drafts: Sequence[Draft], known: Mapping[RecordId, Record] = NO_RECORDS) -> list[Prepared]:
        """Return what each draft comes to; what makes it impossible stands in its `error`. `known` are read already."""
        stored = self._load(drafts, known)
        self._authors = LastAuthors(self._context.unit, stored.values())
        self._unwrap_ahead(drafts, stored)
        now = self._context.now()
        return [self._one(draft, stored, now) for draft in drafts]

    def _unwrap_ahead(self, drafts: Sequence[Draft], stored: Stored) -> None:
        """Tell the keyring of values that are opened next: to be compared with new ones, and for rules on the whole."""
        if not self._context.sealer.unwraps_ahead or len(stored) < 2:
            return
        opening: list[tuple[Record, list[FieldKey]]] = []
        for draft in drafts:
            record = stored.get((draft.module, draft.record_id)) if draft.record_id is not None else None
            if record is not None:
                named = (self._context.module(draft.module).resolve(str(name)) for name in draft.raw)
                written = [key for key in named if key is not None]
                keys = dict.fromkeys([*written, *self._context.verdict(record).readable])
                opening.append((record, sealed_keys(record, keys)))
        self._context.sealer.unwrap_ahead(opening)

    def _load(self, drafts: Sequence[Draft], known: Mapping[RecordId, Record]) -> Stored:
        wanted: dict[ModuleKey, set[RecordId]] = {}
        stored: dict[tuple[ModuleKey, RecordId], Record] = {}
        for draft in drafts:
            record = known.get(draft.record_id) if draft.record_id is not None else None
            if record is not None and record.module == draft.module:
                stored[record.module, record.id] = record
            elif draft.record_id is not None:
                wanted.setdefault(draft.module, set()).add(draft.record_id)
        for module, keys in wanted.items():
            found = self._context.unit.records.get(module, keys)
            stored.update(((module, key), record) for key, record in found.items())
        return stored

    def _one(self, draft: Draft, stored: Stored, now: datetime) -> Prepared:
        prepared = Prepared(draft, None, problems=list(draft.found))
        try:
            storable("reason", draft.reason)
            if draft.record_id is not None:
                prepared.before = self._target(draft, stored.get((draft.module, draft.record_id)))
            self._normalise(prepared, now)
        except CustinfoError as error:
            prepared.error = error
        return prepared

    def _target(self, draft: Draft, record: Record | None) -> Record:
        """Return the record that a draft is about, if the actor may know of it and read its present version."""
        if record is None:
            raise self._context.missing(draft.module)
        if self._context.verdict(record).actions.isdisjoint({"view", NEEDED[draft.action]}):
            raise self._context.missing(draft.module)
        self._context.versions.require_current(draft.version, record)
        if draft.action == "claim" and record.owner is not None:
            raise InvalidInputError([Problem("already_claimed", "owner")])
        if draft.action == "restore":
            if record.archived_at is None:
                raise InvalidInputError([Problem("not_archived")])
        elif record.archived_at is not None and draft.action != "delete":
            raise InvalidInputError([Problem("already_archived" if draft.action == "archive" else "archived")])
        return record

    def _normalise(self, prepared: Prepared, now: datetime) -> None:
        draft, before = prepared.draft, prepared.before
        patch: Mapping[FieldKey, Any] = draft.raw
        if not draft.typed:
            validator = self._context.validator(draft.module)
            [(raw, problems)] = ReferenceReader(self._context, draft.module).read([draft.raw])
            found = validator.normalise(raw, before.values if before is not None else None)
            prepared.problems += [*found.problems, *problems]
            patch = found.patch
        patch = self._without_derived(prepared, patch)
        if before is None:
            prepared.patch = {key: value for key, value in patch.items() if value is not CLEAR}
        else:
            prepared.patch = self._changing(before, patch)
        after = self._created(prepared, now) if before is None else self._changed(before, prepared, now)
        if before is not None and after is not before:
            after = self._moved(before, after, now)
        if self._context.keyring is None:
            self._refuse_encrypted(prepared, after)
        if not draft.typed:
            self._refuse_masks(prepared, after)
        prepared.after = after

    def _refuse_masks(self, prepared: Prepared, after: Record) -> None:
        """Refuse text that is a mask, typed by somebody who may not read the field: it is no value."""
        texts = {name: value for name, value in prepared.draft.raw.items() if isinstance(value, str)}
        verdict = self._context.verdict(prepared.before or after)
        if not verdict.masked and not any(looks_masked(text, "full") for text in texts.values()):
            return
        module = self._context.module(after.module)
        named = {module.resolve(str(name)): value for name, value in texts.items()}
        unread = module.definition.fields.keys() - verdict.readable
        keys = {key for key in unread & named.keys() if self._is_mask(prepared.before, key, named[key], verdict)}
        prepared.problems = [problem for problem in prepared.problems if problem.field not in keys]
        prepared.problems += [Problem("masked_value", key) for key in sorted(keys)]

    def _is_mask(self, before: Record | None, key: FieldKey, text: str, verdict: Verdict) -> bool:
        """Tell whether a text looks like a mask, or is the one that the record shows."""
        if looks_masked(text, verdict.masked.get(key, "full")):
            return True
        value = None if before is None else before.values.get(key)
        if before is None or value is None or key not in verdict.masked:
            return False
        shown = ReadPath(self._context).reveal(before, key, value, verdict)
        return isinstance(shown, Masked) and shown.text.strip() == text.strip()

    def _without_derived(self, prepared: Prepared, patch: Mapping[FieldKey, Any]) -> Mapping[FieldKey, Any]:
        """Return a patch without the fields that a formula or a rule decides; writing them is refused."""
        fields = self._context.compiled.derivation(prepared.draft.module).fields
        mine = [key for key in patch if key in fields]
        if not mine:
            return patch
        if not prepared.draft.typed:
            prepared.problems += [Problem("read_only_field", key) for key in mine]
        return {key: value for key, value in patch.items() if key not in fields}

    def _changing(self, before: Record, patch: Mapping[FieldKey, Any]) -> dict[FieldKey, Any]:
        """Return the part of a patch that changes something; sealed values are compared by what they hold.

        A value that the actor may not read always counts as changed: that nothing changed would confirm a guess.
        What they wrote themselves they know, so that the same import again changes nothing.
        """
        changing = {}
        readable = self._context.verdict(before).readable
        for key, value in patch.items():
            old = before.owner if key == "owner" else before.values.get(key)
            if type(old) is Sealed and value is not CLEAR:
                old = self._opened(before, key, old)
            told = key in readable or self._authors.of(before, key) == self._context.author
            if not told or old != (None if value is CLEAR else value):
                changing[key] = value
        return changing

    def _opened(self, record: Record, key: FieldKey, sealed: Sealed) -> Any:
        try:
            return self._context.sealer.unseal(record, key, sealed)
        except InvalidInputError:
            return sealed

    def _refuse_encrypted(self, prepared: Prepared, after: Record) -> None:
        """Refuse values that would have to be sealed: of the patch, and defaults."""
        missing = [
            Problem("keyring_missing", field.key)
            for field in self._context.module(after.module).encrypted_fields
            if field.key in after.values and type(after.values[field.key]) is not Sealed
        ]
        if missing:
            raise InvalidInputError([*missing, *prepared.errors])

    def _created(self, prepared: Prepared, now: datetime) -> Record:
        draft = prepared.draft
        values = {**self._context.validator(draft.module).defaults_at(now), **prepared.patch}
        owner = values.pop("owner", self._context.actor)
        return Record(
            id=RecordId(""),
            module=draft.module,
            values=FrozenDict(values),
            tags=draft.tags or _NO_TAGS,
            owner=owner,
            department=self._department(owner),
            version=1,
            created_at=now,
            updated_at=now,
            created_by=self._context.actor,
        )

    def _changed(self, before: Record, prepared: Prepared, now: datetime) -> Record:
        draft = prepared.draft
        changes: dict[str, Any] = {}
        patch = {key: value for key, value in prepared.patch.items() if key != "owner"}
        if patch:
            changes["values"] = before.patched(patch)
        if "owner" in prepared.patch:
            owner = prepared.patch["owner"]
            # What is nobody's stays with the department that had it: its pool.
            changes |= {"owner": None} if owner is CLEAR else {"owner": owner, "department": self._department(owner)}
        if draft.tags is not None and asks_for_tags(self._context, before, draft.tags):
            changes["tags"] = draft.tags
        if asks_for_shares(self._context, before, draft.shares):
            changes["shares"] = draft.shares
        if draft.puts_away or draft.action == "restore":
            changes["archived_at"] = now if draft.puts_away else None
        return attrs.evolve(before, **changes, version=before.version + 1, updated_at=now) if changes else before

    def _moved(self, before: Record, after: Record, now: datetime) -> Record:
        """Return the record with what the configuration sets as its status moves; that needs no permission."""
        defaults = self._context.validator(after.module).move_defaults(before, after, self._context.related, now)
        return attrs.evolve(after, values=after.values.merged(defaults)) if defaults else after

    def _department(self, owner: MemberKey | None) -> str | None:
        member = self._context.schema.directory.member(owner) if owner else None
        return member.department if member is not None else None

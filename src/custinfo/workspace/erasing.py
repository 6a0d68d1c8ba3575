"""Erasing a person: values vanish wherever the store has them, and the history still proves itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import attrs

from custinfo.core.approval.machine import Command
from custinfo.core.approval.requests import Request
from custinfo.core.erasure import ErasedField, ErasureCertificate
from custinfo.core.errors import (
    ConfigurationError,
    FieldReservedError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, Channel, FieldChange, changes_between
from custinfo.core.offers import offered
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import ANY, ERASED, FieldKey, MemberKey, ModuleKey, Record, RecordId, Version
from custinfo.ports import Purging
from custinfo.workspace.authorising import refusal
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import derived, follow
from custinfo.workspace.erasing_requests import has_erased, without_values
from custinfo.workspace.gating import Gate
from custinfo.workspace.keeping_requests import carry_out, held_requests, keep
from custinfo.workspace.mistakes import storable
from custinfo.workspace.past import Past, deleted_record
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.rotation import rewriting_of
from custinfo.workspace.versions import require_current

__all__ = ["Eraser", "Requests"]

Requests = Literal["refuse", "close"]
"""What becomes of open requests that hold a field."""


@attrs.frozen
class Eraser:
    """Erase values of records for one session."""

    context: Context
    channel: Channel = "edit"

    def erase(
        self,
        module: ModuleKey,
        record_id: str,
        names: Sequence[str] | None,
        reason: str,
        version: Version = ANY,
        requests: Requests = "refuse",
    ) -> ErasureCertificate | Request:
        """Erase values of a record, or submit the request that a flow asks for."""
        record, keys = self._allowed(module, record_id, names, reason)
        require_current(version, record)
        with self.context.atomic():
            self.context.hold_configuration()
            self._settle(record, keys, requests)
            path = Gate(self.context).erasure(record, keys)
            if path is not None:
                after = attrs.evolve(record, values=record.values.without(*keys))
                request = path.request(self.context, record, after, keys, reason, None)
                keep(self.context, None, request, ("submitted",))
                return request
            return self.apply(record, keys, reason, self.context.author)

    def foresee(self, module: ModuleKey, record_id: str, names: Sequence[str], reason: str) -> bool:
        """Return whether a flow gates an erasure; nothing is written. Raises: as `erase` would."""
        record, keys = self._allowed(module, record_id, names, reason)
        self._settle(record, keys, "refuse")
        if Gate(self.context).erasure(record, keys) is not None:
            return True
        self._require_key(record)
        return False

    def apply(
        self, record: Record, keys: Collection[FieldKey], reason: str, actor: MemberKey, approval: str | None = None
    ) -> ErasureCertificate:
        """Erase values for good: in the record, its history and the requests about it. Call it in `atomic`."""
        context, erased = self.context, frozenset(keys) & self._held(record).keys()
        self._require_key(record)
        self._rewrite_requests(record, erased)  # requests, record, changes: in this order everybody holds them
        kept = record.id in context.unit.records.get(record.module, [record.id])
        after = self._without(record, erased, kept=kept)
        present = tuple(FieldChange(key, ERASED, None) for key in sorted(erased))
        others = tuple(item for item in changes_between(record, after) if item.field not in erased)
        version = context.schema.configuration.version
        change = Change(
            record.module, record.id, after.version, after.updated_at, actor, "erase", (*present, *others),
            self.channel if approval is None else "approval", reason,
            self.context.on_behalf_of if approval is None else None, approval, None, version,
        )  # fmt: skip
        if kept:
            context.unit.records.save([after])
        self._rewrite_history(record, erased)
        context.remember([change])
        if kept:
            context.related.forget([after])
            follow(context, [after])
        purging = offered(rewriting_of(context.unit), Purging)
        if purging is not None:
            purging.purge()
        return self.certificate(record, after.version, erased)

    def certificate(self, before: Record, version: int, keys: Iterable[FieldKey]) -> ErasureCertificate:
        """Return what the store says of an erasure."""
        context = self.context
        history = context.unit.history.of_record(before.module, before.id)
        [change] = [item for item in history if item.version == version]
        requests = rewriting_of(context.unit).requests_of(before.module, before.id)
        definition = context.module(before.module).definition.fields
        fields = []
        for key in sorted(keys):
            changes = sum(_has_erased(item.fields, key) for item in history if item.version < version)
            held = sum(has_erased(request, before, key) for request in requests)
            labels = FrozenDict(definition[key].label)
            fields.append(ErasedField(key, labels, changes, held, definition[key].encrypted))
        return ErasureCertificate(
            before.module, before.id, version, change.at, change.actor, change.reason or "", tuple(fields),
            change.approval, change.evidence,
        )  # fmt: skip

    def certificates(self, module: ModuleKey, record_id: str) -> tuple[ErasureCertificate, ...]:
        """Return the certificates of a record, oldest first, of the fields that the actor may erase, or see.

        One that certifies nothing of these is left out.
        """
        record, verdict = self._reached(module, record_id)
        if "erase" not in verdict.actions:
            raise PermissionDeniedError([refusal(self.context, "erase", module)])
        history = self.context.unit.history.of_record(module, record.id)
        seen = verdict.readable | verdict.masked.keys()
        told = self._erasable(module, verdict) | (seen & self._fields(module).keys())
        found = []
        for change in history:
            keys = [item.field for item in change.fields if item.old is ERASED and item.field in told]
            if change.action == "erase" and keys:
                found.append(self.certificate(record, change.version, keys))
        return tuple(found)

    # --- who may, and what stands in the way

    def _reached(self, module: ModuleKey, record_id: str) -> tuple[Record, Verdict]:
        """Return a record, or what a deleted one was last, and what the actor may do with it. Raises: NotFoundError."""
        try:
            return ReadPath(self.context).record(module, record_id, "view", "erase")
        except NotFoundError:
            found = deleted_record(self.context, module, RecordId(str(record_id)))
            verdict = NO_ACCESS if found is None else self.context.verdict(found)
            if found is None or verdict.actions.isdisjoint(("view", "erase")):
                raise
        return found, verdict

    def _allowed(
        self, module: ModuleKey, record_id: str, names: Sequence[str] | None, reason: str
    ) -> tuple[Record, tuple[FieldKey, ...]]:
        record, verdict = self._reached(module, record_id)
        if not reason.strip():
            raise InvalidInputError([Problem("required", "reason")])
        storable("reason", reason)
        if "erase" not in verdict.actions:
            raise PermissionDeniedError([refusal(self.context, "erase", module)])
        past, erasable = Past(self.context), self._erasable(module, verdict)
        every = self._fields(module)
        keys = tuple(every) if names is None else tuple(dict.fromkeys(past.field_key(module, name) for name in names))
        denied = [key for key in keys if key not in erasable]
        if denied:
            raise PermissionDeniedError([Problem("field_not_editable", key) for key in denied])
        return record, keys

    def _fields(self, module: ModuleKey) -> Mapping[FieldKey, FieldDefinition]:
        return self.context.module(module).definition.fields

    def _erasable(self, module: ModuleKey, verdict: Verdict) -> frozenset[FieldKey]:
        """Return the fields that the actor may erase: those that they may edit, and those that follow from others."""
        derived_fields = self.context.compiled.derivation(module).fields
        return (verdict.editable | derived_fields) & self._fields(module).keys()

    def _held(self, record: Record) -> dict[FieldKey, None]:
        """Return the fields that the module defines and that have or had a value."""
        fields = self._fields(record.module)
        history = self.context.unit.history.of_record(record.module, record.id)
        found = dict.fromkeys(item.field for change in history for item in change.fields)
        return dict.fromkeys(key for key in (*found, *record.values) if key in fields)

    def _settle(self, record: Record, keys: Collection[FieldKey], requests: Requests) -> None:
        """Close the open requests that hold one of the fields, or refuse because of them."""
        context = self.context
        found = [request.id for request in context.unit.approvals.open_for(record.module, [record.id])]
        for request in held_requests(context.unit, found).values():
            held = sorted(field for owner, field in request.reservations() if owner == record.id and field in keys)
            if not held:
                continue
            if requests == "refuse":
                params = {"request_id": request.id}
                raise FieldReservedError([Problem("field_reserved", key, params=params) for key in held])
            ended, events = carry_out(context, request, Command("cancel"))
            keep(context, request, ended, events)

    def _require_key(self, record: Record) -> None:
        """Refuse to erase what is proven without the key that proves the erasure. Raises: ConfigurationError."""
        history = self.context.unit.history.of_record(record.module, record.id)
        if self.context.prover_under(self.context.compiled) is None and any(item.evidence for item in history):
            raise ConfigurationError([Problem("evidence_key_missing")])

    # --- what is written anew

    def _without(self, record: Record, keys: frozenset[FieldKey], *, kept: bool) -> Record:
        """Return the record without the values; one that is `kept` is archived if it lacks a required one by that."""
        if not kept:
            bare = attrs.evolve(record, values=record.values.without(*keys))
            return attrs.evolve(bare, version=record.version + 1, updated_at=self.context.now())
        fields = self.context.module(record.module).definition.fields
        now = self.context.now()
        lacking = any(fields[key].required and key in record.values for key in keys)
        bare = attrs.evolve(
            record,
            values=record.values.without(*keys),
            data_keys=record.data_keys.without(*keys),
            archived_at=now if lacking and record.archived_at is None else record.archived_at,
        )
        return attrs.evolve(derived(self.context, bare), version=record.version + 1, updated_at=now)

    def _rewrite_history(self, record: Record, keys: frozenset[FieldKey]) -> None:
        context = self.context
        prover = context.prover_under(context.compiled)
        changed = []
        for change in rewriting_of(context.unit).held_changes([record.id]).get(record.id, ()):
            reason = change.reason if change.action == "erase" else None
            after = change.erased(keys, reason)
            if after != change:
                changed.append(
                    attrs.evolve(after, evidence=None) if prover is None else prover.rewritten(change, after)
                )
        rewriting_of(context.unit).changes(changed)

    def _rewrite_requests(self, record: Record, keys: frozenset[FieldKey]) -> None:
        rewriting = rewriting_of(self.context.unit)
        concerned = [request.id for request in rewriting.requests_of(record.module, record.id)]
        found = rewriting.held_requests(concerned).values()
        pairs = [(request, without_values(request, record, keys)) for request in found]
        rewriting.requests([after for before, after in pairs if after is not before])


def _has_erased(fields: Iterable[FieldChange], key: FieldKey) -> bool:
    return any(item.field == key and ERASED in (item.old, item.new) for item in fields)

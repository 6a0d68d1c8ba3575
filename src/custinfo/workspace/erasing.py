"""Erasing a person: values vanish wherever the store has them, and the history still proves itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

import attrs

from custinfo.core.approval.machine import Command
from custinfo.core.approval.requests import Request
from custinfo.core.erasure import ErasedField, ErasureCertificate
from custinfo.core.errors import (
    CustinfoError,
    FieldReservedError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Channel, FieldChange
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import ANY, ERASED, FieldKey, MemberKey, ModuleKey, Record, RecordId, Version
from custinfo.core.retention import told_reason
from custinfo.workspace.approval_paths import ApprovalPath
from custinfo.workspace.authorising import not_editable, refusal
from custinfo.workspace.context import Context
from custinfo.workspace.erasing_requests import has_erased
from custinfo.workspace.gating import Gate
from custinfo.workspace.histories import histories
from custinfo.workspace.keeping_requests import carry_out, held_requests, hold_as_read, keep
from custinfo.workspace.mistakes import storable
from custinfo.workspace.overwriting import Overwriter, require_key
from custinfo.workspace.past import Past, deleted_record
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.rotation import rewriting_of

__all__ = ["Eraser", "Requests"]

Requests = Literal["refuse", "close"]
"""What becomes of open requests that hold a field."""


_REFUSALS: Final = (InvalidInputError, PermissionDeniedError, FieldReservedError)
"""What stops the erasure of one record, and no other."""


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
        record, verdict = self._reached(module, record_id)
        keys = self._allowed(module, verdict, names, reason)
        self.context.versions.require_current(version, record)
        with self.context.atomic():
            self.context.hold_configuration()
            self._settle(record, keys, requests)
            path = Gate(self.context).erasure(record, keys)
            if path is not None:
                return self._submitted(path, record, keys, reason)
            return self.apply(record, keys, reason, self.context.author)

    def foresee(
        self, records: Sequence[Record], names: Sequence[str], reason: str
    ) -> list[ApprovalPath | CustinfoError | None]:
        """Return for each record of one module the approval that its erasure needs, or what refuses it, or `None`.

        Nothing is written; what it takes is read for all of them together. Raises: ConfigurationError.
        """
        context = self.context
        context.related.prefetch(records)
        found = context.unit.approvals.open_for(records[0].module, [record.id for record in records]) if records else ()
        held = held_requests(context.unit, [request.id for request in found]).values() if found else ()
        foreseen = [self._foreseen(record, names, reason, held) for record in records]
        direct = [record.id for record, one in zip(records, foreseen, strict=True) if one is None]
        if direct:
            require_key(context, histories(context.unit, records[0].module, direct))
        return foreseen

    def erase_all(
        self, records: Sequence[Record], names: Sequence[str], reason: str
    ) -> list[Request | CustinfoError | None]:
        """Erase values of records of one module as they were read: what refuses one does not stop the others.

        Those that need no approval are erased in one step, and none of them if that fails. Each that does has a request
        of its own, saved by itself, since somebody else's may be in its way.

        Returns: For each record the request that it waits for, or what refuses it, or `None` where it is erased.
        Raises: StaleVersionError; ConfigurationError; TypeError. Nothing is erased then.
        """
        context, outcomes, direct = self.context, list[Request | CustinfoError | None](), list[Record]()
        with context.atomic():
            context.hold_configuration()
            for record, one in zip(records, self.foresee(records, names, reason), strict=True):
                if isinstance(one, ApprovalPath):
                    keys = self._keys(record.module, names)
                    try:
                        with context.atomic():
                            outcomes.append(self._submitted(one, record, keys, reason))
                    except _REFUSALS as error:
                        outcomes.append(error)
                    continue
                outcomes.append(one)
                if one is None:
                    direct.append(record)
            if direct:
                keys = self._keys(direct[0].module, names)
                Overwriter(context, context.author, reason, self.channel).run(direct, keys)
        return outcomes

    def _foreseen(
        self, record: Record, names: Sequence[str], reason: str, held: Collection[Request]
    ) -> ApprovalPath | CustinfoError | None:
        try:
            keys = self._allowed(record.module, self.context.verdict(record), names, reason)
            for request in held:
                _refuse_reserved(self.context, request, record, keys)
            return Gate(self.context).erasure(record, keys)
        except _REFUSALS as error:
            return error

    def _submitted(self, path: ApprovalPath, record: Record, keys: Sequence[FieldKey], reason: str) -> Request:
        hold_as_read(self.context, (record,))
        after = attrs.evolve(record, values=record.values.without(*keys))
        request = path.request(self.context, record, after, keys, reason, None)
        keep(self.context, None, request, ("submitted",))
        return request

    def apply(
        self, record: Record, keys: Collection[FieldKey], reason: str, actor: MemberKey, approval: str | None = None
    ) -> ErasureCertificate:
        """Erase values for good: in the record, its history and the requests about it. Call it in `atomic`."""
        [done] = Overwriter(self.context, actor, reason, self.channel, approval).run([record], keys)
        return self.certificate(record, done.version, done.fields)

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
        configuration, known = context.schema.configuration, context.schema.directory.member(change.actor)
        return ErasureCertificate(
            before.module, before.id, version, change.at, change.actor,
            told_reason(change.reason, configuration.retention) or "", tuple(fields), change.approval, change.evidence,
            configuration.modules[before.module].label, None if known is None else known.name,
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
        self, module: ModuleKey, verdict: Verdict, names: Sequence[str] | None, reason: str
    ) -> tuple[FieldKey, ...]:
        """Return the fields that are to be erased. Raises: what refuses that."""
        if not reason.strip():
            raise InvalidInputError([Problem("required", "reason")])
        storable("reason", reason)
        if "erase" not in verdict.actions:
            raise PermissionDeniedError([refusal(self.context, "erase", module)])
        erasable = self._erasable(module, verdict)
        keys = tuple(self._fields(module)) if names is None else self._keys(module, names)
        denied = [key for key in keys if key not in erasable]
        if denied:
            raise PermissionDeniedError(map(self.context.module(module).labelled, map(not_editable, denied)))
        return keys

    def _keys(self, module: ModuleKey, names: Sequence[str]) -> tuple[FieldKey, ...]:
        past = Past(self.context)
        return tuple(dict.fromkeys(past.field_key(module, name) for name in names))

    def _fields(self, module: ModuleKey) -> Mapping[FieldKey, FieldDefinition]:
        return self.context.module(module).definition.fields

    def _erasable(self, module: ModuleKey, verdict: Verdict) -> frozenset[FieldKey]:
        """Return the fields that the actor may erase: those that they may edit, and those that follow from others."""
        derived_fields = self.context.compiled.derivation(module).fields
        return (verdict.editable | derived_fields) & self._fields(module).keys()

    def _settle(self, record: Record, keys: Collection[FieldKey], requests: Requests) -> None:
        """Close the open requests that hold one of the fields, or refuse because of them."""
        context = self.context
        found = [request.id for request in context.unit.approvals.open_for(record.module, [record.id])]
        for request in held_requests(context.unit, found).values():
            if requests == "refuse":
                _refuse_reserved(self.context, request, record, keys)
            if not _reserved(request, record, keys):
                continue
            ended, events = carry_out(context, request, Command("cancel"))
            keep(context, request, ended, events)


def _reserved(request: Request, record: Record, keys: Collection[FieldKey]) -> list[FieldKey]:
    """Return the fields among `keys` that a request holds of a record."""
    return sorted(field for owner, field in request.reservations() if owner == record.id and field in keys)


def _refuse_reserved(context: Context, request: Request, record: Record, keys: Collection[FieldKey]) -> None:
    held, label = _reserved(request, record, keys), context.module(record.module).labelled
    if held:
        params = {"request_id": request.id}
        raise FieldReservedError(label(Problem("field_reserved", key, params=params)) for key in held)


def _has_erased(fields: Iterable[FieldChange], key: FieldKey) -> bool:
    return any(item.field == key and ERASED in (item.old, item.new) for item in fields)

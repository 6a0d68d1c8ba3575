"""What a request proposes, through the write path again: drafts, changed patches, rebased and amended ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from custinfo.core.approval.requests import Proposal, Request
from custinfo.core.errors import CustinfoError, IllegalTransitionError, InvalidInputError, PermissionDeniedError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import ChangeAction
from custinfo.core.policy.access import NO_ACCESS
from custinfo.core.problems import Problem
from custinfo.core.records import ANY, CLEAR, FieldKey, ModuleKey, Record, RecordId, Sealed, Tag
from custinfo.workspace.applying import Applying, part_of
from custinfo.workspace.approval_paths import digest_of, drafted, proposed
from custinfo.workspace.authorising import authorise, not_editable
from custinfo.workspace.combining import Merger
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.keeping_requests import hold_as_read
from custinfo.workspace.normalising import Normaliser
from custinfo.workspace.sealing import NO_KEYS
from custinfo.workspace.writing import WritePath

__all__ = ["Proposals"]

_SYSTEM: Final = frozenset({"tags", "archived_at", "department", "created_by"})


@attrs.frozen
class Proposals:
    """Turn values into what is to be approved, for one session."""

    context: Context

    def drafted(
        self, module: ModuleKey, record_id: RecordId | None, values: Mapping[str, object], reason: str | None
    ) -> Request:
        """Return a draft that holds values; what is wrong with one of them is said, what is missing is not.

        Raises: NotFoundError, InvalidInputError, PermissionDeniedError.
        """
        context = self.context
        draft = Draft("update" if record_id else "create", module, record_id, values, reason=reason)
        [prepared] = Normaliser(context).run([draft])
        if prepared.error is not None:
            raise prepared.error
        if prepared.after is None or prepared.errors:
            raise InvalidInputError(prepared.errors)
        authorise(context, prepared)
        if prepared.error is not None:
            raise prepared.error
        hold_as_read(context, () if prepared.before is None else (prepared.before,))
        after = WritePath(context).finished(prepared.after, context.now())
        patch, base = proposed(context, prepared.before, after, prepared.patch)
        given = prepared.patch.keys()
        blank = drafted(context, "update" if record_id else "create", module, reason)
        return blank.after(
            {
                "record_id": after.id,
                "patch": FrozenDict({key: value for key, value in patch.items() if key in given}),
                "base": FrozenDict({key: value for key, value in base.items() if key in given}),
                "version": 1,
                "configuration_version": context.schema.configuration.version,
            }
        )

    def prepared(self, request: Request, values: Mapping[str, object]) -> tuple[WritePath, Prepared]:
        """Return what a request comes to on the record as it is now, with some values changed.

        Raises: what stops it.
        """
        _refuse_many(request)
        path = WritePath(self.context, own=request.id, also=tuple(key for key, _ in request.flows))
        [prepared] = path.prepare([self._draft(request, values)])
        if prepared.error is not None:
            raise self._explained(request, prepared.error)
        if request.action == "create" and prepared.after is not None:
            prepared.after = attrs.evolve(prepared.after, id=request.record_id)
        return path, prepared

    def _explained(self, request: Request, error: CustinfoError) -> CustinfoError:
        """Return an error that says that the record went into another one, where that is why it is in the archive."""
        if error.code != "archived":
            return error
        record = self.context.unit.records.get(request.module, [request.record_id])[request.record_id]
        merged = Applying(self.context).was_merged(record)
        return InvalidInputError([Problem("record_merged")]) if merged else error

    def proposal(self, request: Request, values: Mapping[str, object]) -> Proposal:
        """Return what a request proposes with some values changed, and who is to approve it now.

        Raises: what stops it; InvalidInputError (`nothing_proposed`) where nothing is left to approve.
        """
        if request.action == "merge":
            return self._merger(request, values)
        path, prepared = self.prepared(request, values)
        if prepared.after is None or prepared.path is None:
            raise InvalidInputError([Problem("nothing_proposed")])
        hold_as_read(self.context, () if prepared.before is None else (prepared.before,))
        after = path.finished(prepared.after, self.context.now())
        patch, base = proposed(self.context, prepared.before, after, prepared.patch)
        return prepared.path.proposal(self.context, request.module, patch, base)

    def _merger(self, request: Request, values: Mapping[str, object]) -> Proposal:
        """Return what a merger comes to on its records as they are, with some values of its own."""
        context = self.context
        stored = context.unit.records.get(request.module, request.record_ids())
        if len(stored) < len(request.items):
            raise InvalidInputError([Problem("record_gone")])
        keep, *others = (stored[item.record_id] for item in request.items)
        take = {key: item.record_id for item in request.items for key in item.takes}
        merger = Merger(context, keep, others, take, request.reason, request.id)
        return merger.proposal(request, self._typed(request.module, values, keep))

    def _typed(self, module: ModuleKey, values: Mapping[str, object], record: Record | None) -> Mapping[FieldKey, Any]:
        """Return raw values made typed. Raises: InvalidInputError."""
        found = self.context.validator(module).normalise(values, {} if record is None else record.values)
        if found.errors:
            raise InvalidInputError(map(self.context.module(module).labelled, found.errors))
        return found.patch

    def amended(self, request: Request, values: Mapping[str, object]) -> Proposal:
        """Return what a request proposes after an approver changed values, which they must be able to edit.

        Raises: InvalidInputError, PermissionDeniedError.
        """
        if request.action == "merge":
            return self._amended_merger(request, values)
        _refuse_many(request)
        return self._amended(request, values)

    def _amended_merger(self, request: Request, values: Mapping[str, object]) -> Proposal:
        """Return a merger after an approver changed what the record that stays will hold."""
        stays, *others = request.items
        part = self._amended(part_of(request, stays), values, merging=True)
        items = (attrs.evolve(stays, patch=part.patch, base=part.base), *others)
        Applying(self.context).check_merger(request.after({"items": items}))
        digest = digest_of(self.context, request.module, request.patch, items)
        return Proposal(request.patch, request.base, digest, items=items)

    def _amended(self, request: Request, values: Mapping[str, object], *, merging: bool = False) -> Proposal:
        context = self.context
        record = context.unit.records.get(request.module, [request.record_id]).get(request.record_id)
        module = context.module(request.module)
        verdict = NO_ACCESS if record is None else context.verdict(record)
        named = dict.fromkeys(module.resolve(name) for name in values)
        # Who owns a record, and its tags, are changed by actions of their own: they are no fields to amend.
        amendable = verdict.editable & verdict.readable & module.definition.fields.keys()
        refused = [key for key in named if key is not None and key not in amendable]
        if refused:
            raise PermissionDeniedError(map(module.labelled, map(not_editable, refused)))
        patch = self._typed(request.module, values, record)
        keys = NO_KEYS if record is None else record.data_keys
        sealed = {
            field.key: context.sealer.seal(field, request.record_id, request.module, patch[field.key], keys)
            for field in module.encrypted_fields
            if patch.get(field.key, CLEAR) is not CLEAR
        }
        patch = request.patch.merged({**patch, **sealed})
        hold_as_read(context, () if record is None else (record,))
        added = {key: None if record is None else record.values.get(key) for key in patch if key not in request.base}
        changed = request.after({"patch": patch, "base": request.base.merged(added)})
        if not merging:
            Applying(context).checked(changed, record)
        return Proposal(patch, changed.base, digest_of(context, request.module, patch))

    def _draft(self, request: Request, values: Mapping[str, object]) -> Draft:
        raw: dict[str, Any] = {
            key: self._plain(request, key, value) for key, value in request.patch.items() if key not in _SYSTEM
        }
        names = self.context.module(request.module)
        for name, value in values.items():
            raw[names.resolve(name) or name] = value
        patch = request.patch
        tags = frozenset(Tag(*tag) for tag in patch["tags"]) if patch.get("tags", CLEAR) is not CLEAR else None
        if "tags" in patch and tags is None:
            tags = frozenset()
        creating = request.action == "create"
        return Draft(
            self._action(request),
            request.module,
            None if creating else request.record_id,
            raw,
            tags,
            ANY,
            request.reason,
        )

    @staticmethod
    def _action(request: Request) -> ChangeAction:
        match request.action:
            case "archive":
                return "restore" if request.patch.get("archived_at", CLEAR) is CLEAR else "archive"
            case "create" | "transfer" | "delete":
                return request.action
            case _:
                return "update"

    def _plain(self, request: Request, key: FieldKey, value: Any) -> Any:
        if type(value) is not Sealed:
            return value
        record = self.context.unit.records.get(request.module, [request.record_id]).get(request.record_id)
        keys = NO_KEYS if record is None else record.data_keys
        return self.context.sealer.unseal_proposed(request, key, value, keys)


def _refuse_many(request: Request) -> None:
    """Refuse to change what a request for many, or for an export, does: it is made anew. Raises: the error."""
    if request.items or request.export is not None:
        raise IllegalTransitionError([Problem("ask_again")])

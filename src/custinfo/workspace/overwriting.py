"""What an erasure writes: records of one module without the values, and their history and requests written anew.

However many they are, the store is asked for all of them at once, and `purge`, which may take as long as writing an
index anew, is called once. So all of them are erased in the one transaction, or none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs

from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.errors import ConfigurationError
from custinfo.core.history.changes import Change, Channel, FieldChange, changes_between
from custinfo.core.offers import offered
from custinfo.core.problems import Problem
from custinfo.core.records import ERASED, FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.core.store_errors import overtaken
from custinfo.ports.history import ManyRequests, Purging
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import derived, follow
from custinfo.workspace.erasing_requests import without_values
from custinfo.workspace.histories import histories
from custinfo.workspace.rotation import rewriting_of

__all__ = ["Overwriter", "Overwritten", "require_key"]


@attrs.frozen
class Overwritten:
    """A record as it was, its version afterwards, and the fields of which it had, or once had, a value."""

    before: Record
    version: int
    fields: frozenset[FieldKey]


@attrs.frozen
class Overwriter:
    """Erase values of records in one session's transaction.

    Args:
        context: The session's.
        actor: Who erases.
        reason: Why.
        channel: How it came.
        approval: The request that approved it.
    """

    context: Context
    actor: MemberKey
    reason: str
    channel: Channel
    approval: str | None = None

    def run(self, records: Sequence[Record], keys: Collection[FieldKey]) -> list[Overwritten]:
        """Erase fields of records of one module, also of such as were deleted. Call it in `atomic`.

        Raises: StaleVersionError if one of them has another version by now; ConfigurationError, TypeError, and
            StorageError, retryable where somebody proposed a change meanwhile. The caller takes back what was done.
        """
        context, module, ids = self.context, records[0].module, [record.id for record in records]
        past = histories(context.unit, module, ids)
        require_key(context, past)
        erased = {record.id: self._held(record, past.get(record.id, ())) & frozenset(keys) for record in records}
        # Requests, records, changes: in this order everybody holds them.
        known = self._rewrite_requests(records, erased)
        there = context.unit.records.get(module, ids)
        pairs = [(one, self._without(one, erased[one.id], kept=one.id in there)) for one in records]
        kept = [after for _, after in pairs if after.id in there]
        if kept:
            context.unit.records.save(kept)
        self._rewrite_history(erased)
        if self._concerned(module, ids) != known:  # somebody proposed a change who held the history before
            raise overtaken()
        context.remember([self._change(before, after, erased[before.id]) for before, after in pairs])
        if kept:
            context.related.forget(kept)
            follow(context, kept)
        purging = offered(rewriting_of(context.unit), Purging)
        if purging is not None:
            purging.purge()
        return [Overwritten(before, after.version, erased[before.id]) for before, after in pairs]

    def _held(self, record: Record, history: Sequence[Change]) -> frozenset[FieldKey]:
        """Return the fields that the module defines and that have or had a value."""
        found = {item.field for change in history for item in change.fields}
        return frozenset((found | record.values.keys()) & self.context.module(record.module).definition.fields.keys())

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

    def _change(self, before: Record, after: Record, erased: frozenset[FieldKey]) -> Change:
        present = tuple(FieldChange(key, ERASED, None) for key in sorted(erased))
        others = tuple(item for item in changes_between(before, after) if item.field not in erased)
        version, holder = self.context.schema.configuration.version, self.context.on_behalf_of
        return Change(
            before.module, before.id, after.version, after.updated_at, self.actor, "erase", (*present, *others),
            self.channel if self.approval is None else "approval", self.reason,
            holder if self.approval is None else None, self.approval, None, version,
        )  # fmt: skip

    def _rewrite_history(self, erased: Mapping[RecordId, frozenset[FieldKey]]) -> None:
        context = self.context
        prover = context.prover_under(context.compiled)
        changed = []
        for record_id, changes in rewriting_of(context.unit).held_changes(erased.keys()).items():
            for change in changes:
                reason = change.reason if change.action == "erase" else None
                after = change.erased(erased[record_id], reason)
                if after != change:
                    changed.append(
                        attrs.evolve(after, evidence=None) if prover is None else prover.rewritten(change, after)
                    )
        rewriting_of(context.unit).changes(changed)

    def _rewrite_requests(
        self, records: Sequence[Record], erased: Mapping[RecordId, frozenset[FieldKey]]
    ) -> list[RequestId]:
        """Erase what requests hold, and return which requests these are."""
        rewriting, pairs = rewriting_of(self.context.unit), list[tuple[Request, Request]]()
        concerned = self._concerned(records[0].module, [record.id for record in records])
        for request in rewriting.held_requests(concerned).values():
            after = request
            for record in records:
                if request.concerns(record.module, record.id):
                    after = without_values(after, record, erased[record.id])
            pairs.append((request, after))
        rewriting.requests([after for before, after in pairs if after is not before])
        return concerned

    def _concerned(self, module: ModuleKey, ids: Sequence[RecordId]) -> list[RequestId]:
        """Return the requests that concern some of these records, asked for at once if the store can do so."""
        rewriting = rewriting_of(self.context.unit)
        many = offered(rewriting, ManyRequests) if len(ids) > 1 else None
        if many is not None:
            return [request.id for request in many.requests_of_all(module, ids)]
        found = (request.id for key in ids for request in rewriting.requests_of(module, key))
        return list(dict.fromkeys(found))


def require_key(context: Context, past: Mapping[RecordId, Sequence[Change]]) -> None:
    """Refuse to erase what is proven without the key that proves the erasure. Raises: ConfigurationError."""
    proven = any(change.evidence for changes in past.values() for change in changes)
    if proven and context.prover_under(context.compiled) is None:
        raise ConfigurationError([Problem("evidence_key_missing")])

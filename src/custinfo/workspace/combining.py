"""Making one record of several that are about the same (CUS-1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from custinfo.core.approval.items import Item
from custinfo.core.approval.requests import Proposal, Request, RequestId
from custinfo.core.errors import InvalidInputError, PermissionDeniedError
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import ANY, CLEAR, FieldKey, ModuleKey, Record, RecordId, Sealed, Tag, Version
from custinfo.workspace.applying import Applying
from custinfo.workspace.approval_paths import ApprovalPath, proposed
from custinfo.workspace.authorising import refusal
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import refuse_pending
from custinfo.workspace.deriving import stripped
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.gating import Gate
from custinfo.workspace.joining import Repointing, joint_shares
from custinfo.workspace.keeping_requests import hold_as_read, keep
from custinfo.workspace.views import RecordView
from custinfo.workspace.writing import WritePath

__all__ = ["Merged", "Merger", "Merging"]


@attrs.frozen
class Merged:
    """What a merger came to.

    Args:
        record: The record that stays, as the actor may see it.
        merged: Ids of those that went into it, and are in the archive now.
        differing: Fields in which they had other values, as far as the actor may read them on all; those of the record
            that stays were kept, unless `take` said otherwise.
        moved: How many records that the actor may view refer to the one that stays instead.
        batch: What the changes of this merger have in common in the history.
    """

    record: RecordView
    merged: tuple[RecordId, ...]
    differing: tuple[FieldKey, ...]
    moved: int
    batch: str


class Merging(NamedTuple):
    """The record that stays, fields that differed, how many records followed, and the request if there is one."""

    kept: Record
    differing: tuple[FieldKey, ...]
    moved: int
    request: Request | None = None


@attrs.define
class Merger:
    """Merge records of one module, all or nothing.

    Args:
        context: The session's.
        keep: The record that stays.
        others: The records that go into it, in the order in which they fill its blanks.
        take: Field → the record whose value counts there.
        reason: Kept in the history of all.
        own: The request that proposes the merger, which is no obstacle to itself.
    """

    context: Context
    keep: Record
    others: Sequence[Record]
    take: Mapping[FieldKey, RecordId]
    reason: str | None
    own: RequestId | None = None
    batch: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.batch = self.context.ids()

    def run(self, version: Version) -> Merging:
        """Merge, or submit a request for it where a flow asks for approval, and return what came of it.

        Raises: as every change; InvalidInputError for records that are of different types or in the archive;
            FieldReservedError where a request about one of them is open. Nothing is saved then.
        """
        self._refuse()
        values, differing = self._values()
        shares = joint_shares((self.keep, *self.others))
        module, record_id = self.keep.module, self.keep.id
        draft = Draft("merge", module, record_id, values, self._tags(), version, self.reason, typed=True, shares=shares)
        path = WritePath(self.context, channel="merge", batch=self.batch)
        request = self._submitted(path, draft)
        if request is not None:
            kept = self.context.unit.records.get(module, [record_id])[record_id]
            return Merging(kept, differing, self._followed(), request)
        with self.context.atomic():
            self._put_away(path)
            kept = self._commit(path, draft)
            moved = self._repointing().run()
        return Merging(kept, differing, moved)

    def _refuse(self) -> None:
        context, records = self.context, (self.keep, *self.others)
        if any("merge" not in context.verdict(record).actions for record in records):
            raise PermissionDeniedError([refusal(context, "merge", self.keep.module)])
        unknown = self.take.keys() - context.module(self.keep.module).definition.fields.keys()
        if unknown:
            raise InvalidInputError([Problem("unknown_field", key) for key in sorted(unknown)])
        refuse_pending(context, records, self.own)
        self._refuse_types()

    def _put_away(self, path: WritePath) -> None:
        """Archive the others: they go first, so that their unique values are free."""
        for other in self.others:
            self.context.versions.show(other.id, other.version)
            away = Draft("merge", other.module, other.id, {}, None, other.version, self.reason, archives=True)
            self._commit(path, away)

    def _repointing(self) -> Repointing:
        context, gone = self.context, tuple(record.id for record in self.others)
        deputy = context.on_behalf_of
        return Repointing(context, self.keep, gone, context.author, "merge", self.reason, deputy, None, self.batch)

    def _submitted(self, path: WritePath, draft: Draft) -> Request | None:
        """Save a request for the merger as a whole, or return `None` where no flow asks for approval."""
        context = self.context
        found = self._gated(path, draft, Gate(context))
        if found is None:
            return None
        way, items = found
        request = way.request_for_many(context, self.keep.module, items, self.reason, self.batch)
        with context.atomic():
            context.hold_configuration()
            hold_as_read(context, (self.keep, *self.others))
            keep(context, None, request, ("submitted",))
            return Applying(context).run(request) if request.state == "approved" else request

    def proposal(self, request: Request, values: Mapping[FieldKey, Any]) -> Proposal:
        """Return what a request for this merger proposes on the records as they are, with some values of its own.

        Raises: as `run`.
        """
        self._refuse()
        found, _ = self._values()
        shares = joint_shares((self.keep, *self.others))
        module, record_id, tags = self.keep.module, self.keep.id, self._tags()
        wanted = {**found, **values}
        draft = Draft("merge", module, record_id, wanted, tags, ANY, self.reason, typed=True, shares=shares)
        path = WritePath(self.context, channel="merge", batch=request.batch, own=self.own)
        gated = self._gated(path, draft, Gate(self.context, own=self.own, also=[key for key, _ in request.flows]))
        if gated is None:
            raise InvalidInputError([Problem("nothing_proposed")])
        way, items = gated
        hold_as_read(self.context, (self.keep, *self.others))
        return way.proposal(self.context, module, request.patch, request.base, items)

    def _gated(self, path: WritePath, draft: Draft, gate: Gate) -> tuple[ApprovalPath, tuple[Item, ...]] | None:
        """Return the approval that the merger needs, with what it does to each record; `None` if it needs none."""
        context = self.context
        if not gate.watches_mergers(self.keep.module):
            return None
        prepared = self._tried(path, draft)
        after = path.finished(_result(prepared), context.now())
        patch, base = proposed(context, self.keep, after, prepared.patch)
        way = gate.merger(self.keep, after, patch.keys(), self.others)
        if way is None:
            return None
        # That it stays live is part of what is proposed: nobody may archive it meanwhile. Shares follow in the end.
        lasting: FrozenDict[FieldKey, Any] = FrozenDict({"archived_at": CLEAR})
        ending: FrozenDict[FieldKey, Any] = FrozenDict({"archived_at": context.now()})
        live: FrozenDict[FieldKey, Any] = FrozenDict({"archived_at": None})
        stays = Item(self.keep.id, lasting.merged(patch.without("shares")), live.merged(base.without("shares")))
        return way, (stays, *(Item(record.id, ending, live, takes=self._taken(record)) for record in self.others))

    def _taken(self, record: Record) -> tuple[FieldKey, ...]:
        return tuple(sorted(key for key, source in self.take.items() if source == record.id))

    def _followed(self) -> int:
        """Return how many records that the actor may view followed a merger whose request passed by itself."""
        context = self.context
        moved: dict[ModuleKey, set[RecordId]] = {}
        for change in context.unit.history.of_batch(self.batch):
            if change.action == "update":
                moved.setdefault(change.module, set()).add(change.record_id)
        records = [found for module, ids in moved.items() for found in context.unit.records.get(module, ids).values()]
        context.related.prefetch(records)
        return sum("view" in context.verdict(record).actions for record in records)

    def _tried(self, path: WritePath, draft: Draft) -> Prepared:
        """Return what the record that stays comes to once the others are out of its way, which is taken back."""
        with self.context.trial():
            self._put_away(path)
            [prepared] = path.prepare([draft])
        if prepared.error is not None:
            raise prepared.error
        return prepared

    def _commit(self, path: WritePath, draft: Draft) -> Record:
        [prepared] = path.prepare([draft])
        if prepared.error is not None:
            raise prepared.error
        path.commit([prepared])
        return _result(prepared)

    def _refuse_types(self) -> None:
        """Refuse to make one of records of different types: fields of one would not apply to the other."""
        module = self.context.module(self.keep.module)
        key = module.definition.type_field
        if key is not None and len({record.values.get(key) for record in (self.keep, *self.others)} - {None}) > 1:
            raise InvalidInputError([module.labelled(Problem("not_mergeable", key))])

    def _values(self) -> tuple[dict[FieldKey, Any], tuple[FieldKey, ...]]:
        """Return what changes on the record that stays, and the fields in which several have a value of their own."""
        records = [self.keep, *self.others]
        plain = {record.id: self._opened(stripped(self.context, record)) for record in records}
        verdicts = [self.context.verdict(record) for record in records]
        changed: dict[FieldKey, Any] = {}
        differing = []
        for key in dict.fromkeys(key for values in plain.values() for key in values):
            found = [plain[record.id][key] for record in records if key in plain[record.id]]
            if any(value != found[0] for value in found) and all(key in verdict.readable for verdict in verdicts):
                differing.append(key)
            value = plain[self.take[key]].get(key, found[0]) if key in self.take else found[0]
            if value != plain[self.keep.id].get(key):
                changed[key] = value
        return changed, tuple(key for key in differing if key not in self.take)

    def _opened(self, record: Record) -> dict[FieldKey, Any]:
        """Return values of which sealed ones, which are bound to their record, are in the open."""
        unseal = self.context.sealer.unseal
        opened = {key: unseal(record, key, value) for key, value in record.values.items() if type(value) is Sealed}
        return {**record.values, **opened}

    def _tags(self) -> frozenset[Tag]:
        dimensions = self.context.schema.configuration.tag_dimensions
        owns = self.context.compiled.derivation(self.keep.module).owns_tag
        found = set(self.keep.tags)
        for other in self.others:
            single = {tag.dimension for tag in found if dimensions[tag.dimension].single}
            found |= {tag for tag in other.tags if tag.dimension not in single and not owns(tag)}
        return frozenset(found)


def _result(prepared: Prepared) -> Record:
    record = prepared.after if prepared.changed else prepared.before
    if record is None:
        raise RuntimeError("a draft without error gives a record")
    return record

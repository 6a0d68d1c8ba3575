"""Making one record of several that are about the same (CUS-1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.core.criteria.nodes import OneOf
from custinfo.core.errors import InvalidInputError, PermissionDeniedError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, changes_between
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Record, RecordId, Sealed, Share, Tag, Version
from custinfo.ports.repositories import Query
from custinfo.workspace.authorising import refusal
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import references_to, refuse_pending
from custinfo.workspace.deriving import derived, follow, stripped
from custinfo.workspace.drafts import Draft, Prepared
from custinfo.workspace.views import RecordView
from custinfo.workspace.writing import WritePath

__all__ = ["Merged", "Merger"]

_PAGE: Final = 500


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


@attrs.define
class Merger:
    """Merge records of one module, all or nothing.

    Args:
        context: The session's.
        keep: The record that stays.
        others: The records that go into it, in the order in which they fill its blanks.
        take: Field → the record whose value counts there.
        reason: Kept in the history of all.
    """

    context: Context
    keep: Record
    others: Sequence[Record]
    take: Mapping[FieldKey, RecordId]
    reason: str | None
    batch: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.batch = self.context.ids()

    def run(self, version: Version) -> tuple[Record, tuple[FieldKey, ...], int]:
        """Return the record that stays, the fields in which they differed, and how many records followed.

        Raises: as every change; InvalidInputError for records that are of different types or in the archive;
            FieldReservedError where a request about one of them is open. Nothing is saved then.
        """
        context = self.context
        if any("merge" not in context.verdict(record).actions for record in (self.keep, *self.others)):
            raise PermissionDeniedError([refusal(context, "merge", self.keep.module)])
        unknown = self.take.keys() - context.module(self.keep.module).definition.fields.keys()
        if unknown:
            raise InvalidInputError([Problem("unknown_field", key) for key in sorted(unknown)])
        refuse_pending(context, [self.keep, *self.others])
        self._refuse_types()
        values, differing = self._values()
        draft = Draft(
            "merge",
            self.keep.module,
            self.keep.id,
            values,
            self._tags(),
            version,
            self.reason,
            typed=True,
            shares=self._shares(),
        )
        path = WritePath(context, channel="merge", batch=self.batch)
        with context.unit.atomic():
            # The others go first, so that their unique values are free.
            for other in self.others:
                away = Draft("merge", other.module, other.id, {}, None, other.version, self.reason, archives=True)
                self._commit(path, away)
            kept = self._commit(path, draft)
            moved = self._repoint()
        return kept, differing, moved

    def _commit(self, path: WritePath, draft: Draft) -> Record:
        [prepared] = path.prepare([draft])
        if prepared.error is not None:
            raise prepared.error
        path.commit([prepared])
        return _result(prepared)

    def _refuse_types(self) -> None:
        """Refuse to make one of records of different types: fields of one would not apply to the other."""
        key = self.context.module(self.keep.module).definition.type_field
        if key is not None and len({record.values.get(key) for record in (self.keep, *self.others)} - {None}) > 1:
            raise InvalidInputError([Problem("not_mergeable", key)])

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
        keys = record.data_keys
        sealed = {key: value for key, value in record.values.items() if type(value) is Sealed}
        place = record.id, record.module
        opened = {key: self.context.unseal(*place, key, value, data_keys=keys) for key, value in sealed.items()}
        return {**record.values, **opened}

    def _tags(self) -> frozenset[Tag]:
        dimensions = self.context.schema.configuration.tag_dimensions
        owns = self.context.compiled.derivation(self.keep.module).owns_tag
        found = set(self.keep.tags)
        for other in self.others:
            single = {tag.dimension for tag in found if dimensions[tag.dimension].single}
            found |= {tag for tag in other.tags if tag.dimension not in single and not owns(tag)}
        return frozenset(found)

    def _shares(self) -> frozenset[Share]:
        found: dict[tuple[str, str], Share] = {}
        for record in (self.keep, *self.others):
            for share in record.shares:
                found.setdefault((share.kind, share.key), share)
        return frozenset(found.values())

    def _repoint(self) -> int:
        """Let whatever refers to the others refer to the record that stays; return how many the actor may view."""
        moved = 0
        ids = tuple(record.id for record in self.others)
        for module, key in references_to(self.context, self.keep.module):
            while found := self.context.unit.queries.find(Query(module, OneOf((key,), ids), limit=_PAGE)):
                moved += sum("view" in self.context.verdict(record).actions for record in found)
                self._save(found, key)
        return moved

    def _save(self, records: Iterable[Record], key: FieldKey) -> None:
        pairs = [(record, self._repointed(record, key)) for record in records]
        after = [new for _, new in pairs]
        self.context.unit.records.save(after)
        self.context.remember(list(self._changes(pairs)))
        self.context.related.forget(after)
        follow(self.context, after)

    def _repointed(self, record: Record, key: FieldKey) -> Record:
        values = record.values.without(key)
        if record.id != self.keep.id:  # nothing refers to itself
            values = FrozenDict({**record.values, key: self.keep.id})
        after = derived(self.context, attrs.evolve(record, values=values))
        return attrs.evolve(after, version=record.version + 1, updated_at=self.context.now())

    def _changes(self, pairs: Iterable[tuple[Record, Record]]) -> Iterator[Change]:
        for before, after in pairs:
            yield Change(
                after.module,
                after.id,
                after.version,
                after.updated_at,
                self.context.author,
                "update",
                changes_between(before, after),
                "merge",
                self.reason,
                self.context.on_behalf_of,
                None,
                self.batch,
                self.context.schema.configuration.version,
            )


def _result(prepared: Prepared) -> Record:
    record = prepared.after if prepared.changed else prepared.before
    if record is None:
        raise RuntimeError("a draft without error gives a record")
    return record

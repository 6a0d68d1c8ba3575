"""What of a merger is the same whether it happens at once or after approval: shares, and references that follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from custinfo.core.criteria.nodes import OneOf
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, Channel, changes_between
from custinfo.core.records import FieldKey, MemberKey, Record, RecordId, Share
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import references_to
from custinfo.workspace.deriving import derived, follow

__all__ = ["Repointing", "joint_shares"]

_PAGE: Final = 500


def joint_shares(records: Iterable[Record]) -> frozenset[Share]:
    """Return the shares of records put together; of two with the same one, the first counts."""
    found: dict[tuple[str, str], Share] = {}
    for record in records:
        for share in record.shares:
            found.setdefault((share.kind, share.key), share)
    return frozenset(found.values())


@attrs.frozen
class Repointing:
    """Let whatever refers to records that are merged refer to the one that stays.

    The attributes from `author` on are those of the changes in the history.
    """

    context: Context
    keep: Record
    gone: tuple[RecordId, ...]
    author: MemberKey
    channel: Channel
    reason: str | None
    on_behalf_of: MemberKey | None = None
    approval: str | None = None
    batch: str | None = None

    def run(self) -> int:
        """Save the records that refer to one that goes; return how many of them the actor may view."""
        moved = 0
        for module, key in references_to(self.context, self.keep.module):
            while found := self.context.unit.queries.find(Query(module, OneOf((key,), self.gone), limit=_PAGE)):
                self.context.related.prefetch(found)
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
                self.author,
                "update",
                changes_between(before, after),
                self.channel,
                self.reason,
                self.on_behalf_of,
                self.approval,
                self.batch,
                self.context.schema.configuration.version,
            )

"""Rows of an import that resemble an earlier row of the file, or a stored record, without sharing a key with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from custinfo.core.duplicates.comparing import Evidence, Signature, Traits
from custinfo.core.duplicates.index import Index, Likeness
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context
from custinfo.workspace.resembling import Resemblance, StoredLikeness, best_ratio, signed

__all__ = ["RowLikeness"]

_WORTH_A_SCAN: Final = 100
"""Stored records per new row up to which it is faster to read all of them once than to ask for each row."""

_MOST_HELD: Final = 500_000
"""Stored records that are held in memory at most."""


class RowLikeness:
    """Compare the rows of one import with each other and with the store, as far as the actor may read there."""

    def __init__(self, context: Context, module: ModuleKey, *, alone: bool) -> None:
        """Set up.

        Args:
            context: The session's.
            module: Key of the module.
            alone: Whether the store has no record of the module.
        """
        self._context = context
        self._module = module
        self._schema = context.module(module)
        self.traits: Traits = Traits.of(self._schema.definition)
        ratio = best_ratio()
        self._rows = Index(self.traits, ratio)
        self._stored = StoredLikeness(context, module, self.traits, ratio)
        self._index: Index | None = None
        self._asked = 0
        self._count = (
            0 if alone or not context.access(module).may("view") else context.unit.queries.count(Query(module))
        )

    def found(
        self, numbers: Sequence[int], columns: Mapping[FieldKey, Sequence[Any]], free: Sequence[int]
    ) -> dict[int, Resemblance]:
        """Return what rows resemble most, by place; rows of earlier calls count as earlier rows.

        Args:
            numbers: Of all rows.
            columns: Their typed values.
            free: The places of the rows that are about no record yet: only these are looked at.
        """
        start = len(self._rows)
        signatures = self.traits.signatures(columns, len(numbers))
        shared = self._rows.add(numbers, signatures)
        found: dict[int, Resemblance] = {}
        for place in free if shared else ():
            earlier = _likeliest(self._rows.before(start + place)) if start + place in shared else None
            if earlier is not None:
                found[place] = Resemblance(earlier.score, earlier.evidence, row=earlier.other)
        if self._count and free:
            for place, likeness in zip(free, self._in_store([signatures[place] for place in free]), strict=True):
                known = found.get(place)
                if likeness is not None and (known is None or likeness.score >= known.score):
                    found[place] = Resemblance(likeness.score, likeness.evidence, likeness.other)
        return found

    def problem(self, found: Resemblance) -> Problem:
        """Return the problem that says what a row resembles, and by which fields."""
        agreeing = sorted((item for item in found.evidence if item.weight > 0), key=_by_weight)
        labels = tuple(self._schema.named(item.field) for item in agreeing)
        params: dict[str, ParamValue] = {"score": int(100 * found.score), "fields": labels}
        if found.row is not None:
            return Problem("resembles_row", self.traits.name, params={**params, "row": found.row})
        return Problem("resembles_record", self.traits.name, params=params)

    def _in_store(self, signatures: Sequence[Signature]) -> list[Likeness | None]:
        self._asked += len(signatures)
        if self._index is None and self._count <= min(_MOST_HELD, _WORTH_A_SCAN * self._asked):
            self._index = Index(self.traits, best_ratio())
            for ids, stored in signed(self._context, self._module, self.traits):
                self._index.add(ids, stored)
        if self._index is not None:
            return [_likeliest(self._index.alike(signature)) for signature in signatures]
        return [_likeliest(found) for found in self._stored.alike(signatures)]


def _likeliest(found: Any) -> Likeness | None:
    return min(found, key=lambda item: (-item.score, item.other), default=None)


def _by_weight(evidence: Evidence) -> float:
    return -evidence.weight

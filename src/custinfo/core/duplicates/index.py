"""An index of records by what two records of one customer share, to find pairs and to probe a new one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator
from itertools import combinations, groupby
from operator import itemgetter
from typing import Any, Final

import attrs

from custinfo.core.duplicates.comparing import Evidence, Signature, Signatures, Traits, keys_of, probability, weigh
from custinfo.core.duplicates.ratio import Ratio

__all__ = ["CROWD", "DEFAULT_LEAST", "Index", "Likeness"]

DEFAULT_LEAST: Final = 0.7
"""The least score of what is told."""

CROWD: Final = 40
"""How many records that share one value are compared: of more, only the latest, or those whose names are neighbours."""

_WINDOW: Final = 5
_HEAD: Final = 2
_ALIKE: Final = 0.6


@attrs.frozen
class Likeness:
    """A record that resembles another one: how likely both are about the same, and why."""

    other: Any
    score: float
    evidence: tuple[Evidence, ...]


@attrs.define(eq=False)
class Index:
    """Hold signatures by what they share.

    Args:
        traits: The fields that are compared.
        ratio: How much two names are alike.
        least: The least score of what is told.
    """

    traits: Traits
    ratio: Ratio
    least: float = DEFAULT_LEAST
    _names: list[Any] = attrs.field(factory=list, init=False)
    _signatures: Signatures = attrs.field(init=False)
    _blocks: list[dict[Hashable, int | list[int]]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make a block for each kind of key."""
        self._signatures = self.traits.signatures({}, 0)
        self._blocks = [{} for _ in self._signatures.keys]

    def __len__(self) -> int:
        return len(self._names)

    def add(self, names: Iterable[Any], signatures: Signatures) -> set[int]:
        """Add records under names, such as their ids; return the places of those that share a key with an earlier one.

        The place of a record is how many were added before.
        """
        shared: set[int] = set()
        start = len(self._names)
        places = list(range(start, start + len(signatures)))
        self._names += names
        self._signatures.extend(signatures)
        for block, column in zip(self._blocks, signatures.keys, strict=True):
            for place, key in zip(places, column, strict=True):
                if key:
                    known = block.setdefault(key, place)  # most keys are those of one record: no list for these
                    if known is not place:
                        shared.add(place)
                        if isinstance(known, list):
                            known.append(place)
                        else:
                            block[key] = [known, place]
        return shared

    def alike(self, signature: Signature) -> Iterator[Likeness]:
        """Yield what resembles a record, in no order."""
        places: dict[int, None] = {}
        for block, key in zip(self._blocks, keys_of(signature), strict=True):
            if key and (found := block.get(key)) is not None:
                places.update(dict.fromkeys(found[-CROWD:] if isinstance(found, list) else (found,)))
        yield from self._likenesses(signature, places)

    def before(self, place: int) -> Iterator[Likeness]:
        """Yield what resembles the record at a place, of those that were added earlier."""
        signature = self._signatures[place]
        places: dict[int, None] = {}
        for block, key in zip(self._blocks, keys_of(signature), strict=True):
            if key and isinstance(found := block[key], list):
                end = bisect_left(found, place)
                places.update(dict.fromkeys(found[max(0, end - CROWD) : end]))
        yield from self._likenesses(signature, places)

    def _likenesses(self, signature: Signature, places: Iterable[int]) -> Iterator[Likeness]:
        for place in places:
            found = self._compared(signature, self._signatures[place])
            if found is not None:
                yield Likeness(self._names[place], *found)

    def pairs(self) -> Iterator[tuple[Any, Likeness]]:
        """Yield each pair of records that resemble each other once, in the order in which they were added."""
        for one, pairs in groupby(sorted(self._candidates()), key=itemgetter(0)):
            signature = self._signatures[one]
            for _, other in pairs:
                found = self._compared(signature, self._signatures[other])
                if found is not None:
                    yield self._names[one], Likeness(self._names[other], *found)

    # --- blocks

    def _candidates(self) -> set[tuple[int, int]]:
        found: set[tuple[int, int]] = set()
        for block in self._blocks:
            for places in block.values():
                if isinstance(places, list):
                    found.update(self._within(places))
        found.update(self._with_the_same_text())
        return found

    def _within(self, places: list[int]) -> Iterable[tuple[int, int]]:
        if len(places) <= CROWD:
            return combinations(places, 2)
        ordered = sorted(places, key=self._signatures.cores.__getitem__)
        near = (ordered[at : at + _WINDOW] for at in range(len(ordered)))
        return ((min(one, other), max(one, other)) for one, *others in near for other in others)

    def _with_the_same_text(self) -> Iterator[tuple[int, int]]:
        """Yield pairs that share a short text and how their names begin, with names that are alike."""
        cores, ratio = self._signatures.cores, self.ratio
        for texts in self._signatures.texts:
            block: dict[tuple[str, Any], list[int]] = {}
            for place, (core, text) in enumerate(zip(cores, texts, strict=True)):
                if text and len(core) > _HEAD:
                    block.setdefault((core[:_HEAD], text), []).append(place)
            for places in block.values():
                if len(places) > 1:
                    for one, other in self._within(places):
                        if cores[one] != cores[other] and ratio(cores[one], cores[other]) >= _ALIKE:
                            yield one, other

    def _compared(self, one: Signature, other: Signature) -> tuple[float, tuple[Evidence, ...]] | None:
        evidence = weigh(one, other, self.traits, self.ratio)
        score = probability(evidence)
        return (score, tuple(evidence)) if score >= self.least else None

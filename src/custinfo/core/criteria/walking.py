"""Going through criteria: their comparisons, what these read, how deep they are nested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Criterion,
    Everything,
    InSegment,
    Leaf,
    Not,
    Nothing,
    Path,
    SharedWith,
    Tagged,
    Through,
    all_of,
    any_of,
)

__all__ = ["DEEPEST", "depth", "leaves", "path_of", "with_shares"]


def with_shares(criterion: Criterion, replace: Callable[[SharedWith], Criterion]) -> Criterion:
    """Return a criterion with each `SharedWith`, also beyond references, replaced; the same one if it has none."""
    match criterion:
        case SharedWith():
            return replace(criterion)
        case AllOf(parts) | AnyOf(parts):
            found = [with_shares(part, replace) for part in parts]
            if all(one is other for one, other in zip(found, parts, strict=True)):
                return criterion
            return all_of(found) if isinstance(criterion, AllOf) else any_of(found)
        case Not(part):
            inner = with_shares(part, replace)
            return criterion if inner is part else Not(inner)
        case Through(field, part):
            inner = with_shares(part, replace)
            return criterion if inner is part else Through(field, inner)
        case _:
            return criterion


def leaves(criterion: Criterion) -> Iterator[Leaf | Tagged | InSegment | Through | SharedWith]:
    """Yield every comparison in `criterion`, from left to right; segments as such, unless they were expanded.

    What a policy says of a referenced record is one comparison.
    """
    match criterion:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case Everything() | Nothing():
            return
        case _:
            yield criterion


def path_of(leaf: Leaf | Tagged | InSegment | Through | SharedWith) -> Path:
    """Return what a comparison reads, `("tags",)` for tags. Raises: TypeError for a segment that was not put in."""
    match leaf:
        case Tagged():
            return ("tags",)
        case InSegment():
            raise TypeError("a segment must be expanded before it is asked what it reads")
        case Through(field):
            return (field,)
        case SharedWith():
            return ("shares",)
        case _:
            return leaf.path


DEEPEST: Final = 50
"""Criteria nested deeper are refused: nobody writes them, and they would exhaust parsers of databases."""


def depth(criterion: Criterion) -> int:
    """Return how deep `criterion` is nested, 1 for a comparison; at most one more than `DEEPEST`."""
    level, found = [criterion], 0
    while level and found <= DEEPEST:
        found += 1
        level = [part for item in level for part in _parts(item)]
    return found


def _parts(criterion: Criterion) -> Iterable[Criterion]:
    match criterion:
        case AllOf(tuple() | list() as parts) | AnyOf(tuple() | list() as parts):  # whatever somebody put there
            return parts
        case Not(part) | Through(_, part):
            return (part,)
        case _:
            return ()

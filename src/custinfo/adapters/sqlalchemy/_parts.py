"""Parts of a criterion: which there are, and what of them an index tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    Mentions,
    Not,
    SealedAs,
    SharedWith,
    Tagged,
    Through,
)
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.records import FieldKey

__all__ = ["SEEN", "is_told", "parts_of", "timeless"]

SEEN: Final = ("id", "owner", "department", "archived_at")
"""System fields that stand in every index."""


def parts_of(criterion: Criterion) -> tuple[Criterion, ...]:
    """Return the criteria all of which have to hold."""
    return criterion.parts if isinstance(criterion, AllOf) else (criterion,)


def timeless(criterion: Criterion) -> Criterion:
    """Return a criterion with days for times: what leads to records now will do so in a minute."""
    match criterion:
        case AllOf(parts):
            return AllOf(tuple(map(timeless, parts)))
        case AnyOf(parts):
            return AnyOf(tuple(map(timeless, parts)))
        case Not(part):
            return Not(timeless(part))
        case Compare(path, name, datetime() as moment):
            return Compare(path, name, moment.date())
        case SharedWith(principals, levels):
            return SharedWith(principals, levels, datetime.min.replace(tzinfo=UTC))
        case _:
            return criterion


def is_told(criterion: Criterion, keys: Sequence[FieldKey | None]) -> bool:
    """Tell whether a criterion can be told from the fields that stand in an index."""
    found = list(leaves(criterion))
    told = {(key,) for key in keys}
    return criterion != Everything() and all(
        not isinstance(leaf, Tagged | SharedWith | Through | Mentions | Contains | SealedAs) and path_of(leaf) in told
        for leaf in found
    )

"""The departments to which a criterion limits the records that it holds for: they stand in the index of titles."""

from __future__ import annotations

from typing import Final

from custinfo.adapters.sqlalchemy._texts import is_storable
from custinfo.core.criteria.nodes import AllOf, AnyOf, Compare, Criterion, OneOf

__all__ = ["departments_of"]

_MOST: Final = 200
"""Among more departments than that, the index is not asked for each."""


def departments_of(criterion: Criterion) -> tuple[str, ...]:
    """Return departments of which one has each record that meets a bound criterion; none if too many, or unknown."""
    found = _limit(criterion) or ()
    return found if len(found) <= _MOST else ()


def _limit(criterion: Criterion) -> tuple[str, ...] | None:
    """Return the departments, however many; `None` if records of any may meet the criterion."""
    match criterion:
        case Compare(("department",), "eq", str() as key):
            return (key,) if is_storable(key) else ()
        case OneOf(("department",), keys):
            return tuple([key for key in keys if is_storable(key)])
        case AllOf(parts):
            limits = [limit for limit in map(_limit, parts) if limit is not None]
            return min(limits, key=len, default=None)
        case AnyOf(parts):
            limits = [limit for part in parts if (limit := _limit(part)) is not None]
            return tuple(dict.fromkeys(key for limit in limits for key in limit)) if len(limits) == len(parts) else None
        case _:
            return None

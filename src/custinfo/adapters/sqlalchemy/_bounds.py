"""The bounds that a criterion sets to a walk along an index, beside those of the window that is walked.

SQLite takes one bound at each end of a range, and tells the others of each row: it has to be left the narrower one.
"""

from __future__ import annotations

from typing import Any, Final

from custinfo.adapters.sqlalchemy._parts import parts_of
from custinfo.adapters.sqlalchemy._shapes import Loose
from custinfo.core.criteria.nodes import Compare, Criterion, all_of
from custinfo.core.records import FieldKey

__all__ = ["bounds_of", "loosened"]

_SIDES: Final = {"gt": "below", "ge": "below", "lt": "above", "le": "above"}
"""On which side of the values an operator sets a bound."""


def bounds_of(criterion: Criterion, key: FieldKey) -> list[Criterion]:
    """Return the parts of a criterion, or of a shape, that bound the values of a field."""
    return [part for part in parts_of(criterion) if _is_bound(part, key)]


def loosened(shape: Any, key: FieldKey, *, descending: bool, begun: bool, ended: bool) -> Any:
    """Return a shape in which bounds on a field give way to those of a window.

    Args:
        shape: Of the criterion.
        key: The field whose index is walked.
        descending: In which direction.
        begun: Whether the window has a bound where the walk begins.
        ended: Whether it has one where the walk ends.
    """

    def loose(part: Criterion) -> Any:
        if not isinstance(part, Compare) or not _is_bound(part, key):
            return part
        gives_way = ended if (_SIDES[part.operator] == "below") == descending else begun
        return Loose(part) if gives_way else part

    return all_of([loose(part) for part in parts_of(shape)])


def _is_bound(part: Criterion, key: FieldKey) -> bool:
    return isinstance(part, Compare) and part.path == (key,) and part.operator in _SIDES

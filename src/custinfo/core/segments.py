"""Putting segments in: criteria that name saved ones become criteria on fields and tags alone (TAG-4)."""

from __future__ import annotations

from typing import Final

from custinfo.core.criteria.nodes import AllOf, AnyOf, Criterion, InSegment, Not, Nothing
from custinfo.core.criteria.walking import DEEPEST, depth
from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey
from custinfo.core.schema import Schema

__all__ = ["LARGEST", "expand", "expansion"]

LARGEST: Final = 1000
"""Criteria that come to more nodes when their segments are put in are refused: a few short ones can mean millions."""

_Sized = tuple[Criterion, int]
_NOTHING: Final[_Sized] = (Nothing(), 1)


def expand(criterion: Criterion, module: ModuleKey, schema: Schema) -> Criterion:
    """Return `criterion` with each segment replaced by what it stands for; what the actor may read is judged on this.

    Args:
        criterion: As written.
        module: Key of the module whose records, and whose segments, it is about.
        schema: The compiled configuration.

    Raises: InvalidInputError for unknown segments, for ones that use themselves, and for a criterion that comes to be
        nested deeper than `DEEPEST`, or larger than `LARGEST`.
    """
    expanded, problems = expansion(criterion, module, schema)
    if problems:
        raise InvalidInputError(problems)
    return expanded


def expansion(criterion: Criterion, module: ModuleKey, schema: Schema) -> tuple[Criterion, list[Problem]]:
    """Return `criterion` with its segments put in, and what is wrong with them; `Nothing` stands where it is."""
    expander = _Expander(module, schema)
    expanded, _ = expander.whole(criterion)
    return expanded, list(expander.problems)


class _Expander:
    """Put in each segment once: where it is used again, the same value stands again."""

    def __init__(self, module: ModuleKey, schema: Schema) -> None:
        self.module = module
        self.schema = schema
        self.problems: dict[Problem, None] = {}
        self._known: dict[str, _Sized] = {}
        self._open: list[str] = []

    def whole(self, criterion: Criterion, level: int = 1) -> _Sized:
        """Return a criterion that stands at a level, and its size, with its segments put in."""
        expanded, size = self._put_in(criterion, level)
        if expanded is not criterion and size > LARGEST:  # first: the depth is measured node by node
            return self._refused(Problem("criterion_too_large", params={"limit": LARGEST}))
        return self._too_deep() if depth(expanded) > DEEPEST else (expanded, size)

    def _put_in(self, criterion: Criterion, level: int) -> _Sized:
        if level > DEEPEST:
            return self._too_deep()
        match criterion:
            case InSegment(name):
                return self._segment(name, level)
            case AllOf(parts) | AnyOf(parts):
                sized = [self._put_in(part, level + 1) for part in parts]
                found = tuple(part for part, _ in sized)
                same = all(one is other for one, other in zip(found, parts, strict=True))
                return criterion if same else type(criterion)(found), 1 + sum(size for _, size in sized)
            case Not(part):
                inner, size = self._put_in(part, level + 1)
                return criterion if inner is part else Not(inner), 1 + size
            case _:
                return criterion, 1

    def _segment(self, name: str, level: int) -> _Sized:
        segment = self.schema.resolve_segment(self.module, name)
        if isinstance(segment, Problem):
            return self._refused(segment)
        if segment.key in self._open:
            return self._refused(Problem("segment_cycle", params={"segment": segment.key}))
        if segment.key not in self._known:
            if len(self._open) >= DEEPEST:
                return self._too_deep()
            self._open.append(segment.key)
            self._known[segment.key] = self.whole(segment.criterion, level)
            self._open.pop()
        return self._known[segment.key]

    def _too_deep(self) -> _Sized:
        return self._refused(Problem("criterion_too_deep", params={"limit": DEEPEST}))

    def _refused(self, problem: Problem) -> _Sized:
        self.problems[problem] = None
        return _NOTHING

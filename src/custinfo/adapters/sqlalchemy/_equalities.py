"""Alternatives on one field as one list: an index is asked once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from custinfo.core.criteria.nodes import Compare, Criterion, OneOf, Path

__all__ = ["gathered"]


def gathered(parts: Sequence[Criterion]) -> list[Criterion]:
    """Make one list of all that compare the same field for equality."""
    equal: dict[Path, list[Any]] = {}
    others: list[Criterion] = []
    for part in parts:
        match part:
            case Compare(path, "eq", value):
                equal.setdefault(path, []).append(value)
            case OneOf(path, values):
                equal.setdefault(path, []).extend(values)
            case _:
                others.append(part)
    return [*(_one_of(path, [*dict.fromkeys(values)]) for path, values in equal.items()), *others]


def _one_of(path: Path, values: Sequence[Any]) -> Criterion:
    return Compare(path, "eq", values[0]) if len(values) == 1 else OneOf(path, tuple(values))

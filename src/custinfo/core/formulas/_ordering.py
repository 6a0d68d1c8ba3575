"""In which order formulas that use each other's results are worked out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from custinfo.core.errors import ConfigurationError
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey

__all__ = ["evaluation_order"]


def evaluation_order(formulas: Mapping[FieldKey, Collection[FieldKey]]) -> tuple[FieldKey, ...]:
    """Return the computed fields, each behind those that it uses; the same order for the same formulas.

    Args:
        formulas: For each computed field the fields that its formula uses (`CompiledFormula.watches`). Fields that
            are not computed may be among these.

    Raises:
        ConfigurationError: `formula_cycle`, for each circle of formulas, naming the fields so that each uses the next.

    >>> evaluation_order({"tax": {"net"}, "net": {"amount"}})
    ('net', 'tax')
    """
    graph = {key: sorted(used for used in formulas[key] if used in formulas) for key in sorted(formulas)}
    problems: list[Problem] = []
    while True:
        try:
            order = tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            cycle = _from_least(error.args[1])
            problems.append(Problem("formula_cycle", cycle[0], params={"fields": cycle}))
            graph = {key: [each for each in used if each not in cycle] for key, used in graph.items()}
        else:
            break
    if problems:
        raise ConfigurationError(problems)
    return order


def _from_least(circle: list[FieldKey]) -> tuple[FieldKey, ...]:
    """Return a circle, in which each is used by the next, so that each uses the next, from the least key on."""
    keys = circle[:0:-1]
    start = keys.index(min(keys))
    return (*keys[start:], *keys[:start], keys[start])

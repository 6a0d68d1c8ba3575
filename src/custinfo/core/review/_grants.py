"""Grants that allow nothing, or nothing that others don't."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from custinfo.core.criteria.implying import contradicts
from custinfo.core.criteria.nodes import Nothing
from custinfo.core.policy.grants import NO_FIELDS, Action
from custinfo.core.policy.scopes import Holder
from custinfo.core.problems import Problem
from custinfo.core.review._policy import Policy
from custinfo.core.review.members import rows_of

__all__ = ["grant_findings"]

_WRITING: Final[frozenset[Action]] = frozenset({"create", "edit"})


def grant_findings(policy: Policy) -> Iterator[Problem]:
    """Yield grants without actions or records, that speak of fields in vain, or that others cover."""
    for place, grant in policy.grants.items():
        spot = policy.spot(place)
        if not grant.actions:
            yield spot.problem("grant_allows_nothing", severity="warning")
            continue
        if (grant.view != NO_FIELDS or grant.mask) and "view" not in grant.actions:
            yield spot.dot("view").problem("fields_without_action", severity="warning", action="view")
        if grant.edit != NO_FIELDS and not grant.actions & _WRITING:
            yield spot.dot("edit").problem("fields_without_action", severity="warning", action="edit")
        yield from _out_of_use(policy, place)
    yield from _covered(policy)


def _out_of_use(policy: Policy, place: int) -> Iterator[Problem]:
    grant, parts = policy.grants[place], policy.parts[place]
    spot = policy.spot(place)
    if parts and contradicts(parts[0].rows.condition):
        yield spot.dot("condition").problem("grant_never_matches", severity="warning", role=policy.role(grant.role))
    elif _has_no_scope(policy, place):
        yield spot.dot("scope").problem("grant_never_matches", severity="warning", role=policy.role(grant.role))


def _has_no_scope(policy: Policy, place: int) -> bool:
    """Tell whether the scope is empty for everybody who holds the role; where nobody does, that is said of the role."""
    grant, directory = policy.grants[place], policy.directory
    if directory is None or not policy.parts[place]:
        return False
    part = next(iter(policy.parts[place]))
    found = [rows_of(part, Holder.of(member, directory)) for member in directory.holders(grant.role)]
    return bool(found) and all(isinstance(scope, Nothing) for scope in found)


def _covered(policy: Policy) -> Iterator[Problem]:
    """Yield the grants that could go, later ones first: of two that are the same, the first one stays."""
    superfluous: dict[int, list[int]] = {}
    for place in sorted(policy.grants, reverse=True):
        others = policy.others(place, superfluous)
        by = [
            next((other for other, parts in others.items() if any(known.covers(part) for known in parts)), None)
            for part in policy.parts[place]
        ]
        found = [other for other in by if other is not None]
        if found and len(found) == len(by):
            superfluous[place] = sorted(set(found))
    for place, covering in sorted(superfluous.items()):
        names = tuple(f"$.grants[{other}]" for other in covering)
        yield policy.spot(place).problem("grant_covered", severity="warning", others=names)

"""Fields that are open to more, or to less, than was probably meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.review._policy import Policy
from custinfo.core.review.entitlements import Entitlement

__all__ = ["field_findings"]

_CARE: Final[frozenset[Action]] = frozenset({"approve", "configure", "decrypt", "merge"})
"""Whoever may do one of these in a module is trusted with it beyond their own work."""


def field_findings(policy: Policy) -> Iterator[Problem]:
    """Yield masks without effect, fields edited unseen, and what is sensitive in the hands of many."""
    trusted = {(grant.role, grant.module) for grant in policy.grants.values() if grant.actions & _CARE}
    for place, parts in policy.parts.items():
        for part in parts:
            if part.rows.via or part.module != policy.grants[place].module:
                continue  # what follows from the access to a parent is said of the grant on the parent
            if part.action == "view" and part.mask is not None:
                yield from _lifted(policy, place, part)
            elif part.action == "view" and part.field is not None:
                yield from _opened(policy, place, part, (part.role, part.module) in trusted)
            elif part.action == "edit" and part.field is not None:
                yield from _unseen(policy, place, part)


def _lifted(policy: Policy, place: int, masked: Entitlement) -> Iterator[Problem]:
    """Yield a mask on records on which the same role, or one that a holder has as well, reads the field."""
    field = str(masked.field)
    if field not in policy.grants[place].mask:
        return  # the field takes `decrypt`, and is masked for whoever lacks it
    holders = set(policy.holders(masked.role))
    for other, parts in policy.parts.items():
        role = policy.grants[other].role
        for part in parts:
            reads = part.about[1:] == masked.about[1:] and part.mask is None and part.rows.covers(masked.rows)
            if not reads:
                continue
            spot, at = policy.spot(place, field).dot("mask").at(field), f"$.grants[{other}]"
            if role == masked.role:
                yield spot.problem("mask_without_effect", severity="warning", role=policy.role(role), other=at)
            elif both := holders & set(policy.holders(role)):
                members = tuple(sorted(both))
                yield spot.problem("mask_lifted", severity="notice", role=policy.role(role), other=at, members=members)


def _opened(policy: Policy, place: int, part: Entitlement, trusted: bool) -> Iterator[Problem]:
    grant, field = policy.grants[place], str(part.field)
    definition = policy.schema.configuration.modules[part.module].fields.get(field)
    if definition is None:
        return
    spot = policy.spot(place, field).dot("view")
    if definition.sensitivity == "sensitive" and not trusted:
        yield spot.problem("sensitive_open", severity="warning", role=policy.role(part.role))
    if (definition.sensitivity == "masked" or definition.encrypted) and field not in grant.view.names:
        yield spot.problem("opened_by_wildcard", severity="notice", role=policy.role(part.role))


def _unseen(policy: Policy, place: int, edited: Entitlement) -> Iterator[Problem]:
    """Yield a field that a role edits without seeing anything of it on the same records."""
    field = str(edited.field)
    seen = (
        part.action == "view" and part.field == field and part.rows.covers(edited.rows)
        for parts in ({place: policy.parts[place]} | dict(policy.others(place))).values()
        for part in parts
    )
    if not any(seen):
        role = policy.role(edited.role)
        yield policy.spot(place, field).dot("edit").problem("edited_unseen", severity="notice", role=role)

"""What a policy comes to for single members, all of their roles taken together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from custinfo.core.criteria.implying import implies
from custinfo.core.criteria.nodes import Criterion, Through, all_of
from custinfo.core.organisation import Directory
from custinfo.core.policy.grants import READING, Action
from custinfo.core.policy.scopes import Holder, scope_criterion
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, ShareLevel
from custinfo.core.review.entitlements import Entitlement, entitlements, uncovered, widest
from custinfo.core.schema import Schema

__all__ = ["MemberDifference", "member_difference", "member_differences", "rows_of"]

_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Shares are compared as of the same instant; which one makes no difference."""


@attrs.frozen
class MemberDifference:
    """What one member gains and loses, all of their roles taken together.

    `member` is their key, `gains` what only the second policy allows them, and `losses` what only the first one does.
    """

    member: MemberKey
    gains: tuple[Entitlement, ...]
    losses: tuple[Entitlement, ...]

    def __bool__(self) -> bool:
        return bool(self.gains or self.losses)


@attrs.frozen
class _Held:
    """An entitlement of one member, with the records that it comes to for them."""

    part: Entitlement
    rows: Criterion

    @property
    def about(self) -> tuple[ModuleKey, Action, FieldKey | None]:
        return self.part.module, self.part.action, self.part.field

    def covers(self, other: _Held) -> bool:
        return self.part.mask in (None, other.part.mask) and implies(other.rows, self.rows)


def member_differences(
    schemas: tuple[Schema, Schema], changed: tuple[Iterable[Entitlement], Iterable[Entitlement]]
) -> tuple[MemberDifference, ...]:
    """Return the members who gain or lose something, in the order of the roles that changed.

    Args:
        schemas: The configuration before and after, with the same people.
        changed: What roles gain, and what they lose.
    """
    roles = dict.fromkeys(part.role for parts in changed for part in parts)
    members = dict.fromkeys(member for role in roles for member in schemas[1].directory.holders(role))
    parts = (entitlements(schemas[0]), entitlements(schemas[1]))
    found = (member_difference(schemas[1].directory, member, parts) for member in members)
    return tuple(item for item in found if item)


def member_difference(
    directory: Directory, member: MemberKey, parts: tuple[Iterable[Entitlement], Iterable[Entitlement]]
) -> MemberDifference:
    """Return what a member gains and loses, given what each role may do before and after."""
    old, new = (tuple(_held(directory, member, side)) for side in parts)
    return MemberDifference(member, _missing(new, old), _missing(old, new))


def _held(directory: Directory, member: MemberKey, parts: Iterable[Entitlement]) -> Iterator[_Held]:
    holder = Holder.of(member, directory)
    for part in parts:
        if part.role in holder.roles:
            yield _Held(part, rows_of(part, holder))


def rows_of(part: Entitlement, holder: Holder) -> Criterion:
    """Return the records that an entitlement comes to for one who holds the role."""
    grant = attrs.evolve(part.rows.grant, role=part.role)
    levels: tuple[ShareLevel, ...] = ("read", "collaborate") if part.action in READING else ("collaborate",)
    found = all_of([scope_criterion(grant, holder, _SOME_TIME, levels), part.rows.condition])
    for reference in reversed(part.rows.via):
        found = Through(reference, found)
    return found


def _missing(wanted: Iterable[_Held], given: Iterable[_Held]) -> tuple[Entitlement, ...]:
    """Return what is wanted and not covered by what is given, without what something else of it includes."""
    return tuple(held.part for held in widest(uncovered(wanted, given)))

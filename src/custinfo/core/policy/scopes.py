"""Whose records a grant covers: scopes as criteria, for one who holds roles in departments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import attrs

from custinfo.core.criteria.nodes import (
    Compare,
    Criterion,
    Everything,
    Not,
    Nothing,
    OneOf,
    Path,
    Present,
    SharedWith,
    Through,
    all_of,
)
from custinfo.core.organisation import Deputy, Directory
from custinfo.core.policy.grants import Grant
from custinfo.core.records import MemberKey, ShareLevel

__all__ = ["Holder", "scope_criterion"]


@attrs.frozen
class Holder:
    """Say what the directory knows of an actor, as far as a policy asks.

    `roles` are those that they hold, each with the departments; `actions` are those that a deputy's rule leaves,
    `None` for all.
    """

    actor: MemberKey
    directory: Directory
    roles: Mapping[str, tuple[str, ...]]
    actions: frozenset[str] | None = None

    @classmethod
    def of(cls, actor: MemberKey, directory: Directory, deputy: Deputy | None = None) -> Holder:
        """Return what is known of an actor, narrowed by the rule under which somebody acts on their behalf."""
        held: dict[str, tuple[str, ...]] = {}
        for role, department in directory.roles_of(actor):
            if deputy is None or not deputy.roles or role in deputy.roles:
                held[role] = (*held.get(role, ()), department)
        return cls(actor, directory, held, deputy.actions or None if deputy is not None else None)

    def principals(self) -> frozenset[tuple[str, str]]:
        """Return what records may be shared with to reach the actor: them, their roles, departments and those above."""
        member = self.directory.member(self.actor)
        found = {("member", self.actor), *(("role", role) for role in self.roles)}
        for assignment in member.assignments if member is not None else ():
            key: str | None = assignment.department
            while key and ("department", key) not in found:
                found.add(("department", key))
                node = self.directory.department(key)
                key = node.parent if node is not None else None
        return frozenset(found)


def scope_criterion(
    grant: Grant, holder: Holder, now: datetime, levels: Iterable[ShareLevel] = ("read", "collaborate")
) -> Criterion:
    """Return the bound criterion of the records that the grant's scope covers.

    Args:
        grant: The grant, of a role that the holder has.
        holder: Who the actor is.
        now: The instant by which it is judged whether a share has ended.
        levels: Of the scope `shared`: which shares count.
    """
    hop: Path = (grant.through,) if grant.through else ()
    match grant.scope:
        case "all":
            return Everything()
        case "own":
            return Compare((*hop, "owner"), "eq", holder.actor)
        case "shared":
            found: Criterion = SharedWith(holder.principals(), frozenset(levels), now)
            return Through(grant.through, found) if grant.through else found
        case "pool":
            found = all_of([Not(Present(("owner",))), _within((), grant.departments, holder.directory)])
            return Through(grant.through, found) if grant.through else found
        case "departments":
            return _within(hop, grant.departments, holder.directory) if grant.departments else Nothing()
        case scope:
            nodes = set(_nodes(scope, holder.roles.get(grant.role, ()), holder.directory))
            return OneOf((*hop, "department"), tuple(sorted(nodes))) if nodes else Nothing()


def _within(hop: Path, departments: Iterable[str], directory: Directory) -> Criterion:
    """Return the criterion of records of listed departments and all below them; of everything for no list."""
    listed = tuple(departments)
    if not listed:
        return Everything()
    nodes = {node for key in listed for node in directory.subtree(key)}
    return OneOf((*hop, "department"), tuple(sorted(nodes))) if nodes else Nothing()


def _nodes(scope: str, departments: Iterable[str], directory: Directory) -> Iterator[str]:
    """Yield the departments whose records a scope covers, for a role held in `departments`."""
    for held_in in departments:
        match scope:
            case "team":
                yield held_in
            case "subtree":
                yield from directory.subtree(held_in)
            case _:
                yield from _department_and_teams(held_in, directory)


def _department_and_teams(held_in: str, directory: Directory) -> Iterator[str]:
    """Yield the nearest department that a node stands in, with its teams and theirs."""
    root = held_in
    seen = {root}
    while (node := directory.department(root)) is not None and node.kind == "team" and node.parent:
        if node.parent in seen:
            break
        root = node.parent
        seen.add(root)
    covered = {root}
    for key in directory.subtree(root):  # parents first
        node = directory.department(key)
        if key == root or (node is not None and node.kind == "team" and node.parent in covered):
            covered.add(key)
            yield key

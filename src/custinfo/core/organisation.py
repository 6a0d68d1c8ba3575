"""Departments, teams, positions and people (ORG-1, ORG-2)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal, Protocol, runtime_checkable

import attrs

from custinfo.core.frozen import FrozenDict, indexed
from custinfo.core.records import MemberKey
from custinfo.core.text import folded

__all__ = [
    "Assignment",
    "Department",
    "Deputy",
    "DeputyDirectory",
    "Directory",
    "Member",
    "Organisation",
    "Position",
    "PositionDirectory",
    "VersionedDirectory",
    "deputy_rule",
    "directory_version",
]

Found = str | tuple[str, ...] | None
"""A key; several keys when the text is ambiguous; `None` for none."""


@attrs.frozen
class Department:
    """A node of the organisation: a `department`, or a `team` within one (`kind`).

    `name` is what people call it, `parent` the key of the node above, and `head` the key of its leader.
    """

    key: str
    name: str
    parent: str | None = None
    kind: Literal["department", "team"] = "department"
    head: MemberKey | None = None


@attrs.frozen
class Position:
    """A post that gives its holder roles in the department where they hold it.

    `key` is what assignments and flows name it by, and `name` what people call it; `roles` are keys of roles of the
    configuration.
    """

    key: str
    name: str
    roles: tuple[str, ...]


@attrs.frozen
class Assignment:
    """Say that a member holds a position in a department."""

    department: str
    position: str


@attrs.frozen
class Member:
    """A person of the organisation; the first of their `assignments` is the main one.

    `key` is what records store, so it is never given to somebody else. Who has left is kept and not `active`: they do
    nothing any more, and old records still name them. People find a member by `name` or `employee_number`, too.
    """

    key: MemberKey
    name: str
    assignments: tuple[Assignment, ...] = ()
    employee_number: str | None = None
    active: bool = True

    @property
    def department(self) -> str | None:
        """The department of the main assignment."""
        return self.assignments[0].department if self.assignments else None


@attrs.frozen
class Deputy:
    """Let a member act on behalf of another, for a time and within limits.

    Args:
        member: Who deputises.
        principal: For whom.
        since: First instant at which it holds, aware; `None` for always.
        until: The instant at which it ends, aware; `None` for never.
        roles: Of the principal's roles, those that count; all where none is named.
        actions: What may be done of all that the principal may; everything where none is named.
    """

    member: MemberKey
    principal: MemberKey
    since: datetime | None = None
    until: datetime | None = None
    roles: tuple[str, ...] = ()
    actions: frozenset[str] = frozenset()

    def holds_at(self, moment: datetime) -> bool:
        """Return whether the rule is in force at `moment`, aware."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


class Directory(Protocol):
    """Know the people: implement it where the host keeps them; `Organisation` is the built-in one (ORG-3)."""

    def member(self, key: MemberKey, /) -> Member | None:
        """Return the member, also one who has left; `None` if never known."""

    def roles_of(self, key: MemberKey, /) -> tuple[tuple[str, str], ...]:
        """Return (role, department in which it is held) for every role of an active member; empty for others."""

    def holders(self, role: str, /) -> tuple[MemberKey, ...]:
        """Return the active members who hold `role` anywhere, in a stable order."""

    def department(self, key: str, /) -> Department | None:
        """Return the department or team, or `None`."""

    def subtree(self, key: str, /) -> tuple[str, ...]:
        """Return the department and everything below it; empty if unknown."""

    def find_member(self, text: str, /) -> Found:
        """Return the key of whom `text` names by key, name, `name(department)` or employee number."""

    def find_department(self, text: str, /) -> Found:
        """Return the key of the department that `text` names by key, name or path."""


class DeputyDirectory(Protocol):
    """Know who acts on behalf of whom: optional beside `Directory`. Without it, nobody does."""

    def deputies_for(self, principal: MemberKey, /) -> tuple[Deputy, ...]:
        """Return the rules by which others may act on behalf of a member, also those that are not in force."""


def deputy_rule(directory: Directory, member: MemberKey, principal: MemberKey, now: datetime) -> Deputy | None:
    """Return the first rule in force by which `member` may act on behalf of `principal`; `None` for none."""
    find = getattr(directory, "deputies_for", None)
    rules: tuple[Deputy, ...] = find(principal) if callable(find) else ()
    return next((rule for rule in rules if rule.member == member and rule.holds_at(now)), None)


class VersionedDirectory(Protocol):
    """Say when people or departments changed, so that what was compiled from a directory may be kept.

    Optional beside `Directory`. Without it, the access of an actor is compiled anew for each session.
    """

    def version(self) -> Hashable:
        """Return a value that is another one after each change, cheaply: it is asked for in every session."""


def directory_version(directory: Directory) -> Hashable | None:
    """Return the version of a directory; `None` for one that does not tell."""
    version = getattr(directory, "version", None)
    found: Hashable | None = version() if callable(version) else None
    return found


@runtime_checkable
class PositionDirectory(Directory, Protocol):
    """Know who holds which position: for flows that ask by position. A directory without it finds nobody there."""

    def in_position(self, position: str, /) -> tuple[tuple[MemberKey, str], ...]:
        """Return (active member, department) for everybody who holds a position, in a stable order."""


def _frozen(rules: Iterable[Deputy]) -> tuple[Deputy, ...]:
    return tuple(rules)


@attrs.frozen(slots=False)
class Organisation:
    """Hold the whole organisation as a value; implements `Directory`.

    `departments`, `positions` and `members` are given as sequences, and kept by key; `deputies` are the rules by which
    members act on behalf of others.

    >>> from custinfo.standard import sample_organisation
    >>> sample_organisation().find_member("李四(销售一部-1组)")
    'lisi'
    """

    departments: FrozenDict[str, Department] = attrs.field(converter=indexed)
    positions: FrozenDict[str, Position] = attrs.field(converter=indexed)
    members: FrozenDict[str, Member] = attrs.field(converter=indexed)
    deputies: tuple[Deputy, ...] = attrs.field(default=(), converter=_frozen)

    def version(self) -> Hashable:
        """Return the same for ever: an organisation is a value, and another one is another directory."""
        return 0

    def member(self, key: MemberKey, /) -> Member | None:
        """Return the member, also one who has left; `None` if never known."""
        return self.members.get(key)

    def roles_of(self, key: MemberKey, /) -> tuple[tuple[str, str], ...]:
        """Return (role, department in which it is held) for every role of an active member."""
        member = self.members.get(key)
        if member is None or not member.active:
            return ()
        return tuple(
            (role, assignment.department)
            for assignment in member.assignments
            if assignment.position in self.positions
            for role in self.positions[assignment.position].roles
        )

    def holders(self, role: str, /) -> tuple[MemberKey, ...]:
        """Return the active members who hold `role` anywhere, in order of definition."""
        return self._holders.get(role, ())

    @cached_property
    def _holders(self) -> dict[str, tuple[MemberKey, ...]]:
        found: dict[str, dict[MemberKey, None]] = {}
        for key in self.members:
            for role, _ in self.roles_of(key):
                found.setdefault(role, {})[key] = None
        return {role: tuple(keys) for role, keys in found.items()}

    def in_position(self, position: str, /) -> tuple[tuple[MemberKey, str], ...]:
        """Return (active member, department) for everybody who holds a position, in order of definition."""
        return tuple(
            (member.key, assignment.department)
            for member in self.members.values()
            if member.active
            for assignment in member.assignments
            if assignment.position == position
        )

    def department(self, key: str, /) -> Department | None:
        """Return the department or team, or `None`."""
        return self.departments.get(key)

    def deputies_for(self, principal: MemberKey, /) -> tuple[Deputy, ...]:
        """Return the rules by which others may act on behalf of a member."""
        return tuple(rule for rule in self.deputies if rule.principal == principal)

    def subtree(self, key: str, /) -> tuple[str, ...]:
        """Return the department and everything below it, parents first; empty if unknown."""
        if key not in self.departments:
            return ()
        found, level = {key: None}, [key]
        while level:
            level = [child for parent in level for child in self._below.get(parent, ()) if child not in found]
            found |= dict.fromkeys(level)
        return tuple(found)

    @cached_property
    def _below(self) -> dict[str, list[str]]:
        """Department → those right below it."""
        found: dict[str, list[str]] = {}
        for item in self.departments.values():
            found.setdefault(item.parent or "", []).append(item.key)
        return found

    def path(self, key: str) -> str:
        """Return the names from the root down to the department, joined by `-`."""
        return "-".join(self._names_down_to(key))

    def _names_down_to(self, key: str) -> list[str]:
        chain: dict[str, str] = {}
        node = self.departments.get(key)
        while node is not None and node.key not in chain:
            chain[node.key] = node.name
            node = self.departments.get(node.parent or "")
        return list(reversed(chain.values()))

    def find_member(self, text: str, /) -> Found:
        """Return the key of whom `text` names by key, name, `name(department)` or employee number."""
        return _only(self._member_names.get(folded(text)))

    def find_department(self, text: str, /) -> Found:
        """Return the key of the department that `text` names by key, name or path."""
        return _only(self._department_names.get(folded(text)))

    @cached_property
    def _member_names(self) -> dict[str, tuple[str, ...]]:
        names: dict[str, tuple[str, ...]] = {}
        for member in self.members.values():
            texts = {member.name, member.employee_number or member.name}
            for assignment in member.assignments:
                department = self.departments.get(assignment.department)
                texts.update(f"{member.name}({part})" for part in self._suffixes(assignment.department))
                texts.add(f"{member.name}({department.name if department else assignment.department})")
            for text in set(map(folded, texts)):
                names[text] = (*names.get(text, ()), member.key)
        return names | {folded(key): (key,) for key in self.members}

    @cached_property
    def _department_names(self) -> dict[str, tuple[str, ...]]:
        names: dict[str, tuple[str, ...]] = {}
        for key in self.departments:
            for text in {folded(part) for part in self._suffixes(key)}:
                names[text] = (*names.get(text, ()), key)
        return names | {folded(key): (key,) for key in self.departments}

    def _suffixes(self, department: str) -> list[str]:
        """Return the path to a department, and what is left of it without its first names."""
        parts = self._names_down_to(department)
        return ["-".join(parts[start:]) for start in range(len(parts))]

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.departments, self.positions, self.members, self.deputies)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(_PARTS, state, strict=True):
            object.__setattr__(self, name, value)


_PARTS: Final = ("departments", "positions", "members", "deputies")


def _only(keys: tuple[str, ...] | None) -> Found:
    return keys[0] if keys is not None and len(keys) == 1 else keys

"""A directory for checks that are made without the people."""

from __future__ import annotations

import attrs

from custinfo.core.organisation import Department, Member
from custinfo.core.records import MemberKey

__all__ = ["Anyone"]


@attrs.frozen
class Anyone:
    """Know every member and department that is asked for, so that nothing is said about people."""

    def member(self, key: MemberKey, /) -> Member | None:
        """Return a member of this key."""
        return Member(key, key)

    def roles_of(self, key: MemberKey, /) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        """Return no role."""
        return ()

    def holders(self, role: str, /) -> tuple[MemberKey, ...]:  # noqa: ARG002
        """Return nobody."""
        return ()

    def department(self, key: str, /) -> Department | None:
        """Return a department of this key."""
        return Department(key, key)

    def subtree(self, key: str, /) -> tuple[str, ...]:
        """Return the department alone."""
        return (key,)

    def find_member(self, text: str, /) -> str | tuple[str, ...] | None:
        """Return the text as a key."""
        return text

    def find_department(self, text: str, /) -> str | tuple[str, ...] | None:
        """Return the text as a key."""
        return text

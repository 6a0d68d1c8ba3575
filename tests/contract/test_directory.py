"""The built-in directory, and one over another source, keep the contract of directories."""

from __future__ import annotations

from collections.abc import Hashable

from custinfo.core.organisation import Department, Directory, Member, Organisation
from custinfo.testing import DirectoryContract


class TestOrganisation(DirectoryContract):
    """The built-in one."""

    def directory(self, people: Organisation) -> Directory:
        """Return the people themselves."""
        return people


class Changing:
    """A directory whose people change, as a host's would; it knows no deputies."""

    def __init__(self, people: Organisation) -> None:
        self.people = people
        self.changes = 0

    def version(self) -> Hashable:
        """Return how often it changed."""
        return self.changes

    def member(self, key: str, /) -> Member | None:
        """Return a member."""
        return self.people.member(key)

    def roles_of(self, key: str, /) -> tuple[tuple[str, str], ...]:
        """Return roles."""
        return tuple(reversed(self.people.roles_of(key)))

    def holders(self, role: str, /) -> tuple[str, ...]:
        """Return holders."""
        return tuple(sorted(self.people.holders(role)))

    def department(self, key: str, /) -> Department | None:
        """Return a department."""
        return self.people.department(key)

    def subtree(self, key: str, /) -> tuple[str, ...]:
        """Return a subtree."""
        return self.people.subtree(key)

    def find_member(self, text: str, /) -> str | tuple[str, ...] | None:
        """Find a member."""
        return self.people.find_member(text)

    def find_department(self, text: str, /) -> str | tuple[str, ...] | None:
        """Find a department."""
        return self.people.find_department(text)


class TestChanging(DirectoryContract):
    """One that changes."""

    deputies = False

    def directory(self, people: Organisation) -> Changing:
        """Return a directory over the people."""
        return Changing(people)

    def replace(self, directory: Directory, people: Organisation) -> Directory:
        """Change it."""
        assert isinstance(directory, Changing)
        directory.people = people
        directory.changes += 1
        return directory

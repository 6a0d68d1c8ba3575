"""The contract of a directory: a host that keeps people elsewhere answers as `Organisation` does."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from custinfo.core.organisation import Assignment, Department, Deputy, Directory, Member, Organisation, Position
from custinfo.core.organisation import directory_version as version_of

__all__ = ["DirectoryContract"]

_UNTIL: Final = datetime(2030, 1, 1, tzinfo=UTC)

_PEOPLE: Final = Organisation(
    (
        Department("hq", "总部"),
        Department("south", "华南区", "hq", head="li"),
        Department("south-1", "1组", "south", "team"),
        Department("north", "华北区", "hq"),
        Department("north-1", "1组", "north", "team"),
    ),
    (
        Position("seller", "销售", ("sales",)),
        Position("lead", "组长", ("sales", "lead")),
        Position("guest", "访客", ()),
    ),
    (
        Member("li", "李雷", (Assignment("south", "lead"),), "E001"),
        Member("han", "韩梅", (Assignment("south-1", "seller"), Assignment("north-1", "lead")), "E002"),
        Member("han2", "韩梅", (Assignment("north-1", "seller"),), "E003"),
        Member("gone", "赵走", (Assignment("north", "lead"),), "E004", active=False),
        Member("new", "新人"),
        Member("guest", "来宾", (Assignment("north", "guest"),)),
    ),
    (Deputy("li", "han", until=_UNTIL, roles=("sales",)), Deputy("new", "han")),
)
_TEXTS: Final = (
    *("li", "LI", "李雷", "李雷(华南区)", "李雷(总部-华南区)", "E001", "e002", "韩梅", "韩梅(1组)", "韩梅(华北区-1组)"),
    *(
        "韩梅(华南区-1组)",
        "赵走",
        "gone",
        "来宾",
        "nobody",
        "",
        " ",
        "李",
        "李雷(财务部)",
        "south",
        "华南区",
        "总部-华南区",
    ),
    *("1组", "华北区-1组", "总部-华南区-1组", "hq"),
)


class DirectoryContract:
    """Test every promise of `Directory`: inherit, and say how a directory is made that knows some people.

    ::

        class TestMyDirectory(DirectoryContract):
            def directory(self, people: Organisation) -> Directory:
                return MyDirectory(load(people))

    pytest runs the tests of the subclass; no fixtures are needed. What a directory may lack, it says by a class
    attribute; the tests of it are then skipped, and say why:

    deputies
        It is a `DeputyDirectory`.
    versioned
        It is a `VersionedDirectory`: another directory of other people has another version, or `replace` gives it one.
    """

    deputies = True
    versioned = True

    def directory(self, people: Organisation) -> Directory:
        """Return a directory that knows these people and departments, and no others."""
        raise NotImplementedError

    def replace(self, directory: Directory, people: Organisation) -> Directory:  # noqa: ARG002
        """Return the directory when other people have come: the same one, changed, or another one."""
        return self.directory(people)

    def test_members(self) -> None:
        """Members come back equal, also those who have left; nobody else is known."""
        directory = self.directory(_PEOPLE)
        for key, member in _PEOPLE.members.items():
            assert directory.member(key) == member
        assert directory.member("nobody") is None
        assert directory.member("") is None

    def test_roles(self) -> None:
        """A role comes with the department where it is held; who has left, or is unknown, holds none."""
        directory = self.directory(_PEOPLE)
        for key in (*_PEOPLE.members, "nobody"):
            assert sorted(directory.roles_of(key)) == sorted(_PEOPLE.roles_of(key)), key

    def test_holders(self) -> None:
        """The holders of a role are active, each is told once, and in the same order each time."""
        directory = self.directory(_PEOPLE)
        for role in ("sales", "lead", "nothing"):
            found = directory.holders(role)
            assert sorted(found) == sorted(_PEOPLE.holders(role)), role
            assert directory.holders(role) == found

    def test_departments(self) -> None:
        """Departments come back equal; those that nobody knows are `None`."""
        directory = self.directory(_PEOPLE)
        for key, department in _PEOPLE.departments.items():
            assert directory.department(key) == department
        assert directory.department("nowhere") is None
        assert directory.department("") is None

    def test_subtrees(self) -> None:
        """A department comes before all below it, each once; an unknown one has nothing."""
        directory = self.directory(_PEOPLE)
        for key in (*_PEOPLE.departments, "nowhere"):
            found = directory.subtree(key)
            assert sorted(found) == sorted(_PEOPLE.subtree(key)), key
            for node in found[1:]:
                department = directory.department(node)
                assert department is not None
                assert found.index(str(department.parent)) < found.index(node)

    def test_finding(self) -> None:
        """Texts find people and departments by key, name, path and number; several are told, and none is `None`."""
        directory = self.directory(_PEOPLE)
        for text in _TEXTS:
            assert _found(directory.find_member(text)) == _found(_PEOPLE.find_member(text)), text
            assert _found(directory.find_department(text)) == _found(_PEOPLE.find_department(text)), text

    def test_deputies(self) -> None:
        """The rules for a member come back equal and in order."""
        if not self.deputies:
            pytest.skip(f"{type(self).__name__}.deputies is False: nobody acts on behalf of others")
        directory = self.directory(_PEOPLE)
        for key in _PEOPLE.members:
            assert directory.deputies_for(key) == _PEOPLE.deputies_for(key)  # type: ignore[attr-defined]

    def test_version(self) -> None:
        """As long as nothing changes the version is the same; afterwards it is another one, or another directory."""
        if not self.versioned:
            pytest.skip(f"{type(self).__name__}.versioned is False: access is compiled for each session")
        directory = self.directory(_PEOPLE)
        before = version_of(directory)
        assert before is not None
        assert version_of(directory) == before
        assert hash(before) == hash(version_of(directory))
        changed = self.replace(directory, Organisation((), (), ()))
        assert changed is not directory or version_of(changed) != before
        assert changed.member("li") is None


def _found(keys: str | tuple[str, ...] | None) -> object:
    return sorted(keys) if isinstance(keys, tuple) else keys

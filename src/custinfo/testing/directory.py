"""The contract of a directory: a host that keeps people elsewhere answers as `Organisation` does."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from custinfo.core.organisation import Assignment, Department, Deputy, Directory, Found, Member, Organisation, Position
from custinfo.core.organisation import directory_version as version_of
from custinfo.testing._telling import same, skip_without

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
# What is expected is written down, and not asked of `Organisation`, which is tested by it, too.
_ROLES: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "li": [("lead", "south"), ("sales", "south")],
    "han": [("lead", "north-1"), ("sales", "north-1"), ("sales", "south-1")],
    "han2": [("sales", "north-1")],
    "gone": [],
    "new": [],
    "guest": [],
    "nobody": [],
}
_HOLDERS: Final[Mapping[str, Sequence[str]]] = {"sales": ["han", "han2", "li"], "lead": ["han", "li"], "nothing": []}
_IN_POSITION: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "seller": [("han", "south-1"), ("han2", "north-1")],
    "lead": [("han", "north-1"), ("li", "south")],
    "guest": [("guest", "north")],
    "nothing": [],
}
_SUBTREES: Final[Mapping[str, Sequence[str]]] = {
    "hq": ["hq", "north", "north-1", "south", "south-1"],
    "south": ["south", "south-1"],
    "south-1": ["south-1"],
    "north": ["north", "north-1"],
    "north-1": ["north-1"],
    "nowhere": [],
}
_TWO: Final = ("han", "han2")
_MEMBERS_FOUND: Final[Mapping[str, Found]] = {
    **dict.fromkeys(("li", "LI", "李雷", "李雷(华南区)", "李雷(总部-华南区)", "E001"), "li"),
    **dict.fromkeys(("han", "e002", "韩梅(华南区-1组)"), "han"),
    **dict.fromkeys(("韩梅", "韩梅(1组)", "韩梅(华北区-1组)"), _TWO),
    **dict.fromkeys(("赵走", "gone"), "gone"),
    **dict.fromkeys(("来宾", "来宾(华北区)"), "guest"),
    **dict.fromkeys(("nobody", "", " ", "李", "李雷(财务部)", "south", "1组")),
}
_DEPARTMENTS_FOUND: Final[Mapping[str, Found]] = {
    **dict.fromkeys(("south", "SOUTH", "华南区", "总部-华南区"), "south"),
    **dict.fromkeys(("华北区-1组", "总部-华北区-1组"), "north-1"),
    **dict.fromkeys(("south-1", "总部-华南区-1组"), "south-1"),
    **dict.fromkeys(("hq", "总部"), "hq"),
    "1组": ("north-1", "south-1"),
    **dict.fromkeys(("nowhere", "", " ", "华南", "li", "李雷")),
}


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

    deputies: ClassVar[bool] = True
    versioned: ClassVar[bool] = True

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
            same(directory.member(key), member, key)
        assert directory.member("nobody") is None
        assert directory.member("") is None

    def test_roles(self) -> None:
        """A role comes with the department where it is held; who has left, or is unknown, holds none."""
        directory = self.directory(_PEOPLE)
        for key, roles in _ROLES.items():
            same(sorted(directory.roles_of(key)), roles, key)

    def test_holders(self) -> None:
        """The holders of a role are active, each is told once, and in the same order each time."""
        directory = self.directory(_PEOPLE)
        for role, holders in _HOLDERS.items():
            found = directory.holders(role)
            same(sorted(found), holders, role)
            same(directory.holders(role), found, role)

    def test_departments(self) -> None:
        """Departments come back equal; those that nobody knows are `None`."""
        directory = self.directory(_PEOPLE)
        for key, department in _PEOPLE.departments.items():
            same(directory.department(key), department, key)
        assert directory.department("nowhere") is None
        assert directory.department("") is None

    def test_subtrees(self) -> None:
        """A department comes before all below it, each once; an unknown one has nothing."""
        directory = self.directory(_PEOPLE)
        for key, nodes in _SUBTREES.items():
            found = directory.subtree(key)
            same(sorted(found), nodes, key)
            for node in found[1:]:
                parent = str(_PEOPLE.departments[node].parent)
                assert found.index(parent) < found.index(node), f"{parent} comes after {node}"

    def test_finding(self) -> None:
        """Texts find people and departments by key, name, path and number; several are told, and none is `None`."""
        directory = self.directory(_PEOPLE)
        for text, member in _MEMBERS_FOUND.items():
            same(_found(directory.find_member(text)), _found(member), f"find_member({text!r})")
        for text, department in _DEPARTMENTS_FOUND.items():
            same(_found(directory.find_department(text)), _found(department), f"find_department({text!r})")

    def test_deputies(self) -> None:
        """The rules for a member come back equal and in order."""
        skip_without(self, "deputies", "nobody acts on behalf of others")
        directory: Any = self.directory(_PEOPLE)
        for key, rules in {"han": list(_PEOPLE.deputies), "li": [], "new": [], "nobody": []}.items():
            same(directory.deputies_for(key), rules, key)

    def test_positions(self) -> None:
        """A `PositionDirectory` tells who holds a position in which department, of those who are active."""
        find = getattr(self.directory(_PEOPLE), "in_position", None)
        if find is None:
            return
        for position, holders in _IN_POSITION.items():
            same(sorted(find(position)), holders, position)

    def test_version(self) -> None:
        """As long as nothing changes the version is the same; afterwards it is another one, or another directory."""
        skip_without(self, "versioned", "access is compiled for each session")
        directory = self.directory(_PEOPLE)
        before = version_of(directory)
        assert before is not None
        same(version_of(directory), before)
        same(hash(version_of(directory)), hash(before))
        changed = self.replace(directory, Organisation((), (), ()))
        assert changed is not directory or version_of(changed) != before
        assert changed.member("li") is None


def _found(keys: str | tuple[str, ...] | None) -> object:
    return sorted(keys) if isinstance(keys, tuple) else keys

"""Finding people and departments by what people write."""

from __future__ import annotations

import copy
import pickle

import pytest

from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position

ORGANISATION = Organisation(
    (
        Department("s1", "销售一部", head="wang"),
        Department("s1a", "1组", "s1", "team"),
        Department("s2", "销售二部"),
        Department("s2a", "1组", "s2", "team"),
        Department("rd", "R-D"),
    ),
    (Position("seller", "销售", ("sales",)), Position("lead", "组长", ("team_lead", "sales"))),
    (
        Member("li", "李四", (Assignment("s1a", "seller"),), "E001"),
        Member("li2", "李四", (Assignment("s2a", "seller"),), "E002"),
        Member("wang", "王五", (Assignment("s1", "lead"), Assignment("s2", "seller")), "E003"),
        Member("gone", "赵六", (Assignment("s1", "seller"),), active=False),
        Member("free", "Ann Lee", (), "E005"),
        Member("lost", "钱七", (Assignment("nowhere", "seller"),)),
        Member("E001", "孙八", (Assignment("rd", "seller"),)),
    ),
)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("li", "li"),
        ("李四", ("li", "li2")),
        ("李四(销售一部-1组)", "li"),
        ("李四（销售一部 － 1组）", "li"),
        ("李四(销售二部-1组)", "li2"),
        ("李四(1组)", ("li", "li2")),
        ("E002", "li2"),
        ("ｅ００２", "li2"),
        ("E001", "E001"),
        ("王五", "wang"),
        ("王五(销售一部)", "wang"),
        ("王五(销售二部)", "wang"),
        ("赵六", "gone"),
        ("ann lee", "free"),
        ("AnnLee", "free"),
        ("钱七(nowhere)", "lost"),
        ("孙八(R-D)", "E001"),
        ("孙八(D)", None),
        ("李四(销售三部)", None),
        ("", None),
        ("nobody", None),
    ],
)
def test_find_member(typed: str, found: str | tuple[str, ...] | None) -> None:
    """A key, name, name with department or employee number names a person; a key wins; several are all given."""
    assert ORGANISATION.find_member(typed) == found


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("s1", "s1"),
        ("销售一部", "s1"),
        ("1组", ("s1a", "s2a")),
        ("销售一部-1组", "s1a"),
        ("销售二部 - 1组", "s2a"),
        ("R-D", "rd"),
        ("r-d", "rd"),
        ("D", None),  # a part of a name is no part of a path
        ("销售三部", None),
    ],
)
def test_find_department(typed: str, found: str | tuple[str, ...] | None) -> None:
    """A key, name or path names a department; several are all given."""
    assert ORGANISATION.find_department(typed) == found


def test_roles() -> None:
    """Each assignment gives the roles of its position in its department; who left has none, who is unknown too."""
    assert ORGANISATION.roles_of("wang") == (("team_lead", "s1"), ("sales", "s1"), ("sales", "s2"))
    assert ORGANISATION.roles_of("gone") == ()
    assert ORGANISATION.roles_of("free") == ()
    assert ORGANISATION.roles_of("nobody") == ()


def test_holders() -> None:
    """Active members who hold a role, each once, in order of definition."""
    assert ORGANISATION.holders("sales") == ("li", "li2", "wang", "lost", "E001")
    assert ORGANISATION.holders("team_lead") == ("wang",)
    assert ORGANISATION.holders("finance") == ()


def test_members_and_departments() -> None:
    """Who left is still known; the first assignment is the main one."""
    gone = ORGANISATION.member("gone")
    assert gone is not None
    assert (gone.active, gone.department) == (False, "s1")
    assert ORGANISATION.members["wang"].department == "s1"
    assert ORGANISATION.members["free"].department is None
    assert ORGANISATION.member("nobody") is None
    assert ORGANISATION.department("s1") == Department("s1", "销售一部", head="wang")
    assert ORGANISATION.department("nowhere") is None


def test_tree() -> None:
    """Subtrees have parents first; paths are joined from the root; unknown keys give nothing."""
    assert ORGANISATION.subtree("s1") == ("s1", "s1a")
    assert ORGANISATION.subtree("s1a") == ("s1a",)
    assert ORGANISATION.subtree("nowhere") == ()
    assert ORGANISATION.path("s2a") == "销售二部-1组"
    assert ORGANISATION.path("nowhere") == ""


def test_collections_in_every_form() -> None:
    """Tuples and mappings of items make equal organisations."""
    parts = (ORGANISATION.departments, ORGANISATION.positions, ORGANISATION.members)
    assert Organisation(*parts) == ORGANISATION
    departments, positions, members = (dict(part) for part in parts)
    assert Organisation(departments, positions, members) == ORGANISATION


def test_an_organisation_pickles_and_copies() -> None:
    """What it remembers of searches stays behind; finding works afterwards."""
    ORGANISATION.find_member("li")
    for other in (pickle.loads(pickle.dumps(ORGANISATION)), copy.deepcopy(ORGANISATION)):
        assert other == ORGANISATION
        assert other.find_member("E002") == "li2"

"""What is wrong with an organisation, by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from custinfo import check_configuration, check_organisation
from custinfo.core.fields import FieldDefinition, Inheritance, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.organisation import Assignment, Department, Deputy, Member, Organisation, Position
from custinfo.standard import sample_organisation, standard_configuration

PEOPLE = sample_organisation()
LISI = PEOPLE.members["lisi"]
NOW = datetime(2024, 3, 15, tzinfo=UTC)


def with_department(*departments: Department) -> Organisation:
    """Return the sample with departments added or replaced."""
    return attrs.evolve(PEOPLE, departments=PEOPLE.departments.merged({item.key: item for item in departments}))


def with_member(member: Member) -> Organisation:
    """Return the sample with a member added or replaced."""
    return attrs.evolve(PEOPLE, members=PEOPLE.members.set(member.key, member))


@pytest.mark.parametrize(
    ("organisation", "found"),
    [
        (PEOPLE, []),
        (with_department(Department("x", "X", "nowhere")), [("unknown_part", "$.departments['x'].parent", "error")]),
        (
            with_department(Department("x", "X", "y"), Department("y", "Y", "x")),
            [
                ("leads_in_circle", "$.departments['x'].parent", "error"),
                ("leads_in_circle", "$.departments['y'].parent", "error"),
            ],
        ),
        (with_department(Department("x", "X", "x")), [("leads_in_circle", "$.departments['x'].parent", "error")]),
        (
            with_department(Department("x", "X", "sales1-1")),
            [("setting_misfit", "$.departments['x'].parent", "warning")],
        ),
        (with_department(Department("x", "X", head="nobody")), [("unknown_part", "$.departments['x'].head", "error")]),
        (
            with_department(Department("x", "X", head="lisi")),
            [("setting_misfit", "$.departments['x'].head", "warning")],
        ),
        (with_department(Department("x", "X", "sales1", head="zhaojl")), []),  # who leads what is above may lead it
        (
            attrs.evolve(PEOPLE, departments=FrozenDict({**PEOPLE.departments, "x": Department("y", "Y")})),
            [("key_differs", "$.departments['x']", "error")],
        ),
        (
            attrs.evolve(PEOPLE, positions=PEOPLE.positions.set("x", Position("x", "X", ("sales", "nothing")))),
            [("unknown_part", "$.positions['x'].roles[1]", "error")],
        ),
        (
            with_member(
                attrs.evolve(LISI, assignments=(Assignment("nowhere", "sales"), Assignment("data", "nothing")))
            ),
            [
                ("unknown_part", "$.members['lisi'].assignments[0].department", "error"),
                ("unknown_part", "$.members['lisi'].assignments[1].position", "error"),
            ],
        ),
        (
            with_member(Member("x", "新人", employee_number="e001")),
            [("name_taken", "$.members['x'].employee_number", "error")],
        ),
        (
            with_member(attrs.evolve(LISI, key="x", employee_number=None)),
            [("name_taken", "$.members['x'].name", "warning")],
        ),
        (
            attrs.evolve(PEOPLE, deputies=(Deputy("lisi", "nobody"), Deputy("lisi", "lisi"))),
            [("unknown_part", "$.deputies[0].principal", "error"), ("setting_misfit", "$.deputies[1]", "error")],
        ),
        (
            attrs.evolve(
                PEOPLE,
                deputies=(Deputy("lisi", "zhaojl", NOW, NOW, ("nothing",), frozenset({"view", "fly"})),),
            ),
            [
                ("setting_misfit", "$.deputies[0].until", "error"),
                ("unknown_part", "$.deputies[0].roles", "error"),
                ("setting_misfit", "$.deputies[0].actions", "error"),
            ],
        ),
        (
            # An instant without time zone can't be compared with the present one, nor with the other end.
            attrs.evolve(
                PEOPLE,
                deputies=(Deputy("lisi", "zhaojl", datetime(2024, 3, 1), NOW),),  # noqa: DTZ001 - the mistake
            ),
            [("setting_misfit", "$.deputies[0].since", "error")],
        ),
    ],
)
def test_problems(organisation: Organisation, found: list[tuple[str, str, str]]) -> None:
    """Each problem with its path; warnings are what may be meant."""
    report = check_organisation(organisation, standard_configuration())
    assert [(item.code, item.params["path"], item.severity) for item in report] == found
    assert all(item.message("zh") and item.message("en") for item in report)


def test_a_broken_position_breaks_nobody_else() -> None:
    """A position that nobody defined gives no role, and hides none."""
    people = with_member(attrs.evolve(LISI, assignments=(Assignment("data", "nothing"), Assignment("data", "sales"))))
    assert people.roles_of("lisi") == (("sales", "data"),)


def module(key: str, *inherits: Inheritance, **options: str) -> ModuleDefinition:
    """Return a module with references."""
    fields = tuple(FieldDefinition(name, "reference", options={"module": to}) for name, to in options.items())
    return ModuleDefinition(key, (FieldDefinition("text", "text"), *fields), inherits=inherits)


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ((module("a", Inheritance("up"), up="customer"),), []),
        ((module("a", Inheritance("up"), up="b"), module("b", Inheritance("up"), up="customer")), []),
        ((module("a", Inheritance("nothing")),), [("unknown_part", "$.modules['a'].inherits[0].through")]),
        ((module("a", Inheritance("text")),), [("setting_misfit", "$.modules['a'].inherits[0].through")]),
        ((module("a", Inheritance("up"), up="a"),), [("leads_in_circle", "$.modules['a'].inherits[0]")]),
        (
            (module("a", Inheritance("up"), up="b"), module("b", Inheritance("up"), up="a")),
            [("leads_in_circle", "$.modules['a'].inherits[0]"), ("leads_in_circle", "$.modules['b'].inherits[0]")],
        ),
        (
            (attrs.evolve(module("a"), handed_over=("text", "nothing")),),
            [("setting_misfit", "$.modules['a'].handed_over"), ("unknown_part", "$.modules['a'].handed_over")],
        ),
    ],
)
def test_inheriting_and_handing_over(modules: tuple[ModuleDefinition, ...], found: list[tuple[str, str]]) -> None:
    """A module inherits through a reference that leads to another one, and hands over fields that name people."""
    report = check_configuration(standard_configuration().with_modules(*modules))
    assert [(item.code, item.params["path"]) for item in report if item.severity == "error"] == found

"""An organisation examined as a whole: what it names and is not there, circles, and numbers that two people have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, get_args

from custinfo.core.configuration import Configuration
from custinfo.core.organisation import Department, Deputy, Member, Organisation
from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.reports import Report
from custinfo.core.spots import Names, Spot

__all__ = ["check_organisation"]


def check_organisation(organisation: Organisation, configuration: Configuration | None = None) -> Report:
    """Return what is wrong with an organisation, and what is worth a look (ORG-1, ORG-2).

    >>> from custinfo.standard import sample_organisation, standard_configuration
    >>> print(check_organisation(sample_organisation(), standard_configuration()).to_text("en"))
    nothing was found

    Args:
        organisation: What to check.
        configuration: Whose roles positions give; without it nothing is said about roles.

    Raises: Nothing. Errors are what works otherwise than it says: unknown departments, positions and people, circles,
        employee numbers of two people. Warnings are what people may mean: a head who has left or holds no position
        there, a name that leads to two, a deputy who has left.
    """
    problems = [
        *_keys(organisation),
        *_departments(organisation),
        *_positions(organisation, configuration),
        *_members(organisation),
        *_deputies(organisation, configuration),
    ]
    return Report(problems)


def _keys(organisation: Organisation) -> Iterator[Problem]:
    parts: tuple[tuple[str, Iterable[tuple[str, Any]]], ...] = (
        ("departments", organisation.departments.items()),
        ("positions", organisation.positions.items()),
        ("members", organisation.members.items()),
    )
    for name, items in parts:
        for key, item in items:
            if item.key != key:
                yield Spot().dot(name).at(key).problem("key_differs", found=key, key=item.key)
            elif not key:
                yield Spot().dot(name).at(key).missing("code")


def _departments(organisation: Organisation) -> Iterator[Problem]:
    for key, department in organisation.departments.items():
        spot = Spot().dot("departments").at(key)
        if department.parent is not None:
            yield from _parent(organisation, department, spot.dot("parent"))
        if department.head is not None:
            yield from _head(organisation, department, spot.dot("head"))


def _parent(organisation: Organisation, department: Department, spot: Spot) -> Iterator[Problem]:
    way = [department.key]
    node = organisation.departments.get(department.parent or "")
    if node is None:
        yield spot.unknown("department", str(department.parent))
        return
    if department.kind == "department" and node.kind == "team":
        yield spot.misfit("部门不能设在小组之下", "a department stands below a team", severity="warning")
    while node is not None and node.key not in way:
        way.append(node.key)
        node = organisation.departments.get(node.parent or "")
    if node is not None and node.key == department.key:
        yield spot.problem("leads_in_circle", circle=" → ".join((*way, node.key)))


def _head(organisation: Organisation, department: Department, spot: Spot) -> Iterator[Problem]:
    head = organisation.members.get(department.head or "")
    if head is None:
        yield spot.unknown("member", str(department.head))
    elif not head.active:
        yield spot.misfit("负责人已离职", "its head has left", severity="warning")
    elif not {item.department for item in head.assignments} & set(_upwards(organisation, department.key)):
        yield spot.misfit("负责人在此没有岗位", "its head holds no position there or above", severity="warning")


def _upwards(organisation: Organisation, key: str) -> Iterator[str]:
    seen: set[str] = set()
    node = organisation.departments.get(key)
    while node is not None and node.key not in seen:
        seen.add(node.key)
        yield node.key
        node = organisation.departments.get(node.parent or "")


def _positions(organisation: Organisation, configuration: Configuration | None) -> Iterator[Problem]:
    if configuration is None:
        return
    for key, position in organisation.positions.items():
        for number, role in enumerate(position.roles):
            if role not in configuration.roles:
                yield Spot().dot("positions").at(key).dot("roles").at(number).unknown("role", role)


def _members(organisation: Organisation) -> Iterator[Problem]:
    numbers, names = Names(), Names()
    for key, member in organisation.members.items():
        spot = Spot().dot("members").at(key)
        yield from _assignments(organisation, member, spot)
        if member.employee_number is not None:
            other = numbers.other(member.employee_number, key)
            if other is not None:
                here = spot.dot("employee_number")
                yield here.problem("name_taken", name=member.employee_number, other=other)
        other = names.other(f"{member.name} {member.department}", key) if member.active else None
        if other is not None:
            yield spot.dot("name").problem("name_taken", severity="warning", name=member.name, other=other)


def _assignments(organisation: Organisation, member: Member, spot: Spot) -> Iterator[Problem]:
    for number, assignment in enumerate(member.assignments):
        here = spot.dot("assignments").at(number)
        if assignment.department not in organisation.departments:
            yield here.dot("department").unknown("department", assignment.department)
        if assignment.position not in organisation.positions:
            yield here.dot("position").unknown("position", assignment.position)


def _deputies(organisation: Organisation, configuration: Configuration | None) -> Iterator[Problem]:
    for number, rule in enumerate(organisation.deputies):
        spot = Spot().dot("deputies").at(number)
        for name in ("member", "principal"):
            member = organisation.members.get(getattr(rule, name))
            if member is None:
                yield spot.dot(name).unknown("member", getattr(rule, name))
            elif not member.active:
                yield spot.dot(name).misfit("此人已离职", "who has left", severity="warning")
        if rule.member == rule.principal:
            yield spot.misfit("不能代理自己", "nobody deputises for themselves")
        yield from _limits(rule, spot, configuration.roles if configuration is not None else rule.roles)


def _limits(rule: Deputy, spot: Spot, roles: Collection[str]) -> Iterator[Problem]:
    naive = [
        name for name in ("since", "until") if (end := getattr(rule, name)) is not None and end.utcoffset() is None
    ]
    for name in naive:
        yield spot.dot(name).misfit("没有时区", "has no time zone")
    if not naive and rule.since is not None and rule.until is not None and rule.until <= rule.since:
        yield spot.dot("until").misfit("结束不晚于开始", "it ends before it begins")
    for role in rule.roles:
        if role not in roles:
            yield spot.dot("roles").unknown("role", role)
    for action in sorted(rule.actions - set(get_args(Action))):
        yield spot.dot("actions").misfit(f"没有操作 {action}", f"there is no action {action}")

"""Grants: that they speak of roles, modules and fields that exist."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from custinfo.core.fields import ModuleDefinition
from custinfo.core.kinds.masks import is_mask_style
from custinfo.core.policy.grants import PSEUDO_FIELDS, Grant
from custinfo.core.problems import Problem
from custinfo.core.spots import Spot
from custinfo.core.validation.whole._subject import Subject

__all__ = ["grant_problems"]


def grant_problems(subject: Subject) -> Iterator[Problem]:
    """Yield what grants name and is not there."""
    roles = {role.key for role in subject.configuration.roles.values()}
    for position, grant in enumerate(subject.configuration.grants):
        spot = Spot().dot("grants").at(position)
        if grant.role not in roles:
            yield spot.dot("role").unknown("role", grant.role)
        module = subject.module(grant.module)
        if module is None:
            yield spot.dot("module").unknown("module", grant.module)
            continue
        here = attrs.evolve(spot, module=grant.module)
        yield from _fields(subject, grant, module.definition, here)
        yield from _through(grant, module.definition, here.dot("through"))
        yield from _departments(subject, grant, here)
        yield from subject.misbound(grant.condition, grant.module, here.dot("condition"))


def _fields(subject: Subject, grant: Grant, module: ModuleDefinition, spot: Spot) -> Iterator[Problem]:
    for name, chosen in (("view", grant.view), ("edit", grant.edit)):
        for part, keys in (("names", chosen.names), ("excluded", chosen.excluded)):
            for key in keys:
                if key not in module.fields and key not in PSEUDO_FIELDS:
                    yield spot.dot(name).dot(part).unknown("field", key)
    for key, style in grant.mask.items():
        here = attrs.evolve(spot.dot("mask").at(key), field=key)
        if key not in module.fields:
            yield here.unknown("field", key)
        elif style and not is_mask_style(style, subject.given.masks):
            yield here.unknown("mask style", style)


def _through(grant: Grant, module: ModuleDefinition, spot: Spot) -> Iterator[Problem]:
    if grant.through is None:
        return
    field = module.fields.get(grant.through)
    if field is None:
        yield spot.unknown("field", grant.through)
    elif field.kind != "reference":
        here = attrs.evolve(spot, field=field.key, labels=field.label or None)
        yield here.misfit(f"类型为 {field.kind}，需要 reference", f"its kind is {field.kind}, not reference")


def _departments(subject: Subject, grant: Grant, spot: Spot) -> Iterator[Problem]:
    """Yield listed departments that are not there (a warning: they come and go), and lists that have no meaning."""
    here = spot.dot("departments")
    if grant.scope == "departments" and not grant.departments:
        yield here.misfit("范围 departments 需要列出部门", "the scope departments lists none")
    if grant.departments and grant.scope not in ("departments", "pool"):
        yield here.misfit(f"范围 {grant.scope} 不取部门列表", f"the scope {grant.scope} takes no list of departments")
    for key in grant.departments:
        if subject.given.directory.department(key) is None:
            yield attrs.evolve(here.unknown("department", key), severity="warning")

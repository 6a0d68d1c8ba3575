"""Approval flows: that a trigger can fire, and that its steps can find somebody."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from custinfo.core.approval.flows import Approver, DepartmentHead, FieldMember, Flow, NamedMember, RoleHolders, Step
from custinfo.core.policy.grants import PSEUDO_FIELDS
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.spots import Spot, repeated
from custinfo.core.validation.whole._subject import Subject

__all__ = ["flow_problems"]


def flow_problems(subject: Subject) -> Iterator[Problem]:
    """Yield what is wrong with approval flows."""
    for key, flow in subject.configuration.flows.items():
        spot = Spot().dot("flows").at(key)
        yield from _trigger(subject, flow, spot.dot("trigger"))
        if not flow.steps:
            yield spot.dot("steps").missing("step")
        steps = spot.dot("steps")
        yield from repeated((steps.at(place), step.key, str(place)) for place, step in enumerate(flow.steps))
        for place, step in enumerate(flow.steps):
            yield from _step(subject, step, flow.trigger.module, steps.at(place))


def _trigger(subject: Subject, flow: Flow, spot: Spot) -> Iterator[Problem]:
    trigger = flow.trigger
    module = subject.module(trigger.module)
    if module is None:
        yield spot.dot("module").unknown("module", trigger.module)
        return
    here = attrs.evolve(spot, module=trigger.module)
    for key in trigger.fields:
        if key not in module.definition.fields and key not in PSEUDO_FIELDS:
            yield here.dot("fields").unknown("field", key)
    yield from subject.misbound(trigger.before, trigger.module, here.dot("before"))
    yield from subject.misbound(trigger.after, trigger.module, here.dot("after"))


def _step(subject: Subject, step: Step, module: ModuleKey, spot: Spot) -> Iterator[Problem]:
    if not (step.approvers or step.fallback):
        yield spot.dot("approvers").missing("approver")
    for name, approvers in (("approvers", step.approvers), ("fallback", step.fallback)):
        for position, approver in enumerate(approvers):
            here = attrs.evolve(spot.dot(name).at(position), module=module)
            yield from _approver(subject, approver, subject.module(module), here)


def _approver(subject: Subject, approver: Approver, module: ModuleSchema | None, spot: Spot) -> Iterator[Problem]:
    match approver:
        case RoleHolders(role):
            if all(item.key != role for item in subject.configuration.roles.values()):
                yield spot.unknown("role", role)
        case NamedMember(member):
            if subject.given.directory.member(member) is None:
                yield spot.unknown("member", member, severity="warning")
        case DepartmentHead(level=level):
            if level < 1:
                yield spot.misfit("层级从 1 起", "levels count from 1")
        case FieldMember(field) if module is not None:
            yield from _member_field(module, field, spot)
        case _:
            return


def _member_field(module: ModuleSchema, key: FieldKey, spot: Spot) -> Iterator[Problem]:
    field = module.definition.fields.get(key)
    kind = "user" if key == "owner" else field.kind if field is not None else None
    if kind is None:
        yield spot.unknown("field", key)
    elif kind != "user":
        here = attrs.evolve(spot, field=key, labels=None if field is None else field.label or None)
        yield here.misfit(f"类型为 {kind}，需要 user", f"its kind is {kind}, not user")

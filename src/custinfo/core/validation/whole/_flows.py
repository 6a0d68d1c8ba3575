"""Approval flows: that a trigger can fire, and that its steps can find somebody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from custinfo.core.approval.flows import (
    Approver,
    CountQuorum,
    DepartmentHead,
    FieldMember,
    Flow,
    NamedMember,
    RoleHolders,
    ShareQuorum,
    Step,
    TimeLimit,
    WeightQuorum,
)
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
    if "export" in trigger.actions:
        yield from _without_record(flow, here)
    for key in trigger.fields:
        if key not in module.definition.fields and key not in PSEUDO_FIELDS:
            yield here.dot("fields").unknown("field", key)
    yield from subject.misbound(trigger.before, trigger.module, here.dot("before"))
    yield from subject.misbound(trigger.after, trigger.module, here.dot("after"))


def _without_record(flow: Flow, spot: Spot) -> Iterator[Problem]:
    """Yield what a flow on exports can't know: an export is no change of a record."""
    words = "导出没有记录可供判断", "an export has no record on which this could hold"
    for name, criterion in (("before", flow.trigger.before), ("after", flow.trigger.after)):
        if criterion is not None:
            yield spot.dot(name).misfit(*words)
    steps = Spot().dot("flows").at(flow.key)
    for place, step in enumerate(flow.steps):
        if step.skip_when is not None:
            yield steps.dot("steps").at(place).dot("skip_when").misfit(*words)
    if flow.export_hours < 1:
        yield steps.dot("export_hours").misfit("至少 1 小时", "one hour or more")


def _step(subject: Subject, step: Step, module: ModuleKey, spot: Spot) -> Iterator[Problem]:
    if not (step.approvers or step.fallback):
        yield spot.dot("approvers").missing("approver")
    for name, approvers in (("approvers", step.approvers), ("fallback", step.fallback), ("veto", step.veto)):
        yield from _approvers(subject, approvers, module, spot.dot(name))
    yield from subject.misbound(step.skip_when, module, attrs.evolve(spot.dot("skip_when"), module=module))
    yield from _quorum(step, spot.dot("quorum"))
    for name, fields in (("sees", step.sees or ()), ("amends", step.amends)):
        yield from _fields(subject.module(module), fields, attrs.evolve(spot.dot(name), module=module))
    for number, limit in enumerate(step.limits):
        yield from _limit(subject, limit, module, spot.dot("limits").at(number))


def _approvers(subject: Subject, approvers: Iterable[Approver], module: ModuleKey, spot: Spot) -> Iterator[Problem]:
    for position, approver in enumerate(approvers):
        here = attrs.evolve(spot.at(position), module=module)
        yield from _approver(subject, approver, subject.module(module), here)


def _fields(module: ModuleSchema | None, keys: Iterable[FieldKey], spot: Spot) -> Iterator[Problem]:
    if module is not None:
        for key in keys:
            if key not in module.definition.fields and key not in PSEUDO_FIELDS:
                yield spot.unknown("field", key)


def _limit(subject: Subject, limit: TimeLimit, module: ModuleKey, spot: Spot) -> Iterator[Problem]:
    if limit.hours < 1:
        yield spot.dot("hours").misfit("时限至少 1 小时", "a time limit has one hour or more")
    if limit.then == "escalate" and not limit.to:
        yield spot.dot("to").missing("approver")
    yield from _approvers(subject, limit.to, module, spot.dot("to"))


def _quorum(step: Step, spot: Spot) -> Iterator[Problem]:
    if step.mode == "quorum" and step.quorum is None:
        yield spot.missing("quorum")
    if step.mode != "quorum" and step.quorum is not None:
        yield spot.misfit("仅用于 quorum 模式", "it is for mode quorum only")
    match step.quorum:
        case CountQuorum(approvals) if approvals < 1:
            yield spot.misfit("至少需要 1 票", "one approval or more")
        case ShareQuorum(percent) if not 1 <= percent <= 100:
            yield spot.misfit("百分比为 1 至 100", "a share is 1 to 100 per cent")
        case WeightQuorum(weights, mark) if len(weights) != len(step.approvers):
            yield spot.misfit("权重须与审批人一一对应", "there is one weight for each of the approvers")
        case WeightQuorum(weights, mark) if mark < 1 or min(weights, default=1) < 1:
            yield spot.misfit("权重与通过分从 1 起", "weights and pass mark count from 1")
        case _:
            return


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

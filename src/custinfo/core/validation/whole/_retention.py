"""Retention rules: that they name what there is, and can be carried out."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey
from custinfo.core.retention import RetentionRule
from custinfo.core.schema import ModuleSchema
from custinfo.core.spots import Spot
from custinfo.core.validation.whole._subject import Subject

__all__ = ["retention_problems"]

_OWN = ("created_at", "updated_at")
_DATED = ("date", "datetime")


def retention_problems(subject: Subject) -> Iterator[Problem]:
    """Yield what is wrong with retention rules."""
    for mapped, rule in subject.configuration.retention.items():
        spot = Spot().dot("retention").at(mapped)
        module = subject.module(rule.module)
        if module is None:
            yield spot.dot("module").unknown("module", rule.module)
            continue
        spot = attrs.evolve(spot, module=rule.module)
        yield from _period(subject, rule, module, spot)
        yield from _fields(subject, rule, module, spot)
        yield from subject.misbound(rule.criterion, rule.module, spot.dot("criterion"))


def _period(subject: Subject, rule: RetentionRule, module: ModuleSchema, spot: Spot) -> Iterator[Problem]:
    if rule.months < 1:
        yield spot.dot("months").misfit("至少为 1 个月", "it is at least 1 month")
    field = module.definition.fields.get(rule.since)
    if rule.since in _OWN or (rule.module, rule.since) in subject.unsound:
        return
    here = spot.dot("since")
    if field is None:
        yield here.unknown("field", rule.since)
    elif module.kinds[rule.since].key not in _DATED or field.encrypted:
        yield _at(here, module, rule.since).misfit("须为未加密的日期或时间字段", "it is a date or time, not encrypted")


def _fields(subject: Subject, rule: RetentionRule, module: ModuleSchema, spot: Spot) -> Iterator[Problem]:
    here = spot.dot("fields")
    if rule.action == "archive":
        if rule.fields:
            yield here.misfit("归档不清除字段", "archiving erases no fields")
        return
    if not rule.fields:
        yield here.missing("field")
    owned = {item.field for item in subject.configuration.classifications.values() if item.module == rule.module}
    for position, key in enumerate(rule.fields):
        field = module.definition.fields.get(key)
        if field is None:
            yield here.at(position).unknown("field", key)
        elif field.kind == "computed" or key in owned:
            place = _at(here.at(position), module, key)
            yield place.misfit("由规则得出，清除后会再次出现", "a rule gives it, and gives it again")


def _at(spot: Spot, module: ModuleSchema, key: FieldKey) -> Spot:
    return attrs.evolve(spot, field=key, labels=module.definition.fields[key].label or None)

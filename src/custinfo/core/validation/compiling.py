"""Compiling what the fields of a module require: their rules, and the conditions of their definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs

from custinfo.core.checks import Check, CheckContext, Condition, Rule, RuleTarget
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import ConfigurationError, InvalidInputError
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import SYSTEM_FIELDS, FieldKey
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.validation.compiling_life_cycles import compile_life_cycle, unknown_flows
from custinfo.core.validation.conditions import Conditions
from custinfo.core.validation.life_cycles import CompiledLifeCycle
from custinfo.core.validation.validity import DatedChoice, dated_choices

__all__ = ["CompiledChecks", "StateCheck", "ValueCheck", "compile_checks", "rule_problems"]

ValueCheck = tuple[FieldKey, frozenset[FieldKey], Check]
"""Field, the fields on whose change its value is checked, and the check."""

StateCheck = tuple[frozenset[FieldKey], Callable[[CheckContext], Problem | None], frozenset[FieldKey]]
"""The fields on whose change the whole state is checked, the check, and those of which it matters only whether they
have a value."""

_ATTRIBUTES: Final = frozenset({*SYSTEM_FIELDS, "tags"})


@attrs.frozen
class CompiledChecks:
    """Hold the checks of a module.

    `attributes` are the attributes of records, beside their values, that checks watch; `relative` says whether a check
    asks for the time. `life_cycles` and `dated` compare the record with what it was before.
    """

    values: tuple[ValueCheck, ...]
    states: tuple[StateCheck, ...]
    attributes: tuple[str, ...]
    relative: bool
    life_cycles: tuple[CompiledLifeCycle, ...] = ()
    dated: tuple[DatedChoice, ...] = ()


def compile_checks(module: ModuleSchema, conditions: Mapping[Criterion, Condition]) -> CompiledChecks:
    """Return the checks of the fields that are not retired, in order. Raises: ConfigurationError, with every misfit."""
    return _Compiler(module, conditions).run()


def rule_problems(schema: Schema) -> list[Problem]:
    """Return what does not fit in the rules, conditions and life cycles of any module: all that keeps it from use.

    >>> from custinfo.core.configuration import Configuration
    >>> from custinfo.core.fields import ModuleDefinition
    >>> from custinfo.core.organisation import Organisation
    >>> from custinfo.core.rules import Length
    >>> from datetime import UTC
    >>> field = FieldDefinition("size", "integer", rules=(Length(3),))
    >>> schema = Schema(Configuration((ModuleDefinition("m", (field,)),)), Organisation((), (), ()), UTC)
    >>> [problem.field for problem in rule_problems(schema)]
    ['size']
    """
    found: list[Problem] = []
    for module in schema.modules.values():
        try:
            compile_checks(module, Conditions(schema, module))
        except ConfigurationError as error:
            found.extend(error.problems)
    found.extend(unknown_flows(schema.configuration))
    return found


class _Compiler:
    def __init__(self, module: ModuleSchema, conditions: Mapping[Criterion, Condition]) -> None:
        self.module = module
        self.conditions = conditions
        self.problems: list[Problem] = []
        self.relative = False

    def run(self) -> CompiledChecks:
        values: list[ValueCheck] = []
        states: list[StateCheck] = []
        for field in self.module.definition.active_fields():
            values.extend(filter(None, (self.rule(field, rule) for rule in field.rules)))
            for name, make in (("applies_when", _applies), ("required_when", _required)):
                criterion = getattr(field, name)
                if criterion is not None:
                    states.extend(self.state(field, name, criterion, make))
        cycles = self.life_cycles()
        if self.problems:
            raise ConfigurationError(self.problems)
        watches = [*(item[1] for item in values), *(item[0] for item in states), *(item.watches for item in cycles)]
        attributes = tuple(sorted((frozenset().union(*watches) & _ATTRIBUTES) - self.module.definition.fields.keys()))
        dated = dated_choices(self.module)
        relative = self.relative or bool(dated) or any(cycle.relative for cycle in cycles)
        return CompiledChecks(tuple(values), tuple(states), attributes, relative, cycles, dated)

    def life_cycles(self) -> tuple[CompiledLifeCycle, ...]:
        items = self.module.definition.life_cycles.values()
        compiled = (compile_life_cycle(self.module, self.conditions, item, self.problems) for item in items)
        return tuple(cycle for cycle in compiled if cycle is not None)

    def rule(self, field: FieldDefinition, rule: Rule) -> ValueCheck | None:
        target = self.target(field, type(rule).__name__)
        try:
            check = rule.compile(target)
        except ConfigurationError as error:
            self.problems.extend(error.problems)
            return None
        self.relative = self.relative or target.relative
        if field.kind not in BUILT_IN_KINDS:
            check = _guarded(check, field)
        return field.key, frozenset(target.watches), check

    def state(self, field: FieldDefinition, name: str, criterion: Criterion, make: _Make) -> list[StateCheck]:
        target = self.target(field, name)
        try:
            condition = target.condition(criterion)
        except ConfigurationError as error:
            self.problems.extend(error.problems)
            return []
        self.relative = self.relative or target.relative
        return [(frozenset(target.watches), make(field, condition), frozenset({field.key}) - condition.watches)]

    def target(self, field: FieldDefinition, rule: str) -> RuleTarget:
        def condition(criterion: Criterion) -> Condition:
            try:
                return self.conditions[criterion]
            except InvalidInputError as error:
                target.refuse(error.message("zh"), error.message("en"))

        kind, module, zone = self.module.kinds[field.key], self.module.definition.key, self.module.context.zone
        entries = partial(self.entries, field)
        target = RuleTarget(module, field.key, kind.key, kind.storage, zone, rule, self.find, condition, entries)
        return target

    def entries(self, field: FieldDefinition, values: tuple[str, ...]) -> tuple[str, ...]:
        """Return what people call entries of the dictionary of a field; values of other fields as they are."""
        dictionary = self.module.context.dictionaries.get(str(field.options.get("dictionary")))
        return values if dictionary is None else dictionary.paths_named(values)

    def find(self, name: str) -> tuple[FieldKey, str, Translated] | None:
        """Return key, kind and label of the field that `name` means."""
        key = self.module.resolve(name)
        if key is None:
            return None
        return key, self.module.kind_of(key).key, self.module.named(key)


_Make = Callable[[FieldDefinition, Condition], Callable[[CheckContext], Problem | None]]


def _guarded(check: Check, field: FieldDefinition) -> Check:
    """Return a check that takes a value of a host's kind with which the rule can't do anything for a wrong one."""

    def run(value: Any, context: CheckContext, /) -> Problem | None:
        try:
            return check(value, context)
        except (TypeError, AttributeError, ArithmeticError):
            return Problem("wrong_type", field.key, params={"kind": field.kind})

    return run


def _applies(field: FieldDefinition, condition: Condition) -> Callable[[CheckContext], Problem | None]:
    holds, key, required = condition.holds, field.key, field.required

    def run(context: CheckContext, /) -> Problem | None:
        if key in context.values:
            return None if holds(context) else Problem("not_applicable", key)
        return Problem("required", key) if required and holds(context) else None

    return run


def _required(field: FieldDefinition, condition: Condition) -> Callable[[CheckContext], Problem | None]:
    holds, key = condition.holds, field.key
    problem = Problem("required_when", key, params={"because": condition.because})

    def run(context: CheckContext, /) -> Problem | None:
        return None if key in context.values or not holds(context) else problem

    return run

"""What follows from a record's own data: computed fields, and the tags and grades that rules give (FLD-2, TAG-3).

It is worked out whenever a record is saved, on every channel, and stored like any other value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from custinfo.core.checks import CheckContext, Condition
from custinfo.core.classification import Classification
from custinfo.core.criteria.evaluate import Related
from custinfo.core.criteria.nodes import Criterion, Tagged
from custinfo.core.criteria.walking import leaves
from custinfo.core.dictionaries import Dictionary
from custinfo.core.errors import ConfigurationError, InvalidInputError
from custinfo.core.fields import FieldDefinition
from custinfo.core.formulas import (
    Choices,
    CompiledFormula,
    FieldInfo,
    compile_formula,
    evaluation_order,
    result_type,
    type_of_kind,
)
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Record, Tag
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.segments import expand
from custinfo.core.validation.conditions import Conditions

__all__ = ["Derivation", "derivation_problems"]

_SENSITIVITIES: Final = ("normal", "masked", "sensitive")

_Holds = Callable[[CheckContext], bool]


@attrs.frozen
class _Formula:
    """A computed field compiled."""

    key: FieldKey
    formula: CompiledFormula


@attrs.frozen
class _Rule:
    """A classification compiled: what it looks at, and the values that it may give.

    `single` is its dimension where that takes one tag.
    """

    key: FieldKey | None
    single: str | None
    cases: tuple[tuple[_Holds, Any], ...]
    otherwise: Any
    several: bool

    def values(self, context: CheckContext) -> list[Any]:
        """Return what holds of a record: in order, the first only where one value is all that there is room for."""
        found = [value for holds, value in self.cases if holds(context)]
        if not found:
            return [] if self.otherwise is None else [self.otherwise]
        return found if self.several else found[:1]


@attrs.frozen
class _Placed:
    """A classification compiled, with what decides on its place in the order.

    `gives` is the field that it sets, or its dimension as `_tags_of` writes it; `looks_at` are fields and dimensions.
    """

    rule: _Rule
    gives: str
    looks_at: frozenset[str]


def _tags_of(dimension: str) -> str:
    """Return the name of the tags of a dimension among the keys of fields, none of which begins so."""
    return f"#{dimension}"


class Derivation:
    """Work out what follows from the records of one module; compiled once per configuration.

    `fields`, `tags` and `dimensions` are what it decides alone: nobody writes them. `relative` says whether what
    follows changes with the time alone, and `hops` are the references over which it looks at other records.
    """

    def __init__(self, schema: Schema, module: ModuleSchema) -> None:
        """Compile the formulas and classifications of a module. Raises: ConfigurationError, with every misfit."""
        compiler = _Compiler(schema, module)
        self._steps = compiler.steps()
        if compiler.problems:
            raise ConfigurationError(compiler.problems)
        self.relative: bool = compiler.relative
        self.hops: frozenset[FieldKey] = frozenset(compiler.hops)
        self.fields: frozenset[FieldKey] = frozenset(step.key for step in self._steps if step.key is not None)
        self.tags: frozenset[Tag] = frozenset(compiler.tags)
        self.dimensions: frozenset[str] = frozenset(
            step.single for step in self._steps if isinstance(step, _Rule) and step.single is not None
        )

    def owns_tag(self, tag: Tag) -> bool:
        """Return whether a rule alone gives and takes a tag: one that it names, or any of a dimension of one tag."""
        return tag in self.tags or tag.dimension in self.dimensions

    def __bool__(self) -> bool:
        return bool(self._steps)

    def derive(self, record: Record, related: Related, now: datetime) -> Record:
        """Return the record with everything that follows from it; itself where that is there already.

        Args:
            record: With its values in the open: a sealed one is not looked at. What was derived before plays no part.
            related: Follows references, for the criteria of classifications.
            now: The present instant, for periods in them.
        """
        if not self._steps:
            return record
        values = {key: value for key, value in record.values.items() if key not in self.fields}
        tags = self._own_tags(record)
        for step in self._steps:
            if isinstance(step, _Formula):
                found: list[Any] = [step.formula.evaluate(values)]
            else:
                state = attrs.evolve(record, values=FrozenDict(values), tags=tags)
                found = step.values(CheckContext(values, state, related, now))
            if step.key is None:
                tags = tags.union(found)
            elif found and found[0] is not None:
                values[step.key] = found[0]
        if values == record.values and tags == record.tags:
            return record
        ordered = {key: values[key] for key in (*record.values, *values) if key in values}
        return attrs.evolve(record, values=FrozenDict(ordered), tags=tags)

    def stripped(self, record: Record) -> Record:
        """Return the record without what is derived: what people and flows have to do with."""
        if not self._steps:
            return record
        return attrs.evolve(record, values=record.values.without(*self.fields), tags=self._own_tags(record))

    def _own_tags(self, record: Record) -> frozenset[Tag]:
        return frozenset(tag for tag in record.tags if not self.owns_tag(tag)) if record.tags else record.tags


def derivation_problems(schema: Schema) -> list[Problem]:
    """Return what does not fit in the formulas and classifications of any module."""
    found: list[Problem] = []
    for module in schema.modules.values():
        try:
            Derivation(schema, module)
        except ConfigurationError as error:
            found.extend(error.problems)
    return found


class _Compiler:
    def __init__(self, schema: Schema, module: ModuleSchema) -> None:
        self.schema = schema
        self.module = module
        self.conditions: Mapping[Criterion, Condition] = Conditions(schema, module)
        self.problems: list[Problem] = []
        self.tags: list[Tag] = []
        self.hops: set[FieldKey] = set()
        self.relative = False

    def steps(self) -> tuple[_Formula | _Rule, ...]:
        """Return formulas and rules, each after those that it looks at."""
        formulas = self.formulas()
        rules = {f":{rule.key}": self.rule(rule) for rule in self.own_rules()}
        given_by: dict[str, set[str]] = {}
        for name, rule in rules.items():
            given_by.setdefault(rule.gives, set()).add(name)
        looks_at = {key: formula.watches for key, formula in formulas.items()}
        looks_at |= {name: rule.looks_at for name, rule in rules.items()}
        needs = {
            name: {giver for item in items for giver in given_by.get(item, {item})} for name, items in looks_at.items()
        }
        try:
            order = evaluation_order(needs)
        except ConfigurationError as error:
            self.problems.extend(error.problems)
            return ()
        return tuple(rules[name].rule if name in rules else _Formula(name, formulas[name]) for name in order)

    # --- formulas

    def formulas(self) -> dict[FieldKey, CompiledFormula]:
        """Return the computed fields compiled."""
        found: dict[FieldKey, CompiledFormula] = {}
        for field in self.module.definition.active_fields():
            if field.kind == "computed" and field.formula:
                try:
                    found[field.key] = self.formula(field, field.formula)
                except ConfigurationError as error:
                    self.problems.extend(error.problems)
        return found

    def formula(self, field: FieldDefinition, text: str) -> CompiledFormula:
        kind = self.module.kinds[field.key].key
        wanted = result_type(kind, field.options, field=field.key, choices=self.choices(field))
        zone = self.module.context.zone
        formula = compile_formula(text, field=field.key, resolve=self.info, result=wanted, zone=zone)
        shown = [key for key in sorted(formula.watches) if self.sensitivity(key) > self.sensitivity(field.key)]
        if shown:
            raise ConfigurationError([Problem("formula_reveals", field.key, params={"fields": tuple(shown)})])
        return formula

    def sensitivity(self, key: FieldKey) -> int:
        return _SENSITIVITIES.index(self.module.definition.fields[key].sensitivity)

    def info(self, name: str) -> FieldInfo | None:
        key = self.module.resolve(name)
        field = self.module.definition.fields.get(key or "")
        if field is None:
            return None
        kind = type_of_kind(self.module.kinds[field.key].key) if not field.encrypted else "other"
        return FieldInfo(field.key, kind, self.choices(field) if kind == "choice" else None)

    def choices(self, field: FieldDefinition) -> Choices | None:
        dictionary = self.dictionary(field)
        return None if dictionary is None else Choices(dictionary.key, lambda text: _code(dictionary, text))

    def dictionary(self, field: FieldDefinition) -> Dictionary | None:
        return self.schema.configuration.dictionaries.get(str(field.options.get("dictionary")))

    # --- classifications

    def own_rules(self) -> list[Classification]:
        """Return the classifications of the module."""
        rules = self.schema.configuration.classifications.values()
        return [rule for rule in rules if rule.module == self.module.definition.key]

    def rule(self, rule: Classification) -> _Placed:
        """Return a classification compiled, with what it gives and looks at."""
        values = {value: self.value(rule, value) for value in rule.values()}
        cases: list[tuple[_Holds, Any]] = []
        looks_at: set[str] = set()
        for case in rule.cases:
            condition = self.condition(rule, case.criterion)
            if condition is not None:
                cases.append((condition.holds, values[case.value]))
                looks_at.update(condition.watches, self.dimensions(case.criterion))
        self.hops |= looks_at & {key for key, _ in self.module.reference_fields}
        self.refuse_revealing(rule, looks_at)
        otherwise = values[rule.otherwise] if rule.otherwise is not None else None
        key, dimension = self.target(rule), self.schema.resolve_dimension(rule.dimension or "")
        single = dimension.key if dimension is not None and dimension.single else None
        several = dimension is not None and not dimension.single
        gives = key if key is not None else _tags_of(dimension.key if dimension is not None else "")
        return _Placed(_Rule(key, single, tuple(cases), otherwise, several), gives, frozenset(looks_at))

    def dimensions(self, criterion: Criterion) -> Iterator[str]:
        """Yield the dimensions of the tags at which a criterion that fits looks."""
        for leaf in leaves(expand(criterion, self.module.definition.key, self.schema)):
            found = self.schema.resolve_dimension(leaf.dimension) if isinstance(leaf, Tagged) else None
            if found is not None:
                yield _tags_of(found.key)

    def refuse_revealing(self, rule: Classification, watches: Iterable[FieldKey]) -> None:
        """Refuse a rule that looks at fields more sensitive than what it gives; tags are not sensitive at all."""
        fields = self.module.definition.fields
        key = self.module.resolve(rule.field) if rule.field is not None else None
        shown_to = self.sensitivity(key) if key is not None and key in fields else 0
        shown = tuple(sorted(item for item in watches if item in fields and self.sensitivity(item) > shown_to))
        if shown:
            self.problems.append(Problem("classification_reveals", key or "tags", params={"fields": shown}))

    def target(self, rule: Classification) -> FieldKey | None:
        if rule.field is None:
            return None
        key = self.module.resolve(rule.field)
        field = self.module.definition.fields.get(key or "")
        if field is None or field.kind != "choice":
            self.problems.append(Problem("unknown_field", rule.field, params={"module": rule.module}))
        return key

    def value(self, rule: Classification, value: str) -> Any:
        """Return the tag or the code that a value names."""
        if rule.dimension is not None:
            tag = self.schema.resolve_tag(rule.dimension, value)
            if isinstance(tag, Problem):
                self.problems.append(tag)
            else:
                self.tags.append(tag)
            return tag
        field = self.module.definition.fields.get(self.module.resolve(rule.field or "") or "")
        dictionary = self.dictionary(field) if field is not None else None
        code = _code(dictionary, value) if dictionary is not None else None
        if code is None and dictionary is not None:
            params = {"dictionary": dictionary.named(self.schema.configuration.language)}
            self.problems.append(Problem("unknown_choice", rule.field, params=params))
        return code

    def condition(self, rule: Classification, criterion: Criterion) -> Condition | None:
        try:
            condition = self.conditions[criterion]
        except InvalidInputError as error:
            self.problems.extend(attrs.evolve(problem, field=problem.field or rule.field) for problem in error.problems)
            return None
        self.relative = self.relative or condition.relative
        return condition


def _code(dictionary: Dictionary, text: str) -> str | None:
    found = dictionary.find(text)
    return found if isinstance(found, str) else None

"""A configuration under examination: compiled as far as it can be, so that one mistake does not hide the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import attrs

from custinfo.core.binding import bind
from custinfo.core.configuration import Configuration
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds import BUILT_IN_KINDS, Kind
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem, Severity
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.spots import Spot
from custinfo.core.text import folded

__all__ = ["DIRECTORY_CODES", "Subject", "criterion_misfit", "field_spot", "module_spot"]

DIRECTORY_CODES: Final = frozenset(
    {"unknown_member", "ambiguous_member", "inactive_member", "unknown_department", "ambiguous_department"}
)
"""Problems that come and go with the people: no fault of the configuration."""

_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


def module_spot(key: ModuleKey) -> Spot:
    """Return the spot of a module."""
    return attrs.evolve(Spot().dot("modules").at(key), module=key)


def field_spot(module: ModuleKey, key: FieldKey, field: FieldDefinition) -> Spot:
    """Return the spot of a field."""
    return attrs.evolve(module_spot(module).dot("fields").at(key), field=field.key, labels=field.label or None)


@attrs.frozen(slots=False, eq=False)
class Subject:
    """Hold what is examined: a schema, of which nothing but the kinds of sound fields may be relied on.

    Args:
        given: The schema as it was given.
        unsound: Module and key of each field that cannot be compiled.
    """

    given: Schema
    unsound: frozenset[tuple[ModuleKey, FieldKey]] = frozenset()

    @property
    def configuration(self) -> Configuration:
        """The configuration as it was given."""
        return self.given.configuration

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """Every kind of field."""
        return {**BUILT_IN_KINDS, **self.given.extra_kinds}

    @cached_property
    def schema(self) -> Schema:
        """The schema without what cannot be compiled: unsound fields are plain texts, and no rule speaks of them."""
        modules = tuple(self._mended(module) for module in self.configuration.modules.values())
        dictionaries = tuple(
            attrs.evolve(item, values=tuple(item.values.values())) for item in self.configuration.dictionaries.values()
        )
        dimensions = tuple(self.configuration.tag_dimensions.values())
        mended = attrs.evolve(self.configuration, modules=modules, dictionaries=dictionaries, tag_dimensions=dimensions)
        return attrs.evolve(self.given, configuration=mended)

    def _mended(self, module: ModuleDefinition) -> ModuleDefinition:
        fields = tuple(self._mended_field(module.key, field) for field in module.fields.values())
        cycles = tuple(item for item in module.life_cycles.values() if not self.hides(item))
        return attrs.evolve(module, fields=fields, life_cycles=cycles)

    def _mended_field(self, module: ModuleKey, field: FieldDefinition) -> FieldDefinition:
        if (module, field.key) in self.unsound:
            return FieldDefinition(field.key, "text", field.label, aliases=field.aliases, retired=field.retired)
        rules = tuple(rule for rule in field.rules if not self.hides(rule))
        applies, required = (
            None if self.hides(criterion) else criterion for criterion in (field.applies_when, field.required_when)
        )
        former = tuple(item for item in field.former if item.kind in self.kinds)
        return attrs.evolve(field, rules=rules, applies_when=applies, required_when=required, former=former)

    @cached_property
    def _unsound_names(self) -> frozenset[str]:
        modules = {module.key: module for module in self.configuration.modules.values()}
        fields = {field.key: field for key, _ in self.unsound for field in modules[key].fields.values()}
        return frozenset(folded(name) for _, key in self.unsound for name in fields[key].names())

    def hides(self, value: object) -> bool:
        """Tell whether `value` names a field that cannot be compiled, so that it can't be judged."""
        return any(folded(text) in self._unsound_names for text in _texts_in(value)) if self.unsound else False

    def module(self, key: ModuleKey) -> ModuleSchema | None:
        """Return a module, if there is one of that key."""
        return self.schema.modules.get(key)

    def misbound(self, criterion: Criterion | None, module: ModuleKey, spot: Spot) -> Iterator[Problem]:
        """Yield what keeps a criterion from being one on the records of `module`."""
        if criterion is None or self.module(module) is None or self.hides(criterion):
            return
        try:
            bind(criterion, module, self.schema, _SOME_TIME)
        except InvalidInputError as error:
            for problem in error.problems:
                yield criterion_misfit(problem, attrs.evolve(spot, module=module))


def criterion_misfit(problem: Problem, spot: Spot) -> Problem:
    """Return what is wrong with a criterion as a problem of its place in the configuration."""
    texts = {language: problem.message(language) for language in ("zh", "en")}
    severity: Severity = "warning" if problem.code in DIRECTORY_CODES else "error"
    told = spot.problem("criterion_misfit", severity=severity, hint=Translated(texts), because=problem.code)
    return attrs.evolve(told, field=spot.field or problem.field, labels=spot.labels)


def _texts_in(value: Any) -> Iterator[str]:
    """Yield every text that a rule or a criterion holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, FrozenDict):
        yield from (text for item in (*value, *value.values()) for text in _texts_in(item))
    elif isinstance(value, tuple):
        yield from (text for item in value for text in _texts_in(item))
    elif attrs.has(type(value)):
        yield from (text for item in attrs.fields(type(value)) for text in _texts_in(getattr(value, item.name)))

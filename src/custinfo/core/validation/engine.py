"""The one engine: raw values become typed ones, and states are checked, on every channel (FLD-3…5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import attrs

from custinfo.core.criteria.evaluate import Predicate, Related, compile_predicate
from custinfo.core.criteria.nodes import Criterion, leaves
from custinfo.core.dictionaries import Ambiguous
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import INVALID
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, SYSTEM_FIELDS, FieldKey, Masked, Record, Sealed, Values
from custinfo.core.rules import Check, CheckContext, MatchesBirthday, NotBefore
from custinfo.core.schema import ModuleSchema

__all__ = ["Normalised", "Validator"]

_SEPARATORS: Final = re.compile(r"[,，;；、|｜\r\n]+")


@attrs.frozen
class Normalised:
    """Raw values made typed: the patch, and every problem and notice found on the way."""

    patch: dict[FieldKey, Any]
    problems: list[Problem]

    @property
    def errors(self) -> list[Problem]:
        """The problems that forbid saving."""
        return [problem for problem in self.problems if problem.severity == "error"]


@attrs.frozen
class _StateCheck:
    """A check of the whole state, needed when one of `watches` changed."""

    watches: frozenset[FieldKey]
    run: Callable[[Record, Related], Problem | None]


class Validator:
    """Normalise and check the records of one module; compiled once per configuration."""

    def __init__(self, module: ModuleSchema, conditions: Mapping[Criterion, Criterion]) -> None:
        """Compile the checks of `module`; `conditions` has the bound form of each criterion in its fields."""
        self.module = module
        self._parsers = module.parsers
        self._labels: Callable[[str], str] = lambda key: module.label(key, module.context.language)
        self._conditions = conditions
        self._required = tuple(
            field.key for field in module.definition.active_fields() if field.required and field.applies_when is None
        )
        self._checks = tuple(self._field_checks())
        self._states = tuple(self._state_checks())
        self.defaults = self._parsed_defaults()

    def normalise(self, raw: Mapping[str, object], before: Values | None = None) -> Normalised:
        """Return the patch that raw values come to.

        Args:
            raw: Field name (key, label or alias) → raw value; `CLEAR` or a blank removes the value.
            before: The record's values, so that a value that is no longer allowed may stay as it is.
        """
        patch: dict[FieldKey, Any] = {}
        problems: list[Problem] = []
        parsers = self._parsers
        for name, value in raw.items():
            parse = parsers.get(name)
            if parse is None:
                self._unusual(name, raw, before, patch, problems)
                continue
            if value is CLEAR:
                patch[name] = CLEAR
                continue
            if type(value) is Masked:
                problems.append(Problem("masked_value", name))
                continue
            found = len(problems)
            typed = parse(value, problems)
            if typed is not INVALID:
                patch[name] = CLEAR if typed is None else typed
            elif before is not None and self._stays(name, value, before):
                del problems[found:]
        return Normalised(patch, problems)

    def _unusual(
        self,
        name: str,
        raw: Mapping[str, object],
        before: Values | None,
        patch: dict[FieldKey, Any],
        problems: list[Problem],
    ) -> None:
        """Handle a name that is not the key of an active field."""
        key, value = self.module.resolve(str(name)), raw[name]
        if key is not None and key != name and (key in raw or key in patch):
            problems.append(Problem("given_twice", key))
        elif key is None:
            problems.append(Problem("unknown_field", str(name)[:100]))
        elif key in SYSTEM_FIELDS and key not in self.module.definition.fields:
            self._system(key, value, patch, problems)
        elif key not in self._parsers:
            problems.append(Problem("retired_field", key))
        else:
            inner = self.normalise({key: value}, before)
            patch.update(inner.patch)
            problems.extend(inner.problems)

    def _system(self, key: FieldKey, value: object, patch: dict[FieldKey, Any], problems: list[Problem]) -> None:
        if key != "owner":
            problems.append(Problem("read_only_field", key))
        elif isinstance(value, Masked):
            problems.append(Problem("masked_value", key))
        else:
            typed = self.module.owner_parser(None if value is CLEAR else value, problems)
            if typed is not INVALID and typed is not None:
                patch["owner"] = typed

    def _stays(self, key: FieldKey, value: object, before: Values) -> bool:
        """Tell whether a retired choice is written again as it stands."""
        dictionary = self.module.context.dictionaries.get(
            str(self.module.definition.fields[key].options.get("dictionary"))
        )
        held = before.get(key)
        if dictionary is None or held is None:
            return False
        if isinstance(held, tuple):
            items = _SEPARATORS.split(value) if isinstance(value, str) else value
            return isinstance(items, list | tuple) and {dictionary.find(str(item)) for item in items} == set(held)
        if not isinstance(value, str):
            return False
        found = dictionary.find(value)
        candidates = found.candidates if isinstance(found, Ambiguous) else (found,)
        return before[key] in candidates or before[key] == value

    def check(
        self,
        after: Record,
        changed: Collection[FieldKey] | None,
        related: Related,
        failed: Collection[FieldKey] = frozenset(),
    ) -> list[Problem]:
        """Return every problem of the state `after`.

        Args:
            after: The record as it would be.
            changed: The fields that the step changes; `None` for a new record. Checks that none of these concern
                are not run: a record saved under older rules may still be edited elsewhere.
            related: Follows references for conditions on referenced records.
            failed: Fields whose value is wrong already: what depends on them is not judged.
        """
        values = after.values
        problems = [
            Problem("required", key)
            for key in self._required
            if key not in values and (changed is None or key in changed) and key not in failed
        ]
        context = CheckContext(values, self._labels)
        for key, watches, check in self._checks:
            value = values.get(key)
            if value is None or type(value) is Sealed:
                continue
            if (changed is None or not watches.isdisjoint(changed)) and watches.isdisjoint(failed):
                problem = check(value, context)
                if problem is not None:
                    problems.append(problem)
        for state in self._states:
            if (changed is None or not state.watches.isdisjoint(changed)) and state.watches.isdisjoint(failed):
                problem = state.run(after, related)
                if problem is not None:
                    problems.append(problem)
        return problems

    def _parsed_defaults(self) -> dict[FieldKey, Any]:
        defaults = {
            field.key: field.default for field in self.module.definition.active_fields() if field.default is not None
        }
        return self.normalise(defaults).patch

    def _field_checks(self) -> list[tuple[FieldKey, frozenset[FieldKey], Check]]:
        found = []
        for field in self.module.definition.active_fields():
            for rule in field.rules:
                others = {rule.other} if isinstance(rule, NotBefore | MatchesBirthday) else set()
                found.append((field.key, frozenset({field.key} | others), rule.compile(field.key)))
        return found

    def _state_checks(self) -> list[_StateCheck]:
        found = []
        for field in self.module.definition.active_fields():
            if field.applies_when is not None:
                found.append(self._applies(field, field.applies_when))
            if field.required_when is not None:
                found.append(self._required_when(field, field.required_when))
        return found

    def _condition(self, criterion: Criterion, key: FieldKey) -> tuple[Predicate, frozenset[FieldKey]]:
        bound = self._conditions[criterion]
        watched = {leaf.path[0] for leaf in leaves(bound) if hasattr(leaf, "path")}
        return compile_predicate(bound), frozenset({key} | watched)

    def _applies(self, field: FieldDefinition, criterion: Criterion) -> _StateCheck:
        holds, watches = self._condition(criterion, field.key)
        key, required = field.key, field.required

        def run(record: Record, related: Related) -> Problem | None:
            if key in record.values:
                return None if holds(record, related) else Problem("not_applicable", key)
            return Problem("required", key) if required and holds(record, related) else None

        return _StateCheck(watches, run)

    def _required_when(self, field: FieldDefinition, criterion: Criterion) -> _StateCheck:
        holds, watches = self._condition(criterion, field.key)
        key = field.key
        because = "、".join(
            dict.fromkeys(self._labels(leaf.path[0]) for leaf in leaves(criterion) if hasattr(leaf, "path"))
        )

        def run(record: Record, related: Related) -> Problem | None:
            if key in record.values or not holds(record, related):
                return None
            return Problem("required_when", key, params={"because": because})

        return _StateCheck(watches, run)

"""The one engine: raw values become typed ones, and states are checked, on every channel (FLD-3…5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from custinfo.core.checks import CheckContext, Condition
from custinfo.core.criteria.evaluate import Related
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.kinds import INVALID, Parser
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, SYSTEM_FIELDS, FieldKey, Masked, Record, Sealed, Values
from custinfo.core.schema import ModuleSchema
from custinfo.core.validation.compiling import StateCheck, ValueCheck, compile_checks
from custinfo.core.validation.defaults import is_moment
from custinfo.core.validation.parsing import is_written_again, strict_parsers

__all__ = ["Normalised", "Validator"]

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen
class Normalised:
    """Raw values made typed: the patch, and every problem and notice found on the way."""

    patch: dict[FieldKey, Any]
    problems: list[Problem]

    @property
    def errors(self) -> list[Problem]:
        """The problems that forbid saving."""
        return [problem for problem in self.problems if problem.severity == "error"]


class Validator:
    """Normalise and check the records of one module; compiled once per configuration."""

    def __init__(self, module: ModuleSchema, conditions: Mapping[Criterion, Condition]) -> None:
        """Compile the checks of `module`.

        Args:
            module: The module compiled.
            conditions: What judges each criterion in its fields and their rules, such as `Conditions`.

        Raises: ConfigurationError for rules and conditions that do not fit their fields, all of them at once.
        """
        self.module = module
        self.parsers: dict[FieldKey, Parser] = strict_parsers(module)
        self.now = _NEVER
        self.required: tuple[FieldKey, ...] = tuple(
            field.key for field in module.definition.active_fields() if field.required and field.applies_when is None
        )
        compiled = compile_checks(module, conditions)
        self._checks = compiled.values
        self._states = compiled.states
        self._watched_attributes = compiled.attributes
        self._relative = compiled.relative
        self._life_cycles = compiled.life_cycles
        self._dated = compiled.dated
        self._compares = bool(compiled.life_cycles or compiled.dated)
        self.compiled = compiled
        self._set_by_moves = frozenset().union(*(cycle.set_by_moves for cycle in compiled.life_cycles))
        self.defaults: dict[FieldKey, Any] = self._parsed_defaults()
        self._moments = self._moment_defaults()

    def at(self, now: datetime) -> Validator:
        """Return the validator for a present instant: itself, unless a condition or rule asks for the time."""
        if not self._relative:
            return self
        timed = copy(self)
        timed.now = now
        return timed

    def normalise(self, raw: Mapping[str, object], before: Values | None = None) -> Normalised:
        """Return the patch that raw values come to.

        Args:
            raw: Field name (key, label or alias) → raw value; `CLEAR` or a blank removes the value.
            before: The record's values, so that a value that is no longer allowed may stay as it is.
        """
        patch: dict[FieldKey, Any] = {}
        problems: list[Problem] = []
        parsers = self.parsers
        for name, value in raw.items():
            if name not in parsers:
                self._unusual(name, raw, before, patch, problems)
                continue
            typed = parsers[name](value, problems)
            if typed is None:
                patch[name] = CLEAR
            elif typed is not INVALID:
                patch[name] = typed
            elif value is CLEAR or type(value) is Masked or before is not None:
                self._refused(name, value, before, patch, problems)
        return Normalised(patch, problems)

    def _refused(
        self,
        key: FieldKey,
        value: object,
        before: Values | None,
        patch: dict[FieldKey, Any],
        problems: list[Problem],
    ) -> None:
        """Look again at a value that no parser takes: that is also so for `CLEAR`, a mask, and a retired choice."""
        again: list[Problem] = []
        self.parsers[key](value, again)
        found = len(problems) - len(again)
        if value is CLEAR:
            del problems[found:]
            patch[key] = CLEAR
        elif type(value) is Masked:
            problems[found:] = [Problem("masked_value", key)]
        elif before is not None and is_written_again(self.module, key, value, before):
            del problems[found:]

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
        elif key not in self.parsers:
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

    def changed(self, before: Record | None, after: Record, patch: Collection[FieldKey]) -> frozenset[FieldKey] | None:
        """Return what a step changes, as `check` takes it; `None` for a new record.

        Args:
            before: The record as it is, `None` for a new one.
            after: The record as it would be.
            patch: The keys that the step writes. Owner, tags and the like are compared, where a check looks at them,
                and fields that a move of a life cycle may set.
        """
        if before is None:
            return None
        others = [name for name in self._watched_attributes if getattr(before, name) != getattr(after, name)]
        moved = [key for key in self._set_by_moves if before.values.get(key) != after.values.get(key)]
        return frozenset(patch).union(others, moved)

    def defaults_at(self, now: datetime) -> dict[FieldKey, Any]:
        """Return the values that a new record gets where it is given none; `"now"` in a date field is the moment."""
        return self.defaults | {key: self.parsers[key](now, []) for key in self._moments}

    def move_defaults(self, before: Record, after: Record, related: Related, now: datetime) -> dict[FieldKey, Any]:
        """Return what the moves from `before` to `after` in life cycles set in fields that are blank (CUS-2).

        Args:
            before: The record as it is.
            after: The record as it would be, without these values.
            related: Follows references for guards on referenced records.
            now: The moment of the move.
        """
        if not self._life_cycles:
            return {}
        context = CheckContext(after.values, after, related, self.now)
        values: dict[FieldKey, Any] = {}
        for cycle in self._life_cycles:
            values = cycle.defaults(before, context, now) | values
        return values

    def move_flows(self, before: Record | None, after: Record, related: Related) -> tuple[str, ...]:
        """Return the keys of the approval flows that the moves from `before` to `after` have to pass (CUS-2)."""
        if not self._life_cycles:
            return ()
        context = CheckContext(after.values, after, related, self.now)
        moves = (cycle.taken(before, context) for cycle in self._life_cycles)
        return tuple(move.flow for move in moves if move is not None and move.flow is not None)

    def check(
        self,
        after: Record,
        changed: Collection[FieldKey] | None,
        related: Related,
        failed: Collection[FieldKey] = frozenset(),
        *,
        before: Record | None = None,
    ) -> list[Problem]:
        """Return every problem of the state `after`, and of the step that leads to it.

        Args:
            after: The record as it would be.
            changed: The fields that the step changes, `tags` and system fields among them; `None` for a new record.
                Checks that none of these concern are not run: a record saved under older rules may still be edited
                elsewhere.
            related: Follows references for conditions on referenced records.
            failed: Fields whose value is wrong already: what depends on them is not judged.
            before: The record as it is; life cycles judge the step from there. `None` for a new one.
        """
        context = CheckContext(after.values, after, related, self.now)
        if changed is None and not failed:
            problems = _found(context, self.required, self._checks, self._states)
        else:

            def judged(watches: frozenset[FieldKey]) -> bool:
                return (changed is None or not watches.isdisjoint(changed)) and watches.isdisjoint(failed)

            problems = _found(
                context,
                [key for key in self.required if (changed is None or key in changed) and key not in failed],
                [item for item in self._checks if judged(item[1])],
                [item for item in self._states if judged(item[0])],
            )
        if self._compares:
            self._compare(before, context, changed, failed, problems)
        return problems

    def _compare(
        self,
        before: Record | None,
        context: CheckContext,
        changed: Collection[FieldKey] | None,
        failed: Collection[FieldKey],
        problems: list[Problem],
    ) -> None:
        """Append what is wrong with the step: moves of life cycles, and entries that are not valid today."""
        for cycle in self._life_cycles:
            if changed is None or not cycle.watches.isdisjoint(changed):
                told = {problem.field for problem in problems if problem.code in ("required", "required_when")}
                found = cycle.check(before, context, changed, failed)
                problems.extend(item for item in found if item.field not in told)
        for choice in self._dated:
            if (changed is None or choice.field in changed) and choice.field not in failed:
                problem = choice.check(before, context)
                if problem is not None:
                    problems.append(problem)

    def _moment_defaults(self) -> tuple[FieldKey, ...]:
        fields = self.module.definition.active_fields()
        return tuple(field.key for field in fields if is_moment(self.module, field.key, field.default))

    def _parsed_defaults(self) -> dict[FieldKey, Any]:
        defaults = {
            field.key: field.default
            for field in self.module.definition.active_fields()
            if field.default is not None and not is_moment(self.module, field.key, field.default)
        }
        return self.normalise(defaults).patch


def _found(
    context: CheckContext, required: Iterable[FieldKey], checks: Iterable[ValueCheck], states: Iterable[StateCheck]
) -> list[Problem]:
    """Return what required fields lack, what rules say of values, and what conditions say of the state."""
    values = context.values
    problems = [Problem("required", key) for key in required if key not in values]
    for key, _, run in checks:
        value = values.get(key)
        if value is not None and type(value) is not Sealed:
            problem = run(value, context)
            if problem is not None:
                problems.append(problem)
    for _, judge, _ in states:
        problem = judge(context)
        if problem is not None:
            problems.append(problem)
    return problems

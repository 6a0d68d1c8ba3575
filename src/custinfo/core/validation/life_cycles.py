"""Life cycles compiled: whether a move is allowed, what it sets, and what a state asks for (CUS-2, FLD-3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from custinfo.core.checks import CheckContext, Condition
from custinfo.core.dictionaries import Dictionary
from custinfo.core.messages import Telling, Translated
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import FieldKey, Record
from custinfo.core.validation.defaults import Default

__all__ = ["CompiledLifeCycle", "Move", "States"]

_BLANK: Final = Translated({"zh": "空", "en": "blank"})
_UNKNOWN: Final = Translated({"zh": "未知状态", "en": "an unknown state"})
_NOTHING: Final[frozenset[FieldKey]] = frozenset()


@attrs.frozen(eq=False)
class States:
    """Know the states of a status field: the live entries of its dictionary."""

    field: FieldKey
    dictionary: Dictionary
    language: str

    def of(self, record: Record) -> str | None:
        """Return the state of a record; an entry that was merged counts as that into which it was merged."""
        code = record.values.get(self.field)
        return None if code is None else self.dictionary.live_code(code)

    def label(self, state: str | None) -> Translated:
        """Return what people call a state."""
        entry = self.dictionary.values.get(state or "")
        if entry is None:
            return _BLANK if state is None else _UNKNOWN
        return Translated.named(entry.label, entry.code, self.language)

    def labels(self, states: Collection[str]) -> tuple[Translated, ...]:
        """Return what people call several states, in the order of the dictionary."""
        return tuple(self.label(code) for code in self.dictionary.values if code in states)


@attrs.frozen(eq=False)
class Move:
    """A transition compiled: `sources` are states, empty for any; `required` and `defaults` go by key."""

    sources: frozenset[str]
    required: tuple[FieldKey, ...]
    defaults: Mapping[FieldKey, Default]
    guard: Condition | None
    flow: str | None

    def allowed(self, context: CheckContext, failed: Collection[FieldKey] = _NOTHING) -> bool:
        """Tell whether the guard holds; one that looks at a field whose value is wrong already is not judged."""
        return self.guard is None or not self.guard.watches.isdisjoint(failed) or self.guard.holds(context)


@attrs.frozen(eq=False)
class CompiledLifeCycle:
    """Judge the steps of records of one module in one status field.

    Args:
        states: The states of the field.
        moves: State → the transitions that lead to it, in order.
        held: State → the fields that every transition into it requires.
        initial: The states in which a record may begin; empty for any.
        applies: Condition of each field named here that does not apply to every record.
        watches: The fields on whose change `check` has something to look at.
    """

    states: States
    moves: Mapping[str | None, tuple[Move, ...]]
    held: Mapping[str | None, tuple[FieldKey, ...]]
    initial: frozenset[str]
    applies: Mapping[FieldKey, Condition]
    watches: frozenset[FieldKey]

    @property
    def relative(self) -> bool:
        """Whether a guard or condition depends on the time at which it is asked."""
        guards = (move.guard for moves in self.moves.values() for move in moves if move.guard is not None)
        return any(condition.relative for condition in (*guards, *self.applies.values()))

    @property
    def set_by_moves(self) -> frozenset[FieldKey]:
        """The fields that a move may set."""
        return frozenset(key for moves in self.moves.values() for move in moves for key in move.defaults)

    def check(
        self,
        before: Record | None,
        context: CheckContext,
        changed: Collection[FieldKey] | None,
        failed: Collection[FieldKey],
    ) -> Iterator[Problem]:
        """Yield what forbids the step from `before` to the record of the context; arguments as `Validator.check`."""
        field, new = self.states.field, self.states.of(context.record)
        if field in failed:
            return
        old = None if before is None else self.states.of(before)
        options = None if before is None else self._options(old, new)
        if options is None:
            if old is None and new is not None and self.initial and new not in self.initial:
                params: dict[str, ParamValue] = {
                    "state": self.states.label(new),
                    "allowed": self.states.labels(self.initial),
                }
                yield Problem("not_initial_state", field, params=params)
            yield from self._missing(self._held(new, changed), new, context, failed)
        elif not options:
            params = {"before": self.states.label(old), "after": self.states.label(new)}
            yield Problem("transition_not_allowed", field, params=params)
        else:
            taken = next((move for move in options if move.allowed(context, failed)), None)
            if taken is None:
                yield self._guarded(options, new)
            yield from self._missing(taken.required if taken else _common(options), new, context, failed)

    def taken(self, before: Record | None, context: CheckContext) -> Move | None:
        """Return the transition that leads from `before` to the record of the context, if it takes one."""
        if before is None:
            return None
        options = self._options(self.states.of(before), self.states.of(context.record)) or ()
        return next((move for move in options if move.allowed(context)), None)

    def defaults(self, before: Record, context: CheckContext, now: datetime) -> dict[FieldKey, Any]:
        """Return what the move to the record of the context sets in fields that are blank.

        Of several transitions it is the first whose guard holds for the record with these values; none of a move
        that is not allowed.
        """
        options = self._options(self.states.of(before), self.states.of(context.record)) or ()
        for move in options:
            values = {
                key: make(now)
                for key, make in move.defaults.items()
                if key not in context.values and self._applies(key, context)
            }
            # Where there is no choice, a guard that does not hold refuses the change with whatever was set.
            if len(options) == 1 or move.allowed(_with(context, values)):
                return values
        return {}

    def _options(self, old: str | None, new: str | None) -> tuple[Move, ...] | None:
        """Return the transitions from one state to another; `None` where none is needed.

        A record without a state takes those from any state; where there are none, it begins as a new one does.
        """
        if old == new:
            return None
        options = tuple(move for move in self.moves.get(new, ()) if not move.sources or old in move.sources)
        return options if options or old is not None else None

    def _held(self, state: str | None, changed: Collection[FieldKey] | None) -> Collection[FieldKey]:
        """Return the fields that a state holds, of those whose loss this step could be."""
        held = self.held.get(state, ())
        if changed is None or self.states.field in changed:
            return held
        return [
            key
            for key in held
            if key in changed or (key in self.applies and not self.applies[key].watches.isdisjoint(changed))
        ]

    def _missing(
        self, needed: Collection[FieldKey], state: str | None, context: CheckContext, failed: Collection[FieldKey]
    ) -> Iterator[Problem]:
        for key in needed:
            if key not in context.values and key not in failed and self._applies(key, context, failed):
                yield Problem("required_in_state", key, params={"state": self.states.label(state)})

    def _applies(self, key: FieldKey, context: CheckContext, failed: Collection[FieldKey] = _NOTHING) -> bool:
        condition = self.applies.get(key)
        return condition is None or (condition.watches.isdisjoint(failed) and condition.holds(context))

    def _guarded(self, options: Collection[Move], state: str | None) -> Problem:
        guards = list(dict.fromkeys(move.guard.because for move in options if move.guard is not None))
        because = _joined(guards, {"zh": "；或者 ", "en": "; or "}, self.states.language)
        paths = [path for text in guards for path in text.paths]
        params = {"after": self.states.label(state), "because": Telling.of(because, paths)}
        return Problem("guard_not_met", self.states.field, params=params)


def _with(context: CheckContext, values: Mapping[FieldKey, Any]) -> CheckContext:
    """Return the context with further values in the record."""
    record = attrs.evolve(context.record, values=context.record.values.merged(values))
    return CheckContext(record.values, record, context.related, context.now)


def _common(moves: Collection[Move]) -> tuple[FieldKey, ...]:
    """Return the fields that each of several transitions requires, in the order of the first."""
    first, *others = moves
    return tuple(key for key in first.required if all(key in other.required for other in others))


def common_fields(moves: Mapping[str | None, tuple[Move, ...]]) -> dict[str | None, tuple[FieldKey, ...]]:
    """Return, for each state, the fields that every transition into it requires."""
    return {state: _common(into) for state, into in moves.items()}


def _joined(texts: Collection[Translated], by: Mapping[str, str], language: str) -> Translated:
    joined = {item: mark.join(text.in_language(item) for text in texts) for item, mark in by.items()}
    return Translated(joined, language)

"""Comparisons with values: texts become typed values, constants the nearest that is stored, periods instants."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final, get_args

import attrs

from custinfo.core.criteria.nodes import (
    Compare,
    Contains,
    Criterion,
    Has,
    Leaf,
    Mentions,
    Not,
    Nothing,
    OneOf,
    Operator,
    Path,
    Present,
    StartsWith,
    Under,
    Within,
    all_of,
    any_of,
)
from custinfo.core.dictionaries import Ambiguous, Dictionary
from custinfo.core.exact import EXACT
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import INVALID, Kind
from custinfo.core.names import searchable
from custinfo.core.paths import RefusalError, Target, is_text, is_title, unknown_operator
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import SYSTEM_FIELDS
from custinfo.core.schema import Schema
from custinfo.core.text import CONTROL

__all__ = ["Comparisons", "months_before"]

_STEP: Final = Decimal("0.000001")
_BOUND: Final = Decimal(9_000_000_000_000)
_INTEGERS: Final = Decimal(2**63)
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_OPERATORS: Final = frozenset(get_args(Operator))


@attrs.frozen
class Comparisons:
    """Bind comparisons whose path leads to a field, for one instant; what can't be asked raises `RefusalError`."""

    schema: Schema
    now: datetime

    def bind(self, leaf: Leaf, target: Target) -> Criterion:
        """Return a comparison bound to the field to which its path leads. Raises: RefusalError."""
        kind = target.kind.key
        match leaf:
            case Present():
                return Present(target.path)
            case Compare(_, operator, value) if _compares(target.kind, operator):
                return self._compare(target, operator, value)
            case OneOf(_, values):
                return _one_of(target.path, [self._compare(target, "eq", value) for value in values])
            case Under(_, value):
                dictionary = self._dictionary(target, leaf)
                return self._choice_in(target, dictionary.subtree(self._code(target, dictionary, value)))
            case Has(_, value) if kind == "multiple_choice":
                dictionary = self._dictionary(target, leaf)
                return any_of(
                    [Has(target.path, code) for code in dictionary.same_as(self._code(target, dictionary, value))]
                )
            case Contains(_, str(text)) | StartsWith(_, str(text)) if is_text(target.kind):
                self._storable(target, text)
                return attrs.evolve(leaf, path=target.path)
            case Mentions(_, str(text)) if is_title(target):
                return Mentions(target.path, self._sought(target, text))
            case Within() if kind in ("date", "datetime"):
                return self._within(target, leaf)
            case _:
                raise unknown_operator(target, leaf, kind)

    def _storable(self, target: Target, text: str) -> None:
        """Refuse characters that no stored text has, and at which databases stumble."""
        if CONTROL.search(text):
            raise RefusalError(Problem("control_character", target.name))

    def _sought(self, target: Target, text: str) -> str:
        """Return the form of a text that is searched for; refuse one of which nothing is left."""
        self._storable(target, text)
        form = searchable(text)
        if not form:
            raise RefusalError(Problem("too_short", target.name, params={"limit": 1}))
        return form

    def _dictionary(self, target: Target, leaf: Leaf) -> Dictionary:
        key = target.definition.options.get("dictionary") if target.definition else None
        dictionary = self.schema.configuration.dictionaries.get(str(key))
        if dictionary is None:
            raise unknown_operator(target, leaf, target.kind.key)
        return dictionary

    def _code(self, target: Target, dictionary: Dictionary, value: object) -> str:
        label = dictionary.named(self.schema.configuration.language)
        match dictionary.find(value) if isinstance(value, str) else None:
            case str(code):
                return code
            case Ambiguous(candidates):
                paths = dictionary.paths_named(candidates)
                params: dict[str, ParamValue] = {"dictionary": label, "candidates": paths}
                raise RefusalError(Problem("ambiguous_choice", target.name, params=params))
            case _:
                raise RefusalError(Problem("unknown_choice", target.name, params={"dictionary": label}))

    def _choice_in(self, target: Target, codes: tuple[str, ...]) -> Criterion:
        if target.kind.key == "multiple_choice":
            return any_of([Has(target.path, code) for code in codes])
        return Compare(target.path, "eq", codes[0]) if len(codes) == 1 else OneOf(target.path, codes)

    def _compare(self, target: Target, operator: Operator, value: object) -> Criterion:
        match target.kind.key:
            case "choice" if operator in ("eq", "ne"):
                dictionary = self._dictionary(target, Compare(target.path, operator, value))
                same = self._choice_in(target, dictionary.same_as(self._code(target, dictionary, value)))
                return same if operator == "eq" else all_of([Present(target.path), Not(same)])
            case "integer" | "decimal" | "money":
                return self._compare_number(target, operator, value)
            case "datetime" if type(value) is date:
                return self._compare_day(target, operator, value)
            case "multiple_choice":
                raise unknown_operator(target, Compare(target.path, operator, value), target.kind.key)
            case _ if operator not in ("eq", "ne") and isinstance(value, str) and is_text(target.kind):
                self._storable(target, value)
                return Compare(target.path, operator, value)
            case _:
                return Compare(target.path, operator, self._typed(target, value))

    def _compare_number(self, target: Target, operator: Operator, value: object) -> Criterion:
        """Round constants that no stored number can equal, so that every store compares exactly."""
        number = self._number(target, value)
        step = Decimal(1) if target.kind.key == "integer" else _STEP
        if number.copy_abs() >= _BOUND and target.kind.key != "integer":
            below = (number > 0) == (operator in ("lt", "le"))
            return Present(target.path) if operator == "ne" or (operator != "eq" and below) else Nothing()
        floor = number.quantize(step, ROUND_FLOOR, EXACT)
        if floor != number:
            if operator in ("eq", "ne"):
                return Nothing() if operator == "eq" else Present(target.path)
            operator = "le" if operator in ("lt", "le") else "ge"
            number = floor if operator == "le" else number.quantize(step, ROUND_CEILING, EXACT)
        if step == 1 and number.copy_abs() >= _INTEGERS:  # rounded up from between the last integer and the bound
            return Nothing() if (number > 0) == (operator == "ge") else Present(target.path)
        return Compare(target.path, operator, int(number) if step == 1 else number)

    def _number(self, target: Target, value: object) -> Decimal:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
            if number.is_finite() and number.copy_abs() < _INTEGERS:
                return number
        return Decimal(self._typed(target, value))

    def _compare_day(self, target: Target, operator: Operator, day: date) -> Criterion:
        """Compare an instant with a whole day of the configured time zone."""
        start = self._midnight(day)
        end = self._midnight(day + timedelta(days=1)) if day < date.max else datetime.max.replace(tzinfo=UTC)
        within = all_of([Compare(target.path, "ge", start), Compare(target.path, "lt", end)])
        match operator:
            case "eq":
                return within
            case "ne":
                return all_of([Present(target.path), Not(within)])
            case "lt" | "ge":
                return Compare(target.path, operator, start)
            case _:
                return Compare(target.path, "lt" if operator == "le" else "ge", end)

    def _midnight(self, day: date) -> datetime:
        try:
            return datetime.combine(day, time(), self.schema.zone).astimezone(UTC)
        except OverflowError:  # the ends of the calendar
            return _EARLIEST if day.year == 1 else _LATEST

    def _typed(self, target: Target, value: object) -> Any:
        definition = target.definition or FieldDefinition(target.path[-1], SYSTEM_FIELDS[target.path[-1]])
        found: list[Problem] = []
        typed = target.kind.parser(definition, self.schema.context)(value, found)
        if typed is INVALID or typed is None:
            errors = [problem for problem in found if problem.severity == "error"]
            problem = errors[0] if errors else Problem("wrong_type", params={"kind": target.kind.key})
            raise RefusalError(attrs.evolve(problem, field=target.name))
        return typed

    def _within(self, target: Target, leaf: Within) -> Criterion:
        zone = self.schema.zone
        local = self.now.astimezone(zone)
        moved = leaf.months or leaf.days
        ends: list[Any]
        try:
            day = months_before(local, leaf.months) - timedelta(days=leaf.days) if moved else local
            ends = sorted((self.now.astimezone(UTC), day.astimezone(UTC) - timedelta(hours=leaf.hours)))
            if target.kind.key == "date":
                ends = [moment.astimezone(zone).date() for moment in ends]
        except (OverflowError, ValueError, TypeError):
            raise RefusalError(Problem("number_out_of_range", target.name)) from None
        return all_of([Compare(target.path, "ge", ends[0]), Compare(target.path, "le", ends[1])])


def months_before(moment: datetime, months: int) -> datetime:
    """Return the same day and time of day `months` earlier, or the last day of a shorter month.

    >>> months_before(datetime(2024, 8, 31), 6)
    datetime.datetime(2024, 2, 29, 0, 0)
    """
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def _compares(kind: Kind, operator: str) -> bool:
    """Tell whether values of a kind are compared so: all for equality, and for order those that have one."""
    return operator in ("eq", "ne") or (operator in _OPERATORS and kind.ordered and kind.storage != "list")


def _one_of(path: Path, parts: Sequence[Criterion]) -> Criterion:
    """Join comparisons with single values in one list; those that came to more stand beside it."""
    values: dict[Any, None] = {}
    others: list[Criterion] = []
    for part in parts:
        match part:
            case Compare(_, "eq", value):
                values[value] = None
            case OneOf(_, found):
                values |= dict.fromkeys(found)
            case _:
                others.append(part)
    if len(values) == 1:
        others.append(Compare(path, "eq", next(iter(values))))
    elif values:
        others.append(OneOf(path, tuple(values)))
    return any_of(others)

"""Binding criteria: names become keys, texts become typed values, periods become instants.

A bound criterion is made of `AllOf`, `AnyOf`, `Not`, `Everything`, `Nothing`, `Tagged`, `Compare`, `OneOf`, `Contains`,
`Mentions`, `StartsWith`, `Has`, `Present` and `SealedAs` over keys that exist and values of the right type; that is all
that an evaluator or an adapter has to know.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final, get_args

import attrs

from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    Has,
    InSegment,
    LastFour,
    Leaf,
    Mentions,
    Not,
    Nothing,
    OneOf,
    Operator,
    Path,
    Present,
    SealedAs,
    SharedWith,
    StartsWith,
    Tagged,
    Through,
    Under,
    Within,
    all_of,
    any_of,
)
from custinfo.core.dictionaries import Ambiguous, Dictionary
from custinfo.core.errors import InvalidInputError
from custinfo.core.exact import EXACT
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, INVALID, Kind, unchanged
from custinfo.core.names import searchable
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import SYSTEM_FIELDS, ModuleKey
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.segments import expansion
from custinfo.core.text import CONTROL, folded

__all__ = ["LAST", "Digests", "Tail", "bind", "bind_path", "months_before"]

Digests = Callable[[ModuleKey, FieldDefinition, Any], Sequence[str]]
"""Return the blind indexes by which the value of an encrypted field is found, none where the keyring makes none."""

_STEP: Final = Decimal("0.000001")
_BOUND: Final = Decimal(9_000_000_000_000)
_INTEGERS: Final = Decimal(2**63)
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_OPERATORS: Final = frozenset(get_args(Operator))
_TEXT_KINDS: Final = frozenset({"text", "long_text", "phone", "email", "url", "uscc", "resident_id"})


LAST: Final = 4
"""So many characters at the end of an encrypted value may be searched for."""


class Tail(str):
    """The last characters of an encrypted value, in the form in which they are compared."""

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> Tail:
        """Return the last four of a text, whatever its case and width."""
        return cls(folded(text)[-LAST:])


@attrs.frozen
class _Target:
    """The field at the end of a path."""

    path: Path
    kind: Kind
    schema: ModuleSchema
    definition: FieldDefinition | None

    @property
    def name(self) -> str:
        return ".".join(self.path)


class _RefusalError(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def bind(
    criterion: Criterion, module: ModuleKey, schema: Schema, now: datetime, digests: Digests | None = None
) -> Criterion:
    """Return `criterion` bound to a module.

    Args:
        criterion: As written; fields by key, label or alias, choices by code, label, alias or path, segments by key
            or label.
        module: Key of the module whose records it is about.
        schema: The compiled configuration.
        now: The instant to which relative periods refer, aware.
        digests: Tells by what an encrypted value is found; without it nothing is asked of such but whether it is there.

    Raises:
        InvalidInputError: For unknown fields, operators that the kind lacks, values that are not of the kind, and
            segments that are unknown or go round in a circle; all of them at once.
    """
    binder = _Binder(schema, schema.module(module), now, digests)
    expanded, problems = expansion(criterion, module, schema)
    bound = binder.bind(expanded)
    problems += binder.problems
    if problems:
        raise InvalidInputError(problems)
    return bound


def bind_path(name: str | Sequence[str], module: ModuleKey, schema: Schema) -> Path:
    """Return the path of keys for a field name, `reference.field`, or a path as written. Raises: InvalidInputError."""
    parts = name.split(".") if isinstance(name, str) else tuple(name)
    try:
        return _target(tuple(parts), schema.module(module), schema).path
    except _RefusalError as refusal:
        raise InvalidInputError([refusal.problem]) from None


def _target(path: Path, module: ModuleSchema, schema: Schema) -> _Target:
    if len(path) > 2:
        raise _RefusalError(Problem("unknown_field", ".".join(path)))
    keys: list[str] = []
    for position, name in enumerate(path):
        key = module.resolve(name)
        if key is None:
            raise _RefusalError(Problem("unknown_field", ".".join(path)))
        keys.append(key)
        definition = module.definition.fields.get(key)
        if position == len(path) - 1:
            return _Target(tuple(keys), module.kind_of(key), module, definition)
        if definition is None or definition.kind != "reference":
            raise _RefusalError(Problem("unknown_field", ".".join(path)))
        module = schema.module(str(definition.options["module"]))
    raise _RefusalError(Problem("unknown_field", ".".join(path)))


class _Binder:
    def __init__(self, schema: Schema, module: ModuleSchema, now: datetime, digests: Digests | None) -> None:
        self.schema = schema
        self.digests = digests
        self.module = module
        self.now = now
        self.problems: list[Problem] = []

    def bind(self, criterion: Criterion) -> Criterion:
        match criterion:
            case AllOf(parts):
                return all_of([self.bind(part) for part in parts])
            case AnyOf(parts):
                return any_of([self.bind(part) for part in parts])
            case Not(part):
                return Not(self.bind(part))
            case Everything() | Nothing():
                return criterion
            case Tagged():
                return self.bind_tag(criterion)
            case InSegment():
                raise TypeError("segments are put in before the rest is bound")
            case Through() | SharedWith():
                raise TypeError(f"{type(criterion).__name__} is made by policies, and bound already")
            case _:
                return self.bind_leaf(criterion)

    def bind_tag(self, tagged: Tagged) -> Criterion:
        if tagged.value is None:
            dimension = self.schema.resolve_dimension(tagged.dimension)
            if dimension is not None:
                return Tagged(dimension.key)
            self.problems.append(Problem("unknown_tag_dimension", "tags", params={"dimension": tagged.dimension}))
            return Nothing()
        tag = self.schema.resolve_tag(tagged.dimension, tagged.value, retired=True)
        if isinstance(tag, Problem):
            self.problems.append(tag)
            return Nothing()
        same = self.schema.configuration.tag_dimensions[tag.dimension].same_as(tag.value)
        return any_of([Tagged(tag.dimension, value) for value in same])

    def bind_leaf(self, leaf: Leaf) -> Criterion:
        try:
            target = _target(leaf.path, self.module, self.schema)
            field = target.definition
            if field is not None and field.encrypted and not isinstance(leaf, Present):
                return self.bind_encrypted(leaf, target, field)
            return self.bind_target(leaf, target)
        except _RefusalError as refusal:
            self.problems.append(refusal.problem)
            return Nothing()

    def bind_encrypted(self, leaf: Leaf, target: _Target, field: FieldDefinition) -> Criterion:
        """Compare blind indexes in place of values, which can be asked for nothing but equality."""
        if self.digests is not None and isinstance(leaf, LastFour) and field.last_four:
            return self.bind_tail(leaf, target, field)
        if self.digests is None or not (isinstance(leaf, OneOf) or _is_equality(leaf)):
            raise _unknown_operator(target, leaf, "encrypted")
        found = self.bind_target(leaf, target)
        parts = found.parts if isinstance(found, AnyOf) else (found,)
        values: list[Any] = []
        for part in parts:
            match part:
                case Compare(_, "eq", value):
                    values.append(value)
                case OneOf(_, several):
                    values.extend(several)
                case Nothing():
                    pass
                case _:  # such as a time within a day
                    raise _unknown_operator(target, leaf, "encrypted")
        digests = dict.fromkeys(found for value in values for found in self.digests_of(leaf, target, field, value))
        return SealedAs(target.path, tuple(digests)) if digests else Nothing()

    def bind_tail(self, leaf: LastFour, target: _Target, field: FieldDefinition) -> Criterion:
        """Compare the blind indexes of the last four characters, of which there must be four."""
        tail = Tail.of(str(leaf.text))
        if len(tail) != LAST or len(folded(str(leaf.text))) != LAST:
            code = "too_short" if len(tail) < LAST else "too_long"
            raise _RefusalError(Problem(code, target.name, params={"limit": LAST}))
        return SealedAs(target.path, tuple(self.digests_of(leaf, target, field, tail)), tail=True)

    def digests_of(self, leaf: Leaf, target: _Target, field: FieldDefinition, value: Any) -> Sequence[str]:
        try:
            found = self.digests(target.schema.definition.key, field, value) if self.digests is not None else ()
        except InvalidInputError as error:
            raise _RefusalError(attrs.evolve(error.problems[0], field=target.name)) from None
        if not found:
            raise _unknown_operator(target, leaf, "encrypted")
        return found

    def bind_target(self, leaf: Leaf, target: _Target) -> Criterion:
        kind = target.kind.key
        match leaf:
            case Present():
                return Present(target.path)
            case Compare(_, operator, value):
                if operator not in _OPERATORS or (
                    operator not in ("eq", "ne") and not (target.kind.ordered and target.kind.storage != "list")
                ):
                    raise _unknown_operator(target, leaf, kind)
                return self.compare(target, operator, value)
            case OneOf(_, values):
                return _one_of(target.path, [self.compare(target, "eq", value) for value in values])
            case Under(_, value):
                dictionary = self.dictionary(target, leaf)
                return self.choice_in(target, dictionary.subtree(self.code(target, dictionary, value)))
            case Has(_, value) if kind == "multiple_choice":
                dictionary = self.dictionary(target, leaf)
                return any_of(
                    [Has(target.path, code) for code in dictionary.same_as(self.code(target, dictionary, value))]
                )
            case Contains(_, str(text)) | StartsWith(_, str(text)) if _is_text(target.kind):
                self.storable(target, text)
                return attrs.evolve(leaf, path=target.path)
            case Mentions(_, str(text)) if _is_title(target):
                return Mentions(target.path, self.sought(target, text))
            case Within() if kind in ("date", "datetime"):
                return self.within(target, leaf)
            case _:
                raise _unknown_operator(target, leaf, kind)

    def storable(self, target: _Target, text: str) -> None:
        """Refuse characters that no stored text has, and at which databases stumble."""
        if CONTROL.search(text):
            raise _RefusalError(Problem("control_character", target.name))

    def sought(self, target: _Target, text: str) -> str:
        """Return the form of a text that is searched for; refuse one of which nothing is left."""
        self.storable(target, text)
        form = searchable(text)
        if not form:
            raise _RefusalError(Problem("too_short", target.name, params={"limit": 1}))
        return form

    def dictionary(self, target: _Target, leaf: Leaf) -> Dictionary:
        key = target.definition.options.get("dictionary") if target.definition else None
        dictionary = self.schema.configuration.dictionaries.get(str(key))
        if dictionary is None:
            raise _unknown_operator(target, leaf, target.kind.key)
        return dictionary

    def code(self, target: _Target, dictionary: Dictionary, value: object) -> str:
        label = dictionary.label_in(self.schema.configuration.language)
        match dictionary.find(value) if isinstance(value, str) else None:
            case str(code):
                return code
            case Ambiguous(candidates):
                params: dict[str, ParamValue] = {"dictionary": label, "candidates": candidates}
                raise _RefusalError(Problem("ambiguous_choice", target.name, params=params))
            case _:
                raise _RefusalError(Problem("unknown_choice", target.name, params={"dictionary": label}))

    def choice_in(self, target: _Target, codes: tuple[str, ...]) -> Criterion:
        if target.kind.key == "multiple_choice":
            return any_of([Has(target.path, code) for code in codes])
        return Compare(target.path, "eq", codes[0]) if len(codes) == 1 else OneOf(target.path, codes)

    def compare(self, target: _Target, operator: Operator, value: object) -> Criterion:
        match target.kind.key:
            case "choice" if operator in ("eq", "ne"):
                dictionary = self.dictionary(target, Compare(target.path, operator, value))
                same = self.choice_in(target, dictionary.same_as(self.code(target, dictionary, value)))
                return same if operator == "eq" else all_of([Present(target.path), Not(same)])
            case "integer" | "decimal" | "money":
                return self.compare_number(target, operator, value)
            case "datetime" if type(value) is date:
                return self.compare_day(target, operator, value)
            case "multiple_choice":
                raise _unknown_operator(target, Compare(target.path, operator, value), target.kind.key)
            case _ if operator not in ("eq", "ne") and isinstance(value, str) and _is_text(target.kind):
                self.storable(target, value)
                return Compare(target.path, operator, value)
            case _:
                return Compare(target.path, operator, self.typed(target, value))

    def compare_number(self, target: _Target, operator: Operator, value: object) -> Criterion:
        """Round constants that no stored number can equal, so that every store compares exactly."""
        number = self.number(target, value)
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

    def number(self, target: _Target, value: object) -> Decimal:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
            if number.is_finite() and number.copy_abs() < _INTEGERS:
                return number
        return Decimal(self.typed(target, value))

    def compare_day(self, target: _Target, operator: Operator, day: date) -> Criterion:
        """Compare an instant with a whole day of the configured time zone."""
        start = self.midnight(day)
        end = self.midnight(day + timedelta(days=1)) if day < date.max else datetime.max.replace(tzinfo=UTC)
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

    def midnight(self, day: date) -> datetime:
        try:
            return datetime.combine(day, time(), self.schema.zone).astimezone(UTC)
        except OverflowError:  # the ends of the calendar
            return _EARLIEST if day.year == 1 else _LATEST

    def typed(self, target: _Target, value: object) -> Any:
        definition = target.definition or FieldDefinition(target.path[-1], SYSTEM_FIELDS[target.path[-1]])
        found: list[Problem] = []
        typed = target.kind.parser(definition, self.schema.context)(value, found)
        if typed is INVALID or typed is None:
            errors = [problem for problem in found if problem.severity == "error"]
            problem = errors[0] if errors else Problem("wrong_type", params={"kind": target.kind.key})
            raise _RefusalError(attrs.evolve(problem, field=target.name))
        return typed

    def within(self, target: _Target, leaf: Within) -> Criterion:
        zone = self.schema.zone
        local = self.now.astimezone(zone)
        try:
            day = (
                local
                if not (leaf.months or leaf.days)
                else (months_before(local, leaf.months) - timedelta(days=leaf.days))
            )
            other = day.astimezone(UTC) - timedelta(hours=leaf.hours)
        except (OverflowError, ValueError, TypeError):
            raise _RefusalError(Problem("number_out_of_range", target.name)) from None
        first, last = sorted((self.now.astimezone(UTC), other))
        if target.kind.key == "date":
            return all_of(
                [
                    Compare(target.path, "ge", first.astimezone(zone).date()),
                    Compare(target.path, "le", last.astimezone(zone).date()),
                ]
            )
        return all_of([Compare(target.path, "ge", first), Compare(target.path, "le", last)])


def months_before(moment: datetime, months: int) -> datetime:
    """Return the same day and time of day `months` earlier, or the last day of a shorter month.

    >>> months_before(datetime(2024, 8, 31), 6)
    datetime.datetime(2024, 2, 29, 0, 0)
    """
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def _is_text(kind: Kind) -> bool:
    """Tell whether values are texts that people write: also those of a host's kind that is stored as it is."""
    return kind.key in _TEXT_KINDS or (
        kind.key not in BUILT_IN_KINDS and kind.storage == "text" and kind.encode is unchanged
    )


def _is_equality(leaf: Leaf) -> bool:
    return isinstance(leaf, Compare) and leaf.operator == "eq"


def _is_title(target: _Target) -> bool:
    """Tell whether values are texts that title the records of their module."""
    return target.path[-1] == target.schema.definition.title_field and _is_text(target.kind)


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


def _unknown_operator(target: _Target, leaf: Leaf, kind: str) -> _RefusalError:
    operator = leaf.operator if isinstance(leaf, Compare) else type(leaf).__name__.lower()
    return _RefusalError(Problem("unknown_operator", target.name, params={"kind": kind, "operator": operator}))

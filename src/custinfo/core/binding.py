"""Binding criteria: names become keys, texts become typed values, periods become instants.

A bound criterion is made of `AllOf`, `AnyOf`, `Not`, `Everything`, `Nothing`, `Tagged`, `Compare`, `OneOf`, `Contains`,
`Mentions`, `StartsWith`, `Has`, `Present` and `SealedAs` over keys that exist and values of the right type; that is all
that an evaluator or an adapter has to know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from custinfo.core.comparisons import Comparisons
from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Criterion,
    Everything,
    InSegment,
    LastFour,
    Leaf,
    Not,
    Nothing,
    OneOf,
    Present,
    SealedAs,
    SharedWith,
    Tagged,
    Through,
    all_of,
    any_of,
)
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import FieldDefinition
from custinfo.core.paths import RefusalError, Target, target_of, unknown_operator
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.segments import expansion
from custinfo.core.text import folded

__all__ = ["LAST", "Digests", "Tail", "bind"]

Digests = Callable[[ModuleKey, FieldDefinition, Any], Sequence[str]]
"""Return the blind indexes by which the value of an encrypted field is found, none where the keyring makes none."""


LAST: Final = 4
"""So many characters at the end of an encrypted value may be searched for."""


class Tail(str):
    """The last characters of an encrypted value, in the form in which they are compared."""

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> Tail:
        """Return the last four of a text, whatever its case and width."""
        return cls(folded(text)[-LAST:])


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


class _Binder:
    def __init__(self, schema: Schema, module: ModuleSchema, now: datetime, digests: Digests | None) -> None:
        self.schema = schema
        self.digests = digests
        self.module = module
        self.comparisons = Comparisons(schema, now)
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
        target: Target | None = None
        try:
            target = target_of(leaf.path, self.module, self.schema)
            field = target.definition
            if field is not None and field.encrypted and not isinstance(leaf, Present):
                return self.bind_encrypted(leaf, target, field)
            return self.comparisons.bind(leaf, target)
        except RefusalError as refusal:
            self.problems.append(refusal.problem if target is None else target.labelled(refusal.problem))
            return Nothing()

    def bind_encrypted(self, leaf: Leaf, target: Target, field: FieldDefinition) -> Criterion:
        """Compare blind indexes in place of values, which can be asked for nothing but equality."""
        if self.digests is not None and isinstance(leaf, LastFour) and field.last_four:
            return self.bind_tail(leaf, target, field)
        if self.digests is None or not (isinstance(leaf, OneOf) or _is_equality(leaf)):
            raise unknown_operator(target, leaf, "encrypted")
        found = self.comparisons.bind(leaf, target)
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
                    raise unknown_operator(target, leaf, "encrypted")
        found_by = dict.fromkeys(tuple(self.digests_of(leaf, target, field, value)) for value in values)
        digests = tuple(digest for digests in found_by for digest in digests)
        return SealedAs(target.path, digests, several=len(found_by) > 1) if digests else Nothing()

    def bind_tail(self, leaf: LastFour, target: Target, field: FieldDefinition) -> Criterion:
        """Compare the blind indexes of the last four characters, of which there must be four."""
        tail = Tail.of(str(leaf.text))
        if len(tail) != LAST or len(folded(str(leaf.text))) != LAST:
            code = "too_short" if len(tail) < LAST else "too_long"
            raise RefusalError(Problem(code, target.name, params={"limit": LAST}))
        return SealedAs(target.path, tuple(self.digests_of(leaf, target, field, tail)), tail=True)

    def digests_of(self, leaf: Leaf, target: Target, field: FieldDefinition, value: Any) -> Sequence[str]:
        try:
            found = self.digests(target.schema.definition.key, field, value) if self.digests is not None else ()
        except InvalidInputError as error:
            raise RefusalError(attrs.evolve(error.problems[0], field=target.name)) from None
        if not found:
            raise unknown_operator(target, leaf, "encrypted")
        return found


def _is_equality(leaf: Leaf) -> bool:
    return isinstance(leaf, Compare) and leaf.operator == "eq"

"""Whether every attribute of a configuration is of its type: a `Literal` or a tuple is not enforced by Python."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.criteria.walking import DEEPEST, depth
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.rules import RULE_TYPES, Rule
from custinfo.core.spots import Spot
from custinfo.core.validation.whole._expected import expected
from custinfo.core.validation.whole._subject import criterion_misfit

__all__ = ["shape_problems"]

_PLAIN: Final[frozenset[type]] = frozenset((str, bool, int, NoneType))
_OURS: Final = frozenset(RULE_TYPES.values())


def shape_problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each attribute, at any depth, that is not of its type."""
    yield from _misfits(configuration, Configuration, Spot())


@cache
def _members(kind: type[Any]) -> tuple[tuple[str, Any, frozenset[type]], ...]:
    """Return the attributes of a class: name, type, and the types of what is right there at a glance."""
    return tuple((name, hint, _simple(hint)) for name, hint in get_type_hints(kind).items())


def _simple(hint: Any) -> frozenset[type]:
    """Return those of a hint's types that hold nothing else: most of a configuration is text, numbers and None."""
    admitted = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return _PLAIN.intersection(admitted)


def _misfits(value: Any, hint: Any, spot: Spot) -> Iterator[Problem]:
    if get_origin(hint) in (Union, UnionType):
        hint = next((item for item in get_args(hint) if _is(value, item)), hint)
    if not _is(value, hint):
        yield spot.problem("wrong_shape", expected=expected(hint))
    elif hint is not Any and (hint is not Rule or type(value) in _OURS):
        yield from _inner(value, hint, spot)


def _inner(value: Any, hint: Any, spot: Spot) -> Iterator[Problem]:
    if attrs.has(type(value)):
        for name, kind, simple in _members(type(value)):  # type: ignore[arg-type]
            if type(item := getattr(value, name)) not in simple:
                yield from _too_deep(value, item, spot.dot(name)) or _misfits(item, kind, spot.dot(name))
    elif isinstance(value, FrozenDict):
        key_kind, item_kind = get_args(hint)
        for key, item in value.items():
            yield from _misfits(key, key_kind, spot.at(str(key)))
            yield from _misfits(item, item_kind, spot.at(str(key)))
    elif isinstance(value, tuple | frozenset) and (kinds := get_args(hint)):
        simple = _simple(kinds[0])
        for position, item in enumerate(value):
            if type(item) not in simple:
                yield from _misfits(item, kinds[0], spot.at(position))


def _too_deep(holder: object, item: object, spot: Spot) -> list[Problem]:
    """Return the problem of a criterion, held by something else, that is too deep for anything else to look at."""
    if isinstance(item, Criterion) and not isinstance(holder, Criterion) and depth(item) > DEEPEST:
        return [criterion_misfit(Problem("criterion_too_deep", params={"limit": DEEPEST}), spot)]
    return []


def _is(value: Any, hint: Any) -> bool:
    """Tell whether `value` itself is of a type, whatever it holds."""
    origin = get_origin(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return _hashes(value)
    if origin is Literal:
        return type(value) is str and value in get_args(hint)
    if origin in (Union, UnionType):
        return any(_is(value, item) for item in get_args(hint))
    if hint is Rule:
        return callable(getattr(value, "compile", None)) and not isinstance(value, type)
    if hint is int:
        return type(value) is int
    return isinstance(value, origin or hint)


def _hashes(value: object) -> bool:
    """Tell whether a value can't change: configurations are compared, hashed and shared."""
    try:
        hash(value)
    except TypeError:
        return False
    return True

"""Criteria to and from JSON."""

from __future__ import annotations

from collections.abc import Mapping
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
    Mentions,
    Not,
    Nothing,
    OneOf,
    Operator,
    Present,
    SealedAs,
    SharedWith,
    StartsWith,
    Tagged,
    Through,
    Under,
    Within,
)
from custinfo.core.errors import InvalidCriterionError
from custinfo.core.json_values import ShapeError, value_from_json, value_to_json
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem

__all__ = ["criterion_from_json", "criterion_to_json"]

_LEAVES: Final[dict[str, type[Any]]] = {
    "one_of": OneOf,
    "under": Under,
    "contains": Contains,
    "mentions": Mentions,
    "starts_with": StartsWith,
    "last_four": LastFour,
    "has": Has,
    "present": Present,
    "within": Within,
}
_FORMS: Final = {"values": tuple, "text": str, "value": str, "months": int, "days": int, "hours": int}
_EXAMPLE: Final = '{"op": "eq", "field": ["status"], "value": "成交"}'
_LEAF_NAMES: Final = {kind: name for name, kind in _LEAVES.items()}
_OPERATORS: Final[frozenset[str]] = frozenset(get_args(Operator))
_WORDS: Final = {tuple: ("列表", "a list"), str: ("文本", "a text"), int: ("整数", "a whole number")}
_PATH: Final = "列表，一至两个字段名", "a list of one or two names of fields"

Items = dict[str, tuple[str, str] | None]
_TAKES: Final[dict[str, Items]] = {
    "everything": {},
    "nothing": {},
    "all": {"parts": _WORDS[tuple]},
    "any": {"parts": _WORDS[tuple]},
    "not": {"part": ("对象", "an object")},
    "tagged": {"dimension": _WORDS[str], "value": ("文本或 null", "a text or null")},
    "in_segment": {"segment": _WORDS[str]},
    **{name: {"field": _PATH, "value": None} for name in get_args(Operator)},
    **{
        name: {"field": _PATH, **{item.name: _WORDS[_FORMS[item.name]] for item in attrs.fields(kind)[1:]}}
        for name, kind in _LEAVES.items()
    },
}
"""Each `op`, with what else its object has, in words."""


def criterion_to_json(criterion: Criterion) -> dict[str, Any]:
    """Return `criterion` as JSON data: one object a node, with `op` and, for comparisons, `field`.

    >>> criterion_to_json(Compare(("status",), "eq", "成交"))
    {'op': 'eq', 'field': ['status'], 'value': '成交'}
    """
    match criterion:
        case Everything():
            return {"op": "everything"}
        case Nothing():
            return {"op": "nothing"}
        case AllOf(parts):
            return {"op": "all", "parts": [criterion_to_json(part) for part in parts]}
        case AnyOf(parts):
            return {"op": "any", "parts": [criterion_to_json(part) for part in parts]}
        case Not(part):
            return {"op": "not", "part": criterion_to_json(part)}
        case Tagged(dimension, value):
            return {"op": "tagged", "dimension": dimension, "value": value}
        case InSegment(name):
            return {"op": "in_segment", "segment": name}
        case Through() | SharedWith() | SealedAs():
            raise TypeError(f"{type(criterion).__name__} is made by binding and policies, and has no form in JSON")
        case Compare(path, operator, value):
            return {"op": operator, "field": list(path), "value": value_to_json(value)}
        case _:
            items = {name: value_to_json(item) for name, item in attrs.asdict(criterion, recurse=False).items()}
            return {"op": _LEAF_NAMES[type(criterion)], "field": items.pop("path"), **items}


def criterion_from_json(data: Mapping[str, Any]) -> Criterion:
    """Return the criterion that `criterion_to_json` gave as `data`.

    >>> criterion_from_json({"op": "under", "field": ["industry"], "value": "制造业"})
    Under(path=('industry',), value='制造业')

    Raises: InvalidCriterionError for data of another form, or nested too deep; the message shows no value.
    """
    try:
        return _criterion(data)
    except RecursionError:
        raise _malformed("嵌套过深", "nested too deep") from None
    except ShapeError as error:
        raise InvalidCriterionError([Problem("criterion_malformed", params={"hint": error.hint})]) from None


def _criterion(data: Mapping[str, Any]) -> Criterion:
    match data:
        case {"op": "everything"}:
            return Everything()
        case {"op": "nothing"}:
            return Nothing()
        case {"op": "all", "parts": [*parts]}:
            return AllOf(tuple(_criterion(part) for part in parts))
        case {"op": "any", "parts": [*parts]}:
            return AnyOf(tuple(_criterion(part) for part in parts))
        case {"op": "not", "part": part}:
            return Not(_criterion(part))
        case {"op": "tagged", "dimension": str(dimension), "value": str() | None as value}:
            return Tagged(dimension, value)
        case {"op": "in_segment", "segment": str(name)}:
            return InSegment(name)
        case {"op": str(operator), "field": [*path], **rest} if 1 <= len(path) <= 2:
            return _leaf_from_json(operator, tuple(map(str, path)), rest)
        case {"op": str(operator)}:
            raise _unfit(operator)
        case _:
            raise _malformed(f"应为对象，例如 {_EXAMPLE}", f"expected an object, such as {_EXAMPLE}")


def _leaf_from_json(operator: str, path: tuple[str, ...], rest: Mapping[str, Any]) -> Criterion:
    items = {name: value_from_json(item) for name, item in rest.items()}
    if not all(
        isinstance(items[name], kind) for name, kind in _FORMS.items() if name in items and operator not in _OPERATORS
    ):
        raise _unfit(operator)
    try:
        if operator in _OPERATORS:
            return Compare(path, operator, **items)  # type: ignore[arg-type]
        leaf: Criterion = _LEAVES[operator](path, **items)
    except (KeyError, TypeError):
        raise _unfit(operator) from None
    return leaf


def _unfit(operator: str) -> InvalidCriterionError:
    """Return that there is no such `op`, or what its object has; what was given is left out, which may be a value."""
    if operator not in _TAKES:
        return _malformed(f"op 应为以下之一：{'、'.join(_TAKES)}", f"op has to be one of {', '.join(_TAKES)}")
    takes = _TAKES[operator].items()
    chinese = "、".join(name if words is None else f"{name}（{words[0]}）" for name, words in takes)
    english = ", ".join(name if words is None else f"{name} ({words[1]})" for name, words in takes)
    return _malformed(f"{operator} 的其他项应为：{chinese}", f"{operator} takes {english}")


def _malformed(chinese: str, english: str) -> InvalidCriterionError:
    hint = Translated({"zh": chinese, "en": english}, "en")
    return InvalidCriterionError([Problem("criterion_malformed", params={"hint": hint})])

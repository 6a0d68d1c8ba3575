"""What is expected in a place of a configuration, in words: from the types, as one writes them in Python."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from custinfo.core.criteria.nodes import Criterion
from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import Translated
from custinfo.core.rules import Rule
from custinfo.core.spots import text_in

__all__ = ["expected"]

_WORDS: Final[dict[Any, tuple[str, str]]] = {
    str: ("文本", "a text"),
    bool: (" True 或 False ", "True or False"),
    int: ("整数", "a whole number"),
    Decimal: ("小数", "a decimal"),
    date: ("日期", "a date"),
    datetime: ("日期时间", "a date and time"),
    tuple: ("元组", "a tuple"),
    NoneType: (" None ", "None"),
    Any: ("不可变的值，例如用元组代替列表", "a value that cannot change, such as a tuple in place of a list"),
    Rule: ("规则，例如 Length(maximum=200)", "a rule, such as Length(maximum=200)"),
    Criterion: ('条件，例如 F.status == "成交"', 'a condition, such as F.status == "成交"'),
}
_CRITERIA: Final = frozenset(get_args(Criterion))


def expected(hint: Any) -> Translated:
    """Return what a type asks for, for somebody who knows the place and not the type."""
    chinese, english = _said(hint)
    return text_in(chinese.rstrip(), english)


def _said(hint: Any) -> tuple[str, str]:
    if hint in _WORDS:
        return _WORDS[hint]
    match get_origin(hint):
        case None:
            return f" {_example(hint)} ", _example(hint)
        case origin if origin in (Union, UnionType):
            parts = list(map(_said, _members(hint)))
            return "或".join(chinese for chinese, _ in parts), " or ".join(english for _, english in parts)
        case origin if origin is Literal:
            known = list(map(str, get_args(hint)))
            return f"以下之一：{'、'.join(known)}", f"one of {', '.join(known)}"
        case origin if origin is tuple:
            return f"元组，例如 {_example(hint)}", f"a tuple, such as {_example(hint)}"
        case origin:
            return f" {origin.__name__}，例如 {_example(hint)}", f"a {origin.__name__}, such as {_example(hint)}"


def _members(union: Any) -> list[Any]:
    """Return the types of a union, where all classes of criteria are one; None first, before longer words."""
    kinds = get_args(union)
    whole: list[Any] = [Criterion] if _CRITERIA.issubset(kinds) else []
    others = [kind for kind in kinds if not (whole and kind in _CRITERIA)]
    return sorted((*whole, *others), key=lambda kind: kind is not NoneType)


def _example(hint: Any) -> str:
    """Return a value of a type as one writes it."""
    item = get_args(hint)[0] if get_args(hint) else None
    match get_origin(hint):
        case None:
            written = {str: '"a"', int: "1", Any: '"a"', Rule: "Length(maximum=200)"}
            return written.get(hint) or f"{hint.__name__}(…)"
        case origin if origin is tuple:
            return f"({_example(item)},)"
        case origin if origin is frozenset:
            return f"frozenset([{_example(item)}])"
        case origin if origin is Literal:
            return f'"{item}"'
        case origin if origin is FrozenDict:
            return "FrozenDict(a=…)"
        case _:
            return 'F.status == "成交"' if _CRITERIA.issubset(get_args(hint)) else _example(item)

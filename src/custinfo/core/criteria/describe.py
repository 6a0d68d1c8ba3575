"""Criteria in words, for messages: `客户状态 = 成交`, `Status = Won`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, Protocol

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
    Path,
    Present,
    SealedAs,
    SharedWith,
    StartsWith,
    Tagged,
    Through,
    Under,
    Within,
)

__all__ = ["Language", "PlainWords", "Words", "describe"]

Language = Literal["zh", "en"]

_SIGNS: Final = {"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}
_CHINESE: Final = {
    "always": "始终",
    "never": "从不",
    "all": " 且 ",
    "any": " 或 ",
    "not": "非（{part}）",
    "group": "（{part}）",
    "list": "、",
    "one_of": "{field} 为 {values} 之一",
    "under": "{field} 属于 {value}",
    "contains": "{field} 包含“{text}”",
    "mentions": "{field} 中有“{text}”",
    "starts_with": "{field} 以“{text}”开头",
    "has": "{field} 含 {value}",
    "present": "{field} 已填写",
    "sealed": "{field} = ***",
    "last_four": "{field} 末四位为“{text}”",
    "blank": "{field} 未填写",
    "last": "{field} 在最近 {period}内",
    "next": "{field} 在未来 {period}内",
    "months": "{number} 个月",
    "days": "{number} 天",
    "hours": "{number} 小时",
    "and": "零 ",
    "tagged": "有标签 {dimension}：{value}",
    "some_tag": "有“{dimension}”标签",
    "segment": "属于“{segment}”细分",
    "hop": "{reference}的{field}",
    "shared": "已共享",
    "true": "是",
    "false": "否",
}
_ENGLISH: Final = {
    "always": "always",
    "never": "never",
    "all": " and ",
    "any": " or ",
    "not": "not ({part})",
    "group": "({part})",
    "list": ", ",
    "one_of": "{field} is one of {values}",
    "under": "{field} is within {value}",
    "contains": "{field} contains “{text}”",
    "mentions": "{field} mentions “{text}”",
    "starts_with": "{field} starts with “{text}”",
    "has": "{field} includes {value}",
    "present": "{field} is filled in",
    "sealed": "{field} = ***",
    "last_four": "{field} ends with “{text}”",
    "blank": "{field} is blank",
    "last": "{field} is within the last {period}",
    "next": "{field} is within the next {period}",
    "months": "{number} months",
    "days": "{number} days",
    "hours": "{number} hours",
    "and": " and ",
    "tagged": "tagged {dimension}: {value}",
    "some_tag": "tagged with any {dimension}",
    "segment": "in the segment {segment}",
    "hop": "{field} of {reference}",
    "shared": "shared with one",
    "true": "yes",
    "false": "no",
}
_PHRASES: Final[Mapping[Language, Mapping[str, str]]] = {"zh": _CHINESE, "en": _ENGLISH}
_PERIODS: Final = ("months", "days", "hours")


class Words(Protocol):
    """What people call the fields, values and tags of a module, in one language."""

    def field(self, path: Path, /) -> str:
        """Return the label of the field at the end of a path, which may be written by key, label or alias."""

    def value(self, path: Path, value: object, /) -> str | None:
        """Return what a value of that field is called, such as the label of a choice; `None` for as it is."""

    def dimension(self, name: str, /) -> str:
        """Return the label of a tag dimension."""

    def segment(self, name: str, /) -> str:
        """Return the label of a segment of the module."""


class PlainWords:
    """Call everything as it is written in the criterion."""

    def field(self, path: Path, /) -> str:
        """Return the last part of the path."""
        return path[-1]

    def value(self, _path: Path, _value: object, /) -> str | None:
        """Return `None`."""
        return None

    def dimension(self, name: str, /) -> str:
        """Return the name."""
        return name

    def segment(self, name: str, /) -> str:
        """Return the name."""
        return name


def describe(criterion: Criterion, words: Words, language: Language) -> str:
    """Return `criterion` in words.

    Args:
        criterion: As written; what was bound to a module reads less well.
        words: What fields, values and tags are called in the language.
        language: `zh` or `en`.

    Raises: TypeError for what is no criterion. One that was made by hand and fits no module is described as it is
        written.

    >>> describe(Compare(("status",), "eq", "won") & ~Present(("paid_on",)), PlainWords(), "en")
    'status = won and paid_on is blank'
    """
    return _Writer(words, _PHRASES[language]).whole(criterion)


_TEXTS: Final[dict[type, str]] = {
    Contains: "contains",
    Mentions: "mentions",
    StartsWith: "starts_with",
    LastFour: "last_four",
}
"""What compares with a text → its phrase."""


class _Writer:
    def __init__(self, words: Words, phrases: Mapping[str, str]) -> None:
        self.words = words
        self.phrases = phrases

    def whole(self, criterion: Criterion) -> str:
        match criterion:
            case AllOf(parts):
                return self.phrases["all"].join(map(self.part, parts)) or self.phrases["always"]
            case AnyOf(parts):
                return self.phrases["any"].join(map(self.part, parts)) or self.phrases["never"]
            case Not(Present(path)):
                return self.phrases["blank"].format(field=self.field(path))
            case Not(part):
                return self.phrases["not"].format(part=self.whole(part))
            case Everything() | Nothing():
                return self.phrases["always" if isinstance(criterion, Everything) else "never"]
            case Tagged(dimension, value):
                phrase = self.phrases["some_tag" if value is None else "tagged"]
                return phrase.format(dimension=self.words.dimension(dimension), value=value)
            case InSegment(name):
                return self.phrases["segment"].format(segment=self.words.segment(name))
            case Through(reference, part):
                return self.phrases["hop"].format(reference=self.words.field((reference,)), field=self.part(part))
            case SharedWith():
                return self.phrases["shared"]
            case _:
                return self.leaf(criterion)

    def part(self, criterion: Criterion) -> str:
        text = self.whole(criterion)
        return self.phrases["group"].format(part=text) if isinstance(criterion, AllOf | AnyOf) else text

    def leaf(self, leaf: Leaf) -> str:
        if not isinstance(leaf, Leaf):
            raise TypeError(f"a criterion is described: not {type(leaf).__name__}")
        field = self.field(leaf.path)
        match leaf:
            case Compare(path, operator, value):
                return f"{field} {_SIGNS.get(operator, operator)} {self.value(path, value)}"
            case OneOf(path, values):
                texts = self.phrases["list"].join(self.value(path, value) for value in values)
                return self.phrases["one_of"].format(field=field, values=texts)
            case Under(path, value):
                return self.phrases["under"].format(field=field, value=self.value(path, value))
            case Has(path, value):
                return self.phrases["has"].format(field=field, value=self.value(path, value))
            case Contains(_, text) | Mentions(_, text) | StartsWith(_, text) | LastFour(_, text):
                return self.phrases[_TEXTS[type(leaf)]].format(field=field, text=text)
            case Present() | SealedAs():
                return self.phrases["present" if isinstance(leaf, Present) else "sealed"].format(field=field)
            case Within():
                return self.within(field, leaf)

    def within(self, field: str, leaf: Within) -> str:
        numbers = {name: getattr(leaf, name) for name in _PERIODS if getattr(leaf, name)}
        ahead = all(number < 0 for number in numbers.values()) and bool(numbers)
        sign = -1 if ahead else 1
        texts = [self.phrases[name].format(number=sign * number) for name, number in numbers.items()]
        period = self.phrases["and"].join(texts) or self.phrases["hours"].format(number=0)
        return self.phrases["next" if ahead else "last"].format(field=field, period=period)

    def field(self, path: Path) -> str:
        label = self.words.field(path) if path else ""
        if len(path) <= 1:
            return label
        return self.phrases["hop"].format(reference=self.words.field(path[:1]), field=label)

    def value(self, path: Path, value: object) -> str:
        known = self.words.value(path, value) if path else None
        if known is not None:
            return known
        match value:
            case bool():
                return self.phrases["true" if value else "false"]
            case datetime():
                return value.isoformat(" ", "minutes")
            case _:
                return str(value)

"""Compiling bound criteria to Python predicates.

A predicate is one Python expression, generated as attrs and dataclasses generate theirs: only the shape of
the criterion becomes source text; keys and values are passed as constants by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, Final

from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    Has,
    InSegment,
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
)
from custinfo.core.names import searchable
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, Record, Sealed, Tag

__all__ = [
    "Predicate",
    "Related",
    "Selection",
    "compile_choice",
    "compile_predicate",
    "compile_selection",
    "no_related",
    "read_path",
]

Related = Callable[[Record, FieldKey], Record | None]
"""Return the record to which a reference field of the given record points, or `None`."""

Predicate = Callable[[Record, Related], bool]

_OPERATORS: Final = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


Selection = Callable[[Iterable[Record], Related], list[Record]]


def no_related(_record: Record, _key: FieldKey) -> Record | None:
    """Follow no reference: every referenced value is missing."""
    return None


def read_path(record: Record | None, key: FieldKey) -> Any:
    """Return the value of a field or system field, or `None`."""
    if record is None:
        return None
    return getattr(record, key) if key in SYSTEM_FIELDS else record.values.get(key)


def _has_dimension(tags: frozenset[Tag], dimension: str) -> bool:
    return any(tag.dimension == dimension for tag in tags)


@lru_cache(maxsize=512)
def _compiled(code: str) -> CodeType:
    """Compile a text; criteria of one shape give one text, since their constants stand outside of it."""
    return compile(code, "<criterion>", "exec")


def _defined(source: _Source, code: str) -> Any:
    exec(_compiled(code), source.names)  # noqa: S102 - the text holds generated names only
    return source.names["generated"]


class _Source:
    """Collect the constants of one generated expression."""

    def __init__(self, getter: str = "get", record: str = "r", names: dict[str, Any] | None = None) -> None:
        self.getter = getter
        self.record = record
        self.names: dict[str, Any] = (
            {"read_path": read_path, "has_dimension": _has_dimension, "searchable": searchable, "Sealed": Sealed}
            if names is None
            else names
        )

    def constant(self, value: object) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def value(self, path: Path) -> str:
        *hop, key = path
        if hop:
            return f"read_path(related({self.record}, {self.constant(hop[0])}), {self.constant(key)})"
        return f"{self.record}.{key}" if key in SYSTEM_FIELDS else f"{self.getter}({self.constant(key)})"

    def expression(self, criterion: Criterion) -> str:
        match criterion:
            case Everything() | Nothing():
                return str(isinstance(criterion, Everything))
            case AllOf(parts):
                return f"({' and '.join(map(self.expression, parts)) or 'True'})"
            case AnyOf(parts):
                return f"({' or '.join(map(self.expression, parts)) or 'False'})"
            case Not(part):
                return f"(not {self.expression(part)})"
            case Tagged():
                return self.tagged(criterion)
            case SharedWith():
                return f"(bool({self.record}.shares) and {self.constant(criterion)}.holds({self.record}.shares))"
            case Through(field, part):
                return self.through(field, part)
            case InSegment():
                raise TypeError("InSegment must be bound before it is evaluated")
            case _:
                return self.leaf(criterion)

    def tagged(self, tagged: Tagged) -> str:
        if tagged.value is None:
            return f"has_dimension({self.record}.tags, {self.constant(tagged.dimension)})"
        return f"({self.constant(Tag(tagged.dimension, tagged.value))} in {self.record}.tags)"

    def through(self, field: FieldKey, part: Criterion) -> str:
        followed = f"related({self.record}, {self.constant(field)})"
        target = self.constant(None)
        inner = _Source(f"{target}.values.get", target, self.names).expression(part)
        return f"(({target} := {followed}) is not None and {inner})"

    def leaf(self, leaf: Leaf) -> str:
        value = self.value(leaf.path)
        match leaf:
            case Compare(_, "eq", constant):
                return f"({value} == {self.constant(constant)})"
            case Compare(_, operator, constant):
                test = f"v {_OPERATORS[operator]} {self.constant(constant)}"
            case OneOf(_, values):
                return f"({value} in {self.constant(frozenset(values))})"
            case Contains(_, text):
                test = f"{self.constant(text)} in v"
            case Mentions(_, text):
                test = f"{self.constant(text)} in searchable(v)"
            case StartsWith(_, text):
                test = f"v.startswith({self.constant(text)})"
            case Has(_, item):
                test = f"{self.constant(item)} in v"
            case Present():
                return f"({value} is not None)"
            case SealedAs(_, digests, tail):
                held = "tail" if tail else "index"
                test = f"type(v) is Sealed and v.{held} in {self.constant(frozenset(digests))}"
            case _:
                raise TypeError(f"{type(leaf).__name__} must be bound before it is evaluated")
        return f"((v := {value}) is not None and {test})"


def compile_predicate(criterion: Criterion) -> Predicate:
    """Return a function that tells whether a record meets a bound criterion.

    The function takes the record and a `Related`; it reads nothing else and is as fast as the same test
    written by hand. Missing values compare false, `~` is a plain complement.
    Raises: TypeError for a criterion that was not bound first (`custinfo.core.binding.bind`).
    """
    source = _Source()
    expression = source.expression(criterion)
    prefix = "get = r.values.get; " if "get(" in expression else ""
    predicate: Predicate = _defined(source, f"def generated(r, related): {prefix}return {expression}")
    return predicate


def compile_choice(criteria: Sequence[Criterion]) -> Callable[[Record, Related], int]:
    """Return a function that tells which of several bound criteria a record meets: the sum of 2ⁿ for the n-th.

    One call for all of them costs a fraction of a call for each. Raises: as `compile_predicate`.
    """
    source = _Source()
    tests = [f"({1 << position} if {source.expression(item)} else 0)" for position, item in enumerate(criteria)]
    expression = " | ".join(tests) or "0"
    prefix = "get = r.values.get; " if "get(" in expression else ""
    choice: Callable[[Record, Related], int] = _defined(
        source, f"def generated(r, related): {prefix}return {expression}"
    )
    return choice


def compile_selection(criterion: Criterion) -> Selection:
    """Return a function that picks the records that meet a bound criterion out of many, in their order.

    The test stands inside the loop, so that it costs no call for each record. Raises: as `compile_predicate`.
    """
    source = _Source(getter="r.values.get")
    expression = source.expression(criterion)
    selection: Selection = _defined(
        source, f"def generated(records, related): return [r for r in records if {expression}]"
    )
    return selection

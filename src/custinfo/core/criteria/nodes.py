"""The criteria language as values: which records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Literal

import attrs

from custinfo.core.records import Share

__all__ = [
    "AllOf",
    "AnyOf",
    "Compare",
    "Contains",
    "Criterion",
    "Everything",
    "Has",
    "InSegment",
    "LastFour",
    "Leaf",
    "Mentions",
    "Not",
    "Nothing",
    "OneOf",
    "Operator",
    "Path",
    "Present",
    "SealedAs",
    "SharedWith",
    "StartsWith",
    "Tagged",
    "Through",
    "Under",
    "Within",
    "all_of",
    "any_of",
]

Path = tuple[str, ...]
"""A field key, or a reference field's key and a field key of the module that it points to."""

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge"]


def _combined(combine: Callable[[Any], Criterion], one: object, other: object) -> Any:
    """Combine two criteria; what is none is left to Python, which refuses it."""
    return combine([one, other]) if isinstance(other, _Combinable) else NotImplemented


class _Combinable:
    """Give criteria the operators `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: Criterion) -> Criterion:
        combined: Criterion = _combined(all_of, self, other)
        return combined

    def __or__(self, other: Criterion) -> Criterion:
        combined: Criterion = _combined(any_of, self, other)
        return combined

    def __invert__(self) -> Criterion:
        return Not(self)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        raise TypeError("a criterion has no truth value: combine criteria with & | ~, not with and, or, not")


@attrs.frozen
class Everything(_Combinable):
    """Hold for every record."""


@attrs.frozen
class Nothing(_Combinable):
    """Hold for no record."""


@attrs.frozen
class AllOf(_Combinable):
    """Hold where all `parts` hold."""

    parts: tuple[Criterion, ...]


@attrs.frozen
class AnyOf(_Combinable):
    """Hold where at least one of `parts` holds."""

    parts: tuple[Criterion, ...]


@attrs.frozen
class Not(_Combinable):
    """Hold exactly where `part` does not: a plain complement, also for missing values."""

    part: Criterion


@attrs.frozen
class Compare(_Combinable):
    """Hold where the field has a value for which `operator` holds; a missing value never compares."""

    path: Path
    operator: Operator
    value: Any = attrs.field(repr=False)


@attrs.frozen
class OneOf(_Combinable):
    """Hold where the field's value is one of `values`."""

    path: Path
    values: tuple[Any, ...] = attrs.field(repr=False)


@attrs.frozen
class Under(_Combinable):
    """Hold where the choice is the dictionary entry `value` or anything below it."""

    path: Path
    value: str


@attrs.frozen
class Contains(_Combinable):
    """Hold where the text contains `text`; case and width count."""

    path: Path
    text: str = attrs.field(repr=False)


@attrs.frozen
class Mentions(_Combinable):
    """Hold where the text contains `text`, whatever the case, width, blanks and punctuation of the two.

    It is how people search for a name; see `custinfo.core.names`. It is for the field that titles the records of its
    module, of which stores keep an index.
    """

    path: Path
    text: str = attrs.field(repr=False)


@attrs.frozen
class StartsWith(_Combinable):
    """Hold where the text begins with `text`."""

    path: Path
    text: str = attrs.field(repr=False)


@attrs.frozen
class Has(_Combinable):
    """Hold where the multiple choice includes `value`."""

    path: Path
    value: Any


@attrs.frozen
class Present(_Combinable):
    """Hold where the field has a value."""

    path: Path


@attrs.frozen
class LastFour(_Combinable):
    """Hold where the encrypted value ends with the four characters `text`, if the field is searched by them (FLD-7)."""

    path: Path
    text: str = attrs.field(repr=False)


@attrs.frozen
class SealedAs(_Combinable):
    """Hold where the encrypted value is found by one of `digests`, its blind index (FLD-7).

    Binding makes it of `==`, `is_in` and, with `tail`, `last_four` for somebody who searches; it has no form in JSON.
    While the key of blind indexes is rotated, one value has several digests: `several` says whether values are.
    """

    path: Path
    digests: tuple[str, ...] = attrs.field(repr=False)
    tail: bool = False
    several: bool = False


@attrs.frozen
class Within(_Combinable):
    """Hold where the date lies in the last (positive) or next (negative) period up to now, both ends included."""

    path: Path
    months: int = 0
    days: int = 0
    hours: int = 0


@attrs.frozen
class Tagged(_Combinable):
    """Hold where the record has the tag, or any tag of the dimension when no `value` is given.

    >>> Tagged("需求", "采购设备")
    Tagged(dimension='需求', value='采购设备')
    """

    dimension: str
    value: str | None = None


@attrs.frozen
class InSegment(_Combinable):
    """Hold where the criterion does that is saved under a name: key or label of a segment of the module (TAG-4).

    Binding puts the criterion of the segment in its place.

    >>> InSegment("高价值") & ~Tagged("需求")
    AllOf(parts=(InSegment(name='高价值'), Not(part=Tagged(dimension='需求', value=None))))
    """

    name: str


@attrs.frozen
class Through(_Combinable):
    """Hold where the reference `field` points to a record that meets `part`.

    Policies are made of it (who sees a customer sees its follow-ups). It is bound, and has no form in JSON.
    """

    field: str
    part: Criterion


@attrs.frozen
class SharedWith(_Combinable):
    """Hold where the record is shared with one of `principals`, at one of `levels`, beyond the instant `at`.

    Policies are made of it, like `Through`. `principals` are pairs of the kind and the key of a share.
    """

    principals: frozenset[tuple[str, str]]
    levels: frozenset[str]
    at: datetime

    def holds(self, shares: Iterable[Share]) -> bool:
        """Return whether it holds for a record that has these shares."""
        return any(
            share.level in self.levels and (share.kind, share.key) in self.principals and share.holds_at(self.at)
            for share in shares
        )


Leaf = Compare | OneOf | Under | Contains | Mentions | StartsWith | Has | Present | LastFour | SealedAs | Within
Criterion = Everything | Nothing | AllOf | AnyOf | Not | Tagged | InSegment | Through | SharedWith | Leaf


def all_of(parts: list[Criterion] | tuple[Criterion, ...]) -> Criterion:
    """Return the criterion that holds where all `parts` do, without needless nesting; `Everything` for none."""
    flat: list[Criterion] = []
    for part in parts:
        if isinstance(part, Nothing):
            return part
        items = part.parts if isinstance(part, AllOf) else (part,)
        flat += [item for item in items if not isinstance(item, Everything)]
    if not flat:
        return Everything()
    distinct = _distinct(flat)
    return distinct[0] if len(distinct) == 1 else AllOf(distinct)


def any_of(parts: list[Criterion] | tuple[Criterion, ...]) -> Criterion:
    """Return the criterion that holds where any of `parts` does; `Nothing` for none."""
    flat: list[Criterion] = []
    for part in parts:
        if isinstance(part, Everything):
            return part
        items = part.parts if isinstance(part, AnyOf) else (part,)
        flat += [item for item in items if not isinstance(item, Nothing)]
    if not flat:
        return Nothing()
    distinct = _distinct(flat)
    return distinct[0] if len(distinct) == 1 else AnyOf(distinct)


_FEW: Final = 8
"""Up to so many criteria are compared with each other, which costs less than hashing them."""


def _distinct(parts: list[Criterion]) -> tuple[Criterion, ...]:
    """Return each of `parts` once, in order."""
    if len(parts) > _FEW:
        with suppress(TypeError):  # by a value that no field has, such as a list: binding refuses it
            return tuple(dict.fromkeys(parts))
    found: list[Criterion] = []
    for part in parts:
        if part not in found:
            found.append(part)
    return tuple(found)

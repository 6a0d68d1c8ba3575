"""Records and criteria at random, for hypothesis.

::

    @given(records(), queries())
    def test_my_store_agrees(records, query):
        with units.begin(schema, "tenant") as unit:
            unit.records.save(records)
            assert find_disagreement(unit, schema, records, query, Grouping(("place",))) is None
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from custinfo.core.binding import bind
from custinfo.core.criteria import AllOf, AnyOf, Criterion, Everything, Not, Nothing, Present, Tagged
from custinfo.core.criteria.build import Field
from custinfo.core.criteria.nodes import SealedAs, SharedWith, Through, all_of
from custinfo.core.kinds import BUILT_IN_KINDS
from custinfo.core.names import searchable
from custinfo.core.records import Attachment, Record, Sealed, Share
from custinfo.core.totals import PERIODS
from custinfo.ports import Grouping, Order, Query
from custinfo.testing._samples import NOW, make_record, record_id, sample_schema

__all__ = ["criteria", "groupings", "orders", "queries", "records", "values"]

_SCHEMA: Final = sample_schema()
_POOL: Final = 6

_CHARACTERS: Final = [
    "a",
    "A",
    "b",
    "é",
    "ß",
    "Ａ",
    "甲",
    "乙",
    "𠮷",
    "\U0010fffd",
    "\ufffd",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "$",
]
_SPACED: Final = [*_CHARACTERS, " ", "["]
_texts: Final = st.builds(
    lambda head, middle, tail: head + "".join(middle) + tail,
    st.sampled_from(_CHARACTERS),
    st.lists(st.sampled_from(_SPACED), max_size=2),
    st.sampled_from(["", *_CHARACTERS]),
)
_lines: Final = st.one_of(_texts, st.tuples(_texts, _texts).map("\n".join))
_parts: Final = st.one_of(st.sampled_from(["", "\n", *_SPACED]), _texts)
_LARGEST: Final = 2**63 - 1
_integers: Final = st.one_of(
    st.integers(-3, 3), st.sampled_from([_LARGEST, -_LARGEST, _LARGEST - 1, 2**53, 2**53 + 1, 10**15])
)
_MILLIONTH: Final = Decimal("0.000001")
_amounts: Final = st.one_of(
    st.integers(-4, 4).map(Decimal),
    st.integers(-3, 3).map(lambda number: number * _MILLIONTH),
    st.sampled_from(
        [Decimal("8999999999999.999999"), Decimal("-8999999999999.999999"), Decimal("0.1"), Decimal("1.5")]
    ),
)
_finer: Final[st.SearchStrategy[Any]] = st.one_of(
    _amounts,
    _integers.filter(lambda number: abs(number) < 2**62),
    st.sampled_from(
        [Decimal("1.4999995"), Decimal("1.5000004"), Decimal("-0.0000001"), Decimal("1e13"), -(10**13), 0.1, 0.3]
    ),
)
_dates: Final = st.one_of(
    st.integers(-40, 3).map(lambda days: date(2024, 6, 15) + timedelta(days=days)),
    st.sampled_from([date(1, 1, 1), date(9999, 12, 31), date(999, 12, 31)]),
)
_instants: Final = st.one_of(
    st.integers(-50, 30).map(lambda hours: NOW + timedelta(hours=hours, microseconds=hours % 3)),
    st.sampled_from([datetime(1900, 1, 1, tzinfo=UTC), datetime(2024, 6, 14, 16, tzinfo=UTC)]),
)
_places: Final = st.sampled_from(["north", "beijing", "haidian", "south", "shenzhen", "peking"])
_colours: Final = st.lists(st.sampled_from(["red", "crimson", "blue", "green"]), min_size=1, max_size=3, unique=True)
_ids: Final = st.integers(1, _POOL + 1).map(record_id)
_people: Final = st.sampled_from(["ann", "bob", "cai"])
_units: Final = st.sampled_from(["sales", "east"])
_tags: Final = st.sampled_from([("need", "设备"), ("need", "服务"), ("mark", "a"), ("mark", "A"), ("mark", "𠮷")])

_principals: Final = st.sampled_from([("member", "ann"), ("member", "bob"), ("department", "east"), ("role", "r")])
_levels: Final = st.sampled_from(["read", "collaborate"])
_shares: Final = st.dictionaries(_principals, st.tuples(_levels, st.none() | _instants), max_size=2).map(
    lambda found: [Share(*principal, *rest) for principal, rest in found.items()]  # type: ignore[arg-type]
)

_VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "title": _texts,
    "nickname": _texts,
    "note": _lines,
    "count": _integers,
    "size": _integers,
    "price": _amounts,
    "weight": _amounts,
    "budget": st.integers(-200, 200).map(lambda cents: Decimal(cents) / 100),
    "active": st.booleans(),
    "ready": st.booleans(),
    "day": _dates,
    "born": _dates,
    "seen": _instants,
    "met": _instants,
    "place": _places,
    "origin": _places,
    "colours": _colours.map(tuple),
    "parent": _ids,
    "sibling": _ids,
    "keeper": _people,
    "unit": _units,
    "secret": st.uuids(version=4).map(lambda key: Sealed(str(key))),
    "file": st.builds(Attachment, _texts, _texts),
}
_KINDS: Final = {key: kind.key for key, kind in _SCHEMA.module("thing").kinds.items()}
_SYSTEM: Final = {"owner": "user", "department": "department", "version": "integer", "created_at": "datetime"} | {
    "archived_at": "datetime",
    "id": "id",
}
_EQUAL: Final[tuple[Callable[[Any, Any], Criterion], ...]] = (
    lambda field, value: field == value,
    lambda field, value: field != value,
)
_ORDERED: Final[tuple[Callable[[Any, Any], Criterion], ...]] = (
    *_EQUAL,
    lambda field, value: field < value,
    lambda field, value: field <= value,
    lambda field, value: field > value,
    lambda field, value: field >= value,
)
_CONSTANTS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "text": _texts,
    "long_text": _texts,
    "integer": st.one_of(_integers, _finer),
    "decimal": _finer,
    "money": _finer,
    "boolean": st.booleans(),
    "date": _dates,
    "datetime": st.one_of(_instants, _dates.filter(lambda day: 1900 < day.year < 9999)),
    "choice": _places,
    "reference": _ids,
    "user": _people,
    "department": _units,
    "id": _ids,
}


@cache
def values() -> st.SearchStrategy[dict[str, Any]]:
    """Make values of a thing, any of which may be missing."""
    return st.fixed_dictionaries({}, optional=_VALUES)


def _secrets(number: int) -> st.SearchStrategy[dict[str, Any]]:
    """Make, or not, an encrypted value with a blind index that no other thing has."""
    sealed = st.uuids(version=4).map(lambda key: {"secret": Sealed(str(key), f"d{number}", None, f"t{number % 2}")})
    return st.one_of(st.just({}), sealed)


@st.composite
def records(draw: st.DrawFn, *, most: int = _POOL) -> list[Record]:
    """Make things that refer to one another, and notes that refer to them; ids are distinct."""
    numbers = draw(st.lists(st.integers(1, _POOL), unique=True, max_size=most))
    things = [
        make_record(
            number,
            {**draw(values()), **draw(_secrets(number))},
            tags=draw(st.lists(_tags, max_size=3)),
            owner=draw(st.none() | _people),
            department=draw(st.none() | _units),
            archived_at=draw(st.none() | _instants),
            shares=draw(_shares),
        )
        for number in numbers
    ]
    notes = draw(
        st.lists(st.fixed_dictionaries({}, optional={"text": _texts, "thing": _ids, "other": _ids}), max_size=3)
    )
    return [*things, *(make_record(100 + number, note, module="thing_note") for number, note in enumerate(notes))]


def _leaves_on(field: Field, kind: str) -> st.SearchStrategy[Criterion]:
    """Make comparisons of one field, as people write them."""
    found: list[st.SearchStrategy[Criterion]] = [st.sampled_from([field.is_present(), field.is_missing()])]
    constants = _CONSTANTS.get(kind)
    if constants is not None:
        operators = _ORDERED if kind in BUILT_IN_KINDS and BUILT_IN_KINDS[kind].ordered else _EQUAL
        found.append(st.builds(lambda compare, value: compare(field, value), st.sampled_from(operators), constants))
        found.append(st.lists(constants, max_size=3).map(field.is_in))
    if kind in ("text", "long_text"):
        orders = st.sampled_from(_ORDERED[2:])
        found.append(st.builds(lambda compare, value: compare(field, value), orders, _parts))
        found.extend((_parts.map(field.contains), _parts.map(field.starts_with)))
        if field._path[-1] in ("title", "text"):  # noqa: SLF001 - what it was made of
            found.append(_texts.filter(searchable).map(field.mentions))
    if kind in ("choice", "multiple_choice"):
        labels = _places if kind == "choice" else st.sampled_from(["red", "蓝", "crimson", "green"])
        found.append(labels.map(field.under))
        if kind == "multiple_choice":
            found.append(labels.map(field.has))
    if kind in ("date", "datetime"):
        periods = st.sampled_from([{"months": 1}, {"days": 30}, {"days": -2}, {"months": -1, "days": 3}, {"hours": 5}])
        found.append(periods.map(lambda period: field.within(**period)))
    return st.one_of(found)


def _leaves(module: str) -> st.SearchStrategy[Criterion]:
    kinds = {key: "sealed" if key == "secret" else _KINDS[key] for key in _VALUES}
    if module == "thing":
        own = {**{(key,): kind for key, kind in kinds.items()}, **{(key,): kind for key, kind in _SYSTEM.items()}}
        hops = ("parent", "sibling")
    else:
        own = {("text",): "text", ("thing",): "reference"}
        hops = ("thing", "other")
    far = {(hop, key): kind for hop in hops for key, kind in {**kinds, **_SYSTEM}.items()}
    pick = [_leaves_on(Field(path), kind) for path, kind in own.items()]
    follow = [_leaves_on(Field(path), kind) for path, kind in far.items()]
    tagged = st.one_of(_tags.map(lambda tag: Tagged(*tag)), st.sampled_from([Tagged("need"), Tagged("标记")]))
    return st.one_of(st.one_of(pick), st.one_of(pick), st.one_of(follow), tagged)


@cache
def criteria(module: str = "thing", *, bound: bool = True) -> st.SearchStrategy[Criterion]:
    """Make criteria on a sample module, bound to its configuration or as people write them."""
    constants: list[Criterion] = [Everything(), Nothing()]
    leaves: st.SearchStrategy[Criterion] = st.one_of(_leaves(module), st.sampled_from(constants))
    found: st.SearchStrategy[Criterion] = st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
            st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        ),
        max_leaves=6,
    )
    if not bound:
        return found
    plain = found.map(lambda criterion: bind(criterion, module, _SCHEMA, NOW))
    return st.one_of(plain, plain, _of_policies(plain, module))


def _of_policies(plain: st.SearchStrategy[Criterion], module: str) -> st.SearchStrategy[Criterion]:
    """Make what people do not write: records that are shared, that refer to some, or have an encrypted value."""
    shared: st.SearchStrategy[Criterion] = st.builds(
        SharedWith, st.frozensets(_principals, max_size=3), st.frozensets(_levels, max_size=2), _instants
    )
    hops = st.sampled_from(["parent", "sibling"] if module == "thing" else ["thing", "other"])
    target = plain if module == "thing" else criteria("thing")
    far = st.builds(Through, hops, st.one_of(shared, target, st.builds(Through, st.just("parent"), shared)))
    sealed = _of_searches(module)
    one: st.SearchStrategy[Criterion] = st.one_of(shared, far, far.map(Not), shared.map(Not), sealed, sealed.map(Not))
    both = st.builds(lambda first, second: AnyOf((first, second)), one, plain)
    return st.one_of(one, both, st.builds(lambda first, second: AllOf((first, second)), one, plain))


def _of_searches(module: str) -> st.SearchStrategy[Criterion]:
    """Make comparisons of encrypted values, also among the live records alone."""
    hops = [("secret",), ("parent", "secret")] if module == "thing" else [("thing", "secret"), ("other", "secret")]
    digests = st.lists(st.integers(1, _POOL).map(lambda number: f"d{number}"), max_size=3, unique=True).map(tuple)
    tails = st.lists(st.sampled_from(("t0", "t1", "t2")), max_size=2, unique=True).map(tuple)
    by_value = st.builds(SealedAs, st.sampled_from(hops), digests)
    by_end = st.builds(SealedAs, st.sampled_from(hops), tails, st.just(True))  # noqa: FBT003 - of an attribute
    sealed: st.SearchStrategy[Criterion] = st.one_of(by_value, by_end)
    live = Not(Present(("archived_at",)))
    return st.one_of(sealed, sealed.map(lambda part: all_of([live, part])))


def _paths(module: str) -> list[tuple[str, ...]]:
    own = [key for key in _VALUES if key not in ("colours", "secret", "file")]
    if module == "thing":
        return [*((key,) for key in (*own, *_SYSTEM)), *(("parent", key) for key in own), ("sibling", "owner")]
    return [("text",), ("thing",), ("thing", "title"), ("other", "size"), ("other", "created_at")]


@cache
def orders(module: str = "thing") -> st.SearchStrategy[tuple[Order, ...]]:
    """Make up to three sort keys."""
    order = st.builds(Order, st.sampled_from(_paths(module)), st.booleans())
    return st.lists(order, max_size=3).map(tuple)


@cache
def groupings(module: str = "thing") -> st.SearchStrategy[Grouping]:
    """Make what to group by: a field, one of a referenced record, or a dimension of tags."""
    paths = [*_paths(module), ("colours",) if module == "thing" else ("thing", "colours")]
    dates = [path for path in paths if path[-1] in ("day", "born", "seen", "met", "created_at")]
    periods = st.builds(Grouping, st.sampled_from(dates), st.none(), st.sampled_from(PERIODS))
    dimensions = st.sampled_from(["need", "mark"]).map(lambda key: Grouping(dimension=key))
    return st.one_of(st.sampled_from(paths).map(Grouping), periods, dimensions)


@st.composite
def queries(draw: st.DrawFn, module: str = "thing") -> Query:
    """Make queries without limit and position."""
    return Query(module, draw(criteria(module)), draw(orders(module)))

"""What holds for every criterion: JSON, evaluation and binding keep its meaning."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.binding import bind
from custinfo.core.comparisons import months_before
from custinfo.core.criteria import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    F,
    Has,
    InSegment,
    Not,
    Nothing,
    OneOf,
    Present,
    StartsWith,
    Tagged,
    Under,
    Within,
    all_of,
    any_of,
    criterion_from_json,
    criterion_to_json,
)
from custinfo.core.criteria.evaluate import compile_predicate, compile_selection, no_related
from custinfo.core.criteria.nodes import SharedWith, Through
from custinfo.core.records import FieldKey, Record
from custinfo.testing._samples import NOW, make_record, sample_schema

COMPARES: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
OPERATORS = st.sampled_from(sorted(COMPARES))
SHANGHAI = ZoneInfo("Asia/Shanghai")
SAMPLE = sample_schema()

NUMBERS, TEXTS = ("a", "b"), ("s", "t")
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(0, 3),
        "b": st.integers(0, 3),
        "s": st.text("xy", max_size=2),
        "t": st.text("xy", max_size=2),
        "m": st.lists(st.sampled_from("xyz"), min_size=1, unique=True).map(tuple),
    },
)
TAGS = st.sets(st.tuples(st.sampled_from("de"), st.sampled_from("xy")))


def paths(keys: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Give fields of the record and of the one to which it refers."""
    return st.sampled_from([*((key,) for key in keys), *(("ref", key) for key in keys)])


LEAVES: st.SearchStrategy[Criterion] = st.one_of(
    st.builds(Compare, paths(NUMBERS), OPERATORS, st.integers(0, 3)),
    st.builds(Compare, paths(TEXTS), OPERATORS, st.text("xy", max_size=2)),
    st.builds(OneOf, paths(NUMBERS), st.lists(st.integers(0, 3), max_size=2).map(tuple)),
    st.builds(Contains, paths(TEXTS), st.text("xy", max_size=2)),
    st.builds(StartsWith, paths(TEXTS), st.text("xy", max_size=2)),
    st.builds(Has, paths(("m",)), st.sampled_from("xyz")),
    st.builds(Present, paths((*NUMBERS, *TEXTS, "m"))),
    st.builds(Tagged, st.sampled_from("de"), st.sampled_from(["x", "y", None])),
    st.just(Everything()),
    st.just(Nothing()),
)


def _branches(children: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
    parts = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(AllOf, parts), st.builds(AnyOf, parts), st.builds(Not, children))


CRITERIA = st.recursive(LEAVES, _branches, max_leaves=8)
ANY_CONSTANT = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.floats(allow_nan=False, allow_infinity=False),
)
ANY_PATH = st.lists(st.text(min_size=1), min_size=1, max_size=2).map(tuple)
ANY_LEAF: st.SearchStrategy[Criterion] = st.one_of(
    LEAVES,
    st.builds(Compare, ANY_PATH, OPERATORS, ANY_CONSTANT),
    st.builds(OneOf, ANY_PATH, st.lists(ANY_CONSTANT).map(tuple)),
    st.builds(Under, ANY_PATH, st.text()),
    st.builds(Within, ANY_PATH, st.integers(), st.integers(), st.integers()),
)


def meaning(criterion: Criterion, record: Record, target: Record | None) -> bool:
    """Interpret a criterion, slowly and plainly."""

    def value(path: tuple[str, ...]) -> Any:
        if len(path) == 1:
            return record.values.get(path[0])
        return None if target is None else target.values.get(path[1])

    match criterion:
        case Everything() | Nothing():
            return criterion == Everything()
        case AllOf(parts):
            return all(meaning(part, record, target) for part in parts)
        case AnyOf(parts):
            return any(meaning(part, record, target) for part in parts)
        case Not(part):
            return not meaning(part, record, target)
        case Tagged(dimension, None):
            return dimension in {held for held, _ in record.tags}
        case Tagged(dimension, wanted):
            return (dimension, wanted) in record.tags
        case InSegment() | Under() | Within() | Through() | SharedWith():
            raise AssertionError(criterion)
        case leaf:
            held = value(leaf.path)
            return held is not None and _meets(leaf, held)


def _meets(leaf: Any, held: Any) -> bool:
    match leaf:
        case Compare(_, name, constant):
            return COMPARES[name](held, constant)
        case OneOf(_, values):
            return any(held == value for value in values)
        case Contains(_, text) | Has(_, text):
            return text in held
        case StartsWith(_, text):
            return bool(held[: len(text)] == text)
        case _:
            return True


def records(
    values: dict[str, Any], tags: set[tuple[str, str]], other: dict[str, Any] | None
) -> tuple[Record, Any, Any]:
    """Return a record, the one to which it refers, and what follows the reference."""
    record = make_record(1, values, tags=tags)
    target = None if other is None else make_record(2, other)

    def related(_record: Record, key: FieldKey) -> Record | None:
        return target if key == "ref" else None

    return record, target, related


@given(st.recursive(ANY_LEAF, _branches, max_leaves=6))
def test_json_gives_every_criterion_back(criterion: Criterion) -> None:
    """A criterion written as JSON and read again is equal."""
    data = json.loads(json.dumps(criterion_to_json(criterion)))
    assert criterion_from_json(data) == criterion


@given(CRITERIA, VALUES, TAGS, st.none() | VALUES)
def test_generated_predicates_mean_what_the_criterion_says(
    criterion: Criterion, values: dict[str, Any], tags: set[tuple[str, str]], other: dict[str, Any] | None
) -> None:
    """The compiled predicate agrees with a plain interpreter, and a complement is exactly a complement."""
    record, target, related = records(values, tags, other)
    expected = meaning(criterion, record, target)
    assert bool(compile_predicate(criterion)(record, related)) is expected
    assert bool(compile_predicate(~criterion)(record, related)) is not expected
    assert bool(compile_predicate(~~criterion)(record, related)) is expected


@given(CRITERIA, st.lists(st.tuples(VALUES, TAGS), max_size=5))
def test_a_selection_is_the_predicate_on_many(
    criterion: Criterion, rows: list[tuple[dict[str, Any], set[tuple[str, str]]]]
) -> None:
    """Picking out of many records gives those that meet the criterion, in their order."""
    many = [make_record(number, values, tags=tags) for number, (values, tags) in enumerate(rows)]
    expected = [record for record in many if meaning(criterion, record, None)]
    assert compile_selection(criterion)(many, no_related) == expected


@given(st.lists(CRITERIA, max_size=4), VALUES, TAGS)
def test_putting_together_keeps_the_meaning(
    parts: list[Criterion], values: dict[str, Any], tags: set[tuple[str, str]]
) -> None:
    """Flattening and simplifying change nothing; & | ~ obey De Morgan."""
    record, _, related = records(values, tags, None)
    each = [meaning(part, record, None) for part in parts]
    assert bool(compile_predicate(all_of(parts))(record, related)) is all(each)
    assert bool(compile_predicate(any_of(parts))(record, related)) is any(each)
    none_of = all_of([~part for part in parts])
    assert bool(compile_predicate(none_of)(record, related)) is not any(each)


AMOUNTS = st.integers(-9_000_000_000_000_000_000 + 1, 9_000_000_000_000_000_000 - 1).map(
    lambda millionths: Decimal(millionths).scaleb(-6)
)
NEAR = st.tuples(
    st.sampled_from([0, 1, -1, 9_000_000_000_000, -9_000_000_000_000, 123_456]),
    st.integers(-30, 30),
    st.integers(5, 9),
).map(lambda parts: Decimal(parts[0]) + Decimal(parts[1]).scaleb(-parts[2]))
CONSTANTS = st.one_of(
    NEAR,
    AMOUNTS,
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.decimals(-(10**15), 10**15, allow_nan=False, places=9),
)
STORED = st.one_of(
    AMOUNTS, NEAR.map(lambda value: round(value, 6)).filter(lambda value: abs(value) < 9_000_000_000_000)
)


@given(st.sampled_from(["price", "weight", "budget"]), OPERATORS, CONSTANTS, STORED)
def test_bound_decimals_compare_exactly(key: str, name: Any, constant: Decimal | int, stored: Decimal) -> None:
    """For every stored number the bound comparison is the exact one, whatever the constant's places and size."""
    bound = bind(Compare((key,), name, constant), "thing", SAMPLE, NOW)
    found = compile_predicate(bound)(make_record(1, {key: stored}), no_related)
    assert bool(found) is COMPARES[name](Fraction(stored), Fraction(constant))
    assert not compile_predicate(bound)(make_record(1), no_related)


@given(OPERATORS, CONSTANTS, st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-3, 3))
def test_bound_integers_compare_exactly(name: Any, constant: Decimal | int, stored: int) -> None:
    """The same for whole numbers, compared with constants that have decimal places."""
    bound = bind(Compare(("count",), name, constant), "thing", SAMPLE, NOW)
    found = compile_predicate(bound)(make_record(1, {"count": stored}), no_related)
    assert bool(found) is COMPARES[name](Fraction(stored), Fraction(constant))


DAYS = st.dates(date(1990, 1, 1), date(2050, 12, 31))


@given(OPERATORS, DAYS, st.integers(-49, 49))
def test_instants_compare_with_whole_days_in_shanghai(name: Any, day: date, hours: int) -> None:
    """An instant compares with a date as the day of its wall clock does."""
    moment = datetime.combine(day, time(), SHANGHAI).astimezone(UTC) + timedelta(hours=hours)
    bound = bind(Compare(("seen",), name, day), "thing", SAMPLE, NOW)
    found = compile_predicate(bound)(make_record(1, {"seen": moment}), no_related)
    assert bool(found) is COMPARES[name](moment.astimezone(SHANGHAI).date(), day)


@given(DAYS, st.integers(-40, 40))
def test_months_before_ends_with_the_month(day: date, months: int) -> None:
    """The month is exact, and the day the same or the last of a shorter month."""
    found = months_before(datetime.combine(day, time(7), UTC), months)
    assert (day.year * 12 + day.month) - (found.year * 12 + found.month) == months
    assert found.time() == time(7)
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).day == 1)


@given(st.integers(0, 12), st.integers(0, 40), st.integers(0, 48), st.integers(-60 * 24, 60 * 24), st.booleans())
def test_within_is_a_period_that_ends_now(months: int, days: int, hours: int, offset: int, backwards: bool) -> None:
    """The period has both its ends, looks back, or forward if negative, and is the clock's in Shanghai."""
    sign = 1 if backwards else -1
    criterion = F.seen.within(months=sign * months, days=sign * days, hours=sign * hours)
    other = months_before(NOW.astimezone(SHANGHAI), sign * months) - sign * timedelta(days=days, hours=hours)
    low, high = sorted((NOW, other.astimezone(UTC)))
    predicate = compile_predicate(bind(criterion, "thing", SAMPLE, NOW))
    for moment in (
        low,
        high,
        low - timedelta(microseconds=1),
        high + timedelta(microseconds=1),
        NOW + timedelta(hours=offset),
    ):
        assert bool(predicate(make_record(1, {"seen": moment}), no_related)) is (low <= moment <= high)

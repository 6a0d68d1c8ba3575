"""Checks of single values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from custinfo.core.problems import Problem
from custinfo.core.rules import (
    RULE_TYPES,
    CheckContext,
    Length,
    MatchesBirthday,
    NotBefore,
    OneOfValues,
    Pattern,
    Range,
    Rule,
)

DAY = date(2024, 3, 15)
AT = datetime(2024, 3, 15, tzinfo=UTC)


def found(rule: Rule, value: Any, **others: Any) -> tuple[str, dict[str, Any]] | None:
    """Run a rule on a field `f` beside other values; labels are in capitals."""
    problem: Problem | None = rule.compile("f")(value, CheckContext({"f": value, **others}, str.upper))
    if problem is None:
        return None
    assert (problem.field, problem.severity) == ("f", "error")
    return problem.code, dict(problem.params)


TABLE: list[tuple[Rule, Any, tuple[str, dict[str, Any]] | None]] = [
    (Length(), "", None),
    (Length(2), "a", ("too_short", {"limit": 2})),
    (Length(2), "ab", None),
    (Length(maximum=2), "中文", None),
    (Length(maximum=2), "中文字", ("too_long", {"limit": 2})),
    (Length(maximum=0), "a", ("too_long", {"limit": 0})),
    (Range(), Decimal(5), None),
    (Range(0), Decimal("-0.000001"), ("too_small", {"limit": "0"})),
    (Range(0), Decimal(0), None),
    (Range(0), 5, None),
    (Range(maximum=Decimal("9.5")), Decimal("9.5"), None),
    (Range(maximum=Decimal("9.5")), Decimal("9.500001"), ("too_large", {"limit": "9.5"})),
    (Range(DAY, DAY), DAY, None),
    (Range(DAY), date(2024, 3, 14), ("too_small", {"limit": "2024-03-15"})),
    (Range(maximum=DAY), date(2024, 3, 16), ("too_large", {"limit": "2024-03-15"})),
    (Pattern("[a-z]+", "letters"), "abc", None),
    (Pattern("[a-z]+", "letters"), "abc1", ("pattern_mismatch", {"hint": "letters"})),
    (Pattern("[a-z]+", "letters"), "abc\n", ("pattern_mismatch", {"hint": "letters"})),
    (Pattern("a|b", "a or b"), "ab", ("pattern_mismatch", {"hint": "a or b"})),
    (OneOfValues(("x", "y")), "y", None),
    (OneOfValues(("x", "y")), "z", ("not_one_of", {"allowed": ("x", "y")})),
    (OneOfValues(()), "z", ("not_one_of", {"allowed": ()})),
]


@pytest.mark.parametrize(("rule", "value", "expected"), TABLE)
def test_rules_of_one_value(rule: Rule, value: Any, expected: tuple[str, dict[str, Any]] | None) -> None:
    """Bounds are included; a problem names the limit, never the value."""
    assert found(rule, value) == expected


@pytest.mark.parametrize(
    ("value", "other", "expected"),
    [
        (DAY, DAY, None),
        (DAY, date(2024, 3, 14), None),
        (DAY, date(2024, 3, 16), ("date_order", {"other": "O"})),
        (AT, AT, None),
        (AT, datetime(2024, 3, 15, 1, tzinfo=UTC), ("date_order", {"other": "O"})),
        (DAY, None, None),
    ],
)
def test_not_before(value: Any, other: Any, expected: tuple[str, dict[str, Any]] | None) -> None:
    """A date is not before another one, where that has a value; the problem has its label."""
    others = {} if other is None else {"o": other}
    assert found(NotBefore("o"), value, **others) == expected


@pytest.mark.parametrize(
    ("birthday", "expected"),
    [
        (date(1949, 12, 31), None),
        (date(1949, 12, 30), ("birthday_mismatch", {"other": "O"})),
        (None, None),
        ("1949-12-31", None),
    ],
)
def test_matches_birthday(birthday: Any, expected: tuple[str, dict[str, Any]] | None) -> None:
    """The date within an identity number agrees with the birthday, where that is known."""
    others = {} if birthday is None else {"o": birthday}
    assert found(MatchesBirthday("o"), "11010519491231002X", **others) == expected


def test_rules_have_names() -> None:
    """Each kind of rule has the name that JSON uses."""
    assert {
        "length": Length,
        "range": Range,
        "pattern": Pattern,
        "one_of": OneOfValues,
        "not_before": NotBefore,
        "matches_birthday": MatchesBirthday,
    } == RULE_TYPES


def test_rules_are_values() -> None:
    """Rules compare and hash by what they say."""
    assert {Length(1, 2), Length(1, 2), Range(0), Range(0)} == {Length(1, 2), Range(0)}
    with pytest.raises(re.error):
        Pattern("(", "broken").compile("f")

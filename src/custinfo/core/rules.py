"""Checks of a field's value as data: each compiles to a function, and each reads and writes as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import attrs

from custinfo.core.problems import Problem

__all__ = [
    "RULE_TYPES",
    "Check",
    "CheckContext",
    "Length",
    "MatchesBirthday",
    "NotBefore",
    "OneOfValues",
    "Pattern",
    "Range",
    "Rule",
]


@attrs.frozen
class CheckContext:
    """Hold what a check may look at beside the value: all values of the record after the change, and labels."""

    values: Mapping[str, Any]
    label: Callable[[str], str]


Check = Callable[[Any, CheckContext], Problem | None]
"""Return the problem that a value has, or `None`."""


@attrs.frozen
class Length:
    """Bound the number of characters."""

    minimum: int = 0
    maximum: int | None = None

    def compile(self, field: str) -> Check:
        """Return the check for `field`."""
        low, high = self.minimum, self.maximum

        def check(value: Any, _context: CheckContext, /) -> Problem | None:
            size = len(value)
            if size < low:
                return Problem("too_short", field, params={"limit": low})
            if high is not None and size > high:
                return Problem("too_long", field, params={"limit": high})
            return None

        return check


@attrs.frozen
class Range:
    """Bound a number or a date, both ends included."""

    minimum: Decimal | int | date | None = None
    maximum: Decimal | int | date | None = None

    def compile(self, field: str) -> Check:
        """Return the check for `field`."""
        low: Any = self.minimum
        high: Any = self.maximum

        def check(value: Any, _context: CheckContext, /) -> Problem | None:
            if low is not None and value < low:
                return Problem("too_small", field, params={"limit": str(low)})
            if high is not None and value > high:
                return Problem("too_large", field, params={"limit": str(high)})
            return None

        return check


@attrs.frozen
class Pattern:
    """Require a form, as a regular expression without backtracking traps; `hint` tells people what is wanted."""

    pattern: str
    hint: str

    def compile(self, field: str) -> Check:
        """Return the check for `field`."""
        matches = re.compile(self.pattern).fullmatch

        def check(value: Any, _context: CheckContext, /) -> Problem | None:
            if matches(value) is None:
                return Problem("pattern_mismatch", field, params={"hint": self.hint})
            return None

        return check


@attrs.frozen
class OneOfValues:
    """Allow listed values only; for lists that change, use a dictionary."""

    allowed: tuple[str, ...]

    def compile(self, field: str) -> Check:
        """Return the check for `field`."""
        allowed = frozenset(self.allowed)

        def check(value: Any, _context: CheckContext, /) -> Problem | None:
            if value not in allowed:
                return Problem("not_one_of", field, params={"allowed": self.allowed})
            return None

        return check


@attrs.frozen
class NotBefore:
    """Require a date not to be before that of another field, where that one has a value."""

    other: str

    def compile(self, field: str) -> Check:
        """Return the check for `field`."""

        def check(value: Any, context: CheckContext, /) -> Problem | None:
            start = context.values.get(self.other)
            if start is not None and type(start) is type(value) and value < start:
                return Problem("date_order", field, params={"other": context.label(self.other)})
            return None

        return check


@attrs.frozen
class MatchesBirthday:
    """Require the birth date within a resident identity number to agree with another field (GB 11643)."""

    other: str

    def compile(self, field: str) -> Check:
        """Return the check for `field`."""

        def check(value: Any, context: CheckContext, /) -> Problem | None:
            birthday = context.values.get(self.other)
            if isinstance(birthday, date) and isinstance(value, str) and value[6:14] != f"{birthday:%Y%m%d}":
                return Problem("birthday_mismatch", field, params={"other": context.label(self.other)})
            return None

        return check


Rule = Length | Range | Pattern | OneOfValues | NotBefore | MatchesBirthday

RULE_TYPES: Final[dict[str, type[Any]]] = {
    "length": Length,
    "range": Range,
    "pattern": Pattern,
    "one_of": OneOfValues,
    "not_before": NotBefore,
    "matches_birthday": MatchesBirthday,
}

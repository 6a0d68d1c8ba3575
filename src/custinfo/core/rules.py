"""Checks of a field's value as data: each compiles to a function, and each reads and writes as JSON.

Which rule takes which kind of field is settled when a configuration is compiled; no check raises on a value afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, Final, cast

import attrs

from custinfo.core.checks import (
    CHOICE_KINDS,
    DATE_KINDS,
    NUMBER_KINDS,
    TEXT_KINDS,
    Check,
    CheckContext,
    Condition,
    Rule,
    RuleTarget,
    in_chinese,
)
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import ConfigurationError
from custinfo.core.frozen import FrozenDict, Words, freeze_labels, freeze_words
from custinfo.core.messages import Translated
from custinfo.core.patterns import compile_pattern
from custinfo.core.problems import Problem

__all__ = [
    "RULE_TYPES",
    "AllowedWhen",
    "Check",
    "CheckContext",
    "Condition",
    "DateOrder",
    "Length",
    "MatchesBirthday",
    "NotBefore",
    "OneOfValues",
    "Pattern",
    "Range",
    "Rule",
    "RuleTarget",
    "RuleTypes",
    "Satisfies",
]


@attrs.frozen
class Length:
    """Bound the number of characters of a text, both ends included.

    A character is a Unicode code point, so that 𠮷 is one.

    Args:
        minimum: At least so many, from 0.
        maximum: At most so many; `None` for what the kind of field allows.

    >>> Length(2, 20)
    Length(minimum=2, maximum=20)
    """

    minimum: int = 0
    maximum: int | None = None

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: ConfigurationError where the values are no texts, or no length would do."""
        target.need_kind(TEXT_KINDS, "text")
        field, low, high = target.field, self.minimum, self.maximum
        if high is not None and low > high:
            target.refuse("下限大于上限", "the minimum is above the maximum")

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
    """Bound a number, a date or an instant, both ends included; the limits are of the type of the field's values.

    Args:
        minimum: The least value allowed, an instant aware; `None` for no bound.
        maximum: The greatest value allowed; `None` for no bound.

    >>> Range(minimum=0)
    Range(minimum=0, maximum=None)
    """

    minimum: Decimal | int | date | None = None
    maximum: Decimal | int | date | None = None

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: ConfigurationError where a limit can't be compared with values of the field."""
        target.need_kind(NUMBER_KINDS | DATE_KINDS, "number")
        field, low, high = target.field, cast("Any", self.minimum), cast("Any", self.maximum)
        if not all(limit is None or _is_limit(limit, target.kind) for limit in (low, high)):
            chinese = f"界限不能与“{in_chinese(target.kind)}”类型的值比较"
            target.refuse(chinese, f"a limit cannot be compared with a {target.kind}")
        if low is not None and high is not None and low > high:
            target.refuse("下限大于上限", "the minimum is above the maximum")

        def check(value: Any, _context: CheckContext, /) -> Problem | None:
            if low is not None and value < low:
                return Problem("too_small", field, params={"limit": str(low)})
            if high is not None and value > high:
                return Problem("too_large", field, params={"limit": str(high)})
            return None

        return check


def _is_limit(limit: object, kind: str) -> bool:
    """Tell whether values of a kind compare with a limit; those of a host's kind are taken for numbers."""
    match limit:
        case bool() | float():
            return False
        case int():
            return kind not in DATE_KINDS
        case Decimal():
            return kind not in DATE_KINDS and limit.is_finite()
        case datetime():
            return kind == "datetime" and limit.utcoffset() is not None
        case date():
            return kind == "date"
        case _:
            return False


@attrs.frozen
class Pattern:
    """Require a form: the regular expression `pattern` for the whole text.

    Whatever the expression and the text, the time is linear; `custinfo.core.patterns.compile_pattern` has the syntax.

    Args:
        pattern: The regular expression.
        hint: What tells people which form is wanted, by language; a plain text is Chinese.
    """

    pattern: str
    hint: Words = attrs.field(converter=freeze_words)

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: ConfigurationError where the values are no texts, or the pattern is refused."""
        target.need_kind(TEXT_KINDS, "text")
        try:
            matches = compile_pattern(self.pattern)
        except ConfigurationError as error:
            target.refuse(error.message("zh"), error.message("en"))
        problem = Problem("pattern_mismatch", target.field, params={"hint": Translated(freeze_labels(self.hint))})

        def check(value: Any, _context: CheckContext, /) -> Problem | None:
            return None if matches(value) else problem

        return check


@attrs.frozen
class OneOfValues:
    """Allow listed texts or codes only; for lists that change, use a dictionary.

    `allowed` are these, compared character by character; each entry of a multiple choice has to be one of them.
    """

    allowed: tuple[str, ...]

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: ConfigurationError where the values are neither texts nor codes."""
        target.need_kind(TEXT_KINDS | CHOICE_KINDS, "text")
        allowed, field, named = frozenset(self.allowed), target.field, target.named(self.allowed)

        def check(value: Any, _context: CheckContext, /) -> Problem | None:
            if allowed.issuperset(value if type(value) is tuple else (value,)):
                return None
            return Problem("not_one_of", field, params={"allowed": named})

        return check


@attrs.frozen
class DateOrder:
    """Require a date or instant not to be before that of another field, where that one has a value.

    A day and an instant are compared by the day that the instant has in the configured time zone.

    Args:
        other: Name of the other field.
        strict: Whether the two may not be equal either.
    """

    other: str
    strict: bool = False

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: ConfigurationError where one of the fields is neither a date nor a datetime."""
        target.need_kind(DATE_KINDS)
        other, label = target.watch(self.other, DATE_KINDS)
        field, strict, zone = target.field, self.strict, target.zone
        code = "date_order_strict" if strict else "date_order"

        def check(value: Any, context: CheckContext, /) -> Problem | None:
            start: Any = context.values.get(other)
            if not isinstance(start, date):
                return None
            if isinstance(value, datetime) != isinstance(start, datetime):
                value, start = _day(value, zone), _day(start, zone)
            if value < start or (strict and value == start):
                return Problem(code, field, params={"other": label})
            return None

        return check


def _day(value: date, zone: tzinfo) -> date:
    if not isinstance(value, datetime):
        return value
    try:
        return value.astimezone(zone).date()
    except OverflowError:  # the ends of the calendar
        return value.date()


@attrs.frozen
class NotBefore:
    """Require a date not to be before that of the field `other`: `DateOrder` as it is most often wanted."""

    other: str

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: as `DateOrder`."""
        return DateOrder(self.other).compile(target)


@attrs.frozen
class MatchesBirthday:
    """Require the birth date within a resident identity number to agree with another field.

    The date is characters 7 to 14 of the number (GB 11643-1999). `other` is the name of the field, a date; where it is
    blank, nothing is required.
    """

    other: str

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: ConfigurationError where the fields are no identity number and date."""
        target.need_kind({"resident_id"})
        other, label = target.watch(self.other, {"date"})
        field = target.field

        def check(value: Any, context: CheckContext, /) -> Problem | None:
            birthday = context.values.get(other)
            if isinstance(birthday, date) and isinstance(value, str) and value[6:14] != f"{birthday:%Y%m%d}":
                return Problem("birthday_mismatch", field, params={"other": label})
            return None

        return check


@attrs.frozen
class AllowedWhen:
    """Allow a value only where `criterion` holds for the record."""

    criterion: Criterion

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: ConfigurationError where the criterion does not fit the module."""
        condition = target.condition(self.criterion)
        problem = Problem("allowed_when", target.field, params={"because": condition.because})
        holds = condition.holds

        def check(_value: Any, context: CheckContext, /) -> Problem | None:
            return None if holds(context) else problem

        return check


@attrs.frozen
class Satisfies:
    """Require `criterion` of every record in which the field has a value: the rule for whatever fields have in common.

    Args:
        criterion: What must hold of the record.
        hint: What to tell people, by language; a plain text is Chinese. Without one, the criterion in words.
    """

    criterion: Criterion
    hint: FrozenDict[str, str] = attrs.field(factory=FrozenDict, converter=freeze_labels)

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check. Raises: ConfigurationError where the criterion does not fit the module."""
        condition = target.condition(self.criterion)
        hint = Translated(self.hint, "zh") if self.hint else condition.because
        problem = Problem("rule_failed", target.field, params={"hint": hint})
        holds = condition.holds

        def check(_value: Any, context: CheckContext, /) -> Problem | None:
            return None if holds(context) else problem

        return check


RuleTypes = Mapping[str, type[Any]]
"""Name in JSON → class of rules."""

RULE_TYPES: Final[RuleTypes] = FrozenDict(
    {
        "length": Length,
        "range": Range,
        "pattern": Pattern,
        "one_of": OneOfValues,
        "date_order": DateOrder,
        "not_before": NotBefore,
        "matches_birthday": MatchesBirthday,
        "allowed_when": AllowedWhen,
        "satisfies": Satisfies,
    }
)

"""What formulas do with values. No function here raises for typed values, reads a clock or the decimal context.

A blank is `None`; a text is never empty. Callers see to it that no argument is blank, unless a function says otherwise.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from typing import Any, Final
from unicodedata import normalize

from custinfo.core.formulas._types import ResultType

__all__ = ["OPERATIONS", "finisher", "in_zone", "place"]

Number = int | Decimal

_DIGITS: Final = 64
_SETTLED: Final = Decimal("1e-20")
_SETTLED_BELOW: Final = 10**30
_AMOUNT_BOUND: Final = 9_000_000_000_000
_LARGEST_INTEGER: Final = 2**63 - 1
_BREAKS: Final = re.compile("[\t\r\n\x85\u2028\u2029]+")


def _context(rounding: str) -> Context:
    return Context(
        prec=_DIGITS, rounding=rounding, Emin=-999_999, Emax=999_999, capitals=1, clamp=0, flags=[], traps=[]
    )


_EXACT: Final = _context(ROUND_HALF_EVEN)
_HALF_UP: Final = _context(ROUND_HALF_UP)
_UP: Final = _context(ROUND_UP)
_DOWN: Final = _context(ROUND_DOWN)
_FLOOR: Final = _context(ROUND_FLOOR)
_ONE: Final = Decimal(1)

_add, _divide = _EXACT.add, _EXACT.divide


def _small(value: Number) -> bool:
    return -_SETTLED_BELOW < value < _SETTLED_BELOW


def settled(value: Number) -> Number:
    """Return a number without the last digits, in which a division has left its rounding: a third thrice is one."""
    return _EXACT.quantize(Decimal(value), _SETTLED) if _small(value) else value


def divide(left: Number, right: Number) -> Decimal | None:
    """Return the quotient; blank for a divisor that is zero, or that would be but for an earlier rounding."""
    return _divide(left, right) if settled(right) else None


def place(places: int) -> Decimal:
    """Return the unit to which numbers with so many decimal places are rounded."""
    return Decimal((0, (1,), -places))


def _rounding(context: Context) -> Callable[[Number, Decimal], Number]:
    def rounded(value: Number, unit: Decimal) -> Number:
        return context.quantize(Decimal(settled(value)), unit) if _small(value) else value

    return rounded


def _amounts(unit: Decimal, *, rough: bool) -> Callable[[Number], Decimal | None]:
    """Return the function that rounds a number to `unit`, without exponent and trailing zeros; blank if too large."""
    bound = _EXACT.subtract(_AMOUNT_BOUND, _EXACT.divide(unit, 2))
    least, most, quantize = bound.copy_negate(), bound, _HALF_UP.quantize

    def amount(value: Number) -> Decimal | None:
        if rough:
            value = settled(value)
        elif value.__class__ is int:
            value = Decimal(value)
        if not least < value < most:
            return None
        rounded = quantize(Decimal(value), unit)
        whole = int(rounded)
        return Decimal(whole) if whole == rounded else rounded.normalize(_EXACT)

    return amount


_text_amount: Final = _amounts(Decimal("0.000001"), rough=True)


def _number_text(value: Number) -> str:
    amount = _text_amount(value)
    return "" if amount is None else str(amount)


def _whole(value: Number) -> int | None:
    if type(value) is not int:
        if not _small(value):
            return None
        value = int(_HALF_UP.quantize(Decimal(settled(value)), _ONE))
    return value if -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER else None


def _present(items: Iterable[Any]) -> list[Any]:
    return [item for item in items if item is not None]


def _first(items: Iterable[Any]) -> Any:
    return next((item for item in items if item is not None), None)


def _least(items: Iterable[Any]) -> Any:
    return min(_present(items), default=None)


def _greatest(items: Iterable[Any]) -> Any:
    return max(_present(items), default=None)


def _sum(items: Iterable[Number | None]) -> Number | None:
    total: Number | None = None
    for item in items:
        if item is not None:
            total = item if total is None else _add(total, item)
    return total


def _average(items: Iterable[Number | None]) -> Number | None:
    present = _present(items)
    total = _sum(present)
    return None if total is None else _divide(total, len(present))


def _counted(value: Number) -> int:
    """Return a number of characters, days or months: without its decimals, and not beyond all bounds."""
    value = settled(value)
    return int(max(-_SETTLED_BELOW, min(value, _SETTLED_BELOW)))


def _left(text: str, count: Number = 1) -> str | None:
    return text[: max(_counted(count), 0)] or None


def _right(text: str, count: Number = 1) -> str | None:
    return text[max(len(text) - max(_counted(count), 0), 0) :] or None


def _middle(text: str, start: Number, count: Number) -> str | None:
    first, most = _counted(start), _counted(count)
    return text[first - 1 : first - 1 + most] or None if first > 0 and most > 0 else None


def _trimmed(text: str) -> str | None:
    return " ".join(text.split()) or None


def _date(year: Number, month: Number, day: Number) -> date | None:
    try:
        return date(_counted(year), _counted(month), _counted(day))
    except (ValueError, OverflowError):
        return None


def _shifted(day: date, days: int) -> date | None:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def _later(day: date, days: Number) -> date | None:
    return _shifted(day, _counted(days))


def _earlier(day: date, days: Number) -> date | None:
    return _shifted(day, -_counted(days))


def _months_later(day: date, months: Number) -> date | None:
    year, month = divmod(day.year * 12 + day.month - 1 + _counted(months), 12)
    if not 1 <= year < 10_000:
        return None
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _months(start: date, end: date) -> int:
    if end < start:
        return -_months(end, start)
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


def _years(start: date, end: date) -> int:
    return -_years(end, start) if end < start else _months(start, end) // 12


def in_zone(zone: tzinfo) -> Callable[[datetime], date | None]:
    """Return the function from a time to its day in `zone`; blank at the ends of the calendar."""

    def day(moment: datetime) -> date | None:
        try:
            return moment.astimezone(zone).date()
        except Exception:  # a time zone that somebody else wrote may raise anything
            return None

    return day


def _text(value: str, longest: int, lines: bool) -> str | None:
    text = normalize("NFC", value if lines else _BREAKS.sub(" ", value)).strip()
    return text if text and len(text) <= longest else None


def finisher(result: ResultType, *, rough: bool) -> Callable[[Any], Any]:
    """Return the function that gives a value, which is not blank, the form that fields of its kind hold.

    A number is `rough` where a division may have rounded it.
    """
    match result:
        case ResultType("number", whole=True):
            return _whole
        case ResultType("number", places):
            return _amounts(place(places), rough=rough)
        case ResultType("text", longest=longest, lines=lines):
            return lambda value: _text(value, longest, lines)
        case _:
            return lambda value: value


OPERATIONS: Final = {
    "add": _add,
    "subtract": _EXACT.subtract,
    "multiply": _EXACT.multiply,
    "divide": divide,
    "minus": _EXACT.minus,
    "absolute": _EXACT.abs,
    "settled": settled,
    "round_half_up": _rounding(_HALF_UP),
    "round_up": _rounding(_UP),
    "round_down": _rounding(_DOWN),
    "floor": _rounding(_FLOOR),
    "number_text": _number_text,
    "first": _first,
    "least": _least,
    "greatest": _greatest,
    "total": _sum,
    "average": _average,
    "left": _left,
    "right": _right,
    "middle": _middle,
    "trimmed": _trimmed,
    "make_date": _date,
    "later": _later,
    "earlier": _earlier,
    "months_later": _months_later,
    "months": _months,
    "years": _years,
}
"""The functions that compiled formulas call, by the names that they have there."""

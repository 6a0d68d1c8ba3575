"""Adding up: totals of numbers, and the days, months, quarters and years that dates lie in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal

import attrs

from custinfo.core.exact import quotient
from custinfo.core.kinds import Kind

__all__ = ["NUMBER_KINDS", "PERIODS", "Period", "Tally", "Total", "midnights", "period_of", "tally"]

Period = Literal["day", "month", "quarter", "year"]

PERIODS: Final[tuple[Period, ...]] = ("day", "month", "quarter", "year")

NUMBER_KINDS: Final = frozenset({"integer", "decimal", "money"})
"""The kinds of fields that can be added up."""

_FIRST: Final = datetime(1800, 1, 1, tzinfo=UTC)
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


@attrs.frozen
class Total:
    """Say what the values of a field come to.

    Args:
        records: How many records there are.
        values: How many of them have a value.
        sum: What the values add up to, exactly; 0 for none.
        minimum: The least value, `None` for none.
        maximum: The greatest value, `None` for none.
    """

    records: int
    values: int
    sum: int | Decimal
    minimum: int | Decimal | None
    maximum: int | Decimal | None

    @property
    def mean(self) -> Decimal | None:
        """The sum by the number of values, to 28 digits; `None` for none."""
        return quotient(self.sum, self.values) if self.values else None


@attrs.frozen
class Tally:
    """Hold what a total is made of, in the whole numbers that stores keep; tallies of parts add up to that of all."""

    records: int = 0
    values: int = 0
    sum: int = 0
    minimum: int | None = None
    maximum: int | None = None

    def __add__(self, other: Tally) -> Tally:
        lows = [item for item in (self.minimum, other.minimum) if item is not None]
        highs = [item for item in (self.maximum, other.maximum) if item is not None]
        return Tally(
            self.records + other.records,
            self.values + other.values,
            self.sum + other.sum,
            min(lows, default=None),
            max(highs, default=None),
        )

    def total(self, kind: Kind) -> Total:
        """Return the total of a field of `kind`."""
        low = None if self.minimum is None else kind.decode(self.minimum)
        high = None if self.maximum is None else kind.decode(self.maximum)
        return Total(self.records, self.values, kind.decode(self.sum), low, high)


def tally(values: Iterable[Any], kind: Kind) -> Tally:
    """Return the tally of typed values, `None` for a record that has none."""
    given = list(values)
    numbers: list[Any] = [kind.encode(value) for value in given if value is not None]
    return Tally(len(given), len(numbers), sum(numbers), min(numbers, default=None), max(numbers, default=None))


def period_of(value: date | datetime, period: Period, zone: tzinfo) -> date:
    """Return the first day of the period in which a date lies, or an instant as a clock in `zone` shows it.

    >>> period_of(date(2024, 8, 31), "quarter", UTC)
    datetime.date(2024, 7, 1)
    """
    day = _local(value, zone).date() if isinstance(value, datetime) else value
    if period == "day":
        return day
    months = _MONTHS[period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _local(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:  # the ends of the calendar
        return moment


@lru_cache(maxsize=8)
def midnights(zone: tzinfo) -> tuple[str, ...]:
    """Return the times of day in UTC, as texts, at which days have ever begun in a time zone.

    Between two of them, all instants of one day in UTC lie in one day of the zone.
    """
    day = timedelta(days=1)
    weeks = [datetime(1900, 1, 1, tzinfo=UTC) + timedelta(weeks=number) for number in range(10_500)]
    offsets = {moment.astimezone(zone).utcoffset() or timedelta() for moment in (_FIRST, *weeks)}
    starts = {(-offset) % day for offset in offsets} - {timedelta()}
    return tuple(sorted((_FIRST + start).time().isoformat("microseconds") for start in starts))

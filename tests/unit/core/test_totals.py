"""Periods of dates, and tallies."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.kinds import BUILT_IN_KINDS
from custinfo.core.totals import Period, Total, midnights, period_of, tally

FIRST = datetime(1800, 1, 2, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = [SHANGHAI, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe"), UTC]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("day", date(2024, 8, 31)),
        ("month", date(2024, 8, 1)),
        ("quarter", date(2024, 7, 1)),
        ("year", date(2024, 1, 1)),
    ],
)
def test_period_of_a_date(period: Period, expected: date) -> None:
    """A period is known by its first day."""
    assert period_of(date(2024, 8, 31), period, SHANGHAI) == expected


def test_period_of_an_instant_is_local() -> None:
    """An instant lies in the day that a clock in the zone shows."""
    assert period_of(datetime(2023, 12, 31, 16, tzinfo=UTC), "year", SHANGHAI) == date(2024, 1, 1)
    assert period_of(datetime(2023, 12, 31, 15, 59, 59, tzinfo=UTC), "year", SHANGHAI) == date(2023, 1, 1)


@given(
    st.sampled_from(ZONES),
    st.integers(0, 9_000_000_000_000_000).map(lambda number: FIRST + timedelta(microseconds=number)),
)
def test_nothing_between_two_midnights_changes_the_day(zone: ZoneInfo, moment: datetime) -> None:
    """An instant and the time of day before it at which days begin lie in one day of the zone."""
    clock = moment.time().isoformat("microseconds")
    start = max((each for each in midnights(zone) if each <= clock), default="00:00:00.000000")
    begin = datetime.fromisoformat(f"{moment.date()}T{start}+00:00")
    assert timedelta() <= moment - begin < timedelta(days=1)
    assert period_of(begin, "day", zone) == period_of(moment, "day", zone)


def test_tally_is_exact() -> None:
    """Amounts add up exactly; a missing one counts as a record alone."""
    kind = BUILT_IN_KINDS["decimal"]
    values = [Decimal("0.1"), Decimal("0.2"), None, Decimal("8999999999999.999999")]
    total = tally(values, kind).total(kind)
    assert total == Total(4, 3, Decimal("9000000000000.299999"), Decimal("0.1"), Decimal("8999999999999.999999"))
    assert tally([], kind).total(kind) == Total(0, 0, Decimal(0), None, None)
    assert tally([Decimal(1), Decimal(2)], kind).total(kind).mean == Decimal("1.5")
    assert tally([], kind).total(kind).mean is None

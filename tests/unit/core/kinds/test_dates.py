"""Dates and points in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custinfo.core.kinds import BUILT_IN_KINDS, INVALID

Read = Callable[..., tuple[Any, list[str]]]
Show = Callable[..., str]
FIFTH = date(2024, 3, 5)


def at(*parts: int) -> datetime:
    """Return a moment in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def local(*parts: int) -> datetime:
    """Return a time that names no zone."""
    return at(*parts).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("2024-03-05", FIFTH, []),
        (" 2024-03-05 ", FIFTH, []),
        (FIFTH, FIFTH, []),
        (local(2024, 3, 5), FIFTH, []),
        (local(2024, 3, 5, 10, 30), FIFTH, ["normalised"]),
        (at(2024, 3, 5, 20), date(2024, 3, 6), ["normalised"]),
        ("2024-3-5", FIFTH, ["normalised"]),
        ("2024/3/5", FIFTH, ["normalised"]),
        ("2024.3.5", FIFTH, ["normalised"]),
        ("20240305", FIFTH, ["normalised"]),
        ("2024年3月5日", FIFTH, ["normalised"]),
        ("2024年03月05号", FIFTH, ["normalised"]),
        ("2024 年 3 月 5 日", FIFTH, ["normalised"]),
        ("２０２４－０３－０５", FIFTH, ["normalised"]),
        ("2024-03-05 10:30:00", FIFTH, ["normalised"]),
        ("2024-03-05T20:00:00Z", date(2024, 3, 6), ["normalised"]),
        ("2024/3/5 下午 3:20:00", FIFTH, ["normalised"]),
        ("2024-03-05 11:20 PM", FIFTH, ["normalised"]),
        ("2024\\3\\5", FIFTH, ["normalised"]),
        ("2024,3,5", FIFTH, ["normalised"]),
        ("2024，3，5", FIFTH, ["normalised"]),
        ("2024、3、5", FIFTH, ["normalised"]),
        ("2024–03–05", FIFTH, ["normalised"]),
        ("2024 - 03 - 05", FIFTH, ["normalised"]),
        ("2024年3月5日 下午", FIFTH, ["normalised"]),
        ("2024-3-5上午", FIFTH, ["normalised"]),
        ("2024年03月05日 08时30分", FIFTH, ["normalised"]),
        ("2024年3月5日下午3点", FIFTH, ["normalised"]),
        ("2024-03-05 20:00:00+00", date(2024, 3, 6), ["normalised"]),
        ("Tue Mar 05 00:00:00 CST 2024", FIFTH, ["normalised"]),
        ("2024年三月五日", FIFTH, ["normalised"]),
        ("5 March 2024", FIFTH, ["normalised"]),
        ("Mar. 5th, 2024", FIFTH, ["normalised"]),
        ("05-MAR-2024", FIFTH, ["normalised"]),
        (45356, FIFTH, ["normalised"]),
        (45356.75, FIFTH, ["normalised"]),
        (Decimal(45356), FIFTH, ["normalised"]),
        (20240305, FIFTH, ["normalised"]),
        (1, date(1900, 1, 1), ["normalised"]),
        (59, date(1900, 2, 28), ["normalised"]),
        (61, date(1900, 3, 1), ["normalised"]),
        (2_958_465, date(9999, 12, 31), ["normalised"]),
        ("0001-01-01", date(1, 1, 1), []),
    ],
)
def test_dates_in_usual_spellings(read: Read, raw: object, value: date, codes: list[str]) -> None:
    """A date with its year first, a time and a spreadsheet's serial number give the day that people meant."""
    assert read("date", raw) == (value, codes)


@pytest.mark.parametrize(
    "raw",
    [
        "3/5/2024",
        "05-03-2024",
        "24-3-5",
        "2024-3",
        "2024-3/5",
        "2024,3\\5",
        "3,5,2024",
        "2024,3",
        "Tue Foo 05 00:00:00 CST 2024",
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "0000-01-01",
        "2024-W10-2",
        "2024-03-05T99:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "45356",
        "猴年马月",
        "2024-03-05 张三",
        "2024年13月1日",
        "20240231",
        "x" * 65,
        0,
        60,
        -1,
        2_958_466,
        20240231,
        1e300,
        float("nan"),
        Decimal("sNaN"),
        10**400,
        0.5,
    ],
)
def test_what_is_no_date_is_refused(read: Read, raw: object) -> None:
    """An ambiguous spelling, a day that the calendar lacks and a number outside the calendar are refused."""
    assert read("date", raw) == (INVALID, ["invalid_date"])


class Day(date):
    """A date of somebody else's class."""


class Moment(datetime):
    """A time of somebody else's class."""


def test_subclasses_become_plain(read: Read) -> None:
    """Dates and times of other classes, such as those of pandas, are taken as the plain ones."""
    day, _ = read("date", Day(2024, 3, 5))
    moment, _ = read("datetime", Moment(2024, 3, 15, 10, 30, tzinfo=UTC))
    assert (type(day), day) == (date, FIFTH)
    assert (type(moment), moment) == (datetime, at(2024, 3, 15, 10, 30))


def test_yes_is_no_date(read: Read) -> None:
    """A truth value is not taken for the serial number 1."""
    assert read("date", True) == (INVALID, ["wrong_type"])  # noqa: FBT003


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("2024-03-15 10:30:00", at(2024, 3, 15, 2, 30), []),
        ("2024-03-15T10:30:00", at(2024, 3, 15, 2, 30), []),
        ("2024-03-15 10:30:00.123456", at(2024, 3, 15, 2, 30, 0, 123456), []),
        ("2024-03-15T10:30:00Z", at(2024, 3, 15, 10, 30), []),
        ("2024-03-15T10:30:00+09:00", at(2024, 3, 15, 1, 30), []),
        ("2024-03-15T10:30:00-0930", at(2024, 3, 15, 20), ["normalised"]),
        ("2024-03-15", at(2024, 3, 14, 16), ["normalised"]),
        ("2024\\3\\5 10:30", at(2024, 3, 5, 2, 30), ["normalised"]),
        ("2024年3月5日 10:30", at(2024, 3, 5, 2, 30), ["normalised"]),
        ("2024年3月5日10时30分20秒", at(2024, 3, 5, 2, 30, 20), ["normalised"]),
        ("2024年3月5日 10点", at(2024, 3, 5, 2), ["normalised"]),
        ("2024/3/5 下午 2:30", at(2024, 3, 5, 6, 30), ["normalised"]),
        ("2024/3/5 上午12:30", at(2024, 3, 4, 16, 30), ["normalised"]),
        ("2024/3/5 2:30 PM", at(2024, 3, 5, 6, 30), ["normalised"]),
        ("２０２４/3/5 10：30", at(2024, 3, 5, 2, 30), ["normalised"]),
        ("20240315103000", at(2024, 3, 15, 2, 30), ["normalised"]),
        (local(2024, 3, 15, 10, 30), at(2024, 3, 15, 2, 30), []),
        (at(2024, 3, 15, 10, 30, 0, 1), at(2024, 3, 15, 10, 30, 0, 1), []),
        (at(2024, 3, 15).astimezone(timezone(timedelta(hours=8))), at(2024, 3, 15), []),
        (FIFTH, at(2024, 3, 4, 16), []),
        (45356.4375, at(2024, 3, 5, 2, 30), ["normalised"]),
        (45356.437505787, at(2024, 3, 5, 2, 30, 0, 500_000), ["normalised"]),
        (45356, at(2024, 3, 4, 16), ["normalised"]),
    ],
)
def test_moments_in_usual_spellings(read: Read, raw: object, value: datetime, codes: list[str]) -> None:
    """A time without zone is on Shanghai's clock, and the result is in UTC."""
    assert read("datetime", raw) == (value, codes)
    assert read("datetime", raw)[0].tzinfo is UTC


@pytest.mark.parametrize(
    "raw",
    [
        "2024-03-15 25:00",
        "2024-03-15 10:60",
        "2024-03-15 10:30:61",
        "2024-03-15 24:00:00",
        "3/15/2024 10:30",
        "2024年3月5日 下午",
        "10:30",
        "2024-03-15 13:00 PM",
        "2024-03-15T10:30:00+25:00",
        "2024-03-15T10:30:00+08:75",
        "2024-02-30 10:30:00",
        "2024-03-15x10:30:00",
        60.5,
        -1.5,
        0.5,
        2_958_466,
        2_958_465.999999999,
        float("inf"),
        "0001-01-01 00:00:00",
        "明天",
    ],
)
def test_what_is_no_moment_is_refused(read: Read, raw: object) -> None:
    """A time that no clock shows, an ambiguous date and a moment outside the calendar are refused."""
    assert read("datetime", raw) == (INVALID, ["invalid_datetime"])


NEW_YORK = {"zone": ZoneInfo("America/New_York")}


def test_a_skipped_hour_does_not_exist(read: Read) -> None:
    """A local time that clocks jump over is refused under its own code."""
    for raw in ("2024-03-10 02:30:00", local(2024, 3, 10, 2, 30)):
        assert read("datetime", raw, at=NEW_YORK) == (INVALID, ["nonexistent_time"])


def test_of_a_doubled_hour_the_first_is_meant(read: Read, show: Show) -> None:
    """An ambiguous local time is the first of the two; the second is shown with its offset, and read back so."""
    first, second = at(2024, 11, 3, 5, 30), at(2024, 11, 3, 6, 30)
    assert read("datetime", "2024-11-03 01:30:00", at=NEW_YORK) == (first, [])
    assert show("datetime", first, at=NEW_YORK) == "2024-11-03 01:30:00"
    assert read("datetime", show("datetime", second, at=NEW_YORK), at=NEW_YORK) == (second, [])


def test_moments_are_shown_on_the_local_clock(show: Show) -> None:
    """The text has the zone's clock, and a fraction only if there is one."""
    assert show("datetime", at(2024, 3, 15, 2, 30)) == "2024-03-15 10:30:00"
    assert show("datetime", at(2024, 3, 15, 2, 30, 0, 5)) == "2024-03-15 10:30:00.000005"


def test_stored_forms_have_a_fixed_width() -> None:
    """Dates and moments are stored as texts that sort as they do."""
    assert BUILT_IN_KINDS["date"].encode(date(1, 2, 3)) == "0001-02-03"
    assert BUILT_IN_KINDS["datetime"].encode(at(987, 6, 5)) == "0987-06-05T00:00:00.000000Z"
    assert BUILT_IN_KINDS["datetime"].decode("2024-03-15T02:30:00.000001Z") == at(2024, 3, 15, 2, 30, 0, 1)

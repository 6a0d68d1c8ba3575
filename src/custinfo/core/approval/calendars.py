"""Working time: how long a time limit really is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, Protocol

import attrs

__all__ = ["EVERY_DAY", "EveryDay", "WorkingCalendar", "WorkingDays"]

_FARTHEST: Final = 3660
"""So many days are looked at, at most: a calendar without a working day has no end."""


class WorkingCalendar(Protocol):
    """Know when people work: implement it where the host has a calendar of its own."""

    def after(self, start: datetime, hours: int, /) -> datetime:
        """Return the instant at which so many hours of working time have passed since `start`, both aware."""


@attrs.frozen
class EveryDay:
    """Count every hour of every day.

    >>> EveryDay().after(datetime(2024, 5, 1, tzinfo=UTC), 36)
    datetime.datetime(2024, 5, 2, 12, 0, tzinfo=datetime.timezone.utc)
    """

    def after(self, start: datetime, hours: int, /) -> datetime:
        """Return the instant so many hours later."""
        return start + timedelta(hours=hours)


EVERY_DAY: Final = EveryDay()


@attrs.frozen
class WorkingDays:
    """Count the hours of working days only: Monday to Friday, less `holidays`, and `working` days beside (调休).

    Args:
        zone: In which days begin and end.
        holidays: Days off that would be working days.
        working: Working days that would be off.

    >>> friday_noon = datetime(2024, 5, 10, 12, tzinfo=UTC)
    >>> WorkingDays(UTC).after(friday_noon, 24).isoformat()
    '2024-05-13T12:00:00+00:00'
    """

    zone: tzinfo
    holidays: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()

    def after(self, start: datetime, hours: int, /) -> datetime:
        """Return the instant after so many hours of working days from `start` on; after ten years without one, that."""
        left, here = timedelta(hours=hours), start.astimezone(UTC)
        for _ in range(_FARTHEST):
            day = here.astimezone(self.zone).date()
            end = self._midnight(day + timedelta(days=1))
            if self._works(day):
                if here + left <= end:
                    return here + left
                left -= end - here
            here = end
        return here

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def _works(self, day: date) -> bool:
        return day in self.working or (day.weekday() < 5 and day not in self.holidays)

"""Formats of days that readers take for none: the weekday or the year of a Chinese or Japanese spreadsheet, 星期三.

`aaaa` and `e` show a day as `dddd` and `yyyy` do elsewhere, and the fast reader knows the latter only.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import attrs

__all__ = ["DayFormat", "day_format"]

ASIDE: Final = re.compile(r'"[^"]*"|\\.|[_*].|\[\$[^\]]*\]', re.DOTALL)
"""Characters that are shown as they are, room for others, and languages."""
DAY: Final = re.compile(r"(?<![A-Za-z])(?:a{3,4}|g{0,3}e{1,4})(?![A-Za-z])", re.IGNORECASE)
OTHER: Final = re.compile(r"[0#?@.,%/\[]")
"""Places for digits, texts and conditions."""
LONGEST: Final = 255
DAY_ZERO: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001 -- spreadsheets know no zone
FIRST, END = 61, 2_958_466
"""From the first of March 1900, before which spreadsheets count a day too many, to the end of the year 9999."""
FROM_1900_TO_1904: Final = 1_462
SECONDS_A_DAY: Final = 86_400


@attrs.frozen
class DayFormat:
    """Take a number for the day as which it is shown.

    >>> DayFormat().shown(45000), DayFormat(of_1904=True).shown(43538.5), DayFormat().shown(20230315)
    (datetime.date(2023, 3, 15), datetime.datetime(2023, 3, 15, 12, 0), None)
    """

    of_1904: bool = False

    def shown(self, number: float) -> dt.date | None:
        """Return the day, with the time if there is one; None where it stays a number."""
        number += FROM_1900_TO_1904 if self.of_1904 else 0
        if not FIRST <= number < END:
            return None
        days = int(number)
        moment = DAY_ZERO + dt.timedelta(days, round((number - days) * SECONDS_A_DAY, 3))
        return moment.date() if number == days else moment


def day_format(code: str, *, of_1904: bool = False) -> DayFormat | None:
    """Return a format by its code, or None for one of something else.

    >>> [bool(day_format(code)) for code in ("[$-804]aaaa;@", "周aaa", "e", "General", "0.00E+00", '"aaa"0', "@")]
    [True, True, True, False, False, False, False]
    """
    shown = ASIDE.sub(" ", code[:LONGEST]).partition(";")[0]
    return DayFormat(of_1904) if DAY.search(shown) and not OTHER.search(shown) else None

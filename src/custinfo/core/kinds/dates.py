"""Dates."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Invalid, Kind, KindContext, Parser
from custinfo.core.kinds._raw import Report, number_text, plain_text, read_identifier
from custinfo.core.kinds.texts import as_is
from custinfo.core.problems import Problem

__all__ = ["DATE", "DATE_PATTERN", "LAST_SERIAL", "date_of_match", "serial_day"]

LAST_SERIAL: Final = 2_958_465
"""The serial number of 9999-12-31 in a spreadsheet."""

_LIMIT: Final = 64
_BEFORE_LEAP: Final = date(1899, 12, 31)
_AFTER_LEAP: Final = date(1899, 12, 30)

DATE_PATTERN: Final = (
    r"(?:(?P<year>[0-9]{4})(?:(?P<mark>\s?[-/.\\,、–—]\s?)(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"|\s?年\s?(?P<month_zh>[0-9]{1,2})\s?月\s?(?P<day_zh>[0-9]{1,2})\s?[日号]?)"
    r"|(?P<digits>[0-9]{8}))"
)
"""A date with its year first; `3/5/2024` is not read, since nobody can tell the month."""

_DATE: Final = re.compile(
    DATE_PATTERN + r"(?:[T\s]\s?(?:[上下]午\s?)?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:\s?[AaPp][Mm])?"
    r"|\s?(?:[上下]午\s?)?[0-9]{1,2}\s?[时点](?:\s?[0-9]{1,2}\s?分(?:\s?[0-9]{1,2}\s?秒)?)?|\s?[上下]午)?"
)
_BESIDE: Final = re.compile(r"^'|\s*[(（]?(?:星期|周|礼拜)[一二三四五六日天][)）]?$")
"""What stands beside a date and says nothing more: the mark of a text in a spreadsheet, and the day of the week."""

_WRITTEN_OUT: Final = re.compile(
    r"([〇○零一二三四五六七八九0-9]{4})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})[日号]"
)
_IN_ENGLISH: Final = re.compile(
    r"(?:(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?[\s-]+(?P<month>[a-z]{3,9})\.?"
    r"|(?P<month_first>[a-z]{3,9})\.?\s+(?P<day_second>[0-9]{1,2})(?:st|nd|rd|th)?)[,\s-]+(?P<year>[0-9]{4})",
    re.IGNORECASE,
)
_BY_JAVA: Final = re.compile(
    r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>[0-9]{2}) [0-9]{2}:[0-9]{2}:[0-9]{2} [A-Z]{3,4} (?P<year>[0-9]{4})"
)
"""As programs in Java write a date that nobody formatted: `Tue Mar 05 00:00:00 CST 2024`."""
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NUMERALS: Final = str.maketrans("〇○零一二三四五六七八九", "000123456789")


def date_of_match(match: re.Match[str]) -> date:
    """Return the date that `DATE_PATTERN` matched. Raises: ValueError if the calendar has no such day."""
    if digits := match["digits"]:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    return date(int(match["year"]), int(match["month"] or match["month_zh"]), int(match["day"] or match["day_zh"]))


def serial_day(days: int) -> date | None:
    """Return the day of a spreadsheet's serial number in the 1900 system; `None` if there is none.

    Number 60 is the 29th of February 1900, a day that only spreadsheets know.

    >>> serial_day(45356)
    datetime.date(2024, 3, 5)
    """
    if days == 60 or not 1 <= days <= LAST_SERIAL:
        return None
    return (_BEFORE_LEAP if days < 60 else _AFTER_LEAP) + timedelta(days)


def _numbered_day(raw: float | Decimal) -> date | None:
    """Return the day of a serial number, or of a number that was typed as `20240305`."""
    text = number_text(raw)
    if not text:
        return None
    whole, _, fraction = text.partition(".")
    if not fraction and len(whole) == 8 and whole.isdigit():
        return _spelled_day(whole)
    return serial_day(int(whole))


def _spelled_day(text: str) -> date | None:
    match = _DATE.fullmatch(text)
    try:
        return date_of_match(match) if match else _written_out(text)
    except ValueError:
        return None


def _written_out(text: str) -> date | None:
    """Return the day of a date in Chinese numerals, or with its month in English.

    Raises: ValueError as `date_of_match`.
    """
    if match := _WRITTEN_OUT.fullmatch(text):
        return date(int(match[1].translate(_NUMERALS)), _below_hundred(match[2]), _below_hundred(match[3]))
    if match := _IN_ENGLISH.fullmatch(text):
        day, month = match["day"] or match["day_second"], match["month"] or match["month_first"]
        return date(int(match["year"]), _month_number(month), int(day))
    if match := _BY_JAVA.fullmatch(text):
        return date(int(match["year"]), _month_number(match["month"]), int(match["day"]))
    plain = _BESIDE.sub("", text)
    return None if plain == text else _spelled_day(plain)


def _month_number(name: str) -> int:
    """Return the number of a month by its name or the beginning of it; 0 for what is none."""
    known = name.casefold()
    found = (number for number, month in enumerate(_MONTHS, start=1) if month == known or month[:3] == known)
    return next(found, 9 if known == "sept" else 0)


def _below_hundred(numeral: str) -> int:
    tens, ten, ones = numeral.rpartition("十")
    digits = (tens or "一" if ten else "〇") + (ones or "〇")
    return int(digits.translate(_NUMERALS))


def _day_of_moment(text: str, zone: tzinfo) -> date | None:
    """Return the day of a time in ISO form with its zone, as programs write it."""
    if len(text) < 17 or text[10] not in "T ":
        return None
    try:
        return day_in(zone, datetime.fromisoformat(text))
    except ValueError:
        return None


def day_in(zone: tzinfo, moment: datetime) -> date | None:
    """Return the day of a time on the calendar of `zone`; a time without zone is there already."""
    if moment.tzinfo is None:
        return moment.date()
    try:
        return moment.astimezone(zone).date()
    except Exception:  # a time zone that somebody else wrote may raise anything
        return None


def _read(raw: object, zone: tzinfo, report: Report, problems: list[Problem]) -> date | Invalid | None:
    if isinstance(raw, datetime):
        day = day_in(zone, raw)
        changed = not raw.hour == raw.minute == raw.second == raw.microsecond == 0
    elif isinstance(raw, date):
        return date(raw.year, raw.month, raw.day)
    elif isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        day, changed = _numbered_day(raw), True
    else:
        text = read_identifier(raw, report, _LIMIT, problems)
        if not isinstance(text, str):
            return text
        day = _spelled_day(text) or _day_of_moment(text, zone)
        changed = day is None or not isinstance(raw, str) or day.isoformat() != plain_text(raw)
    if day is None:
        return report.refuse(problems)
    if changed:
        report.remark(problems)
    return day


def _parser(field: FieldDefinition, context: KindContext) -> Parser:
    report = Report.of(field, "invalid_date")
    zone = context.zone
    from_iso = date.fromisoformat

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is str:
            if len(raw) == 10 and raw[4] == "-" == raw[7]:
                try:
                    return from_iso(raw)
                except ValueError:
                    pass
        elif type(raw) is date:
            return raw
        return _read(raw, zone, report, problems)

    return parse


def _encode(value: Any) -> str:
    return str(value.isoformat())


DATE: Final = Kind("date", _parser, as_is, encode=_encode, decode=date.fromisoformat, cell_format="yyyy-mm-dd")
"""`date`. Takes the year first in any usual spelling, and a spreadsheet's serial numbers."""

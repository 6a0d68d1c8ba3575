"""Points in time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Invalid, Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, number_text, plain_text, read_identifier
from custinfo.core.kinds.dates import DATE_PATTERN, date_of_match, serial_day
from custinfo.core.problems import Problem

__all__ = ["DATETIME"]

_LIMIT: Final = 64
_MILLISECONDS_A_DAY: Final = 86_400_000
_DATETIME: Final = re.compile(
    DATE_PATTERN + r"(?:(?:[T\s]\s?)?(?:(?P<half>上午|下午)\s?)?"
    r"(?P<hour>[0-9]{1,2})\s?(?:[:时点]\s?(?P<minute>[0-9]{1,2})|[时点])"
    r"(?:\s?[:分]\s?(?P<second>[0-9]{1,2})(?:\.(?P<fraction>[0-9]{1,9}))?)?\s?[分秒]?"
    r"(?:\s?(?P<noon>[AaPp][Mm]))?"
    r"(?:\s?(?P<utc>[Zz])|\s?(?P<offset>[-+])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})(?::(?P<seconds>[0-9]{2}))?)?"
    r"|T?(?P<clock>[0-9]{6}))?"
)


def _time_of(match: re.Match[str]) -> time:
    """Return the time of day. Raises: ValueError if a clock never shows it."""
    if clock := match["clock"]:
        return time(int(clock[:2]), int(clock[2:4]), int(clock[4:]))
    if match["hour"] is None:
        return time()
    hour = int(match["hour"])
    half = match["half"] or (match["noon"] or "").upper()
    if half and not 1 <= hour <= 12 and not (match["half"] and 0 <= hour < 24):
        raise ValueError
    if half in ("下午", "PM") and hour < 12:
        hour += 12
    elif half in ("上午", "AM") and hour == 12:
        hour = 0
    fraction = (match["fraction"] or "").ljust(6, "0")[:6]
    return time(hour, int(match["minute"] or 0), int(match["second"] or 0), int(fraction))


def _offset_of(match: re.Match[str]) -> tzinfo | None:
    if match["utc"]:
        return UTC
    if match["offset"] is None:
        return None
    if int(match["minutes"]) > 59 or int(match["seconds"] or 0) > 59:
        raise ValueError
    shift = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]), seconds=int(match["seconds"] or 0))
    return timezone(-shift if match["offset"] == "-" else shift)


def _spelled_moment(text: str) -> datetime | None:
    match = _DATETIME.fullmatch(text)
    try:
        return datetime.combine(date_of_match(match), _time_of(match), _offset_of(match)) if match else None
    except ValueError:
        return None


def _numbered_moment(raw: float | Decimal) -> datetime | None:
    """Return the time of a spreadsheet's serial number, to the millisecond that spreadsheets keep."""
    text = number_text(raw)
    if not text or text[0] == "-":
        return None
    whole, _, fraction = text.partition(".")
    days = int(whole)
    if not fraction and len(whole) in (8, 14):
        return _spelled_moment(whole)
    day = serial_day(days)
    if day is None:
        return None
    milliseconds = round(int(fraction or 0) * _MILLISECONDS_A_DAY / 10 ** len(fraction))
    try:
        return datetime.combine(day, time()) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def _placed(moment: datetime, zone: tzinfo) -> datetime | str:
    """Return the moment in UTC, or the code of what is wrong: a local time may not exist."""
    try:
        if moment.tzinfo is not None:
            return _exact(moment.astimezone(UTC))
        placed = moment.replace(tzinfo=zone).astimezone(UTC)
        exists = placed.astimezone(zone).replace(tzinfo=None) == moment
    except Exception:  # the ends of the calendar, and time zones that somebody else wrote
        return "invalid_datetime"
    return _exact(placed) if exists else "nonexistent_time"


def _exact(moment: datetime) -> datetime:
    """Return the moment as a plain `datetime`, whatever its subclass."""
    if type(moment) is datetime:
        return moment.replace(fold=0) if moment.fold else moment
    return datetime.combine(date(moment.year, moment.month, moment.day), moment.time().replace(fold=0), UTC)


def _read(raw: object, report: Report, problems: list[Problem]) -> tuple[datetime, bool] | Invalid | None:
    """Return the moment, perhaps without zone, and whether its spelling deserves a notice."""
    if isinstance(raw, datetime):
        return raw, False
    if isinstance(raw, date):
        return datetime.combine(raw, time()), False
    if isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        moment = _numbered_moment(raw)
    else:
        text = read_identifier(raw, report, _LIMIT, problems)
        if not isinstance(text, str):
            return text
        moment = _spelled_moment(text)
    if moment is None:
        return report.refuse(problems)
    return moment, not isinstance(raw, str) or plain_text(raw).replace("T", " ") not in _usual(moment)


def _usual(moment: datetime) -> tuple[str, ...]:
    """Return the spellings of a time that need no notice."""
    text = moment.isoformat(" ")
    return text, text.replace("+00:00", "Z"), moment.isoformat(" ", "milliseconds")


def _fast_reading(raw: object) -> tuple[datetime, bool] | None:
    if type(raw) is str and len(raw) == 19 and raw[4] == "-" == raw[7] and raw[10] in " T":
        try:
            return datetime.fromisoformat(raw), False
        except ValueError:
            return None
    return None


def _parser(field: FieldDefinition, context: KindContext) -> Parser:
    report = Report.of(field, "invalid_datetime")
    zone = context.zone

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is datetime and raw.tzinfo is UTC and not raw.fold:
            return raw
        reading = _fast_reading(raw) or _read(raw, report, problems)
        if not isinstance(reading, tuple):
            return reading
        placed = _placed(reading[0], zone)
        if not isinstance(placed, datetime):
            return report.refuse(problems, placed, zone=str(zone))
        if reading[1]:
            report.remark(problems)
        return placed

    return parse


def _renderer(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
    zone = context.zone

    def render(value: Any) -> str:
        try:
            local = value.astimezone(zone)
        except (OverflowError, ValueError):
            return str(value.isoformat(" "))
        plain = local.replace(tzinfo=None, fold=0)
        return str(plain if _placed(plain, zone) == value else value.isoformat(" "))

    return render


def encode_moment(value: Any) -> str:
    """Return the moment in UTC in a text of fixed width, so that texts sort as moments do."""
    text: str = value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return text + "Z"


DATETIME: Final = Kind(
    "datetime",
    _parser,
    _renderer,
    encode=encode_moment,
    decode=datetime.fromisoformat,
    cell_format="yyyy-mm-dd hh:mm:ss",
)
"""`datetime` in UTC. What names no zone is on the workspace's clock; of an hour that comes twice the first."""

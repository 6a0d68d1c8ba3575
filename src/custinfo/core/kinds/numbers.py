"""Whole numbers and decimals."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Invalid, Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import EXACT_DIGITS, Report, number_text, plain_text, tidied
from custinfo.core.kinds.texts import as_is
from custinfo.core.problems import Problem
from custinfo.core.text import CONTROL

__all__ = ["DECIMAL", "INTEGER", "NUMBER_LIMIT", "amount_parser", "amount_renderer", "decode_amount", "encode_amount"]

NUMBER_LIMIT: Final = 64
"""Longest text that is read as a number."""

_PLACES: Final = 6
_SCALE: Final = 10**_PLACES
_LARGEST_INTEGER: Final = 2**63 - 1
_AMOUNT_BOUND: Final = 9_000_000_000_000
_SURE_DIGITS: Final = 12
_PLAIN: Final = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,15})?")
_SPELLED: Final = re.compile(
    r"(?P<open>\()?\s?(?P<sign>[-+−])?\s?"
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+|[0-9]++)?(?P<fraction>\.[0-9]*)?"
    r"(?:[eE](?P<power>[-+]?[0-9]{1,2}))?\s?(?P<unit>万亿|千万|百万|[千万亿wW])?\s?(?P<close>\))?"
)
_UNITS: Final = {"千": 3, "万": 4, "w": 4, "W": 4, "百万": 6, "千万": 7, "亿": 8, "万亿": 12}

Reading = tuple[Decimal, bool]
"""A number, and whether it was spelled in a way that people would notice to be changed."""


def spelled_number(text: str) -> Reading | None:
    """Return the number that a narrow text spells: separators, 万 and 亿, brackets for negative; `None` if none.

    >>> spelled_number("1,234.50"), spelled_number("(5)"), spelled_number("1,5")
    ((Decimal('1234.50'), True), (Decimal('-5'), True), None)
    """
    if _PLAIN.fullmatch(text):
        return Decimal(text), False
    match = _SPELLED.fullmatch(text)
    if match is None or (match["open"] is None) is not (match["close"] is None):
        return None
    whole, fraction = match["whole"] or "", match["fraction"] or ""
    if (not whole and len(fraction) < 2) or (match["open"] and match["sign"]):
        return None
    sign = "-" if match["open"] or match["sign"] in ("-", "−") else ""
    power = int(match["power"] or 0) + _UNITS.get(match["unit"] or "", 0)
    digits = whole.replace(",", "").replace(" ", "")
    return Decimal(f"{sign}{digits}{fraction.rstrip('.')}e{power}"), True


def read_number(
    raw: object, report: Report, problems: list[Problem], spell: Callable[[str], Reading | str | None]
) -> Reading | Invalid | None:
    """Return the number that `raw` is or spells, and whether its spelling deserves a notice.

    Args:
        raw: A number or a text.
        report: Reports what is wrong.
        problems: Where problems are added.
        spell: Reads a narrow text: the number, the code of a problem, or `None` where it is no number.
    """
    if raw is None:
        return None
    if not isinstance(raw, str):
        return _given_number(raw, report, problems)
    text = plain_text(raw)
    if not text:
        return None
    if len(text) > NUMBER_LIMIT:
        return report.refuse(problems)
    if not text.isprintable() and CONTROL.search(text):
        return report.refuse(problems, "control_character")
    narrow = tidied(text)
    reading = spell(narrow) if narrow else None
    if not isinstance(reading, tuple):
        return report.refuse(problems, reading, **report.params) if reading else report.refuse(problems)
    return reading[0], reading[1] or not text.isascii()


def _given_number(raw: object, report: Report, problems: list[Problem]) -> Reading | Invalid:
    """Take a number that is no text. A float has the 15 digits that a spreadsheet keeps."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return report.refuse_type(raw, problems)
    if isinstance(raw, int):
        inside = -_LARGEST_INTEGER <= raw <= _LARGEST_INTEGER
        return (Decimal(raw), False) if inside else report.refuse(problems, "number_out_of_range")
    if isinstance(raw, Decimal):
        return (raw, False) if raw.is_finite() else report.refuse(problems)
    digits = number_text(raw)
    if digits is None:
        return report.refuse(problems)
    return (Decimal(digits), False) if digits else report.refuse(problems, "precision_lost")


def _parse_integer(raw: object, report: Report, problems: list[Problem]) -> int | Invalid | None:
    reading = read_number(raw, report, problems, spelled_number)
    if not isinstance(reading, tuple):
        return reading
    number, changed = reading
    if number and number.adjusted() > 18:
        return report.refuse(problems, "number_out_of_range")
    if number and number.adjusted() < 0:
        return report.refuse(problems, "not_whole")
    whole = int(number)
    if whole != number:
        return report.refuse(problems, "not_whole")
    if abs(whole) > _LARGEST_INTEGER:
        return report.refuse(problems, "number_out_of_range")
    if changed:
        report.remark(problems)
    return whole


def _integer_parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "invalid_number")

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is int and -EXACT_DIGITS < raw < EXACT_DIGITS:
            return raw
        if type(raw) is float and raw.is_integer() and -EXACT_DIGITS < raw < EXACT_DIGITS:
            return int(raw)
        if type(raw) is str and len(raw) < 16 and raw.isascii() and raw.isdigit():
            return int(raw)
        return _parse_integer(raw, report, problems)

    return parse


def decode_amount(stored: Any) -> Decimal:
    """Return the number that `encode_amount` stored, without exponent and trailing zeros."""
    if stored % _SCALE == 0:
        return Decimal(stored // _SCALE)
    whole, fraction = divmod(abs(stored), _SCALE)
    return Decimal(f"{'-' if stored < 0 else ''}{whole}.{fraction:06d}".rstrip("0"))


def encode_amount(value: Any) -> int:
    """Return the number in millionths, exactly, whatever the decimal context is."""
    numerator, denominator = value.as_integer_ratio()
    return int(numerator * _SCALE // denominator)


def _checked_amount(number: Decimal, places: int, report: Report, problems: list[Problem]) -> Decimal | Invalid:
    """Return the number in its one form, or refuse one that cannot be stored."""
    if not number:
        return Decimal(0)
    if number.adjusted() > 13:
        return report.refuse(problems, "number_out_of_range")
    if number.adjusted() < -_PLACES or int(number.as_tuple().exponent) < -400:
        return report.refuse(problems, "too_many_decimals", limit=places)
    numerator, denominator = number.as_integer_ratio()
    if abs(numerator) >= _AMOUNT_BOUND * denominator:
        return report.refuse(problems, "number_out_of_range")
    if 10**places % denominator:
        return report.refuse(problems, "too_many_decimals", limit=places)
    return decode_amount(numerator * (_SCALE // denominator))


def places_of(field: FieldDefinition, default: int) -> int:
    """Return how many decimal places the field takes, at most six."""
    places = field.options.get("decimal_places", default)
    return min(max(places, 0), _PLACES) if isinstance(places, int) else default


def amount_parser(report: Report, places: int, spell: Callable[[str], Reading | str | None]) -> Parser:
    """Make a parser of decimals with at most `places` decimal places."""

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is int and -_AMOUNT_BOUND < raw < _AMOUNT_BOUND:
            return Decimal(raw)
        if type(raw) is float and raw.is_integer() and -_AMOUNT_BOUND < raw < _AMOUNT_BOUND:
            return Decimal(int(raw))
        if type(raw) is str and len(raw) <= _SURE_DIGITS and raw.isascii() and raw.isdigit():
            return Decimal(raw)
        reading = read_number(raw, report, problems, spell)
        if not isinstance(reading, tuple):
            return reading
        amount = _checked_amount(reading[0], places, report, problems)
        if reading[1] and isinstance(amount, Decimal):
            report.remark(problems)
        return amount

    return parse


def amount_renderer(places: int) -> Renderer:
    """Make a renderer that shows exactly `places` decimal places and no separators."""

    def render(value: Any) -> str:
        whole, fraction = divmod(abs(encode_amount(value)), _SCALE)
        text = f"{whole}.{fraction:06d}"
        return ("-" if value < 0 else "") + text[: len(text) - _PLACES + places].rstrip(".")

    return render


def _spelled_decimal(text: str) -> Reading | None:
    """Return the number that a text spells, as `spelled_number`; `25%` is 0.25, as in the cell of a spreadsheet."""
    reading = spelled_number(text.removesuffix("%").rstrip())
    if reading is None or not text.endswith("%"):
        return reading
    sign, digits, exponent = reading[0].as_tuple()
    return Decimal((sign, digits, int(exponent) - 2)), True


def _decimal_parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    return amount_parser(Report.of(field, "invalid_number"), places_of(field, _PLACES), _spelled_decimal)


INTEGER: Final = Kind("integer", _integer_parser, as_is, storage="number", cell_format="0")
"""`int` of at most 63 bits and a sign."""

DECIMAL: Final = Kind(
    "decimal",
    _decimal_parser,
    as_is,
    storage="number",
    encode=encode_amount,
    decode=decode_amount,
    cell_format="0.######",
)
"""`Decimal` below 9 000 000 000 000, exact to six places. Options: `decimal_places`, 6 if not given."""

"""Amounts of money in one currency."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, Self

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, number_text, plain_text, tidied
from custinfo.core.kinds.numbers import (
    NUMBER_LIMIT,
    Reading,
    amount_parser,
    amount_renderer,
    decode_amount,
    encode_amount,
    places_of,
    spelled_number,
)

__all__ = ["MONEY", "InUnits", "in_units"]

_DEFAULT_PLACES: Final = 2
_DOLLARS: Final = ("USD", "HKD", "TWD", "SGD", "CAD", "AUD", "NZD", "MOP")
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "¥": ("CNY", "JPY"),
    "CN¥": ("CNY",),
    "RMB": ("CNY",),
    "人民币": ("CNY",),
    "元": ("CNY", "TWD", "HKD", "MOP"),
    "元整": ("CNY",),
    "元人民币": ("CNY",),
    "圆": ("CNY",),
    "圆整": ("CNY",),
    "块": ("CNY",),
    "块钱": ("CNY",),
    "$": _DOLLARS,
    "US$": ("USD",),
    "HK$": ("HKD",),
    "NT$": ("TWD",),
    "美元": ("USD",),
    "美金": ("USD",),
    "港币": ("HKD",),
    "港元": ("HKD",),
    "台币": ("TWD",),
    "新台币": ("TWD",),
    "€": ("EUR",),
    "欧元": ("EUR",),
    "£": ("GBP",),
    "英镑": ("GBP",),
    "日元": ("JPY",),
    "日圆": ("JPY",),
    "円": ("JPY",),
    "₩": ("KRW",),
    "韩元": ("KRW",),
    "₽": ("RUB",),
    "卢布": ("RUB",),
    "₹": ("INR",),
}
_CURRENCY: Final = re.compile(
    "|".join(re.escape(name) for name in sorted(_NAMES, key=len, reverse=True)) + "|[A-Za-z]{3}"
)


_SIGNS: Final = "¥￥ "
_MAGNITUDES: Final = ("千", "万", "亿", "w", "W")


class InUnits(Decimal):
    """An amount in the currency of its field; `written` is what was given, in a larger unit."""

    __slots__ = ("written",)
    written: object

    def __new__(cls, number: Decimal, written: object) -> Self:
        """Take the amount, and what was given."""
        made = super().__new__(cls, number)
        made.written = written
        return made

    def __reduce__(self) -> tuple[type[InUnits], Any]:
        return InUnits, (Decimal(self), self.written)


def in_units(raw: object, power: int) -> object:
    """Return a raw amount that is given in units of ten to some power, in the currency itself.

    Text that says its own unit stays as it is, and so does what is no number.

    >>> in_units(80.5, 4), in_units("¥1,200", 3), in_units("50万", 4), in_units("80元", 4)
    (Decimal('8.05E+5'), Decimal('1.200E+6'), '50万', '80元')
    """
    number = _bare_amount(raw)
    if number is None:
        return raw
    sign, digits, exponent = number.as_tuple()  # whatever the decimal context is
    return InUnits(Decimal((sign, digits, int(exponent) + power)), raw)


def _bare_amount(raw: object) -> Decimal | None:
    if not isinstance(raw, str):
        digits = number_text(raw)
        return Decimal(digits) if digits else None
    text = tidied(plain_text(raw))
    if len(text) > NUMBER_LIMIT or text.rstrip(") ").endswith(_MAGNITUDES):
        return None
    reading = spelled_number(text.lstrip(_SIGNS))
    return reading[0] if reading is not None else None


def _currencies(text: str) -> tuple[str, set[str] | None]:
    """Return the text without the names of currencies, and those that it can be in; `None` if it names none."""
    found: set[str] | None = None
    for match in (_CURRENCY.match(text), _last_currency(text)):
        if match is None or match[0] not in text:
            continue
        text = text.removeprefix(match[0]) if match.start() == 0 else text.removesuffix(match[0])
        named = set(_NAMES.get(match[0].upper(), (match[0].upper(),)))
        found = named if found is None else found & named
    return text.strip(), found


def _last_currency(text: str) -> re.Match[str] | None:
    return next((match for match in _CURRENCY.finditer(text) if match.start() and match.end() == len(text)), None)


def spelling_in(currency: str) -> Callable[[str], Reading | str | None]:
    """Return the reader of texts that name `currency` or none."""

    def spell(text: str) -> Reading | str | None:
        reading = spelled_number(text)
        if reading is not None:
            return reading
        sign = text[0] if text[0] in "-+" else ""
        rest, found = _currencies(text[len(sign) :].lstrip())
        if found is None:
            return None
        reading = spelled_number(sign + rest)
        if reading is not None and currency not in found:
            return "wrong_currency"
        return None if reading is None else (reading[0], True)

    return spell


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    currency = str(field.options.get("currency", "CNY")).upper()
    report = Report(field.key, field.kind, "invalid_number", {"currency": currency})
    return amount_parser(report, places_of(field, _DEFAULT_PLACES), spelling_in(currency))


def _renderer(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
    return amount_renderer(places_of(field, _DEFAULT_PLACES))


MONEY: Final = Kind(
    "money",
    _parser,
    _renderer,
    storage="number",
    encode=encode_amount,
    decode=decode_amount,
    cell_format="#,##0.00",
)
"""`Decimal` in one currency. Options: `currency` (`CNY` if not given), `decimal_places` (2, at most 6)."""

"""Whole numbers, decimals and money."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import pytest

from custinfo.core.kinds import BUILT_IN_KINDS, INVALID

Read = Callable[..., tuple[Any, list[str]]]
Show = Callable[..., str]


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        (5, 5, []),
        ("5", 5, []),
        ("-5", -5, []),
        ("007", 7, []),
        (3.0, 3, []),
        ("3.00", 3, []),
        ("１２", 12, ["normalised"]),
        ("1,234", 1234, ["normalised"]),
        ("50万", 500_000, ["normalised"]),
        ("1e3", 1000, ["normalised"]),
        (Decimal("1E3"), 1000, []),
        (2**63 - 1, 2**63 - 1, []),
        ("9223372036854775807", 2**63 - 1, []),
        (2**63, INVALID, ["number_out_of_range"]),
        (-(2**63), INVALID, ["number_out_of_range"]),
        ("9223372036854775808", INVALID, ["number_out_of_range"]),
        (10**400, INVALID, ["number_out_of_range"]),
        ("3.5", INVALID, ["not_whole"]),
        (3.5, INVALID, ["not_whole"]),
        (0.001, INVALID, ["not_whole"]),
        (Decimal("1E-99999"), INVALID, ["not_whole"]),
        (1e16, INVALID, ["precision_lost"]),
        (True, INVALID, ["wrong_type"]),
        ("abc", INVALID, ["invalid_number"]),
        ("²", 2, ["normalised"]),
        ("1" * 65, INVALID, ["invalid_number"]),
        (float("inf"), INVALID, ["invalid_number"]),
    ],
)
def test_whole_numbers(read: Read, raw: object, value: object, codes: list[str]) -> None:
    """A whole number is taken in any spelling, and a fraction is never cut off."""
    assert read("integer", raw) == (value, codes)


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        (500_000, "500000", []),
        (500_000.0, "500000", []),
        ("500000", "500000", []),
        ("500000.00", "500000", []),
        (1234.56, "1234.56", []),
        (0.1 + 0.2, "0.3", []),
        (Decimal("1.10"), "1.1", []),
        (Decimal("-0"), "0", []),
        ("-0.00", "0", []),
        ("¥50万", "500000", ["normalised"]),
        ("￥1,234.50", "1234.5", ["normalised"]),
        ("1,234.50", "1234.5", ["normalised"]),
        ("1 234.50", "1234.5", ["normalised"]),
        ("1,234,567", "1234567", ["normalised"]),
        ("50万", "500000", ["normalised"]),
        ("50 万 元", "500000", ["normalised"]),
        ("50W", "500000", ["normalised"]),
        ("1.2亿", "120000000", ["normalised"]),
        ("5千", "5000", ["normalised"]),
        ("3百万", "3000000", ["normalised"]),
        ("0.5万亿", "500000000000", ["normalised"]),
        ("500000元", "500000", ["normalised"]),
        ("人民币300万元整", "3000000", ["normalised"]),
        ("100万元人民币", "1000000", ["normalised"]),
        ("CNY 3", "3", ["normalised"]),
        ("3 rmb", "3", ["normalised"]),
        ("-¥5", "-5", ["normalised"]),
        ("¥-5", "-5", ["normalised"]),
        ("(1,234.50)", "-1234.5", ["normalised"]),
        ("（5）", "-5", ["normalised"]),
        ("－５", "-5", ["normalised"]),
        ("+5", "5", ["normalised"]),
        (".5", "0.5", ["normalised"]),
        ("8999999999999.99", "8999999999999.99", []),
    ],
)
def test_money_in_usual_spellings(read: Read, raw: object, value: str, codes: list[str]) -> None:
    """Signs, separators, 万 and 亿 give one exact number in one form."""
    amount, found = read("money", raw)
    assert (str(amount), found) == (value, codes)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("USD 3", "wrong_currency"),
        ("$3", "wrong_currency"),
        ("HK$5", "wrong_currency"),
        ("50万美元", "wrong_currency"),
        ("€1,5", "invalid_number"),
        ("1.5 CHF", "wrong_currency"),
        ("$5 CNY", "wrong_currency"),
        ("1,23", "invalid_number"),
        ("1,0000", "invalid_number"),
        ("1.234,50", "invalid_number"),
        ("1,234.5.6", "invalid_number"),
        ("约50万", "invalid_number"),
        ("50-100万", "invalid_number"),
        ("五十万", "invalid_number"),
        ("12%", "invalid_number"),
        ("元", "invalid_number"),
        ("(5", "invalid_number"),
        ("(-5)", "invalid_number"),
        (".", "invalid_number"),
        ("nan", "invalid_number"),
        ("Infinity", "invalid_number"),
        (float("nan"), "invalid_number"),
        (Decimal("sNaN"), "invalid_number"),
        ("1234.567", "too_many_decimals"),
        (33.333333, "too_many_decimals"),
        (Decimal("1E-99999"), "too_many_decimals"),
        ("9000000000000", "number_out_of_range"),
        (9_000_000_000_000, "number_out_of_range"),
        ("9e12", "number_out_of_range"),
        ("1e99", "number_out_of_range"),
        (Decimal("1E+99999"), "number_out_of_range"),
        (1e308, "precision_lost"),
        (10**400, "number_out_of_range"),
        (False, "wrong_type"),
        ([1], "wrong_type"),
    ],
)
def test_money_that_is_refused(read: Read, raw: object, code: str) -> None:
    """Another currency, a guess, a doubtful separator and a number that cannot be stored exactly are refused."""
    assert read("money", raw) == (INVALID, [code])


def test_the_currency_is_an_option(read: Read) -> None:
    """An amount may name the field's own currency by code, sign or word."""
    for text in ("USD 3", "$3", "US$3", "3美元", "3 usd"):
        assert read("money", text, currency="USD") == (Decimal(3), ["normalised"])
    assert read("money", "¥3", currency="USD") == (INVALID, ["wrong_currency"])
    assert read("money", "¥3", currency="JPY", decimal_places=0) == (Decimal(3), ["normalised"])
    assert read("money", "3.5", currency="JPY", decimal_places=0) == (INVALID, ["too_many_decimals"])


def test_amounts_do_not_depend_on_the_decimal_context(read: Read, show: Show) -> None:
    """A host that lowers the precision of decimals does not change what is read, stored or shown."""
    with localcontext(prec=3):
        amount, _ = read("money", "8,999,999,999,999.99")
        stored = BUILT_IN_KINDS["money"].encode(amount)
        assert stored == 8_999_999_999_999_990_000
        assert BUILT_IN_KINDS["money"].decode(stored) == Decimal("8999999999999.99")
        assert show("money", amount) == "8999999999999.99"


@pytest.mark.parametrize(
    ("value", "stored", "text"),
    [("0.5", 500_000, "0.50"), ("-1234.5", -1_234_500_000, "-1234.50"), ("500000", 500_000_000_000, "500000.00")],
)
def test_money_is_stored_in_millionths_and_shown_plain(show: Show, value: str, stored: int, text: str) -> None:
    """The stored number is whole, decodes to the same digits, and the text has no separators."""
    money = BUILT_IN_KINDS["money"]
    assert money.encode(Decimal(value)) == stored
    assert str(money.decode(stored)) == value
    assert show("money", Decimal(value)) == text


def test_decimals_have_up_to_six_places(read: Read, show: Show) -> None:
    """A decimal keeps six places, an option asks for fewer, and the text has no exponent."""
    assert read("decimal", "0.000001") == (Decimal("0.000001"), [])
    assert show("decimal", Decimal("0.000001")) == "0.000001"
    assert read("decimal", "0.0000001") == (INVALID, ["too_many_decimals"])
    assert read("decimal", "1.25", decimal_places=1) == (INVALID, ["too_many_decimals"])
    assert read("decimal", "¥5") == (INVALID, ["invalid_number"])


@pytest.mark.parametrize(
    ("raw", "value"),
    [("25%", "0.25"), ("１２．５％", "0.125"), ("-3 %", "-0.03"), ("1,000%", "10"), ("(5%)", None), ("%", None)],
)
def test_percentages_are_decimals(read: Read, raw: str, value: str | None) -> None:
    """A decimal takes a percentage for the number that it is, as a cell does; whole numbers and amounts refuse it."""
    expected = (INVALID, ["invalid_number"]) if value is None else (Decimal(value), ["normalised"])
    assert read("decimal", raw) == expected
    assert read("integer", raw) == read("money", raw) == (INVALID, ["invalid_number"])
    with localcontext(prec=1):
        assert read("decimal", raw) == expected

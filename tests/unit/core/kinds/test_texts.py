"""Text of one line and of several, yes and no, and what every kind does with odd values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, NoReturn

import pytest

from custinfo.core.kinds import BUILT_IN_KINDS, INVALID
from custinfo.core.records import Masked

Read = Callable[..., tuple[Any, list[str]]]
Show = Callable[..., str]


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("张三", "张三", []),
        ("  Acme Ltd　", "Acme Ltd", []),
        ("ＡＢＣ１２３", "ＡＢＣ１２３", []),
        ("a　b", "a　b", []),
        ("a\tb\r\nc", "a b c", ["normalised"]),
        ("a\n", "a", []),
        ("e\u0301", "\u00e9", []),
        ("x" * 500, "x" * 500, []),
        ("x" * 501, INVALID, ["too_long"]),
        ("a\x00b", INVALID, ["control_character"]),
        ("a\x7f", INVALID, ["control_character"]),
        ("\ud800", INVALID, ["control_character"]),
        (3, "3", ["number_as_text"]),
        (3.0, "3", ["number_as_text"]),
        (3.5, "3.5", ["number_as_text"]),
        (0.0000001, "0.0000001", ["number_as_text"]),
        (Decimal("1.50"), "1.5", ["number_as_text"]),
        (999_999_999_999_999, "999999999999999", ["number_as_text"]),
        (10**15, INVALID, ["precision_lost"]),
        (1e15, INVALID, ["precision_lost"]),
        (10**400, INVALID, ["precision_lost"]),
        (date(2024, 3, 5), "2024-03-05", ["normalised"]),
        (datetime(2024, 3, 5, 10, 30), "2024-03-05 10:30:00", ["normalised"]),  # noqa: DTZ001
        (True, INVALID, ["wrong_type"]),
        (float("nan"), INVALID, ["wrong_type"]),
        (Decimal("sNaN"), INVALID, ["wrong_type"]),
        (b"x", INVALID, ["wrong_type"]),
        (["x"], INVALID, ["wrong_type"]),
        (Masked("1**"), INVALID, ["masked_value"]),
    ],
)
def test_text_is_one_line_as_typed(read: Read, raw: object, value: object, codes: list[str]) -> None:
    """Breaks become blanks, numbers their digits; letters, widths and inner blanks stay."""
    assert read("text", raw) == (value, codes)


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("一\n二", "一\n二", []),
        ("一\r\n二\r三", "一\n二\n三", ["normalised"]),
        ("\n a\tb \n", "a\tb", []),
        ("x" * 20_001, INVALID, ["too_long"]),
    ],
)
def test_long_text_keeps_its_lines(read: Read, raw: str, value: object, codes: list[str]) -> None:
    """Line ends are made alike, and nothing else changes inside."""
    assert read("long_text", raw) == (value, codes)


def test_the_greatest_length_is_an_option(read: Read) -> None:
    """The option `max_length` counts characters after outer blanks are gone."""
    assert read("text", " 四个汉字 ", max_length=4) == ("四个汉字", [])
    assert read("text", "五个汉字了", max_length=4) == (INVALID, ["too_long"])


@pytest.mark.parametrize("raw", [None, "", "   ", "\t\n", "　"])
@pytest.mark.parametrize("kind", sorted(BUILT_IN_KINDS))
def test_a_blank_is_no_value(read: Read, kind: str, raw: object) -> None:
    """Nothing, an empty text and blanks of any width are no value of any kind."""
    assert read(kind, raw) == (None, [])


class Evil:
    """An object that fails at whatever it is asked."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(name)

    def __str__(self) -> NoReturn:
        raise RuntimeError

    __repr__ = __eq__ = __hash__ = __len__ = __iter__ = __bool__ = __float__ = __int__ = __str__  # type: ignore[assignment]


class EvilText(str):
    """A text whose methods fail."""

    __slots__ = ()

    def __str__(self) -> NoReturn:
        raise RuntimeError

    strip = isascii = isprintable = translate = encode = __len__ = __str__  # type: ignore[assignment]


class EvilZone(tzinfo):
    """A time zone that fails."""

    def utcoffset(self, moment: datetime | None, /) -> NoReturn:  # noqa: ARG002
        """Fail."""
        raise RuntimeError

    dst = tzname = utcoffset


@pytest.mark.parametrize("kind", sorted(BUILT_IN_KINDS))
def test_objects_that_fail_are_refused(read: Read, kind: str) -> None:
    """A value whose own methods raise is refused, and the error does not reach the caller."""
    for raw in (Evil(), datetime(2024, 3, 5, tzinfo=EvilZone()), EvilText("x\x00")):
        assert read(kind, raw)[0] is INVALID


@pytest.mark.parametrize("kind", sorted(BUILT_IN_KINDS))
def test_a_control_character_is_named(read: Read, kind: str) -> None:
    """A text with a character that cannot be stored is refused by every kind that takes text."""
    expected = "read_only_field" if kind == "computed" else "control_character"
    assert read(kind, "1\x01") == (INVALID, [expected])


@pytest.mark.parametrize("kind", sorted(set(BUILT_IN_KINDS) - {"computed"}))
def test_a_hostile_length_is_refused_at_once(read: Read, kind: str) -> None:
    """Ten million characters are refused by their length alone."""
    for text in ("1" * 10_000_000, "１" * 3_000_000, "a@" * 3_000_000, " 1" * 3_000_000, "{" * 3_000_000):
        assert read(kind, text)[0] is INVALID


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (1.0, True),
        ("１", True),
        (" 是 ", True),
        *[(word, True) for word in ("是", "有", "对", "√", "Y", "y", "yes", "YES", "True", "true", "1", "真")],
        *[(word, False) for word in ("否", "无", "错", "×", "N", "n", "no", "No", "FALSE", "false", "0", "没有")],
    ],
)
def test_yes_and_no_are_understood(read: Read, raw: object, value: object) -> None:
    """The usual words and signs for yes and no are taken without a notice."""
    assert read("boolean", raw) == (value, [])


@pytest.mark.parametrize("raw", ["maybe", "x", 2, -1, 0.5, float("nan"), Decimal("sNaN"), "是否", "2"])
def test_what_is_neither_yes_nor_no_is_refused(read: Read, raw: object) -> None:
    """A word that could mean either, and any other number, is refused."""
    assert read("boolean", raw) == (INVALID, ["invalid_boolean"])


def test_yes_and_no_are_shown_in_the_language(show: Show) -> None:
    """Yes and no are 是 and 否 in Chinese, English words elsewhere, and 1 and 0 in storage."""
    assert [show("boolean", value) for value in (True, False)] == ["是", "否"]
    assert [show("boolean", value, at={"language": "en"}) for value in (True, False)] == ["yes", "no"]
    boolean = BUILT_IN_KINDS["boolean"]
    assert [boolean.encode(value) for value in (True, False)] == [1, 0]
    assert [boolean.decode(value) for value in (1, 0)] == [True, False]

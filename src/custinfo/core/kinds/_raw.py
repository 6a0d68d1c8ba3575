"""What every parser needs: reading raw values of any type without ever raising."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite
from typing import Final

import attrs

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import INVALID, Invalid
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import Masked
from custinfo.core.text import CONTROL, narrowed

__all__ = [
    "EXACT_DIGITS",
    "Report",
    "number_text",
    "plain_text",
    "read_identifier",
    "read_text",
    "tidied",
    "without_outer_marks",
]

EXACT_DIGITS: Final = 10**15
"""From here on a spreadsheet no longer keeps every digit of a number."""

_SCIENTIFIC: Final = re.compile(r"[0-9]\.[0-9]+[Ee]\+(?:09|[1-9][0-9])")
_WHOLE: Final = re.compile(r"[0-9]{5,15}\.0")

_MARKS: Final = "\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
"""Characters without width that come along when people copy from chats, web pages and address books."""
_INVISIBLE: Final = re.compile(f"[{_MARKS}]")
_OUTER: Final = "".join(filter(re.compile(rf"[\s{_MARKS}]").match, map(chr, range(0x10000))))
"""The same, and blanks."""


@attrs.frozen
class Report:
    """Make and append the problems of one field.

    Args:
        key: The field's key.
        kind: The field's kind, named when a value is of another type.
        code: Code of a value that cannot be read.
        params: Parameters of that code.
    """

    key: str
    kind: str
    code: str
    params: dict[str, ParamValue] = attrs.field(factory=dict)

    @classmethod
    def of(cls, field: FieldDefinition, code: str, **params: ParamValue) -> Report:
        """Return the reporter of `field`, whose unreadable values have the problem `code`."""
        return cls(field.key, field.kind, code, params)

    def refuse(self, problems: list[Problem], code: str = "", **params: ParamValue) -> Invalid:
        """Append an error and return `INVALID`; without a code it is that of an unreadable value."""
        problems.append(Problem(code or self.code, self.key, params=params if code else self.params))
        return INVALID

    def refuse_type(self, raw: object, problems: list[Problem]) -> Invalid:
        """Append the error for a value of a type that the kind does not take, and return `INVALID`."""
        if isinstance(raw, Masked):
            return self.refuse(problems, "masked_value")
        return self.refuse(problems, "wrong_type", kind=self.kind)

    def remark(self, problems: list[Problem], code: str = "normalised") -> None:
        """Append the notice that the form of the value was changed."""
        problems.append(Problem(code, self.key, severity="notice"))

    def warn(self, problems: list[Problem], code: str) -> None:
        """Append a warning: the value is taken, but worth a look."""
        problems.append(Problem(code, self.key, severity="warning"))

    def compare(self, raw: object, value: str, problems: list[Problem]) -> str:
        """Return `value`, with a notice if people would see that it is spelled unlike `raw`."""
        if not isinstance(raw, str):
            self.remark(problems, "number_as_text")
        elif plain_text(raw) != value:
            self.remark(problems)
        return value


def plain_text(raw: str) -> str:
    """Return the text of `raw` without outer blanks, as an exact `str` whatever its subclass."""
    return str.__str__(raw).strip()


def tidied(text: str) -> str:
    """Return `text` narrow, without invisible marks and outer blanks."""
    return text if text.isascii() else _INVISIBLE.sub("", narrowed(text)).strip()


def without_outer_marks(text: str) -> str:
    r"""Return `text` without blanks and invisible marks around it; within it they may belong to the writing.

    >>> without_outer_marks("\ufeff 甲公司\u200b")
    '甲公司'
    """
    return text.strip(_OUTER)


def number_text(raw: object) -> str | None:
    """Return the digits of a number as a spreadsheet shows them; empty if it has lost digits, `None` if not one.

    >>> number_text(13812345678.0), number_text(10**15), number_text(True)
    ('13812345678', '', None)
    """
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return int.__repr__(raw) if -EXACT_DIGITS < raw < EXACT_DIGITS else ""
    if isinstance(raw, float):
        if raw.is_integer() and -EXACT_DIGITS < raw < EXACT_DIGITS:
            return int.__repr__(int(raw))
        if not isfinite(raw):
            return None
        raw = Decimal(float.__format__(raw, ".15g")) if abs(raw) < EXACT_DIGITS else Decimal(EXACT_DIGITS)
    if not isinstance(raw, Decimal) or not raw.is_finite():
        return None
    if raw.adjusted() >= 15:
        return ""
    if int(raw.as_tuple().exponent) < -30:
        return None
    text = Decimal.__format__(raw, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_text(raw: object, report: Report, limit: int, problems: list[Problem]) -> str | Invalid | None:
    """Return text without outer blanks, `None` for a blank; numbers become their digits.

    A text longer than `limit`, with characters that cannot be stored, or of another type is refused.
    """
    if isinstance(raw, str):
        text = plain_text(raw)
        if len(text) > limit:
            return report.refuse(problems)
        if not text.isprintable() and CONTROL.search(text):
            return report.refuse(problems, "control_character")
        return text or None
    if raw is None:
        return None
    digits = number_text(raw)
    if digits == "":
        return report.refuse(problems, "precision_lost")
    return report.refuse_type(raw, problems) if digits is None else digits


def read_identifier(raw: object, report: Report, limit: int, problems: list[Problem]) -> str | Invalid | None:
    """Return what `read_text` does, made narrow and without invisible marks.

    The text of a number as programs write it, `13812345678.0`, is its digits; `1.38E+10` has lost them.
    """
    text = read_text(raw, report, limit, problems)
    if not isinstance(text, str):
        return text
    if "." in text:
        if _SCIENTIFIC.fullmatch(text):
            return report.refuse(problems, "precision_lost")
        if _WHOLE.fullmatch(text):
            return text[:-2]
    return tidied(text) or report.refuse(problems)

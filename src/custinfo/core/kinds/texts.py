"""Text of one line and of several."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any, Final
from unicodedata import is_normalized, normalize

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Invalid, Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, number_text, plain_text, without_outer_marks
from custinfo.core.problems import Problem
from custinfo.core.text import CONTROL

__all__ = ["LONG_TEXT", "TEXT"]

_LINE_LIMIT: Final = 500
_LINES_LIMIT: Final = 20_000
_BREAKS: Final = re.compile("[\t\r\n\x85\u2028\u2029]+")
_LINE_ENDS: Final = re.compile("\r\n?|[\x85\u2028\u2029]")


def limit_of(field: FieldDefinition, default: int) -> int:
    """Return the greatest length that the field takes."""
    limit = field.options.get("max_length", default)
    return limit if isinstance(limit, int) and limit > 0 else default


def _read_date(raw: date, report: Report, problems: list[Problem]) -> str | Invalid:
    try:
        text = raw.isoformat(" ") if isinstance(raw, datetime) else raw.isoformat()
    except Exception:  # a time zone that somebody else wrote may raise anything
        return report.refuse_type(raw, problems)
    report.remark(problems)
    return text


def _read_other(raw: object, report: Report, problems: list[Problem]) -> str | Invalid | None:
    if raw is None:
        return None
    if isinstance(raw, date):
        return _read_date(raw, report, problems)
    if type(raw) is time:
        report.remark(problems)
        return raw.isoformat("seconds" if raw.second else "minutes")
    digits = number_text(raw)
    if digits is None:
        return report.refuse_type(raw, problems)
    if not digits:
        return report.refuse(problems, "precision_lost")
    report.remark(problems, "number_as_text")
    return digits


def _compiled(field: FieldDefinition, limit: int, breaks: re.Pattern[str], replacement: str) -> Parser:
    report = Report.of(field, "too_long", limit=limit)

    def read(raw: object, problems: list[Problem]) -> str | Invalid | None:
        text = plain_text(raw) if isinstance(raw, str) else _read_other(raw, report, problems)
        if not isinstance(text, str):
            return text
        if len(text) > limit:
            return report.refuse(problems)
        if CONTROL.search(text):
            return report.refuse(problems, "control_character")
        joined = breaks.sub(replacement, without_outer_marks(text))
        if joined != text:
            report.remark(problems)
        joined = without_outer_marks(normalize("NFC", joined))
        return report.refuse(problems) if len(joined) > limit else joined or None

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is str:
            text = raw.strip()
            if len(text) <= limit and text.isprintable() and (text.isascii() or is_normalized("NFC", text)):
                return text or None
        return read(raw, problems)

    return parse


def _line_parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    return _compiled(field, limit_of(field, _LINE_LIMIT), _BREAKS, " ")


def _lines_parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    return _compiled(field, limit_of(field, _LINES_LIMIT), _LINE_ENDS, "\n")


def as_is(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
    """Make the renderer of values that are shown as they are stored."""
    return str


TEXT: Final = Kind("text", _line_parser, as_is, cell_format="@")
"""One line: breaks and tabs become blanks. Characters stay as typed, in Unicode's composed form (NFC).

Options: `max_length` in characters, 500 if not given.
"""

LONG_TEXT: Final = Kind("long_text", _lines_parser, as_is, cell_format="@")
"""Several lines. Options: `max_length` in characters, 20 000 if not given."""

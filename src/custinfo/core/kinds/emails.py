"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Invalid, Kind, KindContext, Parser
from custinfo.core.kinds._raw import Report, read_text
from custinfo.core.kinds.texts import as_is
from custinfo.core.problems import Problem

__all__ = ["EMAIL"]

_LIMIT: Final = 320
_SURE_LENGTH: Final = 64
_BREAK: Final = re.compile("[\r\n]")
_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


@cache
def plain_address() -> Callable[[str], object]:
    """Return a test that holds only for addresses that email-validator takes and leaves as they are.

    Lower-case ASCII with single hyphens, at most 64 characters, so that no part can be too long.
    """
    from email_validator import SPECIAL_USE_DOMAIN_NAMES  # noqa: PLC0415 - loaded on first use

    reserved = "|".join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES))
    word = "[a-z0-9_+-]++"
    return re.compile(
        rf"{word}(?:\.{word})*+@(?!(?:[^@]*\.)?(?:{reserved})\Z)"
        r"(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)+[a-z]{2,}"
    ).fullmatch


def _validated(text: str) -> str | None:
    """Return the form that email-validator gives with its default options, without asking the network."""
    from email_validator import validate_email  # noqa: PLC0415 - loaded on first use

    try:
        return str(validate_email(text, check_deliverability=False).normalized)
    except (ValueError, IndexError):  # the second: its own slips on odd input
        return None


def _read(raw: object, report: Report, problems: list[Problem]) -> str | Invalid | None:
    if not isinstance(raw, str | None):
        return report.refuse_type(raw, problems)
    text = read_text(raw, report, _LIMIT, problems)
    if not isinstance(text, str):
        return text
    if raw is None or _BREAK.search(raw):
        return report.refuse(problems)
    value = _validated(text.translate(_WIDE))
    return report.compare(raw, value, problems) if value else report.refuse(problems)


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "invalid_email")

    matches: Callable[[str], object] = str.isascii

    def first_use(text: str) -> object:
        nonlocal matches
        matches = plain_address()
        return matches(text)

    matches = first_use

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is str and len(raw) <= _SURE_LENGTH and matches(raw):
            return raw
        return _read(raw, report, problems)

    return parse


EMAIL: Final = Kind("email", _parser, as_is, cell_format="@", ordered=False)
"""`str` as email-validator writes it: the domain in lower case, international names in Unicode.

A line break is refused even at the end: it means two addresses in a cell, or an attack on mail headers.
"""

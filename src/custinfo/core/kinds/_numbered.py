"""Numbers that somebody was given, with a check character and a region in them: what their kinds have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from custinfo.core.kinds._kind import Invalid
from custinfo.core.kinds._raw import Report, read_identifier
from custinfo.core.problems import Problem

__all__ = ["read_numbered"]

_LIMIT: Final = 64
_SEPARATORS: Final = re.compile(r"[\s\-]+")


def read_numbered(
    raw: object,
    report: Report,
    problems: list[Problem],
    *,
    valid: Callable[[str], bool],
    known: Callable[[str], bool],
) -> str | Invalid | None:
    """Return the number that `raw` spells, without separators and with capitals.

    Args:
        raw: A text or a number.
        report: Reports what is wrong.
        problems: Where problems are added.
        valid: Tells whether form and check character are right; what is not is refused.
        known: Tells whether the region in it is one; the list may be older than the number, so this is a warning.
    """
    text = read_identifier(raw, report, _LIMIT, problems)
    if not isinstance(text, str):
        return text
    number = _SEPARATORS.sub("", text).upper()
    if not valid(number):
        return report.refuse(problems)
    if not known(number):
        report.warn(problems, "unknown_region")
    return report.compare(raw, number, problems)

"""Resident identity numbers."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Kind, KindContext, Parser
from custinfo.core.kinds._numbered import read_numbered
from custinfo.core.kinds._raw import Report
from custinfo.core.kinds.texts import as_is
from custinfo.core.problems import Problem

__all__ = ["RESIDENT_ID", "is_resident_id"]

_SHAPE: Final = re.compile(r"[0-9]{17}[0-9X]").fullmatch
_CHECKS: Final = "1X864209753"
"""The check character of each remainder.

The weights of GB 11643 are the powers of 2. Read to the base 13, which is 2 beyond 11, the digits come to half of the
weighted sum, but for multiples of 11: `int` adds it up in one go.
"""


def is_resident_id(text: str) -> bool:
    """Whether form, check character and birth date are those of GB 11643-1999.

    >>> is_resident_id("360426199101010071"), is_resident_id("360426199113010079")
    (True, False)
    """
    if _SHAPE(text) is None or _CHECKS[int(text[:17], 13) % 11] != text[17]:
        return False
    try:
        date.fromisoformat(text[6:14])
    except ValueError:
        return False
    return True


@lru_cache(maxsize=8192)
def is_known_region(region: str, year: str) -> bool:
    """Whether the region was on the list of GB/T 2260 in that year, as python-stdnum has it."""
    from stdnum.cn import ric  # noqa: PLC0415 - loaded on first use
    from stdnum.exceptions import ValidationError  # noqa: PLC0415 - loaded on first use

    try:
        return bool(ric.get_birth_place(f"{region}{year}01010000"))
    except (ValidationError, KeyError):  # it has provinces without counties
        return False


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "invalid_resident_id")
    valid, known = is_resident_id, is_known_region

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is str and valid(raw) and known(raw[:6], raw[6:10]):
            return raw
        return read_numbered(
            raw, report, problems, valid=valid, known=lambda number: is_known_region(number[:6], number[6:10])
        )

    return parse


RESIDENT_ID: Final = Kind("resident_id", _parser, as_is, cell_format="@", ordered=False)
"""`str` of 18 characters. The check character and a real birth date decide; an unknown region is a warning."""

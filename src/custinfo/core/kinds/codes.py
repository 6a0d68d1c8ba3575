"""Unified social credit codes of Chinese organisations."""

from __future__ import annotations

import re
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Kind, KindContext, Parser
from custinfo.core.kinds._numbered import read_numbered
from custinfo.core.kinds._raw import Report
from custinfo.core.kinds.texts import as_is
from custinfo.core.problems import Problem

__all__ = ["USCC", "is_uscc"]

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SHAPE: Final = re.compile(rf"[0-9ANY][0-9]{{7}}[{_ALPHABET}]{{10}}").fullmatch
_DIGITS: Final = bytes.maketrans(_ALPHABET.encode(), b"0123456789abcdefghijklmnopqrstu")
_CHECKS: Final = "0" + _ALPHABET[:0:-1]
"""The check character of each remainder.

The weights of GB 32100 are the powers of 3. Read backwards to the base 34, which is 3 beyond 31, the digits of a code
come to the same weighted sum, but for multiples of 31: `int` adds it up in one go.
"""
_PROVINCES: Final = frozenset(
    str(code)
    for codes in (
        range(10, 16),
        range(21, 24),
        range(31, 38),
        range(41, 47),
        range(50, 55),
        range(61, 67),
        (71, 81, 82, 83),
    )
    for code in codes
)
"""First two digits of a region: the provinces of GB/T 2260, 10 for the state, 66 for the Xinjiang corps."""


def is_uscc(text: str) -> bool:
    """Whether form and check character are those of GB 32100-2015.

    >>> is_uscc("91350100M000100Y43"), is_uscc("91350100M000100Y44")
    (True, False)
    """
    return _SHAPE(text) is not None and text[17] == _CHECKS[int(text[16::-1].encode().translate(_DIGITS), 34) % 31]


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "invalid_uscc")
    shape, digits, checks, provinces = _SHAPE, _DIGITS, _CHECKS, _PROVINCES

    def parse(raw: object, problems: list[Problem]) -> Any:
        if (
            type(raw) is str
            and shape(raw)
            and raw[17] == checks[int(raw[16::-1].encode().translate(digits), 34) % 31]
            and raw[2:4] in provinces
        ):
            return raw
        return read_numbered(raw, report, problems, valid=is_uscc, known=lambda code: code[2:4] in _PROVINCES)

    return parse


USCC: Final = Kind("uscc", _parser, as_is, cell_format="@", ordered=False)
"""`str` of 18 characters. The check character decides; an unknown province is a warning."""

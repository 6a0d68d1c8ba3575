"""Comparing what people type."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["CONTROL", "LONGEST_CELL", "folded", "narrowed"]

CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Characters that a spreadsheet cell or a database text cannot hold: control characters and lone surrogates."""

LONGEST_CELL: Final = 32_767
"""Characters that a spreadsheet cell holds, counted in UTF-16."""

_SPACES: Final = re.compile(r"\s+")


def narrowed(text: str) -> str:
    """Return `text` with full-width forms made half-width (NFKC) and outer blanks removed.

    >>> narrowed("　ＡＢＣ１２３ ")
    'ABC123'
    """
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text).strip()


def folded(text: str) -> str:
    """Return the form in which two spellings of one name are equal: narrow, without blanks, case folded.

    >>> folded("制造业 - ＩＴ设备") == folded("制造业-it设备")
    True
    """
    return _SPACES.sub("", narrowed(text)).casefold()

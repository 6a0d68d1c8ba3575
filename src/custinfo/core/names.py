"""Searching for names by a part of them, as people type it: one form for what is searched and what is sought.

People leave out blanks and brackets, and type digits in whatever width their keyboard is set to. In Chinese the normal
question is of two characters, so indexes are made of pairs.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from operator import add
from typing import Final

__all__ = ["grams", "searchable"]

_PLAIN: Final = re.compile("[0-9a-z一-龥]*").fullmatch
"""What is in its form already, as most names are."""

_IGNORED: Final = frozenset("PZSC")
_KEPT: Final = frozenset({"Cn", "Co"})
"""Characters that a later version of Unicode, or the host, gives a meaning: an index must not forget them."""


@lru_cache(maxsize=1 << 16)
def _form(character: str) -> str:
    """Return the form of one character: narrow (NFKC) and case folded; empty for blanks, punctuation and symbols."""
    form, known = character, ""
    while form != known:
        known = form
        form = unicodedata.normalize("NFKC", form).casefold()
    categories = ((item, unicodedata.category(item)) for item in form)
    return "".join(item for item, category in categories if category in _KEPT or category[0] not in _IGNORED)


def searchable(text: str) -> str:
    """Return the form in which `text` is searched, and in which one searches.

    Each character has its form whatever stands beside it. So whatever contains a text also contains it in this form.

    >>> searchable("霁川（苏州）电子ＡＢ-12 有限公司")
    '霁川苏州电子ab12有限公司'
    """
    return text if _PLAIN(text) else "".join(map(_form, text))


def grams(form: str) -> frozenset[str]:
    """Return the pairs of neighbouring characters of a searchable form, and its last character by itself.

    Each character thus begins one. A form contains another of two characters or more only if it has all pairs of that
    one; and one of a single character exactly if one of its grams begins with it.

    >>> sorted(grams("科技公司"))
    ['公司', '司', '技公', '科技']
    """
    return frozenset((*map(add, form, form[1:]), form[-1])) if form else frozenset()

"""Comparing with texts that no database can hold, and finding what starts with a text."""

from __future__ import annotations

import re
from typing import Final

from custinfo.core.criteria.nodes import Operator

__all__ = ["comparable", "is_storable", "successor"]

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_LAST: Final = "\U0010ffff"


def is_storable(text: str) -> bool:
    """Tell whether a database can hold the text: it has no NUL and no lone surrogate."""
    return _UNSTORABLE.search(text) is None


def comparable(operator: Operator, text: str) -> tuple[Operator, str]:
    r"""Return an order comparison that stored texts meet exactly where they meet the given one.

    >>> comparable("lt", "a\0b")
    ('le', 'a')
    """
    match = _UNSTORABLE.search(text)
    if match is None:
        return operator, text
    below = operator in ("lt", "le")
    head = text[: match.start()]
    if match[0] == "\0":
        return ("le" if below else "gt"), head
    return ("lt" if below else "ge"), head + "\ue000"


def successor(prefix: str) -> str | None:
    r"""Return the first text behind all that start with `prefix`; `None` if there is none.

    >>> successor("ab"), successor("\U0010ffff")
    ('ac', None)
    """
    head = prefix.rstrip(_LAST)
    if not head:
        return None
    code = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if code == 0xD800 else code)

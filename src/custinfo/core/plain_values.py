"""Values as JSON has them, for those who read a host's answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final

import attrs

from custinfo.core.records import CLEAR, ERASED, UNREADABLE, Attachment, Masked

__all__ = ["plain_value"]

_EXACT: Final = 2**53 - 1
"""The greatest number up to which JavaScript tells whole numbers from each other."""


def plain_value(value: Any) -> Any:
    """Return a value as JSON has it: a text, a number, `True` or `False`, `None`, a list, or an object.

    A decimal becomes a text, so that none of it is lost, and so does a whole number that JavaScript would round; a date
    `2024-03-05`; a time `2024-03-05T02:30:00Z`, in UTC; an attachment an object of its attributes. What stands in the
    place of a value is an object of one key, which no field takes for a value: `masked` with what is shown,
    `unreadable`, `erased`. Of the built-in kinds, each form read as input gives the very value.

    >>> plain_value((Decimal("1.50"), date(2024, 3, 5), Masked("138****5678")))
    ['1.50', '2024-03-05', {'masked': '138****5678'}]
    """
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -_EXACT <= value <= _EXACT else str(value)
        case Decimal():
            return f"{value:f}"
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():  # and a time without zone, as a kind of the host's may have it
            return value.isoformat()
        case _:
            return _other(value)


def _other(value: Any) -> Any:
    match value:
        case Masked():
            return {"masked": value.text}
        case Attachment():
            return attrs.asdict(value)
        case float() if isfinite(value):
            return value
        case tuple() if hasattr(value, "_asdict"):  # tags and shares
            return {key: plain_value(item) for key, item in value._asdict().items()}
        case tuple() | list():
            return list(map(plain_value, value))
        case Mapping():
            return {str(key): plain_value(item) for key, item in value.items()}
        case _:
            return _instead(value)


def _instead(value: Any) -> Any:
    """Return what stands for no value; a kind of the host's may have anything, which is shown as its text."""
    if value is CLEAR:
        return None
    return {value.value: True} if value is UNREADABLE or value is ERASED else str(value)

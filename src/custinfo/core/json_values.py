"""Constants of criteria and rules in JSON, with their types."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from custinfo.core.exact import decimal_of, decimal_text
from custinfo.core.messages import Translated

__all__ = ["ShapeError", "day_from_json", "json_writer", "moment_from_json", "value_from_json", "value_to_json"]

T = TypeVar("T")


class ShapeError(ValueError):
    """Say in each language what is wrong with the form of JSON data, without what was given."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(chinese, english)
        self.hint: Translated = Translated({"zh": chinese, "en": english}, "en")

    def __str__(self) -> str:
        return str(self.hint)


def json_writer(*, sort_keys: bool = False) -> Callable[[Any], str]:
    """Return what writes JSON data as compact text, no character escaped needlessly.

    It does what `JSONEncoder.encode` does, without making its machine anew for every text.
    """
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, sort_keys=sort_keys)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    escape = json.encoder.encode_basestring
    machine = make(None, encoder.default, escape, None, ":", ",", sort_keys, False, True)  # noqa: FBT003
    return lambda data: "".join(machine(data, 0))


def value_to_json(value: object) -> object:
    """Return `value` as JSON data; a decimal, date or datetime becomes an object of one key that names its type."""
    match value:
        case Decimal():
            return {"decimal": decimal_text(value)}
        case datetime():
            return {"datetime": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case tuple() | list():
            return [value_to_json(item) for item in value]
        case _:
            return value


def value_from_json(value: object) -> object:
    """Return the value that `value_to_json` gave; lists become tuples.

    Raises: ValueError for a decimal, date or datetime that is none; the message does not show what was given.
    """
    match value:
        case {"decimal": str(text)}:
            return _read(decimal_of, text, "应为数字", "expected a decimal")
        case {"datetime": str(text)}:
            return moment_from_json(text)
        case {"date": str(text)}:
            return day_from_json(text)
        case list():
            return tuple(value_from_json(item) for item in value)
        case _:
            return value


def day_from_json(data: object) -> date:
    """Return the day of an ISO 8601 text. Raises: ValueError, without what was given."""
    return _read(date.fromisoformat, data, "应为日期", "expected a date")


def moment_from_json(data: object) -> datetime:
    """Return the time of an ISO 8601 text. Raises: ValueError, without what was given."""
    return _read(datetime.fromisoformat, data, "应为日期时间", "expected a date and time")


def _read(read: Callable[[Any], T], data: object, chinese: str, english: str) -> T:
    try:
        return read(data)
    except (ValueError, TypeError, ArithmeticError):  # Python's own messages quote the text, which may be personal
        raise ShapeError(chinese, english) from None

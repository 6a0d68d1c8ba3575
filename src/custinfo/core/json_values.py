"""Constants of criteria and rules in JSON, with their types."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

__all__ = ["value_from_json", "value_to_json"]


def value_to_json(value: object) -> object:
    """Return `value` as JSON data; a decimal, date or datetime becomes an object of one key that names its type."""
    match value:
        case Decimal():
            return {"decimal": str(value)}
        case datetime():
            return {"datetime": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case tuple() | list():
            return [value_to_json(item) for item in value]
        case _:
            return value


def value_from_json(value: object) -> object:
    """Return the value that `value_to_json` gave; lists become tuples."""
    match value:
        case {"decimal": str(text)}:
            return Decimal(text)
        case {"datetime": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case list():
            return tuple(value_from_json(item) for item in value)
        case _:
            return value

"""What a template refuses while people type: the checks that a spreadsheet can make by itself."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from custinfo.adapters.excel._guidance import Bounds, Guide, bounds_of, length_of, length_text
from custinfo.adapters.excel._phrases import phrase
from custinfo.core.fields import FieldDefinition

__all__ = ["validation_of"]

_LONGEST_TITLE: Final = 32
_LONGEST_MESSAGE: Final = 255
_LONGEST_TEXT: Final = 32_767
_LARGEST: Final = 9_000_000_000_000
_FIRST_DAY: Final = date(1900, 1, 1)
_LAST_DAY: Final = date(9999, 12, 31)

Options = dict[str, Any]


def validation_of(field: FieldDefinition, guide: Guide, entries: str | None) -> Options | None:
    """Return XlsxWriter's options for a column; `None` where everything may be typed.

    Args:
        field: The field.
        guide: Says in words what is allowed.
        entries: Where the entries of the field's dictionary stand, as a formula.
    """
    language = guide.language
    match field.kind:
        case "choice" | "multiple_choice" if entries is not None:
            options: Options = {"validate": "list", "source": entries, "show_error": field.kind == "choice"}
            return _told(options, language, "invalid_list")
        case "boolean":
            words = [phrase(language, "yes"), phrase(language, "no")]
            return _told({"validate": "list", "source": words}, language, "invalid_list")
        case "date" | "datetime":
            bounds = _days(bounds_of(field))
            return _told(_between("date", bounds.low, bounds.high), language, f"invalid_{field.kind}")
        case "integer" | "decimal" | "money":
            return _numbers(field, language)
        case _:
            return _lengths(field, language)


def _days(bounds: Bounds) -> Bounds:
    """Return bounds that are days of a spreadsheet's calendar."""
    low, high = (value.date() if isinstance(value, datetime) else value for value in (bounds.low, bounds.high))
    return Bounds(
        max(low, _FIRST_DAY) if isinstance(low, date) else _FIRST_DAY,
        min(high, _LAST_DAY) if isinstance(high, date) else _LAST_DAY,
    )


def _numbers(field: FieldDefinition, language: str) -> Options:
    whole = field.kind == "integer"
    bounds = bounds_of(field)
    low = -_LARGEST if bounds.low is None else _number(bounds.low)
    if bounds.high is not None:
        options = _between("integer" if whole else "decimal", low, _number(bounds.high))
    else:
        options = {"validate": "integer" if whole else "decimal", "criteria": ">=", "value": low}
    return _told(options, language, "invalid_whole" if whole else "invalid_number", limits=bounds.text(language))


def _number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


def _lengths(field: FieldDefinition, language: str) -> Options | None:
    length = length_of(field)
    if length == Bounds():
        return None
    low, high = length.low or 0, min(length.high or _LONGEST_TEXT, _LONGEST_TEXT)
    return {
        **_told(_between("length", low, high), language, "invalid"),
        "error_message": length_text(Bounds(low, high), language),
    }


def _between(kind: str, low: Any, high: Any) -> Options:
    return {"validate": kind, "criteria": "between", "minimum": low, "maximum": high}


def _told(options: Options, language: str, message: str, **params: object) -> Options:
    return {
        **options,
        "ignore_blank": True,
        "error_title": phrase(language, "invalid")[:_LONGEST_TITLE],
        "error_message": phrase(language, message, **params)[:_LONGEST_MESSAGE],
    }

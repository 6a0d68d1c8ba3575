"""Types of values in formulas, and the kinds of fields to which they belong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

import attrs

from custinfo.core.checks import in_chinese
from custinfo.core.errors import ConfigurationError
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey

__all__ = [
    "CLASSES",
    "TYPE_NAMES",
    "Choices",
    "FieldInfo",
    "FormulaType",
    "ResultType",
    "result_type",
    "type_of_kind",
]

FormulaType = Literal["number", "text", "boolean", "date", "datetime", "choice", "other"]
"""Type of a value. A `choice` is the code of an entry; `other` can only be asked whether it is blank."""

TYPE_NAMES: Final = {
    "number": ("数字", "a number"),
    "text": ("文本", "a text"),
    "boolean": ("逻辑值", "true or false"),
    "date": ("日期", "a date"),
    "datetime": ("日期时间", "a time"),
    "choice": ("选项", "a choice"),
    "other": ("不能计算的类型", "of a kind that formulas cannot use"),
    "blank": ("空", "blank"),
}
"""What people call the types, in Chinese and in English."""

CLASSES: Final[Mapping[str, tuple[type, ...]]] = {
    "number": (int, Decimal),
    "text": (str,),
    "boolean": (bool,),
    "date": (date,),
    "datetime": (datetime,),
    "choice": (str,),
}
"""Of which classes the values of a type are, exactly."""

_KINDS: Final[Mapping[str, FormulaType]] = {
    **dict.fromkeys(("text", "long_text", "phone", "email", "url", "uscc", "resident_id"), "text"),
    **dict.fromkeys(("integer", "decimal", "money"), "number"),
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "choice": "choice",
}
_COMPUTABLE: Final = (
    "text",
    "long_text",
    "integer",
    "decimal",
    "money",
    "boolean",
    "date",
    "datetime",
    "choice",
)
_PLACES: Final = {"integer": 0, "money": 2}
_MOST_PLACES: Final = 6
_LENGTHS: Final = {"long_text": 20_000}
_LINE: Final = 500


@attrs.frozen
class Choices:
    """The entries that a choice has: `key` names their dictionary, `code_of` finds a code by code, label or alias.

    `code_of` returns `None` for a text that names no entry, or several.
    """

    key: str
    code_of: Callable[[str], str | None] = attrs.field(eq=False, repr=False)


@attrs.frozen
class FieldInfo:
    """What a formula must know of a field; `choices` belong to a field of the type `choice`, and only to it."""

    key: FieldKey
    type: FormulaType
    choices: Choices | None = None


@attrs.frozen
class ResultType:
    """What a formula shall come to: a value as fields of some kind have it.

    Args:
        type: Type of the value.
        places: Decimal places to which numbers are rounded, half away from zero.
        whole: Whether numbers are `int` of at most 63 bits, and not `Decimal` below nine trillion.
        longest: The greatest length of a text; a longer one becomes blank.
        lines: Whether texts have several lines.
        choices: The entries, for a `choice`.
    """

    type: FormulaType
    places: int = _MOST_PLACES
    whole: bool = False
    longest: int = _LINE
    lines: bool = False
    choices: Choices | None = None


def type_of_kind(kind: str) -> FormulaType:
    """Return the type of the values of a kind, `other` for lists, references, people, files and kinds of a host.

    >>> type_of_kind("money"), type_of_kind("attachment")
    ('number', 'other')
    """
    return _KINDS.get(kind, "other")


def result_type(
    kind: str, options: Mapping[str, Any] | None = None, *, field: FieldKey, choices: Choices | None = None
) -> ResultType:
    """Return what the formula of a computed field shall come to.

    Args:
        kind: Key of the kind of its values (the option `value_kind`).
        options: The options of the field; `decimal_places` and `max_length` count as for fields of that kind.
        field: Key of the computed field, for problems.
        choices: The entries, if `kind` is `choice`.

    Raises:
        ConfigurationError: `configuration_invalid` for a kind whose values no formula can make.
    """
    if kind not in _COMPUTABLE or (kind == "choice") is (choices is None):
        kinds = ", ".join(_COMPUTABLE)
        hint = Translated(
            {
                "zh": f"公式不能得到“{in_chinese(kind)}”类型的值，只能是：{in_chinese(*_COMPUTABLE)}",
                "en": f"no formula makes {kind}, only {kinds}",
            },
            "en",
        )
        raise ConfigurationError([Problem("configuration_invalid", field, params={"hint": hint})])
    given = options or {}
    places = _whole(given.get("decimal_places"), _PLACES.get(kind, _MOST_PLACES))
    longest = _whole(given.get("max_length"), 0)
    return ResultType(
        type_of_kind(kind),
        places=0 if kind == "integer" else min(max(places, 0), _MOST_PLACES),
        whole=kind == "integer",
        longest=longest if longest > 0 else _LENGTHS.get(kind, _LINE),
        lines=kind == "long_text",
        choices=choices,
    )


def _whole(option: object, default: int) -> int:
    return option if isinstance(option, int) else default

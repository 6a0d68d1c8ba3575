"""Converting a field: from values of the kind that it had to values of the kind that it is given (FLD-1).

Most values go the way that people would take: they are written as text, which is read as anything that people type.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from custinfo.core.checks import NUMBER_KINDS
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import INVALID
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Sealed
from custinfo.core.schema import ModuleSchema

__all__ = ["Converter", "compile_conversion", "is_converted"]

Converter = Callable[[Any, list[Problem]], Any]
"""Turn a typed value of the old kind into one of the new: `INVALID` with problems appended where there is none."""

_MEANINGFUL: Final = ("dictionary", "module", "currency", "value_kind")


def is_converted(old: FieldDefinition, new: FieldDefinition) -> bool:
    """Tell whether stored values of `old` mean something else, or nothing, under `new`."""
    if "computed" in (old.kind, new.kind):
        return new.kind not in ("computed", old.kind)
    return old.kind != new.kind or any(old.options.get(name) != new.options.get(name) for name in _MEANINGFUL)


def compile_conversion(old: ModuleSchema, new: ModuleSchema, key: FieldKey) -> Converter:
    """Return the function from values of a field as `old` has it to values as `new` has it.

    The field is in both, and is not retired in `new`. Sealed values can't be converted before they are opened.
    """
    parse = new.kinds[key].parser(new.definition.fields[key], new.context)
    prepare = _preparation(old, new, key)

    def convert(value: Any, problems: list[Problem]) -> Any:
        if type(value) is Sealed:
            problems.append(Problem("unreadable_value", key, params={"key": "-"}))
            return INVALID
        return parse(prepare(value), problems)

    return convert


def _preparation(old: ModuleSchema, new: ModuleSchema, key: FieldKey) -> Callable[[Any], object]:
    """Return what makes of an old value the raw value to be read."""
    before, after = old.kinds[key].key, new.kinds[key].key
    options = old.definition.fields[key].options, new.definition.fields[key].options
    if before in NUMBER_KINDS and after in NUMBER_KINDS and _same_currency(before, after, *options):
        return _as_it_is
    if before == "datetime" and after == "date":
        return lambda value: _local_day(value, old)
    if {before, after} == {"choice", "multiple_choice"} and options[0].get("dictionary") == options[1].get(
        "dictionary"
    ):
        return _only_one if after == "choice" else _as_it_is
    if before == after == "money":
        # A number alone would be read as an amount in the new currency.
        return lambda value: f"{options[0].get('currency')} {value}"
    return lambda value: old.render(key, value)


def _same_currency(before: str, after: str, old: Any, new: Any) -> bool:
    return before != "money" or after != "money" or old.get("currency") == new.get("currency")


def _as_it_is(value: Any) -> object:
    return value


def _local_day(value: datetime, schema: ModuleSchema) -> object:
    try:
        return value.astimezone(schema.context.zone).date()
    except OverflowError:  # the ends of the calendar
        return value.date()


def _only_one(value: tuple[str, ...]) -> object:
    return value[0] if len(value) == 1 else value

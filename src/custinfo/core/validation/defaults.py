"""Defaults compiled: raw values parsed once, and `"now"`, which is the moment at which it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from custinfo.core.checks import DATE_KINDS
from custinfo.core.kinds import INVALID
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey
from custinfo.core.schema import ModuleSchema

__all__ = ["Default", "compile_default", "is_moment"]

NOW: Final = "now"

Default = Callable[[datetime], Any]
"""Return the typed value that a field gets at an instant."""


def is_moment(module: ModuleSchema, key: FieldKey, raw: object) -> bool:
    """Tell whether a raw default means the moment at which it is set: `"now"` in a date field."""
    return raw == NOW and module.kind_of(key).key in DATE_KINDS


def compile_default(module: ModuleSchema, key: FieldKey, raw: object, problems: list[Problem]) -> Default | None:
    """Return the default of an active field, or `None` with what is wrong appended; a blank is no default."""
    parse = module.parsers[key]
    if is_moment(module, key, raw):
        return lambda now: parse(now, [])
    found: list[Problem] = []
    value = parse(raw, found)
    if value is INVALID:
        problems.extend(problem for problem in found if problem.severity == "error")
        return None
    if value is None:
        problems.append(Problem("required", key))
        return None
    return lambda _now: value

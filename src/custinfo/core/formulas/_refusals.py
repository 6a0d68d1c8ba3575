"""Saying what is wrong with a formula, and where."""

from __future__ import annotations

from custinfo.core.errors import ConfigurationError
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem

__all__ = ["problem_at", "refusal"]


def problem_at(at: int, chinese: str, english: str, field: str | None = None) -> Problem:
    """Return the problem that stands in column `at`, counted from 1."""
    hint = Translated({"zh": chinese, "en": english}, "en")
    return Problem("formula_invalid", field, params={"position": at, "hint": hint})


def refusal(at: int, chinese: str, english: str) -> ConfigurationError:
    """Return the error for a formula that cannot be read any further than column `at`."""
    return ConfigurationError([problem_at(at, chinese, english)])

"""Reading what stands between brackets in a pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from custinfo.core.patterns._nodes import Category, Characters

__all__ = ["CLASSES", "ESCAPES", "HEX", "read_class"]

_CATEGORIES: Final[tuple[Category, ...]] = ("d", "w", "s", "D", "W", "S")
CLASSES: Final[Mapping[str, Characters]] = {name: Characters((), frozenset({name})) for name in _CATEGORIES}
"""What each class letter stands for after a backslash."""

ESCAPES: Final[Mapping[str, str]] = {
    "a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0",
}  # fmt: skip
"""Letters that stand for another character after a backslash."""

HEX: Final = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})")
"""A character by its number."""


def read_class(text: str, at: int) -> tuple[Characters, int] | None:
    """Return the class whose first character after the bracket stands at `at`, and where it ends; `None` if bad."""
    negated = text.startswith("^", at)
    at += negated
    ranges: list[tuple[int, int]] = []
    categories: set[Category] = set()
    start = at
    while at == start or not text.startswith("]", at):
        found = _member(text, at)
        if found is None:
            return None
        low, at = found
        ranged = text.startswith("-", at) and not text.startswith("-]", at)
        if isinstance(low, frozenset):
            if ranged:
                return None
            categories |= low
            continue
        if not ranged:
            ranges.append((low, low))
            continue
        upper = _member(text, at + 1)
        if upper is None or isinstance(upper[0], frozenset) or upper[0] < low:
            return None
        ranges.append((low, upper[0]))
        at = upper[1]
    return Characters(tuple(ranges), frozenset(categories), negated), at + 1


def _member(text: str, at: int) -> tuple[int | frozenset[Category], int] | None:
    """Return the character or the categories that stand at `at`, and where they end."""
    char = text[at : at + 1]
    if char != "\\":
        return (ord(char), at + 1) if char else None
    name = text[at + 1 : at + 2]
    if name in CLASSES:
        return CLASSES[name].categories, at + 2
    if match := HEX.match(text, at):
        code = int(match[0][2:], 16)
        return (code, match.end()) if code <= 0x10FFFF else None
    if name == "b":
        return 8, at + 2
    octal = name == "0" and text[at + 2 : at + 3].isdecimal()
    if not name or octal or (name.isascii() and name.isalnum() and name not in ESCAPES):
        return None
    return ord(ESCAPES.get(name, name)), at + 2

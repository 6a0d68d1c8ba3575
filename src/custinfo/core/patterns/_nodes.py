"""What a pattern consists of, and how large it may be."""

from __future__ import annotations

from typing import Final, Literal

import attrs

__all__ = [
    "MOST_POSITIONS",
    "NESTED_DEEPEST",
    "PATTERN_LONGEST",
    "Anchor",
    "Category",
    "Characters",
    "Either",
    "Node",
    "Pattern",
    "Repeat",
    "Sequence",
    "size",
]

PATTERN_LONGEST: Final = 1000
"""Patterns with more characters are refused."""

MOST_POSITIONS: Final = 1000
"""Patterns that stand for more characters than this, once their repetitions are written out, are refused."""

NESTED_DEEPEST: Final = 50
"""Patterns with groups nested deeper are refused."""

Category = Literal["d", "w", "s", "D", "W", "S"]


@attrs.frozen
class Characters:
    """One character: in one of `ranges` (both ends included) or `categories`, or in none of them if `negated`."""

    ranges: tuple[tuple[int, int], ...] = ()
    categories: frozenset[Category] = frozenset()
    negated: bool = False


@attrs.frozen
class Anchor:
    """An end of the value."""

    end: bool


@attrs.frozen
class Sequence:
    """One after the other; nothing at all where there are no `parts`."""

    parts: tuple[Node, ...]


@attrs.frozen
class Either:
    """One of several."""

    choices: tuple[Node, ...]


@attrs.frozen
class Repeat:
    """The same again, from `least` to `most` times; without limit for `None`."""

    part: Node
    least: int
    most: int | None


Node = Characters | Anchor | Sequence | Either | Repeat


@attrs.frozen
class Pattern:
    """A pattern that was read; with `any_case`, letter case does not matter."""

    root: Node
    any_case: bool


def size(node: Node) -> int:
    """Return how many characters `node` stands for once written out, at least 1."""
    match node:
        case Sequence(parts) | Either(parts):
            return max(1, sum(map(size, parts)))
        case Repeat(part, least, most):
            return size(part) * max(1, least + 1 if most is None else most)
        case _:
            return 1

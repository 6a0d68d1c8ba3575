"""What a formula consists of, and how large it may be."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import attrs

__all__ = [
    "FORMULA_LONGEST",
    "FORMULA_NESTED_DEEPEST",
    "Call",
    "Chain",
    "Constant",
    "Name",
    "Node",
    "Percent",
    "Sign",
    "Step",
    "parts",
]

FORMULA_LONGEST: Final = 2000
"""Formulas with more characters are refused."""

FORMULA_NESTED_DEEPEST: Final = 50
"""Formulas whose operators, functions and parentheses are nested deeper are refused."""


@attrs.frozen
class Constant:
    """A number, a text, or `TRUE` or `FALSE`. `at`, here and below, is the column in the formula, from 1."""

    value: Decimal | str | bool
    at: int


@attrs.frozen
class Name:
    """A field, as it is written: by key, label or alias."""

    text: str
    at: int


@attrs.frozen
class Sign:
    """`-part`, or `+part` where it is not `negative`."""

    part: Node
    negative: bool
    at: int


@attrs.frozen
class Percent:
    """`part%`."""

    part: Node
    at: int


@attrs.frozen
class Step:
    """An operator and what stands to its right; `at` is where the operator stands."""

    operator: str
    part: Node
    at: int


@attrs.frozen
class Chain:
    """Operators of one rank, from left to right. One node for all of them, so that long sums are not deep trees."""

    first: Node
    steps: tuple[Step, ...]
    at: int


@attrs.frozen
class Call:
    """A function, its name in capital letters, and its arguments."""

    function: str
    arguments: tuple[Node, ...]
    at: int


Node = Constant | Name | Sign | Percent | Chain | Call


def parts(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below `node`, from left to right."""
    match node:
        case Sign(part) | Percent(part):
            return (part,)
        case Chain(first, steps):
            return (first, *(step.part for step in steps))
        case Call(_, arguments):
            return arguments
        case _:
            return ()

"""Decimals that come out alike whatever the decimal context of the process is, and leave that as it was."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final

__all__ = ["EXACT", "decimal_of", "decimal_text", "quotient"]


def _context(digits: int) -> Context:
    # Each argument is given: what is not comes from `DefaultContext`, which a host may have changed.
    return Context(digits, ROUND_HALF_EVEN, -999_999, 999_999, capitals=1, clamp=0, flags=[], traps=[InvalidOperation])


EXACT: Final = _context(100)
"""More digits than any stored number has, next to it."""

_QUOTIENTS: Final = _context(28)


def decimal_of(text: str) -> Decimal:
    """Return the number that a text spells in full. Raises: ArithmeticError.

    >>> decimal_of("1.50")
    Decimal('1.50')
    """
    return Decimal(text, EXACT)


def decimal_text(number: Decimal) -> str:
    """Return the text from which `decimal_of` makes the same number again."""
    return EXACT.to_sci_string(number)


def quotient(number: int | Decimal, divisor: int) -> Decimal:
    """Return a number by another, to 28 digits. Raises: ArithmeticError for a divisor that is zero."""
    return _QUOTIENTS.divide(Decimal(number), divisor)

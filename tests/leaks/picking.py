"""Drawing by choosing: plain functions that ask hypothesis for one number at a time.

Strategies that are made while drawing take longer than all that is tested with what they give.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


@cache
def _below(limit: int) -> st.SearchStrategy[int]:
    return st.integers(0, limit - 1)


class Pick:
    """Choose from what is given; the first thing is the simplest, to which hypothesis shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def __call__(self, *options: T) -> T:
        """Return one of the arguments."""
        return options[self._draw(_below(len(options)))]

    def of(self, options: Sequence[T]) -> T:
        """Return one of several."""
        return options[self._draw(_below(len(options)))]

    def pair(self, options: Sequence[T]) -> tuple[T, T]:
        """Return two of several, which may be the same."""
        return self.of(options), self.of(options)

    def number(self, least: int, most: int) -> int:
        """Return a number, both ends included."""
        return least + self._draw(_below(most - least + 1))

    def coin(self) -> bool:
        """Return yes or no."""
        return self.one_in(2)

    def one_in(self, number: int) -> bool:
        """Return yes once in so many times."""
        return self._draw(_below(number)) == number - 1

    def some(self, options: Sequence[T], least: int, most: int) -> list[T]:
        """Return several different ones, in any order."""
        left = list(options)
        number = min(self.number(least, most), len(left))
        return [left.pop(self._draw(_below(len(left)))) for _ in range(number)]

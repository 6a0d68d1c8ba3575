"""Which positions of a pattern a character can stand at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from custinfo.core.patterns._nodes import Characters

__all__ = ["Alphabet"]

_Key = tuple[int, bool, bool, bool]
_REMEMBERED: Final = 4096


class Alphabet:
    """Give the positions of a character as the bits of an integer.

    Characters that no class of the pattern tells apart are judged once for all: what is worked out is bounded by the
    pattern, not by the characters of values.
    """

    def __init__(self, positions: Sequence[Characters], any_case: bool) -> None:
        """Take the class of characters at each position."""
        masks: dict[Characters, int] = {}
        for index, characters in enumerate(positions):
            masks[characters] = masks.get(characters, 0) | 1 << index
        self._classes = tuple(masks.items())
        self._negated = sum(mask for characters, mask in self._classes if characters.negated)
        self._any_case = any_case
        edges = {edge for item in masks for low, high in item.ranges for edge in (low, high + 1)}
        self._edges = sorted(edges)
        self._inside = _intervals(self._edges, self._classes)
        self._judged: dict[_Key, int] = {}
        self._known: dict[str, int] = {}

    def positions(self, char: str) -> int:
        """Return the positions at which `char` can stand."""
        known = self._known.get(char)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            inner = 0
            for variant in _variants(char) if self._any_case else (char,):
                inner |= self._listed(variant)
            known = self._known[char] = inner ^ self._negated
        return known

    def _listed(self, char: str) -> int:
        """Return the positions whose ranges or categories name `char`, negated or not."""
        interval = bisect_right(self._edges, ord(char))
        digit, word, space = char.isdecimal(), char.isalnum() or char == "_", char.isspace()
        key = (interval, digit, word, space)
        found = self._judged.get(key)
        if found is None:
            names = {"d" if digit else "D", "w" if word else "W", "s" if space else "S"}
            found = self._inside[interval]
            for characters, mask in self._classes:
                if not characters.categories.isdisjoint(names):
                    found |= mask
            self._judged[key] = found
        return found


def _intervals(edges: Sequence[int], classes: Sequence[tuple[Characters, int]]) -> list[int]:
    """Return the positions whose ranges cover each interval between edges, the outer ones included."""
    starts: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for number, (characters, _) in enumerate(classes):
        for low, high in _merged(characters.ranges):
            starts.setdefault(low, []).append(number)
            ends.setdefault(high + 1, []).append(number)
    inside, found = 0, [0]
    for edge in edges:
        for number in ends.get(edge, ()):
            inside &= ~classes[number][1]
        for number in starts.get(edge, ()):
            inside |= classes[number][1]
        found.append(inside)
    return found


def _merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ranges of which no two overlap or touch."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _variants(char: str) -> set[str]:
    """Return the characters that differ from `char` in letter case only, as far as each is one character."""
    found = {char}
    for _ in range(2):
        found |= {text for item in found for text in (item.lower(), item.upper()) if len(text) == 1}
    return found

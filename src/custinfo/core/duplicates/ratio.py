"""How much two texts are alike, without a library."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Ratio", "plain_ratio"]

Ratio = Callable[[str, str], float]
"""Return from 0 to 1 how much two texts have in common, in order: twice that, by both lengths."""


def plain_ratio(one: str, other: str) -> float:
    """Return the share of the longest common subsequence, as `rapidfuzz.distance.Indel.normalized_similarity` does.

    By the bit-parallel method of Hyyrö (2004): a row of the table is one integer.

    >>> plain_ratio("霁川电子", "霁川电器")
    0.75
    """
    length = len(one) + len(other)
    if not length:
        return 1.0
    places: dict[str, int] = {}
    for place, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << place
    whole = (1 << len(one)) - 1
    row = whole
    for character in other:
        common = row & places.get(character, 0)
        row = (row + common) | (row - common)
    return 2 * (len(one) - (row & whole).bit_count()) / length

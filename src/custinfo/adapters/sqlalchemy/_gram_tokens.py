"""Pairs of characters and departments as numbers and words, of which indexes of titles are made.

A number tells apart what it stands for in which field of which tenant; where two share one, looking for either takes a
little longer, and finds nothing else.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final
from zlib import crc32

from custinfo.core.names import grams
from custinfo.core.records import FieldKey, ModuleKey

__all__ = [
    "beginning",
    "department_number",
    "department_word",
    "last_beginning",
    "scope_of",
    "sought_tokens",
    "token",
    "tokens_of",
    "word",
    "word_of",
]

_BITS: Final = 21
"""Enough for a character; two of them and as much of the scope make a number of 63 bits."""

_MASK: Final = (1 << _BITS) - 1
_MOST: Final = 16
"""How many pairs of a long question are looked up."""


@lru_cache(maxsize=1024)
def scope_of(tenant: str, module: ModuleKey, field: FieldKey) -> int:
    """Return a number for a field, with room for two characters."""
    return (crc32(f"{tenant}\0{module}\0{field}".encode()) & _MASK) << 2 * _BITS


def token(scope: int, gram: str) -> int:
    """Return the number of a pair, or of a single character."""
    return scope | ord(gram[0]) << _BITS | (ord(gram[1]) if len(gram) > 1 else 0)


def last_beginning(first: int) -> int:
    """Return the last number of those that begin with the character of `first`."""
    return first | _MASK


def tokens_of(scope: int, form: str) -> list[int]:
    """Return the numbers of what a title is made of."""
    return [token(scope, gram) for gram in grams(form)]


def sought_tokens(scope: int, form: str) -> list[int]:
    """Return the numbers that whatever contains `form` has; of a single character, the first that begin with it."""
    pairs = dict.fromkeys(form[place : place + 2] for place in range(len(form) - 1))
    return [token(scope, gram) for gram in [*pairs][:_MOST] or [form]]


@lru_cache(maxsize=1 << 14)
def department_number(scope: int, department: str) -> int:
    """Return a number for a department, below those of all pairs."""
    digest = blake2b(f"{scope}\0{department}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return -1 - (int.from_bytes(digest, "big") >> 1)


@lru_cache(maxsize=1 << 16)
def word_of(scope: int, gram: str) -> str:
    """Return the word of a pair: the same few make up most titles."""
    return word(token(scope, gram))


def word(number: int) -> str:
    """Return the word of a pair's number."""
    return f"{number >> _BITS:011x}{number & _MASK:06x}"


def beginning(number: int) -> str:
    """Return the question for all words of pairs that begin with the character of a number."""
    return f"{number >> _BITS:011x}*"


def department_word(scope: int, department: str) -> str:
    """Return the word of a department, which begins as that of no pair does."""
    return f"d{-department_number(scope, department):x}"

"""Regular expressions whose time is linear in the value, whatever the pattern.

`re` backtracks: one careless pattern, or one hostile value, and a process hangs. Here a pattern becomes an automaton
that reads every character once, with memory that is bounded. What such an automaton can't do (references back to
groups, looking around, word boundaries) is refused when the pattern is compiled, by name.
"""

from __future__ import annotations

from collections.abc import Callable

from custinfo.core.patterns._automaton import Automaton
from custinfo.core.patterns._nodes import MOST_POSITIONS, NESTED_DEEPEST, PATTERN_LONGEST
from custinfo.core.patterns._parser import parse

__all__ = ["MOST_POSITIONS", "NESTED_DEEPEST", "PATTERN_LONGEST", "compile_pattern"]


def compile_pattern(text: str) -> Callable[[str], bool]:
    r"""Return a function that tells whether a whole value has the form `text`.

    Args:
        text: Literals, `.`, classes (`[a-z]`, `[^x]`, `\d \w \s \D \W \S`), groups, `|`, `* + ? {m} {m,} {,n} {m,n}`
            (lazy ones mean the same), `^` and `$` for the ends of the value, escapes as in Python's `re`, and `(?i)` in
            front. Classes follow Unicode as `re` does.

    Raises:
        ConfigurationError: `pattern_invalid` for what can't be read, `pattern_not_supported` for what is not linear,
            `pattern_too_large` for more than 1000 characters, 1000 characters once repetitions are written out, or 50
            nested groups.

    >>> matches = compile_pattern(r"KH\d{6}")
    >>> matches("KH000001"), matches("KH000001 ")
    (True, False)
    >>> compile_pattern("(a+)+")("a" * 100_000 + "!")
    False
    """
    return Automaton(parse(text)).matches

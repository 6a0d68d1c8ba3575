"""What holds for every pattern: the same answer as `re`, and steps that the value bounds."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from custinfo.core.errors import ConfigurationError
from custinfo.core.patterns import compile_pattern
from custinfo.core.patterns._automaton import Automaton
from custinfo.core.patterns._parser import parse

LETTERS = "abAB01_ 中é-.\n"
LITERALS = st.sampled_from(["a", "b", "A", "0", "_", " ", "中", "é", r"\.", "-", r"\-", r"\n", r"\x61", r"中", r"\\"])
CLASSES = st.sampled_from([
    ".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "[ab]", "[^a]", "[a-z]", r"[^\d_]", r"[\w.]", "[]a]", "[^]a]",
    r"[\D0]", r"[a\-z]", "[a-]", "[一-龥]", r"[^\W中]", "[0-9A-F]",
])  # fmt: skip
QUANTIFIERS = st.sampled_from(
    ["*", "+", "?", "{2}", "{0}", "{1,}", "{0,2}", "{1,3}", "{,2}", "*?", "+?", "??", "{1,2}?"]
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Combine patterns to larger ones."""
    return st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, QUANTIFIERS).map(lambda pair: f"({pair[0]}){pair[1]}"),
        inner.map(lambda part: f"(?P<name{abs(hash(part))}>{part})"),
    )


ANCHORED = st.sampled_from(["^", "$", r"\A", r"\Z"])
LEAVES = st.one_of(LITERALS, CLASSES, st.tuples(LITERALS | CLASSES, QUANTIFIERS).map("".join))
PATTERNS = st.recursive(LEAVES, grown, max_leaves=6)
WITH_ANCHORS = st.recursive(st.one_of(LEAVES, ANCHORED), grown, max_leaves=5)


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile with `re`, leaving out what it refuses."""
    try:
        return re.compile(pattern)
    except re.error:
        reject()


@given(PATTERNS, st.lists(st.text(LETTERS, max_size=8), max_size=6))
@settings(max_examples=400)
@example("(a|b)*?", ["ab", "", "abc"])
def test_the_same_answer_as_re(pattern: str, values: list[str]) -> None:
    """Whether a whole value matches is what `re.fullmatch` says."""
    theirs, ours = compiled(pattern), compile_pattern(pattern)
    for value in ["", *values]:
        assert ours(value) == (theirs.fullmatch(value) is not None), (pattern, value)


@given(PATTERNS, st.data())
@settings(max_examples=200)
def test_values_made_for_the_pattern(pattern: str, data: Any) -> None:
    """A value that was made to match does."""
    value = data.draw(st.from_regex(compiled(pattern), fullmatch=True))
    assert compile_pattern(pattern)(value)


@given(WITH_ANCHORS, st.lists(st.text("abA0 中", max_size=5), max_size=4))
@settings(max_examples=300)
def test_anchors(pattern: str, values: list[str]) -> None:
    """Anchors are the ends of the value, wherever in the pattern they stand."""
    theirs = compiled(re.sub(r"(?<!\\)\$", r"\\Z", pattern))
    ours = compile_pattern(pattern)
    for value in ["", *values]:
        assert ours(value) == (theirs.fullmatch(value) is not None), (pattern, value)


@given(st.lists(st.sampled_from(["a", "B", "é", "[a-c]", "[^a]", "[^A-C]", r"\w", "1", "ß"]), max_size=4).map("".join),
       st.lists(st.text("aAbBcCdéÉ1ß", max_size=4), max_size=6))  # fmt: skip
def test_letter_case(pattern: str, values: list[str]) -> None:
    """With `(?i)` in front, case matters no more than it does to `re`."""
    theirs, ours = re.compile(f"(?i){pattern}"), compile_pattern(f"(?i){pattern}")
    for value in values:
        assert ours(value) == (theirs.fullmatch(value) is not None), (pattern, value)


@pytest.mark.parametrize("pattern", [".", r"\d", r"\w", r"\s", r"\W", r"[^\s\d]", "[b-y]", "[^中]"])
def test_every_character_there_is(pattern: str) -> None:
    """Classes hold exactly the characters that they hold for `re`."""
    theirs, ours = re.compile(pattern).fullmatch, compile_pattern(pattern)
    for code in range(0, 0x110000, 3 if pattern != r"\w" else 1):
        char = chr(code)
        assert ours(char) == (theirs(char) is not None), (hex(code), unicodedata.category(char))


def outcome(text: str) -> Callable[[str], bool] | ConfigurationError:
    """Compile a pattern, or return why it is refused."""
    try:
        return compile_pattern(text)
    except ConfigurationError as error:
        return error


@given(st.text(r"ab01{}[](),|*+?^$\.-:<>=!PidwsB", max_size=14))
@settings(max_examples=500)
def test_any_text_compiles_or_is_refused(text: str) -> None:
    """Whatever is given is compiled or refused; what `re` refuses, we refuse, and what both take means the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # re warns of sets within sets, which it reads as we do
        try:
            theirs = re.compile(text)
        except (re.error, OverflowError):
            theirs = None
    ours = outcome(text)
    if isinstance(ours, ConfigurationError):
        assert ours.code in {"pattern_invalid", "pattern_not_supported", "pattern_too_large"}
        assert ours.message("en") != ours.code
        return
    assert theirs is not None
    for value in ("", "a", "ab", "0", "a0", "(", "{", "b" * 5):
        assert ours(value) == (theirs.fullmatch(value) is not None)


_MIXED = "".join("ab"[(number * number >> 7) % 5 % 2] for number in range(20_000))

HOSTILE = [
    ("(a|b)*a(a|b){450}", _MIXED),
    ("(a|b)*a(a|b){20}", _MIXED),
    ("(a+)+$", "a" * 100_000 + "!"),
    ("(a|aa)*b", "a" * 100_000),
    ("(a|a)*", "a" * 100_000 + "b"),
    ("(a{1,31}){1,31}", "a" * 100_000),
    ("((a*)*)*", "a" * 100_000 + "b"),
    ("(.*)(.*)(.*)(.*)x", "a" * 100_000),
    ("(a?){500}(a){499}", "a" * 998 + "b"),
    ("(.+@.+)+", "@" * 100_000 + "\n"),
    ("(a|b)*a(a|b){450}", ("ab" * 7 + "aab" * 5 + "b") * 3_300),
    (r"(\w+\s?)+\.", "中 " * 50_000),
]


@pytest.mark.parametrize(("pattern", "value"), HOSTILE, ids=[f"{pattern} {len(value)}" for pattern, value in HOSTILE])
def test_steps_are_bounded(pattern: str, value: str) -> None:
    """Beside one look for each character, at most one union for each eight positions and character is worked out."""
    automaton = Automaton(parse(pattern))
    automaton.matches(value)
    assert automaton.work <= len(value) * (automaton._width + 1)
    assert automaton._remembered <= 10_000
    assert len(automaton._states) <= 10_000

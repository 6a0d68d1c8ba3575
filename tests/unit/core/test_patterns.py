"""The syntax of patterns: what is taken, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from custinfo.core.errors import ConfigurationError
from custinfo.core.patterns import MOST_POSITIONS, NESTED_DEEPEST, PATTERN_LONGEST, compile_pattern
from custinfo.core.patterns._automaton import Automaton
from custinfo.core.patterns._parser import parse


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("", [""], ["a"]),
        ("abc", ["abc"], ["ab", "abcd", "", "ABC"]),
        ("a.c", ["abc", "a中c", "a.c"], ["a\nc", "ac"]),
        ("[a-c中]+", ["abc", "中"], ["d", ""]),
        ("[^a-c]", ["d", "\n"], ["a", ""]),
        (r"[\d.-]*", ["1.5-", ""], ["a"]),
        (r"\d{3,}", ["123", "１２３４"], ["12"]),
        (r"\w+", ["a_1中é"], ["a b"]),
        (r"\S\s\S", ["a b", "a　b"], ["a\u200bb"]),
        (r"a|bc|", ["a", "bc", ""], ["abc"]),
        (r"(a|b)(?:c)(?P<name>d)?", ["ac", "bcd"], ["ad"]),
        (r"a*?b+?c??", ["b", "aabbc"], ["a"]),
        (r"a{2}b{,2}c{1,}", ["aac", "aabbcc"], ["ac", "aabbbc"]),
        (r"a{0}b", ["b"], ["ab"]),
        (r"a{b}{,}", ["a{b", "a{b}}"], ["ab"]),
        (r"^KH-\d{6}$", ["KH-000001"], ["KH-000001\n"]),
        (r"\A(a|^b|c$)+\Z", ["a", "b", "ba", "ac", "bac"], ["ab", "ca"]),
        (r"a^|$b", [], ["a", "b", ""]),
        (r"(?i)straße[x-z]", ["STRAßEX", "straßeY"], ["strase"]),
        (r"\.\*\\\x41\u4e2d\U0001F600\n\t\-\/\"", ['.*\\A中😀\n\t-/"'], []),
        (r"[\b\n\]\\^-]", ["\b", "\n", "]", "\\", "^", "-"], ["b"]),
        ("[]a]", ["]", "a"], [""]),
        ("[a-]", ["a", "-"], ["b"]),
        (r"[\x30-\u0039]", ["5"], ["a"]),
    ],
)
def test_syntax(pattern: str, yes: list[str], no: list[str]) -> None:
    """The usual syntax means what it usually does, for the whole value."""
    matches = compile_pattern(pattern)
    assert [value for value in yes if not matches(value)] == []
    assert [value for value in no if matches(value)] == []


def refusal(pattern: str) -> tuple[str, dict[str, Any]]:
    """Return code and parameters of what is wrong with a pattern."""
    with pytest.raises(ConfigurationError) as caught:
        compile_pattern(pattern)
    (problem,) = caught.value.problems
    return problem.code, dict(problem.params)


@pytest.mark.parametrize(
    ("pattern", "feature", "position"),
    [
        (r"(a)\1", r"\1", 4),
        (r"a(?=b)", "(?=", 2),
        ("(?!a)", "(?!", 1),
        ("(?<=a)b", "(?<=", 1),
        ("(?<!a)b", "(?<!", 1),
        ("(?P=name)", "(?P=", 1),
        ("(?>a)", "(?>", 1),
        ("(?(1)a|b)", "(?(", 1),
        ("(?#note)", "(?#", 1),
        ("(?s)a", "(?s)", 1),
        ("(?im)a", "(?im)", 1),
        ("(?i:a)", "(?i:", 1),
        ("a(?i)", "(?i)", 2),
        ("(?-i:a)", "(?-i:", 1),
        (r"\ba", r"\b", 1),
        (r"a\B", r"\B", 2),
        (r"\012", r"\0", 1),
        ("a++", "++", 2),
        ("a{2}+", "{2}+", 2),
    ],
)
def test_what_is_not_supported(pattern: str, feature: str, position: int) -> None:
    """What a linear automaton can't do, or few people need, is refused by name and place."""
    assert refusal(pattern) == ("pattern_not_supported", {"feature": feature, "position": position})


@pytest.mark.parametrize(
    ("pattern", "token", "position"),
    [
        ("(", "(", 1),
        ("a(b", "(", 2),
        (")", ")", 1),
        ("a)b", ")", 2),
        ("[", "[", 1),
        ("[a", "[", 1),
        ("[]", "[", 1),
        ("[z-a]", "[", 1),
        (r"[\d-z]", "[", 1),
        (r"[a-\d]", "[", 1),
        (r"[\q]", "[", 1),
        (r"[\U00110000]", "[", 1),
        (r"[\01]", "[", 1),
        ("[\\", "[", 1),
        ("*", "*", 1),
        ("a|+", "+", 3),
        ("{2}", "{", 1),
        ("a**", "**", 2),
        ("a{2}{3}", "{2}{3}", 2),
        ("a{3,2}", "{3,2}", 2),
        ("^*", "*", 2),
        (r"\q", r"\q", 1),
        (r"\x4", r"\x", 1),
        (r"\U00110000", r"\U00110000", 1),
        ("a\\", "\\", 2),
    ],
)
def test_what_cannot_be_read(pattern: str, token: str, position: int) -> None:
    """What is no pattern is refused with its place."""
    assert refusal(pattern) == ("pattern_invalid", {"token": token, "position": position})


@pytest.mark.parametrize(
    ("pattern", "what", "limit"),
    [
        ("a" * (PATTERN_LONGEST + 1), "length", PATTERN_LONGEST),
        (f"a{{{MOST_POSITIONS + 1}}}", "repetition", MOST_POSITIONS),
        (f"a{{{MOST_POSITIONS},}}", "repetition", MOST_POSITIONS),
        ("((a{10}){10}){11}", "repetition", MOST_POSITIONS),
        ("a{600}b{600}", "repetition", MOST_POSITIONS),
        ("(a{600}|b{600})", "repetition", MOST_POSITIONS),
        ("(a{0}){99999}", "repetition", MOST_POSITIONS),
        ("(){99999999999999999999}", "repetition", MOST_POSITIONS),
        ("(" * (NESTED_DEEPEST + 1) + ")" * (NESTED_DEEPEST + 1), "nesting", NESTED_DEEPEST),
    ],
)
def test_what_is_too_large(pattern: str, what: str, limit: int) -> None:
    """A pattern that would take too much room is refused before any is taken."""
    assert refusal(pattern) == ("pattern_too_large", {"what": what, "limit": limit})


@pytest.mark.parametrize(
    "pattern", ["a" * PATTERN_LONGEST, f"a{{{MOST_POSITIONS}}}", "(" * NESTED_DEEPEST + "a" + ")" * NESTED_DEEPEST]
)
def test_the_largest(pattern: str) -> None:
    """The limits themselves are allowed."""
    assert compile_pattern(pattern)("b") is False


def test_what_is_remembered_is_bounded() -> None:
    """States, steps and characters are forgotten when there are too many, and matching goes on."""
    automaton = Automaton(parse(r"(\w|中)*"))
    text = "".join(chr(code) for code in range(0x4E00, 0x9E00))
    assert automaton.matches(text)
    assert not automaton.matches(text + " ")
    assert sum(map(len, [automaton._start, *automaton._states.values()])) <= 10_000
    assert len(automaton._alphabet._known) <= 4096
    assert automaton.matches(text)

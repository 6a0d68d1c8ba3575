"""Cutting formulas into tokens."""

from __future__ import annotations

import re
from typing import Final, Literal

import attrs

from custinfo.core.errors import ConfigurationError
from custinfo.core.formulas._refusals import refusal
from custinfo.core.text import CONTROL

__all__ = ["Token", "tokens"]

_FULL_QUOTE: Final = 0xFF02
_NARROW: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if code != _FULL_QUOTE} | {
    0x3000: 0x20,
    ord("【"): ord("["),
    ord("】"): ord("]"),
}
"""Full-width characters that stand for ASCII ones: one for one, so that columns stay as they are."""

_TOKEN: Final = re.compile(
    r"""
      (?P<blank>   [\s\u200b\ufeff]++ )
    | (?P<number>  (?: [0-9]++ (?:\.[0-9]*+)? | \.[0-9]++ ) (?:万亿|万|亿)? (?!\w) )
    | (?P<text>    "(?:[^"]|"")*+" | [“”＂][^“”＂"]*+[“”＂"] )
    | (?P<quoted>  \[[^\[\]]*+\] )
    | (?P<name>    [^\W\d]\w*+ )
    | (?P<operator> <= | >= | <> | != | == | [-+*/&=<>(),;%≤≥≠×÷−] )
    """,
    re.VERBOSE,
)
_SPELLINGS: Final = {
    "==": "=",
    "!=": "<>",
    "≠": "<>",
    "≤": "<=",
    "≥": ">=",
    "×": "*",
    "÷": "/",
    "−": "-",
    ";": ",",
}
_UNREADABLE: Final = {
    '"': ("文本没有结尾的引号", "the text has no closing quotation mark"),
    "'": ("文本写在双引号中", "texts stand in double quotation marks"),
    "[": ("字段名没有结尾的方括号", "the name has no closing bracket"),
    "^": ("没有乘方运算", "there is no operator for powers"),
    ".": ("公式只能使用本记录的字段", "a formula sees the fields of its own record only"),
}
_UNREADABLE["“"] = _UNREADABLE["”"] = _UNREADABLE["＂"] = _UNREADABLE['"']
_NUMBERED: Final = ("以数字开头的字段名写在方括号中", "names that begin with a digit stand in square brackets")
_UNKNOWN: Final = ("不能识别的字符", "a character that means nothing here")


@attrs.frozen
class Token:
    """A word of a formula.

    A `text` is without its quotation marks, a `name` is narrow, a `quoted` name is without its brackets and as it
    was written. An `operator` has one spelling, and `end` follows the last token.
    """

    kind: Literal["number", "text", "name", "quoted", "operator", "end"]
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """Return the tokens of a formula, in time linear in its length. Raises: ConfigurationError."""
    narrow = text.translate(_NARROW)
    found: list[Token] = []
    at = 0
    while at < len(narrow):
        match = _TOKEN.match(narrow, at)
        if match is None:
            raise _unreadable(narrow, at)
        token = _token(match, text)
        if token is not None:
            found.append(token)
        at = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def _token(match: re.Match[str], written: str) -> Token | None:
    at = match.start() + 1
    original = written[match.start() : match.end()]
    match match.lastgroup:
        case "number":
            return Token("number", match[0], at)
        case "text":
            return Token("text", _content(original, at), at)
        case "quoted":
            return Token("quoted", original[1:-1].strip(), at)
        case "name":
            return Token("name", match[0], at)
        case "operator":
            return Token("operator", _SPELLINGS.get(match[0], match[0]), at)
        case _:
            return None


def _content(original: str, at: int) -> str:
    inner = original[1:-1]
    if CONTROL.search(inner):
        raise refusal(at, "文本含有无法显示或保存的字符", "the text has characters that cannot be shown or stored")
    return inner.replace('""', '"')


def _unreadable(narrow: str, at: int) -> ConfigurationError:
    hints = _NUMBERED if narrow[at].isdigit() else _UNREADABLE.get(narrow[at], _UNKNOWN)
    return refusal(at + 1, *hints)

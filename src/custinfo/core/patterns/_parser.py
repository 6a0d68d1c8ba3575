"""Reading patterns."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from custinfo.core.errors import ConfigurationError
from custinfo.core.patterns._classes import CLASSES, ESCAPES, HEX, read_class
from custinfo.core.patterns._nodes import (
    MOST_POSITIONS,
    NESTED_DEEPEST,
    PATTERN_LONGEST,
    Anchor,
    Characters,
    Either,
    Node,
    Pattern,
    Repeat,
    Sequence,
    size,
)
from custinfo.core.problems import ParamValue, Problem

__all__ = ["parse"]

_ANY: Final = Characters(((10, 10),), negated=True)
_COUNT: Final = re.compile(r"\{(?:([0-9]+)(,([0-9]*))?|,([0-9]*))\}")
_NAMED: Final = re.compile(r"\?P<[^\W\d]\w*>")
_UNSUPPORTED_GROUP: Final = re.compile(r"\?(?:<[=!]|P[=>]|[-A-Za-z]+[:)]?|.?)", re.DOTALL)


def parse(text: str) -> Pattern:
    """Return what `text` means. Raises: ConfigurationError."""
    if len(text) > PATTERN_LONGEST:
        raise ConfigurationError([Problem("pattern_too_large", params={"what": "length", "limit": PATTERN_LONGEST})])
    any_case = text.startswith("(?i)")
    return Pattern(_Reader(text, 4 if any_case else 0).whole(), any_case)


def _literal(char: str) -> Characters:
    return Characters(((ord(char), ord(char)),))


class _Reader:
    """Read a pattern from left to right."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.nested = 0

    def whole(self) -> Node:
        node = self.either()
        if self.at < len(self.text):
            self.invalid(")")
        return node

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def invalid(self, token: str, at: int | None = None) -> NoReturn:
        params: dict[str, ParamValue] = {"position": (self.at if at is None else at) + 1, "token": token}
        raise ConfigurationError([Problem("pattern_invalid", params=params)])

    def unsupported(self, feature: str, at: int) -> NoReturn:
        params: dict[str, ParamValue] = {"position": at + 1, "feature": feature}
        raise ConfigurationError([Problem("pattern_not_supported", params=params)])

    def too_large(self, what: str, limit: int) -> NoReturn:
        raise ConfigurationError([Problem("pattern_too_large", params={"what": what, "limit": limit})])

    def either(self) -> Node:
        choices = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            choices.append(self.sequence())
        return choices[0] if len(choices) == 1 else Either(tuple(choices))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.single()))
        node = parts[0] if len(parts) == 1 else Sequence(tuple(parts))
        if size(node) > MOST_POSITIONS:
            self.too_large("repetition", MOST_POSITIONS)
        return node

    def repeated(self, node: Node) -> Node:
        start = self.at
        bounds = self.bounds()
        if bounds is None:
            return node
        least, most = bounds
        if isinstance(node, Anchor) or (most is not None and least > most):
            self.invalid(self.text[start : self.at], start)
        if self.peek() == "?":
            self.at += 1
        elif self.peek() == "+":
            self.unsupported(self.text[start : self.at + 1], start)
        if self.bounds() is not None:
            self.invalid(self.text[start : self.at], start)
        repeat = Repeat(node, least, most)
        if size(repeat) > MOST_POSITIONS:
            self.too_large("repetition", MOST_POSITIONS)
        return repeat

    def bounds(self) -> tuple[int, int | None] | None:
        """Read how often, or return `None` where nothing of the kind stands here."""
        char = self.peek()
        if char and char in "*+?":
            self.at += 1
            return (1 if char == "+" else 0), (1 if char == "?" else None)
        match = _COUNT.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        exact, comma, upper, only_upper = match.groups()
        if exact is None:
            return 0, int(only_upper) if only_upper else None
        return int(exact), (int(upper) if upper else None) if comma else int(exact)

    def single(self) -> Node:
        char = self.peek()
        if (char in "*+?") or (char == "{" and _COUNT.match(self.text, self.at)):
            self.invalid(char)
        if char == "(":
            return self.group()
        if char == "\\":
            return self.escape()
        self.at += 1
        match char:
            case ".":
                return _ANY
            case "^" | "$":
                return Anchor(end=char == "$")
            case "[":
                found = read_class(self.text, self.at)
                if found is None:
                    self.invalid("[", self.at - 1)
                node, self.at = found
                return node
            case _:
                return _literal(char)

    def group(self) -> Node:
        start = self.at
        self.nested += 1
        if self.nested > NESTED_DEEPEST:
            self.too_large("nesting", NESTED_DEEPEST)
        self.at += 1
        if self.text.startswith("?:", self.at):
            self.at += 2
        elif match := _NAMED.match(self.text, self.at):
            self.at = match.end()
        elif match := _UNSUPPORTED_GROUP.match(self.text, self.at):
            self.unsupported(f"({match[0]}", start)
        node = self.either()
        if self.peek() != ")":
            self.invalid("(", start)
        self.at += 1
        self.nested -= 1
        return Sequence((node,)) if isinstance(node, Anchor) else node

    def escape(self) -> Node:
        start = self.at
        char = self.text[self.at + 1 : self.at + 2]
        if char in CLASSES:
            self.at += 2
            return CLASSES[char]
        if char and (char in "123456789bB" or (char == "0" and self.text[self.at + 2 : self.at + 3].isdecimal())):
            self.unsupported(f"\\{char}", start)
        if char and char in "AZ":
            self.at += 2
            return Anchor(end=char == "Z")
        if match := HEX.match(self.text, self.at):
            self.at = match.end()
            code = int(match[0][2:], 16)
            if code > 0x10FFFF:
                self.invalid(match[0], start)
            return _literal(chr(code))
        if not char or (char.isascii() and char.isalnum() and char not in ESCAPES):
            self.invalid(f"\\{char}")
        self.at += 2
        return _literal(ESCAPES.get(char, char))

"""Reading policies of Cedar: text → values, as far as its grammar has no functions of types that custinfo lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import attrs

from tests.corpus.policy_worlds import NotExpressibleError

__all__ = ["And", "CedarPolicy", "Compare", "Get", "Has", "Is", "Not", "Or", "Set", "Uid", "Var", "read_policies"]

_TOKEN: Final = re.compile(
    r"""\s+|//[^\n]*|(?P<text>"(?:\\.|[^"\\])*")|(?P<number>-?\d+)|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<sign>::|==|!=|<=|>=|&&|\|\||[<>!(){}\[\],;.@:])"""
)


@attrs.frozen
class Uid:
    """An entity."""

    type: str
    id: str


@attrs.frozen
class Var:
    """`principal`, `action`, `resource` or `context`."""

    name: str


@attrs.frozen
class Get:
    """An attribute."""

    of: Any
    name: str


@attrs.frozen
class Set:
    """A set of values."""

    items: tuple[Any, ...]


@attrs.frozen
class Compare:
    """`==`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `contains`."""

    sign: str
    left: Any
    right: Any


@attrs.frozen
class Has:
    """Whether there is an attribute."""

    of: Any
    name: str


@attrs.frozen
class Is:
    """Whether an entity is of a type."""

    of: Any
    type: str


@attrs.frozen
class Not:
    """The contrary."""

    part: Any


@attrs.frozen
class And:
    """All of the parts."""

    parts: tuple[Any, ...]


@attrs.frozen
class Or:
    """Any of the parts."""

    parts: tuple[Any, ...]


@attrs.frozen
class CedarPolicy:
    """One policy: `permit` or `forbid`, and its scope and conditions together."""

    effect: str
    condition: Any


def read_policies(text: str) -> list[CedarPolicy]:
    """Return the policies of a text. Raises: NotExpressibleError for what custinfo could not mean."""
    return list(_Reader(text).policies())


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(self._read(text))
        self._place = 0

    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise NotExpressibleError("shape")
            if match.lastgroup:
                yield match.lastgroup, match[0]
            place = match.end()

    # --- tokens

    def _ahead(self, *signs: str) -> bool:
        return self._place < len(self._tokens) and self._tokens[self._place][1] in signs

    def _take(self, *signs: str) -> bool:
        if not self._ahead(*signs):
            return False
        self._place += 1
        return True

    def _next(self, kind: str | None = None) -> str:
        if self._place >= len(self._tokens) or (kind and self._tokens[self._place][0] != kind):
            raise NotExpressibleError("shape")
        self._place += 1
        return self._tokens[self._place - 1][1]

    def _must(self, sign: str) -> None:
        if not self._take(sign):
            raise NotExpressibleError("shape")

    # --- policies

    def policies(self) -> Iterator[CedarPolicy]:
        while self._place < len(self._tokens):
            while self._take("@"):
                self._next("name")
                self._must("(")
                self._next("text")
                self._must(")")
            effect = self._next("name")
            self._must("(")
            parts = [self._scope("principal"), self._scope("action"), self._scope("resource")]
            self._must(")")
            while self._ahead("when", "unless"):
                negated = self._next() == "unless"
                self._must("{")
                condition = self._or()
                self._must("}")
                parts.append(Not(condition) if negated else condition)
            self._must(";")
            yield CedarPolicy(effect, And(tuple(part for part in parts if part is not None)))

    def _scope(self, name: str) -> Any:
        self._must(name)
        found = None if self._ahead(",", ")") else self._relation(Var(name))
        self._take(",")
        return found

    # --- expressions

    def _or(self) -> Any:
        parts = [self._and()]
        while self._take("||"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Any:
        parts = [self._relation(self._unary())]
        while self._take("&&"):
            parts.append(self._relation(self._unary()))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _relation(self, left: Any) -> Any:
        for sign in ("==", "!=", "<=", ">=", "<", ">", "in"):
            if self._take(sign):
                return Compare(sign, left, self._unary())
        if self._take("has"):
            return Has(left, self._next("name"))
        if self._take("is"):
            known = Is(left, self._type())
            return And((known, Compare("in", left, self._unary()))) if self._take("in") else known
        if self._ahead("like"):
            raise NotExpressibleError("matcher")
        return left

    def _unary(self) -> Any:
        if self._take("!"):
            return Not(self._unary())
        value = self._primary()
        while self._ahead(".", "["):
            if self._take("["):
                value = Get(value, _text(self._next("text")))
                self._must("]")
                continue
            self._next()
            name = self._next("name")
            if not self._take("("):
                value = Get(value, name)
                continue
            if name != "contains":
                raise NotExpressibleError("matcher")
            value = Compare("contains", value, self._unary())
            self._must(")")
        return value

    def _primary(self) -> Any:
        if self._take("("):
            inner = self._or()
            self._must(")")
            return inner
        if self._take("["):
            items = []
            while not self._take("]"):
                items.append(self._unary())
                self._take(",")
            return Set(tuple(items))
        kind, text = self._tokens[self._place]
        self._place += 1
        match kind, text:
            case "text", _:
                return _text(text)
            case "number", _:
                return int(text)
            case "name", ("true" | "false"):
                return text == "true"
            case "name", ("principal" | "action" | "resource" | "context"):
                return Var(text)
            case "name", _ if self._ahead("::"):
                self._place -= 1
                type_name = self._type(last_is_id=True)
                return Uid(type_name, _text(self._next("text")))
            case _:
                raise NotExpressibleError("matcher")

    def _type(self, *, last_is_id: bool = False) -> str:
        names = [self._next("name")]
        while self._take("::"):
            if last_is_id and self._tokens[self._place][0] == "text":
                break
            names.append(self._next("name"))
        return "::".join(names)


def _text(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal[1:-1])

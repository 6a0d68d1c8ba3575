"""Reading formulas."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from custinfo.core.errors import ConfigurationError
from custinfo.core.formulas._nodes import (
    FORMULA_LONGEST,
    FORMULA_NESTED_DEEPEST,
    Call,
    Chain,
    Constant,
    Name,
    Node,
    Percent,
    Sign,
    Step,
    parts,
)
from custinfo.core.formulas._refusals import refusal
from custinfo.core.formulas._tokens import Token, tokens

__all__ = ["names_in", "parse"]

_COMPARING: Final = 1
_RANKS: Final = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), _COMPARING),
    "&": 2,
    **dict.fromkeys("+-", 3),
    **dict.fromkeys("*/", 4),
}
_UNITS: Final = {"万亿": 12, "万": 4, "亿": 8}
_LONGEST_NUMBER: Final = 30
_WORDS: Final = ("AND", "OR", "NOT")


def parse(text: str) -> Node:
    """Return what a formula consists of. Neither names nor types are looked at.

    Time is linear in the length of `text`, which is bounded, as is the depth of the result.
    Raises: ConfigurationError (`formula_invalid`), at the first place that cannot be read.

    >>> parse("paid_amount * 2").steps[0].operator
    '*'
    """
    if len(text) > FORMULA_LONGEST:
        raise refusal(
            FORMULA_LONGEST + 1,
            f"公式最多 {FORMULA_LONGEST} 个字符",
            f"a formula has at most {FORMULA_LONGEST} characters",
        )
    node = _Reader(tokens(text)).whole()
    _check_depth(node)
    return node


def names_in(text: str) -> frozenset[str]:
    """Return the names of fields in a formula, as they are written. Raises: ConfigurationError, as `parse`.

    >>> sorted(names_in("IF(paid > 0, paid, [合同 金额])"))
    ['paid', '合同 金额']
    """
    names: set[str] = set()
    level: tuple[Node, ...] = (parse(text),)
    while level:
        names.update(node.text for node in level if isinstance(node, Name))
        level = tuple(part for node in level for part in parts(node))
    return frozenset(names)


def _check_depth(node: Node) -> None:
    """Refuse a tree that functions which walk it could not walk safely."""
    level: tuple[Node, ...] = (node,)
    for _ in range(FORMULA_NESTED_DEEPEST):
        level = tuple(part for node in level for part in parts(node))
        if not level:
            return
    raise _too_deep(level[0].at)


def _too_deep(at: int) -> ConfigurationError:
    limit = FORMULA_NESTED_DEEPEST
    return refusal(at, f"嵌套超过 {limit} 层", f"it is nested deeper than {limit} levels")


def _number(token: Token) -> Constant:
    digits = token.text.rstrip("万亿")
    if len(digits) > _LONGEST_NUMBER:
        raise refusal(token.at, f"数字最多 {_LONGEST_NUMBER} 位", f"a number has at most {_LONGEST_NUMBER} digits")
    power = _UNITS.get(token.text[len(digits) :], 0)
    return Constant(Decimal(f"{digits}e{power}"), token.at)


class _Reader:
    """Read tokens from left to right, operators by their rank."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens = found
        self.index = 0
        self.nested = 0

    def whole(self) -> Node:
        self.accept("=")  # as a cell of a spreadsheet has it
        node = self.expression(_COMPARING)
        if self.token.kind != "end":
            raise self.unexpected_after()
        return node

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        token = self.token
        self.index += token.kind != "end"
        return token

    def accept(self, operator: str) -> bool:
        found = self.token.kind == "operator" and self.token.text == operator
        self.index += found
        return found

    def rank(self) -> int:
        return _RANKS.get(self.token.text, 0) if self.token.kind == "operator" else 0

    def expression(self, least: int) -> Node:
        """Read operators of the rank `least` and above."""
        self.nested += 1
        if self.nested > FORMULA_NESTED_DEEPEST:
            raise _too_deep(self.token.at)
        node = self.operand()
        while (rank := self.rank()) >= least:
            steps: list[Step] = []
            while self.rank() == rank:
                operator = self.take()
                if rank == _COMPARING and steps:
                    raise refusal(
                        operator.at, "比较不能连写，请用 AND", "comparisons do not follow each other: use AND"
                    )
                steps.append(Step(operator.text, self.expression(rank + 1), operator.at))
            node = Chain(node, tuple(steps), node.at)
        self.nested -= 1
        return node

    def operand(self) -> Node:
        """Read a value with its signs before and per cent behind it."""
        first = self.token
        minuses = 0
        while self.token.kind == "operator" and self.token.text in "+-":
            minuses += self.take().text == "-"
        signed = self.token is not first
        node = self.single()
        if self.accept("%"):
            node = Percent(node, node.at)
        return Sign(node, minuses % 2 == 1, first.at) if signed else node

    def single(self) -> Node:
        token = self.take()
        match token.kind:
            case "number":
                return _number(token)
            case "text":
                return Constant(token.text, token.at)
            case "quoted" if token.text:
                return Name(token.text, token.at)
            case "name":
                return self.named(token)
            case "operator" if token.text == "(":
                node = self.expression(_COMPARING)
                self.close(token)
                return node
            case _:
                raise refusal(token.at, "此处缺少数值、字段或函数", "a value, a field or a function is missing here")

    def named(self, token: Token) -> Node:
        upper = token.text.upper()
        if not self.accept("("):
            return Constant(upper == "TRUE", token.at) if upper in ("TRUE", "FALSE") else Name(token.text, token.at)
        arguments = self.arguments(token)
        if upper in ("TRUE", "FALSE") and not arguments:
            return Constant(upper == "TRUE", token.at)
        return Call(upper, arguments, token.at)

    def arguments(self, opened: Token) -> tuple[Node, ...]:
        if self.accept(")"):
            return ()
        found = [self.expression(_COMPARING)]
        while self.accept(","):
            found.append(self.expression(_COMPARING))
        self.close(opened)
        return tuple(found)

    def close(self, opened: Token) -> None:
        if self.accept(")"):
            return
        if self.token.kind == "end":
            raise refusal(opened.at, "括号没有闭合", "the parenthesis is not closed")
        raise self.unexpected_after()

    def unexpected_after(self) -> ConfigurationError:
        """Return the error for what stands behind a value and cannot."""
        token = self.token
        if token.kind == "name" and token.text.upper() in _WORDS:
            name = token.text.upper()
            return refusal(token.at, f"{name} 是函数，写作 {name}(…)", f"{name} is a function: it is written {name}(…)")
        return refusal(token.at, "此处应为运算符或公式结尾", "an operator or the end of the formula is missing here")

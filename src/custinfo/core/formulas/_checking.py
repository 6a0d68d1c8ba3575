"""Turning what was read into a program, with the types of everything checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

import attrs

from custinfo.core.formulas._building import Builder, Term
from custinfo.core.formulas._functions import FORWARDING, FUNCTIONS, NO_SUCH_FUNCTION
from custinfo.core.formulas._nodes import Call, Chain, Constant, Name, Node, Percent, Sign, Step
from custinfo.core.formulas._types import TYPE_NAMES, Choices, FieldInfo
from custinfo.core.records import FieldKey

__all__ = ["Checker", "Resolve"]

Resolve = Callable[[str], FieldInfo | None]
"""Return the field that a name means, by key, label or alias; `None` for none."""

_ARITHMETIC: Final = {"+": "add({}, {})", "-": "subtract({}, {})", "*": "multiply({}, {})", "/": "divide({}, {})"}
_COMPARISONS: Final = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_EQUALITY: Final = ("=", "<>")
_UNORDERED: Final = ("boolean", "choice")
_ADDED: Final = ("number", "date", "datetime")
_AS_TEXT: Final = {"text": "({} or '')", "choice": "({} or '')", "number": "number_text({})", "date": "{}.isoformat()"}
_PERCENT: Final = Decimal("0.01")


class Checker:
    """Add the nodes of one formula to a program, each once."""

    def __init__(self, field: FieldKey, resolve: Resolve, zone: tzinfo) -> None:
        self.field = field
        self.resolve = resolve
        self.builder = Builder(zone)

    def term(self, node: Node, wanted: Choices | None = None) -> Term:
        """Return a node as a part of the program; where a choice is `wanted`, a text is one of its entries."""
        builder = self.builder
        match node:
            case Constant(str(text), at) if text and wanted is not None:
                return self.entry(text, at, wanted)
            case Constant("", at):
                return builder.constant("blank", None, at)
            case Constant(value, at):
                return builder.constant(_type_of(value), value, at)
            case Name(name, at):
                return self.named(name, at)
            case Sign(part, negative, at):
                return self.signed(part, negative, at)
            case Percent(part, at):
                hundredth = builder.constant("number", _PERCENT, at)
                return builder.strict("number", at, "multiply({}, {})", self.need(part, "number"), hundredth)
            case Call():
                return self.call(node, wanted)
            case Chain(_, steps) if steps[0].operator == "&":
                return self.text(node)
            case Chain(first, steps, at):
                return self.compared(node) if steps[0].operator in _COMPARISONS else self.arithmetic(first, steps, at)

    def need(self, node: Node, wanted: str) -> Term:
        """Add a part that has to be of a type."""
        return self.builder.need(self.term(node), wanted)

    def entry(self, text: str, at: int, choices: Choices) -> Term:
        """Add the entry that a text constant names."""
        code = choices.code_of(text)
        if code is None:
            zh, en = (
                f"字典 {choices.key} 中没有这个选项，或有多个",
                f"the dictionary {choices.key} has no such entry, or several",
            )
            return self.builder.refuse(at, zh, en)
        return self.builder.constant("choice", code, at, choices)

    def named(self, name: str, at: int) -> Term:
        """Add the value of a field."""
        info = self.resolve(name)
        if info is None:
            if name.upper() in FUNCTIONS:
                return self.builder.refuse(
                    at, f"函数写作 {name.upper()}(…)", f"functions are written {name.upper()}(…)"
                )
            return self.builder.refuse(at, f"没有字段 {name}", f"there is no field {name}")
        if info.key == self.field:
            return self.builder.refuse(at, "公式不能使用字段自身", "a formula cannot use its own field")
        return self.builder.field(info, at)

    def signed(self, part: Node, negative: bool, at: int) -> Term:
        """Add a number with its sign."""
        term = self.need(part, "number")
        if not negative:
            return attrs.evolve(term, at=at)
        if isinstance(term.constant, Decimal):
            return self.builder.constant("number", term.constant.copy_negate(), at)
        return self.builder.strict("number", at, "minus({})", term)

    def call(self, node: Call, wanted: Choices | None) -> Term:
        """Add a function of its arguments."""
        builder, function = self.builder, FUNCTIONS.get(node.function)
        if function is None:
            return self.no_function(node)
        terms = [self.term(argument, wanted if node.function in FORWARDING else None) for argument in node.arguments]
        if not function.takes(len(terms)):
            zh, en = function.counts()
            return builder.refuse(
                node.at,
                f"{node.function} 的参数个数：{zh}，而不是 {len(terms)}",
                f"the number of arguments of {node.function} is {en}, not {len(terms)}",
            )
        return function.apply(builder, terms, node.at)

    def no_function(self, node: Call) -> Term:
        """Refuse a function that there is not, and say what may be meant."""
        for argument in node.arguments:
            self.term(argument)
        close = get_close_matches(node.function, FUNCTIONS, 1)
        zh, en = NO_SUCH_FUNCTION.get(
            node.function, (f"是否指 {close[0]}", f"perhaps {close[0]}") if close else ("", "")
        )
        return self.builder.refuse(
            node.at,
            f"没有函数 {node.function}" + (f"：{zh}" if zh else ""),
            f"there is no function {node.function}" + (f": {en}" if en else ""),
        )

    def arithmetic(self, first: Node, steps: tuple[Step, ...], at: int) -> Term:
        """Add a chain of + and -, or of * and /, from left to right."""
        left = self.term(first)
        for step in steps:
            left = attrs.evolve(self.step(left, step.operator, self.term(step.part)), at=at)
        return left

    def step(self, left: Term, operator: str, right: Term) -> Term:
        """Add one of + - * /. Days may be added to a date, and dates subtracted."""
        builder, at = self.builder, left.at
        dated = tuple("date" if term.type == "datetime" else term.type for term in (left, right))
        match dated[0], operator, dated[1]:
            case "date", "-", "date":
                return builder.strict(
                    "number", at, "({} - {}).days", builder.need(left, "date"), builder.need(right, "date")
                )
            case "date", "+" | "-", "number":
                later = "later({}, {})" if operator == "+" else "earlier({}, {})"
                return builder.strict("date", at, later, builder.need(left, "date"), right, total=False)
            case "number", "+", "date":
                return builder.strict("date", at, "later({1}, {0})", left, builder.need(right, "date"), total=False)
            case (_, "+" | "-", "unknown") | ("unknown", "+" | "-", _):
                for term in (left, right):
                    if term.type not in _ADDED:
                        builder.need(term, "number")
                return Term("unknown", "None", at)
        numbers = (builder.need(left, "number"), builder.need(right, "number"))
        divided = operator == "/"
        return builder.strict("number", at, _ARITHMETIC[operator], *numbers, total=not divided, rough=divided)

    def text(self, node: Chain) -> Term:
        """Add a chain of &, in which a blank is an empty text."""
        codes = [self.as_text(self.term(part)) for part in (node.first, *(step.part for step in node.steps))]
        return Term("text", self.builder.emit(f"''.join(({', '.join(codes)})) or None"), node.at)

    def as_text(self, term: Term) -> str:
        """Return the source of a value as part of a text."""
        template = _AS_TEXT.get(term.type)
        if template is None:
            if term.type != "blank":
                self.builder.need(term, "text")
            return "''"
        text = template.format(term.code)
        return (
            text if term.present or term.type in ("text", "choice") else f"({text} if {term.code} is not None else '')"
        )

    def compared(self, node: Chain) -> Term:
        """Add the comparison of two values of one type."""
        left, right = self.both(node.first, node.steps[0].part)
        operator, at = node.steps[0].operator, node.at
        if "blank" in (left.type, right.type):
            return self.blankness(left, operator, right)
        terms = self.builder.alike((left, right))
        type_ = terms[0].type
        if "unknown" not in (type_, terms[-1].type) and (
            type_ == "other" or (type_ in _UNORDERED and operator not in _EQUALITY)
        ):
            names = TYPE_NAMES[type_]
            self.builder.refuse(
                node.steps[0].at,
                f"{names[0]}不能用 {operator} 比较",
                f"what is {names[1]} cannot be compared by {operator}",
            )
        slots = (f"settled({{{index}}})" if term.rough else f"{{{index}}}" for index, term in enumerate(terms))
        return self.builder.test(at, f" {_COMPARISONS[operator]} ".join(slots), *terms)

    def both(self, first: Node, second: Node) -> tuple[Term, Term]:
        """Return both sides of a comparison; a text beside a choice is one of its entries."""
        if isinstance(first, Constant):
            right = self.term(second)
            return self.term(first, right.choices), right
        left = self.term(first)
        return left, self.term(second, left.choices if isinstance(second, Constant) else None)

    def blankness(self, left: Term, operator: str, right: Term) -> Term:
        """Add the comparison with "", which asks whether the other side is blank."""
        if operator not in _EQUALITY:
            return self.builder.refuse(left.at, "空文本只能用 = 或 <> 比较", '"" can only be compared by = or <>')
        asked = right if left.type == "blank" else left
        test = "is None" if operator == "=" else "is not None"
        return Term("boolean", self.builder.emit(f"{asked.code} {test}"), left.at, present=True)


def _type_of(value: Decimal | str | bool) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "text"
        case _:
            return "number"

"""The functions of formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from custinfo.core.formulas._building import Builder, Term
from custinfo.core.formulas._operations import place

__all__ = ["FORWARDING", "FUNCTIONS", "NO_SUCH_FUNCTION", "Function"]

Apply = Callable[[Builder, Sequence[Term], int], Term]
"""Add a call to the program, of a number of arguments that is right; the last argument is its column."""


@attrs.frozen
class Function:
    """A function: what it does, and how many arguments it takes; `most` is `None` for any number."""

    apply: Apply
    least: int
    most: int | None

    def takes(self, count: int) -> bool:
        """Whether it takes so many arguments."""
        return self.least <= count and (self.most is None or count <= self.most)

    def counts(self) -> tuple[str, str]:
        """Return how many arguments it takes, in Chinese and in English."""
        if self.most is None:
            return f"至少 {self.least}", f"at least {self.least}"
        if self.most == self.least:
            return str(self.least), str(self.least)
        return f"{self.least} 至 {self.most}", f"{self.least} to {self.most}"


def _simple(result: str, template: str, *types: str, optional: int = 0, total: bool = True) -> Function:
    """Return a function that is blank where an argument is; in `template` `*` is all of them, `{0}` the first."""

    def apply(builder: Builder, arguments: Sequence[Term], at: int) -> Term:
        terms = [builder.need(term, wanted) for term, wanted in zip(arguments, types, strict=False)]
        listed = ", ".join(f"{{{index}}}" for index in range(len(terms)))
        return builder.strict(result, at, template.replace("*", listed), *terms, total=total)

    return Function(apply, len(types) - optional, len(types))


def _if(builder: Builder, arguments: Sequence[Term], at: int) -> Term:
    condition = builder.need(arguments[0], "boolean")
    values = [*arguments[1:], *([] if len(arguments) == 3 else [builder.constant("blank", None, at)])]
    return builder.joined(at, "{1} if {0} else {2}", values, extra=[condition])


def _logical(template: str, separator: str) -> Apply:
    """Return AND or OR, for which a blank is false."""

    def apply(builder: Builder, arguments: Sequence[Term], at: int) -> Term:
        codes = [builder.need(term, "boolean").code for term in arguments]
        return Term("boolean", builder.emit(template.format(separator.join(codes))), at, present=True)

    return apply


def _is_blank(builder: Builder, arguments: Sequence[Term], at: int) -> Term:
    return Term("boolean", builder.emit(f"{arguments[0].code} is None"), at, present=True)


def _skipping(operation: str, types: tuple[str, ...] = (), *, rough: bool = False) -> Apply:
    """Return a function that skips blanks, of arguments of one of `types`; of any one type where there are none."""

    def apply(builder: Builder, arguments: Sequence[Term], at: int) -> Term:
        if types:
            arguments = [term if term.type in types else builder.need(term, "number") for term in arguments]
        listed = "".join(f"{{{index}}}, " for index in range(len(arguments)))
        term = builder.joined(at, f"{operation}(({listed}))", arguments)
        return attrs.evolve(term, rough=term.rough or rough)

    return apply


def _coalesce(builder: Builder, arguments: Sequence[Term], at: int) -> Term:
    term = _skipping("first")(builder, arguments, at)
    return attrs.evolve(term, present=any(argument.present for argument in arguments))


def _rounding(operation: str) -> Apply:
    def apply(builder: Builder, arguments: Sequence[Term], at: int) -> Term:
        places = arguments[1].constant if len(arguments) == 2 else 0
        if isinstance(places, bool | str) or places is None or int(places) != places or not -12 <= places <= 6:
            return builder.refuse(
                arguments[1].at, "小数位数须为 -12 至 6 的整数常数", "the places must be a whole constant from -12 to 6"
            )
        number, unit = builder.need(arguments[0], "number"), builder.keep(place(int(places)))
        term = builder.strict("number", at, f"{operation}({{}}, {unit})", number)
        return attrs.evolve(term, rough=False)

    return apply


def _floor(builder: Builder, arguments: Sequence[Term], at: int) -> Term:
    unit = builder.keep(place(0))
    term = builder.strict("number", at, f"floor({{}}, {unit})", builder.need(arguments[0], "number"))
    return attrs.evolve(term, rough=False)


_ORDERED: Final = ("number", "date", "datetime", "unknown")

FUNCTIONS: Final[Mapping[str, Function]] = {
    "IF": Function(_if, 2, 3),
    "AND": Function(_logical("({}) is True", " and "), 1, None),
    "OR": Function(_logical("({}) is True", " or "), 1, None),
    "NOT": Function(_logical("not {}", ""), 1, 1),
    "ISBLANK": Function(_is_blank, 1, 1),
    "COALESCE": Function(_coalesce, 1, None),
    "MIN": Function(_skipping("least", _ORDERED), 1, None),
    "MAX": Function(_skipping("greatest", _ORDERED), 1, None),
    "SUM": Function(_skipping("total", ("number", "unknown")), 1, None),
    "AVERAGE": Function(_skipping("average", ("number", "unknown"), rough=True), 1, None),
    "ROUND": Function(_rounding("round_half_up"), 1, 2),
    "ROUNDUP": Function(_rounding("round_up"), 1, 2),
    "ROUNDDOWN": Function(_rounding("round_down"), 1, 2),
    "INT": Function(_floor, 1, 1),
    "ABS": _simple("number", "absolute(*)", "number"),
    "LEN": _simple("number", "len(*)", "text"),
    "LEFT": _simple("text", "left(*)", "text", "number", optional=1, total=False),
    "RIGHT": _simple("text", "right(*)", "text", "number", optional=1, total=False),
    "MID": _simple("text", "middle(*)", "text", "number", "number", total=False),
    "UPPER": _simple("text", "{0}.upper()", "text"),
    "LOWER": _simple("text", "{0}.lower()", "text"),
    "TRIM": _simple("text", "trimmed(*)", "text", total=False),
    "DATE": _simple("date", "make_date(*)", "number", "number", "number", total=False),
    "YEAR": _simple("number", "{0}.year", "date"),
    "MONTH": _simple("number", "{0}.month", "date"),
    "DAY": _simple("number", "{0}.day", "date"),
    "DAYS": _simple("number", "({0} - {1}).days", "date", "date"),
    "MONTHS": _simple("number", "months(*)", "date", "date"),
    "YEARS": _simple("number", "years(*)", "date", "date"),
    "EDATE": _simple("date", "months_later(*)", "date", "number", total=False),
}
"""Every function by its name."""

FORWARDING: Final = frozenset({"IF", "COALESCE"})
"""Functions whose value is that of an argument: a text in it may stand for an entry of the wanted choice."""

_CLOCK: Final = (
    "结果是保存下来的值，不能取决于当前时间",
    "the result is stored, and cannot depend on the present time",
)
_CHANCE: Final = ("结果不能取决于随机数", "the result cannot depend on chance")
_ELSEWHERE: Final = ("公式只能使用本记录的字段", "a formula sees the fields of its own record only")
_ERRORS: Final = (
    "出错（如除以零）时结果为空，请用 COALESCE 给出替代值",
    "what fails, such as a division by zero, is blank: COALESCE gives another value",
)
_SPANS: Final = ("请用 YEARS、MONTHS 或 DAYS", "use YEARS, MONTHS or DAYS")

NO_SUCH_FUNCTION: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("TODAY", "NOW"), _CLOCK),
    **dict.fromkeys(("RAND", "RANDBETWEEN"), _CHANCE),
    **dict.fromkeys(("VLOOKUP", "XLOOKUP", "HLOOKUP", "LOOKUP", "INDEX", "MATCH", "INDIRECT", "OFFSET"), _ELSEWHERE),
    **dict.fromkeys(("SUMIF", "SUMIFS", "COUNTIF", "COUNTIFS", "AVERAGEIF"), _ELSEWHERE),
    **dict.fromkeys(("IFERROR", "IFNA", "ISERROR"), _ERRORS),
    **dict.fromkeys(("DATEDIF", "YEARFRAC"), _SPANS),
    "CONCATENATE": ("请用 &", "use &"),
    "CONCAT": ("请用 &", "use &"),
    "POWER": ("没有乘方运算", "there are no powers"),
    "IFS": ("请用 IF 嵌套", "use IF within IF"),
}
"""What to say of functions that people know from spreadsheets, and that are not there."""

"""Building the program of a formula: one assignment for each of its parts, and what is wrong with them.

A program is a Python function without branches or nesting, so that no formula is too deep for Python's own compiler.
As with criteria, only generated names become source text; keys and constants are passed by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

import attrs

from custinfo.core.formulas._operations import OPERATIONS, in_zone
from custinfo.core.formulas._refusals import problem_at
from custinfo.core.formulas._types import CLASSES, TYPE_NAMES, Choices, FieldInfo
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey

__all__ = ["Builder", "Evaluate", "Term"]

Evaluate = Callable[[Mapping[FieldKey, Any]], Any]
"""Return the value of a formula for the values of a record, `None` for a blank. Never raises for typed values."""

_HOW: Final = {
    ("boolean", "text"): ('可写作 IF(…, "是", "否")', 'such as IF(…, "yes", "no")'),
    ("choice", "text"): ('用 & "" 转为文本', 'join it with & "" to get its code'),
    ("text", "date"): ("日期写作 DATE(2024, 1, 31)", "dates are written DATE(2024, 1, 31)"),
    ("number", "date"): ("日期写作 DATE(2024, 1, 31)", "dates are written DATE(2024, 1, 31)"),
}
"""What to do instead, by the type that is there and the one that is wanted."""


def _how(there: str, wanted: str) -> tuple[str, str]:
    chinese, english = _HOW.get((there, wanted), ("", ""))
    return f"：{chinese}" if chinese else "", f": {english}" if english else ""


@attrs.frozen
class Term:
    """A part of a formula as it is in the program.

    Args:
        type: A `FormulaType`; `blank` for `""`, and `unknown` where a problem was found already.
        code: The name that holds its value.
        at: Its column.
        present: Whether it is never blank.
        rough: Whether a division may have rounded it.
        choices: The entries, for a `choice`.
        constant: The value of a constant.
    """

    type: str
    code: str
    at: int
    present: bool = False
    rough: bool = False
    choices: Choices | None = None
    constant: Any = None


class Builder:
    """Collect the assignments, the constants and the problems of one formula."""

    def __init__(self, zone: tzinfo) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {**OPERATIONS, "day": in_zone(zone)}
        self.problems: list[Problem] = []
        self.fields: dict[FieldKey, str] = {}

    def keep(self, value: object) -> str:
        """Return the name of a constant of the program."""
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def emit(self, expression: str) -> str:
        """Add an assignment, and return the name that it gives a value."""
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        return name

    def strict(self, type_: str, at: int, template: str, *terms: Term, total: bool = True, rough: bool = False) -> Term:
        """Add an operation that is blank where one of `terms` is; `total` if it never is otherwise."""
        checks = " and ".join(f"{term.code} is not None" for term in terms if not term.present)
        expression = template.format(*(term.code for term in terms))
        code = self.emit(f"{expression} if {checks} else None" if checks else expression)
        rough = rough or any(term.rough for term in terms)
        return Term(type_, code, at, present=total and not checks, rough=rough and type_ == "number")

    def test(self, at: int, template: str, *terms: Term) -> Term:
        """Add a comparison, which is false where one of `terms` is blank."""
        checks = "".join(f"{term.code} is not None and " for term in terms if not term.present)
        code = self.emit(checks + template.format(*(term.code for term in terms)))
        return Term("boolean", code, at, present=True)

    def constant(self, type_: str, value: object, at: int, choices: Choices | None = None) -> Term:
        """Add a constant."""
        present = value is not None
        return Term(type_, self.keep(value), at, present=present, choices=choices, constant=value)

    def field(self, info: FieldInfo, at: int) -> Term:
        """Add the reading of a field. A value of another type than the field's counts as blank."""
        code = self.fields.get(info.key)
        if code is None:
            code = self.emit(f"get({self.keep(info.key)})")
            if info.type in CLASSES:
                code = self.emit(f"{code} if {code}.__class__ in {self.keep(CLASSES[info.type])} else None")
            self.fields[info.key] = code
        return Term(info.type, code, at, choices=info.choices)

    def refuse(self, at: int, chinese: str, english: str) -> Term:
        """Take a problem down, and return a term that raises no others."""
        self.problems.append(problem_at(at, chinese, english))
        return Term("unknown", "None", at)

    def need(self, term: Term, wanted: str) -> Term:
        """Return the term as one of the type `wanted`, or refuse it."""
        if term.type in (wanted, "unknown"):
            return term
        if (term.type, wanted) == ("datetime", "date"):
            return self.strict("date", term.at, "day({})", term, total=False)
        there, needed = TYPE_NAMES[term.type], TYPE_NAMES[wanted]
        zh, en = _how(term.type, wanted)
        return self.refuse(
            term.at, f"此处是{there[0]}，需要{needed[0]}{zh}", f"this is {there[1]}, not {needed[1]}{en}"
        )

    def alike(self, terms: Sequence[Term]) -> tuple[Term, ...]:
        """Return terms of one type, or refuse the first that does not fit the others. Blanks fit every type."""
        types = {term.type for term in terms} - {"blank", "unknown"}
        if types == {"date", "datetime"}:
            return tuple(term if term.type == "blank" else self.need(term, "date") for term in terms)
        known = [term for term in terms if term.type in types]
        unknown = tuple(Term("unknown", "None", term.at) for term in terms)
        for term in known[1:]:
            if term.type != known[0].type:
                first, other = TYPE_NAMES[known[0].type], TYPE_NAMES[term.type]
                zh, en = _how(term.type, known[0].type)
                self.refuse(
                    term.at,
                    f"此处是{other[0]}，前面是{first[0]}{zh}",
                    f"this is {other[1]}, before it is {first[1]}{en}",
                )
                return unknown
            if term.choices != known[0].choices:
                self.refuse(term.at, "两个选项不属于同一字典", "the two choices are not of the same dictionary")
                return unknown
        return tuple(terms)

    def joined(self, at: int, template: str, terms: Sequence[Term], extra: Sequence[Term] = ()) -> Term:
        """Add an operation on `terms` of one type, which has that type; `extra` come first in the template."""
        terms = self.alike(terms)
        lead = next((term for term in terms if term.type not in ("blank", "unknown")), terms[0])
        code = self.emit(template.format(*(term.code for term in (*extra, *terms))))
        present = all(term.present for term in terms)
        return Term(lead.type, code, at, present, any(term.rough for term in terms), lead.choices)

    def function(self, term: Term, finish: Callable[[Any], Any]) -> Evaluate:
        """Return the program as a function whose result is `term`, put into its final form by `finish`."""
        names = {**self.names, "finish": finish}
        body = "\n    ".join(
            ["get = values.get", *self.lines, f"return None if {term.code} is None else finish({term.code})"]
        )
        exec(compile(f"def generated(values):\n    {body}\n", "<formula>", "exec"), names)  # noqa: S102 - generated names only
        generated: Evaluate = names["generated"]
        return generated

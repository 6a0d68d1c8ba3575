"""Compiling formulas for a field."""

from __future__ import annotations

from datetime import UTC, tzinfo

import attrs

from custinfo.core.errors import ConfigurationError
from custinfo.core.formulas._building import Builder, Evaluate, Term
from custinfo.core.formulas._checking import Checker, Resolve
from custinfo.core.formulas._operations import finisher
from custinfo.core.formulas._parser import parse
from custinfo.core.formulas._types import FormulaType, ResultType
from custinfo.core.records import FieldKey

__all__ = ["CompiledFormula", "compile_formula"]


@attrs.frozen(eq=False)
class CompiledFormula:
    """A formula ready for use.

    `evaluate` returns its value for the typed values of a record, `None` for a blank; it never raises, and the same
    values give the same result. `watches` are the keys of the fields that it reads. `type` is that of its value.
    """

    watches: frozenset[FieldKey]
    type: FormulaType
    evaluate: Evaluate = attrs.field(repr=False)


def compile_formula(
    text: str, *, field: FieldKey, resolve: Resolve, result: ResultType, zone: tzinfo = UTC
) -> CompiledFormula:
    """Return a formula compiled for a field (FLD-2).

    Args:
        text: The formula, in the language that `custinfo.core.formulas` describes.
        field: Key of the computed field.
        resolve: Finds a field by its key, label or alias.
        result: What the formula shall come to, see `result_type`.
        zone: The time zone in which a time has its day.

    Raises:
        ConfigurationError: `formula_invalid`, with the position in the text: once for each name, function and type
            that is wrong; only once where the formula can't be read.

    >>> from custinfo.core.formulas import FieldInfo, result_type
    >>> fields = {"合同金额": FieldInfo("contract_amount", "number"), "回款金额": FieldInfo("paid_amount", "number")}
    >>> money = result_type("money", field="outstanding")
    >>> formula = compile_formula("合同金额 - 回款金额", field="outstanding", resolve=fields.get, result=money)
    >>> formula.evaluate({"contract_amount": 1000, "paid_amount": 400})
    Decimal('600')
    """
    try:
        root = parse(text)
    except ConfigurationError as error:
        raise ConfigurationError(attrs.evolve(problem, field=field) for problem in error.problems) from None
    checker = Checker(field, resolve, zone)
    builder = checker.builder
    term = _resulting(builder, checker.term(root, result.choices), result)
    if builder.problems:
        problems = sorted(builder.problems, key=lambda problem: int(str(problem.params["position"])))
        raise ConfigurationError(attrs.evolve(problem, field=field) for problem in problems)
    return CompiledFormula(
        frozenset(builder.fields), result.type, builder.function(term, finisher(result, rough=term.rough))
    )


def _resulting(builder: Builder, term: Term, result: ResultType) -> Term:
    """Return the value of the whole formula as one of the wanted type, or refuse it."""
    if term.type == "blank":
        return term
    if term.type == result.type == "choice" and term.choices != result.choices:
        return builder.refuse(term.at, "选项不属于该字段的字典", "the choice is not of the dictionary of the field")
    return builder.need(term, result.type)

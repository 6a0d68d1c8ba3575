"""What holds for every formula: the meaning that a naive evaluator gives it, and no surprises for any text or value."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition
from custinfo.core.formulas import Choices, FieldInfo, compile_formula, names_in, parse, result_type
from custinfo.core.kinds import BUILT_IN_KINDS, KindContext
from custinfo.core.organisation import Organisation
from custinfo.core.problems import Problem
from custinfo.core.schema import DirectoryNames

ZONE = ZoneInfo("Asia/Shanghai")
COLOURS = Choices("colour", {"红": "red", "蓝": "blue", "red": "red"}.get)
FIELDS = {
    info.key: info
    for info in (
        FieldInfo("n", "number"),
        FieldInfo("m", "number"),
        FieldInfo("名称", "text"),
        FieldInfo("s", "text"),
        FieldInfo("p", "boolean"),
        FieldInfo("d", "date"),
        FieldInfo("e", "date"),
        FieldInfo("at", "datetime"),
        FieldInfo("colour", "choice", COLOURS),
    )
}

Values = Mapping[str, Any]


@attrs.frozen
class Case:
    """A formula of some rank (how close its outermost operator binds), and what it comes to: the naive evaluator."""

    text: str
    rank: int
    of: Callable[[Values], Any] = attrs.field(repr=False, eq=False)

    def within(self, rank: int) -> str:
        """Return the text for a place where operators of a lower rank need parentheses."""
        return self.text if self.rank >= rank else f"({self.text})"


COMPARE, JOIN, ADD, TIMES, SIGN, PERCENT, ATOM = range(1, 8)


def lifted(function: Callable[..., Any], *cases: Case) -> Callable[[Values], Any]:
    """Return the function of values that is blank where one of `cases` is."""

    def of(values: Values) -> Any:
        arguments = [case.of(values) for case in cases]
        return None if None in arguments else function(*arguments)

    return of


def skipping(function: Callable[[list[Any]], Any], *cases: Case) -> Callable[[Values], Any]:
    """Return the function of values that leaves out blanks, and is blank where nothing is left."""

    def of(values: Values) -> Any:
        present = [item for item in (case.of(values) for case in cases) if item is not None]
        return function(present) if present else None

    return of


def call(name: str, of: Callable[[Values], Any], *arguments: Case | int) -> Case:
    """Return a call of a function."""
    texts = [str(item) if isinstance(item, int) else item.text for item in arguments]
    return Case(f"{name}({', '.join(texts)})", ATOM, of)


def half_up(number: Fraction, places: int) -> Fraction:
    """Round half away from zero."""
    scaled = math.floor(abs(number) * Fraction(10) ** places + Fraction(1, 2))
    return (-scaled if number < 0 else scaled) / Fraction(10) ** places


def quotient(left: Fraction, right: Fraction) -> Fraction | None:
    """Divide; by zero there is nothing."""
    return left / right if half_up(right, 20) else None


def added(start: date, months: int) -> date | None:
    """Return the day so many months later, or the last before it."""
    index = start.year * 12 + start.month - 1 + months
    for day in range(start.day, 27, -1):
        try:
            return date(index // 12, index % 12 + 1, day)
        except ValueError:
            continue
    return date(index // 12, index % 12 + 1, start.day) if start.day < 28 else None


def whole_years(start: date, end: date) -> int:
    """Count birthdays."""
    if end < start:
        return -whole_years(end, start)
    return sum((start.year + n, start.month, start.day) <= (end.year, end.month, end.day) for n in range(1, 120))


def shown(number: Fraction) -> str:
    """Write a number with up to six places."""
    rounded = half_up(number, 6)
    if abs(rounded) >= 9 * 10**12:
        return ""
    text = f"{abs(rounded.numerator) * 10**6 // rounded.denominator:07d}"
    return ("-" if rounded < 0 else "") + f"{text[:-6]}.{text[-6:]}".rstrip("0").rstrip(".")


def field(key: str) -> Case:
    """Return the reading of a field."""

    def of(values: Values) -> Any:
        found = values.get(key)
        return Fraction(found) if FIELDS[key].type == "number" and found is not None else found

    return Case(key, ATOM, of)


def binary(left: Case, operator: str, right: Case, rank: int, of: Callable[[Values], Any]) -> Case:
    """Return two operands with an operator between."""
    return Case(f"{left.within(rank)} {operator} {right.within(rank + 1)}", rank, of)


@st.composite
def numbers(draw: st.DrawFn, depth: int = 2) -> Case:
    """Draw a formula of numbers."""
    if depth == 0:
        if draw(st.booleans()):
            return field(draw(st.sampled_from(["n", "m"])))
        constant = draw(st.decimals(0, 99, places=1))
        return Case(str(constant), ATOM, lambda _: Fraction(constant))
    inner = numbers(depth - 1)
    left, right = draw(inner), draw(inner)
    places = draw(st.integers(-2, 4))
    first, second = draw(dates(depth - 1)), draw(dates(depth - 1))
    text = draw(texts(depth - 1))
    sums = (
        binary(left, "+", right, ADD, lifted(lambda a, b: a + b, left, right)),
        binary(left, "-", right, ADD, lifted(lambda a, b: a - b, left, right)),
        binary(left, "*", right, TIMES, lifted(lambda a, b: a * b, left, right)),
        binary(left, "/", right, TIMES, lifted(quotient, left, right)),
        Case(f"-{left.within(SIGN)}", SIGN, lifted(lambda a: -a, left)),
        Case(f"{left.within(ATOM)}%", PERCENT, lifted(lambda a: a / 100, left)),
        call("SUM", skipping(sum, left, right), left, right),
        call("average", skipping(lambda items: sum(items) / Fraction(len(items)), left, right), left, right),
        call("Min", skipping(min, left, right), left, right),
        call("ABS", lifted(abs, left), left),
        call("INT", lifted(lambda a: Fraction(math.floor(a)), left), left),
        call("ROUND", lifted(lambda a: half_up(a, places), left), left, places),
        call("LEN", lifted(lambda t: Fraction(len(t)), text), text),
        call("DAYS", lifted(lambda a, b: Fraction((a - b).days), first, second), first, second),
        binary(first, "-", second, ADD, lifted(lambda a, b: Fraction((a - b).days), first, second)),
        call("YEARS", lifted(lambda a, b: Fraction(whole_years(a, b)), first, second), first, second),
        call("MONTH", lifted(lambda a: Fraction(a.month), first), first),
        *either(draw, left, right, depth),
    )
    return draw(st.sampled_from(sums))


def either(draw: st.DrawFn, left: Case, right: Case, depth: int) -> tuple[Case, Case]:
    """Draw what chooses one of two values of any type."""
    test = draw(booleans(depth - 1))
    return (
        call("IF", lambda values: left.of(values) if test.of(values) else right.of(values), test, left, right),
        call("COALESCE", skipping(lambda items: items[0], left, right), left, right),
    )


@st.composite
def booleans(draw: st.DrawFn, depth: int = 2) -> Case:
    """Draw a formula of yes and no."""
    if depth == 0:
        return field("p")
    operand = draw(st.sampled_from([numbers, texts, dates]))(depth - 1)
    left, right = draw(operand), draw(operand)
    one, other = draw(booleans(depth - 1)), draw(booleans(depth - 1))

    def compared(operator: str, test: Callable[[Any, Any], bool]) -> Case:
        of = lifted(test, left, right)
        return Case(f"{left.within(JOIN)} {operator} {right.within(JOIN)}", COMPARE, lambda values: bool(of(values)))

    tests = (
        compared("=", lambda a, b: a == b),
        compared("<>", lambda a, b: a != b),
        compared("<", lambda a, b: a < b),
        compared("≥", lambda a, b: a >= b),
        call("AND", lambda values: bool(one.of(values)) and bool(other.of(values)), one, other),
        call("OR", lambda values: bool(one.of(values)) or bool(other.of(values)), one, other),
        call("NOT", lambda values: not one.of(values), one),
        call("ISBLANK", lambda values: left.of(values) is None, left),
        Case(f'{left.within(JOIN)} <> ""', COMPARE, lambda values: left.of(values) is not None),
    )
    return draw(st.sampled_from(tests))


@st.composite
def texts(draw: st.DrawFn, depth: int = 2) -> Case:
    """Draw a formula of texts."""
    if depth == 0:
        if draw(st.booleans()):
            return field(draw(st.sampled_from(["名称", "s"])))
        constant = draw(st.text('ab （"“', min_size=1, max_size=3))
        return Case('"' + constant.replace('"', '""') + '"', ATOM, lambda _: constant)
    left, right = draw(texts(depth - 1)), draw(texts(depth - 1))
    number, count = draw(numbers(depth - 1)), draw(st.integers(0, 4))

    def joined(values: Values) -> str | None:
        amount = number.of(values)
        return (left.of(values) or "") + ("" if amount is None else shown(amount)) + (right.of(values) or "") or None

    found = (
        Case(f"{left.within(JOIN)} & {number.within(ADD)} & {right.within(ADD)}", JOIN, joined),
        call("LEFT", lifted(lambda t: t[:count] or None, left), left, count),
        call("RIGHT", lifted(lambda t: t[len(t) - count if count < len(t) else 0 :] or None, left), left, count),
        call("MID", lifted(lambda t: t[count : count + 2] or None, left), left, count + 1, 2),
        call("UPPER", lifted(str.upper, left), left),
        call("TRIM", lifted(lambda t: " ".join(t.split()) or None, left), left),
        *either(draw, left, right, depth),
    )
    return draw(st.sampled_from(found))


@st.composite
def dates(draw: st.DrawFn, depth: int = 2) -> Case:
    """Draw a formula of dates."""
    if depth == 0:
        return field(draw(st.sampled_from(["d", "e"])))
    left, right, count = draw(dates(depth - 1)), draw(dates(depth - 1)), draw(st.integers(0, 40))
    found = (
        binary(left, "+", Case(str(count), ATOM, lambda _: None), ADD, lifted(lambda a: a + timedelta(count), left)),
        binary(left, "-", Case(str(count), ATOM, lambda _: None), ADD, lifted(lambda a: a - timedelta(count), left)),
        call("EDATE", lifted(lambda a: added(a, count), left), left, count),
        call("MAX", skipping(max, left, right), left, right),
        *either(draw, left, right, depth),
    )
    return draw(st.sampled_from(found))


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a value or a blank."""
    return st.none() | values


LETTERS = st.text("ab 中é", min_size=1, max_size=4)
USUAL = st.fixed_dictionaries({
    "n": optional(st.integers(-50, 50)),
    "m": optional(st.decimals(-50, 50, places=2)),
    "名称": optional(LETTERS),
    "s": optional(LETTERS),
    "p": optional(st.booleans()),
    "d": optional(st.dates(date(1990, 1, 1), date(2040, 1, 1))),
    "e": optional(st.dates(date(1990, 1, 1), date(2040, 1, 1))),
})  # fmt: skip
ANY = st.fixed_dictionaries({
    "n": optional(st.integers(-(2**63) + 1, 2**63 - 1)),
    "m": optional(st.decimals(-8_999_999_999_999, 8_999_999_999_999, places=6)),
    "名称": optional(st.text()),
    "s": optional(st.text()),
    "p": optional(st.booleans()),
    "d": optional(st.dates()),
    "e": optional(st.dates()),
    "at": optional(st.datetimes(timezones=st.just(UTC))),
    "colour": optional(st.sampled_from(["red", "blue"])),
})  # fmt: skip


def evaluate(text: str, kind: str, values: Values) -> Any:
    """Compile a formula for a kind, and work it out."""
    choices = COLOURS if kind == "choice" else None
    result = result_type(kind, field="x", choices=choices)
    return compile_formula(text, field="x", resolve=FIELDS.get, result=result, zone=ZONE).evaluate(values)


@given(numbers(), USUAL)
@settings(max_examples=300)
def test_numbers_mean_what_they_say(case: Case, values: dict[str, Any]) -> None:
    """A formula of numbers comes to what exact fractions come to, rounded once at the end."""
    expected = case.of(values)
    found = evaluate(case.text, "decimal", values)
    if expected is not None:
        expected = half_up(expected, 6)
        expected = expected if abs(expected) < 9 * 10**12 else None
    assert (None if found is None else Fraction(found)) == expected


@given(booleans(), USUAL)
@settings(max_examples=300)
def test_booleans_mean_what_they_say(case: Case, values: dict[str, Any]) -> None:
    """A test comes to what plain Python says."""
    assert evaluate(case.text, "boolean", values) is case.of(values)


@given(texts(), USUAL)
@settings(max_examples=300)
def test_texts_mean_what_they_say(case: Case, values: dict[str, Any]) -> None:
    """A formula of texts comes to what plain Python says, without outer blanks."""
    assert evaluate(case.text, "text", values) == ((case.of(values) or "").strip() or None)


@given(dates(), USUAL)
@settings(max_examples=300)
def test_dates_mean_what_they_say(case: Case, values: dict[str, Any]) -> None:
    """A formula of dates comes to what plain Python says."""
    assert evaluate(case.text, "date", values) == case.of(values)


TYPED = st.one_of(
    st.tuples(numbers(3), st.sampled_from(["integer", "decimal", "money"])),
    st.tuples(texts(3), st.sampled_from(["text", "long_text"])),
    st.tuples(dates(3), st.just("date")),
    st.tuples(booleans(3), st.just("boolean")),
).map(lambda pair: (pair[0].text, pair[1]))
SPECIAL = st.sampled_from([
    ("n * m * n * m * n * m / 0.000001", "decimal"),
    ("n / m / m / m / m / m / m - m", "integer"),
    ("ROUND(n * n * n * n, 6) / INT(m * m * m)", "money"),
    ("d + n * m", "date"),
    ("d - n / m", "date"),
    ("EDATE(at, n * m)", "date"),
    ("DATE(n, m, n / m)", "date"),
    ("MID(名称, n, m) & LEFT(s, n / m) & RIGHT(s, m)", "text"),
    ("at - d", "integer"),
    ("MAX(at, at)", "datetime"),
    ("MIN(at, d)", "date"),
    ("YEARS(at, d) + MONTHS(d, at)", "integer"),
    ('IF(colour = "红", colour, "蓝")', "choice"),
    ("名称 & n & m & d & colour", "long_text"),
    ("UPPER(名称) & LOWER(s)", "text"),
])  # fmt: skip
ORGANISATION = Organisation((), (), ())
CONTEXT = KindContext(
    {"colour": Dictionary("colour", (DictionaryValue("red", "红"), DictionaryValue("blue", "蓝")))},
    DirectoryNames(ORGANISATION),
    ZONE,
)


@given(TYPED | SPECIAL, ANY)
@settings(max_examples=400)
@example(("DATE(n, 1, 1)", "date"), {"n": 0})
@example(("at", "date"), {"at": datetime.max.replace(tzinfo=UTC)})
def test_any_values_give_a_value_of_the_field(formula: tuple[str, str], values: dict[str, Any]) -> None:
    """Whatever the values are, the result is a blank or a value that a field of the kind would take as it is."""
    text, kind = formula
    found = evaluate(text, kind, values)
    assert found == evaluate(text, kind, values)
    options = {"dictionary": "colour"} if kind == "choice" else {}
    problems: list[Any] = []
    if found is not None and not (isinstance(found, str) and not found.isprintable()):
        parsed = BUILT_IN_KINDS[kind].parser(FieldDefinition("x", kind, options=options), CONTEXT)(found, problems)
        assert (problems, type(parsed), str(parsed)) == ([], type(found), str(found))


TOKENS = st.sampled_from([
    *FIELDS, *'+-*/&=<>(),;%（），＝“”"[]', "<=", "<>", "IF(", "SUM(", "ROUND(", "LEN(", "AND(", "COALESCE(",
    "TODAY()", "1", "0.5", "50万", '"红"', '""', "TRUE", " ", "[n]", "DATE(2024,1,31)",
])  # fmt: skip


def refused(read: Callable[[str], object], text: str) -> tuple[Problem, ...]:
    """Return why a text is refused; nothing where it is not."""
    try:
        read(text)
    except ConfigurationError as error:
        return error.problems
    return ()


@given(st.text() | st.text(string.printable) | st.lists(TOKENS, max_size=12).map("".join))
@settings(max_examples=600)
@example("(" * 2000)
@example("=")
@example("\ud800")
@example("٣")
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    """No text makes anything happen but a formula or a refusal that names a place in it."""
    for read in (
        parse,
        names_in,
        lambda text: evaluate(text, "decimal", {"n": 1, "m": Decimal(0)}),
        lambda text: evaluate(text, "text", {"n": 1, "m": Decimal(0)}),
        lambda text: evaluate(text, "choice", {}),
    ):
        for problem in refused(read, text):
            position = problem.params["position"]
            assert problem.code == "formula_invalid"
            assert isinstance(position, int)
            assert 1 <= position <= len(text) + 1


@given(numbers())
@settings(max_examples=200)
def test_wide_signs_mean_the_same(case: Case) -> None:
    """A formula typed with a Chinese input method is the same formula."""
    wide = {code: code + 0xFEE0 for code in map(ord, "()+-*/<>=,%0123456789.&")}
    parts = case.text.split('"')
    text = '"'.join(part if index % 2 else part.translate(wide) for index, part in enumerate(parts))
    assert parse(text) == parse(case.text)


@pytest.mark.parametrize("text", ["n m", "n +", "n + 名称", "TODAY()"])
def test_wrong_formulas_are_refused(text: str) -> None:
    """What is wrong is refused: the tests above do not pass because everything is taken."""
    with pytest.raises(ConfigurationError):
        evaluate(text, "decimal", {})

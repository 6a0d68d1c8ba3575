"""The language of computed fields: what formulas mean, and how the wrong ones are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import custinfo.core.formulas as language
from custinfo.core.errors import ConfigurationError
from custinfo.core.formulas import (
    FORMULA_LONGEST,
    FORMULA_NESTED_DEEPEST,
    Choices,
    FieldInfo,
    compile_formula,
    evaluation_order,
    names_in,
    parse,
    result_type,
    type_of_kind,
)
from custinfo.core.formulas._functions import FORWARDING, FUNCTIONS, NO_SUCH_FUNCTION
from custinfo.core.formulas._nodes import Call, Chain, Constant, Name, Percent, Sign, Step
from custinfo.core.messages import Translated
from tests.decimal_contexts import silent, trapping, untouched

STATUS = Choices("status", {"成交": "won", "won": "won", "Won": "won", "流失": "lost", "lost": "lost"}.get)
LEVEL = Choices("level", {"重点": "key", "一般": "plain"}.get)
FIELDS = {
    "contract": FieldInfo("contract", "number"),
    "合同金额": FieldInfo("contract", "number"),
    "合同 金额（元）": FieldInfo("contract", "number"),
    "paid": FieldInfo("paid", "number"),
    "seats": FieldInfo("seats", "number"),
    "name": FieldInfo("name", "text"),
    "city": FieldInfo("city", "text"),
    "active": FieldInfo("active", "boolean"),
    "founded": FieldInfo("founded", "date"),
    "signed": FieldInfo("signed", "date"),
    "called": FieldInfo("called", "datetime"),
    "seen": FieldInfo("seen", "datetime"),
    "status": FieldInfo("status", "choice", STATUS),
    "former": FieldInfo("former", "choice", STATUS),
    "level": FieldInfo("level", "choice", LEVEL),
    "files": FieldInfo("files", "other"),
    "net": FieldInfo("net", "number"),
    "spare": FieldInfo("spare", "number"),
}
VALUES: dict[str, Any] = {
    "contract": Decimal("1000.50"),
    "paid": Decimal(400),
    "seats": 7,
    "name": "  杭州 澜舟 ",
    "city": "hangzhou",
    "active": True,
    "founded": date(2020, 2, 29),
    "signed": date(2024, 1, 31),
    "called": datetime(2024, 1, 31, 18, 30, tzinfo=UTC),
    "seen": datetime(2024, 1, 31, 19, 0, tzinfo=UTC),
    "status": "won",
    "former": "lost",
    "level": "key",
    "files": ("a.pdf",),
}
CHINA = ZoneInfo("Asia/Shanghai")


def value(text: str, kind: str, values: dict[str, Any] | None = None, **options: Any) -> Any:
    """Return what a formula comes to as a field of a kind, of `VALUES` where no values are given."""
    choices = {"choice": LEVEL}.get(kind)
    result = result_type(kind, options, field="net", choices=choices)
    formula = compile_formula(text, field="net", resolve=FIELDS.get, result=result, zone=CHINA)
    return formula.evaluate(VALUES if values is None else values)


NUMBERS = [
    ("合同金额 - paid", "600.5"),
    ("=contract-paid", "600.5"),
    ("contract * 10% + 0.05", "100.1"),
    ("1 + 2 * 3 - 8 / 4", "5"),
    ("(1 + 2) * 3", "9"),
    ("10 - 4 - 3", "3"),
    ("24 / 4 / 2", "3"),
    ("-2 * -3 + +1", "7"),
    ("--5", "5"),
    ("-50%", "-0.5"),
    ("-(paid)", "-400"),
    ("[合同 金额（元）] + 0", "1000.5"),
    ("【合同 金额（元）】 + 0", "1000.5"),
    ("５ × ２ ÷ ４ − １", "1.5"),
    ("50万 + 1.5亿 + 2万亿", "2000150500000"),
    (".5 + 1.", "1.5"),
    ("1 / 3", "0.333333"),
    ("2 / 3", "0.666667"),
    ("-2 / 3", "-0.666667"),
    ("1 / 3 * 3", "1"),
    ("0.0000005", "0.000001"),
    ("-0.0000005", "-0.000001"),
    ("0.00000049", "0"),
    ("seats / 2", "3.5"),
    ("paid / (seats - 7)", None),
    ("0 / (1 / 3 * 3 - 1)", None),
    ("1 / 0 + 1", None),
    ("LEN(LEFT(city, 0)) + 1", None),
    ("YEAR(DATE(2024, 2, 30)) + 1", None),
    ("YEAR(DATE(2024, 2, 3) + 9万亿)", None),
    ("YEAR(EDATE(DATE(2024, 2, 3), 9万亿))", None),
    ("8999999999999.999999", "8999999999999.999999"),
    ("8999999999999.9999994", "8999999999999.999999"),
    ("8999999999999.9999995", None),
    ("-9万亿", None),
    ("9万亿 - 1", "8999999999999"),
    ("IF(active, paid, 0)", "400"),
    ("if(contract > paid，contract，paid)", "1000.5"),
    ("IF(NOT(active); 1; 2)", "2"),
    ("IF(paid > 400, 1)", None),
    ('IF(paid > 400, 1, "")', None),
    ("MIN(contract, paid, seats)", "7"),
    ("MAX(contract, paid, seats)", "1000.5"),
    ("SUM(contract, paid, seats, spare)", "1407.5"),
    ("AVERAGE(paid, seats, spare)", "203.5"),
    ("COALESCE(spare, paid)", "400"),
    ("COALESCE(spare, spare)", None),
    ("ROUND(contract / 12, 2)", "83.38"),
    ("ROUND(2.5) + ROUND(-2.5, 0)", "0"),
    ("ROUND(contract, -2)", "1000"),
    ("ROUND(1 / 3 * 1.5)", "1"),
    ("ROUNDUP(2.001, 1)", "2.1"),
    ("ROUNDUP(-2.001, 1)", "-2.1"),
    ("ROUNDUP(1 / 3 * 3)", "1"),
    ("ROUNDDOWN(-2.09, 1)", "-2"),
    ("INT(-1.5)", "-2"),
    ("INT(10 / 3 * 3)", "10"),
    ("ABS(paid - contract)", "600.5"),
    ("LEN(city)", "8"),
    ("LEN(TRIM(name))", "5"),
    ("YEAR(founded) * 10000 + MONTH(founded) * 100 + DAY(founded)", "20200229"),
    ("DAY(called)", "1"),
    ("DAYS(signed, founded)", "1432"),
    ("signed - founded", "1432"),
    ("called - signed", "1"),
    ("MONTHS(founded, signed)", "47"),
    ("MONTHS(signed, founded)", "-47"),
    ("YEARS(founded, signed)", "3"),
    ("YEARS(founded, DATE(2024, 2, 28))", "3"),
    ("YEARS(founded, DATE(2024, 2, 29))", "4"),
    ("YEARS(founded, DATE(2021, 2, 28))", "0"),
    ("YEARS(signed, founded)", "-3"),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers(text: str, expected: str | None) -> None:
    """Formulas of numbers come to a decimal, in the one form in which amounts are stored."""
    found = value(text, "decimal")
    assert found is None if expected is None else str(found) == expected


BOOLEANS = [
    ("contract > paid", True),
    ("contract <= paid", False),
    ("seats >= 7", True),
    ("seats ≥ 7", True),
    ("seats ≤ 6", False),
    ("seats ≠ 7", False),
    ("seats != 7", False),
    ("seats <> 8", True),
    ("seats == 7", True),
    ("seats ＜＝ 7", True),
    ("1 / 3 * 3 = 1", True),
    ("1 / 3 > 0.333333", True),
    ("AVERAGE(1, 1, 2) * 3 = 4", True),
    ("status = “成交”", True),
    ('"Won" = status', True),
    ('status <> "流失"', True),
    ("status = former", False),
    ('city = "hangzhou"', True),
    ('city = "Hangzhou"', False),
    ('city < "i"', True),
    ("active = TRUE", True),
    ("active = FALSE()", False),
    ("founded < signed", True),
    ("called > signed", True),
    ("called < seen", True),
    ("founded = DATE(2020, 2, 29)", True),
    ("AND(active, seats = 7, true)", True),
    ("AND(active, seats = 8)", False),
    ("OR(seats = 8, active)", True),
    ("OR(seats = 8)", False),
    ("NOT(seats = 8)", True),
    ("ISBLANK(spare)", True),
    ("ISBLANK(files)", False),
    ('ISBLANK("")', True),
    ('spare = ""', True),
    ('"" <> spare', False),
    ('city = ""', False),
    ('city <> ""', True),
    ('"" = ""', True),
    ("active", True),
]


@pytest.mark.parametrize(("text", "expected"), BOOLEANS)
def test_booleans(text: str, expected: bool) -> None:
    """Comparisons and logic come to yes or no."""
    assert value(text, "boolean") is expected


TEXTS = [
    ('city & "（" & seats & "）"', "hangzhou（7）"),
    ("city & “（”", "hangzhou（"),
    ('"a ""b""" & ""', 'a "b"'),
    ("“他说 'x'”", "他说 'x'"),
    ("＂好＂", "好"),
    ('"他说＂好＂"', "他说＂好＂"),
    ("contract & founded & status", "1000.52020-02-29won"),
    ('"共" & contract * 9万亿', "共"),
    ('1 / 3 & ""', "0.333333"),
    ("spare & spare", None),
    ('""', None),
    ("name", "杭州 澜舟"),
    ("TRIM(name)", "杭州 澜舟"),
    ("UPPER(LEFT(city)) & MID(city, 2, 3)", "Hang"),
    ("RIGHT(city, 4)", "zhou"),
    ("RIGHT(city) & LEFT(city, 0)", "u"),
    ('LOWER("ABC")', "abc"),
    ("LEFT(city, 99999999999999999999)", "hangzhou"),
    ("LEFT(city, 10 / 3 * 0.3)", "h"),
    ("LEFT(city, -1)", None),
    ("RIGHT(city, -1)", None),
    ("MID(city, 0, 3)", None),
    ("MID(city, 9, 3)", None),
    ('TRIM("  ")', None),
    ('LEFT("a", 0) & MID("a", 2, 1) & TRIM(" ") & RIGHT("a", 0) & "x"', "x"),
    ('IF(status = "成交", "老客户", "新客户")', "老客户"),
    ('COALESCE(LEFT(city, 0), "无")', "无"),
    ('"a' + "\n" + 'b"', "a b"),
    ('"e" & "\u0301"', "é"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_texts(text: str, expected: str | None) -> None:
    """Formulas of texts come to one line without outer blanks; an empty one is blank."""
    assert value(text, "text") == expected


DATES = [
    ("signed + 30", date(2024, 3, 1)),
    ("30 + signed", date(2024, 3, 1)),
    ("signed - 31", date(2023, 12, 31)),
    ("signed + 1 / 3 * 3", date(2024, 2, 1)),
    ("signed + 1.9", date(2024, 2, 1)),
    ("signed - 1.9", date(2024, 1, 30)),
    ("called", date(2024, 2, 1)),
    ("called + 1", date(2024, 2, 2)),
    ("MIN(founded, signed, spare + signed)", date(2020, 2, 29)),
    ("MAX(founded, called)", date(2024, 2, 1)),
    ("IF(active, called, signed)", date(2024, 2, 1)),
    ("EDATE(signed, 1)", date(2024, 2, 29)),
    ("EDATE(signed, -2)", date(2023, 11, 30)),
    ("EDATE(signed, 99999)", None),
    ("DATE(2024, 2, 30)", None),
    ("DATE(0, 1, 1)", None),
    ("DATE(9万亿 * 9万亿, 1, 1)", None),
    ("signed + 9万亿", None),
    ("signed - 9万亿 * 9万亿", None),
    ("DATE(2024, 12, 31)", date(2024, 12, 31)),
]


@pytest.mark.parametrize(("text", "expected"), DATES)
def test_dates(text: str, expected: date | None) -> None:
    """Formulas of dates count in days and months; a time counts as its day in the zone."""
    assert value(text, "date") == expected


def test_times() -> None:
    """A time stays as it is where a time is wanted."""
    assert value("MAX(called, seen)", "datetime") == datetime(2024, 1, 31, 19, 0, tzinfo=UTC)


def test_choices() -> None:
    """Where a choice is the result, texts are its entries."""
    assert value('IF(contract > 1000, "重点", "一般")', "choice") == "key"
    assert value('COALESCE(level, "一般")', "choice", {}) == "plain"
    assert value("level", "choice") == "key"
    assert value('"一般"', "choice") == "plain"


BLANK = [
    ("contract + 1", "decimal", None),
    ("-contract", "decimal", None),
    ("contract%", "decimal", None),
    ("contract / 0", "decimal", None),
    ("SUM(contract, paid)", "decimal", None),
    ("SUM(contract, 2)", "decimal", Decimal(2)),
    ("AVERAGE(contract)", "decimal", None),
    ("MIN(founded)", "date", None),
    ("ROUND(contract, 2)", "money", None),
    ("LEN(city)", "integer", None),
    ("UPPER(city)", "text", None),
    ("YEAR(called)", "integer", None),
    ("founded + 1", "date", None),
    ("contract = paid", "boolean", False),
    ("contract <> paid", "boolean", False),
    ('status <> "成交"', "boolean", False),
    ("NOT(contract = paid)", "boolean", True),
    ("active", "boolean", None),
    ("NOT(active)", "boolean", True),
    ("AND(active, TRUE)", "boolean", False),
    ("OR(active, TRUE)", "boolean", True),
    ("OR(active)", "boolean", False),
    ("IF(active, 1, 2)", "integer", 2),
    ('city & "x" & contract & founded & status', "text", "x"),
]


@pytest.mark.parametrize(("text", "kind", "expected"), BLANK)
def test_blanks(text: str, kind: str, expected: Any) -> None:
    """What operations make of fields without values."""
    found = value(text, kind, {})
    assert found == expected
    assert type(found) is type(expected)


def test_values_of_another_type_are_blanks() -> None:
    """A stored value that is no longer of the type of its field does no harm."""
    wrong: dict[str, Any] = {
        "contract": "12",
        "city": 3,
        "founded": "2024-01-01",
        "active": 1,
        "called": date(2024, 1, 1),
    }
    assert value("contract + 1", "decimal", wrong) is None
    assert value("city & founded", "text", wrong) is None
    assert value("AND(active)", "boolean", wrong) is False
    assert value("YEAR(called)", "integer", wrong) is None


@pytest.mark.parametrize(
    ("kind", "options", "text", "expected"),
    [
        ("integer", {}, "2.5", 3),
        ("integer", {}, "-2.5", -3),
        ("integer", {}, "seats", 7),
        ("integer", {}, "1 / 3 * 3 - 1 + 0.5", 1),
        ("integer", {}, "9223372036854775807 + 0.4", 2**63 - 1),
        ("integer", {}, "9223372036854775807 + 1", None),
        ("integer", {}, "9万亿 * 9万亿 * 9万亿", None),
        ("money", {}, "0.005", Decimal("0.01")),
        ("money", {}, "1 / 3 * 3 - 1 + 0.005", Decimal("0.01")),
        ("money", {"decimal_places": 0}, "0.5", Decimal(1)),
        ("money", {"decimal_places": 4}, "0.00005", Decimal("0.0001")),
        ("decimal", {"decimal_places": 9}, "0.0000004", Decimal(0)),
        ("decimal", {"decimal_places": 1}, "0.04", Decimal(0)),
        ("text", {"max_length": 3}, '"abc"', "abc"),
        ("text", {"max_length": 3}, '"abcd"', None),
        ("long_text", {}, '"a\nb"', "a\nb"),
    ],
)
def test_results_fit_their_field(kind: str, options: dict[str, Any], text: str, expected: Any) -> None:
    """Numbers are rounded to the places of the field; what the field cannot hold is blank."""
    found = value(text, kind, **options)
    assert found == expected
    assert type(found) is type(expected)


REFUSED = [
    ("", 1, "此处缺少数值、字段或函数", "a value, a field or a function is missing here"),
    ("1 +", 4, "此处缺少数值、字段或函数", "a value, a field or a function is missing here"),
    ("IF(active,,1)", 11, "此处缺少数值、字段或函数", "a value, a field or a function is missing here"),
    ("[ ]", 1, "此处缺少数值、字段或函数", "a value, a field or a function is missing here"),
    ("paid paid", 6, "此处应为运算符或公式结尾", "an operator or the end of the formula is missing here"),
    ("(paid]", 6, "不能识别的字符", "a character that means nothing here"),
    ("SUM(paid seats)", 10, "此处应为运算符或公式结尾", "an operator or the end of the formula is missing here"),
    ("10%%", 4, "此处应为运算符或公式结尾", "an operator or the end of the formula is missing here"),
    ("paid and seats", 6, "AND 是函数，写作 AND(…)", "AND is a function: it is written AND(…)"),
    ("1 < paid < 3", 10, "比较不能连写，请用 AND", "comparisons do not follow each other: use AND"),
    ("2 * (paid", 5, "括号没有闭合", "the parenthesis is not closed"),
    ("SUM(paid", 1, "括号没有闭合", "the parenthesis is not closed"),
    ("2024预算", 1, "以数字开头的字段名写在方括号中", "names that begin with a digit stand in square brackets"),
    ("paid + #", 8, "不能识别的字符", "a character that means nothing here"),
    ("paid ^ 2", 6, "没有乘方运算", "there is no operator for powers"),
    ("'x'", 1, "文本写在双引号中", "texts stand in double quotation marks"),
    ('city & "x', 8, "文本没有结尾的引号", "the text has no closing quotation mark"),
    ("city & “x", 8, "文本没有结尾的引号", "the text has no closing quotation mark"),
    ("[合同", 1, "字段名没有结尾的方括号", "the name has no closing bracket"),
    ("customer.name", 9, "公式只能使用本记录的字段", "a formula sees the fields of its own record only"),
    ('"\x01"', 1, "文本含有无法显示或保存的字符", "the text has characters that cannot be shown or stored"),
    ("1" * 31, 1, "数字最多 30 位", "a number has at most 30 digits"),
    ("paid + name", 8, "此处是文本，需要数字", "this is a text, not a number"),
    ("paid + active", 8, "此处是逻辑值，需要数字", "this is true or false, not a number"),
    ('paid + ""', 8, "此处是空，需要数字", "this is blank, not a number"),
    ("files + 1", 1, "此处是不能计算的类型，需要数字", "this is of a kind that formulas cannot use, not a number"),
    ("paid * signed", 8, "此处是日期，需要数字", "this is a date, not a number"),
    ("budget", 1, "没有字段 budget", "there is no field budget"),
    ("sum + 1", 1, "函数写作 SUM(…)", "functions are written SUM(…)"),
    ("net + 1", 1, "公式不能使用字段自身", "a formula cannot use its own field"),
    ("name", 1, "此处是文本，需要数字", "this is a text, not a number"),
    ("IF(paid, 1, 2)", 4, "此处是数字，需要逻辑值", "this is a number, not true or false"),
    ("IF(active, 1, name)", 15, "此处是文本，前面是数字", "this is a text, before it is a number"),
    ("IF(active)", 1, "IF 的参数个数：2 至 3，而不是 1", "the number of arguments of IF is 2 to 3, not 1"),
    ("SUM()", 1, "SUM 的参数个数：至少 1，而不是 0", "the number of arguments of SUM is at least 1, not 0"),
    ("ABS(1, 2)", 1, "ABS 的参数个数：1，而不是 2", "the number of arguments of ABS is 1, not 2"),
    ("ROUND(paid, seats)", 13, "小数位数须为 -12 至 6 的整数常数", "the places must be a whole constant from -12 to 6"),
    ("ROUND(paid, 0.5)", 13, "小数位数须为 -12 至 6 的整数常数", "the places must be a whole constant from -12 to 6"),
    ("ROUND(paid, 7)", 13, "小数位数须为 -12 至 6 的整数常数", "the places must be a whole constant from -12 to 6"),
    ("ROUND(paid, TRUE)", 13, "小数位数须为 -12 至 6 的整数常数", "the places must be a whole constant from -12 to 6"),
    (
        "YEAR(NOW())",
        6,
        "没有函数 NOW：结果是保存下来的值，不能取决于当前时间",
        "there is no function NOW: the result is stored, and cannot depend on the present time",
    ),
    ("SUMM(paid)", 1, "没有函数 SUMM：是否指 SUM", "there is no function SUMM: perhaps SUM"),
    ("QWXZ(paid)", 1, "没有函数 QWXZ", "there is no function QWXZ"),
    (
        "LEN(status)",
        5,
        '此处是选项，需要文本：用 & "" 转为文本',
        'this is a choice, not a text: join it with & "" to get its code',
    ),
    ("LEN(city & called)", 12, "此处是日期时间，需要文本", "this is a time, not a text"),
    (
        "LEN(city & active)",
        12,
        '此处是逻辑值，需要文本：可写作 IF(…, "是", "否")',
        'this is true or false, not a text: such as IF(…, "yes", "no")',
    ),
    (
        'IF(status = "在谈", 1)',
        13,
        "字典 status 中没有这个选项，或有多个",
        "the dictionary status has no such entry, or several",
    ),
    ('IF(status < "成交", 1)', 11, "选项不能用 < 比较", "what is a choice cannot be compared by <"),
    ("IF(active >= TRUE, 1)", 11, "逻辑值不能用 >= 比较", "what is true or false cannot be compared by >="),
    ("IF(status = level, 1)", 13, "两个选项不属于同一字典", "the two choices are not of the same dictionary"),
    ("IF(status = city, 1)", 13, "此处是文本，前面是选项", "this is a text, before it is a choice"),
    (
        'IF(signed > "2024-01-31", 1)',
        13,
        "此处是文本，前面是日期：日期写作 DATE(2024, 1, 31)",
        "this is a text, before it is a date: dates are written DATE(2024, 1, 31)",
    ),
    ('IF(paid > "", 1)', 4, "空文本只能用 = 或 <> 比较", '"" can only be compared by = or <>'),
    ("MAX(city, paid)", 5, "此处是文本，需要数字", "this is a text, not a number"),
    ("SUM(signed)", 5, "此处是日期，需要数字", "this is a date, not a number"),
]


def refusal(text: str, kind: str = "decimal") -> list[tuple[int, str, str]]:
    """Return the position and the hint, in both languages, of everything that is wrong with a formula."""
    with pytest.raises(ConfigurationError) as caught:
        value(text, kind)
    found: list[tuple[int, str, str]] = []
    for problem in caught.value.problems:
        position, hint = problem.params["position"], problem.params["hint"]
        assert (problem.code, problem.field) == ("formula_invalid", "net")
        assert isinstance(position, int)
        assert isinstance(hint, Translated)
        found.append((position, hint.in_language("zh"), hint.in_language("en")))
    return found


@pytest.mark.parametrize(("text", "position", "chinese", "english"), REFUSED)
def test_what_is_refused(text: str, position: int, chinese: str, english: str) -> None:
    """A formula that cannot work is refused with its place and the reason, in both languages."""
    assert refusal(text) == [(position, chinese, english)]


def test_all_problems_at_once() -> None:
    """Everything that is wrong with names, functions and types is found, in order, and nothing twice."""
    found = refusal("budget + name + TODAY() + IF(paid, city, 1) + LEN(paid)")
    assert [position for position, _, _ in found] == [1, 10, 17, 30, 42, 51]


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("YEAR(budget + 1)", [6]),
        ("budget + name", [1, 10]),
        ("LEN(budget) + ABS(budget - founded)", [5, 19]),
        ("IF(budget = name, budget, 1) + 1", [4, 19]),
        ("budget & 1 > 2", [1, 1, 14]),
        ("TODAY(budget, 1)", [1, 7]),
        ("MIN(budget, name)", [5, 13]),
        ("signed + founded", [1, 10]),
    ],
)
def test_one_mistake_is_one_problem(text: str, positions: list[int]) -> None:
    """A part that is refused does not make the parts around it wrong."""
    assert [position for position, _, _ in refusal(text)] == positions


@pytest.mark.parametrize(
    ("text", "kind", "chinese"),
    [
        ("paid", "text", "此处是数字，需要文本"),
        ("status", "text", '此处是选项，需要文本：用 & "" 转为文本'),
        ("paid", "date", "此处是数字，需要日期：日期写作 DATE(2024, 1, 31)"),
        ("signed", "datetime", "此处是日期，需要日期时间"),
        ("city", "choice", "此处是文本，需要选项"),
        ("status", "choice", "选项不属于该字段的字典"),
        ('"在谈"', "choice", "字典 level 中没有这个选项，或有多个"),
        ("files", "text", "此处是不能计算的类型，需要文本"),
        ("paid", "boolean", "此处是数字，需要逻辑值"),
    ],
)
def test_the_result_must_fit(text: str, kind: str, chinese: str) -> None:
    """A formula of another type than its field is refused."""
    assert [hint for _, hint, _ in refusal(text, kind)] == [chinese]


def test_messages_name_the_place() -> None:
    """The text of a problem says where, in both languages."""
    with pytest.raises(ConfigurationError) as caught:
        value("paid + name", "decimal")
    assert caught.value.message("zh") == "net：公式第 8 个字符处有误：此处是文本，需要数字"
    assert caught.value.message("en") == "net: the formula cannot be used, at character 8: this is a text, not a number"


LIMITS = [
    ("1" + "+1" * 999, "2000 characters", None),
    ("-" * 1999 + "1", "signs", None),
    ("AND(" + "active," * 200 + "active) = TRUE", "arguments", None),
    ("1" + "+1" * 1000, "", (FORMULA_LONGEST + 1, "公式最多 2000 个字符")),
    ("(" * 49 + "1" + ")" * 49, "parentheses", None),
    ("(" * 50 + "1" + ")" * 50, "", (51, "嵌套超过 50 层")),
    ("(" * 1000, "", (51, "嵌套超过 50 层")),
    ("ABS(" * 49 + "1" + ")" * 49, "functions", None),
    ("IF(active, 1, " * 49 + "2" + ")" * 49, "functions in the last argument", None),
    ("(" * 13 + "1" + " * 1 + 1 & 1 = 1)" * 13, "", (14, "嵌套超过 50 层")),
]


@pytest.mark.parametrize(("text", "what", "problem"), LIMITS)
def test_limits(text: str, what: str, problem: tuple[int, str] | None) -> None:
    """Long and deep formulas work up to a limit, and are refused beyond it."""
    if problem is None:
        parse(text)
        return
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    (found,) = caught.value.problems
    hint = found.params["hint"]
    assert isinstance(hint, Translated)
    assert (found.params["position"], hint.in_language("zh")) == problem
    assert FORMULA_NESTED_DEEPEST == 50


def test_long_formulas_are_worked_out() -> None:
    """A formula as long as is allowed comes to its value."""
    assert value("1" + "+1" * 999, "integer") == 1000
    assert value("city" + "&city" * 61, "text") == "hangzhou" * 62
    assert value("-" * 1999 + "1", "integer") == -1
    assert value("IF(FALSE, 1, " * 49 + "2" + ")" * 49, "integer") == 2
    assert value("IF(AND(" + "active," * 200 + "active), 1)", "integer") == 1


def test_what_is_read() -> None:
    """The parts of a formula know their columns."""
    assert parse('=-a * (1 + TRUE) & if(b%, "x")') == Chain(
        Chain(
            Sign(Name("a", 3), negative=True, at=2),
            (Step("*", Chain(Constant(Decimal(1), 8), (Step("+", Constant(value=True, at=12), 10),), 8), 5),),
            2,
        ),
        (Step("&", Call("IF", (Percent(Name("b", 23), 23), Constant("x", 27)), 20), 18),),
        2,
    )


def test_names() -> None:
    """The names in a formula are as they are written, narrow where they are not in brackets."""
    assert names_in("ＡＢ + [合同 金额（元）] * [ x ] & IF(合同金额 > 0, TRUE, ab)") == {
        "AB",
        "合同 金额（元）",
        "x",
        "合同金额",
        "ab",
    }
    assert names_in("1 + 2") == frozenset()


def test_a_compiled_formula_says_what_it_reads() -> None:
    """Its fields are named by key, each once, and only those."""
    result = result_type("money", field="net")
    formula = compile_formula("IF(active, 合同金额, contract) - paid", field="net", resolve=FIELDS.get, result=result)
    assert formula.watches == {"active", "contract", "paid"}
    assert formula.type == "number"


@pytest.mark.parametrize("context", [trapping, silent])
def test_the_decimal_context_of_the_process_does_not_matter(context: Callable[[], Context]) -> None:
    """Another precision, another rounding and every trap leave results as they are, and the context as it was."""
    with untouched(context()):
        for text, expected in NUMBERS:
            found = value(text, "decimal")
            assert found is None if expected is None else format(found, "f") == expected


class BrokenZone(tzinfo):
    """A time zone that somebody else wrote."""

    def utcoffset(self, _moment: datetime | None, /) -> timedelta:
        raise RuntimeError("broken")

    def dst(self, _moment: datetime | None, /) -> timedelta:
        raise RuntimeError("broken")

    def tzname(self, _moment: datetime | None, /) -> str:
        raise RuntimeError("broken")


@pytest.mark.parametrize("zone", [BrokenZone(), CHINA])
def test_days_at_the_end_of_the_calendar(zone: tzinfo) -> None:
    """A time that has no day in the zone is blank as a date."""
    result = result_type("integer", field="net")
    formula = compile_formula("YEAR(called)", field="net", resolve=FIELDS.get, result=result, zone=zone)
    assert formula.evaluate({"called": datetime.max.replace(tzinfo=UTC)}) is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text", "text"),
        ("long_text", "text"),
        ("phone", "text"),
        ("email", "text"),
        ("url", "text"),
        ("uscc", "text"),
        ("resident_id", "text"),
        ("integer", "number"),
        ("decimal", "number"),
        ("money", "number"),
        ("boolean", "boolean"),
        ("date", "date"),
        ("datetime", "datetime"),
        ("choice", "choice"),
        ("multiple_choice", "other"),
        ("reference", "other"),
        ("user", "other"),
        ("department", "other"),
        ("attachment", "other"),
        ("computed", "other"),
        ("a kind of a host", "other"),
    ],
)
def test_types_of_kinds(kind: str, expected: str) -> None:
    """Every kind has a type in formulas."""
    assert type_of_kind(kind) == expected


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        ("phone", "电话号码"),
        ("user", "人员"),
        ("computed", "计算"),
        ("choice", "单选"),
        ("multiple_choice", "多选"),
        ("plate", "plate"),
    ],
)
def test_kinds_that_no_formula_makes(kind: str, called: str) -> None:
    """A computed field has values of a kind that formulas can make; a choice needs its entries."""
    with pytest.raises(ConfigurationError) as caught:
        result_type(kind, field="net")
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("configuration_invalid", "net")
    assert problem.message("zh").startswith(f"net：公式不能得到“{called}”类型的值，只能是：是/否、单选、")


def test_choices_belong_to_choices_only() -> None:
    """Entries are refused for another kind."""
    with pytest.raises(ConfigurationError):
        result_type("text", field="net", choices=LEVEL)


def test_options_that_are_no_numbers_count_as_not_given() -> None:
    """Options are read as the kinds of fields read them."""
    result = result_type("money", {"decimal_places": "4", "max_length": -1}, field="net")
    assert (result.places, result.longest) == (2, 500)


@pytest.mark.parametrize(
    ("formulas", "expected"),
    [
        ({}, ()),
        ({"a": {"x"}}, ("a",)),
        ({"a": {"b"}, "b": {"c", "x"}, "c": set()}, ("c", "b", "a")),
        ({"d": {"b", "c"}, "c": {"a"}, "b": {"a"}, "a": {"x"}}, ("a", "b", "c", "d")),
    ],
)
def test_order(formulas: dict[str, set[str]], expected: tuple[str, ...]) -> None:
    """Each formula comes behind those whose results it uses."""
    assert evaluation_order(formulas) == expected


@pytest.mark.parametrize(
    ("formulas", "cycles"),
    [
        ({"a": {"a"}}, [("a", "a")]),
        ({"b": {"a"}, "a": {"b"}, "c": {"a"}}, [("a", "b", "a")]),
        ({"c": {"a"}, "a": {"b", "x"}, "b": {"c"}}, [("a", "b", "c", "a")]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c"}, "e": {"a", "c"}}, [("a", "b", "a"), ("c", "d", "c")]),
    ],
)
def test_circles(formulas: dict[str, set[str]], cycles: list[tuple[str, ...]]) -> None:
    """Formulas that use each other are refused, each circle once, in the order of use."""
    with pytest.raises(ConfigurationError) as caught:
        evaluation_order(formulas)
    found = {problem.params["fields"]: (problem.code, problem.field) for problem in caught.value.problems}
    assert found == {cycle: ("formula_cycle", cycle[0]) for cycle in cycles}


def test_long_chains_of_formulas() -> None:
    """Neither a long chain nor a long circle is too deep."""
    chain = {f"f{index:05}": {f"f{index + 1:05}"} for index in range(5000)}
    assert evaluation_order(chain)[0] == "f04999"
    with pytest.raises(ConfigurationError) as caught:
        evaluation_order(chain | {"f05000": {"f00000"}})
    fields = caught.value.problems[0].params["fields"]
    assert isinstance(fields, tuple)
    assert len(fields) == 5002


def test_every_function_is_described() -> None:
    """The reference names each function, and no function is both there and not."""
    described = language.__doc__ or ""
    assert [name for name in FUNCTIONS if f"{name}(" not in described and f"``{name}``" not in described] == []
    assert not FUNCTIONS.keys() & NO_SUCH_FUNCTION.keys()
    assert FUNCTIONS.keys() >= FORWARDING

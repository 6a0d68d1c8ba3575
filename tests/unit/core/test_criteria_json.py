"""Criteria as JSON."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from custinfo import InvalidCriterionError, http_status
from custinfo.core.criteria import (
    AllOf,
    AnyOf,
    Criterion,
    Everything,
    F,
    InSegment,
    Not,
    Nothing,
    Tagged,
    criterion_from_json,
    criterion_to_json,
)

TABLE: list[tuple[Criterion, dict[str, Any]]] = [
    (Everything(), {"op": "everything"}),
    (Nothing(), {"op": "nothing"}),
    (F.a == "x", {"op": "eq", "field": ["a"], "value": "x"}),
    (F.a != None, {"op": "present", "field": ["a"]}),  # noqa: E711
    (F.a.b < 3, {"op": "lt", "field": ["a", "b"], "value": 3}),
    (F.a <= Decimal("1.50"), {"op": "le", "field": ["a"], "value": {"decimal": "1.50"}}),
    (F.a > date(2024, 3, 15), {"op": "gt", "field": ["a"], "value": {"date": "2024-03-15"}}),
    (
        F.a >= datetime(2024, 3, 15, tzinfo=UTC),
        {"op": "ge", "field": ["a"], "value": {"datetime": "2024-03-15T00:00:00+00:00"}},
    ),
    (F.a.is_in(["x", Decimal(1)]), {"op": "one_of", "field": ["a"], "values": ["x", {"decimal": "1"}]}),
    (F.a.under("x"), {"op": "under", "field": ["a"], "value": "x"}),
    (F.a.contains("x"), {"op": "contains", "field": ["a"], "text": "x"}),
    (F.a.starts_with("x"), {"op": "starts_with", "field": ["a"], "text": "x"}),
    (F.a.has("x"), {"op": "has", "field": ["a"], "value": "x"}),
    (F.a.is_present(), {"op": "present", "field": ["a"]}),
    (F.a.within(months=6), {"op": "within", "field": ["a"], "months": 6, "days": 0, "hours": 0}),
    (Tagged("d", "v"), {"op": "tagged", "dimension": "d", "value": "v"}),
    (InSegment("s"), {"op": "in_segment", "segment": "s"}),
    (Tagged("d"), {"op": "tagged", "dimension": "d", "value": None}),
    (
        AllOf((Tagged("d"), Not(AnyOf((Everything(), F.a.is_present()))))),
        {
            "op": "all",
            "parts": [
                {"op": "tagged", "dimension": "d", "value": None},
                {
                    "op": "not",
                    "part": {"op": "any", "parts": [{"op": "everything"}, {"op": "present", "field": ["a"]}]},
                },
            ],
        },
    ),
    (AllOf(()), {"op": "all", "parts": []}),
]


@pytest.mark.parametrize(("criterion", "data"), TABLE)
def test_each_node_both_ways(criterion: Criterion, data: dict[str, Any]) -> None:
    """A criterion has one JSON form and comes back from it equal."""
    assert criterion_to_json(criterion) == data
    assert criterion_from_json(json.loads(json.dumps(data))) == criterion


def test_a_within_may_leave_out_what_is_zero() -> None:
    """Hand-written JSON need not name every unit."""
    assert criterion_from_json({"op": "within", "field": ["a"], "days": 3}) == F.a.within(days=3)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"op": None},
        {"op": "all"},
        {"op": "all", "parts": 5},
        {"op": "all", "parts": [{}]},
        {"op": "not"},
        {"op": "tagged", "dimension": 5},
        {"op": "in_segment"},
        {"op": "in_segment", "segment": 5},
        {"op": "tagged", "dimension": "d", "value": 5},
        {"op": "like", "field": ["a"], "value": "x"},
        {"op": "eq", "field": "a", "value": "x"},
        {"op": "eq", "field": [], "value": "x"},
        {"op": "eq", "field": ["a", "b", "c"], "value": "x"},
        {"op": "eq", "field": ["a"]},
        {"op": "eq", "field": ["a"], "value": 1, "extra": 2},
        {"op": "eq", "field": ["a"], "value": 1, "operator": "ne"},
        {"op": "present", "field": ["a"], "path": ["b"]},
        {"op": "contains", "field": ["a"], "value": "x"},
        {"op": "eq", "field": ["a"], "value": {"date": "x"}},
        {"op": "one_of", "field": ["a"], "values": [{"decimal": "x"}]},
        5,
    ],
)
def test_data_of_another_form_is_refused(data: dict[str, Any]) -> None:
    """Nothing is guessed: unknown operators, wrong shapes and further keys raise ValueError."""
    with pytest.raises(ValueError, match="not a criterion"):
        criterion_from_json(data)


@pytest.mark.parametrize(
    "data",
    [
        {"op": "like", "field": ["a"], "value": "王小明"},
        {"op": "eq", "field": ["a"], "value": {"date": "王小明"}},
        {"op": "eq", "field": ["a"], "value": {"datetime": "王小明"}},
        {"op": "one_of", "field": ["a"], "values": [{"decimal": "王小明"}]},
        {"op": "contains", "field": ["a"], "text": ["王小明"]},
    ],
)
def test_a_refusal_shows_no_value(data: dict[str, Any]) -> None:
    """The message names keys, not what people search for; what it follows from doesn't either."""
    with pytest.raises(ValueError, match="not a criterion") as caught:
        criterion_from_json(data)
    assert "王小明" not in "".join(traceback.format_exception(caught.value))


OPS = (
    *("everything", "nothing", "all", "any", "not", "tagged", "in_segment", "eq", "ne", "lt", "le", "gt", "ge"),
    *("one_of", "under", "contains", "mentions", "starts_with", "last_four", "has", "present", "within"),
)
FIELD = "field（列表，一至两个字段名）"
PATH = "field (a list of one or two names of fields)"
WHOLE = "a whole number"


@pytest.mark.parametrize(
    ("data", "chinese", "english"),
    [
        (
            {},
            '不是筛选条件：应为对象，例如 {"op": "eq", "field": ["status"], "value": "成交"}',
            'not a criterion: expected an object, such as {"op": "eq", "field": ["status"], "value": "成交"}',
        ),
        (
            {"op": "?", "field": ["a"]},
            f"不是筛选条件：op 应为以下之一：{'、'.join(OPS)}",
            f"not a criterion: op has to be one of {', '.join(OPS)}",
        ),
        (
            {"op": "eq", "field": "status", "value": "x"},
            "不是筛选条件：eq 的其他项应为：field（列表，一至两个字段名）、value",
            "not a criterion: eq takes field (a list of one or two names of fields), value",
        ),
        (
            {"op": "within", "field": ["a"], "days": "3"},
            f"不是筛选条件：within 的其他项应为：{FIELD}、months（整数）、days（整数）、hours（整数）",
            f"not a criterion: within takes {PATH}, months ({WHOLE}), days ({WHOLE}), hours ({WHOLE})",
        ),
        (
            {"op": "one_of", "field": ["a"], "values": "x"},
            "不是筛选条件：one_of 的其他项应为：field（列表，一至两个字段名）、values（列表）",
            "not a criterion: one_of takes field (a list of one or two names of fields), values (a list)",
        ),
        (
            {"op": "any", "parts": {}},
            "不是筛选条件：any 的其他项应为：parts（列表）",
            "not a criterion: any takes parts (a list)",
        ),
        (
            {"op": "tagged", "dimension": 5},
            "不是筛选条件：tagged 的其他项应为：dimension（文本）、value（文本或 null）",
            "not a criterion: tagged takes dimension (a text), value (a text or null)",
        ),
        (
            {"op": "eq", "field": ["a"], "value": {"date": "x"}},
            "不是筛选条件：应为日期",
            "not a criterion: expected a date",
        ),
    ],
)
def test_a_refusal_is_in_the_language_of_the_reader(data: dict[str, Any], chinese: str, english: str) -> None:
    """What is wrong with a criterion from a web page is a problem like any other, with a code and texts."""
    with pytest.raises(InvalidCriterionError) as caught:
        criterion_from_json(data)
    assert (caught.value.code, http_status(caught.value)) == ("criterion_malformed", 422)
    assert (caught.value.message("zh"), caught.value.message("en")) == (chinese, english)


@pytest.mark.parametrize("around", [{"op": "not", "part": ...}, {"op": "all", "parts": [...]}])
def test_data_without_end_is_refused(around: dict[str, Any]) -> None:
    """However deep the data is nested that somebody sends, the answer is the same as for any other wrong form."""
    data: dict[str, Any] = {"op": "everything"}
    for _ in range(5000):
        data = {key: data if item is ... else [data] if item == [...] else item for key, item in around.items()}
    with pytest.raises(ValueError, match="nested too deep"):
        criterion_from_json(data)

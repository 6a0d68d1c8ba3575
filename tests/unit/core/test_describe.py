"""Criteria in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.classification import Segment
from custinfo.core.configuration import Configuration
from custinfo.core.criteria import AllOf, AnyOf, Criterion, Everything, F, InSegment, Nothing, Tagged
from custinfo.core.criteria.describe import Language, PlainWords, describe
from custinfo.core.criteria.nodes import Compare, OneOf, Present, Through, Under
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension
from custinfo.core.validation.conditions import Conditions
from custinfo.core.vocabulary import SchemaWords
from custinfo.standard import sample_organisation, standard_configuration
from tests.property.test_converter import CRITERIA

WORDS = PlainWords()


@pytest.mark.parametrize(
    ("criterion", "chinese", "english"),
    [
        (F.a == "x", "a = x", "a = x"),
        (F.a != "x", "a ≠ x", "a ≠ x"),
        (F.a < 5, "a < 5", "a < 5"),
        (F.a <= Decimal("5.50"), "a ≤ 5.50", "a ≤ 5.50"),
        (F.a > date(2024, 3, 5), "a > 2024-03-05", "a > 2024-03-05"),
        (F.a >= datetime(2024, 3, 5, 8, tzinfo=UTC), "a ≥ 2024-03-05 08:00+00:00", "a ≥ 2024-03-05 08:00+00:00"),
        (F.a == True, "a = 是", "a = yes"),  # noqa: E712 - a criterion, not a comparison
        (F.a == False, "a = 否", "a = no"),  # noqa: E712 - a criterion, not a comparison
        (F.a.is_in(("x", "y")), "a 为 x、y 之一", "a is one of x, y"),
        (F.a.under("x"), "a 属于 x", "a is within x"),
        (F.a.contains("x"), "a 包含“x”", "a contains “x”"),
        (F.a.starts_with("x"), "a 以“x”开头", "a starts with “x”"),
        (F.a.has("x"), "a 含 x", "a includes x"),
        (F.a.is_present(), "a 已填写", "a is filled in"),
        (~F.a.is_present(), "a 未填写", "a is blank"),
        (~(F.a == 1), "非（a = 1）", "not (a = 1)"),
        (F.a.within(months=6), "a 在最近 6 个月内", "a is within the last 6 months"),
        (F.a.within(days=-3), "a 在未来 3 天内", "a is within the next 3 days"),
        (F.a.within(days=1, hours=2), "a 在最近 1 天零 2 小时内", "a is within the last 1 days and 2 hours"),
        (F.a.within(), "a 在最近 0 小时内", "a is within the last 0 hours"),
        (InSegment("s"), "属于“s”细分", "in the segment s"),
        (Tagged("d"), "有“d”标签", "tagged with any d"),
        (Tagged("d", "v"), "有标签 d：v", "tagged d: v"),
        (F.a.b == 1, "a的b = 1", "b of a = 1"),
        (Everything(), "始终", "always"),
        (Nothing(), "从不", "never"),
        (AllOf(()), "始终", "always"),
        (AnyOf(()), "从不", "never"),
        ((F.a == 1) & (F.b == 2), "a = 1 且 b = 2", "a = 1 and b = 2"),
        ((F.a == 1) | (F.b == 2) & (F.c == 3), "a = 1 或 （b = 2 且 c = 3）", "a = 1 or (b = 2 and c = 3)"),
        (~((F.a == 1) | (F.b == 2)), "非（a = 1 或 b = 2）", "not (a = 1 or b = 2)"),
    ],
)
def test_words(criterion: Criterion, chinese: str, english: str) -> None:
    """Each kind of criterion has a form in both languages; parentheses stand where they are needed."""
    assert describe(criterion, WORDS, "zh") == chinese
    assert describe(criterion, WORDS, "en") == english


@given(CRITERIA)
def test_everything_can_be_described(criterion: Criterion) -> None:
    """Any criterion has words in both languages, without a placeholder left."""
    languages: tuple[Language, ...] = ("zh", "en")
    for language in languages:
        assert describe(criterion, WORDS, language)


SCHEMA = Schema(
    Configuration(
        (
            ModuleDefinition(
                "m",
                (
                    FieldDefinition("status", "choice", {"zh": "状态", "en": "Status"}, options={"dictionary": "s"}),
                    FieldDefinition("kinds", "multiple_choice", {"zh": "种类"}, options={"dictionary": "s"}),
                    FieldDefinition("parent", "reference", {"zh": "上级", "en": "Parent"}, options={"module": "m"}),
                    FieldDefinition("text", "text", {"en": "Text"}),
                ),
                owner_label={"zh": "负责人", "en": "Owner"},
            ),
        ),
        (
            Dictionary(
                "s",
                (
                    DictionaryValue("won", {"zh": "成交", "en": "Won"}, aliases=("签约",)),
                    DictionaryValue("lost", {"zh": "流失", "en": "Lost"}),
                    DictionaryValue("one", "同名"),
                    DictionaryValue("two", "同名"),
                ),
            ),
        ),
        (TagDimension("need", ("x",), {"zh": "需求", "en": "Need"}), TagDimension("plain", ("x",))),
        segments=(Segment("rich", "m", Everything(), {"zh": "高价值", "en": "High value"}),),
    ),
    sample_organisation(),
    ZoneInfo("Asia/Shanghai"),
)


@pytest.mark.parametrize(
    ("criterion", "chinese", "english"),
    [
        (F.status == "won", "状态 = 成交", "Status = Won"),
        (F["状态"] == "签约", "状态 = 成交", "Status = Won"),
        (F.status.is_in(("won", "lost")), "状态 为 成交、流失 之一", "Status is one of Won, Lost"),
        (F.kinds.has("won"), "种类 含 成交", "种类 includes Won"),
        (F.status.under("won"), "状态 属于 成交", "Status is within Won"),
        (F.parent.status != "流失", "上级的状态 ≠ 流失", "Status of Parent ≠ Lost"),
        (F["上级"]["状态"] == "won", "上级的状态 = 成交", "Status of Parent = Won"),
        (F.text == "won", "Text = won", "Text = won"),
        (F.owner == "lisi", "负责人 = lisi", "Owner = lisi"),
        (Tagged("需求", "x"), "有标签 需求：x", "tagged Need: x"),
        (Tagged("plain"), "有“plain”标签", "tagged with any plain"),
        (InSegment("rich"), "属于“高价值”细分", "in the segment High value"),
        (~InSegment("high value"), "非（属于“高价值”细分）", "not (in the segment High value)"),
    ],
)
def test_what_people_call_it(criterion: Criterion, chinese: str, english: str) -> None:
    """Fields, entries and tags have the labels of the configuration, however the criterion names them."""
    because = Conditions(SCHEMA, SCHEMA.module("m"))[criterion].because
    assert because == chinese
    assert because.in_language("en") == english


def test_the_standard_condition() -> None:
    """The standard customer says why a contract amount is required."""
    schema = Schema(standard_configuration(), sample_organisation(), ZoneInfo("Asia/Shanghai"))
    condition = Conditions(schema, schema.module("customer"))[F.status == "成交"]
    assert (condition.because, sorted(condition.watches), condition.relative) == ("客户状态 = 成交", ["status"], False)


def test_long_conditions_are_cut() -> None:
    """A message never has more than 500 characters of a condition."""
    criterion = F.text.is_in(tuple(f"value {number}" for number in range(200)))
    assert len(Conditions(SCHEMA, SCHEMA.module("m"))[criterion].because) == 500


NAMES = st.sampled_from(["customer", "客户", "status", "客户状态", "at", "nope", "", "{0}", "_"])
PATHS = st.lists(NAMES, max_size=3).map(tuple)
VALUES = st.sampled_from(
    ["成交", "won", "{field}", "", None, True, 5, Decimal("1.5"), date(2024, 3, 5), ("a",), object]
)


@given(
    st.one_of(
        st.builds(Compare, PATHS, st.sampled_from(["eq", "lt", "like"]), VALUES),
        st.builds(OneOf, PATHS, st.lists(VALUES, max_size=2).map(tuple)),
        st.builds(Under, PATHS, VALUES),
        st.builds(Present, PATHS),
        st.builds(Through, NAMES, st.builds(Present, PATHS)),
        st.builds(Tagged, NAMES, st.none() | NAMES),
        st.builds(InSegment, NAMES),
    ),
    st.sampled_from(["customer", "follow_up"]),
    st.sampled_from(["zh", "en"]),
)
def test_what_was_made_by_hand_is_told(criterion: Criterion, module: str, language: Language) -> None:
    """A criterion that no module was asked about is told as it is written, wherever its paths lead."""
    schema = Schema(standard_configuration(), sample_organisation(), ZoneInfo("Asia/Shanghai"))
    for words in (WORDS, SchemaWords(schema, schema.module(module), language)):
        assert isinstance(describe(criterion, words, language), str)


@pytest.mark.parametrize("odd", [None, "status = won", object(), F.status])
def test_what_is_no_criterion_is_said_so(odd: Any) -> None:
    """The calling code is wrong, and hears of what type."""
    with pytest.raises(TypeError, match=type(odd).__name__):
        describe(odd, WORDS, "en")

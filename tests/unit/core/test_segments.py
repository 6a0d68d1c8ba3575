"""Putting segments in, and what is refused of them."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from custinfo.core.binding import bind
from custinfo.core.checks import CheckContext
from custinfo.core.classification import Segment
from custinfo.core.configuration import Configuration
from custinfo.core.converter import configuration_from_json, configuration_to_json
from custinfo.core.criteria import AllOf, Criterion, Everything, F, InSegment, Not, Tagged
from custinfo.core.criteria.evaluate import compile_predicate, no_related
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import Tag
from custinfo.core.schema import Schema
from custinfo.core.segments import expand
from custinfo.core.tags import TagDimension
from custinfo.core.validation.conditions import Conditions
from custinfo.testing._samples import NOW, make_record, sample_configuration, sample_schema

SEGMENTS = (
    Segment("rich", "thing", F.budget >= 500, {"zh": "高价值", "en": "High value"}),
    Segment("wanting", "thing", Tagged("need", "设备") & F.seen.within(months=6), "有需求"),
    Segment("best", "thing", InSegment("rich") & ~InSegment("有需求"), "最佳"),
    Segment("twin", "thing", Everything(), "双胞胎"),
    Segment("twin2", "thing", Everything(), "双胞胎"),
    Segment("egg", "thing", InSegment("hen") | F.size.is_present()),
    Segment("hen", "thing", ~InSegment("egg")),
    Segment("wrong", "thing", (F.colour > 1) & InSegment("nobody")),
    Segment("noted", "thing_note", F.text.contains("x"), "有内容"),
)


def schema_of(*segments: Segment) -> Schema:
    """Return the sample configuration with segments, compiled."""
    return sample_schema(sample_configuration().with_segments(*segments))


SCHEMA = schema_of(*SEGMENTS)


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        (F.size > 1, F.size > 1),
        (InSegment("rich"), F.budget >= 500),
        (InSegment(" ＨＩＧＨ value "), F.budget >= 500),
        (InSegment("高价值"), F.budget >= 500),
        (~InSegment("rich"), Not(F.budget >= 500)),
        (InSegment("rich") | (F.size > 1), (F.budget >= 500) | (F.size > 1)),
        (
            InSegment("best"),
            AllOf((F.budget >= 500, Not(AllOf((Tagged("need", "设备"), F.seen.within(months=6)))))),
        ),
    ],
)
def test_expand(written: Criterion, expanded: Criterion) -> None:
    """A segment, by key or label, gives way to its criterion, and so do the segments in that."""
    assert expand(written, "thing", SCHEMA) == expanded
    assert bind(written, "thing", SCHEMA, NOW) == bind(expanded, "thing", SCHEMA, NOW)


@pytest.mark.parametrize(
    ("written", "module", "problems"),
    [
        (InSegment("nobody"), "thing", [Problem("unknown_segment", params={"segment": "nobody"})]),
        (InSegment("rich"), "thing_note", [Problem("unknown_segment", params={"segment": "rich"})]),
        (
            InSegment("双胞胎"),
            "thing",
            [Problem("ambiguous_segment", params={"segment": "双胞胎", "candidates": ("twin", "twin2")})],
        ),
        (InSegment("egg"), "thing", [Problem("segment_cycle", params={"segment": "egg"})]),
        (
            InSegment("wrong") & InSegment("egg"),
            "thing",
            [
                Problem("unknown_segment", params={"segment": "nobody"}),
                Problem("segment_cycle", params={"segment": "egg"}),
            ],
        ),
    ],
)
def test_what_cannot_be_expanded(written: Criterion, module: str, problems: list[Problem]) -> None:
    """Unknown and ambiguous names, names of another module and circles are refused, all at once."""
    with pytest.raises(InvalidInputError) as caught:
        expand(written, module, SCHEMA)
    assert list(caught.value.problems) == problems


def test_binding_tells_all_problems_at_once() -> None:
    """What is wrong with segments is told together with what is wrong beside and in them."""
    with pytest.raises(InvalidInputError) as caught:
        bind(InSegment("wrong") & (F.weather == 1), "thing", SCHEMA, NOW)
    assert {(problem.code, problem.field) for problem in caught.value.problems} == {
        ("unknown_segment", None),
        ("unknown_field", "colour"),
        ("unknown_field", "weather"),
    }


def nested(levels: int, criterion: Criterion) -> Criterion:
    """Return a criterion under `levels` negations."""
    for _ in range(levels):
        criterion = Not(criterion)
    return criterion


def test_the_depth_counts_after_expansion() -> None:
    """A criterion and a segment that are each shallow enough may be too deep together."""
    schema = schema_of(Segment("deep", "thing", nested(29, F.size > 1)))
    assert bind(nested(20, InSegment("deep")), "thing", schema, NOW) == nested(49, F.size > 1)
    for criterion in (nested(21, InSegment("deep")), InSegment("deep") & nested(21, InSegment("deep"))):
        with pytest.raises(InvalidInputError) as caught:
            bind(criterion, "thing", schema, NOW)
        assert caught.value.problems == (Problem("criterion_too_deep", params={"limit": 50}),)


def test_a_very_deep_criterion_is_refused() -> None:
    """Nesting far beyond the limit is told as such, whether it stands in one criterion or in a chain of segments."""
    chain = [Segment(f"s{number}", "thing", InSegment(f"s{number + 1}")) for number in range(2000)]
    for schema, criterion in ((SCHEMA, nested(50_000, F.size > 1)), (schema_of(*chain), InSegment("s0"))):
        with pytest.raises(InvalidInputError) as caught:
            bind(criterion, "thing", schema, NOW)
        assert {problem.code for problem in caught.value.problems} == {"criterion_too_deep"}


@pytest.mark.parametrize("leaf", [F.size > 1, Everything()])
def test_segments_that_multiply_are_refused(leaf: Criterion) -> None:
    """Forty short segments, each of which uses the one before twice, do not come to a million million parts."""
    doubling = [
        Segment(f"s{number}", "thing", AllOf((InSegment(f"s{number - 1}"),) * 2) if number else leaf)
        for number in range(40)
    ]
    with pytest.raises(InvalidInputError) as caught:
        bind(InSegment("s39"), "thing", schema_of(*doubling), NOW)
    assert caught.value.problems == (Problem("criterion_too_large", params={"limit": 1000}),)


def test_a_large_criterion_without_segments_is_no_concern() -> None:
    """The limit of size is for what segments multiply."""
    large = AllOf(tuple(F.size != number for number in range(2000)))
    assert expand(large, "thing", SCHEMA) is large


def test_a_condition_with_a_period_in_a_segment_moves_with_the_time() -> None:
    """Rules see through segments: what they watch, that it depends on the time, and what people call it."""
    conditions = Conditions(SCHEMA, SCHEMA.module("thing"))
    condition = conditions[InSegment("wanting")]
    assert (condition.watches, condition.relative) == (frozenset({"tags", "seen"}), True)
    assert condition.because.in_language("zh") == "属于“有需求”细分"
    assert not conditions[InSegment("rich")].relative
    record = make_record(1, {"seen": datetime(2024, 1, 1, tzinfo=UTC)}, tags=[("need", "设备")])
    for now, holds in ((datetime(2024, 6, 1, tzinfo=UTC), True), (datetime(2024, 8, 1, tzinfo=UTC), False)):
        assert condition.holds(CheckContext(record.values, record, no_related, now)) is holds


def test_a_segment_must_be_put_in_first() -> None:
    """Neither the evaluator nor the question of what is read takes a segment as it is."""
    with pytest.raises(TypeError, match="InSegment must be bound"):
        compile_predicate(InSegment("rich"))
    with pytest.raises(TypeError, match="expanded"):
        path_of(next(leaves(InSegment("rich"))))


def test_segments_and_changed_tags_as_json() -> None:
    """A configuration with segments, former and retired tags reads back as it was."""
    need = TagDimension("need", ("a", "b", "c")).renamed("a", "A").with_retired("b")
    configuration = attrs.evolve(
        sample_configuration().with_segments(*SEGMENTS[:3]), tag_dimensions=(need, TagDimension("mark", open=True))
    )
    again: Configuration = configuration_from_json(configuration_to_json(configuration))
    assert again == configuration
    assert again.tag_dimensions["need"].retired == ("b",)


def test_criteria_find_former_and_retired_tags() -> None:
    """By any name, records with the live tag and with a former one are found; so are those with a retired one."""
    need = (
        TagDimension("need", ("设备", "服务")).renamed("设备", "器材").merged_into("服务", "器材").with_retired("器材")
    )
    schema = sample_schema(sample_configuration().with_tag_dimensions(need))
    for name in ("设备", "服务", "器材"):
        holds = compile_predicate(bind(Tagged("need", name), "thing", schema, NOW))
        found = [
            value
            for value in ("设备", "服务", "器材", "x")
            if holds(make_record(1, tags=[("need", value)]), no_related)
        ]
        assert found == ["设备", "服务", "器材"]
    assert schema.resolve_tag("need", "设备") == Problem("retired_tag", "tags", params={"dimension": "need"})
    assert schema.resolve_tag("need", "设备", retired=True) == Tag("need", "器材")

"""Saved segments in a workspace: in queries, policy, rules and approval, and what they do not open."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    Configuration,
    Criterion,
    F,
    Fields,
    Flow,
    Grant,
    InSegment,
    InvalidInputError,
    NamedMember,
    PermissionDeniedError,
    Segment,
    Step,
    Tagged,
    Trigger,
    Workspace,
)
from custinfo.core.rules import AllowedWhen
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import ENTERPRISE

RICH = Segment("rich", "customer", F.annual_budget >= 500_000, {"zh": "高价值", "en": "High value"})
ASKING = Segment("asking", "customer", Tagged("需求", "采购设备") & F.created_at.within(months=6), "近期采购")
BOTH = Segment("both", "customer", InSegment("高价值") & InSegment("asking"), "重点")
SEGMENTS = (RICH, ASKING, BOTH)
"""What people call 高价值, 近期采购 and 重点."""

Change = Callable[[Configuration], Configuration]


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """The standard configuration with segments and four customers of 李四."""
    configuration = standard_configuration().with_segments(*SEGMENTS)
    with Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock) as opened:
        add(opened, "甲", 500_000, "采购设备")
        add(opened, "乙", 800_000)
        add(opened, "丙", 100, "采购设备")
        add(opened, "丁", None)
        yield opened


def add(workspace: Workspace, name: str, budget: int | None, need: str | None = None, **values: object) -> str:
    """Create a customer and return its id."""
    values = {**ENTERPRISE, "name": name, "uscc": None, "annual_budget": budget, **values}
    with workspace.acting_as("lisi") as session:
        outcome = session.customers.create(values, tags={"需求": need} if need else ())
    assert isinstance(outcome, Applied)
    return outcome.record.id


@pytest.mark.parametrize(
    ("criterion", "names"),
    [
        (InSegment("高价值"), "甲乙"),
        (InSegment("high value"), "甲乙"),
        (InSegment("近期采购"), "甲丙"),
        (InSegment("both"), "甲"),
        (~InSegment("rich"), "丙丁"),
        (InSegment("rich") & ~Tagged("需求"), "乙"),
        (InSegment("rich") | (F.name == "丁"), "甲乙丁"),
        (InSegment("近期采购") & ~InSegment("高价值"), "丙"),
    ],
)
def test_segments_in_questions(workspace: Workspace, criterion: Criterion, names: str) -> None:
    """A segment is used like the criterion that it names, by key or label, alone and with others."""
    with workspace.acting_as("lisi") as session:
        found = session.customers.find(criterion, order_by=["created_at"]).records
        assert {record["name"] for record in found} == set(names)
        assert session.customers.count(criterion) == len(names)


def test_a_period_in_a_segment_moves_with_the_time(workspace: Workspace, clock: Clock) -> None:
    """What was recent when the segment was saved is not for ever."""
    clock.advance(days=300)
    with workspace.acting_as("lisi") as session:
        assert session.customers.count(InSegment("近期采购")) == 0
        assert session.customers.count(InSegment("高价值")) == 2


def test_an_unknown_segment_is_told(workspace: Workspace) -> None:
    """A segment that is not there is refused by name."""
    with workspace.acting_as("lisi") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.customers.find(InSegment("低价值"))
        assert [(problem.code, problem.params["segment"]) for problem in caught.value.problems] == [
            ("unknown_segment", "低价值")
        ]


def opened(url: str, clock: Clock, *segments: Segment, change: Change = lambda it: it) -> Workspace:
    """Open the standard configuration with segments and another change."""
    configuration = change(standard_configuration().with_segments(*SEGMENTS, *segments))
    return Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock)


@pytest.mark.parametrize("name", ["local", "本地", "nested", "denied"])
def test_a_segment_opens_no_field(url: str, clock: Clock, name: str) -> None:
    """Who may not read a field may not search by a segment that does, however deep it stands in it."""
    local = Segment("local", "customer", F.phone.starts_with("138"), "本地")
    nested = Segment("nested", "customer", InSegment("rich") | InSegment("local"))
    denied = Segment("denied", "customer", ~InSegment("nested"))
    with opened(url, clock, local, nested, denied) as workspace:
        add(workspace, "甲", 500_000)
        with workspace.acting_as("liuqi") as session:
            for ask in (session.customers.find, session.customers.count):
                with pytest.raises(PermissionDeniedError) as caught:
                    ask(InSegment(name))
                assert [(item.code, item.field) for item in caught.value.problems] == [("field_not_readable", "phone")]
            for also in (F.name == "甲", F.name == 1, F.annual_budget > "x"):
                with pytest.raises(PermissionDeniedError):
                    session.customers.distribution("industry", InSegment(name) & also)
        with workspace.acting_as("lisi") as session:
            session.customers.count(InSegment(name))


def test_a_segment_is_joined_with_where_its_fields_are_readable(url: str, clock: Clock) -> None:
    """Where a field is readable on part of the records, a segment on it finds, and its complement too, only these."""
    paid = Segment("paid", "customer", F.paid_amount >= 100)
    everybody = Grant("finance", "customer", frozenset({"view"}), "all", view=Fields.only("name"))
    with opened(url, clock, paid, change=lambda it: it.with_grants(everybody)) as workspace:
        won = add(workspace, "甲", 1, status="成交", contract_amount=100, effective_on="2024-04-01", paid_amount=100)
        add(workspace, "乙", 1, paid_amount=200)
        with workspace.acting_as("qianba") as session:
            assert session.customers.count() == 2
            assert [record.id for record in session.customers.find(InSegment("paid")).records] == [won]
            assert session.customers.count(~InSegment("paid")) == 0


def test_a_grant_may_name_a_segment(url: str, clock: Clock) -> None:
    """The condition of a grant holds for the records of a segment."""
    grant = Grant("customer_service", "customer", frozenset({"archive"}), "all", condition=InSegment("高价值"))
    with opened(url, clock, change=lambda it: it.with_grants(grant)) as workspace:
        rich, poor = add(workspace, "甲", 500_000), add(workspace, "乙", 1)
        with workspace.acting_as("liuqi") as session:
            session.customers.archive(rich, version=ANY)
            with pytest.raises(PermissionDeniedError):
                session.customers.archive(poor, version=ANY)
            assert "condition" in session.explain("archive", "customer", poor).text()


def test_a_rule_may_name_a_segment(url: str, clock: Clock) -> None:
    """A conditional rule is judged by the segment, and says so by its label."""
    rule = AllowedWhen(InSegment("rich"))
    with opened(url, clock, change=lambda it: it.change_field("customer", "address", rules=(rule,))) as workspace:
        record = add(workspace, "甲", 500_000, address="某路 1 号")
        with pytest.raises(InvalidInputError) as caught:
            add(workspace, "乙", 1, address="某路 1 号")
        assert caught.value.problems[0].code == "allowed_when"
        assert "属于“高价值”细分" in caught.value.message("zh")
        with workspace.acting_as("lisi") as session, pytest.raises(InvalidInputError):
            session.customers.update(record, {"annual_budget": 1}, version=ANY)


def test_a_flow_may_name_a_segment(url: str, clock: Clock) -> None:
    """The trigger of a flow is judged by the segment."""
    trigger = Trigger("customer", fields=("address",), before=InSegment("rich"))
    flow = Flow("rich_address", trigger, (Step("one", (NamedMember("zhaojl"),)),))
    with opened(url, clock, change=lambda it: it.with_flows(flow)) as workspace:
        rich, poor = add(workspace, "甲", 500_000), add(workspace, "乙", 1)
        with workspace.acting_as("lisi") as session:
            assert isinstance(session.customers.update(rich, {"address": "另一路"}, version=ANY), AwaitingApproval)
            assert isinstance(session.customers.update(poor, {"address": "另一路"}, version=ANY), Applied)


def test_former_and_retired_tags(url: str, clock: Clock) -> None:
    """A tag that was renamed is given by its old name too, and one that is retired can't be given."""

    def change(configuration: Configuration) -> Configuration:
        need = configuration.tag_dimensions["需求"]
        return configuration.with_tag_dimensions(need.renamed("采购设备", "设备采购").with_retired("培训"))

    with opened(url, clock, change=change) as workspace:
        record = add(workspace, "甲", 1, "采购设备")
        with workspace.acting_as("lisi") as session:
            assert session.customers.get(record).tags == {("需求", "设备采购")}
            assert session.customers.count(Tagged("需求", "采购设备")) == 1
            assert session.customers.count(Tagged("需求", "培训")) == 0
            with pytest.raises(InvalidInputError) as caught:
                session.customers.tag(record, ("需求", "培训"), version=ANY)
            assert [(item.code, item.field) for item in caught.value.problems] == [("retired_tag", "tags")]

"""The read path: pages, order, groups, and past states within what the actor may see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from custinfo import ANY, F, InvalidInputError, Masked, NotFoundError, PermissionDeniedError, Tagged, Workspace
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import WON, Story


@pytest.fixture
def many(story: Story) -> Story:
    """Twelve customers: budgets 10, 20 … 90 twice over and three without."""
    for number in range(12):
        budget = None if number % 4 == 3 else 10 * (number % 4 + 1)
        story.customer(name=f"客户{number:02}", uscc=None, annual_budget=budget)
    return story


@pytest.mark.parametrize("order_by", [(), ("annual_budget",), ("-annual_budget", "name"), ("-name",), ("-created_at",)])
def test_pages_cover_everything_once(many: Story, order_by: tuple[str, ...]) -> None:
    """Following `next` gives every record once, in the order of one large page."""
    with many.workspace.acting_as("lisi") as session:
        whole = [record.id for record in session.customers.find(order_by=order_by, limit=100).records]
        walked: list[str] = []
        after = None
        while True:
            page = session.customers.find(order_by=order_by, limit=5, after=after)
            walked += [record.id for record in page.records]
            if page.next is None:
                break
            after = page.next
        assert walked == whole
        assert len(walked) == 12


def test_missing_values_come_last_both_ways(many: Story) -> None:
    """Records without a value follow those with one, ascending and descending."""
    with many.workspace.acting_as("lisi") as session:
        up = [record["annual_budget"] for record in session.customers.find(order_by=["annual_budget"]).records]
        down = [record["annual_budget"] for record in session.customers.find(order_by=["-annual_budget"]).records]
    assert up == [10, 10, 10, 20, 20, 20, 30, 30, 30, None, None, None]
    assert down == [30, 30, 30, 20, 20, 20, 10, 10, 10, None, None, None]


def test_bad_questions_are_refused(many: Story) -> None:
    """Unknown fields, operators and values are told together; a foreign token and a silly limit are misuse."""
    with many.workspace.acting_as("lisi") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.customers.find((F.colour == "red") & (F.industry > "制造业") & (F.status == "炼金术") & Tagged("x"))
        assert {(problem.field, problem.code) for problem in caught.value.problems} == {
            ("colour", "unknown_field"),
            ("industry", "unknown_operator"),
            ("status", "unknown_choice"),
            ("tags", "unknown_tag_dimension"),
        }
        with pytest.raises(InvalidInputError):
            session.customers.find(order_by=["colour"])
        with pytest.raises(InvalidInputError):
            session.records("spaceship")
        with pytest.raises(ValueError, match="token"):
            session.customers.find(after="nonsense")
        with pytest.raises(ValueError, match="limit"):
            session.customers.find(limit=0)


def test_a_refused_question_names_fields_as_people_do(story: Story) -> None:
    """What is wrong with a criterion is said with the label of its field, as everywhere else."""
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(InvalidInputError) as wrong:
            session.customers.find(F.status == "火星")
        with pytest.raises(PermissionDeniedError) as hidden:
            session.customers.find(F.bank_account == "6222")
        with pytest.raises(PermissionDeniedError) as sorted_by:
            session.customers.find(order_by="bank_account")
    assert wrong.value.message("zh") == "客户状态：不在“客户状态”字典中"
    assert hidden.value.message("zh").startswith("开户行信息：")
    assert sorted_by.value.message("zh") == hidden.value.message("zh")


@pytest.mark.parametrize("wrong", ["status == '成交'", {"status": "成交"}, True])
def test_what_is_no_criterion(story: Story, wrong: Any) -> None:
    """Who asks with something else is told how a criterion is made."""
    with story.workspace.acting_as("lisi") as session:
        for ask in (session.customers.find, session.customers.count, session.customers.duplicates):
            with pytest.raises(TypeError, match=rf"made with F, .* not {type(wrong).__name__}"):
                ask(wrong)


def test_what_are_no_values(story: Story) -> None:
    """Who writes something else than a mapping is told so."""
    wrong: Any = [("客户名称", "甲")]
    with story.workspace.acting_as("lisi") as session, pytest.raises(TypeError, match=r"a mapping .* not list"):
        session.customers.create(wrong)


def test_distribution_by_field_reference_and_dimension(story: Story) -> None:
    """Groups are counted by a choice, through a reference, and by a tag dimension."""
    one = story.customer(industry="汽车", tags=(("需求", "采购设备"), ("需求", "培训")))
    story.customer(uscc=None, name="另一家", industry="汽车")
    story.customer(uscc=None, name="第三家")
    with story.workspace.acting_as("lisi") as session:
        assert session.customers.distribution("industry") == {"汽车": 2, None: 1}
        assert session.customers.distribution("所属行业", F.industry.is_present()) == {"汽车": 2}
        assert session.customers.distribution("需求") == {None: 2, "培训": 1, "采购设备": 1}
        session.follow_ups.create({"customer": one.id, "at": "2024-03-01 09:00", "content": "聊"})
        assert session.follow_ups.distribution("customer.industry") == {"汽车": 1}


def test_as_of_diff_and_revert(story: Story, clock: Clock) -> None:
    """Past states, differences, and going back as a new change."""
    record = story.customer(address="北京")
    first = clock.time
    clock.advance(days=1)
    story.update("lisi", record, {"address": "上海", "email": "a@example.com"})
    with story.workspace.acting_as("lisi") as session:
        assert session.customers.as_of(record.id, first)["address"] == "北京"
        with pytest.raises(NotFoundError):
            session.customers.as_of(record.id, datetime(2020, 1, 1, tzinfo=UTC))
        local = datetime(2024, 3, 15, 10, 40)  # noqa: DTZ001 - in the configured time zone
        assert session.customers.as_of(record.id, local)["address"] == "北京"
        assert session.customers.diff(record.id, 1, 2) == {
            "address": ("北京", "上海"),
            "email": (None, "a@example.com"),
        }
        session.customers.revert(record.id, to_version=1, version=ANY, reason="误改")
        assert session.customers.diff(record.id, 1, 3) == {}
        last = session.customers.history(record.id)[-1]
        assert (last.action, last.reason) == ("revert", "误改")
        with pytest.raises(NotFoundError):
            session.customers.revert(record.id, to_version=9, version=ANY)


def test_history_shows_what_was_readable_then_and_now(story: Story) -> None:
    """Finance sees payment fields of the time when the customer was won, and nothing of before."""
    record = story.customer(paid_amount="111")
    story.update("lisi", record, {**WON, "paid_amount": "222"})
    story.update("lisi", record, {"paid_amount": "333"})
    with story.workspace.acting_as("qianba") as session:
        shown = [dict(change.fields) for change in session.customers.history(record.id)]
        assert shown == [{"paid_amount": (222, 333)}]
        assert session.customers.diff(record.id, 1, 3) == {}


def test_history_masks_what_is_masked(story: Story) -> None:
    """A masked field is masked in the history too."""
    record = story.customer()
    story.update("lisi", record, {"phone": "13900139000"})
    with story.workspace.acting_as("liuqi") as session:
        change = session.customers.history(record.id)[-1]
        assert change.fields["phone"] == (Masked("138****5678"), Masked("139****9000"))


def test_views_show_texts(story: Story) -> None:
    """A view gives texts for people: paths of choices, names of people, amounts; nothing for hidden fields."""
    record = story.customer(industry="汽车", annual_budget="80万", submitted_by="王五")
    assert record.text("industry") == "制造业-汽车"
    assert record.text("年采购预算") == "800000.00"
    assert record.text("submitted_by") == "王五(销售一部-2组)"
    assert record.text("email") == ""
    assert record.text("id_number") == ""
    assert "name" in record
    assert "email" not in record
    assert record.get("email", "-") == "-"
    assert "13812345678" not in repr(record)


def test_views_give_what_is_beside_the_fields(story: Story) -> None:
    """By name as by attribute, tags and shares among them; what may not be seen is no name."""
    record = story.customer()
    with story.workspace.acting_as("lisi") as session:
        session.customers.tag(record.id, [("行业", "制造业")], version=ANY)
        seen = session.customers.get(record.id)
    assert seen["tags"] == seen.tags == {("行业", "制造业")}
    assert (seen["shares"], seen["owner"]) == (frozenset(), "lisi")
    assert (seen.text("tags"), seen.get("tags"), "tags" in seen) == ("", None, False)
    with story.workspace.acting_as("sunjiu") as session:
        session.customers.update(
            record.id, {"status": "成交", "contract_amount": "1", "effective_on": "2024-01-01"}, version=ANY
        )
    with story.workspace.acting_as("qianba") as session:
        [paid] = session.customers.find().records
    for name in ("tags", "shares", "phone"):
        with pytest.raises(KeyError):
            paid[name]


def test_past_states_obey_the_policy_of_today(story: Story, workspace: Workspace) -> None:
    """After a transfer the former owner reaches neither the record nor its past."""
    record = story.customer("lisi")
    with workspace.acting_as("zhaojl") as session:
        session.customers.transfer(record.id, "wangwu", version=ANY)
    with workspace.acting_as("lisi") as session:
        for call in (
            lambda: session.customers.history(record.id),
            lambda: session.customers.as_of(record.id, session.now()),
            lambda: session.customers.diff(record.id, 1, 2),
        ):
            with pytest.raises(NotFoundError):
                call()


def test_a_limit_beyond_all_numbers(workspace: Workspace, story: Story) -> None:
    """A limit greater than any database counts gives everything."""
    story.customer()
    with workspace.acting_as("lisi") as session:
        page = session.customers.find(limit=10**30)
        assert (len(page.records), page.next) == (1, None)

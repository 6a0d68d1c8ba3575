"""Search, totals, periods and iteration within what the actor may see."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from custinfo import F, InvalidInputError
from tests.unit.workspace.story import Story


@pytest.fixture
def named(story: Story) -> Story:
    """Four customers of lisi."""
    names = ("霁川（苏州）科技", "望潮 科 技", "ＡＢ科学", "云启物流")
    for number, name in enumerate(names, 1):
        story.customer(name=name, uscc=None, annual_budget=number * 10, submitted_on=f"2024-{number:02}-15")
    return story


def test_search(named: Story) -> None:
    """A title is found by any part of it, in its order, whatever its blanks, width and case."""
    with named.workspace.acting_as("lisi") as session:
        found = [view["name"] for view in session.customers.search("科技").records]
        assert found == ["望潮 科 技", "霁川（苏州）科技"]
        assert [view["name"] for view in session.customers.search("苏州 科技").records] == ["霁川（苏州）科技"]
        assert [view["name"] for view in session.customers.search("ab").records] == ["ＡＢ科学"]
        assert session.customers.search("科技", F.annual_budget == 10).records[0]["name"] == "霁川（苏州）科技"
        assert session.customers.count(F.name.mentions("科")) == 3


def test_search_in_pages(named: Story) -> None:
    """A search goes on behind the page before."""
    with named.workspace.acting_as("lisi") as session:
        page = session.customers.search("科", limit=2)
        assert len(page.records) == 2
        rest = session.customers.search("科", limit=2, after=page.next)
        assert [len(rest.records), rest.next] == [1, None]


def test_search_is_scoped(named: Story) -> None:
    """What the actor does not see is not found."""
    with named.workspace.acting_as("wangwu") as session:
        assert session.customers.search("科技").records == ()


@pytest.mark.parametrize("text", ["", " （） "])
def test_search_for_nothing(named: Story, text: str) -> None:
    """A text of which nothing is left is refused; so is a module without a title."""
    with named.workspace.acting_as("lisi") as session:
        with pytest.raises(InvalidInputError, match="too_short"):
            session.customers.search(text)
        with pytest.raises(InvalidInputError, match="unknown_operator"):
            session.follow_ups.search("x")
        with pytest.raises(InvalidInputError, match="unknown_operator"):
            session.customers.find(F.address.mentions("x"))


def test_totals(named: Story) -> None:
    """Sums are exact, by group and by period."""
    with named.workspace.acting_as("lisi") as session:
        total = session.customers.total("年采购预算", F.annual_budget > 10)
        assert (total.records, total.values, total.sum, total.minimum, total.maximum) == (3, 3, 90, 20, 40)
        assert total.mean == Decimal(30)
        by_quarter = session.customers.totals("annual_budget", "submitted_on", period="quarter")
        assert {day: total.sum for day, total in by_quarter.items()} == {date(2024, 1, 1): 60, date(2024, 4, 1): 40}
        assert session.customers.total("annual_budget", F.annual_budget < 0).sum == 0
        assert session.customers.distribution("submitted_on", F.annual_budget < 30, period="month") == {
            date(2024, 1, 1): 1,
            date(2024, 2, 1): 1,
        }


def test_unfit_totals(named: Story) -> None:
    """Only numbers add up, only dates have periods, and hidden fields tell nothing."""
    with named.workspace.acting_as("lisi") as session:
        for action in (
            lambda: session.customers.total("name"),
            lambda: session.customers.totals("annual_budget", "name", period="month"),
            lambda: session.customers.distribution("需求", period="month"),
        ):
            with pytest.raises(InvalidInputError, match="unknown_operator"):
                action()
        with pytest.raises(ValueError, match="period"):
            session.customers.distribution("submitted_on", period="week")  # type: ignore[arg-type]


def test_iterate(named: Story) -> None:
    """All records come one by one, in order."""
    with named.workspace.acting_as("lisi") as session:
        names = [view["annual_budget"] for view in session.customers.iterate(order_by="-annual_budget")]
        assert names == [40, 30, 20, 10]

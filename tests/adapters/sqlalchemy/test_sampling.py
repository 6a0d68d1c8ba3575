"""Whether SQLite follows a title in a branch or walks its names in order is told by the first titles of its index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, _title_order
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy._leads import Leads
from custinfo.adapters.sqlalchemy._titles import Sample
from custinfo.core.binding import bind
from custinfo.core.criteria import F, OneOf, all_of
from custinfo.core.records import Record
from custinfo.ports import Order, Query
from custinfo.testing import NOW, make_record, sample_schema

SCHEMA = sample_schema()
HOMES = ("d3", "d4")
PAIRS = {"公司": 1, "云川": 2, "瑞嘉": 7, "启明": 40, "望潮": 600}
"""Each pair, and in how many titles one has it."""
COUNT = 6_000


def title(number: int) -> str:
    """Return a title, mixed so that neighbours in their order are not neighbours in time."""
    return f"{number * 7919 % COUNT:04}" + "的".join(pair for pair, each in PAIRS.items() if number // 20 % each == 0)


def things() -> list[Record]:
    """Return 6 000 things of 20 departments."""
    return [make_record(number, {"title": title(number)}, department=f"d{number % 20}") for number in range(COUNT)]


@pytest.fixture(scope="module")
def units() -> Iterator[SqlAlchemyUnits]:
    """Save them for the second tenant, where the first has filled the beginning of the index."""
    engine = open_engine("sqlite://")
    units = SqlAlchemyUnits(engine)
    units.create_tables()
    for tenant in ("one", "two"):
        with units.begin(SCHEMA, tenant) as unit:
            unit.records.save(things())
    yield units
    engine.dispose()


def having(text: str) -> list[Record]:
    """Return the things of two departments that have a pair, by title."""
    found = [thing for thing in things() if text in title_of(thing) and thing.department in HOMES]
    return sorted(found, key=title_of)


def title_of(thing: Record) -> str:
    """Return the title of a thing."""
    return str(thing.values["title"])


def query(text: str, after: Record | None = None) -> Query:
    """Return the question for a page of 50 in two departments, by title."""
    bound = bind(F.archived_at.is_missing() & F.title.mentions(text), "thing", SCHEMA, NOW)
    position = None if after is None else (title_of(after), after.id)
    return Query("thing", all_of([OneOf(("department",), HOMES), bound]), (Order(("title",)),), 50, position)


@pytest.mark.parametrize("text", PAIRS)
def test_how_many_have_a_pair_is_about_told(units: SqlAlchemyUnits, text: str) -> None:
    """Few are counted; of more, the number follows from how far apart the first ones are, whoever else is there."""
    number = len(having(text))
    with units.begin(SCHEMA, "two") as unit:
        queries: Any = unit.queries  # what plans depend on is seen nowhere else
        sample = queries._titles.sample("thing", "title", text, HOMES)
    if number < 100:
        assert sample == Sample(number)
    else:
        assert sample.number == pytest.approx(number, rel=0.1)
        assert sample.spread == pytest.approx(COUNT / number, rel=0.1)


@pytest.mark.parametrize("scope", [0, _title_order.SCOPE])
@pytest.mark.parametrize("text", PAIRS)
def test_pages_are_the_same_whichever_way(
    units: SqlAlchemyUnits, text: str, scope: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pages together are what has the pair, in order, asked twice: what was learned changes no page."""
    monkeypatch.setattr(_title_order, "SCOPE", scope)
    for _ in range(2):
        found: list[Record] = []
        with units.begin(SCHEMA, "two") as unit:
            while page := unit.queries.find(query(text, found[-1] if found else None)):
                found += page
        assert [thing.id for thing in found] == [thing.id for thing in having(text)]


@settings(max_examples=20, deadline=None)
@given(st.text("公司云川瑞嘉启明望潮的0123", min_size=1, max_size=3))
def test_any_text_finds_what_has_it(units: SqlAlchemyUnits, text: str) -> None:
    """Whatever is sought, the first page is that of reading all titles."""
    with units.begin(SCHEMA, "two") as unit:
        found = unit.queries.find(query(text))
    assert [thing.id for thing in found] == [thing.id for thing in having(text)[:50]]


def test_titles_are_sampled_in_few_departments_alone(units: SqlAlchemyUnits) -> None:
    """Over everything, the index does not tell whose titles they are."""
    everywhere = bind(F.archived_at.is_missing() & F.title.mentions("公司"), "thing", SCHEMA, NOW)
    with units.begin(SCHEMA, "two") as unit:
        queries: Any = unit.queries
        leads = Leads(queries._context, queries._titles, "thing")
        assert leads.sampled(everywhere, 50) is None
        assert leads.sampled(query("公司").criterion, 50) is not None

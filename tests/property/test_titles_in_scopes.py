"""Titles are found within whatever scope, wherever their records have gone meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custinfo.adapters.memory import MemoryUnits
from custinfo.core.criteria import Criterion, Everything, all_of, any_of
from custinfo.core.criteria.nodes import Compare, Contains, Mentions, Not, OneOf, Present, SharedWith
from custinfo.core.records import Record, Share
from custinfo.ports import Grouping, Order, Query, UnitOfWork, Units
from custinfo.testing import NOW, find_disagreement, make_record, sample_schema
from tests.databases import MARIADB, POSTGRESQL, throw_away_units

SCHEMA = sample_schema()
EFFORT = int(os.environ.get("CUSTINFO_EFFORT", "1"))
DEPARTMENTS = ("east", "west", "north")
BOB = frozenset({("member", "bob")})
LIVE = Not(Present(("archived_at",)))

checks = settings(deadline=None, suppress_health_check=list(HealthCheck))

LONG = "甲乙" + "丁" * 118
"""As much of a title as is in its index."""

parts = {
    "title": st.sampled_from(["甲乙丙", "（甲）乙", "丙甲乙", "丙", LONG + "乙丙", LONG + "（甲）", "甲" + "㍿" * 31]),
    "department": st.sampled_from([*DEPARTMENTS, None]),
    "owner": st.sampled_from(["ann", "bob", None]),
    "shares": st.sampled_from([frozenset(), frozenset({Share("member", "bob", "read", None)})]),
    "archived_at": st.sampled_from([None, None, NOW]),
}
first = st.dictionaries(st.integers(1, 5), st.fixed_dictionaries(parts), min_size=2)
later = st.dictionaries(st.integers(1, 5), st.none() | st.fixed_dictionaries({}, optional=parts), min_size=1)
steps = st.tuples(first, st.lists(later, max_size=3)).map(lambda found: [found[0], *found[1]])
"""What becomes of records, batch by batch: what changes of each, or `None` where it is removed."""

CROWD = [make_record(number, {"title": "甲乙丙甲乙"}, department="south", owner="zoe") for number in range(101, 113)]
"""Those that have the pairs, too, and are in nobody's scope: other indexes lead to fewer."""

own: Criterion = Compare(("owner",), "eq", "bob")
shared: Criterion = SharedWith(BOB, frozenset({"read"}), NOW)
homes: st.SearchStrategy[Criterion] = st.one_of(
    st.sampled_from(DEPARTMENTS).map(lambda key: Compare(("department",), "eq", key)),
    st.lists(st.sampled_from(DEPARTMENTS), min_size=1, max_size=3, unique=True).map(
        lambda keys: OneOf(("department",), tuple(keys))
    ),
)
pools: st.SearchStrategy[Criterion] = homes.map(lambda home: all_of([Not(Present(("owner",))), home]))
scopes: st.SearchStrategy[Criterion] = st.one_of(
    homes,
    st.just(own),
    st.just(Everything()),
    st.lists(st.one_of(homes, pools, st.just(own), st.just(shared)), min_size=2, max_size=3).map(any_of),
)
sought = st.one_of(
    st.sampled_from(["甲乙", "乙丙", "丙甲乙", "甲"]).map(lambda text: Mentions(("title",), text)),
    st.sampled_from(["甲乙", "）乙", "丙"]).map(lambda text: Contains(("title",), text)),
)


def limited(scope: Criterion, wanted: Criterion, live: Criterion, opposite: bool) -> Criterion:
    """Return the criterion of what is sought in a scope, or of everything else there."""
    missing: Criterion = Not(wanted)
    return all_of([scope, live, missing if opposite else wanted])


criteria = st.builds(limited, scopes, sought, st.sampled_from([LIVE, Everything()]), st.booleans())
orders = st.sampled_from([(), (Order(("title",)),), (Order(("updated_at",), descending=True),)])
questions = st.lists(
    st.builds(lambda criterion, order: Query("thing", criterion, order), criteria, orders), min_size=1, max_size=4
)


class _EnoughError(Exception):
    """Ends an example: what it saved is taken back."""


def live_through(unit: UnitOfWork, batches: Sequence[Mapping[int, Any]]) -> list[Record]:
    """Save and remove records as the steps say, and return those that are there in the end."""
    unit.records.save(CROWD)
    known: dict[int, Record] = {}
    for moment, batch in enumerate(batches):
        unit.records.remove([known.pop(number) for number in [*batch] if batch[number] is None and number in known])
        saved = {
            number: changed(known.get(number), number, moment, changes)
            for number, changes in batch.items()
            if changes is not None
        }
        if moment % 3:  # as those do who read first, and those who do not
            unit.records.get("thing", [record.id for record in saved.values()])
        unit.records.save([*saved.values()])
        known |= saved
    return [*CROWD, *known.values()]


def changed(before: Record | None, number: int, moment: int, changes: Mapping[str, Any]) -> Record:
    """Return the next version of a record, or its first."""
    before = before or attrs.evolve(make_record(number), version=0)
    others = {key: value for key, value in changes.items() if key != "title"}
    values = before.values.merged({"title": changes["title"]} if "title" in changes else {})
    updated = NOW + timedelta(minutes=moment)
    return attrs.evolve(before, version=before.version + 1, values=values, updated_at=updated, **others)


def disagreement(units: Units, batches: Sequence[Mapping[int, Any]], asked: Sequence[Query]) -> str | None:
    """Return how a store disagrees about records that have gone through steps, for the time of the questions."""
    found: list[str] = []

    def ask() -> None:
        with unit.atomic():
            stored = live_through(unit, batches)
            for query in asked:
                answer = find_disagreement(unit, SCHEMA, stored, query, Grouping(("place",)))
                if answer is not None:
                    found.append(f"{answer}; {query.criterion} {query.order}")
            raise _EnoughError

    with units.begin(SCHEMA, "tenant") as unit, suppress(_EnoughError):
        ask()
    return found[0] if found else None


@pytest.fixture(scope="module", params=["sqlite://", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def units(request: pytest.FixtureRequest) -> Iterator[Units]:
    """Open a store."""
    with throw_away_units(request.param) as units:
        yield units


@settings(checks, max_examples=100 * EFFORT)
@given(batches=steps, asked=questions)
def test_stores_follow_transfers(units: Units, batches: list[dict[int, Any]], asked: list[Query]) -> None:
    """Each store finds the titles of a scope as the predicates say, after records came, moved and went."""
    assert disagreement(units, batches, asked) is None


@settings(checks, max_examples=100 * EFFORT)
@given(batches=steps, asked=questions)
def test_memory_follows_transfers(batches: list[dict[int, Any]], asked: list[Query]) -> None:
    """So does the adapter in memory."""
    assert disagreement(MemoryUnits(), batches, asked) is None

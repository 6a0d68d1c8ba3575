"""Every store answers as the predicates in memory do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custinfo.adapters.memory import MemoryUnits
from custinfo.core.records import Record
from custinfo.ports import Grouping, Query, Units
from custinfo.testing import find_disagreement, sample_schema
from custinfo.testing.strategies import groupings, queries, records
from tests.databases import MARIADB, POSTGRESQL, throw_away_units

SCHEMA = sample_schema()
QUESTIONS = st.sampled_from(["thing", "thing_note"]).flatmap(
    lambda module: st.tuples(queries(module), groupings(module))
)
EFFORT = int(os.environ.get("CUSTINFO_EFFORT", "1"))
"""Multiplies the number of examples."""

checks = settings(deadline=None, suppress_health_check=list(HealthCheck))


class _EnoughError(Exception):
    """Ends an example: what it saved is taken back."""


def disagreement(units: Units, stored: Sequence[Record], questions: Sequence[tuple[Query, Grouping]]) -> str | None:
    """Return how a store disagrees about records that are stored for the time of the questions."""
    found: list[str] = []

    def ask() -> None:
        with unit.atomic():
            unit.records.save(stored)
            for query, grouping in questions:
                answer = find_disagreement(unit, SCHEMA, stored, query, grouping)
                if answer is not None:
                    found.append(f"{answer}; {query.criterion} {query.order} {grouping}")
            raise _EnoughError

    with units.begin(SCHEMA, "tenant") as unit, suppress(_EnoughError):
        ask()
    return found[0] if found else None


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Units]:
    """Open SQLite in memory."""
    with throw_away_units("sqlite://") as units:
        yield units


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Units]:
    """Open PostgreSQL."""
    with throw_away_units(POSTGRESQL) as units:
        yield units


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Units]:
    """Open MariaDB."""
    with throw_away_units(MARIADB) as units:
        yield units


@settings(checks, max_examples=100 * EFFORT)
@given(records(), st.lists(QUESTIONS, min_size=1, max_size=3))
def test_memory_agrees(stored: list[Record], questions: list[tuple[Query, Grouping]]) -> None:
    """The adapter in memory finds, counts, sorts and groups as the predicates say."""
    assert disagreement(MemoryUnits(), stored, questions) is None


@settings(checks, max_examples=200 * EFFORT)
@given(stored=records(), questions=st.lists(QUESTIONS, min_size=1, max_size=3))
def test_sqlite_agrees(sqlite: Units, stored: list[Record], questions: list[tuple[Query, Grouping]]) -> None:
    """SQLite finds, counts, sorts and groups as the predicates say."""
    assert disagreement(sqlite, stored, questions) is None


@settings(checks, max_examples=60 * EFFORT)
@given(stored=records(), questions=st.lists(QUESTIONS, min_size=1, max_size=3))
def test_postgresql_agrees(postgresql: Units, stored: list[Record], questions: list[tuple[Query, Grouping]]) -> None:
    """PostgreSQL finds, counts, sorts and groups as the predicates say."""
    assert disagreement(postgresql, stored, questions) is None


@settings(checks, max_examples=60 * EFFORT)
@given(stored=records(), questions=st.lists(QUESTIONS, min_size=1, max_size=3))
def test_mariadb_agrees(mariadb: Units, stored: list[Record], questions: list[tuple[Query, Grouping]]) -> None:
    """MariaDB finds, counts, sorts and groups as the predicates say."""
    assert disagreement(mariadb, stored, questions) is None

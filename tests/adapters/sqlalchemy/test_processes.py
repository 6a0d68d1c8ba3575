"""Eight processes at once, on the servers: nothing is lost, nothing is there twice.

`CUSTINFO_ROUNDS` says how often each of them tries; 8 times unless told otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from custinfo import F, RecordView, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from tests.adapters.sqlalchemy.fields import engine_of
from tests.adapters.sqlalchemy.racing import ROLES, open_workspace
from tests.databases import MARIADB, POSTGRESQL, throw_away_units
from tests.unit.workspace.story import Story

ROOT = Path(__file__).parents[3]
PROCESSES: Final = 8
ROUNDS: Final = int(os.environ.get("CUSTINFO_ROUNDS", "8"))


class Race:
    """A store on a server, and processes that have it open, to race as often as they are told."""

    def __init__(self, url: str, units: SqlAlchemyUnits, stack: ExitStack) -> None:
        """Open a workspace on the store, and begin the processes, which end with the stack."""
        self.units = units
        prefix = units.tables.record.name.removesuffix("record")
        self.workspace: Workspace = stack.enter_context(open_workspace(url, prefix))
        self.story = Story(self.workspace)
        self.racers = [stack.enter_context(_process(url, prefix, str(number))) for number in range(PROCESSES)]
        assert [_line(racer) for racer in self.racers] == ["ready"] * PROCESSES

    def run(self, role: str, **given: Any) -> list[dict[str, Any]]:
        """Let all processes begin at once, and return what each of them says at its end."""
        assert role in ROLES
        for racer in self.racers:
            assert racer.stdin is not None
            racer.stdin.write(f"{json.dumps({'role': role, **given})}\n")
            racer.stdin.flush()
        return [json.loads(_line(racer)) for racer in self.racers]

    def view(self, record: RecordView) -> RecordView:
        """Return a customer as it is now."""
        return self.story.view("lisi", record)

    def versions(self, record: RecordView) -> list[int]:
        """Return the versions of which the history knows."""
        change = self.units.tables.change
        statement = select(change.c.version).where(change.c.record_id == record.id).order_by(change.c.version)
        with engine_of(self.units).connect() as connection:
            return list(connection.execute(statement).scalars())

    def check(self) -> None:
        """Compare everything with everything."""
        report = self.workspace.check_integrity()
        assert report.problems == ()


def _process(url: str, prefix: str, number: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.adapters.sqlalchemy.racing", url, prefix, number]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(racer: subprocess.Popen[str]) -> str:
    assert racer.stdout is not None
    return racer.stdout.readline().rstrip()


@pytest.fixture(params=[POSTGRESQL, MARIADB], ids=["postgresql", "mariadb"], scope="module")
def race(request: pytest.FixtureRequest) -> Iterator[Race]:
    """Make a store in tables of its own, for all races on a server: eight processes take long to begin."""
    with throw_away_units(request.param) as units, ExitStack() as stack:
        yield Race(request.param, units, stack)


def total(outcomes: list[dict[str, Any]]) -> Mapping[str, int]:
    """Return how often each thing happened, to all processes together."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts.update({key: number for key, number in outcome.items() if isinstance(number, int)})
    return counts


def test_no_update_is_lost(race: Race) -> None:
    """Each update that went well is in the record and in its history; the others were told of a stale version."""
    record = race.story.customer(uscc=None)
    counts = total(race.run("update_once", record=record.id, rounds=ROUNDS))
    assert sum(counts.values()) == PROCESSES * ROUNDS
    assert set(counts) <= {"done", "stale_version", "storage_retryable"}
    assert counts["stale_version"] > 0
    assert race.view(record)["counter"] == counts["done"]
    assert race.versions(record) == list(range(1, counts["done"] + 2))
    race.check()


def test_work_that_is_tried_again_is_done(race: Race) -> None:
    """With `Workspace.run`, every update goes well in the end."""
    record = race.story.customer(uscc=None)
    counts = total(race.run("update_always", record=record.id, rounds=ROUNDS))
    assert counts == {"done": PROCESSES * ROUNDS}
    assert race.view(record)["counter"] == PROCESSES * ROUNDS
    assert race.versions(record) == list(range(1, PROCESSES * ROUNDS + 2))
    race.check()


def two(race: Race) -> list[RecordView]:
    """Return two customers."""
    return [race.story.customer(uscc=None) for _ in range(2)]


def test_deadlocks_are_tried_again(race: Race) -> None:
    """Transactions that change two records in different order come to an end, all of them."""
    records = two(race)
    counts = total(race.run("cross", records=[record.id for record in records], rounds=ROUNDS // 2))
    assert counts == {"done": PROCESSES * ROUNDS // 2}
    assert [race.view(record)["counter"] for record in records] == [PROCESSES * ROUNDS // 2] * 2
    race.check()


def test_a_host_is_told_to_try_again(race: Race) -> None:
    """In sessions of a host, serializable ones: what fails for the sake of others is said to be retryable, or stale."""
    records = two(race)
    counts = total(race.run("host", records=[record.id for record in records], rounds=ROUNDS // 4))
    assert counts["done"] == PROCESSES * ROUNDS // 4
    assert counts["storage_retryable"] > 0
    assert set(counts) <= {"done", "stale_version", "storage_retryable"}
    assert [race.view(record)["counter"] for record in records] == [PROCESSES * ROUNDS // 4] * 2
    race.check()


def test_a_unique_value_has_one_winner(race: Race) -> None:
    """Of all who create records with a number, or change theirs to it, one gets it at a time; none is there twice."""
    values = [f"card-{number}" for number in range(ROUNDS * 2)]
    own = [race.story.customer(uscc=None).id for _ in range(PROCESSES)]
    outcomes = race.run("take", values=values, own=own)
    counts = total(outcomes)
    assert set(counts) <= {"done", "not_unique"}
    assert counts["not_unique"] > 0
    created = Counter(value for outcome in outcomes[::2] for value in outcome["won"])
    assert max(created.values()) == 1
    changed = Counter(value for outcome in outcomes[1::2] for value in outcome["won"])
    assert set(values) == set(created) | set(changed)
    with race.workspace.acting_as("lisi") as session:
        held = Counter(view["card"] for view in session.customers.find(F.card.is_present(), limit=200).records)
    assert max(held.values()) == 1
    assert set(created) <= set(held)
    race.check()


def test_a_field_has_one_request(race: Race) -> None:
    """Of eight requests for the same field of a record, one is made, and the others are told which it is."""
    records = [race.story.customer(uscc=None).id for _ in range(10)]
    counts = total(race.run("reserve", records=records))
    assert counts == {"done": len(records), "field_reserved": (PROCESSES - 1) * len(records)}
    request, reservation = race.units.tables.request, race.units.tables.reservation
    with engine_of(race.units).connect() as connection:
        made = connection.execute(select(request.c.record_id).order_by(request.c.record_id)).scalars().all()
        held = connection.execute(select(func.count()).select_from(reservation)).scalar()
    assert sorted(made) == sorted(records)
    assert held == len(records)
    race.check()


def test_an_event_is_delivered_once(race: Race) -> None:
    """Eight processes deliver at once: each event is handed on, and none twice as long as nobody dies."""
    with race.workspace.acting_as("lisi") as session:
        for number in range(300):
            session.context.announce("shop.ordered", f"order/{number}")
    outcomes = race.run("deliver")
    keys = [key for outcome in outcomes for key in outcome["keys"]]
    ordered = [key for key in keys if key.startswith("order/")]
    assert sorted(ordered) == sorted(f"order/{number}" for number in range(300))
    assert len(keys) == len(set(keys))  # with those of the requests that the race begins with
    assert sum(1 for outcome in outcomes if outcome["keys"]) > 1
    assert race.workspace.undelivered() == ()

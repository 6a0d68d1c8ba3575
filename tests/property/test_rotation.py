"""Keys are rotated while everybody works, and whatever interrupts it, nothing is lost (FLD-7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo import AwaitingApproval, ConfigurationError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.standard import sample_organisation, standard_configuration
from tests.property.dying_units import DiedError, DyingUnits
from tests.unit.workspace.story import Story

OLD = Keyring({"k1": b"1" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})
NEW = OLD.rotated("k2", b"2" * 32)
ONLY_NEW = NEW.without("k1")
NUMBERS = ["11010519491231002X", "110101194912310016", "110101194912310024", "110101194912310032"]


class Interrupting(Keyring):
    """Raise after so many data keys were wrapped anew."""

    def __init__(self, most: int) -> None:
        super().__init__(
            {"k1": b"1" * 32, "k2": b"2" * 32}, current="k2", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32}
        )
        self.left = most

    def rewrapped(self, data_key: str, context: Any, /) -> str:
        """Count, and die."""
        if self.left == 0:
            raise DiedError
        self.left -= 1
        return super().rewrapped(data_key, context)


def opened(units: Any, keyring: Keyring) -> Workspace:
    """Open a workspace on a store, with a keyring."""
    return Workspace(standard_configuration(), units=units, organisation=sample_organisation(), keyring=keyring)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Any:
    """Say how an empty store is made."""
    return MemoryUnits if request.param == "memory" else lambda: SqlAlchemyUnits.open("sqlite://")


def fill(workspace: Workspace) -> list[str]:
    """Let three people have numbers, one of them archived and one cleared, and a request wait with a fourth."""
    story = Story(workspace)
    people = [
        story.individual(id_number=number, name=f"某人{place}", birthday=None)
        for place, number in enumerate(NUMBERS[:3])
    ]
    nobody = story.individual(id_number=None, name="无证件", birthday=None)
    with workspace.acting_as("lisi") as session:
        outcome = session.customers.update(nobody.id, {"id_number": NUMBERS[3]}, version=nobody.version)
        assert isinstance(outcome, AwaitingApproval)
        session.customers.archive(people[1].id, version=people[1].version)
    return [person.id for person in people]


def read(workspace: Workspace, keys: list[str]) -> Iterator[Any]:
    """Yield every number that the senior administrator can read: on records, and in their history."""
    with workspace.acting_as("zhoushi") as session:
        for key in keys:
            yield session.customers.get(key)["id_number"]
            yield session.customers.history(key)[0].fields["id_number"][1]


EXPECTED = [number for number in NUMBERS[:3] for _ in range(2)]


@given(st.lists(st.integers(0, 4), max_size=4))
@settings(max_examples=25)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_nothing_is_lost_at_any_interruption(kind: str, stops: list[int]) -> None:
    """However often it dies, at whatever key, all is readable in between; in the end the old key can go."""
    units: Any = MemoryUnits() if kind == "memory" else SqlAlchemyUnits.open("sqlite://")
    keys = fill(opened(units, OLD))
    for stop in stops:
        dying = Interrupting(stop)
        with suppress(DiedError):
            opened(units, dying).rotate_keys()
        assert list(read(opened(units, NEW), keys)) == EXPECTED
    report = opened(units, NEW).rotate_keys()
    assert dict(report.left) == {"k2": 4}
    assert report.may_go("k1")
    assert not report.may_go("k2")
    after = opened(units, ONLY_NEW)
    assert list(read(after, keys)) == EXPECTED
    with after.acting_as("sunjiu") as session:
        [task] = session.approvals.inbox()
        session.approvals.approve(task.request_id)
    with after.acting_as("zhoushi") as session:
        assert session.customers.get(task.record_id)["id_number"] == NUMBERS[3]
    assert after.verify().ok
    assert opened(units, ONLY_NEW).rotate_keys().rewrapped == 0


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_nothing_is_lost_at_any_call_of_the_store(kind: str, late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may die at each single call that it makes, before or after it: all is readable, and a second run ends it."""
    monkeypatch.setattr("custinfo.workspace.rotation._PAGE", 2)  # several pages, each committed
    died, at = True, 0
    while died:
        at += 1
        units: Any = MemoryUnits() if kind == "memory" else SqlAlchemyUnits.open("sqlite://")
        keys = fill(opened(units, OLD))
        dying = DyingUnits(units, at, late=late)
        with suppress(DiedError):
            opened(dying, NEW).rotate_keys()
        died = dying.calls == at
        assert list(read(opened(units, NEW), keys)) == EXPECTED
        report = opened(units, NEW).rotate_keys()
        assert (dict(report.left), report.may_go("k1")) == ({"k2": 4}, True)
        after = opened(units, ONLY_NEW)
        assert list(read(after, keys)) == EXPECTED
        assert after.verify().ok
    assert at > 10, "the number of places at which it died"


def test_a_key_that_is_missing_is_told(store: Any) -> None:
    """Data keys that nothing opens stay as they are, and the report says how many these are."""
    units = store()
    keys = fill(opened(units, OLD))
    report = opened(units, Keyring({"k9": b"9" * 32}, current="k9", index_key=b"i" * 32)).rotate_keys()
    assert (report.rewrapped, dict(report.left)) == (0, {"k1": 4})
    assert [(problem.code, problem.params["count"]) for problem in report.problems] == [("keys_missing", 4)]
    assert list(read(opened(units, OLD), keys)) == EXPECTED


def test_a_keyring_is_needed(store: Any) -> None:
    """Without one there is nothing to rotate."""
    workspace = Workspace(standard_configuration(), units=store(), organisation=sample_organisation())
    with pytest.raises(ConfigurationError):
        workspace.rotate_keys()


def test_who_writes_meanwhile_is_not_overwritten(store: Any) -> None:
    """A record that got another data key since it was read keeps it, and is done by the next call."""
    units = store()
    workspace = opened(units, NEW)
    [first, *_] = fill(opened(units, OLD))
    told: list[tuple[str, int]] = []
    report = workspace.rotate_keys(lambda module, done: told.append((module, done)))
    assert report.rewrapped == 4
    assert told == [("customer", 4)]
    assert list(read(workspace, [first])) == EXPECTED[:2]

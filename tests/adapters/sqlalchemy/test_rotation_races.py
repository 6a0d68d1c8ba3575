"""Keys are rotated while others write: nothing is written back, and no number is had twice (FLD-7)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pytest

from custinfo import ANY, CustinfoError, F, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._records import SqlAlchemyRecords
from custinfo.adapters.sqlalchemy._rewriting import SqlAlchemyRewriting
from custinfo.core.records import ERASED, Record, RecordId
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import MARIADB, POSTGRESQL, throw_away_units
from tests.unit.workspace.story import INDIVIDUAL, Story

PATIENCE = 120
OLD = Keyring({"k1": b"1" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})
BOTH = OLD.rotated("k2", b"2" * 32).with_index_key("i2", b"j" * 32)
NEW = BOTH.without("k1").without_index_key("")
NUMBERS = ("11010519491231002X", "110101194912310016", "110101194912310024", "110101194912310032", "110101194912310040")


@pytest.fixture(params=[POSTGRESQL, MARIADB], ids=["postgresql", "mariadb"])
def units(request: pytest.FixtureRequest) -> Iterator[SqlAlchemyUnits]:
    """A store that several connections may use at once."""
    with throw_away_units(request.param) as found:
        yield found


def opened(units: SqlAlchemyUnits, keyring: Keyring) -> Workspace:
    """Open a workspace, as another process would have it."""
    return Workspace(standard_configuration(), units=units, organisation=sample_organisation(), keyring=keyring)


def rotated(units: SqlAlchemyUnits) -> None:
    """Check that the old keys may go, and that everything holds without them."""
    workspace = opened(units, BOTH)
    assert workspace.rotate_keys().may_go("k1")
    assert workspace.rotate_index().may_go("")
    after = opened(units, NEW)
    assert dict(after.rotate_index().left) == {}
    assert after.check_integrity().problems == ()
    assert after.verify().ok


def test_who_read_before_writes_nothing_back(units: SqlAlchemyUnits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are rotated between the reading of a record and its writing stay so."""
    person = Story(opened(units, OLD)).individual(id_number=NUMBERS[0], birthday=None)
    written = SqlAlchemyRecords.save

    def save(records: SqlAlchemyRecords, changed: Sequence[Record], /) -> None:
        monkeypatch.undo()
        assert opened(units, BOTH).rotate_keys().may_go("k1")
        assert opened(units, BOTH).rotate_index().may_go("")
        written(records, changed)

    with opened(units, BOTH).acting_as("sunjiu") as session:
        monkeypatch.setattr(SqlAlchemyRecords, "save", save)
        session.customers.update(person.id, {"special_notes": "VIP"}, version=ANY)
    with opened(units, NEW).acting_as("zhoushi") as session:
        view = session.customers.get(person.id)
        assert (view["id_number"], view["special_notes"]) == (NUMBERS[0], "VIP")
        assert session.customers.count(F.id_number == NUMBERS[0]) == 1
    assert opened(units, BOTH).check_integrity().ok
    rotated(units)


def test_who_is_erased_meanwhile_stays_so(units: SqlAlchemyUnits, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before somebody was erased is not written back by the rotation."""
    person = Story(opened(units, OLD)).individual(id_number=NUMBERS[0], birthday=None)
    other = Story(opened(units, OLD)).individual(id_number=NUMBERS[1], name="李小红", birthday=None)
    redigested = SqlAlchemyRewriting.digests

    def digests(rewriting: SqlAlchemyRewriting, records: Sequence[Record], /) -> Collection[RecordId]:
        monkeypatch.undo()
        with opened(units, BOTH).acting_as("sunjiu") as session:
            session.customers.erase_person(person.id, fields=["id_number"], reason="本人要求")
        return redigested(rewriting, records)

    monkeypatch.setattr(SqlAlchemyRewriting, "digests", digests)
    assert opened(units, BOTH).rotate_index().may_go("")
    with opened(units, BOTH).acting_as("zhoushi") as session:
        first, *_ = session.customers.history(person.id)
        assert first.fields["id_number"][1] is ERASED
        assert session.customers.count(F.id_number == NUMBERS[0]) == 0
        assert session.customers.get(other.id)["id_number"] == NUMBERS[1]
    rotated(units)


def at_once(works: Sequence[Callable[[], None]]) -> None:
    """Do these in threads that begin together; what one of them raises is raised here."""
    barrier, raised = threading.Barrier(len(works)), []

    def run(work: Callable[[], None]) -> None:
        try:
            barrier.wait(PATIENCE)
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    if raised:
        raise raised[0]


def test_a_number_goes_to_one_whoever_indexes_it(units: SqlAlchemyUnits) -> None:
    """Processes with the old keyring and with the new one want the same numbers while the index is rotated."""
    won: list[str] = []
    codes: set[str] = set()

    def taking(keyring: Keyring, seed: int) -> Callable[[], None]:
        workspace, chance = opened(units, keyring), random.Random(seed)

        def create(number: str) -> Any:
            raw = {**INDIVIDUAL, "birthday": None, "name": f"某人{seed}", "owner": "lisi", "id_number": number}
            return workspace.run("sunjiu", lambda session: session.customers.create(raw), attempts=50)

        def work() -> None:
            for number in chance.sample(NUMBERS, len(NUMBERS)):
                try:
                    create(number)
                except CustinfoError as error:
                    codes.add(error.code)
                else:
                    won.append(number)

        return work

    def rotating() -> None:
        for _ in range(6):
            try:
                opened(units, BOTH).rotate_index()
            except CustinfoError as error:
                codes.add(error.code)

    at_once([*(taking(keyring, seed) for seed, keyring in enumerate((OLD, BOTH, OLD, BOTH))), rotating])
    assert sorted(won) == sorted(NUMBERS)
    assert "not_unique" in codes
    assert codes <= {"not_unique", "storage_retryable"}
    rotated(units)
    with opened(units, NEW).acting_as("zhoushi") as session:
        assert [session.customers.count(F.id_number == number) for number in NUMBERS] == [1] * len(NUMBERS)

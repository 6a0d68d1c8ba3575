"""Erasing, rotating, attesting and approving at the same moment: nothing comes back, nothing stays behind (FLD-7)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from custinfo import ANY, Grant, StorageError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._approvals import SqlAlchemyApprovals
from custinfo.adapters.sqlalchemy._rewriting import SqlAlchemyRewriting
from custinfo.adapters.sqlalchemy._upkeep import SqlAlchemyUpkeep
from custinfo.core.errors import ConflictError
from custinfo.core.records import ERASED, RecordId
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import MARIADB, POSTGRESQL, throw_away_units
from tests.unit.workspace.story import Story

SOON = 1.0
"""Seconds within which whoever does not have to wait is done."""

PATIENCE = 60
OLD = Keyring({"k1": b"1" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})
BOTH = OLD.rotated("k2", b"2" * 32).with_index_key("i2", b"j" * 32)
NEW = BOTH.without("k1").without_index_key("")
NO_EVIDENCE = Keyring({"k1": b"1" * 32}, current="k1", index_key=b"i" * 32)
FIRST, OTHER = "11010519491231002X", "110101194912310016"
CONFIGURATION = (
    standard_configuration()
    .change_field("customer", "bank_account", encrypted=True)
    .with_grants(Grant("data_administrator", "customer", frozenset({"delete"}), "all"))
)


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def units(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlAlchemyUnits]:
    """A store that several connections may use at once."""
    url = request.param if request.param != "sqlite" else f"sqlite:///{tmp_path / 'store.db'}"
    with throw_away_units(url) as found:
        yield found


def opened(units: SqlAlchemyUnits, keyring: Keyring) -> Workspace:
    """Open a workspace, as another process would have it."""
    return Workspace(CONFIGURATION, units=units, organisation=sample_organisation(), keyring=keyring)


class Meanwhile:
    """What somebody else does at a moment: it is done by then, or waits until whoever was first has ended."""

    def __init__(self, action: Callable[[], object]) -> None:
        """Take the action."""
        self.raised: list[BaseException] = []
        self.found: list[Any] = []
        self._action = action
        self._thread = threading.Thread(target=self._run)

    def begin(self) -> None:
        """Begin, and give it the time that it needs unless it has to wait."""
        self._thread.start()
        self._thread.join(SOON)

    def ended(self) -> None:
        """Wait for its end."""
        assert self._thread.ident is not None, "the moment never came"
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.found.append(self._action())
        except (StorageError, ConflictError) as error:
            self.raised.append(error)


@contextmanager
def while_at(owner: Any, name: str, action: Callable[[], object], *, kind: str | None = None) -> Iterator[Meanwhile]:
    """Do something when this thread comes to a method for the first time, of a kind of entries if it is given."""
    original, here, other = getattr(owner, name), threading.get_ident(), Meanwhile(action)

    def interposed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == here and kind in (None, *args):
            setattr(owner, name, original)
            other.begin()
        return original(self, *args, **kwargs)

    setattr(owner, name, interposed)
    try:
        yield other
    finally:
        setattr(owner, name, original)
        other.ended()


def again(work: Callable[[], Any]) -> Any:
    """Do something once more if the database wants that, as its callers do."""
    try:
        return work()
    except (StorageError, ConflictError):
        return work()


def erase(units: SqlAlchemyUnits, key: str, *fields: str) -> None:
    """Erase fields of a person, whoever was in the way before."""
    opened(units, BOTH).run(
        "sunjiu", lambda session: session.customers.erase_person(key, fields=fields, reason="工单 77"), attempts=20
    )


def holds_nothing(units: SqlAlchemyUnits, key: str, *fields: str) -> None:
    """Check that no change and no request of a person has a value of these fields, and that all is proven."""
    workspace = opened(units, NEW)
    with units.begin(workspace._begin.compiled.schema, "default") as unit:
        history = unit.history.of_record("customer", RecordId(key))
        requests = unit.rewriting.requests_of("customer", RecordId(key))
    live = {None, ERASED}
    held = [item for change in history for item in change.fields if item.field in fields]
    assert held
    assert [item.field for item in held if not {item.old, item.new} <= live] == []
    parts = [values for request in requests for values in (request.patch, request.base)]
    assert [name for values in parts for name in fields if values.get(name) not in live] == []
    assert {request.reason for request in requests} <= {None}
    assert workspace.verify().ok


def rotated(units: SqlAlchemyUnits) -> None:
    """Check that the old keys may go, and that everything holds without them."""
    workspace = opened(units, BOTH)
    assert workspace.rotate_keys().may_go("k1")
    assert workspace.rotate_index().may_go("")
    after = opened(units, NEW)
    assert dict(after.rotate_index().left) == {}
    assert [problem.code for problem in after.check_integrity().problems] == []
    assert after.verify().ok


def test_who_was_deleted_is_erased_while_digests_are_taken_from_the_history(units: SqlAlchemyUnits) -> None:
    """The rotation writes back nothing of what is erased between its reading and its writing."""
    person = Story(opened(units, OLD)).individual(id_number=FIRST, birthday=None)
    with opened(units, OLD).acting_as("sunjiu") as session:
        session.customers.delete(person.id, version=ANY)
    fields = ("phone", "id_number")
    with while_at(SqlAlchemyRewriting, "changes", lambda: erase(units, person.id, *fields)):
        again(lambda: opened(units, BOTH).rotate_index())
    holds_nothing(units, person.id, *fields)
    rotated(units)


def test_who_is_there_is_erased_while_digests_are_made_anew(units: SqlAlchemyUnits) -> None:
    """So it is for a record that is still there, whose erasure waits."""
    person = Story(opened(units, OLD)).individual(id_number=FIRST, birthday=None)
    with while_at(SqlAlchemyRewriting, "changes", lambda: erase(units, person.id, "phone")):
        again(lambda: opened(units, BOTH).rotate_index())
    holds_nothing(units, person.id, "phone")
    rotated(units)


def test_somebody_is_erased_while_others_attest(units: SqlAlchemyUnits) -> None:
    """What was read to be attested, and is erased before it is, stays erased; called again, the rest is attested."""
    person = Story(opened(units, NO_EVIDENCE)).individual(id_number=FIRST, birthday=None)
    other = Story(opened(units, NO_EVIDENCE)).individual(id_number=OTHER, name="李小红", birthday=None)
    with while_at(SqlAlchemyRewriting, "changes", lambda: erase(units, person.id, "phone")):
        again(lambda: opened(units, BOTH).attest())
    again(lambda: opened(units, BOTH).attest())
    holds_nothing(units, person.id, "phone")
    assert opened(units, BOTH).verify().unproven == 0
    with opened(units, BOTH).acting_as("zhoushi") as session:
        assert session.customers.history(other.id)[0].fields["phone"][1] == other["phone"]
    rotated(units)


@pytest.mark.parametrize("rotation", ["rotate_keys", "rotate_index"])
def test_a_request_is_erased_while_it_is_rotated(units: SqlAlchemyUnits, rotation: str) -> None:
    """Requests that were read before an erasure are not written back by a rotation."""
    story = Story(opened(units, OLD))
    person = story.individual(id_number=None, birthday=None)  # so that the request brings a data key along
    story.approve("sunjiu", story.submit("lisi", person, {"id_number": OTHER}))
    with while_at(SqlAlchemyRewriting, "requests", lambda: erase(units, person.id, "id_number")):
        again(lambda: getattr(opened(units, BOTH), rotation)())
    holds_nothing(units, person.id, "id_number")
    rotated(units)


def test_digests_are_made_anew_while_somebody_is_erased(units: SqlAlchemyUnits) -> None:
    """The erasure of one field does not write digests of others back as they were."""
    person = Story(opened(units, OLD)).individual(id_number=FIRST, birthday=None)
    with while_at(
        SqlAlchemyRewriting, "changes", lambda: again(lambda: opened(units, BOTH).rotate_index().may_go(""))
    ) as other:
        erase(units, person.id, "phone")
    left = opened(units, NEW).rotate_index().left
    assert other.found != [True] or not left, "who says that the key may go has left nothing under it"
    holds_nothing(units, person.id, "phone")
    rotated(units)


def both_rotated(units: SqlAlchemyUnits) -> bool:
    """Rotate, and return whether both old keys may go."""
    workspace = opened(units, BOTH)
    keys = again(lambda: workspace.rotate_keys().may_go("k1"))
    return bool(again(lambda: workspace.rotate_index().may_go("")) and keys)


def is_readable(units: SqlAlchemyUnits, key: str, number: str) -> None:
    """Check that a number is read and found without the old keys."""
    with opened(units, NEW).acting_as("zhoushi") as session:
        assert session.customers.get(key)["id_number"] == number


def test_keys_are_rotated_while_somebody_approves(units: SqlAlchemyUnits) -> None:
    """A request that was read before a rotation is not applied with the keys of before once these may go."""
    story = Story(opened(units, OLD))
    person = story.individual(id_number=None, birthday=None)
    request = story.submit("lisi", person, {"id_number": FIRST})
    with while_at(SqlAlchemyApprovals, "save", lambda: both_rotated(units)) as other:
        again(lambda: Story(opened(units, BOTH)).approve("sunjiu", request))
    if other.found == [True]:
        is_readable(units, person.id, FIRST)
        assert dict(opened(units, NEW).rotate_index().left) == {}
    rotated(units)
    is_readable(units, person.id, FIRST)


@pytest.mark.parametrize("rotation", ["rotate_keys", "rotate_index"])
def test_somebody_approves_between_records_and_requests(units: SqlAlchemyUnits, rotation: str) -> None:
    """A key that a request brings along is not missed because it goes over to a record that was passed already."""
    story = Story(opened(units, OLD))
    person = story.individual(id_number=None, birthday=None)
    request = story.submit("lisi", person, {"id_number": FIRST})
    old = {"rotate_keys": "k1", "rotate_index": ""}[rotation]

    def approve() -> None:
        again(lambda: Story(opened(units, BOTH)).approve("sunjiu", request))

    with while_at(SqlAlchemyUpkeep, "stored", approve, kind="request"):
        may_go = again(lambda: getattr(opened(units, BOTH), rotation)().may_go(old))
    if may_go:
        report = getattr(opened(units, BOTH), rotation)()
        assert report.left.get(old, 0) == 0
        assert (report.rewrapped if rotation == "rotate_keys" else report.reindexed) == 0
    rotated(units)
    is_readable(units, person.id, FIRST)

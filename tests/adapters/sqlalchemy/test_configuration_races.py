"""Administrators and writers at once, on every database: one wins, the others are told, and nothing is half done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session as HostSession

from custinfo import (
    ANY,
    Configuration,
    ConflictError,
    CustinfoError,
    FieldDefinition,
    InvalidInputError,
    ModuleDefinition,
    StorageError,
    Workspace,
)
from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant, Role
from custinfo.standard import sample_organisation
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix

THREADS = 8
PATIENCE = 60
ADMIN = "zhoushi"
EVERYTHING: frozenset[Action] = frozenset({"view", "create", "edit", "archive", "tag", "import", "configure"})


def configuration() -> Configuration:
    """Return a module with a field to be changed."""
    fields = (FieldDefinition("name", "text"), FieldDefinition("x", "text"))
    role = "senior_administrator"
    return Configuration(
        (ModuleDefinition("thing", fields, title_field="name"),),
        roles=(Role(role, role),),
        grants=(Grant(role, "thing", EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS),),
    )


def workspace_on(units: SqlAlchemyUnits) -> Workspace:
    """Return a workspace, as another process would have it."""
    return Workspace(configuration(), units=units, organisation=sample_organisation())


class Database:
    """Tables of their own in one database, which several processes open."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = throw_away_prefix()
        self.opened: list[SqlAlchemyUnits] = []

    def units(self) -> SqlAlchemyUnits:
        """Return units with connections of their own."""
        found = SqlAlchemyUnits.open(self.url, prefix=self.prefix)
        self.opened.append(found)
        return found

    def workspaces(self, number: int) -> list[Workspace]:
        """Return workspaces that know nothing of each other, in two pools of connections."""
        while len(self.opened) < 2:
            self.units()
        return [workspace_on(self.opened[place % 2]) for place in range(number)]


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database that several connections may use at once."""
    url = request.param if request.param != "sqlite" else f"sqlite:///{tmp_path / 'store.db'}"
    if url == request.param:
        require_server(url)
    found = Database(url)
    found.units()
    yield found
    found.opened[0].drop_tables()
    for units in found.opened:
        units.dispose()


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run jobs at once; return what each returned, or the error of ours that it raised. None may hang."""
    results: list[Any] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def run(place: int, job: Callable[[], Any]) -> None:
        ready.wait(PATIENCE)
        try:
            results[place] = job()
        except CustinfoError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    return results


def attempts(number: int, work: Callable[[int], Any]) -> list[CustinfoError]:
    """Do something several times; return the errors of ours."""
    found: list[CustinfoError] = []
    for step in range(number):
        try:
            work(step)
        except CustinfoError as error:
            found.append(error)
    return found


def expected(errors: Sequence[object], code: str) -> bool:
    """Tell whether every error told its loser what happened, or says `code` of what they wrote."""
    return all(told(item) or (isinstance(item, InvalidInputError) and item.code == code) for item in errors)


def told(error: object) -> bool:
    """Tell whether a loser was told what happened, and that it may be tried again."""
    if isinstance(error, StorageError):
        return error.retryable
    return isinstance(error, ConflictError)


def create(workspace: Workspace, **values: Any) -> str:
    """Create a record, and return its id."""
    with workspace.acting_as(ADMIN) as session:
        outcome: Any = session.records("thing").create(values)
    return str(outcome.record.id)


def values(workspace: Workspace, key: str = "x") -> list[Any]:
    """Return the values of a field of all records."""
    with workspace.acting_as(ADMIN) as session:
        return [view.get(key) for view in session.records("thing").find(order_by="id", limit=None).records]


def test_administrators_race(database: Database) -> None:
    """Of administrators who change a version at once, one does, and the others are told; there is no gap."""
    workspaces = database.workspaces(THREADS)
    for key in ("12", "13"):
        create(workspaces[0], name="a", x=key)

    def job(number: int) -> Callable[[], int]:
        def change() -> int:
            with workspaces[number].acting_as(ADMIN) as session:
                live = session.configuration
                kind = ("integer", "decimal")[number % 2]
                wanted = live.current.change_field(
                    "thing", "x", kind=kind, label=f"by {number} of {live.current.version}"
                )
                return live.change(wanted, reason=str(number)).version

        return change

    won = 0
    for _ in range(2):
        results = at_once([job(number) for number in range(THREADS)])
        assert all(isinstance(item, int) or told(item) for item in results)
        assert {item.code for item in results if isinstance(item, ConflictError)} <= {"configuration_changed"}
        versions = [item for item in results if isinstance(item, int)]
        assert len(set(versions)) == len(versions)
        won += len(versions)
    assert won >= 2
    for workspace in workspaces[:2]:
        with workspace.acting_as(ADMIN) as session:
            live = session.configuration
            revisions = live.revisions()
            assert [item.version for item in revisions] == list(range(1, won + 2))
            last = live.current.modules["thing"].fields["x"]
            assert last.label_in("zh") == f"by {revisions[-1].reason} of {won}"
            assert live.current == live.at(won + 1)
        assert values(workspace) == [12, 13]


def test_writers_race_a_conversion(database: Database) -> None:
    """While a field gets another kind, writers write values of either: none of the old kind stays behind."""
    admin, *writers = database.workspaces(THREADS)
    ids = [create(admin, name=f"n{number}", x=str(number)) for number in range(6)]

    def convert() -> Any:
        with admin.acting_as(ADMIN) as session:
            live = session.configuration
            return live.change(live.current.change_field("thing", "x", kind="integer"), failing="clear")

    def write(number: int) -> Callable[[], list[CustinfoError]]:
        def once(step: int) -> None:
            raw = str(step) if number % 2 else f"text {step}"
            with writers[number].acting_as(ADMIN) as session:
                if step % 2:
                    session.records("thing").create({"name": f"w{number}-{step}", "x": raw})
                else:
                    session.records("thing").update(ids[(number + step) % 6], {"x": raw}, version=ANY)

        return lambda: attempts(5, once)

    first, *others = at_once([convert, *map(write, range(THREADS - 1))])
    if isinstance(first, CustinfoError):
        assert told(first)
        convert()
    assert all(expected(errors, "invalid_number") for errors in others)
    for workspace in (admin, writers[0]):
        assert {type(value) for value in values(workspace)} <= {int, type(None)}
        with workspace.acting_as(ADMIN) as session:
            for view in session.records("thing").find(limit=None).records:
                versions = [change.version for change in session.records("thing").history(view.id)]
                assert versions == list(range(1, view.version + 1))


def test_writers_race_a_field_that_becomes_unique(database: Database) -> None:
    """While a field becomes unique, writers write equal values: afterwards no two live records share one."""
    admin, *writers = database.workspaces(THREADS)
    create(admin, name="first", x="first")

    def demand() -> Any:
        for _ in range(40):
            try:
                with admin.acting_as(ADMIN) as session:
                    live = session.configuration
                    return live.change(live.current.change_field("thing", "x", unique=True))
            except (ConflictError, StorageError) as error:
                last = error
        return last

    def write(number: int) -> Callable[[], list[CustinfoError]]:
        def once(step: int) -> None:
            create(writers[number], name=f"w{number}", x=f"v{number}-{step}" if step < 3 else f"v{step}")

        return lambda: attempts(5, once)

    first, *others = at_once([demand, *map(write, range(THREADS - 1))])
    assert all(expected(errors, "not_unique") for errors in others)
    if not isinstance(first, CustinfoError):
        stored = values(admin)
        assert len(stored) == len(set(stored))
        for value in stored:
            with pytest.raises(InvalidInputError):
                create(writers[0], name="again", x=value)
    else:
        assert told(first) or first.code == "not_unique_yet"
        assert admin.configuration.modules["thing"].fields["x"].unique is False


@pytest.mark.parametrize("commit", [True, False])
def test_a_change_in_the_hosts_transaction(database: Database, commit: bool) -> None:
    """A host that rolls back has changed nothing, and one that commits all: the workspace goes on either way."""
    [workspace, other] = database.workspaces(2)
    create(workspace, name="a", x="12")
    engine = create_engine(database.url)
    with HostSession(engine) as host:
        unit = SqlAlchemyUnit(host, prefix=database.prefix)
        with workspace.acting_as(ADMIN, unit=unit) as session:
            live = session.configuration
            live.change(live.current.change_field("thing", "x", kind="integer"))
            session.records("thing").create({"name": "b", "x": "5"})
        with workspace.acting_as(ADMIN, unit=unit) as session:
            assert session.configuration.current.version == 2
        if commit:
            host.commit()
        else:
            host.rollback()
    engine.dispose()
    expected = [12, 5] if commit else ["12"]
    for known in (workspace, other):
        assert values(known) == expected
        with known.acting_as(ADMIN) as session:
            assert session.configuration.current.version == (2 if commit else 1)
            assert len(session.configuration.revisions()) == (2 if commit else 0)
    create(workspace, name="c", x="7")
    assert values(other)[-1] == (7 if commit else "7")


def test_a_record_that_comes_after_the_first_look(database: Database) -> None:
    """What somebody saves between the beginning of the session and the change is converted too, or the change fails."""
    [admin, writer] = database.workspaces(2)
    create(admin, name="a", x="1")

    def change() -> None:
        with admin.acting_as(ADMIN) as session:
            live = session.configuration
            plan = live.plan(live.current.change_field("thing", "x", kind="integer"))
            if writer_comes:
                create(writer, name="b", x="2")
            plan.apply(failing="clear")

    writer_comes = True
    with suppress(ConflictError, StorageError):
        change()
    with writer.acting_as(ADMIN) as session:
        done = session.configuration.current.version == 2
    if not done:
        writer_comes = False
        change()
    assert values(writer) == [1, 2]


def test_a_version_that_never_was(database: Database) -> None:
    """After a rollback, somebody else's version of the same number counts, not the one that was taken back."""
    [workspace, other] = database.workspaces(2)
    engine = create_engine(database.url)
    with HostSession(engine) as host:
        unit = SqlAlchemyUnit(host, prefix=database.prefix)
        with workspace.acting_as(ADMIN, unit=unit) as session:
            live = session.configuration
            live.change(live.current.change_field("thing", "x", kind="integer"))
        with workspace.acting_as(ADMIN, unit=unit) as session:
            assert session.configuration.current.version == 2
        host.rollback()
    engine.dispose()
    with other.acting_as(ADMIN) as session:
        live = session.configuration
        live.change(live.current.change_field("thing", "x", kind="date"))
    with workspace.acting_as(ADMIN) as session:
        assert session.configuration.current.modules["thing"].fields["x"].kind == "date"

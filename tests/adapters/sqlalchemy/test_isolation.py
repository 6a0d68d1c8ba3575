"""What others commit after a session has read is seen by what decides about it, on whatever engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, NamedTuple

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session as HostSession
from sqlalchemy.orm import sessionmaker

from custinfo import (
    ALL_FIELDS,
    ANY,
    Configuration,
    ConflictError,
    CustinfoError,
    FieldDefinition,
    FieldReservedError,
    Grant,
    InvalidInputError,
    Merged,
    ModuleDefinition,
    Session,
    StorageError,
    Workspace,
)
from custinfo.adapters.excel import plan_import
from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._records import SqlAlchemyRecords
from custinfo.adapters.sqlalchemy._rewriting import SqlAlchemyRewriting
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.criteria.nodes import Everything
from custinfo.core.policy.grants import Action, Role
from custinfo.core.records import RecordId
from custinfo.ports import Query
from custinfo.standard import sample_organisation
from tests.adapters.sqlalchemy.served import at_once, server
from tests.adapters.sqlalchemy.test_erasure_races import while_at
from tests.databases import SharedTables

ENGINES: Final = ("a host's own mariadb", "a host's own postgresql", "mariadb's default in a host's transaction")
ROLE: Final = "senior_administrator"
ACTOR: Final = "zhoushi"
EVERYTHING: Final[frozenset[Action]] = frozenset(
    {"view", "create", "edit", "archive", "delete", "tag", "import", "configure", "merge", "erase"}
)
CONFIGURATION: Final = Configuration(
    (
        ModuleDefinition(
            "thing",
            (FieldDefinition("name", "text"), FieldDefinition("x", "text"), FieldDefinition("gated", "text")),
            title_field="name",
        ),
        ModuleDefinition(
            "part",
            (FieldDefinition("name", "text"), FieldDefinition("thing", "reference", options={"module": "thing"})),
            title_field="name",
        ),
    ),
    roles=(Role(ROLE, ROLE),),
    grants=tuple(
        Grant(ROLE, module, EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS) for module in ("thing", "part")
    ),
    flows=(Flow("gated", Trigger("thing", fields=("gated",)), (Step("one", (NamedMember("sunjiu"),)),)),),
)


class Store(NamedTuple):
    """A workspace, whose sessions are in transactions of its own, or of a host's."""

    workspace: Workspace
    engine: Engine
    hosted: bool

    @contextmanager
    def unit(self) -> Iterator[SqlAlchemyUnit | None]:
        """Begin a transaction of the host's, if that is what is wanted, and commit it."""
        if not self.hosted:
            yield None
            return
        with HostSession(self.engine) as host:
            yield self.workspace._begin.units.within(host)  # type: ignore[attr-defined]
            host.commit()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session that has read something already."""
        with self.unit() as unit, self.workspace.acting_as(ACTOR, unit=unit) as session:
            session.records("thing").count()
            yield session

    def other(self, action: Callable[[Session], Any]) -> Any:
        """Do something in a transaction of its own, which is committed when this returns."""
        with self.workspace.acting_as(ACTOR) as session:
            return action(session)

    def create(self, module: str = "thing", **values: Any) -> str:
        """Create a record, committed when this returns."""
        return str(self.other(lambda session: session.records(module).create(values)).record.id)

    def values(self, module: str, key: str) -> list[Any]:
        """Return the values of a field of all records, oldest first."""
        with self.workspace.acting_as(ACTOR) as session:
            return [view.get(key) for view in session.records(module).find(order_by="id", limit=None).records]

    def check(self) -> None:
        """Check that nothing refers to what is not there, and that nothing is there twice."""
        assert self.workspace.check_integrity().problems == ()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, shared_tables: SharedTables) -> Iterator[Store]:
    """A workspace on an engine whose transactions show one state."""
    hosted = "transaction" in request.param
    with server("a host's own mariadb" if hosted else request.param) as engine, shared_tables.lent(engine) as prefix:
        yield Store(workspace_on(SqlAlchemyUnits(engine, prefix=prefix)), engine, hosted)


def workspace_on(units: SqlAlchemyUnits) -> Workspace:
    """Return a workspace."""
    return Workspace(CONFIGURATION, units=units, organisation=sample_organisation())


def test_sessions_are_read_committed(shared_tables: SharedTables) -> None:
    """Sessions that a host's factory makes see what others commit, also after a commit of their own."""
    with server("a host's own mariadb") as engine, shared_tables.lent(engine) as prefix:
        units = SqlAlchemyUnits(sessionmaker(engine), prefix=prefix)
        workspace = workspace_on(units)
        store = Store(workspace, engine, hosted=False)
        with units.begin(workspace._begin.compiled.schema, "default") as unit:
            for number in (1, 2):
                assert unit.queries.count(Query("thing", Everything())) == number - 1
                store.create(name="a")
                assert unit.queries.count(Query("thing", Everything())) == number
                unit.commit()
        with engine.connect() as connection:
            assert connection.get_isolation_level() == "REPEATABLE READ"


def test_a_field_is_converted(store: Store) -> None:
    """What somebody created since the session began is converted with the rest."""
    store.create(name="a", x="1")
    with store.session() as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("thing", "x", kind="integer"))
        store.create(name="b", x="2")
        plan.apply()
    assert store.values("thing", "x") == [1, 2]


def test_a_field_becomes_unique(store: Store) -> None:
    """A value that somebody has by now is in the way."""
    store.create(name="a", x="1")
    with pytest.raises(CustinfoError) as refused, store.session() as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("thing", "x", unique=True))
        store.create(name="b", x="1")
        plan.apply()
    assert refused.value.code in ("not_unique", "not_unique_yet")
    store.check()


def test_a_record_is_deleted(store: Store) -> None:
    """A record to which somebody refers by now stays."""
    key = store.create(name="a")
    with pytest.raises(InvalidInputError) as refused, store.session() as session:
        session.records("thing").get(key)
        store.create("part", name="p", thing=key)
        session.records("thing").delete(key, version=ANY)
    assert refused.value.code == "still_referenced"
    store.check()


@pytest.mark.parametrize("way", ["deleted", "undone"])
@pytest.mark.parametrize("store", ENGINES[:2], indirect=True)
def test_a_record_is_referred_to_while_it_goes(store: Store, way: str) -> None:
    """What somebody lets refer to a record after that was looked at, is found before the record is gone for good."""
    with store.session() as session:
        batch = plan_import(session, "thing", b"name,x\na,1\n").apply().batch_id
        key = session.records("thing").find(limit=1).records[0].id

    def refer() -> None:
        store.create("part", name="p", thing=key)

    with pytest.raises(StorageError) as refused, while_at(SqlAlchemyRecords, "remove", refer):
        if way == "undone":
            with store.unit() as unit:
                store.workspace.undo_import(batch, actor=ACTOR, unit=unit)
        else:
            with store.session() as session:
                session.records("thing").delete(key, version=ANY)
    assert refused.value.retryable
    store.check()


def test_a_deleted_record_is_referred_to(store: Store) -> None:
    """Nobody refers to a record that is gone by now."""
    key = store.create(name="a")
    with pytest.raises((InvalidInputError, StorageError)) as refused, store.session() as session:
        store.other(lambda other: other.records("thing").delete(key, version=ANY))
        session.records("part").create({"name": "p", "thing": key})
    assert refused.value.code in ("unknown_reference", "storage_retryable")
    store.check()


def test_a_row_refers_to_a_deleted_record(store: Store) -> None:
    """A row whose customer is gone since the file was planned does not come in."""
    key = store.create(name="a")
    with store.session() as session:
        plan = plan_import(session, "part", b"name,thing\np,a\n")
        store.other(lambda other: other.records("thing").delete(key, version=ANY))
        with suppress(ConflictError):
            plan.apply()
    assert store.values("part", "thing") == []


def test_records_are_merged(store: Store) -> None:
    """Whatever somebody let refer to the other one refers to the one that stays."""
    keep, other = store.create(name="a"), store.create(name="b")
    with store.session() as session:
        store.create("part", name="p", thing=other)
        merged = session.records("thing").merge(keep, [other], version=ANY)
        assert isinstance(merged, Merged)
        assert merged.moved == 1
    assert store.values("part", "thing") == [keep]


def test_a_person_is_erased(store: Store) -> None:
    """A value that somebody proposed since is in the way: it is not left behind."""
    key = store.create(name="a")
    with pytest.raises(FieldReservedError), store.session() as session:
        session.records("thing").get(key)
        store.other(lambda other: other.records("thing").update(key, {"gated": "secret"}, version=ANY))
        session.records("thing").erase_person(key, fields=("gated",), reason="wanted")


def test_an_import_is_undone(store: Store) -> None:
    """A record stays to which somebody refers by now."""
    with store.session() as session:
        batch = plan_import(session, "thing", b"name,x\na,1\nb,2\n").apply().batch_id
    with store.unit() as unit:
        with store.workspace.acting_as(ACTOR, unit=unit) as session:
            key = session.records("thing").find(order_by="id", limit=1).records[0].id
        store.create("part", name="p", thing=key)
        report = store.workspace.undo_import(batch, actor=ACTOR, unit=unit)
    assert report.kept == (key,)
    store.check()


def test_writers_race_a_conversion(store: Store) -> None:
    """However many write while a field gets another kind: no value of the old one stays."""
    number = 6

    def convert(meet: Callable[[], object]) -> int:
        meet()
        for _ in range(20):
            with suppress(StorageError, ConflictError), store.session() as session:
                live = session.configuration
                return live.change(live.current.change_field("thing", "x", kind="integer")).version
        return 0

    def write(meet: Callable[[], object]) -> None:
        meet()
        for value in range(number):
            store.workspace.run(ACTOR, partial(create, str(value)), attempts=20)

    def create(value: str, session: Session) -> object:
        return session.records("thing").create({"name": "a", "x": value})

    outcomes = at_once(convert, write, write)
    assert outcomes == [2, None, None]
    assert store.values("thing", "x") == [int(value) for value in store.values("thing", "x")]
    assert len(store.values("thing", "x")) == 2 * number


def test_a_list_in_the_hosts_transaction_holds_nobody_up(store: Store) -> None:
    """Who only reads, or reads after a change was saved, locks no record that others want to change."""
    key, other = store.create(name="a"), store.create(name="b")
    with store.session() as session:
        session.records("thing").update(key, {"x": "1"}, version=ANY)
        assert len(session.records("thing").find(limit=None).records) == 2
        store.other(lambda one: one.records("thing").update(other, {"x": "2"}, version=ANY))
    assert store.values("thing", "x") == ["1", "2"]


def holding(store: Store, key: str) -> list[object]:
    """Return what requests about a record hold as the value that it had."""
    with store.workspace._begin.unit() as unit:
        requests = unit.rewriting.requests_of("thing", RecordId(key))  # type: ignore[attr-defined]
    return [request.base.get("x") for request in requests if request.base.get("x") is not None]


def test_what_is_proposed_was_erased_meanwhile(store: Store) -> None:
    """No request holds a value that was erased after it had been read: whoever proposes is told to read again."""
    for verb in ("update", "draft"):
        key = store.create(name="a", x="secret")

        def erase(key: str = key) -> None:
            store.other(lambda one: one.records("thing").erase_person(key, fields=("x",), reason="wanted"))

        with (
            pytest.raises((ConflictError, StorageError)) as refused,
            store.session() as session,
            while_at(SqlAlchemyRewriting, "held_changes", erase),
        ):
            if verb == "draft":
                session.approvals.draft("thing", {"x": "new"}, record_id=key)
            else:
                session.records("thing").update(key, {"x": "new", "gated": "new"}, version=ANY)
        assert refused.value.code in ("stale_version", "storage_retryable")
        assert holding(store, key) == []


def test_what_is_erased_is_proposed_meanwhile(store: Store) -> None:
    """An erasure that did not know of a request begins anew, unless whoever proposes waits for it, and is told."""
    key = store.create(name="a", x="secret")

    def draft() -> None:
        store.other(lambda one: one.approvals.draft("thing", {"x": "new"}, record_id=key))

    with (
        suppress(StorageError),
        while_at(SqlAlchemyRewriting, "held_changes", draft) as meanwhile,
        store.session() as session,
    ):
        session.records("thing").erase_person(key, fields=("x",), reason="wanted")
    with store.workspace.acting_as(ACTOR) as session:
        is_erased = session.records("thing").get(key)["x"] is None
    assert (is_erased, holding(store, key)) == ((True, []) if meanwhile.raised else (False, ["secret"]))

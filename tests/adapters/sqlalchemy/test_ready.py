"""Statements that are kept by shape, and run past SQLAlchemy: the same answers, whatever the values and listeners."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest
from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.orm import Session

from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits, _context, _paging
from custinfo.adapters.sqlalchemy._bounded import Bounded
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy._leads import Leads
from custinfo.adapters.sqlalchemy._memory import Memory
from custinfo.adapters.sqlalchemy._parts import timeless
from custinfo.adapters.sqlalchemy._ready import Ready, make_ready, padded
from custinfo.adapters.sqlalchemy._shapes import LIVE
from custinfo.adapters.sqlalchemy._titles import TitleSearch
from custinfo.adapters.sqlalchemy.tables import make_tables
from custinfo.core.binding import bind
from custinfo.core.criteria import AnyOf, Compare, Criterion, F, OneOf, Tagged, all_of
from custinfo.core.criteria.nodes import SealedAs, SharedWith
from custinfo.core.errors import StaleVersionError
from custinfo.core.records import Record
from custinfo.ports import Order, Query, UnitOfWork
from custinfo.testing import NOW, make_change, make_record, next_version, record_id, sample_schema
from tests.databases import MARIADB, POSTGRESQL, SharedTables, require_server, throw_away_prefix

SCHEMA = sample_schema()
COUNT = 120


def things() -> list[Record]:
    """Return things whose numbers, titles and departments repeat."""
    return [
        make_record(
            number,
            {"title": f"第{number % 7}号\t\\N%", "count": number % 10},
            tags=[("need", "设备")] if number % 3 else [],
            department=f"d{number % 6}",
            owner=f"m{number % 4}",
        )
        for number in range(COUNT)
    ]


@pytest.fixture(params=["sqlite://", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def store(request: pytest.FixtureRequest, shared_tables: SharedTables) -> Iterator[tuple[Engine, SqlAlchemyUnits]]:
    """Save the things, by copying them where the database does, and throw them away in the end."""
    if not request.param.startswith("sqlite"):
        require_server(request.param)
    engine = open_engine(request.param)
    with shared_tables.lent(engine) as prefix:
        units = SqlAlchemyUnits(engine, prefix=prefix)
        with units.begin(SCHEMA, "one") as unit:
            unit.records.save(things())
        yield engine, units
    engine.dispose()


def asked(criterion: Criterion, *, scope: Sequence[str] = (), **options: Any) -> Query:
    """Return a query, within departments if any."""
    within = [OneOf(("department",), tuple(scope))] if scope else []
    return Query("thing", all_of([*within, bind(criterion, "thing", SCHEMA, NOW)]), **options)


def numbers(unit: UnitOfWork, criterion: Criterion, **options: Any) -> list[int]:
    """Return the numbers of the things found."""
    found = {record_id(number): number for number in range(COUNT)}
    return [found[record.id] for record in unit.queries.find(asked(criterion, **options))]


def test_what_was_copied_comes_back(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """Tabs, backslashes and percent signs are stored as they are."""
    with store[1].begin(SCHEMA, "one") as unit:
        assert unit.records.get("thing", [record_id(3)])[record_id(3)] == things()[3]
        assert len(unit.records.get("thing", [record_id(number) for number in range(COUNT)])) == COUNT


@pytest.mark.parametrize("limit", [None, 5, 200])
def test_lists_of_any_length(store: tuple[Engine, SqlAlchemyUnits], limit: int | None) -> None:
    """Lists that share a statement find each what is theirs, with and without a limit."""
    with store[1].begin(SCHEMA, "one") as unit:
        for length in (0, 1, 2, 8, 9, 16, 17, 64, 65, 130, 501):
            wanted = tuple(record_id(number) for number in range(0, 2 * length, 2))
            found = numbers(unit, OneOf(("id",), wanted), limit=limit)
            assert found == [*range(0, min(2 * length, COUNT), 2)][:limit]


def test_lists_share_a_statement(store: tuple[Engine, SqlAlchemyUnits], monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLAlchemy compiles nothing for another list, however long, also where one statement takes several."""
    made: list[Any] = []

    def counted(*given: Any, **options: Any) -> Ready:
        made.append(given)
        return make_ready(*given, **options)

    monkeypatch.setattr(_context, "make_ready", counted)
    with store[1].begin(SCHEMA, "one") as unit:
        for length in (2, 9, 40, 400, 1_500):
            departments = tuple(f"d{number}" for number in range(length))
            among = AnyOf((OneOf(("department",), departments), OneOf(("owner",), departments), Tagged("need", "无")))
            found = unit.queries.find(Query("thing", all_of([among, OneOf(("department",), departments)]), limit=200))
            assert [item.id for item in found] == [record_id(number) for number in range(COUNT) if number % 6 < length]
            if length == 2:
                known = len(made)
    assert len(made) == known > 0


def test_values_are_not_kept(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """One shape with other values has other answers, in one unit and in the next."""
    for _ in range(2):
        with store[1].begin(SCHEMA, "one") as unit:
            for value in (3, 4, 11):
                expected = [number for number in range(COUNT) if number % 10 == value and number % 3]
                criterion = (F.count == value) & Tagged("need", "设备")
                assert numbers(unit, criterion, limit=50) == expected
                assert unit.queries.count(asked(criterion)) == len(expected)


def test_tenants_share_statements_and_nothing_else(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """The tenant is a value, too."""
    with store[1].begin(SCHEMA, "two") as unit:
        assert numbers(unit, F.count == 3, limit=50) == []
        assert unit.queries.count(asked(F.count == 3)) == 0


def test_scopes_of_several_kinds(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """Records of one's own or of departments are found by both indexes, each once."""
    scope = AnyOf((Compare(("owner",), "eq", "m1"), OneOf(("department",), ("d1", "d2"))))
    expected = [number for number in range(COUNT) if number % 4 == 1 or number % 6 in (1, 2)]
    shared = AnyOf((*scope.parts, SharedWith(frozenset({("member", "m9")}), frozenset({"read"}), NOW)))
    with store[1].begin(SCHEMA, "one") as unit:
        for criterion in (scope, shared):
            query = Query("thing", criterion, (Order(("title",)),), 200)  # no index has two things in order
            found = unit.queries.find(attrs.evolve(query, order=(Order(("title",)), Order(("count",)))))
            assert sorted(record.id for record in found) == [record_id(number) for number in expected]
            assert unit.queries.count(query) == len(expected)


@pytest.mark.parametrize("far", [0, 10**9])
@pytest.mark.parametrize("scope", [(), ("d1", "d2", "d3", "d5")], ids=["all", "branch"])
def test_walks_and_leads_find_the_same(
    store: tuple[Engine, SqlAlchemyUnits], monkeypatch: pytest.MonkeyPatch, far: int, scope: tuple[str, ...]
) -> None:
    """Windows of a few records, left for a lead early or never, find what there is, page by page, both ways."""
    monkeypatch.setattr(_paging, "GLANCE", 4)
    monkeypatch.setattr(_paging, "WINDOW", 9)
    monkeypatch.setattr(_paging, "FAR", far)
    everything = things()
    criterion = (F.count >= 2) & (F.count < 7) & Tagged("need", "设备")
    if scope:
        criterion &= F.title.mentions("号")
    wanted = {number for number in range(COUNT) if 2 <= number % 10 < 7 and number % 3}
    wanted = {number for number in wanted if not scope or f"d{number % 6}" in scope}
    for descending in (False, True):
        order = (Order(("count",), descending),)
        expected = sorted(wanted, key=lambda number: ((-1 if descending else 1) * (number % 10), number))
        with store[1].begin(SCHEMA, "one") as unit:
            for _ in range(2):  # the second time from memory
                found: list[int] = []
                after: tuple[Any, ...] | None = None
                while page := numbers(unit, criterion, scope=scope, order=order, limit=7, after=after):
                    found += page
                    last = everything[page[-1]]
                    after = (last.values["count"], last.id)
                assert found == expected


@pytest.mark.parametrize("key", ["price", "id"])
def test_a_walk_of_those_without_a_value(
    store: tuple[Engine, SqlAlchemyUnits], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Records of a department come in the order of their ids, where none has what they are sorted by."""
    monkeypatch.setattr(_paging, "GLANCE", 4)
    monkeypatch.setattr(_paging, "WINDOW", 9)
    expected = [number for number in range(COUNT) if number % 6 == 2 and number % 10 > 3]
    asked_for: dict[str, Any] = {"scope": ["d2"], "order": () if key == "id" else (Order((key,)),)}
    with store[1].begin(SCHEMA, "one") as unit:
        assert numbers(unit, F.count > 3, limit=5, **asked_for) == expected[:5]
        after = (record_id(expected[4]),) if key == "id" else (None, record_id(expected[4]))
        assert numbers(unit, F.count > 3, limit=50, after=after, **asked_for) == expected[5:]


def test_a_host_that_listens_sees_all(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """Where statements are listened to, SQLAlchemy runs them: with the same answers."""
    engine, units = store
    with units.begin(SCHEMA, "one") as unit:
        unseen = numbers(unit, F.count == 3, limit=50)
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    with units.begin(SCHEMA, "one") as unit:
        assert numbers(unit, F.count == 3, limit=50) == unseen
        found = unit.records.get("thing", [record_id(3), record_id(4)])
        unit.records.save([next_version(record, count=7) for record in found.values()])
    for start in ("SELECT", "SAVEPOINT", "UPDATE", "RELEASE"):
        assert any(statement.startswith(start) for statement in seen)


def test_a_host_that_listens_to_its_connection_sees_all(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """So it is where a host listens to the one connection in whose transaction custinfo works."""
    engine, units = store
    prefix = units.tables.record.name.removesuffix("record")
    seen: list[str] = []
    with engine.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: seen.append(given[2]))
        with SqlAlchemyUnit(connection, prefix=prefix).begin(SCHEMA, "one") as unit:
            seen.clear()
            assert numbers(unit, F.count == 3, limit=50)
    assert any(statement.startswith("SELECT") for statement in seen)


def test_what_changes_is_written(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """A record read in the unit is written where it changed, and nowhere else; every index agrees afterwards."""
    engine, units = store
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    with units.begin(SCHEMA, "one") as unit:
        record = unit.records.get("thing", [record_id(3)])[record_id(3)]
        seen.clear()
        unit.records.save([next_version(record, count=77)])
    written = [statement for statement in seen if statement.split()[0] in ("UPDATE", "INSERT", "DELETE")]
    assert [statement.split()[0] for statement in written] == ["UPDATE", "UPDATE"]
    assert "owner_id" not in written[0]
    with units.begin(SCHEMA, "one") as unit:
        assert numbers(unit, F.count == 77) == [3]
        again = unit.records.get("thing", [record_id(3)])[record_id(3)]
        changed = attrs.evolve(next_version(again, title="新"), tags=frozenset(), department="d9", owner="m9")
        unit.records.save([changed])
    with units.begin(SCHEMA, "one") as unit:
        assert numbers(unit, F.title.mentions("新")) == [3]
        moved = unit.queries.find(Query("thing", OneOf(("department",), ("d9",)), limit=5))
        assert [record.id for record in moved] == [record_id(3)]
        assert 3 in numbers(unit, ~Tagged("need"))
        assert list(unit.upkeep.disagreements(repair=False)) == []


def test_many_that_were_not_read(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """Of many records that were not read in the unit, SQLite writes the columns in which one of them changed."""
    engine, units = store
    with units.begin(SCHEMA, "one") as unit:
        records = unit.records.get("thing", [record_id(number) for number in range(30)])
    changed = [next_version(record, count=70) for record in records.values()]
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    with units.begin(SCHEMA, "one") as unit:
        unit.records.save(changed)
    narrow, _ = [statement for statement in seen if statement.startswith("UPDATE")]
    assert ("owner_id" in narrow) == (engine.dialect.name != "sqlite")
    with units.begin(SCHEMA, "one") as unit:
        assert sorted(numbers(unit, F.count == 70)) == list(range(30))
        assert list(unit.upkeep.disagreements(repair=False)) == []
        with pytest.raises(StaleVersionError):
            unit.records.save(changed)
        unit.records.remove(changed)
        with pytest.raises(StaleVersionError):
            unit.records.save([next_version(record) for record in changed])


def test_what_was_taken_back_is_not_remembered(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """A version that a savepoint took back is not what the next one is compared with."""
    with store[1].begin(SCHEMA, "one") as unit:
        record = unit.records.get("thing", [record_id(3)])[record_id(3)]
        with pytest.raises(ZeroDivisionError), unit.atomic():
            unit.records.save([attrs.evolve(next_version(record), tags=frozenset())])
            unit.records.get("thing", [record_id(3)])
            raise ZeroDivisionError
        unit.records.save([next_version(record, count=5)])
        again = unit.records.get("thing", [record_id(3)])[record_id(3)]
        with pytest.raises(StaleVersionError):
            unit.records.save([next_version(record, count=6)])
        unit.records.save([attrs.evolve(next_version(again), tags=frozenset())])
        assert 3 in numbers(unit, ~Tagged("need"))


def test_a_host_keeps_statements_with_its_connections(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """Units in a host's sessions, made for one request each, find the statements of those before them."""
    engine, units = store
    prefix = units.tables.record.name.removesuffix("record")
    memories = []
    for _ in range(2):
        with Session(engine) as session, SqlAlchemyUnit(session, prefix=prefix).begin(SCHEMA, "one") as unit:
            assert len(numbers(unit, F.count == 3)) == COUNT // 10
            memories.append(unit._context.memory)
    assert memories[0] is memories[1]


def test_names_of_schemas_are_translated() -> None:
    """A host that puts its tables elsewhere by an option of the connection finds its records there."""
    engine = create_engine("sqlite://")
    prefix = throw_away_prefix()
    with engine.connect() as plain:
        plain.exec_driver_sql("ATTACH ':memory:' AS elsewhere")
        connection = plain.execution_options(schema_translate_map={None: "elsewhere"})
        metadata = MetaData()
        make_tables(metadata, prefix=prefix)
        metadata.create_all(connection)
        with SqlAlchemyUnit(connection, prefix=prefix).begin(SCHEMA, "one") as unit:
            unit.records.save(things())
            assert len(numbers(unit, F.count.is_in([3, 5, 6]), limit=50)) == 36
            record = unit.records.get("thing", [record_id(3)])[record_id(3)]
            assert record == things()[3]
            unit.records.save([next_version(record, count=7)])
            assert record_id(3) not in {item.id for item in unit.queries.find(asked(F.count == 3))}
            proven = attrs.evolve(make_change(None, things()[3]), evidence="k.a.b")
            unit.history.append([proven])
            assert unit.log.evidence({record_id(3): proven.version}) == {record_id(3): "k.a.b"}
    engine.dispose()


def test_statements_are_kept_as_texts(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """What SQLAlchemy made them of is let go, so that the collector of cycles doesn't go through it."""
    with store[1].begin(SCHEMA, "one") as unit:
        numbers(unit, F.count == 3, limit=5)
        context = unit._context
        kept = context.memory._statements._values.values()
        assert kept
        assert all(ready.statement is None for ready in kept)


def test_what_is_remembered_is_bounded() -> None:
    """The first makes room for the last, and a note is looked at again after a while."""
    bounded: Bounded[int, int] = Bounded(3)
    for number in (1, 2, 3, 2, 4):
        bounded.put(number, number)
    assert [bounded.get(number) for number in range(5)] == [None, None, 2, 3, 4]
    memory = Memory()
    memory.note("key", 1)
    assert [memory.recall("key") for _ in range(501)] == [*[1] * 500, None]


def test_lengths_of_lists() -> None:
    """Lists are filled up with their last value, to few lengths."""
    assert padded([1, 2, 3]) == [1, 2, 3]
    assert padded([*range(9)]) == [*range(9), *[8] * 7]
    assert {len(padded([0] * length)) for length in range(65, 500)} == {128, 192, 256, 320, 384, 448, 512}


def test_times_are_noted_as_days() -> None:
    """What was learned of the last half year is good for the next minute."""
    one, other = (
        bind(F.updated_at.within(months=6), "thing", SCHEMA, NOW + timedelta(seconds=late)) for late in (0, 1)
    )
    assert one != other
    assert timeless(one) == timeless(other)


def test_the_order_of_parts_does_not_matter_to_what_leads(store: tuple[Engine, SqlAlchemyUnits]) -> None:
    """A unique value of live records leads to one of them, also where alternatives are named before it."""
    owners = AnyOf((Compare(("owner",), "eq", "ann"), Compare(("owner",), "eq", "bob")))
    sealed = SealedAs(("secret",), ("index-1",))
    with store[1].begin(SCHEMA, "one") as unit:
        leads = Leads(unit._context, TitleSearch(unit._context), "thing")
        for parts in ((sealed, owners, LIVE), (owners, LIVE, sealed), (LIVE, owners, sealed)):
            assert sealed in {lead.criterion for lead in leads._candidates(all_of(list(parts)))}


def test_a_tenant_is_forgotten_while_others_begin() -> None:
    """Threads that begin under configurations of their own are in nobody's way who forgets a tenant meanwhile."""
    units = SqlAlchemyUnits.open("sqlite://", prefix=throw_away_prefix())
    schemas = [attrs.evolve(SCHEMA) for _ in range(200)]
    done = threading.Event()

    def begin() -> None:
        for schema in schemas:
            with units.begin(schema, "one"):
                pass
        done.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=begin)
    thread.start()
    try:
        while not done.is_set():
            units.forget("two")
    finally:
        thread.join()
        sys.setswitchinterval(interval)
        units.dispose()

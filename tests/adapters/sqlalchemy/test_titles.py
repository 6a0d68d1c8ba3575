"""The index of titles: kept with the records, and filled for those that were there before it."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from sqlalchemy import Engine, delete, func, select, update

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, _titling
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.binding import bind
from custinfo.core.criteria import F, all_of, any_of
from custinfo.core.criteria.nodes import Compare, Mentions, Not, OneOf, Present, SharedWith
from custinfo.core.records import Share
from custinfo.ports import Order, Query
from custinfo.testing import NOW, make_record, next_version, sample_schema
from tests.databases import MARIADB, POSTGRESQL, SharedTables, require_server

SCHEMA = sample_schema()


class Store:
    """A store, and its engine to look behind it."""

    def __init__(self, engine: Engine, prefix: str) -> None:
        self.engine = engine
        self.units = SqlAlchemyUnits(engine, prefix=prefix)

    def found(self, text: str, tenant: str = "one") -> int:
        """Return how many things mention a text."""
        with self.units.begin(SCHEMA, tenant) as unit:
            return unit.queries.count(Query("thing", bind(F.title.mentions(text), "thing", SCHEMA, NOW)))

    def titles(self) -> int:
        """Return how many titles are kept."""
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(self.units.tables.title)).scalar_one())

    def lose_titles(self) -> None:
        """Let the tables be as if the index had just been added to them."""
        tables = self.units.tables
        with self.engine.begin() as connection:
            for table in (tables.title, tables.gram, tables.titled):
                connection.execute(delete(table))
        self.units = SqlAlchemyUnits(self.engine, prefix=tables.record.name.removesuffix("record"))


@pytest.fixture(params=["sqlite://", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def store(request: pytest.FixtureRequest, shared_tables: SharedTables) -> Iterator[Store]:
    """Return an empty store, and throw away what is in it in the end."""
    if not request.param.startswith("sqlite"):
        require_server(request.param)
    engine = open_engine(request.param)
    with shared_tables.lent(engine) as prefix:
        yield Store(engine, prefix)
    engine.dispose()


def test_titles_follow_their_records(store: Store) -> None:
    """A title is found from the moment of saving; a changed or removed one is not found any more."""
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1, {"title": "霁川科技"}), make_record(2, {"title": "！"}), make_record(3)])
        assert unit.queries.count(Query("thing", bind(F.title.mentions("川科"), "thing", SCHEMA, NOW))) == 1
    assert (store.titles(), store.found("霁川"), store.found("霁川", "two")) == (1, 1, 0)
    changed = next_version(make_record(1), title="望潮科技")
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([changed])
    assert (store.titles(), store.found("霁川"), store.found("望潮"), store.found("科")) == (1, 0, 1, 1)
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.remove([changed])
    assert (store.titles(), store.found("望潮")) == (0, 0)


def test_titles_move_with_their_records(store: Store) -> None:
    """A search within departments finds a record where it is, by whatever way it came there."""

    def within(*departments: str) -> list[int]:
        mine = OneOf(("department",), departments)
        query = Query("thing", all_of([mine, Mentions(("title",), "霁川")]), (Order(("title",)),), 50)
        with store.units.begin(SCHEMA, "one") as unit:
            assert unit.queries.count(query) == len(unit.queries.find(query))
            return [int(record.id[-3:]) for record in unit.queries.find(query)]

    first = [make_record(n, {"title": f"霁川{n}"}, department="east") for n in range(1, 6)]
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([*first, make_record(6, {"title": "霁川6"})])
    assert (within("east"), within("west"), within("east", "west")) == ([1, 2, 3, 4, 5], [], [1, 2, 3, 4, 5])
    one = attrs.evolve(next_version(first[0]), department="west")
    many = [attrs.evolve(next_version(record), department="west") for record in first[1:3]]
    left = attrs.evolve(next_version(first[3], title="霁川之四"), department=None)
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.get("thing", [one.id])  # as a session does
        unit.records.save([one])
        unit.records.save([*many, left])
    assert (within("east"), within("west"), store.found("霁川")) == ([5], [1, 2, 3], 6)
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.remove([one])
    assert (within("east"), within("west"), store.titles()) == ([5], [2, 3], 5)


def test_alternatives_in_a_scope(store: Store) -> None:
    """Who sees departments, what is theirs, and what is shared with them, finds all of it and nothing else."""
    share = frozenset({Share("member", "bob", "read", None)})
    things = [make_record(n, {"title": "霁川"}, department="far", owner="ann") for n in range(1, 40)]
    things[0] = attrs.evolve(things[0], department="east")
    things[1] = attrs.evolve(things[1], owner="bob")
    things[2] = attrs.evolve(things[2], shares=share)
    things[3] = attrs.evolve(things[3], owner=None, department="west")
    others = [make_record(n, {"title": "望潮"}, department="east", owner="bob") for n in range(50, 52)]
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([*things, *others])
    pool = all_of([Not(Present(("owner",))), OneOf(("department",), ("west", "south"))])
    shared = SharedWith(frozenset({("member", "bob")}), frozenset({"read"}), NOW)
    scope = any_of([OneOf(("department",), ("east",)), Compare(("owner",), "eq", "bob"), shared, pool])
    query = Query("thing", all_of([scope, Mentions(("title",), "霁川")]), (Order(("title",)),), 50)
    with store.units.begin(SCHEMA, "one") as unit:
        assert [int(record.id[-3:]) for record in unit.queries.find(query)] == [1, 2, 3, 4]
        assert unit.queries.count(query) == 4


def test_an_index_without_departments_answers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that was complete before it knew departments answers until they are filled in, and afterwards."""
    monkeypatch.setattr(_titling, "_BATCH", 2)
    things = [make_record(n, {"title": f"霁川{n}"}, department="east") for n in range(1, 6)]
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([attrs.evolve(thing, department=None) for thing in things])
    tables = store.units.tables
    with store.engine.begin() as connection:  # titles as they were before they said a department
        connection.execute(update(tables.record).values(department_id="east"))
        connection.execute(update(tables.titled).values(state="unscoped"))
    store.units = SqlAlchemyUnits(store.engine, prefix=tables.record.name.removesuffix("record"))
    monkeypatch.setattr("custinfo.adapters.sqlalchemy.units.SMALL_FILL", 3)
    mine = Query("thing", all_of([Compare(("department",), "eq", "east"), Mentions(("title",), "霁川")]))
    told: list[int] = []
    for _ in range(2):
        with store.units.begin(SCHEMA, "one") as unit:
            assert (unit.queries.count(mine), len(unit.queries.find(mine))) == (5, 5)
            assert list(unit.upkeep.disagreements(repair=False)) == []
        store.units.build_indexes(SCHEMA, "one", lambda _module, done, _total: told.append(done))
    assert told == [2, 4, 5]
    with store.engine.connect() as connection:
        assert connection.execute(select(tables.title.c.department_id)).scalars().all() == ["east"] * 5


def in_order(store: Store, text: str, size: int) -> list[int]:
    """Return the numbers of what mentions a text in two departments, by title, from all pages of a size."""
    scope = all_of([OneOf(("department",), ("east", "west", "east")), Not(Present(("archived_at",)))])
    query = Query("thing", all_of([scope, Mentions(("title",), text)]), (Order(("title",)),), size)
    found: list[int] = []
    with store.units.begin(SCHEMA, "one") as unit:
        while page := unit.queries.find(query):
            found += [int(record.id[-3:], 16) for record in page]
            query = attrs.evolve(query, after=(page[-1].values["title"], page[-1].id))
    return found


@pytest.mark.parametrize("size", [1, 2, 10])
def test_long_titles_are_found_in_their_order(store: Store, size: int) -> None:
    """Titles of which the index in order has a part alone are found, and stand where they belong."""
    long = "霁川" + "丁" * 118
    titles = {1: long + "二", 2: long + "一", 3: "霁川", 4: long, 5: "望潮" + "㍿" * 31, 6: "（霁）川", 7: "霁川戊"}
    homes = {number: ("east", "west")[number % 2] for number in titles}
    things = [make_record(n, {"title": title}, department=homes[n]) for n, title in titles.items()]
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([*things, make_record(8, {"title": "霁川一"}, department="north")])
    assert in_order(store, "霁川", size) == [3, 4, 2, 1, 7, 6]
    assert in_order(store, "式会", size) == [5]
    assert in_order(store, "丁一", size) == [2]


def test_records_out_of_reach_leave_no_page_short(store: Store) -> None:
    """Where two of three records are archived, pages are as full as they can be, and nothing is left out."""
    things = [make_record(n, {"title": f"霁川{n:03}"}, department="east") for n in range(1, 101)]
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save(
            [attrs.evolve(thing, archived_at=NOW if n % 3 else None) for n, thing in enumerate(things, 1)]
        )
    live = [n for n in range(1, 101) if n % 3 == 0]
    assert [in_order(store, "霁川", 10) for _ in range(2)] == [live, live]


def test_an_index_without_order_answers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that was complete before titles were in order answers until that is filled in, and afterwards."""
    things = [make_record(n, {"title": f"霁川{n}"}, department="east") for n in range(1, 6)]
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save(things)
    tables = store.units.tables
    with store.engine.begin() as connection:  # titles as they were before
        connection.execute(update(tables.title).values(start=None, brief=None))
        connection.execute(update(tables.titled).values(state="unordered"))
    store.units = SqlAlchemyUnits(store.engine, prefix=tables.record.name.removesuffix("record"))
    monkeypatch.setattr("custinfo.adapters.sqlalchemy.units.SMALL_FILL", 3)
    for _ in range(2):
        assert in_order(store, "霁川", 2) == [1, 2, 3, 4, 5]
        with store.units.begin(SCHEMA, "one") as unit:
            assert list(unit.upkeep.disagreements(repair=False)) == []
        store.units.build_indexes(SCHEMA, "one")
    with store.engine.connect() as connection:
        starts = connection.execute(select(tables.title.c.start).order_by(tables.title.c.record_id)).scalars().all()
    assert starts == ["霁川1", "霁川2", "霁川3", "霁川4", "霁川5"]


def test_what_is_taken_back_is_not_found(store: Store) -> None:
    """Titles of a unit that fails are gone with it."""
    with pytest.raises(RuntimeError), store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1, {"title": "霁川科技"})])
        raise RuntimeError
    assert (store.titles(), store.found("霁川")) == (0, 0)


def test_titles_are_filled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that were there before the index are added when a unit begins, in batches."""
    monkeypatch.setattr(_titling, "_BATCH", 2)
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(number, {"title": f"霁川{number}"}) for number in range(1, 6)])
    store.lose_titles()
    assert (store.found("霁川"), store.titles()) == (5, 5)


def test_a_long_fill_waits_and_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a large module is filled, titles are read from the records; a fill goes on where it was interrupted."""
    monkeypatch.setattr(_titling, "_BATCH", 2)
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(number, {"title": f"霁川{number}"}) for number in range(1, 6)])
    store.lose_titles()
    monkeypatch.setattr("custinfo.adapters.sqlalchemy.units.SMALL_FILL", 3)
    assert (store.found("霁川"), store.titles()) == (5, 0)

    def interrupt(module: str, done: int, total: int) -> None:
        if (module, done, total) == ("thing", 2, 5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.units.build_indexes(SCHEMA, "one", interrupt)
    assert (store.found("霁川"), store.titles()) == (5, 2)
    told: list[int] = []
    store.units.build_indexes(SCHEMA, "one", lambda _module, done, _total: told.append(done))
    assert (store.found("霁川"), store.titles(), told) == (5, 5, [2, 4])


def test_refill_makes_titles_anew(store: Store) -> None:
    """A title that another version of the library left behind is written anew."""
    with store.units.begin(SCHEMA, "one") as unit:
        unit.records.save([make_record(1, {"title": "霁川科技"})])
    if store.engine.dialect.name == "sqlite":
        pytest.skip("the full-text index of SQLite can't be changed behind its back")
    tables = store.units.tables
    with store.engine.begin() as connection:
        connection.execute(delete(tables.gram))
        connection.execute(update(tables.title).values(form="望潮"))
    assert store.found("霁川科") == 0
    store.units.refill(SCHEMA, "one")
    assert store.found("霁川科") == 1

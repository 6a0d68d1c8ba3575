"""The index of titles: kept with the records, and filled for those that were there before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, func, select, update

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, _titling
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.binding import bind
from custinfo.core.criteria import F
from custinfo.ports import Query
from custinfo.testing import NOW, make_record, next_version, sample_schema
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix

SCHEMA = sample_schema()


class Store:
    """A store, and its engine to look behind it."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self.units = SqlAlchemyUnits(self.engine, prefix=throw_away_prefix())
        self.units.create_tables()

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
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Return an empty store, and throw it away in the end."""
    if not request.param.startswith("sqlite"):
        require_server(request.param)
    store = Store(request.param)
    yield store
    store.units.drop_tables()
    store.engine.dispose()


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
        unit.records.save([make_record(1, {"title": "霁川"})])
    if store.engine.dialect.name == "sqlite":
        pytest.skip("the full-text index of SQLite can't be changed behind its back")
    tables = store.units.tables
    with store.engine.begin() as connection:
        connection.execute(delete(tables.gram))
        connection.execute(update(tables.title).values(form="望潮"))
    assert store.found("霁川") == 0
    store.units.refill(SCHEMA, "one")
    assert store.found("霁川") == 1

"""Queries use the indexes that they are meant to use, as each database says itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
from sqlalchemy import event

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, _title_order
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.binding import bind
from custinfo.core.criteria import Criterion, Everything, F, OneOf, Tagged, all_of
from custinfo.core.records import Record, Sealed
from custinfo.ports import Grouping, Order, Query, UnitOfWork
from custinfo.testing import NOW, make_record, record_id, sample_schema
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix

SCHEMA = sample_schema()
BRANCH = OneOf(("department",), ("d3", "d4"))
EVERYTHING = Everything()
FIRST, SECOND = "霁望云启恒瑞盛华", "川潮明远嘉信宏泰"
Plans = Callable[[Callable[[UnitOfWork], object]], str]


def things() -> list[Record]:
    """Return 6 000 things of 50 departments, 64 titles, 100 numbers and four tags."""
    return [
        attrs.evolve(
            make_record(
                number,
                {"title": f"{FIRST[number % 8]}{SECOND[number // 8 % 8]}（{number}）公司", "count": number % 100}
                | {"secret": Sealed(f"t{number}", f"i{number}")},
                tags=[("need", ("设备", "服务")[number % 2])],
                department=f"d{number % 50}",
                owner=f"m{number % 500}",
            ),
            updated_at=NOW + timedelta(minutes=number),
        )
        for number in range(6_000)
    ]


@pytest.fixture(scope="module", params=["sqlite://", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def plans(request: pytest.FixtureRequest) -> Iterator[Plans]:
    """Save 6 000 things, and return what gives the plans of all statements of an action."""
    url = request.param
    if not url.startswith("sqlite"):
        require_server(url)
    engine = open_engine(url)
    units = SqlAlchemyUnits(engine, prefix=throw_away_prefix())
    units.create_tables()
    with units.begin(SCHEMA, "one") as unit:
        unit.records.save(things())
    if url == POSTGRESQL:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in units.tables.record.metadata.sorted_tables:
                connection.exec_driver_sql(f"VACUUM ANALYZE {table.name}")
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(engine, "after_cursor_execute", note)

    def explained(action: Callable[[UnitOfWork], object]) -> str:
        seen.clear()
        with units.begin(SCHEMA, "one") as unit:
            seen.clear()
            action(unit)
            asked = [item for item in seen if item[0].startswith("SELECT")]
        explain = "EXPLAIN QUERY PLAN " if url.startswith("sqlite") else "EXPLAIN "
        with engine.connect() as connection:
            if url == POSTGRESQL:
                connection.exec_driver_sql("SET enable_seqscan = off")
            rows = [row for text, given in asked for row in connection.exec_driver_sql(explain + text, given)]
        return "\n".join(str(tuple(row)) for row in rows)

    yield explained
    units.drop_tables()
    engine.dispose()


def query(criterion: Criterion, *order: Order, scope: Criterion = EVERYTHING) -> Query:
    """Return a query of the live things that meet a criterion, within a scope that is bound already."""
    bound = bind(criterion & F.archived_at.is_missing(), "thing", SCHEMA, NOW, lambda *given: str(given[-1]))
    return Query("thing", all_of([scope, bound]), order, 50)


def test_name_search(plans: Plans) -> None:
    """A search for two characters asks the index of pairs, to find a page and to count."""
    for action in (
        lambda unit: unit.queries.find(query(F.title.mentions("霁川"), Order(("title",)))),
        lambda unit: unit.queries.find(query(F.title.contains("霁川"))),
        lambda unit: unit.queries.count(query(F.title.mentions("霁川"), scope=BRANCH)),
    ):
        found = plans(action)
        assert any(name in found for name in ("record_title_fts VIRTUAL TABLE", "record_title_tokens", "record_gram"))


def test_encrypted_value(plans: Plans) -> None:
    """A live record is found by a unique encrypted value in the table of unique values, to read and to count."""
    wanted = query(F.secret.is_in(["i7", "i8"]), scope=BRANCH)
    for action in (lambda unit: unit.queries.find(wanted), lambda unit: unit.queries.count(wanted)):
        found = plans(action)
        assert "SCAN claimed" not in found
        assert "record_unique" in found or "claimed" in found


def test_single_get(plans: Plans) -> None:
    """A record is found by its key."""
    found = plans(lambda unit: unit.records.get("thing", [record_id(1)]))
    assert any(name in found for name in ("autoindex", "_pkey", "PRIMARY", "record_list"))


def test_sort_by_an_indexed_field(plans: Plans) -> None:
    """The first page by an indexed field walks the index of its slot, and nothing is sorted but the page."""
    found = plans(lambda unit: unit.queries.find(query(F.count.is_present(), Order(("count",)))))
    assert "record_n1" in found


def test_count_in_a_branch(plans: Plans) -> None:
    """Departments are counted in their index, of which the rows are not looked up."""
    found = plans(lambda unit: unit.queries.count(query(EVERYTHING, scope=BRANCH)))
    assert "record_department" in found
    if "SEARCH" in found:
        assert "COVERING INDEX" in found


def test_groups_of_all(plans: Plans) -> None:
    """What is grouped by an indexed field is counted in the index of its slot."""
    found = plans(lambda unit: unit.queries.distribution(query(EVERYTHING), Grouping(("count",))))
    if "SEARCH" in found:  # the others know when an index is no help
        assert "COVERING INDEX" in found
        assert "record_n1" in found


def test_flagship_page_in_a_branch(plans: Plans) -> None:
    """A page with several conditions in a branch reads no whole table of records."""
    criterion = (F.count >= 50) & Tagged("need", "设备")
    found = plans(
        lambda unit: unit.queries.find(query(criterion, Order(("updated_at",), descending=True), scope=BRANCH))
    )
    assert "record_updated" in found or "record_department" in found
    assert not any(line.startswith("SCAN custinfo") for line in found.splitlines())


def test_a_branch_is_walked_in_the_index(plans: Plans) -> None:
    """Whose records a walk passes is told by the index alone: on PostgreSQL, none is looked up before."""
    criterion = (F.count >= 0) & Tagged("need", "设备")
    found = plans(
        lambda unit: unit.queries.find(query(criterion, Order(("updated_at",), descending=True), scope=BRANCH))
    )
    if "Index Cond" in found:  # as PostgreSQL says
        walks = [line for line in found.splitlines() if "record_updated" in line]
        assert walks
        assert all("Index Only Scan" in line for line in walks)


def test_the_narrowest_index_leads(plans: Plans) -> None:
    """Where walking found too little, SQLite and MariaDB are told the index that leads to the fewest records."""
    wanted = query((F.count == 7) & Tagged("need", "服务"), Order(("updated_at",), descending=True), scope=BRANCH)
    plans(lambda unit: unit.queries.find(wanted))  # learns what the criterion leads to
    found = plans(lambda unit: unit.queries.find(wanted))
    assert "record_n1" in found
    assert "record_updated" not in found


def test_what_was_learned_is_not_asked_again(plans: Plans) -> None:
    """The second page of a kind takes one statement: nothing is counted, and no window is measured."""
    wanted = query((F.count == 11) & Tagged("need", "服务"), Order(("count",)), scope=BRANCH)
    both = [plans(lambda unit: unit.queries.find(wanted)).count("found") for _ in range(2)]
    assert 0 < both[1] <= both[0]


def test_what_a_part_leads_to_is_counted_once(plans: Plans) -> None:
    """Criteria that share a part learn from each other how many records it leads to."""
    order = Order(("price",))  # no index has it: whatever leads is followed
    plans(lambda unit: unit.queries.find(query((F.count == 13) & F.title.starts_with("霁"), order)))
    found = plans(lambda unit: unit.queries.find(query((F.count == 13) & F.title.starts_with("望"), order)))
    lines = [line for line in found.splitlines() if "record_n1" in line]
    assert len(lines) <= 1  # for the page


def test_a_search_in_a_branch_reads_titles_in_their_order(plans: Plans) -> None:
    """Titles of a few departments come from the index that has them in order, by itself, and no other is walked."""
    found = plans(lambda unit: unit.queries.find(query(F.title.mentions("公司"), Order(("title",)), scope=BRANCH)))
    if "record_gram" not in found:  # as on MariaDB
        assert "record_title_order" in found
        assert "record_t1" not in found
        assert "COVERING INDEX" in found or "Index Only Scan" in found


def test_a_rare_title_in_a_branch_is_looked_up_on_postgresql(plans: Plans) -> None:
    """PostgreSQL follows the index of pairs where its planner expects few titles to have them."""
    found = plans(lambda unit: unit.queries.find(query(F.title.mentions("一二"), Order(("title",)), scope=BRANCH)))
    assert "record_t1" not in found
    assert any(name in found for name in ("record_title_order", "record_title_tokens", "record_gram"))


def test_a_title_in_a_branch_takes_no_walk_on_mariadb(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a larger branch, how many titles have a pair is counted in rows of an index: that is less than a window."""
    monkeypatch.setattr(_title_order, "SCOPE", 0)
    wanted = query(F.title.mentions("霁川"), Order(("title",)), scope=BRANCH)
    found = plans(lambda unit: unit.queries.find(wanted))
    if "record_gram" in found:
        assert "record_t1" not in found


def test_a_rare_title_in_a_branch_is_followed_on_sqlite(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first titles tell that a pair is rare in a larger branch, it is followed after a glance."""
    monkeypatch.setattr(_title_order, "SCOPE", 0)
    found = plans(lambda unit: unit.queries.find(query(F.title.mentions("望潮"), Order(("title",)), scope=BRANCH)))
    if "VIRTUAL TABLE" in found:
        assert found.count("record_t1") <= 2  # the glance, and where it ends


def test_a_walk_downwards_ends_on_mariadb(plans: Plans) -> None:
    """MariaDB sorts all that an index has where ids go the other way: so a window is what it has, also from memory."""
    wanted = query(EVERYTHING, Order(("updated_at",), descending=True))
    plans(lambda unit: unit.queries.find(wanted))
    found = plans(lambda unit: unit.queries.find(wanted))
    if "Using filesort" in found:
        [walk] = [line for line in found.splitlines() if "record_updated" in line]
        assert "'range'" in walk


def test_tags_are_looked_up_or_led_by(plans: Plans) -> None:
    """A page looks a common tag up for each record; a count takes all that have it."""
    page = plans(lambda unit: unit.queries.find(query(Tagged("need", "设备"), Order(("updated_at",)))))
    count = plans(lambda unit: unit.queries.count(query(Tagged("need", "设备"))))
    if "SEARCH" in page:
        assert "CORRELATED SCALAR SUBQUERY" in page
        assert "LIST SUBQUERY" in count
    assert "tagged" in page
    assert "tagged" in count

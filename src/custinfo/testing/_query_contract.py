"""The promises of `RecordQueries`: order, pages, counts and distributions."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import attrs

from custinfo.core.criteria import F
from custinfo.core.offers import offered
from custinfo.core.records import Record
from custinfo.core.totals import Total
from custinfo.ports import Grouping, Order, Query, TotalQueries, Units
from custinfo.testing._harness import Harness
from custinfo.testing._samples import NOW, make_record, record_id
from custinfo.testing._telling import same

__all__ = ["QueryContract"]

TWINS = {
    "title": "nickname",
    "count": "size",
    "price": "weight",
    "active": "ready",
    "day": "born",
    "seen": "met",
    "place": "origin",
    "parent": "sibling",
}
"""Indexed fields, each with one of the same kind that is not: both must answer alike."""


_MOST: Final = 100
"""More records than are read in pages here."""


def twin_record(number: int, values: Mapping[str, Any], **details: Any) -> Record:
    """Return a record in which every indexed field's value stands in its twin too."""
    twins = {TWINS[key]: value for key, value in values.items() if key in TWINS}
    return make_record(number, {**values, **twins}, **details)


class QueryContract(Harness):
    """Find, count and distribution."""

    def given_values(self, key: str, *values: Any) -> None:
        """Save records 1, 2, … with these values of an indexed field and its twin; `None` for none."""
        self.given(
            *(twin_record(number, {key: value} if value is not None else {}) for number, value in enumerate(values, 1))
        )

    def assert_order(self, key: str, ascending: list[int], descending: list[int]) -> None:
        """Check both directions, of the indexed field and its twin, at once and page by page."""
        for field in (key, TWINS[key]):
            for downwards, expected in ((False, ascending), (True, descending)):
                order = Order((field,), downwards)
                same(self.ordered(order), expected, order)
                same(self.walked(order), expected, order)

    def walked(self, *orders: Order, size: int = 2) -> list[int]:
        """Return the numbers of all things, read in pages."""
        found: list[int] = []
        after: tuple[Any, ...] | None = None
        while page := self.ordered(*orders, limit=size, after=after):
            found.extend(page)
            assert len(found) <= _MOST, f"pages do not end: {found[:20]}"
            last = self.stored(page[-1])[0]
            assert last is not None
            after = (*(_value(last, order) for order in orders), last.id)
        return found

    def test_order_of_ids(self) -> None:
        """Without sort keys, records come in order of id."""
        self.given(*(make_record(number) for number in (3, 1, 2, 10)))
        same(self.ordered(), [1, 2, 3, 10])
        same(self.walked(size=1), [1, 2, 3, 10])
        same(self.ordered(Order(("id",), descending=True)), [10, 3, 2, 1])

    def test_order_of_texts(self) -> None:
        """Texts sort by code point: capitals first, Chinese behind Latin, what lies beyond U+FFFF last of all."""
        self.given_values("title", "b", "B", "é", "\ufffd", "𠮷", "甲", "a", "a b", None, "ab")
        self.assert_order("title", [2, 7, 8, 10, 1, 3, 6, 4, 5, 9], [5, 4, 6, 3, 1, 10, 8, 7, 2, 9])

    def test_order_of_numbers(self) -> None:
        """Whole numbers sort by size, also where a float could not tell them apart."""
        self.given_values("count", 2**62, 2**62 + 1, -(2**62), 0, None, 9, 10)
        self.assert_order("count", [3, 4, 6, 7, 1, 2, 5], [2, 1, 7, 6, 4, 3, 5])

    def test_order_of_decimals(self) -> None:
        """Decimals sort by value; equal ones by ascending id, whatever the direction."""
        self.given_values("price", Decimal("1.5"), None, Decimal("-0.000001"), Decimal("1.500000"), Decimal("1.499999"))
        self.assert_order("price", [3, 5, 1, 4, 2], [1, 4, 5, 3, 2])

    def test_order_of_dates_and_booleans(self) -> None:
        """Dates and instants sort by time, `False` before `True`, missing values last."""
        self.given_values("day", date(2024, 1, 2), None, date(999, 1, 1), date(2023, 12, 31))
        self.assert_order("day", [3, 4, 1, 2], [1, 4, 3, 2])
        with self.begin("other") as unit:
            moments = (datetime(2024, 1, 1, tzinfo=UTC), NOW, datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC))
            unit.records.save([twin_record(number, {"seen": moment}) for number, moment in enumerate(moments, 1)])
            for key in ("seen", "met"):
                found = unit.queries.find(Query("thing", order=(Order((key,)),)))
                same([record.id for record in found], [record_id(3), record_id(1), record_id(2)])

    def test_order_of_several_keys(self) -> None:
        """Ties of the first key are broken by the second, and these by id; pages go on anywhere."""
        pairs = (("b", 1), ("a", 1), (None, 2), ("a", None), ("a", 2), (None, None), ("b", 1), (None, 1))
        self.given(
            *(
                twin_record(number, {key: value for key, value in zip(("title", "count"), pair, strict=True) if value})
                for number, pair in enumerate(pairs, 1)
            )
        )
        for text, count in (("title", "count"), ("nickname", "size"), ("title", "size")):
            orders = (Order((text,)), Order((count,), descending=True))
            expected = [5, 2, 4, 1, 7, 3, 8, 6]
            same(self.ordered(*orders), expected)
            for size in (1, 2, 3):
                same(self.walked(*orders, size=size), expected)

    def test_order_of_system_fields(self) -> None:
        """Records sort by owner, department, version and times."""
        self.given(
            make_record(1, owner="bob", department=None),
            make_record(2, owner=None, department="east"),
            make_record(3, owner="ann", department="sales", archived_at=NOW),
        )
        same(self.ordered(Order(("owner",))), [3, 1, 2])
        same(self.ordered(Order(("department",), descending=True)), [3, 2, 1])
        same(self.ordered(Order(("created_at",), descending=True)), [3, 2, 1])
        same(self.ordered(Order(("archived_at",))), [3, 1, 2])
        same(self.walked(Order(("updated_at",), descending=True)), [3, 2, 1])
        same(self.walked(Order(("version",), descending=True)), [1, 2, 3])

    def test_order_through_a_reference(self) -> None:
        """Records sort by a field of the record that they refer to; without one, last."""
        self.given(twin_record(1, {"title": "b"}), twin_record(2, {"title": "a", "parent": record_id(1)}))
        self.given(twin_record(3, {"parent": record_id(2)}), twin_record(4, {"parent": record_id(9)}))
        for path in (("parent", "title"), ("sibling", "nickname"), ("parent", "nickname")):
            same(self.ordered(Order(path)), [3, 2, 1, 4])
            same(self.walked(Order(path, descending=True)), [2, 3, 1, 4])

    def test_limit(self) -> None:
        """At most so many records come, and whole ones."""
        records = [make_record(number, {"title": f"t{number}"}, tags=[("need", "设备")]) for number in range(1, 6)]
        self.given(*records)
        with self.begin() as unit:
            same(list(unit.queries.find(Query("thing", limit=2))), records[:2])
            same(list(unit.queries.find(Query("thing", order=(Order(("nickname",)),), limit=3))), records[:3])
            same(list(unit.queries.find(Query("thing"))), records)

    def test_a_position_needs_no_record(self) -> None:
        """A page goes on behind a position even if the record there is gone."""
        self.given_values("title", "a", "b", "c", None, None)
        for key in ("title", "nickname"):
            same(self.ordered(Order((key,)), after=("b", record_id(0))), [2, 3, 4, 5])
            same(self.ordered(Order((key,)), after=("bb", record_id(0))), [3, 4, 5])
            same(self.ordered(Order((key,)), after=(None, record_id(4))), [5])
            same(self.ordered(Order((key,), descending=True), after=("bb", record_id(9)), limit=3), [2, 1, 4])

    def test_count_ignores_order_and_position(self) -> None:
        """Count tells how many there are of the module and the tenant."""
        self.given(*(make_record(number) for number in range(1, 4)), make_record(9, module="thing_note"))
        query = Query("thing", order=(Order(("title",)),), limit=1, after=("z", record_id(9)))
        with self.begin() as unit:
            same(unit.queries.count(query), 3)
            same(unit.queries.count(Query("thing_note")), 1)
        with self.begin("two") as unit:
            same(unit.queries.count(query), 0)
            same(list(unit.queries.find(query)), [])
            same(unit.queries.distribution(query, Grouping(("title",))), {})

    def distribution(self, grouping: Grouping, query: Query | None = None) -> Mapping[Any, int]:
        """Return the distribution of all things, or of a query."""
        with self.begin() as unit:
            return unit.queries.distribution(query or Query("thing"), grouping)

    def test_distribution_of_values(self) -> None:
        """Groups have typed values, and `None` for none."""
        for key, one, other in (
            ("title", "a", "A"),
            ("count", 2**62, 2**62 + 1),
            ("price", Decimal("1.5"), Decimal("-2")),
            ("active", True, False),
            ("day", date(2024, 1, 1), date(2024, 1, 2)),
            ("seen", NOW, datetime(2024, 1, 1, tzinfo=UTC)),
            ("place", "north", "beijing"),
        ):
            self.discard(self.store)
            self.store: Units = self.units()
            self.given_values(key, one, other, None, one)
            for field in (key, TWINS[key]):
                found = self.distribution(Grouping((field,)))
                same(found, {one: 2, other: 1, None: 1})
                same({type(value) for value in found}, {type(one), type(None)})

    def test_distribution_of_choices(self) -> None:
        """By a multiple choice, a record counts once for each of its choices."""
        choices = (("red", "blue"), ("blue",), None)
        self.given(
            *(make_record(number, {"colours": item} if item else {}) for number, item in enumerate(choices, 1)),
            make_record(4, {"colours": ("blue",), "parent": record_id(1), "sibling": record_id(3)}),
        )
        same(self.distribution(Grouping(("colours",))), {"red": 1, "blue": 3, None: 1})
        same(self.distribution(Grouping(("parent", "colours"))), {"red": 1, "blue": 1, None: 3})
        same(self.distribution(Grouping(("sibling", "colours"))), {None: 4})

    def test_distribution_of_tags(self) -> None:
        """By a dimension, a record counts once for each of its tags there, and once for none."""
        self.given(
            make_record(1, tags=[("need", "设备"), ("need", "服务"), ("mark", "x")]),
            make_record(2, tags=[("need", "设备")]),
            make_record(3, tags=[("mark", "x")]),
            make_record(4),
        )
        same(self.distribution(Grouping(dimension="need")), {"设备": 2, "服务": 1, None: 2})
        query = Query("thing", self.bound(F.version == 1), limit=1)
        same(self.distribution(Grouping(dimension="mark"), query), {"x": 2, None: 2})

    def test_distribution_of_system_fields_and_references(self) -> None:
        """Groups may be by owner, time, or a field of a referenced record; criteria narrow them."""
        self.given(
            twin_record(1, {"place": "north"}, owner="bob"),
            twin_record(2, {"parent": record_id(1), "count": 1}),
            twin_record(3, {"parent": record_id(1)}, owner=None),
        )
        same(self.distribution(Grouping(("owner",))), {"ann": 1, "bob": 1, None: 1})
        same(self.distribution(Grouping(("version",))), {1: 3})
        created = make_record(2).created_at
        same(self.distribution(Grouping(("created_at",)), self._query(F.count == 1)), {created: 1})
        for path in (("parent", "place"), ("sibling", "origin")):
            same(self.distribution(Grouping(path)), {"north": 2, None: 1})
        same(self.distribution(Grouping(("parent", "owner")), self._query(F.size == 1)), {"bob": 1})

    def test_distribution_by_period(self) -> None:
        """Days and instants count where they lie in the time zone of the configuration, and not in UTC."""
        new_year = datetime(2023, 12, 31, 16, tzinfo=UTC)
        self.given(
            twin_record(1, {"day": date(2024, 1, 31), "seen": new_year}),
            twin_record(2, {"day": date(2024, 2, 1), "seen": new_year - timedelta(microseconds=1)}),
            make_record(3),
        )
        old, january, february = date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 1)
        for day, seen in (("day", "seen"), ("born", "met")):
            same(self.distribution(Grouping((day,), period="month")), {january: 1, february: 1, None: 1})
            same(self.distribution(Grouping((day,), period="quarter")), {january: 2, None: 1})
            same(self.distribution(Grouping((seen,), period="day")), {january: 1, old: 1, None: 1})
            same(self.distribution(Grouping((seen,), period="year")), {january: 1, date(2023, 1, 1): 1, None: 1})

    def test_totals(self) -> None:
        """A store that answers `TotalQueries` adds up exactly, group by group; all of nothing is a total, too."""
        self.given(
            twin_record(1, {"price": Decimal("0.1"), "count": 2**62, "place": "north"}),
            twin_record(2, {"price": Decimal("0.2"), "count": 2**62}),
            twin_record(3, {"place": "north"}),
        )
        with self.begin() as unit:
            queries = offered(unit.queries, TotalQueries)
            if queries is None:
                return
            price, least, most = Decimal("0.3"), Decimal("0.1"), Decimal("0.2")
            for number, whole, place in (("price", "count", "place"), ("weight", "size", "origin")):
                every = queries.totals(Query("thing"), (number,), None)
                same(every, {None: Total(3, 2, price, least, most)})
                every = queries.totals(Query("thing"), (whole,), None)
                same(every, {None: Total(3, 2, 2**63, 2**62, 2**62)})
                groups = queries.totals(Query("thing", limit=1), (number,), Grouping((place,)))
                same(groups, {"north": Total(2, 1, least, least, least), None: Total(1, 1, most, most, most)})
                none = self._query(F.version == 9)
                same(queries.totals(none, (number,), None), {None: Total(0, 0, Decimal(0), None, None)})
                same(queries.totals(none, (number,), Grouping((place,))), {})

    def _query(self, criterion: Any) -> Query:
        return attrs.evolve(Query("thing"), criterion=self.bound(criterion))


def _value(record: Record, order: Order) -> Any:
    """Return the value by which a record was sorted; only `walked` through references needs a value of its own."""
    key = order.path[-1]
    if len(order.path) == 2:
        return {2: "b", 3: "a"}.get(int(record.id[-2:], 16))
    return getattr(record, key) if hasattr(record, key) and key != "count" else record.values.get(key)

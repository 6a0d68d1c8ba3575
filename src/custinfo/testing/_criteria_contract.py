"""The meaning of every criterion, as `custinfo.core.criteria` gives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import attrs

from custinfo.core.criteria import AllOf, AnyOf, Criterion, Everything, F, Field, Nothing, Tagged, all_of, any_of
from custinfo.core.criteria.nodes import Compare, Mentions, OneOf, SharedWith, Through
from custinfo.core.records import Attachment, Record, Sealed, Share
from custinfo.ports.repositories import Order, Query
from custinfo.testing._harness import Harness
from custinfo.testing._query_contract import TWINS, twin_record
from custinfo.testing._samples import NOW, make_record, record_id
from custinfo.testing._telling import same

__all__ = ["CriteriaContract"]

_BOUND = Decimal("8999999999999.999999")


def _things() -> list[Record]:
    """Return five things: 4 has no values, 1 and 3 are roots, 2 refers to 1, 5 to 4 and to one that is gone."""
    return [
        twin_record(
            1,
            {"title": "甲公司 A", "count": 1, "price": Decimal("1.5"), "active": True, "place": "beijing"}
            | {"day": date(2024, 6, 15), "seen": datetime(2024, 6, 14, 16, tzinfo=UTC), "colours": ("red", "blue")}
            | {"keeper": "bob", "unit": "east", "email": "a@example.com", "phone": "+8613812345678"},
            owner="bob",
            department="east",
            tags=[("need", "设备"), ("need", "服务"), ("mark", "𠮷")],
        ),
        twin_record(
            2,
            {
                "title": "甲公司%_\\'二",
                "count": 2**62,
                "price": Decimal("1.500001"),
                "active": False,
                "place": "haidian",
            }
            | {"day": date(2024, 5, 15), "seen": NOW, "colours": ("crimson",), "parent": record_id(1)},
            tags=[("mark", "a")],
        ),
        twin_record(
            3,
            {"title": "𠮷", "count": 2**62 + 1, "price": -_BOUND, "place": "peking", "day": date(2024, 6, 16)}
            | {"seen": datetime(2024, 6, 15, 15, 59, 59, 999999, UTC), "secret": Sealed("t", "i")}
            | {"note": "多行\n文字", "file": Attachment("f", "loc")},
            tags=[("need", "服务")],
            archived_at=NOW,
        ),
        make_record(4, owner=None, department=None),
        make_record(5, {"title": "a", "parent": record_id(4), "sibling": record_id(99), "nickname": "a"}),
    ]


class CriteriaContract(Harness):
    """Each criterion finds what it should, on indexed fields and on others; its complement finds the rest."""

    def assert_found(self, criterion: Criterion, *expected: int) -> None:
        """Check a criterion and its complement."""
        same(self.found(criterion), list(expected), criterion)
        same(self.found(~criterion), [number for number in range(1, 6) if number not in expected], criterion)

    def assert_twins(self, key: str, make: Callable[[Field], Criterion], *expected: int) -> None:
        """Check a criterion on an indexed field and on its twin."""
        for field in (key, TWINS[key]):
            self.assert_found(make(F[field]), *expected)

    def test_everything_and_nothing(self) -> None:
        """The neutral criteria hold always and never, also within others."""
        self.given(*_things())
        self.assert_found(Everything(), 1, 2, 3, 4, 5)
        self.assert_found(Nothing())
        self.assert_found(AllOf(()), 1, 2, 3, 4, 5)
        self.assert_found(AnyOf(()))
        self.assert_found(AllOf((Everything(), F.count == 1)), 1)
        self.assert_found(AnyOf((Nothing(), F.count == 1)), 1)

    def test_present(self) -> None:
        """A value is there or is not, of whatever kind."""
        self.given(*_things())
        self.assert_twins("title", lambda field: field.is_present(), 1, 2, 3, 5)
        self.assert_twins("count", lambda field: field.is_missing(), 4, 5)
        self.assert_twins("active", lambda field: field.is_present(), 1, 2)
        for key, expected in (("colours", (1, 2)), ("secret", (3,)), ("file", (3,)), ("note", (3,)), ("unit", (1,))):
            self.assert_found(F[key].is_present(), *expected)
        self.assert_found(F.owner.is_present(), 1, 2, 3, 5)
        self.assert_found(F.archived_at.is_present(), 3)
        self.assert_found(F.id.is_present(), 1, 2, 3, 4, 5)

    def test_equal_texts(self) -> None:
        """Texts are equal if every character is; a missing one is neither equal nor unequal."""
        self.given(*_things())
        self.assert_twins("title", lambda field: field == "甲公司%_\\'二", 2)
        self.assert_twins("title", lambda field: field == "A")
        self.assert_twins("title", lambda field: field != "a", 1, 2, 3)
        self.assert_twins("title", lambda field: field.is_in(["𠮷", "a", "none"]), 3, 5)
        self.assert_twins("title", lambda field: field.is_in([]))

    def test_equal_encrypted_values(self) -> None:
        """Encrypted values are found by their blind index, whether or not the record lives, and where it is unique."""
        self.given(
            make_record(1, {"secret": Sealed("t1", "i1")}),
            make_record(2, {"secret": Sealed("t2", "i2"), "parent": record_id(1), "sibling": record_id(3)}),
            make_record(3, {"secret": Sealed("t3", "i1")}, archived_at=NOW),
            make_record(4, {"secret": Sealed("t4"), "parent": record_id(3)}),
            make_record(5),
        )
        live, field, beyond = F.archived_at.is_missing(), F.secret, F.parent.secret
        self.assert_found(field == "i1", 1, 3)
        self.assert_found(field == "t1")
        self.assert_found(field == "I1")
        self.assert_found(field.is_in(["i1", "i2", "i9"]), 1, 2, 3)
        self.assert_found(beyond == "i1", 2, 4)
        self.assert_found(live & (field == "i1"), 1)
        self.assert_found(live & field.is_in(["i1", "i2", "i9"]), 1, 2)
        self.assert_found(live & ~(field == "i1"), 2, 4, 5)
        self.assert_found(live & ((field == "i1") | F.sibling.secret.is_in(["i1"])), 1, 2)

    def test_ordered_texts(self) -> None:
        """Texts compare by code point."""
        self.given(*_things())
        self.assert_twins("title", lambda field: field < "甲", 5)
        self.assert_twins("title", lambda field: field <= "a", 5)
        self.assert_twins("title", lambda field: field > "\ufffd", 3)
        self.assert_twins("title", lambda field: field >= "甲公司 A", 1, 2, 3)
        self.assert_twins("title", lambda field: field >= "甲公司 A ", 2, 3)

    def test_contains(self) -> None:
        """A part is found exactly: case, width and wildcard characters mean themselves."""
        self.given(*_things())
        for part, expected in (
            ("公司", (1, 2)),
            ("A", (1,)),
            ("a", (5,)),
            ("%", (2,)),
            ("_", (2,)),
            ("\\", (2,)),
            ("'", (2,)),
            ("𠮷", (3,)),
            (" ", (1,)),
            ("", (1, 2, 3, 5)),
        ):
            self.assert_twins("title", lambda field, part=part: field.contains(part), *expected)  # type: ignore[misc]
        self.assert_found(F.note.contains("\n文"), 3)
        self.assert_found(F.email.contains("@EXAMPLE"))

    def test_starts_with(self) -> None:
        """A beginning is found exactly."""
        self.given(*_things())
        for part, expected in (
            ("甲公司", (1, 2)),
            ("甲公司%", (2,)),
            ("公", ()),
            ("𠮷", (3,)),
            ("A", ()),
            ("", (1, 2, 3, 5)),
            ("\U0010ffff", ()),
            ("\ud7ff", ()),
        ):
            self.assert_twins("title", lambda field, part=part: field.starts_with(part), *expected)  # type: ignore[misc]

    def test_whole_numbers(self) -> None:
        """Whole numbers compare exactly, with any constant."""
        self.given(*_things())
        self.assert_twins("count", lambda field: field == 2**62 + 1, 3)
        self.assert_twins("count", lambda field: field > 2**62, 3)
        self.assert_twins("count", lambda field: field != 1, 2, 3)
        self.assert_twins("count", lambda field: field == Decimal("1.5"))
        self.assert_twins("count", lambda field: field != Decimal("1.5"), 1, 2, 3)
        self.assert_twins("count", lambda field: field < Decimal("1.5"), 1)
        self.assert_twins("count", lambda field: field >= 1.5, 2, 3)
        self.assert_twins("count", lambda field: field.is_in([1, 2**62]), 1, 2)

    def test_decimals(self) -> None:
        """Decimals compare exactly, with constants finer or larger than any stored number, too."""
        self.given(*_things())
        self.assert_twins("price", lambda field: field == Decimal("1.50"), 1)
        self.assert_twins("price", lambda field: field > Decimal("1.5"), 2)
        self.assert_twins("price", lambda field: field > Decimal("1.5000009"), 2)
        self.assert_twins("price", lambda field: field >= Decimal("1.5000011"))
        self.assert_twins("price", lambda field: field == Decimal("1.5000001"))
        self.assert_twins("price", lambda field: field != Decimal("1.5000001"), 1, 2, 3)
        self.assert_twins("price", lambda field: field < Decimal("1e13"), 1, 2, 3)
        self.assert_twins("price", lambda field: field <= Decimal("-1e13"))
        self.assert_twins("price", lambda field: field <= -_BOUND, 3)

    def test_booleans(self) -> None:
        """A boolean that is missing is neither yes nor no."""
        self.given(*_things())
        self.assert_twins("active", lambda field: field == True, 1)  # noqa: E712
        self.assert_twins("active", lambda field: field == False, 2)  # noqa: E712
        self.assert_twins("active", lambda field: field != True, 2)  # noqa: E712

    def test_dates(self) -> None:
        """Dates compare by day, and lie within periods up to today in the time zone of the configuration."""
        self.given(*_things())
        self.assert_twins("day", lambda field: field == date(2024, 6, 15), 1)
        self.assert_twins("day", lambda field: field < date(2024, 6, 15), 2)
        self.assert_twins("day", lambda field: field.within(months=1), 1, 2)
        self.assert_twins("day", lambda field: field.within(days=30), 1)
        self.assert_twins("day", lambda field: field.within(days=-1), 1, 3)

    def test_instants(self) -> None:
        """Instants compare with instants, and with whole days of the time zone."""
        self.given(*_things())
        self.assert_twins("seen", lambda field: field == NOW, 2)
        self.assert_twins("seen", lambda field: field == date(2024, 6, 15), 1, 2, 3)
        self.assert_twins("seen", lambda field: field < date(2024, 6, 15))
        self.assert_twins("seen", lambda field: field > NOW, 3)
        self.assert_twins("seen", lambda field: field.within(hours=13), 1, 2)
        self.assert_twins("seen", lambda field: field >= NOW + timedelta(microseconds=1), 3)

    def test_choices(self) -> None:
        """A choice includes entries that were merged into it; a subtree includes everything below."""
        self.given(*_things())
        self.assert_twins("place", lambda field: field == "北京", 1, 3)
        self.assert_twins("place", lambda field: field != "beijing", 2)
        self.assert_twins("place", lambda field: field.under("华北"), 1, 2, 3)
        self.assert_twins("place", lambda field: field.under("haidian"), 2)
        self.assert_twins("place", lambda field: field.is_in(["海淀", "华南"]), 2)

    def test_multiple_choices(self) -> None:
        """A multiple choice has an entry, or one of a subtree."""
        self.given(*_things())
        self.assert_found(F.colours.has("red"), 1)
        self.assert_found(F.colours.has("蓝") & F.colours.has("红"), 1)
        self.assert_found(F.colours.under("红"), 1, 2)
        self.assert_found(F.colours.has("green"))

    def test_tags(self) -> None:
        """A tag, or any tag of a dimension."""
        self.given(*_things())
        self.assert_found(Tagged("需求", "服务"), 1, 3)
        self.assert_found(Tagged("need", "设备") & Tagged("need", "服务"), 1)
        self.assert_found(Tagged("need") | Tagged("mark"), 1, 2, 3)
        self.assert_found(Tagged("mark", "𠮷"), 1)
        self.assert_found(Tagged("mark", "A"))
        self.assert_found(~Tagged("need") & F.title.is_present(), 2, 5)

    def assert_reached(self, criterion: Criterion, *expected: int) -> None:
        """Check a criterion that only policies make, which is bound already, and its complement."""
        for made, numbers in ((criterion, expected), (~criterion, set(range(1, 6)) - set(expected))):
            with self.begin() as unit:
                found = {record.id for record in unit.queries.find(Query("thing", made))}
                same(found, {record_id(number) for number in numbers}, made)
                same(unit.queries.count(Query("thing", made)), len(found))

    def test_shares(self) -> None:
        """What is shared with somebody, at a level, beyond an instant; and what refers to such a record."""
        later = NOW + timedelta(seconds=1)
        self.given(
            make_record(1, shares=[Share("member", "bob"), Share("role", "r", "collaborate", NOW)]),
            make_record(2, {"parent": record_id(1)}, shares=[Share("member", "ann", "collaborate", later)]),
            make_record(3, {"parent": record_id(2)}, shares=[Share("department", "bob")]),
            make_record(4, {"parent": record_id(99)}),
            make_record(5),
        )
        both, bob, ann = frozenset({"read", "collaborate"}), ("member", "bob"), ("member", "ann")
        self.assert_reached(SharedWith(frozenset({bob}), both, NOW), 1)
        self.assert_reached(SharedWith(frozenset({bob, ann}), both, NOW), 1, 2)
        self.assert_reached(SharedWith(frozenset({bob, ann}), both, later), 1)
        self.assert_reached(SharedWith(frozenset({bob, ann}), frozenset({"collaborate"}), NOW), 2)
        self.assert_reached(SharedWith(frozenset({("department", "bob"), ("role", "r")}), both, NOW), 3)
        self.assert_reached(SharedWith(frozenset(), both, NOW))
        self.assert_reached(~SharedWith(frozenset({bob}), frozenset(), NOW), 1, 2, 3, 4, 5)
        self.assert_reached(Through("parent", SharedWith(frozenset({bob, ann}), both, NOW)), 2, 3)
        self.assert_reached(Through("parent", Through("parent", SharedWith(frozenset({bob}), both, NOW))), 3)
        self.assert_reached(Through("parent", ~SharedWith(frozenset({bob}), both, NOW)), 3)
        self.assert_reached(Through("parent", Everything()), 2, 3)

    def test_titles_within_departments(self) -> None:
        """A title is found within the departments that its record is in, and where it is moved to."""
        east, west, nowhere = (
            make_record(number, {"title": "霁川科技"}, owner="ann", department=key)
            for number, key in enumerate(("east", "west", None), start=1)
        )
        self.given(east, west, nowhere, make_record(4, {"title": "望潮"}, department="east"), make_record(5))
        sought, own = Mentions(("title",), "川科"), Compare(("owner",), "eq", "ann")
        home = {key: Compare(("department",), "eq", key) for key in ("east", "west")}
        self.assert_within(all_of([home["east"], sought]), 1)
        self.assert_within(all_of([any_of([home["east"], home["west"]]), sought]), 1, 2)
        self.assert_within(all_of([any_of([home["east"], own]), sought]), 1, 2, 3)
        with self.begin() as unit:
            moved = [attrs.evolve(record, version=2, department="west") for record in (east, nowhere)]
            unit.records.get("thing", [east.id])
            unit.records.save(moved)
        self.assert_within(all_of([home["east"], sought]))
        self.assert_within(all_of([OneOf(("department",), ("west", "south")), sought]), 1, 2, 3)

    def assert_within(self, criterion: Criterion, *expected: int) -> None:
        """Check what is found and counted by a criterion that is bound already."""
        with self.begin() as unit:
            found = unit.queries.find(Query("thing", criterion, (Order(("title",)),), 50))
            same([record.id for record in found], [record_id(number) for number in expected])
            same(unit.queries.count(Query("thing", criterion)), len(expected))

    def test_people_and_system_fields(self) -> None:
        """Owner, department, version, times and ids compare like fields."""
        self.given(*_things())
        self.assert_found(F.owner == "bob", 1)
        self.assert_found(F.owner != "鲍勃", 2, 3, 5)
        self.assert_found(F.department.is_in(["east", "sales"]), 1, 2, 3, 5)
        self.assert_found(F.keeper == "bob", 1)
        self.assert_found(F.unit == "east", 1)
        self.assert_found(F.version >= 1, 1, 2, 3, 4, 5)
        self.assert_found(F.created_at > make_record(3).created_at, 4, 5)
        self.assert_found(F.updated_at.within(days=1), 1, 2, 3, 4, 5)
        self.assert_found(F.id == record_id(2), 2)
        self.assert_found(F.phone.starts_with("+86138"), 1)

    def test_references(self) -> None:
        """A criterion on a referenced record is false where there is none; its complement holds there."""
        self.given(*_things())
        self.assert_twins("parent", lambda field: field == record_id(1), 2)
        for parent, title, count in (("parent", "title", "count"), ("parent", "nickname", "size")):
            self.assert_found(F[parent][title].contains("甲"), 2)
            self.assert_found(F[parent][count] != 7, 2)
            self.assert_found(F[parent][title].is_missing(), 1, 3, 4, 5)
        self.assert_found(F.sibling.title == "甲公司 A", 2)
        self.assert_found(F.sibling.id.is_present(), 2)
        self.assert_found(F.parent.owner == "bob", 2)
        self.assert_found(F.parent.owner.is_missing(), 1, 3, 4, 5)
        self.assert_found(F.parent.colours.has("red"), 2)
        self.assert_found(F.parent.archived_at.is_present())

    def test_references_between_modules(self) -> None:
        """A reference leads to a record of its module and of the same tenant only."""
        self.given(*_things())
        self.given(
            make_record(11, {"thing": record_id(1), "other": record_id(2)}, module="thing_note"),
            make_record(12, {"thing": record_id(11)}, module="thing_note"),
            make_record(13, {"other": record_id(5)}, module="thing_note"),
        )
        same(self.found(F.thing.title.starts_with("甲"), "thing_note"), [11])
        same(self.found(F.other.count >= 2**62, "thing_note"), [11])
        same(self.found(F.thing.version == 1, "thing_note"), [11])
        same(self.found(~(F.other.title == "a"), "thing_note"), [11, 12])
        with self.begin("two") as unit:
            unit.records.save([make_record(1, {"title": "b"}), make_record(2, {"parent": record_id(5)})])
        self.assert_found(F.parent.title == "a")

    def test_combinations(self) -> None:
        """And, or and not combine as in logic, also around missing values."""
        self.given(*_things())
        self.assert_found((F.count == 1) | (F.size == 2**62) | (F.title == "a"), 1, 2, 5)
        self.assert_found((F.count == 1) | (F.count == 2**62) | (F.count == 5), 1, 2)
        self.assert_found(~((F.count > 1) & (F.active == False)), 1, 3, 4, 5)  # noqa: E712
        self.assert_found(~(~(F.count > 1) | (F.place == "haidian")), 3)
        self.assert_found(~~(F.active != True) & ~F.colours.has("red"), 2)  # noqa: E712

    def test_many_values(self) -> None:
        """A list may have thousands of values."""
        self.given(*_things())
        self.assert_twins("count", lambda field: field.is_in(range(3000)), 1)
        self.assert_twins("title", lambda field: field.is_in([f"t{number}" for number in range(3000)] + ["a"]), 5)

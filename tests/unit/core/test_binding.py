"""Binding criteria: names to keys, texts to typed values, periods to instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custinfo.core.binding import bind
from custinfo.core.comparisons import months_before
from custinfo.core.configuration import Configuration
from custinfo.core.criteria import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    F,
    Has,
    Not,
    Nothing,
    OneOf,
    Present,
    StartsWith,
    Tagged,
    Under,
)
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.paths import bind_path
from custinfo.core.schema import Schema
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing._samples import NOW, sample_directory, sample_schema

SHANGHAI = ZoneInfo("Asia/Shanghai")
STANDARD = Schema(standard_configuration(), sample_organisation(), SHANGHAI)
SAMPLE = sample_schema()


def bound(criterion: Criterion, module: str = "thing", now: datetime = NOW) -> Criterion:
    """Bind to the samples, or to the standard configuration for its modules."""
    return bind(criterion, module, STANDARD if module in ("customer", "follow_up") else SAMPLE, now)


def problems(criterion: Criterion, module: str = "thing") -> list[tuple[str, str | None]]:
    """Return code and field of every problem."""
    with pytest.raises(InvalidInputError) as caught:
        bound(criterion, module)
    return [(problem.code, problem.field) for problem in caught.value.problems]


NAMES: list[tuple[Criterion, Criterion]] = [
    (F["客户名称"] == "x", Compare(("name",), "eq", "x")),
    (F["公司名称"].contains("x"), Contains(("name",), "x")),
    (F["annual budget"] >= 500_000, Compare(("annual_budget",), "ge", Decimal(500_000))),
    (F["负责人"] == "李四", Compare(("owner",), "eq", "lisi")),
    (F.owner == "李四(销售一部-1组)", Compare(("owner",), "eq", "lisi")),
    (F.department == "销售一部-1组", Compare(("department",), "eq", "sales1-1")),
    (F.status == "Won", Compare(("status",), "eq", "成交")),
    (F["客户状态"] == "won", Compare(("status",), "eq", "成交")),
    (F.industry == "制造业-IT设备", Compare(("industry",), "eq", "IT设备")),
    (F.phone == "138 1234 5678", Compare(("phone",), "eq", "13812345678")),
    (F.status.is_in(["Won", "流失", "won"]), F.status.is_in(["成交", "流失"])),
    (F.founded_on == "2024/3/15", Compare(("founded_on",), "eq", date(2024, 3, 15))),
    (F.annual_budget > "50万", Compare(("annual_budget",), "gt", Decimal(500_000))),
    (F.id_number.is_present(), Present(("id_number",))),
    (F["身份证号"].is_missing(), Not(Present(("id_number",)))),
    (Tagged("Need", " 采购 设备"), Tagged("需求", "采购设备")),
    (Tagged("stage"), Tagged("合作阶段")),
]


@pytest.mark.parametrize(("written", "meant"), NAMES)
def test_names_become_keys_and_texts_become_values(written: Criterion, meant: Criterion) -> None:
    """Fields are found by key, label and alias; values are read as on input."""
    assert bound(written, "customer") == meant


def test_one_hop() -> None:
    """A criterion may follow one reference, by any name."""
    expected = Compare(("customer", "status"), "eq", "成交")
    assert bound(F.customer.status == "won", "follow_up") == expected
    assert bound(F["客户"]["客户状态"] == "成交", "follow_up") == expected
    assert bound(F.customer.owner == "李四", "follow_up") == Compare(("customer", "owner"), "eq", "lisi")
    assert bound(F.customer.region.under("华中"), "follow_up") == OneOf(
        ("customer", "region"), ("华中", "河南", "湖北", "湖南")
    )


def test_combinations_are_simplified() -> None:
    """Parts are bound one by one and put together again."""
    left, right = F.title == "x", F.code == "y"
    assert bound((left & right) | ~left) == AnyOf((AllOf((left, right)), Not(left)))
    assert bound(AllOf((left, Everything()))) == left
    assert bound(AnyOf(())) == Nothing()
    assert bound(AllOf(())) == Everything()
    assert bound(F.title.is_in([])) == Nothing()


CHOICES: list[tuple[Criterion, Criterion]] = [
    (F.place == "海淀", F.place == "haidian"),
    (F.place == "haidian", F.place == "haidian"),
    (F.place == "华北-北京-海淀", F.place == "haidian"),
    (F.place == "北京", OneOf(("place",), ("beijing", "peking"))),
    (F.place == "北平", OneOf(("place",), ("beijing", "peking"))),
    (F.place != "深圳", AllOf((Present(("place",)), Not(F.place == "shenzhen")))),
    (F.place != "北京", AllOf((Present(("place",)), Not(OneOf(("place",), ("beijing", "peking")))))),
    (F.place.is_in(["深圳", "海淀"]), F.place.is_in(["shenzhen", "haidian"])),
    (F.place.under("北京"), OneOf(("place",), ("beijing", "haidian", "peking"))),
    (F.place.under("华南"), OneOf(("place",), ("south", "shenzhen"))),
    (F.place.under("海淀"), F.place == "haidian"),
    (F.colours.under("红"), AnyOf((Has(("colours",), "red"), Has(("colours",), "crimson")))),
    (F.colours.under("蓝"), Has(("colours",), "blue")),
    (F.colours.has("蓝"), Has(("colours",), "blue")),
]


@pytest.mark.parametrize(("written", "meant"), CHOICES)
def test_choices(written: Criterion, meant: Criterion) -> None:
    """Choices are named by code, label or path; merged entries and those below are found with them."""
    assert bound(written) == meant


NUMBERS: list[tuple[Criterion, Criterion]] = [
    (F.count == 5, F.count == 5),
    (F.count > 5.0, F.count > 5),
    (F.count == 5.5, Nothing()),
    (F.count != 5.5, Present(("count",))),
    (F.count < 5.5, F.count <= 5),
    (F.count <= 5.5, F.count <= 5),
    (F.count > 5.5, F.count >= 6),
    (F.count >= 5.5, F.count >= 6),
    (F.count > -5.5, F.count >= -5),
    (F.count < -5.5, F.count <= -6),
    (F.price == Decimal("1.5"), F.price == Decimal("1.5")),
    (F.price == 0.1, F.price == Decimal("0.1")),
    (F.price == Decimal("0.0000001"), Nothing()),
    (F.price != Decimal("0.0000001"), Present(("price",))),
    (F.price > Decimal("0.0000001"), F.price >= Decimal("0.000001")),
    (F.price <= Decimal("0.0000019"), F.price <= Decimal("0.000001")),
    (F.price < 9_000_000_000_000, Present(("price",))),
    (F.price <= 9_000_000_000_000, Present(("price",))),
    (F.price > 9_000_000_000_000, Nothing()),
    (F.price >= 9_000_000_000_000, Nothing()),
    (F.price == 9_000_000_000_000, Nothing()),
    (F.price != 9_000_000_000_000, Present(("price",))),
    (F.price < -9_000_000_000_000, Nothing()),
    (F.price <= -9_000_000_000_000, Nothing()),
    (F.price > -9_000_000_000_000, Present(("price",))),
    (F.price >= -9_000_000_000_000, Present(("price",))),
    (F.budget == Decimal("9e18"), Nothing()),
    (F.version == "3", F.version == 3),
    (F.count.is_in([1, 1.5, 2]), F.count.is_in([1, 2])),
]


@pytest.mark.parametrize(("written", "meant"), NUMBERS)
def test_numbers(written: Criterion, meant: Criterion) -> None:
    """Constants that no stored number can equal are rounded the way that keeps the meaning."""
    assert bound(written) == meant


def instant(text: str) -> datetime:
    """Read a UTC instant."""
    return datetime.fromisoformat(text + "Z")


DAY, NEXT = instant("2024-03-14T16:00"), instant("2024-03-15T16:00")
DATES: list[tuple[Criterion, Criterion]] = [
    (F.day == date(2024, 3, 15), F.day == date(2024, 3, 15)),
    (F.day <= "2024年3月15日", F.day <= date(2024, 3, 15)),
    (F.seen == date(2024, 3, 15), AllOf((F.seen >= DAY, F.seen < NEXT))),
    (F.seen != date(2024, 3, 15), AllOf((Present(("seen",)), Not(AllOf((F.seen >= DAY, F.seen < NEXT)))))),
    (F.seen < date(2024, 3, 15), F.seen < DAY),
    (F.seen <= date(2024, 3, 15), F.seen < NEXT),
    (F.seen > date(2024, 3, 15), F.seen >= NEXT),
    (F.seen >= date(2024, 3, 15), F.seen >= DAY),
    (F.created_at >= date(2024, 3, 15), F.created_at >= DAY),
    (F.seen >= datetime(2024, 3, 15, 8, tzinfo=SHANGHAI), F.seen >= instant("2024-03-15T00:00")),
    (F.seen >= "2024-03-15 08:00", F.seen >= instant("2024-03-15T00:00")),
    (F.seen.is_in([date(2024, 3, 15)]), AllOf((F.seen >= DAY, F.seen < NEXT))),
]


@pytest.mark.parametrize(("written", "meant"), DATES)
def test_dates_and_instants(written: Criterion, meant: Criterion) -> None:
    """An instant compared with a date means the whole day of the configured time zone."""
    assert bound(written) == meant


NAN = float("nan")
NOON = instant("2024-08-31T04:00")
WITHIN: list[tuple[Criterion, Criterion]] = [
    (F.seen.within(days=1), AllOf((F.seen >= NOON - timedelta(days=1), F.seen <= NOON))),
    (F.seen.within(hours=-3), AllOf((F.seen >= NOON, F.seen <= NOON + timedelta(hours=3)))),
    (F.seen.within(months=6), AllOf((F.seen >= instant("2024-02-29T04:00"), F.seen <= NOON))),
    (F.seen.within(months=-6), AllOf((F.seen >= NOON, F.seen <= instant("2025-02-28T04:00")))),
    (F.seen.within(months=1, days=1), AllOf((F.seen >= instant("2024-07-30T04:00"), F.seen <= NOON))),
    (F.seen.within(), AllOf((F.seen >= NOON, F.seen <= NOON))),
    (F.day.within(months=6), AllOf((F.day >= date(2024, 2, 29), F.day <= date(2024, 8, 31)))),
    (F.day.within(days=-2), AllOf((F.day >= date(2024, 8, 31), F.day <= date(2024, 9, 2)))),
    (F.day.within(hours=13), AllOf((F.day >= date(2024, 8, 30), F.day <= date(2024, 8, 31)))),
    (F.archived_at.within(days=1), AllOf((F.archived_at >= NOON - timedelta(days=1), F.archived_at <= NOON))),
]


@pytest.mark.parametrize(("written", "meant"), WITHIN)
def test_within(written: Criterion, meant: Criterion) -> None:
    """Periods end now; months end on the last day of a shorter month; dates are those of the time zone."""
    assert bound(written, now=NOON) == meant


@pytest.mark.parametrize(
    ("field", "hours", "taken"),
    [
        ("founded_on", 14 * 24 + 8, True),
        ("founded_on", 14 * 24 + 12, False),  # in this zone, the year 1 has not begun
        ("founded_on", 15 * 24, False),
        ("created_at", 14 * 24 + 12, True),
        ("created_at", 15 * 24, False),
    ],
)
def test_within_at_the_beginning_of_the_calendar(field: str, hours: int, taken: bool) -> None:
    """A period that leads out of the calendar is refused as any other that can't be."""
    schema = Schema(standard_configuration(), sample_organisation(), ZoneInfo("America/New_York"))
    found: list[tuple[str, str | None]] = []
    try:
        written = F[field].within(months=2023 * 12 + 5, hours=hours)
        bind(written, "customer", schema, datetime(2024, 6, 15, 12, tzinfo=UTC))
    except InvalidInputError as error:
        found = [(problem.code, problem.field) for problem in error.problems]
    assert found == ([] if taken else [("number_out_of_range", field)])


def test_within_uses_the_day_of_the_time_zone() -> None:
    """Late in the UTC evening it is the next day in Shanghai."""
    now = instant("2024-03-14T17:00")
    assert bound(F.day.within(days=1), now=now) == AllOf((F.day >= date(2024, 3, 14), F.day <= date(2024, 3, 15)))


@pytest.mark.parametrize(
    ("moment", "months", "expected"),
    [
        (date(2024, 8, 31), 6, date(2024, 2, 29)),
        (date(2023, 8, 31), 6, date(2023, 2, 28)),
        (date(2024, 1, 31), -1, date(2024, 2, 29)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2024, 1, 15), 1, date(2023, 12, 15)),
        (date(2024, 12, 15), -1, date(2025, 1, 15)),
        (date(2024, 5, 15), 12, date(2023, 5, 15)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2024, 5, 15), 0, date(2024, 5, 15)),
    ],
)
def test_months_before(moment: date, months: int, expected: date) -> None:
    """The same day of an earlier month, or its last day, at the same time of day."""
    given = datetime.combine(moment, datetime.min.time().replace(7), UTC)
    assert months_before(given, months) == given.replace(expected.year, expected.month, expected.day)


TEXTS: list[tuple[Criterion, Criterion]] = [
    (F.title.starts_with("A "), StartsWith(("title",), "A ")),
    (F.note.contains("x"), Contains(("note",), "x")),
    (F.phone.contains("138"), Contains(("phone",), "138")),
    (F.title < "张", F.title < "张"),
    (F.code >= "A", F.code >= "A"),
    (F.id == "x", F.id == "x"),
    (F.active == "是", Compare(("active",), "eq", value=True)),
]


@pytest.mark.parametrize(("written", "meant"), TEXTS)
def test_texts(written: Criterion, meant: Criterion) -> None:
    """Texts are searched as written and ordered by code point."""
    assert bound(written) == meant


REFUSED: list[tuple[Criterion, list[tuple[str, str | None]]]] = [
    (F.nothing == 1, [("unknown_field", "nothing")]),
    (F == 1, [("unknown_field", "")]),
    (F.title.x == 1, [("unknown_field", "title.x")]),
    (F.owner.x == 1, [("unknown_field", "owner.x")]),
    (F.parent.x == 1, [("unknown_field", "parent.x")]),
    (F.title == F.code, [("wrong_type", "title")]),
    (F.count == True, [("wrong_type", "count")]),  # noqa: E712
    (F.count == "x", [("invalid_number", "count")]),
    (F.price == NAN, [("invalid_number", "price")]),
    (F.price == float("inf"), [("invalid_number", "price")]),
    (F.price == Decimal("sNaN"), [("invalid_number", "price")]),
    (F.day == "x", [("invalid_date", "day")]),
    (F.place == "上海", [("unknown_choice", "place")]),
    (F.place == 5, [("unknown_choice", "place")]),
    (F.place.under("上海"), [("unknown_choice", "place")]),
    (F.title.under("x"), [("unknown_operator", "title")]),
    (F.owner.under("x"), [("unknown_operator", "owner")]),
    (F.title.has("x"), [("unknown_operator", "title")]),
    (F.place.contains("x"), [("unknown_operator", "place")]),
    (F.count.contains("5"), [("unknown_operator", "count")]),
    (F.count.starts_with("5"), [("unknown_operator", "count")]),
    (F.title.contains(5), [("unknown_operator", "title")]),  # type: ignore[arg-type]
    (F.title.within(days=1), [("unknown_operator", "title")]),
    (F.colours == "红", [("unknown_operator", "colours")]),
    (F.colours < "红", [("unknown_operator", "colours")]),
    (F.colours.is_in(["红"]), [("unknown_operator", "colours")]),
    (F.colours.has("紫"), [("unknown_choice", "colours")]),
    (F.parent < "x", [("unknown_operator", "parent")]),
    (F.phone < "1", [("unknown_operator", "phone")]),
    (F.owner == "nobody", [("unknown_member", "owner")]),
    (F.parent.owner == "nobody", [("unknown_member", "parent.owner")]),
    (Tagged("天气", "晴"), [("unknown_tag_dimension", "tags")]),
    (Tagged("天气"), [("unknown_tag_dimension", "tags")]),
    (Tagged("need", "飞机"), [("unknown_tag", "tags")]),
]


@pytest.mark.parametrize(("criterion", "expected"), REFUSED)
def test_what_cannot_be_asked(criterion: Criterion, expected: list[tuple[str, str | None]]) -> None:
    """Unknown fields, operators that the kind lacks and values of another type are refused."""
    assert problems(criterion) == expected


def test_all_problems_at_once() -> None:
    """Every part of a criterion is looked at, also below not and any."""
    criterion = (F.nothing == 1) & ~((F.count == "x") | Tagged("天气")) & (F.title == "fine") & F.title.has("x")
    assert problems(criterion) == [
        ("unknown_field", "nothing"),
        ("invalid_number", "count"),
        ("unknown_tag_dimension", "tags"),
        ("unknown_operator", "title"),
    ]


ENCRYPTED: list[Criterion] = [
    F.secret == "x",
    F.secret != "x",
    F.secret < "x",
    F.secret.is_in(["x"]),
    F.secret.contains("x"),
    F.secret.starts_with("x"),
    F.secret.under("x"),
    F.secret.has("x"),
    F.secret.within(days=1),
    F.parent.secret == "x",
]


@pytest.mark.parametrize("criterion", ENCRYPTED)
def test_encrypted_fields_refuse_all_but_presence(criterion: Criterion) -> None:
    """The store sees no plain value; only whether there is one may be asked."""
    with pytest.raises(InvalidInputError) as caught:
        bound(criterion)
    (problem,) = caught.value.problems
    assert problem.code == "unknown_operator"
    assert problem.params["kind"] == "encrypted"
    assert bound(F.secret.is_missing()) == Not(Present(("secret",)))
    assert bound(F.parent.secret.is_present()) == Present(("parent", "secret"))


def test_operators_are_named() -> None:
    """The problem says which operator the kind lacks."""
    named: list[tuple[Criterion, Any]] = [
        (F.parent < "x", "lt"),
        (F.title.has("x"), "has"),
        (F.title.within(days=1), "within"),
        (Under(("title",), "x"), "under"),
    ]
    for criterion, operator in named:
        with pytest.raises(InvalidInputError) as caught:
            bound(criterion)
        assert caught.value.problems[0].params["operator"] == operator


def test_an_ambiguous_choice_names_its_candidates() -> None:
    """What names several entries is refused with their codes."""
    values = (
        DictionaryValue("a", "甲"),
        DictionaryValue("b", "乙"),
        DictionaryValue("a1", "其他", "a"),
        DictionaryValue("b1", "其他", "b"),
    )
    field = FieldDefinition("f", "choice", options={"dictionary": "d"})
    configuration = Configuration((ModuleDefinition("m", (field,)),), (Dictionary("d", values, "字典"),))
    schema = Schema(configuration, sample_directory(), SHANGHAI)
    with pytest.raises(InvalidInputError) as caught:
        bind(F.f == "其他", "m", schema, NOW)
    (problem,) = caught.value.problems
    assert (problem.code, problem.params) == ("ambiguous_choice", {"dictionary": "字典", "candidates": ("a1", "b1")})
    assert bind(F.f == "乙-其他", "m", schema, NOW) == Compare(("f",), "eq", "b1")


def test_an_unknown_module() -> None:
    """A criterion about a module that is not configured is refused."""
    with pytest.raises(InvalidInputError) as caught:
        bound(F.a == 1, "nothing")
    assert caught.value.code == "unknown_module"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("客户名称", ("name",)),
        ("created_at", ("created_at",)),
        (["负责人"], ("owner",)),
        (("name",), ("name",)),
    ],
)
def test_bind_path(name: Any, path: tuple[str, ...]) -> None:
    """A field is named by text or as a path, by key, label or alias."""
    assert bind_path(name, "customer", STANDARD) == path


def test_bind_path_follows_a_reference() -> None:
    """A dot follows a reference."""
    assert bind_path("客户.客户状态", "follow_up", STANDARD) == ("customer", "status")
    for name in ("x", "customer.x", "channel.x", ""):
        with pytest.raises(InvalidInputError) as caught:
            bind_path(name, "follow_up", STANDARD)
        assert [(problem.code, problem.field) for problem in caught.value.problems] == [("unknown_field", name)]

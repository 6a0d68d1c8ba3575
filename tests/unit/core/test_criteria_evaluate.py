"""Evaluating criteria in memory: two-valued, and never executing what people wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

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
    Within,
)
from custinfo.core.criteria.evaluate import compile_predicate, compile_selection, no_related, read_path
from custinfo.core.records import FieldKey, Record
from custinfo.testing._samples import NOW, make_record, record_id

T, N = Everything(), Nothing()


def holds(criterion: Criterion, values: dict[str, Any] | None = None, **details: Any) -> bool:
    """Evaluate a criterion on a record of these values."""
    return compile_predicate(criterion)(make_record(1, values, **details), no_related)


COMPARISONS: list[tuple[str, tuple[bool, bool, bool, bool]]] = [
    #        of 5 with: missing, 4, 5, 6
    ("eq", (False, False, True, False)),
    ("ne", (False, True, False, True)),
    ("lt", (False, True, False, False)),
    ("le", (False, True, True, False)),
    ("gt", (False, False, False, True)),
    ("ge", (False, False, True, True)),
]


@pytest.mark.parametrize(("operator", "expected"), COMPARISONS)
def test_comparisons_with_missing_values(operator: Any, expected: tuple[bool, bool, bool, bool]) -> None:
    """A missing value never compares, and the complement of a comparison is exactly its complement."""
    criterion = Compare(("a",), operator, 5)
    records: list[dict[str, Any]] = [{}, {"a": 4}, {"a": 5}, {"a": 6}]
    assert tuple(holds(criterion, values) for values in records) == expected
    assert tuple(holds(~criterion, values) for values in records) == tuple(not item for item in expected)
    assert tuple(holds(~~criterion, values) for values in records) == expected


LEAVES: list[tuple[Criterion, dict[str, Any], bool]] = [
    (OneOf(("a",), (1, 2)), {"a": 2}, True),
    (OneOf(("a",), (1, 2)), {"a": 3}, False),
    (OneOf(("a",), (1, 2)), {}, False),
    (OneOf(("a",), ()), {"a": 1}, False),
    (Contains(("a",), "b"), {"a": "abc"}, True),
    (Contains(("a",), "B"), {"a": "abc"}, False),
    (Contains(("a",), ""), {"a": "abc"}, True),
    (Contains(("a",), ""), {}, False),
    (StartsWith(("a",), "ab"), {"a": "abc"}, True),
    (StartsWith(("a",), "b"), {"a": "abc"}, False),
    (StartsWith(("a",), "a"), {}, False),
    (Has(("a",), "x"), {"a": ("x", "y")}, True),
    (Has(("a",), "z"), {"a": ("x", "y")}, False),
    (Has(("a",), "x"), {}, False),
    (Present(("a",)), {"a": False}, True),
    (Present(("a",)), {"a": 0}, True),
    (Present(("a",)), {}, False),
    (Compare(("a",), "eq", value=False), {"a": False}, True),
    (Compare(("a",), "ne", value=True), {"a": False}, True),
]


@pytest.mark.parametrize(("criterion", "values", "expected"), LEAVES)
def test_each_leaf(criterion: Criterion, values: dict[str, Any], expected: bool) -> None:
    """Each test of a value, with a value that meets it, one that does not, and none."""
    assert holds(criterion, values) is expected
    assert holds(~criterion, values) is not expected


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        (T, True),
        (N, False),
        (AllOf((T, T)), True),
        (AllOf((T, N)), False),
        (AllOf((N, T)), False),
        (AnyOf((N, N)), False),
        (AnyOf((T, N)), True),
        (AnyOf((N, T)), True),
        (AllOf((T,)), True),
        (AnyOf((N,)), False),
        (Not(T), False),
        (Not(AllOf((T, N))), True),
        (Not(AnyOf((T, N))), False),
        (AllOf((AnyOf((N, T)), Not(N))), True),
        (AnyOf((AllOf((T, N)), Not(T))), False),
    ],
)
def test_truth_tables(criterion: Criterion, expected: bool) -> None:
    """All, any and not are those of logic, at any depth."""
    assert bool(holds(criterion)) is expected


def test_values_of_several_leaves_do_not_mix() -> None:
    """Each leaf looks at its own field."""
    criterion = (F.a > 1) & (F.b < 1) & ((F.c >= 3) | (F.a > 9)) & ~(F.d == 1)
    assert holds(criterion, {"a": 2, "b": 0, "c": 3})
    assert not holds(criterion, {"a": 2, "b": 2, "c": 3})
    assert not holds(criterion, {"a": 2, "b": 0, "c": 2})
    assert not holds(criterion, {"a": 2, "b": 0, "c": 3, "d": 1})


def test_tags() -> None:
    """A tag is compared as a pair; without value any tag of the dimension will do."""
    tags = (("need", "设备"), ("mark", "x"))
    assert holds(Tagged("need", "设备"), tags=tags)
    assert not holds(Tagged("need", "服务"), tags=tags)
    assert not holds(Tagged("mark", "设备"), tags=tags)
    assert holds(Tagged("mark"), tags=tags)
    assert not holds(Tagged("mark"))
    assert holds(~Tagged("mark"))


def test_system_fields() -> None:
    """Owner, department, version and times are attributes of the record."""
    assert holds((F.owner == "ann") & (F.department == "sales") & (F.version >= 1))
    assert holds(F.id == record_id(1))
    assert holds(F.created_at < datetime(2025, 1, 1, tzinfo=UTC))
    assert not holds(F.archived_at.is_present())
    assert holds(F.archived_at.is_present(), archived_at=NOW)
    assert not holds(F.owner != "ann", owner=None)
    assert holds(F.owner.is_missing(), owner=None)


def test_one_hop() -> None:
    """A reference is followed once; a record that is missing has no values."""
    target = make_record(2, {"status": "成交"}, owner="bob")

    def related(record: Record, key: FieldKey) -> Record | None:
        return target if record.values.get(key) == target.id else None

    there, nowhere = make_record(1, {"ref": target.id}), make_record(1, {"ref": record_id(9)})
    table: list[tuple[Criterion, bool, bool]] = [
        (F.ref.status == "成交", True, False),
        (F.ref.status != "成交", False, False),
        (~(F.ref.status == "成交"), False, True),
        (F.ref.status.is_missing(), False, True),
        (F.ref.status.is_in(["成交"]), True, False),
        (F.ref.status.contains("成"), True, False),
        (F.ref.owner == "bob", True, False),
        (F.ref.other.is_present(), False, False),
    ]
    for criterion, with_target, without in table:
        predicate = compile_predicate(criterion)
        assert bool(predicate(there, related)) is with_target, criterion
        assert bool(predicate(nowhere, related)) is without, criterion
    assert not compile_predicate(F.ref.status == "成交")(there, no_related)


def test_read_path() -> None:
    """Fields come from the values, system fields from the record, and nothing from nothing."""
    record = make_record(1, {"a": 1})
    assert read_path(record, "a") == 1
    assert read_path(record, "b") is None
    assert read_path(record, "owner") == "ann"
    assert read_path(None, "a") is None


INJECTIONS = [
    "a') or True or ('",
    'a") or True or ("',
    "a\\",
    "a\nraise SystemExit",
    "__import__('os').abort()",
    "r, related): raise SystemExit #",
    "{0}",
    "c1",
    "get",
    "客户",
    "a b",
    "",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_nothing_that_people_write_is_executed(text: str) -> None:
    """Keys and constants are never source text, whatever quotes and breaks they hold."""
    assert holds(Compare((text,), "eq", "x"), {text: "x"})
    assert not holds(Compare((text,), "eq", "x"), {"a": "x"})
    assert holds(Compare(("a",), "eq", text), {"a": text})
    assert holds(Contains(("a",), text), {"a": f"<{text}>"})
    assert holds(OneOf((text,), (text,)), {text: text})
    assert holds(Tagged(text, text), tags=((text, text),))
    assert holds(Tagged(text), tags=((text, "x"),))
    target = make_record(2, {text: text})
    follow = compile_predicate(Compare((text, text), "eq", text))
    assert follow(make_record(1), lambda _record, key: target if key == text else None)


@pytest.mark.parametrize("criterion", [Under(("a",), "x"), Within(("a",), days=1)])
def test_what_must_be_bound_first(criterion: Criterion) -> None:
    """Criteria that need a dictionary or a clock are refused until they are bound."""
    with pytest.raises(TypeError, match="must be bound"):
        compile_predicate(criterion)


def test_the_record_stays_as_it_is() -> None:
    """Evaluating changes nothing."""
    record = make_record(1, {"a": 1})
    copy = attrs.evolve(record)
    compile_predicate(F.a > 0)(record, no_related)
    assert record == copy


def test_a_selection_keeps_the_order() -> None:
    """Picking out of many records gives those that meet the criterion, in their order."""
    records = [make_record(number, {"a": number % 3}) for number in (5, 1, 4, 2)]
    assert compile_selection(F.a > 0)(records, no_related) == records
    assert compile_selection(F.a == 1)(records, no_related) == [records[1], records[2]]
    assert compile_selection(Nothing())(iter(records), no_related) == []
    with pytest.raises(TypeError, match="must be bound"):
        compile_selection(Under(("a",), "x"))

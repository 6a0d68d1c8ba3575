"""Writing criteria, and putting them together."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import reduce
from operator import and_, or_
from typing import Any

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
    all_of,
    any_of,
    leaves,
)

A, B, C = (Compare((name,), "eq", 1) for name in "abc")

WRITTEN: list[tuple[Criterion, Criterion]] = [
    (F.a == 1, Compare(("a",), "eq", 1)),
    (F.a != 1, Compare(("a",), "ne", 1)),
    (F.a < 1, Compare(("a",), "lt", 1)),
    (F.a <= 1, Compare(("a",), "le", 1)),
    (F.a > 1, Compare(("a",), "gt", 1)),
    (F.a >= 1, Compare(("a",), "ge", 1)),
    (F["客户名称"] == "x", Compare(("客户名称",), "eq", "x")),
    (F.customer.status == "成交", Compare(("customer", "status"), "eq", "成交")),
    (F["contains"].contains("x"), Contains(("contains",), "x")),
    (F.a.starts_with("x"), StartsWith(("a",), "x")),
    (F.a.is_in(name for name in ("x", "y")), OneOf(("a",), ("x", "y"))),
    (F.a.is_in([]), OneOf(("a",), ())),
    (F.a.under("x"), Under(("a",), "x")),
    (F.a.has("x"), Has(("a",), "x")),
    (F.a.is_present(), Present(("a",))),
    (F.a.is_missing(), Not(Present(("a",)))),
    (F.a.within(months=6), Within(("a",), months=6)),
    (F.a.within(days=-1, hours=2), Within(("a",), days=-1, hours=2)),
]


@pytest.mark.parametrize(("written", "meant"), WRITTEN)
def test_each_operator(written: Criterion, meant: Criterion) -> None:
    """Each operator and method of F gives one node."""
    assert written == meant
    assert hash(written) == hash(meant)


def test_combining() -> None:
    """The operators & | ~ combine without needless nesting."""
    assert AllOf((A, B)) == (A & B)
    assert (A & B & C) == (A & (B & C)) == AllOf((A, B, C))
    assert (A | B | C) == (A | (B | C)) == AnyOf((A, B, C))
    assert AnyOf((AllOf((A, B)), C)) == ((A & B) | C)
    assert Not(A) == ~A
    assert Not(Not(A)) == ~~A
    assert (A & A) == A
    assert (A | A) == A


@pytest.mark.parametrize(
    ("parts", "all_parts", "any_parts"),
    [
        ([], Everything(), Nothing()),
        ([A], A, A),
        ([Everything()], Everything(), Everything()),
        ([Nothing()], Nothing(), Nothing()),
        ([A, Everything()], A, Everything()),
        ([A, Nothing()], Nothing(), A),
        ([Everything(), Nothing()], Nothing(), Everything()),
        ([A, B, A], AllOf((A, B)), AnyOf((A, B))),
    ],
)
def test_all_of_and_any_of(parts: list[Criterion], all_parts: Criterion, any_parts: Criterion) -> None:
    """Everything is neutral for all and absorbs any; Nothing the other way round."""
    assert all_of(parts) == all_of(tuple(parts)) == all_parts
    assert any_of(parts) == any_of(tuple(parts)) == any_parts


class Compared:
    """A value that counts how often one of its kind is compared with another."""

    times = 0

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return self is other

    def __hash__(self) -> int:
        return id(self)


@pytest.mark.parametrize("combine", [or_, and_])
def test_many_are_combined_without_comparing_each_with_each(combine: Callable[[Criterion, Criterion], Any]) -> None:
    """A loop that adds a hundred comparisons to a criterion takes time for a hundred, and not for their squares."""
    many = [F.a == Compared() for _ in range(100)]
    Compared.times = 0
    combined = reduce(combine, many)
    assert Compared.times < 500
    assert combined in (AllOf(tuple(many)), AnyOf(tuple(many)))


def test_values_that_do_not_hash_are_combined_too() -> None:
    """What is no value of any field may still be written, and is refused when it is bound."""
    listed, other = F.a == ["x"], F.a == ["y"]
    assert (listed | other | listed) == AnyOf((listed, other))
    assert (listed & A & listed) == AllOf((listed, A))
    many = [F.a == [number] for number in range(20)]
    assert any_of([*many, *many]) == AnyOf(tuple(many))


PITFALLS: list[Callable[[], Any]] = [
    lambda: A and B,
    lambda: A or B,
    lambda: not A,
    lambda: bool(Everything()),
    lambda: bool(Tagged("a")),
    lambda: 1 < F.a < 3,
    lambda: F.a in [F.b],
    lambda: F.a.b.c,
    lambda: F["a"]["b"]["c"],
    lambda: hash(F.a),
    lambda: A & F.b,  # type: ignore[operator]
    lambda: F.a.is_in("成交"),
]


@pytest.mark.parametrize("pitfall", PITFALLS)
def test_what_python_would_take_wrongly_is_a_type_error(pitfall: Callable[[], Any]) -> None:
    """And, or, not, chains and second hops raise instead of dropping a part."""
    with pytest.raises(TypeError):
        pitfall()


def test_special_names_are_no_fields() -> None:
    """Python's own protocols find nothing on F, so it can be copied and shown."""
    assert not hasattr(F, "__wrapped__")
    assert repr(F) == "F"
    assert repr(F.a.b) == "F.a.b"
    assert repr(copy.deepcopy(F.a)) == "F.a"
    assert repr(pickle.loads(pickle.dumps(F.a))) == "F.a"


@pytest.mark.parametrize(
    "node",
    [
        Compare(("a",), "eq", "王小明"),
        OneOf(("a",), ("王小明",)),
        Contains(("a",), "王小明"),
        StartsWith(("a",), "王小明"),
    ],
)
def test_criteria_show_no_personal_value(node: Criterion) -> None:
    """What people search for may be personal and stays out of logs."""
    assert "王小明" not in repr(node)


def test_leaves_from_left_to_right() -> None:
    """Comparisons and tags are found at any depth."""
    tagged = Tagged("d", "v")
    criterion = AllOf((A, Not(AnyOf((B, tagged, Everything(), Nothing()))), C))
    assert list(leaves(criterion)) == [A, B, tagged, C]
    assert list(leaves(Everything())) == []


def test_criteria_pickle() -> None:
    """A criterion survives pickling."""
    criterion = (A & ~B) | Tagged("d") | F.a.within(days=3)
    assert pickle.loads(pickle.dumps(criterion)) == criterion

"""FrozenDict is a mapping that stays as it is."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from custinfo.core.frozen import FrozenDict

CHANGES: tuple[Callable[[Any], object], ...] = (
    lambda held: held.__setitem__("a", 2),
    lambda held: held.__delitem__("a"),
    lambda held: held.__ior__({"a": 2}),
    lambda held: held.clear(),
    lambda held: held.pop("a"),
    lambda held: held.popitem(),
    lambda held: held.setdefault("b", 2),
    lambda held: held.update(a=2),
)


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_refused(change: Callable[[Any], object]) -> None:
    """Each method of a dict that would change it raises TypeError and changes nothing."""
    held = FrozenDict({"a": 1})
    with pytest.raises(TypeError, match="cannot be changed"):
        change(held)
    assert held == {"a": 1}


def test_changed_copies() -> None:
    """Set, without and merged give copies, in order, and leave the original."""
    held = FrozenDict({"a": 1, "b": 2})
    assert held.set("a", 3) == {"a": 3, "b": 2}
    assert held.without("a", "never") == {"b": 2}
    assert held.merged({"c": 4}) == {"a": 1, "b": 2, "c": 4}
    assert list(held.merged([("b", 5), ("z", 6)])) == ["a", "b", "z"]
    assert all(type(item) is FrozenDict for item in (held.set("a", 3), held.without("a"), held.merged({})))
    assert held == {"a": 1, "b": 2}


def test_hash_is_that_of_the_items() -> None:
    """Equal mappings hash equal whatever their order, so they serve as keys; the hash is kept."""
    one, other = FrozenDict({"a": 1, "b": 2}), FrozenDict({"b": 2, "a": 1})
    assert one == other
    assert hash(one) == hash(other) == hash(one)
    assert {one: "x"}[other] == "x"


def test_unhashable_values_make_it_unhashable() -> None:
    """A mapping that holds a list has no hash."""
    with pytest.raises(TypeError):
        hash(FrozenDict({"a": []}))


def test_pickles_and_copies() -> None:
    """A pickled or copied mapping is equal, of the same type, and hashes anew."""
    held = FrozenDict({"a": (1, 2)})
    hash(held)
    for other in (pickle.loads(pickle.dumps(held)), copy.deepcopy(held), copy.copy(held), held.copy()):
        assert type(other) is FrozenDict
        assert other == held
        assert hash(other) == hash(held)
    assert copy.copy(held) is held
    assert held.copy() is held


def test_deep_copies_share_nothing_that_can_change() -> None:
    """A deep copy has values of its own."""
    held = FrozenDict({"a": [1]})
    copy.deepcopy(held)["a"].append(2)
    assert held["a"] == [1]


def test_representation_names_the_type() -> None:
    """The representation can be evaluated."""
    assert repr(FrozenDict({"a": 1})) == "FrozenDict({'a': 1})"
    assert repr(FrozenDict()) == "FrozenDict({})"

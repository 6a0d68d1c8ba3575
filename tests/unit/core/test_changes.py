"""What differs between two versions, and the states that follow from changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import FieldChange, changes_between, difference, fold, replay
from custinfo.core.records import Record, Tag
from custinfo.testing._samples import NOW, make_change, make_record

FIRST = make_record(1, {"a": 1, "b": "x"}, tags=(("need", "设备"),))


def version(number: int, values: dict[str, Any], **details: Any) -> Record:
    """Return a later version of the first record."""
    later = make_record(1, values, version=number, **details)
    return attrs.evolve(later, tags=details.get("tags", FIRST.tags))


def test_a_new_record_has_changed_in_everything() -> None:
    """All values, the owner, department, author and tags of a new record are new."""
    assert changes_between(None, FIRST) == (
        FieldChange("a", None, 1),
        FieldChange("b", None, "x"),
        FieldChange("owner", None, "ann"),
        FieldChange("department", None, "sales"),
        FieldChange("created_by", None, "ann"),
        FieldChange("tags", (), (Tag("need", "设备"),)),
    )


def test_what_changed_between_two_versions() -> None:
    """Changed, removed and new values, old ones first; then what is beside the values."""
    after = version(2, {"b": "y", "c": 3}, owner="bob", archived_at=NOW, tags=frozenset())
    assert changes_between(FIRST, after) == (
        FieldChange("a", 1, None),
        FieldChange("b", "x", "y"),
        FieldChange("c", None, 3),
        FieldChange("owner", "ann", "bob"),
        FieldChange("archived_at", None, NOW),
        FieldChange("tags", (Tag("need", "设备"),), ()),
    )


def test_nothing_changed() -> None:
    """Two versions that differ in version and time alone have no field changes."""
    assert changes_between(FIRST, version(2, {"a": 1, "b": "x"})) == ()


def test_from_no_values_at_all() -> None:
    """A record without values may get some."""
    empty = attrs.evolve(FIRST, values=FrozenDict())
    assert changes_between(empty, version(2, {"z": 1, "a": 2})) == (
        FieldChange("z", None, 1),
        FieldChange("a", None, 2),
    )


def test_difference() -> None:
    """Field by field, both values."""
    after = version(2, {"a": 2, "b": "x"}, owner=None)
    assert difference(FIRST, after) == {"a": (1, 2), "owner": ("ann", None)}
    assert difference(after, FIRST) == {"a": (2, 1), "owner": (None, "ann")}


SECOND = version(2, {"b": "y", "c": 3}, owner="bob")
THIRD = version(3, {"c": 4}, owner="bob", archived_at=NOW, tags=frozenset({Tag("mark", "x"), Tag("mark", "y")}))
FOURTH = version(4, {"c": 4}, owner="bob", department=None, tags=frozenset())
HISTORY = (FIRST, SECOND, THIRD, FOURTH)
CHANGES = tuple(make_change(before, after) for before, after in zip((None, *HISTORY), HISTORY, strict=False))


def test_folding_gives_every_version_back() -> None:
    """The changes of a record are all that is needed to know any of its versions."""
    assert fold(CHANGES) == FOURTH
    assert [after for _, after in replay(CHANGES)] == list(HISTORY)
    assert [change for change, _ in replay(CHANGES)] == list(CHANGES)
    assert fold(()) is None
    assert list(replay(())) == []


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_as_of_a_version(number: int) -> None:
    """A version is the state after its change."""
    assert fold(CHANGES, version=number) == HISTORY[number - 1]
    assert fold(CHANGES, version=0) is None
    assert fold(CHANGES, version=99) == FOURTH


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_as_of_a_time(number: int) -> None:
    """An instant is included; just before it the version before holds."""
    at, before = HISTORY[number - 1].updated_at, (None, *HISTORY)[number - 1]
    assert fold(CHANGES, until=at) == HISTORY[number - 1]
    assert fold(CHANGES, until=at + timedelta(seconds=1)) == HISTORY[number - 1]
    assert fold(CHANGES, until=at - timedelta(microseconds=1)) == before
    assert fold(CHANGES, until=at, version=1) == FIRST


def test_changes_show_no_value() -> None:
    """Neither old and new values nor reasons get into a log."""
    change = make_change(None, make_record(1, {"name": "王小明"}), reason="因为王小明")
    assert "王小明" not in repr(change)
    assert (change.channel, change.configuration_version) == ("edit", 1)

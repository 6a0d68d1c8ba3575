"""The JSON form of typed values that every store keeps."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import FieldChange
from custinfo.core.records import CLEAR, Attachment, Sealed, Tag
from custinfo.core.stored import ValueCodec, instant_from_text, instant_to_text, unique_keys
from custinfo.testing._samples import sample_schema

MODULE = sample_schema().module("thing")
CODEC = ValueCodec(MODULE)
AT = datetime(2024, 3, 15, 2, 30, 0, 5, tzinfo=UTC)

TABLE: list[tuple[str, Any, Any]] = [
    ("title", "甲", "甲"),
    ("title", None, None),
    ("title", CLEAR, {"clear": True}),
    ("count", -3, -3),
    ("price", Decimal("1.5"), 1_500_000),
    ("price", Decimal("-0.000001"), -1),
    ("budget", Decimal("0.01"), 10_000),
    ("active", True, True),
    ("day", date(2024, 3, 15), "2024-03-15"),
    ("seen", AT, "2024-03-15T02:30:00.000005Z"),
    ("place", "beijing", "beijing"),
    ("colours", ("red", "blue"), ["red", "blue"]),
    ("secret", Sealed("token", "index"), {"sealed": "token", "index": "index"}),
    ("secret", Sealed("token"), {"sealed": "token", "index": None}),
    (
        "secret",
        Sealed("t", "n", "k", "e", ("o",)),
        {"sealed": "t", "index": "n", "key": "k", "tail": "e", "former": ["o"]},
    ),
    ("secret", CLEAR, {"clear": True}),
    ("owner", "ann", "ann"),
    ("department", None, None),
    ("archived_at", AT, "2024-03-15T02:30:00.000005Z"),
    ("tags", (Tag("need", "设备"), Tag("mark", "x")), [["need", "设备"], ["mark", "x"]]),
    ("tags", (), []),
    ("never_defined", "kept", "kept"),
]


@pytest.mark.parametrize(("key", "value", "stored"), TABLE)
def test_each_value_both_ways(key: str, value: Any, stored: Any) -> None:
    """A typed value has one stored form, which is JSON and gives the value back."""
    encoded = CODEC.encode(key, value)
    if not isinstance(value, bool):
        assert type(encoded) is type(stored)
    assert encoded == stored or (isinstance(value, bool) and bool(encoded) is value)
    back = CODEC.decode(key, json.loads(json.dumps(encoded)))
    assert back == value
    assert type(back) is type(value)


def test_objects_of_fields_that_are_gone() -> None:
    """What a kind of the host kept as an object stays as it is when its field is no longer defined."""
    assert CODEC.decode("never_defined", {"x": 1}) == {"x": 1}


def test_attachments() -> None:
    """A file is kept by name and location."""
    file = Attachment("a.pdf", "s3://bucket/a.pdf", 3, "digest")
    encoded = json.loads(json.dumps(CODEC.encode("file", file)))
    assert CODEC.decode("file", encoded) == file


def test_values_and_patches() -> None:
    """Whole mappings are kept and come back frozen."""
    values = {key: value for key, value, _ in TABLE if key not in ("tags", "archived_at")}
    back = CODEC.decode_values(json.loads(json.dumps(CODEC.encode_values(values))))
    assert isinstance(back, FrozenDict)
    assert back == values


def test_changes() -> None:
    """Field changes are kept as triples, tags, seals and blanks included."""
    changes = (
        FieldChange("price", None, Decimal("1.5")),
        FieldChange("secret", Sealed("a"), Sealed("b", "i")),
        FieldChange("tags", (), (Tag("need", "设备"),)),
        FieldChange("archived_at", AT, None),
    )
    stored = CODEC.encode_changes(changes)
    assert stored[0] == ["price", None, 1_500_000]
    assert CODEC.decode_changes(json.loads(json.dumps(stored))) == changes


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (AT, "2024-03-15T02:30:00.000005Z"),
        (datetime(2024, 3, 15, 10, 30, tzinfo=timezone(timedelta(hours=8))), "2024-03-15T02:30:00.000000Z"),
        (datetime(999, 1, 1, tzinfo=UTC), "0999-01-01T00:00:00.000000Z"),
    ],
)
def test_instants_have_a_fixed_width(moment: datetime, text: str) -> None:
    """Instants are UTC texts of one width, so that they sort as time does."""
    assert instant_to_text(moment) == text
    assert instant_from_text(text) == moment


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("code", "A1", ("A1",)),
        ("price", Decimal("1.5"), ("1500000",)),
        ("secret", Sealed("t", "blind", tail="end"), ("blind",)),
        ("secret", Sealed("t", "new", former=("old", "older")), ("new", "old", "older")),
        ("secret", Sealed("t"), ()),
    ],
)
def test_unique_keys(key: str, value: Any, found: tuple[str, ...]) -> None:
    """A unique value is found by its stored form, an encrypted one by its blind indexes."""
    assert unique_keys(MODULE, key, value) == found

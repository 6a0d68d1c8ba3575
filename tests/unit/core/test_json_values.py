"""Constants of criteria and rules as JSON."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from custinfo.core.json_values import value_from_json, value_to_json

TABLE: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (3, 3),
    (1.5, 1.5),
    ("成交", "成交"),
    (Decimal("1.50"), {"decimal": "1.50"}),
    (date(2024, 3, 15), {"date": "2024-03-15"}),
    (datetime(2024, 3, 15, 8, tzinfo=UTC), {"datetime": "2024-03-15T08:00:00+00:00"}),
    (datetime(2024, 3, 15, 8), {"datetime": "2024-03-15T08:00:00"}),  # noqa: DTZ001 - a time without zone is meant
    (("a", (Decimal(1), date(2024, 1, 1))), ["a", [{"decimal": "1"}, {"date": "2024-01-01"}]]),
    ((), []),
]


@pytest.mark.parametrize(("value", "data"), TABLE)
def test_each_type_both_ways(value: Any, data: Any) -> None:
    """A constant has one JSON form, from which it comes back with its type."""
    assert value_to_json(value) == data
    back = value_from_json(json.loads(json.dumps(data)))
    assert back == value
    assert type(back) is type(value)


def test_lists_come_back_as_tuples() -> None:
    """JSON has one kind of sequence; values are immutable."""
    assert value_from_json(value_to_json(["a", ["b"]])) == ("a", ("b",))


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"date": "13812345678"}, "expected a date"),
        ({"datetime": "13812345678"}, "expected a date and time"),
        ({"decimal": "1.5 13812345678"}, "expected a decimal"),
        ([{"date": "2024-02-30"}], "expected a date"),
    ],
)
def test_data_of_another_form_is_refused(data: Any, wanted: str) -> None:
    """What is no date, time or number raises ValueError, which does not show what it is."""
    with pytest.raises(ValueError, match="expected") as caught:
        value_from_json(data)
    assert str(caught.value) == wanted
    assert "13812345678" not in "".join(traceback.format_exception(caught.value))

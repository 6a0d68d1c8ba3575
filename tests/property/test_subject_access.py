"""What is gathered about a person is the same after it was written as JSON and read again."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from custinfo import CLEAR, ERASED, UNREADABLE, AccessLimit, Attachment, Held, Masked, SubjectAccess
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import RecordId

TEXTS = st.text(max_size=8)
NAMES = st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True)
ZONES = st.sampled_from((UTC, timezone(timedelta(hours=8))))
SINGLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    TEXTS,
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(timezones=ZONES),
    st.builds(Masked, TEXTS),
    st.builds(Attachment, TEXTS, TEXTS, st.none() | st.integers(), st.none() | TEXTS),
    st.sampled_from((ERASED, UNREADABLE, CLEAR)),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SINGLE, lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(NAMES, inner).map(FrozenDict)
)
SECTIONS = st.sampled_from(("record", "change", "request", "import", "access", "erasure"))
ITEMS = st.builds(
    Held, SECTIONS, NAMES, TEXTS.map(RecordId), st.dictionaries(NAMES, VALUES, max_size=4).map(FrozenDict)
)
LIMITS = st.builds(AccessLimit, NAMES, st.booleans(), st.lists(SECTIONS, max_size=3).map(tuple))
ANSWERS = st.builds(
    SubjectAccess,
    NAMES,
    TEXTS.map(RecordId),
    st.datetimes(timezones=st.just(UTC)),
    NAMES,
    st.dictionaries(NAMES, st.dictionaries(NAMES, TEXTS).map(FrozenDict)).map(FrozenDict),
    st.lists(LIMITS, max_size=2).map(tuple),
    st.lists(ITEMS, max_size=4).map(tuple),
)


def written(answer: SubjectAccess) -> str:
    """Return an answer as JSON."""
    file = io.StringIO()
    answer.write_json(file)
    return file.getvalue()


@given(ANSWERS)
def test_json_round_trip(answer: SubjectAccess) -> None:
    """Nothing is lost, and whether it is complete is what its items and limits say."""
    text = written(answer)
    assert SubjectAccess.from_json(text) == answer
    complete = not answer.limits and all(item.whole for item in answer)
    assert f'"complete": {"true" if complete else "false"}' in text.splitlines()[-1]


def test_a_day_is_no_instant() -> None:
    """Values of one type are written as that type, even where it is a subclass of another."""
    item = Held(
        "record", "m", RecordId("1"), FrozenDict({"a": date(2024, 3, 1), "b": datetime(2024, 3, 1, tzinfo=UTC)})
    )
    answer = SubjectAccess("m", RecordId("1"), datetime(2024, 3, 1, tzinfo=UTC), "ann", FrozenDict(), (), (item,))
    [found] = SubjectAccess.from_json(written(answer))
    assert {key: type(value) for key, value in found.data.items()} == {"a": date, "b": datetime}

"""What holds for every history: folding changes gives the records back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import changes_between, difference, fold, replay
from custinfo.core.records import Record, Sealed, Tag
from custinfo.core.stored import ValueCodec
from custinfo.testing._samples import NOW, make_change, make_record, sample_schema

VALUES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(min_size=1, max_size=3),
        "count": st.integers(-3, 3),
        "price": st.decimals(-5, 5, places=2),
        "active": st.booleans(),
        "colours": st.sampled_from([("red",), ("red", "blue")]),
        "secret": st.builds(Sealed, st.sampled_from(["t1", "t2"]), st.sampled_from([None, "i"])),
    },
)
STATES = st.tuples(
    VALUES,
    st.frozensets(st.sampled_from([Tag("need", "设备"), Tag("mark", "x"), Tag("mark", "y")])),
    st.sampled_from(["ann", "bob", None]),
    st.sampled_from(["sales", None]),
    st.sampled_from([None, NOW]),
)
HISTORIES = st.lists(STATES, min_size=1, max_size=8)
CODEC = ValueCodec(sample_schema().module("thing"))


def versions(states: list[tuple[Any, ...]]) -> list[Record]:
    """Return the versions of one record, a minute apart."""
    found = []
    for number, (values, tags, owner, department, archived_at) in enumerate(states, start=1):
        record = make_record(1, values, owner=owner, department=department, version=number, archived_at=archived_at)
        found.append(attrs.evolve(record, tags=tags, created_at=NOW, updated_at=NOW + timedelta(minutes=number - 1)))
    return found


def changes_of(records: list[Record]) -> list[Any]:
    """Return the change of each version."""
    return [make_change(before, after) for before, after in zip([None, *records], records, strict=False)]


@given(HISTORIES)
def test_folding_is_the_inverse_of_recording(states: list[tuple[Any, ...]]) -> None:
    """The changes of any sequence of versions give each version back."""
    records = versions(states)
    changes = changes_of(records)
    assert fold(changes) == records[-1]
    assert [after for _, after in replay(changes)] == records


@given(HISTORIES, st.integers(-30, 60 * 9))
def test_as_of_equals_the_naive_list(states: list[tuple[Any, ...]], seconds: int) -> None:
    """At every instant and version the folded state is the last one recorded by then."""
    records = versions(states)
    changes = changes_of(records)
    instant = NOW + timedelta(seconds=seconds)
    by_then = [record for record in records if record.updated_at <= instant]
    assert fold(changes, until=instant) == (by_then[-1] if by_then else None)
    for number in range(len(records) + 2):
        until = records[: min(number, len(records))]
        assert fold(changes, version=number) == (until[-1] if until else None)


@given(STATES, STATES)
def test_the_difference_is_exact_and_has_a_reverse(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """Applying the new values to the one gives the other; the other way round the pairs are turned."""
    before, after = versions([one, other])
    found = difference(before, after)
    assert difference(after, before) == {key: (new, old) for key, (old, new) in found.items()}
    values = {key: new for key, (_, new) in found.items() if key in {*before.values, *after.values}}
    assert before.patched(values) == after.values
    assert all(old != new for old, new in found.values())
    assert difference(before, before) == {}


@given(STATES, STATES)
def test_stored_changes_come_back(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """The codec of the stores keeps every change."""
    before, after = versions([one, other])
    for changes in (changes_between(None, before), changes_between(before, after)):
        assert CODEC.decode_changes(CODEC.encode_changes(changes)) == changes
    assert CODEC.decode_values(CODEC.encode_values(before.values)) == before.values
    assert isinstance(CODEC.decode_values({}), FrozenDict)

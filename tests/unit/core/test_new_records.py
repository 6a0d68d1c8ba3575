"""New records in columns: the texts that are stored of them say what the records themselves do."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.new_records import Creations, NewRecords
from custinfo.core.stored import ValueCodec
from custinfo.testing import NOW, record_id, sample_schema

CODEC = ValueCodec(sample_schema().module("thing"))

columns = st.integers(0, 4).flatmap(
    lambda number: st.fixed_dictionaries(
        {},
        optional={
            "title": st.lists(st.none() | st.text(max_size=4), min_size=number, max_size=number),
            "code": st.lists(st.sampled_from(['"', "{}", "%s", "甲,"]), min_size=number, max_size=number),
            "count": st.lists(st.none() | st.integers(0, 99), min_size=number, max_size=number),
        },
    ).map(lambda found: (number, found))
)


@given(columns)
def test_stored_texts(given_columns: tuple[int, dict[str, list[Any]]]) -> None:
    """Documents and changes are JSON of what each record and its creation hold, blanks left out."""
    number, columns = given_columns
    ids = [record_id(place) for place in range(number)]
    records = NewRecords("thing", ids, columns, ["li"] * number, [None] * number, "li", NOW)
    stored = records.stored(CODEC)
    assert [json.loads(text) for text in stored.documents()] == [CODEC.encode_values(item.values) for item in records]
    creations = Creations(records, "li")
    assert [json.loads(text) for text in stored.changes()] == [CODEC.encode_changes(item.fields) for item in creations]

"""Stores of documents are asked in lists that a database takes, and told which change it was that clashed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from typing import Any

import pytest

from custinfo.adapters.documents import DocumentUnit
from custinfo.core.errors import StaleVersionError
from custinfo.core.outbox import EventId
from custinfo.testing._samples import (
    NOW,
    make_change,
    make_event,
    make_record,
    make_request,
    next_version,
    record_id,
    sample_schema,
)
from tests.contract.test_own_repository import example

MANY = 1_203
IDS = [record_id(number) for number in range(1, MANY + 1)]


class _Watched(example.OwnStore):  # type: ignore[misc, name-defined]
    """A store that knows how long the lists were."""

    lengths: list[int]

    def meant(self, kind: str, where: Any) -> Any:
        self.lengths.extend(len(values) for values in where.values())
        return super().meant(kind, where)


def _settled(unit: DocumentUnit, settle: Callable[[list[EventId]], None]) -> Collection[object]:
    settle([event.id for event in unit.outbox.pending(MANY)])
    return ()


ASKED: dict[str, Callable[[DocumentUnit], Collection[object]]] = {
    "records": lambda unit: unit.records.get("thing", IDS),
    "histories": lambda unit: unit.log.of_records(IDS),
    "held histories": lambda unit: unit.rewriting.held_changes(IDS),
    "evidence": lambda unit: unit.log.evidence(dict.fromkeys(IDS, 1)),
    "requests": lambda unit: unit.approvals.open_for("thing", IDS),
    "events": lambda unit: _settled(unit, unit.outbox.acknowledge),
    "postponed events": lambda unit: _settled(unit, lambda ids: unit.outbox.postpone(ids, NOW)),
}
FOUND = {"records": MANY, "histories": MANY, "held histories": MANY, "requests": 2}


@pytest.mark.parametrize("name", ASKED)
def test_lists_are_never_longer_than_500(name: str) -> None:
    """Databases limit how many values a list may have, and all are found nevertheless."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(example.TABLE)
        store = _Watched(connection, "t")
        object.__setattr__(store, "lengths", [])
        unit = DocumentUnit(store, sample_schema())
        records = [make_record(number, {"title": f"n{number}"}) for number in range(1, MANY + 1)]
        unit.records.save(records)
        unit.history.append([make_change(None, record) for record in records])
        unit.outbox.append([make_event(number) for number in range(1, MANY + 1)])
        for number in (1, MANY):
            unit.approvals.save(make_request(number, record_id(number), {"title": "x"}))
        store.lengths.clear()
        assert len(ASKED[name](unit)) == FOUND.get(name, 0)
        assert max(store.lengths) <= 500
        assert name != "events" or not unit.outbox.pending(1)


def test_the_change_that_clashes_is_told() -> None:
    """Of several changes the one is named that is stored already, not the first."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(example.TABLE)
        unit = DocumentUnit(example.OwnStore(connection, "t"), sample_schema())
        first, second = make_record(1, {"title": "a"}), make_record(2, {"title": "b"})
        later = next_version(second)
        unit.history.append([make_change(None, second), make_change(second, later)])
        with pytest.raises(StaleVersionError) as caught:
            unit.history.append([make_change(None, first), make_change(second, later)])
        assert caught.value.problems[0].params == {"expected": 1, "actual": 2}
        assert unit.history.of_record("thing", record_id(1)) == []

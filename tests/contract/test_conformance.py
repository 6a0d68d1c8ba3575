"""Random histories: the stores play them as the model does, and a store with a mistake is found out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from custinfo.adapters.memory import MemoryUnits
from custinfo.core.schema import Schema
from custinfo.ports import Grouping, Query, UnitOfWork
from custinfo.testing import run_conformance


@pytest.mark.parametrize("seed", range(8))
def test_memory_conforms(seed: int) -> None:
    """Everything in dicts is as the model says, and the history has what is to be refused."""
    played = run_conformance(MemoryUnits, seed=seed, steps=600)
    refused = {"save stale_version", "save not_unique", "submit field_reserved", "append stale_version"}
    steps = {"save", "remove", "get", "holders", "ask", "append", "submit", "revise", "keep", "announce", "claim"}
    assert played.keys() >= {*steps, "postpone", "acknowledge", *refused}


def test_the_same_seed_plays_the_same_history() -> None:
    """What was found can be looked at again."""
    assert run_conformance(MemoryUnits, seed=5) == run_conformance(MemoryUnits, seed=5)
    assert run_conformance(MemoryUnits, seed=5) != run_conformance(MemoryUnits, seed=6)


class Changed:
    """A part of a unit with one method exchanged."""

    def __init__(self, part: Any, name: str, method: Callable[..., Any]) -> None:
        self._part = part
        setattr(self, name, partial(method, part))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)


class Mistaken:
    """A store in memory of whose repositories one has a mistake."""

    def __init__(self, port: str, name: str, method: Callable[..., Any]) -> None:
        self._units = MemoryUnits()
        self._mistake = (port, name, method)

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[UnitOfWork]:
        """Return a unit with the mistake."""
        port, name, method = self._mistake
        with self._units.begin(schema, tenant) as unit:
            setattr(unit, port, Changed(getattr(unit, port), name, method))
            yield unit


def overwrite(part: Any, records: Sequence[Any], /) -> None:
    """Save whatever comes, without a look at versions."""
    for record in records:
        stored = part.get(record.module, [record.id])
        part.remove(list(stored.values()))
        part._state.records[record.module, record.id] = record


def forget_holders(_part: Any, _module: str, _key: str, _values: Collection[str], /) -> Mapping[str, Any]:
    """Say that nobody has a value."""
    return {}


def ignore_direction(part: Any, query: Query, /) -> Sequence[Any]:
    """Return what is found the wrong way round."""
    found: list[Any] = list(part.find(query))
    return found[::-1]


def count_all(part: Any, query: Query, /) -> int:
    """Count without the criterion."""
    return int(part.count(Query(query.module)))


def forget_missing(part: Any, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
    """Leave out the group of missing values."""
    return {key: number for key, number in part.distribution(query, grouping).items() if key is not None}


def newest_first(part: Any, module: str, record_id: str, /) -> Sequence[Any]:
    """Return changes in the wrong order."""
    changes: list[Any] = list(part.of_record(module, record_id))
    return changes[::-1]


def closed_too(part: Any, module: str, record_ids: Collection[str], /) -> Sequence[Any]:
    """Return closed requests too."""
    found = [item for item in part._state.requests.values() if item.record_id in record_ids and item.module == module]
    return sorted(found, key=lambda item: (item.submitted_at, item.id))


def replace_any(part: Any, revision: Any, /, *, replacing: int) -> None:
    """Replace whatever version is in force."""
    assert replacing is not None
    part.save(revision, replacing=part.version())


@pytest.mark.parametrize(
    ("port", "name", "method"),
    [
        ("records", "save", overwrite),
        ("records", "holders", forget_holders),
        ("queries", "find", ignore_direction),
        ("queries", "count", count_all),
        ("queries", "distribution", forget_missing),
        ("history", "of_record", newest_first),
        ("approvals", "open_for", closed_too),
        ("configurations", "save", replace_any),
    ],
)
def test_a_mistake_is_found(port: str, name: str, method: Callable[..., Any]) -> None:
    """A store with one mistake is found out, and the error tells how to play it again."""
    with pytest.raises(AssertionError) as caught:
        run_conformance(lambda: Mistaken(port, name, method), seed=1, steps=1000)
    assert re.match(r"seed 1, step \d+, tenant (one|two), \w+: .* instead of ", str(caught.value), re.DOTALL)


def test_a_block_that_is_not_taken_back_is_found() -> None:
    """A store whose blocks keep what was done in them is found out."""

    class Careless(Mistaken):
        """Blocks without an effect."""

        @contextmanager
        def begin(self, schema: Schema, tenant: str, /) -> Iterator[UnitOfWork]:
            """Return a unit whose `atomic` does nothing."""
            with super().begin(schema, tenant) as unit:
                unit.atomic = self._nothing  # type: ignore[method-assign]
                yield unit

        @contextmanager
        def _nothing(self) -> Iterator[None]:
            yield

    with pytest.raises(AssertionError):
        run_conformance(lambda: Careless("records", "get", lambda part, *given: part.get(*given)), seed=1, steps=1000)

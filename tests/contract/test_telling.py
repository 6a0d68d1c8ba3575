"""A failing contract tells its author what is wrong, on whatever runner, and no thread keeps a failure to itself."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from custinfo.adapters.memory import MemoryUnits
from custinfo.core.organisation import Directory, Organisation
from custinfo.core.records import Record, Tag
from custinfo.core.schema import Schema
from custinfo.ports import Units
from custinfo.testing import (
    AccessContract,
    DirectoryContract,
    LogContract,
    PurgingContract,
    RepositoryContract,
    UpkeepContract,
    WritingContract,
    make_record,
)
from custinfo.testing._harness import Harness
from custinfo.testing._telling import same


class Losing(MemoryUnits):
    """A store that loses the tags of what it saves, and says whose error it likes in a thread."""

    raises: type[Exception] | None = None

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[Any]:
        """Return a unit with the mistake."""
        with super().begin(schema, tenant) as unit:
            save = unit.records.save

            def losing(records: Sequence[Record], /) -> None:
                if self.raises is not None and threading.current_thread() is not threading.main_thread():
                    raise self.raises("of the driver")
                save([attrs.evolve(record, tags=frozenset()) for record in records])

            unit.records.save = losing  # type: ignore[method-assign]
            yield unit


class Contract(RepositoryContract):
    """The contract on it; not collected, since it fails."""

    __test__ = False

    def units(self) -> Units:
        """Return the store."""
        return Losing()


def contract() -> Contract:
    """Return the contract, ready to run a test."""
    made = Contract()
    made.setup_method()
    return made


def test_a_failure_names_the_attribute() -> None:
    """What differs is said by path, and not by two records that look the same."""
    with pytest.raises(AssertionError) as caught:
        contract().test_get_returns_what_was_saved()
    assert str(caught.value) == (
        "[0].tags: too much nothing, missing Tag(dimension='mark', value='𠮷'), Tag(dimension='need', value='服务'), "
        "Tag(dimension='need', value='设备')"
    )


def test_what_a_thread_raises_fails_the_test() -> None:
    """A store that lets out an error of its driver does not pass for one that saved."""
    made = contract()
    made.store.raises = OSError  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="of the driver"):
        made.test_two_units_hold_a_version()


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        ((1, 2), [1, 3], "[1]: 2 instead of 3"),
        ([1], [1, 3], "the answer: [1] instead of [1, 3]"),
        ({"a": 1, "b": 2}, {"b": 2}, "['a']: 1, which should not be there"),
        ({"a": 1}, {"b": 1}, "['b']: missing, instead of 1"),
        ({"a": {1: [2]}}, {"a": {1: [3]}}, "['a'][1][0]: 2 instead of 3"),
        ("a", ["a"], "the answer: 'a' instead of ['a']"),
        (None, 0, "the answer: None instead of 0"),
        ({Tag("a", "b")}, set(), "the answer: too much Tag(dimension='a', value='b'), missing nothing"),
        (make_record(1), None, "instead of None"),
        (make_record(1, {"title": "a"}), make_record(1, {"title": "b"}), ".values['title']: 'a' instead of 'b'"),
    ],
)
def test_what_differs(found: object, expected: object, told: str) -> None:
    """Whatever is compared, the first line says where it differs."""
    with pytest.raises(AssertionError) as caught:
        same(found, expected, "asked")
    first, second, *_ = str(caught.value).splitlines()
    assert first == "asked:"
    assert told in second


def test_kinds_of_sequences_and_mappings_do_not_matter() -> None:
    """A port promises a `Sequence`, and not a list."""
    same((), [])
    same(range(2), [0, 1])
    same(make_record(1).values, {})


class Reversed:
    """A directory with everything of the one within, except that it finds others."""

    def __init__(self, people: Organisation) -> None:
        self._people = people

    def __getattr__(self, name: str) -> Any:
        return getattr(self._people, name)

    def find_member(self, text: str, /) -> str:
        """Find somebody."""
        return str(self._people.find_member(text) or "nobody")


def test_the_directory_contract_asks_nobody_for_the_answers() -> None:
    """A directory that answers wrongly is told of: what is right is written down."""

    class Wrong(DirectoryContract):
        def directory(self, people: Organisation) -> Directory:
            made: Any = Reversed(people)
            return made  # type: ignore[no-any-return]

    Wrong().test_members()
    with pytest.raises(AssertionError, match="find_member\\('韩梅'\\):"):
        Wrong().test_finding()


def test_contracts_need_no_pytest() -> None:
    """Every public name of `custinfo.testing` is there, and the contracts run, where pytest is not installed."""
    code = """
import sys
sys.modules["pytest"] = None
import custinfo.testing as testing
from custinfo.adapters.memory import MemoryUnits
names = [getattr(testing, name) for name in testing.__all__]
class Own(testing.RepositoryContract, testing.LogContract):
    def units(self):
        return MemoryUnits()
class People(testing.DirectoryContract):
    def directory(self, people):
        return people
own = Own()
own.setup_method()
own.test_get_returns_what_was_saved()
People().test_deputies()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_contracts_are_run_together() -> None:
    """A class that inherits several contracts of stores runs each as it is: none has a name that another one has."""
    contracts = (RepositoryContract, LogContract, AccessContract, UpkeepContract, PurgingContract, WritingContract)
    parts = {part for contract in contracts for part in contract.__mro__ if issubclass(part, Harness)}
    parts -= {RepositoryContract, Harness}
    names = Counter(name for part in parts for name in vars(part) if not name.startswith("__"))
    assert [name for name, times in names.items() if times > 1] == []

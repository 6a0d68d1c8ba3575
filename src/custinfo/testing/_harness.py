"""What all parts of the contract share."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from custinfo.core.binding import bind
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.records import Record
from custinfo.core.schema import Schema
from custinfo.ports import Order, Query, UnitOfWork, Units
from custinfo.testing._samples import NOW, record_id, sample_schema

__all__ = ["Harness", "raised_by"]

E = TypeVar("E", bound=BaseException)


def raised_by(error: type[E], action: Callable[[], Any]) -> E:
    """Return the error that `action` raises. Raises: AssertionError if it raises none."""
    try:
        action()
    except error as found:
        return found
    raise AssertionError(f"{error.__name__} was not raised")


class Harness:
    """Give the tests an empty store each, and short ways to fill and to ask it."""

    store: Units
    schema: Schema

    def units(self) -> Units:
        """Return the units of a fresh, empty store; called once for each test."""
        raise NotImplementedError

    def discard(self, units: Units) -> None:
        """Throw away what `units` returned; called after each test."""

    def setup_method(self) -> None:
        """Make the store of a test."""
        self.schema = sample_schema()
        self.store = self.units()

    def teardown_method(self) -> None:
        """Throw away the store of a test."""
        self.discard(self.store)

    def begin(self, tenant: str = "one") -> AbstractContextManager[UnitOfWork]:
        """Begin a unit of work of the sample configuration."""
        return self.store.begin(self.schema, tenant)

    def given(self, *records: Record) -> None:
        """Save records in a unit of their own."""
        with self.begin() as unit:
            unit.records.save(records)

    def bound(self, criterion: Criterion, module: str = "thing") -> Criterion:
        """Return a criterion bound to the sample configuration."""
        return bind(criterion, module, self.schema, NOW)

    def stored(self, *numbers: int, module: str = "thing") -> Sequence[Record | None]:
        """Return the records of these numbers as they are stored now, `None` for those that are not."""
        with self.begin() as unit:
            found = unit.records.get(module, [record_id(number) for number in numbers])
        return [found.get(record_id(number)) for number in numbers]

    def found(self, criterion: Criterion, module: str = "thing") -> list[int]:
        """Return the numbers of the records that meet a criterion, and check that they are counted alike."""
        query = Query(module, self.bound(criterion, module))
        with self.begin() as unit:
            numbers = [_number(record) for record in unit.queries.find(query)]
            assert unit.queries.count(query) == len(numbers)
        return numbers

    def ordered(self, *orders: Order, limit: int | None = None, after: tuple[Any, ...] | None = None) -> list[int]:
        """Return the numbers of all things in order."""
        with self.begin() as unit:
            return [
                _number(record) for record in unit.queries.find(Query("thing", order=orders, limit=limit, after=after))
            ]


def _number(record: Record) -> int:
    return int(record.id.rpartition("-")[2], 16)

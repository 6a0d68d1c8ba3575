"""What all parts of the contract share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Final, TypeVar

from custinfo.core.binding import bind
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.records import Record
from custinfo.core.schema import Schema
from custinfo.ports import Order, Query, UnitOfWork, Units
from custinfo.testing._samples import NOW, record_id, sample_schema
from custinfo.testing._telling import same, skip_without

__all__ = ["Harness", "raised_by"]

E = TypeVar("E", bound=BaseException)

_LACKING: Final = {
    "concurrent": "threads of the test may not share the store",
    "persistent": "the store ends with its units",
    "commits": "the host's transaction is around every unit",
    "searched": "what the store keeps is shown to nobody",
}


def raised_by(error: type[E], action: Callable[[], Any]) -> E:
    """Return the error that `action` raises. Raises: AssertionError if it raises none."""
    try:
        action()
    except error as found:
        return found
    raise AssertionError(f"{error.__name__} was not raised")


class Harness:
    """Give the tests an empty store each, and short ways to fill and to ask it."""

    concurrent: ClassVar[bool] = True
    persistent: ClassVar[bool] = True
    commits: ClassVar[bool] = True

    store: Units
    schema: Schema

    def units(self) -> Units:
        """Return the units of a fresh, empty store; called once for each test."""
        raise NotImplementedError

    def discard(self, units: Units) -> None:
        """Throw away what `units` returned; called after each test."""

    def reopen(self, units: Units) -> Units:
        """Return the same store as another process would open it, in place of these units; these, by default."""
        return units

    def leave_thread(self, units: Units) -> None:
        """Give back what belongs to a thread; called at the end of each one that a test begins."""

    def require(self, capability: str) -> None:
        """Skip the test, by the name of the capability, if the store lacks it."""
        skip_without(self, capability, _LACKING[capability])

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
        """Return a criterion bound to the sample configuration; encrypted values are their own blind index."""
        return bind(criterion, module, self.schema, NOW, lambda _module, _field, value: (str(value),))

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
            same(unit.queries.count(query), len(numbers), "the count of the same query")
        return numbers

    def ordered(self, *orders: Order, limit: int | None = None, after: tuple[Any, ...] | None = None) -> list[int]:
        """Return the numbers of all things in order."""
        with self.begin() as unit:
            return [
                _number(record) for record in unit.queries.find(Query("thing", order=orders, limit=limit, after=after))
            ]


def _number(record: Record) -> int:
    return int(record.id.rpartition("-")[2], 16)

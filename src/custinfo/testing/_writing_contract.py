"""What `WritingUnits` promises."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from custinfo.ports.units import UnitOfWork, Units, WritingUnits
from custinfo.testing._harness import raised_by
from custinfo.testing._samples import make_record, next_version, record_id
from custinfo.testing._telling import same
from custinfo.testing._threads import Action, Threads

__all__ = ["WritingContract"]


def _writing(units: Units) -> Units:
    assert isinstance(units, WritingUnits), f"{type(units).__name__} has no `writing`"
    return units.writing()


class WritingContract(Threads):
    """Test every promise of `custinfo.ports.WritingUnits`, for stores that have it: inherit it as the others."""

    def writing(self, tenant: str = "one") -> AbstractContextManager[UnitOfWork]:
        """Begin a unit that may write from its beginning."""
        return _writing(self.store).begin(self.schema, tenant)

    def test_they_are_on_the_same_store(self) -> None:
        """What one kind of units saves the other kind reads, each tenant for itself."""
        first, second = make_record(1, {"title": "a"}), make_record(2, {"title": "b"})
        self.given(first)
        with self.writing() as unit:
            same(dict(unit.records.get("thing", [first.id])), {first.id: first})
            unit.records.save([second])
        same(self.stored(1, 2), [first, second])
        with self.writing("two") as unit:
            same(dict(unit.records.get("thing", [first.id, second.id])), {})

    def test_those_that_fail_leave_nothing_and_give_their_turn_back(self) -> None:
        """A unit that raises is rolled back, and whoever comes next need not wait."""
        self.require("commits")
        raised_by(ZeroDivisionError, self._write_and_fail)
        with self.writing() as unit:
            same(dict(unit.records.get("thing", [record_id(1)])), {})
            unit.records.save([make_record(2)])
        self.given(make_record(3))
        same(self.stored(1, 2, 3), [None, make_record(2), make_record(3)])

    def test_units_that_have_read_may_write(self) -> None:
        """Of two units that read everything and then write different records, both come to their end at once.

        This is what they are for: where units may not write from their beginning, the second one may be sent away.
        """
        self.require("concurrent")
        records = [make_record(number, {"title": "a"}) for number in (1, 2)]
        self.given(*records)

        def save(place: int) -> Action:
            def action(unit: UnitOfWork, meet: Callable[[], None]) -> None:
                unit.records.get("thing", [record.id for record in records])
                meet()
                unit.records.save([next_version(records[place], title="b")])

            return action

        same(self.together(save(0), save(1), begin=self.writing), [None, None])
        same(self.stored(1, 2), [next_version(record, title="b") for record in records])

    def test_they_may_be_asked_for_again(self) -> None:
        """Units that write give such units, too; those that were there before go on beside them."""
        self.given(make_record(1))
        again = _writing(_writing(self.store))
        with self.begin() as unit:
            same(dict(unit.records.get("thing", [record_id(1)])), {record_id(1): make_record(1)})
        with again.begin(self.schema, "one") as unit:
            unit.records.save([make_record(2)])
        same(self.stored(1, 2), [make_record(1), make_record(2)])

    def _write_and_fail(self) -> None:
        with self.writing() as unit:
            unit.records.save([make_record(1)])
            _ = 1 // 0

"""What `HistoryRepository` promises."""

from __future__ import annotations

import attrs

from custinfo.core.errors import StaleVersionError
from custinfo.core.history.changes import FieldChange, fold
from custinfo.core.records import Sealed
from custinfo.testing._harness import Harness, raised_by
from custinfo.testing._samples import NOW, full_record, make_change, make_record, next_version, record_id
from custinfo.testing._telling import same

__all__ = ["HistoryContract"]


class HistoryContract(Harness):
    """Changes come back equal and in order."""

    def test_changes_come_back_in_order(self) -> None:
        """All changes of a record come back equal, oldest first, and fold to its last version."""
        first = full_record(1)
        second = make_record(1, {"title": "新"}, version=2, owner="bob", archived_at=NOW)
        third = next_version(second, secret=Sealed("t", "i"))
        details = {
            "reason": "因为'\"",
            "on_behalf_of": "bob",
            "approval": "r",
            "batch": "b",
            "configuration_version": 7,
        }
        changes = [make_change(None, first), make_change(first, second, **details), make_change(second, third)]
        with self.begin() as unit:
            unit.history.append(changes[2:])
            unit.history.append([changes[1], changes[0], make_change(None, make_record(2))])
            same(list(unit.history.of_record("thing", record_id(1))), changes)
        same(fold(changes), third)

    def test_changes_of_nothing(self) -> None:
        """A record without changes has none; appending nothing is nothing."""
        with self.begin() as unit:
            unit.history.append([])
            same(list(unit.history.of_record("thing", record_id(1))), [])
            same(list(unit.history.of_batch("b")), [])

    def test_changes_of_a_batch(self) -> None:
        """The changes of an import come in order of record and version."""
        records = [make_record(number) for number in (3, 1, 2)]
        changes = [make_change(None, record, batch="b" if record.id != record_id(2) else "c") for record in records]
        later = make_change(records[1], next_version(records[1], title="x"), batch="b")
        with self.begin() as unit:
            unit.history.append([later, *changes])
            same(list(unit.history.of_batch("b")), [changes[1], later, changes[0]])

    def test_a_version_has_one_change(self) -> None:
        """A second change to the same version of a record is refused, and none of that call is kept."""
        first, second = make_change(None, make_record(1)), make_change(None, make_record(2))
        with self.begin() as unit:
            unit.history.append([first])
            raised_by(StaleVersionError, lambda: unit.history.append([second, first]))
            same(list(unit.history.of_record("thing", record_id(2))), [])
            same(list(unit.history.of_record("thing", record_id(1))), [first])

    def test_history_outlives_the_record(self) -> None:
        """The changes of a removed record stay."""
        record = make_record(1)
        self.given(record)
        with self.begin() as unit:
            unit.history.append([make_change(None, record)])
            unit.records.remove([record])
        with self.begin() as unit:
            same(list(unit.history.of_record("thing", record_id(1))), [make_change(None, record)])

    def test_history_is_the_tenants_own(self) -> None:
        """Another tenant sees no changes."""
        with self.begin() as unit:
            unit.history.append([make_change(None, make_record(1), batch="b")])
        with self.begin("two") as unit:
            same(list(unit.history.of_record("thing", record_id(1))), [])
            same(list(unit.history.of_batch("b")), [])

    def test_changes_of_fields_that_are_gone(self) -> None:
        """A change of a field that is no longer defined keeps its stored form."""
        change = attrs.evolve(make_change(None, make_record(1)), fields=(FieldChange("former", None, "text"),))
        with self.begin() as unit:
            unit.history.append([change])
            same(list(unit.history.of_record("thing", record_id(1))), [change])

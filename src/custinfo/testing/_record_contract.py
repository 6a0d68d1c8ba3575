"""The promises of `RecordRepository` and of units of work."""

from __future__ import annotations

from datetime import timedelta

import attrs

from custinfo.core.errors import DuplicateValueError, StaleVersionError
from custinfo.core.records import Sealed
from custinfo.core.revisions import Revision
from custinfo.ports import Units
from custinfo.testing._harness import Harness, raised_by
from custinfo.testing._samples import NOW, full_record, make_change, make_record, next_version, record_id
from custinfo.testing._telling import same

__all__ = ["RecordContract"]


class _OwnError(Exception):
    """An error that the store knows nothing of."""


class RecordContract(Harness):
    """Records: get, save, remove, holders; units: kept, taken back, one tenant each."""

    def test_get_returns_what_was_saved(self) -> None:
        """A record comes back equal, with a value of every kind and with tags."""
        record = full_record(1)
        self.given(record)
        same(self.stored(1), [record])

    def test_a_bare_record_comes_back(self) -> None:
        """A record without values, tags, owner and department comes back equal."""
        record = make_record(1, owner=None, department=None)
        self.given(record)
        same(self.stored(1), [record])

    def test_instants_come_back_to_the_microsecond(self) -> None:
        """Neither the times of a record nor those among its values lose a part of their second."""
        tick = timedelta(microseconds=1)
        record = make_record(1, {"seen": NOW + tick, "met": NOW - tick}, archived_at=NOW + 999_999 * tick)
        record = attrs.evolve(record, created_at=NOW - 123_456 * tick, updated_at=NOW + 100_000 * tick)
        self.given(record)
        same(self.stored(1), [record])

    def test_get_returns_those_that_exist(self) -> None:
        """Ids that are not stored, or are of another module, are left out."""
        first, note = make_record(1), make_record(2, module="thing_note")
        self.given(first, note)
        same(self.stored(1, 2, 3), [first, None, None])
        with self.begin() as unit:
            same(unit.records.get("thing", []), {})
            same(unit.records.get("thing", [record_id(3)]), {})

    def test_get_takes_many_ids(self) -> None:
        """Two thousand ids are looked up at once."""
        records = [make_record(number) for number in range(2000)]
        self.given(*records)
        same(self.stored(*range(2000)), records)

    def test_save_of_nothing(self) -> None:
        """Saving and removing no records is nothing."""
        with self.begin() as unit:
            unit.records.save([])
            unit.records.remove([])

    def test_save_replaces_the_version_before(self) -> None:
        """The new version takes the place of the old one, values, tags, owner and all."""
        old = full_record(1)
        new = make_record(1, {"title": "新"}, tags=[("need", "服务")], owner="bob", department=None, version=2)
        archived = make_record(1, {"count": 1}, version=3, archived_at=NOW)
        self.given(old)
        self.given(new)
        same(self.stored(1), [new])
        self.given(archived)
        same(self.stored(1), [archived])

    def test_save_of_several_modules(self) -> None:
        """New and old records of several modules are saved by one call."""
        thing = make_record(1, {"title": "a"})
        self.given(thing)
        newer, note = next_version(thing, title="b"), make_record(2, {"text": "n"}, module="thing_note")
        self.given(note, newer)
        same(self.stored(1), [newer])
        same(self.stored(2, module="thing_note"), [note])

    def test_a_stale_version_is_refused(self) -> None:
        """A version other than the next one is refused, with both versions told, and nothing is saved."""
        record = make_record(1, {"title": "a"})
        self.given(record)
        for version, expected in ((1, 0), (3, 2)):
            other = make_record(2, {"title": "other"})
            stale = make_record(1, {"title": "b"}, version=version)
            error = raised_by(StaleVersionError, lambda other=other, stale=stale: self.given(other, stale))  # type: ignore[misc]
            same(error.problems[0].params, {"expected": expected, "actual": 1})
            same(self.stored(1, 2), [record, None])

    def test_a_record_that_is_gone_is_stale(self) -> None:
        """Saving or removing a record that is not stored says that its version is 0."""
        gone = make_record(1, version=2)
        error = raised_by(StaleVersionError, lambda: self.given(gone))
        same(error.problems[0].params, {"expected": 1, "actual": 0})
        with self.begin() as unit:
            error = raised_by(StaleVersionError, lambda: unit.records.remove([gone]))
        same(error.problems[0].params, {"expected": 2, "actual": 0})

    def test_a_unit_goes_on_after_a_refusal(self) -> None:
        """After a conflict, the unit works on, and keeps what it saved before and after."""
        first, second, third = (make_record(number, {"code": f"c{number}"}) for number in (1, 2, 3))
        with self.begin() as unit:
            unit.records.save([first])
            raised_by(StaleVersionError, lambda: unit.records.save([second, first]))
            raised_by(DuplicateValueError, lambda: unit.records.save([second, make_record(9, {"code": "c1"})]))
            unit.records.save([third])
        same(self.stored(1, 2, 3, 9), [first, None, third, None])

    def test_remove_deletes(self) -> None:
        """A removed record is gone, and its unique values are free."""
        self.given(full_record(1))
        with self.begin() as unit:
            unit.records.remove([full_record(1)])
            same(unit.records.holders("thing", "code", ["C-1"]), {})
        same(self.stored(1), [None])
        self.given(full_record(1))
        same(self.stored(1), [full_record(1)])

    def test_remove_is_all_or_nothing(self) -> None:
        """If one of the versions is another, nothing is deleted."""
        first, second = make_record(1), make_record(2)
        self.given(first, second)
        with self.begin() as unit:
            error = raised_by(StaleVersionError, lambda: unit.records.remove([first, next_version(second)]))
        same(error.problems[0].params, {"expected": 2, "actual": 1})
        same(self.stored(1, 2), [first, second])

    def test_unique_values_have_one_holder(self) -> None:
        """A value of a unique field belongs to one record; the error names the field, and nothing is saved."""
        first = make_record(1, {"code": "甲"})
        self.given(first)
        error = raised_by(
            DuplicateValueError, lambda: self.given(make_record(2), make_record(3, {"title": "x", "code": "甲"}))
        )
        same([problem.field for problem in error.problems], ["code"])
        same(self.stored(1, 2, 3), [first, None, None])

    def test_unique_values_within_one_call(self) -> None:
        """Two records of one call may not share a value."""
        twins = [make_record(number, {"secret": Sealed(f"token-{number}", "same")}) for number in (1, 2)]
        error = raised_by(DuplicateValueError, lambda: self.given(*twins))
        same([problem.field for problem in error.problems], ["secret"])
        same(self.stored(1, 2), [None, None])

    def test_unique_compares_exactly(self) -> None:
        """Letter case, width and blanks at the end make values different; so does the field."""
        codes = ("a", "A", "Ａ", "a ", "á", "a" * 499 + "b")
        self.given(*(make_record(number, {"code": code}) for number, code in enumerate(codes)))
        with self.begin() as unit:
            holders = unit.records.holders("thing", "code", [*codes, "b"])
            same(holders, {code: record_id(number) for number, code in enumerate(codes)})
            same(unit.records.holders("thing", "secret", codes), {})

    def test_unique_compares_long_texts(self) -> None:
        """Long values are told apart by their last character."""
        indexes = ["a" * 1000 + end for end in "bc"]
        self.given(
            *(make_record(number, {"secret": Sealed("t", index)}) for number, index in enumerate(indexes)),
        )
        with self.begin() as unit:
            holders = unit.records.holders("thing", "secret", [*indexes, "a" * 1000])
            same(holders, {index: record_id(number) for number, index in enumerate(indexes)})

    def test_unique_counts_live_records_only(self) -> None:
        """An archived record holds no unique value, and gets it back only if nobody has it by then."""
        first = make_record(1, {"code": "x"})
        archived = make_record(1, {"code": "x"}, version=2, archived_at=NOW)
        second = make_record(2, {"code": "x"})
        self.given(first)
        self.given(archived)
        self.given(second)
        with self.begin() as unit:
            same(unit.records.holders("thing", "code", ["x"]), {"x": record_id(2)})
        raised_by(DuplicateValueError, lambda: self.given(make_record(1, {"code": "x"}, version=3)))
        same(self.stored(1), [archived])

    def test_unique_values_change_hands_within_one_call(self) -> None:
        """Two records may exchange their values in one call."""
        first, second = make_record(1, {"code": "x"}), make_record(2, {"code": "y"})
        self.given(first, second)
        self.given(next_version(first, code="y"), next_version(second, code="x"))
        with self.begin() as unit:
            same(unit.records.holders("thing", "code", ["x", "y"]), {"x": record_id(2), "y": record_id(1)})

    def test_a_sealed_value_is_found_by_its_index(self) -> None:
        """A sealed value without an index is not unique, one with an index is."""
        self.given(
            make_record(1, {"secret": Sealed("t1")}),
            make_record(2, {"secret": Sealed("t2")}),
            make_record(3, {"secret": Sealed("t3", "i3")}),
        )
        with self.begin() as unit:
            same(unit.records.holders("thing", "secret", ["t1", "i3"]), {"i3": record_id(3)})

    def test_an_error_takes_back_the_unit(self) -> None:
        """What a unit did is taken back if its block raises."""
        kept = make_record(1)
        self.given(kept)

        def fail() -> None:
            with self.begin() as unit:
                unit.records.save([make_record(2), next_version(kept, title="b")])
                raise _OwnError

        raised_by(_OwnError, fail)
        same(self.stored(1, 2), [kept, None])

    def test_commit_keeps_what_was_done_so_far(self) -> None:
        """What was committed stays when the block raises later."""
        self.require("commits")

        def fail() -> None:
            with self.begin() as unit:
                unit.records.save([make_record(1)])
                unit.commit()
                unit.records.save([make_record(2)])
                raise _OwnError

        raised_by(_OwnError, fail)
        same(self.stored(1, 2), [make_record(1), None])

    def test_what_is_stored_outlives_the_units(self) -> None:
        """Another process finds what was kept: a record, its change, and the version of the configuration."""
        self.require("persistent")
        record = full_record(1)
        with self.begin() as unit:
            unit.records.save([record])
            unit.history.append([make_change(None, record)])
            unit.configurations.save(Revision(2, "{}", NOW), replacing=0)
        self.store: Units = self.reopen(self.store)
        with self.begin() as unit:
            same(unit.records.get("thing", [record.id]), {record.id: record})
            same(list(unit.history.of_record("thing", record.id)), [make_change(None, record)])
            same(unit.configurations.version(), 2)

    def test_atomic_takes_back_its_block(self) -> None:
        """A block within a unit is taken back if it raises; what is around it stays."""

        def fail() -> None:
            with unit.atomic():
                unit.records.save([make_record(2, {"code": "x"})])
                with unit.atomic():
                    unit.records.save([make_record(3)])
                raise _OwnError

        with self.begin() as unit:
            unit.records.save([make_record(1)])
            raised_by(_OwnError, fail)
            same(set(unit.records.get("thing", [record_id(1), record_id(2), record_id(3)])), {record_id(1)})
            with unit.atomic():
                unit.records.save([make_record(4, {"code": "x"})])
        same(self.stored(1, 2, 3, 4), [make_record(1), None, None, make_record(4, {"code": "x"})])

    def test_a_unit_sees_its_own_changes(self) -> None:
        """What was saved is read in the same unit."""
        with self.begin() as unit:
            unit.records.save([make_record(1, {"code": "x"})])
            same(unit.records.get("thing", [record_id(1)]), {record_id(1): make_record(1, {"code": "x"})})
            same(unit.records.holders("thing", "code", ["x"]), {"x": record_id(1)})

    def test_tenants_do_not_meet(self) -> None:
        """The same ids and unique values may be stored by several tenants; none sees another's."""
        mine, theirs = make_record(1, {"code": "x"}), make_record(1, {"code": "x", "title": "other"})
        self.given(mine)
        with self.begin("two") as unit:
            same(unit.records.get("thing", [record_id(1)]), {})
            same(unit.records.holders("thing", "code", ["x"]), {})
            unit.records.save([theirs])
        same(self.stored(1), [mine])
        with self.begin("two") as unit:
            same(unit.records.get("thing", [record_id(1)]), {record_id(1): theirs})
            unit.records.remove([theirs])
        same(self.stored(1), [mine])

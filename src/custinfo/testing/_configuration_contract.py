"""The promises of `ConfigurationRepository`, `RecordRepository.reindex` and `UnitOfWork.under`."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from custinfo.core.errors import ConflictError, DuplicateValueError
from custinfo.core.records import RecordId
from custinfo.core.revisions import Revision
from custinfo.core.schema import Schema
from custinfo.testing._harness import Harness, raised_by
from custinfo.testing._samples import NOW, make_record, next_version, record_id, sample_configuration, sample_schema
from custinfo.testing._telling import same

__all__ = ["ConfigurationContract"]


def _revision(version: int, **details: Any) -> Revision:
    return Revision(version, '{"名": "值 \' \\" \\\\ %"}', NOW + timedelta(seconds=version), **details)


def _schema(**title: Any) -> Schema:
    """Return the sample configuration with another definition of `title`."""
    return sample_schema(sample_configuration().change_field("thing", "title", **title))


class ConfigurationContract(Harness):
    """Revisions come back equal and follow each other; records are seen as a configuration says."""

    def test_revisions_come_back(self) -> None:
        """What was saved comes back equal, in order; the last one is in force."""
        first = _revision(4)
        second = _revision(5, actor="ann", reason="因为'\"", undone=4)
        with self.begin() as unit:
            same(unit.configurations.version(), 0)
            same(list(unit.configurations.all()), [])
            assert unit.configurations.get(4) is None
            unit.configurations.save(first, replacing=0)
            unit.configurations.save(second, replacing=4)
        with self.begin() as unit:
            same(unit.configurations.version(), 5)
            same(list(unit.configurations.all()), [first, second])
            same(unit.configurations.get(4), first)
            assert unit.configurations.get(6) is None

    def test_the_second_of_two_administrators_is_told(self) -> None:
        """A revision that replaces one no longer in force is refused, and the unit goes on."""
        with self.begin() as unit:
            unit.configurations.save(_revision(2), replacing=0)
            error = raised_by(ConflictError, lambda: unit.configurations.save(_revision(3), replacing=0))
            same(error.code, "configuration_changed")
            same(dict(error.problems[0].params), {"expected": 0, "actual": 2})
            unit.configurations.save(_revision(3), replacing=2)
            same([revision.version for revision in unit.configurations.all()], [2, 3])

    def test_holding_a_version(self) -> None:
        """The version in force may be held any number of times; another one is refused."""
        with self.begin() as unit:
            unit.configurations.hold(0)
            unit.configurations.hold(0)
            unit.configurations.save(_revision(2), replacing=0)
            unit.configurations.hold(2)
            same(raised_by(ConflictError, lambda: unit.configurations.hold(0)).code, "configuration_changed")

    def test_revisions_of_tenants_are_apart(self) -> None:
        """Each tenant has its own version in force."""
        with self.begin("one") as unit:
            unit.configurations.save(_revision(2), replacing=0)
        with self.begin("two") as unit:
            same(unit.configurations.version(), 0)
            unit.configurations.save(_revision(7), replacing=0)
        with self.begin("one") as unit:
            same([revision.version for revision in unit.configurations.all()], [2])

    def test_a_revision_that_is_taken_back(self) -> None:
        """A revision is part of the transaction: taken back with it, the one before is in force."""
        with self.begin() as unit:
            unit.configurations.save(_revision(2), replacing=0)
            with suppress(ConflictError), unit.atomic():
                unit.configurations.save(_revision(3), replacing=2)
                unit.configurations.hold(2)
            same(unit.configurations.version(), 2)
            assert unit.configurations.get(3) is None

    def test_another_configuration_in_the_same_transaction(self) -> None:
        """Records saved as one configuration has them are read at once by another, and the other way round."""
        record = make_record(1, {"title": "12"})
        with self.begin() as unit:
            unit.records.save([record])
            other = unit.under(_schema(kind="long_text"))
            same(other.records.get("thing", [record.id])[record.id], record)
            changed = next_version(record, title="13")
            other.records.save([changed])
            same(unit.records.get("thing", [record.id])[record.id], changed)

    def test_a_field_becomes_unique(self) -> None:
        """Reindexing claims the values of live records for the configuration at hand; versions stay."""
        records = [make_record(1, {"title": "a"}), make_record(2, {"title": "b"}), make_record(3, archived_at=NOW)]
        with self.begin() as unit:
            unit.records.save(records)
            other = unit.under(_schema(unique=True))
            same(dict(other.records.holders("thing", "title", ["a", "b"])), {})
            other.records.reindex(records)
            same(dict(other.records.holders("thing", "title", ["a", "b"])), {"a": record_id(1), "b": record_id(2)})
            error = raised_by(DuplicateValueError, lambda: other.records.save([make_record(4, {"title": "a"})]))
            same(error.code, "not_unique")
            same(unit.records.get("thing", [record_id(1)])[record_id(1)], records[0])

    def test_clashes_of_a_field_that_becomes_unique(self) -> None:
        """Two live records of one value are refused, and nothing is claimed."""
        records = [make_record(number, {"title": "a"}) for number in (1, 2)]
        with self.begin() as unit:
            unit.records.save(records)
            other = unit.under(_schema(unique=True))
            error = raised_by(DuplicateValueError, lambda: other.records.reindex(records))
            same([problem.field for problem in error.problems], ["title"])
            same(dict(other.records.holders("thing", "title", ["a"])), {})

    def test_a_field_that_was_unique_before(self) -> None:
        """What a record claimed under an earlier configuration is gone with the value that it had."""
        schema = _schema(unique=True)
        first, second = make_record(1, {"title": "a"}), make_record(2, {"title": "c"})
        with self.begin() as unit:
            unit.under(schema).records.save([first, second])
            moved, taken = next_version(first, title="b"), next_version(second, title="a")
            unit.records.save([moved])
            unit.records.save([taken])
            other = unit.under(schema)
            other.records.reindex([taken])
            other.records.reindex([moved])
            found = dict(other.records.holders("thing", "title", ["a", "b", "c"]))
            same(found, {"a": RecordId(taken.id), "b": RecordId(moved.id)})

    def test_a_field_that_is_unique_no_more(self) -> None:
        """Reindexing gives up what the configuration at hand does not claim: who saves under it is not in the way."""
        record = make_record(1, {"title": "a", "code": "x"})
        with self.begin() as unit:
            unique = unit.under(_schema(unique=True))
            unique.records.save([record])
            unit.records.reindex([record])
            same(dict(unique.records.holders("thing", "title", ["a"])), {})
            same(dict(unit.records.holders("thing", "code", ["x"])), {"x": record_id(1)})
            unique.records.save([make_record(2, {"title": "a"})])
            same(dict(unique.records.holders("thing", "title", ["a"])), {"a": record_id(2)})

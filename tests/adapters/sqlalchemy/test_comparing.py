"""A record that was read is written where it differs; its rows are those of one that nobody has read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.records import Record, Share, Tag
from custinfo.ports import Query
from custinfo.testing import full_record, make_record, next_version, sample_schema
from custinfo.testing.strategies import records
from tests.databases import MARIADB, POSTGRESQL, throw_away_units

SCHEMA = sample_schema()


@pytest.fixture(scope="module", params=["sqlite://", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def units(request: pytest.FixtureRequest) -> Iterator[SqlAlchemyUnits]:
    """Give a store of each database."""
    with throw_away_units(request.param) as units:
        yield units


def rows(units: SqlAlchemyUnits, engine: Engine, tenant: str) -> list[list[Any]]:
    """Return the rows of a tenant, without what names the tenant or follows from its name."""
    tables = units.tables
    found = []
    with engine.connect() as connection:
        for table in (tables.record, tables.document, tables.tag, tables.share, tables.unique, tables.title):
            columns = [column for column in table.c if column.name not in ("tenant_id", "doc", "grams", "tokens")]
            statement = select(*columns).where(table.c.tenant_id == tenant)
            found.append(sorted((tuple(row) for row in connection.execute(statement)), key=repr))
    return found


def followed(before: Record, wanted: Record) -> Record:
    """Return the next version of a record, which is as another one."""
    kept = attrs.evolve(wanted, id=before.id, created_at=before.created_at, created_by=before.created_by)
    return attrs.evolve(kept, version=before.version + 1, updated_at=next_version(before).updated_at)


def apart(records: Sequence[Record]) -> list[Record]:
    """Return records of which none has the secret of one before it: the field is unique."""
    seen: set[str | None] = {None}
    found = []
    for record in records:
        index = getattr(record.values.get("secret"), "index", None)
        found.append(attrs.evolve(record, values=record.values.without("secret")) if index in seen else record)
        seen.add(index)
    return found


def assert_same_rows(units: SqlAlchemyUnits, old: Sequence[Record], new: Sequence[Record], *, read: int) -> None:
    """Save records and their next versions, of which `read` are read before in one tenant, and none in another."""
    found = []
    for tenant, reading in (("reading", read), ("blind", 0)):
        with units.begin(SCHEMA, tenant) as unit:
            for module in ("thing", "thing_note"):
                unit.records.remove(unit.queries.find(Query(module)))  # a tenant of its own takes longer
            unit.records.save(old)
        with units.begin(SCHEMA, tenant) as unit:
            for module in ("thing", "thing_note"):
                unit.records.get(module, [record.id for record in old[:reading]])
            unit.records.save(new)
        with units.begin(SCHEMA, tenant) as unit:
            for record in new:
                assert unit.records.get(record.module, [record.id])[record.id] == record
        engine = units._source
        assert isinstance(engine, Engine)
        found.append(rows(units, engine, tenant))
    assert found[0] == found[1]


@given(st.data())
def test_rows_are_the_same_whether_or_not_records_were_read(units: SqlAlchemyUnits, data: st.DataObject) -> None:
    """Values, tags, shares, digests, titles and slots: all that a record has, or has no more."""
    old = [record for record in data.draw(records(most=3)) if record.module == "thing"]
    others = [record for record in data.draw(records(most=3)) if record.module == "thing"]
    new = [followed(before, wanted) for before, wanted in zip(old, others, strict=False)]
    new += [next_version(record) for record in old[len(new) :]]
    assert_same_rows(units, old, apart(new), read=data.draw(st.integers(0, len(old))))


CASES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a value": {"values": full_record(1).values.set("size", 7)},
    "a value less": {"values": full_record(1).values.without("file", "day", "secret")},
    "the title": {"values": full_record(1).values.set("title", "另一名称")},
    "a unique value": {"values": full_record(1).values.set("code", "C-other")},
    "tags": {"tags": frozenset({Tag("mark", "x")})},
    "no tags": {"tags": frozenset()},
    "a share": {"shares": frozenset({Share("role", "seller")})},
    "no shares": {"shares": frozenset()},
    "the department": {"department": "east", "owner": "bob"},
    "nobody": {"department": None, "owner": None},
    "archived": {"archived_at": full_record(1).updated_at},
    "keys": {"data_keys": full_record(1).data_keys.set("secret", "wrapped")},
}


@pytest.mark.parametrize("case", CASES)
def test_one_record_of_which_something_differs(units: SqlAlchemyUnits, case: str) -> None:
    """Each part of a record is written where it differs."""
    before = full_record(1)
    assert_same_rows(units, [before], [attrs.evolve(next_version(before), **CASES[case])], read=1)


def test_records_of_two_modules_at_once(units: SqlAlchemyUnits) -> None:
    """Modules have slots of their own."""
    old = [full_record(1), make_record(7, {"text": "一"}, module="thing_note"), full_record(2)]
    new = [next_version(old[0], count=1), next_version(old[1], text="二"), next_version(old[2], count=2)]
    assert_same_rows(units, old, new, read=2)

"""Slots for indexed fields."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs
import pytest
from sqlalchemy import Engine, MetaData, create_engine, inspect, select

from custinfo.adapters.sqlalchemy import NUMBER_SLOTS, TEXT_SLOTS, SqlAlchemyUnits, make_tables
from custinfo.adapters.sqlalchemy.tables import Tables
from custinfo.core.configuration import Configuration
from custinfo.core.criteria import Compare, F
from custinfo.core.errors import ConfigurationError, MissingExtraError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.revisions import Revision
from custinfo.core.schema import Schema
from custinfo.ports import Order, Query
from custinfo.testing import make_record, record_id, sample_directory
from tests.databases import throw_away_units


def schema_of(*fields: FieldDefinition) -> Schema:
    """Return the configuration of a module with these fields."""
    module = ModuleDefinition("thing", fields)
    return Schema(Configuration((module,)), sample_directory(), ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def units() -> Iterator[SqlAlchemyUnits]:
    """Open SQLite in memory."""
    with throw_away_units("sqlite://") as units:
        yield units


def claimed(units: SqlAlchemyUnits) -> dict[str, tuple[str, str]]:
    """Return field → slot and state."""
    slot = units.tables.slot
    assert isinstance(units._source, Engine)
    with units._source.connect() as connection:
        rows = connection.execute(select(slot.c.field, slot.c.slot, slot.c.state)).all()
    return {field: (column, state) for field, column, state in rows}


def contents(units: SqlAlchemyUnits, *columns: str) -> list[tuple[object, ...]]:
    """Return columns of all records, in order of id."""
    record = units.tables.record
    assert isinstance(units._source, Engine)
    with units._source.connect() as connection:
        rows = connection.execute(select(*(record.c[name] for name in columns)).order_by(record.c.id)).all()
    return [tuple(row) for row in rows]


def test_slots_are_claimed_in_order(units: SqlAlchemyUnits) -> None:
    """Indexed fields get the first free column of their type, in the order of the fields."""
    schema = schema_of(
        FieldDefinition("a", "text", indexed=True),
        FieldDefinition("b", "integer", indexed=True),
        FieldDefinition("c", "text"),
        FieldDefinition("d", "date", indexed=True),
        FieldDefinition("e", "long_text", indexed=True),
        FieldDefinition("f", "text", indexed=True, encrypted=True),
        FieldDefinition("g", "text", indexed=True, options={"max_length": 501}),
        FieldDefinition("h", "boolean", indexed=True),
    )
    with units.begin(schema, "one") as unit:
        unit.records.save([make_record(1, {"a": "x", "b": 2, "h": False})])
    expected = {"a": ("t1", "ready"), "b": ("n1", "ready"), "d": ("t2", "ready"), "h": ("n2", "ready")}
    assert claimed(units) == expected
    assert contents(units, "t1", "t2", "n1", "n2") == [("x", None, 2, 0)]


def test_a_field_that_becomes_indexed_is_filled(units: SqlAlchemyUnits) -> None:
    """Records saved before get their slot filled, beyond one batch; then the field is sorted by it."""
    plain = (FieldDefinition("a", "text", indexed=True), FieldDefinition("b", "decimal"))
    with units.begin(schema_of(*plain), "one") as unit:
        unit.records.save([make_record(number, {"b": Decimal(number % 7)}) for number in range(2500)])
    later = schema_of(plain[0], attrs.evolve(plain[1], indexed=True))
    with units.begin(later, "one") as unit:
        first = unit.queries.find(Query("thing", order=(Order(("b",), descending=True),), limit=2))
    assert [record.id for record in first] == [record_id(6), record_id(13)]
    assert claimed(units)["b"] == ("n1", "ready")
    assert contents(units, "n1") == [(number % 7 * 10**6,) for number in range(2500)]


def test_an_unfinished_fill_is_taken_up(units: SqlAlchemyUnits) -> None:
    """A slot that another process left half filled is filled on the next occasion."""
    schema = schema_of(FieldDefinition("a", "text", indexed=True))
    with units.begin(schema, "one") as unit:
        unit.records.save([make_record(1, {"a": "x"})])
    assert isinstance(units._source, Engine)
    with units._source.begin() as connection:
        connection.execute(units.tables.slot.update().values(state="building"))
        connection.execute(units.tables.record.update().values(t1=None))
    fresh = schema_of(FieldDefinition("a", "text", indexed=True))
    with units.begin(fresh, "one") as unit:
        criterion = F.a == "x"
        assert unit.queries.count(Query("thing", criterion)) == 1
    assert claimed(units) == {"a": ("t1", "ready")}


def test_refill_mends_what_another_process_missed(units: SqlAlchemyUnits) -> None:
    """A process that did not know the field as indexed left its slot empty; `refill` finds the values."""
    field = FieldDefinition("a", "text")
    old, new = schema_of(field), schema_of(attrs.evolve(field, indexed=True))
    with units.begin(old, "one"):
        pass
    with units.begin(new, "one"):
        pass
    with units.begin(old, "one") as unit:
        unit.records.save([make_record(1, {"a": "x"})])
    query = Query("thing", F.a == "x")
    with units.begin(new, "one") as unit:
        assert unit.queries.count(query) == 0
    units.refill(new, "one")
    with units.begin(new, "one") as unit:
        assert unit.queries.count(query) == 1


def test_a_field_keeps_its_slot(units: SqlAlchemyUnits) -> None:
    """A field that is no longer indexed keeps its slot, which stays filled; a converted one moves."""
    indexed = FieldDefinition("a", "text", indexed=True)
    for field in (indexed, attrs.evolve(indexed, indexed=False), indexed):
        with units.begin(schema_of(field), "one") as unit:
            known = unit.records.get("thing", [record_id(1)])
            version = known[record_id(1)].version + 1 if known else 1
            unit.records.save([make_record(1, {"a": f"v{version}"}, version=version)])
        assert claimed(units) == {"a": ("t1", "ready")}
    assert contents(units, "t1") == [("v3",)]
    with units.begin(schema_of(FieldDefinition("a", "integer", indexed=True)), "one") as unit:
        unit.records.save([make_record(2, {"a": 5})])
    assert claimed(units)["a"][0] == "n1"


@pytest.mark.parametrize(("kind", "slots"), [("text", TEXT_SLOTS), ("integer", NUMBER_SLOTS)])
def test_slots_run_out(units: SqlAlchemyUnits, kind: str, slots: tuple[str, ...]) -> None:
    """One indexed field too many is a clear error; as many as there are slots work."""
    fields = [FieldDefinition(f"f{number}", kind, indexed=True) for number in range(len(slots) + 1)]
    with units.begin(schema_of(*fields[:-1]), "one"):
        pass
    with pytest.raises(ConfigurationError, match="slots") as caught, units.begin(schema_of(*fields), "one"):
        pass
    assert caught.value.problems[0].field == fields[-1].key
    with units.begin(schema_of(*fields[:-1]), "two"):
        pass


def test_slots_are_the_tenants_own(units: SqlAlchemyUnits) -> None:
    """Two tenants with different fields use the same columns."""
    with units.begin(schema_of(FieldDefinition("a", "text", indexed=True)), "one") as unit:
        unit.records.save([make_record(1, {"a": "x"})])
    with units.begin(schema_of(FieldDefinition("b", "text", indexed=True)), "two") as unit:
        unit.records.save([make_record(2, {"b": "y"})])
    assert contents(units, "tenant_id", "t1") == [("one", "x"), ("two", "y")]


def test_make_tables_is_for_migrations() -> None:
    """A host's metadata gets every table, under its prefix and schema."""
    metadata = MetaData()
    tables = make_tables(metadata, prefix="crm_", schema="app")
    assert tables.record.fullname == "app.crm_record"
    assert {tables.record, tables.outbox} <= set(metadata.tables.values())
    assert len(metadata.tables) == len(attrs.fields(Tables))
    assert all(table.name.startswith("crm_") and table.schema == "app" for table in metadata.tables.values())


def test_created_tables_are_those_of_make_tables(tmp_path: Path) -> None:
    """What `open` creates is what a host's migrations would create; opening again changes nothing."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    for _ in range(2):
        SqlAlchemyUnits.open(url, prefix="crm_").dispose()
    engine = create_engine(url)
    metadata = MetaData()
    make_tables(metadata, prefix="crm_")
    names = set(inspect(engine).get_table_names())
    assert {name for name in names if "_fts" not in name} == set(metadata.tables)
    engine.dispose()


def test_a_missing_driver_names_its_extra() -> None:
    """A database whose driver is not installed says what to install."""
    with pytest.raises(MissingExtraError) as caught:
        SqlAlchemyUnits.open("postgresql+psycopg2cffi://localhost/none")
    assert caught.value.problems[0].params == {"extra": "postgresql", "library": "psycopg2cffi"}


def test_a_missing_library_names_its_extra() -> None:
    """Without SQLAlchemy, importing the adapter says what to install."""
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "try: import custinfo.adapters.sqlalchemy\n"
        "except ImportError as error: print(error.code, dict(error.problems[0].params))"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown == "missing_extra {'extra': 'sqlalchemy', 'library': 'SQLAlchemy'}\n"


def test_code_that_the_store_follows_no_more_claims_nothing(units: SqlAlchemyUnits) -> None:
    """A workspace that opens with old code leaves the slots alone until it knows the configuration in force."""
    old, new = FieldDefinition("a", "integer", indexed=True), FieldDefinition("a", "text", indexed=True)
    known = schema_of(new)
    in_force = Schema(attrs.evolve(known.configuration, version=2), known.directory, known.zone)
    with units.begin(known, "one") as unit:
        unit.configurations.save(Revision(2, "{}", datetime(2024, 1, 1, tzinfo=UTC)), replacing=0)
    with units.begin(in_force, "one") as unit:
        unit.records.save([make_record(1, {"a": "x"})])
    assert claimed(units) == {"a": ("t1", "ready")}
    with units.begin(schema_of(old), "one"):
        assert claimed(units) == {"a": ("t1", "ready")}


def test_a_slot_that_did_not_suit_for_a_while(units: SqlAlchemyUnits) -> None:
    """A value that was cleared while its field had another kind is not found by what the slot still had."""
    text, several = FieldDefinition("a", "text", indexed=True), FieldDefinition("a", "long_text", indexed=True)
    with units.begin(schema_of(text), "one") as unit:
        unit.records.save([make_record(1, {"a": "x"})])
    with units.begin(schema_of(several), "one") as unit:
        [record] = unit.records.get("thing", [record_id(1)]).values()
        unit.records.save([attrs.evolve(record, values=FrozenDict(), version=2)])
    with units.begin(schema_of(text), "one") as unit:
        assert unit.queries.count(Query("thing", Compare(("a",), "eq", "x"))) == 0

"""Indexes that are built while records are read and written, and freed again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import attrs
import pytest
from sqlalchemy import Connection, func, select, update

from custinfo import Workspace
from custinfo.adapters.sqlalchemy import NUMBER_SLOTS, SqlAlchemyUnit, SqlAlchemyUnits, _filling
from custinfo.adapters.sqlalchemy import units as units_module
from custinfo.core.criteria import F
from custinfo.core.errors import ConfigurationError, ConflictError, StorageError
from custinfo.core.fields import FieldDefinition
from custinfo.core.records import RecordId
from custinfo.core.schema import Schema
from custinfo.ports import Order, Query
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import make_record, record_id
from tests.adapters.sqlalchemy.fields import (
    claims,
    differing,
    empty_slots,
    engine_of,
    fill_store,
    schema_of,
    text_and_number,
    values_of,
)
from tests.databases import MARIADB, POSTGRESQL, throw_away_units
from tests.unit.workspace.story import Story

ROOT = Path(__file__).parents[3]
SERVERS_TOO = pytest.mark.parametrize("url", ["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])


@pytest.fixture
def url() -> str:
    """Use a file of SQLite, unless a test says otherwise."""
    return "sqlite"


@pytest.fixture
def units(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlAlchemyUnits]:
    """Open a store in which 100 records are many, and a batch takes 20."""
    monkeypatch.setattr(units_module, "SMALL_FILL", 99)
    monkeypatch.setattr(units_module, "HOSTED_FILL", 99)
    monkeypatch.setattr(_filling, "_BATCH", 20)
    monkeypatch.setattr(_filling, "_SQLITE_BATCH", 20)
    with throw_away_units(url if url != "sqlite" else f"sqlite:///{tmp_path / 'store.db'}") as units:
        yield units


def found(units: SqlAlchemyUnits, schema: Schema, value: int) -> list[str]:
    """Return the ids of the records whose `b` is `value`, in order of `a`."""
    query = Query("thing", F.b == value, order=(Order(("a",)),))
    with units.begin(schema, "one") as unit:
        records = unit.queries.find(query)
        assert unit.queries.count(query) == len(records)
    return [record.id for record in records]


def expected(count: int, value: int) -> list[str]:
    """Return the same, worked out here."""
    numbers = [number for number in range(count) if values_of(number).get("b") == value]
    return [record_id(n) for n in sorted(numbers, key=lambda n: ("a" not in values_of(n), values_of(n).get("a"), n))]


# --- building


@SERVERS_TOO
def test_a_large_module_is_searched_while_it_is_built(units: SqlAlchemyUnits) -> None:
    """Until the index is complete, queries find the same in the documents; then, also in a process of before."""
    fill_store(units, text_and_number(), 150)
    schema = text_and_number("a", "b")
    assert found(units, schema, 4) == expected(150, 4)
    assert claims(units) == {"a": ("t1", "building"), "b": ("n1", "building")}
    elsewhere = SqlAlchemyUnits(engine_of(units), prefix=units.tables.record.name.removesuffix("record"))
    elsewhere.build_indexes(text_and_number("a", "b"), "one")
    assert claims(units) == {"a": ("t1", "ready"), "b": ("n1", "ready")}
    assert differing(units) == []
    with engine_of(units).begin() as connection:
        connection.execute(update(units.tables.record).values(n1=None))
    assert found(units, schema, 4) == []  # by the slot from now on


def test_a_small_module_is_built_at_once(units: SqlAlchemyUnits) -> None:
    """A module of at most so many records needs no call: its index is complete when the first unit begins."""
    fill_store(units, text_and_number(), 99)
    assert found(units, text_and_number("b"), 4) == expected(99, 4)
    assert claims(units) == {"b": ("n1", "ready")}


def test_a_host_builds_small_modules_only(units: SqlAlchemyUnits) -> None:
    """In the host's transaction a small module is built, and taken back with it; a large one is left alone."""
    fill_store(units, text_and_number(), 100)
    prefix = units.tables.record.name.removesuffix("record")
    with engine_of(units).connect() as host:
        with SqlAlchemyUnit(host, prefix=prefix).begin(text_and_number("b"), "one") as unit:
            assert unit.queries.count(Query("thing", F.b == 4)) == len(expected(100, 4))
        host.commit()
        assert claims(units) == {"b": ("n1", "building")}
        with units.begin(text_and_number("b"), "one") as unit:
            unit.records.remove([make_record(0, values_of(0))])
        with SqlAlchemyUnit(host, prefix=prefix).begin(text_and_number("b"), "one") as unit:
            assert unit.queries.count(Query("thing", F.b == 4)) == len(expected(100, 4))
        host.rollback()
    assert claims(units) == {"b": ("n1", "building")}
    assert len(differing(units)) == len([number for number in range(1, 100) if "b" in values_of(number)])


def test_progress_is_told(units: SqlAlchemyUnits) -> None:
    """Each batch is told, also by a workspace; what is done already is not done again after an interruption."""
    fill_store(units, text_and_number(), 150)
    told: list[tuple[str, int, int]] = []

    def tell(module: str, done: int, total: int) -> None:
        told.append((module, done, total))
        if done == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        units.build_indexes(text_and_number("b"), "one", tell)
    assert [done for _, done, _ in told] == [20, 40, 60]
    units.build_indexes(text_and_number("b"), "one", tell)
    assert [done for _, done, _ in told[3:]] == [80, 100, 120, 140, 150]
    assert set(told) <= {("thing", done, 150) for done in range(151)}
    assert differing(units) == []


def test_fields_join_on_the_way(units: SqlAlchemyUnits) -> None:
    """A field that becomes indexed while another one is half done catches up, and both are finished together."""
    fill_store(units, text_and_number(), 150)

    def stop_at(limit: int) -> None:
        def tell(_: str, done: int, __: int) -> None:
            if done >= limit:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            units.build_indexes(schema, "one", tell)

    schema = text_and_number("a")
    stop_at(70)
    schema = text_and_number("a", "b")
    stop_at(30)
    steps: list[int] = []
    units.build_indexes(schema, "one", lambda _, done, __: steps.append(done))
    assert steps == [60, 80, 100, 120, 140, 150]
    assert claims(units) == {"a": ("t1", "ready"), "b": ("n1", "ready")}
    assert differing(units) == []


class Worker:
    """Change records of its own, and create others, again and again."""

    def __init__(self, units: SqlAlchemyUnits, schema: Schema, number: int) -> None:
        """Take every second record of 400."""
        self.units, self.schema, self.number = units, schema, number
        self.versions = dict.fromkeys(range(number, 400, 2), 1)
        self.written = 0

    def run(self, finished: threading.Event) -> None:
        """Write until somebody has finished; a transaction that the database gave up is forgotten."""
        chance = random.Random(self.number)
        while not finished.is_set():
            try:
                self.write(chance)
            except StorageError as error:
                if not error.retryable:
                    raise

    def write(self, chance: random.Random) -> None:
        """Change three records in any order, and create one."""
        numbers = chance.sample(sorted(self.versions), 3)
        new = {number: self.versions[number] + 1 for number in numbers}
        records = [
            make_record(number, {"a": f"w{chance.randrange(9)}", "b": chance.randrange(99)}, version=version)
            for number, version in new.items()
        ]
        created = make_record(1000 + self.number * 10_000 + self.written, values_of(self.written))
        with self.units.begin(self.schema, "one") as unit:
            unit.records.save(records)
            unit.records.save([created])
        self.versions |= new
        self.written += 1


@SERVERS_TOO
def test_writers_go_on_while_it_is_built(units: SqlAlchemyUnits) -> None:
    """Several threads create, change and delete records during two fills at once; then every slot is right."""
    fill_store(units, text_and_number(), 400)
    schema = text_and_number("a", "b")
    found(units, schema, 4)
    finished, failures = threading.Event(), list[BaseException]()
    workers = [Worker(units, schema, number) for number in range(2)]

    def guarded(action: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                action()
            except BaseException as error:
                failures.append(error)

        return run

    def build() -> None:
        units.build_indexes(text_and_number("a", "b"), "one")

    writers = [threading.Thread(target=guarded(partial(worker.run, finished)), daemon=True) for worker in workers]
    builders = [threading.Thread(target=guarded(build), daemon=True) for _ in range(2)]
    for thread in (*writers, *builders):
        thread.start()
    for thread in builders:
        thread.join()
    finished.set()
    for thread in writers:
        thread.join()
    assert failures == []
    assert all(worker.written > 0 for worker in workers)
    assert claims(units) == {"a": ("t1", "ready"), "b": ("n1", "ready")}
    assert differing(units) == []


@pytest.mark.parametrize("url", [POSTGRESQL, MARIADB], ids=["postgresql", "mariadb"])
def test_what_changed_since_it_was_read_stays(units: SqlAlchemyUnits, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that somebody saves after a batch has read it keeps what that one wrote into its slot."""
    fill_store(units, text_and_number(), 150)
    schema = text_and_number("b")
    with units.begin(schema, "one"):
        pass
    lock, overtaken = _filling.Filler._locked, list[str]()

    def overtake(self: _filling.Filler, connection: Connection, record_ids: Sequence[RecordId]) -> set[RecordId]:
        if record_id(25) in record_ids and not overtaken:
            overtaken.append(record_id(25))
            with units.begin(schema, "one") as unit:
                unit.records.save([make_record(25, {"b": 77}, version=2)])
        return lock(self, connection, record_ids)

    monkeypatch.setattr(_filling.Filler, "_locked", overtake)
    units.build_indexes(text_and_number("b"), "one")
    assert overtaken == [record_id(25)]
    assert differing(units) == []


@pytest.mark.parametrize("url", [POSTGRESQL, MARIADB], ids=["postgresql", "mariadb"])
def test_a_held_row_is_waited_for_alone(units: SqlAlchemyUnits) -> None:
    """While somebody holds a row, the rows around it are free; what they take back is filled nevertheless."""
    fill_store(units, text_and_number(), 150)
    schema = text_and_number("b")
    with units.begin(schema, "one"):
        pass
    builder = threading.Thread(target=units.build_indexes, args=(text_and_number("b"), "one"), daemon=True)
    with pytest.raises(ZeroDivisionError), units.begin(schema, "one") as unit:
        unit.records.save([make_record(70, {"b": 5}, version=2)])
        builder.start()
        deadline = time.monotonic() + 20
        while done(units) < 70 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert done(units) == 70
        with units.begin(schema, "one") as other:
            other.records.save([make_record(number, {"b": 1}, version=2) for number in range(100) if number != 70])
        _ = 1 // 0
    builder.join()
    assert claims(units) == {"b": ("n1", "ready")}
    assert differing(units) == []


def done(units: SqlAlchemyUnits) -> int:
    """Return how many records are behind the fill."""
    record, slot = units.tables.record, units.tables.slot
    with engine_of(units).connect() as connection:
        last = connection.execute(select(slot.c.filled_to)).scalar() or ""
        return int(connection.execute(select(func.count()).select_from(record).where(record.c.id <= last)).scalar_one())


CHILD = """
import sys
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, _filling
from custinfo.adapters.sqlalchemy._engines import open_engine
from tests.adapters.sqlalchemy.fields import text_and_number
_filling._BATCH = _filling._SQLITE_BATCH = 20
units = SqlAlchemyUnits(open_engine(sys.argv[1]), prefix=sys.argv[2])
units.build_indexes(text_and_number("a", "b"), "one", lambda _, done, __: print(done, flush=True))
"""


@pytest.mark.parametrize("url", ["sqlite", POSTGRESQL], ids=["sqlite", "postgresql"])
def test_a_killed_fill_is_taken_up(units: SqlAlchemyUnits) -> None:
    """A process is killed three times at any moment of a fill; the next one goes on where it was, and all is right."""
    fill_store(units, text_and_number(), 3000)
    engine, chance, reached = engine_of(units), random.Random(7), 0
    prefix = units.tables.record.name.removesuffix("record")
    command = [sys.executable, "-c", CHILD, engine.url.render_as_string(hide_password=False), prefix]
    for _ in range(3):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            lines = [int(child.stdout.readline()) for _ in range(chance.randint(1, 15))]
            time.sleep(chance.random() / 50)
            child.send_signal(signal.SIGKILL)
        assert lines[0] > reached
        reached = lines[-1]
        assert child.returncode == -signal.SIGKILL
        assert claims(units) == {"a": ("t1", "building"), "b": ("n1", "building")}
    units.build_indexes(text_and_number("a", "b"), "one")
    assert claims(units) == {"a": ("t1", "ready"), "b": ("n1", "ready")}
    assert differing(units) == []


def test_a_fill_that_does_nothing_is_noticed(units: SqlAlchemyUnits) -> None:
    """The check of these tests finds slots that are not what the document has."""
    fill_store(units, text_and_number("a"), 10)
    assert differing(units) == []
    with engine_of(units).begin() as connection:
        empty_slots(units, connection)
    assert len(differing(units)) == 8


def test_writers_of_a_former_configuration_are_refused() -> None:
    """When a field becomes indexed at run time, nobody can save any more who does not write its slot."""
    with throw_away_units("sqlite://") as units:
        workspace = Workspace(standard_configuration(), units=units, organisation=sample_organisation())
        key = Story(workspace).customer().id
        before = workspace._begin.compiled
        with workspace.acting_as("admin") as session:
            session.configuration.change(
                session.configuration.current.change_field("customer", "address", indexed=True)
            )
        with workspace.acting_as("lisi") as session:
            session.context.compiled = before
            with pytest.raises(ConflictError) as caught:
                session.customers.update(key, {"address": "西湖区"}, version=1)
        assert caught.value.code == "configuration_changed"


# --- freeing


@SERVERS_TOO
def test_slots_that_are_not_used_are_freed(units: SqlAlchemyUnits) -> None:
    """A field that is not indexed any more, retired or gone gives its slot back, emptied; others keep theirs."""
    a, b = FieldDefinition("a", "text", indexed=True), FieldDefinition("b", "integer", indexed=True)
    for changed in (
        schema_of(a, attrs.evolve(b, indexed=False)),
        schema_of(a, attrs.evolve(b, retired=True)),
        schema_of(a),
    ):
        both = schema_of(a, b)
        units.build_indexes(both, "one")
        with units.begin(both, "one") as unit:
            known = unit.records.get("thing", [record_id(n) for n in range(50)])
            version = len(known) and known[record_id(1)].version
            unit.records.save([make_record(n, {"a": "x", "b": n}, version=version + 1) for n in range(50)])
        assert claims(units) == {"a": ("t1", "ready"), "b": ("n1", "ready")}
        units.build_indexes(changed, "one")
        assert claims(units) == {"a": ("t1", "ready")}
        with engine_of(units).connect() as connection:
            record = units.tables.record
            assert set(connection.execute(select(record.c.t1, record.c.n1)).all()) == {("x", None)}


def test_a_field_without_index_is_read_from_the_document(units: SqlAlchemyUnits) -> None:
    """Where the configuration does not index a field any more, freeing its slot changes no answer."""
    fill_store(units, text_and_number("b"), 50)
    without = text_and_number()
    assert found(units, without, 4) == expected(50, 4)
    SqlAlchemyUnits(engine_of(units), prefix=units.tables.record.name.removesuffix("record")).build_indexes(
        without, "one"
    )
    assert claims(units) == {}
    assert found(units, without, 4) == expected(50, 4)
    with units.begin(without, "one") as unit:
        unit.records.save([make_record(200, {"b": 4})])  # it still writes the slot, which is nobody's
    again = text_and_number("b")
    assert len(found(units, again, 4)) == len(expected(50, 4)) + 1
    assert differing(units) == []


def test_a_slot_that_is_being_freed_can_be_claimed_again(units: SqlAlchemyUnits) -> None:
    """A field that is indexed again before its slot is empty gets it back, filled anew."""
    fill_store(units, text_and_number("b"), 50)
    with engine_of(units).begin() as connection:
        connection.execute(update(units.tables.slot).values(state="freeing"))
        connection.execute(update(units.tables.record).values(n1=-1))
    assert found(units, text_and_number("b"), 4) == expected(50, 4)
    assert claims(units) == {"b": ("n1", "ready")}
    assert differing(units) == []


def test_used_up_slots_say_what_to_do(units: SqlAlchemyUnits) -> None:
    """One field too many names itself; when another one has given up its index, it finds a place."""
    fields = [FieldDefinition(f"f{n}", "integer", f"栏{n}", indexed=True) for n in range(len(NUMBER_SLOTS) + 1)]
    with units.begin(schema_of(*fields[:-1]), "one") as unit:
        unit.records.save([make_record(1, {"f0": 1, "f8": 8} if len(fields) == 9 else {})])
    with pytest.raises(ConfigurationError) as caught, units.begin(schema_of(*fields), "one"):
        pass
    assert caught.value.message("zh") == (
        "栏8：模块 thing 中此类索引字段的 8 个槽位已用完：请取消另一字段的索引并重建，或升级表结构"
    )
    fields[0] = attrs.evolve(fields[0], indexed=False)
    units.build_indexes(schema_of(*fields[:-1]), "one")
    with units.begin(schema_of(*fields), "one") as unit:
        assert unit.queries.count(Query("thing", F.f8 == 8)) == 1
    assert claims(units)["f8"] == ("n1", "ready")
    assert differing(units) == []


def test_long_texts_leave_their_slot(units: SqlAlchemyUnits) -> None:
    """A field that comes to take texts longer than a slot is not written into it any more."""
    short = FieldDefinition("a", "text", indexed=True)
    with units.begin(schema_of(short), "one") as unit:
        unit.records.save([make_record(1, {"a": "x"})])
    long = schema_of(attrs.evolve(short, options={"max_length": 800}))
    with units.begin(long, "one") as unit:
        unit.records.save([make_record(1, {"a": "x" * 800}, version=2)])
        assert unit.queries.count(Query("thing", F.a == "x" * 800)) == 1
    with engine_of(units).connect() as connection:
        assert connection.execute(select(units.tables.record.c.t1)).scalars().all() == [None]
    units.build_indexes(long, "one")
    assert claims(units) == {}

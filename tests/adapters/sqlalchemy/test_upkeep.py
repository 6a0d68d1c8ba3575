"""Upkeep in tables: what is tampered with is found, named and repaired; backups go from any database to any other."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest
from sqlalchemy import Engine, Table, delete, insert, select, update

from custinfo import Problem, Revision, StorageError, Workspace, configuration_to_json
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.importing import ImportBatch
from custinfo.testing import (
    NOW,
    full_record,
    make_change,
    make_record,
    make_request,
    next_version,
    record_id,
    sample_configuration,
    sample_directory,
    sample_schema,
)
from custinfo.workspace.upkeep import verify_backup
from tests.databases import MARIADB, POSTGRESQL, throw_away_units

DATABASES = ("sqlite://", POSTGRESQL, MARIADB)
ONE, TWO, THREE = (record_id(number) for number in (1, 2, 3))
REQUEST = make_request(1, ONE, {"title": "x", "note": "y"})
OTHER = make_request(2, TWO, {"title": "x"})
GONE = "018f0000-0000-7000-8000-00000000dead"


def workspace(units: SqlAlchemyUnits, tenant: str = "one") -> Workspace:
    """Return a workspace under the sample configuration, whose clock stands still."""
    return Workspace(
        sample_configuration(), units=units, organisation=sample_directory(), clock=lambda: NOW, tenant=tenant
    )


def fill(units: SqlAlchemyUnits, tenant: str = "one") -> None:
    """Save two things at their second version, one that was removed, two open requests, an import and a revision."""
    data = configuration_to_json(attrs.evolve(sample_configuration(), version=2))
    values = {"parent": ONE, "sibling": TWO}
    records = [attrs.evolve(full_record(place), values=full_record(place).values.merged(values)) for place in (1, 2)]
    removed = make_record(3, {"title": "z"})
    with units.begin(sample_schema(), tenant) as unit:
        unit.configurations.save(Revision(2, data, NOW), replacing=0)
        for record in records:
            after = next_version(record, title="neu")
            unit.records.save([record])
            unit.records.save([after])
            unit.history.append([make_change(None, record), make_change(record, after)])
        end = attrs.evolve(make_change(None, next_version(removed)), action="delete", fields=())
        unit.history.append([make_change(None, removed), end])
        unit.approvals.save(REQUEST)
        unit.approvals.save(OTHER)
        unit.imports.save(ImportBatch("b1", "thing", "digest", "ann", NOW))


@pytest.fixture
def units() -> Iterator[SqlAlchemyUnits]:
    """A filled store in SQLite."""
    with throw_away_units("sqlite://") as units:
        fill(units)
        yield units


def execute(units: SqlAlchemyUnits, statement: Any) -> int:
    """Run a statement behind custinfo's back, and return how many rows it changed."""
    assert isinstance(units._source, Engine)
    with units._source.begin() as connection:
        return int(connection.execute(statement).rowcount)


def rows(units: SqlAlchemyUnits, tenant: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return table → the rows of a tenant, without the numbers that SQLite's index gives to titles."""
    assert isinstance(units._source, Engine)
    known = [getattr(units.tables, field.name) for field in attrs.fields(type(units.tables))]
    found = {}
    with units._source.connect() as connection:
        for table in known:
            columns = [column for column in table.columns if column.name != "doc"]
            statement = select(*columns).where(table.c.tenant_id == tenant)
            found[table.name] = sorted(map(tuple, connection.execute(statement)), key=repr)
    return found


def told(problems: tuple[Problem, ...]) -> set[tuple[str, str | None, str]]:
    """Return code, field, and the id of the record or request of each problem."""
    return {
        (item.code, item.field, str(item.params.get("request") or item.params.get("record", ""))) for item in problems
    }


def slots(units: SqlAlchemyUnits) -> dict[str, str]:
    """Return field of a thing → slot."""
    table = units.tables.slot
    assert isinstance(units._source, Engine)
    with units._source.connect() as connection:
        return {
            row.field: row.slot
            for row in connection.execute(select(table).where(table.c.tenant_id == "one", table.c.module == "thing"))
        }


def change(name: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Return what makes the statement that alters the rows of a table; slots are named by their field."""

    def statement(units: SqlAlchemyUnits) -> Any:
        table: Table = getattr(units.tables, name)
        known = slots(units)
        matching = [table.c[key] == value for key, value in {"tenant_id": "one", **where}.items()]
        return update(table).where(*matching).values({known.get(key, key): value for key, value in values.items()})

    return statement


def remove(name: str, **where: Any) -> Any:
    """Return what makes the statement that deletes rows of a table."""

    def statement(units: SqlAlchemyUnits) -> Any:
        table: Table = getattr(units.tables, name)
        return delete(table).where(*(table.c[key] == value for key, value in {"tenant_id": "one", **where}.items()))

    return statement


def add(name: str, **row: Any) -> Any:
    """Return what makes the statement that adds a row to a table."""

    def statement(units: SqlAlchemyUnits) -> Any:
        return insert(getattr(units.tables, name)).values(tenant_id="one", **row)

    return statement


MARK = {"record_id": ONE, "dimension": "mark"}
CODE = {"module": "thing", "field": "code"}
TITLE = {"record_id": ONE, "field": "title"}

REPAIRED: dict[str, tuple[Any, set[tuple[str, str | None, str]]]] = {
    "tag missing": (remove("tag", **MARK), {("tags_differ", "tags", ONE)}),
    "tag altered": (change("tag", MARK, {"value": "else"}), {("tags_differ", "tags", ONE)}),
    "tag too many": (add("tag", record_id=ONE, dimension="mark", value="else"), {("tags_differ", "tags", ONE)}),
    "tag moved": (
        change("tag", MARK, {"record_id": GONE}),
        {("index_without_record", None, GONE), ("tags_differ", "tags", ONE)},
    ),
    "unique missing": (remove("unique", **CODE, value="C-1"), {("unique_differs", "code", ONE)}),
    "unique altered": (change("unique", {**CODE, "value": "C-1"}, {"value": "C-9"}), {("unique_differs", "code", ONE)}),
    "unique too many": (add("unique", **CODE, value="C-9", record_id=ONE), {("unique_differs", "code", ONE)}),
    "unique of another": (
        change("unique", {**CODE, "value": "C-1"}, {"record_id": TWO}),
        {("unique_differs", "code", ONE), ("unique_differs", "code", TWO)},
    ),
    "unique of an earlier one": (
        change("unique", {**CODE, "value": "C-2"}, {"record_id": ONE}),
        {("unique_differs", "code", ONE), ("unique_differs", "code", TWO)},
    ),
    "unique of nobody": (
        change("unique", {**CODE, "value": "C-1"}, {"record_id": GONE}),
        {("index_without_record", None, GONE), ("unique_differs", "code", ONE)},
    ),
    "unique of another field": (
        change("unique", {**CODE, "value": "C-1"}, {"field": "secret"}),
        {("unique_differs", "code", ONE), ("unique_differs", "secret", ONE)},
    ),
    "sealed unique missing": (remove("unique", field="secret", record_id=TWO), {("unique_differs", "secret", TWO)}),
    "text slot altered": (change("record", {"id": ONE}, {"title": "else"}), {("slot_differs", "title", ONE)}),
    "text slot missing": (change("record", {"id": ONE}, {"place": None}), {("slot_differs", "place", ONE)}),
    "number slot altered": (change("record", {"id": TWO}, {"count": 7}), {("slot_differs", "count", TWO)}),
    "boolean slot altered": (change("record", {"id": TWO}, {"active": 0}), {("slot_differs", "active", TWO)}),
    "title missing": (remove("title", record_id=ONE), {("title_differs", "title", ONE)}),
    "title altered": (change("title", {"record_id": ONE}, {"form": "else"}), {("title_differs", "title", ONE)}),
    "title elsewhere": (
        change("title", {"record_id": ONE}, {"department_id": "else"}),
        {("title_differs", "title", ONE)},
    ),
    "title out of order": (change("title", {"record_id": ONE}, {"start": "else"}), {("title_differs", "title", ONE)}),
    "title mistaken in its order": (
        change("title", {"record_id": ONE}, {"brief": "else"}),
        {("title_differs", "title", ONE)},
    ),
    "title moved": (
        change("title", {"record_id": ONE}, {"record_id": GONE}),
        {("index_without_record", None, GONE), ("title_differs", "title", ONE)},
    ),
    "task missing": (remove("task", request_id=REQUEST.id), {("tasks_differ", None, REQUEST.id)}),
    "task altered": (
        change("task", {"request_id": REQUEST.id}, {"approver": "cai"}),
        {("tasks_differ", None, REQUEST.id)},
    ),
    "task too many": (add("task", approver="cai", request_id=REQUEST.id), {("tasks_differ", None, REQUEST.id)}),
    "task of nothing": (add("task", approver="cai", request_id="r9"), {("index_without_request", None, "r9")}),
    "reservation missing": (remove("reservation", **TITLE), {("reservations_differ", None, REQUEST.id)}),
    "reservation altered": (
        change("reservation", TITLE, {"field": "count"}),
        {("reservations_differ", None, REQUEST.id)},
    ),
    "reservation of another": (
        change("reservation", TITLE, {"request_id": OTHER.id}),
        {("reservations_differ", None, REQUEST.id), ("reservations_differ", None, OTHER.id)},
    ),
    "reservation of nothing": (
        change("reservation", TITLE, {"request_id": "r9"}),
        {("index_without_request", None, "r9"), ("reservations_differ", None, REQUEST.id)},
    ),
}
"""What may happen to a row beside the records and requests, and what is to be said of it."""


@pytest.mark.parametrize("name", REPAIRED)
def test_rows_that_are_rebuilt(units: SqlAlchemyUnits, name: str) -> None:
    """Each row that was tampered with is found, named and repaired, and then the tables are as they were."""
    tamper, expected = REPAIRED[name]
    kept = workspace(units)
    assert kept.check_integrity().problems == ()
    before = rows(units, "one")
    assert execute(units, tamper(units)) == 1
    damaged = rows(units, "one")
    found = kept.check_integrity()
    assert (told(found.problems), found.repaired, found.ok) == (expected, (), False)
    assert rows(units, "one") == damaged
    mended = kept.check_integrity(repair=True)
    assert (mended.problems, told(mended.repaired), mended.ok) == ((), expected, True)
    assert rows(units, "one") == before
    assert kept.check_integrity().problems == ()


EVENT = {"record_id": ONE, "version": 1}
LAST = {"record_id": ONE, "version": 2}
DOCUMENT = {"record_id": ONE}

KEPT: dict[str, tuple[Any, set[tuple[str, str | None, str]]]] = {
    "document missing": (remove("document", **DOCUMENT), {("record_without_document", None, ONE)}),
    "document of nothing": (
        add("document", record_id=GONE, data={}, tags=None),
        {("document_without_record", None, GONE)},
    ),
    "record missing": (
        remove("record", id=TWO),
        {
            ("record_missing", None, TWO),
            ("document_without_record", None, TWO),
            ("index_without_record", None, TWO),
            ("reference_without_record", "sibling", ONE),
            ("request_without_record", None, OTHER.id),
        },
    ),
    "record unreadable": (
        change("document", DOCUMENT, {"data": {"day": "never"}}),
        {("record_unreadable", None, ONE)},
    ),
    "owner altered": (change("record", {"id": ONE}, {"owner_id": "bob"}), {("history_differs", "owner", ONE)}),
    "version altered": (change("record", {"id": ONE}, {"version": 5}), {("history_version", None, ONE)}),
    "time altered": (
        change("record", {"id": ONE}, {"updated_at": "2020-01-01T00:00:00.000000Z"}),
        {("history_differs", "updated_at", ONE)},
    ),
    "module altered": (
        change("record", {"id": ONE}, {"module": "nothing"}),
        {
            ("history_differs", "module", ONE),
            ("module_undefined", None, ONE),
            ("reference_without_record", "parent", TWO),
            ("request_without_record", None, REQUEST.id),
        },
    ),
    "change missing at the end": (remove("change", **LAST), {("history_version", None, ONE)}),
    "change missing before": (remove("change", **EVENT), {("history_gap", None, ONE)}),
    "history missing": (remove("change", record_id=ONE), {("history_missing", None, ONE)}),
    "change altered": (
        change("change", LAST, {"fields": [["title", "a", "b"]]}),
        {("history_differs", "title", ONE)},
    ),
    "sealed value altered": (
        change("change", LAST, {"fields": [["title", "a", "neu"], ["secret", None, {"sealed": "t", "index": "i"}]]}),
        {("history_differs", "secret", ONE)},
    ),
    "change unreadable": (
        change("change", LAST, {"fields": [["day", None, "never"]]}),
        {("change_unreadable", None, ONE)},
    ),
    "end of a removed one missing": (remove("change", record_id=THREE, version=2), {("record_missing", None, THREE)}),
    "request unreadable": (change("request", {"id": OTHER.id}, {"data": {}}), {("request_unreadable", None, "")}),
    "import unreadable": (change("batch", {"id": "b1"}, {"started_at": "never"}), {("import_unreadable", None, "")}),
    "revision unreadable": (change("revision", {"version": 2}, {"at": "never"}), {("revision_unreadable", None, "")}),
    "head altered": (change("configuration", {}, {"version": 7}), {("revision_head_differs", None, "")}),
}
"""What may happen to what nothing else can replace."""


@pytest.mark.parametrize("name", KEPT)
def test_what_is_only_told(units: SqlAlchemyUnits, name: str) -> None:
    """Damage to records, history, requests and revisions is found and named, and repairing leaves them as they are."""
    tamper, expected = KEPT[name]
    assert execute(units, tamper(units)) == 1 or name == "history missing"
    kept = workspace(units)
    found = told(kept.check_integrity().problems)
    derived = {
        item
        for item in found - expected
        if item[0] in ("tags_differ", "unique_differs", "slot_differs", "title_differs")
    }
    assert found - derived == expected
    primary = ("record", "document", "change", "request", "batch", "configuration", "revision")
    names = [getattr(units.tables, key).name for key in primary]
    before = rows(units, "one")
    kept.check_integrity(repair=True)
    after = rows(units, "one")
    assert [after[key] for key in names if not derived] == [before[key] for key in names if not derived]
    assert "never" not in repr(kept.check_integrity())
    unread = {"record_without_document", "record_unreadable", "change_unreadable", "request_unreadable"}
    if {code for code, _, _ in expected} & (unread | {"import_unreadable"}):
        with pytest.raises(StorageError):
            kept.export_tenant(io.BytesIO())


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages(units: SqlAlchemyUnits, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """However many rows are read at once, everything is read, once: changes of one record stand on several pages."""
    execute(units, remove("tag", **MARK)(units))
    whole, again = io.BytesIO(), io.BytesIO()
    workspace(units).export_tenant(whole)
    found = workspace(units).check_integrity()
    for name in (
        "custinfo.adapters.sqlalchemy._upkeep",
        "custinfo.adapters.sqlalchemy._integrity",
        "custinfo.workspace.upkeep",
        "custinfo.workspace.integrity",
    ):
        monkeypatch.setattr(f"{name}._PAGE", size)
    workspace(units).export_tenant(again)
    assert again.getvalue() == whole.getvalue()
    assert workspace(units).check_integrity() == found
    with throw_away_units("sqlite://") as target:
        again.seek(0)
        workspace(target).import_tenant(again)
        whole.seek(0)
        copied = io.BytesIO()
        workspace(target).export_tenant(copied)
        assert copied.getvalue() == whole.getvalue()


def test_claims_of_a_field_that_is_not_unique_any_more(units: SqlAlchemyUnits) -> None:
    """Such rows stay until their records are saved again, and do no harm: they are no problem."""
    assert execute(units, add("unique", module="thing", field="title", value="neu", record_id=ONE)(units)) == 1
    assert workspace(units).check_integrity().problems == ()


def test_values_that_two_records_share(units: SqlAlchemyUnits) -> None:
    """Where the values of two records contradict each other, no index can be right: it is told, and left."""
    shared = {"code": "C-1", "title": "neu"}
    assert execute(units, change("document", {"record_id": TWO}, {"data": shared})(units)) == 1
    kept = workspace(units)
    found = {code for code, field, _ in told(kept.check_integrity().problems) if field == "code"}
    assert found == {"unique_shared", "unique_differs", "slot_differs", "history_differs"}
    mended = kept.check_integrity(repair=True)
    assert {code for code, field, _ in told(mended.repaired) if field == "code"} == {"unique_differs", "slot_differs"}
    left = {item for item in told(mended.problems) if item[1] == "code"}
    assert left == {("unique_shared", "code", TWO), ("history_differs", "code", TWO)}
    shared_with = [item.params["other"] for item in mended.problems if item.code == "unique_shared"]
    assert shared_with == [ONE]


def test_fields_that_two_requests_reserve(units: SqlAlchemyUnits) -> None:
    """Where two open requests reserve the same field by their own word, neither can be given it."""
    table = units.tables.request
    assert isinstance(units._source, Engine)
    with units._source.connect() as connection:
        data = connection.execute(select(table.c.data).where(table.c.id == OTHER.id)).scalar_one()
    assert execute(units, change("request", {"id": OTHER.id}, {"data": {**data, "record_id": ONE}})(units)) == 1
    kept = workspace(units)
    expected = {("reservations_differ", None, OTHER.id)}
    assert told(kept.check_integrity().problems) == expected
    mended = kept.check_integrity(repair=True)
    assert (told(mended.problems), mended.repaired) == (expected, ())


def test_a_repair_does_not_overwrite_what_others_change(units: SqlAlchemyUnits) -> None:
    """A record that is at another version by the time that it is locked is left to the next run."""
    execute(units, delete(units.tables.tag))
    with units.begin(sample_schema(), "one") as unit:
        found = unit.upkeep.disagreements(repair=True)
        first = next(found)
        unit._context.execute(update(units.tables.record).where(units.tables.record.c.id == TWO).values(version=3))
        assert (first.problem.params["record"], first.repaired) == (ONE, True)
        assert [(item.problem.params["record"], item.repaired) for item in found] == [(TWO, False)]


@pytest.mark.parametrize("second", DATABASES)
@pytest.mark.parametrize("first", DATABASES)
def test_from_any_database_to_any_other(first: str, second: str) -> None:
    """A backup of one database goes into another one, which gives the very same backup, has no problems, and works."""
    with throw_away_units(first) as source, throw_away_units(second) as target:
        fill(source)
        made, again = io.BytesIO(), io.BytesIO()
        summary = workspace(source).export_tenant(made)
        assert dict(summary.counts) == {
            "revision": 1,
            "record": 2,
            "change": 6,
            "request": 2,
            "import": 1,
            "event": 0,
            "anchor": 0,
            "access": 0,
        }
        made.seek(0)
        assert workspace(target).import_tenant(made) == summary
        workspace(target).export_tenant(again)
        assert again.getvalue() == made.getvalue()
        assert workspace(target).check_integrity().problems == ()
        with workspace(target).acting_as("ann") as session:
            assert session.configuration.current.version == 2
        execute(target, update(target.tables.record).where(target.tables.record.c.id == ONE).values(t1="else"))
        execute(target, delete(target.tables.tag).where(target.tables.tag.c.record_id == TWO))
        execute(target, delete(target.tables.reservation))
        mended = workspace(target).check_integrity(repair=True)
        assert (len(mended.repaired), mended.problems) == (4, ())
        assert workspace(target).check_integrity().problems == ()
        workspace(target).delete_tenant(confirm="one")
        assert {name: found for name, found in rows(target, "one").items() if found} == {}


@pytest.mark.parametrize("url", DATABASES)
def test_a_backup_is_of_one_instant(url: str, tmp_path: Any) -> None:
    """What others commit while a backup is written is not in it."""
    address = f"{url}/{tmp_path}/store.db" if url.startswith("sqlite") else url
    with throw_away_units(address) as units:
        fill(units)
        expected = io.BytesIO()
        workspace(units).export_tenant(expected)

        class Interrupted(io.BytesIO):
            """Let somebody else commit as soon as something is written."""

            done = False

            def write(self, data: Any) -> int:
                if not self.done:
                    self.done = True
                    late = make_record(9, {"title": "late"})
                    with units.begin(sample_schema(), "one") as unit:
                        unit.records.save([late])
                        unit.history.append([make_change(None, late)])
                return super().write(data)

        made = Interrupted()
        workspace(units).export_tenant(made)
        assert made.getvalue() == expected.getvalue()
        made.seek(0)
        assert verify_backup(made).counts["record"] == 2
        later = io.BytesIO()
        assert workspace(units).export_tenant(later).counts["record"] == 3

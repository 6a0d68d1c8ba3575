"""What holds for every tenant: a backup gives it back, damage is found, and its neighbours stay as they are."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from custinfo import ConflictError, Revision, UnreadableFileError, Workspace, configuration_to_json
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.approval.requests import Request
from custinfo.core.history.changes import Change, fold
from custinfo.core.importing import ImportBatch
from custinfo.core.records import Record, Sealed
from custinfo.ports import Units
from custinfo.testing import (
    NOW,
    full_record,
    make_change,
    make_request,
    sample_configuration,
    sample_directory,
    sample_schema,
)
from custinfo.testing.strategies import records, values
from custinfo.workspace.upkeep import verify_backup

STORES = ("memory", "sqlite")
KEPT = (
    "custinfo_record",
    "custinfo_record_document",
    "custinfo_record_tag",
    "custinfo_record_unique",
    "custinfo_change",
    "custinfo_approval_request",
    "custinfo_approval_task",
    "custinfo_approval_reservation",
    "custinfo_import_batch",
    "custinfo_configuration_revision",
)
"""Tables whose rows are the same, byte for byte, when a tenant was deleted and put back."""


@attrs.frozen
class Tenant:
    """What a tenant has."""

    records: Sequence[Record]
    changes: Sequence[Change]
    requests: Sequence[Request]
    imports: Sequence[ImportBatch]
    revisions: Sequence[Revision]


@st.composite
def tenants(draw: st.DrawFn) -> Tenant:
    """Make records of one to three versions with their history, and requests, imports and revisions beside them."""
    found, changes = [], []
    for number, first in enumerate(draw(records(most=4))):
        unique = (
            {"code": f"C-{number}", "secret": Sealed(f"t{number}", f"i{number}")} if first.module == "thing" else {}
        )
        record = attrs.evolve(first, values=first.values.merged(unique), tags=frozenset(first.tags))
        changes.append(make_change(None, record, reason=draw(st.sampled_from([None, "因为'\"\n"]))))
        for _ in range(draw(st.integers(0, 2))):
            after = attrs.evolve(
                record,
                values=record.values.merged(draw(values()) if first.module == "thing" else {"text": "x"}),
                version=record.version + 1,
                updated_at=record.updated_at + timedelta(hours=1),
            )
            changes.append(make_change(record, after, batch=draw(st.sampled_from([None, "b1"])), channel="import"))
            record = after
        found.append(record)
    things = [record for record in found if record.module == "thing"]
    states = st.sampled_from(["pending", "approved", "applied", "rejected"])
    requests = [
        make_request(number, record.id, draw(values()), state=draw(states), version=draw(st.integers(1, 3)))
        for number, record in enumerate(things[:2])
    ]
    imports = draw(st.lists(st.sampled_from(["b1", "b2"]), unique=True)) if found else []
    versions = range(2, 2 + draw(st.integers(0, 2)))
    return Tenant(found, changes, requests, [batch(key) for key in imports], [revision(number) for number in versions])


def batch(key: str) -> ImportBatch:
    """Return an import."""
    return ImportBatch(key, "thing", "digest", "ann", NOW, "done", 7, requests=("r1", "r2"))


def revision(version: int) -> Revision:
    """Return the sample configuration as a revision."""
    data = configuration_to_json(attrs.evolve(sample_configuration(), version=version))
    return Revision(version, data, NOW, "ann", "理由", version - 1)


@contextmanager
def store(name: str) -> Iterator[Units]:
    """Open an empty store."""
    if name == "memory":
        yield MemoryUnits()
        return
    units = SqlAlchemyUnits.open("sqlite://")
    try:
        yield units
    finally:
        units.dispose()


def workspace(units: Units, tenant: str = "one") -> Workspace:
    """Return a workspace under the sample configuration, whose clock stands still."""
    return Workspace(
        sample_configuration(), units=units, organisation=sample_directory(), clock=lambda: NOW, tenant=tenant
    )


def fill(units: Units, tenant: Tenant, name: str = "one") -> None:
    """Save everything through the repositories, version by version, as work does."""
    with units.begin(sample_schema(), name) as unit:
        for change in tenant.changes:
            history = [item for item in tenant.changes if item.record_id == change.record_id]
            unit.records.save([past(history, change.version)])
            unit.history.append([change])
        for request in tenant.requests:
            for version in range(1, request.version + 1):
                unit.approvals.save(attrs.evolve(request, version=version))
        for item in tenant.imports:
            unit.imports.save(item)
        for number, made in enumerate(tenant.revisions):
            unit.configurations.save(made, replacing=tenant.revisions[number - 1].version if number else 0)


def past(history: Sequence[Change], version: int) -> Record:
    """Return a record as it was at a version: what `fold` does is tested elsewhere."""
    record = fold(history, version=version)
    assert record is not None
    return record


def contents(units: Units, tenant: Tenant, name: str = "one") -> Tenant:
    """Return what is stored of the same ids, read through the repositories."""
    with units.begin(sample_schema(), name) as unit:
        found = [unit.records.get(record.module, [record.id])[record.id] for record in tenant.records]
        changes = [item for record in tenant.records for item in unit.history.of_record(record.module, record.id)]
        requests = [unit.approvals.get([request.id])[request.id] for request in tenant.requests]
        imports = [item for key in tenant.imports if (item := unit.imports.get(key.id)) is not None]
        return Tenant(found, changes, requests, imports, list(unit.configurations.all()))


def answers(units: Units, tenant: Tenant) -> list[Any]:
    """Return what a store says of unique values, tasks and reservations."""
    with units.begin(sample_schema(), "one") as unit:
        codes = [f"C-{number}" for number in range(9)]
        holders = [dict(unit.records.holders("thing", "code", codes))]
        waiting = [[request.id for request in unit.approvals.waiting_for(key)] for key in ("ann", "bob", "cai")]
        return [holders, waiting, unit.configurations.version()]


def rows(units: Units, tenant: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return table → the rows of a tenant."""
    assert isinstance(units, SqlAlchemyUnits)
    assert isinstance(units._source, Engine)
    found = {}
    with units._source.connect() as connection:
        for table in units.tables.record.metadata.sorted_tables:
            if "tenant_id" in table.c:
                statement = select(table).where(table.c.tenant_id == tenant)
                found[table.name] = sorted(map(tuple, connection.execute(statement)), key=repr)
    return found


def backup(units: Units, tenant: str = "one") -> bytes:
    """Return a backup."""
    file = io.BytesIO()
    workspace(units, tenant).export_tenant(file)
    return file.getvalue()


@pytest.mark.parametrize("target", STORES)
@pytest.mark.parametrize("source", STORES)
@settings(max_examples=15)
@given(tenant=tenants())
def test_importing_is_the_inverse_of_exporting(source: str, target: str, tenant: Tenant) -> None:
    """A tenant comes back equal in each store, answers alike, and gives the very same backup again."""
    with store(source) as first, store(target) as second:
        fill(first, tenant)
        assert contents(first, tenant) == tenant
        data = backup(first)
        summary = workspace(second).import_tenant(io.BytesIO(data))
        assert summary == verify_backup(io.BytesIO(data))
        assert summary.counts == {
            "revision": len(tenant.revisions),
            "record": len(tenant.records),
            "change": len(tenant.changes),
            "request": len(tenant.requests),
            "import": len(tenant.imports),
            "event": 0,
            "anchor": 0,
            "access": 0,
        }
        assert contents(second, tenant) == tenant
        assert answers(second, tenant) == answers(first, tenant)
        assert backup(second) == data
        found = workspace(second).check_integrity()
        assert [problem for problem in found.problems if problem.severity == "error"] == []


@settings(max_examples=15)
@given(one=tenants(), other=tenants())
def test_tenants_are_apart(one: Tenant, other: Tenant) -> None:
    """What is done to one tenant as a whole leaves every row of another as it is, and deleting leaves no row."""
    with store("sqlite") as units:
        fill(units, one, "one")
        fill(units, other, "two")
        untouched, data = rows(units, "two"), backup(units, "two")
        saved = backup(units)
        before = rows(units, "one")
        workspace(units).check_integrity(repair=True)
        workspace(units).delete_tenant(confirm="one")
        assert {name: found for name, found in rows(units, "one").items() if found} == {}
        workspace(units).import_tenant(io.BytesIO(saved))
        after = rows(units, "one")
        assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
        assert rows(units, "two") == untouched
        assert backup(units, "two") == data


def whole() -> bytes:
    """Return a backup with two lines of some kinds."""
    units = MemoryUnits()
    first = records_sample(1)[0]
    changes = [make_change(None, record) for record in records_sample(3)]
    requests = [make_request(number, first.id, {field: "x"}) for number, field in ((1, "title"), (2, "note"))]
    fill(units, Tenant(records_sample(3), changes, requests, [batch("b1"), batch("b2")], [revision(2), revision(3)]))
    return backup(units)


def records_sample(number: int) -> list[Record]:
    """Return records."""
    return [full_record(place) for place in range(1, number + 1)]


LINES = whole().splitlines(keepends=True)


def refused(lines: Sequence[bytes]) -> None:
    """Check that a backup is refused by the check and by the import, which leaves the tenant empty."""
    data = b"".join(lines)
    with pytest.raises(UnreadableFileError):
        verify_backup(io.BytesIO(data))
    target = workspace(MemoryUnits())
    with pytest.raises(UnreadableFileError):
        target.import_tenant(io.BytesIO(data))
    assert sum(target.check_integrity().counts.values()) == 0


PLACES = range(len(LINES))


@pytest.mark.parametrize("place", PLACES)
def test_a_line_that_is_missing_or_twice(place: int) -> None:
    """Every line counts, once."""
    refused([*LINES[:place], *LINES[place + 1 :]])
    refused([*LINES[: place + 1], *LINES[place:]])


@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_lines_in_another_order(one: int, other: int) -> None:
    """No two lines may change places."""
    if one == other:
        return
    lines = list(LINES)
    lines[one], lines[other] = lines[other], lines[one]
    refused(lines)


@settings(max_examples=100)
@given(st.data())
def test_a_byte_that_is_altered(data: st.DataObject) -> None:
    """Every byte of every line counts, white space included."""
    place = data.draw(st.sampled_from(PLACES))
    line = bytearray(LINES[place])
    at = data.draw(st.integers(0, len(line) - 1))
    match data.draw(st.sampled_from(["replace", "insert", "delete"])):
        case "replace":
            line[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[at]))
        case "insert":
            line.insert(at, data.draw(st.sampled_from(b' \n\r\t0"')))
        case _:
            del line[at]
    if bytes(line) != LINES[place]:
        refused([*LINES[:place], bytes(line), *LINES[place + 1 :]])


@given(st.integers(0, sum(map(len, LINES)) - 1), st.sampled_from([b"", b"\n", b"x", LINES[-1]]))
def test_a_file_that_breaks_off(length: int, tail: bytes) -> None:
    """A file that was cut off anywhere is refused, whatever follows; and so is one that goes on after its end."""
    data = b"".join(LINES)
    if data[:length] + tail != data:
        refused([data[:length], tail])
    if tail:
        refused([data, tail])


def test_an_untouched_backup_is_accepted() -> None:
    """The lines from which the tests above are made are good as they are."""
    target = workspace(MemoryUnits())
    assert target.import_tenant(io.BytesIO(b"".join(LINES))).counts["record"] == 3
    with pytest.raises(ConflictError) as caught:
        target.import_tenant(io.BytesIO(b"".join(LINES)))
    assert caught.value.code == "tenant_not_empty"

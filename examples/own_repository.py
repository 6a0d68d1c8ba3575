"""A store of one's own: records, history, requests and imports in SQLite, by the standard library's `sqlite3` alone.

Run `python examples/own_repository.py [folder]`: a story on the store, then, if pytest is installed, the contract that
every store keeps. It leaves `own.db` in the folder (`out` when none is given).

SQL finds tenant and module; the rest of a query is Python, by the predicates that custinfo makes of criteria. It reads
every record of a module, which is right for tens of thousands. From there, give fields that people ask for columns
with indexes, turn into SQL what these can answer, and leave the rest to the predicate. `custinfo.adapters.sqlalchemy`
goes all the way.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cmp_to_key
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs

from custinfo import (
    AwaitingApproval,
    ConflictError,
    DuplicateValueError,
    F,
    FieldReservedError,
    InvalidInputError,
    Problem,
    Record,
    StaleVersionError,
    StorageError,
    Tag,
    Workspace,
)
from custinfo.core.approval.requests import OPEN_STATES, Request, RequestId
from custinfo.core.criteria.evaluate import compile_selection, read_path
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.records import RecordId
from custinfo.core.revisions import Revision, changed_configuration
from custinfo.core.schema import Schema
from custinfo.core.stored import ValueCodec, instant_from_text, instant_to_text, unique_key
from custinfo.core.stored_requests import request_from_json, request_to_json
from custinfo.ports import Grouping, Query, Units
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import RepositoryContract

TABLES = """
CREATE TABLE IF NOT EXISTS item (tenant, kind, id, version, module, data, PRIMARY KEY (tenant, kind, id));
CREATE INDEX IF NOT EXISTS item_module ON item (tenant, kind, module, id);
CREATE TABLE IF NOT EXISTS claim (tenant, name, holder, PRIMARY KEY (tenant, name)); -- what only one may have
CREATE INDEX IF NOT EXISTS claim_holder ON claim (tenant, holder);
"""
MEMBERS = "IN (SELECT value FROM json_each(?))"  # one JSON array carries any number of values
TIMES = frozenset({"at", "created_at", "updated_at", "archived_at", "started_at"})
BACKWARDS: Callable[[Any], Any] = cmp_to_key(lambda one, other: (one < other) - (one > other))


def dump(item: Any, **encoded: Any) -> str:
    """Return the JSON text of an attrs value, of which some attributes are encoded already."""
    return json.dumps(
        {**attrs.asdict(item, recurse=False), **encoded},
        default=lambda value: instant_to_text(value) if isinstance(value, datetime) else sorted(value),
    )


def load(text: str) -> dict[str, Any]:
    """Return the JSON data of a text, with instants."""
    data: dict[str, Any] = json.loads(text)
    return data | {key: instant_from_text(data[key]) for key in TIMES & data.keys() if data[key] is not None}


def stale(expected: int, actual: int) -> StaleVersionError:
    """Return the error that tells both versions."""
    return StaleVersionError([Problem("stale_version", params={"expected": expected, "actual": actual})])


@contextmanager
def translated() -> Iterator[None]:
    """Let no error of the database out but as ours; what is locked may be free when the host tries again."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        code = "storage_retryable" if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) else "storage_failed"
        raise StorageError([Problem(code, params={"error": type(error).__name__, "state": name})]) from None


@attrs.frozen
class Store:
    """What the repositories of one unit share: a connection within a transaction, the schema and the tenant."""

    connection: sqlite3.Connection
    schema: Schema
    tenant: str
    codecs: dict[str, ValueCodec] = attrs.field(factory=dict)

    def codec(self, module: str) -> ValueCodec:
        """Return what turns the values of a module into JSON data and back."""
        return self.codecs.get(module) or self.codecs.setdefault(module, ValueCodec(self.schema.module(module)))

    def run(self, statement: str, *values: Any) -> int:
        """Return how many rows a statement wrote."""
        with translated():
            return self.connection.execute(statement, values).rowcount

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows that a statement about the tenant finds."""
        with translated():
            return self.connection.execute(statement, (self.tenant, *values)).fetchall()

    def items(self, kind: str, condition: str, *values: Any) -> list[tuple[ValueCodec, dict[str, Any]]]:
        """Return items in order of id."""
        where = f"WHERE tenant = ? AND kind = ? AND {condition} ORDER BY id"
        rows = self.rows(f"SELECT module, data FROM item {where}", kind, *values)  # noqa: S608 - texts of ours
        return [(self.codec(module), load(data)) for module, data in rows]

    def insert(self, kind: str, key: str, version: int, module: str, data: str) -> int:
        """Return 1, or 0 where such an item is stored already: the primary key decides, not a look beforehand."""
        row = (self.tenant, kind, key, version, module, data)
        return self.run("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", *row)

    def put(self, kind: str, item: Record | Request, data: str) -> None:
        """Insert version 1, or replace the version before. Raises: StaleVersionError."""
        replace = "UPDATE item SET version = ?, data = ? WHERE tenant = ? AND kind = ? AND id = ? AND version = ?"
        if item.version == 1:
            done = self.insert(kind, item.id, 1, item.module, data)
        else:
            done = self.run(replace, item.version, data, self.tenant, kind, item.id, item.version - 1)
        if not done:
            raise stale(item.version - 1, self.version(kind, item.id))

    def version(self, kind: str, key: str) -> int:
        """Return the stored version, 0 for none."""
        rows = self.rows("SELECT version FROM item WHERE tenant = ? AND kind = ? AND id = ?", kind, key)
        return int(rows[0][0]) if rows else 0

    def claim(self, name: str, holder: str) -> int:
        """Return 1, or 0 where somebody else has the name."""
        return self.run("INSERT INTO claim VALUES (?, ?, ?) ON CONFLICT DO NOTHING", self.tenant, name, holder)

    def release(self, holder: str) -> None:
        """Give up all that a record or request has."""
        self.run("DELETE FROM claim WHERE tenant = ? AND holder = ?", self.tenant, holder)

    def holders(self, names: Collection[str]) -> dict[str, str]:
        """Return name → who has it."""
        wanted = f"SELECT name, holder FROM claim WHERE tenant = ? AND name {MEMBERS}"  # noqa: S608 - texts of ours
        return dict(self.rows(wanted, json.dumps(list(names))))

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Take back what was done inside if it raises; savepoints of one name nest."""
        self.run("SAVEPOINT block")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK TO block")
            raise
        finally:
            self.run("RELEASE block")


@attrs.frozen
class OwnRecords:
    """Keep records, and answer queries by reading those of a module."""

    store: Store

    def get(self, module: str, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Record]:
        """Return those that exist."""
        return {record.id: record for record in self._read(f"module = ? AND id {MEMBERS}", module, _array(record_ids))}

    def save(self, records: Sequence[Record], /) -> None:
        """Write them all, or raise and change nothing."""
        with self.store.atomic():
            for record in records:
                values = self.store.codec(record.module).encode_values(record.values)
                self.store.put("record", record, dump(record, values=values))
                self.store.release(record.id)
            self._claim(records)

    def remove(self, records: Sequence[Record], /) -> None:
        """Delete them all, or raise and change nothing."""
        delete = "DELETE FROM item WHERE tenant = ? AND kind = 'record' AND id = ? AND version = ?"
        with self.store.atomic():
            for record in records:
                if not self.store.run(delete, self.store.tenant, record.id, record.version):
                    raise stale(record.version, self.store.version("record", record.id))
                self.store.release(record.id)

    def reindex(self, records: Sequence[Record], /) -> None:
        """Claim the unique values of records anew, or raise and change nothing."""
        with self.store.atomic():
            for record in records:
                self.store.release(record.id)
            self._claim(records)

    def holders(self, module: str, key: str, values: Collection[str], /) -> Mapping[str, RecordId]:
        """Return unique value → the live record that has it."""
        found = self.store.holders([_array((module, key, value)) for value in values])
        return {json.loads(name)[2]: RecordId(holder) for name, holder in found.items()}

    def find(self, query: Query, /) -> Sequence[Record]:
        """Return the records in order; missing values come last either way."""

        def place(position: Sequence[Any]) -> Any:
            pairs = zip(position, query.order, strict=False)
            turned = [(value, order.descending and value is not None) for value, order in pairs]
            return [(value is None, BACKWARDS(value) if turn else value) for value, turn in turned], position[-1]

        rows = [
            (place((*(self._value(record, order.path) for order in query.order), record.id)), record)
            for record in self._matching(query)
        ]
        rows.sort(key=lambda row: row[0])
        return [row for at, row in rows if query.after is None or at > place(query.after)][: query.limit]

    def count(self, query: Query, /) -> int:
        """Return how many records there are."""
        return len(self._matching(query))

    def distribution(self, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
        """Return typed value → number of records."""
        return Counter(group for record in self._matching(query) for group in self._groups(record, grouping))

    def _read(self, condition: str, *values: str) -> Iterator[Record]:
        for codec, data in self.store.items("record", condition, *values):
            tags = frozenset(Tag(*pair) for pair in data["tags"])
            yield Record(**{**data, "values": codec.decode_values(data["values"]), "tags": tags})

    def _claim(self, records: Sequence[Record]) -> None:
        for record in records:
            for field, name in self._unique(record):
                if not self.store.claim(name, record.id):
                    raise DuplicateValueError([Problem("not_unique", field)])

    def _unique(self, record: Record) -> Iterator[tuple[str, str]]:
        """Yield the unique fields of a live record, and the names that it has to claim."""
        module = self.store.schema.module(record.module)
        keys = (field.key for field in module.unique_fields if field.key in record.values)
        for key in keys if record.archived_at is None else ():
            value = unique_key(module, key, record.values[key])
            if value is not None:
                yield key, _array((record.module, key, value))

    def _matching(self, query: Query) -> list[Record]:
        return compile_selection(query.criterion)(self._read("module = ?", query.module), self._related)

    def _related(self, record: Record, key: str) -> Record | None:
        """Follow a reference."""
        target = record.values.get(key)
        module = str(self.store.schema.module(record.module).definition.fields[key].options["module"])
        return self.get(module, [target]).get(target) if target is not None else None

    def _value(self, record: Record, path: Sequence[str]) -> Any:
        *hop, key = path
        return read_path(self._related(record, hop[0]) if hop else record, key)

    def _groups(self, record: Record, grouping: Grouping) -> Sequence[Any]:
        if grouping.dimension is not None:
            return [tag.value for tag in record.tags if tag.dimension == grouping.dimension] or [None]
        value = self._value(record, grouping.path or ())
        return value if isinstance(value, tuple) else [value]


def _array(values: Collection[str]) -> str:
    return json.dumps(list(values))


@attrs.frozen
class OwnHistory:
    """Keep changes; their ids are made of record and version."""

    store: Store

    def append(self, changes: Sequence[Change], /) -> None:
        """Add changes, all or none. Raises: StaleVersionError if a version has one already."""
        with self.store.atomic():
            for change in changes:
                fields = self.store.codec(change.module).encode_change(change)
                key = f"{change.record_id} {change.version:012}"
                if not self.store.insert("change", key, 1, change.module, dump(change, fields=fields)):
                    raise stale(change.version - 1, change.version)

    def of_record(self, module: str, record_id: RecordId, /) -> Sequence[Change]:
        """Return all changes of a record, oldest first."""
        return self._read("module = ? AND id GLOB ? || ' *'", module, record_id)

    def of_batch(self, batch_id: str, /) -> Sequence[Change]:
        """Return all changes that an import made."""
        return self._read("json_extract(data, '$.batch') = ?", batch_id)

    def _read(self, condition: str, *values: str) -> list[Change]:
        changes = []
        for codec, data in self.store.items("change", condition, *values):
            fields = codec.decode_change(data["fields"], data["channel"], data["configuration_version"])
            changes.append(Change(**{**data, "fields": fields}))
        return changes


@attrs.frozen
class OwnApprovals:
    """Keep requests; a field that one reserves is a name that it claims."""

    store: Store

    def get(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those that exist."""
        return {request.id: request for request in self._read(f"id {MEMBERS}", _array(request_ids))}

    def save(self, request: Request, /) -> None:
        """Insert or replace the request with its reservations, or raise and change nothing."""
        data = request_to_json(request, self.store.codec(request.module))
        names = {_array((request.record_id, key)): key for key in sorted(request.reserved_fields())}
        with self.store.atomic():
            self.store.put("request", request, json.dumps(data))
            self.store.release(request.id)
            taken = self.store.holders([name for name in names if not self.store.claim(name, request.id)])
            if taken:
                raise FieldReservedError(
                    Problem("field_reserved", key, params={"request_id": taken[name]})
                    for name, key in names.items()
                    if name in taken
                )

    def open_for(self, module: str, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return the open requests about these records, oldest first."""
        wanted = f"module = ? AND json_extract(data, '$.record_id') {MEMBERS}"
        return [request for request in self._read(wanted, module, _array(record_ids)) if request.state in OPEN_STATES]

    def waiting_for(self, member: str, /) -> Sequence[Request]:
        """Return the requests in which the member has an open task, oldest first."""
        pending = self._read("json_extract(data, '$.state') = 'pending'")
        return [request for request in pending if any(task.approver == member for task in request.open_tasks())]

    def submitted_by(self, member: str, /) -> Sequence[Request]:
        """Return the member's own requests, newest first."""
        return self._read("json_extract(data, '$.submitted_by') = ?", member)[::-1]

    def _read(self, condition: str, *values: str) -> list[Request]:
        found = [request_from_json(data, codec) for codec, data in self.store.items("request", condition, *values)]
        return sorted(found, key=lambda request: (request.submitted_at, request.id))


@attrs.frozen
class OwnImports:
    """Keep imports."""

    store: Store

    def get(self, batch_id: str, /) -> ImportBatch | None:
        """Return the import, or `None`."""
        return next(iter(self._read("id = ?", batch_id)), None)

    def save(self, batch: ImportBatch, /) -> None:
        """Insert or replace the import."""
        row = (self.store.tenant, "import", batch.id, 1, batch.module, dump(batch))
        self.store.run("INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?, ?)", *row)

    def unfinished(self, module: str, digest: str, /) -> ImportBatch | None:
        """Return the latest running import of the same content, or `None`."""
        same = [batch for batch in self._read("module = ?", module) if batch.digest == digest]
        running = [batch for batch in same if batch.state == "running"]
        return max(running, key=lambda batch: (batch.started_at, batch.id), default=None)

    def _read(self, condition: str, *values: str) -> list[ImportBatch]:
        found = self.store.items("import", condition, *values)
        return [
            ImportBatch(**{**data, "counts": FrozenDict(data["counts"]), "requests": tuple(data["requests"])})
            for _, data in found
        ]


@attrs.frozen
class OwnConfigurations:
    """Keep revisions; a unit has the database to itself, so that nothing needs holding."""

    store: Store

    def version(self) -> int:
        """Return the version that is in force, 0 if none was ever saved."""
        rows = self.store.rows("SELECT max(version) FROM item WHERE tenant = ? AND kind = 'configuration'")
        return int(rows[0][0] or 0)

    def hold(self, version: int, /) -> None:
        """Refuse another version than the one in force."""
        if self.version() != version:
            raise changed_configuration(version, self.version())

    def save(self, revision: Revision, /, *, replacing: int) -> None:
        """Add a revision, or raise and change nothing."""
        self.hold(replacing)
        self.store.insert("configuration", f"{revision.version:012}", revision.version, "", dump(revision))

    def get(self, version: int, /) -> Revision | None:
        """Return a revision, or `None`."""
        return next((revision for revision in self.all() if revision.version == version), None)

    def all(self) -> Sequence[Revision]:
        """Return every revision, oldest first."""
        items = self.store.rows("SELECT data FROM item WHERE tenant = ? AND kind = 'configuration' ORDER BY id")
        return [Revision(**load(data)) for (data,) in items]


class OwnUnit:
    """One transaction, and the repositories that work within it."""

    def __init__(self, store: Store) -> None:
        self.records = self.queries = OwnRecords(store)
        self.history = OwnHistory(store)
        self.approvals = OwnApprovals(store)
        self.imports = OwnImports(store)
        self.configurations = OwnConfigurations(store)
        self.atomic = store.atomic
        self._store = store

    def under(self, schema: Schema, /) -> OwnUnit:
        """Return the same unit as another configuration sees its records."""
        return OwnUnit(Store(self._store.connection, schema, self._store.tenant))

    def commit(self) -> None:
        """Make permanent what was done so far and go on in a new transaction."""
        self._store.run("COMMIT")
        self._store.run("BEGIN IMMEDIATE")


class OwnUnits:
    """Begin units of work on a file, one at a time: each takes the database's lock when it begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with translated(), closing(sqlite3.connect(path)) as connection:
            connection.executescript(TABLES)

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[OwnUnit]:
        """Return a unit for a `with` block: committed at its end; closing without a commit takes all back."""
        with translated():
            connection = sqlite3.connect(self.path, isolation_level=None)
        with closing(connection):
            store = Store(connection, schema, tenant)
            store.run("BEGIN IMMEDIATE")
            yield OwnUnit(store)
            store.run("COMMIT")


class TestOwnRepository(RepositoryContract):
    """The contract on this store: all that `pytest examples/own_repository.py` runs."""

    def units(self) -> Units:
        """Return an empty store."""
        return OwnUnits(Path(tempfile.mkdtemp()) / "own.db")

    def discard(self, units: Units) -> None:
        """Delete it."""
        assert isinstance(units, OwnUnits)
        shutil.rmtree(units.path.parent)


def tell(workspace: Workspace) -> None:
    """Let a salesperson keep a customer, another one take its code, and the head of the department decide."""
    basics = {"客户名称": "苏州霁川电子有限公司", "客户类型": "企业客户", "联系人": "周雨桐", "联系方式": "13800000001"}
    code = {"统一社会信用代码": "91350100M000100Y43"}
    with workspace.acting_as("lisi") as session:
        session.customers.create(basics | code | {"年采购预算": "80万"}, tags=[("需求", "采购设备")])
        session.customers.create(basics | {"客户名称": "宁波望潮物流有限公司", "年采购预算": "120万"})
        best = session.customers.find(F.annual_budget > 500_000, order_by=["-annual_budget"]).records
        print("Best first:", *(f"{view['name']} {view['annual_budget']}" for view in best))
    with workspace.acting_as("wangwu") as session:
        try:
            session.customers.create(basics | code | {"客户名称": "另一家公司"})
        except (ConflictError, InvalidInputError) as error:
            print("Refused:", error.message())
    with workspace.acting_as("lisi") as session:
        outcome = session.customers.update(best[0].id, {"客户状态": "流失"}, version=best[0].version, reason="停产")
        assert isinstance(outcome, AwaitingApproval)
    with workspace.acting_as("zhaojl") as session:
        for task in session.approvals.inbox():
            session.approvals.approve(task.request_id, comment="同意")
        for change in session.customers.history(best[0].id):
            print(f"Version {change.version} by {change.actor} ({change.channel}): {', '.join(sorted(change.fields))}")


def main(folder: Path) -> int:
    """Tell the story on a new file and run the contract; return its exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.db").unlink(missing_ok=True)
    tell(Workspace(standard_configuration(), units=OwnUnits(folder / "own.db"), organisation=sample_organisation()))
    if find_spec("pytest") is None:
        print("To run the contract that every store keeps: pip install pytest, and run this again.")
        return 0
    import pytest  # noqa: PLC0415 - it need not be installed

    print("The contract that every store keeps:")
    return pytest.main(["-q", "-o", "addopts=", "--noconftest", "-p", "no:cacheprovider", __file__])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out")))

"""A store of one's own: records, history, requests and imports in SQLite, by the standard library's `sqlite3` alone.

Run `python examples/own_repository.py [folder]`: a small story on it, and then, if pytest is installed, the contract
that every store keeps. It leaves `own.db` in the folder (`out` when none is given).

SQL finds the module and the tenant; Python then does the rest of a query, with the predicates that custinfo makes of
criteria. That reads every record of the module, which is right up to tens of thousands of them. From there, give the
fields that people ask for columns with indexes, turn into SQL the parts of a criterion that these can answer, and
leave the rest to the predicate; `custinfo.adapters.sqlalchemy` goes all the way, and may be used instead.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cmp_to_key
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs

from custinfo import (
    Applied,
    AwaitingApproval,
    DuplicateValueError,
    F,
    FieldReservedError,
    Record,
    StaleVersionError,
    StorageError,
    Tag,
    Workspace,
)
from custinfo.core.approval.requests import OPEN_STATES, Request, RequestId
from custinfo.core.criteria.evaluate import compile_selection, read_path
from custinfo.core.criteria.nodes import Path as FieldPath
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.importing import ImportBatch
from custinfo.core.problems import Problem
from custinfo.core.records import RecordId
from custinfo.core.schema import Schema
from custinfo.core.stored import ValueCodec, instant_from_text, instant_to_text, unique_key
from custinfo.core.stored_requests import request_from_json, request_to_json
from custinfo.ports import Grouping, Query, Units
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import RepositoryContract

# Every key starts with the tenant. What must not happen twice is a primary key: the database decides, not a look
# beforehand. Columns made of `data` are those that are searched.
TABLES = """
CREATE TABLE IF NOT EXISTS record (tenant, id, module, version, data, PRIMARY KEY (tenant, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_module ON record (tenant, module);
CREATE TABLE IF NOT EXISTS unique_value (
    tenant, module, field, value TEXT, record_id, PRIMARY KEY (tenant, module, field, value)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unique_value_record ON unique_value (tenant, record_id);
CREATE TABLE IF NOT EXISTS change (
    tenant, record_id, version, module, batch, data, PRIMARY KEY (tenant, record_id, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS request (
    tenant, id, module, version, data,
    record_id TEXT AS (json_extract(data, '$.record_id')), state TEXT AS (json_extract(data, '$.state')),
    submitted_by TEXT AS (json_extract(data, '$.submitted_by')),
    submitted_at TEXT AS (json_extract(data, '$.submitted_at')), PRIMARY KEY (tenant, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservation (
    tenant, record_id, field, request_id, PRIMARY KEY (tenant, record_id, field)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS import (
    tenant, id, module, digest, state, started_at, data, PRIMARY KEY (tenant, id)) WITHOUT ROWID;
"""


@contextmanager
def translated() -> Iterator[None]:
    """Let no error of the database out but as ours; a lock may be gone when the host tries again."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        code = "storage_retryable" if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) else "storage_failed"
        raise StorageError([Problem(code, params={"error": type(error).__name__, "state": name})]) from None


def stale(expected: int, actual: int) -> StaleVersionError:
    """Return the error that tells both versions."""
    return StaleVersionError([Problem("stale_version", params={"expected": expected, "actual": actual})])


@attrs.frozen
class Store:
    """What the repositories of one unit share: a connection within a transaction, the schema and the tenant."""

    connection: sqlite3.Connection
    schema: Schema
    tenant: str
    _codecs: dict[str, ValueCodec] = attrs.field(factory=dict)

    def run(self, statement: str, *values: Any) -> int:
        """Return how many rows a statement wrote."""
        with translated():
            return self.connection.execute(statement, values).rowcount

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Return what a statement, whose first parameter is the tenant, finds."""
        with translated():
            return self.connection.execute(statement, (self.tenant, *values)).fetchall()

    def codec(self, module: str) -> ValueCodec:
        """Return what turns a module's values into JSON data and back."""
        if module not in self._codecs:
            self._codecs[module] = ValueCodec(self.schema.module(module))
        return self._codecs[module]

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

    def put(self, table: str, item: Record | Request, data: Mapping[str, Any]) -> None:
        """Insert version 1, or replace the version before. Raises: StaleVersionError."""
        text, key = json.dumps(data), (self.tenant, item.id)
        insert = f"INSERT INTO {table} VALUES (?, ?, ?, 1, ?) ON CONFLICT DO NOTHING"  # noqa: S608 - a table of ours
        update = f"UPDATE {table} SET version = ?, data = ? WHERE tenant = ? AND id = ? AND version = ?"  # noqa: S608
        if item.version == 1:
            written = self.run(insert, *key, item.module, text)
        else:
            written = self.run(update, item.version, text, *key, item.version - 1)
        if not written:
            raise stale(item.version - 1, self.version(table, item.id))

    def version(self, table: str, key: str) -> int:
        """Return the stored version, 0 for none."""
        found = self.rows(f"SELECT version FROM {table} WHERE tenant = ? AND id = ?", key)  # noqa: S608
        return int(found[0][0]) if found else 0


def record_to_json(record: Record, codec: ValueCodec) -> dict[str, Any]:
    """Return a record as JSON data."""
    times = {key: getattr(record, key) for key in ("created_at", "updated_at", "archived_at")}
    return {
        **attrs.asdict(record, recurse=False),
        **{key: time and instant_to_text(time) for key, time in times.items()},
        "values": codec.encode_values(record.values),
        "tags": sorted(record.tags),
    }


def record_from_json(text: str, codec: ValueCodec) -> Record:
    """Return the record that `record_to_json` gave."""
    data = json.loads(text)
    times = {key: data[key] and instant_from_text(data[key]) for key in ("created_at", "updated_at", "archived_at")}
    tags = frozenset(Tag(dimension, value) for dimension, value in data["tags"])
    return Record(**{**data, **times, "values": codec.decode_values(data["values"]), "tags": tags})


@attrs.frozen
class OwnRecords:
    """Keep records; a unique value is a row that points to its holder."""

    _store: Store

    def get(self, module: str, record_ids: Collection[RecordId], /) -> Mapping[RecordId, Record]:
        """Return those that exist; one JSON array carries any number of ids."""
        wanted = "SELECT id, data FROM record WHERE tenant = ? AND module = ? AND id IN (SELECT value FROM json_each(?))"
        codec = self._store.codec(module)
        rows = self._store.rows(wanted, module, json.dumps(list(record_ids)))
        return {key: record_from_json(text, codec) for key, text in rows}

    def save(self, records: Sequence[Record], /) -> None:
        """Write them all, or raise and change nothing."""
        with self._store.atomic():
            for record in records:
                self._store.put("record", record, record_to_json(record, self._store.codec(record.module)))
            self._release(records)
            for record in records:
                self._claim(record)

    def remove(self, records: Sequence[Record], /) -> None:
        """Delete them all, or raise and change nothing."""
        store = self._store
        with store.atomic():
            for record in records:
                same = (store.tenant, record.id, record.version)
                if not store.run("DELETE FROM record WHERE tenant = ? AND id = ? AND version = ?", *same):
                    raise stale(record.version, store.version("record", record.id))
            self._release(records)

    def holders(self, module: str, key: str, values: Collection[str], /) -> Mapping[str, RecordId]:
        """Return unique value → the live record that has it."""
        held = "SELECT value, record_id FROM unique_value WHERE tenant = ? AND module = ? AND field = ?"
        wanted = f"{held} AND value IN (SELECT value FROM json_each(?))"
        return dict(self._store.rows(wanted, module, key, json.dumps(list(values))))

    def _release(self, records: Iterable[Record]) -> None:
        for record in records:
            self._store.run("DELETE FROM unique_value WHERE tenant = ? AND record_id = ?", self._store.tenant, record.id)

    def _claim(self, record: Record) -> None:
        """Take the unique values of a live record. Raises: DuplicateValueError."""
        module = self._store.schema.module(record.module)
        fields = module.definition.fields.values() if record.archived_at is None else ()
        for key in (field.key for field in fields if field.unique and field.key in record.values):
            value = unique_key(module, key, record.values[key])
            row = (self._store.tenant, record.module, key, value, record.id)
            claim = "INSERT INTO unique_value VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
            if value is not None and not self._store.run(claim, *row):
                raise DuplicateValueError([Problem("not_unique", key)])


@attrs.frozen
class Answer:
    """Answer one query; a record that others refer to is read once."""

    _store: Store
    _referenced: dict[RecordId, Record | None] = attrs.field(factory=dict)

    def matching(self, query: Query) -> list[Record]:
        """Return the records of the module that meet the criterion, in order of id."""
        codec = self._store.codec(query.module)
        rows = self._store.rows("SELECT data FROM record WHERE tenant = ? AND module = ? ORDER BY id", query.module)
        select = compile_selection(query.criterion)
        return select((record_from_json(text, codec) for (text,) in rows), self.related)

    def related(self, record: Record, key: str) -> Record | None:
        """Follow a reference."""
        target = record.values.get(key)
        if target is None:
            return None
        if target not in self._referenced:
            module = str(self._store.schema.module(record.module).definition.fields[key].options["module"])
            self._referenced[target] = OwnRecords(self._store).get(module, [target]).get(target)
        return self._referenced[target]

    def read(self, record: Record, path: FieldPath) -> Any:
        """Return the value at the end of a path, `None` for none."""
        *hop, key = path
        return read_path(self.related(record, hop[0]) if hop else record, key)

    def groups(self, record: Record, grouping: Grouping) -> Sequence[Any]:
        """Return the groups in which a record counts."""
        if grouping.dimension is not None:
            return [tag.value for tag in record.tags if tag.dimension == grouping.dimension] or [None]
        value = self.read(record, grouping.path or ())
        return value if isinstance(value, tuple) else [value]


def position_order(query: Query) -> Callable[[Sequence[Any]], Any]:
    """Return the sort key of positions (sort values, then the id): missing values come last either way."""
    directions = (*(order.descending for order in query.order), False)

    def compare(one: Sequence[Any], other: Sequence[Any]) -> int:
        for left, right, descending in zip(one, other, directions, strict=True):
            if left != right:
                if left is None or right is None:
                    return 1 if left is None else -1
                return -1 if (left < right) != descending else 1
        return 0

    return cmp_to_key(compare)


@attrs.frozen
class OwnQueries:
    """Answer queries by reading the module's records."""

    _store: Store

    def find(self, query: Query, /) -> Sequence[Record]:
        """Return the records in order."""
        answer, order = Answer(self._store), position_order(query)
        paths = [item.path for item in query.order]
        rows = [
            (order((*(answer.read(record, path) for path in paths), record.id)), record)
            for record in answer.matching(query)
        ]
        if query.after is not None:
            start = order(query.after)
            rows = [row for row in rows if row[0] > start]
        return [record for _, record in sorted(rows, key=lambda row: row[0])[: query.limit]]

    def count(self, query: Query, /) -> int:
        """Return how many records there are."""
        return len(Answer(self._store).matching(query))

    def distribution(self, query: Query, grouping: Grouping, /) -> Mapping[Any, int]:
        """Return typed value → number of records."""
        answer = Answer(self._store)
        return Counter(value for record in answer.matching(query) for value in answer.groups(record, grouping))


@attrs.frozen
class OwnHistory:
    """Keep changes, one a version of a record."""

    _store: Store

    def append(self, changes: Sequence[Change], /) -> None:
        """Add changes, all or none. Raises: StaleVersionError if a version has one already."""
        store = self._store
        with store.atomic():
            for change in changes:
                fields = store.codec(change.module).encode_changes(change.fields)
                data = {**attrs.asdict(change, recurse=False), "at": instant_to_text(change.at), "fields": fields}
                row = (store.tenant, change.record_id, change.version, change.module, change.batch, json.dumps(data))
                if not store.run("INSERT INTO change VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", *row):
                    raise stale(change.version - 1, change.version)

    def of_record(self, module: str, record_id: RecordId, /) -> Sequence[Change]:
        """Return all changes of a record, oldest first."""
        wanted = "SELECT data FROM change WHERE tenant = ? AND module = ? AND record_id = ? ORDER BY version"
        return self._changes(self._store.rows(wanted, module, record_id))

    def of_batch(self, batch_id: str, /) -> Sequence[Change]:
        """Return all changes that an import made."""
        wanted = "SELECT data FROM change WHERE tenant = ? AND batch = ? ORDER BY record_id, version"
        return self._changes(self._store.rows(wanted, batch_id))

    def _changes(self, rows: Iterable[tuple[str]]) -> list[Change]:
        found = []
        for data in (json.loads(text) for (text,) in rows):
            fields = self._store.codec(data["module"]).decode_changes(data["fields"])
            found.append(Change(**{**data, "at": instant_from_text(data["at"]), "fields": fields}))
        return found


@attrs.frozen
class OwnApprovals:
    """Keep requests; a reserved field is a row that points to its request."""

    _store: Store

    def get(self, request_ids: Collection[RequestId], /) -> Mapping[RequestId, Request]:
        """Return those that exist."""
        found = self._where("id IN (SELECT value FROM json_each(?))", json.dumps(list(request_ids)))
        return {request.id: request for request in found}

    def save(self, request: Request, /) -> None:
        """Insert or replace the request with its reservations, or raise and change nothing."""
        store = self._store
        with store.atomic():
            store.put("request", request, request_to_json(request, store.codec(request.module)))
            store.run("DELETE FROM reservation WHERE tenant = ? AND request_id = ?", store.tenant, request.id)
            taken = [key for key in sorted(request.reserved_fields()) if not self._reserve(request, key)]
            if taken:
                raise FieldReservedError([self._reserved(request, key) for key in taken])

    def open_for(self, module: str, record_ids: Collection[RecordId], /) -> Sequence[Request]:
        """Return the open requests about these records, oldest first."""
        members = "SELECT value FROM json_each(?)"
        wanted = f"module = ? AND record_id IN ({members}) AND state IN ({members})"
        return self._where(wanted, module, json.dumps(list(record_ids)), json.dumps(sorted(OPEN_STATES)))

    def waiting_for(self, member: str, /) -> Sequence[Request]:
        """Return the requests in which the member has an open task, oldest first."""
        pending = self._where("state = ?", "pending")
        return [request for request in pending if any(task.approver == member for task in request.open_tasks())]

    def submitted_by(self, member: str, /) -> Sequence[Request]:
        """Return the member's own requests, newest first."""
        return self._where("submitted_by = ?", member)[::-1]

    def _reserve(self, request: Request, key: str) -> int:
        row = (self._store.tenant, request.record_id, key, request.id)
        return self._store.run("INSERT INTO reservation VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", *row)

    def _reserved(self, request: Request, key: str) -> Problem:
        holder = "SELECT request_id FROM reservation WHERE tenant = ? AND record_id = ? AND field = ?"
        ((request_id,),) = self._store.rows(holder, request.record_id, key)
        return Problem("field_reserved", key, params={"request_id": request_id})

    def _where(self, condition: str, *values: Any) -> list[Request]:
        wanted = f"SELECT module, data FROM request WHERE tenant = ? AND {condition} ORDER BY submitted_at, id"  # noqa: S608
        rows = self._store.rows(wanted, *values)
        return [request_from_json(json.loads(text), self._store.codec(module)) for module, text in rows]


@attrs.frozen
class OwnImports:
    """Keep imports."""

    _store: Store

    def get(self, batch_id: str, /) -> ImportBatch | None:
        """Return the import, or `None`."""
        return self._first(self._store.rows("SELECT data FROM import WHERE tenant = ? AND id = ?", batch_id))

    def save(self, batch: ImportBatch, /) -> None:
        """Insert or replace the import."""
        started_at = instant_to_text(batch.started_at)
        data = json.dumps({**attrs.asdict(batch, recurse=False), "started_at": started_at})
        row = (self._store.tenant, batch.id, batch.module, batch.digest, batch.state, started_at, data)
        self._store.run("INSERT OR REPLACE INTO import VALUES (?, ?, ?, ?, ?, ?, ?)", *row)

    def unfinished(self, module: str, digest: str, /) -> ImportBatch | None:
        """Return the latest running import of the same content, or `None`."""
        running = "SELECT data FROM import WHERE tenant = ? AND module = ? AND digest = ? AND state = 'running'"
        return self._first(self._store.rows(f"{running} ORDER BY started_at DESC, id DESC", module, digest))

    def _first(self, rows: Sequence[tuple[str]]) -> ImportBatch | None:
        if not rows:
            return None
        data = json.loads(rows[0][0])
        started_at, counts = instant_from_text(data["started_at"]), FrozenDict(data["counts"])
        return ImportBatch(**{**data, "started_at": started_at, "counts": counts})


class OwnUnit:
    """One transaction, and the repositories that work within it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.records = OwnRecords(store)
        self.queries = OwnQueries(store)
        self.history = OwnHistory(store)
        self.approvals = OwnApprovals(store)
        self.imports = OwnImports(store)
        self.atomic = store.atomic

    def commit(self) -> None:
        """Make permanent what was done so far and go on in a new transaction."""
        self._store.run("COMMIT")
        self._store.run("BEGIN IMMEDIATE")


class OwnUnits:
    """Begin units of work on a file: one at a time, since each takes the database's lock when it begins."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        with translated(), closing(sqlite3.connect(path)) as connection:
            connection.executescript(TABLES)

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[OwnUnit]:
        """Return a unit for a `with` block: committed at its end; closing without a commit takes all back."""
        with translated():
            connection = sqlite3.connect(self._path, isolation_level=None)
        with closing(connection):
            store = Store(connection, schema, tenant)
            store.run("BEGIN IMMEDIATE")
            yield OwnUnit(store)
            store.run("COMMIT")

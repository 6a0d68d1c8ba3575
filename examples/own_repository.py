"""A store of one's own: records, history, requests and imports in SQLite, by the standard library's `sqlite3` alone.

Run `python examples/own_repository.py [folder]`: a story on the store, then, if pytest is installed, the contract that
every store keeps. It leaves `own.db` in the folder (`out` when none is given).

A store of JSON documents implements one port, `DocumentStore`, and gets everything else from `DocumentUnit`. Questions
are then answered by reading a module, which is right for tens of thousands of records. From there, give a unit queries
that the database answers; `custinfo.adapters.sqlalchemy` goes all the way.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs

from custinfo import AwaitingApproval, ConflictError, F, InvalidInputError, Workspace
from custinfo.adapters.documents import DocumentUnit
from custinfo.core.schema import Schema
from custinfo.core.store_errors import storage_failure
from custinfo.ports import Units
from custinfo.ports.documents import Item, Where
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import RepositoryContract

INDEXED = {"record": "module", "change": "record_id", "request": "record_id", "claim": "holder"}
TABLE = "CREATE TABLE IF NOT EXISTS item (tenant, kind, key, version, data, PRIMARY KEY (tenant, kind, key));"
INDEX = "CREATE INDEX IF NOT EXISTS {0}_{1} ON item (tenant, json_extract(data, '$.{1}')) WHERE kind = '{0}';"


@contextmanager
def translated() -> Iterator[None]:
    """Let no error of the database out but as ours; what is locked may be free when the host tries again."""
    try:
        yield
    except sqlite3.Error as error:
        state = getattr(error, "sqlite_errorname", "")
        raise storage_failure(error, state, retryable=state.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))) from None


@attrs.frozen
class OwnStore:
    """The documents of a tenant, on a connection within a transaction."""

    connection: sqlite3.Connection
    tenant: str

    def run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Execute one statement."""
        with translated():
            return self.connection.execute(statement, values)

    def meant(self, kind: str, where: Where) -> tuple[str, list[Any]]:
        """Return the condition of what is asked for, and its values: an array of JSON carries any number of them."""
        names = [name if name in ("key", "version") else f"json_extract(data, '$.{name}')" for name in where]
        among = [f" AND {name} IN (SELECT value FROM json_each(?))" for name in names]  # noqa: S608 - texts of ours
        values = [json.dumps(list(values)) for values in where.values()]
        return f"tenant = ? AND kind = '{kind}'{''.join(among)}", [self.tenant, *values]

    def read(self, kind: str, where: Where, /) -> list[dict[str, Any]]:
        """Return the data of items."""
        condition, values = self.meant(kind, where)
        with translated():
            rows = self.run(f"SELECT data FROM item WHERE {condition}", *values).fetchall()  # noqa: S608 - texts of ours
        return [json.loads(data) for (data,) in rows]

    def insert(self, kind: str, items: Sequence[Item], /) -> bool:
        """Add items, all or none: the primary key decides, not a look beforehand."""
        rows = [(self.tenant, kind, item.key, item.version, json.dumps(item.data)) for item in items]
        self.run("SAVEPOINT added")
        with translated():
            done = self.connection.executemany("INSERT INTO item VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)
        complete = max(done.rowcount, 0) == len(rows)
        if not complete:
            self.run("ROLLBACK TO added")
        self.run("RELEASE added")
        return complete

    def replace(self, kind: str, item: Item, /) -> bool:
        """Put an item in the place of the version before: the statement that writes compares it."""
        replace = "UPDATE item SET version = ?, data = ? WHERE tenant = ? AND kind = ? AND key = ? AND version = ?"
        place = (self.tenant, kind, item.key, item.version - 1)
        return self.run(replace, item.version, json.dumps(item.data), *place).rowcount == 1

    def delete(self, kind: str, where: Where, /) -> int:
        """Delete items."""
        condition, values = self.meant(kind, where)
        return self.run(f"DELETE FROM item WHERE {condition}", *values).rowcount  # noqa: S608 - texts of ours

    def lock(self, *, shared: bool) -> None:
        """Do nothing: a unit has the database to itself from its beginning, whatever others share."""

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

    def commit(self) -> None:
        """Make permanent what was done so far and go on in a new transaction."""
        self.run("COMMIT")
        self.run("BEGIN IMMEDIATE")


class OwnUnits:
    """Begin units of work on a file, one at a time: each takes the database's lock when it begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with translated(), closing(sqlite3.connect(path)) as connection:
            connection.executescript(TABLE + "".join(INDEX.format(*pair) for pair in INDEXED.items()))

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[DocumentUnit]:
        """Return a unit for a `with` block: committed at its end; closing without a commit takes all back."""
        with translated():
            connection = sqlite3.connect(self.path, isolation_level=None)
        with closing(connection):
            store = OwnStore(connection, tenant)
            store.run("BEGIN IMMEDIATE")
            yield DocumentUnit(store, schema)
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

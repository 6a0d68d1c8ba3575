"""A process is killed at any moment of bulk work: nothing is half done, and the work comes to the same end.

`CUSTINFO_KILLS` says how often; 4 times unless told otherwise.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from custinfo import Workspace
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy import units as units_module
from tests.adapters.sqlalchemy.agreement import disagreements
from tests.adapters.sqlalchemy.dying import BASE, BATCH, import_sheet, open_workspace
from tests.adapters.sqlalchemy.fields import empty_slots, engine_of
from tests.databases import POSTGRESQL, throw_away_units

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("CUSTINFO_KILLS", "4"))


@pytest.fixture(params=["sqlite", POSTGRESQL], ids=["sqlite", "postgresql"])
def units(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlAlchemyUnits]:
    """Open a store in which nothing is filled in passing."""
    monkeypatch.setattr(units_module, "SMALL_FILL", 0)
    url = request.param if request.param != "sqlite" else f"sqlite:///{tmp_path / 'store.db'}"
    with throw_away_units(url) as units:
        yield units


class Killer:
    """Begin work in a process of its own, let it go on after each of so many steps, and kill it some time later."""

    def __init__(self, units: SqlAlchemyUnits) -> None:
        """Work on this store."""
        url = engine_of(units).url.render_as_string(hide_password=False)
        self.given = {"url": url, "prefix": units.tables.record.name.removesuffix("record")}
        self.random = random.Random(20)
        self.pace = 0.1

    def run(self, most: int, **work: Any) -> None:
        """Kill the process within the step after one of the first `most`, the first of which is its beginning."""
        command = [sys.executable, "-m", "tests.adapters.sqlalchemy.dying", json.dumps({**self.given, **work})]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, bufsize=1) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for step in range(self.random.randint(1, most)):
                begun = time.monotonic()
                assert child.stdout.readline() == "done\n"
                if step:
                    self.pace = time.monotonic() - begun
                child.stdin.write("on\n")
            time.sleep(self.random.random() * self.pace)
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL


def committed(units: SqlAlchemyUnits, sheet: int) -> tuple[int, int]:
    """Return the last row that an import says it has committed, 1 for none, and how many changes it has made."""
    batch, change = units.tables.batch, units.tables.change
    with engine_of(units).connect() as connection:
        kept = connection.execute(select(batch.c.id, batch.c.position).where(batch.c.digest == f"{sheet}")).first()
        if kept is None:
            return 1, 0
        made = select(func.count()).select_from(change).where(change.c.batch == kept.id)
        return kept.position or 1, connection.execute(made).scalar() or 0


def state_of(workspace: Workspace) -> dict[str, Any]:
    """Return all customers by name, with everything that does not depend on the time, and their histories."""
    with workspace.acting_as("zhoushi") as session:
        views = list(session.customers.iterate())
        return {
            view["name"]: (
                {key: value for key, value in view.values.items() if not key.endswith("_at")},
                view.version,
                [(item.version, item.action, item.channel, item.fields) for item in session.customers.history(view.id)],
            )
            for view in views
        }


def test_a_killed_import_goes_on(units: SqlAlchemyUnits) -> None:
    """Whole batches are there or nothing of them, with all that belongs to them; done again, it ends as undisturbed."""
    with open_workspace(units) as workspace, open_workspace(MemoryUnits()) as undisturbed:
        for each in (workspace, undisturbed):
            import_sheet(each, 0)
        killer, interrupted = Killer(units), 0
        for sheet in range(1, KILLS + 1):
            killer.run(2 * BASE // BATCH, work="import", sheet=sheet)
            row, changes = settled(units, sheet)
            assert changes == row - 1
            assert changes % BATCH == 0
            interrupted += changes < 2 * BASE
            assert disagreements(units, "card", "uscc") == []
            assert workspace.check_integrity().problems == ()
            import_sheet(workspace, sheet)
            import_sheet(undisturbed, sheet)
        assert interrupted >= KILLS // 2
        assert disagreements(units, "card", "uscc") == []
        assert workspace.check_integrity().problems == ()
        assert state_of(workspace) == state_of(undisturbed)


def settled(units: SqlAlchemyUnits, sheet: int) -> tuple[int, int]:
    """Return what is committed once the server has noticed that its client is gone."""
    known = committed(units, sheet)
    for _ in range(50):
        time.sleep(0.02)
        before, known = known, committed(units, sheet)
        if before == known and known[1] == known[0] - 1:
            break
    return known


def test_a_killed_back_fill_goes_on(units: SqlAlchemyUnits) -> None:
    """`Workspace.build_indexes`, of slots and of titles, comes to a full index, however often it is killed."""
    with open_workspace(units) as workspace:
        for sheet in range(5):
            import_sheet(workspace, sheet)
        with engine_of(units).begin() as connection:
            empty_slots(units, connection)
        workspace._begin.units._titles(workspace._begin.compiled.schema, "default").reset()  # type: ignore[attr-defined]
        killer = Killer(units)
        for _ in range(KILLS):
            killer.run(4, work="index")
            assert disagreements(units, "card", "uscc") == []
            if unfilled(units) == 0:  # it was done: begin anew
                with engine_of(units).begin() as connection:
                    empty_slots(units, connection)
        workspace.build_indexes()
        assert unfilled(units) == 0
        assert disagreements(units, "card", "uscc") == []
        assert workspace.check_integrity().problems == ()


def unfilled(units: SqlAlchemyUnits) -> int:
    """Return how many slots are not filled."""
    slot = units.tables.slot
    with engine_of(units).connect() as connection:
        wanted = select(func.count()).select_from(slot).where(slot.c.state != "ready")
        return int(connection.execute(wanted).scalar_one())


def test_the_count_notices(units: SqlAlchemyUnits) -> None:
    """What these tests count by finds each table that does not agree with the others."""
    with open_workspace(units) as workspace:
        import_sheet(workspace, 0)
    tables, engine = units.tables, engine_of(units)
    workspace.build_indexes()
    assert disagreements(units, "card", "uscc") == []
    with engine.connect() as connection:
        key = connection.execute(select(tables.record.c.id)).scalars().first()
    for table, column in ((tables.document, "record_id"), (tables.unique, "record_id"), (tables.change, "record_id")):
        with engine.begin() as connection:
            gone = connection.execute(select(table).where(table.c[column] == key)).mappings().all()
            connection.execute(table.delete().where(table.c[column] == key))
        assert len(disagreements(units, "card", "uscc")) >= 1, table.name
        with engine.begin() as connection:
            connection.execute(table.insert(), [dict(row) for row in gone])
    for change in (
        tables.outbox.delete().where(tables.outbox.c.key == f"record/{key}/1"),
        tables.title.delete().where(tables.title.c.record_id == key),
        tables.tag.insert().values(tenant_id="default", record_id=key, dimension="x", value="y"),
        update(tables.record).where(tables.record.c.id == key).values(t1="-"),
    ):
        before = len(disagreements(units, "card", "uscc"))
        with engine.begin() as connection:
            connection.execute(change)
        assert len(disagreements(units, "card", "uscc")) == before + 1

"""Two writers and a reader with a cursor on PostgreSQL: every change once, in order, whoever commits first (HIS-1)."""

from __future__ import annotations

import threading
from collections.abc import Callable

from custinfo import Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import POSTGRESQL, require_server, throw_away_prefix
from tests.unit.workspace.story import ENTERPRISE, applied

EACH = 8


def opened(units: SqlAlchemyUnits) -> Workspace:
    """Return a workspace as another process would open it."""
    return Workspace(standard_configuration(), units=units, organisation=sample_organisation())


def test_late_commits_come_behind_the_cursor() -> None:
    """What was written first and committed last comes last, and is not missed."""
    require_server(POSTGRESQL)
    prefix = throw_away_prefix()
    slow, quick = (SqlAlchemyUnits.open(POSTGRESQL, prefix=prefix) for _ in range(2))
    try:
        with opened(slow).acting_as("zhangsan") as session:  # the first change makes the row that all others lock
            session.context.hold_configuration()
        with opened(slow).acting_as("lisi") as session:
            session.customers.create({**ENTERPRISE, "name": "先写后提交有限公司", "uscc": None})
            with opened(quick).acting_as("wangwu") as other:
                other.customers.create({**ENTERPRISE, "name": "后写先提交有限公司", "uscc": None})
            page = opened(quick).changes_since(actor="sunjiu")
            assert [change.actor for change in page.changes] == ["wangwu"]
        rest = opened(quick).changes_since(page.cursor, actor="sunjiu")
        assert [change.actor for change in rest.changes] == ["lisi"]
    finally:
        slow.drop_tables()
        slow.dispose()
        quick.dispose()


def test_two_writers_and_two_readers() -> None:  # noqa: C901 - what two threads do stands together
    """Nothing is missed or read twice, and both readers get the same sequence."""
    require_server(POSTGRESQL)
    units = SqlAlchemyUnits.open(POSTGRESQL, prefix=throw_away_prefix())
    written, errors = threading.Event(), []
    found: dict[str, list[tuple[str, int]]] = {"one": [], "two": []}

    def write(actor: str) -> None:
        workspace = opened(units)
        for number in range(EACH):
            with workspace.acting_as(actor) as session:
                record = applied(session.customers.create({**ENTERPRISE, "name": f"{actor}{number}公司", "uscc": None}))
                session.customers.update(record.id, {"region": "上海"}, version=record.version)

    def read(name: str) -> None:
        workspace, cursor = opened(units), None
        while True:
            last = written.is_set()
            page = workspace.changes_since(cursor, actor="sunjiu", limit=7)
            found[name] += [(change.record_id, change.version) for change in page.changes]
            cursor = page.cursor
            if last and not page.more:
                return

    def guarded(work: Callable[[str], None], name: str) -> Callable[[], None]:
        def run() -> None:
            try:
                work(name)
            except Exception as error:
                errors.append(error)

        return run

    try:
        writers = [threading.Thread(target=guarded(write, actor)) for actor in ("lisi", "wangwu")]
        readers = [threading.Thread(target=guarded(read, name)) for name in found]
        for thread in (*writers, *readers):
            thread.start()
        for thread in writers:
            thread.join()
        written.set()
        for thread in readers:
            thread.join()
        assert errors == []
        assert found["one"] == found["two"]
        assert len(set(found["one"])) == len(found["one"]) == 4 * EACH
        assert all(found["one"].index((key, 1)) < found["one"].index((key, 2)) for key, _ in found["one"])
    finally:
        units.drop_tables()
        units.dispose()

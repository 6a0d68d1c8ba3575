"""Writers and readers with a cursor at once: every change once, in order, whoever commits first (HIS-1)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from custinfo import Session, StorageError, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._log import SqlAlchemyLog
from custinfo.standard import sample_organisation, standard_configuration
from tests.adapters.sqlalchemy.served import ENGINES, server
from tests.databases import throw_away_units
from tests.unit.workspace.story import ENTERPRISE, applied

EACH = 8


def opened(units: SqlAlchemyUnits) -> Workspace:
    """Return a workspace as another process would open it."""
    return Workspace(standard_configuration(), units=units, organisation=sample_organisation())


@pytest.fixture(params=[*ENGINES])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database."""
    with server(request.param) as found:
        yield found


@pytest.fixture
def units(engine: Engine) -> Iterator[SqlAlchemyUnits]:
    """A store in it."""
    with throw_away_units(engine.url.render_as_string(hide_password=False)) as made:
        yield SqlAlchemyUnits(engine, prefix=made.tables.record.name.removesuffix("record"))


def test_late_commits_come_behind_the_cursor(units: SqlAlchemyUnits) -> None:
    """What was written first and committed last comes last, and is not missed."""
    slow = quick = units
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


def test_what_others_number_meanwhile_is_not_missed(units: SqlAlchemyUnits, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader whose transaction began before others numbered sees their changes, or is told to come again."""
    numbered = SqlAlchemyLog.number

    def create(actor: str, name: str) -> None:
        with opened(units).acting_as(actor) as session:
            session.customers.create({**ENTERPRISE, "name": name, "uscc": None})

    create("lisi", "最早的有限公司")
    start = opened(units).changes_since(actor="sunjiu").cursor

    def number(log: SqlAlchemyLog) -> int:
        monkeypatch.undo()  # this transaction has read something: others are faster from here on
        create("lisi", "已编号有限公司")
        opened(units).changes_since(actor="sunjiu")
        create("wangwu", "未编号有限公司")
        return numbered(log)

    monkeypatch.setattr(SqlAlchemyLog, "number", number)
    cursor, found = start, list[str]()
    try:
        page = opened(units).changes_since(cursor, actor="sunjiu")
    except StorageError as error:
        retryable = error.retryable
    else:
        retryable, cursor, found = True, page.cursor, [change.actor for change in page.changes]
    found += [change.actor for change in opened(units).changes_since(cursor, actor="sunjiu").changes]
    assert retryable
    assert found == ["lisi", "wangwu"]


def test_two_writers_and_two_readers(units: SqlAlchemyUnits) -> None:  # noqa: C901 - what two threads do stands together
    """Nothing is missed or read twice, and both readers get the same sequence."""
    written, errors = threading.Event(), []
    found: dict[str, list[tuple[str, int]]] = {"one": [], "two": []}

    def write(actor: str) -> None:
        workspace = opened(units)
        for number in range(EACH):
            name = f"{actor}{number}公司"

            def both(session: Session, name: str = name) -> None:
                record = applied(session.customers.create({**ENTERPRISE, "name": name, "uscc": None}))
                session.customers.update(record.id, {"region": "上海"}, version=record.version)

            workspace.run(actor, both, attempts=50)

    def read(name: str) -> None:
        workspace, cursor = opened(units), None
        while True:
            last = written.is_set()
            try:
                page = workspace.changes_since(cursor, actor="sunjiu", limit=7)
            except StorageError as error:
                if not error.retryable:
                    raise
                continue
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

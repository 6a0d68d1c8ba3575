"""An import that dies at any step, and is begun again, comes to the same store as one that nothing disturbed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text

from custinfo import Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, _context, _driver
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.importing import ImportReport
from custinfo.workspace.planning import make_plan
from tests.adapters.sqlalchemy.fields import engine_of
from tests.databases import POSTGRESQL, throw_away_units
from tests.property.test_import_plans import HEADER, CountedIds, rows
from tests.unit.workspace.test_importing import Rows

_ID = re.compile(r"01900000-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""An id of `CountedIds`, wherever it stands: keys of events and contents of requests have it in their midst."""

NOW = datetime(2024, 3, 15, tzinfo=UTC)
PLAIN = (
    ("甲公司", "企业客户", "张三", "13812345678", "91350100M000100Y43", "80万", "高潜", "李四"),
    ("乙公司", "企业客户", "李四", "13900139000", None, 5, None, None),
    ("", "企业客户", "无名", "123", None, None, None, None),
    ("丙公司", "个人客户", "王五", "13700137000", None, None, "休眠", "王五(销售一部-2组)"),
    ("甲公司", "企业客户", "张三", "13812345678", "91350100M000100Y43", None, None, None),
    ("丁公司", "企业客户", "赵六", "13600136000", None, "1,234.50", "高潜", "李四"),
    ("戊公司", "企业客户", "钱七", "13500135000", None, None, None, "李四"),
)


class DeathError(BaseException):
    """End the work as a process that is killed ends it: nothing more is sent to the database."""


class Fate:
    """Let whoever works die at the statement of a number."""

    def __init__(self) -> None:
        self.left = -1
        self.run = _driver.run

    def __call__(self, *given: Any, **named: Any) -> Any:
        if self.left == 0:
            raise DeathError
        self.left -= 1
        return self.run(*given, **named)


@attrs.frozen
class Store:
    """A store that survives who works on it."""

    units: SqlAlchemyUnits
    ids: CountedIds = attrs.field(factory=CountedIds)

    @contextmanager
    def opened(self) -> Iterator[Workspace]:
        people = sample_organisation()
        yield Workspace(
            standard_configuration(), units=self.units, organisation=people, clock=lambda: NOW, ids=self.ids
        )

    def import_(self, data: Any) -> ImportReport:
        with self.opened() as workspace, workspace.acting_as("sunjiu") as session:
            return make_plan(session.context, "customer", Rows(data, HEADER), digest=repr(data)).apply(batch_size=2)

    def import_with_deaths(self, data: Any, deaths: list[int], fate: Fate) -> tuple[ImportReport, int]:
        """Import, die after so many statements, go on; return the report, and how often death came."""
        died = 0
        for steps in deaths:
            fate.left = steps
            try:
                return self.import_(data), died
            except DeathError:
                died += 1
            finally:
                fate.left = -1
        return self.import_(data), died

    def content(self) -> dict[str, list[Any]]:
        """Return all rows of all tables; ids are numbered in their order, which is that of the work."""
        with engine_of(self.units).connect() as connection:
            found = {
                name: [tuple(row) for row in connection.execute(select(table))]
                for name, table in attrs.asdict(self.units.tables, recurse=False).items()
                if name != "slot"
            }
            found["pairs"] = _pairs(connection, self.units)
            connection.rollback()
        rows_by_table = {name: [repr(row) for row in table] for name, table in found.items()}
        ids = sorted({key for table in rows_by_table.values() for row in table for key in _ID.findall(row)})
        numbers = {key: f"#{number}" for number, key in enumerate(ids)}
        return {
            name: sorted(_ID.sub(lambda match: numbers[match[0]], row) for row in table)
            for name, table in rows_by_table.items()
        }


def _pairs(connection: Connection, units: SqlAlchemyUnits) -> list[Any]:
    """Return what the full-text index of SQLite holds, which has no table of its own."""
    if connection.dialect.name != "sqlite":
        return []
    name = f"{units.tables.title.name}_fts"
    connection.execute(text(f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.pairs USING fts5vocab(main, {name}, instance)"))
    return [tuple(row) for row in connection.execute(text("SELECT term, doc FROM temp.pairs"))]


@pytest.fixture
def fate(monkeypatch: pytest.MonkeyPatch) -> Fate:
    """Watch all statements."""
    watching = Fate()
    monkeypatch.setattr(_context, "run", watching)
    return watching


@pytest.mark.parametrize("url", ["sqlite://", POSTGRESQL], ids=["sqlite", "postgresql"])
def test_whenever_it_dies(url: str, fate: Fate) -> None:
    """Death before each statement in turn, of the first to the last batch, leaves the same store behind."""
    with throw_away_units(url) as units:
        undisturbed = Store(units)
        counts = undisturbed.import_(PLAIN).counts
        wanted = undisturbed.content()
    assert (counts.creates, counts.rejected, counts.duplicates) == (5, 1, 1)
    step, died = 0, 1
    while died:
        with throw_away_units(url) as units:
            store = Store(units)
            report, died = store.import_with_deaths(PLAIN, [step], fate)
            assert report.counts == counts
            assert store.content() == wanted, step
        step += 1 if url.startswith("sqlite") else 20
    assert step > 40


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(before=rows, data=rows, deaths=st.lists(st.integers(0, 60), max_size=3))
def test_whatever_there_is_and_comes(
    fate: Fate, before: list[tuple[object, ...]], data: list[tuple[object, ...]], deaths: list[int]
) -> None:
    """Updates, requests, duplicates and bad rows come out the same, however often the work dies."""
    with throw_away_units("sqlite://") as units, throw_away_units("sqlite://") as others:
        disturbed, undisturbed = Store(units), Store(others)
        for store in (disturbed, undisturbed):
            store.import_(before)
        report, _ = disturbed.import_with_deaths(data, deaths, fate)
        expected = undisturbed.import_(data)
        assert report.counts == expected.counts
        content, wanted = disturbed.content(), undisturbed.content()
        assert content == wanted

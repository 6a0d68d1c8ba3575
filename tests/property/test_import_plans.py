"""Properties of imports: a plan writes nothing, applying does what it says, again changes nothing, undo is exact."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custinfo import Workspace
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.importing import ImportPlan
from custinfo.workspace.planning import make_plan
from custinfo.workspace.unchanged import UnchangedRows
from tests.unit.workspace.test_importing import Rows

HEADER = ("客户名称", "客户类型", "联系人", "联系方式", "统一社会信用代码", "年采购预算", "客户状态", "负责人")
CREDIT_CODES = ("91350100M000100Y43", "91110105MA0000000H", None, None, "bad")

TAKEN = {"create", "update", "unchanged"}

rows = st.lists(
    st.tuples(
        st.sampled_from(["甲公司", "乙公司", "丙公司", "", None]),
        st.sampled_from(["企业客户", "个人客户", "企业客户"]),
        st.sampled_from(["张三", "李四", None]),
        st.sampled_from(["13812345678", 13812345678, "139 0013 9000", "123"]),
        st.sampled_from(CREDIT_CODES),
        st.sampled_from([None, "80万", 5, "1,234.50"]),
        st.sampled_from([None, "高潜", "休眠", "流失"]),
        st.sampled_from(["李四", "王五(销售一部-2组)", None]),
    ),
    max_size=7,
)


class Ticking:
    """A clock that goes on by a second for each reading."""

    def __init__(self) -> None:
        self.seconds = itertools.count()

    def __call__(self) -> datetime:
        return datetime(2024, 3, 15, tzinfo=UTC) + timedelta(seconds=next(self.seconds))


class CountedIds:
    """Ids in order, counted."""

    def __init__(self) -> None:
        self.taken = 0

    def __call__(self) -> str:
        self.taken += 1
        return f"01900000-0000-7000-8000-{self.taken:012}"


@attrs.define
class World:
    """A workspace in memory or on SQLite, and its ids."""

    workspace: Workspace
    ids: CountedIds

    def plan(self, table: Rows, session: Any) -> ImportPlan:
        return make_plan(session.context, "customer", table, digest=repr(table.data))

    def state(self) -> list[Any]:
        """Everything that a reader of the store sees, archived records and tags included."""
        with self.workspace.acting_as("zhoushi") as session:
            page = session.customers.find(order_by=["id"], limit=100, archived=True)
            return [
                (view.id, dict(view.values), view.tags, view.owner, view.department, view.archived_at, view.created_at)
                for view in page.records
            ]

    def import_(self, table: Rows) -> tuple[str, dict[str, int]]:
        with self.workspace.acting_as("sunjiu") as session:
            report = self.plan(table, session).apply(batch_size=2)
        return report.batch_id, attrs.asdict(report.counts)


def worlds(url: str) -> Iterator[World]:
    """Open a fresh world."""
    ids = CountedIds()
    configuration, people = standard_configuration(), sample_organisation()
    with Workspace.open(url, configuration, organisation=people, clock=Ticking(), ids=ids) as workspace:
        yield World(workspace, ids)


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=rows, second=rows)
def test_plan_apply_undo(url: str, first: list[tuple[object, ...]], second: list[tuple[object, ...]]) -> None:
    """Whatever is there and whatever comes: plan ≡ apply, apply twice ≡ apply once, apply ∘ undo = identity."""
    for world in worlds(url):
        world.import_(Rows(first, HEADER))
        before, taken = world.state(), world.ids.taken
        table = Rows(second, HEADER)

        with world.workspace.acting_as("sunjiu") as session:
            plan = world.plan(table, session)
            planned, taken_over = attrs.asdict(plan.counts), {row.row for row in plan.rows if row.outcome in TAKEN}
        assert (world.state(), world.ids.taken) == (before, taken)

        batch_id, applied = world.import_(table)
        assert applied == planned
        after = world.state()
        assert len(after) == len(before) + planned["creates"]

        with world.workspace.acting_as("sunjiu") as session:
            again = {row.row: row.outcome for row in world.plan(table, session).rows}
            for task in session.approvals.submitted():
                if task.state == "pending":
                    session.approvals.withdraw(task.id)
        assert {again[row] for row in taken_over} <= {"unchanged"}

        undone = world.workspace.undo_import(batch_id, actor="admin")
        assert undone.kept == ()
        assert (len(undone.removed), len(undone.reverted)) == (planned["creates"], planned["updates"])
        assert world.state() == before


def told(world: World, table: Rows) -> list[tuple[Any, ...]]:
    """Return all that a plan says of its rows."""
    with world.workspace.acting_as("sunjiu") as session:
        return [(row.row, row.outcome, row.record_id, row.problems) for row in world.plan(table, session).rows]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=rows, second=rows)
def test_what_changes_nothing(first: list[tuple[object, ...]], second: list[tuple[object, ...]]) -> None:
    """Rows that change nothing by a look at their records come to the same on the write path, as do all others."""
    for world in worlds("memory://"):
        world.import_(Rows(first, HEADER))
        table = Rows([*first, *second], HEADER)
        short = told(world, table)
        with patch.object(UnchangedRows, "among", lambda *_: iter(())):
            assert told(world, table) == short

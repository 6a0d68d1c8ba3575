"""The short way of an import comes to the same as the long one: same rows, same remarks, same records and history."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from unittest import mock

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custinfo.workspace.screening import RowScreen
from tests.property.test_import_plans import CREDIT_CODES, World, worlds
from tests.unit.workspace.test_importing import Rows

HEADER = (
    "客户名称", "客户类型", "联系人", "联系方式", "统一社会信用代码", "年采购预算", "客户状态", "负责人",
    "成立时间", "生日", "合同金额", "生效日期", "证件号码", "所属行业", "地区", "邮箱",
)  # fmt: skip

rows = st.lists(
    st.tuples(
        st.sampled_from(["甲公司", "乙公司", "丙公司", "丁公司\x07", " 戊公司 ", None]),
        st.sampled_from(["企业客户", "个人客户", "渠道客户", "不明", None]),
        st.sampled_from(["张三", "李四", None]),
        st.sampled_from(["13812345678", 13812345678, "139 0013 9000", "123", True, None]),
        st.sampled_from((*CREDIT_CODES, None, None)),
        st.sampled_from([None, "80万", 5, "1,234.50", -1, "很多"]),
        st.sampled_from([None, "高潜", "休眠", "流失", "成交"]),
        st.sampled_from(["李四", "王五(销售一部-2组)", "孙九", "谁", None]),
        st.sampled_from([None, "2020-01-01", "2020年1月1日", 1]),
        st.sampled_from([None, None, "1990-01-01"]),
        st.sampled_from([None, 100]),
        st.sampled_from([None, "2024-01-01"]),
        st.sampled_from([None, None, None, "110101199001011237"]),
        st.sampled_from([None, "制造业", "制造业-汽车", "没有的"]),
        st.sampled_from([None, "上海", "华东-上海"]),
        st.sampled_from([None, "a@example.com", "nobody"]),
    ),
    max_size=8,
)


def told(world: World, table: Rows) -> tuple[Any, ...]:
    """Return everything that a plan and its application say and leave behind."""
    with world.workspace.acting_as("sunjiu") as session:
        plan = world.plan(table, session)
        planned = [(row.row, row.outcome, row.problems, row.record_id is None, row.raw) for row in plan.rows]
        report = plan.apply(batch_size=3)
        counts = attrs.asdict(report.counts)
    histories = []
    with world.workspace.acting_as("zhoushi") as session:
        for view in session.customers.find(order_by=["id"], limit=100).records:
            changes = session.customers.history(view.id)
            histories.append([(change.action, change.actor, change.fields) for change in changes])
    return planned, counts, world.state(), histories


def without_times(state: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave out the times, since a clock that ticks when it is read says how often that was."""
    planned, counts, records, histories = state
    return planned, counts, [record[:-1] for record in records], histories


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=rows, second=rows)
def test_both_ways_agree(first: list[tuple[object, ...]], second: list[tuple[object, ...]]) -> None:
    """Whatever is there and whatever comes: plan, report, records and history are the same on both ways."""
    outcomes = []
    for short in (True, False):
        long_only = mock.patch.object(RowScreen, "_is_plain", return_value=False)
        for world in worlds("memory://"):
            with nullcontext() if short else long_only:
                outcomes.append([without_times(told(world, Rows(table, HEADER))) for table in (first, second)])
    assert outcomes[0] == outcomes[1]


def test_the_short_way_is_taken() -> None:
    """Rows without a fault do take it: otherwise the property above would say nothing."""
    table = Rows([("甲公司", "企业客户", "张三", 13812345678, None, "80万", None, "李四", *[None] * 8)], HEADER)
    for world in worlds("memory://"):
        with world.workspace.acting_as("sunjiu") as session:
            plan = world.plan(table, session)
            assert [type(entry) for entry in plan.rows.entries] == [tuple]
            assert [problem.code for problem in plan.rows[0].problems] == ["number_as_text", "normalised"]

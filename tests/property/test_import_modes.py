"""One file imported several times, now only new records, now only old ones, now both: nothing is lost or doubled."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custinfo import Workspace
from custinfo.adapters.excel import ExcelReport, plan_import
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.importing import Duplicates, ImportMode
from tests.property.test_import_plans import CountedIds, Ticking, World

HEADINGS: Final = ("客户名称", "客户类型", "联系人", "联系方式", "统一社会信用代码", "年采购预算", "客户状态", "负责人")
Row = tuple[object, ...]

PLAIN: Final = (
    ("甲公司", "13812345678", "91350100M000100Y43"),
    ("乙公司", "13900139000", "91110105MA0000000Y"),
    ("丙公司", "13700137000", None),
)
"""Two that are told apart by their codes, and one without."""

CUSTOMERS: Final = (*PLAIN, *PLAIN[:2], ("", "123", None))
"""These, and one that is none. No row gives a customer another's name, which would let the next import see others."""


rows = st.lists(
    st.tuples(
        st.sampled_from(CUSTOMERS),
        st.sampled_from(["张三", "李四"]),
        st.sampled_from([None, "80万", 5]),
        st.sampled_from([None, None, "高潜", "流失"]),
        st.sampled_from(["李四", None]),
    ).map(lambda row: (row[0][0], "企业客户", row[1], *row[0][1:], *row[2:])),
    max_size=5,
)
MODES: Final[tuple[ImportMode, ...]] = ("create", "update", "upsert")
modes = st.lists(st.sampled_from(MODES), min_size=1, max_size=4)


def file_of(lines: list[Row]) -> bytes:
    """Return rows as a text file."""
    text = io.StringIO()
    csv.writer(text).writerows([HEADINGS, *(["" if value is None else value for value in line] for line in lines)])
    return text.getvalue().encode()


def opened(url: str) -> World:
    """Open a store of its own."""
    ids, people = CountedIds(), sample_organisation()
    workspace = Workspace.open(url, standard_configuration(), organisation=people, clock=Ticking(), ids=ids)
    return World(workspace, ids)


def imported(world: World, file: bytes, mode: ImportMode, duplicates: Duplicates) -> ExcelReport:
    """Import a file, a few rows at a time."""
    with world.workspace.acting_as("sunjiu") as session:
        return plan_import(session, "customer", file, mode=mode, duplicates=duplicates).apply(batch_size=2)


def contents(world: World) -> Counter[str]:
    """Return what is stored, whatever its ids and times."""
    return Counter(repr((sorted(values.items()), tags, owner)) for _, values, tags, owner, *_ in world.state())


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=rows, second=rows, order=modes, duplicates=st.sampled_from(["report", "exact"]))
def test_one_file_in_several_modes(
    url: str, first: list[Row], second: list[Row], order: list[ImportMode], duplicates: Duplicates
) -> None:
    """Every row is told of each time; records are made once, and a mode that was there before finds nothing to do."""
    world, file, done = opened(url), file_of(second), set[ImportMode]()
    imported(world, file_of(first), "upsert", duplicates)
    for mode in order:
        before = world.state()
        report = imported(world, file, mode, duplicates)
        counts = report.counts
        assert counts.total == len(second)
        if mode == "update":
            assert counts.creates == 0
        if mode == "create":
            assert counts.updates == 0
            assert world.state()[: len(before)] == before
        assert len(world.state()) == len(before) + counts.creates
        if mode in done or "upsert" in done:
            assert (counts.creates, counts.updates, counts.awaiting) == (0, 0, 0)
            assert world.state() == before
        done.add(mode)
    world.workspace.close()


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=rows, second=rows, order=modes)
def test_in_parts_as_at_once(url: str, first: list[Row], second: list[Row], order: list[ImportMode]) -> None:
    """Whatever was done before, importing both in the end makes what it would have made alone."""
    parts, whole, file = opened(url), opened(url), file_of(second)
    for world in (parts, whole):
        imported(world, file_of(first), "upsert", "exact")
    for mode in order:
        imported(parts, file, mode, "exact")
    for world in (parts, whole):
        imported(world, file, "upsert", "exact")
    assert contents(parts) == contents(whole)
    for world in (parts, whole):
        world.workspace.close()


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=rows, second=rows, order=modes)
def test_each_is_undone_by_itself(url: str, first: list[Row], second: list[Row], order: list[ImportMode]) -> None:
    """The last one first, all of them are taken back to what was there before."""
    world, file = opened(url), file_of(second)
    imported(world, file_of(first), "upsert", "report")
    states: list[tuple[Any, str]] = []
    for mode in order:
        before = world.state()
        states.append((before, imported(world, file, mode, "report").batch_id))
    for before, batch in reversed(states):
        assert world.workspace.undo_import(batch, actor="sunjiu").kept == ()
        assert world.state() == before
    world.workspace.close()

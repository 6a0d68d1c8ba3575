"""Whatever is done to the table of anchors is found, with the newest anchor kept elsewhere (HIS-3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from custinfo import Anchor, Workspace
from custinfo.adapters.memory import MemoryUnits
from tests.property.test_evidence import workspace_on
from tests.unit.workspace.story import Story

Anchors = dict[int, Anchor]
MADE = 3


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[Workspace, Anchors]]:
    """A workspace with three anchors, and its table of them."""
    units = MemoryUnits()
    workspace = workspace_on(units)
    for number in range(MADE):
        Story(workspace).customer(name=f"公司{number}", uscc=None)
        workspace.anchor()
    yield workspace, units._tenants["default"].anchors
    workspace.close()


def altered(name: str) -> Callable[[Anchor], Anchor]:
    """Return what writes something else into one column."""

    def alter(anchor: Anchor) -> Anchor:
        value: Any = getattr(anchor, name)
        other: Any = value + 1 if isinstance(value, int) else "e2" if name == "key_id" else f"{value}0"
        changes: dict[str, Any] = {name: other}
        return attrs.evolve(anchor, **changes)

    return alter


COLUMNS = ("tenant", "position", "unproven", "root", "key_id", "seal")


@pytest.mark.parametrize("number", range(1, MADE + 1))
@pytest.mark.parametrize("column", COLUMNS)
def test_an_altered_anchor_is_found(kept: tuple[Workspace, Anchors], column: str, number: int) -> None:
    """In any of its columns, without any anchor from elsewhere."""
    workspace, anchors = kept
    before = anchors[number]
    anchors[number] = altered(column)(before)
    try:
        assert [problem.code for problem in workspace.verify().problems] == ["anchor_forged"]
    finally:
        anchors[number] = before
    assert workspace.verify(before).ok


@pytest.mark.parametrize("number", range(1, MADE + 1))
def test_a_deleted_anchor_is_found(kept: tuple[Workspace, Anchors], number: int) -> None:
    """Also the newest, by the one that was kept elsewhere."""
    workspace, anchors = kept
    newest, gone = anchors[MADE], anchors.pop(number)
    try:
        [problem] = workspace.verify(newest).problems
        assert (problem.code, problem.params["number"]) == ("anchor_missing", number)
    finally:
        anchors[number] = gone


def test_anchors_in_another_order_are_found(kept: tuple[Workspace, Anchors]) -> None:
    """Two that change their numbers are neither of them what was sealed; one more is one too many."""
    workspace, anchors = kept
    before = dict(anchors)
    one, two = anchors[1], anchors[2]
    try:
        anchors |= {1: attrs.evolve(two, number=1), 2: attrs.evolve(one, number=2)}
        assert [problem.code for problem in workspace.verify().problems] == ["anchor_forged"]
        anchors |= before
        anchors[MADE + 1] = attrs.evolve(before[MADE], number=MADE + 1)
        assert [problem.code for problem in workspace.verify().problems] == ["anchor_forged"]
    finally:
        anchors.clear()
        anchors |= before
    assert workspace.verify(before[MADE]).ok

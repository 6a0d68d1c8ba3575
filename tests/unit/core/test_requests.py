"""Requests as values."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from custinfo.core.approval.requests import OPEN_STATES, ResolvedStep, Task
from custinfo.core.frozen import FrozenDict
from custinfo.testing._samples import make_request, record_id

PATCH = {"title": "王小明", "count": 3}
PENDING = make_request(1, record_id(1), PATCH)


def step(mode: Any, *approvers: str) -> ResolvedStep:
    """Make a step."""
    return ResolvedStep("f", "s", FrozenDict(), mode, approvers)


@pytest.mark.parametrize(
    ("mode", "decisions", "expected"),
    [
        ("any", (None, None), ("bob", "cai")),
        ("all", (None, None), ("bob", "cai")),
        ("all", ("approved", None), ("cai",)),
        ("sequential", (None, None), ("bob",)),
        ("sequential", ("approved", None), ("cai",)),
        ("sequential", ("approved", "approved"), ()),
    ],
)
def test_open_tasks(mode: Any, decisions: tuple[Any, Any], expected: tuple[str, ...]) -> None:
    """The tasks of the current step that wait for a decision; in turn only the first."""
    tasks = (Task(0, "bob", decisions[0]), Task(0, "cai", decisions[1]), Task(1, "dan"))
    request = make_request(1, record_id(1), PATCH, steps=(step(mode, "bob", "cai"), step("any", "dan")), tasks=tasks)
    assert tuple(task.approver for task in request.open_tasks()) == expected
    assert tuple(task.approver for task in attrs.evolve(request, position=1).open_tasks()) == ("dan",)


@pytest.mark.parametrize("state", ["approved", "applied", "needs_rebase", "rejected", "withdrawn"])
def test_no_open_tasks_outside_of_pending(state: Any) -> None:
    """Only a pending request asks anybody."""
    assert attrs.evolve(PENDING, state=state).open_tasks() == ()


@pytest.mark.parametrize(
    ("state", "reserves"),
    [
        ("pending", True),
        ("approved", True),
        ("needs_rebase", True),
        ("applied", False),
        ("rejected", False),
        ("withdrawn", False),
    ],
)
def test_reserved_fields(state: Any, reserves: bool) -> None:
    """An open request reserves the fields of its patch; a closed one none."""
    assert attrs.evolve(PENDING, state=state).reserved_fields() == (frozenset(PATCH) if reserves else frozenset())
    assert (state in OPEN_STATES) is reserves


def test_a_request_shows_no_value() -> None:
    """What is asked for, and why, stays out of logs."""
    request = attrs.evolve(PENDING, reason="因为王小明", base=FrozenDict({"title": "李雷"}))
    assert "王小明" not in repr(request)
    assert "李雷" not in repr(request)
    assert pickle.loads(pickle.dumps(request)) == request

"""What holds for every sequence of commands on a request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.approval.machine import Command, decide
from custinfo.core.approval.requests import Request, ResolvedStep, Task
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.frozen import FrozenDict
from custinfo.testing._samples import NOW, make_request, record_id

PEOPLE = ("ann", "bob", "cai", "dan")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["any", "all", "sequential"]),
        st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True),
    ),
    min_size=1,
    max_size=3,
)
COMMANDS = st.lists(
    st.tuples(
        st.sampled_from([*PEOPLE, "system"]),
        st.sampled_from(["submit", "approve", "approve", "approve", "reject", "withdraw", "apply", "find_conflict"]),
        st.sampled_from([None, None, "right", "wrong"]),
    ),
    max_size=14,
)
CLOSED = {"applied", "rejected", "withdrawn"}
NEXT: dict[str, set[str]] = {
    "pending": {"pending", "approved", "rejected", "withdrawn"},
    "approved": {"applied", "needs_rebase"},
    "needs_rebase": {"withdrawn"},
}


def request_of(steps: list[tuple[Any, list[str]]], allow_own: bool) -> Request:
    """Make a request of ann's."""
    resolved = tuple(ResolvedStep("f", str(at), FrozenDict(), mode, tuple(who)) for at, (mode, who) in enumerate(steps))
    tasks = tuple(Task(at, person) for at, (_, who) in enumerate(steps) for person in who)
    return make_request(1, record_id(1), {"title": "x"}, steps=resolved, tasks=tasks, allow_own=allow_own)


def run(request: Request, commands: list[tuple[str, Any, str | None]]) -> list[Request]:
    """Carry out what is accepted; return every request on the way."""
    found = [request]
    for number, (actor, name, expected) in enumerate(commands):
        before = found[-1]
        version = {None: None, "right": before.version, "wrong": before.version + 1}[expected]
        try:
            after, events = decide(
                before, Command(name, expected_version=version), actor=actor, now=NOW + timedelta(minutes=number)
            )
        except IllegalTransitionError:
            continue
        assert (after is before) is (events == ())
        found.append(after)
    return found


@given(STEPS, COMMANDS, st.booleans())
def test_every_sequence_of_commands(
    steps: list[tuple[Any, list[str]]], commands: list[tuple[str, Any, str | None]], allow_own: bool
) -> None:
    """Closed requests stay closed, versions count up by one, and nobody decides about their own change."""
    for before, after in zip(found := run(request_of(steps, allow_own), commands), found[1:], strict=False):
        if after is before:
            continue
        assert before.state not in CLOSED
        assert after.state in NEXT[before.state]
        assert after.version == before.version + 1
        assert after.trail[:-1] == before.trail
        assert after.position in (before.position, before.position + 1)
        assert (after.patch, after.base, after.steps) == (before.patch, before.base, before.steps)
        assert len(after.trail) == after.version - 1
        entry = after.trail[-1]
        assert not (entry.command in ("approve", "reject") and entry.actor == "ann" and not allow_own)
        assert not (entry.command == "withdraw" and entry.actor != "ann")
        for old, new in zip(before.tasks, after.tasks, strict=True):
            assert old.decision is None or new == old
        assert after.state == "pending" or after.open_tasks() == ()


@given(STEPS, COMMANDS)
def test_the_trail_replays_to_the_same_state(
    steps: list[tuple[Any, list[str]]], commands: list[tuple[str, Any, str | None]]
) -> None:
    """What is kept of a request is enough to see how it came to be."""
    start = request_of(steps, allow_own=True)
    end = run(start, commands)[-1]
    replayed = start
    for entry in end.trail:
        replayed, _ = decide(replayed, Command(entry.command, entry.comment), actor=entry.actor, now=entry.at)
    assert replayed == end


@given(STEPS)
def test_everybody_who_is_asked_in_turn_gets_it_approved(steps: list[tuple[Any, list[str]]]) -> None:
    """As long as the first open task is approved, each step passes after the approvals that its mode needs."""
    request = request_of(steps, allow_own=True)
    approvals = 0
    while request.state == "pending":
        assert request.open_tasks()
        request, _ = decide(request, Command("approve"), actor=request.open_tasks()[0].approver, now=NOW)
        approvals += 1
    assert request.state == "approved"
    assert approvals == sum(1 if mode == "any" else len(who) for mode, who in steps)
    assert all(task.decision is not None for task in request.tasks)


@given(STEPS, COMMANDS, st.integers(1, 50))
def test_a_wrong_version_never_decides(
    steps: list[tuple[Any, list[str]]], commands: list[tuple[str, Any, str | None]], ahead: int
) -> None:
    """With another version than the request's, every command is refused or a repetition."""
    request = run(request_of(steps, allow_own=True), commands)[-1]
    for actor in PEOPLE:
        for name in ("approve", "reject", "withdraw", "apply", "find_conflict"):
            command = Command(name, expected_version=request.version + ahead)
            try:
                after, events = decide(request, command, actor=actor, now=NOW)
            except IllegalTransitionError:
                continue
            assert after is request
            assert events == ()
    assert attrs.evolve(request) == request

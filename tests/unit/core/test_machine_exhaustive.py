"""Small flows, everything that can happen to them: no request is ever stuck, and the table says where commands lead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from custinfo.core.approval.commands import Command
from custinfo.core.approval.flows import CountQuorum
from custinfo.core.approval.machine import decide
from custinfo.core.approval.requests import (
    OPEN_STATES,
    CommandName,
    Place,
    Proposal,
    Request,
    ResolvedLimit,
    ResolvedStep,
)
from custinfo.core.approval.rules import RULES
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.frozen import FrozenDict
from custinfo.testing._samples import NOW, make_request, record_id

DEPTH = 6
PEOPLE = ("ann", "bob", "cai", "dan", "eve")
LIMITS = (ResolvedLimit(1, "remind"), ResolvedLimit(2, "escalate", ("eve",)), ResolvedLimit(3, "expire"))
HANDING_ON: tuple[CommandName, ...] = ("transfer", "delegate")
PLACES: tuple[Place, ...] = ("before", "after", "parallel")
PATCHES = (FrozenDict({"title": "x"}), FrozenDict({"title": "y"}))


def step(mode: Any, who: str, **details: Any) -> ResolvedStep:
    """Return a step that asks people by their initials."""
    names = {person[0]: person for person in PEOPLE}
    return ResolvedStep("f", "s", FrozenDict(), mode, tuple(names[letter] for letter in who), **details)


FLOWS: dict[str, tuple[ResolvedStep, ...]] = {
    "any": (step("any", "bcd"),),
    "all": (step("all", "bc"), step("any", "d")),
    "sequential": (step("sequential", "bcd"),),
    "three steps": (step("any", "b"), step("any", "c"), step("any", "d")),
    "repeated": (step("any", "bc"), step("all", "bd", repeated="first")),
    "quorum": (step("quorum", "bcd", quorum=CountQuorum(2), rejection="votes", veto=("dan",)),),
    "returning": (step("all", "bc", rejection="returns"), step("any", "d", rejection="votes", unreachable="returns")),
    "limits": (step("any", "b", limits=LIMITS), step("any", "c")),
    "amending": (step("any", "b", amends=("title",)), step("any", "c")),
}


def draft_of(steps: tuple[ResolvedStep, ...]) -> Request:
    """Return ann's draft, which proposes nothing yet."""
    return make_request(1, record_id(1), PATCHES[0], steps=(), tasks=(), flows=(), state="draft")


def commands(request: Request, steps: tuple[ResolvedStep, ...]) -> Iterator[tuple[str, Command]]:
    """Yield everything that anybody may try: each command by each person, with the arguments that make a difference."""
    proposals = [Proposal(patch, PATCHES[0], patch["title"], (("f", 1),), steps) for patch in PATCHES]
    for who in PEOPLE:
        yield who, Command("approve")
        yield who, Command("reject")
        yield who, Command("return")
        yield from ((who, Command("return", step=at)) for at in range(len(steps) - 1))
        yield who, Command("take_back")
        yield from ((who, Command("remind")),) if who == "ann" else ()
        yield from ((who, Command(name, to=("eve",))) for name in HANDING_ON)
        yield from ((who, Command("add_signer", to=("eve",), place=place)) for place in PLACES)
        yield who, Command("withdraw")
    yield "bob", Command("approve", proposal=proposals[1])
    beginnings: tuple[CommandName, ...] = ("submit", "resubmit", "rebase")
    for name in beginnings:
        yield from (("ann", Command(name, proposal=proposal)) for proposal in proposals)
    yield "ann", Command("resubmit")
    yield "root", Command("rescue", to=("eve",))
    yield from (("system", Command(limit.then, timer=True)) for limit in LIMITS)
    system: tuple[CommandName, ...] = ("apply", "find_conflict", "cancel")
    yield from (("system", Command(name)) for name in system)


def shape(request: Request) -> Any:
    """Return what tells requests apart, without when and how they came about."""
    decisive = frozenset(
        (entry.holder or entry.actor, entry.digest) for entry in request.trail if entry[2] == "approve"
    )
    last = [(entry.actor, entry.command, entry.step) for entry in request.trail[-1:]]
    return (request.state, request.position, request.tasks, request.digest, request.fired, decisive, tuple(last))


def explore(steps: tuple[ResolvedStep, ...]) -> tuple[set[Any], set[tuple[str, str, str]], int]:
    """Go through all sequences of commands; return the requests met, the kinds of moves, and the number of moves."""
    frontier, number = [draft_of(steps)], 0
    seen: set[Any] = set()
    moves: set[tuple[str, str, str]] = set()
    for depth in range(DEPTH):
        found: dict[Any, Request] = {}
        now = NOW + timedelta(hours=2 * depth)
        for request in frontier:
            legal = False
            for actor, command in commands(request, steps):
                try:
                    after, events = decide(request, command, actor=actor, now=now)
                except IllegalTransitionError:
                    continue
                if not events:
                    continue
                legal, number = True, number + 1
                moves.add((request.state, command.name, after.state))
                check(request, after, command, actor)
                if shape(after) not in seen:
                    found[shape(after)] = after
            assert legal is (request.state in OPEN_STATES | {"draft"}), request
        seen |= set(found)
        frontier = list(found.values())
    return seen, moves, number


def check(before: Request, after: Request, command: Command, actor: str) -> None:
    """Say what holds of every move: nobody decides for themselves, and pending requests wait for somebody."""
    rule = RULES[command.name]
    assert before.state in rule.states
    assert after.state in rule.leads_to
    assert after.version == before.version + 1
    if command.name in ("approve", "reject", "return", "transfer", "delegate", "add_signer"):
        assert actor != "ann"
        assert actor in before.waiting_for()
    if after.state == "pending":
        assert after.open_tasks()
        assert "ann" not in after.waiting_for()
    else:
        assert after.open_tasks() == ()
    if after.state == "approved":
        assert all(decided(after, at) for at in range(len(after.steps)))


def decided(request: Request, at: int) -> bool:
    """Tell, independently of the machine, whether the decisions that step `at` demands were given."""
    step, tasks = request.steps[at], [task for task in request.tasks if task.step == at]
    if any(task.decision == "approved" for task in tasks if task.kind == "instead"):
        return True
    yes = {task.approver for task in tasks if task.kind == "asked" and task.decision in ("approved", "presumed")}
    signed = all(task.decision == "approved" for task in tasks if task.kind == "added")
    asked = sum(task.kind == "asked" for task in tasks)
    wanted = {"any": 1, "quorum": 2, "all": asked, "sequential": asked}[step.mode]
    return signed and len(yes) >= wanted


COUNTS: dict[str, tuple[int, int]] = {}
MOVES: dict[str, set[tuple[str, str, str]]] = defaultdict(set)


@pytest.mark.parametrize("name", FLOWS)
def test_no_request_is_stuck(name: str) -> None:
    """To depth 6, every open request accepts a command of somebody, and every closed one accepts none."""
    seen, moves, number = explore(FLOWS[name])
    COUNTS[name] = (len(seen), number)
    MOVES[name] = moves
    print(f"{name}: {len(seen)} states, {number} transitions")  # noqa: T201 - the figures are asked for
    assert len(seen) > 100


def test_the_table_says_no_more_than_what_happens() -> None:
    """Where the table says that a command may lead, some request goes."""
    met = {move for moves in MOVES.values() for move in moves}
    said = {(state, rule.command, after) for rule in RULES.values() for state in rule.states for after in rule.leads_to}
    unmet = {(command, after) for _, command, after in said} - {(command, after) for _, command, after in met}
    # A first step that earlier approvals decide needs `own_passes`, of which there is a test of its own.
    assert unmet == {("submit", "approved"), ("rebase", "approved"), ("resubmit", "approved")}
    assert {(state, command) for state, command, _ in met} == {(state, command) for state, command, _ in said}

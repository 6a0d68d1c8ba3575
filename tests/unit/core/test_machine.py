"""The approval machine: what each state makes of each command."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from custinfo.core.approval.machine import ACCEPTED, Command, decide
from custinfo.core.approval.requests import Request, ResolvedStep, Task, TrailEntry
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.testing._samples import NOW, make_request, record_id


def request_of(*steps: tuple[str, str], **details: Any) -> Request:
    """Make a request of ann's; each step is its mode and the initials of its approvers."""
    names = {"a": "ann", "b": "bob", "c": "cai", "d": "dan"}
    people = [tuple(names[letter] for letter in letters) for _, letters in steps]
    resolved: list[Any] = [
        ResolvedStep("f", str(at), FrozenDict(), mode, people[at])  # type: ignore[arg-type]
        for at, (mode, _) in enumerate(steps)
    ]
    tasks = tuple(Task(at, person) for at, step in enumerate(people) for person in step)
    return make_request(1, record_id(1), {"title": "x"}, steps=tuple(resolved), tasks=tasks, **details)


def run(request: Request, *commands: tuple[str, str]) -> Request:
    """Carry out commands, each an actor and a name."""
    for actor, name in commands:
        request, _ = decide(request, Command(name), actor=actor, now=NOW)  # type: ignore[arg-type]
    return request


def refusal(request: Request, actor: str, name: Any, **details: Any) -> Problem:
    """Return why a command is refused."""
    with pytest.raises(IllegalTransitionError) as caught:
        decide(request, Command(name, **details), actor=actor, now=NOW)
    (problem,) = caught.value.problems
    return problem


ONE = request_of(("any", "b"))
PENDING = ONE
APPROVED = run(ONE, ("bob", "approve"))
APPLIED = run(APPROVED, ("system", "apply"))
REBASE = run(APPROVED, ("system", "find_conflict"))
REJECTED = run(ONE, ("bob", "reject"))
WITHDRAWN = run(ONE, ("ann", "withdraw"))

REFUSED = "refused"
SAME = "same"
# One column for each of COMMANDS, below.
TABLE: list[tuple[Request, tuple[str, str, str, str, str, str]]] = [
    (PENDING, ("approved", "rejected", "withdrawn", REFUSED, REFUSED, REFUSED)),
    (APPROVED, (SAME, REFUSED, REFUSED, "applied", "needs_rebase", REFUSED)),
    (APPLIED, (SAME, REFUSED, REFUSED, SAME, REFUSED, REFUSED)),
    (REJECTED, (REFUSED, SAME, REFUSED, REFUSED, REFUSED, REFUSED)),
    (WITHDRAWN, (REFUSED, REFUSED, SAME, REFUSED, REFUSED, REFUSED)),
]
COMMANDS = (
    ("bob", "approve"),
    ("bob", "reject"),
    ("ann", "withdraw"),
    ("system", "apply"),
    ("system", "find_conflict"),
    ("ann", "submit"),
)


@pytest.mark.parametrize(
    ("request_before", "command", "expected"),
    [(before, command, row[at]) for before, row in TABLE for at, command in enumerate(COMMANDS)],
)
def test_each_state_and_command(request_before: Request, command: tuple[str, Any], expected: str) -> None:
    """A command leads to a state, is repeated without effect, or is refused; refusals name state and command."""
    actor, name = command
    if expected is REFUSED:
        problem = refusal(request_before, actor, name)
        assert problem.code == "request_closed"
        assert problem.params == {"state": request_before.state, "command": name}
        return
    after, events = decide(request_before, Command(name), actor=actor, now=NOW)
    if expected is SAME:
        assert after is request_before
        assert events == ()
    else:
        assert after.state == expected
        assert after.version == request_before.version + 1


def test_after_a_conflict_only_withdrawing_is_left() -> None:
    """A request whose fields changed meanwhile can be withdrawn, and nothing else moves it."""
    assert run(REBASE, ("ann", "withdraw")).state == "withdrawn"
    assert refusal(REBASE, "system", "apply").code == "request_closed"
    assert refusal(REBASE, "bob", "reject").code == "request_closed"
    assert run(REBASE, ("bob", "approve")) is REBASE


def test_the_table_of_states() -> None:
    """What each state accepts, by hand."""
    assert {
        "draft": {"submit", "withdraw", "cancel"},
        "pending": {
            "approve",
            "reject",
            "return",
            "withdraw",
            "transfer",
            "delegate",
            "add_signer",
            "take_back",
            "remind",
            "escalate",
            "expire",
            "rescue",
            "cancel",
        },
        "returned": {"resubmit", "withdraw", "take_back", "cancel"},
        "approved": {"apply", "find_conflict", "cancel"},
        "needs_rebase": {"rebase", "withdraw", "cancel"},
        "applied": set(),
        "rejected": set(),
        "withdrawn": set(),
        "expired": set(),
    } == ACCEPTED


def test_any_of() -> None:
    """或签: the first approval passes the step and closes the other tasks."""
    request, events = decide(request_of(("any", "bc")), Command("approve"), actor="cai", now=NOW)
    assert events == ("task_decided", "approved")
    assert request.state == "approved"
    assert request.tasks == (Task(0, "bob", "closed"), Task(0, "cai", "approved"))


def test_all_of() -> None:
    """会签: everybody approves, in any order."""
    request, events = decide(request_of(("all", "bc")), Command("approve"), actor="cai", now=NOW)
    assert events == ("task_decided",)
    assert (request.state, request.version) == ("pending", 2)
    assert run(request, ("bob", "approve")).state == "approved"


def test_all_of_one_rejection() -> None:
    """会签: one rejection ends the request and closes what is open."""
    request, events = decide(request_of(("all", "bc"), ("any", "d")), Command("reject"), actor="cai", now=NOW)
    assert events == ("task_decided", "rejected")
    assert request.state == "rejected"
    assert request.tasks == (Task(0, "bob", "closed"), Task(0, "cai", "rejected"), Task(1, "dan", "closed"))


def test_sequential() -> None:
    """依次: each approver when the one before has approved."""
    request = request_of(("sequential", "bcd"))
    assert refusal(request, "cai", "approve").code == "not_your_task"
    request = run(request, ("bob", "approve"))
    assert refusal(request, "dan", "reject").code == "not_your_task"
    request = run(request, ("cai", "approve"))
    assert request.state == "pending"
    assert run(request, ("dan", "approve")).state == "approved"
    assert run(request, ("dan", "reject")).state == "rejected"


def test_steps_one_after_the_other() -> None:
    """A passed step opens the next; approvers of later steps wait."""
    request = request_of(("any", "bc"), ("all", "cd"))
    assert refusal(request, "dan", "approve").code == "not_your_task"
    request, events = decide(request, Command("approve"), actor="bob", now=NOW)
    assert events == ("task_decided", "step_passed")
    assert (request.state, request.position) == ("pending", 1)
    assert tuple(task.approver for task in request.open_tasks()) == ("cai", "dan")
    assert run(request, ("cai", "approve"), ("dan", "approve")).state == "approved"


def test_a_repeated_decision_changes_nothing() -> None:
    """A retry of the last decision gives the same request, also with an old expected version."""
    request = run(request_of(("all", "bc")), ("bob", "approve"))
    assert decide(request, Command("approve"), actor="bob", now=NOW) == (request, ())
    assert decide(request, Command("approve", expected_version=1), actor="bob", now=NOW) == (request, ())
    assert refusal(request, "bob", "reject").code == "not_your_task"


def test_only_the_submitters_own_withdrawal_is_a_repetition() -> None:
    """Somebody else's withdrawal is refused, before and after."""
    assert refusal(PENDING, "bob", "withdraw").code == "not_submitter"
    assert refusal(WITHDRAWN, "bob", "withdraw").code == "request_closed"


@pytest.mark.parametrize("name", ["approve", "reject"])
def test_own_change(name: Any) -> None:
    """Nobody decides about their own change, with or without a task, unless the flow allows it."""
    with_task, without = request_of(("any", "ab")), request_of(("any", "b"))
    assert refusal(with_task, "ann", name).code == "own_change"
    assert refusal(without, "ann", name).code == "own_change"
    allowed = attrs.evolve(with_task, allow_own=True)
    assert run(allowed, ("ann", name)).state == {"approve": "approved", "reject": "rejected"}[name]
    assert refusal(attrs.evolve(without, allow_own=True), "ann", name).code == "not_your_task"


@pytest.mark.parametrize("name", ["approve", "reject"])
def test_own_change_in_a_step_of_a_flow_that_allows_it(name: Any) -> None:
    """Of several flows each says of its own steps whether submitters decide: here the first, and not the second."""
    request = request_of(("any", "a"), ("any", "ab"))
    own, other = request.steps
    request = attrs.evolve(request, steps=(attrs.evolve(own, allow_own=True), other))
    found = run(request, ("ann", name))
    assert found.state == {"approve": "pending", "reject": "rejected"}[name]
    if name == "approve":
        assert refusal(found, "ann", "reject").code == "own_change"
        assert run(found, ("bob", name)).state == "approved"


@pytest.mark.parametrize(("expected", "accepted"), [(None, True), (1, True), (2, False), (0, False)])
def test_expected_version(expected: int | None, accepted: bool) -> None:
    """A decision on an old reading is refused."""
    if accepted:
        command = Command("approve", expected_version=expected)
        assert decide(PENDING, command, actor="bob", now=NOW)[0].state == "approved"
    else:
        problem = refusal(PENDING, "bob", "approve", expected_version=expected)
        assert (problem.code, problem.params) == ("stale_request", {"expected": expected, "actual": 1})


def test_strangers() -> None:
    """Who was not asked decides nothing."""
    assert refusal(PENDING, "dan", "approve").code == "not_your_task"
    assert refusal(PENDING, "dan", "reject").code == "not_your_task"


def test_the_trail() -> None:
    """Each accepted command is kept: who, when, what, at which step, with which words."""
    request = request_of(("any", "b"), ("any", "c"))
    later = NOW + timedelta(hours=1)
    request, _ = decide(request, Command("approve", "好"), actor="bob", now=NOW)
    request, _ = decide(request, Command("reject", "不"), actor="cai", now=later)
    assert request.trail == (
        TrailEntry(NOW, "bob", "approve", "好", 0),
        TrailEntry(later, "cai", "reject", "不", 1),
    )
    assert request.version == 3
    assert "好" not in repr(request)
    assert "好" not in repr(request.trail)


def test_the_request_itself_stays() -> None:
    """Deciding is pure."""
    before = attrs.evolve(PENDING)
    decide(PENDING, Command("approve"), actor="bob", now=NOW)
    assert before == PENDING
    assert "王小明" not in repr(Command("approve", "王小明"))

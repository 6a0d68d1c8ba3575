"""Votes, hand-overs, added signers, returns and time limits: what each command makes of a request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from custinfo.core.approval.commands import Command
from custinfo.core.approval.flows import CountQuorum, ShareQuorum, WeightQuorum
from custinfo.core.approval.machine import decide
from custinfo.core.approval.requests import Proposal, Request, ResolvedLimit, ResolvedStep
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.frozen import FrozenDict
from custinfo.testing._samples import NOW, make_request, record_id

NAMES = {name[0]: name for name in ("ann", "bob", "cai", "dan", "eve", "fay", "gil", "hal")}


def step(who: str, mode: Any = "any", **details: Any) -> ResolvedStep:
    """Return a step that asks people by their initials."""
    return ResolvedStep("f", "s", FrozenDict(), mode, tuple(NAMES[letter] for letter in who), **details)


def pending(*steps: ResolvedStep, patch: str = "x", **details: Any) -> Request:
    """Return a request of ann's, just submitted."""
    draft = make_request(
        1, record_id(1), {"title": patch}, steps=(), tasks=(), flows=(), state="draft", version=0, **details
    )
    return run(draft, ("ann", Command("submit", proposal=proposal(*steps, patch=patch, **details))))


def proposal(*steps: ResolvedStep, patch: str = "x", **details: Any) -> Proposal:
    """Return a proposal of one field."""
    return Proposal(FrozenDict({"title": patch}), FrozenDict({"title": None}), patch, (("f", 1),), steps, **details)


def run(request: Request, *commands: tuple[str, Command | str], hours: int = 0) -> Request:
    """Carry out commands, each by somebody."""
    for actor, command in commands:
        given = Command(command) if isinstance(command, str) else command  # type: ignore[arg-type]
        request, _ = decide(request, given, actor=actor, now=NOW + timedelta(hours=hours))
    return request


def refusal(request: Request, actor: str, command: Command, hours: int = 0) -> str:
    """Return why a command is refused."""
    with pytest.raises(IllegalTransitionError) as caught:
        decide(request, command, actor=actor, now=NOW + timedelta(hours=hours))
    return caught.value.code


def waiting(request: Request) -> str:
    """Return the initials of those for whom a request waits."""
    return "".join(member[0] for member in request.waiting_for())


# --- votes


def test_half_of_five_closes_at_the_third() -> None:
    """5 asked in parallel with 50 %: two approvals leave three tasks open, the third closes the rest."""
    request = pending(step("bcdef", "quorum", quorum=ShareQuorum(50), rejection="votes"))
    request = run(request, ("bob", "approve"), ("eve", "approve"))
    assert (request.state, waiting(request)) == ("pending", "cdf")
    request = run(request, ("dan", "approve"))
    assert request.state == "approved"
    assert [task.decision for task in request.tasks] == ["approved", "closed", "approved", "approved", "closed"]


@pytest.mark.parametrize(
    ("percent", "asked", "closes_at"), [(50, 4, 2), (51, 4, 3), (100, 3, 3), (1, 5, 1), (34, 3, 2)]
)
def test_shares(percent: int, asked: int, closes_at: int) -> None:
    """At least so many per cent of those asked."""
    request = pending(step("bcdef"[:asked], "quorum", quorum=ShareQuorum(percent), rejection="votes"))
    for number, letter in enumerate("bcdef"[:closes_at], 1):
        request = run(request, (NAMES[letter], "approve"))
        assert (request.state == "approved") is (number == closes_at)


def test_weights() -> None:
    """Weights 30/35/35 with pass mark 50 close at 30 + 35."""
    voting = step("bcd", "quorum", weights=(30, 35, 35), quorum=WeightQuorum((30, 35, 35), 50), rejection="votes")
    for first, second in (("bob", "cai"), ("cai", "dan"), ("dan", "bob")):
        request = run(pending(voting), (first, "approve"))
        assert request.state == "pending"
        assert run(request, (second, "approve")).state == "approved"


@pytest.mark.parametrize(("unreachable", "state"), [("ends", "rejected"), ("returns", "returned")])
def test_a_pass_mark_out_of_reach(unreachable: Any, state: str) -> None:
    """When those who are left can't pass a step any more, it ends as declared, and not before."""
    voting = step("bcd", "quorum", quorum=CountQuorum(2), rejection="votes", unreachable=unreachable)
    request = run(pending(voting), ("bob", "reject"))
    assert (request.state, waiting(request)) == ("pending", "cd")
    assert run(request, ("cai", "approve"), ("dan", "approve")).state == "approved"
    ended = run(request, ("cai", "approve"), ("dan", "reject"))
    assert (ended.state, ended.open_tasks()) == (state, ())


@pytest.mark.parametrize(("rejection", "state"), [("ends", "rejected"), ("returns", "returned"), ("votes", "pending")])
@pytest.mark.parametrize("mode", ["any", "quorum"])
def test_one_rejection(mode: Any, rejection: Any, state: str) -> None:
    """One rejection ends the request, returns it, or is a vote, as declared."""
    quorum = CountQuorum(1) if mode == "quorum" else None
    request = run(pending(step("bc", mode, quorum=quorum, rejection=rejection)), ("bob", "reject"))
    assert request.state == state


def test_a_veto_is_no_vote() -> None:
    """The rejection of who may veto decides at once."""
    voting = step("bcd", "quorum", quorum=CountQuorum(1), rejection="votes", veto=("dan",), unreachable="returns")
    assert run(pending(voting), ("bob", "reject")).state == "pending"
    assert run(pending(voting), ("dan", "reject")).state == "returned"


# --- hand-overs


def test_a_transfer_is_for_good() -> None:
    """转交: the task is the other's, and does not come back."""
    request = run(pending(step("bc", "all")), ("bob", Command("transfer", to=("dan",))))
    assert waiting(request) == "dc"
    assert refusal(request, "bob", Command("approve")) == "not_your_task"
    assert run(request, ("dan", "approve"), ("cai", "approve")).state == "approved"
    assert refusal(request, "cai", Command("transfer", to=("dan",))) == "already_asked"
    assert refusal(request, "cai", Command("transfer", to=("ann",))) == "own_change"
    assert refusal(request, "cai", Command("transfer")) == "recipient_needed"


def test_in_a_step_of_any_a_transfer_to_a_colleague_closes_the_task() -> None:
    """Who is asked already decides for both."""
    request = run(pending(step("bc")), ("bob", Command("transfer", to=("cai",))))
    assert waiting(request) == "c"


def test_a_delegate_returns_to_the_holder() -> None:
    """委派: the delegate's word is an opinion; the decision stays the holder's."""
    request = run(pending(step("b")), ("bob", Command("delegate", to=("dan",))))
    assert waiting(request) == "d"
    assert refusal(request, "bob", Command("approve")) == "not_your_task"
    back, events = decide(request, Command("approve", "看过"), actor="dan", now=NOW)
    assert (waiting(back), events, back.state) == ("b", ("opinion_given",), "pending")
    assert run(back, ("bob", "reject")).state == "rejected"
    assert waiting(run(request, ("bob", "take_back"))) == "b"


@pytest.mark.parametrize(
    ("place", "opens", "order"),
    [("before", "ce", ("eve", "bob")), ("after", "bc", ("bob", "eve")), ("parallel", "bce", ("eve", "bob"))],
)
def test_added_signers(place: Any, opens: str, order: tuple[str, str]) -> None:
    """加签: before, the holder waits; after, the added one waits; parallel, nobody does. All must sign."""
    request = run(pending(step("bc", "all")), ("bob", Command("add_signer", to=("eve",), place=place)))
    assert waiting(request) == opens
    request = run(request, (order[0], "approve"))
    assert order[1] in request.waiting_for()
    request = run(request, (order[1], "approve"))
    assert (request.state, waiting(request)) == ("pending", "c")
    assert run(request, ("cai", "approve")).state == "approved"


def test_an_added_signer_is_needed_whatever_the_mode() -> None:
    """In a step of any, the vote passes and its other tasks close, and the added signer is waited for."""
    request = run(
        pending(step("bc")), ("bob", Command("add_signer", to=("eve",), place="parallel")), ("cai", "approve")
    )
    assert (request.state, waiting(request)) == ("pending", "e")
    assert run(request, ("eve", "approve")).state == "approved"
    assert run(request, ("eve", "reject")).state == "rejected"


def test_several_signers_before_sign_in_turn() -> None:
    """Those who sign before do so one after the other."""
    request = run(pending(step("b")), ("bob", Command("add_signer", to=("eve", "fay"), place="before")))
    assert waiting(request) == "e"
    request = run(request, ("eve", "approve"))
    assert waiting(request) == "f"
    assert waiting(run(request, ("fay", "approve"))) == "b"


# --- returning and taking back


def test_returned_and_resubmitted_replays_all_steps() -> None:
    """退回 to the submitter; what comes back unchanged passes all steps again by default."""
    request = run(pending(step("b"), step("c")), ("bob", "approve"), ("cai", Command("return", "改")))
    assert (request.state, request.returned_from, request.waiting_for()) == ("returned", 1, ())
    assert refusal(request, "bob", Command("resubmit")) == "not_submitter"
    again = run(request, ("ann", "resubmit"))
    assert (again.state, again.position, waiting(again)) == ("pending", 0, "b")


def test_a_flow_may_go_on_where_it_was_returned() -> None:
    """Unchanged, it goes on at the step that returned it; changed, it passes all steps."""
    steps = (step("b"), step("c"))
    request = run(pending(*steps, continues=True), ("bob", "approve"), ("cai", "return"))
    assert waiting(run(request, ("ann", "resubmit"))) == "c"
    changed = run(request, ("ann", Command("resubmit", proposal=proposal(*steps, patch="y", continues=True))))
    assert (waiting(changed), changed.patch["title"]) == ("b", "y")


def test_return_to_a_step() -> None:
    """A step before the present one is passed again, with all after it."""
    request = run(pending(step("b"), step("c"), step("d")), ("bob", "approve"), ("cai", "approve"))
    back = run(request, ("dan", Command("return", step=0)))
    assert (back.position, waiting(back)) == (0, "b")
    assert refusal(request, "dan", Command("return", step=2)) == "not_an_earlier_step"
    assert run(back, ("bob", "approve"), ("cai", "approve"), ("dan", "approve")).state == "approved"


def test_taking_back() -> None:
    """撤回 one's own decision, while nothing downstream has acted."""
    request = run(pending(step("bc", "all"), step("d"), step("e")), ("bob", "approve"), ("cai", "approve"))
    back = run(request, ("bob", "take_back"))
    assert (back.position, waiting(back)) == (0, "b")
    assert run(back, ("bob", "approve")).position == 1
    further = run(request, ("dan", "approve"))
    assert refusal(further, "bob", Command("take_back")) == "acted_since"
    assert refusal(further, "fay", Command("take_back")) == "nothing_to_take_back"
    passed_on = run(request, ("dan", Command("transfer", to=("gil",))))
    assert refusal(passed_on, "cai", Command("take_back")) == "acted_since"
    assert waiting(run(further, ("dan", "take_back"))) == "d"


@pytest.mark.parametrize("verb", ["return", "reject"])
def test_taking_back_a_return(verb: Any) -> None:
    """Who returned it to the submitter takes that back until it comes again: the step is as it was before."""
    request = run(pending(step("b"), step("cde", "all", rejection="returns")), ("bob", "approve"), ("cai", "approve"))
    returned = run(request, ("dan", verb))
    assert (returned.state, waiting(returned)) == ("returned", "")
    assert refusal(returned, "cai", Command("take_back")) == "nothing_to_take_back"
    assert refusal(returned, "ann", Command("take_back")) == "nothing_to_take_back"
    back = run(returned, ("dan", "take_back"))
    assert (back.state, back.position, waiting(back), back.returned_from) == ("pending", 1, "de", None)
    assert back.tasks == request.tasks
    assert run(back, ("dan", "approve"), ("eve", "approve")).state == "approved"
    again = run(returned, ("ann", "resubmit"))
    assert refusal(again, "dan", Command("take_back")) == "nothing_to_take_back"


def test_taking_back_a_vote_that_returned_it() -> None:
    """A vote that made the step fail is taken back like a return; the others' votes stay."""
    votes = step("bcd", "quorum", quorum=CountQuorum(2), rejection="votes", unreachable="returns")
    request = run(pending(votes), ("bob", "reject"), ("cai", "reject"))
    assert request.state == "returned"
    back = run(request, ("cai", "take_back"))
    assert (waiting(back), [task.decision for task in back.tasks]) == ("cd", ["rejected", None, None])
    assert run(back, ("cai", "approve"), ("dan", "approve")).state == "approved"


def test_taking_back_an_amendment() -> None:
    """What an approver amended is as it was proposed, unless others decided on what they had amended it to."""
    request = pending(step("bc", "all", amends=("title",)), step("d"))
    changed = run(request, ("bob", Command("approve", proposal=proposal(patch="y"))))
    assert (changed.patch, changed.digest) == ({"title": "y"}, "y")
    assert changed.trail[-1].former == request.proposal
    back = run(changed, ("bob", "take_back"))
    assert (back.patch, back.base, back.digest) == (request.patch, request.base, request.digest)
    assert (waiting(back), back.tasks) == ("bc", request.tasks)
    decided = run(changed, ("cai", "approve"))
    assert refusal(decided, "bob", Command("take_back")) == "acted_since"
    last = run(request, ("bob", "approve"), ("cai", Command("approve", proposal=proposal(patch="z"))))
    assert run(last, ("cai", "take_back")).patch == {"title": "x"}


def test_in_turn_the_next_ones_decision_stands_on_the_one_before() -> None:
    """依次: after the next one acted, the one before can't take back."""
    request = run(pending(step("bcd", "sequential")), ("bob", "approve"))
    assert waiting(run(request, ("bob", "take_back"))) == "b"
    assert refusal(run(request, ("cai", "approve")), "bob", Command("take_back")) == "acted_since"


# --- presumed approvals


@pytest.mark.parametrize(("repeated", "asked"), [("first", "e"), ("adjacent", "b"), ("each", "c")])
def test_a_repeated_approver(repeated: Any, asked: str) -> None:
    """Who approved is not asked again: only the first time, not in the next step, or each time all the same."""
    steps = [step(who, repeated=repeated) for who in ("b", "c", "c", "b", "e")]
    request = run(pending(*steps), ("bob", "approve"), ("cai", "approve"))
    assert waiting(request) == asked


def test_an_approval_of_something_else_is_none() -> None:
    """After an amendment, who approved before is asked again; who amended is not."""
    steps = (step("b"), step("c", amends=("title",)), step("bc", "all", repeated="first"))
    amended = Command("approve", proposal=proposal(patch="y"))
    request = run(pending(*steps), ("bob", "approve"), ("cai", amended))
    assert waiting(request) == "b"
    assert refusal(pending(*steps), "bob", amended) == "not_amendable"


def test_the_submitters_own_task_may_pass() -> None:
    """Where the flow says so, the submitter's task counts as approved from the start."""
    request = pending(step("ab", "all", presumed=("ann",)))
    assert (request.state, waiting(request)) == ("pending", "b")
    assert pending(step("ab", presumed=("ann",))).state == "approved"
    again = run(pending(step("ab", presumed=("ann",)), step("c")), ("cai", "return"), ("ann", "resubmit"))
    assert waiting(again) == "c"


# --- time


LIMITS = (ResolvedLimit(24, "remind"), ResolvedLimit(48, "escalate", ("eve",)), ResolvedLimit(72, "expire"))


def test_time_limits() -> None:
    """A step reminds, escalates and expires, each once and when it is due."""
    request = pending(step("bc", "all", limits=LIMITS))
    assert request.due_at == NOW + timedelta(hours=24)
    assert refusal(request, "system", Command("remind", timer=True), 23) == "not_due"
    assert refusal(request, "system", Command("expire", timer=True), 99) == "not_due"
    request = run(request, ("system", Command("remind", timer=True)), hours=24)
    assert run(request, ("system", Command("remind", timer=True)), hours=25) is request
    request = run(request, ("bob", "approve"), hours=30)
    escalated = run(request, ("system", Command("escalate", timer=True)), hours=48)
    assert waiting(escalated) == "e"
    assert run(escalated, ("eve", "approve"), hours=49).state == "approved"
    expired = run(escalated, ("system", Command("expire", timer=True)), hours=72)
    assert (expired.state, expired.due_at) == ("expired", None)
    assert refusal(expired, "cai", Command("approve")) == "request_closed"


def test_each_step_has_its_own_time() -> None:
    """The next step's limits begin when it opens."""
    request = pending(step("b", limits=LIMITS), step("c", limits=LIMITS[:1]))
    request = run(request, ("bob", "approve"), hours=10)
    assert request.due_at == NOW + timedelta(hours=34)
    assert run(request, ("cai", "approve"), hours=11).due_at is None


def test_reminding_by_hand() -> None:
    """Who is involved may remind; again within the hour changes nothing."""
    request = run(pending(step("b")), ("ann", "remind"))
    assert decide(request, Command("remind"), actor="ann", now=NOW + timedelta(minutes=59)) == (request, ())
    assert run(request, ("ann", "remind"), hours=2).version == request.version + 1
    assert refusal(request, "gil", Command("remind")) == "not_involved"


# --- repetition and versions


@pytest.mark.parametrize(
    ("actor", "command"),
    [
        ("bob", Command("transfer", to=("dan",))),
        ("bob", Command("delegate", to=("dan",))),
        ("bob", Command("add_signer", to=("dan",), place="before")),
        ("bob", Command("return")),
        ("ann", Command("withdraw")),
        ("bob", Command("approve")),
        ("bob", Command("reject")),
    ],
)
def test_a_repeated_command_is_nothing(actor: str, command: Command) -> None:
    """A retry gives the same request, without a version and with the one that was read."""
    before = pending(step("bc", "all"))
    after = run(before, (actor, command))
    assert after.version == before.version + 1
    assert decide(after, command, actor=actor, now=NOW) == (after, ())
    versioned = attrs.evolve(command, expected_version=before.version)
    assert decide(after, versioned, actor=actor, now=NOW) == (after, ())
    assert refusal(after, "hal", versioned) in ("stale_request", "request_closed")


def test_a_stale_decision_is_not_taken_for_a_repetition() -> None:
    """Who approved one step and now decides another on an old reading is told so."""
    request = run(pending(step("b"), step("bc", "all"), step("d")), ("bob", "approve"))
    moved = run(request, ("cai", "approve"))
    assert refusal(moved, "bob", Command("approve", expected_version=request.version)) == "stale_request"


def test_on_behalf() -> None:
    """An administrator or deputy acts on somebody's task; the trail names both."""
    request = run(pending(step("b")), ("gil", Command("transfer", to=("dan",), holder="bob")))
    assert (waiting(request), request.trail[-1].actor, request.trail[-1].holder) == ("d", "gil", "bob")


@pytest.mark.parametrize("name", ["transfer", "delegate", "add_signer", "rescue"])
def test_nobody_is_brought_in_who_may_not_decide(name: Any) -> None:
    """What hal submitted for ann is the change of both: a task that one of them is given would wait for ever."""
    draft = make_request(1, record_id(1), {"title": "x"}, steps=(), tasks=(), flows=(), state="draft", version=0)
    submit = Command("submit", holder="ann", proposal=proposal(step("bc", "all")))
    request = run(draft, ("hal", submit))
    actor = "root" if name == "rescue" else "bob"
    for member in ("ann", "hal"):
        assert refusal(request, actor, Command(name, to=(member,))) == "own_change"
    assert "d" in waiting(run(request, (actor, Command(name, to=("dan",)))))
    free = run(draft, ("hal", attrs.evolve(submit, proposal=proposal(step("bc", "all"), allow_own=True))))
    assert "h" in waiting(run(free, (actor, Command(name, to=("hal",)))))


def test_a_rescue_puts_others_in_place_of_the_step() -> None:
    """What is stuck goes on with others; never with the submitter."""
    request = run(pending(step("bc", "all"), step("d")), ("root", Command("rescue", to=("eve",))))
    assert waiting(request) == "e"
    assert waiting(run(request, ("eve", "approve"))) == "d"
    assert refusal(request, "root", Command("rescue", to=("ann",))) == "own_change"

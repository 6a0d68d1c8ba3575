"""Several people decide, edit and are in each other's way: nothing is lost, and flows get their decisions."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    Configuration,
    CustinfoError,
    FieldDefinition,
    ModuleDefinition,
    Workspace,
)
from custinfo.core.approval.commands import Command
from custinfo.core.approval.flows import CountQuorum, Flow, NamedMember, Step, TimeLimit, Trigger
from custinfo.core.approval.machine import decide
from custinfo.core.approval.requests import OPEN_STATES, Proposal, Request
from custinfo.core.frozen import FrozenDict
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant, Role
from custinfo.standard import sample_organisation
from tests.unit.workspace.conftest import Clock

PEOPLE = ("lisi", "wangwu", "zhangsan", "zhaojl", "sunjiu")
FIELDS = ("a", "b", "c")
VALUES = st.sampled_from(["1", "2", "3"])
PERSON = st.sampled_from(PEOPLE)
EVERYTHING: frozenset[Action] = frozenset({"view", "create", "edit", "archive"})
HANDING_ON = ["transfer", "delegate", "add_signer"]
DECIDED = ("approved", "rejected")
CLOSED = {"applied", "rejected", "withdrawn", "expired"}

FLOWS = (
    Flow("one", Trigger("thing", fields=("a",)), (Step("s", (NamedMember("zhangsan"), NamedMember("wangwu"))),)),
    Flow(
        "two",
        Trigger("thing", fields=("b",)),
        (
            Step("s", (NamedMember("zhangsan"), NamedMember("zhaojl"), NamedMember("lisi")), mode="all"),
            Step(
                "t",
                (NamedMember("sunjiu"), NamedMember("wangwu"), NamedMember("zhaojl")),
                mode="quorum",
                quorum=CountQuorum(2),
                rejection="votes",
                unreachable="returns",
                limits=(TimeLimit(24, "remind"), TimeLimit(48, "escalate", (NamedMember("zhangsan"),))),
            ),
        ),
        after_return="continue",
    ),
)


def configuration() -> Configuration:
    """Return a module with a field that is free, and two that flows gate."""
    roles = ("sales", "team_lead", "department_manager", "data_administrator")
    module = ModuleDefinition("thing", tuple(FieldDefinition(key, "text") for key in FIELDS))
    grants = tuple(Grant(role, "thing", EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS) for role in roles)
    return Configuration((module,), roles=tuple(Role(role, role) for role in roles), grants=grants, flows=FLOWS)


@attrs.define
class Model:
    """What the model knows of a request: what it would do, as it was when it became so, and how it ended."""

    record: str
    start: Request
    closed: Request | None = None


class Approving(RuleBasedStateMachine):
    """Drive a workspace, and keep beside it only what live data must be."""

    url = "memory://"

    @initialize()
    def begin(self) -> None:
        """Open a workspace with two records."""
        self.clock = Clock()
        self.workspace = Workspace.open(self.url, configuration(), organisation=sample_organisation(), clock=self.clock)
        self.live: dict[str, dict[str, str]] = {}
        self.requests: dict[str, Model] = {}
        for _ in range(2):
            with self.workspace.acting_as("sunjiu") as session:
                outcome = session.records("thing").create({"c": "0"})
                assert isinstance(outcome, Applied)
                self.live[outcome.record.id] = {"c": "0"}

    def teardown(self) -> None:
        """Give the connections back."""
        if hasattr(self, "workspace"):
            self.workspace.close()

    def stored(self, request_id: str) -> Request:
        """Return a request as the store has it."""
        with self.workspace.acting_as("sunjiu") as session:
            return session.context.unit.approvals.get([request_id])[request_id]  # type: ignore[list-item,index]

    @rule(actor=PERSON, place=st.integers(0, 1), values=st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1))
    def edit(self, actor: str, place: int, values: dict[str, str]) -> None:
        """Change a record: what is free changes at once, what is gated waits, what is reserved is refused."""
        record_id = list(self.live)[place]
        held = {key for model in self.open_requests(record_id) for key in self.stored(model.start.id).reserved_fields()}
        changed = {key for key, value in values.items() if self.live[record_id].get(key) != value}
        outcome: Any = None
        code = ""
        try:
            with self.workspace.acting_as(actor) as session:
                outcome = session.records("thing").update(record_id, values, version=ANY)
        except CustinfoError as error:
            code = error.code
        assert code in ("", "field_reserved", "no_approver")
        assert (code == "field_reserved") is bool(changed & held)
        if code:
            return
        if isinstance(outcome, Applied):
            assert not changed & {"a", "b"}
            self.live[record_id] |= values
        else:
            assert isinstance(outcome, AwaitingApproval)
            assert changed & {"a", "b"}
            request = self.stored(outcome.request.id)
            self.requests[request.id] = Model(record_id, request)

    def open_requests(self, record_id: str) -> list[Model]:
        """Return the requests about a record that are not closed."""
        return [model for model in self.requests.values() if model.record == record_id and model.closed is None]

    @precondition(lambda self: self.requests)
    @rule(
        actor=PERSON,
        pick=st.integers(0, 20),
        verb=st.sampled_from(
            ["approve", "approve", "approve", "reject", "send_back", "withdraw", "take_back", "remind"]
        ),
        stale=st.sampled_from([0, 0, 0, 1]),
    )
    def decide(self, actor: str, pick: int, verb: str, stale: int) -> None:
        """Decide, return, withdraw or take back, sometimes on an old reading."""
        self.act(
            actor,
            pick,
            lambda approvals, request: getattr(approvals, verb)(request.id, version=request.version - stale),
        )

    @precondition(lambda self: self.requests)
    @rule(
        actor=PERSON, pick=st.integers(0, 20), to=PERSON, verb=st.sampled_from(["transfer", "delegate", "add_signer"])
    )
    def hand_on(self, actor: str, pick: int, to: str, verb: str) -> None:
        """Hand a task on, or let others sign too."""
        self.act(actor, pick, lambda approvals, request: getattr(approvals, verb)(request.id, to))

    @precondition(lambda self: self.requests)
    @rule(actor=PERSON, pick=st.integers(0, 20), values=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=2))
    def resubmit(self, actor: str, pick: int, values: dict[str, str]) -> None:
        """Send what was returned again, changed or not."""
        self.act(actor, pick, lambda approvals, request: approvals.resubmit(request.id, values))

    @rule(hours=st.sampled_from([1, 25, 49]))
    def wait(self, hours: int) -> None:
        """Let time pass, and the scheduler run twice."""
        self.clock.advance(hours=hours)
        self.workspace.run_due()
        assert self.workspace.run_due() == type(self.workspace.run_due())()

    def act(self, actor: str, pick: int, verb: Any) -> None:
        """Carry out a verb on one of the requests; what was applied is what it proposed at that moment."""
        key = list(self.requests)[pick % len(self.requests)]
        model, before = self.requests[key], self.stored(key)
        try:
            with self.workspace.acting_as(actor) as session:
                verb(session.approvals, before)
        except CustinfoError:
            assert self.stored(key) == before
            return
        after = self.stored(key)
        if before.state in CLOSED:
            assert after == before
        elif after.state == "applied":
            self.live[model.record] |= {name: value for name, value in after.patch.items() if isinstance(value, str)}
        if after.state in CLOSED:
            model.closed = after

    @invariant()
    def live_data_is_what_was_applied_and_edited(self) -> None:
        """After any sequence, live data is that of the direct edits and the applied requests, in order."""
        if not hasattr(self, "live"):
            return
        with self.workspace.acting_as("sunjiu") as session:
            for record_id, values in self.live.items():
                assert dict(session.records("thing").get(record_id).values) == values

    @invariant()
    def requests_are_sound(self) -> None:
        """Closed requests stay, nobody decides for themselves or twice, nothing is applied without its decisions."""
        for key, model in getattr(self, "requests", {}).items():
            request = self.stored(key)
            assert model.closed is None or request == model.closed
            deciders = {entry.actor for entry in request.trail if entry.command in ("approve", "reject")}
            assert request.submitted_by not in deciders
            decided = [(task.step, task.approver) for task in request.tasks if task.decision in DECIDED]
            assert len(decided) == len(set(decided))
            if request.state == "pending":
                assert request.waiting_for()
            if request.state == "applied":
                assert all(_demanded(request, number) for number in range(len(request.steps)))
            assert _replayed(model.start, request) == request

    @invariant()
    def open_requests_share_no_field(self) -> None:
        """No two open requests reserve the same field of a record."""
        taken = [
            pair
            for key in getattr(self, "requests", {})
            if (request := self.stored(key)).state in OPEN_STATES
            for pair in request.reservations()
        ]
        assert len(taken) == len(set(taken))


def _demanded(request: Request, number: int) -> bool:
    """Tell, independently of the machine, whether a step of an applied request got the decisions that it demands."""
    step, tasks = request.steps[number], [task for task in request.tasks if task.step == number]
    if any(task.decision == "approved" for task in tasks if task.kind == "instead"):
        return True
    if any(task.decision != "approved" for task in tasks if task.kind == "added"):
        return False
    asked = [task for task in tasks if task.kind == "asked"]
    yes = sum(task.decision in ("approved", "presumed") for task in asked)
    return yes >= {"any": 1, "all": len(asked), "quorum": 2, "sequential": len(asked)}[step.mode]


def _replayed(start: Request, end: Request) -> Request:
    """Return what the commands of the trail make of a request as it began."""
    proposal = Proposal(
        start.patch,
        start.base,
        start.digest,
        start.flows,
        start.steps,
        start.allow_own,
        start.continues,
        start.configuration_version,
    )
    draft = start.after(
        {"state": "draft", "version": 0, "trail": (), "tasks": (), "steps": (), "flows": (), "position": 0}
    )
    empty: dict[str, Any] = {
        "patch": FrozenDict(),
        "base": FrozenDict(),
        "opened_at": None,
        "due_at": None,
        "digest": "",
    }
    current = draft.after(empty)
    timers = ("escalate", "expire")
    for place, entry in enumerate(end.trail):
        given = proposal if place == 0 else entry.proposal
        timer = entry.command in timers or (entry.command == "remind" and entry.actor == "system")
        command = Command(
            entry.command, entry.comment, None, entry.to, entry.place, entry.target, given, entry.holder, timer
        )
        current, _ = decide(current, command, actor=entry.actor, now=entry.at)
    first = current.trail[0]._replace(proposal=None)
    return current.after({"trail": (first, *current.trail[1:])})


class ApprovingOnSqlite(Approving):
    """The same on SQLite."""

    url = "sqlite://"


TestApproving = Approving.TestCase
TestApproving.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestApprovingOnSqlite = ApprovingOnSqlite.TestCase
TestApprovingOnSqlite.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)

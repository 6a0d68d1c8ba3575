"""Two commands on one request at the same moment: one after the other, or one is refused; none counts by half."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import attrs
import pytest

from custinfo import ANY, ConflictError, CustinfoError, Session, StorageError, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.approval.flows import Flow, NamedMember, Step, TimeLimit, Trigger
from custinfo.core.errors import IllegalTransitionError
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.timing import DueReport
from tests.adapters.sqlalchemy.served import ENGINES, at_once, server
from tests.databases import SharedTables
from tests.unit.workspace.story import Story

ROUNDS: Final = 2
NOON: Final = datetime(2024, 6, 17, 4, tzinfo=UTC)
EXPIRY: Final = (TimeLimit(1, "expire"),)
ONE: Final = Flow(
    "one",
    Trigger("customer", fields=("special_notes",)),
    (
        Step(
            "any",
            (NamedMember("zhangsan"), NamedMember("sunjiu")),
            amends=("special_notes",),
            limits=EXPIRY,
        ),
    ),
)
TWO: Final = Flow(
    "two",
    Trigger("customer", fields=("current_need",)),
    (Step("first", (NamedMember("sunjiu"),)), Step("second", (NamedMember("zhaojl"),))),
)

Command = Callable[[Session, str], object]


@attrs.define
class Clock:
    """A clock that stands still until it is moved on."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Return the present instant."""
        return self.now


class Store(NamedTuple):
    """A workspace, and its clock."""

    workspace: Workspace
    clock: Clock


@pytest.fixture(params=[*ENGINES])
def store(request: pytest.FixtureRequest, shared_tables: SharedTables) -> Iterator[Store]:
    """A workspace on a server, as custinfo opens it, and on an engine of a host's."""
    clock = Clock()
    with server(request.param) as engine, shared_tables.lent(engine) as prefix:
        units = SqlAlchemyUnits(engine, prefix=prefix)
        configuration = standard_configuration().with_flows(ONE, TWO)
        yield Store(Workspace(configuration, units=units, organisation=sample_organisation(), clock=clock), clock)


def command(verb: str, *given: Any, **named: Any) -> Command:
    """Return a command on a request."""
    return lambda session, request_id: getattr(session.approvals, verb)(request_id, *given, **named)


def nothing(_: Session, __: str) -> None:
    """Do nothing."""


class Race(NamedTuple):
    """What is proposed, what happens to it first, and who then does what at once."""

    field: str
    before: tuple[str, Command]
    one: tuple[str, str, Command]
    other: tuple[str, str, Command]


APPROVE: Final = ("zhangsan", "approve", command("approve"))
RACES: Final[dict[str, Race]] = {
    "withdrawn": Race("special_notes", ("lisi", nothing), APPROVE, ("lisi", "withdraw", command("withdraw"))),
    "cancelled": Race("special_notes", ("lisi", nothing), APPROVE, ("admin", "cancel", command("cancel"))),
    "amended": Race(
        "special_notes",
        ("lisi", nothing),
        APPROVE,
        ("sunjiu", "approve", command("approve", amend={"special_notes": "改"})),
    ),
    "amended and withdrawn": Race(
        "special_notes",
        ("lisi", nothing),
        ("sunjiu", "approve", command("approve", amend={"special_notes": "改"})),
        ("lisi", "withdraw", command("withdraw")),
    ),
    "rejected": Race("special_notes", ("lisi", nothing), APPROVE, ("sunjiu", "reject", command("reject"))),
    "sent back": Race("special_notes", ("lisi", nothing), APPROVE, ("sunjiu", "return", command("send_back"))),
    "handed on": Race(
        "special_notes", ("lisi", nothing), APPROVE, ("sunjiu", "transfer", command("transfer", "zhoushi"))
    ),
    "taken back": Race(
        "current_need",
        ("sunjiu", command("approve")),
        ("zhaojl", "approve", command("approve")),
        ("sunjiu", "take_back", command("take_back")),
    ),
    "submitted again and withdrawn": Race(
        "special_notes",
        ("sunjiu", command("send_back")),
        ("lisi", "resubmit", command("resubmit", {"special_notes": "再"})),
        ("lisi", "withdraw", command("withdraw")),
    ),
}


def submitted(workspace: Workspace, race: Race) -> tuple[str, str, list[str]]:
    """Return the ids of a customer and of a request about it, and the commands that its trail has so far."""
    story = Story(workspace)
    record = story.customer(uscc=None)
    request_id = story.submit("lisi", record, {race.field: "新"}).id
    actor, first = race.before
    with workspace.acting_as(actor) as session:
        first(session, request_id)
        return record.id, request_id, [entry.command for entry in session.approvals.get(request_id).trail]


def acting(workspace: Workspace, actor: str, request_id: str, action: Command) -> Callable[[Callable[[], object]], Any]:
    """Return what reads a request, waits until everybody did, and then does something about it."""

    def run(meet: Callable[[], object]) -> object:
        with workspace.acting_as(actor) as session:
            session.approvals.get(request_id)
            meet()
            return action(session, request_id)

    return run


def is_told(error: CustinfoError) -> bool:
    """Tell whether an error says that somebody was faster, by a code."""
    return isinstance(error, ConflictError | IllegalTransitionError) or (
        isinstance(error, StorageError) and error.retryable
    )


def check_whole(workspace: Workspace, record_id: str, request_id: str, field: str) -> list[str]:
    """Check that a request was applied once, wholly, or not at all; return the commands of its trail."""
    with workspace.acting_as("sunjiu") as session:
        view = session.approvals.get(request_id)
        record, history = session.customers.get(record_id), session.customers.history(record_id)
    commands: list[str] = [entry.command for entry in view.trail]
    times = 1 if view.state == "applied" else 0
    assert commands.count("apply") == times
    assert [change.approval for change in history].count(request_id) == times
    approvers = {entry.actor for entry in view.trail if entry.command == "approve"}
    amended = field == "special_notes" and "sunjiu" in approvers
    assert record[field] == (("改" if amended else "新") if times else None)
    assert [change.version for change in history] == [*range(1, record.version + 1)]
    return commands


@pytest.mark.parametrize("race", RACES.values(), ids=RACES)
def test_two_commands_at_once(store: Store, race: Race) -> None:
    """Those that went well stand in the trail, once each; whoever was refused left nothing, and is told by a code."""
    workspace, _ = store
    for _ in range(ROUNDS):
        record_id, request_id, before = submitted(workspace, race)
        sides = (race.one, race.other)
        outcomes = at_once(*(acting(workspace, actor, request_id, act) for actor, _, act in sides))
        refused = [error for error in outcomes if isinstance(error, CustinfoError)]
        assert [error for error in refused if not is_told(error)] == []
        done = [
            name for (_, name, _), found in zip(sides, outcomes, strict=True) if not isinstance(found, CustinfoError)
        ]
        assert done
        commands = check_whole(workspace, record_id, request_id, race.field)
        assert Counter(commands) - Counter(before) - Counter(["apply"]) == Counter(done)
    assert workspace.check_integrity().problems == ()


def test_a_decision_when_time_is_up(store: Store) -> None:
    """A request is approved or it expires: the scheduler counts what it did, and nobody undoes the other's work."""
    workspace, clock = store
    race = RACES["withdrawn"]
    for _ in range(ROUNDS):
        record_id, request_id, _ = submitted(workspace, race)
        clock.now += timedelta(days=2)
        actor, _, approve = race.one

        def expire(meet: Callable[[], object]) -> DueReport:
            meet()
            return workspace.run_due()

        decided, due = at_once(acting(workspace, actor, request_id, approve), expire)
        commands = check_whole(workspace, record_id, request_id, race.field)
        if isinstance(decided, CustinfoError):
            assert is_told(decided)
        if isinstance(due, CustinfoError):
            assert is_told(due)
        expired = isinstance(due, DueReport) and due.expired == 1
        assert [name for name in commands if name in ("approve", "expire")] == ["expire" if expired else "approve"]
        assert isinstance(decided, CustinfoError) is expired


@pytest.mark.parametrize(("verb", "given"), [("update", {"address": "上海市"}), ("archive", None)])
def test_a_decision_while_others_work_on_the_record(store: Store, verb: str, given: object) -> None:
    """What somebody else changes in that moment is not lost, and nor is what was approved, unless one is told so."""
    workspace, _ = store
    race = RACES["withdrawn"]
    for _ in range(ROUNDS):
        record_id, request_id, _ = submitted(workspace, race)
        actor, _, approve = race.one

        def work(session: Session, _: str, record_id: str = record_id) -> object:
            named = () if given is None else (given,)
            return getattr(session.customers, verb)(record_id, *named, version=ANY)

        decided, worked = at_once(
            acting(workspace, actor, request_id, approve), acting(workspace, "sunjiu", request_id, work)
        )
        assert all(is_told(found) for found in (decided, worked) if isinstance(found, CustinfoError))
        assert not (isinstance(decided, CustinfoError) and isinstance(worked, CustinfoError))
        check_whole(workspace, record_id, request_id, race.field)
        with workspace.acting_as("sunjiu") as session:
            record = session.customers.get(record_id)
        found = {"update": record["address"], "archive": record.archived_at is not None}[verb]
        expected = {"update": ("上海市", None), "archive": (True, False)}[verb]
        assert found == expected[isinstance(worked, CustinfoError)]

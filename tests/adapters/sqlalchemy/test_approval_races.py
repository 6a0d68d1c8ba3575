"""Eight processes decide the same request at once: exactly one outcome, applied once, and everybody is told."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from custinfo import ANY, AwaitingApproval, CustinfoError, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.approval.flows import Flow, NamedMember, Step, StepMode, Trigger
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.planning import make_plan
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix
from tests.unit.workspace.test_importing import HEADER, Rows, plain

PROCESSES = 8
APPROVERS = ("wangwu", "zhangsan", "zhaojl", "liuqi", "qianba", "sunjiu", "zhoushi", "admin")


def opened(url: str, prefix: str, mode: str) -> Workspace:
    """Open the workspace as a process of its own does."""
    step = Step("all", tuple(map(NamedMember, APPROVERS)), mode=mode)  # type: ignore[arg-type]
    flow = Flow("notes", Trigger("customer", fields=("special_notes",)), (step,))
    many = Flow("many", Trigger("customer", actions=("merge", "import")), (step,))
    units = SqlAlchemyUnits.open(url, prefix=prefix)
    return Workspace(standard_configuration().with_flows(flow, many), units=units, organisation=sample_organisation())


@pytest.fixture(params=[POSTGRESQL, MARIADB], ids=["postgresql", "mariadb"])
def store(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A database server and a prefix of tables of its own."""
    url: str = request.param
    require_server(url)
    prefix = throw_away_prefix()
    units = SqlAlchemyUnits.open(url, prefix=prefix)
    yield url, prefix
    units.drop_tables()
    units.dispose()


def submitted(workspace: Workspace, number: int) -> tuple[str, str]:
    """Return the ids of a customer and of a request about its notes."""
    with workspace.acting_as("lisi") as session:
        values = {"name": f"公司{number}", "customer_type": "企业客户", "contact_name": "张三", "phone": "13812345678"}
        created = session.customers.create(values)
        record_id = created.record.id  # type: ignore[union-attr]
        outcome = session.customers.update(record_id, {"special_notes": "新"}, version=ANY)
        assert isinstance(outcome, AwaitingApproval)
        return record_id, outcome.request.id


def decided(
    store: tuple[str, str], mode: str, actor: str, verb: str, request_id: str, start: Any, answers: Any
) -> None:
    """Decide in a process of its own, when all are ready."""
    workspace = opened(*store, mode)
    with workspace.acting_as(actor) as session:
        session.approvals.get(request_id)
    start.wait(timeout=150)
    try:
        view = workspace.run(actor, lambda session: getattr(session.approvals, verb)(request_id), attempts=20)
        answers.put(("done", view.state))
    except CustinfoError as error:
        answers.put(("refused", error.code))


def race(store: tuple[str, str], mode: StepMode, request_id: str, verbs: list[str]) -> Counter[tuple[str, str]]:
    """Let each approver decide in a process of their own, all at the same moment."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    start, answers = context.Barrier(PROCESSES), context.Queue()
    jobs = [
        context.Process(target=decided, args=(store, mode, actor, verb, request_id, start, answers))
        for actor, verb in zip(APPROVERS, verbs, strict=True)
    ]
    for job in jobs:
        job.start()
    found = Counter(answers.get(timeout=200) for _ in jobs)
    for job in jobs:
        job.join(timeout=60)
        assert job.exitcode == 0
    return found


@pytest.mark.parametrize(
    ("mode", "verbs"),
    [("any", ["approve"] * 8), ("any", ["approve", "reject"] * 4), ("all", ["approve"] * 8)],
    ids=["any of eight approve", "approvals against rejections", "all of eight approve"],
)
def test_eight_processes_decide(store: tuple[str, str], mode: StepMode, verbs: list[str]) -> None:
    """One outcome: of `any`, one decision counts and seven are told; of `all`, none of eight is lost."""
    with opened(*store, mode) as workspace:
        record_id, request_id = submitted(workspace, 1)
        answers = race(store, mode, request_id, verbs)
        with workspace.acting_as("zhoushi") as session:
            view = session.approvals.get(request_id)
            history = session.customers.history(record_id)
            record = session.customers.get(record_id)
    decisions = [entry for entry in view.trail if entry.command in ("approve", "reject")]
    applied = [change for change in history if change.approval == request_id]
    assert len(applied) == (1 if view.state == "applied" else 0)
    assert record["special_notes"] == ("新" if view.state == "applied" else None)
    assert [entry.command for entry in view.trail].count("apply") == len(applied)
    if mode == "all":
        assert view.state == "applied"
        assert sorted(entry.actor for entry in decisions) == sorted(APPROVERS)
        assert sum(answers["done", state] for state in ("pending", "applied")) == PROCESSES
    else:
        assert view.state in ("applied", "rejected")
        assert len(decisions) == 1
        assert answers["done", view.state] == 1
        assert sum(number for (kind, _), number in answers.items() if kind == "refused") == PROCESSES - 1


def merger(workspace: Workspace) -> str:
    """Return the id of a request for a merger of two customers."""
    with workspace.acting_as("lisi") as session:
        values = {"name": "甲", "customer_type": "企业客户", "contact_name": "张三", "phone": "13812345678"}
        others = {"name": "甲公司", "email": "a@example.com"}
        made: list[Any] = [session.customers.create({**values, **more}) for more in ({}, others)]
    with workspace.acting_as("sunjiu") as session:
        outcome = session.customers.merge(made[0].record.id, [made[1].record.id], version=ANY)
        assert isinstance(outcome, AwaitingApproval)
        return outcome.request.id


def imported(workspace: Workspace) -> str:
    """Return the id of the request for an import of thirty customers."""
    rows = tuple((f"公司{number}", "企业客户", "张三", f"139{number:08}", None, None, "李四") for number in range(30))
    table = Rows(rows, plain(HEADER))
    with workspace.acting_as("lisi") as session:
        session.customers.create(
            {"name": "甲", "customer_type": "企业客户", "contact_name": "张三", "phone": "13812345678"}
        )
    with workspace.acting_as("sunjiu") as session:
        plan = make_plan(session.context, "customer", table, digest="thirty", duplicates="create")
        (request_id,) = plan.apply().requests
        return request_id


@pytest.mark.parametrize(("begin", "live"), [(merger, 1), (imported, 31)], ids=["merger", "import"])
def test_eight_processes_decide_about_many_records(
    store: tuple[str, str], begin: Callable[[Workspace], str], live: int
) -> None:
    """A request for many is applied once as well: each of its records has one change by it, and none has two."""
    with opened(*store, "any") as workspace:
        request_id = begin(workspace)
        answers = race(store, "any", request_id, ["approve"] * 8)
        with workspace.acting_as("zhoushi") as session:
            view = session.approvals.get(request_id)
            histories = [session.customers.history(item.record_id) for item in view.items]
            assert session.customers.count() == live
    assert answers["done", "applied"] == 1
    assert sum(number for (kind, _), number in answers.items() if kind == "refused") == PROCESSES - 1
    assert {code for kind, code in answers if kind == "refused"} <= {"request_closed", "own_change"}
    assert [sum(change.approval == request_id for change in history) for history in histories] == [1] * len(view.items)
    assert {item.outcome for item in view.items} == {"applied"}

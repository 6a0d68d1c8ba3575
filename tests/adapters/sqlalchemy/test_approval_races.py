"""Eight processes decide the same request at once: exactly one outcome, applied once, and everybody is told."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from custinfo import ANY, AwaitingApproval, CustinfoError, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.approval.flows import Flow, NamedMember, Step, StepMode, Trigger
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix

PROCESSES = 8
APPROVERS = ("wangwu", "zhangsan", "zhaojl", "liuqi", "qianba", "sunjiu", "zhoushi", "admin")


def opened(url: str, prefix: str, mode: str) -> Workspace:
    """Open the workspace as a process of its own does."""
    step = Step("all", tuple(map(NamedMember, APPROVERS)), mode=mode)  # type: ignore[arg-type]
    flow = Flow("notes", Trigger("customer", fields=("special_notes",)), (step,))
    units = SqlAlchemyUnits.open(url, prefix=prefix)
    return Workspace(standard_configuration().with_flows(flow), units=units, organisation=sample_organisation())


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

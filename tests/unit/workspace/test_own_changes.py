"""Who decides about a change that they made themselves, or for somebody else: nobody is asked who may not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from custinfo import (
    Applied,
    AwaitingApproval,
    Deputy,
    Flow,
    NamedMember,
    NotYourDecisionError,
    Step,
    Trigger,
    Workspace,
)
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import ENTERPRISE, applied

TRIGGER = Trigger("customer", fields=("address",))
PEOPLE = attrs.evolve(sample_organisation(), deputies=(Deputy("wangwu", "lisi"),))


def flow(key: str, *asked: str, mode: Any = "all", **details: Any) -> Flow:
    """Return a flow of one step on other addresses."""
    return Flow(key, TRIGGER, (Step("only", tuple(map(NamedMember, asked)), mode=mode),), **details)


@contextmanager
def opened(url: str, clock: Clock, *flows: Flow) -> Iterator[Workspace]:
    """Open the standard configuration with these flows alone."""
    configuration = attrs.evolve(standard_configuration(), flows=flows)
    with Workspace.open(url, configuration, organisation=PEOPLE, clock=clock, ids=Uuid7(clock)) as workspace:
        yield workspace


def moved(workspace: Workspace, deputy: str | None = None) -> Any:
    """Change the address of a customer of lisi, by lisi or by somebody on their behalf."""
    with workspace.acting_as("lisi") as session:
        record = applied(session.customers.create(ENTERPRISE))
    with workspace.acting_as(deputy or "lisi", on_behalf_of="lisi" if deputy else None) as session:
        return session.customers.update(record.id, {"address": "苏州"}, version=1)


def decide(workspace: Workspace, actor: str, request: Any) -> Any:
    """Approve as a member, and return the state of the request."""
    with workspace.acting_as(actor) as session:
        return session.approvals.approve(request.id).state


def waiting_for(outcome: Any) -> tuple[str, ...]:
    """Return whom a change that is not applied waits for."""
    assert isinstance(outcome, AwaitingApproval)
    return outcome.request.waiting_for


def test_each_of_several_flows_says_it_of_its_own_steps(url: str, clock: Clock) -> None:
    """A step of a flow that lets submitters decide can be decided by them beside a flow that does not."""
    mine = flow("mine", "lisi", allow_own=True)
    theirs = flow("theirs", "lisi", "zhaojl", mode="any")
    with opened(url, clock, mine, theirs) as workspace:
        outcome = moved(workspace)
        assert waiting_for(outcome) == ("lisi",)
        assert decide(workspace, "lisi", outcome.request) == "pending"
        with workspace.acting_as("lisi") as session, pytest.raises(NotYourDecisionError):
            session.approvals.reject(outcome.request.id)
        assert decide(workspace, "zhaojl", outcome.request) == "applied"


@pytest.mark.parametrize("mode", ["all", "sequential"])
def test_a_deputy_is_not_asked_where_the_submitters_own_task_passes(url: str, clock: Clock, mode: Any) -> None:
    """What somebody submits for lisi passes lisi's task, and waits for nobody who may not decide about it."""
    with opened(url, clock, flow("both", "lisi", "wangwu", "zhaojl", mode=mode, own_passes=True)) as workspace:
        outcome = moved(workspace, deputy="wangwu")
        assert waiting_for(outcome) == ("zhaojl",)
        assert decide(workspace, "zhaojl", outcome.request) == "applied"


def test_a_deputy_decides_where_submitters_do(url: str, clock: Clock) -> None:
    """A flow that lets submitters decide lets their deputies do so too."""
    with opened(url, clock, flow("free", "wangwu", allow_own=True)) as workspace:
        outcome = moved(workspace, deputy="wangwu")
        assert waiting_for(outcome) == ("wangwu",)
        assert decide(workspace, "wangwu", outcome.request) == "applied"


def test_where_the_submitter_alone_is_asked_and_that_passes(url: str, clock: Clock) -> None:
    """The change is applied at once, by the submitter and by a deputy."""
    with opened(url, clock, flow("own", "lisi", own_passes=True)) as workspace:
        assert isinstance(moved(workspace), Applied)
    with opened(url, clock, flow("own", "lisi", own_passes=True)) as workspace:
        with workspace.acting_as("lisi") as session:
            record = applied(session.customers.create({**ENTERPRISE, "uscc": "", "name": "霁川"}))
        with workspace.acting_as("wangwu", on_behalf_of="lisi") as session:
            assert isinstance(session.customers.update(record.id, {"address": "苏州"}, version=1), Applied)

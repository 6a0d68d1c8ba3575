"""Events of approvals: each told once, with the change, and without values."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from custinfo import ANY, AwaitingApproval, Workspace
from custinfo.core.approval.flows import Flow, NamedMember, Step, TimeLimit, Trigger
from custinfo.core.outbox import Event
from custinfo.core.policy.grants import Grant
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import Story

DELETION = Flow("deletion", Trigger("customer", actions=("delete",)), (Step("head", (NamedMember("zhaojl"),)),))


@pytest.fixture
def workspace(url: str) -> Iterator[Workspace]:
    """The standard configuration, whose customers are announced, and whose deletion needs approval."""
    given = standard_configuration()
    customer = attrs.evolve(given.modules["customer"], announced=True)
    configuration = given.with_modules(customer).with_flows(DELETION)
    configuration = configuration.with_grants(Grant("sales", "customer", frozenset({"delete"}), "own"))
    with Workspace.open(url, configuration, organisation=sample_organisation()) as opened:
        yield opened


def told(workspace: Workspace) -> list[Event]:
    """Deliver everything, and return what is about approvals."""
    heard: list[Event] = []
    workspace.deliver(heard.append)
    return [event for event in heard if event.type.startswith("approval.")]


def test_events_of_a_request(story: Story) -> None:
    """Submitted, task opened, decided, approved and applied, in order, each under a key of its own."""
    record = story.customer()
    request = story.submit("lisi", record, {"status": "流失"})
    first = told(story.workspace)
    assert [event.type for event in first] == ["approval.submitted", "approval.task_opened"]
    assert first[1].payload["member"] == "zhaojl"
    assert first[0].payload["request_id"] == request.id
    story.approve("zhaojl", request)
    story.approve("zhaojl", request)
    later = told(story.workspace)
    assert [event.type for event in later] == ["approval.decided", "approval.approved", "approval.applied"]
    assert len({event.key for event in (*first, *later)}) == 5
    assert "流失" not in str([event.payload for event in (*first, *later)])


def test_deletion_waits_for_approval(story: Story) -> None:
    """A gated deletion is a request; the last approval deletes, unless the record changed since."""
    record = story.customer()
    with story.workspace.acting_as("lisi") as session:
        outcome = session.customers.delete(record.id, version=ANY)
        assert isinstance(outcome, AwaitingApproval)
        assert session.customers.get(record.id)["name"] == record["name"]
    story.update("lisi", record, {"email": "a@example.com"})
    assert story.approve("zhaojl", outcome.request).state == "needs_rebase"
    with story.workspace.acting_as("lisi") as session:
        again = session.approvals.rebase(outcome.request.id)
        assert again.state == "pending"
    assert story.approve("zhaojl", outcome.request).state == "applied"
    with story.workspace.acting_as("lisi") as session:
        assert session.customers.count() == 0


def test_requests_are_announced_whatever_the_module_says(url: str, clock: Clock) -> None:
    """Without a word in the configuration, each request is told of until it expires, under keys of its own."""
    step = Step("head", (NamedMember("zhaojl"),), limits=(TimeLimit(24, "remind"), TimeLimit(48, "expire")))
    flow = Flow("notes", Trigger("customer", fields=("special_notes",)), (step,))
    quiet = attrs.evolve(flow, key="quiet", trigger=Trigger("customer", fields=("main_business",)), announced=False)
    configuration, people = standard_configuration().with_flows(flow, quiet), sample_organisation()
    with Workspace.open(url, configuration, organisation=people, clock=clock) as workspace:
        story = Story(workspace)
        request = story.submit("lisi", story.customer(), {"special_notes": "新"})
        story.submit("lisi", story.customer(name="乙", uscc=None, phone="13900139000"), {"main_business": "机床"})
        clock.advance(hours=25)
        workspace.run_due()
        clock.advance(hours=24)
        workspace.run_due()
        events = told(workspace)
        assert [event.type for event in events] == [
            "approval.submitted",
            "approval.task_opened",
            "approval.reminded",
            "approval.expired",
        ]
        assert {event.payload["request_id"] for event in events} == {request.id}
        assert [event.key for event in events] == [
            f"request/{request.id}/1/submitted",
            f"request/{request.id}/1/task/zhaojl",
            f"request/{request.id}/2/reminded",
            f"request/{request.id}/3/expired",
        ]

"""Many records in one request: each is applied or not by itself, and the request says which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from custinfo import ANY, FieldReservedError, Workspace
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.story import Story

FLOW = Flow("handing", Trigger("customer", actions=("transfer",)), (Step("data", (NamedMember("zhoushi"),)),))


@pytest.fixture
def workspace(url: str) -> Iterator[Workspace]:
    """The standard configuration, in which transfers need approval."""
    with Workspace.open(url, standard_configuration().with_flows(FLOW), organisation=sample_organisation()) as opened:
        yield opened


def test_one_request_for_many_records(story: Story) -> None:
    """A bulk transfer waits as one request, reserves each record's owner, and reports record by record."""
    records = [story.customer(name=f"公司{number}", uscc=None) for number in range(3)]
    ids = [record.id for record in records]
    with story.workspace.acting_as("zhaojl") as session:
        outcome = session.customers.transfer_many([*ids, "nowhere"], "王五", version=ANY, reason="离职")
        assert (outcome.applied, len(outcome.requests)) == ((), 1)
        assert [item.record_id for item in outcome.refused] == ["nowhere"]
        with pytest.raises(FieldReservedError):
            session.customers.transfer(ids[0], "wangwu", version=ANY)
        again = session.customers.transfer_many(ids, "王五", version=ANY)
        assert [item.problems[0].code for item in again.refused] == ["field_reserved"] * 3
    with story.workspace.acting_as("lisi") as session:
        session.customers.archive(ids[1], version=ANY)
        assert session.approvals.find("stuck").requests == ()
    with story.workspace.acting_as("zhoushi") as session:
        (task,) = session.approvals.inbox()
        assert (task.request.fields, len(task.request.items)) == (("department", "owner"), 3)
        assert task.request.items[0].proposed["owner"] == "wangwu"
        assert session.approvals.find(record_id=ids[2]).requests[0].id == outcome.requests[0]
        done = session.approvals.approve(task.request_id)
        assert done.state == "applied"
        assert [(item.outcome, item.problem) for item in done.items] == [
            ("applied", None),
            ("conflict", "record_archived"),
            ("applied", None),
        ]
        assert [session.customers.get(key).owner for key in ids] == ["wangwu", "lisi", "wangwu"]


def test_what_needs_no_approval_happens_at_once(story: Story) -> None:
    """Without a flow, a bulk transfer is done, and another version than the stored one is refused by itself."""
    without = Workspace(
        standard_configuration(), units=story.workspace._begin.units, organisation=sample_organisation()
    )
    ids = [story.customer(name=f"公司{number}", uscc=None).id for number in range(2)]
    with without.acting_as("zhaojl") as session:
        outcome = session.customers.transfer_many(ids, "wangwu", version={ids[0]: 1, ids[1]: 7})
        assert (outcome.applied, outcome.requests) == ((ids[0],), ())
        assert outcome.refused[0].problems[0].code == "stale_version"

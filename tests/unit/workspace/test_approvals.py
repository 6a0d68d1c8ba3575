"""Approval, end to end: nothing changes before the last decision, and nobody is overwritten."""

from __future__ import annotations

import pytest

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    FieldReservedError,
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    Workspace,
)
from tests.unit.workspace.story import ENTERPRISE, Story


def test_lost_customer(story: Story) -> None:
    """The owner submits, the manager finds it and approves, and only then the customer changes."""
    record = story.customer()
    request = story.submit("lisi", record, {"status": "流失"})
    assert request.waiting_for == ("zhaojl",)
    assert request.flows == ("customer_lost",)
    assert story.view("lisi", record)["status"] == "高潜"
    with story.workspace.acting_as("zhangsan") as session:
        assert session.approvals.inbox() == ()
    with story.workspace.acting_as("zhaojl") as session:
        (task,) = session.approvals.inbox()
        assert (task.request_id, task.record_id, task.step) == (request.id, record.id, "manager")
        assert dict(task.request.base) == {"status": "高潜"}
        assert dict(task.request.proposed) == {"status": "流失"}
        assert task.request.reason == "测试"
    assert story.approve("zhaojl", request).state == "applied"
    after = story.view("lisi", record)
    assert (after["status"], after.version) == ("流失", 2)


@pytest.mark.parametrize(("actor", "verb"), [("zhaojl", "reject"), ("lisi", "withdraw")])
def test_reject_and_withdraw_leave_the_customer(story: Story, actor: str, verb: str) -> None:
    """A request that ends without approval changes nothing, and gives its fields free."""
    record = story.customer()
    request = story.submit("lisi", record, {"status": "流失"})
    with story.workspace.acting_as(actor) as session:
        ended = getattr(session.approvals, verb)(request.id, comment="不")
        assert ended.state == {"reject": "rejected", "withdraw": "withdrawn"}[verb]
        with pytest.raises(IllegalTransitionError):
            session.approvals.approve(request.id) if verb == "reject" else session.approvals.reject(request.id)
    assert story.view("lisi", record) == record
    assert story.update("lisi", record, {"status": "休眠"})["status"] == "休眠"


def test_nobody_approves_their_own_change(story: Story) -> None:
    """The submitter can't approve, and where the only approver is the submitter, the next one up is asked."""
    record = story.customer()
    request = story.submit("lisi", record, {"status": "流失"})
    with story.workspace.acting_as("lisi") as session, pytest.raises(IllegalTransitionError) as caught:
        session.approvals.approve(request.id)
    assert caught.value.code == "own_change"
    number = story.individual()
    own = story.submit("sunjiu", number, {"id_number": "110101194912310016"})
    assert own.waiting_for == ("zhoushi",)


def test_outsiders_know_of_no_request(story: Story) -> None:
    """Somebody who neither decides nor sees the record gets the answer for no request."""
    request = story.submit("lisi", story.customer(), {"status": "流失"})
    with story.workspace.acting_as("wangwu") as session:
        for key in (request.id, "01900000-0000-7000-8000-000000000000"):
            with pytest.raises(NotFoundError):
                session.approvals.get(key)
            with pytest.raises(NotFoundError):
                session.approvals.approve(key)


def test_a_reserved_field_waits_and_others_do_not(story: Story) -> None:
    """A second change of the field is refused with the blocker's id; another field changes meanwhile and is kept."""
    record = story.customer()
    request = story.submit("lisi", record, {"status": "流失"})
    with story.workspace.acting_as("lisi") as session:
        for value in ("流失", "休眠"):
            with pytest.raises(FieldReservedError) as caught:
                session.customers.update(record.id, {"status": value}, version=ANY)
            assert caught.value.request_id == request.id
            assert caught.value.problems[0].field == "status"
        other = session.customers.update(record.id, {"email": "a@example.com"}, version=record.version)
        assert isinstance(other, Applied)
    story.approve("zhaojl", request)
    after = story.view("lisi", record)
    assert (after["status"], after["email"], after.version) == ("流失", "a@example.com", 3)


def test_requests_on_different_fields_run_in_parallel(story: Story) -> None:
    """Two pending requests on different fields of one record are both applied."""
    record = story.won()
    lost = story.submit("lisi", record, {"status": "流失"})
    contact = story.submit("lisi", record, {"contact_name": "李雷"})
    assert (lost.flows, contact.flows) == (("customer_lost",), ("key_contact",))
    assert story.approve("zhaojl", contact).state == "applied"
    assert story.approve("zhaojl", lost).state == "applied"
    after = story.view("lisi", record)
    assert (after["status"], after["contact_name"]) == ("流失", "李雷")


def test_key_contact_of_a_won_customer_only(story: Story) -> None:
    """The contact of a won customer needs approval, that of another does not."""
    open_customer = story.customer()
    assert story.update("lisi", open_customer, {"contact_name": "李雷"})["contact_name"] == "李雷"
    won = story.won(uscc=None)
    with story.workspace.acting_as("lisi") as session:
        outcome = session.customers.update(won.id, {"phone": "13900139000"}, version=ANY)
    assert isinstance(outcome, AwaitingApproval)


def test_sensitive_field(story: Story) -> None:
    """Service submits an identity number that it can't read; the data administrator sees its end and approves."""
    record = story.individual(id_number=None)
    request = story.submit("liuqi", record, {"id_number": "11010519491231002x"})
    assert dict(request.proposed) == {}
    with story.workspace.acting_as("sunjiu") as session:
        (task,) = session.approvals.inbox()
        assert str(task.request.proposed["id_number"]) == "****002X"
        session.approvals.approve(task.request_id)
    assert story.view("zhoushi", record)["id_number"] == "11010519491231002X"
    (_, change) = _history(story.workspace, "zhoushi", record.id)
    assert change == ("approval", "liuqi", {"id_number": (None, "11010519491231002X")})


def _history(workspace: Workspace, actor: str, record_id: str) -> list[tuple[str, str, dict[str, object]]]:
    with workspace.acting_as(actor) as session:
        return [(item.channel, item.actor, dict(item.fields)) for item in session.customers.history(record_id)]


def test_approval_repeated_is_nothing_new(story: Story) -> None:
    """Approving again returns the same request and writes no second change."""
    record = story.customer()
    request = story.submit("lisi", record, {"status": "流失"})
    first = story.approve("zhaojl", request)
    again = story.approve("zhaojl", request)
    assert again == first
    assert story.view("lisi", record).version == 2


def test_an_old_reading_of_the_request_is_refused(story: Story) -> None:
    """A decision on another version of the request than was read is refused."""
    request = story.submit("lisi", story.customer(), {"status": "流失"})
    with story.workspace.acting_as("zhaojl") as session, pytest.raises(IllegalTransitionError) as caught:
        session.approvals.approve(request.id, version=7)
    assert caught.value.code == "stale_request"


def test_a_record_archived_meanwhile_is_not_overwritten(story: Story) -> None:
    """A request whose record was archived becomes needs_rebase, and the record stays archived as it was."""
    record = story.customer()
    request = story.submit("lisi", record, {"status": "流失"})
    with story.workspace.acting_as("lisi") as session:
        session.customers.archive(record.id, version=ANY)
    assert story.approve("zhaojl", request).state == "needs_rebase"
    assert story.view("lisi", record)["status"] == "高潜"


def test_a_state_that_breaks_a_rule_by_then_is_refused(story: Story) -> None:
    """If the merged record would break a rule, approving says so and the request stays open."""
    record = story.individual(id_number=None)
    request = story.submit("liuqi", record, {"id_number": "11010519491231002X"})
    story.individual(name="另一个人", phone="13700137000", id_number="11010519491231002X")
    with story.workspace.acting_as("sunjiu") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.approvals.approve(request.id)
        assert caught.value.code == "not_unique"
        assert session.approvals.get(request.id).state == "pending"


def test_nobody_to_ask_is_refused(story: Story) -> None:
    """Where a flow finds nobody who may decide, the change is refused and nothing is pending."""
    import attrs

    from custinfo.standard import sample_organisation

    people = sample_organisation()
    alone = attrs.evolve(people, members=people.members.without("zhaojl", "zhoushi"))
    lonely = Workspace(
        story.workspace.configuration,
        units=story.workspace._begin.units,
        organisation=alone,
    )
    record = story.customer()
    with lonely.acting_as("lisi") as session:
        with pytest.raises(PermissionDeniedError) as caught:
            session.customers.update(record.id, {"status": "流失"}, version=ANY)
        assert caught.value.code == "no_approver"
        assert session.approvals.submitted() == ()


def test_a_gated_part_holds_the_whole_change(story: Story) -> None:
    """A change of which a part needs approval waits as a whole, through every flow that it triggers."""
    record = story.won()
    request = story.submit("lisi", record, {"status": "流失", "special_notes": "停产", "phone": "13900139000"})
    assert set(request.fields) == {"status", "special_notes", "phone"}
    assert request.flows == ("customer_lost", "key_contact")
    assert story.view("lisi", record)["special_notes"] is None
    assert story.approve("zhaojl", request).state == "applied"
    assert story.view("lisi", record)["special_notes"] == "停产"
    assert ENTERPRISE["phone"] != story.view("lisi", record)["phone"]

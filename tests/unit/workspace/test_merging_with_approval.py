"""A merger that waits for approval: one request, applied as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from custinfo import ANY, AwaitingApproval, F, FieldReservedError, IllegalTransitionError, InvalidInputError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.policy.grants import ALL_FIELDS, Grant
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.combining import Merged
from custinfo.workspace.views import RecordView, RequestView
from tests.unit.workspace.conftest import KEYS
from tests.unit.workspace.story import IDENTITY_NUMBER, Story, applied

FLOW = Flow("merging", Trigger("customer", actions=("merge",)), (Step("data", (NamedMember("zhoushi"),)),))


@pytest.fixture
def workspace(url: str) -> Iterator[Workspace]:
    """The standard configuration, in which mergers need approval."""
    keyring = Keyring({"k1": KEYS[0]}, current="k1", index_key=KEYS[1])
    configuration, people = standard_configuration().with_flows(FLOW), sample_organisation()
    with Workspace.open(url, configuration, organisation=people, keyring=keyring) as opened:
        yield opened


def merge(story: Story, keep: RecordView, *others: RecordView) -> RequestView:
    """Merge customers, which waits for approval."""
    with story.workspace.acting_as("sunjiu") as session:
        outcome = session.customers.merge(keep.id, [item.id for item in others], version=ANY, reason="重复")
    assert isinstance(outcome, AwaitingApproval)
    return outcome.request


def pair(story: Story) -> tuple[RecordView, RecordView]:
    """Return two customers that are about the same."""
    keep = story.customer("lisi", name="甲", tags=[("行业", "制造业")])
    other = story.customer("wangwu", name="甲公司", uscc=None, email="a@example.com", tags=[("需求", "采购设备")])
    return keep, other


def test_nothing_is_merged_before_the_approval(story: Story) -> None:
    """The request shows what will be; with the approval all of it happens, under the request in each history."""
    keep, other = pair(story)
    with story.workspace.acting_as("wangwu") as session:
        visit = applied(session.follow_ups.create({"customer": other.id, "at": "2024-03-15 09:00", "content": "电话"}))
    request = merge(story, keep, other)
    assert (request.flows, request.waiting_for) == (("merging",), ("zhoushi",))
    stays, goes = request.items
    assert (stays.record_id, stays.base, stays.proposed["email"]) == (
        keep.id,
        {"archived_at": None, "email": None, "tags": (("行业", "制造业"),)},
        "a@example.com",
    )
    assert (goes.record_id, goes.base, set(goes.proposed)) == (other.id, {"archived_at": None}, {"archived_at"})
    with story.workspace.acting_as("sunjiu") as session:
        assert "email" not in session.customers.get(keep.id)
        assert session.customers.get(other.id).archived_at is None
        assert session.follow_ups.get(visit.id)["customer"] == other.id
    done = story.approve("zhoushi", request)
    assert (done.state, [item.outcome for item in done.items]) == ("applied", ["applied", "applied"])
    with story.workspace.acting_as("sunjiu") as session:
        view = session.customers.get(keep.id)
        assert (view["name"], view["email"], view.version) == ("甲", "a@example.com", 2)
        assert view.tags == {("行业", "制造业"), ("需求", "采购设备")}
        assert [item.id for item in session.customers.find().records] == [keep.id]
        assert session.follow_ups.get(visit.id)["customer"] == keep.id
        for record in (keep.id, other.id):
            last = session.customers.history(record)[-1]
            assert (last.action, last.channel, last.actor, last.approval, last.reason) == (
                "merge",
                "approval",
                "sunjiu",
                request.id,
                "重复",
            )
        moved = session.follow_ups.history(visit.id)[-1]
        assert (moved.action, moved.channel, moved.approval) == ("update", "approval", request.id)
    assert story.approve("zhoushi", request) == done
    assert story.workspace.check_integrity().ok


def test_a_unique_and_an_encrypted_value_move_along(story: Story) -> None:
    """They would clash while both records are live: the request waits all the same."""
    keep, other = (
        story.individual("lisi", None, name="王小明"),
        story.individual("lisi", name="王晓明", phone="13900139001"),
    )
    request = merge(story, keep, other)
    assert story.approve("zhoushi", request).state == "applied"
    with story.workspace.acting_as("zhoushi") as session:
        assert session.customers.get(keep.id)["id_number"] == IDENTITY_NUMBER
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as caught:
        session.customers.restore(other.id, version=ANY)
    assert caught.value.code == "not_unique"


def test_what_is_reserved_meanwhile(story: Story) -> None:
    """What the merger fills, and that all of its records stay live, is reserved; other fields are free."""
    keep, other = pair(story)
    request = merge(story, keep, other)
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(FieldReservedError) as caught:
            session.customers.update(keep.id, {"email": "b@example.com"}, version=ANY)
        assert caught.value.problems[0].params["request_id"] == request.id
        with pytest.raises(FieldReservedError):
            session.customers.archive(keep.id, version=ANY)
    with story.workspace.acting_as("wangwu") as session, pytest.raises(FieldReservedError):
        session.customers.archive(other.id, version=ANY)
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(FieldReservedError):
        session.customers.merge(other.id, [keep.id], version=ANY)
    story.update("lisi", keep, {"address": "上海"})
    assert story.approve("zhoushi", request).state == "applied"
    assert story.view("lisi", keep)["address"] == "上海"


def test_a_record_that_changed_is_not_merged(story: Story) -> None:
    """What somebody wrote into a record that goes would be lost: the request says so, and nothing is merged."""
    keep, other = pair(story)
    request = merge(story, keep, other)
    story.update("wangwu", other, {"address": "北京"})
    stopped = story.approve("zhoushi", request)
    assert stopped.state == "needs_rebase"
    with story.workspace.acting_as("sunjiu") as session:
        assert [problem.code for problem in session.approvals.get(request.id).happened] == ["changed_since"]
        again = session.approvals.rebase(request.id)
        assert (again.id, again.state, again.waiting_for) == (request.id, "pending", ("zhoushi",))
        assert again.items[0].proposed["address"] == "北京"
        assert session.customers.count() == 2
    assert story.approve("zhoushi", request).state == "applied"
    assert story.view("lisi", keep)["address"] == "北京"


def test_a_rebased_merger_takes_what_was_chosen(story: Story) -> None:
    """Proposed again, it takes the same record's values as before, and those that its submitter gives now."""
    keep, other = pair(story)
    with story.workspace.acting_as("sunjiu") as session:
        outcome = session.customers.merge(keep.id, [other.id], take={"name": other.id}, version=ANY)
        assert isinstance(outcome, AwaitingApproval)
    story.update("wangwu", other, {"address": "北京", "name": "甲集团"})
    assert story.approve("zhoushi", outcome.request).state == "needs_rebase"
    with story.workspace.acting_as("sunjiu") as session:
        again = session.approvals.rebase(outcome.request.id, {"special_notes": "合并"})
        stays = again.items[0].proposed
        assert (stays["name"], stays["address"], stays["special_notes"]) == ("甲集团", "北京", "合并")
        with pytest.raises(FieldReservedError):
            session.customers.archive(other.id, version=ANY)
    assert story.approve("zhoushi", again).state == "applied"
    assert story.view("lisi", keep)["name"] == "甲集团"


def test_a_merger_is_amended_and_returned(url: str) -> None:
    """An approver changes what the record that stays will hold, as far as the step lets them; rules hold as ever."""
    step = attrs.evolve(FLOW.steps[0], amends=("name", "phone"))
    second = attrs.evolve(step, key="second", approvers=(NamedMember("zhaojl"),), amends=())
    flow = attrs.evolve(FLOW, steps=(step, second))
    configuration = standard_configuration().with_flows(flow)
    senior = Grant(
        "senior_administrator", "customer", frozenset({"view", "edit"}), "all", view=ALL_FIELDS, edit=ALL_FIELDS
    )
    with Workspace.open(url, configuration.with_grants(senior), organisation=sample_organisation()) as workspace:
        story = Story(workspace)
        keep, other = pair(story)
        request = merge(story, keep, other)
        with workspace.acting_as("zhoushi") as session:
            with pytest.raises(InvalidInputError):
                session.approvals.approve(request.id, amend={"phone": "123"})
            with pytest.raises(IllegalTransitionError, match="not_amendable"):
                session.approvals.approve(request.id, amend={"email": "b@example.com"})
            amended = session.approvals.approve(request.id, amend={"name": "甲集团"})
            assert (amended.step, amended.items[0].proposed["name"]) == ("second", "甲集团")
            back = session.approvals.take_back(request.id)
            assert (back.step, "name" in back.items[0].proposed) == ("data", False)
            session.approvals.approve(request.id, amend={"name": "甲集团"})
        assert story.approve("zhaojl", request).state == "applied"
        view = story.view("lisi", keep)
        assert (view["name"], view["email"]) == ("甲集团", "a@example.com")


def test_what_a_merger_changes_passes_its_flows(story: Story) -> None:
    """Taking another record's status over is a move like any other: the flow on it is asked too."""
    keep = story.customer("lisi", name="甲")
    other = story.customer("wangwu", name="甲公司", uscc=None)
    story.approve("zhaojl", story.submit("wangwu", other, {"status": "流失"}))
    with story.workspace.acting_as("sunjiu") as session:
        outcome = session.customers.merge(keep.id, [other.id], take={"status": other.id}, version=ANY)
        assert isinstance(outcome, AwaitingApproval)
        assert set(outcome.request.flows) == {"customer_lost", "merging"}
        assert session.customers.get(keep.id)["status"] == "高潜"
    assert story.approve("zhaojl", outcome.request).state == "pending"
    assert story.approve("zhoushi", outcome.request).state == "applied"
    assert story.view("lisi", keep)["status"] == "流失"


def test_a_draft_says_that_its_record_was_merged(story: Story) -> None:
    """Submitted after its record went into another one, a draft names that, and not just the archive."""
    keep, other = pair(story)
    with story.workspace.acting_as("wangwu") as session:
        draft = session.approvals.draft("customer", {"special_notes": "新"}, record_id=other.id)
    story.approve("zhoushi", merge(story, keep, other))
    with story.workspace.acting_as("wangwu") as session, pytest.raises(InvalidInputError) as caught:
        session.approvals.submit(draft.id)
    assert caught.value.code == "record_merged"


def test_another_request_comes_first(story: Story) -> None:
    """A merger does not take a record away under a request that came later; nothing is half merged then."""
    keep = story.customer("lisi", name="甲")
    other = story.won("wangwu", name="甲公司", uscc=None)
    request = merge(story, keep, other)
    later = story.submit("wangwu", other, {"status": "流失"})
    with story.workspace.acting_as("zhoushi") as session:
        with pytest.raises(FieldReservedError):
            session.approvals.approve(request.id)
        assert session.approvals.get(request.id).state == "pending"
        assert session.customers.get(other.id).archived_at is None
    with story.workspace.acting_as("wangwu") as session:
        session.approvals.withdraw(later.id)
    assert story.approve("zhoushi", request).state == "applied"


def test_which_mergers_wait(story: Story) -> None:
    """A flow looks at the record that stays and at those that go; the others merge at once."""
    trigger = attrs.evolve(FLOW.trigger, before=F.region == "上海")
    with story.workspace.acting_as("admin") as session:
        flow = attrs.evolve(FLOW, trigger=trigger, version=2)
        session.configuration.change(story.workspace.configuration.with_flows(flow))
    first, second = (story.customer(name=name, uscc=None) for name in ("甲", "乙"))
    third = story.customer(name="丙", uscc=None, region="上海")
    with story.workspace.acting_as("sunjiu") as session:
        assert isinstance(session.customers.merge(first.id, [second.id], version=ANY), Merged)
        assert isinstance(session.customers.merge(first.id, [third.id], version=ANY), AwaitingApproval)


def test_a_rejected_merger_changes_nothing(story: Story) -> None:
    """Nothing changed, and everything is free again."""
    keep, other = pair(story)
    request = merge(story, keep, other)
    with story.workspace.acting_as("zhoushi") as session:
        assert session.approvals.reject(request.id).state == "rejected"
        assert session.customers.count() == 2
    assert story.update("lisi", keep, {"email": "b@example.com"})["email"] == "b@example.com"


def test_a_request_shows_no_values_of_records_out_of_reach(story: Story) -> None:
    """Who may view the record that stays alone learns nothing of what the others hold."""
    keep, other = pair(story)
    request = merge(story, keep, other)
    with story.workspace.acting_as("lisi") as session:
        (stays,) = session.approvals.get(request.id).items
        assert (stays.record_id, stays.proposed) == (keep.id, {})


def test_a_merger_that_passes_by_itself(story: Story) -> None:
    """Where the submitter is who would be asked, and that counts as approved, the merger happens at once."""
    own = attrs.evolve(FLOW, steps=(Step("data", (NamedMember("sunjiu"),)),), own_passes=True, version=2)
    with story.workspace.acting_as("admin") as session:
        session.configuration.change(story.workspace.configuration.with_flows(own))
    keep, other = pair(story)
    with story.workspace.acting_as("wangwu") as session:
        applied(session.follow_ups.create({"customer": other.id, "at": "2024-03-15 09:00", "content": "电话"}))
    with story.workspace.acting_as("sunjiu") as session:
        merged = session.customers.merge(keep.id, [other.id], version=ANY)
        assert isinstance(merged, Merged)
        assert (merged.record["email"], merged.record.version, merged.moved) == ("a@example.com", 2, 1)
        assert session.customers.history(keep.id)[-1].batch == merged.batch

"""What people do with requests: return, resubmit, hand on, sign too, rebase, rescue, and what time limits do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    F,
    FieldReservedError,
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    RecordView,
    RequestView,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.core.approval.flows import Flow, NamedMember, RoleHolders, Step, TimeLimit, Trigger
from custinfo.core.policy.grants import Fields, Grant
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from tests.unit.workspace.conftest import KEYS, Clock
from tests.unit.workspace.story import ENTERPRISE, IDENTITY_NUMBER, Story

LIMITS = (
    TimeLimit(24, "remind"),
    TimeLimit(48, "escalate", (NamedMember("zhoushi"),)),
    TimeLimit(72, "expire"),
)
NOTES = Flow(
    "notes",
    Trigger("customer", fields=("special_notes",)),
    (
        Step("lead", (NamedMember("zhangsan"),), amends=("special_notes",), sees=("special_notes",), limits=LIMITS),
        Step("data", (RoleHolders("data_administrator"), NamedMember("zhaojl")), mode="all"),
    ),
)
LEADS_EDIT = Grant(
    "team_lead",
    "customer",
    frozenset({"edit"}),
    "team",
    view=Fields.only("special_notes", "current_need"),
    edit=Fields.only("special_notes", "current_need"),
)
CREATION = Flow(
    "entry",
    Trigger("customer", actions=("create",), after=F.annual_budget >= 1_000_000),
    (Step("head", (NamedMember("zhaojl"),)),),
)


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """The standard configuration with a flow of two steps on the notes, and one on the creation of large customers."""
    configuration = standard_configuration().with_flows(NOTES, CREATION).with_grants(LEADS_EDIT)
    opened = Workspace.open(
        url,
        configuration,
        organisation=sample_organisation(),
        keyring=Keyring({"k1": KEYS[0]}, current="k1", index_key=KEYS[1]),
        clock=clock,
        ids=Uuid7(clock),
    )
    with opened:
        yield opened


def do(story: Story, actor: str, verb: str, request: RequestView | str, *args: Any, **details: Any) -> RequestView:
    """Carry out a verb in a session of its own."""
    with story.workspace.acting_as(actor) as session:
        key = request if isinstance(request, str) else request.id
        found: RequestView = getattr(session.approvals, verb)(key, *args, **details)
        return found


def notes(story: Story, text: str = "停产") -> tuple[RecordView, RequestView]:
    """Submit other notes on a customer."""
    record = story.customer()
    return record, story.submit("lisi", record, {"special_notes": text})


def test_return_and_resubmit(story: Story) -> None:
    """退回 and 重新提交: what was corrected passes all steps again, and is applied as corrected."""
    record, request = notes(story)
    returned = do(story, "zhangsan", "send_back", request, comment="写清楚")
    assert (returned.state, returned.waiting_for) == ("returned", ())
    with story.workspace.acting_as("lisi") as session, pytest.raises(FieldReservedError):
        session.customers.update(record.id, {"special_notes": "x"}, version=ANY)
    again = do(story, "lisi", "resubmit", request, {"special_notes": "年底停产", "email": "a@example.com"})
    assert (again.state, again.step, set(again.fields)) == ("pending", "lead", {"special_notes", "email"})
    for actor in ("zhangsan", "sunjiu", "zhaojl"):
        again = do(story, actor, "approve", request)
    assert again.state == "applied"
    after = story.view("lisi", record)
    assert (after["special_notes"], after["email"]) == ("年底停产", "a@example.com")


def test_return_to_a_step_by_its_key(story: Story) -> None:
    """The second step sends it back to the first."""
    _, request = notes(story)
    do(story, "zhangsan", "approve", request)
    back = do(story, "sunjiu", "send_back", request, step="lead")
    assert (back.step, back.waiting_for) == ("lead", ("zhangsan",))
    with pytest.raises(IllegalTransitionError):
        do(story, "zhangsan", "send_back", request, step="nowhere")


def test_what_is_resubmitted_is_checked_anew(story: Story) -> None:
    """A resubmission with a wrong value is refused, and the request stays returned."""
    _, request = notes(story)
    do(story, "zhangsan", "send_back", request)
    with pytest.raises(InvalidInputError):
        do(story, "lisi", "resubmit", request, {"email": "not an address"})
    with pytest.raises(PermissionDeniedError):
        do(story, "lisi", "resubmit", request, {"bank_account": "6222"})
    assert do(story, "lisi", "get", request).state == "returned"


def test_handing_on(story: Story) -> None:
    """转交 is for good, 委派 comes back with an opinion; names of people are understood."""
    _, request = notes(story)
    assert do(story, "zhangsan", "delegate", request, "王五").waiting_for == ("wangwu",)
    with story.workspace.acting_as("wangwu") as session:
        (task,) = session.approvals.inbox()
        assert task.delegated_by == "zhangsan"
    assert do(story, "wangwu", "approve", request, comment="可以").waiting_for == ("zhangsan",)
    assert do(story, "zhangsan", "transfer", request, "zhoushi").waiting_for == ("zhoushi",)
    assert do(story, "zhoushi", "approve", request).step == "data"
    with pytest.raises(InvalidInputError) as caught:
        do(story, "sunjiu", "transfer", request, "nobody")
    assert caught.value.code == "unknown_member"


def test_adding_signers(story: Story) -> None:
    """加签: somebody signs before the lead decides."""
    _, request = notes(story)
    assert do(story, "zhangsan", "add_signer", request, "qianba", place="before").waiting_for == ("qianba",)
    assert do(story, "qianba", "approve", request).waiting_for == ("zhangsan",)


def test_taking_back(story: Story) -> None:
    """撤回 of one's own approval while the next step has not acted."""
    _, request = notes(story)
    do(story, "zhangsan", "approve", request)
    assert do(story, "zhangsan", "take_back", request).step == "lead"
    do(story, "zhangsan", "approve", request)
    do(story, "sunjiu", "approve", request)
    with pytest.raises(IllegalTransitionError):
        do(story, "zhangsan", "take_back", request)


def test_amending(story: Story) -> None:
    """An approver changes what the step lets them change and policy lets them edit, and nothing else."""
    record, request = notes(story)
    with pytest.raises(PermissionDeniedError):
        do(story, "zhangsan", "approve", request, amend={"email": "a@example.com"})
    with pytest.raises(IllegalTransitionError) as caught:
        do(story, "zhangsan", "approve", request, amend={"current_need": "采购设备"})
    assert caught.value.code == "not_amendable"
    do(story, "zhangsan", "approve", request, amend={"特殊备注": "  停产一年 "})
    for actor in ("sunjiu", "zhaojl"):
        do(story, actor, "approve", request)
    assert story.view("lisi", record)["special_notes"] == "停产一年"


def test_the_owner_is_nothing_to_amend(url: str) -> None:
    """Whoever may edit every field gives no record away by amending a request: not even one that nobody owns."""
    known = standard_configuration()
    flow = known.flows["sensitive_field"]
    step = attrs.evolve(flow.steps[0], amends=("owner", "department", "tags"))
    pool = Grant("sales", "customer", frozenset({"release"}), "own")
    configuration = known.with_flows(attrs.evolve(flow, steps=(step,))).with_grants(pool)
    keyring = Keyring({"k1": KEYS[0]}, current="k1", index_key=KEYS[1])
    workspace = Workspace.open(url, configuration, organisation=sample_organisation(), keyring=keyring)
    story = Story(workspace)
    record = story.individual("lisi", id_number=None)
    with workspace.acting_as("lisi") as session:
        session.customers.release(record.id, version=ANY)
    request = story.submit("liuqi", record, {"id_number": IDENTITY_NUMBER})
    for amended in ({"owner": "wangwu"}, {"负责人": "王五"}, {"department": "sales1-2"}):
        with pytest.raises(PermissionDeniedError) as caught:
            do(story, "sunjiu", "approve", request, amend=amended)
        assert caught.value.code == "field_not_editable"
    assert do(story, "sunjiu", "approve", request).state == "applied"
    assert story.view("sunjiu", record).owner is None


def test_a_step_shows_its_fields_only(story: Story) -> None:
    """An approver sees the fields of their step; the submitter sees all."""
    record = story.customer()
    request = story.submit("lisi", record, {"special_notes": "停产", "email": "a@example.com"})
    seen = do(story, "zhangsan", "get", request)
    assert (seen.fields, set(seen.proposed)) == (("special_notes",), {"special_notes"})
    assert set(do(story, "lisi", "get", request).fields) == {"special_notes", "email"}
    assert all(entry.proposal is None for entry in seen.trail)


def test_rebase(story: Story) -> None:
    """After a conflict the view has base, live and proposed; rebased, the request passes all steps on what is live."""
    record = story.customer(special_notes="")
    request = story.submit("lisi", record, {"special_notes": "停产"})
    for actor in ("zhangsan", "sunjiu"):
        do(story, actor, "approve", request)
    _change_behind(story, record, "special_notes", "别的")
    conflict = do(story, "zhaojl", "approve", request)
    assert conflict.state == "needs_rebase"
    mine = do(story, "lisi", "get", request)
    values = (mine.base["special_notes"], mine.live["special_notes"], mine.proposed["special_notes"])
    assert values == (None, "别的", "停产")
    assert [problem.code for problem in mine.happened] == ["changed_since"]
    assert mine.stuck is not None
    again = do(story, "lisi", "rebase", request)
    assert (again.state, again.step, again.base["special_notes"]) == ("pending", "lead", "别的")
    for actor in ("zhangsan", "sunjiu", "zhaojl"):
        again = do(story, actor, "approve", request)
    assert again.state == "applied"
    assert story.view("lisi", record)["special_notes"] == "停产"


def _change_behind(story: Story, record: RecordView, field: str, value: Any) -> None:
    """Change a record past every rule, as a script on the database would."""
    import attrs

    from custinfo.core.history.changes import Change, changes_between

    with story.workspace.acting_as("sunjiu") as session:
        context = session.context
        [before] = context.unit.records.get("customer", [record.id]).values()
        now = context.now()
        values = before.values.set(field, value)
        after = attrs.evolve(before, values=values, version=before.version + 1, updated_at=now)
        context.unit.records.save([after])
        fields = changes_between(before, after)
        change = Change("customer", after.id, after.version, now, "sunjiu", "update", fields, "edit")
        context.unit.history.append([change])


def test_a_record_with_another_owner_says_so(story: Story) -> None:
    """A request whose record was transferred meanwhile says so, and goes on."""
    record, request = notes(story)
    with story.workspace.acting_as("zhaojl") as session:
        session.customers.transfer(record.id, "wangwu", version=ANY)
    assert [problem.code for problem in do(story, "lisi", "get", request).happened] == ["record_transferred"]
    for actor in ("zhangsan", "sunjiu", "zhaojl"):
        last = do(story, actor, "approve", request)
    assert last.state == "applied"


def test_drafts(story: Story) -> None:
    """A draft reserves nothing, is seen by nobody else, and is submitted through the write path."""
    record = story.customer()
    with story.workspace.acting_as("lisi") as session:
        draft = session.approvals.draft("customer", {"special_notes": "停产"}, record_id=record.id)
        assert draft.state == "draft"
        session.customers.update(record.id, {"email": "a@example.com"}, version=ANY)
    with pytest.raises(NotFoundError):
        do(story, "sunjiu", "get", draft)
    with story.workspace.acting_as("lisi") as session:
        outcome = session.approvals.submit(draft.id, {"current_need": "采购设备"})
        assert isinstance(outcome, AwaitingApproval)
        assert set(outcome.request.fields) == {"special_notes", "current_need"}
        assert outcome.request.step == "lead"


def test_a_draft_that_needs_no_approval_is_applied(story: Story) -> None:
    """Where no flow gates it, submitting a draft makes the change."""
    with story.workspace.acting_as("lisi") as session:
        draft = session.approvals.draft("customer", {**ENTERPRISE, "name": "草稿公司"})
        with pytest.raises(NotFoundError):
            session.customers.get(draft.record_id)
        outcome = session.approvals.submit(draft.id)
        assert isinstance(outcome, Applied)
        assert outcome.record["name"] == "草稿公司"
        assert session.approvals.get(draft.id).state == "withdrawn"


def test_creation_is_gated(story: Story) -> None:
    """A new record waits as a whole, and is returned, changed, and created by the last approval."""
    with story.workspace.acting_as("lisi") as session:
        outcome = session.customers.create({**ENTERPRISE, "annual_budget": "200万"})
        assert isinstance(outcome, AwaitingApproval)
        request = outcome.request
        assert session.customers.count() == 0
    do(story, "zhaojl", "send_back", request)
    do(story, "lisi", "resubmit", request, {"annual_budget": "300万"})
    assert do(story, "zhaojl", "approve", request).state == "applied"
    assert story.view("lisi", request.record_id)["annual_budget"] == 3_000_000


def test_time_limits(story: Story, clock: Clock) -> None:
    """The host's scheduler reminds, escalates and expires; running it twice does nothing more."""
    _, request = notes(story)
    workspace = story.workspace
    assert workspace.run_due().reminded == 0
    clock.advance(hours=25)
    assert workspace.run_due().reminded == 1
    assert workspace.run_due().reminded == 0
    assert do(story, "lisi", "get", request).stuck is None
    clock.advance(hours=24)
    assert do(story, "lisi", "get", request).stuck is not None
    assert workspace.run_due().escalated == 1
    assert do(story, "lisi", "get", request).waiting_for == ("zhoushi",)
    clock.advance(hours=24)
    assert workspace.run_due().expired == 1
    assert do(story, "lisi", "get", request).state == "expired"
    assert workspace.run_due() == type(workspace.run_due())()


def test_only_administrators_rescue(story: Story) -> None:
    """Who may configure the module moves a stuck request on, and ends it; nobody else does."""
    _, request = notes(story)
    for verb, args in (("rescue", ("zhoushi",)), ("cancel", ())):
        with pytest.raises(PermissionDeniedError):
            do(story, "lisi", verb, request, *args)
    assert do(story, "admin", "rescue", request, "zhoushi").waiting_for == ("zhoushi",)
    assert do(story, "admin", "transfer", request, "sunjiu", holder="zhoushi").waiting_for == ("sunjiu",)
    assert do(story, "admin", "cancel", request).state == "withdrawn"


def test_pages_and_counts(story: Story) -> None:
    """Each part of the inbox has counts, filters and pages."""
    requests = [
        story.submit("lisi", story.customer(uscc=None, name=f"公司{at}"), {"special_notes": str(at)}) for at in range(5)
    ]
    do(story, "zhangsan", "approve", requests[0])
    with story.workspace.acting_as("zhangsan") as session:
        approvals = session.approvals
        assert (approvals.count(), approvals.count("decided"), approvals.count("submitted")) == (4, 1, 0)
        first = approvals.find(limit=3)
        assert [item.id for item in first.requests] == [item.id for item in requests[1:4]]
        rest = approvals.find(limit=3, after=first.next)
        assert ([item.id for item in rest.requests], rest.next) == ([requests[4].id], None)
        assert approvals.find(record_id=requests[2].record_id).requests[0].id == requests[2].id
        assert approvals.count(flow="notes") == 4
        assert approvals.count(flow="customer_lost") == 0
        assert approvals.count(module="follow_up") == 0
        assert approvals.count("decided", state="rejected") == 0
        with pytest.raises(InvalidInputError):
            approvals.find(after="x")
    with story.workspace.acting_as("lisi") as session:
        newest = session.approvals.find("submitted", limit=2)
        assert [item.id for item in newest.requests] == [requests[4].id, requests[3].id]
        assert session.approvals.count("submitted", state="pending") == 5


def test_stuck_requests(story: Story, clock: Clock) -> None:
    """Requests that do not move are listed with why, for their submitter and for administrators."""
    import attrs

    _, request = notes(story)
    people = sample_organisation()
    gone = attrs.evolve(people.members["zhangsan"], active=False)
    without = Workspace(
        story.workspace.configuration,
        units=story.workspace._begin.units,
        organisation=attrs.evolve(people, members=people.members.set("zhangsan", gone)),
        clock=clock,
    )
    for actor in ("lisi", "admin"):
        with without.acting_as(actor) as session:
            page = session.approvals.find("stuck")
            assert [(item.id, item.stuck.code) for item in page.requests if item.stuck] == [(request.id, "nobody_left")]
            assert session.approvals.count("stuck") == 1
    with without.acting_as("sunjiu") as session:
        assert session.approvals.count("stuck") == 0

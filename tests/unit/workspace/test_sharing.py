"""Sharing, the public pool, inheritance from parents and deputies, on both stores; expectations are written by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest

from custinfo import (
    ANY,
    AwaitingApproval,
    ConfigurationError,
    F,
    InvalidInputError,
    NotFoundError,
    NotYourDecisionError,
    PermissionDeniedError,
    RecordView,
    StaleVersionError,
    Workspace,
)
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.criteria import Everything
from custinfo.core.fields import FieldDefinition, Inheritance, ModuleDefinition
from custinfo.core.organisation import Deputy
from custinfo.core.policy.grants import ALL_FIELDS, Fields, Grant
from custinfo.core.records import Masked, Share
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.standard.policy import PUBLIC_POOL, SHARING
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import Story, applied


def names(workspace: Workspace, actor: str) -> set[str]:
    """Return the names of the customers that somebody finds; single reads and counts say the same."""
    with workspace.acting_as(actor) as session:
        found = session.customers.find().records
        assert session.customers.count() == len(found)
        assert all(session.customers.get(view.id) == view for view in found)
        return {view["name"] for view in found}


@pytest.fixture
def shared(url: str, clock: Clock) -> Story:
    """The standard configuration with sharing and a public pool."""
    configuration = standard_configuration().with_grants(*SHARING, *PUBLIC_POOL)
    return Story(Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock))


def share(story: Story, record: RecordView, *args: object, actor: str = "lisi", **options: object) -> RecordView:
    """Share a record."""
    with story.workspace.acting_as(actor) as session:
        return applied(session.customers.share(record.id, *args, version=ANY, **options))  # type: ignore[arg-type]


def test_a_shared_record_is_seen_until_the_share_ends(shared: Story, clock: Clock) -> None:
    """王五 sees 李四's customer from the moment it is shared to the instant at which the share ends."""
    record = shared.customer("lisi", name="甲")
    shared.customer("lisi", name="乙", uscc=None)
    workspace = shared.workspace
    assert names(workspace, "wangwu") == set()
    view = share(shared, record, "王五", until=datetime.fromisoformat("2024-03-16T12:00"))
    assert view.version == 2
    assert view.shares == {Share("member", "wangwu", "read", datetime.fromisoformat("2024-03-16T04:00+00:00"))}
    assert names(workspace, "wangwu") == {"甲"}
    clock.advance(days=1, hours=1, minutes=29)
    assert names(workspace, "wangwu") == {"甲"}
    clock.advance(minutes=1)
    assert names(workspace, "wangwu") == set()
    assert names(workspace, "lisi") == {"甲", "乙"}


def test_reading_and_collaborating(shared: Story) -> None:
    """A share to read lets nobody write; one to collaborate lets them do what their grants of shared records say."""
    record = shared.customer("lisi")
    share(shared, record, "wangwu")
    with shared.workspace.acting_as("wangwu") as session:
        with pytest.raises(PermissionDeniedError):
            session.customers.update(record.id, {"email": "a@example.com"}, version=ANY)
        with pytest.raises(PermissionDeniedError):
            session.follow_ups.create({"customer": record.id, "at": "2024-03-15 09:00", "content": "电话"})
    share(shared, record, "wangwu", "collaborate")
    with shared.workspace.acting_as("wangwu") as session:
        applied(session.customers.update(record.id, {"email": "a@example.com"}, version=ANY))
        applied(session.follow_ups.create({"customer": record.id, "at": "2024-03-15 09:00", "content": "电话"}))
        for denied in (session.customers.archive, session.customers.release):
            with pytest.raises(PermissionDeniedError):
                denied(record.id, version=ANY)
        with pytest.raises(PermissionDeniedError):
            session.customers.share(record.id, "zhangsan", version=ANY)
    with shared.workspace.acting_as("lisi") as session:
        assert session.follow_ups.count() == 1


@pytest.mark.parametrize(
    ("with_", "reached"),
    [
        ("王五(销售一部-2组)", {"wangwu"}),
        ("E002", {"wangwu"}),
        (("department", "2组"), {"wangwu"}),
        (("department", "sales1"), {"wangwu"}),  # all below the department
        (("department", "财务部"), set()),
        (("role", "销售专员"), {"wangwu"}),
        (("role", "finance"), set()),
    ],
)
def test_with_whom(shared: Story, with_: object, reached: set[str]) -> None:
    """A member, a department with all below it, or the holders of a role."""
    record = shared.customer("lisi", name="甲")
    share(shared, record, with_)
    found = {actor for actor in ("wangwu", "qianba") if "甲" in names(shared.workspace, actor)}
    assert found == reached


@pytest.mark.parametrize(
    ("with_", "code"),
    [
        ("nobody", "unknown_member"),
        (("department", "x"), "unknown_department"),
        (("role", "x"), "unknown_role"),
    ],
)
def test_nobody_known(shared: Story, with_: object, code: str) -> None:
    """Whom nobody knows is refused, with the field that is meant."""
    record = shared.customer("lisi")
    with pytest.raises(InvalidInputError) as caught:
        share(shared, record, with_)
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [(code, "shares")]


def test_misuse_of_sharing(shared: Story, clock: Clock) -> None:
    """An end that has passed, an unknown level or kind, and a version that is not the record's."""
    record = shared.customer("lisi")
    with pytest.raises(InvalidInputError) as caught:
        share(shared, record, "wangwu", until=clock.time - timedelta(seconds=1))
    assert caught.value.code == "share_ended"
    with pytest.raises(ValueError, match="level must be one of"):
        share(shared, record, "wangwu", "own")
    with pytest.raises(TypeError, match="not with 'team'"):
        share(shared, record, ("team", "x"))
    with shared.workspace.acting_as("lisi") as session, pytest.raises(StaleVersionError):
        session.customers.share(record.id, "wangwu", version=9)


def test_unsharing_and_history(shared: Story) -> None:
    """A share is a change with history; the past shows it; sharing alike again changes nothing."""
    record = shared.customer("lisi")
    first = share(shared, record, "wangwu")
    assert share(shared, record, "wangwu").version == first.version
    with shared.workspace.acting_as("lisi") as session:
        customers = session.customers
        gone = applied(customers.unshare(record.id, "wangwu", version=ANY, reason="离岗"))
        assert gone.shares == frozenset()
        assert applied(customers.unshare(record.id, "wangwu", version=ANY)).version == gone.version
        actions = [(str(change.action), set(change.fields)) for change in customers.history(record.id)]
        assert actions[1:] == [("share", {"shares"}), ("share", {"shares"})]
        assert customers.diff(record.id, 1, 2) == {"shares": ((), (Share("member", "wangwu"),))}
    assert names(shared.workspace, "wangwu") == set()


def test_who_may_share(shared: Story) -> None:
    """Sharing takes `share`; sharing to collaborate takes `edit` too; what one can't see does not exist."""
    record = shared.customer("lisi")
    share(shared, record, "wangwu", actor="zhaojl")
    with pytest.raises(PermissionDeniedError):
        share(shared, record, "wangwu", "collaborate", actor="zhaojl")
    with pytest.raises(PermissionDeniedError):
        share(shared, record, "liuqi", actor="liuqi")
    with pytest.raises(NotFoundError):
        share(shared, shared.customer("lisi", name="乙", uscc=None), "wangwu", actor="wangwu")


def test_the_public_pool(shared: Story) -> None:
    """What is released has no owner, is seen masked by all who may claim, and belongs to the first who does."""
    record = shared.customer("lisi", name="甲")
    workspace = shared.workspace
    with workspace.acting_as("wangwu") as session, pytest.raises(NotFoundError):
        session.customers.release(record.id, version=ANY)
    with workspace.acting_as("lisi") as session:
        released = applied(session.customers.release(record.id, version=1, reason="无法联系"))
        assert (released.owner, released.department) == (None, "sales1-1")
        assert released["phone"] == Masked("138****5678")
        with pytest.raises(PermissionDeniedError):
            session.customers.update(record.id, {"email": "a@example.com"}, version=ANY)
    assert names(workspace, "wangwu") == {"甲"}
    with workspace.acting_as("wangwu") as session:
        assert session.customers.count(~F.owner.is_present()) == 1
        claimed = applied(session.customers.claim(record.id, version=ANY))
        assert (claimed.owner, claimed.department, claimed["phone"]) == ("wangwu", "sales1-2", "13812345678")
    assert names(workspace, "lisi") == set()
    with workspace.acting_as("lisi") as session, pytest.raises(NotFoundError):
        session.customers.claim(record.id, version=ANY)
    with workspace.acting_as("wangwu") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.customers.claim(record.id, version=ANY)
        assert caught.value.code == "already_claimed"
    with workspace.acting_as("zhaojl") as session:
        assert [change.action for change in session.customers.history(record.id)][-2:] == ["release", "claim"]


def test_the_pool_of_a_department(url: str, clock: Clock) -> None:
    """A pool may be that of listed departments, with all below them."""
    pool = Grant("sales", "customer", frozenset({"view", "claim"}), "pool", view=ALL_FIELDS, departments=("sales1-2",))
    configuration = standard_configuration().with_grants(pool, Grant("sales", "customer", frozenset({"release"})))
    story = Story(Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock))
    for owner, name in (("lisi", "甲"), ("wangwu", "乙")):
        record = story.customer(owner, name=name, uscc=None)
        with story.workspace.acting_as(owner) as session:
            session.customers.release(record.id, version=ANY)
    assert names(story.workspace, "lisi") == {"乙"}


def test_listed_departments(url: str, clock: Clock) -> None:
    """A grant may list departments; all below them count."""
    grant = Grant("finance", "customer", frozenset({"view"}), "departments", view=ALL_FIELDS, departments=("sales1",))
    configuration = standard_configuration().with_grants(grant)
    story = Story(Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock))
    story.customer("lisi", name="甲")
    story.customer("sunjiu", name="乙", uscc=None)
    assert names(story.workspace, "qianba") == {"甲"}


def inheriting(url: str, clock: Clock, level: str) -> Story:
    """Return a workspace with visits that inherit from their customers, and nobody is granted visits themselves."""
    module = ModuleDefinition(
        "visit",
        (
            FieldDefinition("customer", "reference", "客户", required=True, options={"module": "customer"}),
            FieldDefinition("note", "text", "内容"),
            FieldDefinition("secret", "text", "机密", sensitivity="sensitive"),
        ),
        inherits=(Inheritance("customer", level),),  # type: ignore[arg-type]
    )
    all_of_it = Fields.everything_but(also=("secret",))
    grant = Grant("senior_administrator", "visit", frozenset({"view", "create"}), "all", view=all_of_it, edit=all_of_it)
    configuration = standard_configuration().with_modules(module).with_grants(grant, *SHARING)
    return Story(Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock))


@pytest.mark.parametrize("level", ["view", "edit"])
def test_who_sees_the_parent_sees_the_child(url: str, clock: Clock, level: str) -> None:
    """Visits follow their customers, shared ones too; sensitive fields do not; writing needs the level `edit`."""
    story = inheriting(url, clock, level)
    record = story.customer("lisi")
    with story.workspace.acting_as("zhoushi") as session:
        visit = applied(session.records("visit").create({"customer": record.id, "note": "一", "secret": "密"}))

    def seen(actor: str) -> list[dict[str, object]]:
        with story.workspace.acting_as(actor) as session:
            try:
                views = session.records("visit").find(F.note == "一").records
            except PermissionDeniedError:
                return []
            for view in views:
                assert session.records("visit").get(view.id) == view
            return [dict(view) for view in views]

    plain: list[dict[str, object]] = [{"customer": record.id, "note": "一"}]
    assert seen("lisi") == seen("zhangsan") == seen("zhaojl") == seen("liuqi") == plain
    assert seen("wangwu") == seen("admin") == []
    share(story, record, "wangwu")
    assert seen("wangwu") == plain
    with story.workspace.acting_as("wangwu") as session, pytest.raises(PermissionDeniedError):
        session.records("visit").update(visit.id, {"note": "二"}, version=ANY)
    with story.workspace.acting_as("lisi") as session:
        visits = session.records("visit")
        if level == "view":
            with pytest.raises(PermissionDeniedError):
                visits.update(visit.id, {"note": "二"}, version=ANY)
            with pytest.raises(PermissionDeniedError):
                visits.create({"customer": record.id})
        else:
            applied(visits.update(visit.id, {"note": "二"}, version=ANY))
            applied(visits.create({"customer": record.id}))
        with pytest.raises(PermissionDeniedError):
            visits.update(visit.id, {"secret": "x"}, version=ANY)
    other = story.customer("wangwu", name="别人的", uscc=None)
    if level == "edit":
        with story.workspace.acting_as("lisi") as session, pytest.raises((InvalidInputError, PermissionDeniedError)):
            session.records("visit").update(visit.id, {"customer": other.id}, version=ANY)


def test_acting_on_behalf_of(url: str, clock: Clock) -> None:
    """A deputy does what the other may, as far as the rule goes and while it holds; the history keeps both."""
    ends = clock.time + timedelta(days=10)
    rule = Deputy("wangwu", "zhaojl", clock.time, ends, actions=frozenset({"view", "transfer"}))
    people = attrs.evolve(sample_organisation(), deputies=(rule,))
    workspace = Workspace.open(url, standard_configuration(), organisation=people, clock=clock)
    record = Story(workspace).customer("lisi")
    assert names(workspace, "wangwu") == set()
    with workspace.acting_as("wangwu", on_behalf_of="zhaojl") as session:
        assert (session.actor, session.deputy) == ("zhaojl", "wangwu")
        assert session.customers.count() == 1
        applied(session.customers.transfer(record.id, "wangwu", version=ANY))
        assert not session.explain("approve", "customer")
        change = session.customers.history(record.id)[-1]
        assert (change.actor, change.on_behalf_of, change.action) == ("wangwu", "zhaojl", "transfer")
    for actor, principal in (("wangwu", "lisi"), ("zhaojl", "wangwu"), ("lisi", "zhaojl")):
        with pytest.raises(PermissionDeniedError) as caught, workspace.acting_as(actor, on_behalf_of=principal):
            pass
        assert caught.value.code == "not_deputy"
    clock.advance(days=11)
    with pytest.raises(PermissionDeniedError), workspace.acting_as("wangwu", on_behalf_of="zhaojl"):
        pass


def test_a_pair_decides_once(url: str, clock: Clock) -> None:
    """What somebody submits on behalf of another, neither decides; nobody has two votes in a step."""
    flow = Flow(
        "name",
        Trigger("customer", ("update",), ("name",)),
        (Step("all", (NamedMember("zhaojl"), NamedMember("wangwu"), NamedMember("zhangsan")), mode="all"),),
    )
    rules = (Deputy("wangwu", "zhaojl"), Deputy("zhangsan", "lisi"))
    people = attrs.evolve(sample_organisation(), deputies=rules)
    configuration = standard_configuration().with_flows(flow)
    workspace = Workspace.open(url, configuration, organisation=people, clock=clock)
    record = Story(workspace).customer("lisi")
    with workspace.acting_as("zhangsan", on_behalf_of="lisi") as session:
        outcome = session.customers.update(record.id, {"name": "新名"}, version=ANY)
        assert isinstance(outcome, AwaitingApproval)
        request = outcome.request
        assert request.submitted_by == "lisi"
        assert set(request.waiting_for) == {"zhaojl", "wangwu"}  # not 张三, who wrote it
    for actor, principal in (("zhangsan", None), ("zhangsan", "lisi"), ("lisi", None)):
        with (
            workspace.acting_as(actor, on_behalf_of=principal) as session,
            pytest.raises(NotYourDecisionError) as caught,
        ):
            session.approvals.approve(request.id)
        assert caught.value.code == "own_change"
    with workspace.acting_as("wangwu", on_behalf_of="zhaojl") as session:
        assert [task.request_id for task in session.approvals.inbox()] == [request.id]
        assert session.approvals.approve(request.id, "代").state == "pending"
    with workspace.acting_as("wangwu") as session, pytest.raises(NotYourDecisionError) as caught:
        session.approvals.approve(request.id)
    assert caught.value.code == "decided_already"
    with workspace.acting_as("lisi") as session:
        assert session.approvals.withdraw(request.id).state == "withdrawn"


def test_what_a_deputy_submits_keeps_both(url: str, clock: Clock) -> None:
    """A change that was approved names the deputy and the one on whose behalf it was submitted."""
    people = attrs.evolve(sample_organisation(), deputies=(Deputy("zhangsan", "lisi"),))
    story = Story(Workspace.open(url, standard_configuration(), organisation=people, clock=clock))
    record = story.customer("lisi")
    with story.workspace.acting_as("zhangsan", on_behalf_of="lisi") as session:
        outcome = session.customers.update(record.id, {"status": "流失"}, version=ANY)
        assert isinstance(outcome, AwaitingApproval)
    assert story.approve("zhaojl", outcome.request).state == "applied"
    with story.workspace.acting_as("lisi") as session:
        change = session.customers.history(record.id)[-1]
        assert (change.actor, change.on_behalf_of, change.channel) == ("zhangsan", "lisi", "approval")


def test_other_people(url: str, clock: Clock) -> None:
    """A workspace goes on with another organisation: who moved reaches other records, who left acts no more."""
    workspace = Workspace.open(url, standard_configuration(), organisation=sample_organisation(), clock=clock)
    Story(workspace).customer("lisi", name="甲")
    assert names(workspace, "zhangsan") == {"甲"}
    people = sample_organisation()
    moved = attrs.evolve(
        people.members["zhangsan"],
        assignments=(attrs.evolve(people.members["zhangsan"].assignments[0], department="sales1-2"),),
    )
    members = people.members.merged({"zhangsan": moved, "lisi": attrs.evolve(people.members["lisi"], active=False)})
    workspace.reorganise(attrs.evolve(people, members=members))
    assert names(workspace, "zhangsan") == set()
    with pytest.raises(PermissionDeniedError), workspace.acting_as("lisi"):
        pass
    assert names(workspace, "zhaojl") == {"甲"}


def test_a_host_directory_that_changes(clock: Clock) -> None:
    """What was compiled from a directory is kept until it says that it changed; without a word, for a session only."""
    people = {"now": sample_organisation()}

    class Host:
        def __getattr__(self, name: str) -> object:
            return getattr(people["now"], name)

    class Silent(Host):
        version = None

    for directory in (Host(), Silent()):
        people["now"] = sample_organisation()
        workspace = Workspace.open("memory://", standard_configuration(), organisation=directory, clock=clock)
        Story(workspace).customer("lisi", name="甲")
        assert names(workspace, "zhangsan") == {"甲"}
        lead = people["now"].members["zhangsan"]
        moved = attrs.evolve(lead, assignments=(attrs.evolve(lead.assignments[0], department="sales1-2"),))
        people["now"] = attrs.evolve(people["now"], members=people["now"].members.set("zhangsan", moved))
        if isinstance(directory, Silent):
            assert names(workspace, "zhangsan") == set()


def test_custom_masks(url: str, clock: Clock) -> None:
    """A style may be data, or a function of the host's; one that fails hides all."""

    def plate(text: str) -> str:
        return f"{text[0]}…"

    def broken(text: str) -> str:
        raise ValueError(text)

    grant = Grant(
        "finance",
        "customer",
        frozenset({"view"}),
        "all",
        mask={"name": "plate", "phone": "keep:2,2", "contact_name": "broken"},
    )
    configuration = attrs.evolve(standard_configuration(), grants=(*standard_configuration().grants[:5], grant))
    with pytest.raises(ConfigurationError):
        Workspace.open(url, configuration, organisation=sample_organisation())
    workspace = Workspace.open(
        url, configuration, organisation=sample_organisation(), clock=clock, masks={"plate": plate, "broken": broken}
    )
    Story(workspace).customer("lisi", name="甲乙丙")
    with workspace.acting_as("qianba") as session:
        (view,) = session.customers.find(Everything()).records
        shown = [str(view[key]) for key in ("name", "phone", "contact_name")]
        assert shown == ["甲…", "13****78", "******"]


def test_sensitive_encrypted_values_take_decrypt(workspace: Workspace, story: Story) -> None:
    """Who may view a field that is sensitive and encrypted sees its mask; with `decrypt` its value."""
    record = story.individual("lisi")
    configuration = workspace.configuration
    plain = Grant("finance", "customer", frozenset({"view"}), "all", view=Fields.only("id_number"))
    with workspace.acting_as("admin") as session:
        session.configuration.change(configuration.with_grants(plain))
    with workspace.acting_as("qianba") as session:
        assert isinstance(session.customers.get(record.id)["id_number"], Masked)
    with workspace.acting_as("zhoushi") as session:
        assert session.customers.get(record.id)["id_number"] == "11010519491231002X"


def test_sharing_is_not_gated(shared: Story) -> None:
    """A flow on updates without named fields does not stop a share."""
    record = shared.won("lisi")
    assert not isinstance(share(shared, record, "wangwu"), AwaitingApproval)

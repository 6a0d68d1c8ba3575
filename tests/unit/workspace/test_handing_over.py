"""Handing over what somebody who leaves has: previewed, in one step, with history (ORG-4)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from custinfo import ANY, F, InvalidInputError, PermissionDeniedError, StaleVersionError, Workspace
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.outbox import Event
from custinfo.core.policy.grants import ALL_FIELDS, Action, Fields, Grant
from custinfo.core.records import MemberKey
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.handing_over import HandOverItem, Successor
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import Story, applied


def owners(workspace: Workspace) -> dict[str, MemberKey | None]:
    """Return name → owner of all live customers."""
    with workspace.acting_as("sunjiu") as session:
        return {view["name"]: view.owner for view in session.customers.find().records}


@pytest.fixture
def leaving(story: Story) -> Story:
    """李四 has three customers, one of them in the archive, and 王五 one; 李四 has left."""
    story.customer("lisi", name="甲", region="上海")
    story.customer("lisi", name="乙", uscc=None)
    story.customer("wangwu", name="丙", uscc=None)
    old = story.customer("lisi", name="旧", uscc=None)
    with story.workspace.acting_as("lisi") as session:
        session.customers.archive(old.id, version=ANY)
    people = sample_organisation()
    gone = attrs.evolve(people.members["lisi"], active=False)
    story.workspace.reorganise(attrs.evolve(people, members=people.members.set("lisi", gone)))
    return story


def test_everything_in_one_step(leaving: Story) -> None:
    """The plan counts and writes nothing; applying gives just that, and the history keeps the old owner."""
    workspace = leaving.workspace
    with workspace.acting_as("zhaojl") as session:
        plan = session.plan_hand_over("李四", to="王五")
        assert plan.leaver == "lisi"
        assert plan.counts == {"customer": {"wangwu": 2}}
        assert plan.left == ()
        assert plan.out_of_reach == ("follow_up",)
        assert [(item.version, item.fields) for item in plan.items] == [(1, ("owner",))] * 2
    assert owners(workspace) == {"甲": "lisi", "乙": "lisi", "丙": "wangwu"}
    with workspace.acting_as("zhaojl") as session:
        plan = session.plan_hand_over("lisi", to="wangwu")
        report = plan.apply(reason="离职交接")
        assert report.records == {"customer": {"wangwu": 2}}
        assert plan.apply() is report
        change = session.customers.history(plan.items[0].record_id)[-1]
        assert (change.action, change.channel, change.actor, change.reason) == (
            "transfer",
            "hand_over",
            "zhaojl",
            "离职交接",
        )
        assert change.batch == report.batch
        assert dict(change.fields) == {"owner": ("lisi", "wangwu"), "department": ("sales1-1", "sales1-2")}
    assert owners(workspace) == {"甲": "wangwu", "乙": "wangwu", "丙": "wangwu"}
    with workspace.acting_as("zhaojl") as session:
        assert session.plan_hand_over("lisi", to="wangwu").items == ()


def test_by_criterion_and_department(leaving: Story) -> None:
    """The first successor that fits a record takes it; what fits none stays, and is told."""
    to = [
        Successor("zhangsan", "customer", F.region == "上海"),
        Successor("wangwu", department="2组"),
    ]
    with leaving.workspace.acting_as("zhaojl") as session:
        plan = session.plan_hand_over("lisi", to)
        assert plan.counts == {"customer": {"zhangsan": 1}}
        (left,) = plan.left
        assert [problem.code for problem in left.problems] == ["nobody_takes_over"]
        assert plan.apply().left == (left,)
    assert owners(leaving.workspace) == {"甲": "zhangsan", "乙": "lisi", "丙": "wangwu"}
    with leaving.workspace.acting_as("zhaojl") as session:
        assert session.plan_hand_over("lisi", [Successor("王五", department="sales1-1")]).apply().left == ()
    assert owners(leaving.workspace)["乙"] == "wangwu"


def test_nothing_is_handed_over_by_half(leaving: Story) -> None:
    """If a record changed since the plan was made, nothing is handed over."""
    workspace = leaving.workspace
    with workspace.acting_as("zhaojl") as session:
        plan = session.plan_hand_over("lisi", to="wangwu")
        last = plan.items[-1]
        session.customers.transfer(last.record_id, "zhangsan", version=last.version)
        with pytest.raises(StaleVersionError):
            plan.apply()
    assert sorted(owner or "" for owner in owners(workspace).values()) == ["lisi", "wangwu", "zhangsan"]


@pytest.mark.parametrize(
    ("leaver", "to", "code"),
    [
        ("nobody", "wangwu", "unknown_member"),
        ("lisi", "nobody", "unknown_member"),
        ("lisi", "lisi", "inactive_member"),
        ("wangwu", "lisi", "inactive_member"),  # who has left takes nothing over
        ("wangwu", "wangwu", "inactive_member"),
    ],
)
def test_people_who_do_not_fit(leaving: Story, leaver: str, to: str, code: str) -> None:
    """Unknown people, a successor who has left, and oneself."""
    with leaving.workspace.acting_as("zhaojl") as session, pytest.raises(InvalidInputError) as caught:
        session.plan_hand_over(leaver, to)
    assert caught.value.code == code
    with pytest.raises(ValueError, match="say which"):
        Successor("wangwu", where=F.region == "上海")


def test_it_takes_transfer(leaving: Story) -> None:
    """Who may not transfer sees and moves nothing; whom one may not transfer to gets nothing."""
    with leaving.workspace.acting_as("sunjiu") as session:
        plan = session.plan_hand_over("lisi", to="wangwu")
        assert (plan.items, plan.out_of_reach) == ((), ("customer", "follow_up"))
    with leaving.workspace.acting_as("zhaojl") as session:
        plan = session.plan_hand_over("lisi", to="liuqi")  # beyond the reach of the manager
        assert plan.counts == {}
        assert {problem.code for item in plan.left for problem in item.problems} == {"scope_denied"}


def test_what_waits_for_approval_stays(leaving: Story) -> None:
    """A record on which a request holds the owner stays and is told; other requests are no obstacle."""
    story = leaving
    story.workspace.reorganise(sample_organisation())
    won = story.won("lisi", name="丁", uscc=None)
    story.submit("lisi", won, {"status": "流失"})
    with story.workspace.acting_as("zhaojl") as session:
        plan = session.plan_hand_over("lisi", to="wangwu")
        assert won.id in {item.record_id for item in plan.items if not item.problems}
        plan.apply()
    assert owners(story.workspace)["丁"] == "wangwu"


def test_what_a_flow_gates_is_not_given_yet(url: str, clock: Clock) -> None:
    """Where transfers wait for approval, the report counts what changed hands, and names the requests of the rest."""
    trigger = Trigger("customer", ("transfer",), after=F.region.under("上海"))
    flow = Flow("giving", trigger, (Step("one", (NamedMember("zhoushi"),)),))
    configuration = standard_configuration().with_flows(flow)
    workspace = Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock)
    story = Story(workspace)
    story.customer("lisi", name="甲", region="上海")
    story.customer("lisi", name="乙", uscc=None)
    with workspace.acting_as("zhaojl") as session:
        plan = session.plan_hand_over("lisi", to="wangwu")
        assert plan.counts == {"customer": {"wangwu": 2}}
        report = plan.apply()
        assert report.records == {"customer": {"wangwu": 1}}
        assert len(report.requests) == 1
    assert owners(workspace) == {"甲": "lisi", "乙": "wangwu"}


def test_fields_that_name_the_leaver(url: str, clock: Clock) -> None:
    """A module says which of its fields are handed over; the others keep what they say."""
    module = ModuleDefinition(
        "project",
        (
            FieldDefinition("title", "text", "名称"),
            FieldDefinition("engineer", "user", "工程师"),
            FieldDefinition("seller", "user", "销售"),
        ),
        handed_over=("engineer",),
    )
    everything = Grant(
        "department_manager",
        "project",
        frozenset({"view", "create", "transfer"}),
        "all",
        view=ALL_FIELDS,
        edit=ALL_FIELDS,
    )
    configuration = standard_configuration().with_modules(module).with_grants(everything)
    workspace = Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock)
    with workspace.acting_as("zhaojl") as session:
        projects = session.records("project")
        both = applied(projects.create({"title": "a", "engineer": "lisi", "seller": "lisi", "owner": "lisi"}))
        one = applied(projects.create({"title": "b", "engineer": "lisi", "owner": "wangwu"}))
        applied(projects.create({"title": "c", "engineer": "wangwu", "seller": "lisi", "owner": "wangwu"}))
        plan = session.plan_hand_over("lisi", to="zhangsan")
        assert set(plan.items) == {
            HandOverItem("project", both.id, 1, "zhangsan", ("owner", "engineer")),
            HandOverItem("project", one.id, 1, "zhangsan", ("engineer",)),
        }
        plan.apply()
        assert [
            (view["title"], view["engineer"], view.get("seller"), view.owner)
            for view in projects.find(order_by="title").records
        ] == [
            ("a", "zhangsan", "lisi", "zhangsan"),
            ("b", "zhangsan", None, "wangwu"),
            ("c", "wangwu", "lisi", "wangwu"),
        ]


def test_open_approvals(story: Story) -> None:
    """What waits for the decision of who leaves waits for the successor, who then decides; it is in the trail."""
    people = sample_organisation()
    second = attrs.evolve(people.members["zhaojl"], key="qian", name="钱经理", employee_number="E100")
    story.workspace.reorganise(attrs.evolve(people, members=people.members.set("qian", second)))
    lost, other = story.customer("lisi", name="甲"), story.customer("lisi", name="乙", uscc=None)
    requests = [story.submit("lisi", record, {"status": "流失"}) for record in (lost, other)]
    with story.workspace.acting_as("qian") as session:
        plan = session.plan_hand_over("zhaojl", to="lisi")
        assert [problem.code for task in plan.tasks for problem in task.problems] == ["own_change"] * 2
        plan = session.plan_hand_over("zhaojl", [Successor("qian", "customer", F.name == "甲")])
        assert [(task.to, [problem.code for problem in task.problems]) for task in plan.tasks] == [
            ("qian", []),
            (None, ["nobody_takes_over"]),
        ]
        assert plan.apply().tasks == (requests[0].id,)
        assert [task.request_id for task in session.approvals.inbox()] == [requests[0].id]
    assert story.approve("qian", requests[0]).state == "applied"
    with story.workspace.acting_as("qian") as session:
        trail = session.approvals.get(requests[0].id).trail
        assert [(entry.actor, entry.command, entry.holder) for entry in trail][1] == ("qian", "transfer", "zhaojl")
    with story.workspace.acting_as("sunjiu") as session:
        assert session.plan_hand_over("zhaojl", to="qian").tasks == ()  # nothing is said of records out of reach


def test_handed_over_tasks_are_announced(url: str) -> None:
    """Whoever decides now is told, as after every other way in which a task finds its holder."""
    given = standard_configuration()
    announced = given.with_modules(attrs.evolve(given.modules["customer"], announced=True))
    people = sample_organisation()
    second = attrs.evolve(people.members["zhaojl"], key="qian", name="钱经理", employee_number="E100")
    people = attrs.evolve(people, members=people.members.set("qian", second))
    with Workspace.open(url, announced, organisation=people) as workspace:
        story = Story(workspace)
        request = story.submit("lisi", story.customer("lisi"), {"status": "流失"})
        heard: list[Event] = []
        workspace.deliver(heard.append)
        heard.clear()
        with workspace.acting_as("qian") as session:
            assert session.plan_hand_over("zhaojl", to="qian").apply().tasks == (request.id,)
        workspace.deliver(heard.append)
        opened = [event for event in heard if event.type == "approval.task_opened"]
        assert [(item.payload["request_id"], item.payload["member"]) for item in opened] == [(request.id, "qian")]


@pytest.fixture
def mover(url: str, clock: Clock) -> Story:
    """The system administrator may give customers away, and reads no more of them than name and owner.

    Of those in Shanghai the notes, and the department, are theirs to read as well.
    """
    actions: frozenset[Action] = frozenset({"view", "transfer"})
    name = Grant("system_administrator", "customer", actions, "all", view=Fields.only("name", "owner", "region"))
    more = Fields.only("special_notes", "department")
    notes = attrs.evolve(name, condition=F.region.under("上海"), view=more)
    configuration = standard_configuration().with_grants(name, notes)
    return Story(Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock))


def test_who_takes_over_tells_no_hidden_value(mover: Story) -> None:
    """Whether a record fits a successor tells nothing of a field where the actor may not read it."""
    secret: dict[str, Any] = {"special_notes": "秘密", "uscc": None}
    mover.customer("lisi", name="看得见", region="上海", **secret)
    mover.customer("lisi", name="看不见", region="北京", **secret)
    mover.customer("lisi", name="没有", region="上海", uscc=None)
    first = Successor("wangwu", "customer", F.special_notes == "秘密")
    with mover.workspace.acting_as("admin") as session:
        names = {view.id: view["name"] for view in session.customers.find().records}
        plan = session.plan_hand_over("lisi", [first, Successor("zhangsan")])
        assert {names[item.record_id]: item.to for item in plan.items} == {
            "看得见": "wangwu",
            "看不见": "zhangsan",
            "没有": "zhangsan",
        }
        plan = session.plan_hand_over("lisi", [Successor("wangwu", department="1组"), Successor("zhangsan")])
        assert {names[item.record_id]: item.to for item in plan.items} == {
            "看得见": "wangwu",
            "看不见": "zhangsan",
            "没有": "wangwu",
        }


def test_a_successor_for_a_field_that_is_hidden_everywhere(mover: Story) -> None:
    """A criterion on a field that the actor may read nowhere is refused, as in a query."""
    hidden = Successor("wangwu", "customer", F.bank_account == "6222020000000000000")
    with mover.workspace.acting_as("admin") as session, pytest.raises(PermissionDeniedError) as caught:
        session.plan_hand_over("lisi", [hidden])
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [
        ("field_not_readable", "bank_account")
    ]


def test_a_successor_for_a_module_that_there_is_not(leaving: Story) -> None:
    """A misspelt module is named: its successor would take nothing over."""
    with leaving.workspace.acting_as("zhaojl") as session, pytest.raises(InvalidInputError) as caught:
        session.plan_hand_over("lisi", [Successor("wangwu", "custmer")])
    assert caught.value.code == "unknown_module"

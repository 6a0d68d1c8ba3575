"""Life cycles through every door: by hand, import, revert and approval, with what moves set and what gates them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import attrs
import pytest

from custinfo import (
    ANY,
    CLEAR,
    Applied,
    AwaitingApproval,
    Configuration,
    ConfigurationError,
    F,
    FieldDefinition,
    FieldReservedError,
    InvalidInputError,
    ModuleDefinition,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.life_cycles import LifeCycle, Transition
from custinfo.core.policy.grants import ALL_FIELDS, Action, Fields, Grant, Role
from custinfo.standard import sample_organisation
from custinfo.workspace.planning import make_plan
from custinfo.workspace.views import RecordView, RequestView
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.test_importing import Rows

STAGES = Dictionary(
    "stage", tuple(DictionaryValue(key, key) for key in ("潜在", "意向", "成交", "流失", "暂停")), "阶段"
)
CYCLE = LifeCycle(
    "stage",
    (
        Transition("意向", ("潜在",)),
        Transition("成交", ("意向",), ("amount", "effective_on"), {"effective_on": "now"}, F.amount > 0, "winning"),
        Transition("暂停", ("意向",), guard=F.amount < 10, flow="small"),
        Transition("暂停", ("意向",), flow="winning"),
        Transition("流失", required=("reason",), defaults={"closed_by": "系统"}),
        Transition("意向", ("流失",)),
    ),
    ("潜在", "意向"),
)
MODULE = ModuleDefinition(
    "deal",
    (
        FieldDefinition("name", "text", "名称", unique=True),
        FieldDefinition("stage", "choice", "阶段", options={"dictionary": "stage"}),
        FieldDefinition("amount", "integer", "合同金额"),
        FieldDefinition("effective_on", "date", "生效日期"),
        FieldDefinition("reason", "text", "原因"),
        FieldDefinition("closed_by", "text", "关闭人", encrypted=True),
    ),
    title_field="name",
    match_keys=(("name",),),
    life_cycles=(CYCLE,),
)
EVERYTHING: frozenset[Action] = frozenset({"view", "create", "edit", "import", "archive", "transfer", "tag"})
MANAGER = Step("manager", (NamedMember("zhaojl"),))
CONFIGURATION = Configuration(
    (MODULE,),
    (STAGES,),
    roles=tuple(Role(key, key) for key in ("sales", "data_administrator", "department_manager", "customer_service")),
    grants=(
        # What a move sets is the configuration's: sales may neither write the effective date nor who closed it.
        Grant(
            "sales", "deal", EVERYTHING, "all", view=ALL_FIELDS, edit=Fields.everything_but("effective_on", "closed_by")
        ),
        Grant("data_administrator", "deal", EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS),
        Grant("department_manager", "deal", frozenset({"view"}), "all", view=ALL_FIELDS),
        Grant(
            "customer_service",
            "deal",
            frozenset({"view", "edit"}),
            "all",
            view=Fields.only("name"),
            edit=Fields.only("stage", "amount"),
        ),
    ),
    flows=(
        Flow("winning", Trigger("deal", actions=()), (MANAGER,), "成交审批"),
        Flow("small", Trigger("deal", actions=()), (Step("leader", (NamedMember("zhangsan"),)),), "小额审批"),
        Flow("amount", Trigger("deal", fields=("amount",), before=F.name.starts_with("大")), (MANAGER,), "金额审批"),
    ),
)


@pytest.fixture
def workspace(url: str, clock: Clock, keyring: Keyring) -> Iterator[Workspace]:
    """Deals with a life cycle."""
    with Workspace.open(url, CONFIGURATION, organisation=sample_organisation(), clock=clock, keyring=keyring) as opened:
        yield opened


@pytest.fixture
def keyring() -> Keyring:
    """Keys for the encrypted field."""
    return Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32)


def create(workspace: Workspace, actor: str = "lisi", **values: Any) -> RecordView:
    """Create a deal."""
    with workspace.acting_as(actor) as session:
        outcome = session.records("deal").create({"name": "甲", **values})
    assert isinstance(outcome, Applied)
    return outcome.record


def update(workspace: Workspace, deal: RecordView, actor: str = "lisi", **values: Any) -> RecordView | RequestView:
    """Change a deal; what needs approval comes back as its request."""
    with workspace.acting_as(actor) as session:
        outcome = session.records("deal").update(deal.id, values, version=ANY)
    return outcome.request if isinstance(outcome, AwaitingApproval) else outcome.record


def refused(workspace: Workspace, deal: RecordView, actor: str = "lisi", **values: Any) -> list[str]:
    """Return what somebody reads whose change is refused."""
    with pytest.raises(InvalidInputError) as caught:
        update(workspace, deal, actor, **values)
    return [problem.message("zh") for problem in caught.value.problems]


def submitted(workspace: Workspace, deal: RecordView, **values: Any) -> RequestView:
    """Return the request of a change that needs approval."""
    request = update(workspace, deal, **values)
    assert isinstance(request, RequestView)
    return request


def approve(workspace: Workspace, request: RequestView, actor: str = "zhaojl") -> RequestView:
    """Approve a request."""
    with workspace.acting_as(actor) as session:
        return session.approvals.approve(request.id)


def now(workspace: Workspace, deal: RecordView) -> dict[str, Any]:
    """Return the values of a deal as they are."""
    with workspace.acting_as("sunjiu") as session:
        return dict(session.records("deal").get(deal.id).values)


def test_by_hand(workspace: Workspace) -> None:
    """What no transition allows is refused with the reason, and nothing is saved."""
    with pytest.raises(InvalidInputError) as caught:
        create(workspace, stage="成交", amount=1)
    assert [problem.message("zh") for problem in caught.value.problems] == [
        "阶段：不能从 成交 开始，只能从以下状态开始：潜在、意向",
        "生效日期：状态为 成交 时必填",
    ]
    deal = create(workspace, stage="潜在")
    assert refused(workspace, deal, stage="成交", amount=1) == ["阶段：不允许从 潜在 变为 成交"]
    assert refused(workspace, deal, stage=CLEAR) == ["阶段：不允许从 潜在 变为 空"]
    assert refused(workspace, deal, stage="流失") == ["原因：状态为 流失 时必填"]
    assert now(workspace, deal) == {"name": "甲", "stage": "潜在"}
    update(workspace, deal, stage="意向")
    assert refused(workspace, deal, stage="成交", amount=0) == ["阶段：仅当 合同金额 > 0 时可变为 成交"]


def test_defaults_need_no_permission(workspace: Workspace) -> None:
    """A move sets what the configuration says in blank fields, sealed where they are encrypted, with history."""
    deal = create(workspace, stage="潜在")
    update(workspace, deal, stage="流失", reason="停产")
    assert now(workspace, deal)["closed_by"] == "系统"
    with workspace.acting_as("sunjiu") as session:
        last = session.records("deal").history(deal.id)[-1]
    assert set(last.fields) == {"stage", "reason", "closed_by"}


def test_without_keyring(clock: Clock) -> None:
    """A default of an encrypted field is refused like a value where there is no keyring."""
    with Workspace.open("memory://", CONFIGURATION, organisation=sample_organisation(), clock=clock) as workspace:
        deal = create(workspace, stage="潜在")
        assert refused(workspace, deal, stage="流失", reason="停产")[0].startswith("关闭人：加密的值需要密钥环")


def test_flow_of_a_transition(workspace: Workspace, clock: Clock) -> None:
    """The move waits for its flow, with its defaults in the patch, which nobody changes meanwhile."""
    deal = create(workspace, stage="意向", amount=5)
    request = submitted(workspace, deal, stage="成交")
    assert request.flows == ("winning",)
    assert dict(request.proposed) == {"stage": "成交", "effective_on": date(2024, 3, 15)}
    assert now(workspace, deal)["stage"] == "意向"
    with pytest.raises(FieldReservedError):
        update(workspace, deal, "sunjiu", effective_on="2024-05-01")
    clock.advance(days=3)
    assert approve(workspace, request).state == "applied"
    assert now(workspace, deal) == {"name": "甲", "stage": "成交", "amount": 5, "effective_on": date(2024, 3, 15)}
    # The flow stands for moves only, and what the state requires stays.
    assert isinstance(update(workspace, deal, amount=6), RecordView)
    assert refused(workspace, deal, amount=CLEAR) == ["合同金额：状态为 成交 时必填"]
    assert refused(workspace, deal, "sunjiu", amount="", effective_on="") == [
        "合同金额：状态为 成交 时必填",
        "生效日期：状态为 成交 时必填",
    ]


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        (0, ["合同金额：状态为 成交 时必填"]),
        (1, ["阶段：仅当 合同金额 > 0 时可变为 成交", "合同金额：状态为 成交 时必填"]),
    ],
)
def test_two_requests(workspace: Workspace, first: int, problem: list[str]) -> None:
    """Two requests that are right by themselves don't come to an illegal record, in either order."""
    deal = create(workspace, name="大单", stage="意向", amount=5)
    requests = [submitted(workspace, deal, stage="成交"), submitted(workspace, deal, amount=CLEAR)]
    approve(workspace, requests[first])
    with pytest.raises(InvalidInputError) as caught:
        approve(workspace, requests[1 - first])
    assert [
        item.message("zh", label=MODULE.fields[str(item.field)].label_in("zh")) for item in caught.value.problems
    ] == problem
    with workspace.acting_as("lisi") as session:
        assert session.approvals.get(requests[1 - first].id).state == "pending"


def test_another_flow_by_now(workspace: Workspace) -> None:
    """A request does not carry a move for which another flow decides, as the record is by now."""
    deal = create(workspace, stage="意向", amount=5)
    request = submitted(workspace, deal, stage="暂停")
    assert request.flows == ("small",)
    update(workspace, deal, amount=50)
    with pytest.raises(InvalidInputError) as caught:
        approve(workspace, request, "zhangsan")
    (problem,) = caught.value.problems
    assert problem.message("zh") == "按目前的数据还须经过审批流程 成交审批：请撤回并重新提交"
    assert now(workspace, deal)["stage"] == "意向"


def test_states_that_one_may_not_read(workspace: Workspace) -> None:
    """Whoever may write the status but not read it is not told what it is."""
    deal = create(workspace, stage="潜在")
    assert refused(workspace, deal, "liuqi", stage="成交") == ["阶段：不允许从 当前状态 变为 成交"]
    won = create(workspace, name="乙", stage="意向", amount=5)
    assert refused(workspace, won, "liuqi", stage="流失") == ["原因：状态为 流失 时必填"]
    approve(workspace, submitted(workspace, won, stage="成交"))
    assert refused(workspace, won, "liuqi", amount=CLEAR) == ["合同金额：状态为 当前状态 时必填"]
    assert refused(workspace, won, "liuqi", amount=CLEAR, stage="成交") == ["合同金额：状态为 成交 时必填"]


def imported(workspace: Workspace, *rows: tuple[object, ...]) -> tuple[str, list[tuple[str, list[str]]]]:
    """Import rows of name, stage, amount and reason; return the batch, and each row's outcome and problems."""
    table = Rows(rows, ("名称", "阶段", "合同金额", "原因"))
    with workspace.acting_as("sunjiu") as session:
        plan = make_plan(session.context, "deal", table, digest=repr(rows))
        report = plan.apply()
    return report.batch_id, [
        (row.outcome, [item.message("zh") for item in row.problems if item.severity == "error"]) for row in plan.rows
    ]


def test_import_and_undo(workspace: Workspace) -> None:
    """Each row is judged on the record that it finds; undoing is no move."""
    one = create(workspace, stage="潜在")
    create(workspace, name="乙", stage="意向", amount=5)
    batch, rows = imported(
        workspace,
        ("甲", "流失", None, "停产"),
        ("乙", "成交", None, None),
        ("丙", "成交", 3, None),
        ("丁", "潜在", None, None),
    )
    assert rows == [
        ("update", []),
        ("awaiting", []),
        (
            "rejected",
            ["阶段：不能从 成交 开始，只能从以下状态开始：潜在、意向", "生效日期：状态为 成交 时必填"],
        ),
        ("create", []),
    ]
    assert now(workspace, one)["closed_by"] == "系统"
    assert imported(workspace, ("甲", "潜在", None, None))[1] == [("rejected", ["阶段：不允许从 流失 变为 潜在"])]
    assert len(workspace.undo_import(batch, actor="sunjiu").reverted) == 1
    assert now(workspace, one) == {"name": "甲", "stage": "潜在"}


def test_revert_is_a_move(workspace: Workspace) -> None:
    """Going back to a past version needs a transition, as any change does."""
    deal = create(workspace, stage="潜在")
    update(workspace, deal, stage="流失", reason="停产")
    with workspace.acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as caught:
        session.records("deal").revert(deal.id, to_version=1, version=ANY)
    assert {item.code for item in caught.value.problems} == {"transition_not_allowed"}


def test_other_changes_do_not_touch_it(workspace: Workspace) -> None:
    """Archiving, restoring, giving away and editing elsewhere are no moves, also of records of older rules."""
    units = MemoryUnits()
    free = attrs.evolve(CONFIGURATION, modules=(attrs.evolve(MODULE, life_cycles=()),))
    people = sample_organisation()
    deal = create(Workspace(free, units=units, organisation=people), stage="成交")
    strict = Workspace(CONFIGURATION, units=units, organisation=people)
    with strict.acting_as("sunjiu") as session:
        deals = session.records("deal")
        deals.update(deal.id, {"name": "乙"}, version=ANY)
        deals.archive(deal.id, version=ANY)
        deals.restore(deal.id, version=ANY)
        deals.transfer(deal.id, "wangwu", version=ANY)
        with pytest.raises(InvalidInputError):
            deals.update(deal.id, {"amount": 1, "effective_on": CLEAR, "stage": "潜在"}, version=ANY)
        assert deals.get(deal.id)["stage"] == "成交"


def test_merged_and_retired_states(clock: Clock) -> None:
    """A record keeps its place in the life cycle when its state is merged into another, or retired."""
    units, people = MemoryUnits(), sample_organisation()
    first = Workspace(CONFIGURATION, units=units, organisation=people, clock=clock)
    deals = [create(first, name=name, stage=stage) for name, stage in (("甲", "潜在"), ("乙", "意向"))]
    changed = (
        attrs.evolve(STAGES.values["潜在"], state="retired"),
        attrs.evolve(STAGES.values["意向"], state="merged", merged_into="热"),
        DictionaryValue("热", "热"),
    )
    values = STAGES.values.merged({item.code: item for item in changed})
    second = Workspace(
        CONFIGURATION.with_dictionaries(attrs.evolve(STAGES, values=values)),
        units=units,
        organisation=people,
        clock=clock,
    )
    assert isinstance(update(second, deals[0], stage="意向"), RecordView)
    assert now(second, deals[0])["stage"] == "热"
    assert isinstance(update(second, deals[1], stage="热"), RecordView)
    assert refused(second, deals[1], stage="潜在")[0].startswith("阶段：“阶段”中的该条目已停用")
    assert submitted(second, deals[1], stage="成交", amount=3).flows == ("winning",)


def test_what_does_not_fit_is_told_at_once() -> None:
    """A configuration whose life cycles do not fit opens no workspace."""
    broken = CONFIGURATION.with_life_cycles(
        "deal", LifeCycle("stage", (Transition("没有", flow="nothing"),)), LifeCycle("name", ())
    )
    with pytest.raises(ConfigurationError) as caught:
        Workspace.open("memory://", broken)
    assert [item.message("zh") for item in caught.value.problems] == [
        "stage：deal：LifeCycle 不适用于该字段：变为 没有：没有状态 没有",
        "name：deal：LifeCycle 不适用于该字段：该字段类型为“文本”，须为：单选",
        "stage：deal：LifeCycle 不适用于该字段：变为 没有：没有审批流程 nothing",
    ]


def test_creation_at_the_moment(clock: Clock) -> None:
    """A date field whose default is `now` has the day of creation in the configured zone."""
    clock.advance(hours=14)
    dated = CONFIGURATION.change_field("deal", "effective_on", default="now")
    with Workspace.open("memory://", dated, organisation=sample_organisation(), clock=clock) as workspace:
        assert create(workspace)["effective_on"] == date(2024, 3, 16)

"""Imports that wait for approval: one request for many rows, and what becomes of each of them (XLS-5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from custinfo import ANY, ConflictError, F, InvalidInputError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.core.approval.flows import Flow, NamedMember, RoleHolders, Step, Trigger
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from custinfo.workspace.importing import ImportReport, Progress
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.conftest import KEYS, Clock
from tests.unit.workspace.story import ENTERPRISE, Story
from tests.unit.workspace.test_importing import Rows

IMPORTS = Flow("imports", Trigger("customer", actions=("import",)), (Step("data", (NamedMember("zhoushi"),)),))
NOTES = Flow("notes", Trigger("customer", fields=("special_notes",)), (Step("data", (NamedMember("zhoushi"),)),))
CALLS = Flow("calls", Trigger("follow_up", actions=("create",)), (Step("lead", (NamedMember("zhangsan"),)),))

HEADER = ("客户名称", "客户类型", "联系人", "联系方式", "年采购预算", "特殊备注", "标签", "跟进记录")


def phone(name: str) -> str:
    """Return a number of somebody's own: people with the same one seem to be the same."""
    return f"139{sum(map(ord, name)):08}"


def row(name: str, budget: str | None = None, notes: str | None = None, **more: str) -> tuple[object, ...]:
    """Return a row of a file."""
    return (name, "企业客户", "张三", phone(name), budget, notes, more.get("tags"), more.get("calls"))


def opened(url: str, clock: Clock, *flows: Flow) -> Workspace:
    """Return a workspace with some flows beside the standard ones."""
    return Workspace.open(
        url,
        standard_configuration().with_flows(*flows),
        organisation=sample_organisation(),
        keyring=Keyring({"k1": KEYS[0]}, current="k1", index_key=KEYS[1]),
        clock=clock,
        ids=Uuid7(clock),
    )


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """One in which whatever is imported waits."""
    with opened(url, clock, IMPORTS) as workspace:
        yield workspace


def planned(session: Any, *rows: tuple[object, ...], match: Any = ("name",)) -> Any:
    """Return the plan of rows."""
    return make_plan(session.context, "customer", Rows(rows, HEADER), digest=str(hash(rows)), match=match)


def imported(workspace: Workspace, *rows: tuple[object, ...], **settings: Any) -> ImportReport:
    """Plan and apply."""
    with workspace.acting_as("sunjiu") as session:
        return planned(session, *rows).apply(**settings)  # type: ignore[no-any-return]


def outcomes(report: Any) -> dict[int, str]:
    """Return what rows came to, by their number."""
    return {row.row: row.outcome for row in report.rows}


def names(workspace: Workspace, **criteria: Any) -> list[str]:
    """Return the names of the customers that there are."""
    with workspace.acting_as("sunjiu") as session:
        return [view["name"] for view in session.customers.find(order_by="name").records]


def decided(workspace: Workspace, request_id: str, verb: str = "approve", actor: str = "zhoushi") -> Any:
    """Return a request after somebody's decision."""
    with workspace.acting_as(actor) as session:
        return getattr(session.approvals, verb)(request_id)


def test_an_import_waits_as_one_request(story: Story) -> None:
    """New and changed rows wait together; what is wrong or changes nothing does not; each is reported by itself."""
    workspace = story.workspace
    kept, gone, same = (
        story.customer(name=name, phone=phone(name), uscc=None, contact_name="张三") for name in ("甲", "乙", "丙")
    )
    rows = (row("甲", "80万"), row("乙", "1"), row("丙"), row("丁", "5"), row("", "6"), row("戊", "7"))
    with workspace.acting_as("sunjiu") as session:
        plan = planned(session, *rows)
        expected = {2: "awaiting", 3: "awaiting", 4: "unchanged", 5: "awaiting", 6: "rejected", 7: "awaiting"}
        assert outcomes(plan) == expected
        report = plan.apply()
    assert outcomes(report) == expected
    assert (report.counts.awaiting, report.counts.unchanged, report.counts.rejected) == (4, 1, 1)
    assert (names(workspace), len(report.requests)) == (["丙", "乙", "甲"], 1)
    with workspace.acting_as("zhoushi") as session:
        (task,) = session.approvals.inbox()
        view = task.request
        assert (view.id, view.flows, view.reason) == (report.requests[0], ("imports",), None)
        assert [(item.row, item.action) for item in view.items] == [
            (2, "update"),
            (3, "update"),
            (5, "create"),
            (7, "create"),
        ]
        assert view.items[0].proposed == {"annual_budget": 800_000}
        assert (view.items[2].proposed["name"], view.items[2].proposed["annual_budget"]) == ("丁", 5)
    with workspace.acting_as("lisi") as session:
        session.customers.update(gone.id, {"address": "北京"}, version=ANY)
        session.customers.archive(gone.id, version=ANY)
        with pytest.raises(Exception, match="field_reserved"):
            session.customers.update(kept.id, {"annual_budget": "9"}, version=ANY)
    done = decided(workspace, report.requests[0])
    assert done.state == "applied"
    assert [(item.row, item.outcome, item.problem) for item in done.items] == [
        (2, "applied", None),
        (3, "conflict", "record_archived"),
        (5, "applied", None),
        (7, "applied", None),
    ]
    assert names(workspace) == ["丁", "丙", "戊", "甲"]
    with workspace.acting_as("zhoushi") as session:
        assert session.customers.get(kept.id)["annual_budget"] == 800_000
        made = session.customers.get(done.items[2].record_id)
        assert made.owner == "sunjiu"
        (change,) = session.customers.history(made.id)
        assert (change.channel, change.approval, change.batch) == ("approval", done.id, report.batch_id)
        assert session.customers.get(same.id).version == 1


def test_what_is_rejected_changes_nothing(workspace: Workspace) -> None:
    """A rejected import leaves no trace in the records, and may be handed in again."""
    report = imported(workspace, row("甲"), row("乙"))
    assert decided(workspace, report.requests[0], "reject").state == "rejected"
    assert names(workspace) == []
    again = imported(workspace, row("甲"), row("乙"))
    assert again.counts.awaiting == 2


def test_rows_wait_with_all_that_they_bring_along(workspace: Workspace) -> None:
    """Follow-ups and tags of a new customer come with the approval, and not without it."""
    report = imported(workspace, row("甲", tags="行业:制造业", calls="2024-03-01 来电询价\n2024-03-05 寄出样品"))
    (waiting,) = decided(workspace, report.requests[0], "get").items
    assert sorted(item.proposed["content"] for item in waiting.companions) == ["寄出样品", "来电询价"]
    with workspace.acting_as("sunjiu") as session:
        assert session.follow_ups.count() == 0
    (item,) = decided(workspace, report.requests[0]).items
    assert item.outcome == "applied"
    with workspace.acting_as("sunjiu") as session:
        made = session.customers.get(item.record_id)
        assert [(tag.dimension, tag.value) for tag in made.tags] == [("行业", "制造业")]
        calls = session.follow_ups.find(F.customer == made.id, order_by="at").records
        assert [(call["content"], call.owner) for call in calls] == [("来电询价", "sunjiu"), ("寄出样品", "sunjiu")]
        (change,) = session.follow_ups.history(calls[0].id)
        assert (change.approval, change.batch) == (report.requests[0], report.batch_id)


def test_follow_ups_pass_their_own_flows_too(url: str, clock: Clock) -> None:
    """A row whose follow-up needs approval by itself passes both flows, one after the other."""
    with opened(url, clock, IMPORTS, CALLS) as workspace:
        report = imported(workspace, row("甲", calls="来电"), row("乙"))
        assert len(report.requests) == 2
        first = decided(workspace, report.requests[0], "get")
        assert first.flows == ("imports", "calls")
        assert decided(workspace, first.id).state == "pending"
        assert decided(workspace, first.id, actor="zhangsan").state == "applied"


def test_rows_that_call_for_the_same_flows_share_a_request(url: str, clock: Clock) -> None:
    """Without a flow on imports, gated rows wait together, and the others are saved at once."""
    with opened(url, clock, NOTES) as workspace:
        story = Story(workspace)
        for name in ("甲", "乙", "丙"):
            story.customer(name=name, phone=phone(name), uscc=None)
        rows = (row("甲", notes="一"), row("乙", "9"), row("丙", notes="二", calls="来电"))
        report = imported(workspace, *rows)
        assert outcomes(report) == {2: "awaiting", 3: "update", 4: "awaiting"}
        (request_id,) = report.requests
        view = decided(workspace, request_id, "get")
        assert [(item.row, item.action, dict(item.proposed)) for item in view.items] == [
            (2, "update", {"special_notes": "一"}),
            (4, "update", {"special_notes": "二"}),
        ]
        assert decided(workspace, request_id).state == "applied"
        alone = imported(workspace, row("甲", notes="三"))
        single = decided(workspace, alone.requests[0], "get")
        assert (single.items, single.proposed) == ((), {"special_notes": "三"})


def test_interrupted_work_submits_once(workspace: Workspace) -> None:
    """Rows wait until the end of the import: broken off and taken up again, it makes one request."""
    rows = tuple(row(f"公司{number}") for number in range(5))

    def stop(progress: Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), workspace.acting_as("sunjiu") as session:
        planned(session, *rows).apply(stop, batch_size=2)
    with workspace.acting_as("sunjiu") as session:
        assert session.approvals.submitted() == ()
    report = imported(workspace, *rows, batch_size=2)
    assert (report.counts.awaiting, len(report.requests)) == (5, 1)
    assert len(decided(workspace, report.requests[0]).items) == 5
    assert len(names(workspace)) == 5


def test_the_same_file_again_makes_no_second_request(story: Story) -> None:
    """While an import waits, its rows clash with it: nobody gets the same new customer to approve twice."""
    workspace = story.workspace
    story.customer(name="甲", phone=phone("甲"), uscc=None)
    rows = (row("甲", "5"), row("乙"), row("丙", calls="来电"))
    report = imported(workspace, *rows)
    again = imported(workspace, *rows)
    assert outcomes(again) == {2: "conflict", 3: "conflict", 4: "conflict"}
    codes = [[item.code for item in row.problems if item.severity == "error"] for row in again.rows]
    assert codes == [["field_reserved"], ["awaits_already"], ["awaits_already"]]
    assert again.rows[1].problems[-1].params["request_id"] == report.requests[0]
    assert again.requests == ()


def test_undo_ends_what_waits_and_takes_back_what_was_applied(workspace: Workspace) -> None:
    """An open request of an import ends with it; what was approved as an import goes with the import."""
    waiting = imported(workspace, row("甲"))
    undone = workspace.undo_import(waiting.batch_id, actor="admin")
    assert undone.withdrawn == waiting.requests
    report = imported(workspace, row("乙", calls="来电"), row("丙"))
    decided(workspace, report.requests[0])
    undone = workspace.undo_import(report.batch_id, actor="admin")
    assert (len(undone.removed), undone.kept, names(workspace)) == (3, (), [])


def test_undo_leaves_what_a_flow_on_the_change_approved(url: str, clock: Clock) -> None:
    """What somebody approved for what it is stays, whoever takes the import back."""
    with opened(url, clock, NOTES) as workspace:
        story = Story(workspace)
        ids = [story.customer(name=name, phone=phone(name), uscc=None).id for name in ("甲", "乙")]
        report = imported(workspace, row("甲", notes="一"), row("乙", notes="二"))
        decided(workspace, report.requests[0])
        assert sorted(workspace.undo_import(report.batch_id, actor="admin").kept) == sorted(ids)


def test_a_row_that_clashes_by_then_is_left_out(url: str, clock: Clock) -> None:
    """Of the rows of a plan, those that another request holds meanwhile are in conflict; the others wait."""
    with opened(url, clock, IMPORTS, NOTES) as workspace:
        first, _ = (Story(workspace).customer(name=name, phone=phone(name), uscc=None).id for name in ("甲", "乙"))
        with workspace.acting_as("sunjiu") as session:
            plan = planned(session, row("甲", notes="一"), row("乙", notes="二"))
            mine: Any = session.customers.update(first, {"special_notes": "三"}, version=ANY)
            report = plan.apply()
        assert outcomes(report) == {2: "conflict", 3: "awaiting"}
        (problem,) = [item for item in report.rows[0].problems if item.severity == "error"]
        assert (problem.code, problem.params["request_id"]) == ("field_reserved", mine.request.id)
        assert [item.row for item in decided(workspace, report.requests[0], "get").items] == [3]
        assert (report.counts.conflicts, report.counts.awaiting) == (1, 1)


def test_whose_approval_the_owner_decides(url: str, clock: Clock) -> None:
    """Rows that other people decide about are other requests."""
    flow = Flow(
        "owners",
        Trigger("customer", actions=("import",), after=F.annual_budget > 10),
        (Step("data", (RoleHolders("senior_administrator"),), skip_when=F.annual_budget < 100), Step("x", ())),
    )
    steps = (attrs.evolve(flow.steps[0]), Step("lead", (NamedMember("zhangsan"),)))
    with opened(url, clock, attrs.evolve(flow, steps=steps)) as workspace:
        report = imported(workspace, row("甲", "5"), row("乙", "50"), row("丙", "60"), row("丁", "500"))
        assert outcomes(report) == {2: "create", 3: "awaiting", 4: "awaiting", 5: "awaiting"}
        views = [decided(workspace, key, "get", "sunjiu") for key in report.requests]
        assert [(len(view.items), view.waiting_for) for view in views] == [(2, ("zhangsan",)), (1, ("zhoushi",))]


def test_requests_for_many_are_whole(url: str, clock: Clock) -> None:
    """The integrity check looks at each record that an import changes: one that is gone is told, a new one is not."""
    with opened(url, clock, IMPORTS) as workspace:
        changed = Story(workspace).customer(name="甲", phone=phone("甲"), uscc=None)
        imported(workspace, row("甲", "5"), row("乙"), row("丙", calls="来电"))
        assert workspace.check_integrity().problems == ()
        with workspace.acting_as("sunjiu") as session:
            unit = session.context.unit
            unit.records.remove([*unit.records.get("customer", [changed.id]).values()])
        found = [item for item in workspace.check_integrity().problems if item.code == "request_without_record"]
        assert [item.params["record"] for item in found] == [changed.id]


def test_rows_whose_request_passes_by_itself_wait_for_nobody(url: str, clock: Clock) -> None:
    """Where the importer is who approves, and the flow counts that, rows come to what they would without it."""
    step = Step("data", (NamedMember("sunjiu"),))
    flow = attrs.evolve(IMPORTS, steps=(step,), own_passes=True)
    with opened(url, clock, flow) as workspace:
        Story(workspace).customer(name="甲", phone=phone("甲"), uscc=None)
        report = imported(workspace, row("甲", "5"), row("乙"))
        assert outcomes(report) == {2: "update", 3: "create"}
        assert [(item.row, item.planned, item.applied) for item in report.differences] == [
            (2, "awaiting", "update"),
            (3, "awaiting", "create"),
        ]
        assert (report.counts.updates, report.counts.creates, report.counts.awaiting) == (1, 1, 0)
        assert decided(workspace, report.requests[0], "get", "sunjiu").state == "applied"
        assert names(workspace) == ["乙", "甲"]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("others", [0, 1])
def test_one_of_them_that_breaks_a_rule_by_then(url: str, clock: Clock, others: int, whole: bool) -> None:
    """A row that passes by itself, and clashes with what came since the plan, is rejected, alone or among others."""
    flow = attrs.evolve(NOTES, steps=(Step("data", (RoleHolders("data_administrator"),)),), allow_own=True)
    workspace = opened(url, clock, attrs.evolve(flow, own_passes=True))
    story = Story(workspace)
    taken = {"uscc": "91350100M000100Y43"}
    keys = [story.customer(name=name, uscc=None, phone=phone(name)).id for name in "甲乙"][: 1 + others]
    rows = [(key, taken["uscc"] if key == keys[0] else None, "停产") for key in keys]
    with workspace.acting_as("sunjiu") as session:
        table = Rows(tuple(rows), ("id", "统一社会信用代码", "特殊备注"))
        plan = make_plan(session.context, "customer", table, digest="d")
        assert plan.counts.awaiting == 1 + others
        session.customers.create({**ENTERPRISE, **taken, "name": "丙", "phone": phone("丙")})
        if whole:
            with pytest.raises((InvalidInputError, ConflictError)) as caught:
                plan.apply(whole=True)
            assert caught.value.code == "not_unique"
            return
        report = plan.apply()
        assert outcomes(report) == {2: "rejected", **({3: "update"} if others else {})}
        assert [item.code for item in report.rejected[0].problems] == ["not_unique"]
    assert story.view("sunjiu", keys[0]).get("special_notes") is None

"""Exports that wait for approval: nothing is written before, and exactly that afterwards, for a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import load_workbook

from custinfo import ANY, AwaitingApproval, F, InvalidInputError, PermissionDeniedError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export
from custinfo.adapters.excel.export import ExportReport
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.policy.grants import Grant
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from tests.unit.workspace.conftest import KEYS, Clock
from tests.unit.workspace.story import Story

EXPORTS = Flow(
    "exports",
    Trigger("customer", actions=("export",), fields=("phone", "bank_account")),
    (Step("head", (NamedMember("zhaojl"),)),),
    export_hours=2,
)
LOST = {"status": "流失"}
LOG = Grant("data_administrator", "customer", frozenset({"audit"}), "all")


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """One in which phones leave with the manager's approval only."""
    opened = Workspace.open(
        url,
        standard_configuration().with_flows(EXPORTS).with_grants(LOG),
        organisation=sample_organisation(),
        keyring=Keyring({"k1": KEYS[0]}, current="k1", index_key=KEYS[1]),
        clock=clock,
        ids=Uuid7(clock),
    )
    with opened:
        yield opened


def asked(workspace: Workspace, actor: str = "lisi", **options: Any) -> tuple[Any, list[tuple[Any, ...]]]:
    """Return what an export comes to, and the rows that it wrote."""
    file = io.BytesIO()
    options = {"fields": ["name", "phone"], "order_by": ["name"], **options}
    with workspace.acting_as(actor) as session:
        outcome = export(session, "customer", file, **options)
    return outcome, list(load_workbook(file).active.values) if file.getvalue() else []


def waiting_for(outcome: Any) -> str:
    """Return the id of the request that a change waits for."""
    assert isinstance(outcome, AwaitingApproval)
    return outcome.request.id


def approved(workspace: Workspace, outcome: Any, verb: str = "approve") -> Any:
    """Return the request of an export after the manager's decision."""
    with workspace.acting_as("zhaojl") as session:
        return getattr(session.approvals, verb)(outcome.request.id)


def test_a_name_of_another_format_asks_nobody(workspace: Workspace) -> None:
    """What can never be written waits for no approval."""
    with workspace.acting_as("lisi") as session:
        with pytest.raises(ValueError, match=r"\.csv"):
            export(session, "customer", "客户.csv", fields=["name", "phone"])
        with pytest.raises(TypeError):
            export(session, "customer", None, fields=["name", "phone"])  # type: ignore[arg-type]
        assert not session.approvals.submitted()


def test_an_export_is_written_once_it_is_approved(story: Story) -> None:
    """The same call waits, then writes, as often as wanted; another export of the same person waits by itself."""
    workspace = story.workspace
    story.customer(name="甲")
    story.customer(name="乙", uscc=None, phone="13900139000")
    wanted: dict[str, Any] = {"criteria": F.status == "高潜", "reason": "年度核对"}
    waiting, written = asked(workspace, **wanted)
    assert isinstance(waiting, AwaitingApproval)
    assert (written, waiting.request.waiting_for, waiting.request.flows) == ([], ("zhaojl",), ("exports",))
    again, _ = asked(workspace, **wanted)
    assert again.request.id == waiting.request.id
    with workspace.acting_as("zhaojl") as session:
        (task,) = session.approvals.inbox()
        assert task.request.reason == "年度核对"
        view = task.request.export
        assert view is not None
        assert (view.fields, view.order_by, view.hours) == (("name", "phone"), ("name",), 2)
        assert (view.asked, view.criterion) == (("status eq",), F.status == "高潜")
    assert approved(workspace, waiting).state == "applied"
    for _ in range(2):
        outcome, written = asked(workspace, **wanted)
        assert isinstance(outcome, ExportReport)
        assert written[1:] == [("乙", "13900139000"), ("甲", "13812345678")]
    others: list[dict[str, Any]] = [{"criteria": F.status == "成交"}, {"fields": ["phone", "name"]}, {"order_by": []}]
    for other in others:
        found, written = asked(workspace, **{**wanted, **other})
        assert isinstance(found, AwaitingApproval)
        assert (found.request.id == waiting.request.id, written) == (False, [])


def test_what_was_exported_once_is_not_read_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request is looked for among those of its flow, newest first and page by page: changes are not read, nor all."""
    monkeypatch.setattr("custinfo.workspace.finding_requests._AT_ONCE", 3)
    workspace, read = story.workspace, list[tuple[str | None, int]]()
    for number in range(7):
        approved(workspace, asked(workspace, criteria=F.name == f"{number}")[0])
        customer = story.customer(name=f"{number}", uscc=None)
        with workspace.acting_as("lisi") as session:
            session.approvals.withdraw(waiting_for(session.customers.update(customer.id, LOST, version=ANY)))
    with workspace.acting_as("lisi") as session:
        repository: Any = type(session.context.unit.approvals)
    find = repository.find

    def noted(self: Any, query: Any) -> Any:
        found = find(self, query)
        read.append((query.flow, len(found)))
        return found

    monkeypatch.setattr(repository, "find", noted)
    assert isinstance(asked(workspace, criteria=F.name == "6")[0], ExportReport)
    assert read == [("exports", 0), ("exports", 0), ("exports", 4)]  # waiting, returned, and the first page of the rest
    read.clear()
    assert isinstance(asked(workspace, criteria=F.name == "甲")[0], AwaitingApproval)
    assert read == [("exports", 0), ("exports", 0), ("exports", 4), ("exports", 4), ("exports", 1)]


def test_the_time_is_limited(story: Story, clock: Clock) -> None:
    """Two hours after the approval, the export waits anew."""
    story.customer()
    waiting, _ = asked(story.workspace)
    approved(story.workspace, waiting)
    clock.advance(hours=1, minutes=59)
    assert isinstance(asked(story.workspace)[0], ExportReport)
    clock.advance(minutes=1)
    late, _ = asked(story.workspace)
    assert isinstance(late, AwaitingApproval)
    assert late.request.id != waiting.request.id


def test_it_is_the_requesters_alone_and_under_their_policy(story: Story) -> None:
    """Nobody else runs it, and it writes what its author may see when it is written."""
    workspace = story.workspace
    mine, other = story.customer(name="甲"), story.customer("wangwu", name="乙", uscc=None)
    waiting, _ = asked(workspace)
    approved(workspace, waiting)
    foreign, _ = asked(workspace, "wangwu")
    assert isinstance(foreign, AwaitingApproval)
    with workspace.acting_as("zhaojl") as session:
        session.customers.transfer(mine.id, "wangwu", version=ANY)
        session.customers.transfer(other.id, "lisi", version=ANY)
    assert asked(workspace)[1][1:] == [("乙", "13812345678")]


def test_an_approved_export_is_logged(story: Story) -> None:
    """The access log names the request, also where exports are not logged otherwise."""
    workspace, customer = story.workspace, story.customer()
    waiting, _ = asked(workspace)
    with workspace.acting_as("sunjiu") as session:
        assert session.access_log.find(module="customer").entries == ()
    approved(workspace, waiting)
    asked(workspace)
    with workspace.acting_as("sunjiu") as session:
        (entry,) = session.access_log.find(module="customer").entries
    assert (entry.actor, entry.action, entry.approval) == ("lisi", "export", waiting.request.id)
    assert (entry.fields, entry.record_ids) == (("name", "phone"), (customer.id,))


def test_what_is_rejected_is_not_written(story: Story) -> None:
    """A rejected export needs another request; one that is returned is resubmitted unchanged, or withdrawn."""
    first, _ = asked(story.workspace)
    approved(story.workspace, first, "reject")
    second, _ = asked(story.workspace)
    assert second.request.id != first.request.id
    approved(story.workspace, second, "send_back")
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(Exception, match="ask_again"):
            session.approvals.resubmit(second.request.id, {"name": "x"})
        assert session.approvals.resubmit(second.request.id).state == "pending"
        assert session.approvals.withdraw(second.request.id).state == "withdrawn"


def test_which_exports_wait(story: Story) -> None:
    """Columns that the flow does not name need nobody; what is not allowed is refused and not asked for."""
    story.customer()
    assert isinstance(asked(story.workspace, fields=["name"])[0], ExportReport)
    with pytest.raises(PermissionDeniedError):
        asked(story.workspace, criteria=F.bank_account == "1")
    with pytest.raises(InvalidInputError):
        asked(story.workspace, criteria=F.nope == "1")
    with story.workspace.acting_as("lisi") as session:
        assert session.approvals.submitted() == ()


def test_an_approver_sees_no_value_of_a_field_that_they_may_not_read(story: Story) -> None:
    """The question is told by fields and operators where its values are not the approver's to read."""
    waiting, _ = asked(story.workspace, "zhoushi", criteria=F.bank_account == "6222020200112233445")
    with story.workspace.acting_as("zhaojl") as session:
        (task,) = session.approvals.inbox()
    assert task.request.export is not None
    assert (task.request.export.asked, task.request.export.criterion) == (("bank_account eq",), None)
    assert waiting.request.export.criterion == (F.bank_account == "6222020200112233445")


def test_encrypted_values_do_not_wait_in_the_open(story: Story) -> None:
    """A request holds its question as text, so that one about an encrypted value is refused."""
    with pytest.raises(InvalidInputError, match="export_asks_encrypted"):
        asked(story.workspace, "zhoushi", criteria=F.id_number == "11010519491231002X")


def test_an_export_that_waits_is_whole(story: Story) -> None:
    """It is about no record, so that none is missing; and it comes out of a backup as it went in."""
    waiting, _ = asked(story.workspace)
    assert story.workspace.check_integrity().problems == ()
    file = io.BytesIO()
    story.workspace.export_tenant(file)
    file.seek(0)
    flows = standard_configuration().with_flows(EXPORTS)
    with Workspace.open("sqlite://", flows, organisation=sample_organisation()) as other:
        other.import_tenant(file)
        with other.acting_as("lisi") as session:
            assert session.approvals.get(waiting.request.id).export == waiting.request.export

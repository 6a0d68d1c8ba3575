"""Work on many records takes as many statements as work on few: what it asks of the store, it asks of many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from sqlalchemy import Engine, create_engine, event

from custinfo import ANY, F, RetentionRule, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import plan_import
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.approval.flows import Flow, RoleHolders, Step, Trigger
from custinfo.core.classification import Case, Classification
from custinfo.core.configuration import Configuration
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.combining import Merged
from custinfo.workspace.session import Session
from tests.unit.workspace.story import applied

HEADER = "客户名称,客户类型,联系人,联系方式,开户行信息,特殊备注"


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Note the statements of a block."""
    noted: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        noted.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(engine, "before_cursor_execute", note)


def rows(number: int, note: str) -> bytes:
    """Return a file of so many persons, with accounts that the data administrator may edit and not read."""
    lines = [f"人{row},个人客户,人{row},138{row:08},6222{row:012},{note}" for row in range(number)]
    return "\n".join([HEADER, *lines]).encode()


Work = Callable[[Workspace, int], Callable[[], object]]
"""Prepare something about so many records, and return what is to be looked at."""


def statements(number: int, configuration: Configuration, work: Work, **more: Any) -> int:
    """Return how many statements work on so many records takes, once it is prepared."""
    engine = create_engine("sqlite://")
    units = SqlAlchemyUnits(engine)
    units.create_tables()
    workspace = Workspace(configuration, units=units, organisation=sample_organisation(), **more)
    prepared = work(workspace, number)
    with counted(engine) as noted:
        prepared()
    engine.dispose()
    return len(noted)


def planned_again(workspace: Workspace, number: int) -> Callable[[], object]:
    """Import what somebody else wrote, so that an account may be the one that is there."""
    with workspace.acting_as("sunjiu") as session:
        plan_import(session, "customer", rows(number, "甲"), duplicates="create").apply()

    def plan() -> None:
        with workspace.acting_as("sunjiu") as session:
            assert plan_import(session, "customer", rows(number, "乙"), match=["联系方式"]).counts.updates == number

    return plan


def undone(workspace: Workspace, number: int) -> Callable[[], object]:
    """Undo an import that made half of its records, and changed the others."""
    with workspace.acting_as("sunjiu") as session:
        plan_import(session, "customer", rows(number // 2, "甲"), duplicates="create").apply()
        options: dict[str, Any] = {"duplicates": "create", "match": ["联系方式"]}
        report = plan_import(session, "customer", rows(number, "乙"), **options).apply()
        assert (report.counts.creates, report.counts.updates) == (number // 2, number // 2)

    def undo() -> None:
        done = workspace.undo_import(report.batch_id, actor="sunjiu")
        assert (len(done.removed), len(done.reverted)) == (number // 2, number // 2)

    return undo


def handed_over(workspace: Workspace, number: int) -> Callable[[], object]:
    """Plan to hand over the decisions that wait for a manager who leaves."""
    with workspace.acting_as("lisi") as session:
        for row in range(number):
            person = {"客户名称": f"人{row}", "客户类型": "个人客户", "联系人": "人", "联系方式": f"138{row:08}"}
            record = applied(session.customers.create(person))
            session.customers.update(record.id, {"status": "流失"}, version=ANY)

    def plan() -> None:
        with workspace.acting_as("zhaojl") as session:
            assert len(session.plan_hand_over("zhaojl", "zhoushi").tasks) == number

    return plan


def asked_about(workspace: Workspace, number: int) -> None:
    """Let requests wait about so many customers, each of which was changed since and one of which is archived."""
    for row in range(number):
        with workspace.acting_as("lisi") as session:
            person = {"客户名称": f"人{row}", "客户类型": "个人客户", "联系人": "人", "联系方式": f"138{row:08}"}
            record = applied(session.customers.create(person))
            session.customers.update(record.id, {"status": "流失"}, version=ANY)
            session.customers.update(record.id, {"special_notes": "甲"}, version=ANY)
        if not row % 2:
            with workspace.acting_as("sunjiu") as session:
                session.customers.archive(record.id, version=ANY)


def in_the_inbox(workspace: Workspace, number: int) -> Callable[[], object]:
    """Look at what waits for somebody."""
    asked_about(workspace, number)

    def look() -> None:
        with workspace.acting_as("zhaojl") as session:
            assert len(session.approvals.inbox()) == number
            page = session.approvals.find(limit=None)
            assert sum(bool(view.happened) for view in page.requests) == number // 2

    return look


def decided_by_now(workspace: Workspace, number: int) -> Callable[[], object]:
    """Look at what somebody submitted, and somebody else decided."""
    asked_about(workspace, number)
    with workspace.acting_as("zhaojl") as session:
        for task in session.approvals.inbox():
            session.approvals.reject(task.request_id)

    def look() -> None:
        with workspace.acting_as("lisi") as session:
            assert len(session.approvals.submitted()) == number
        with workspace.acting_as("zhaojl") as session:
            assert len(session.approvals.find("decided", limit=None).requests) == number

    return look


@pytest.mark.parametrize("work", [planned_again, undone, handed_over, in_the_inbox, decided_by_now])
def test_many_records(work: Work) -> None:
    """Planning an import, undoing one, planning a hand-over, and looking at pages of requests."""
    few, many = (statements(number, standard_configuration(), work) for number in (4, 40))
    assert many <= few + 2  # a list that is longer may be asked for in two


def test_what_rows_bring_along() -> None:
    """Follow-ups, judged by the customers that they are about, of an import that waited."""
    approver = Step("one", (RoleHolders("data_administrator"),))
    flow = Flow("imports", Trigger("customer", ("import",)), (approver,), allow_own=True)

    def imported(workspace: Workspace, number: int) -> Callable[[], object]:
        lines = [f"人{row},个人客户,人{row},138{row:08},2024-03-01 来电" for row in range(number)]
        content = "\n".join(["客户名称,客户类型,联系人,联系方式,跟进记录", *lines]).encode()
        with workspace.acting_as("sunjiu") as session:
            report = plan_import(session, "customer", content, duplicates="create").apply()
            session.approvals.approve(report.requests[0])

        def look() -> None:
            with workspace.acting_as("sunjiu") as session:
                items = session.approvals.get(report.requests[0]).items
                assert [len(item.companions) for item in items] == [1] * number

        return look

    hopping = Grant("data_administrator", "follow_up", frozenset({"view"}), through="customer", view=ALL_FIELDS)
    known = standard_configuration().with_flows(flow).with_grants(hopping)
    few, many = (statements(number, known, imported) for number in (4, 40))
    assert many <= few + 2  # a list that is longer may be asked for in two


KEYRING = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e": b"e" * 32})
OLD = RetentionRule(
    "old", "customer", "created_at", 60, "erase", F.customer_type == "个人客户", ("phone", "special_notes")
)


def test_what_a_retention_rule_erases() -> None:
    """Foreseeing and erasing what is due: requests, histories and records of a batch; the index is purged once."""

    def due(workspace: Workspace, number: int) -> Callable[[], object]:
        asked_about(workspace, number)
        with workspace.acting_as("zhaojl") as session:
            for task in session.approvals.inbox():
                session.approvals.reject(task.request_id)

        def erase() -> None:
            with workspace.acting_as("sunjiu") as session:
                items = session.retention.preview("old").items
                assert [item.outcome for item in items] == ["applied"] * number
                assert session.retention.apply("old").applied == number
            assert workspace.verify().ok

        return erase

    moments = iter([datetime(2019, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)] * 2)

    def later(workspace: Workspace, number: int) -> Callable[[], object]:
        clock.append(next(moments))
        erase = due(workspace, number)
        clock.append(next(moments))
        return erase

    clock = [datetime(2019, 1, 1, tzinfo=UTC)]
    known = standard_configuration().with_retention(OLD)
    few, many = (statements(number, known, later, keyring=KEYRING, clock=lambda: clock[-1]) for number in (4, 40))
    assert many <= few + 2  # a list that is longer may be asked for in two


FIRM = ModuleDefinition("firm", (FieldDefinition("title", "text", "名称", required=True),), title_field="title")
PERSON = attrs.evolve(FIRM, key="person")
DEAL = ModuleDefinition(
    "deal",
    (
        FieldDefinition("firm", "reference", "公司", options={"module": "firm"}),
        FieldDefinition("person", "reference", "人员", options={"module": "person"}),
    ),
)


@pytest.mark.parametrize("approved", [False, True])
def test_what_follows_a_merger(approved: bool) -> None:
    """What refers to a firm that is merged, and is classified by the person whom it names as well."""

    def merged(workspace: Workspace, number: int) -> Callable[[], object]:
        with workspace.acting_as("sunjiu") as session:
            firms = [made(session, "firm", title="甲"), made(session, "firm", title="乙")]
            for row in range(number):
                made(session, "deal", firm=firms[1], person=made(session, "person", title=f"人{row}"))

        def merge() -> None:
            with workspace.acting_as("sunjiu") as session:
                done = session.records("firm").merge(firms[0], firms[1:], version=ANY)
                assert isinstance(done, Merged)
                assert done.moved == number

        return merge

    few, many = (statements(number, firms_merged(approved=approved), merged) for number in (4, 40))
    assert many <= few + 2  # a list that is longer may be asked for in two


def made(session: Session, module: str, **values: str) -> str:
    """Create a record and return its id."""
    return applied(session.records(module).create(values)).id


def firms_merged(*, approved: bool) -> Configuration:
    """Return the configuration of firms, persons and deals, with mergers that pass a request by themselves or none."""
    modules = (FIRM, PERSON, DEAL)
    actions: frozenset[Action] = frozenset({"view", "create", "edit", "merge", "approve"})
    grant = Grant("data_administrator", "firm", actions, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
    grants = [attrs.evolve(grant, module=item.key) for item in modules]
    tall = Classification("tall", "deal", (Case(F.person.title == "人1", "大"),), dimension="自定义")
    known = standard_configuration().with_modules(*modules).with_grants(*grants)
    known = attrs.evolve(known, classifications=(*known.classifications.values(), tall))
    step = Step("one", (RoleHolders("data_administrator"),))
    flow = Flow("merging", Trigger("firm", ("merge",)), (step,), allow_own=True, own_passes=True)
    return known.with_flows(flow) if approved else known

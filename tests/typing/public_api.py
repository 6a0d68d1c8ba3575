"""The public API as a host with strict types uses it: mypy checks that it is typed as it is documented."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, assert_never, assert_type

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    ChangeView,
    Configuration,
    Criterion,
    CustinfoError,
    F,
    FieldDefinition,
    InboxTask,
    Organisation,
    Outcome,
    Page,
    Problem,
    RecordView,
    RequestView,
    Session,
    StorageError,
    Tagged,
    Workspace,
    configuration_from_json,
)
from custinfo.adapters.excel import export, plan_import, write_template
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits
from custinfo.core.schema import Schema
from custinfo.ports import Directory, UnitOfWork, Units
from custinfo.standard import sample_organisation, standard_configuration


def opens(host: SqlAlchemyUnit) -> Iterator[Session]:
    """A workspace is made of a configuration and a store; a session is what its `with` block gives."""
    configuration = standard_configuration().with_fields("customer", FieldDefinition("nickname", "text"))
    assert_type(configuration, Configuration)
    assert_type(configuration_from_json("{}"), Configuration)
    people: Directory = sample_organisation()
    assert_type(Workspace.open("memory://", configuration, organisation=people), Workspace)
    workspace = Workspace(configuration, units=MemoryUnits(), organisation=sample_organisation())
    with workspace.acting_as("lisi", unit=host) as session:
        assert_type(session, Session)
        assert_type(session.now(), datetime)
        yield session


def describes(outcome: Outcome) -> str:
    """A match on what came of a change is exhaustive with two cases."""
    match outcome:
        case Applied(record):
            assert_type(record, RecordView)
            return record.text("name")
        case AwaitingApproval(request):
            assert_type(request, RequestView)
            return ", ".join(request.waiting_for)
        case _:
            assert_never(outcome)


def creates_and_changes(session: Session) -> None:
    """Every verb that writes gives an outcome; a version is a number, or says that any will do."""
    outcome = session.customers.create({"客户名称": "甲", "年采购预算": 1}, tags=[("需求", "采购设备")], reason="新")
    assert_type(outcome, Outcome)
    describes(outcome)
    assert_type(session.customers.update("id", {"name": None}, version=1), Outcome)
    assert_type(session.records("contract").archive("id", version=ANY), Outcome)
    assert_type(session.customers.revert("id", to_version=1, version=2), Outcome)
    session.customers.update("id", {"name": "乙"}, version="1")  # type: ignore[arg-type]
    session.customers.update("id", {"name": "乙"})  # type: ignore[call-arg]


def finds(session: Session) -> None:
    """Criteria are made by operators; a page has views, whose values are of the fields' types."""
    wanted = (F.annual_budget >= 500_000) & (F.status == "高潜") | ~F.industry.under("制造业")
    assert_type(wanted, Criterion)
    assert_type(wanted & Tagged("需求", "采购设备"), Criterion)
    page = session.customers.find(wanted, order_by=["-annual_budget"], limit=10)
    assert_type(page, Page)
    assert_type(page.next, str | None)
    view = page.records[0]
    assert_type(view, RecordView)
    assert_type(view["name"], Any)
    assert_type(view.text("name"), str)
    assert_type("name" in view, bool)
    assert_type(view.version, int)
    assert_type(view.owner, str | None)
    assert_type(session.customers.count(F.owner == "lisi"), int)
    assert_type(session.customers.history(view.id), tuple[ChangeView, ...])
    assert_type(session.customers.diff(view.id, 1, 2), dict[str, tuple[Any, Any]])


def approves(session: Session) -> None:
    """The inbox has tasks; deciding one gives the request as it is then."""
    for task in session.approvals.inbox():
        assert_type(task, InboxTask)
        assert_type(session.approvals.approve(task.request_id, comment="同意"), RequestView)
        assert_type(session.approvals.reject(task.request_id, version=task.request.version), RequestView)
    assert_type(session.approvals.submitted(), tuple[RequestView, ...])


def exchanges(session: Session, folder: Path) -> None:
    """Workbooks are written to paths, and an import is planned before it is applied."""
    write_template(session, "customer", folder / "template.xlsx")
    plan = plan_import(session, "customer", folder / "customers.xlsx")
    assert_type(plan.counts.creates, int)
    assert_type(plan.problems, tuple[Problem, ...])
    assert_type(plan.apply(progress=print).batch_id, str)
    export(session, "customer", folder / "export.xlsx", criteria=F.owner == "lisi", fields=["name"])


def fails(error: CustinfoError) -> bool:
    """Errors carry problems, and a failure of the store says whether to try again."""
    assert_type(error.problems, tuple[Problem, ...])
    assert_type(error.message("en"), str)
    return isinstance(error, StorageError) and error.retryable


class HostUnits:
    """A store of the host's own is what has the method; it inherits from nothing."""

    def __init__(self, inner: Units) -> None:
        self.inner = inner

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[UnitOfWork]:
        """Begin a unit of another store."""
        with self.inner.begin(schema, tenant) as unit:
            assert_type(unit.atomic(), AbstractContextManager[None])
            yield unit


def stores(url: str, people: Organisation) -> tuple[Units, ...]:
    """All stores are units, also those of a host; what is not is refused."""
    Workspace(standard_configuration(), units="memory://", organisation=people)  # type: ignore[arg-type]
    inner = MemoryUnits()
    Workspace(standard_configuration(), units=HostUnits(inner), organisation=people)
    return inner, HostUnits(inner), SqlAlchemyUnits.open(url)

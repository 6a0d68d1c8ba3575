"""An import and its undo at the same moment: what it did is there or gone as a whole, and a loser is told (XLS-4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from custinfo import ALL_FIELDS, ANY, ConflictError, CustinfoError, Grant, NotFoundError, StorageError, Workspace
from custinfo.adapters.excel import ExcelReport, plan_import
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._imports import SqlAlchemyImports
from custinfo.adapters.sqlalchemy._rewriting import SqlAlchemyRewriting
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.criteria import F
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.policy.grants import Action
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.undoing import UndoReport
from tests.adapters.sqlalchemy.served import ENGINES, at_once, server
from tests.adapters.sqlalchemy.test_erasure_races import while_at
from tests.databases import SharedTables

ROUNDS: Final = 2
ROWS: Final = 8
WRITING: Final[frozenset[Action]] = frozenset({"view", "create", "edit", "import"})
FLOW: Final = Flow(
    "large",
    Trigger("customer", actions=("import",), after=F.annual_budget >= 1_000_000),
    (Step("one", (NamedMember("zhoushi"),)),),
)
HEADINGS: Final = "客户名称,客户类型,联系人,联系方式,年采购预算\n"


class StoppedError(Exception):
    """The work is interrupted."""


def stop(_: object) -> None:
    """Interrupt the work."""
    raise StoppedError


@pytest.fixture(params=[*ENGINES])
def workspace(request: pytest.FixtureRequest, shared_tables: SharedTables) -> Iterator[Workspace]:
    """A workspace on a server, as custinfo opens it, and on an engine of a host's."""
    with server(request.param) as engine, shared_tables.lent(engine) as prefix:
        importing = Grant("senior_administrator", "customer", WRITING, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
        configuration = standard_configuration().with_grants(importing).with_flows(FLOW)
        units = SqlAlchemyUnits(engine, prefix=prefix)
        yield Workspace(configuration, units=units, organisation=sample_organisation())


def content(number: int, large: int = 0) -> bytes:
    """Return a file of its own for each number, of whose rows the first ones wait for approval."""
    lines = (
        f"第{number}批{row}公司,企业客户,张三,{13800000000 + 7919 * row + number},{2_000_000 if row < large else ''}\n"
        for row in range(ROWS)
    )
    return (HEADINGS + "".join(lines)).encode()


def import_(workspace: Workspace, file: bytes) -> ExcelReport:
    """Plan and apply a file."""
    with workspace.acting_as("sunjiu") as session:
        return plan_import(session, "customer", file, duplicates="create").apply(batch_size=3)


def interrupt(workspace: Workspace, file: bytes) -> str:
    """Import the first batch of a file; return the id of the import."""
    with pytest.raises(StoppedError), workspace.acting_as("sunjiu") as session:
        plan_import(session, "customer", file, duplicates="create").apply(stop, batch_size=3)
    with workspace.acting_as("sunjiu") as session:
        (last,) = session.customers.find(limit=1).records
        batch = session.customers.history(last.id)[0].batch
    assert batch is not None
    return batch


def is_told(error: CustinfoError) -> bool:
    """Tell whether an error says that somebody was faster, by a code."""
    return isinstance(error, ConflictError | IllegalTransitionError | NotFoundError) or (
        isinstance(error, StorageError) and error.retryable
    )


def undoing(workspace: Workspace, batch: str) -> Callable[[Callable[[], object]], UndoReport]:
    """Return what undoes an import when all are ready."""

    def run(meet: Callable[[], object]) -> UndoReport:
        meet()
        return workspace.undo_import(batch, actor="sunjiu")

    return run


def going_on(workspace: Workspace, file: bytes) -> Callable[[Callable[[], object]], ExcelReport]:
    """Return what goes on with an import when all are ready."""

    def run(meet: Callable[[], object]) -> ExcelReport:
        with workspace.acting_as("sunjiu") as session:
            plan = plan_import(session, "customer", file, duplicates="create")
            meet()
            return plan.apply(batch_size=3)

    return run


def left_of(workspace: Workspace, batch: str) -> dict[str, Counter[str]]:
    """Return what happened to each record by an import and its undo, and check that those that are there say so."""
    with workspace._begin.unit() as unit:
        changes = unit.history.of_batch(batch)
        there = unit.records.get("customer", {change.record_id for change in changes})
    found: dict[str, Counter[str]] = {}
    for change in changes:
        found.setdefault(change.record_id, Counter())[change.action] += 1
    assert {key for key, actions in found.items() if "delete" not in actions} == set(there)
    return found


def undone(workspace: Workspace, batch: str) -> bool:
    """Tell whether the store says that an import is undone."""
    with workspace._begin.unit() as unit:
        found = unit.imports.get(batch)
    assert found is not None
    return found.state == "undone"


def check_gone(workspace: Workspace, batch: str) -> None:
    """Check that an undone import left nothing: each of its records was made once, and removed once."""
    assert undone(workspace, batch)
    assert {tuple(sorted(actions.items())) for actions in left_of(workspace, batch).values()} <= {
        (("create", 1), ("delete", 1))
    }


def test_an_import_goes_on_and_is_undone(workspace: Workspace) -> None:
    """Its undo takes back all of it, or is told to come later; no row comes in behind it."""
    for number in range(ROUNDS):
        file = content(number)
        batch = interrupt(workspace, file)
        applied, taken = at_once(going_on(workspace, file), undoing(workspace, batch))
        assert all(is_told(found) for found in (applied, taken) if isinstance(found, CustinfoError))
        if isinstance(taken, CustinfoError):
            assert not undone(workspace, batch)
            workspace.undo_import(batch, actor="sunjiu")
        check_gone(workspace, batch)
        with workspace.acting_as("sunjiu") as session:
            assert session.customers.count() == 0
    assert workspace.check_integrity().problems == ()


def test_an_import_is_undone_by_two(workspace: Workspace) -> None:
    """One takes everything back; the other finds nothing left to do, or is told."""
    for number in range(ROUNDS):
        batch = import_(workspace, content(number)).batch_id
        reports = at_once(*[undoing(workspace, batch)] * 2)
        assert all(is_told(found) for found in reports if isinstance(found, CustinfoError))
        removed = [len(found.removed) for found in reports if isinstance(found, UndoReport)]
        assert Counter(removed) - Counter([0]) == Counter([ROWS])
        check_gone(workspace, batch)


def test_what_waits_is_decided_while_the_import_is_undone(workspace: Workspace) -> None:
    """What is approved in that moment is taken back with the rest, or not approved any more."""
    for number in range(ROUNDS):
        report = import_(workspace, content(number, large=2))
        (request_id,) = report.requests

        def approve(meet: Callable[[], object], request_id: str = request_id) -> Any:
            with workspace.acting_as("zhoushi") as session:
                session.approvals.get(request_id)
                meet()
                return session.approvals.approve(request_id)

        decided, taken = at_once(approve, undoing(workspace, report.batch_id))
        assert all(is_told(found) for found in (decided, taken) if isinstance(found, CustinfoError))
        assert not (isinstance(decided, CustinfoError) and isinstance(taken, CustinfoError))
        if isinstance(taken, CustinfoError):
            workspace.undo_import(report.batch_id, actor="sunjiu")
        check_gone(workspace, report.batch_id)
        with workspace.acting_as("zhoushi") as session:
            view = session.approvals.get(request_id)
            assert session.customers.count() == 0
        assert view.state == ("cancelled" if isinstance(decided, CustinfoError) else "applied")
    assert workspace.check_integrity().problems == ()


def test_a_record_is_changed_while_its_import_is_undone(workspace: Workspace) -> None:
    """Who changes it keeps the record, or finds it gone; nothing of what they wrote is lost without a word."""
    for number in range(ROUNDS):
        batch = import_(workspace, content(number)).batch_id
        key = min(left_of(workspace, batch))

        def change(meet: Callable[[], object], key: str = key) -> Any:
            with workspace.acting_as("zhoushi") as session:
                session.customers.get(key)
                meet()
                return session.customers.update(key, {"address": "上海市"}, version=ANY)

        changed, taken = at_once(change, undoing(workspace, batch))
        assert all(is_told(found) for found in (changed, taken) if isinstance(found, CustinfoError))
        if isinstance(taken, CustinfoError):
            taken = workspace.undo_import(batch, actor="sunjiu")
        assert taken.kept == (() if isinstance(changed, CustinfoError) else (key,))
        with workspace.acting_as("sunjiu") as session:
            found = session.customers.find().records
            assert [(view.id, view["address"]) for view in found] == [(key, "上海市") for key in taken.kept]
            for view in found:
                session.customers.archive(view.id, version=ANY)


def test_an_import_comes_to_its_end_before_the_undo_has_its_turn(workspace: Workspace) -> None:
    """An undo that began earlier takes back the rows that came in while it waited, or is told to begin anew."""
    file = content(1)
    batch = interrupt(workspace, file)

    def go_on() -> None:
        import_(workspace, file)

    with while_at(SqlAlchemyImports, "of_content", go_on) as meanwhile:
        taken = tried(lambda: workspace.undo_import(batch, actor="sunjiu"))
    assert meanwhile.raised == []
    if isinstance(taken, CustinfoError):
        assert is_told(taken)
        assert not undone(workspace, batch)
        taken = workspace.undo_import(batch, actor="sunjiu")
    assert len(taken.removed) == ROWS
    check_gone(workspace, batch)


def test_a_request_is_approved_before_the_undo_has_its_turn(workspace: Workspace) -> None:
    """An undo that began earlier takes back what was approved while it waited, or is told to begin anew."""
    report = import_(workspace, content(1, large=2))
    (request_id,) = report.requests

    def approve() -> None:
        with workspace.acting_as("zhoushi") as session:
            session.approvals.approve(request_id)

    with while_at(SqlAlchemyRewriting, "held_requests", approve) as meanwhile:
        taken = tried(lambda: workspace.undo_import(report.batch_id, actor="sunjiu"))
    assert meanwhile.raised == []
    if isinstance(taken, CustinfoError):
        assert is_told(taken)
        assert not undone(workspace, report.batch_id)
        taken = workspace.undo_import(report.batch_id, actor="sunjiu")
    assert len(taken.removed) == ROWS
    check_gone(workspace, report.batch_id)


def tried(action: Callable[[], UndoReport]) -> UndoReport | CustinfoError:
    """Return what an action returns, or the error that it raises."""
    try:
        return action()
    except CustinfoError as error:
        return error

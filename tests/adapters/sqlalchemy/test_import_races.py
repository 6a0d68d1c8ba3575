"""One file imported twice at once by one member: its rows come in once, and whoever is second is told (XLS-4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from custinfo import ALL_FIELDS, ConflictError, CustinfoError, Grant, StorageError, Workspace
from custinfo.adapters.excel import ExcelReport, plan_import
from custinfo.core.policy.grants import Action
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import MARIADB, POSTGRESQL, throw_away_units

HEADINGS = "客户名称,客户类型,联系人,联系方式\n"
FILE = (HEADINGS + "".join(f"第{row}公司,企业客户,张三,{13800000000 + 7919 * row}\n" for row in range(12))).encode()
"""No row has a unique value, so that no constraint of a store keeps one from being there twice."""


WRITING: frozenset[Action] = frozenset({"view", "create", "edit", "import"})
CODE = "91350100M000100Y43"


class StoppedError(Exception):
    """The work is interrupted."""


def stop(_: object) -> None:
    """Interrupt the work."""
    raise StoppedError


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace on each database."""
    folder = tmp_path_factory.mktemp("store")
    url = f"sqlite:///{folder}/store.db" if request.param == "sqlite" else request.param
    with throw_away_units(url) as units:
        importing = Grant("senior_administrator", "customer", WRITING, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
        configuration = standard_configuration().with_grants(importing)
        yield Workspace(configuration, units=units, organisation=sample_organisation())


def count(workspace: Workspace) -> int:
    """Return how many customers there are."""
    with workspace.acting_as("sunjiu") as session:
        return session.customers.count()


def import_(workspace: Workspace) -> None:
    """Plan and apply the file."""
    with workspace.acting_as("sunjiu") as session:
        plan_import(session, "customer", FILE).apply(batch_size=5)


def interrupt(workspace: Workspace) -> str:
    """Import the first batch; return the id of the import."""
    with pytest.raises(StoppedError), workspace.acting_as("sunjiu") as session:
        plan_import(session, "customer", FILE).apply(stop, batch_size=5)
    with workspace.acting_as("sunjiu") as session:
        (last,) = session.customers.find(limit=1).records
        batch = session.customers.history(last.id)[0].batch
    assert batch is not None
    return batch


def is_refusal(error: CustinfoError) -> bool:
    """Tell whether an error says that somebody else was faster."""
    return error.code in ("imported_meanwhile", "storage_retryable")


def test_imported_between_plan_and_apply(workspace: Workspace) -> None:
    """A plan counts no more once its file is imported."""
    with pytest.raises((ConflictError, StorageError)) as refused, workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", FILE)
        import_(workspace)
        plan.apply()
    assert is_refusal(refused.value)
    assert count(workspace) == 12


def test_undone_between_plan_and_apply(workspace: Workspace) -> None:
    """A plan that goes on with an import counts no more once that is undone: it holds its rows for taken over."""
    batch = interrupt(workspace)
    with pytest.raises((ConflictError, StorageError)) as refused, workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", FILE)
        assert plan.counts.unchanged == 5
        workspace.undo_import(batch, actor="sunjiu")
        plan.apply()
    assert is_refusal(refused.value)
    assert count(workspace) == 0
    import_(workspace)
    assert count(workspace) == 12


def test_an_interrupted_plan_goes_on(workspace: Workspace) -> None:
    """A plan itself knows what it did, and goes on with that."""
    with workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", FILE)
        with pytest.raises(StoppedError):
            plan.apply(stop, batch_size=5)
        assert plan.apply(batch_size=5).counts.creates == 12
    assert count(workspace) == 12


@pytest.mark.parametrize("interrupted", [False, True])
def test_two_at_once(workspace: Workspace, interrupted: bool) -> None:
    """Of two that begin, or go on, at the same instant, one comes to its end."""
    if interrupted:
        interrupt(workspace)
    ready, refused = threading.Barrier(2), list[CustinfoError]()

    def work() -> None:
        try:
            with workspace.acting_as("sunjiu") as session:
                plan = plan_import(session, "customer", FILE)
                ready.wait()
                plan.apply(batch_size=5)
        except CustinfoError as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [is_refusal(error) for error in refused] == [True]
    assert count(workspace) == 12


def test_two_members_with_the_same_new_customers(workspace: Workspace) -> None:
    """Of customers in two files at once, those with a unique value come in once; others are two, as if typed in."""
    headings = HEADINGS.replace("\n", ",统一社会信用代码\n")
    lines = [
        f"第{row}公司,企业客户,张三,{13800000000 + 7919 * row},{code}\n" for row, code in enumerate((CODE, "", ""))
    ]
    ready, reports = threading.Barrier(2), dict[str, ExcelReport]()

    def work(member: str, file: str) -> None:
        for attempt in range(5):
            try:
                with workspace.acting_as(member) as session:
                    plan = plan_import(session, "customer", file.encode(), duplicates="create")
                    if not attempt:
                        ready.wait()
                    reports[member] = plan.apply()
                    return
            except StorageError as error:
                if not error.retryable:
                    raise

    files = {"sunjiu": headings + "".join(lines), "zhoushi": headings + "".join(reversed(lines))}
    threads = [threading.Thread(target=work, args=item) for item in files.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with workspace.acting_as("sunjiu") as session:
        stored = [view.get("uscc") for view in session.customers.find(limit=None).records]
    assert stored.count(CODE) == 1
    assert 2 <= stored.count(None) <= 4
    assert sum(report.counts.creates for report in reports.values()) == len(stored)
    assert all(report.counts.total == 3 for report in reports.values())
    assert workspace.check_integrity().problems == ()

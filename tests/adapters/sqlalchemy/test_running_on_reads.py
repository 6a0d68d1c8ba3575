"""Which versions work of `Workspace.run` has read itself, so that another attempt reads others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from custinfo import RecordView, Session, Successor, Workspace
from custinfo.core.errors import StaleVersionError
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace import trying
from tests.databases import POSTGRESQL, throw_away_units
from tests.unit.workspace.story import Story

Read = Callable[[Session, RecordView], int]


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Open a workspace whose sessions see at once what others have committed."""
    monkeypatch.setattr(trying, "_PAUSE", 0.0)
    with throw_away_units(POSTGRESQL) as units:
        yield Workspace(standard_configuration(), units=units, organisation=sample_organisation())


def _of_history(session: Session, customer: RecordView) -> int:
    return session.customers.history(customer.id)[-1].version


def _of_changes(session: Session, customer: RecordView) -> int:
    return max(change.version for change in session.changes() if change.record_id == customer.id)


def _before_a_past_state(session: Session, customer: RecordView) -> int:
    assert customer.created_at is not None
    read = session.customers.get(customer.id).version
    assert session.customers.as_of(customer.id, customer.created_at).version == 1
    return read


@pytest.mark.parametrize("read", [_of_history, _of_changes, _before_a_past_state])
def test_versions_are_read_in_any_way(workspace: Workspace, read: Read) -> None:
    """Who has a version from the history or the feed, or looks at the past meanwhile, is called again with another."""
    story = Story(workspace)
    customer = story.update("lisi", story.customer(), {"address": "x"})
    calls: list[int] = []

    def work(session: Session) -> None:
        calls.append(read(session, customer))
        if len(calls) == 1:
            story.update("lisi", customer, {"address": "y"})
        session.customers.update(customer.id, {"special_notes": "z"}, version=calls[-1])

    workspace.run("lisi", work)
    assert calls == [2, 3]


def test_what_was_refused_before_does_not_end_other_work(workspace: Workspace) -> None:
    """A version that a web page gave is refused by itself; what was read here is read again all the same."""
    story = Story(workspace)
    customer = story.customer()
    other = story.customer(name="上海样品贸易有限公司", phone="13900139001", uscc=None)
    calls: list[int] = []

    def work(session: Session) -> None:
        with pytest.raises(StaleVersionError):
            session.customers.update(other.id, {"address": "x"}, version=7)
        calls.append(session.customers.get(customer.id).version)
        if len(calls) == 1:
            story.update("lisi", customer, {"address": "y"})
        session.customers.update(customer.id, {"special_notes": "z"}, version=calls[-1])

    workspace.run("lisi", work)
    assert calls == [1, 2]


def test_plans_are_made_anew(workspace: Workspace) -> None:
    """Who plans a hand-over and carries it out is called again where a record was changed in between."""
    story = Story(workspace)
    customer = story.customer()
    calls: list[int] = []

    def work(session: Session) -> None:
        plan = session.plan_hand_over("lisi", [Successor("wangwu")])
        calls.append(len(plan.items))
        if len(calls) == 1:
            story.update("lisi", customer, {"address": "y"})
        plan.apply(reason="离职")

    workspace.run("zhaojl", work)
    assert calls == [1, 1]
    assert story.view("zhaojl", customer).owner == "wangwu"

"""All changes in one sequence: streams, filters and cursors, within what the actor may see (HIS-1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custinfo import ANY, ChangeView, InvalidInputError, PermissionDeniedError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.history.changes import Change, FieldChange
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import Story

SHANGHAI = ZoneInfo("Asia/Shanghai")
LOCAL = datetime.fromisoformat("2024-03-16")
"""A time without a zone: midnight where the configuration is."""


def told(changes: Any) -> list[tuple[str, str, str]]:
    """Return what is short to compare."""
    return [(change.actor, change.action, change.channel) for change in changes]


@pytest.fixture
def year(story: Story, clock: Clock) -> Story:
    """Let people of two groups work for a while."""
    mine = story.customer("lisi")
    clock.advance(days=1)
    story.customer("wangwu", name="上海另一家有限公司", uscc=None)
    clock.advance(days=1)
    story.update("lisi", mine, {"annual_budget": "80万"})
    story.approve("zhaojl", story.submit("lisi", mine, {"status": "流失"}))
    return story


def test_everything_in_order(year: Story) -> None:
    """Whoever sees all customers gets every change, each with its record."""
    with year.workspace.acting_as("sunjiu") as session:
        changes = list(session.changes())
    assert told(changes) == [
        ("lisi", "create", "edit"),
        ("wangwu", "create", "edit"),
        ("lisi", "update", "edit"),
        ("lisi", "update", "approval"),
    ]
    assert [(change.module, change.version) for change in changes] == [
        ("customer", version) for version in (1, 1, 2, 3)
    ]
    assert changes[0].record_id == changes[2].record_id != changes[1].record_id
    assert changes[3].fields["status"] == ("高潜", "流失")
    assert changes[3].approval is not None
    assert changes[3].reason == "测试"


def test_only_what_is_in_reach(year: Story) -> None:
    """Others' records leave no trace, and masked or hidden fields are as in the record's own history."""
    with year.workspace.acting_as("wangwu") as session:
        assert told(session.changes()) == [("wangwu", "create", "edit")]
    with year.workspace.acting_as("liuqi") as session:
        [first, *_] = session.changes()
        assert str(first.fields["phone"][1]) == "138****5678"
    with year.workspace.acting_as("qianba") as session:
        assert list(session.changes()) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ({"actor": "wangwu"}, [1]),
        ({"channel": "approval"}, [3]),
        ({"since": LOCAL}, [1, 2, 3]),
        ({"until": datetime(2024, 3, 16, tzinfo=SHANGHAI)}, [0]),
        ({"since": LOCAL, "until": datetime(2024, 3, 17, tzinfo=SHANGHAI)}, [1]),
        ({"field": "年采购预算"}, [2]),
        ({"field": "status"}, [0, 1, 3]),
        ({"field": "owner", "actor": "lisi"}, [0]),
    ],
)
def test_filters(year: Story, question: dict[str, Any], expected: list[int]) -> None:
    """By actor, channel, time and field."""
    with year.workspace.acting_as("sunjiu") as session:
        everything = list(session.customers.changes())
        assert list(session.customers.changes(**question)) == [everything[place] for place in expected]


def test_a_hidden_field_is_no_filter(year: Story) -> None:
    """To choose by a field counts as reading it; an unknown one is said to be unknown."""
    with year.workspace.acting_as("lisi") as session:
        with pytest.raises(PermissionDeniedError) as denied:
            session.customers.changes(field="id_number")
        assert denied.value.code == "field_not_readable"
        with pytest.raises(InvalidInputError):
            session.customers.changes(field="no such")
        with pytest.raises(InvalidInputError):
            session.changes(modules=["no such"])


def test_a_cursor_goes_on(year: Story) -> None:
    """Pages follow each other without gap or repetition, also when more is written in between."""
    workspace = year.workspace
    first = workspace.changes_since(actor="sunjiu", limit=3)
    assert (len(first.changes), first.more) == (3, True)
    year.customer("lisi", name="杭州第三家有限公司", uscc=None)
    second = workspace.changes_since(first.cursor, actor="sunjiu", limit=2)
    assert (len(second.changes), second.more) == (2, False)
    assert second.changes[-1].fields["name"] == (None, "杭州第三家有限公司")
    end = workspace.changes_since(second.cursor, actor="sunjiu")
    assert (end.changes, end.cursor, end.more) == ((), second.cursor, False)
    with workspace.acting_as("sunjiu") as session:
        assert [*first.changes, *second.changes] == list(session.changes())
    assert workspace.changes_since(actor="qianba").cursor is None


def test_a_cursor_tells_nothing_of_others(year: Story) -> None:
    """It names the last change that was seen, and no count of those that were not."""
    before = year.workspace.changes_since(actor="wangwu").cursor
    year.customer("lisi", name="看不见的公司", uscc=None)
    assert year.workspace.changes_since(actor="wangwu").cursor == before
    assert year.workspace.changes_since(before, actor="wangwu").cursor == before


@pytest.mark.parametrize("cursor", ["", "x", "WyIxIiwgMV0=", "W10=", "MQ=="])
def test_a_cursor_of_elsewhere(year: Story, cursor: str) -> None:
    """One that this store never gave is refused."""
    with pytest.raises(InvalidInputError) as caught:
        year.workspace.changes_since(cursor, actor="sunjiu")
    assert caught.value.code == "cursor_unknown"


def test_records_that_are_gone(workspace: Workspace, clock: Clock) -> None:
    """That a record was removed is told to those who could see it."""
    del clock
    story = Story(workspace)
    customer = story.customer()
    with workspace.acting_as("sunjiu") as session:
        context = session.context
        [record] = context.unit.records.get("customer", [customer.id]).values()
        fields = (FieldChange("archived_at", None, context.now()),)
        gone = Change("customer", record.id, 2, context.now(), "sunjiu", "delete", fields)
        context.unit.records.remove([record])
        context.remember([gone])
    with workspace.acting_as("lisi") as session:
        assert [change.action for change in session.changes()] == ["create", "delete"]
    with workspace.acting_as("wangwu") as session:
        assert list(session.changes()) == []


def test_numbers_are_given_once(year: Story) -> None:
    """Reading numbers nothing anew, and a change keeps its place in every later answer."""
    with year.workspace.acting_as("sunjiu") as session:
        before = list(session.changes())
    year.customer("lisi", name="杭州第三家有限公司", uscc=None)
    with year.workspace.acting_as("sunjiu") as session:
        assert list(session.changes())[:4] == before
        assert all(isinstance(change, ChangeView) for change in before)
    with pytest.raises(ValueError, match="limit"), year.workspace.acting_as("sunjiu") as session:
        session.changes_since(limit=0)


def test_a_store_without_a_log(workspace: Workspace) -> None:
    """It is told what it lacks; history, and all else, works."""

    class Bare:
        """Units whose work has no log."""

        def __init__(self) -> None:
            self.units = MemoryUnits()

        @contextmanager
        def begin(self, schema: Any, tenant: str, /) -> Iterator[Any]:
            """Take the log away from it."""
            with self.units.begin(schema, tenant) as unit:
                del unit.log
                yield unit

    del workspace
    bare = Workspace(
        standard_configuration(), units=Bare(), organisation=sample_organisation(), keyring=Keyring.generate()
    )
    customer = Story(bare).customer()
    with bare.acting_as("lisi") as session:
        session.customers.update(customer.id, {"region": "上海"}, version=ANY)
        assert len(session.customers.history(customer.id)) == 2
        with pytest.raises(TypeError, match="ChangeLog"):
            session.changes_since()

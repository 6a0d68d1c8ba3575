"""Events: written with what they tell of, delivered at least once, by one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest

from custinfo import ANY, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.core.errors import StorageError
from custinfo.core.history.changes import ChangeAction
from custinfo.core.outbox import RECORD_EVENTS, Event, EventId
from custinfo.core.problems import Problem
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import NOW
from custinfo.workspace.defaults import Uuid7
from tests.unit.workspace.conftest import KEYS, Clock
from tests.unit.workspace.story import Story

SOURCES = Path(__file__).parents[3] / "src" / "custinfo" / "workspace"


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """The standard configuration, whose customers are announced and whose follow-ups are not."""
    standard = standard_configuration()
    with Workspace.open(
        url,
        standard.with_modules(attrs.evolve(standard.modules["customer"], announced=True)),
        organisation=sample_organisation(),
        keyring=Keyring({"k1": KEYS[0]}, current="k1", index_key=KEYS[1]),
        clock=clock,
        ids=Uuid7(clock),
    ) as opened:
        yield opened


def told(workspace: Workspace) -> list[Event]:
    """Deliver everything, and return it."""
    found: list[Event] = []
    workspace.deliver(found.append, limit=1000)
    return found


def test_every_change_of_an_announced_module(story: Story, workspace: Workspace) -> None:
    """Each kind of change is told with the names of the fields and no values; other modules tell nothing."""
    record = story.customer()
    with workspace.acting_as("lisi") as session:
        session.customers.update(record.id, {"address": "北京市朝阳区", "email": "a@b.cn"}, version=1)
        session.customers.tag(record.id, ("需求", "采购设备"), version=2)
        session.customers.archive(record.id, version=3)
        session.customers.restore(record.id, version=4)
        session.customers.revert(record.id, to_version=1, version=5)
        session.follow_ups.create({"customer": record.id, "at": "2024-03-15 10:30", "channel": "电话", "content": "a"})
    with workspace.acting_as("zhaojl") as session:
        session.customers.transfer(record.id, "wangwu", version=ANY)
    events = told(workspace)
    assert [(event.type, event.payload["version"]) for event in events] == [
        ("record.created", 1),
        ("record.updated", 2),
        ("record.tagged", 3),
        ("record.archived", 4),
        ("record.restored", 5),
        ("record.reverted", 6),
        ("record.transferred", 7),
    ]
    assert [event.key for event in events] == [f"record/{record.id}/{version}" for version in range(1, 8)]
    assert sorted(event.id for event in events) == [event.id for event in events]
    assert set(events[1].payload["fields"]) == {"address", "email"}
    assert events[1].payload == {
        "module": "customer",
        "record_id": record.id,
        "version": 2,
        "fields": events[1].payload["fields"],
        "actor": "lisi",
        "channel": "edit",
        "on_behalf_of": None,
        "approval": None,
        "batch": None,
    }
    for value in ("北京示例科技有限公司", "13812345678", "91350100M000100Y43", "朝阳", "a@b.cn", "采购设备"):
        assert value not in str([attrs.asdict(event) for event in events])


def test_what_an_approval_applies_is_told(story: Story, workspace: Workspace) -> None:
    """A change that waits is told when it is made, with its request."""
    record = story.customer()
    told(workspace)
    request = story.submit("lisi", record, {"status": "流失"})
    assert [event for event in told(workspace) if event.type.startswith("record.")] == []
    story.approve("zhaojl", request)
    (event,) = [event for event in told(workspace) if event.type.startswith("record.")]
    assert (event.payload["channel"], event.payload["approval"]) == ("approval", request.id)


def test_every_action_has_an_event() -> None:
    """Whatever may happen to a record has a type by which it is told."""
    assert set(RECORD_EVENTS) == set(get_args(ChangeAction))
    assert len(set(RECORD_EVENTS.values())) == len(RECORD_EVENTS)


def test_nothing_is_announced_unasked(clock: Clock) -> None:
    """Modules tell nothing by default."""
    with Workspace.open("memory://", standard_configuration(), organisation=sample_organisation()) as workspace:
        Story(workspace).customer()
        assert workspace.undelivered() == ()


def test_a_change_of_the_configuration_is_told(story: Story, workspace: Workspace) -> None:
    """Records that follow a new configuration are announced as it says."""
    record = story.customer(address="甲")
    told(workspace)
    with workspace.acting_as("admin") as session:
        current = session.configuration.current
        session.configuration.change(current.change_field("customer", "address", encrypted=True))
    (event,) = told(workspace)
    assert (event.payload["record_id"], event.payload["channel"]) == (record.id, "configuration")
    with workspace.acting_as("admin") as session:
        current = session.configuration.current
        quiet = current.with_modules(attrs.evolve(current.modules["customer"], announced=False))
        session.configuration.change(quiet.change_field("customer", "address", encrypted=False))
    assert told(workspace) == []


def test_history_is_added_in_one_place() -> None:
    """Nothing in the workspace adds to the history but what announces it, too."""
    adding = {path.name for path in SOURCES.glob("*.py") if re.search(r"history\.append\(", path.read_text("utf-8"))}
    assert adding == {"announcing.py"}


def test_what_is_rolled_back_is_not_told(story: Story, workspace: Workspace) -> None:
    """An event lives and dies with its transaction, and is not seen before the commit."""
    with pytest.raises(ZeroDivisionError), workspace.acting_as("lisi") as session:
        session.context.announce("shop.ordered", "order/1", order=1)
        _ = 1 // 0
    assert workspace.undelivered() == ()
    with workspace.acting_as("lisi") as session:
        session.context.announce("shop.ordered", "order/1", order=1, of=["x", {"y": None}])
    (event,) = told(workspace)
    assert (event.type, event.key, event.attempts) == ("shop.ordered", "order/1", 1)
    assert event.payload == {"order": 1, "of": ("x", {"y": None})}
    assert workspace.undelivered() == ()


def announce(workspace: Workspace, *orders: int) -> None:
    """Announce some orders."""
    with workspace.acting_as("lisi") as session:
        for order in orders:
            session.context.announce("shop.ordered", f"order/{order}", order=order)


def orders(events: Any) -> list[int]:
    """Return the orders of which events tell."""
    return [event.payload["order"] for event in events]


def refusing(*unwanted: int) -> Callable[[Event], None]:
    """Return a handler that fails for some orders."""

    def handle(event: Event) -> None:
        if event.payload["order"] in unwanted:
            raise OSError("secret")

    return handle


def test_a_failure_waits_longer_each_time(workspace: Workspace, clock: Clock) -> None:
    """The others go on; what failed is due after a pause that doubles, and at most a day."""
    announce(workspace, 1, 2, 3)
    pause = timedelta(minutes=1)
    report = workspace.deliver(refusing(2), pause=pause)
    assert orders(report.delivered) == [1, 3]
    (failed,) = report.failed
    assert isinstance(failed.error, OSError)
    assert "secret" not in repr(report)
    assert workspace.deliver(refusing(2), pause=pause).failed == ()
    for minutes in (1, 2, 4):
        clock.advance(minutes=minutes - 0.5)
        assert workspace.deliver(refusing(2), pause=pause).failed == ()
        clock.advance(minutes=1)
        assert len(workspace.deliver(refusing(2), pause=pause).failed) == 1
    assert [event.attempts for event in workspace.undelivered()] == [4]
    for _ in range(40):
        clock.advance(days=1, seconds=1)
        (failed,) = workspace.deliver(refusing(2), pause=pause).failed
    assert failed.due_at - clock.time <= timedelta(days=1)
    clock.advance(days=1)
    assert orders(workspace.deliver(refusing()).delivered) == [2]


def test_an_interruption_gives_the_rest_back(workspace: Workspace) -> None:
    """What ends the process ends the delivery; the event at hand and those behind it may be taken at once."""
    announce(workspace, 1, 2, 3)

    def stop(event: Event) -> None:
        if event.payload["order"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.deliver(stop)
    assert orders(workspace.deliver(refusing()).delivered) == [2, 3]


def test_a_dead_process_keeps_events_for_its_lease(workspace: Workspace, clock: Clock) -> None:
    """Events that were claimed and never settled come again when the lease is over."""
    announce(workspace, 1, 2)
    with workspace._begin.unit() as unit:
        unit.outbox.claim(1, now=clock(), until=clock() + timedelta(minutes=5))
    assert orders(workspace.deliver(refusing()).delivered) == [2]
    clock.advance(minutes=6)
    (event,) = workspace.deliver(refusing()).delivered
    assert (event.payload["order"], event.attempts) == (1, 2)


def test_a_slow_handler_loses_its_lease(workspace: Workspace, clock: Clock) -> None:
    """What the lease is too short for is left to a later call, and nothing is delivered twice."""
    announce(workspace, 1, 2, 3)

    def slow(event: Event) -> None:
        clock.advance(minutes=3)

    assert orders(workspace.deliver(slow, lease=timedelta(minutes=5)).delivered) == [1, 2]
    assert orders(workspace.deliver(refusing()).delivered) == [3]


def test_a_limit(workspace: Workspace) -> None:
    """At most so many at once, the oldest first; a handler may act in the same workspace."""
    announce(workspace, 1, 2, 3)

    def handle(event: Event) -> None:
        announce(workspace, 10 + event.payload["order"])

    assert orders(workspace.deliver(handle, limit=2).delivered) == [1, 2]
    assert orders(workspace.undelivered()) == [3, 11, 12]
    assert orders(workspace.undelivered(limit=1)) == [3]


def test_what_cannot_be_settled_comes_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the store fails after the handler, the error is raised, and the event is delivered once more."""
    announce(workspace, 1)
    with workspace._begin.unit() as unit:
        outbox = type(unit.outbox)

    def fail(*_: object) -> None:
        raise StorageError([Problem("storage_failed", params={"error": "E", "state": ""})])

    with monkeypatch.context() as patch, pytest.raises(StorageError):
        patch.setattr(outbox, "acknowledge", fail)
        workspace.deliver(refusing())
    (event,) = workspace.deliver(refusing()).delivered
    assert event.attempts == 2


def test_events_are_backed_up(workspace: Workspace, tmp_path: Path) -> None:
    """What was not delivered is delivered where the tenant is put back."""
    announce(workspace, 1, 2)
    workspace.deliver(refusing(1))
    summary = workspace.export_tenant(tmp_path / "backup.jsonl")
    assert summary.counts["event"] == 1
    with Workspace.open("sqlite://", workspace.configuration, organisation=sample_organisation()) as other:
        other.import_tenant(tmp_path / "backup.jsonl")
        assert other.check_integrity().counts["event"] == 1
        (event,) = other.deliver(refusing()).delivered
        assert (event.key, event.attempts) == ("order/1", 2)
    workspace.delete_tenant(confirm="default")
    assert workspace.undelivered() == ()


@pytest.mark.parametrize("kind", ["", "shop", "Shop.ordered", "shop.ordered!", "a.b.c.d", "shop." + "x" * 40])
def test_a_type_is_words_with_dots(kind: str) -> None:
    """Types that no store could keep, or nobody could match, are refused at once."""
    with pytest.raises(ValueError, match="'type'"):
        Event(EventId("1"), "k", NOW, kind)


@pytest.mark.parametrize("value", [NOW, {"at": NOW}, [object()], {1: 2}])
def test_a_payload_is_json(value: object) -> None:
    """Other values are refused, and not told."""
    with pytest.raises(TypeError, match="payload of an event"):
        Event(EventId("1"), "k", NOW, "shop.ordered", {"x": value})
    with pytest.raises(ValueError, match="'key'"):
        Event(EventId("1"), "k" * 256, NOW, "shop.ordered")

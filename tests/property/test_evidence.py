"""Whatever is done to a history that has evidence and an anchor is found (HIS-3)."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from custinfo import ANY, Anchor, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.evidence import Evidence, LinkForm, canonical, canonical_text, content_of, link_message
from custinfo.core.history.changes import Change, FieldChange
from custinfo.core.history.proven import ProvenChanges
from custinfo.core.records import RecordId
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import Story

KEYRING = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})
COLUMNS = (
    *("record_id", "version", "module", "at", "actor", "action", "channel", "on_behalf_of", "approval", "batch"),
    *("configuration_version", "reason", "fields", "evidence", "position"),
)


def workspace_on(units: Any) -> Workspace:
    """Return a workspace with a key for evidence."""
    clock = Clock()
    return Workspace(
        standard_configuration(),
        units=units,
        organisation=sample_organisation(),
        keyring=KEYRING,
        clock=clock,
        ids=Uuid7(clock),
    )


def work(story: Story) -> Anchor:
    """Let people work: creation, edits with sealed values, an approval, tags, archiving; and make an anchor."""
    customer, individual = story.customer(tags=[("行业", "制造业")]), story.individual()
    story.update("lisi", customer, {"annual_budget": "80万", "region": "上海"})
    story.approve("zhaojl", story.submit("lisi", customer, {"status": "流失"}))
    story.update("sunjiu", individual, {"occupation": "教师"})
    with story.workspace.acting_as("sunjiu") as session:
        session.customers.tag(individual.id, [("需求", "采购设备")], version=ANY)
        session.customers.archive(individual.id, version=ANY, reason="不再合作")
    return story.workspace.anchor()


# --- the history as rows, which an attacker writes as they like

Row = dict[str, Any]


class Store:
    """A store, and its table of changes as it is when somebody goes around the library."""

    def __init__(self) -> None:
        self.anchor = work(Story(self.workspace))
        self.before = self.rows()

    workspace: Workspace

    def rows(self) -> list[Row]:
        """Return all rows of changes."""
        raise NotImplementedError

    def write(self, rows: list[Row]) -> None:
        """Let the table hold just these rows."""
        raise NotImplementedError


class MemoryStore(Store):
    """Changes in dicts."""

    def __init__(self) -> None:
        self.units = MemoryUnits()
        self.workspace = workspace_on(self.units)
        super().__init__()

    def rows(self) -> list[Row]:
        """Return the attributes of all changes."""
        changes = self.units._tenants["default"].changes
        return [attrs.asdict(change, recurse=False) for found in changes.values() for change in found]

    def write(self, rows: list[Row]) -> None:
        """Put changes of these attributes in the place of all."""
        state = self.units._tenants["default"]
        state.changes, state.feed, state.pending = {}, {}, {}
        found: dict[tuple[str, str], list[Change]] = {}
        for row in rows:
            fields = tuple(FieldChange(*item) for item in row["fields"])
            change = Change(**{**row, "fields": fields})
            found.setdefault((change.module, change.record_id), []).append(change)
        for key, changes in found.items():
            ordered = tuple(sorted(changes, key=lambda change: change.version))
            state.add_changes(key, ordered, ordered)  # type: ignore[arg-type]


class SqliteStore(Store):
    """Changes in a table."""

    def __init__(self) -> None:
        self.units = SqlAlchemyUnits.open("sqlite://")
        self.workspace = workspace_on(self.units)
        super().__init__()

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Connect beside the library."""
        with self.units._source.begin() as connection:  # type: ignore[union-attr]
            yield connection

    def rows(self) -> list[Row]:
        """Return the columns of all rows."""
        table = self.units.tables.change
        with self.connected() as connection:
            return [{key: row[key] for key in COLUMNS} for row in connection.execute(select(table)).mappings()]

    def write(self, rows: list[Row]) -> None:
        """Put these rows in the place of all."""
        table = self.units.tables.change
        with self.connected() as connection:
            connection.execute(table.delete())
            for row in rows:
                connection.execute(insert(table), {**row, "tenant_id": "default"})


@pytest.fixture(scope="module", params=[MemoryStore, SqliteStore], ids=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store with a history, made once: each test puts it back as it was."""
    found: Store = request.param()
    yield found
    found.workspace.close()


# --- what an attacker does


def other(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, int):
        return value + 1
    return "x" if value is None else f"{value}x"


def alter_column(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Write something else into one column of one row."""
    row = draw(st.sampled_from(rows))
    name = draw(st.sampled_from(["actor", "action", "channel", "on_behalf_of", "approval", "batch", "reason"]))
    row[name] = other(row[name])
    return f"{name} altered"


def alter_time(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Say that it was at another time."""
    row = draw(st.sampled_from(rows))
    at = row["at"]
    row["at"] = at + timedelta(seconds=1) if isinstance(at, datetime) else at.replace("2024", "2023")
    return "time altered"


def alter_configuration(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Say that it was under another configuration."""
    draw(st.sampled_from(rows))["configuration_version"] += 1
    return "configuration version altered"


def alter_value(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Write another old or new value, or none."""
    row = draw(st.sampled_from([row for row in rows if row["fields"]]))
    fields = [list(item) for item in row["fields"]]
    item = draw(st.sampled_from(fields))
    place = draw(st.sampled_from([1, 2]))
    item[place] = None if item[place] is not None and draw(st.booleans()) else "forged"
    row["fields"] = fields
    return f"value of {item[0]} altered"


def drop_value(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Take a field out of a change."""
    row = draw(st.sampled_from([row for row in rows if row["fields"]]))
    place = draw(st.integers(0, len(row["fields"]) - 1))
    row["fields"] = [item for number, item in enumerate(row["fields"]) if number != place]
    return "field dropped"


def swap_contents(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Let two rows change places, with their evidence."""
    one, two = draw(st.permutations(rows))[:2]
    for name in ("fields", "reason", "evidence"):
        one[name], two[name] = two[name], one[name]
    return "contents swapped"


def swap_positions(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Put two changes in each other's place."""
    one, two = draw(st.permutations(rows))[:2]
    one["position"], two["position"] = two["position"], one["position"]
    return "positions swapped"


def swap_versions(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Let two changes of one record come in another order."""
    several = [row for row in rows if sum(item["record_id"] == row["record_id"] for item in rows) > 1]
    one = draw(st.sampled_from(several))
    two = draw(st.sampled_from([row for row in several if row["record_id"] == one["record_id"] and row is not one]))
    one["version"], two["version"] = two["version"], one["version"]
    return "versions swapped"


def delete_row(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Delete one row."""
    rows.remove(draw(st.sampled_from(rows)))
    return "row deleted"


def delete_history(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Delete everything about one record."""
    gone = draw(st.sampled_from(rows))["record_id"]
    rows[:] = [row for row in rows if row["record_id"] != gone]
    return "history deleted"


def insert_row(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Add a row, of a version that was not, or of a record that was not; with evidence of another, or none."""
    row = copy.deepcopy(draw(st.sampled_from(rows)))
    if draw(st.booleans()):
        row["record_id"], row["version"] = "018f0000-0000-7000-8000-00000000abcd", 1
    else:
        row["version"] = max(item["version"] for item in rows if item["record_id"] == row["record_id"]) + 1
    row["position"] = draw(st.sampled_from([None, row["position"], len(rows) + 1]))
    row["evidence"] = draw(st.sampled_from([None, row["evidence"]]))
    rows.append(row)
    return "row inserted"


def strip_evidence(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Take the evidence away and alter the row."""
    row = draw(st.sampled_from(rows))
    row["evidence"], row["actor"] = None, "admin"
    return "evidence stripped"


def alter_evidence(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Alter the evidence itself."""
    row = draw(st.sampled_from(rows))
    evidence = Evidence.from_text(row["evidence"])
    assert evidence is not None
    name = draw(st.sampled_from(["salt", "link"]))
    flipped = bytes([getattr(evidence, name)[0] ^ 1]) + getattr(evidence, name)[1:]
    row["evidence"] = attrs.evolve(evidence, **{name: flipped}).to_text()
    return f"{name} altered"


def pretend_erased(draw: Callable[[Any], Any], rows: list[Row]) -> str:
    """Alter a row, and say by the form of its evidence that its content was erased."""
    row = draw(st.sampled_from(rows))
    evidence = Evidence.from_text(row["evidence"])
    assert evidence is not None
    row["reason"] = "forged"
    row["evidence"] = attrs.evolve(evidence, original=b"o" * 32, seal_key="e1", seal=b"s" * 32).to_text()
    return "pretended erasure"


ATTACKS = (
    alter_column,
    alter_time,
    alter_configuration,
    alter_value,
    drop_value,
    swap_contents,
    swap_positions,
    swap_versions,
    delete_row,
    delete_history,
    insert_row,
    strip_evidence,
    alter_evidence,
    pretend_erased,
)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
@given(data=st.data())
@settings(max_examples=25)
def test_every_mutation_is_found(store: Store, attack: Callable[..., str], data: st.DataObject) -> None:
    """One row altered, deleted, added or moved is found, in memory and in a database."""
    rows = copy.deepcopy(store.before)
    told = attack(data.draw, rows)
    store.write(rows)
    try:
        assert store.rows() != store.before or told == "versions swapped", told
        report = store.workspace.verify()
        assert not report.ok, told
    finally:
        store.write(copy.deepcopy(store.before))
    assert store.workspace.verify(store.anchor).ok


def test_an_untouched_history_is_whole(store: Store) -> None:
    """Nothing is found where nothing was done."""
    report = store.workspace.verify(store.anchor)
    assert (report.ok, report.records, report.changes, report.unproven, report.anchors) == (True, 2, 7, 0, 1)


@given(salt=st.binary(min_size=16, max_size=16), digest=st.binary(min_size=32, max_size=32), erased=st.booleans())
@example(salt=b"\0" * 16, digest=b"\xff" * 32, erased=True)
def test_evidence_comes_back_from_text(salt: bytes, digest: bytes, erased: bool) -> None:
    """Its text gives it back; another text that could be taken for it is refused."""
    more: dict[str, Any] = {"original": digest, "seal_key": "k-1", "seal": digest} if erased else {}
    evidence = Evidence("k1", salt, digest, **more)
    text = evidence.to_text()
    assert Evidence.from_text(text) == evidence
    assert Evidence.from_text(f"{text}=") is None
    assert Evidence.from_text(text[:-1]) is None
    assert len(text) == (69 if not erased else 161)


_words = st.text(max_size=5)
_changes = st.builds(
    Change,
    module=_words,
    record_id=_words.map(RecordId),
    version=st.integers(1, 2**40),
    at=st.datetimes(timezones=st.just(UTC)),
    actor=_words,
    action=st.sampled_from(["create", "update", "erase"]),
    fields=st.just(()),
    channel=st.sampled_from(["edit", "import"]),
    reason=st.none() | _words,
    on_behalf_of=st.none() | _words,
    approval=st.none() | _words,
    batch=st.none() | _words,
    configuration_version=st.integers(1, 9),
)


@given(tenant=_words, change=_changes, digest=st.binary(min_size=32, max_size=32), chained=st.booleans())
def test_a_form_of_links_writes_what_the_link_of_each_is_made_of(
    tenant: str, change: Change, digest: bytes, *, chained: bool
) -> None:
    """What is the same for a batch is written once, and comes to the bytes that `verify` computes for each change."""
    before = digest.hex() if chained else ""
    form = LinkForm.of(tenant, attrs.evolve(change, record_id=RecordId("other"), version=1))
    assert form.shared == LinkForm.shared_by(change)
    assert form.message(change.record_id, change.version, before, digest) == link_message(
        tenant, change, before, digest
    )


@given(fields=st.lists(st.tuples(_words, _words, st.none() | _words)), reason=st.none() | _words)
def test_a_content_is_made_of_the_text_of_fields(fields: list[Any], reason: str | None) -> None:
    """The text that is stored is a part of what is proven."""
    assert content_of(canonical_text(fields), reason) == canonical([fields, reason])


def test_proven_changes_are_changes() -> None:
    """They are made one by one, in parts, and all at once, and have their evidence."""
    at = datetime(2024, 3, 15, tzinfo=UTC)
    bare = [Change("customer", RecordId(key), 1, at, "lisi", "update", ()) for key in "abc"]
    proven = ProvenChanges(bare, ["[]"] * 3, ["k.1", "k.2", "k.3"])
    expected = [attrs.evolve(change, evidence=f"k.{number}") for number, change in enumerate(bare, start=1)]
    assert len(proven) == 3
    assert list(proven) == expected
    assert [change.evidence for change in proven] == ["k.1", "k.2", "k.3"]
    assert [change.evidence for change in proven[1:]] == ["k.2", "k.3"]
    assert (proven[0].evidence, proven[-1].evidence) == ("k.1", "k.3")


def test_an_anchor_is_a_line_of_json() -> None:
    """It comes back from its text, and holds no value of a record."""
    anchor = Anchor("default", 1, datetime(2024, 3, 15, tzinfo=UTC), 7, 0, "ab", "e1", "cd")
    assert Anchor.from_json(anchor.to_json()) == anchor
    assert json.loads(anchor.to_json())["position"] == 7

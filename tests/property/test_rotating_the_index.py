"""The key of blind indexes is rotated while everybody works: all is found, nothing twice, nothing lost (FLD-7)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo import (
    ANY,
    CLEAR,
    AwaitingApproval,
    ConfigurationError,
    F,
    Grant,
    InvalidInputError,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.access_log import AccessQuery
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.configuration import Configuration
from custinfo.core.policy.grants import Fields
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.planning import make_plan
from tests.property.dying_units import DiedError, DyingUnits
from tests.unit.workspace.story import Story
from tests.unit.workspace.test_importing import Rows

OLD = Keyring({"k1": b"1" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})
BOTH = OLD.with_index_key("i2", b"j" * 32)
ONLY_NEW = BOTH.without_index_key("")
NUMBERS = ("11010519491231002X", "110101194912310016", "110101194912310024", "110101194912310032", "110101194912310040")
FIRST, ARCHIVED, AWAITED, DELETED, FREE = NUMBERS
CONFIGURATION = (
    standard_configuration()
    .change_field("customer", "id_number", last_four=True)
    .with_grants(Grant("data_administrator", "customer", frozenset({"delete"}), "all"))
)


def made(kind: str) -> Any:
    """Make an empty store."""
    return MemoryUnits() if kind == "memory" else SqlAlchemyUnits.open("sqlite://")


def opened(units: Any, keyring: Keyring | None, configuration: Configuration = CONFIGURATION) -> Workspace:
    """Open a workspace on a store, with a keyring."""
    return Workspace(configuration, units=units, organisation=sample_organisation(), keyring=keyring)


def fill(workspace: Workspace) -> dict[str, str]:
    """Let people have numbers, now or once: one archived, one cleared, one awaited, one deleted for good."""
    story = Story(workspace)
    keys: dict[str, str] = {}
    for number in (FIRST, ARCHIVED, DELETED):
        keys[number] = story.individual(id_number=number, name=f"某人{number[-2:]}", birthday=None).id
    nobody = story.individual(id_number=FREE, name="无证件", birthday=None)
    keys[AWAITED] = nobody.id
    with workspace.acting_as("sunjiu") as session:
        session.customers.archive(keys[ARCHIVED], version=ANY)
        session.customers.delete(keys[DELETED], version=ANY)
    story.approve("sunjiu", story.submit("lisi", nobody, {"id_number": CLEAR}))
    story.submit("lisi", nobody, {"id_number": AWAITED})
    return keys


def holds(workspace: Workspace, keys: Mapping[str, str]) -> None:
    """Look for everybody, by the whole number and by its end, and try to have each number again."""
    with workspace.acting_as("zhoushi") as session:
        for number in (FIRST, ARCHIVED, DELETED, FREE):
            expected = {keys[number]} if number in (FIRST, ARCHIVED) else set()
            for criterion in (F.id_number == number, F.id_number.last_four(number[-4:])):
                found = {record.id for record in session.customers.find(criterion, archived=True).records}
                assert found == expected
        assert session.customers.get(keys[FIRST])["id_number"] == FIRST
        assert session.customers.history(keys[FIRST])[0].fields["id_number"][1] == FIRST
    for number, code in ((FIRST, "not_unique"), (AWAITED, None)):
        assert again(workspace, number) == code


class _RolledBackError(Exception):
    """What is done is to be taken back."""


def again(workspace: Workspace, number: str) -> str | None:
    """Create somebody with a number, and take that back; return with what code it is refused."""
    try:
        with workspace.acting_as("sunjiu") as session:
            raw = {"name": "另一人", "customer_type": "个人客户", "contact_name": "另一人", "phone": "13900139009"}
            session.customers.create({**raw, "owner": "lisi", "id_number": number})
            raise _RolledBackError  # noqa: TRY301 - the end of the session is what takes it back
    except InvalidInputError as error:
        return error.code
    except _RolledBackError:
        return None


def ends_well(units: Any, keys: Mapping[str, str]) -> None:
    """Rotate to the end: the old key may go, nothing under it is left, and what waited takes effect."""
    report = opened(units, BOTH).rotate_index()
    assert (dict(report.left), report.problems, report.may_go("")) == ({}, (), True)
    holds(opened(units, BOTH), keys)
    holds(opened(units, ONLY_NEW), keys)
    after = opened(units, ONLY_NEW)
    report = after.rotate_index()
    assert (dict(report.left), report.problems) == ({}, ())
    assert after.check_integrity().problems == ()
    assert after.verify().ok
    holds(after, keys)
    with after.acting_as("sunjiu") as session:
        [task] = session.approvals.inbox()
        session.approvals.approve(task.request_id)
    with after.acting_as("zhoushi") as session:
        assert session.customers.count(F.id_number == AWAITED) == 1
    assert again(after, AWAITED) == "not_unique"
    assert after.rotate_index().reindexed == 0


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_all_is_found_before_meanwhile_and_after(kind: str) -> None:
    """Under the old key, under both before and after rotating, and under the new one alone."""
    units = made(kind)
    keys = fill(opened(units, OLD))
    holds(opened(units, OLD), keys)
    holds(opened(units, BOTH), keys)
    left = [problem for problem in opened(units, BOTH).check_integrity().problems if problem.code == "digests_left"]
    assert [(problem.severity, problem.params["key"]) for problem in left] == [("warning", "-")]
    ends_well(units, keys)


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=3))
@settings(max_examples=20)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_nothing_is_lost_at_any_interruption(kind: str, stops: list[tuple[int, bool]]) -> None:
    """However often it dies, at whatever call and with whichever keyring, all is found in between and in the end."""
    units = made(kind)
    keys = fill(opened(units, OLD))
    for at, late in stops:
        with suppress(DiedError):
            opened(DyingUnits(units, at, late=late), BOTH).rotate_index()
        holds(opened(units, BOTH), keys)
    ends_well(units, keys)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_it_may_die_at_any_call_of_the_store(kind: str, late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may die at each single call, before or after, under both keys or the new one; a second run ends it.

    The calls are the same whatever keeps the records; a database, which takes longer, dies at every third one.
    """
    monkeypatch.setattr("custinfo.workspace.rotation._PAGE", 2)  # several pages, each committed
    died, at = True, 0
    while died:
        at += 1 if kind == "memory" else 3
        units = made(kind)
        keys = fill(opened(units, OLD))
        dying = DyingUnits(units, at, late=late)
        with suppress(DiedError):
            opened(dying, BOTH).rotate_index()
        died = dying.calls == at
        holds(opened(units, BOTH), keys)
        assert opened(units, BOTH).rotate_index().may_go("")
        with suppress(DiedError):
            opened(DyingUnits(units, at, late=late), ONLY_NEW).rotate_index()
        holds(opened(units, ONLY_NEW), keys)
        ends_well(units, keys)
    assert at > 10, "the number of places at which it died"


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_both_ways_of_writing_are_one_to_uniqueness(kind: str) -> None:
    """Who has the old keyring yet and who has the new one already can't have the same number, whoever is first."""
    units = made(kind)
    story = Story(opened(units, OLD))
    story.individual(id_number=FIRST, birthday=None)
    assert again(opened(units, BOTH), FIRST) == "not_unique"
    Story(opened(units, BOTH)).individual(id_number=FREE, name="李小红", birthday=None)
    assert again(opened(units, OLD), FREE) == "not_unique"
    assert again(opened(units, BOTH), FREE) == "not_unique"


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_what_nothing_opens_keeps_its_digests(kind: str) -> None:
    """A value whose data key is missing stays found under the former key, and the report counts it."""
    units = made(kind)
    keys = fill(opened(units, OLD))
    strange = Keyring(
        {"k9": b"9" * 32}, current="k9", index_key=b"j" * 32, index_id="i2",
        former_index_keys={"": b"i" * 32}, evidence_keys={"e1": b"e" * 32},
    )  # fmt: skip
    report = opened(units, strange).rotate_index()
    assert not report.may_go("")
    assert [problem.code for problem in report.problems] == ["values_closed"]
    holds(opened(units, BOTH), keys)
    ends_well(units, keys)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_value_that_two_have_is_told(kind: str) -> None:
    """Where somebody wrote with a keyring that lacked the former key, the report names who has the value twice."""
    units = made(kind)
    first = Story(opened(units, OLD)).individual(id_number=FIRST, birthday=None)
    second = Story(opened(units, ONLY_NEW)).individual(id_number=FIRST, name="李小红", birthday=None)
    report = opened(units, BOTH).rotate_index()
    told = {(problem.code, problem.params["record"], problem.params["other"]) for problem in report.problems}
    assert told == {("unique_shared", first.id, second.id), ("unique_shared", second.id, first.id)}
    assert not report.may_go("")


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_history_that_is_proven_needs_its_key(kind: str) -> None:
    """Without the key for evidence, what is proven is not written anew; with it, the anchors of before hold."""
    units = made(kind)
    keys = fill(opened(units, OLD))
    anchor = opened(units, OLD).anchor()
    bare = Keyring({"k1": b"1" * 32}, current="k1", index_key=b"j" * 32, index_id="i2")
    with pytest.raises(ConfigurationError) as caught:
        opened(units, bare).rotate_index()
    assert caught.value.code == "evidence_key_missing"
    ends_well(units, keys)
    assert opened(units, ONLY_NEW).verify(anchor).ok


def test_a_keyring_with_index_keys_is_needed() -> None:
    """Without one there is nothing to rotate."""
    with pytest.raises(ConfigurationError) as caught:
        opened(MemoryUnits(), None).rotate_index()
    assert caught.value.code == "keyring_missing"


def imported(workspace: Workspace, *numbers: str) -> list[tuple[str, ...]]:
    """Import somebody with each number; return with what codes each row is refused."""
    header = ("客户名称", "客户类型", "联系人", "联系方式", "负责人", "证件号码")
    rows = [(f"人{place}", "个人客户", "人", f"1390000000{place}", "李四", text) for place, text in enumerate(numbers)]
    with workspace.acting_as("sunjiu") as session:
        report = make_plan(session.context, "customer", Rows(rows, header), digest=str(numbers)).apply()
    return [tuple(item.code for item in row.problems if item.severity == "error") for row in report.rows]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_rows_of_a_file_are_unique_under_both_keys(kind: str) -> None:
    """Rows clash with records that are indexed under either key, and are themselves indexed under both."""
    units = made(kind)
    Story(opened(units, OLD)).individual(id_number=FIRST, birthday=None)
    Story(opened(units, BOTH)).individual(id_number=FREE, name="李小红", birthday=None)
    assert imported(opened(units, BOTH), FIRST, FREE, AWAITED) == [("not_unique",), ("not_unique",), ()]
    assert [again(opened(units, keyring), AWAITED) for keyring in (OLD, BOTH, ONLY_NEW)] == ["not_unique"] * 3


def test_who_hands_in_again_is_told_so() -> None:
    """A new record that waits since before the rotation is known to be the same under both keys."""
    flow = Flow("imports", Trigger("customer", actions=("import",)), (Step("data", (NamedMember("zhoushi"),)),))
    units = made("memory")
    gated = CONFIGURATION.with_flows(flow)
    assert imported(opened(units, OLD, gated), FIRST) == [()]
    assert imported(opened(units, BOTH, gated), FIRST) == [("awaits_already",)]
    assert opened(units, BOTH, gated).rotate_index().may_go("")
    assert imported(opened(units, BOTH, gated), FIRST) == [("awaits_already",)]


def test_the_access_log_says_what_was_asked() -> None:
    """One value is one, though it has digests under two keys."""
    units = made("memory")
    configuration = CONFIGURATION.change_field("customer", "id_number", log_reads=True)
    story = Story(opened(units, OLD, configuration))
    story.individual(id_number=FIRST, birthday=None)
    workspace = opened(units, BOTH, configuration)
    with workspace.acting_as("zhoushi") as session:
        session.customers.find(F.id_number == FIRST)
        session.customers.find(F.id_number.is_in([FIRST, FREE]))
    with units.begin(workspace._begin.compiled.schema, "default") as unit:
        asked = {text for entry in unit.accesses.find(AccessQuery(["customer"])) for text in entry.asked}
    assert asked == {"id_number eq", "id_number oneof"}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_rows_of_before_that_are_put_back_are_told(kind: str) -> None:
    """They prove themselves, since they were so once; but the record says otherwise, and the digests are counted."""
    units = made(kind)
    keys = fill(opened(units, OLD))
    workspace = opened(units, ONLY_NEW)
    with units.begin(workspace._begin.compiled.schema, "default") as unit:
        former = list(unit.history.of_record("customer", keys[FIRST]))
    assert opened(units, BOTH).rotate_index().may_go("")
    workspace.rotate_index()
    with units.begin(workspace._begin.compiled.schema, "default") as unit:
        unit.rewriting.changes(former)
    assert workspace.verify().ok
    assert {problem.code for problem in workspace.check_integrity().problems} == {"history_differs", "digests_left"}
    assert workspace.rotate_index().reindexed == 1
    assert workspace.check_integrity().problems == ()


def test_a_backup_of_before_is_indexed_anew(tmp_path: Path) -> None:
    """What was backed up under the old index key is restored without it, told of, and found after rotating."""
    keys = fill(opened(source := made("memory"), OLD))
    opened(source, OLD).export_tenant(tmp_path / "backup")
    workspace = opened(made("sqlite"), ONLY_NEW)
    workspace.import_tenant(tmp_path / "backup")
    with workspace.acting_as("zhoushi") as session:
        assert session.customers.count(F.id_number == FIRST) == 0
        assert session.customers.get(keys[FIRST])["id_number"] == FIRST
    assert [problem.code for problem in workspace.check_integrity().problems] == ["digests_left"]
    assert workspace.rotate_index().may_go("")
    assert workspace.check_integrity().problems == ()
    holds(workspace, keys)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_value_of_before_comes_back_indexed(kind: str) -> None:
    """Reverting to a version of before the rotation brings a value back that is found, and unique, by the new key."""
    units = made(kind)
    editor = Grant("senior_administrator", "customer", frozenset({"edit"}), "all", edit=Fields(("id_number",)))
    configuration = CONFIGURATION.with_grants(editor)
    story = Story(opened(units, OLD))
    person = story.individual(id_number=FIRST, birthday=None)
    story.approve("sunjiu", story.submit("lisi", person, {"id_number": FREE}))
    assert opened(units, BOTH).rotate_index().may_go("")
    workspace = opened(units, ONLY_NEW, configuration)
    workspace.rotate_index()
    assert again(workspace, FIRST) is None
    with workspace.acting_as("zhoushi") as session:
        outcome = session.customers.revert(person.id, to_version=1, version=ANY)
    assert isinstance(outcome, AwaitingApproval)
    Story(workspace).approve("sunjiu", outcome.request)
    with workspace.acting_as("zhoushi") as session:
        assert session.customers.count(F.id_number == FIRST) == 1
        assert session.customers.count(F.id_number == FREE) == 0
    assert again(workspace, FIRST) == "not_unique"
    assert workspace.check_integrity().problems == ()
    assert workspace.verify().ok


def replaced_by_import(workspace: Workspace, number: str) -> str:
    """Give the one with a phone another number by an import; return its batch."""
    rows = Rows([("13900000001", number)], ("联系方式", "证件号码"))
    with workspace.acting_as("sunjiu") as session:
        report = make_plan(session.context, "customer", rows, digest="x", match=["联系方式"]).apply()
    assert report.counts.updates == 1
    return report.batch_id


def as_read_before(monkeypatch: pytest.MonkeyPatch, units: Any, key: str) -> None:
    """Let whoever reads the history of a record from now on have read it before whatever follows."""
    with units.begin(opened(units, OLD)._begin.compiled.schema, "default") as unit:
        known, repository = list(unit.history.of_record("customer", key)), type(unit.history)
    of_record = repository.of_record

    def read(self: Any, module: str, record_id: Any) -> Any:
        return known if record_id == key else of_record(self, module, record_id)

    monkeypatch.setattr(repository, "of_record", read)


EDITORS = [
    Grant(role, "customer", frozenset({"edit"}), "all", edit=Fields(("id_number",)))
    for role in ("data_administrator", "senior_administrator")
]


@pytest.mark.parametrize("keyring", [BOTH, ONLY_NEW], ids=["both", "only new"])
@pytest.mark.parametrize("verb", ["revert", "request", "undo"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_who_read_the_past_before_a_rotation_writes_it_as_of_now(
    kind: str, verb: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was is read, then the index key is rotated to the end, then it is saved: it is found by the new key."""
    units = made(kind)
    free = attrs.evolve(CONFIGURATION, flows=())
    configuration = (CONFIGURATION if verb == "request" else free).with_grants(*EDITORS)
    story = Story(opened(units, OLD, free))
    person = story.individual(id_number=FIRST, birthday=None, phone="13900000001")
    if verb == "undo":
        batch = replaced_by_import(opened(units, OLD, configuration), FREE)
    else:
        with opened(units, OLD, free.with_grants(*EDITORS)).acting_as("zhoushi") as session:
            session.customers.update(person.id, {"id_number": FREE}, version=ANY)
    with monkeypatch.context() as patch:
        as_read_before(patch, units, person.id)
        assert opened(units, BOTH, configuration).rotate_index().may_go("")
        opened(units, ONLY_NEW, configuration).rotate_index()
        workspace = opened(units, keyring, configuration)
        if verb == "undo":
            assert workspace.undo_import(batch, actor="sunjiu").reverted == (person.id,)
        else:
            with workspace.acting_as("zhoushi") as session:
                outcome = session.customers.revert(person.id, to_version=1, version=ANY)
            assert isinstance(outcome, AwaitingApproval) == (verb == "request")
    if verb == "request" and isinstance(outcome, AwaitingApproval):
        Story(workspace).approve("sunjiu", outcome.request)
    with opened(units, ONLY_NEW, configuration).acting_as("zhoushi") as session:
        assert session.customers.count(F.id_number == FIRST) == 1
        assert session.customers.count(F.id_number.last_four(FIRST[-4:])) == 1
        assert session.customers.get(person.id)["id_number"] == FIRST
    assert again(opened(units, ONLY_NEW, configuration), FIRST) == "not_unique"
    report = opened(units, ONLY_NEW, configuration).rotate_index()
    assert (dict(report.left), report.problems) == ({}, ())
    assert (report.reindexed > 0) == (keyring is BOTH), "nothing under the old key alone was written"
    assert opened(units, ONLY_NEW, configuration).verify().ok

"""Changes that were made without the key are attested later: nothing is proven of before, and all of after (HIS-3)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from custinfo import ANY, ConfigurationError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.evidence import Evidence
from custinfo.ports.history import ChangeQuery
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import Story

KEYRING = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})
ROTATED = KEYRING.with_index_key("i2", b"j" * 32)


def opened(units: Any, keyring: Keyring | None) -> Workspace:
    """Open a workspace on a store."""
    clock = Clock()
    people = sample_organisation()
    return Workspace(
        standard_configuration(), units=units, organisation=people, keyring=keyring, clock=clock, ids=Uuid7(clock)
    )


@pytest.fixture(params=["memory", "sqlite"])
def units(request: pytest.FixtureRequest) -> Any:
    """An empty store."""
    return MemoryUnits() if request.param == "memory" else SqlAlchemyUnits.open("sqlite://")


def story(units: Any) -> tuple[str, str]:
    """Let people work with the key and without it; return a record that was made with it, and one made without."""
    mixed = Story(opened(units, KEYRING)).individual()
    bare = Story(opened(units, None)).customer()
    for number, keyring in enumerate((None, None, KEYRING, None), start=1):
        for record in (mixed, bare):
            Story(opened(units, keyring)).update("sunjiu", record, {"special_notes": f"第{number}次"})
    return mixed.id, bare.id


def codes(workspace: Workspace, *anchors: Any) -> list[str]:
    """Return what verifying finds."""
    return [problem.code for problem in workspace.verify(*anchors).problems]


def altered(units: Any, record_id: str, version: int, **other: Any) -> None:
    """Put a change in the place of another one, as somebody does who may write to the database."""
    workspace = opened(units, KEYRING)
    with units.begin(workspace._begin.compiled.schema, "default") as unit:
        [change] = [item for item in unit.history.of_record("customer", record_id) if item.version == version]
        unit.rewriting.changes([attrs.evolve(change, **other)])


def test_what_was_made_without_the_key_has_no_doubt_left(units: Any) -> None:
    """Told as unproven before, and counted as attested after; anchors of before and after hold, and work goes on."""
    mixed, bare = story(units)
    workspace = opened(units, KEYRING)
    anchor = workspace.anchor()
    assert codes(workspace) == ["history_unproven", "history_unproven"]
    report = workspace.attest(anchor)
    assert (report.attested, report.problems) == (7, ())
    for record_id in (mixed, bare):
        with workspace.acting_as("sunjiu") as session:
            session.customers.update(record_id, {"special_notes": "之后"}, version=ANY)
    later = workspace.anchor()
    found = workspace.verify(anchor, later)
    assert (found.ok, found.unproven, found.attested, found.changes) == (True, 0, 7, 12)
    assert workspace.attest(anchor, later).attested == 0


@pytest.mark.parametrize("version", [2, 3, 5])
def test_what_is_altered_afterwards_is_found(units: Any, version: int) -> None:
    """Content, evidence of another change, and evidence taken away: each is found at that change."""
    mixed, _ = story(units)
    workspace = opened(units, KEYRING)
    workspace.attest()
    with units.begin(workspace._begin.compiled.schema, "default") as unit:
        changes = {item.version: item for item in unit.history.of_record("customer", mixed)}
    change = changes[version]
    attacks: list[dict[str, Any]] = [{"reason": "别的"}, {"evidence": changes[1].evidence}]
    attacks += [{"evidence": None}] if version != 3 else []  # the second of two in a row has nothing before it
    for attack in attacks:
        altered(units, mixed, version, **attack)
        assert codes(workspace) == ["history_unproven" if attack.get("evidence", "") is None else "history_altered"]
        altered(units, mixed, version, reason=change.reason, evidence=change.evidence)
        assert codes(workspace) == []


def test_evidence_that_was_taken_away_is_not_made_anew(units: Any) -> None:
    """Who strips a change of its evidence and alters it is found by what was chained to it, or by the anchor."""
    mixed, _ = story(units)
    workspace = opened(units, KEYRING)
    anchor = workspace.anchor()
    altered(units, mixed, 4, evidence=None, reason="别的")  # nothing was chained to it: the next one had no key
    report = workspace.attest(anchor)
    assert (report.attested, [problem.code for problem in report.problems]) == (0, ["anchor_differs"])
    other = Story(workspace).customer(name="另一家", uscc=None, phone="13800138009")
    Story(workspace).update("sunjiu", other, {"special_notes": "一"})
    altered(units, other.id, 1, evidence=None, reason="别的")
    report = workspace.attest()
    assert (report.attested, {problem.code for problem in report.problems}) == (
        0,
        {"history_altered", "anchor_differs"},
    )


def test_nobody_attests_without_the_key(units: Any) -> None:
    """Without a key it is refused, and what somebody makes up with another key is found."""
    _, bare = story(units)
    with pytest.raises(ConfigurationError) as caught:
        opened(units, None).attest()
    assert caught.value.code == "evidence_key_missing"
    forger = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"f" * 32})
    workspace = opened(units, KEYRING)
    with units.begin(workspace._begin.compiled.schema, "default") as unit:
        first, *_ = unit.history.of_record("customer", bare)
    prover = opened(MemoryUnits(), forger)
    with prover.acting_as("lisi") as session:
        made = session.context.prover_under(session.context.compiled)
    assert made is not None
    altered(units, bare, 1, evidence=made.attested(first, first.at).evidence)
    assert "history_altered" in codes(workspace)


def test_what_is_attested_is_erased_and_rotated_like_all_else(units: Any) -> None:
    """Its content is written anew with evidence of that, and it stays attested."""
    mixed, bare = story(units)
    workspace = opened(units, KEYRING)
    workspace.attest()
    with workspace.acting_as("sunjiu") as session:
        session.customers.erase_person(bare, fields=["special_notes"], reason="本人要求")
    assert (codes(workspace), workspace.verify().attested) == ([], 7)
    rotated = opened(units, ROTATED)
    assert rotated.rotate_index().may_go("")
    assert (codes(rotated), rotated.verify().attested) == ([], 7)
    altered(units, mixed, 2, reason="别的")
    assert codes(rotated) == ["history_altered"]
    with units.begin(workspace._begin.compiled.schema, "default") as unit:
        unit.log.number()
        kept = [Evidence.from_text(change.evidence or "") for change in unit.log.read(ChangeQuery())]
    assert all(found is not None for found in kept)
    assert {found.attested is not None and found.seal is not None for found in kept if found} == {True, False}

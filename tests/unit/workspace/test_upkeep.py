"""Backup, restore, deletion and checks of a tenant, as a host uses them on the standard configuration."""

from __future__ import annotations

import gzip
import importlib.util
import io
import stat
from pathlib import Path
from typing import Any

import attrs
import pytest

from custinfo import Configuration, ConflictError, InvalidInputError, Problem, Report, UnreadableFileError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.problems import Severity
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import (
    RepositoryContract,
    UpkeepContract,
    make_change,
    make_record,
    record_id,
    sample_configuration,
    sample_directory,
    sample_schema,
)
from custinfo.workspace.integrity import IntegrityReport
from custinfo.workspace.upkeep import verify_backup
from tests.unit.workspace.conftest import KEYS, Clock
from tests.unit.workspace.story import IDENTITY_NUMBER, Story

ROOT = Path(__file__).parents[3]


def another(tenant: str = "default", units: Any = None) -> Workspace:
    """Return an empty workspace in memory with the same keys."""
    return Workspace(
        standard_configuration(),
        units=units or MemoryUnits(),
        organisation=sample_organisation(),
        keyring=Keyring({"k1": KEYS[0]}, current="k1", index_key=KEYS[1]),
        tenant=tenant,
    )


def backup(workspace: Workspace) -> bytes:
    """Return a backup."""
    file = io.BytesIO()
    workspace.export_tenant(file)
    return file.getvalue()


def rename(workspace: Workspace) -> None:
    """Change the configuration at run time."""
    with workspace.acting_as("admin") as session:
        session.configuration.change(
            session.configuration.current.change_field("customer", "address", label="公司地址")
        )


def test_work_goes_on_after_a_restore(story: Story) -> None:
    """Records, their history, requests that wait, and the configuration changed at run time are there as before."""
    customer = story.customer(tags=[("行业", "制造业")])
    story.update("lisi", customer, {"address": "北京"})
    request = story.submit("lisi", customer, {"status": "流失"})
    rename(story.workspace)
    before = story.view("lisi", customer)
    target = another()
    summary = target.import_tenant(io.BytesIO(backup(story.workspace)))
    assert (summary.tenant, summary.configuration) == ("default", 2)
    assert target.check_integrity().problems == ()
    restored = Story(target)
    assert restored.view("lisi", customer) == before
    with target.acting_as("lisi") as session:
        assert [item.version for item in session.customers.history(customer.id)] == [1, 2]
        assert session.configuration.current.modules["customer"].fields["address"].label["zh"] == "公司地址"
    assert restored.approve("zhaojl", request).state == "applied"
    with pytest.raises(InvalidInputError) as caught:
        restored.customer()
    assert [problem.code for problem in caught.value.problems] == ["not_unique"]


def test_encrypted_values_stay_encrypted(story: Story) -> None:
    """A backup shows no more than the database; restored with the keys, the values open, for the same tenant alone."""
    customer = story.individual()
    data = backup(story.workspace)
    assert IDENTITY_NUMBER.encode() not in data
    target = another()
    target.import_tenant(io.BytesIO(data))
    assert Story(target).view("zhoushi", customer)["id_number"] == IDENTITY_NUMBER
    elsewhere = another("other")
    with pytest.raises(InvalidInputError) as caught:
        elsewhere.import_tenant(io.BytesIO(data))
    assert caught.value.problems == (Problem("backup_of_other_tenant", params={"tenant": "default"}),)
    assert sum(elsewhere.check_integrity().counts.values()) == 0


def test_evidence_is_of_one_tenant(clock: Clock) -> None:
    """A history that proves itself does so for its tenant alone: under another name it is refused, not broken."""
    keyring = Keyring.generate()

    def opened(tenant: str) -> Workspace:
        people = sample_organisation()
        return Workspace(
            standard_configuration(),
            units=MemoryUnits(),
            organisation=people,
            keyring=keyring,
            clock=clock,
            tenant=tenant,
        )

    source, same, other = opened("north"), opened("north"), opened("south")
    Story(source).customer()
    data = backup(source)
    with pytest.raises(InvalidInputError) as caught:
        other.import_tenant(io.BytesIO(data))
    assert caught.value.problems == (Problem("backup_of_other_tenant", params={"tenant": "north"}),)
    same.import_tenant(io.BytesIO(data))
    assert (same.verify().ok, same.verify().unproven) == (True, 0)


def test_a_tenant_without_encrypted_values_may_be_copied(story: Story) -> None:
    """Under another name it is the same, and a trial of it harms nobody."""
    customer = story.customer()
    target = another("trial")
    target.import_tenant(io.BytesIO(backup(story.workspace)))
    assert Story(target).view("lisi", customer) == story.view("lisi", customer)


@pytest.mark.parametrize("name", ["kunden.jsonl", "kunden.jsonl.gz"])
def test_files(story: Story, tmp_path: Path, name: str) -> None:
    """A path is for its owner alone, compressed by its name, and read by its content."""
    story.customer()
    path = tmp_path / name
    summary = story.workspace.export_tenant(path)
    assert verify_backup(str(path)) == summary
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")
    renamed = path.rename(tmp_path / "renamed")
    assert another().import_tenant(renamed) == summary
    assert list(tmp_path.glob("*.part")) == []


def test_a_backup_that_fails_leaves_the_one_before(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until all is written, the file of before stays, and no half of a file is left."""
    path = tmp_path / "backup.jsonl"
    story.workspace.export_tenant(path)
    before = path.read_bytes()
    story.customer()

    def fail(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr("custinfo.workspace.backups.BackupWriter.finish", fail)
    with pytest.raises(OSError, match="no space"):
        story.workspace.export_tenant(path)
    assert [item.name for item in tmp_path.glob("backup*")] == ["backup.jsonl"]
    assert path.read_bytes() == before


def test_a_cut_off_archive(story: Story, tmp_path: Path) -> None:
    """A compressed file that breaks off, or is no archive inside, is damage, not an error of Python."""
    data = gzip.compress(backup(story.workspace))
    path = tmp_path / "backup.gz"
    for part in (data[: len(data) // 2], data[:-4], data[:10], data[:20] + b"\0\0\0\0" + data[24:]):
        path.write_bytes(part)
        with pytest.raises(UnreadableFileError):
            verify_backup(path)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "backup_damaged"),
        (b"\n", "not_a_backup"),
        (b"PK\x03\x04\n", "not_a_backup"),
        (b'{"record":{}}\n', "not_a_backup"),
        (b'{"custinfo_backup":{"format":2}}\n', "backup_newer"),
        (b'{"custinfo_backup":{"format":1}}\n', "backup_damaged"),
        (b'{"custinfo_backup":' + b"[" * 100_000 + b"\n", "not_a_backup"),
    ],
)
def test_other_files(data: bytes, code: str) -> None:
    """What is no backup, or one of a later library, is refused at its first line."""
    with pytest.raises(UnreadableFileError) as caught:
        verify_backup(io.BytesIO(data))
    assert caught.value.code == code


def test_a_tenant_that_is_not_empty(story: Story) -> None:
    """A backup is not mixed with what is there."""
    story.customer()
    data = backup(story.workspace)
    with pytest.raises(ConflictError) as caught:
        story.workspace.import_tenant(io.BytesIO(data))
    assert caught.value.code == "tenant_not_empty"
    assert backup(story.workspace).splitlines()[1:-1] == data.splitlines()[1:-1]


def test_a_backup_of_another_configuration() -> None:
    """What the configuration in the host's code has no place for is refused with its line, and nothing is kept."""
    source = sample(sample_configuration())
    with source._begin.units.begin(sample_schema(), "default") as unit:
        unit.records.save([make_record(1, {"count": 3}), make_record(2, {"title": "甲"})])
        unit.records.save([make_record(3, {"text": "乙"}, module="thing_note")])
    data = backup(source)
    other_kind = sample(sample_configuration().change_field("thing", "title", kind="date"))
    with pytest.raises(InvalidInputError) as caught:
        other_kind.import_tenant(io.BytesIO(data))
    assert caught.value.problems == (Problem("backup_misfit", params={"line": 3}),)
    known = sample_configuration()
    fewer = sample(attrs.evolve(known, modules={"thing": known.modules["thing"]}))
    with pytest.raises(InvalidInputError) as caught:
        fewer.import_tenant(io.BytesIO(data))
    assert caught.value.code == "unknown_module"
    for target in (other_kind, fewer):
        assert sum(target.check_integrity().counts.values()) == 0


def chain(error: BaseException) -> list[BaseException]:
    """Return an error and all that led to it."""
    found, led_to = [error], error.__cause__ or error.__context__
    return found if led_to is None else [*found, *chain(led_to)]


def test_what_is_wrong_with_a_backup_quotes_nothing_of_it() -> None:
    """Neither the error nor what led to it has a value of the file: not of a line that is cut, nor of a misfit."""
    source = sample(sample_configuration())
    with source._begin.units.begin(sample_schema(), "default") as unit:
        unit.records.save([make_record(1, {"title": "王小明 13900139000"})])
    lines = backup(source).splitlines(keepends=True)
    (place,) = [place for place, line in enumerate(lines) if "13900139000" in line.decode()]
    cut = [*lines[:place], lines[place][:-9] + b"\n", *lines[place + 1 :]]
    head = [lines[0][:-9] + b"13900139000\n"]
    other_kind = sample(sample_configuration().change_field("thing", "title", kind="date"))
    for target, given in ((sample(sample_configuration()), cut), (source, head), (other_kind, lines)):
        with pytest.raises((UnreadableFileError, InvalidInputError, ConflictError)) as caught:
            target.import_tenant(io.BytesIO(b"".join(given)))
        for error in chain(caught.value):
            assert "13900139000" not in f"{error!r} {vars(error)}"


def sample(configuration: Configuration, units: MemoryUnits | None = None) -> Workspace:
    """Return a workspace in memory under a configuration of the sample organisation."""
    return Workspace(configuration, units=units or MemoryUnits(), organisation=sample_directory())


def test_deleting(story: Story) -> None:
    """Nothing is left, the configuration is that of the code, and the tenant may begin anew; its name confirms it."""
    story.customer()
    rename(story.workspace)
    with pytest.raises(ValueError, match="default"):
        story.workspace.delete_tenant(confirm="defualt")
    assert story.workspace.check_integrity().counts["record"] == 1
    assert story.workspace.delete_tenant(confirm="default") > 0
    assert sum(story.workspace.check_integrity().counts.values()) == 0
    story.customer()
    with story.workspace.acting_as("lisi") as session:
        assert session.configuration.current.version == 1
        assert session.customers.count() == 1
    assert story.workspace.check_integrity().ok


def test_ordinary_work_leaves_no_contradiction(story: Story) -> None:
    """What the verbs do, imports, approvals and archiving among them, is in order; what may come of it is a warning."""
    customer = story.customer(tags=[("行业", "制造业")])
    request = story.submit("lisi", customer, {"status": "流失"})
    story.approve("zhaojl", request)
    story.individual()
    with story.workspace.acting_as("lisi") as session:
        session.customers.archive(customer.id, version=session.customers.get(customer.id).version)
    report = story.workspace.check_integrity()
    assert report == IntegrityReport(report.counts)
    known = {"revision": 0, "record": 2, "change": 4, "request": 1, "import": 0, "event": 5, "anchor": 0, "access": 0}
    assert dict(report.counts) == known


def test_a_report_reads_well() -> None:
    """Warnings leave a report in order, and `Report.of` shows it."""
    kinds: tuple[Severity, ...] = ("warning", "error")
    warning, error = (
        Problem("choice_without_entry", "status", params={"module": "customer", "record": "1"}, severity=severity)
        for severity in kinds
    )
    empty = another().check_integrity()
    assert attrs.evolve(empty, problems=(warning,)).ok
    assert not attrs.evolve(empty, problems=(warning, error)).ok
    assert Report.of(attrs.evolve(empty, problems=(warning,))).summary("en") == "errors: 0, warnings: 1, notices: 0"


KEY_ONE, KEY_TWO = (("thing", "code", code) for code in ("C-1", "C-2"))
MEMORY: dict[str, tuple[dict[Any, Any], set[tuple[str, str | None, Any]]]] = {
    "missing": ({KEY_ONE: None}, {("unique_differs", "code", record_id(1))}),
    "altered": ({("thing", "code", "C-9"): record_id(1)}, {("unique_differs", "code", record_id(1))}),
    "of another": (
        {KEY_ONE: record_id(2)},
        {("unique_differs", "code", record_id(1)), ("unique_differs", "code", record_id(2))},
    ),
    "of nobody": ({KEY_TWO: "x"}, {("index_without_record", None, "x"), ("unique_differs", "code", record_id(2))}),
    "not unique any more": ({("thing", "title", "C-9"): record_id(1)}, set()),
}
"""What may happen to the unique values in memory (`None` takes one away), and what is to be said of it."""


@pytest.mark.parametrize("name", MEMORY)
def test_tampering_in_memory(name: str) -> None:
    """The store in memory checks and repairs what it keeps beside the records, too."""
    units = MemoryUnits()
    kept = sample(sample_configuration(), units)
    records = [make_record(number, {"code": f"C-{number}"}) for number in (1, 2)]
    with units.begin(sample_schema(), "default") as unit:
        unit.records.save(records)
        unit.history.append([make_change(None, record) for record in records])
    assert kept.check_integrity().problems == ()
    state, (tampered, expected) = units._tenants["default"], MEMORY[name]
    before = dict(state.unique)
    together: dict[Any, Any] = {**before, **tampered}
    state.unique = {key: holder for key, holder in together.items() if holder is not None}
    found = kept.check_integrity().problems
    assert {(item.code, item.field, item.params["record"]) for item in found} == expected
    mended = kept.check_integrity(repair=True)
    assert (set(mended.repaired), mended.problems) == (set(found), ())
    assert state.unique == before or not expected
    assert kept.check_integrity().problems == ()


def test_a_store_without_upkeep(tmp_path: Path) -> None:
    """A host's own store that has no upkeep is told which Protocol is missing, and nothing else changes for it."""
    path = ROOT / "examples" / "own_repository.py"
    spec = importlib.util.spec_from_file_location("own_repository_without_upkeep", path)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    workspace = another(units=example.OwnUnits(tmp_path / "own.db"))
    for work in (
        lambda: workspace.export_tenant(io.BytesIO()),
        lambda: workspace.import_tenant(io.BytesIO()),
        lambda: workspace.delete_tenant(confirm="default"),
        workspace.check_integrity,
    ):
        with pytest.raises(TypeError, match=r"custinfo\.ports\.Upkeep"):
            work()


def test_the_contract_of_upkeep_is_apart() -> None:
    """A store passes the contract of repositories without upkeep."""
    assert not issubclass(RepositoryContract, UpkeepContract)

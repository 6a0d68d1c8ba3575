"""A stolen database gives no identity number: a whole story, and then every byte that it left (FLD-7)."""

from __future__ import annotations

import io
import logging
import pickle
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from openpyxl import Workbook
from sqlalchemy import make_url

from custinfo import ANY, InvalidInputError, SubjectAccess, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export, plan_import, write_subject_access
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import POSTGRESQL, require_server, throw_away_prefix
from tests.unit.workspace.story import Story

MARKERS = ("11010519491231002X", "110101194912310016", "110101194912310024", "110101194912310032", "110101194912310040")
"""Created, imported, submitted for approval, refused by hand, and refused in a row of an import."""

PERMITTED = "permitted"
"""The folder of what somebody exports who may."""


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file by name, those within a workbook too."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield path.name, path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path.name}/{name}", archive.read(name)


def leaks(named: Iterator[tuple[str, bytes]]) -> list[str]:
    """Return the names of what holds a marker, in one of the encodings that databases and files use."""
    forms = [marker.encode(coding) for marker in MARKERS for coding in ("utf-8", "utf-16-le")]
    return [name for name, data in named if any(form in data for form in forms)]


def tell(workspace: Workspace, folder: Path) -> None:
    """Create, edit, import, have approved, be refused, and export as one who may."""
    story = Story(workspace)
    person = story.individual(id_number=MARKERS[0])
    story.update("sunjiu", person, {"region": "上海"})
    sheet = Workbook()
    sheet.active.append(["客户名称", "客户类型", "联系人", "联系方式", "证件号码", "负责人"])
    sheet.active.append(["李小红", "个人客户", "李小红", "13900139001", MARKERS[1], "李四"])
    sheet.active.append(["赵小兰", "个人客户", "赵小兰", "139", MARKERS[4], "李四"])
    sheet.active.append(["钱小梅", "个人客户", "钱小梅", "13900139003", MARKERS[0], "李四"])
    file = io.BytesIO()
    sheet.save(file)
    with workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", io.BytesIO(file.getvalue()))
        (folder / "plan.txt").write_text(f"{plan!r} {plan.rows[0]!r} {list(plan.rejected)!r}", "utf-8")
        plan.write(folder / "计划.xlsx")
        report = plan.apply()
        assert (report.counts.creates, report.counts.rejected) == (1, 2)
        (folder / "report.txt").write_text(f"{report!r} {[row.problems for row in report.rejected]!r}", "utf-8")
        for form in ("rows", "sheet", "marked"):
            report.write_errors(folder / f"错误-{form}.xlsx", form=form)
    request = story.submit("lisi", person, {"id_number": MARKERS[2]})
    with workspace.acting_as("sunjiu") as session:
        [stored] = session.context.unit.approvals.get([request.id]).values()
        (folder / "request.pickle").write_bytes(pickle.dumps(stored))
        (folder / "shown.txt").write_text(f"{stored!r} {request!r}", "utf-8")
    story.approve("sunjiu", request)
    with workspace.acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as caught:
        session.customers.update(person.id, {"id_number": MARKERS[3], "phone": "1"}, version=ANY)
    (folder / "error.txt").write_text(f"{caught.value!r} {caught.value} {caught.value.problems!r}", "utf-8")
    (folder / PERMITTED).mkdir()
    with workspace.acting_as("zhoushi", purpose="核对") as session:
        export(session, "customer", folder / PERMITTED / "导出.xlsx")
        for name in ("副本.xlsx", "副本.json"):
            answer = session.customers.subject_access(person.id)
            assert isinstance(answer, SubjectAccess)
            if name.endswith("xlsx"):
                write_subject_access(session, answer, folder / PERMITTED / name)
                continue
            with (folder / PERMITTED / name).open("w", encoding="utf-8") as text:
                answer.write_json(text)
    with workspace.acting_as("sunjiu") as session:
        events = session.context.unit.outbox.pending(100)
        assert events, "changes of customers are announced"
        (folder / "events.txt").write_text(repr(list(events)), "utf-8")
    workspace.anchor()
    workspace.export_tenant(folder / "backup.jsonl")
    (folder / "history.txt").write_text(repr(list(_changes(workspace))), "utf-8")


def _changes(workspace: Workspace) -> Iterator[object]:
    with workspace.acting_as("zhoushi") as session:
        yield from session.changes()


def opened(units: SqlAlchemyUnits) -> Workspace:
    """Return a workspace with a keyring."""
    people = sample_organisation()
    standard = standard_configuration()
    logged = attrs.evolve(standard.modules["customer"], announced=True, log_reads=True, log_exports=True)
    return Workspace(standard.with_modules(logged), units=units, organisation=people, keyring=Keyring.generate())


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Log everything, the parameters of every statement included."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="sqlalchemy.engine")
    return caplog


def test_a_stolen_sqlite_file(tmp_path: Path, logged: pytest.LogCaptureFixture) -> None:
    """Neither the file, its write-ahead log and journal, nor any other file, log or error holds a number."""
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    engine.echo = True
    units = SqlAlchemyUnits(engine)
    units.create_tables()
    tell(opened(units), tmp_path)
    shutil.copytree(tmp_path, tmp_path.with_name("stolen"))
    stolen = tmp_path.with_name("stolen")
    permitted = stolen / PERMITTED
    assert len(leaks(files_of(permitted))) >= 3, "what is permitted shows that the scan can find something"
    shutil.rmtree(permitted)
    assert leaks(files_of(stolen)) == []
    assert {"plan.txt", "错误-marked.xlsx", "request.pickle", "events.txt"} <= {path.name for path in stolen.iterdir()}
    assert "INSERT INTO" in logged.text
    assert not [marker for marker in MARKERS if marker in logged.text]
    engine.dispose()
    with_log = {path.suffix for path in tmp_path.with_name("stolen").glob("store.db*")}
    assert ".db-wal" in with_log


def test_a_stolen_postgresql_dump(tmp_path: Path, logged: pytest.LogCaptureFixture) -> None:
    """A dump holds no number either."""
    require_server(POSTGRESQL)
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed")
    prefix = throw_away_prefix()
    units = SqlAlchemyUnits(open_engine(POSTGRESQL), prefix=prefix)
    units.create_tables()
    try:
        tell(opened(units), tmp_path)
        url = make_url(POSTGRESQL).set(drivername="postgresql").render_as_string(hide_password=False)
        command = ["pg_dump", "--data-only", f"--table={prefix}*", url]
        dump = subprocess.run(command, check=True, capture_output=True).stdout
    finally:
        units.drop_tables()
        units.dispose()
    assert b"COPY" in dump
    assert b"approval_request" in dump
    assert leaks(iter([("dump", dump)])) == []
    shutil.rmtree(tmp_path / PERMITTED)
    assert leaks(files_of(tmp_path)) == []
    assert not [marker for marker in MARKERS if marker in logged.text]

"""Who is erased is gone: a whole story, an erasure, and then every row and byte that is left (FLD-7)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import inspect, text

from custinfo import ANY, ErasureCertificate, F, Flow, NamedMember, Step, SubjectAccess, Trigger, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import write_subject_access
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._gram_tokens import scope_of, token, word
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.planning import make_plan
from tests.adapters.sqlalchemy.fields import engine_of
from tests.databases import MARIADB, POSTGRESQL, throw_away_units
from tests.unit.workspace.story import Story
from tests.unit.workspace.test_importing import Rows

NAME, CONTACT, NOTE, PHONE, OTHER_PHONE = "龘靐齉", "爩鱻麤", "灪麣鸾喜欢喝茶", "13900139777", "13900139888"
NUMBERS = ("11010519491231002X", "110101194912310016")
MARKERS = (NAME, CONTACT, NOTE, PHONE, OTHER_PHONE, *NUMBERS)
KEYRING = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e": b"e" * 32})
HEADER = ("客户名称", "客户类型", "联系人", "联系方式", "特殊备注", "证件号码", "负责人")


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def units(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlAlchemyUnits]:
    """A store in a folder or on a server."""
    url = request.param if request.param != "sqlite" else f"sqlite:///{tmp_path / 'store.db'}"
    with throw_away_units(url) as found:
        yield found


def opened(units: SqlAlchemyUnits) -> Workspace:
    """Return a workspace that announces and logs whatever can be, and has imports approved."""
    standard = standard_configuration()
    customer = attrs.evolve(standard.modules["customer"], announced=True, log_reads=True, log_exports=True)
    imports = Flow("imports", Trigger("customer", ("import",)), (Step("data", (NamedMember("zhoushi"),)),))
    configuration = standard.with_modules(customer).with_flows(imports)
    return Workspace(configuration, units=units, organisation=sample_organisation(), keyring=KEYRING)


def tell(workspace: Workspace) -> str:
    """Let somebody be imported, approved, changed, searched for and exported; return who it is."""
    story = Story(workspace)
    for number in range(5):
        story.customer(name=f"别的公司{number}", uscc=None, special_notes="其他" * 200)
    rows = Rows(((NAME, "个人客户", CONTACT, PHONE, NOTE, NUMBERS[0], "李四"),), HEADER)
    with workspace.acting_as("sunjiu") as session:
        report = make_plan(session.context, "customer", rows, digest="d").apply()
    with workspace.acting_as("zhoushi") as session:
        session.approvals.approve(report.requests[0], comment=f"{NAME}可以")
        [person] = session.customers.search(NAME).records
    story.update("sunjiu", person, {"phone": OTHER_PHONE, "special_notes": NOTE * 600})
    story.update("sunjiu", person, {"special_notes": NOTE})
    story.approve("sunjiu", story.submit("lisi", person, {"id_number": NUMBERS[1]}))
    with workspace.acting_as("zhoushi", purpose="核对") as session:
        assert session.customers.count(F.id_number == NUMBERS[1]) == 1
        assert session.customers.search(NAME).records
    with workspace.acting_as("sunjiu") as session:
        session.customers.update(person.id, {"region": "上海"}, version=ANY, reason=f"{NAME}来电")
    workspace.anchor()
    return str(person.id)


def access(workspace: Workspace, key: str, folder: Path) -> None:
    """Write what is held about somebody as JSON and as a workbook."""
    folder.mkdir()
    with workspace.acting_as("zhoushi", purpose="本人查询") as session:
        answer = session.customers.subject_access(key)
        assert isinstance(answer, SubjectAccess)
        write_subject_access(session, answer, folder / "副本.xlsx")
        with (folder / "副本.json").open("w", encoding="utf-8") as file:
            session.customers.subject_access(key).write_json(file)  # type: ignore[union-attr]


def rows_of(units: SqlAlchemyUnits) -> Iterator[tuple[str, str]]:
    """Yield every table with all its rows as text, JSON as characters, those of indexes among them."""
    engine, prefix = engine_of(units), units.tables.record.name.removesuffix("record")
    with engine.connect() as connection:
        for name in inspect(connection).get_table_names():
            if name.startswith(prefix) and not name.endswith("_fts"):  # its shadow tables hold what it finds
                rows = connection.execute(text(f"SELECT * FROM {name}")).all()
                yield name, repr([[_readable(value) for value in row] for row in rows])


def _readable(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return value


def signs_of_the_name() -> list[str]:
    """Return the numbers and words of which an index of titles makes the name."""
    scope = scope_of("default", "customer", "name")
    pairs = [token(scope, NAME[place : place + 2]) for place in range(len(NAME) - 1)]
    return [*map(str, pairs), *(word(pair)[-10:] for pair in pairs)]


def test_nothing_is_left(units: SqlAlchemyUnits, tmp_path: Path) -> None:
    """No table, index, file or later answer has a value, and the history still proves itself."""
    workspace = opened(units)
    key = tell(workspace)
    before = [(name, held) for name, held in rows_of(units) if any(marker in held for marker in MARKERS[:5])]
    assert {"record", "document", "change", "title"} <= {name.rpartition("_")[2] for name, _ in before}
    with workspace.acting_as("sunjiu") as session:
        done = session.customers.erase_person(key, reason="工单 77")
    assert isinstance(done, ErasureCertificate)
    access(workspace, key, tmp_path / "answers")
    signs = [*MARKERS, *signs_of_the_name()]
    assert [(name, sign) for name, held in rows_of(units) for sign in signs if sign in held] == []
    assert workspace.verify().ok
    assert workspace.check_integrity().ok
    with workspace.acting_as("zhoushi") as session:
        assert session.customers.search(NAME[:2]).records == ()
        assert session.customers.search("别的公司3").records
    workspace.close()
    engine_of(units).dispose()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    found = [(path.name, sign) for path in files for sign in signs if sign.encode() in path.read_bytes()]
    assert found == []


def test_the_scan_finds_what_is_there(units: SqlAlchemyUnits, tmp_path: Path) -> None:
    """Before the erasure, rows hold each kind of value, and the files of SQLite do, the index of titles too."""
    workspace = opened(units)
    tell(workspace)
    held = "".join(text for _, text in rows_of(units))
    assert [marker for marker in MARKERS[:5] if marker not in held] == []
    workspace.close()
    engine_of(units).dispose()
    database = tmp_path / "store.db"
    if not database.exists():
        assert any(sign in held for sign in signs_of_the_name())
        return
    with closing(sqlite3.connect(database)) as connection:
        blocks = b"".join(block for (block,) in connection.execute(f"SELECT block FROM {_full_text(units)}_data"))
    assert [sign for sign in signs_of_the_name() if sign.encode() in blocks]


def _full_text(units: SqlAlchemyUnits) -> str:
    return f"{units.tables.title.name}_fts"

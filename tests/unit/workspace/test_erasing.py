"""Erasing a person: the values vanish everywhere, and the history still proves itself."""

from __future__ import annotations

import json
import pickle
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from custinfo import (
    ANY,
    ERASED,
    UNREADABLE,
    AwaitingApproval,
    ErasureCertificate,
    FieldReservedError,
    Flow,
    Grant,
    InvalidInputError,
    NamedMember,
    NotFoundError,
    PermissionDeniedError,
    Step,
    Trigger,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.core.approval.requests import RequestId
from custinfo.core.records import RecordId, Sealed
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import IDENTITY_NUMBER, Story
from tests.unit.workspace.test_importing import Rows

PHONE, NAME, NOTE = "13900139000", "王小明", "住在隔壁"
KEYRING = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e1": b"e" * 32})


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """The standard configuration, with a flow for erasing an identity number, and a keyring that proves the history."""
    flow = Flow(
        "erasing",
        Trigger("customer", ("erase",), fields=("occupation",)),
        (Step("check", (NamedMember("zhoushi"),)),),
    )
    standard = standard_configuration()
    configuration = attrs.evolve(standard, flows=[*standard.flows.values(), flow])
    people = sample_organisation()
    opened = Workspace.open(url, configuration, organisation=people, keyring=KEYRING, clock=clock, ids=Uuid7(clock))
    with opened:
        yield opened


def person(story: Story) -> str:
    """Return the id of somebody with a history: edits, a closed request, and an open one is not there."""
    created = story.individual(special_notes=NOTE, name=NAME)
    request = story.submit("lisi", created, {"id_number": "110101194912310016"})
    story.approve("sunjiu", request)
    story.update("sunjiu", created, {"phone": "13800138000"})
    return created.id


def erase(workspace: Workspace, key: str, actor: str = "sunjiu", **given: Any) -> Any:
    """Erase in a session of its own."""
    with workspace.acting_as(actor) as session:
        return session.customers.erase_person(key, reason="本人要求，工单 77", **given)


def test_named_fields_vanish(workspace: Workspace) -> None:
    """The values are gone from the record, its history and the closed request; the rest stays."""
    story = Story(workspace)
    key = person(story)
    certificate = erase(workspace, key, fields=["phone", "证件号码", "special_notes"])
    assert isinstance(certificate, ErasureCertificate)
    told = {item.field: (item.changes, item.requests, item.key_destroyed) for item in certificate.fields}
    assert told == {"id_number": (2, 1, True), "phone": (2, 0, False), "special_notes": (1, 0, False)}
    with workspace.acting_as("zhoushi") as session:
        view = session.customers.get(key)
        assert (view["phone"], view["id_number"], view["name"]) == (None, None, NAME)
        assert view.archived_at is not None
        first, second, third, last = session.customers.history(key)
        assert first.fields["phone"] == (None, ERASED)
        assert first.fields["name"] == (None, NAME)
        assert second.fields["id_number"] == (ERASED, ERASED)
        assert third.fields["phone"] == (ERASED, ERASED)
        assert (last.action, last.reason) == ("erase", "本人要求，工单 77")
        assert session.customers.as_of(key, first.at)["phone"] is ERASED
        [request] = session.context.unit.rewriting.requests_of("customer", key)  # type: ignore[attr-defined]
        assert request.patch["id_number"] is ERASED
        assert (request.reason, request.digest, {entry.comment for entry in request.trail}) == (None, "", {None})
    assert workspace.verify().ok
    assert workspace.check_integrity().ok


def test_everything_vanishes(workspace: Workspace) -> None:
    """Without names, every value goes, and with it every reason and comment; anchors made before still hold."""
    story = Story(workspace)
    key = person(story)
    anchor = workspace.anchor()
    with pytest.raises(PermissionDeniedError):
        erase(workspace, key, actor="lisi")
    with workspace.acting_as("zhoushi"):
        outcome = erase(workspace, key)
    assert isinstance(outcome, AwaitingApproval)
    with workspace.acting_as("zhoushi") as session:
        session.approvals.approve(outcome.request.id)
    with workspace.acting_as("sunjiu") as session:
        assert dict(session.customers.get(key)) == {}
        [certificate] = session.customers.erasures(key)
        assert certificate.approval == outcome.request.id
        assert certificate.actor == "sunjiu"
    assert workspace.verify(anchor).ok


def test_an_erased_state_that_is_put_back_is_found(workspace: Workspace, url: str) -> None:
    """Whoever writes an old row back over the erased one is found out."""
    if not url.startswith("sqlite"):
        pytest.skip("rows are for databases")
    story = Story(workspace)
    key = person(story)
    path = url.removeprefix("sqlite:///")
    read = "SELECT fields, reason, evidence FROM custinfo_change WHERE record_id = ? AND version = 1"
    with closing(sqlite3.connect(path)) as database:
        old = database.execute(read, (key,)).fetchone()
    erase(workspace, key, fields=["phone"])
    write = "UPDATE custinfo_change SET fields = ?, reason = ?, evidence = ? WHERE record_id = ? AND version = 1"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(write, (*old, key))
    assert [problem.code for problem in workspace.verify().problems] == ["history_unerased"]


def test_a_reserved_field_is_refused_or_its_request_closed(workspace: Workspace) -> None:
    """An open request holds its fields; it is closed where that is asked for."""
    story = Story(workspace)
    created = story.individual()
    request = story.submit("lisi", created, {"id_number": "110101194912310016"})
    with pytest.raises(FieldReservedError) as caught:
        erase(workspace, created.id, fields=["id_number"])
    assert caught.value.request_id == request.id
    erase(workspace, created.id, fields=["id_number"], requests="close")
    with workspace.acting_as("lisi") as session:
        assert session.approvals.get(request.id).state == "withdrawn"


def test_who_may(workspace: Workspace) -> None:
    """Erasing needs its own grant, and a reason; what one may not edit is not erased."""
    story = Story(workspace)
    created = story.individual()
    for actor in ("lisi", "liuqi", "zhoushi"):
        with pytest.raises(PermissionDeniedError) as denied:
            erase(workspace, created.id, actor=actor, fields=["phone"])
        assert denied.value.code == "action_denied"
    with workspace.acting_as("sunjiu") as session:
        with pytest.raises(InvalidInputError):
            session.customers.erase_person(created.id, fields=["phone"], reason=" ")
        with pytest.raises(PermissionDeniedError):
            session.customers.erase_person(created.id, fields=["owner"], reason="x")


def test_destroyed_keys_open_nothing(workspace: Workspace) -> None:
    """A copy of an encrypted value that was made before can't be opened after its data key is gone."""
    story = Story(workspace)
    created = story.individual()
    with workspace.acting_as("sunjiu") as session:
        [record] = session.context.unit.records.get("customer", [created.id]).values()
        copy = record.values["id_number"]
        assert isinstance(copy, Sealed)
        assert copy.key is None
        assert set(record.data_keys) == {"id_number"}
    erase(workspace, created.id, fields=["id_number"])
    story.update("sunjiu", created, {"region": "上海"})
    with workspace.acting_as("sunjiu") as session:
        [record] = session.context.unit.records.get("customer", [created.id]).values()
        assert record.data_keys == {}
        with pytest.raises(InvalidInputError) as caught:
            session.context.sealer.unseal(record, "id_number", copy)
        assert caught.value.code == "unreadable_value"


def test_the_certificate_reads_well(workspace: Workspace) -> None:
    """It is JSON for programs and text for people, and holds no value."""
    story = Story(workspace)
    key = person(story)
    certificate = erase(workspace, key, fields=["phone", "id_number"])
    data = json.loads(certificate.to_json())
    assert (data["record_id"], data["actor"], data["version"]) == (key, "sunjiu", 4)
    assert (data["module"], data["module_labels"]["zh"], data["actor_name"]) == ("customer", "客户", "孙九")
    chinese, english = certificate.to_text("zh"), certificate.to_text("en")
    assert chinese.splitlines()[0] == "个人信息清除证明"
    assert f"记录：{key}（客户），第 4 版" in chinese
    assert "操作人：孙九（sunjiu）" in chinese
    assert f"Record: {key} (Customer), version 4" in english
    assert "By: 孙九 (sunjiu)" in english
    assert "- 联系方式：历史变更 2 处，审批单 0 份" in chinese
    assert "- 证件号码：历史变更 2 处，审批单 1 份；加密密钥已销毁" in chinese
    assert "Reason: 本人要求，工单 77" in english
    for text in (chinese, english, certificate.to_json()):
        assert PHONE not in text
        assert IDENTITY_NUMBER not in text
    with workspace.acting_as("sunjiu") as session:
        assert session.customers.erasures(key) == (certificate,)


def test_no_row_holds_an_erased_value(workspace: Workspace, url: str) -> None:
    """Neither a row of any table, nor an index of titles or unique values, has it any more."""
    if not url.startswith("sqlite"):
        pytest.skip("rows are for databases")
    key = person(Story(workspace))
    path = Path(url.removeprefix("sqlite:///"))

    def held(marker: str) -> list[str]:
        with closing(sqlite3.connect(path)) as database:
            names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            tables = [name for name in names if "_fts" not in name]
            rows = {name: repr(database.execute(f"SELECT * FROM {name}").fetchall()) for name in tables}
        return [name for name, text in rows.items() if marker in text]

    assert held(PHONE)
    assert held(NOTE)
    erase(workspace, key, fields=["phone", "name", "contact_name", "special_notes", "id_number"])
    for marker in ("13900139000", "13800138000", NAME, NOTE):
        assert held(marker) == []
    workspace.close()
    for marker in ("13900139000", NOTE):
        assert not [file for file in path.parent.iterdir() if marker.encode() in file.read_bytes()]


def test_a_value_may_come_again(workspace: Workspace) -> None:
    """What is written after an erasure has a key of its own, and is read and proven as ever."""
    story = Story(workspace)
    created = story.individual()
    erase(workspace, created.id, fields=["id_number"])
    story.approve("sunjiu", story.submit("lisi", created, {"id_number": "110101194912310016"}))
    assert story.view("zhoushi", created)["id_number"] == "110101194912310016"
    assert story.view("zhoushi", created)["id_number"] is not UNREADABLE
    with workspace.acting_as("zhoushi") as session:
        created_change, *_ = session.customers.history(created.id)
        assert created_change.fields["id_number"] == (None, ERASED)
        with pytest.raises(PermissionDeniedError):
            session.customers.revert(created.id, to_version=1, version=ANY)
    assert workspace.verify().ok
    assert pickle.loads(pickle.dumps(ERASED)) is ERASED


def test_nothing_beside_holds_an_erased_value(url: str, clock: Clock) -> None:
    """Requests for many, what they bring along, events, shares and the access log lose it; others' values stay."""
    standard = standard_configuration()
    customer = attrs.evolve(standard.modules["customer"], announced=True, log_reads=True, log_exports=True)
    imports = Flow("imports", Trigger("customer", ("import",)), (Step("data", (NamedMember("zhoushi"),)),))
    share = Grant("sales", "customer", frozenset({"share"}))
    configuration = standard.with_modules(customer).with_flows(imports).with_grants(share)
    header = ("客户名称", "客户类型", "联系人", "联系方式", "特殊备注", "证件号码", "跟进记录")
    rows = Rows(
        (
            (NAME, "个人客户", NAME, PHONE, NOTE, IDENTITY_NUMBER, "2024-03-01 电话 约他见面"),
            ("李小红", "个人客户", "李小红", "13700137000", "爱喝茶", "110101194912310016", None),
        ),
        header,
    )
    with Workspace.open(
        url, configuration, organisation=sample_organisation(), keyring=KEYRING, clock=clock, ids=Uuid7(clock)
    ) as workspace:
        with workspace.acting_as("sunjiu", purpose="导入") as session:
            report = make_plan(session.context, "customer", rows, digest="d").apply()
        request = RequestId(report.requests[0])
        with workspace.acting_as("zhoushi", purpose="核对") as session:
            session.approvals.approve(request, comment=f"{NAME}可以")
            found = {item["name"]: item.id for item in session.customers.find().records}
            [call] = session.follow_ups.find().records
        with workspace.acting_as("sunjiu") as session:
            session.customers.erase_person(found[NAME], reason="工单 77")
            session.follow_ups.erase_person(call.id, fields=["content"], reason="工单 77")
        with workspace.acting_as("sunjiu") as session:
            unit = session.context.unit
            kept = pickle.dumps(unit.approvals.get([request])[request])
        for marker in (NAME, PHONE, NOTE, "约他见面"):
            assert marker.encode() not in kept
        for marker in ("李小红", "13700137000", "爱喝茶"):
            assert marker.encode() in kept
        [certificate] = certificates(workspace, found[NAME])
        assert {field.field: field.requests for field in certificate.fields}["phone"] == 1
        assert workspace.verify().ok
        assert workspace.check_integrity().ok
    if url.startswith("sqlite"):
        files = [file for file in Path(url.removeprefix("sqlite:///")).parent.iterdir() if file.is_file()]
        for marker in (NAME, PHONE, NOTE, "约他见面"):
            assert not [file for file in files if marker.encode() in file.read_bytes()], marker


def certificates(workspace: Workspace, key: str) -> tuple[ErasureCertificate, ...]:
    """Return what was erased of a record."""
    with workspace.acting_as("sunjiu") as session:
        return session.customers.erasures(key)


@pytest.mark.parametrize("gated", [False, True], ids=["at once", "approved"])
def test_a_deleted_record_is_erased(url: str, clock: Clock, gated: bool) -> None:
    """Its history stayed, so it is erased, by whoever might have erased the record; and it still proves itself."""
    standard = standard_configuration().with_grants(
        Grant("data_administrator", "customer", frozenset({"delete"}), "all")
    )
    flow = Flow("erasing", Trigger("customer", ("erase",)), (Step("check", (NamedMember("zhoushi"),)),))
    configuration = standard.with_flows(flow) if gated else standard
    people = sample_organisation()
    with Workspace.open(
        url, configuration, organisation=people, keyring=KEYRING, clock=clock, ids=Uuid7(clock)
    ) as opened:
        story = Story(opened)
        key = story.individual(special_notes=NOTE, name=NAME).id
        story.update("sunjiu", story.view("sunjiu", key), {"phone": "13800138000"})
        with opened.acting_as("sunjiu") as session:
            session.customers.delete(key, version=ANY)
        with opened.acting_as("liuqi") as session, pytest.raises(PermissionDeniedError):
            session.customers.erase_person(key, reason="x")
        with opened.acting_as("sunjiu") as session, pytest.raises(NotFoundError):
            session.customers.erase_person(f"{key[:-1]}{'0' if key[-1] != '0' else '1'}", reason="x")
        done = erase(opened, key)
        if gated:
            assert isinstance(done, AwaitingApproval)
            with opened.acting_as("zhoushi") as session:
                session.approvals.approve(done.request.id)
        with opened.acting_as("sunjiu") as session:
            [certificate] = session.customers.erasures(key)
            assert {field.field for field in certificate.fields} >= {"phone", "name", "id_number", "special_notes"}
            with pytest.raises(NotFoundError):
                session.customers.get(key)
            changes = pickle.dumps(list(session.context.unit.history.of_record("customer", RecordId(key))))
        for marker in (PHONE, "13800138000", NOTE, NAME):
            assert marker.encode() not in changes
        assert opened.verify(opened.anchor()).ok
        assert opened.check_integrity().ok

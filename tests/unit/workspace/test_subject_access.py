"""Everything that is held about a person, in one answer, within what its actor may see."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import openpyxl
import pytest

from custinfo import (
    ANY,
    ERASED,
    UNREADABLE,
    AwaitingApproval,
    Flow,
    Grant,
    Masked,
    NamedMember,
    NotFoundError,
    PermissionDeniedError,
    Step,
    SubjectAccess,
    Trigger,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import write_subject_access
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.session import Session
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import IDENTITY_NUMBER, Story

ACCOUNT = "6222 111 3445"


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """The standard configuration, with customers whose exports are logged, and an auditor among the senior people."""
    standard = standard_configuration()
    logged = attrs.evolve(standard.modules["customer"], log_reads=True, log_exports=True)
    audit = Grant("senior_administrator", "customer", frozenset({"audit", "configure"}), "all")
    configuration = standard.with_modules(logged).with_grants(audit)
    keyring = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32)
    with Workspace.open(
        url, configuration, organisation=sample_organisation(), keyring=keyring, clock=clock
    ) as workspace:
        yield workspace


@pytest.fixture
def person(story: Story) -> str:
    """Somebody with an identity number, a tag, two follow-ups, of which one is archived, and an approved request."""
    customer = story.individual().id
    with story.workspace.acting_as("sunjiu") as session:
        session.customers.tag(customer, ("需求", "培训"), version=ANY)
        session.customers.update(customer, {"bank_account": ACCOUNT}, version=ANY, reason="补录")
    with story.workspace.acting_as("lisi") as session:
        call = {"customer": customer, "at": "2024-03-01 10:00", "channel": "电话", "content": "问候"}
        session.follow_ups.create(call)
        session.follow_ups.create({**call, "content": "旧的"})
    with story.workspace.acting_as("sunjiu") as session:
        [old] = [item for item in session.follow_ups.find().records if item["content"] == "旧的"]
        session.follow_ups.archive(old.id, version=ANY)
    with story.workspace.acting_as("liuqi") as session:
        waiting = session.customers.update(customer, {"id_number": "110101194912310016"}, version=ANY, reason="更正")
    story.approve("sunjiu", waiting.request)  # type: ignore[union-attr]  # the flow asks for it
    return customer


def answered(session: Session, person: str) -> SubjectAccess:
    """Return an answer for which nobody has to wait."""
    answer = session.customers.subject_access(person)
    assert isinstance(answer, SubjectAccess)
    return answer


def asked(session: Session, person: str) -> list[Any]:
    """Return the items of an answer."""
    return list(answered(session, person))


def test_everything_is_in_it(story: Story, person: str) -> None:
    """The person, what refers to them, archived or not, and of each what happened; in that order, nothing twice."""
    with story.workspace.acting_as("zhoushi") as session:
        answer = answered(session, person)
        items = list(answer)
        assert (answer.module, answer.record_id, answer.actor, answer.limits) == ("customer", person, "zhoushi", ())
    sections = Counter((item.module, item.section) for item in items)
    assert sections["customer", "record"] == 1
    assert sections["follow_up", "record"] == 2
    assert sections["follow_up", "change"] == 3
    assert sections["customer", "request"] == 1
    record = items[0]
    assert record.data["values"]["id_number"] == "110101194912310016"
    assert record.data["tags"] == (("需求", "培训"),)
    assert record.data["withheld"] == ()
    assert all(item.whole for item in items)
    changes = [item.data for item in items if item.section == "change" and item.module == "customer"]
    assert [change["action"] for change in changes] == ["create", "tag", "update", "update"]
    assert changes[-1]["fields"]["id_number"] == (IDENTITY_NUMBER, "110101194912310016")
    [request] = [item.data for item in items if item.section == "request"]
    assert (request["submitted_by"], request["state"], request["reason"]) == ("liuqi", "applied", "更正")
    assert ("sunjiu", "approve", "同意") in {
        (entry["actor"], entry["command"], entry["comment"]) for entry in request["trail"]
    }


def test_it_obeys_the_rights_of_who_asks(story: Story, person: str) -> None:
    """Fields that the actor may not see are named as withheld, sections as limits; without `export` there is none."""
    with story.workspace.acting_as("lisi") as session:
        answer = answered(session, person)
        items = list(answer)
    assert set(items[0].data["withheld"]) == {"id_number", "bank_account"}
    assert [(limit.module, limit.sections) for limit in answer.limits] == [
        ("customer", ("request", "access")),
        ("follow_up", ("request",)),
    ]
    told = repr([item.data for item in items])
    assert "1101" not in told
    assert ACCOUNT not in told
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(PermissionDeniedError) as caught:
        session.customers.subject_access(person)
    assert caught.value.code == "action_denied"
    with story.workspace.acting_as("wangwu") as session, pytest.raises(NotFoundError):
        answered(session, person)


def test_it_is_logged_and_tells_who_saw_it(story: Story, person: str) -> None:
    """The answer is an export in the access log; the next answer says who got it, and names no other record."""
    with story.workspace.acting_as("zhoushi", purpose="工单 77") as session:
        assert not [item for item in asked(session, person) if item.section == "access"]
    with story.workspace.acting_as("zhoushi") as session:
        [seen] = [item.data for item in asked(session, person) if item.section == "access"]
    assert (seen["actor"], seen["action"], seen["verb"], seen["purpose"]) == (
        "zhoushi",
        "export",
        "subject_access",
        "工单 77",
    )
    assert {"id_number", "bank_account", "name"} <= set(seen["fields"])
    assert "record_ids" not in seen


def test_erased_values_stay_erased(story: Story, person: str) -> None:
    """The answer says that there was something, and not what."""
    with story.workspace.acting_as("sunjiu") as session:
        session.customers.erase_person(person, fields=["id_number"], reason="本人要求")
    with story.workspace.acting_as("zhoushi") as session:
        items = asked(session, person)
    told = [item.data["fields"] for item in items if item.section == "change"]
    changes = [fields["id_number"] for fields in told if "id_number" in fields]
    assert changes[0] == (None, ERASED)
    assert "1101" not in repr([item.data for item in items])


def test_without_the_key_it_says_so(story: Story, person: str) -> None:
    """Values that can't be opened are unreadable, and the answer is not complete."""
    context = story.workspace
    with context.acting_as("zhoushi") as session:
        session.context.keyring = None
        session.context.__attrs_post_init__()
        file = io.StringIO()
        answered(session, person).write_json(file)
    found = SubjectAccess.from_json(file.getvalue())
    assert next(iter(found)).data["values"]["id_number"] is UNREADABLE
    assert json.loads(file.getvalue())["complete"] is False


def test_as_json(story: Story, person: str) -> None:
    """JSON says the same again, with the labels of the fields, and that nothing was kept out."""
    file = io.StringIO()
    with story.workspace.acting_as("zhoushi") as session:
        answer = answered(session, person)
        items = list(answer)
        attrs.evolve(answer, held=items).write_json(file)
    data = json.loads(file.getvalue())
    assert (data["format"], data["complete"]) == ("custinfo.subject-access.1", True)
    assert data["modules"]["customer"]["fields"]["id_number"]["zh"] == "证件号码"
    assert data["held"][0]["data"]["values"]["birthday"] == {"@date": "1949-12-31"}
    assert list(SubjectAccess.from_json(file.getvalue())) == items


def test_as_a_workbook(story: Story, person: str, tmp_path: Path) -> None:
    """One line for each thing, in people's words."""
    path = tmp_path / "副本.xlsx"
    with story.workspace.acting_as("zhoushi") as session:
        write_subject_access(session, answered(session, person), path)
    sheet = openpyxl.load_workbook(path).active
    heading, *rows = [tuple(cell or "" for cell in row) for row in sheet.iter_rows(values_only=True)]
    assert heading[:7] == ("类别", "模块", "记录编号", "时间", "操作人", "操作", "字段")
    assert ("记录", "客户", person) in {row[:3] for row in rows}
    assert {row[6]: row[8] for row in rows if row[0] == "记录" and row[2] == person}["证件号码"] == "110101194912310016"
    [changed] = [row for row in rows if row[0] == "变更" and row[6] == "证件号码" and row[7]]
    assert changed[4:] == ("刘七", "update", "证件号码", IDENTITY_NUMBER, "110101194912310016", "更正")
    with story.workspace.acting_as("lisi") as session:
        write_subject_access(session, answered(session, person), path, language="en")
    rows = [
        tuple(cell or "" for cell in row) for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    ]
    assert rows[1][0] == "Left out"
    assert "left out: who asked may not see this field" in {row[9] for row in rows}


def test_many_related_records_are_read_page_by_page(story: Story) -> None:
    """A hundred and twenty follow-ups come, each once, and the first item comes before they are read."""
    customer = story.customer()
    with story.workspace.acting_as("lisi") as session:
        for number in range(120):
            session.follow_ups.create(
                {"customer": customer.id, "at": "2024-03-01 10:00", "channel": "电话", "content": f"第{number}次"}
            )
    with story.workspace.acting_as("lisi") as session:
        items = iter(answered(session, customer.id))
        assert next(items).section == "record"
        ids = [item.record_id for item in items if item.section == "record"]
    assert len(ids) == len(set(ids)) == 120


def test_masked_is_not_whole() -> None:
    """A masked value, however deep, makes an item less than whole."""
    from custinfo.core.frozen import FrozenDict
    from custinfo.core.records import RecordId
    from custinfo.core.subject_access import Held

    for data, whole in (({"a": 1}, True), ({"a": (1, {"b": Masked("*")})}, False), ({"withheld": ("x",)}, False)):
        assert Held("record", "customer", RecordId("1"), FrozenDict(data)).whole is whole


def test_it_waits_where_exports_do(url: str, clock: Clock) -> None:
    """A flow on exports holds it like any other way out; approved, the same call gathers it, and the log says so."""
    standard = standard_configuration()
    flow = Flow("out", Trigger("customer", ("export",)), (Step("check", (NamedMember("sunjiu"),)),))
    audit = Grant("senior_administrator", "customer", frozenset({"audit"}), "all")
    configuration = standard.with_flows(flow).with_grants(audit)
    with Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock) as workspace:
        person = Story(workspace).customer().id
        with workspace.acting_as("zhoushi") as session:
            waiting = session.customers.subject_access(person, reason="工单 77")
            assert isinstance(waiting, AwaitingApproval)
        with workspace.acting_as("sunjiu") as session:
            session.approvals.approve(waiting.request.id)
        with workspace.acting_as("zhoushi") as session:
            assert [item.section for item in answered(session, person)][:2] == ["record", "change"]
            [entry] = session.access_log.find("customer", record_id=person).entries
            assert (entry.verb, entry.approval) == ("subject_access", waiting.request.id)


def test_what_is_held_of_a_deleted_record(url: str, clock: Clock) -> None:
    """Its history is, until it is erased."""
    delete = Grant("senior_administrator", "customer", frozenset({"delete"}), "all")
    configuration = standard_configuration().with_grants(delete)
    with Workspace.open(url, configuration, organisation=sample_organisation(), clock=clock) as workspace:
        person = Story(workspace).customer().id
        with workspace.acting_as("zhoushi") as session:
            session.customers.delete(person, version=ANY)
            items = asked(session, person)
            assert [(item.section, item.data["action"]) for item in items] == [
                ("change", "create"),
                ("change", "delete"),
            ]
            assert items[0].data["fields"]["phone"] == (None, "13812345678")
        with workspace.acting_as("wangwu") as session, pytest.raises(NotFoundError):
            session.customers.subject_access(person)

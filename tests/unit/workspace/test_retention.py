"""Retention rules: what is due is shown, and archived or erased like by hand."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest

from custinfo import (
    ANY,
    ERASED,
    F,
    Flow,
    InvalidInputError,
    NamedMember,
    PermissionDeniedError,
    RetentionRule,
    Step,
    SubjectAccess,
    Trigger,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import write_subject_access
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import Story

LOST = RetentionRule(
    "lost", "customer", "updated_at", 36, "archive", F.status == "休眠", label={"zh": "休眠客户", "en": "Dormant"}
)
PEOPLE = RetentionRule(
    "people", "customer", "created_at", 60, "erase", F.customer_type == "个人客户", ("phone", "id_number", "birthday")
)
BIG = Flow(
    "big",
    Trigger("customer", ("archive",), after=F.annual_budget >= 500_000),
    (Step("check", (NamedMember("zhoushi"),)),),
)
YEAR = 366


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """The standard configuration with two retention rules, and a flow for archiving large customers."""
    configuration = standard_configuration().with_retention(LOST, PEOPLE).with_flows(BIG)
    keyring = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e": b"e" * 32})
    with Workspace.open(
        url, configuration, organisation=sample_organisation(), keyring=keyring, clock=clock, ids=Uuid7(clock)
    ) as opened:
        yield opened


def dormant(story: Story, number: int, **values: Any) -> str:
    """Return the id of a dormant customer."""
    return story.customer(name=f"公司{number}", uscc=None, status="休眠", **values).id


def test_what_is_due_is_archived(story: Story, clock: Clock) -> None:
    """Only when its time is over; the preview and the report agree, and the history names the rule."""
    old, large = dormant(story, 1), dormant(story, 2, annual_budget="80万")
    clock.advance(days=2 * YEAR)
    young = dormant(story, 3)
    active = story.customer(name="公司4", uscc=None).id
    with story.workspace.acting_as("sunjiu") as session:
        assert dict(session.retention.due()) == {"lost": 0, "people": 0}
    clock.advance(days=YEAR + 10)
    with story.workspace.acting_as("sunjiu") as session:
        assert dict(session.retention.due()) == {"lost": 2, "people": 0}
        page = session.retention.preview("lost")
        assert (page.due, page.next) == (2, None)
        assert {item.record.id: item.outcome for item in page.items} == {old: "applied", large: "awaiting"}
        assert session.customers.get(old).archived_at is None
        seen: list[int] = []
        report = session.retention.apply("lost", progress=seen.append)
        assert (report.applied, report.awaiting, len(report.requests), report.refused) == (1, 1, 1, ())
        assert seen == [2]
        assert session.customers.get(old).archived_at is not None
        [*_, change] = session.customers.history(old)
        assert (change.action, change.channel, change.reason, change.actor) == (
            "archive",
            "retention",
            "retention rule lost",
            "sunjiu",
        )
        assert [change.to_dict(language)["reason"] for language in ("zh", "en", "fr", None)] == [
            "保留规则“休眠客户”",
            "retention rule “Dormant”",
            "retention rule “Dormant”",
            "保留规则“休眠客户”",
        ]
        assert pickle.loads(pickle.dumps(change)).to_dict("zh")["reason"] == "保留规则“休眠客户”"
        assert session.customers.get(young).archived_at is None
        assert session.customers.get(active).archived_at is None
        again = session.retention.apply("lost")
        assert (again.applied, again.awaiting, [item.problems[0].code for item in again.refused]) == (
            0,
            0,
            ["field_reserved"],
        )
    with story.workspace.acting_as("zhoushi") as session:
        told = session.approvals.get(report.requests[0]).to_dict("zh")
        assert (told["reason"], told["trail"][0]["comment"]) == ("保留规则“休眠客户”", "保留规则“休眠客户”")
        session.approvals.approve(report.requests[0])
        assert session.customers.get(large).archived_at is not None
        gathered, file = session.customers.subject_access(old), io.BytesIO()
        assert isinstance(gathered, SubjectAccess)
        write_subject_access(session, gathered, file)
        cells = {cell for row in openpyxl.load_workbook(file).worksheets[0].iter_rows(values_only=True) for cell in row}
        assert "保留规则“休眠客户”" in cells


def test_what_is_due_is_erased(story: Story, clock: Clock) -> None:
    """Of archived people, too, also what the actor may edit and not read; nothing is left to do afterwards."""
    person = story.individual()
    with story.workspace.acting_as("sunjiu") as session:
        session.customers.archive(person.id, version=ANY)
    clock.advance(days=5 * YEAR)
    with story.workspace.acting_as("sunjiu") as session:
        [item] = session.retention.preview("people").items
        assert (item.record.id, item.outcome) == (person.id, "applied")
        assert session.retention.apply("people").applied == 1
        assert session.retention.due()["people"] == 0
        assert session.retention.apply("people").applied == 0
        [created, *_, erased] = session.customers.history(person.id)
        assert created.fields["phone"] == (None, ERASED)
        assert (erased.action, erased.channel, erased.reason) == ("erase", "retention", None)
        [certificate] = session.customers.erasures(person.id)
        assert [field.field for field in certificate.fields] == ["birthday", "id_number", "phone"]
        assert json.loads(certificate.to_json())["reason"] == certificate.reason == "retention rule people"
        assert "原因：保留规则“people”" in certificate.to_text().splitlines()
    with story.workspace.acting_as("zhoushi") as session:  # who may read all of it reads why
        assert session.customers.history(person.id)[-1].reason == "retention rule people"
    assert story.workspace.verify().ok


def test_reasons_of_members_stay_theirs(story: Story) -> None:
    """Only the reason of a rule that there is has words in each language; what somebody wrote stays as they did."""
    for reason in ("lost", "retention rule unknown", "retention rule"):
        written = story.customer(name=reason, uscc=None)
        with story.workspace.acting_as("lisi") as session:
            session.customers.update(written.id, {"region": "上海"}, version=ANY, reason=reason)
            assert session.customers.history(written.id)[-1].to_dict("zh")["reason"] == reason


def test_pages(story: Story, clock: Clock) -> None:
    """A preview comes in pages, each record once."""
    made = sorted(dormant(story, number) for number in range(5))
    clock.advance(days=4 * YEAR)
    with story.workspace.acting_as("sunjiu") as session:
        found, after = [], None
        while True:
            page = session.retention.preview("lost", limit=2, after=after)
            assert page.due == 5
            found += [item.record.id for item in page.items]
            after = page.next
            if after is None:
                break
        assert found == made


def test_it_goes_on_after_an_interruption(story: Story, clock: Clock) -> None:
    """What is done stays done, batch by batch, and a second call finds what is left."""
    for number in range(3):
        dormant(story, number)
    clock.advance(days=4 * YEAR)

    class StopError(Exception):
        pass

    def stop(_: int) -> None:
        raise StopError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("custinfo.workspace.retention._BATCH", 2)
        with pytest.raises(StopError), story.workspace.acting_as("sunjiu") as session:
            session.retention.apply("lost", progress=stop)
        with story.workspace.acting_as("sunjiu") as session:
            assert session.retention.due()["lost"] == 1
            assert session.retention.apply("lost").applied == 1
            assert session.retention.due()["lost"] == 0


def test_who_may_not_has_nothing_to_apply(story: Story) -> None:
    """Without the action the rule is refused and left out; an unknown one is told."""
    dormant(story, 1)
    with story.workspace.acting_as("zhoushi") as session:
        assert dict(session.retention.due()) == {}
        for ask in (session.retention.preview, session.retention.apply):
            with pytest.raises(PermissionDeniedError):
                ask("lost")
            with pytest.raises(InvalidInputError) as caught:
                ask("found")
            assert caught.value.code == "unknown_retention_rule"
        with pytest.raises(ValueError, match="limit"):
            session.retention.preview("lost", limit=0)


def test_what_is_reserved_is_refused(story: Story, clock: Clock) -> None:
    """A record on which a request holds a field stays, and the preview says so; the others go on."""
    person = story.individual(birthday=None)
    other = story.individual(name="李小红", id_number="110101194912310016", birthday=None)
    story.submit("liuqi", person, {"id_number": "440524188001010014"})
    clock.advance(days=6 * YEAR)
    with story.workspace.acting_as("sunjiu") as session:
        foreseen = {item.record.id: item.outcome for item in session.retention.preview("people").items}
        assert foreseen == {person.id: "refused", other.id: "applied"}
        report = session.retention.apply("people")
        assert report.applied == 1
        assert [(item.record_id, item.problems[0].code) for item in report.refused] == [(person.id, "field_reserved")]

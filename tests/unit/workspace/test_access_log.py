"""Who saw sensitive values is taken down where the configuration asks for it (HIS-4)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from custinfo import ANY, AccessEntry, F, Grant, InvalidCursorError, InvalidInputError, PermissionDeniedError, Workspace
from custinfo.adapters.excel import export, plan_import
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.configuration import Configuration
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.story import Story

ACCOUNT = "6222 111 3445"
AUDIT = Grant("system_administrator", "customer", frozenset({"audit"}), "all")


def configured(**changes: Any) -> Configuration:
    """Return the standard configuration with its customers logged, and an auditor."""
    configuration = standard_configuration().with_grants(AUDIT)
    customer = attrs.evolve(configuration.modules["customer"], **changes)
    return configuration.with_modules(customer)


@pytest.fixture
def story(url: str) -> Iterator[Story]:
    """A store in which readings of sensitive fields, and exports, are logged, with one customer."""
    with Workspace.open(
        url, configured(log_reads=True, log_exports=True), organisation=sample_organisation()
    ) as workspace:
        story = Story(workspace)
        story.update("sunjiu", story.customer("lisi"), {"bank_account": ACCOUNT})
        yield story


def customer(story: Story) -> str:
    """Return the id of the one customer."""
    with story.workspace.acting_as("lisi") as session:
        return session.customers.find().records[0].id


def entries(story: Story, **asked: Any) -> list[AccessEntry]:
    """Return what the auditor finds, the oldest first."""
    with story.workspace.acting_as("admin") as session:
        return list(reversed(session.access_log.find("customer", **asked).entries))


def test_reading_a_sensitive_field_is_logged(story: Story) -> None:
    """Who, what, when and why: and no value."""
    key = customer(story)
    with story.workspace.acting_as("zhoushi", purpose="核对开户行") as session:
        assert session.customers.get(key)["bank_account"] == ACCOUNT
    (entry,) = entries(story)
    assert (entry.actor, entry.action, entry.verb, entry.module) == ("zhoushi", "read", "get", "customer")
    assert (entry.fields, entry.record_ids, entry.count, entry.asked) == (("bank_account",), (key,), 1, ())
    assert entry.purpose == "核对开户行"
    assert ACCOUNT not in str(attrs.asdict(entry))


@pytest.mark.parametrize("actor", ["lisi", "zhaojl", "sunjiu"])
def test_who_sees_no_more_than_a_mask_is_not_logged(story: Story, actor: str) -> None:
    """A hidden or masked value was not read."""
    key = customer(story)
    with story.workspace.acting_as(actor) as session:
        session.customers.get(key)
        session.customers.find()
        session.customers.history(key)
    assert entries(story) == []


@pytest.mark.parametrize(
    ("verb", "ask"),
    [
        ("find", lambda session, _: session.customers.find()),
        ("search", lambda session, _: session.customers.search("示例")),
        ("iterate", lambda session, _: list(session.customers.iterate())),
        ("history", lambda session, key: session.customers.history(key)),
        ("diff", lambda session, key: session.customers.diff(key, 1, 2)),
        ("as_of", lambda session, key: session.customers.as_of(key, session.now())),
        ("export", lambda session, _: export(session, "customer", io.BytesIO())),
    ],
)
def test_every_way_to_a_value_is_logged_once(story: Story, verb: str, ask: Any) -> None:
    """A page, an export and a history are one entry each, with the records that they showed."""
    key = customer(story)
    with story.workspace.acting_as("zhoushi") as session:
        ask(session, key)
    (entry,) = entries(story)
    assert (entry.verb, entry.record_ids, entry.count) == (verb, (key,), 1)
    assert "bank_account" in entry.fields


@pytest.mark.parametrize(
    ("verb", "ask"),
    [
        ("count", lambda session: session.customers.count(F.bank_account == ACCOUNT)),
        ("distribution", lambda session: session.customers.distribution("bank_account")),
        ("find", lambda session: session.customers.find(F.bank_account == "nothing")),
    ],
)
def test_asking_about_a_sensitive_field_is_logged(story: Story, verb: str, ask: Any) -> None:
    """A count by the account tells it as well; what was asked is kept without the value."""
    with story.workspace.acting_as("zhoushi") as session:
        ask(session)
    (entry,) = entries(story)
    assert (entry.verb, entry.fields, entry.count) == (verb, ("bank_account",), 0)
    assert ("bank_account eq" in entry.asked) == (verb != "distribution")
    assert ACCOUNT not in str(attrs.asdict(entry))


def test_exports_are_logged_with_all_their_fields(story: Story) -> None:
    """With `log_exports` every export is an entry, also of fields that are not sensitive."""
    key = customer(story)
    with story.workspace.acting_as("lisi") as session:
        export(session, "customer", io.BytesIO(), fields=["客户名称", "联系方式"], criteria=F.status == "高潜")
    (entry,) = entries(story)
    assert (entry.actor, entry.action, entry.fields) == ("lisi", "export", ("name", "phone"))
    assert (entry.record_ids, entry.count) == ((key,), 1)
    assert "status eq" in entry.asked


def test_only_what_is_asked_for_is_logged(url: str) -> None:
    """`log_reads` of one field logs that; without anything, nothing is ever written."""
    plain = configured().change_field("customer", "phone", log_reads=True)
    for configuration, expected in ((plain, [("phone",)]), (configured(), [])):
        with Workspace.open(url if expected else "memory://", configuration, organisation=sample_organisation()) as own:
            story = Story(own)
            record = story.won("lisi")
            before = len(entries(story))
            with own.acting_as("zhaojl") as session:
                session.customers.get(record.id)
            with own.acting_as("liuqi") as session:
                session.customers.get(record.id)  # masked
            assert [entry.fields for entry in entries(story)[before:]] == expected


def test_a_reading_is_logged_though_the_session_is_taken_back(story: Story) -> None:
    """Somebody who raises after reading has read all the same."""
    key = customer(story)
    with pytest.raises(RuntimeError), story.workspace.acting_as("zhoushi") as session:
        session.customers.get(key)
        raise RuntimeError
    assert [entry.actor for entry in entries(story)] == ["zhoushi"]


def test_what_cannot_be_logged_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store without a log, or one that fails, shows no logged value."""
    units = MemoryUnits()
    with Workspace(configured(log_reads=True), units=units, organisation=sample_organisation()) as workspace:
        story = Story(workspace)
        story.update("sunjiu", story.customer("lisi"), {"bank_account": ACCOUNT})
        key = customer(story)
        with workspace.acting_as("zhoushi") as session:
            monkeypatch.delattr(session.context.readings.unit, "accesses")
            with pytest.raises(TypeError, match="AccessRepository"):
                session.customers.get(key)
            assert session.customers.count() == 1


def test_the_log_is_read_by_who_is_granted_to(story: Story) -> None:
    """It takes `audit` on all records of the module: nobody reads it by another right."""
    for actor in ("lisi", "sunjiu", "zhoushi"):
        with story.workspace.acting_as(actor) as session, pytest.raises(PermissionDeniedError):
            session.access_log.find("customer")
    with story.workspace.acting_as("admin") as session, pytest.raises(PermissionDeniedError):
        session.access_log.find("follow_up")


def test_an_auditor_of_some_records_reads_nothing() -> None:
    """An entry names records: a grant of `audit` on one's own is not enough."""
    some = attrs.evolve(AUDIT, role="sales", scope="own")
    own = Workspace.open("memory://", configured().with_grants(some), organisation=sample_organisation())
    with own.acting_as("lisi") as session, pytest.raises(PermissionDeniedError):
        session.access_log.find("customer")


def test_filters_and_pages_of_the_log(story: Story) -> None:
    """By member, record, field by its label, and time; page after page."""
    key = customer(story)
    for _ in range(3):
        with story.workspace.acting_as("zhoushi") as session:
            session.customers.get(key)
            moment = session.now()
    assert len(entries(story, actor="zhoushi", record_id=key, field="开户行信息", until=None)) == 3
    assert entries(story, actor="lisi") == []
    assert entries(story, record_id="nonsense") == []
    assert entries(story, until=moment.replace(year=2000)) == []
    with story.workspace.acting_as("admin") as session:
        page = session.access_log.find(limit=2)
        rest = session.access_log.find(limit=2, after=page.next)
        with pytest.raises(ValueError, match="limit"):
            session.access_log.find(limit=0)
        assert len(session.access_log.find(limit=2**70).entries) == 3
        assert len(session.access_log.find(field="开户行信息").entries) == 3
        after: Any
        for after in ("rubbish", "\x00", "", 5, page.entries[0].id[:-1], key):
            with pytest.raises(InvalidCursorError):
                session.access_log.find(after=after)
        with pytest.raises(InvalidCursorError):  # a page of another question
            session.access_log.find(after=page.next, actor="lisi")
    assert [len(page.entries), len(rest.entries), rest.next] == [2, 1, None]


def test_names_that_there_are_not(story: Story) -> None:
    """Where nothing is found, a misspelt field or member is said; what is called alike in two modules is asked."""
    with story.workspace.acting_as("zhoushi") as session:
        session.customers.get(customer(story))
    noon: Any = "2024-03-15"
    with story.workspace.acting_as("admin") as session:
        find = session.access_log.find
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({"field": "开户行"}, "unknown_field"),
            ({"field": "\x00"}, "unknown_field"),
            ({"actor": "周十"}, "unknown_member"),
            ({"actor": "\x00"}, "unknown_member"),
        )
        for asked, code in cases:
            for module in (None, "customer"):
                with pytest.raises(InvalidInputError) as caught:
                    find(module, **asked)
                assert caught.value.code == code
        assert find(record_id="\x00").entries == ()
        with pytest.raises(TypeError, match="an instant must be a datetime"):
            find(since=noon)


def test_a_label_with_several_meanings(url: str) -> None:
    """客户状态 and 跟进状态 are both called 状态 here: without a module, a label that means two keys is refused."""
    given = configured(log_reads=True).change_field("customer", "customer_type", label="状态", aliases=())
    configuration = given.change_field("follow_up", "status", label="状态").with_grants(
        attrs.evolve(AUDIT, module="follow_up")
    )
    with (
        Workspace.open(url, configuration, organisation=sample_organisation()) as workspace,
        workspace.acting_as("admin") as session,
    ):
        assert session.access_log.find("customer", field="状态").entries == ()
        with pytest.raises(ValueError, match="in several modules, where its keys differ: name the module"):
            session.access_log.find(field="状态")
        assert session.access_log.find(field="status").entries == ()


def test_writing_shows_no_more_than_it_says(story: Story) -> None:
    """The answer to a change shows the record: who sees the account in it, reads it."""
    configuration = configured(log_reads=True).with_grants(
        Grant("sales", "customer", frozenset({"view"}), view=attrs.evolve(AUDIT.view, names=("bank_account",)))
    )
    with Workspace.open("memory://", configuration, organisation=sample_organisation()) as own:
        other = Story(own)
        record = other.customer("lisi")
        other.update("sunjiu", record, {"bank_account": ACCOUNT})
        with own.acting_as("lisi") as session:
            session.customers.update(record.id, {"email": "a@example.com"}, version=ANY)
        assert [entry.verb for entry in entries(other)] == ["update"]


def test_a_purpose_is_plain_text(story: Story) -> None:
    """Control characters, at which databases stumble, are refused before anything is read."""
    with pytest.raises(InvalidInputError), story.workspace.acting_as("zhoushi", purpose="x\x00"):
        pass


def test_the_log_is_part_of_a_backup(story: Story) -> None:
    """It goes with the tenant, and is deleted with it."""
    key = customer(story)
    with story.workspace.acting_as("zhoushi") as session:
        session.customers.get(key)
    file = io.BytesIO()
    assert story.workspace.export_tenant(file).counts["access"] == 1
    with Workspace.open("memory://", configured(), organisation=sample_organisation()) as other:
        other.import_tenant(io.BytesIO(file.getvalue()))
        assert [entry.actor for entry in entries(Story(other))] == ["zhoushi"]
    story.workspace.delete_tenant(confirm="default")
    assert entries(story) == []


def test_large_readings_are_counted(url: str) -> None:
    """Who reads more than a thousand records at once has one entry with their number, found by each of them."""
    with Workspace.open(url, configured(log_reads=True), organisation=sample_organisation()) as own:
        story = Story(own)
        lines = [f"客户{n},企业客户,张三,138{n:08d},{ACCOUNT}" for n in range(1001)]
        file = "\n".join(("客户名称,客户类型,联系人,联系方式,开户行信息", *lines)).encode()
        with own.acting_as("sunjiu") as session:
            plan_import(session, "customer", file).apply()
        with own.acting_as("zhoushi") as session:
            seen = session.customers.find(limit=None).records
            assert len(seen) == 1001
        (entry,) = entries(story, record_id=seen[500].id)
        assert (entry.count, entry.record_ids) == (1001, ())

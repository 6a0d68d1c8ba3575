"""Mistakes of calling code that nobody checked with mypy: each is named where it is made."""

from __future__ import annotations

import io
import pickle
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import attrs
import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import sessionmaker

from custinfo import ANY, InvalidCursorError, InvalidInputError, NotFoundError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export, plan_import, write_template
from custinfo.adapters.memory import MemoryUnits
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.planning import make_plan
from custinfo.workspace.session import Session
from tests.databases import MARIADB, POSTGRESQL, throw_away_units
from tests.unit.workspace.story import ENTERPRISE, Story
from tests.unit.workspace.test_importing import Rows


@pytest.mark.parametrize("version", [None, "1", 1.5])
@pytest.mark.parametrize(
    "change",
    [
        lambda session, key, version: session.customers.update(key, {"企业地址": "苏州"}, version=version),
        lambda session, key, version: session.customers.archive(key, version=version),
        lambda session, key, version: session.customers.revert(key, to_version=1, version=version),
        lambda session, key, version: session.customers.erase_person(key, reason="要求", version=version),
    ],
    ids=["update", "archive", "revert", "erase_person"],
)
def test_what_is_no_version(story: Story, version: Any, change: Callable[[Session, str, Any], object]) -> None:
    """A version that came as a text from a web page is not called stale: reading again would not help."""
    key = story.customer().id
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(TypeError, match=r"the number .* or ANY: not"):
        change(session, key, version)


@pytest.mark.parametrize("time", ["2024-03-15", date(2024, 3, 15), 1710460800])
def test_what_is_no_instant(story: Story, time: Any) -> None:
    """Who asks for the past by a text or a day is told what an instant is."""
    key = story.customer().id
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(TypeError, match=rf"a datetime: not {type(time).__name__}"):
            session.customers.as_of(key, time)
        with pytest.raises(TypeError, match=rf"a datetime: not {type(time).__name__}"):
            session.customers.history(key, since=time)


def test_what_is_no_module(story: Story) -> None:
    """Whoever gives a file where the module should be is told so, without a word of what stands in the file."""
    content: Any = "客户名称\n王小明\n".encode()
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(TypeError, match=r"^module must be the key of a module: not bytes$"):
            plan_import(session, content, "customer")
        with pytest.raises(TypeError, match=r"^module must be the key of a module: not int$"):
            session.records(7)  # type: ignore[arg-type]


def test_what_is_no_configuration() -> None:
    """Arguments in the wrong order, and functions that were not called, are told apart from a bad configuration."""
    swapped: Any = ("memory://", standard_configuration())
    with pytest.raises(TypeError, match="url must be a text: not Configuration"):
        Workspace.open(*reversed(swapped))
    uncalled: Any = standard_configuration
    with pytest.raises(TypeError, match="must be a Configuration: not function"):
        Workspace.open("memory://", uncalled)


def test_what_is_no_proposed_configuration(story: Story) -> None:
    """A file's text, or nothing, is not taken for the configuration that it would be."""
    wrong: Any
    with story.workspace.acting_as("admin") as session:
        for wrong in (None, "{}", standard_configuration):
            with pytest.raises(TypeError, match=f"proposed must be a Configuration, .*: not {type(wrong).__name__}"):
                session.configuration.plan(wrong)
            with pytest.raises(TypeError, match="proposed must be a Configuration"):
                session.configuration.change(wrong)
            with pytest.raises(TypeError, match="proposed must be a Configuration"):
                session.simulate(wrong, "lisi", "customer")


def test_what_is_no_organisation() -> None:
    """A function that would give the people is not taken for them."""
    with pytest.raises(TypeError, match="an Organisation or a Directory: not function"):
        Workspace.open("memory://", standard_configuration(), organisation=sample_organisation)


@pytest.mark.parametrize(
    ("tenant", "error", "words"),
    [
        (5, TypeError, "a text: not int"),
        (None, TypeError, "a text: not NoneType"),
        (" ", ValueError, "not an empty text"),
    ],
)
def test_what_is_no_tenant(tenant: Any, error: type[Exception], words: str) -> None:
    """A number of a host's own, or a setting that is missing, does not begin a tenant that no other process finds."""
    with pytest.raises(error, match=f"tenant must be the name of a tenant.* {words}"):
        Workspace.open("memory://", standard_configuration(), organisation=sample_organisation(), tenant=tenant)


def test_objects_say_who_they_are(story: Story) -> None:
    """What one holds while one debugs says for whom and for what it is, and nothing that a record holds."""
    assert repr(story.workspace) == "Workspace(tenant='default')"
    with story.workspace.acting_as("lisi") as session:
        assert repr(session) == "Session(tenant='default', actor='lisi')"
        assert repr(session.customers) == "Records(module='customer', actor='lisi')"
        assert repr(session.approvals) == "Approvals(actor='lisi')"


def test_a_session_that_did_not_begin(story: Story) -> None:
    """Who forgets `with` is told to write it, by the session itself and by what takes one."""
    forgotten: Any = story.workspace.acting_as("lisi")
    with pytest.raises(AttributeError, match=r"no 'customers' before the session begins: write `with"):
        forgotten.customers.count()
    for wrong in (forgotten, story.workspace):
        for call in (
            lambda given: plan_import(given, "customer", b""),
            lambda given: write_template(given, "customer", io.BytesIO()),
            lambda given: export(given, "customer", io.BytesIO()),
        ):
            with pytest.raises(TypeError, match=r"session must be a Session, as `with"):
                call(wrong)


@pytest.mark.parametrize("wrong", [create_engine("sqlite://"), sessionmaker(), Connection, "sqlite://", None])
def test_what_begins_no_units(wrong: Any) -> None:
    """An engine, or what makes sessions, is not taken for units of work, though it may have a `begin` too."""
    with pytest.raises(TypeError, match=r"units must begin units of work, as SqlAlchemyUnits\(engine\) does: not"):
        Workspace(standard_configuration(), units=wrong, organisation=sample_organisation())


def test_what_is_no_unit(story: Story) -> None:
    """The host's session itself is not taken for a unit in it."""
    given: Any = OrmSession()
    with pytest.raises(TypeError, match=r"as SqlAlchemyUnit\(session\) does: not Session"):  # noqa: SIM117
        with story.workspace.acting_as("lisi", unit=given):
            pass


def test_what_is_no_keyring_and_no_clock() -> None:
    """The text of a keyring is not taken for it, nor an instant for a clock; a clock without a zone is none."""
    mistaken: dict[str, Any] = {"keyring": '{"keys": {}}', "clock": datetime(2024, 3, 15, tzinfo=UTC)}
    for name, given in mistaken.items():
        with pytest.raises(TypeError, match=f"{name} must be a .*: not {type(given).__name__}"):
            Workspace.open("memory://", standard_configuration(), **{name: given})
    workspace = Workspace.open(
        "memory://",
        standard_configuration(),
        organisation=sample_organisation(),
        clock=lambda: datetime(2024, 3, 15),  # noqa: DTZ001 - that is the mistake
    )
    with (
        workspace.acting_as("lisi") as session,
        pytest.raises(TypeError, match="the clock must return instants with a zone"),
    ):
        session.customers.create(dict(ENTERPRISE))


def test_what_is_no_anchor(url: str) -> None:
    """The line that was kept of an anchor is not taken for it: it is read first."""
    workspace = Workspace.open(
        url, standard_configuration(), organisation=sample_organisation(), keyring=Keyring.generate()
    )
    line: Any = workspace.anchor().to_json()
    for check in (workspace.verify, workspace.attest):
        with pytest.raises(TypeError, match=r"as Anchor\.from_json\(…\) reads it: not str"):
            check(line)
    workspace.close()


def test_what_is_no_id(story: Story) -> None:
    """A view, a task or nothing is not taken for an id, which would only not be found; a UUID is one."""
    record = story.customer()
    wrong: Any
    with story.workspace.acting_as("sunjiu") as session:
        assert session.customers.get(UUID(record.id)).id == record.id  # type: ignore[arg-type]
        session.customers.archive(UUID(record.id), version=ANY)  # type: ignore[arg-type]
        for wrong in (record, None, 5):
            for call in (
                lambda given: session.customers.get(given),
                lambda given: session.customers.update(given, {"企业地址": "苏州"}, version=ANY),
                lambda given: session.customers.history(given),
                lambda given: session.approvals.approve(given),
                lambda given: story.workspace.undo_import(given, actor="sunjiu"),
            ):
                with pytest.raises(TypeError, match=r"an id must be a text, such as view\.id or task\.request_id: not"):
                    call(wrong)


def test_what_is_misspelt(story: Story) -> None:
    """A misspelt part, state, channel or mode is refused: it would find nothing, or change what an import does."""
    key = story.customer().id
    word: Any = "submited"
    with story.workspace.acting_as("sunjiu") as session:
        for call in (
            lambda: session.approvals.find(word),
            lambda: session.approvals.count(word),
            lambda: session.approvals.count("submitted", state=word),
            lambda: session.customers.history(key, channel=word),
            lambda: list(session.customers.changes(channel=word)),
            lambda: list(session.changes(channel=word)),
            lambda: plan_import(session, "customer", _FILE, mode=word),
            lambda: plan_import(session, "customer", _FILE, duplicates=word),
            lambda: session.customers.erase_person(key, reason="要求", requests=word),
        ):
            with pytest.raises(
                ValueError, match=r"(part|state|channel|mode|duplicates|requests) must be one of .*: not 'submited'"
            ):
                call()
    with story.workspace.acting_as("admin") as session:
        configuration = session.configuration
        plan = configuration.plan(configuration.current.change_field("customer", "address", label="公司地址"))
        with pytest.raises(ValueError, match="failing must be one of refuse, clear: not 'submited'"):
            plan.apply(failing=word)
        assert plan.apply().version == 2


def test_nobody_whom_anybody_knows(story: Story) -> None:
    """Where nothing is found, a misspelt name is said; of people who are gone there is what they did."""
    key = story.customer("wangwu").id
    people = sample_organisation()
    others = {name: member for name, member in people.members.items() if name != "wangwu"}
    story.workspace.reorganise(attrs.evolve(people, members=others))
    with story.workspace.acting_as("sunjiu") as session:
        for found in (
            session.customers.history(key, actor="wangwu"),
            list(session.customers.changes(actor="wangwu")),
            list(session.changes(actor="wangwu")),
        ):
            assert [view.actor for view in found] == ["wangwu"]
        assert session.customers.history(key, actor="lisi") == ()
        for nobody in ("李四", "\x00", "\ud800"):
            for call in (
                lambda who: session.customers.history(key, actor=who),
                lambda who: list(session.customers.changes(actor=who)),
                lambda who: list(session.changes(actor=who)),
            ):
                with pytest.raises(InvalidInputError) as caught:
                    call(nobody)
                assert [(item.code, item.field) for item in caught.value.problems] == [("unknown_member", "actor")]


def test_flows_and_modules_that_there_are_not(story: Story) -> None:
    """Where no request is found, a misspelt flow is said, and a module in any case."""
    story.submit("lisi", story.customer(), {"status": "流失"})
    with story.workspace.acting_as("lisi") as session:
        assert session.approvals.count("submitted", flow="customer_lost") == 1
        assert session.approvals.find("submitted", flow="sensitive_field").requests == ()
        for flow in ("客户流失", "\x00"):
            for call in (session.approvals.find, session.approvals.count):
                with pytest.raises(NotFoundError):
                    call("submitted", flow=flow)
                with pytest.raises(NotFoundError):
                    call("stuck", flow=flow)
        with pytest.raises(InvalidInputError) as caught:
            session.approvals.find(module="custmer")
        assert caught.value.code == "unknown_module"


def test_a_former_flow_has_its_requests(story: Story) -> None:
    """A flow that the configuration has no more is found by its key where requests took it."""
    request = story.submit("lisi", story.customer(), {"status": "流失"})
    with story.workspace.acting_as("admin") as session:
        known = session.configuration.current
        flows = {key: flow for key, flow in known.flows.items() if key != "customer_lost"}
        session.configuration.change(attrs.evolve(known, flows=flows))
    with story.workspace.acting_as("lisi") as session:
        assert [view.id for view in session.approvals.find("submitted", flow="customer_lost").requests] == [request.id]


@pytest.mark.parametrize("limit", [0, -1])
def test_limits_below_one(story: Story, limit: int) -> None:
    """Nothing at most is a mistake, wherever a limit is taken: a host's loop would never end."""
    workspace = story.workspace
    with workspace.acting_as("admin") as session:
        for call in (
            lambda: session.customers.find(limit=limit),
            lambda: session.customers.search("示例", limit=limit),
            lambda: session.customers.resembling({}, limit=limit),
            lambda: session.approvals.find(limit=limit),
            lambda: session.changes_since(limit=limit),
            lambda: session.simulate(session.configuration.current, "lisi", "customer", limit=limit),
            lambda: workspace.run_due(limit=limit),
            lambda: workspace.deliver(print, limit=limit),
            lambda: workspace.undelivered(limit),
        ):
            with pytest.raises(ValueError, match="limit must be at least 1"):
                call()


def test_limits_beyond_all(story: Story) -> None:
    """A limit that no database takes is one of all."""
    story.customer()
    workspace, most = story.workspace, 2**70
    with workspace.acting_as("sunjiu") as session:
        assert len(session.customers.find(limit=most).records) == 1
        assert session.approvals.find(limit=most).requests == ()
        assert len(session.changes_since(limit=most).changes) == 1
    with workspace.acting_as("admin") as session:
        assert session.simulate(session.configuration.current, "lisi", "customer", limit=most).records == ()
    assert (workspace.run_due(limit=most).more, workspace.undelivered(most)) == (False, ())
    assert workspace.deliver(print, limit=most).delivered == ()


@pytest.mark.parametrize("least", [80, -0.1, float("nan")])
def test_what_is_no_share(story: Story, least: float) -> None:
    """A score in per cent would find nothing, and none at all every pair."""
    with story.workspace.acting_as("sunjiu") as session:
        with pytest.raises(ValueError, match=r"least must be from 0 to 1, such as 0\.8 for 80 per cent"):
            session.customers.duplicates(least=least)
        with pytest.raises(ValueError, match="least must be from 0 to 1"):
            session.customers.resembling({"name": "示例"}, least=least)


def test_sharing_with_what_is_nobody(story: Story) -> None:
    """With whom, and until when, is said in one of the forms that there are."""
    key, wrong = story.customer().id, ("member", "wangwu", "lisi")
    until: Any = "2030-01-01"
    with story.workspace.acting_as("sunjiu") as session:
        for with_ in (wrong, None, 5, ("member", 5)):
            with pytest.raises(TypeError, match="a record is shared with a member, or with a pair of texts: not "):
                session.customers.share(key, with_, version=ANY)  # type: ignore[arg-type]
            with pytest.raises(TypeError, match="a record is shared with"):
                session.customers.unshare(key, with_, version=ANY)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="an instant must be a datetime: not str"):
            session.customers.share(key, "wangwu", until=until, version=ANY)


def test_reasons_that_no_store_takes(story: Story) -> None:
    """What is said beside a change is refused where it can't be shown, whatever it is said of."""
    key, text = story.customer().id, "换人\x00"

    def refused(call: Callable[[], object]) -> None:
        with pytest.raises(InvalidInputError) as caught:
            call()
        assert [(item.code, item.field) for item in caught.value.problems] == [("control_character", "reason")]

    with story.workspace.acting_as("lisi") as session:
        refused(lambda: session.customers.update(key, {"企业地址": "苏州"}, version=ANY, reason=text))
        refused(lambda: session.customers.subject_access(key, reason=text))
        refused(lambda: export(session, "customer", io.BytesIO(), reason=text))
    with story.workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("customer", "address", label="公司地址"))
        refused(lambda: plan.apply(reason=text))
        assert plan.apply(reason="换人").version == 2


def test_giving_many_records(story: Story) -> None:
    """Ids may be UUIDs, as for one record; views are none, and each record needs its version."""
    record = story.customer()
    wrong: Any
    with story.workspace.acting_as("zhaojl") as session:
        give = session.customers.transfer_many
        for wrong in ([record], [None]):
            with pytest.raises(TypeError, match=r"an id must be a text, such as view\.id"):
                give(wrong, "wangwu", version=ANY)
        with pytest.raises(ValueError, match="version must have a number for each of record_ids, or be ANY"):
            give([record.id], "wangwu", version={})
        wrong = [UUID(record.id)]
        assert give(wrong, "wangwu", version={record.id: 1}).applied == (record.id,)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "a\nb"])
@pytest.mark.parametrize("address", [POSTGRESQL, MARIADB], ids=["postgresql", "mariadb"])
def test_an_id_that_no_store_takes(address: str, text: str) -> None:
    """A text from the address of a web page that databases refuse to look for is not found, like any other."""
    with throw_away_units(address) as units:
        workspace = Workspace(standard_configuration(), units=units, organisation=sample_organisation())
        key = Story(workspace).customer().id
        with pytest.raises(NotFoundError):
            workspace.undo_import(text, actor="sunjiu")
        with workspace.acting_as("sunjiu") as session:
            table = Rows(((text, "甲"),), ("id", "客户名称"))
            (row,) = make_plan(session.context, "customer", table, digest="d").rows
            assert (row.outcome, "not_found" in {problem.code for problem in row.problems}) == ("rejected", True)
        with workspace.acting_as("lisi") as session:
            for call in (
                lambda: session.customers.get(text),
                lambda: session.customers.update(text, {"企业地址": "苏州"}, version=ANY),
                lambda: session.customers.delete(text, version=ANY),
                lambda: session.approvals.get(text),
                lambda: session.approvals.approve(text),
                lambda: session.approvals.draft("customer", {"企业地址": "苏州"}, record_id=text),
            ):
                with pytest.raises(NotFoundError):
                    call()
            assert session.approvals.find(record_id=text).requests == ()
            (refused,) = session.customers.transfer_many([text], "wangwu", version=ANY).refused
            assert [problem.code for problem in refused.problems] == ["not_found"]
            assert session.customers.get(key).id == key  # nothing of that spoilt the transaction


def test_a_text_where_a_list_is_wanted(story: Story) -> None:
    """One name is not taken for the list of its letters."""
    with story.workspace.acting_as("sunjiu") as session:
        with pytest.raises(TypeError, match=r"match is a list .*\['name'\]"):
            plan_import(session, "customer", _FILE, match="name")
        with pytest.raises(TypeError, match=r"fields is a list .*\['name'\]"):
            export(session, "customer", io.BytesIO(), fields="name")
        for call in (
            lambda: session.changes_since(modules="customer"),
            lambda: list(session.changes(modules="customer")),
            lambda: session.customers.transfer_many("abc", "wangwu", version=ANY),
            lambda: session.customers.merge("abc", "def", version=ANY),
            lambda: session.customers.erase_person("abc", fields="name", reason="要求"),
        ):
            with pytest.raises(TypeError, match=r"(modules|record_ids|others|fields) is a list of names, such as \["):
                call()
        with pytest.raises(ValueError, match="batch_size must be at least 1"):
            plan_import(session, "customer", _FILE).apply(batch_size=0)


_HUGE = urlsafe_b64encode(b'["018f3000", 1000000000000000000000000]').decode()
_NO_ZONE = "2024-03-15T10:30:00 018f3000"


@pytest.mark.parametrize("after", ["rubbish", "WzFd", _HUGE, _NO_ZONE, "2024-03-15T10:30:00Z ", 5])
def test_what_is_no_position(story: Story, after: Any) -> None:
    """What is given to go on after is refused alike everywhere, as wrong input and as a wrong argument."""
    with story.workspace.acting_as("lisi") as session:
        for call in (
            lambda: session.customers.find(after=after),
            lambda: session.customers.search("科技", after=after),
            lambda: session.approvals.find("submitted", after=after),
            lambda: session.changes_since(after),
        ):
            with pytest.raises(InvalidCursorError) as caught:
                call()
            assert isinstance(caught.value, InvalidInputError)
            assert isinstance(caught.value, ValueError)
            assert caught.value.code in {"page_unknown", "cursor_unknown"}


def test_a_position_in_another_order(story: Story) -> None:
    """A page goes on in its own order alone: in another one with as many keys it would begin anywhere."""
    for number in range(3):
        story.customer(name=f"客户{number}", uscc=None)
    with story.workspace.acting_as("lisi") as session:
        page = session.customers.find(order_by="name", limit=1)
        assert session.customers.find(order_by="客户名称", after=page.next).records
        for other in ("-name", "contact_name", ("name", "phone"), ()):
            with pytest.raises(InvalidCursorError):
                session.customers.find(order_by=other, after=page.next)


def test_views_of_names_that_no_field_has(story: Story) -> None:
    """A misspelt name is no blank, and an attribute says how a value is read; what is hidden or blank is "" to show."""
    record = story.customer()
    assert (record.text("开户行信息"), record.text("特殊备注")) == ("", "")
    with pytest.raises(KeyError, match="nmae"):
        record.text("nmae")
    assert {record.text(key) for key in ("tags", "shares", "created_by")} == {""}
    assert all(isinstance(record.text(key), str) for key in record.visible)
    wrong: Any = record
    with pytest.raises(AttributeError, match=r"no 'name': values are read as view\["):
        wrong.name  # noqa: B018 - that is the mistake
    sent = pickle.loads(pickle.dumps(record))
    assert sent.text("name") == record["name"]


def test_reports_that_are_short(story: Story) -> None:
    """The report of an undone import shows how many records it is about, and the memory whose they are."""
    with story.workspace.acting_as("sunjiu") as session:
        batch = plan_import(session, "customer", _FILE).apply().batch_id
    undone = story.workspace.undo_import(batch, actor="sunjiu")
    assert repr(undone) == "UndoReport(removed=<1 ids>, reverted=<0 ids>, kept=<0 ids>, withdrawn=<0 ids>)"
    assert repr(MemoryUnits()) == "MemoryUnits(tenants=[])"


_FILE = "客户名称,客户类型,联系人,联系方式\n甲公司,企业客户,张三,13812345678\n".encode()

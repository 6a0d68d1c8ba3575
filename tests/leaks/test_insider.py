"""What a salesperson with Python tries at the objects that a session gives them."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from custinfo import (
    ANY,
    CLEAR,
    Configuration,
    CustinfoError,
    F,
    FieldDefinition,
    Flow,
    Grant,
    InvalidInputError,
    Masked,
    ModuleDefinition,
    NamedMember,
    NotFoundError,
    PermissionDeniedError,
    RoleHolders,
    Step,
    Trigger,
    Workspace,
)
from custinfo.adapters.excel import ExportReport, export, plan_import
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.life_cycles import LifeCycle, Transition
from custinfo.core.policy.grants import Fields, Role
from custinfo.core.rules import AllowedWhen, NotBefore
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.session import Session
from tests.adapters.excel.sessions import headings, loaded, rows_of, template
from tests.leaks.asking import ask_both, grant
from tests.leaks.world import CONFIGURATION
from tests.unit.workspace.story import ENTERPRISE, Story

ACCOUNT = "6222 111 3445"
NOWHERE = "018e3ff1-e047-7000-ab48-000000000000"


@pytest.fixture
def story() -> Iterator[Story]:
    """A store with one customer of 李四 and one of 王五, each with an account."""
    with Workspace.open("memory://", standard_configuration(), organisation=sample_organisation()) as workspace:
        story = Story(workspace)
        story.update("sunjiu", story.customer("lisi"), {"bank_account": ACCOUNT})
        story.update("sunjiu", story.customer("wangwu", name="王五的客户", uscc=None), {"bank_account": "999"})
        yield story


def ids(story: Story) -> tuple[str, str]:
    """Return the id of 李四's customer, and that of 王五's."""
    with story.workspace.acting_as("zhoushi") as session:
        found = {view["name"]: view.id for view in session.customers.find().records}
    return found[ENTERPRISE["name"]], found["王五的客户"]


def told(story: Story, actor: str, ask: Any) -> str:
    """Return what an actor is told, errors in full."""
    try:
        with story.workspace.acting_as(actor) as session:
            return repr(ask(session))
    except CustinfoError as error:
        return f"{type(error).__name__} {error} {error.message('zh')}"


@pytest.mark.parametrize(
    "ask",
    [
        lambda session, key: session.customers.get(key),
        lambda session, key: session.customers.history(key),
        lambda session, key: session.customers.tags(key),
        lambda session, key: session.customers.diff(key, 1, 2),
        lambda session, key: session.customers.as_of(key, session.now()),
        lambda session, key: session.customers.update(key, {"email": "a@example.com"}, version=1),
        lambda session, key: session.customers.update(key, {"phone": "nonsense"}, version=77),
        lambda session, key: session.customers.archive(key, version=1),
        lambda session, key: session.customers.restore(key, version=1),
        lambda session, key: session.customers.transfer(key, "lisi", version=1),
        lambda session, key: session.customers.tag(key, ("自定义", "x"), version=1),
        lambda session, key: session.customers.revert(key, to_version=1, version=1),
        lambda session, key: session.customers.delete(key, version=1),
        lambda session, key: session.customers.claim(key, version=1),
        lambda session, key: session.customers.share(key, "lisi", version=1),
        lambda session, key: session.customers.merge(key, [key + "x"], version=1),
    ],
)
def test_a_guessed_id_is_an_id_of_nothing(story: Story, ask: Any) -> None:
    """A colleague's id from a forwarded link tells no more, in no verb, than an id that was never given."""
    assert told(story, "lisi", lambda session: ask(session, ids(story)[1])) == told(
        story, "lisi", lambda session: ask(session, NOWHERE)
    )


def test_a_colleagues_customer_is_not_followed_up(story: Story) -> None:
    """Writing a follow-up about a colleague's customer answers like writing one about none."""
    values = {"at": "2024-03-01 10:00", "content": "内容"}
    answers = {
        told(story, "lisi", lambda session, key=key: session.follow_ups.create({**values, "customer": key}))
        for key in (ids(story)[1], NOWHERE)
    }
    assert len(answers) == 1


def test_a_colleagues_customer_is_not_found_by_title(story: Story) -> None:
    """Naming the customer of a follow-up by its name finds one's own only."""
    values = {"at": "2024-03-01 10:00", "content": "内容"}
    answers = {
        told(story, "lisi", lambda session, name=name: session.follow_ups.create({**values, "customer": name}))
        for name in ("王五的客户", "没有的客户")
    }
    assert len(answers) == 1


GUESSES = (F.bank_account == ACCOUNT, ~(F.bank_account == ACCOUNT), F.bank_account.is_present())


@pytest.mark.parametrize("criterion", GUESSES)
def test_a_hidden_field_is_no_question(story: Story, criterion: Any) -> None:
    """Asking for one's own customers by a hidden field is refused, right guess or wrong, and so is its complement."""
    for verb in ("find", "count"):
        answer = told(story, "lisi", lambda session, verb=verb: getattr(session.customers, verb)(criterion))
        assert answer.startswith("PermissionDeniedError")


def test_a_question_in_an_or_is_still_a_question(story: Story) -> None:
    """Hiding the hidden field behind an alternative that always holds does not smuggle it in."""
    criterion = (F.name.is_present()) | (F.bank_account == ACCOUNT)
    assert told(story, "lisi", lambda session: session.customers.count(criterion)).startswith("PermissionDenied")


def test_a_typed_mask_is_no_value_in_an_import(story: Story) -> None:
    """Importing what one sees of a masked account, typed by hand, does not replace the account by stars."""
    own, _ = ids(story)
    file = f"id,开户行信息\n{own},****3445".encode()
    with story.workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", file)
        plan.apply()
    assert story.view("zhoushi", own)["bank_account"] == ACCOUNT


def test_a_mask_is_not_written_back(story: Story) -> None:
    """Handing back the masked value that one was shown is refused, and nothing is saved."""
    own, _ = ids(story)
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(InvalidInputError):
        shown = session.customers.get(own)["bank_account"]
        assert isinstance(shown, Masked)
        session.customers.update(own, {"bank_account": shown}, version=ANY)
    assert story.view("zhoushi", own)["bank_account"] == ACCOUNT


def test_a_pickled_view_holds_no_more(story: Story) -> None:
    """Taking the bytes of a view apart gives no hidden value."""
    own, _ = ids(story)
    view = story.view("lisi", own)
    assert ACCOUNT.encode() not in pickle.dumps(view)
    assert ACCOUNT not in repr(view)
    assert "bank_account" not in view.visible


def test_an_export_names_no_column_that_is_hidden(story: Story) -> None:
    """Asking an export for the account is refused, and a plain one has no such column and no such value."""
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(PermissionDeniedError):
            export(session, "customer", io.BytesIO(), fields=["开户行信息"])
        file = io.BytesIO()
        assert export(session, "customer", file) == ExportReport(1)
    (row,) = rows_of(loaded(file).worksheets[0])
    assert row["客户名称"] == ENTERPRISE["name"]
    assert "开户行信息" not in row
    assert ACCOUNT not in row.values()


def test_an_export_is_not_ordered_by_what_is_hidden(story: Story) -> None:
    """The order of the rows of an export would tell an account bit by bit."""
    with story.workspace.acting_as("lisi") as session, pytest.raises(PermissionDeniedError):
        export(session, "customer", io.BytesIO(), order_by=["bank_account"])


def test_a_template_offers_no_field_that_one_may_not_set(story: Story) -> None:
    """A template of a salesperson has nothing of the account."""
    with story.workspace.acting_as("lisi") as session:
        names = [str(heading) for heading in headings(template(session).worksheets[0])]
    assert "*客户名称" in names
    assert not any("开户行信息" in name for name in names)


def test_a_hidden_change_leaves_no_trace_of_its_author(story: Story) -> None:
    """Who sets accounts, and when, is not read off the history of one's own customer."""
    own, _ = ids(story)
    with story.workspace.acting_as("lisi") as session:
        assert [change.actor for change in session.customers.history(own)] == ["lisi"]


def test_a_hidden_version_is_not_gone_back_to(story: Story) -> None:
    """Reverting to before a hidden change changes nothing of it."""
    own, _ = ids(story)
    told(story, "lisi", lambda session: session.customers.revert(own, to_version=1, version=ANY))
    assert story.view("zhoushi", own)["bank_account"] == ACCOUNT


def test_a_request_of_others_is_a_request_of_nobody(story: Story) -> None:
    """The id of a colleague's request, from a screenshot, answers like one that was never given."""
    with story.workspace.acting_as("wangwu") as session:
        outcome: Any = session.customers.update(ids(story)[1], {"status": "流失"}, version=ANY)
    answers = {
        told(story, "lisi", lambda session, key=key: session.approvals.get(key))
        for key in (outcome.request.id, NOWHERE)
    }
    assert len(answers) == 1


@pytest.mark.parametrize("verb", ["approve", "reject", "withdraw"])
def test_nobody_decides_what_they_do_not_know(story: Story, verb: str) -> None:
    """Deciding about a colleague's request is answered like deciding about none."""
    with story.workspace.acting_as("wangwu") as session:
        outcome: Any = session.customers.update(ids(story)[1], {"status": "流失"}, version=ANY)
    with story.workspace.acting_as("lisi") as session, pytest.raises(NotFoundError):
        getattr(session.approvals, verb)(outcome.request.id)


def test_an_unknown_field_and_a_hidden_one_are_alike_in_a_view(story: Story) -> None:
    """Asking a view for the account raises what asking for nonsense raises."""
    view = story.view("lisi", ids(story)[0])
    for name in ("bank_account", "开户行信息", "nonsense"):
        with pytest.raises(KeyError):
            view[name]


def test_nobody_plans_a_configuration_who_may_not(story: Story) -> None:
    """A plan, which counts, is not made by a salesperson, and neither are earlier versions looked at."""
    for ask in (
        lambda session: session.configuration.plan(
            session.configuration.current.change_field("customer", "name", label="x")
        ),
        lambda session: session.configuration.revisions(),
        lambda session: session.configuration.refresh("customer"),
    ):
        assert told(story, "lisi", ask).startswith("PermissionDenied")


def test_nobody_undoes_an_import_by_a_guessed_number(story: Story) -> None:
    """Without the right to import, somebody's import is answered like one that never was, and everything stays."""
    file = "客户名称,客户类型,联系人,联系方式\n甲公司,企业客户,张三,13812345601".encode()
    with story.workspace.acting_as("sunjiu") as session:
        report = plan_import(session, "customer", file).apply()
    for batch in (report.batch_id, NOWHERE):
        with pytest.raises(NotFoundError):
            story.workspace.undo_import(batch, actor="lisi")
    with story.workspace.acting_as("sunjiu") as session:
        assert session.customers.count() == 3


def test_an_import_of_all_is_not_undone_by_who_imports_their_own() -> None:
    """The right to import one's own customers takes no administrator's import back; its number is that of none."""
    grant = Grant("sales", "customer", frozenset({"import"}))
    configuration = standard_configuration().with_grants(grant)
    with Workspace.open("memory://", configuration, organisation=sample_organisation()) as workspace:
        file = "客户名称,客户类型,联系人,联系方式\n甲公司,企业客户,张三,13812345601".encode()
        with workspace.acting_as("sunjiu") as session:
            report = plan_import(session, "customer", file).apply()
        for batch in (report.batch_id, NOWHERE):
            with pytest.raises(NotFoundError):
                workspace.undo_import(batch, actor="lisi")
        with workspace.acting_as("sunjiu") as session:
            assert session.customers.count() == 1


def test_a_plan_shows_no_record_as_it_is(story: Story) -> None:
    """The rows of a plan, their attributes and their bytes hold nothing of the masked account."""
    own, _ = ids(story)
    with story.workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", f"id,邮箱\n{own},new@example.com".encode())
        (row,) = plan.rows
        assert row.outcome == "update"
        shown = {name: getattr(row, name) for name in dir(row) if not name.startswith("_")}
        assert ACCOUNT not in repr(shown)
        assert not any(hasattr(value, "before") for value in shown.values())
        assert ACCOUNT.encode() not in pickle.dumps(row)


def test_an_interrupted_import_is_resumed_by_its_own_member_only() -> None:
    """The same file planned by somebody else neither goes on with an interrupted import nor tells how far it was."""
    configuration = standard_configuration().with_grants(Grant("sales", "customer", frozenset({"import"})))
    file = (
        "客户名称,客户类型,联系人,联系方式\n甲公司,企业客户,张三,13812345601\n乙公司,企业客户,李四,13812345602".encode()
    )

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with Workspace.open("memory://", configuration, organisation=sample_organisation()) as workspace:
        with pytest.raises(KeyboardInterrupt), workspace.acting_as("sunjiu") as session:
            plan_import(session, "customer", file).apply(stop, batch_size=1)
        with workspace.acting_as("lisi") as session:
            other = plan_import(session, "customer", file).apply(batch_size=1)
        assert other.counts.creates == 2
        with workspace.acting_as("sunjiu") as session:
            own = plan_import(session, "customer", file).apply(batch_size=1)
    assert own.batch_id != other.batch_id
    assert own.counts.creates == 1


def test_tags_that_are_hidden_are_not_guessed() -> None:
    """Adding a tag, or removing one, makes a version whether the record has it or not, where tags are hidden."""
    configuration = standard_configuration()
    grants = [
        attrs.evolve(grant, view=attrs.evolve(grant.view, excluded=(*grant.view.excluded, "tags")))
        if grant.role == "sales" and grant.module == "customer" and grant.view.everything
        else grant
        for grant in configuration.grants
    ]
    with Workspace.open(
        "memory://", attrs.evolve(configuration, grants=tuple(grants)), organisation=sample_organisation()
    ) as workspace:
        story = Story(workspace)
        record = story.customer("lisi", tags=[("自定义", "有")])
        with workspace.acting_as("lisi") as session:
            assert "tags" not in session.customers.get(record.id).visible
            versions = [session.customers.get(record.id).version]
            for added, removed in (("有", ()), ("没有", ()), ((), "有"), ((), "别的")):
                give = [("自定义", added)] if added else []
                take = [("自定义", removed)] if removed else []
                session.customers.tag(record.id, give, remove=take, version=ANY)
                versions.append(session.customers.get(record.id).version)
        assert versions == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("text", ["****3445", "6222****3445", "******"])
def test_a_typed_mask_is_refused_by_name(story: Story, text: str) -> None:
    """Typing what a masked account looks like is refused as a mask, and nothing is saved."""
    own, _ = ids(story)
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as refused:
        session.customers.update(own, {"开户行信息": text}, version=ANY)
    assert [(item.code, item.field) for item in refused.value.problems] == [("masked_value", "bank_account")]
    assert story.view("zhoushi", own)["bank_account"] == ACCOUNT


def test_stars_are_text_for_those_who_read_them(story: Story) -> None:
    """Who reads a field may write stars into it."""
    own, _ = ids(story)
    assert story.update("lisi", story.view("lisi", own), {"name": "甲***公司"})["name"] == "甲***公司"


def test_the_access_log_is_not_read_by_those_whom_it_is_about(story: Story) -> None:
    """Who reads accounts may not see whether that is noticed."""
    assert told(story, "zhoushi", lambda session: session.access_log.find("customer")).startswith("PermissionDenied")


def test_a_deputy_needs_a_rule(story: Story) -> None:
    """Saying that one acts on behalf of the senior administrator does not make it so."""
    with pytest.raises(PermissionDeniedError), story.workspace.acting_as("lisi", on_behalf_of="zhoushi"):
        pass


def test_an_ended_session_answers_nothing(story: Story) -> None:
    """Verbs that were kept beyond the session, after a change of rights, answer nothing."""
    with story.workspace.acting_as("lisi") as session:
        records = session.customers
    with pytest.raises(CustinfoError):
        records.count()


def test_a_forged_owner_gives_no_reach(story: Story) -> None:
    """Creating a customer in a colleague's name or department, or under an id of one's own, is refused."""
    for extra in ({"owner": "wangwu"}, {"department": "sales1-2"}, {"created_by": "wangwu"}, {"id": NOWHERE}):
        raw = {**ENTERPRISE, "uscc": None, "name": "新", **extra}
        assert told(story, "lisi", lambda session, raw=raw: session.customers.create(raw)).split()[0].endswith("Error")


def test_a_mere_viewer_of_a_request_reads_no_hidden_part_of_it() -> None:
    """Who sees one of two fields of a request is told neither the other one, nor its flow, nor what people say."""
    senior = (Step("boss", (RoleHolders("senior_administrator"),)),)
    flow = Flow("accounts", Trigger("customer", fields=("bank_account",)), senior)
    with Workspace.open(
        "memory://", standard_configuration().with_flows(flow), organisation=sample_organisation()
    ) as workspace:
        story = Story(workspace)
        record = story.customer("lisi")
        with workspace.acting_as("sunjiu") as session:
            change = {"status": "流失", "bank_account": ACCOUNT}
            outcome: Any = session.customers.update(record.id, change, version=ANY, reason=f"改为 {ACCOUNT}")
        for actor in ("zhaojl", "zhoushi"):
            with workspace.acting_as(actor) as session:
                part = session.approvals.approve(outcome.request.id, comment=f"{ACCOUNT} 已核对")
        assert part.state == "applied"
        assert set(part.fields) == {"status", "bank_account"}
        assert part.reason == f"改为 {ACCOUNT}"
        with workspace.acting_as("lisi") as session:
            shown = session.approvals.get(outcome.request.id)
            picture = session.approvals.diagram(outcome.request.id)
    assert shown.fields == ("status",)
    assert shown.flows == ("customer_lost",)
    assert shown.reason is None
    assert [entry.comment for entry in shown.trail] == [None] * len(shown.trail)
    assert "bank_account" not in repr(shown)
    assert "accounts" not in picture


HIDING = Configuration(
    (
        ModuleDefinition(
            "deal",
            (
                FieldDefinition("name", "text", "名称"),
                FieldDefinition("secret", "text", "秘密等级"),
                FieldDefinition("since", "date", "秘密日期"),
                FieldDefinition("note", "text", "备注", required_when=F.secret == "绝密"),
                FieldDefinition("fee", "integer", "费用", rules=(AllowedWhen(F.secret == "公开"),)),
                FieldDefinition("until", "date", "截止", rules=(NotBefore("since"),)),
                FieldDefinition("stage", "choice", "阶段", options={"dictionary": "stage"}),
            ),
            title_field="name",
            life_cycles=(
                LifeCycle("stage", (Transition("won", ("open",), guard=F.secret == "公开"), Transition("open"))),
            ),
        ),
    ),
    (Dictionary("stage", (DictionaryValue("open", "进行"), DictionaryValue("won", "成交"))),),
    roles=tuple(Role(key, key) for key in ("sales", "data_administrator")),
    grants=(
        Grant(
            "sales",
            "deal",
            frozenset({"view", "edit"}),
            "all",
            view=Fields.everything_but("secret", "since"),
            edit=Fields.everything_but("secret", "since"),
        ),
        Grant(
            "data_administrator",
            "deal",
            frozenset({"view", "create", "edit"}),
            "all",
            view=Fields.everything_but(),
            edit=Fields.everything_but(),
        ),
    ),
)
HIDDEN_WORDS = ("秘密", "绝密", "公开", "secret", "since")


@pytest.mark.parametrize(
    ("change", "code", "chinese"),
    [
        ({"note": CLEAR}, "required_when", "当 模块的规则要求如此 时必填"),
        ({"fee": 5}, "allowed_when", "仅当 模块的规则要求如此 时可填"),
        ({"until": "2024-01-01"}, "date_order", "不能早于另一字段"),
        ({"stage": "won"}, "guard_not_met", "仅当 模块的规则要求如此 时可变为 成交"),
    ],
)
def test_a_refusal_names_no_condition_that_one_may_not_read(change: Any, code: str, chinese: str) -> None:
    """A rule that looks at hidden fields says no more than that there is one; who reads them is told what it asks."""
    with Workspace.open("memory://", HIDING, organisation=sample_organisation()) as workspace:
        values = {"name": "甲", "secret": "绝密", "since": "2024-05-01", "note": "有", "stage": "open"}
        with workspace.acting_as("sunjiu") as session:
            key = session.records("deal").create(values).record.id  # type: ignore[union-attr]
        told = {}
        for actor in ("lisi", "sunjiu"):
            with workspace.acting_as(actor) as session, pytest.raises(InvalidInputError) as refused:
                session.records("deal").update(key, change, version=ANY)
            told[actor] = refused.value
    (problem,) = told["lisi"].problems
    assert (problem.code, problem.text("zh")) == (code, chinese)
    texts = (repr(told["lisi"]), str(told["lisi"]), problem.message("zh"), problem.message("en"), repr(problem))
    assert not any(word in text for word in HIDDEN_WORDS for text in texts)
    assert any(word in told["sunjiu"].message("zh") for word in HIDDEN_WORDS)


TRANSFERS = Flow("moves", Trigger("deal", actions=("transfer",)), (Step("s", (NamedMember("bob"),)),))
OWNERS = Flow("owners", Trigger("deal", fields=("owner",)), (Step("s", (NamedMember("bob"),)),))
HOMES = attrs.evolve(TRANSFERS, trigger=attrs.evolve(TRANSFERS.trigger, fields=("department",)))


def drafting_for(session: Session, key: str) -> Any:
    """Draft a change of owner."""
    return session.approvals.draft("deal", {"owner": "sam"}, record_id=key)


def transferring(session: Session, key: str) -> Any:
    """Give a deal to somebody."""
    return session.records("deal").transfer(key, "sam", version=ANY)


def giving_many(session: Session, key: str) -> Any:
    """Give deals to somebody."""
    outcome = session.records("deal").transfer_many([key], "sam", version=ANY)
    return outcome, [session.approvals.get(request_id) for request_id in outcome.requests]


@pytest.mark.parametrize("owners", [("sam", "ann"), ("sam", "cat"), ("sam", "dee"), ("cat", "bob")])
@pytest.mark.parametrize("flow", [None, TRANSFERS, OWNERS, HOMES], ids=["none", "transfers", "owners", "departments"])
@pytest.mark.parametrize("ask", [drafting_for, transferring, giving_many])
def test_a_guessed_owner_is_not_confirmed(ask: Any, flow: Flow | None, owners: tuple[str, str]) -> None:
    """Who may give a record away, and not read whose it is, is told the same whoever has it: drafted, gated or done."""
    asker = grant("edit", "transfer", edit=("name",))
    configuration = attrs.evolve(CONFIGURATION, flows=() if flow is None else (flow,))
    one, other = ask_both(ask, asker, configuration=configuration, owner=owners)
    assert one == other


def test_a_reserved_owner_is_not_confirmed() -> None:
    """Who gives away what waits to be given away is refused, also where it is already as they want it."""

    def waiting(workspace: Workspace, key: str, _side: int) -> None:
        with workspace.acting_as("ann") as session:
            session.records("deal").transfer(key, "dee", version=ANY)

    configuration = attrs.evolve(CONFIGURATION, flows=(TRANSFERS,))
    asker = grant("edit", "transfer", edit=("name",))
    one, other = ask_both(transferring, asker, story=waiting, configuration=configuration, owner=("sam", "ann"))
    assert "field_reserved" in one
    assert one == other

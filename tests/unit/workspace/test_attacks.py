"""What somebody tries who wants more than the policy gives."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from custinfo import (
    ANY,
    CLEAR,
    AwaitingApproval,
    F,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    Workspace,
)
from custinfo.adapters.excel import plan_import
from custinfo.core.errors import CustinfoError, IllegalTransitionError
from custinfo.core.organisation import Assignment
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.session import Session
from tests.unit.workspace.story import ENTERPRISE, IDENTITY_NUMBER, INDIVIDUAL, WON, Story, applied

OTHER_NUMBER = "110105194912310046"
ACCOUNT, SIMILAR = "6222 111 3445", "7222 111 3445"


def told(story: Story, actor: str, ask: Callable[[Session], Any]) -> str:
    """Return what an actor is told: the kind of outcome, or the error in full."""
    try:
        with story.workspace.acting_as(actor) as session:
            return type(ask(session)).__name__
    except CustinfoError as error:
        return f"{type(error).__name__}: {error}"


def table(heading: str, *rows: str) -> bytes:
    """Return a text file."""
    return "\n".join((heading, *rows)).encode()


# --- reading what is not theirs


@pytest.mark.parametrize("actor", ["lisi", "liuqi", "sunjiu"])
def test_uniqueness_is_no_oracle(story: Story, actor: str) -> None:
    """A guess that is wrong for other reasons gets one answer, whether another record holds the number or not."""
    story.individual("wangwu")
    mine = story.individual("lisi", id_number=None, name="另一人", phone="13900139009", birthday="2000-01-01")
    answers = {
        told(
            story,
            actor,
            lambda session, guess=guess: session.customers.update(  # type: ignore[misc]
                mine.id, {"id_number": guess}, version=ANY
            ),
        )
        for guess in (IDENTITY_NUMBER, OTHER_NUMBER)
    }
    assert len(answers) == 1


def test_a_gated_guess_is_submitted_like_any_other(story: Story) -> None:
    """Who may not read a number submits one that is taken just like one that is free; approving tells."""
    story.individual("wangwu")
    mine = story.individual("lisi", id_number=None, name="另一人", phone="13900139009")
    request = story.submit("liuqi", mine, {"id_number": IDENTITY_NUMBER})
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(CustinfoError) as caught:
        session.approvals.approve(request.id)
    assert caught.value.code == "not_unique"


def test_a_plan_does_not_say_whose_number_it_is(story: Story) -> None:
    """An import is not matched by a field of which the actor sees the last four digits only."""
    story.individual("wangwu")
    file = table(
        "客户名称,客户类型,联系人,联系方式,证件号码",
        f"甲,个人客户,甲,13900139111,{IDENTITY_NUMBER}",
        f"乙,个人客户,乙,13900139112,{OTHER_NUMBER}",
    )
    with story.workspace.acting_as("sunjiu") as session:
        rows = plan_import(session, "customer", file).rows
    assert [(row.outcome, row.record_id) for row in rows] == [("create", None)] * 2


@pytest.mark.parametrize("number", [IDENTITY_NUMBER, None])
@pytest.mark.parametrize("actor", ["lisi", "liuqi"])
def test_clearing_does_not_say_whether_there_was_something(story: Story, actor: str, number: str | None) -> None:
    """Clearing a hidden field waits for approval, whether it holds a value or not."""
    record = story.individual("lisi", id_number=number)
    assert (
        told(story, actor, lambda session: session.customers.update(record.id, {"id_number": CLEAR}, version=ANY))
        == "AwaitingApproval"
    )


def test_history_confirms_no_guess_of_a_masked_value(url: str) -> None:
    """Writing the account that a colleague stored looks like writing another with the same last digits."""
    people = sample_organisation()
    colleague = attrs.evolve(people.members["sunjiu"], key="colleague", name="同事", employee_number="E100")
    people = attrs.evolve(people, members=people.members.set("colleague", colleague))
    story = Story(Workspace.open(url, standard_configuration(), organisation=people))
    seen = []
    for guess in (ACCOUNT, SIMILAR):
        record = story.customer("lisi", uscc=None, name=f"客户{guess}")
        story.update("colleague", record, {"bank_account": ACCOUNT})
        story.update("sunjiu", record, {"bank_account": guess})
        with story.workspace.acting_as("sunjiu") as session:
            changes = session.customers.history(record.id)
            seen.append((len(changes), dict(changes[-1].fields), session.customers.diff(record.id, 2, 3)))
    assert seen[0] == seen[1]
    story.workspace.close()


def test_what_one_wrote_oneself_one_knows(story: Story) -> None:
    """Writing again what one wrote changes nothing, so that the same import again changes nothing."""
    record = story.individual()
    with story.workspace.acting_as("sunjiu") as session:
        again = session.customers.update(record.id, {"id_number": IDENTITY_NUMBER}, version=record.version)
        assert applied(again).version == record.version


def test_revert_brings_back_nothing_that_was_hidden(story: Story) -> None:
    """A new owner does not get to read what the record held under the owner before."""
    record = story.customer("wangwu", special_notes="王五的秘密")
    story.update("wangwu", record, {"special_notes": CLEAR})
    with story.workspace.acting_as("zhaojl") as session:
        session.customers.transfer(record.id, "lisi", version=ANY)
    with story.workspace.acting_as("lisi") as session, pytest.raises(NotFoundError):
        session.customers.revert(record.id, to_version=1, version=ANY)
    assert story.view("lisi", record).get("special_notes") is None


def test_revert_is_silent_about_hidden_changes(story: Story) -> None:
    """Whether a hidden field changed between the versions makes no difference to a revert."""
    answers = set()
    for account in (ACCOUNT, SIMILAR):
        record = story.customer("lisi", uscc=None, name=f"客户{account}")
        story.update("sunjiu", record, {"bank_account": ACCOUNT})
        story.update("sunjiu", record, {"bank_account": "9999"})
        story.update("sunjiu", record, {"bank_account": account})
        story.update("lisi", record, {"email": "a@example.com"})
        answers.add(
            told(
                story,
                "lisi",
                lambda session, key=record.id: session.customers.revert(  # type: ignore[misc]
                    key, to_version=2, version=ANY
                ),
            )
        )
        assert story.view("zhoushi", record)["bank_account"] == account
    assert answers == {"Applied"}


def test_a_request_shows_values_of_a_time_to_whom_could_see_them_then(story: Story) -> None:
    """Finance does not read in a closed request what it could not read when that was submitted."""
    record = story.customer("lisi", paid_amount="111")
    request = story.submit("lisi", record, {"status": "流失", "paid_amount": "222"})
    story.approve("zhaojl", request)
    story.update("lisi", record, {**WON, "paid_amount": "5"})
    with story.workspace.acting_as("qianba") as session:
        shown = session.approvals.get(request.id)
    assert dict(shown.base) == {}
    assert dict(shown.proposed) == {}


def test_approving_checks_no_hidden_field_that_it_does_not_change(story: Story) -> None:
    """A guessed birthday is not compared with the identity number behind the back of its approver."""
    record = story.individual("lisi")
    request = story.submit("lisi", record, {"status": "流失", "birthday": "1950-01-01"})
    assert story.approve("zhaojl", request).state == "applied"


def test_a_reason_is_read_with_the_whole_change_only(story: Story) -> None:
    """The reason of a change of hidden fields, which may tell them, is hidden; a change that is all hidden, wholly."""
    record = story.won("wangwu", paid_amount="1")
    with story.workspace.acting_as("wangwu") as session:
        session.customers.update(record.id, {"email": "a@example.com"}, version=ANY, reason="新邮箱 a@example.com")
    with story.workspace.acting_as("qianba") as session:
        assert [change.reason for change in session.customers.history(record.id)] == [None]


def test_explaining_knows_no_records_out_of_reach(story: Story) -> None:
    """Who configures learns from an explanation no more about a record than from asking for it."""
    record = story.customer("lisi")
    with story.workspace.acting_as("admin") as session:
        for action in ("view", "configure", "update"):
            known, unknown = (session.explain(action, "customer", key) for key in (record.id, "nonsense"))
            assert known == unknown
            assert not known


def test_encrypted_fields_are_not_sorted_or_grouped_through_a_reference(story: Story) -> None:
    """What is refused on the customer is refused one reference away."""
    with story.workspace.acting_as("zhoushi") as session:
        for ask in (
            lambda: session.follow_ups.distribution("customer.id_number"),
            lambda: session.follow_ups.find(order_by=["customer.id_number"]),
        ):
            with pytest.raises(InvalidInputError):
                ask()


@pytest.mark.parametrize(
    ("order", "token"),
    [
        ("name", "WzUsICJ4Il0="),  # [5, "x"]
        ("name", "W1sicSJdLCAieSJd"),  # [["q"], "y"]
        ("name", "WyJcdWQ4MDAiLCAiIl0="),  # ["\ud800", ""]
        ("annual_budget", "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAsICJ5Il0="),  # [10**31, "y"]
        ("created_at", "WyIyMDI0LTAxLTAxIiwgInkiXQ=="),  # a time without zone
    ],
)
def test_forged_tokens_are_refused(story: Story, order: str, token: str) -> None:
    """A token that no page gave is a wrong argument on every store, not a failure of the store."""
    story.customer("lisi", annual_budget="1")
    story.customer("lisi", name="另一家", uscc=None, annual_budget="2")
    with story.workspace.acting_as("lisi") as session, pytest.raises(ValueError, match="token"):
        session.customers.find(order_by=[order], after=token)


def test_a_token_of_another_order_is_refused_without_what_it_says(story: Story) -> None:
    """A token holds sort values; the error for it, and what is logged with that, holds none of them."""
    name = story.customer("lisi")["name"]
    story.customer("lisi", name="另一家", uscc=None)
    with story.workspace.acting_as("lisi") as session:
        token = session.customers.find(order_by=["-name"], limit=1).next
        with pytest.raises(ValueError, match="token") as caught:
            session.customers.find(order_by=["created_at"], after=token)
    said = "".join(traceback.format_exception(caught.value))
    assert "token" in said
    assert name not in said
    assert "另一家" not in said
    assert caught.value.__context__ is None


def test_forged_tokens_reach_nothing_else(story: Story) -> None:
    """A token that starts before everything still gives one's own records only."""
    story.customer("wangwu", name="王五的客户", uscc=None)
    story.customer("lisi")
    with story.workspace.acting_as("lisi") as session:
        page = session.customers.find(after="WyIwIl0=")  # ["0"]
    assert [record["name"] for record in page.records] == [ENTERPRISE["name"]]


@pytest.mark.parametrize(
    "ask",
    [
        lambda session: session.follow_ups.count(F.customer.bank_account.is_present()),
        lambda session: session.follow_ups.count(~(F.customer.id_number.is_present())),
        lambda session: session.follow_ups.find(order_by=["customer.bank_account"]),
        lambda session: session.follow_ups.distribution("customer.bank_account"),
    ],
)
def test_hidden_fields_are_not_reached_through_a_reference(story: Story, ask: Callable[[Session], Any]) -> None:
    """A masked or hidden field of the customer is not asked about by way of its follow-ups."""
    with story.workspace.acting_as("zhaojl") as session, pytest.raises(PermissionDeniedError):
        ask(session)


# --- changing what is not theirs


@pytest.fixture
def powerful(url: str) -> Iterator[Story]:
    """A store in which 李四 sells and may transfer."""
    organisation = sample_organisation()
    both = (Assignment("sales1-1", "sales"), Assignment("sales1", "department_manager"))
    member = attrs.evolve(organisation.members["lisi"], assignments=both)
    organisation = attrs.evolve(organisation, members=organisation.members.set("lisi", member))
    with Workspace.open(url, standard_configuration(), organisation=organisation) as opened:
        yield Story(opened)


def test_a_gate_is_not_passed_by_giving_the_record_away(powerful: Story) -> None:
    """A change of status needs its approval also where the owner changes in the same step."""
    record = powerful.customer("lisi")
    with powerful.workspace.acting_as("lisi") as session:
        outcome = session.customers.update(record.id, {"status": "流失", "owner": "wangwu"}, version=ANY)
    assert isinstance(outcome, AwaitingApproval)


def test_an_old_plan_respects_new_reservations(story: Story) -> None:
    """A field that a request came to hold since the plan was made is not imported over."""
    record = story.customer("lisi")
    with story.workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", table("id,联系方式", f"{record.id},13700000000"))
        session.customers.update(record.id, {"status": "流失", "phone": "13600000000"}, version=ANY)
        report = plan.apply()
        assert [row.outcome for row in report.rows] == ["conflict"]
        assert session.customers.get(record.id)["phone"] == ENTERPRISE["phone"]


def test_undo_takes_back_what_waits(story: Story) -> None:
    """What an import submitted can't be approved after the import was undone."""
    record = story.customer("lisi")
    with story.workspace.acting_as("sunjiu") as session:
        report = plan_import(session, "customer", table("id,客户状态", f"{record.id},流失")).apply()
    story.workspace.undo_import(report.batch_id, actor="sunjiu")
    with story.workspace.acting_as("zhaojl") as session, pytest.raises(IllegalTransitionError):
        session.approvals.approve(report.requests[0])
    assert story.view("lisi", record)["status"] == "高潜"


def test_undo_goes_round_no_approval(story: Story) -> None:
    """An approved change of an identity number is not undone without approval."""
    record = story.individual("lisi")
    with story.workspace.acting_as("sunjiu") as session:
        report = plan_import(session, "customer", table("id,证件号码", f"{record.id},{OTHER_NUMBER}")).apply()
    with story.workspace.acting_as("zhoushi") as session:
        session.approvals.approve(report.requests[0])
    undone = story.workspace.undo_import(report.batch_id, actor="admin")
    assert undone.kept == (record.id,)
    assert story.view("zhoushi", record)["id_number"] == OTHER_NUMBER


def test_undo_orphans_no_follow_ups(story: Story) -> None:
    """A customer about whom somebody wrote a follow-up since stays."""
    file = table("客户名称,客户类型,联系人,联系方式,负责人", "甲乙公司,企业客户,张三,13812345678,lisi")
    with story.workspace.acting_as("sunjiu") as session:
        report = plan_import(session, "customer", file).apply()
    with story.workspace.acting_as("lisi") as session:
        (customer,) = session.customers.find().records
        session.follow_ups.create({"customer": customer.id, "at": "2024-03-01 10:00", "content": "内容"})
    assert story.workspace.undo_import(report.batch_id, actor="sunjiu").kept == (customer.id,)


def test_nobody_follows_up_in_the_name_of_others(story: Story) -> None:
    """跟进人 is set by the system: a salesperson can't name somebody else."""
    customer = story.customer("lisi")
    values = {"customer": customer.id, "at": "2024-03-01 10:00", "content": "内容", "owner": "wangwu"}
    assert told(story, "lisi", lambda session: session.follow_ups.create(values)).startswith("PermissionDenied")


@pytest.mark.parametrize(
    ("actor", "ask"),
    [
        ("lisi", lambda session, _own, _: session.customers.create({**ENTERPRISE, "uscc": None, "owner": "wangwu"})),
        ("lisi", lambda session, _own, _: session.customers.create({**INDIVIDUAL, "id_number": IDENTITY_NUMBER})),
        ("lisi", lambda session, own, _: session.customers.update(own, {"owner": "wangwu"}, version=ANY)),
        ("lisi", lambda session, own, _: session.customers.update(own, {"bank_account": CLEAR}, version=ANY)),
        ("lisi", lambda session, own, _: session.customers.transfer(own, "wangwu", version=ANY)),
        ("zhaojl", lambda session, own, _: session.customers.update(own, {"owner": "wangwu"}, version=ANY)),
        ("zhaojl", lambda session, own, _: session.customers.transfer(own, "sunjiu", version=ANY)),
        ("liuqi", lambda session, own, _: session.customers.tag(own, ("自定义", "x"), version=ANY)),
        ("liuqi", lambda session, own, _: session.customers.archive(own, version=ANY)),
        ("liuqi", lambda session, own, _: session.customers.update(own, {"phone": ENTERPRISE["phone"]}, version=ANY)),
    ],
)
def test_ways_round_the_policy_are_closed(story: Story, actor: str, ask: Callable[[Session, str, str], Any]) -> None:
    """What no grant allows is refused in each verb, and nothing changes."""
    own, other = story.customer("lisi"), story.customer("wangwu", uscc=None, name="王五的客户")
    with story.workspace.acting_as(actor) as session, pytest.raises(PermissionDeniedError):
        ask(session, own.id, other.id)
    assert story.view("zhoushi", own).version == 1


def test_follow_ups_are_not_moved_across_the_border(story: Story) -> None:
    """A follow-up is neither given to another's customer nor taken from one, and both sound alike to the unknown."""
    own, other = story.customer("lisi"), story.customer("wangwu", uscc=None, name="王五的客户")
    values = {"at": "2024-03-01 10:00", "content": "内容"}
    with story.workspace.acting_as("lisi") as session:
        mine = applied(session.follow_ups.create({**values, "customer": own.id}))
    with story.workspace.acting_as("wangwu") as session:
        theirs = applied(session.follow_ups.create({**values, "customer": other.id}))
    nowhere = "018e3ff1-e047-7000-ab48-000000000000"
    answers = {
        told(
            story,
            "lisi",
            lambda session, to=to: session.follow_ups.update(  # type: ignore[misc]
                mine.id, {"customer": to}, version=ANY
            ),
        )
        for to in (other.id, nowhere)
    }
    assert len(answers) == 1
    assert told(
        story, "lisi", lambda session: session.follow_ups.update(theirs.id, {"customer": own.id}, version=ANY)
    ).startswith("NotFoundError")


# --- breaking things


@pytest.mark.parametrize("verb", ["approve", "submit"])
def test_races_have_one_winner(story: Story, verb: str) -> None:
    """Of many who decide or submit at once one succeeds, and the change is made once."""
    record = story.customer("lisi")
    request = story.submit("lisi", record, {"status": "流失"}) if verb == "approve" else None
    start = threading.Barrier(6)

    def run() -> None:
        start.wait()
        if request is not None:
            told(story, "zhaojl", lambda session: session.approvals.approve(request.id))
        else:
            told(story, "lisi", lambda session: session.customers.update(record.id, {"status": "流失"}, version=ANY))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with story.workspace.acting_as("lisi") as session:
        assert len(session.approvals.submitted()) == 1
        assert sum(change.channel == "approval" for change in session.customers.history(record.id)) <= 1
        assert session.customers.get(record.id)["status"] == ("流失" if verb == "approve" else "高潜")


def test_a_raising_progress_keeps_whole_batches(story: Story) -> None:
    """What was saved before the host's callback raised stays, and the same file goes on from there."""
    file = table("客户名称,客户类型,联系人,联系方式", *(f"甲{i}公司,企业客户,张三,1381234560{i}" for i in range(6)))

    def stop(_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError), story.workspace.acting_as("sunjiu") as session:
        plan_import(session, "customer", file).apply(stop, batch_size=2)
    with story.workspace.acting_as("sunjiu") as session:
        assert session.customers.count() == 2
        plan_import(session, "customer", file).apply(batch_size=2)
        assert session.customers.count() == 6


def test_a_plan_applied_twice_makes_no_doubles(story: Story) -> None:
    """The rows of a plan that was carried out clash with themselves."""
    file = table("客户名称,客户类型,联系人,联系方式", "甲公司,企业客户,张三,13812345601")
    with story.workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", file)
        plan.apply()
        plan.apply()
        assert session.customers.count() == 1


def test_a_failed_change_leaves_nothing_in_the_session(story: Story) -> None:
    """After a clash of unique values the session goes on, and only what came later is saved."""
    story.customer("lisi")
    record = story.customer("lisi", uscc=None, name="另一家")
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(CustinfoError):
            session.customers.update(record.id, {"uscc": ENTERPRISE["uscc"], "email": "x@example.com"}, version=ANY)
        session.customers.update(record.id, {"address": "北京"}, version=ANY)
    view = story.view("lisi", record)
    assert (view.version, view.get("email"), view["address"]) == (2, None, "北京")


# --- leaving traces


@pytest.mark.parametrize("text", ["x\ud800", "x\x00y"])
def test_texts_that_no_store_holds_are_refused(story: Story, text: str) -> None:
    """A reason or comment with such a character is a problem, not an exception of a driver that shows the row."""
    record = story.customer("lisi")
    with story.workspace.acting_as("lisi") as session, pytest.raises(InvalidInputError):
        session.customers.update(record.id, {"email": "a@example.com"}, version=ANY, reason=text)
    request = story.submit("lisi", record, {"status": "流失"})
    with story.workspace.acting_as("lisi") as session, pytest.raises(InvalidInputError):
        session.approvals.withdraw(request.id, comment=text)


def test_identity_numbers_are_nowhere_in_the_open(story: Story, tmp_path: Path) -> None:
    """Created, approved, imported and reverted numbers stand neither in the files nor in what is shown."""
    record = story.individual("lisi")
    request = story.submit("liuqi", record, {"id_number": "110101194912310016"})
    story.approve("sunjiu", request)
    file = table("客户名称,客户类型,联系人,联系方式,证件号码", f"甲,个人客户,甲,13900139111,{OTHER_NUMBER}")
    with story.workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", file)
        plan.apply()
        session.customers.revert(record.id, to_version=1, version=ANY)
    shown = repr((plan, plan.rows, request, story.view("zhoushi", record)))
    for number in (IDENTITY_NUMBER, "110101194912310016", OTHER_NUMBER):
        assert number not in shown
        for path in tmp_path.glob("customers.db*"):
            assert number.encode() not in path.read_bytes()
    with story.workspace.acting_as("zhoushi") as session:
        assert isinstance(session.customers.get(record.id)["id_number"], str)

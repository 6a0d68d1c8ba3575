"""The list of `docs/explanation/what-refusals-tell.md`, row by row: what is told, and how a configuration avoids it.

Two stores differ in one thing that the asker may not read. Where a row says so, their answers differ; where the
configuration does what the row advises, they are the same. The list and the tests name the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from custinfo import ANY, CLEAR, F, Workspace
from custinfo.core.approval.flows import DepartmentHead, Flow, NamedMember, RoleHolders, Step, Trigger
from custinfo.core.classification import Case, Classification
from custinfo.core.criteria import Tagged
from custinfo.core.policy.grants import Fields, Grant
from custinfo.workspace.session import Session
from tests.leaks.asking import Question, ask_both, differ, field, grant, updating, with_flow
from tests.leaks.known import KNOWN
from tests.leaks.world import ACTOR, CONFIGURATION, FIELDS

PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "what-refusals-tell.md"
SHOWN: Final[dict[str, str]] = {}


def tells(row: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Note that a test shows a row of the list."""

    def noted(test: Callable[[], None]) -> Callable[[], None]:
        SHOWN[row] = test.__name__
        return test

    return noted


# --- writing


@tells("unique")
def test_that_a_unique_value_is_taken() -> None:
    """Who writes a unique field learns that a value is taken; not where it is not unique, or its values are gated."""
    taken: dict[str, Any] = {"code": ("c1", "c2")}

    def create(session: Session, _key: str) -> Any:
        return session.records("deal").create({"name": "Bx", "code": "c1"})

    blind = grant("create", edit=("name", "code"))
    assert differ(ask_both(create, blind, **taken), "not_unique")
    one, other = ask_both(create, blind, configuration=field("code", unique=False), **taken)
    assert one == other
    trigger = Trigger("deal", actions=("create",), fields=("code",), after=F.name == "Bx")
    gate = with_flow(Flow("codes", trigger, (Step("s", (NamedMember("bob"),)),)))
    one, other = ask_both(create, blind, configuration=gate, **taken)
    assert one == other


def pending(workspace: Workspace, key: str, side: int) -> None:
    """Let Bob ask for another telephone in the second store, which waits for approval."""
    if side:
        with workspace.acting_as("bob") as session:
            session.records("deal").update(key, {"phone": "13822220001"}, version=ANY)


@tells("reserved")
def test_that_a_field_is_being_edited() -> None:
    """Who edits a field learns of the request that holds it, and who deletes the record that there is one."""
    answers = ask_both(updating(phone="13811110002"), grant("edit", edit=("phone",)), story=pending)
    assert differ(answers, "field_reserved")

    def delete(session: Session, key: str) -> Any:
        return session.records("deal").delete(key, version=ANY)

    assert differ(ask_both(delete, grant("delete"), story=pending), "field_reserved")
    one, other = ask_both(updating(note="n1"), grant("edit", edit=("note",)), story=pending)
    assert one == other


@tells("transition")
def test_that_no_transition_leads_to_a_status() -> None:
    """Who edits a status unread learns whether the move is one; who reads it knows anyhow."""
    stages: dict[str, Any] = {"stage": ("open", "won"), "amount": (60, 60)}
    answers = ask_both(updating(stage="lost", note="n1"), grant("edit", edit=("stage", "note")), **stages)
    assert differ(answers, "transition_not_allowed")
    assert "'won'" not in "".join(answers)
    seeing = grant("edit", view=("name", "stage"), edit=("stage", "note"))
    assert "won" in ask_both(updating(stage="lost", note="n1"), seeing, **stages)[1]


@tells("state")
def test_that_the_state_requires_a_field() -> None:
    """Who edits a field learns that the present state requires it, and not which state that is."""
    answers = ask_both(updating(amount=CLEAR), grant("edit", edit=("amount",)), stage=("open", "won"), amount=(60, 60))
    assert differ(answers, "required_in_state")
    assert "won" not in "".join(answers)


@tells("rule")
def test_that_a_rule_looks_at_another_field() -> None:
    """Who edits a field learns whether its rule holds, and not what it looks at; who reads that, knows."""
    days: dict[str, Any] = {"since": ("2024-01-01", "2024-03-01")}
    answers = ask_both(updating(until="2024-02-15"), grant("edit", edit=("until",)), **days)
    assert differ(answers, "date_order")
    assert "since" not in "".join(answers)
    assert "since" in ask_both(updating(until="2024-02-15"), grant("edit", view=("since",), edit=("until",)), **days)[1]
    required = ask_both(
        updating(note=CLEAR), grant("edit", edit=("note",)), stage=("open", "lost"), note=("n1", "n1"),
        configuration=attrs.evolve(CONFIGURATION, flows=()),
    )  # fmt: skip
    assert differ(required, "required_when")
    assert "lost" not in "".join(required)


@tells("approval")
def test_that_a_change_asks_for_approval() -> None:
    """Who edits a field learns whether its flow is called for by a condition; not if it has none."""
    hidden: dict[str, Any] = {"secret": ("s1", "s3")}
    flow = Flow(
        "prices", Trigger("deal", before=F.secret == "s3", fields=("amount",)), (Step("s", (NamedMember("bob"),)),)
    )
    editing = grant("edit", edit=("amount",))
    assert differ(ask_both(updating(amount=10), editing, configuration=with_flow(flow), **hidden), "AwaitingApproval")
    always = with_flow(attrs.evolve(flow, trigger=attrs.evolve(flow.trigger, before=None)))
    one, other = ask_both(updating(amount=10), editing, configuration=always, **hidden)
    assert one == other


@tells("asked")
def test_whom_a_request_asks() -> None:
    """Who submits a request is told who decides it, and so in whose department the record is; not if a role decides."""

    def given(workspace: Workspace, key: str, side: int) -> None:
        with workspace.acting_as("ann") as session:
            session.records("deal").transfer(key, ("bob", "ann")[side], version=ANY)

    editing = grant("edit", edit=("amount",))
    flow = Flow("prices", Trigger("deal", fields=("amount",)), (Step("s", (DepartmentHead("owner"),)),))
    answers = ask_both(updating(amount=10), editing, story=given, configuration=with_flow(flow))
    assert differ(answers, "'ann'", "'bob'")
    by_role = with_flow(attrs.evolve(flow, steps=(Step("s", (RoleHolders("judge"),)),)))
    one, other = ask_both(updating(amount=10), editing, story=given, configuration=by_role)
    assert one == other


RULE: Final = Classification("kinds", "deal", (Case(F.amount >= 50, "x"),), "kind")


@tells("tag_rule")
def test_that_a_rule_decides_a_tag() -> None:
    """Who tags learns that a rule decides a dimension; it says so of every record, whatever is in it."""
    ruled = attrs.evolve(CONFIGURATION, classifications=(RULE,))

    def tag(session: Session, key: str) -> Any:
        return session.records("deal").tag(key, ("kind", "x"), version=ANY)

    one, other = ask_both(tag, grant("tag", view=("name", "tags")), configuration=ruled, amount=(10, 60))
    assert "tag_by_rule" in one
    assert one == other
    assert "tag_by_rule" not in ask_both(tag, grant("tag", view=("name", "tags")), amount=(10, 60))[0]


@tells("classified")
def test_that_a_criterion_holds() -> None:
    """Who reads a grade learns that its criterion holds; not if the grade is as sensitive as what it follows from."""
    amounts: dict[str, Any] = {"amount": (10, 60)}

    def get(session: Session, key: str) -> Any:
        return session.records("deal").get(key)

    assert differ(ask_both(get, grant(view=("grade",)), **amounts))
    kept = field("grade", sensitivity="sensitive")
    everything = attrs.evolve(grant(), view=Fields.everything_but("amount", "double"))
    one, other = ask_both(get, everything, configuration=kept, **amounts)
    assert one == other


# --- configuring


@tells("plan")
def test_what_a_plan_counts() -> None:
    """Who configures learns counts and ids of what would not fit, and no value; nobody else may plan."""

    def plan(key: str, **change: Any) -> Question:
        def ask(session: Session, _key: str) -> Any:
            current = session.configuration.current
            found = session.configuration.plan(current.change_field("deal", key, **change))
            return found.effects, found.clashes, found.problems

        return ask

    def second(workspace: Workspace, _key: str, _side: int) -> None:
        with workspace.acting_as("ann") as session:
            session.records("deal").create({"name": "Bx", "secret": "s1"})

    administrator = grant("configure")
    answers = ask_both(plan("secret", unique=True), administrator, secret=("s1", "s2"), story=second)
    assert differ(answers, "not_unique_yet", "018f3000-0000-7000-8000-000001000001")
    assert "'s1'" not in "".join(answers)
    assert differ(ask_both(plan("note", kind="integer"), administrator, note=("7", "n2")), "conversion_failing")
    one, other = ask_both(plan("secret", unique=True), grant(), secret=("s1", "s2"), story=second)
    assert one == other


# --- what else stands in the way


@tells("referenced")
def test_that_another_record_refers_to_one() -> None:
    """Who deletes a record learns that another refers to it, and of which module that is."""

    def refer(workspace: Workspace, _key: str, side: int) -> None:
        with workspace.acting_as("ann") as session:
            firm = session.records("firm").create({"name": "F"}).record  # type: ignore[union-attr]
            if side:
                session.records("deal").create({"name": "Bx", "firm": firm.id})

    def delete(session: Session, _key: str) -> Any:
        firms = session.records("firm")
        return firms.delete(firms.find().records[0].id, version=ANY)

    deleting = Grant("r", "firm", frozenset({"view", "delete"}), "all", view=Fields(("name",)))
    assert differ(ask_both(delete, deleting, story=refer), "still_referenced")
    answers = ask_both(delete, attrs.evolve(deleting, actions=frozenset({"view"})), story=refer)
    assert answers[0] == answers[1]


@tells("types")
def test_that_records_are_of_different_types() -> None:
    """Who merges records learns that they are of different types, also where they do not read them."""
    deal = attrs.evolve(CONFIGURATION.modules["deal"], type_field="stage")

    def other(workspace: Workspace, _key: str, _side: int) -> None:
        with workspace.acting_as("ann") as session:
            session.records("deal").create({"name": "Bx", "stage": "open"})

    def merge(session: Session, key: str) -> Any:
        deals = session.records("deal")
        [gone] = [view.id for view in deals.find().records if view.id != key]
        return deals.merge(key, [gone], version=ANY)

    merging = grant("merge", "edit", "archive", edit=FIELDS["deal"])
    typed = CONFIGURATION.with_modules(deal)
    answers = ask_both(merge, merging, story=other, configuration=typed, stage=("open", "won"), amount=(60, 60))
    assert differ(answers, "not_mergeable")
    assert "won" not in answers[1]


@tells("owner")
def test_that_a_record_has_an_owner() -> None:
    """Who may claim a record learns that somebody has it, and not who; who reads owners, knows."""

    def release(workspace: Workspace, key: str, side: int) -> None:
        if side:
            with workspace.acting_as("ann") as session:
                session.records("deal").release(key, version=ANY)

    def claim(session: Session, key: str) -> Any:
        return session.records("deal").claim(key, version=ANY)

    answers = ask_both(claim, grant("claim"), story=release)
    assert differ(answers, "already_claimed")
    assert "ann" not in answers[0]


# --- what was


def erased(workspace: Workspace, key: str, side: int) -> None:
    """Let a note change once more in the second store, and then be erased in both."""
    with workspace.acting_as("ann") as session:
        deals = session.records("deal")
        for note in ("n1", "n2")[: side + 1]:
            deals.update(key, {"note": note}, version=ANY)
        deals.erase_person(key, fields=["note"], reason="asked for")


@tells("erased")
def test_how_much_was_erased() -> None:
    """Who may erase a field learns how many values it had; of a field that they may not edit, nothing."""

    def certificates(session: Session, key: str) -> Any:
        found = session.records("deal").erasures(key)
        return [(item.field, item.changes) for certificate in found for item in certificate.fields]

    assert ask_both(certificates, grant("erase", "edit", edit=("note",)), story=erased) == (
        "list[tuple['note', 1]]",
        "list[tuple['note', 2]]",
    )
    assert ask_both(certificates, grant("erase", "edit", edit=("name",)), story=erased) == ("list[]", "list[]")
    assert ask_both(certificates, grant(), story=erased)[0].startswith("PermissionDeniedError")


@tells("audit")
def test_who_read_what() -> None:
    """Who audits learns who read which fields of which records, and so that they held a value; nobody else does."""

    def read(workspace: Workspace, key: str, _side: int) -> None:
        with workspace.acting_as("ann") as session:
            session.records("deal").get(key)

    def log(session: Session, _key: str) -> Any:
        return session.access_log.find("deal")

    hidden: dict[str, Any] = {"secret": (None, "s1")}
    answers = ask_both(log, grant("audit"), story=read, **hidden)
    assert differ(answers, "'get'")
    assert "'s1'" not in answers[1]
    one, other = ask_both(log, grant(), story=read, **hidden)
    assert one == other


# --- reach


@tells("reach")
def test_what_one_brings_into_reach() -> None:
    """Who moves a record to where a grant of theirs shows more sees more of it; who moves nothing does not."""
    own = grant(view=("name", "secret"), scope="own")

    def take(session: Session, key: str) -> Any:
        session.records("deal").transfer(key, ACTOR, version=ANY)
        return session.records("deal").get(key)

    hidden: dict[str, Any] = {"secret": ("s1", "s2")}
    assert differ(ask_both(take, grant("transfer"), own, **hidden), "'s1'", "'s2'")
    one, other = ask_both(take, grant(), own, **hidden)
    assert one == other
    tagged = grant(view=("name", "secret"), condition=Tagged("kind", "x"))

    def tag(session: Session, key: str) -> Any:
        return session.records("deal").tag(key, ("kind", "x"), version=ANY)

    assert differ(ask_both(tag, grant("tag"), tagged, **hidden), "'s1'", "'s2'")


@tells("scope")
def test_whose_the_record_is_that_a_new_one_refers_to() -> None:
    """Who creates deals of the firms of their team learns whether a firm is one; who reads its owner knew."""

    def firm(workspace: Workspace, _key: str, side: int) -> None:
        with workspace.acting_as("ann") as session:
            session.records("firm").create({"name": "Bx", "level": 1, "owner": ("sam", "bob")[side]})

    def create(session: Session, _key: str) -> Any:
        [found] = session.records("firm").find(F.level == 1).records
        return session.records("deal").create({"name": "Bx", "firm": found.id})

    through = grant("create", edit=("name", "firm"), scope="team", through="firm")
    firms = Grant("r", "firm", frozenset({"view"}), "all", view=Fields(("level",)))
    assert differ(ask_both(create, through, firms, story=firm), "scope_denied")
    one, other = ask_both(create, attrs.evolve(through, scope="all"), firms, story=firm)
    assert one == other


TWO: Final = (
    Flow("codes", Trigger("deal", fields=("code",)), (Step("first", (RoleHolders("judge"),)),), allow_own=True),
    Flow("notes", Trigger("deal", fields=("note",)), (Step("second", (NamedMember("dee"),)),), allow_own=True),
)


def proposed(workspace: Workspace, key: str, side: int) -> None:
    """Let Bob propose another note, and in the second store also another code, which is decided on before."""
    with workspace.acting_as("bob") as session:
        session.records("deal").update(key, {"note": "n2", **({"code": "c9"} if side else {})}, version=ANY)


def requests(session: Session, key: str) -> Any:
    """Return what there is to know of the one request about a deal."""
    [request] = session.context.unit.approvals.open_for("deal", [key])  # type: ignore[list-item]
    view = session.approvals.get(request.id)
    told = (view.flows, view.fields, view.step, view.waiting_for, [entry.command for entry in view.trail])
    return told, session.approvals.diagram(request.id, language="en")


@tells("waiting")
def test_that_somebody_else_decides_first() -> None:
    """Who reads a part of what a request changes learns that it waits, and of what else it passes no flow or step."""
    both = attrs.evolve(CONFIGURATION, flows=TWO)
    one, other = ask_both(requests, grant(view=("name", "note")), story=proposed, configuration=both)
    assert one != other
    assert "'second'" in one
    assert "first" not in other
    assert "codes" not in other
    assert "Ann" not in other
    assert "Dee" in other


@tells("stuck")
def test_where_a_request_is_stuck() -> None:
    """Who configures a module learns of every request about it who is asked, and no value."""
    both = attrs.evolve(CONFIGURATION, flows=TWO)
    other = ask_both(requests, grant("configure"), story=proposed, configuration=both)[1]
    assert "'first'" in other
    assert "Ann" in other
    assert "c9" not in other


@tells("bare")
def test_what_every_viewer_knows() -> None:
    """Who may view a record knows its id, its version and whether it is archived, whatever their grant names."""

    def archive(workspace: Workspace, key: str, side: int) -> None:
        if side:
            with workspace.acting_as("ann") as session:
                session.records("deal").archive(key, version=ANY)

    def look(session: Session, key: str) -> Any:
        view = session.records("deal").get(key)
        found = session.records("deal").find()
        return view.id, view.version, dict(view.values), view.archived_at, [item.id for item in found.records]

    one, other = ask_both(look, grant(view=()), story=archive)
    assert (
        one
        == "tuple['018f3000-0000-7000-8000-000001000001', 1, {}, None, list['018f3000-0000-7000-8000-000001000001']]"
    )
    assert other == "tuple['018f3000-0000-7000-8000-000001000001', 2, {}, None, list[]]"


# --- the list itself


def rows() -> Mapping[str, str]:
    """Return the list of the page: row → what is told."""
    found = re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(dict(found)) == len(found)
    return dict(found)


def test_the_list_and_the_tests_name_the_same_rows() -> None:
    """Each row has a test of its own, and nothing is shown to be told that is not on the list."""
    assert rows().keys() == SHOWN.keys()


@pytest.mark.parametrize("row", KNOWN)
def test_what_twins_may_differ_in_is_a_row(row: str) -> None:
    """Each exception of the comparison of twins is one row of the list."""
    assert row in rows()

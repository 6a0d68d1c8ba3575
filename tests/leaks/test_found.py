"""What twins and readers of the code found once, as attempts of their own: none of them tells anything any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from custinfo import ANY, CLEAR, F, Masked, Workspace
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.workspace.session import Session
from tests.leaks.asking import ask_both, differ, grant, updating, with_flow
from tests.leaks.world import ACTOR, CONFIGURATION, FIELDS


def test_a_merger_does_not_say_where_a_hidden_reference_leads() -> None:
    """Who merges records whose reference they may not read is not told that it leads to what they may not view."""

    def other(workspace: Workspace, _key: str, side: int) -> None:
        with workspace.acting_as("ann") as session:
            firm = session.records("firm").create({"name": "F"}).record  # type: ignore[union-attr]
            session.records("deal").create({"name": "Bx", **({"firm": firm.id} if side else {})})

    def merge(session: Session, key: str) -> Any:
        deals = session.records("deal")
        [gone] = [view.id for view in deals.find().records if view.id != key]
        return deals.merge(key, [gone], version=ANY)

    merging = grant("merge", "edit", "archive", "tag", edit=FIELDS["deal"])
    one, other_answer = ask_both(merge, merging, story=other)
    assert one == other_answer
    assert one.startswith("Merged")


AMENDING = Flow(
    "codes",
    Trigger("deal", fields=("code",)),
    (Step("s", (NamedMember(ACTOR),), amends=("code", "phone")),),
)


@pytest.mark.parametrize("typed", ["138****0001", "****0001", Masked("138****0001")])
def test_an_approver_amends_no_value_to_its_mask(typed: object) -> None:
    """What an approver sees masked they can't amend, whatever they type, and are told that, and not what is there."""

    def propose(workspace: Workspace, key: str, _side: int) -> None:
        with workspace.acting_as("bob") as session:
            session.records("deal").update(key, {"code": "c9"}, version=ANY)

    def amend(session: Session, _key: str) -> Any:
        [task] = session.approvals.inbox()
        return session.approvals.approve(task.request_id, amend={"phone": typed})

    sees_masks = grant("edit", "approve", view=("name", "code"), edit=("code", "phone"), mask={"phone": "phone"})
    phones: dict[str, Any] = {"phone": ("13811110001", "13822220001")}
    one, other = ask_both(amend, sees_masks, story=propose, configuration=with_flow(AMENDING), **phones)
    assert one == other
    assert one.startswith(("PermissionDeniedError ('field_not_editable'", "InvalidInputError ('masked_value'"))


def test_grants_that_mask_in_several_ways_do_not_add_up() -> None:
    """Of two masks one sees one, the same in the record, its history and an export: never both halves of a value."""
    ways = [grant(view=(), mask={"phone": style}) for style in ("keep:3,0", "keep:0,4")]

    def look(session: Session, key: str) -> Any:
        deals = session.records("deal")
        view = deals.get(key)
        return [view["phone"], *(change.fields["phone"][1] for change in deals.history(key))]

    for grants in (ways, ways[::-1]):
        one, other = ask_both(look, *grants, phone=("13811110002", "13822220002"))
        assert one == other
        assert "138" not in one
        assert one.count("****0002") > 1


def test_a_value_of_the_past_shows_by_no_mask_that_was_not_allowed_then() -> None:
    """Where a record was masked otherwise when it had a value, the value of then shows by neither of the two masks."""
    ways = [
        grant(view=("stage",), mask={"code": style}, condition=F.stage == stage)
        for stage, style in (("open", "last4"), ("won", "keep:4,0"))
    ]

    def win(workspace: Workspace, key: str, _side: int) -> None:
        with workspace.acting_as("ann") as session:
            session.records("deal").update(key, {"stage": "won"}, version=ANY)

    def look(session: Session, key: str) -> Any:
        deals = session.records("deal")
        then, now = deals.as_of(key, session.now() - timedelta(minutes=15)), deals.get(key)
        return [str(view["code"]) for view in (then, now)]

    given: dict[str, Any] = {"stage": ("open", "open"), "amount": (60, 60), "code": ("abcd1234", "abcd5678")}
    one, other = ask_both(look, *ways, story=win, **given)
    assert one == other == "list['******', 'abcd****']"


def test_a_change_of_a_hidden_field_is_not_told_by_its_steps() -> None:
    """Who reads what one flow is about is not shown the people of another, in a view or a diagram, before or after."""
    flows = (
        Flow("codes", Trigger("deal", fields=("code",)), (Step("hidden", (NamedMember("cat"),)),)),
        Flow("notes", Trigger("deal", fields=("note",)), (Step("shown", (NamedMember("dee"),)),)),
    )

    def propose(workspace: Workspace, key: str, _side: int) -> None:
        with workspace.acting_as("bob") as session:
            request = session.records("deal").update(key, {"note": "n2", "code": "c9"}, version=ANY).request  # type: ignore[union-attr]
        with workspace.acting_as("cat") as session:
            session.approvals.approve(request.id, "agreed")

    def look(session: Session, key: str) -> Any:
        [request] = session.context.unit.approvals.open_for("deal", [key])  # type: ignore[list-item]
        view = session.approvals.get(request.id)
        return view, session.approvals.diagram(request.id), session.approvals.diagram(request.id, form="svg")

    configuration = attrs.evolve(CONFIGURATION, flows=flows)
    answer = ask_both(look, grant(view=("name", "note")), story=propose, configuration=configuration)[0]
    assert "Dee" in answer
    assert [word for word in ("cat", "Cat", "hidden", "codes", "agreed") if word in answer] == []


def test_editing_the_same_value_again_is_no_oracle_with_a_flow_on_it() -> None:
    """Writing a hidden value that is there already waits for approval like any other guess."""
    flow = Flow("codes", Trigger("deal", fields=("code",)), (Step("s", (NamedMember("dee"),)),))
    one, other = ask_both(
        updating(code="c1"), grant("edit", edit=("code",)), configuration=with_flow(flow), code=("c1", "c2")
    )
    assert not differ((one, other))


def test_the_order_of_fields_in_a_request_does_not_say_which_of_them_change() -> None:
    """Fields that are written as they are stand among those that change."""
    flow = Flow("all", Trigger("deal", fields=("code", "note", "secret")), (Step("s", (NamedMember("dee"),)),))
    guesses = grant("edit", edit=("code", "note", "secret"))
    one, other = ask_both(
        updating(note="n1", secret="s1", code="c1"), guesses, configuration=with_flow(flow),
        code=("c1", "c2"), note=("n2", "n1"), secret=("s1", "s2"),
    )  # fmt: skip
    assert one.startswith("AwaitingApproval")
    assert one == other


def history(session: Session, key: str) -> Any:
    """Return the history of a deal as far as it shows, with its version."""
    deals = session.records("deal")
    found = [(change.version, dict(change.fields), change.reason) for change in deals.history(key)]
    return deals.get(key).version, found


@pytest.mark.parametrize("gated", [False, True])
def test_the_reason_of_a_guess_does_not_say_whether_it_was_right(gated: bool) -> None:
    """Whoever reads the history of a guess sees the same, whether the hidden value was there already."""
    flow = Flow("notes", Trigger("deal", fields=("note",)), (Step("s", (NamedMember("dee"),)),))

    def guess(session: Session, key: str) -> Any:
        deals = session.records("deal")
        deals.update(key, {"note": "n1", "secret": "s1"}, version=ANY, reason="why")
        return history(session, key)

    def approved(workspace: Workspace, key: str, _side: int) -> None:
        with workspace.acting_as(ACTOR) as session:
            request = session.records("deal").update(key, {"note": "n1", "secret": "s1"}, version=ANY, reason="why")
        with workspace.acting_as("dee") as session:
            session.approvals.approve(request.request.id)  # type: ignore[union-attr]

    guesses = grant("edit", view=("name", "note"), edit=("note", "secret"))
    secrets: dict[str, Any] = {"secret": ("s1", "s2"), "note": ("n2", "n2")}
    if gated:
        one, other = ask_both(history, guesses, story=approved, configuration=with_flow(flow), **secrets)
    else:
        one, other = ask_both(guess, guesses, **secrets)
    assert one == other
    assert "'why'" not in one
    assert "'n1'" in one


@pytest.mark.parametrize("value", ["s1", CLEAR])
def test_guessing_twice_does_not_say_whether_it_was_right(value: object) -> None:
    """The second time the same guess changes nothing, whether the first one changed something or not."""

    def twice(session: Session, key: str) -> Any:
        deals = session.records("deal")
        return [deals.update(key, {"secret": value}, version=ANY).record.version for _ in "ab"]  # type: ignore[union-attr]

    one, other = ask_both(twice, grant("edit", edit=("secret",)), secret=("s1", None))
    assert one == other == "list[2, 2]"


@pytest.mark.parametrize(
    "ask",
    [
        lambda deals, key: deals.share(key, "dee", version=ANY),
        lambda deals, key: deals.unshare(key, "dee", version=ANY),
        lambda deals, key: deals.release(key, version=ANY),
        lambda deals, key: deals.tag(key, ("kind", "x"), version=ANY),
        lambda deals, key: deals.tag(key, ("kind", "x"), remove=[("kind", "x")], version=ANY),
    ],
)
def test_doing_again_what_was_done_does_not_say_that_it_was(ask: Any) -> None:
    """Who may share, release or tag a record and not read that, is not told whether it was so before."""

    def done(workspace: Workspace, key: str, side: int) -> None:
        if side:
            with workspace.acting_as("ann") as session:
                deals = session.records("deal")
                deals.share(key, "dee", version=ANY)
                deals.tag(key, ("kind", "x"), version=ANY)
                deals.release(key, version=ANY)

    def twice(session: Session, key: str) -> Any:
        deals = session.records("deal")
        before = deals.get(key).version
        versions = []
        for _ in "ab":
            ask(deals, key)
            versions.append(deals.get(key).version - before)
        return versions

    one, other = ask_both(twice, grant("share", "release", "tag", "edit"), story=done)
    assert one == other


def test_the_order_of_values_does_not_tell_what_was_written_when() -> None:
    """Values, and what a change differs in, come in the order of the definition, whatever was there before.

    In one store the telephone, which the asker sees masked at most, was written anew after the name.
    """

    def rewrite(workspace: Workspace, key: str, side: int) -> None:
        with workspace.acting_as("ann") as session:
            deals = session.records("deal")
            deals.update(key, {"amount": CLEAR}, version=ANY)
            deals.update(key, {"amount": 60}, version=ANY)
            for phone in (CLEAR, "13822220001") if side else ("13811110002", "13822220001"):
                deals.update(key, {"phone": phone}, version=ANY)
            deals.update(key, {"amount": 99, "phone": "13811110001", "name": "Cy"}, version=ANY)

    def look(session: Session, key: str) -> Any:
        deals = session.records("deal")
        last = deals.history(key)[-1]
        return list(deals.get(key).values), list(last.fields), list(deals.diff(key, last.version - 1, last.version))

    seeing, ungated = grant(view=("name", "amount"), mask={"phone": "phone"}), attrs.evolve(CONFIGURATION, flows=())
    one, other = ask_both(
        look, seeing, story=rewrite, configuration=ungated, amount=(10, 10), phone=("13811110001",) * 2
    )
    assert one == other
    assert one.index("name") < one.index("amount") < one.index("phone")


def test_a_merger_does_not_name_hidden_fields_that_it_takes_over() -> None:
    """Who submits a merger is not told, by the fields of the request, that the other record has a hidden value."""

    def other(workspace: Workspace, _key: str, side: int) -> None:
        with workspace.acting_as("ann") as session:
            session.records("deal").create({"name": "Bx", "amount": 60, **({"secret": "s1"} if side else {})})

    def merge(session: Session, key: str) -> Any:
        deals = session.records("deal")
        [gone] = [view.id for view in deals.find().records if view.id != key]
        return deals.merge(key, [gone], version=ANY).request.fields  # type: ignore[union-attr]

    gate = with_flow(Flow("mergers", Trigger("deal", actions=("merge",)), (Step("s", (NamedMember("bob"),)),)))
    merging = grant("merge", "edit", "archive", "tag", view=("name", "amount"), edit=FIELDS["deal"])
    one, other_answer = ask_both(merge, merging, story=other, configuration=gate)
    assert one == other_answer
    assert "amount" in one

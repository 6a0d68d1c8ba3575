"""Policies as a whole: the matrix, the comparison and what is odd; the expectations are written by hand."""

from __future__ import annotations

import json
import pickle
from typing import Any

import attrs
import pytest

from custinfo import (
    ALL_FIELDS,
    Assignment,
    Configuration,
    Department,
    F,
    FieldDefinition,
    Fields,
    Grant,
    Member,
    ModuleDefinition,
    Organisation,
    Position,
    Role,
    policy_diff,
    policy_lint,
    policy_matrix,
)
from custinfo.core.fields import Inheritance
from custinfo.core.review.entitlements import Rows
from custinfo.standard import sample_organisation, standard_configuration

FIELDS = (
    FieldDefinition("name", "text", {"zh": "名称", "en": "Name"}),
    FieldDefinition("phone", "phone", sensitivity="masked", mask="phone"),
    FieldDefinition("secret", "text", sensitivity="sensitive"),
    FieldDefinition("double", "computed", formula="name & name", options={"value_kind": "text"}),
    FieldDefinition("stage", "text"),
)
MODULE = ModuleDefinition("deal", FIELDS)
SEE: frozenset[Any] = frozenset({"view"})
EDIT: frozenset[Any] = frozenset({"edit"})
ROLES = (Role("seller", {"zh": "销售", "en": "Seller"}), Role("boss"))


def configured(*grants: Grant, fields: tuple[FieldDefinition, ...] = FIELDS) -> Configuration:
    """Return a configuration of one module."""
    return Configuration((ModuleDefinition("deal", fields),), roles=ROLES, grants=grants)


PEOPLE = Organisation(
    (Department("d", "D"), Department("t", "T", "d", "team")),
    (Position("seller", "Seller", ("seller",)), Position("both", "Both", ("seller", "boss"))),
    (Member("ann", "Ann", (Assignment("t", "seller"),)), Member("bob", "Bob", (Assignment("d", "both"),))),
)

# --- the matrix


def test_the_matrix_of_the_standard_policy() -> None:
    """The rights of finance and of customer service, as the requirements state them."""
    matrix = policy_matrix(standard_configuration(), organisation=sample_organisation())
    assert matrix.roles[:2] == ("sales", "team_lead")
    assert matrix.modules == ("customer", "follow_up")
    finance = {row["field_label"]: row["rows"] for row in matrix.to_rows("zh") if row["role"] == "finance"}
    won = "全部，仅限客户状态 = 成交"
    assert finance == {None: won, "客户名称": won, "回款金额": won, "回款日期": won}
    (phone,) = matrix.rights("customer_service", "customer", field="phone")
    assert (phone.action, phone.mask, phone.rows.grant.scope) == ("view", "phone", "all")
    (identity,) = matrix.rights("customer_service", "customer", field="id_number")
    assert (identity.action, identity.mask) == ("edit", None)
    assert [entry.action for entry in matrix.rights("system_administrator", "customer")] == ["configure"]
    json.dumps(matrix.to_rows("en"))


SYSTEM = "Owner, Department, Created at, Updated at, Created by, Archived at, Tags, Shares"
LIMITED = r"view: all, where stage = a\|b"


def test_the_matrix_in_markdown() -> None:
    """Fields of which the same holds share a row, conditions are in words, and markup in labels is shown as it is."""
    configuration = configured(
        Grant("seller", "deal", SEE, "team", view=Fields.everything_but("stage"), mask={"phone": ""}),
        Grant("boss", "deal", SEE | EDIT, "all", condition=F.stage == "a|b", view=ALL_FIELDS, edit=Fields.only("name")),
    )
    assert policy_matrix(configuration).to_markdown("en").splitlines() == [
        "## deal",
        "",
        "| Action | Seller | boss |",
        "| --- | --- | --- |",
        r"| view | own team | all, where stage = a\|b |",
        r"| edit |  | all, where stage = a\|b |",
        "",
        "| Field | Seller | boss |",
        "| --- | --- | --- |",
        r"| Name | view: own team | view, edit: all, where stage = a\|b |",
        r"| phone | view masked (as a phone number): own team | view: all, where stage = a\|b |",
        "| secret |  |  |",
        f"| double, {SYSTEM} | view: own team | {LIMITED} |",
        r"| stage |  | view: all, where stage = a\|b |",
    ]


def test_a_module_that_nobody_reaches() -> None:
    """It is said so, in both languages."""
    assert policy_matrix(configured()).to_markdown("zh") == "## deal\n\n没有任何角色可以操作。"
    assert policy_matrix(configured()).to_markdown("en").endswith("No role may do anything here.")


def test_what_people_do_not_write_is_not_listed() -> None:
    """A computed or retired field, and what the system sets, is edited by nobody; the owner is set on creation."""
    retired = tuple(attrs.evolve(field, retired=field.key == "stage") for field in FIELDS)
    both: frozenset[Any] = frozenset({"edit", "create"})
    matrix = policy_matrix(configured(Grant("boss", "deal", both, "all", edit=ALL_FIELDS), fields=retired))
    written = {(entry.action, entry.field) for entry in matrix.entries if entry.field}
    assert written == {
        ("edit", "name"), ("edit", "phone"), ("create", "name"), ("create", "phone"), ("create", "owner"),
    }  # fmt: skip


# --- which rows include which

SCOPES = ("own", "team", "department", "subtree", "all")
INCLUDED = {("department", "team"), ("subtree", "team"), *(("all", scope) for scope in SCOPES)}


@pytest.mark.parametrize("wide", SCOPES)
@pytest.mark.parametrize("narrow", SCOPES)
def test_scopes_that_include_others(wide: Any, narrow: Any) -> None:
    """Each scope includes itself; a team is part of its department and of what is below it; everything is in all."""
    one, other = (Rows(Grant("", "deal", frozenset(), scope)) for scope in (wide, narrow))
    assert one.covers(other) is (wide == narrow or (wide, narrow) in INCLUDED)
    through = Rows(Grant("", "deal", frozenset(), narrow, through="customer"))
    assert one.covers(through) is (wide == "all")


def listed(scope: Any, *departments: str) -> Rows:
    """Return the rows of a scope that lists departments."""
    return Rows(Grant("", "deal", frozenset(), scope, departments=departments))


def test_lists_that_include_others() -> None:
    """More departments include fewer; a pool without a list is that of everybody."""
    assert listed("departments", "a", "b").covers(listed("departments", "b"))
    assert not listed("departments", "b").covers(listed("departments", "a", "b"))
    assert listed("pool").covers(listed("pool", "a"))
    assert not listed("pool", "a").covers(listed("pool"))
    assert not listed("departments", "a").covers(listed("pool", "a"))


# --- modules that inherit

CUSTOMER = ModuleDefinition("customer", (FieldDefinition("name", "text"), FieldDefinition("stage", "text")))
TALK = ModuleDefinition(
    "talk",
    (FieldDefinition("about", "text"), FieldDefinition("whose", "reference", options={"module": "customer"})),
    inherits=(Inheritance("whose", "edit"),),
)


def inheriting(*grants: Grant) -> Configuration:
    """Return a configuration in which talks follow their customers."""
    return Configuration((CUSTOMER, TALK), roles=ROLES, grants=grants)


def test_what_follows_from_a_parent_is_in_the_matrix() -> None:
    """Who may edit a customer may create and edit its talks; a condition on the customer is told with it."""
    grant = Grant("seller", "customer", SEE | EDIT, "all", condition=F.stage == "won", view=ALL_FIELDS)
    matrix = policy_matrix(inheriting(grant))
    talks = {
        (row["action"], row["rows"]) for row in matrix.to_rows("en") if row["module"] == "talk" and not row["field"]
    }
    rows = "all, where stage = won (by customer)"
    assert talks == {("view", rows), ("edit", rows), ("create", rows)}
    assert {entry.action for entry in matrix.rights("seller", "talk", field="about")} == {"view", "edit", "create"}
    assert all(entry.as_grant() is None for entry in matrix.rights("seller", "talk"))


def test_a_grant_that_says_what_follows_anyway_is_superfluous() -> None:
    """Own customers give their talks; a grant on the talks of own customers adds nothing."""
    parent = Grant("seller", "customer", SEE, "own", view=Fields.only("name"))
    child = Grant("seller", "talk", SEE, "own", through="whose", view=Fields.only("about"))
    report = policy_lint(inheriting(parent, child))
    assert [problem.params["path"] for problem in report if problem.code == "grant_covered"] == ["$.grants[1]"]
    assert not policy_diff(inheriting(parent), inheriting(parent, child))


# --- shared, pooled, encrypted

GUARDED = (*FIELDS, FieldDefinition("number", "text", sensitivity="sensitive", encrypted=True, mask="last4"))


def test_scopes_in_words() -> None:
    """Departments are called by their names, in both languages."""
    grants = (
        Grant("seller", "deal", SEE, "departments", departments=("d", "t")),
        Grant("seller", "deal", SEE, "pool", departments=("d",)),
        Grant("boss", "deal", SEE, "shared"),
        Grant("boss", "deal", SEE, "pool"),
    )
    matrix = policy_matrix(configured(*grants), organisation=PEOPLE)
    assert [row["rows"] for row in matrix.to_rows("en")] == [
        "listed departments and below: D, T", "public pool: D", "shared with them", "public pool",
    ]  # fmt: skip
    assert [row["rows"] for row in matrix.to_rows("zh")] == [
        "指定部门及下级：D、T", "公海：D", "与其共享", "公海",
    ]  # fmt: skip


def test_decrypting_opens_a_field() -> None:
    """A sensitive encrypted field is masked without `decrypt`; with it, an entitlement keeps it."""
    view = Grant("boss", "deal", SEE, "all", view=Fields.only("number"))
    masked, opened = (
        configured(view, fields=GUARDED),
        configured(attrs.evolve(view, actions=SEE | {"decrypt"}), fields=GUARDED),
    )
    difference = policy_diff(masked, opened)
    assert [(gain.action, gain.field, gain.mask) for gain in difference.gains] == [
        ("decrypt", None, None), ("view", "number", None),
    ]  # fmt: skip
    assert not difference.losses
    again = [grant for gain in difference.gains if (grant := gain.as_grant()) is not None]
    assert not policy_diff(opened, configured(*again, view, fields=GUARDED))
    assert "mask_without_effect" not in {problem.code for problem in policy_lint(masked)}


def test_shares_for_reading_do_not_give_edits() -> None:
    """For a member, what is shared to collaborate includes what is shared to read, and not the other way round."""
    both = Grant("seller", "deal", SEE | EDIT, "shared", view=Fields.only("name"), edit=Fields.only("name"))
    everything = attrs.evolve(both, scope="all")
    gained = policy_diff(configured(both), configured(everything), organisation=PEOPLE)
    assert {part.action for item in gained.members for part in item.gains} == {"view", "edit"}
    assert not gained.losses


# --- the comparison


def lines(before: Configuration, after: Configuration) -> list[tuple[Any, ...]]:
    """Return the changes in short."""
    rows = policy_diff(before, after).to_rows("en")
    return [(row["role"], row["action"], row["direction"], row["fields"], row["before"], row["after"]) for row in rows]


def test_a_mask_that_goes_opens_the_field() -> None:
    """Who saw the phone masked gains it; the other way round they lose it; another style is neither."""
    masked = configured(Grant("seller", "deal", SEE, "all", view=Fields.only("name"), mask={"phone": ""}))
    open_ = configured(Grant("seller", "deal", SEE, "all", view=Fields.only("name", "phone")))
    shown, whole = ["all (masked: as a phone number)"], ["all"]
    assert lines(masked, open_) == [("seller", "view", "wider", ["phone"], shown, whole)]
    assert lines(open_, masked) == [("seller", "view", "narrower", ["phone"], whole, shown)]
    other = configured(Grant("seller", "deal", SEE, "all", view=Fields.only("name"), mask={"phone": "full"}))
    assert lines(masked, other) == [("seller", "view", "other", ["phone"], shown, ["all (masked: wholly hidden)"])]


def test_a_wildcard_shows_the_fields_that_it_gains() -> None:
    """A choice of all fields instead of one, and a field that is added where all are chosen."""
    one = configured(Grant("seller", "deal", SEE, "all", view=Fields.only("name")))
    every = configured(Grant("seller", "deal", SEE, "all", view=ALL_FIELDS))
    (change,) = lines(one, every)
    assert change[3] == [
        "phone", "double", "stage",
        "owner", "department", "created_at", "updated_at", "created_by", "archived_at", "tags", "shares",
    ]  # fmt: skip
    more = configured(*every.grants, fields=(*FIELDS, FieldDefinition("new", "text")))
    assert lines(every, more) == [("seller", "view", "wider", ["new"], [], ["all"])]
    sensitive = configured(*every.grants, fields=(*FIELDS, FieldDefinition("new", "text", sensitivity="sensitive")))
    assert lines(every, sensitive) == []


def test_scope_and_condition() -> None:
    """A wider scope gains; another one is different; a condition that is added loses; one value more of it gains."""

    def see(scope: Any, condition: Any = None) -> Configuration:
        return configured(Grant("seller", "deal", SEE, scope, condition=condition))

    assert lines(see("team"), see("subtree")) == [
        ("seller", "view", "wider", [], ["own team"], ["own department and below"])
    ]
    assert [line[2] for line in lines(see("own"), see("team"))] == ["other"]
    assert [line[2] for line in lines(see("all"), see("all", F.stage == "a"))] == ["narrower"]
    assert [line[2] for line in lines(see("all", F.stage == "a"), see("all", F.stage.is_in(["a", "b"])))] == ["wider"]


@pytest.mark.parametrize("scopes", [("own", "all"), ("all", "own"), ("own", "all", "all")])
def test_a_member_gains_what_is_wider_alone(scopes: tuple[Any, ...]) -> None:
    """What another gain includes is not listed beside it, in whatever order the grants stand."""
    more = [Grant("seller", "deal", SEE, scope, view=Fields.only("phone")) for scope in scopes]
    gained = policy_diff(configured(), configured(*more), organisation=PEOPLE)
    for member in gained.members:
        assert [(part.field, part.rows.grant.scope) for part in member.gains] == [(None, "all"), ("phone", "all")]
    assert [member.member for member in gained.members] == ["ann", "bob"]


def test_members_are_judged_by_all_their_roles() -> None:
    """Bob keeps what his other role allows; Ann, in a team without anything below, gains nothing from a subtree."""
    seller = Grant("seller", "deal", SEE, "team", view=Fields.only("name"))
    boss = Grant("boss", "deal", SEE, "subtree", view=Fields.only("name"))
    lost = policy_diff(configured(seller, boss), configured(boss), organisation=PEOPLE)
    assert [(item.member, len(item.losses), item.gains) for item in lost.members] == [("ann", 2, ())]
    wider = attrs.evolve(seller, scope="subtree")
    gained = policy_diff(configured(seller), configured(wider), organisation=PEOPLE)
    assert [(item.member, item.losses) for item in gained.members] == [("bob", ())]
    assert gained
    assert gained.to_markdown("en").splitlines()[-3:] == [
        "| Member | Gains | Loses |",
        "| --- | --- | --- |",
        "| Bob | view Name of deal: own department and below |  |",
    ]


def test_roles_and_modules_that_come_and_go() -> None:
    """What only one side knows is called by the words of that side."""
    there = Configuration(
        (ModuleDefinition("trip", (FieldDefinition("to", "text", {"en": "Where to"}),), {"en": "Trip"}),),
        roles=(Role("guide", {"en": "Guide"}),),
        grants=(Grant("guide", "trip", SEE, "all", view=Fields.only("to")),),
    )
    gone = policy_diff(there, configured())
    assert "| less | Guide | Trip | view | Where to | all | nothing |" in gone.to_markdown("en").splitlines()
    assert policy_diff(configured(), there).to_rows("en")[1]["fields_label"] == ["Where to"]
    assert policy_diff(there, there).to_markdown("zh") == "两者允许的内容相同。"


# --- what is odd


def found(*grants: Grant, organisation: Organisation | None = None, **extra: Any) -> set[tuple[str, str]]:
    """Return code and place of what is odd, apart from roles that this policy leaves out."""
    report = policy_lint(configured(*grants, **extra), organisation=organisation)
    assert all(problem.message(language) for problem in report for language in ("zh", "en"))
    return {
        (problem.code, str(problem.params.get("path", "")))
        for problem in report
        if problem.code != "role_without_grants"
    }


FINE = Grant("seller", "deal", SEE, "all", view=Fields.only("name"))


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ((FINE,), set()),
        ((attrs.evolve(FINE, actions=frozenset()),), {("grant_allows_nothing", "$.grants[0]")}),
        ((attrs.evolve(FINE, actions=frozenset({"export"})),), {("fields_without_action", "$.grants[0].view")}),
        ((attrs.evolve(FINE, edit=Fields.only("name")),), {("fields_without_action", "$.grants[0].edit")}),
        (
            (attrs.evolve(FINE, condition=(F.stage == "a") & (F.stage == "b")),),
            {("grant_never_matches", "$.grants[0].condition")},
        ),
        ((FINE, attrs.evolve(FINE, scope="own")), {("grant_covered", "$.grants[1]")}),
        ((attrs.evolve(FINE, scope="own"), FINE), {("grant_covered", "$.grants[0]")}),
        ((FINE, FINE), {("grant_covered", "$.grants[1]")}),
        (
            (FINE, Grant("seller", "deal", SEE, "team", mask={"name": "full"})),
            {("grant_covered", "$.grants[1]"), ("mask_without_effect", "$.grants[1].mask['name']")},
        ),
        ((attrs.evolve(FINE, view=Fields.only("secret")),), {("sensitive_open", "$.grants[0].view")}),
        ((attrs.evolve(FINE, view=Fields.everything_but(also=("secret",))),),
         {("sensitive_open", "$.grants[0].view"), ("opened_by_wildcard", "$.grants[0].view")}),
        ((attrs.evolve(FINE, actions=SEE | {"approve"}, view=Fields.only("secret")),), set()),
        ((attrs.evolve(FINE, view=Fields.only("phone")),), set()),
        ((attrs.evolve(FINE, view=ALL_FIELDS),), {("opened_by_wildcard", "$.grants[0].view")}),
        ((Grant("seller", "deal", EDIT, "all", edit=Fields.only("name")),), {("edited_unseen", "$.grants[0].edit")}),
        ((FINE, Grant("seller", "deal", EDIT, "own", edit=Fields.only("name"))), set()),
        ((attrs.evolve(FINE, role="nobody"),), {("unknown_part", "$.grants[0].role")}),
        ((attrs.evolve(FINE, module="nothing"),), {("unknown_part", "$.grants[0].module")}),
        ((attrs.evolve(FINE, view=Fields.only("nothing")),), {("unknown_part", "$.grants[0].view.names")}),
    ],
)  # fmt: skip
def test_what_is_odd_about_grants(grants: tuple[Grant, ...], expected: set[tuple[str, str]]) -> None:
    """Each mistake is found at its place, and what is sound is passed over."""
    assert found(*grants) == expected


def test_what_is_odd_about_people() -> None:
    """Roles that nobody holds or that aren't configured, members without one."""
    people = Organisation(
        (Department("d", "D"), Department("gone", "Gone")),
        (Position("seller", "Seller", ("seller",)), Position("odd", "Odd", ("pilot",))),
        (
            Member("ann", "Ann", (Assignment("gone", "seller"),)),
            Member("bob", "Bob", (Assignment("d", "odd"),)),
            Member("carl", "Carl"),
            Member("dora", "Dora", active=False),
        ),
    )
    report = policy_lint(configured(attrs.evolve(FINE, scope="subtree")), organisation=people)
    assert {problem.code for problem in report} == {
        "role_without_grants", "role_without_members", "role_not_configured", "member_without_role",
    }  # fmt: skip
    without = {str(problem.params["member"]) for problem in report if problem.code == "member_without_role"}
    assert without == {"bob", "carl"}
    assert report.ok


def test_departments_that_are_not_there() -> None:
    """A grant for departments that nobody knows matches nothing; without the people nothing is said of it."""
    grant = Grant("seller", "deal", SEE, "departments", departments=("nowhere",), view=Fields.only("name"))
    assert ("grant_never_matches", "$.grants[0].scope") in found(grant, organisation=PEOPLE)
    assert "grant_never_matches" not in {code for code, _ in found(grant)}


def test_people_who_are_wrong() -> None:
    """What is wrong with the organisation is told, and nothing is concluded from it."""
    people = Organisation((), (), (Member("ann", "Ann", (Assignment("gone", "gone"),)),))
    report = policy_lint(configured(FINE), organisation=people)
    assert [problem.code for problem in report.errors] == ["unknown_part", "unknown_part"]
    assert "role_without_members" not in {problem.code for problem in report}


def test_masks_that_another_role_lifts() -> None:
    """Bob holds both roles, so that the mask of the one does nothing for him."""
    grants = (Grant("seller", "deal", SEE, "all", mask={"name": "full"}), attrs.evolve(FINE, role="boss"))
    assert ("mask_lifted", "$.grants[0].mask['name']") in found(*grants, organisation=PEOPLE)
    report = policy_lint(configured(*grants), organisation=PEOPLE)
    (lifted,) = [problem for problem in report if problem.code == "mask_lifted"]
    assert lifted.params["members"] == ("bob",)
    assert lifted.severity == "notice"


def test_a_grant_of_a_wrong_shape_is_said_by_itself() -> None:
    """An action that there is not hides what else is wrong with the grants, and nothing is made of them until then."""
    report = policy_lint(
        standard_configuration().with_grants(
            Grant("sales", "custmer", frozenset({"view"})),
            Grant("sales", "customer", frozenset({"viw"})),  # type: ignore[arg-type] # that is the mistake
        )
    )
    assert [problem.code for problem in report] == ["wrong_shape"]


def test_a_configuration_that_is_wrong_elsewhere() -> None:
    """Nothing is said about a policy on modules that are wrong."""
    report = policy_lint(configured(FINE, FINE, fields=(FieldDefinition("name", "nonsense"),)))
    assert not report.ok
    assert "grant_covered" not in {problem.code for problem in report}


def test_the_standard_policy_is_sound() -> None:
    """The policy that the library ships has nothing that is not meant."""
    report = policy_lint(standard_configuration(), organisation=sample_organisation())
    assert report.ok
    assert not report.warnings
    assert {problem.code for problem in report} == {"opened_by_wildcard", "edited_unseen"}


def test_results_travel() -> None:
    """Differences and reports are plain values."""
    difference = policy_diff(configured(FINE), configured())
    assert difference == policy_diff(configured(FINE), configured())
    assert pickle.loads(pickle.dumps(difference.losses)) == difference.losses

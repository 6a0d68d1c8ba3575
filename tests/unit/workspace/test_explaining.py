"""Explanations: which grant, which clause, which field, in words — and nothing of what the actor may not read."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from custinfo import (
    ALL_FIELDS,
    ANY,
    Assignment,
    Configuration,
    Department,
    Explanation,
    F,
    FieldDefinition,
    Fields,
    Grant,
    InvalidInputError,
    Member,
    ModuleDefinition,
    NotFoundError,
    Organisation,
    Position,
    Role,
    Workspace,
)
from tests.unit.workspace.story import Story


def clauses(explanation: Explanation) -> list[str]:
    """Return what each grant comes to."""
    return [finding.clause for finding in explanation.findings]


@pytest.mark.parametrize(
    ("actor", "action", "field", "allowed", "shown", "expected"),
    [
        ("lisi", "view", "phone", True, "readable", ["allows", "action"]),
        ("lisi", "view", "id_number", False, "hidden", ["sensitive", "action"]),
        ("lisi", "update", "证件号码", True, "hidden", ["action", "allows"]),
        ("liuqi", "view", "联系方式", False, "masked", ["masked"]),
        ("liuqi", "edit", "phone", False, "masked", ["field"]),
        ("zhaojl", "view", "bank_account", False, "masked", ["masked"]),
        ("zhaojl", "edit", "name", False, "readable", ["action"]),
        ("qianba", "view", "paid_on", True, "readable", ["allows"]),
        ("qianba", "view", "status", False, "hidden", ["field"]),
        ("sunjiu", "edit", "id_number", True, "masked", ["allows"]),
        ("sunjiu", "edit", "负责人", False, None, ["action"]),
    ],
)
def test_a_field_is_explained(
    story: Story, actor: str, action: str, field: str, allowed: bool, shown: str | None, expected: list[str]
) -> None:
    """Why a field of a won customer is hidden, masked or closed, role by role; the table is written by hand."""
    record = story.won("lisi")
    with story.workspace.acting_as(actor) as session:
        explanation = session.explain(action, "customer", record.id, field=field)
    assert (explanation.allowed, explanation.shown, clauses(explanation)) == (allowed, shown, expected)


def test_explanations_read_in_both_languages(story: Story) -> None:
    """People read labels; without a language it is keys, as code has them."""
    record = story.won("lisi")
    with story.workspace.acting_as("qianba") as session:
        said = session.explain("view", "customer", record.id, field="phone")
    assert said.text("zh").splitlines() == [
        "钱八不能查看客户的“联系方式”",
        "  该字段不显示",
        "  角色“财务”在客户：查看（全部）——不含此字段",
    ]
    assert said.text("en").splitlines() == [
        "钱八 may not view Phone of Customer",
        "  the field is not shown",
        "  role Finance: view on Customer (all) — not by its fields",
    ]
    assert str(said).splitlines() == [
        "qianba may not view phone of customer",
        "  the field is not shown",
        "  role finance: view on customer (all) — not by its fields",
    ]
    copy = pickle.loads(pickle.dumps(said))
    assert copy == said
    assert str(copy) == str(said)


def test_what_is_masked_is_called_so(story: Story) -> None:
    """Customer service may view the phone in part: the explanation doesn't say that they may not view it."""
    record = story.won("lisi")
    with story.workspace.acting_as("liuqi") as session:
        said = session.explain("view", "customer", record.id, field="phone")
    assert not said.allowed
    assert said.text("en").splitlines() == [
        "刘七 may only view Phone of Customer masked",
        "  role Customer service: edit, view on Customer (all) — it shows the field masked",
    ]
    assert said.text("zh").startswith("刘七只能脱敏查看客户的“联系方式”")


def test_who_has_no_grant_is_told_so(story: Story) -> None:
    """Nothing allows a seller anything in a module of which no grant of theirs speaks."""
    with story.workspace.acting_as("qianba") as session:
        said = session.explain("view", "follow_up")
    assert not said
    assert "none of their roles has a grant in this module" in said.text("en")


def test_asking_for_what_there_is_not(story: Story) -> None:
    """Unknown fields, and actions that are not about fields, are refused."""
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.explain("view", "customer", field="nothing")
        assert caught.value.code == "unknown_field"
        with pytest.raises(ValueError, match="not about single fields"):
            session.explain("export", "customer", field="name")


# --- what an explanation must not tell

MODULE = ModuleDefinition(
    "deal",
    (
        FieldDefinition("name", "text"),
        FieldDefinition("secret", "text"),
        FieldDefinition("twice", "computed", formula="name & name", options={"value_kind": "text"}),
        FieldDefinition("old", "text", retired=True),
    ),
)
SEEN = Fields.only("name", "twice", "old", "owner")
VIEW = Grant("r", "deal", frozenset({"view"}), "all", view=SEEN)
EDIT_SECRETLY = Grant("r", "deal", frozenset({"edit"}), "all", condition=F.secret == "yes", edit=Fields.only("name"))
EDIT_ALWAYS = Grant("r", "deal", frozenset({"edit"}), "all", edit=ALL_FIELDS)
EDIT_DEPARTMENT = Grant("r", "deal", frozenset({"edit"}), "team", condition=F.name == "n", edit=Fields.only("name"))
MAKE = Grant("maker", "deal", frozenset({"view", "create"}), "all", view=ALL_FIELDS, edit=ALL_FIELDS)


def workspace(*grants: Grant) -> Workspace:
    """Return a workspace in which ann has some grants, and mark makes records."""
    configuration = Configuration((MODULE,), roles=(Role("r"), Role("maker")), grants=(*grants, MAKE))
    positions = (Position("r", "r", ("r",)), Position("maker", "maker", ("maker",)))
    members = (
        Member("ann", "Ann", (Assignment("d", "r"),)),
        Member("mark", "Mark", (Assignment("e", "maker"),)),
    )
    departments = (Department("d", "D"), Department("e", "E"))
    return Workspace.open("memory://", configuration, organisation=Organisation(departments, positions, members))


def explained(grants: tuple[Grant, ...], secret: str, *question: str, **field: Any) -> Explanation:
    """Return what ann is told about a record with a secret."""
    with workspace(*grants) as opened:
        with opened.acting_as("mark") as session:
            outcome = session.records("deal").create({"name": "n", "secret": secret})
            record_id = outcome.record.id  # type: ignore[union-attr]
        with opened.acting_as("ann") as session:
            action, *record = question
            return session.explain(action, "deal", record_id if record else None, **field)


def test_a_condition_that_decides_nothing_is_not_told() -> None:
    """Where another grant allows the same, whether the hidden condition holds shows nowhere, and isn't said either."""
    told = {explained((VIEW, EDIT_SECRETLY, EDIT_ALWAYS), secret, "edit", "it") for secret in ("yes", "no")}
    assert len(told) == 1
    (said,) = told
    assert said.allowed
    assert clauses(said) == ["action", "untold", "allows"]
    assert "not told" in said.text("en")
    assert "不予说明" in said.text("zh")


def test_a_condition_that_decides_shows_anyway() -> None:
    """Where a hidden condition decides whether ann may edit, trying tells her, and so does the explanation."""
    assert clauses(explained((VIEW, EDIT_SECRETLY), "yes", "edit", "it")) == ["action", "allows"]
    assert clauses(explained((VIEW, EDIT_SECRETLY), "no", "edit", "it")) == ["action", "condition"]


def test_a_scope_that_may_not_be_read_is_not_named() -> None:
    """Ann may not read the department: she is told that the grant fails, and by which clause if she can tell it."""
    said = explained((VIEW, EDIT_DEPARTMENT), "yes", "edit", "it")
    assert clauses(said) == ["action", "scope"]
    hidden = attrs.evolve(EDIT_DEPARTMENT, condition=F.secret == "no")
    assert clauses(explained((VIEW, hidden), "yes", "edit", "it")) == ["action", "rows"]


def test_a_record_out_of_reach_says_what_the_grant_says() -> None:
    """Which clause may have failed follows from the grant alone."""
    conditional = attrs.evolve(VIEW, condition=F.secret == "yes")
    answers = []
    for asked in ("it", ""):
        with workspace(conditional, attrs.evolve(conditional, scope="own"), attrs.evolve(VIEW, scope="own")) as opened:
            with opened.acting_as("mark") as session:
                key = session.records("deal").create({"name": "n", "secret": "no"}).record.id  # type: ignore[union-attr]
            with opened.acting_as("ann") as session:
                answers.append(session.explain("view", "deal", key if asked else "nonsense", field="name"))
                with pytest.raises(NotFoundError):
                    session.records("deal").get(key)
    assert answers[0] == answers[1]
    assert clauses(answers[0]) == ["condition", "rows", "scope"]
    assert answers[0].shown == "hidden"


def test_what_may_be_done_unseen_is_explained() -> None:
    """Ann may edit what she may not view: doing so works, and so she is told why."""
    said = explained((EDIT_ALWAYS,), "yes", "edit", "it")
    assert (said.allowed, clauses(said)) == (True, ["allows"])
    assert not explained((EDIT_ALWAYS,), "yes", "view", "it")
    with workspace(EDIT_ALWAYS) as opened:
        with opened.acting_as("mark") as session:
            key = session.records("deal").create({"name": "n"}).record.id  # type: ignore[union-attr]
        with opened.acting_as("ann") as session:
            session.records("deal").update(key, {"name": "m"}, version=ANY)


@pytest.mark.parametrize(("field", "code"), [("twice", "read_only_field"), ("old", "retired_field")])
def test_what_nobody_writes(field: str, code: str) -> None:
    """A computed or retired field is closed to everybody, whatever the grants say."""
    said = explained((VIEW, EDIT_ALWAYS), "yes", "edit", "it", field=field)
    assert not said.allowed
    assert [problem.code for problem in said.obstacles] == [code]
    assert "allows" in clauses(said)
    seen = explained((VIEW, EDIT_ALWAYS), "yes", "view", "it", field=field)
    assert (seen.allowed, seen.obstacles) == (True, ())


def test_system_fields_are_written_by_the_system() -> None:
    """The time of creation is nobody's to change."""
    said = explained((VIEW, EDIT_ALWAYS), "yes", "edit", "it", field="created_at")
    assert [problem.code for problem in said.obstacles] == ["read_only_field"]


@pytest.mark.parametrize("actor", ["lisi", "zhangsan", "zhaojl", "liuqi", "qianba", "sunjiu", "zhoushi", "admin"])
def test_explanations_agree_with_what_happens(story: Story, actor: str) -> None:
    """What is said to be readable shows, and what is said to be hidden doesn't."""
    record = story.won("lisi")
    with story.workspace.acting_as(actor) as session:
        try:
            view = session.customers.get(record.id)
        except NotFoundError:
            assert not session.explain("get", "customer", record.id)
            return
        for key in story.workspace.configuration.modules["customer"].fields:
            said = session.explain("get", "customer", record.id, field=key)
            assert said.shown == ("hidden" if key not in view.visible else said.shown)
            assert said.allowed is (said.shown == "readable")
            assert (key in view.visible) is (said.shown != "hidden")

"""What each role of the standard policy may do, by hand, and how grants add up."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from custinfo.core.binding import bind
from custinfo.core.criteria import Compare, Criterion, Everything, F, Nothing, OneOf
from custinfo.core.criteria.evaluate import compile_predicate, no_related
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.policy.access import NO_ACCESS, Access, Verdict, compile_access
from custinfo.core.policy.grants import ALL_FIELDS, Action, Fields, Grant
from custinfo.core.policy.scopes import Holder, scope_criterion
from custinfo.core.records import FieldKey, Record
from custinfo.core.schema import Schema
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing._samples import NOW, make_record

STANDARD = Schema(standard_configuration(), sample_organisation(), ZoneInfo("Asia/Shanghai"))


def standard_access(actor: str, module: str) -> Access:
    """Compile the standard policy for a person of the sample organisation."""
    configuration = STANDARD.configuration
    conditions = {
        grant.condition: bind(grant.condition, module, STANDARD, NOW)
        for grant in configuration.grants
        if grant.module == module and grant.condition is not None
    }
    return compile_access(actor, configuration.modules[module], configuration.grants, STANDARD.directory, conditions)


def customer(number: int, owner: str, department: str, status: str) -> Record:
    """Make a customer."""
    return make_record(number, {"status": status}, module="customer", owner=owner, department=department)


RECORDS = {
    "own": customer(1, "lisi", "sales1-1", "高潜"),
    "won": customer(2, "lisi", "sales1-1", "成交"),
    "other": customer(3, "wangwu", "sales1-2", "高潜"),
    "lost": customer(4, "wangwu", "sales1-2", "流失"),
    "foreign": customer(5, "x", "service", "高潜"),
}
SAMPLE = ("name", "phone", "id_number", "bank_account", "paid_amount", "owner", "tags")
SALES_ACTIONS = "view create edit tag export archive"
DATA_ACTIONS = "view create edit import merge approve archive tag erase"

# actor: records reached, actions, readable, masked, editable, creatable (of the sample)
MATRIX: dict[str, tuple[str, str, str, dict[str, str], str, str]] = {
    "lisi": (
        "own won",
        SALES_ACTIONS,
        "name phone paid_amount owner tags",
        {},
        "name phone id_number paid_amount owner tags",
        "name phone paid_amount owner tags",
    ),
    "wangwu": (
        "other lost",
        SALES_ACTIONS,
        "name phone paid_amount owner tags",
        {},
        "name phone id_number paid_amount owner tags",
        "name phone paid_amount owner tags",
    ),
    "zhangsan": ("own won", "view", "name phone paid_amount owner tags", {}, "", ""),
    "zhaojl": (
        "own won other lost",
        "view transfer approve",
        "name phone paid_amount owner tags",
        {"bank_account": "last4"},
        "",
        "",
    ),
    "liuqi": (
        "own won other lost foreign",
        "view edit",
        "name paid_amount owner tags",
        {"phone": "phone"},
        "id_number",
        "",
    ),
    "qianba": ("won", "view", "name paid_amount", {}, "", ""),
    "sunjiu": (
        "own won other lost foreign",
        DATA_ACTIONS,
        "name phone paid_amount owner tags",
        {"bank_account": "last4", "id_number": "last4"},
        " ".join(SAMPLE),
        " ".join(SAMPLE),
    ),
    "zhoushi": ("own won other lost foreign", "view export approve decrypt", " ".join(SAMPLE), {}, "", ""),
    "admin": ("own won other lost foreign", "configure", "", {}, "", ""),
    "nobody": ("", "", "", {}, "", ""),
}


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("actor", MATRIX)
def test_the_standard_policy_on_customers(actor: str, record: str) -> None:
    """Each person of the sample organisation on each kind of customer, by hand."""
    reached, actions, readable, masked, editable, creatable = MATRIX[actor]
    verdict = standard_access(actor, "customer").verdict(RECORDS[record], no_related)
    if record not in reached.split():
        assert verdict == NO_ACCESS
        return
    assert verdict.actions == set(actions.split())
    sample = frozenset(SAMPLE)
    assert verdict.readable & sample == set(readable.split())
    assert dict(verdict.masked) == masked
    assert verdict.editable & sample == set(editable.split())
    assert verdict.creatable & sample == set(creatable.split())


def test_only_the_senior_administrator_reads_sensitive_fields() -> None:
    """Nobody else reads them on any record."""
    for actor in MATRIX:
        access = standard_access(actor, "customer")
        for key in ("id_number", "bank_account"):
            expected = Everything() if actor == "zhoushi" else Nothing()
            assert access.readable_where(key) == expected, (actor, key)


def test_finance_reads_exactly_three_fields() -> None:
    """Payments and the name of won customers, nothing else."""
    access = standard_access("qianba", "customer")
    won = Compare(("status",), "eq", "成交")
    assert access.visible_fields() == {"name", "paid_amount", "paid_on"}
    assert access.reach("view") == access.readable_where("name") == won
    assert access.reach("edit", "create") == Nothing()
    assert access.writable_fields() == frozenset()


FOLLOW_UPS: dict[str, tuple[bool, str, str]] = {
    # actor: reaches a follow-up of lisi's customer, actions, editable of (content, status, next_at)
    "lisi": (True, "view create edit tag export archive", "content status next_at"),
    "wangwu": (False, "", ""),
    "zhangsan": (True, "view edit", "status"),
    "zhaojl": (True, "view edit", "status"),
    "liuqi": (False, "", ""),
    "qianba": (False, "", ""),
    "sunjiu": (True, "view create edit import archive erase", "content status next_at"),
    "zhoushi": (True, "view export", ""),
    "admin": (True, "configure", ""),
}


@pytest.mark.parametrize("actor", FOLLOW_UPS)
def test_the_standard_policy_on_follow_ups(actor: str) -> None:
    """A follow-up is reached through its customer, whoever owns the follow-up itself."""
    reached, actions, editable = FOLLOW_UPS[actor]
    parent = RECORDS["own"]
    follow_up = make_record(9, {"customer": parent.id}, module="follow_up", owner="wangwu", department="sales1-2")

    def related(record: Record, key: FieldKey) -> Record | None:
        return parent if record.values.get(key) == parent.id else None

    access = standard_access(actor, "follow_up")
    verdict = access.verdict(follow_up, related)
    assert verdict.actions == set(actions.split())
    assert verdict.editable & {"content", "status", "next_at"} == set(editable.split())
    assert (verdict != NO_ACCESS) is reached
    if reached and actor not in ("sunjiu", "zhoushi", "admin"):
        assert access.verdict(follow_up, no_related) == NO_ACCESS


TREE = Organisation(
    (
        Department("root", "总部"),
        Department("d1", "一部", "root"),
        Department("t1", "1组", "d1", "team"),
        Department("t2", "2组", "d1", "team"),
        Department("d2", "二部", "d1"),
        Department("orphan", "组", None, "team"),
        Department("lost", "组", "nowhere", "team"),
    ),
    (Position("p", "P", ("r",)), Position("q", "Q", ("s",))),
    (
        Member("one", "一", (Assignment("t1", "p"),)),
        Member("two", "二", (Assignment("t1", "p"), Assignment("d2", "p"), Assignment("root", "q"))),
        Member("gone", "走", (Assignment("t1", "p"),), active=False),
    ),
)


def scope_of(grant: Grant, held: list[str]) -> Criterion:
    """Return what a grant covers for a person of the tree who holds its role in some departments."""
    return scope_criterion(grant, Holder("one", TREE, {grant.role: tuple(held)}), NOW)


@pytest.mark.parametrize(
    ("scope", "held", "expected"),
    [
        ("own", ["t1"], Compare(("owner",), "eq", "one")),
        ("all", ["t1"], Everything()),
        ("team", ["t1"], OneOf(("department",), ("t1",))),
        ("team", ["d1"], OneOf(("department",), ("d1",))),
        ("team", ["t2", "t1", "t1"], OneOf(("department",), ("t1", "t2"))),
        ("department", ["t1"], OneOf(("department",), ("d1", "t1", "t2"))),
        ("department", ["d1"], OneOf(("department",), ("d1", "t1", "t2"))),
        ("department", ["root"], OneOf(("department",), ("root",))),
        ("department", ["orphan"], OneOf(("department",), ("orphan",))),
        ("department", ["lost"], Nothing()),
        ("subtree", ["t1"], OneOf(("department",), ("t1",))),
        ("subtree", ["d1"], OneOf(("department",), ("d1", "d2", "t1", "t2"))),
        ("subtree", ["nowhere"], Nothing()),
        ("subtree", [], Nothing()),
    ],
)
def test_scopes(scope: Any, held: list[str], expected: Criterion) -> None:
    """Which rows a scope covers, for a role held in some departments."""
    grant = Grant("r", "m", frozenset({"view"}), scope)
    assert scope_of(grant, held) == expected


def test_scopes_through_a_reference() -> None:
    """The scope may be that of the record to which a reference points."""
    own = Grant("r", "m", frozenset({"view"}), "own", "ref")
    team = Grant("r", "m", frozenset({"view"}), "team", "ref")
    assert scope_of(own, ["t1"]) == Compare(("ref", "owner"), "eq", "one")
    assert scope_of(team, ["t1"]) == OneOf(("ref", "department"), ("t1",))


MODULE = ModuleDefinition(
    "m",
    (
        FieldDefinition("a", "text"),
        FieldDefinition("b", "text", mask="name"),
        FieldDefinition("c", "text", sensitivity="sensitive"),
    ),
)
NONE: frozenset[str] = frozenset()
VIEW: frozenset[Action] = frozenset({"view"})
EDIT: frozenset[Action] = frozenset({"edit"})
CREATE: frozenset[Action] = frozenset({"create"})


def access(*grants: Grant, actor: str = "one", conditions: Any = None) -> Access:
    """Compile grants on the module for a person of the tree."""
    return compile_access(actor, MODULE, grants, TREE, conditions or {})


def verdict(*grants: Grant, actor: str = "one") -> Verdict:
    """Return the verdict on a record of one's own."""
    return access(*grants, actor=actor).verdict(make_record(1, owner=actor, department="t1"), no_related)


def test_nothing_is_allowed_by_default() -> None:
    """No grant, another module, another role, and somebody who left: no access."""
    assert verdict() == NO_ACCESS
    assert verdict(Grant("r", "other", VIEW, "all", view=ALL_FIELDS)) == NO_ACCESS
    assert verdict(Grant("s", "m", VIEW, "all", view=ALL_FIELDS)) == NO_ACCESS
    assert verdict(Grant("r", "m", VIEW, "all", view=ALL_FIELDS), actor="gone") == NO_ACCESS
    assert verdict(Grant("r", "m", VIEW, "all", view=ALL_FIELDS), actor="nobody") == NO_ACCESS
    assert not access().may("view")
    assert access().reach("view") == Nothing()


def test_writing_never_implies_reading() -> None:
    """Fields to edit are not read, fields to view not written, and each needs its action."""
    edits = verdict(Grant("r", "m", EDIT, edit=Fields.only("a")))
    assert [edits.readable, edits.editable, edits.creatable] == [NONE, {"a"}, NONE]
    creates = verdict(Grant("r", "m", CREATE, edit=Fields.only("a")))
    assert [creates.editable, creates.creatable] == [NONE, {"a"}]
    views = verdict(Grant("r", "m", VIEW, view=Fields.only("a"), edit=Fields.only("a")))
    assert [views.readable, views.editable, views.creatable] == [{"a"}, NONE, NONE]
    assert verdict(Grant("r", "m", EDIT, view=ALL_FIELDS, mask={"a": ""})).readable == frozenset()
    assert verdict(Grant("r", "m", EDIT, view=ALL_FIELDS, mask={"a": ""})).masked == {}


def test_masks() -> None:
    """A mask takes the grant's style, else the field's, else hides all; it reaches what the wildcard leaves out."""
    found = verdict(Grant("r", "m", VIEW, view=ALL_FIELDS, mask={"a": "", "b": "", "c": "last4", "never": "full"}))
    assert found.masked == {"a": "full", "b": "name", "c": "last4"}
    assert found.readable & {"a", "b", "c"} == frozenset()
    assert [found.field(key) for key in ("a", "owner", "never")] == ["masked", "readable", "hidden"]


def test_reading_beats_masking() -> None:
    """Of two grants that reach a record the wider one holds, in either order."""
    masks = Grant("r", "m", VIEW, "all", view=ALL_FIELDS, mask={"a": "full"})
    reads = Grant("r", "m", VIEW, "own", view=Fields.only("a"))
    for grants in ((masks, reads), (reads, masks)):
        compiled = access(*grants)
        mine = make_record(1, owner="one")
        other = make_record(2, owner="x")
        assert compiled.verdict(mine, no_related).field("a") == "readable"
        assert compiled.verdict(other, no_related).field("a") == "masked"
        assert compiled.readable_where("a") == Compare(("owner",), "eq", "one")
        assert compiled.readable_where("a") is compiled.readable_where("a")
        assert compiled.visible_fields() >= {"a", "b"}


def test_roles_in_several_departments() -> None:
    """A role held twice reaches the rows of both places; different roles add up."""
    grants = (
        Grant("r", "m", VIEW, "team", view=Fields.only("a")),
        Grant("s", "m", EDIT, "subtree", edit=Fields.only("b")),
    )
    compiled = access(*grants, actor="two")
    assert compiled.reach("view") == OneOf(("department",), ("d2", "t1"))
    assert compiled.reach("edit") == OneOf(("department",), ("d1", "d2", "root", "t1", "t2"))
    found = compiled.verdict(make_record(1, department="d2"), no_related)
    assert [set(found.actions), found.readable, found.editable] == [{"view", "edit"}, {"a"}, {"b"}]
    assert compiled.verdict(make_record(1, department="t2"), no_related).actions == {"edit"}
    assert compiled.writable_fields() == {"b"}
    assert compiled.may("edit")
    assert not compiled.may("delete")


def test_conditions_narrow_the_rows() -> None:
    """A grant with a condition holds where scope and condition do."""
    condition = F.a == "x"
    compiled = access(
        Grant("r", "m", VIEW, "own", condition=condition, view=ALL_FIELDS), conditions={condition: condition}
    )
    holds = compile_predicate(compiled.reach("view"))
    for owner, value, expected in (("one", "x", True), ("one", "y", False), ("x", "x", False)):
        record = make_record(1, {"a": value}, owner=owner)
        assert bool(holds(record, no_related)) is expected
        assert ("view" in compiled.verdict(record, no_related).actions) is expected
    assert compiled.grants[0].rows == compiled.reach("view")


def test_grants_of_the_same_rows_are_one_rule() -> None:
    """Verdicts are kept by the set of rules that hold, so the same rows give the same object."""
    compiled = access(Grant("r", "m", VIEW, view=Fields.only("a")), Grant("r", "m", EDIT, edit=Fields.only("a")))
    record = make_record(1, owner="one")
    first = compiled.verdict(record, no_related)
    assert first.actions == {"view", "edit"}
    assert compiled.verdict(attrs.evolve(record, version=2), no_related) is first

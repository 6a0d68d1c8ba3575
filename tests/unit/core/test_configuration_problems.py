"""A configuration is checked as a whole: everything that is wrong with it is said at once, with its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from custinfo.adapters.memory import MemoryUnits
from custinfo.core.approval.flows import DepartmentHead, FieldMember, Flow, NamedMember, RoleHolders, Step, Trigger
from custinfo.core.classification import Case, Classification, Segment
from custinfo.core.configuration import Configuration
from custinfo.core.criteria import Compare, Criterion, F, InSegment, Not, Present, Tagged
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition, FormerKind, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds import BUILT_IN_KINDS, Kind
from custinfo.core.life_cycles import LifeCycle, Transition
from custinfo.core.policy.grants import Fields, Grant, Role
from custinfo.core.problems import Problem
from custinfo.core.retention import RetentionRule
from custinfo.core.rules import Length, Range, Satisfies
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension
from custinfo.core.validation.whole import check_configuration, checked_schema, configuration_problems
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace import Workspace

GRADE = Dictionary(
    "grade", (DictionaryValue("a", "甲"), DictionaryValue("b", "乙"), DictionaryValue("b1", "乙一", "b"))
)
CUSTOMER = ModuleDefinition(
    "customer",
    (
        FieldDefinition("name", "text", {"zh": "名称", "en": "Name"}),
        FieldDefinition("grade", "choice", "等级", options={"dictionary": "grade"}),
        FieldDefinition("colours", "multiple_choice", options={"dictionary": "grade"}),
        FieldDefinition("keeper", "user", "管家"),
        FieldDefinition("parent", "reference", options={"module": "customer"}),
        FieldDefinition("amount", "money"),
        FieldDefinition("secret", "text", encrypted=True),
        FieldDefinition("code", "text", encrypted=True, unique=True),
        FieldDefinition("old", "text", retired=True),
    ),
    "客户",
    title_field="name",
    type_field="grade",
    owner_label="负责人",
    owner_aliases=("业务员",),
    match_keys=(("code",), ("name", "keeper")),
    duplicate_keys=(("name",),),
)
NEED = TagDimension("need", ("设备", "服务"), "需求", merged={"装备": "设备"}, retired=("其他",))
PHASE = TagDimension("phase", ("一", "二"), single=True)
SALES = Grant("sales", "customer", frozenset({"view"}), through="parent", condition=F.name.is_present())
STEP = Step("first", (RoleHolders("sales"), FieldMember("keeper"), FieldMember("owner"), DepartmentHead()))
GATE = Flow("gate", Trigger("customer", fields=("name", "owner"), after=F.grade == "甲"), (STEP,))
BEST = Segment("best", "customer", F.grade == "a", "最好")
GRADED = Classification("graded", "customer", (Case(F.amount > 5, "甲"),), field="grade", otherwise="乙")
WANTS = Classification("wants", "customer", (Case(InSegment("最好"), "设备"),), dimension="need")
BASE = Configuration(
    (CUSTOMER,),
    (GRADE,),
    (NEED, PHASE),
    (Role("sales", "销售"),),
    (SALES,),
    (GATE,),
    classifications=(GRADED, WANTS),
    segments=(BEST,),
)

FIELDS = "$.modules['customer'].fields"
"""Where the fields are."""


def fields(*changed: FieldDefinition) -> Configuration:
    """Return the base with fields that are added or replaced."""
    return BASE.with_fields("customer", *changed)


def module(**changes: Any) -> Configuration:
    """Return the base with other attributes of the module."""
    return BASE.with_modules(attrs.evolve(CUSTOMER, **changes))


def entries(*values: DictionaryValue) -> Configuration:
    """Return the base with entries that are added or replaced."""
    return BASE.with_dictionaries(attrs.evolve(GRADE, values=(*GRADE.values.values(), *values)))


def tags(**changes: Any) -> Configuration:
    """Return the base with other attributes of a dimension."""
    return BASE.with_tag_dimensions(attrs.evolve(NEED, **changes))


def grant(**changes: Any) -> Configuration:
    """Return the base with another grant."""
    return attrs.evolve(BASE, grants=(attrs.evolve(SALES, **changes),))


def trigger(**changes: Any) -> Configuration:
    """Return the base with another trigger."""
    return BASE.with_flows(attrs.evolve(GATE, trigger=attrs.evolve(GATE.trigger, **changes)))


def retained(**changes: Any) -> Configuration:
    """Return the base with a retention rule that erases, and other attributes of it."""
    rule = RetentionRule("r", "customer", "created_at", 12, "erase", F.grade == "甲", ("name", "secret"))
    return BASE.with_retention(attrs.evolve(rule, **changes))


def step(**changes: Any) -> Configuration:
    """Return the base with another step."""
    return BASE.with_flows(attrs.evolve(GATE, steps=(attrs.evolve(STEP, **changes),)))


def graded(**changes: Any) -> Configuration:
    """Return the base with another classification."""
    return BASE.with_classifications(attrs.evolve(GRADED, **changes))


def wants(**changes: Any) -> Configuration:
    """Return the base with another classification."""
    return BASE.with_classifications(attrs.evolve(WANTS, **changes))


def cases(*items: tuple[Criterion, str]) -> tuple[Case, ...]:
    """Return cases."""
    return tuple(Case(criterion, value) for criterion, value in items)


def problems_of(configuration: Configuration) -> list[Problem]:
    """Return what is found with the people of the samples."""
    return configuration_problems(Schema(configuration, sample_organisation(), ZoneInfo("Asia/Shanghai")))


def found(configuration: Configuration) -> set[tuple[str, str | None, str]]:
    """Return code, field and path of each problem; warnings are marked."""
    return {
        (("" if item.severity == "error" else "?") + item.code, item.field, str(item.params.get("path", "")))
        for item in problems_of(configuration)
    }


text = FieldDefinition
LONG = "k" * 61

KEYS = {
    "digit first": (fields(text("1a", "text")), ("key_malformed", "1a", f"{FIELDS}['1a']")),
    "hyphen": (BASE.with_roles(Role("a-b")), ("key_malformed", None, "$.roles['a-b']")),
    "empty": (BASE.with_flows(attrs.evolve(GATE, key="")), ("key_malformed", None, "$.flows['']")),
    "long": (BASE.with_roles(Role(LONG)), ("key_malformed", None, f"$.roles['{LONG}']")),
    "blank": (BASE.with_tag_dimensions(TagDimension("a b")), ("key_malformed", None, "$.tag_dimensions['a b']")),
    "module": (BASE.with_modules(ModuleDefinition("a.b", ())), ("key_malformed", None, "$.modules['a.b']")),
    "dictionary": (BASE.with_dictionaries(Dictionary("a b", ())), ("key_malformed", None, "$.dictionaries['a b']")),
    "system": (fields(text("version", "text")), ("key_reserved", "version", f"{FIELDS}['version']")),
    "pseudo": (fields(text("tags", "text")), ("key_reserved", "tags", f"{FIELDS}['tags']")),
    "stamped": (fields(text("department", "text")), ("key_reserved", "department", f"{FIELDS}['department']")),
    "mapped otherwise": (
        attrs.evolve(BASE, roles=BASE.roles.set("boss", Role("chief"))),
        ("key_differs", None, "$.roles['boss']"),
    ),
    "field mapped otherwise": (
        module(fields=CUSTOMER.fields.set("x", text("y", "text"))),
        ("key_differs", "y", f"{FIELDS}['x']"),
    ),
    "life cycle mapped otherwise": (
        module(life_cycles=FrozenDict({"x": LifeCycle("grade", (Transition("a"),))})),
        ("key_differs", None, "$.modules['customer'].life_cycles['x']"),
    ),
}
NAMES = {
    "label as label": (fields(text("x", "text", "名　称")), ("name_taken", "x", f"{FIELDS}['x']")),
    "label as key": (fields(text("x", "text", "Keeper")), ("name_taken", "x", f"{FIELDS}['x']")),
    "key as key": (fields(text("NAME", "text")), ("name_taken", "NAME", f"{FIELDS}['NAME']")),
    "alias as label": (
        fields(text("x", "text", aliases=("等级", "other"))),
        ("name_taken", "x", f"{FIELDS}['x']"),
    ),
    "owner's label": (module(owner_label="管家"), ("name_taken", None, "$.modules['customer'].owner_label")),
    "owner's alias": (module(owner_aliases=("ＮＡＭＥ",)), ("name_taken", None, "$.modules['customer'].owner_aliases")),
    "segment's label": (
        BASE.with_segments(Segment("x", "customer", Present(("name",)), "BEST")),
        ("name_taken", None, "$.segments['x']"),
    ),
    "as a retired key": (fields(text("x", "text", "Old")), ("?name_taken", "x", f"{FIELDS}['x']")),
}
FIELD = {
    "kind": (fields(text("x", "colour")), ("unknown_part", "x", f"{FIELDS}['x'].kind")),
    "former kind": (
        fields(text("x", "text", former=(FormerKind("text", 1), FormerKind("colour", 2)))),
        ("unknown_part", "x", f"{FIELDS}['x'].former[1].kind"),
    ),
    "reference to nothing": (fields(text("x", "reference")), ("missing_part", "x", f"{FIELDS}['x'].options")),
    "reference to the unknown": (
        fields(text("x", "reference", options={"module": "y"})),
        ("unknown_part", "x", f"{FIELDS}['x'].options['module']"),
    ),
    "choice of nothing": (fields(text("x", "choice")), ("missing_part", "x", f"{FIELDS}['x'].options")),
    "choice of the unknown": (
        fields(text("x", "multiple_choice", options={"dictionary": "y"})),
        ("unknown_part", "x", f"{FIELDS}['x'].options['dictionary']"),
    ),
    "option": (
        fields(text("x", "text", options={"max_lenght": 3})),
        ("?unknown_option", "x", f"{FIELDS}['x'].options['max_lenght']"),
    ),
    "mask": (fields(text("x", "text", mask="stars")), ("unknown_part", "x", f"{FIELDS}['x'].mask")),
    "default of another form": (
        fields(text("x", "date", default="soon")),
        ("default_invalid", "x", f"{FIELDS}['x'].default"),
    ),
    "moment in a text of numbers": (
        fields(text("x", "integer", default="now")),
        ("default_invalid", "x", f"{FIELDS}['x'].default"),
    ),
    "default that is no entry": (
        fields(text("x", "choice", options={"dictionary": "grade"}, default="z")),
        ("default_invalid", "x", f"{FIELDS}['x'].default"),
    ),
    "default that is unknown": (
        fields(text("x", "user", default="nobody")),
        ("?default_invalid", "x", f"{FIELDS}['x'].default"),
    ),
    "default of a computed field": (
        fields(text("x", "computed", formula="amount", default=1)),
        ("setting_misfit", "x", f"{FIELDS}['x'].default"),
    ),
    "unique list": (
        fields(text("x", "multiple_choice", options={"dictionary": "grade"}, unique=True)),
        ("setting_misfit", "x", f"{FIELDS}['x'].unique"),
    ),
    "unique file": (fields(text("x", "attachment", unique=True)), ("setting_misfit", "x", f"{FIELDS}['x'].unique")),
    "encrypted index": (
        fields(text("x", "text", encrypted=True, indexed=True)),
        ("setting_misfit", "x", f"{FIELDS}['x'].indexed"),
    ),
    "encrypted formula": (
        fields(text("x", "computed", formula="amount", encrypted=True)),
        ("setting_misfit", "x", f"{FIELDS}['x'].encrypted"),
    ),
    "required formula": (
        fields(text("x", "computed", formula="amount", required=True)),
        ("setting_misfit", "x", f"{FIELDS}['x'].required"),
    ),
    "no formula": (fields(text("x", "computed")), ("?missing_part", "x", f"{FIELDS}['x'].formula")),
    "formula elsewhere": (
        fields(text("x", "money", formula="amount")),
        ("setting_misfit", "x", f"{FIELDS}['x'].formula"),
    ),
    "computed as the unknown": (
        fields(text("x", "computed", formula="amount", options={"value_kind": "y"})),
        ("unknown_part", "x", f"{FIELDS}['x'].options['value_kind']"),
    ),
    "rule": (fields(text("x", "money", rules=(Length(3),))), ("rule_misfit", "x", "")),
    "condition": (fields(text("x", "money", applies_when=F.nope == 1)), ("rule_misfit", "x", "")),
}
MODULE = {
    "title": (module(title_field="x"), ("unknown_part", "x", "$.modules['customer'].title_field")),
    "retired title": (module(title_field="old"), ("setting_misfit", "old", "$.modules['customer'].title_field")),
    "encrypted title": (module(title_field="code"), ("setting_misfit", "code", "$.modules['customer'].title_field")),
    "type": (module(type_field="x"), ("unknown_part", "x", "$.modules['customer'].type_field")),
    "type that is no choice": (
        module(type_field="name"),
        ("setting_misfit", "name", "$.modules['customer'].type_field"),
    ),
    "match key": (module(match_keys=(("name", "x"),)), ("unknown_part", "x", "$.modules['customer'].match_keys[0]")),
    "match key of nothing": (module(match_keys=((),)), ("missing_part", None, "$.modules['customer'].match_keys[0]")),
    "match key that is encrypted": (
        module(match_keys=(("secret",),)),
        ("setting_misfit", "secret", "$.modules['customer'].match_keys[0]"),
    ),
    "match key that is partly encrypted": (
        module(match_keys=(("name",), ("name", "code"))),
        ("setting_misfit", "code", "$.modules['customer'].match_keys[1]"),
    ),
    "match key that is retired": (
        module(match_keys=(("old",),)),
        ("setting_misfit", "old", "$.modules['customer'].match_keys[0]"),
    ),
    "duplicate key": (
        module(duplicate_keys=(("x",),)),
        ("unknown_part", "x", "$.modules['customer'].duplicate_keys[0]"),
    ),
}
VALUES = "$.dictionaries['grade'].values"
ENTRY = {
    "parent": (entries(DictionaryValue("c", "丙", "z")), ("unknown_part", None, f"{VALUES}['c'].parent")),
    "own parent": (entries(DictionaryValue("c", "丙", "c")), ("leads_in_circle", None, f"{VALUES}['c'].parent")),
    "circle of parents": (
        entries(DictionaryValue("c", "丙", "d"), DictionaryValue("d", "丁", "c")),
        ("leads_in_circle", None, f"{VALUES}['c'].parent"),
    ),
    "merged into nothing": (
        entries(DictionaryValue("c", "丙", state="merged")),
        ("missing_part", None, f"{VALUES}['c'].merged_into"),
    ),
    "merged into the unknown": (
        entries(DictionaryValue("c", "丙", state="merged", merged_into="z")),
        ("unknown_part", None, f"{VALUES}['c'].merged_into"),
    ),
    "merged while active": (
        entries(DictionaryValue("c", "丙", merged_into="a")),
        ("setting_misfit", None, f"{VALUES}['c'].merged_into"),
    ),
    "merged in a circle": (
        entries(
            DictionaryValue("c", "丙", state="merged", merged_into="d"),
            DictionaryValue("d", "丁", state="merged", merged_into="c"),
        ),
        ("leads_in_circle", None, f"{VALUES}['c'].merged_into"),
    ),
    "code as code": (entries(DictionaryValue("Ａ", "丙")), ("name_taken", None, f"{VALUES}['Ａ']")),
    "label as label": (
        entries(DictionaryValue("c", "丙"), DictionaryValue("d", "丙")),
        ("?name_ambiguous", None, f"{VALUES}['d']"),
    ),
    "no label": (entries(DictionaryValue("c", {})), ("missing_part", None, f"{VALUES}['c'].label")),
    "blank label": (
        entries(DictionaryValue("c", {"zh": "丙", "en": " "})),
        ("missing_part", None, f"{VALUES}['c'].label"),
    ),
    "blank code": (entries(DictionaryValue(" ", "丙")), ("missing_part", None, f"{VALUES}[' ']")),
    "mapped otherwise": (
        BASE.with_dictionaries(attrs.evolve(GRADE, values=GRADE.values.set("c", DictionaryValue("d", "丁")))),
        ("key_differs", None, f"{VALUES}['c']"),
    ),
    "validity": (
        entries(DictionaryValue("c", "丙", valid_from=date(2024, 2, 1), valid_to=date(2024, 1, 31))),
        ("setting_misfit", None, f"{VALUES}['c'].valid_to"),
    ),
    "validity by instants": (
        entries(DictionaryValue("c", "丙", valid_from=datetime(2024, 2, 1, tzinfo=UTC))),
        ("wrong_shape", None, f"{VALUES}['c'].valid_from"),
    ),
}
TAG = {
    "name of another": (
        BASE.with_tag_dimensions(TagDimension("x", label="需求")),
        ("name_taken", None, "$.tag_dimensions['x']"),
    ),
    "alias of another": (tags(aliases=("Phase",)), ("name_taken", None, "$.tag_dimensions['phase']")),
    "value twice": (tags(values=("设备", "设 备")), ("name_taken", None, "$.tag_dimensions['need'].values[1]")),
    "blank value": (tags(values=("设备", "服务", " ")), ("missing_part", None, "$.tag_dimensions['need'].values[2]")),
    "retired and not": (
        tags(retired=("服务",)),
        ("name_taken", None, "$.tag_dimensions['need'].retired[0]"),
    ),
    "merged into the unknown": (
        tags(merged={"装备": "x"}),
        ("unknown_part", None, "$.tag_dimensions['need'].merged['装备']"),
    ),
    "merged in a circle": (
        tags(merged={"x": "y", "y": "x"}),
        ("leads_in_circle", None, "$.tag_dimensions['need'].merged['x']"),
    ),
    "merged and not": (tags(merged={"设备": "服务"}), ("name_taken", None, "$.tag_dimensions['need'].merged['设备']")),
    "behind a field": (
        BASE.with_tag_dimensions(TagDimension("等级")),
        ("?name_ambiguous", "grade", "$.tag_dimensions['等级']"),
    ),
}
GRANT = {
    "role": (grant(role="x"), ("unknown_part", None, "$.grants[0].role")),
    "module": (grant(module="x"), ("unknown_part", None, "$.grants[0].module")),
    "view": (grant(view=Fields.only("x")), ("unknown_part", None, "$.grants[0].view.names")),
    "edit": (grant(edit=Fields.everything_but("x")), ("unknown_part", None, "$.grants[0].edit.excluded")),
    "mask": (grant(mask={"x": "full"}), ("unknown_part", "x", "$.grants[0].mask['x']")),
    "mask style": (grant(mask={"name": "x", "code": ""}), ("unknown_part", "name", "$.grants[0].mask['name']")),
    "through the unknown": (grant(through="x"), ("unknown_part", None, "$.grants[0].through")),
    "through no reference": (grant(through="name"), ("setting_misfit", "name", "$.grants[0].through")),
    "condition": (grant(condition=F.nope == 1), ("criterion_misfit", "nope", "$.grants[0].condition")),
    "condition on nobody": (grant(condition=F.keeper == "x"), ("?criterion_misfit", "keeper", "$.grants[0].condition")),
    "condition on a secret": (
        grant(condition=F.secret == "x"),
        ("criterion_misfit", "secret", "$.grants[0].condition"),
    ),
}
STEPS = "$.flows['gate'].steps"
FLOW = {
    "module": (
        BASE.with_flows(attrs.evolve(GATE, trigger=Trigger("x"))),
        ("unknown_part", None, "$.flows['gate'].trigger.module"),
    ),
    "fields": (trigger(fields=("x",)), ("unknown_part", None, "$.flows['gate'].trigger.fields")),
    "export with a criterion": (
        trigger(actions=("export",), after=F.name == "x"),
        ("setting_misfit", None, "$.flows['gate'].trigger.after"),
    ),
    "before": (trigger(before=F.nope == 1), ("criterion_misfit", "nope", "$.flows['gate'].trigger.before")),
    "after": (trigger(after=F.amount == "x"), ("criterion_misfit", "amount", "$.flows['gate'].trigger.after")),
    "no steps": (BASE.with_flows(attrs.evolve(GATE, steps=())), ("missing_part", None, STEPS)),
    "step twice": (BASE.with_flows(attrs.evolve(GATE, steps=(STEP, STEP))), ("name_taken", None, f"{STEPS}[1]")),
    "no approvers": (step(approvers=()), ("missing_part", None, f"{STEPS}[0].approvers")),
    "role": (step(approvers=(RoleHolders("x"),)), ("unknown_part", None, f"{STEPS}[0].approvers[0]")),
    "field": (step(fallback=(FieldMember("x"),)), ("unknown_part", None, f"{STEPS}[0].fallback[0]")),
    "field of no member": (
        step(approvers=(FieldMember("name"),)),
        ("setting_misfit", "name", f"{STEPS}[0].approvers[0]"),
    ),
    "level": (step(approvers=(DepartmentHead(level=0),)), ("setting_misfit", None, f"{STEPS}[0].approvers[0]")),
    "member": (step(approvers=(NamedMember("x"),)), ("?unknown_part", None, f"{STEPS}[0].approvers[0]")),
}
RULES = "$.classifications"
ENDINGS = {
    "last four of what is open": (
        fields(FieldDefinition("name", "text", last_four=True)),
        ("setting_misfit", "name", f"{FIELDS}['name'].last_four"),
    ),
    "last four of a number": (
        fields(FieldDefinition("pin", "integer", encrypted=True, last_four=True)),
        ("setting_misfit", "pin", f"{FIELDS}['pin'].last_four"),
    ),
}
KEPT = "$.retention['r']"
RETENTION = {
    "module": (retained(module="x"), ("unknown_part", None, f"{KEPT}.module")),
    "criterion": (retained(criterion=F.nope == 1), ("criterion_misfit", "nope", f"{KEPT}.criterion")),
    "months": (retained(months=0), ("setting_misfit", None, f"{KEPT}.months")),
    "date": (retained(since="nope"), ("unknown_part", None, f"{KEPT}.since")),
    "date of another kind": (retained(since="name"), ("setting_misfit", "name", f"{KEPT}.since")),
    "what is erased": (retained(fields=("name", "x")), ("unknown_part", None, f"{KEPT}.fields[1]")),
    "nothing to erase": (retained(fields=()), ("missing_part", None, f"{KEPT}.fields")),
    "what a rule gives": (retained(fields=("grade",)), ("setting_misfit", "grade", f"{KEPT}.fields[0]")),
    "archiving erases": (retained(action="archive"), ("setting_misfit", None, f"{KEPT}.fields")),
    "action": (retained(action="sell"), ("wrong_shape", None, f"{KEPT}.action")),
    "key": (
        attrs.evolve(BASE, retention=FrozenDict({"s": retained().retention["r"]})),
        ("key_differs", None, "$.retention['s']"),
    ),
}
DERIVED = {
    "segment's module": (
        BASE.with_segments(Segment("s", "x", Present(("a",)))),
        ("unknown_part", None, "$.segments['s'].module"),
    ),
    "segment's criterion": (
        BASE.with_segments(Segment("s", "customer", F.nope == 1)),
        ("criterion_misfit", "nope", "$.segments['s'].criterion"),
    ),
    "segment in itself": (
        BASE.with_segments(Segment("s", "customer", Not(InSegment("s")))),
        ("leads_in_circle", None, "$.segments['s'].criterion"),
    ),
    "module": (
        BASE.with_classifications(Classification("x", "y", (), field="z")),
        ("unknown_part", None, f"{RULES}['x'].module"),
    ),
    "neither": (graded(field=None), ("setting_misfit", None, f"{RULES}['graded']")),
    "both": (graded(dimension="phase"), ("setting_misfit", None, f"{RULES}['graded']")),
    "field": (graded(field="x"), ("unknown_part", "x", f"{RULES}['graded'].field")),
    "field that is no choice": (graded(field="name"), ("setting_misfit", "name", f"{RULES}['graded'].field")),
    "dimension": (wants(dimension="x"), ("unknown_part", None, f"{RULES}['wants'].dimension")),
    "no cases": (graded(cases=()), ("missing_part", None, f"{RULES}['graded'].cases")),
    "entry": (graded(otherwise="z"), ("unknown_part", None, f"{RULES}['graded'].otherwise")),
    "retired entry": (
        graded(otherwise="c").with_dictionaries(
            attrs.evolve(GRADE, values=(*GRADE.values.values(), DictionaryValue("c", "丙", state="retired")))
        ),
        ("unknown_part", None, f"{RULES}['graded'].otherwise"),
    ),
    "tag": (
        wants(cases=cases((F.name.is_present(), "设备"), (F.name.is_missing(), "z"))),
        ("unknown_part", None, f"{RULES}['wants'].cases[1].value"),
    ),
    "retired tag": (
        wants(cases=cases((F.name.is_present(), "其他"))),
        ("unknown_part", None, f"{RULES}['wants'].cases[0].value"),
    ),
    "criterion": (
        wants(cases=cases((F.nope == 1, "设备"))),
        ("criterion_misfit", "nope", f"{RULES}['wants'].cases[0].criterion"),
    ),
    "field of two": (
        BASE.with_classifications(attrs.evolve(GRADED, key="again")),
        ("owned_twice", "grade", f"{RULES}['again']"),
    ),
    "tag of two": (
        BASE.with_classifications(attrs.evolve(WANTS, key="again")),
        ("owned_twice", None, f"{RULES}['again']"),
    ),
    "looks at what it sets": (
        graded(cases=cases((F.grade == "b", "a"))),
        ("leads_in_circle", "grade", f"{RULES}['graded'].cases"),
    ),
    "looks at the tags that it sets": (
        wants(cases=cases((Tagged("需求"), "服务"))),
        ("leads_in_circle", None, f"{RULES}['wants'].cases"),
    ),
    "looks at what it sets elsewhere": (
        graded(cases=cases((F.parent.grade == "b", "a"))),
        ("leads_in_circle", "grade", f"{RULES}['graded'].cases"),
    ),
}
SETTINGS = {
    "time zone": (attrs.evolve(BASE, time_zone="Mars/Base"), ("unknown_part", None, "$.time_zone")),
    "no time zone": (attrs.evolve(BASE, time_zone=""), ("unknown_part", None, "$.time_zone")),
    "time zone by path": (attrs.evolve(BASE, time_zone="../x"), ("unknown_part", None, "$.time_zone")),
    "language": (attrs.evolve(BASE, language="Chinese"), ("setting_misfit", None, "$.language")),
    "country": (attrs.evolve(BASE, country="cn"), ("setting_misfit", None, "$.country")),
    "version": (attrs.evolve(BASE, version=0), ("setting_misfit", None, "$.version")),
}
WRONG: Any = object()
SHAPES = {
    "scope": (grant(scope="mine"), ("wrong_shape", None, "$.grants[0].scope")),
    "action": (grant(actions=frozenset({"veiw"})), ("wrong_shape", None, "$.grants[0].actions[0]")),
    "a list of actions": (grant(actions=["view"]), ("wrong_shape", None, "$.grants[0].actions")),
    "a text for a tuple": (fields(text("x", "text", aliases="ab")), ("wrong_shape", None, f"{FIELDS}['x'].aliases")),  # type: ignore[arg-type]
    "a flat match key": (module(match_keys=("name",)), ("wrong_shape", None, "$.modules['customer'].match_keys[0]")),
    "sensitivity": (
        fields(text("x", "text", sensitivity="secret")),  # type: ignore[arg-type]
        ("wrong_shape", None, f"{FIELDS}['x'].sensitivity"),
    ),
    "a limit": (
        fields(text("x", "money", rules=(Range(minimum="5"),))),  # type: ignore[arg-type]
        ("wrong_shape", None, f"{FIELDS}['x'].rules[0].minimum"),
    ),
    "no rule": (fields(text("x", "text", rules=(WRONG,))), ("wrong_shape", None, f"{FIELDS}['x'].rules[0]")),
    "a value that changes": (
        grant(condition=F.name == ["a"]),
        ("wrong_shape", None, "$.grants[0].condition.value"),
    ),
    "no criterion": (grant(condition=WRONG), ("wrong_shape", None, "$.grants[0].condition")),
    "an operator": (
        grant(condition=Compare(("name",), "like", "a")),  # type: ignore[arg-type]
        ("wrong_shape", None, "$.grants[0].condition.operator"),
    ),
    "a state": (
        entries(DictionaryValue("c", "丙", state="gone")),  # type: ignore[arg-type]
        ("wrong_shape", None, f"{VALUES}['c'].state"),
    ),
    "a boolean for a number": (attrs.evolve(BASE, version=True), ("wrong_shape", None, "$.version")),
    "a label": (fields(text("x", "text", {"zh": 5})), ("wrong_shape", None, f"{FIELDS}['x'].label['zh']")),  # type: ignore[dict-item]
}
EXPECTED = {
    "scope": ("one of own, team, department,", "以下之一：own、team、department、"),
    "a list of actions": ('a frozenset, such as frozenset(["view"])', ' frozenset，例如 frozenset(["view"])'),
    "a text for a tuple": ('a tuple, such as ("a",)', '元组，例如 ("a",)'),
    "a limit": ("None or a decimal or a whole number or a date", " None 或小数或整数或日期"),
    "no rule": ("a rule, such as Length(maximum=200)", "规则，例如 Length(maximum=200)"),
    "a value that changes": (
        "a value that cannot change, such as a tuple in place of a list",
        "不可变的值，例如用元组代替列表",
    ),
    "no criterion": ('None or a condition, such as F.status == "成交"', ' None 或条件，例如 F.status == "成交"'),
    "a boolean for a number": ("a whole number", "整数"),
    "a label": ("a text", "文本"),
}
Table = Mapping[str, tuple[Configuration, tuple[str, str | None, str]]]
TABLES: dict[str, Table] = {
    "key": KEYS,
    "name": NAMES,
    "field": FIELD,
    "module": MODULE,
    "entry": ENTRY,
    "tag": TAG,
    "grant": GRANT,
    "flow": FLOW,
    "derived": DERIVED,
    "retention": RETENTION,
    "last four": ENDINGS,
    "setting": SETTINGS,
    "shape": SHAPES,
}
ROWS = [pytest.param(*row, id=f"{name}: {label}") for name, table in TABLES.items() for label, row in table.items()]


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_expected_is_said_in_words(name: str) -> None:
    """A newcomer reads what to write in the place, and no list of classes or types of Python."""
    (problem,) = problems_of(SHAPES[name][0])
    english, chinese = EXPECTED[name]
    assert problem.message("en").startswith(f"must be {english}")
    assert problem.message("zh").startswith(f"应为{chinese}")
    assert problem.message("en").endswith(f"({problem.params['path']})")


@pytest.mark.parametrize(
    ("wrong", "english", "chinese"),
    [
        (step(approvers="x"), "a tuple, such as (NamedMember(…),)", "元组，例如 (NamedMember(…),)"),
        (
            step(quorum="x"),
            "None or CountQuorum(…) or ShareQuorum(…) or",
            " None 或 CountQuorum(…) 或 ShareQuorum(…) 或",
        ),
        (grant(view=("name",)), "Fields(…)", " Fields(…)"),
        (module(match_keys="name"), 'a tuple, such as (("a",),)', '元组，例如 (("a",),)'),
    ],
)
def test_what_is_expected_is_written_as_python(wrong: Configuration, english: str, chinese: str) -> None:
    """Where a value of a class of the library is wanted, it is named as one writes it."""
    (problem,) = [item for item in problems_of(wrong) if item.code == "wrong_shape"]
    assert problem.message("en").startswith(f"must be {english}")
    assert problem.message("zh").startswith(f"应为{chinese}")


@pytest.mark.parametrize(("configuration", "expected"), ROWS)
def test_one_thing_wrong(configuration: Configuration, expected: tuple[str, str | None, str]) -> None:
    """Each mistake is found, at its place, and nothing else is said."""
    assert found(configuration) == {expected}


def test_what_is_of_another_type_is_told_what_it_must_be() -> None:
    """A list where a frozenset is wanted, and a misspelt word, read like an instruction."""
    for configuration, text in (
        (grant(actions=["view"]), 'must be a frozenset, such as frozenset(["view"]) ($.grants[0].actions)'),
        (grant(through=5), "must be None or a text ($.grants[0].through)"),
    ):
        problems = problems_of(configuration)
        assert [problem.text("en") for problem in problems if problem.severity == "error"] == [text]


@pytest.mark.parametrize(("configuration", "expected"), ROWS)
def test_every_problem_has_its_texts(configuration: Configuration, expected: tuple[str, str | None, str]) -> None:
    """In both languages each problem is a whole sentence that names the place."""
    for problem in problems_of(configuration):
        texts = {problem.text("zh"), problem.text("en")}
        assert len(texts) == 2
        assert all("{" not in item for item in texts)
        assert all(expected[2] in item for item in texts)


def test_nothing_is_wrong() -> None:
    """The base of the table, and the standard configuration, have no problem at all."""
    assert problems_of(BASE) == []
    assert problems_of(retained()) == []
    assert problems_of(retained(since="updated_at", action="archive", fields=())) == []
    assert problems_of(standard_configuration()) == []


def test_names_that_only_inactive_entries_share() -> None:
    """What can't be chosen any more is in nobody's way, nor is an entry below another parent."""
    retired = DictionaryValue("c", "甲", state="retired")
    assert (
        found(entries(retired).with_flows(attrs.evolve(GATE, trigger=Trigger("customer"))))
        - {("unknown_part", None, f"{RULES}['graded'].cases[0].value")}
        == set()
    )


def test_tags_of_an_open_dimension() -> None:
    """Where people add tags of their own, a former tag may lead to one that is not listed."""
    assert found(tags(open=True, merged={"装备": "x"})) == set()


def test_defaults_that_are_moments() -> None:
    """In a date field `now` is the moment of creation."""
    assert found(fields(text("x", "date", default="now"), text("y", "datetime", default="now"))) == set()


def test_everything_at_once() -> None:
    """One mistake does not hide another, and rules that speak of a field that can't be compiled are left alone."""
    broken = (
        fields(
            text("x", "colour", default=5, rules=(Length(3),)),
            text("y", "money", rules=(Length(3), Satisfies(F.x.under("a"))), required_when=F.x.under("a")),
        )
        .with_grants(Grant("sales", "customer", frozenset({"view"}), condition=F.x.under("a")))
        .with_grants(Grant("boss", "customer", frozenset({"view"}), condition=F.nope == 1))
    )
    assert found(attrs.evolve(broken, time_zone="x")) == {
        ("unknown_part", None, "$.time_zone"),
        ("unknown_part", "x", f"{FIELDS}['x'].kind"),
        ("rule_misfit", "y", ""),
        ("unknown_part", None, "$.grants[2].role"),
        ("criterion_misfit", "nope", "$.grants[2].condition"),
    }


def test_circles_of_several() -> None:
    """Segments and classifications that lead back to themselves through others are found, through segments too."""
    one = Segment("one", "customer", InSegment("two"))
    two = Segment("two", "customer", InSegment("one"))
    assert {item[:1] + item[2:] for item in found(BASE.with_segments(one, two))} == {
        ("leads_in_circle", "$.segments['one'].criterion"),
        ("leads_in_circle", "$.segments['two'].criterion"),
    }
    through = wants(cases=cases((InSegment("one"), "设备"))).with_segments(one, two)
    assert {item[0] for item in found(through)} == {"leads_in_circle", "criterion_misfit"}
    circle = graded(cases=cases((Tagged("need", "设备"), "a")))
    assert {item[:1] + item[2:] for item in found(circle)} == {
        ("leads_in_circle", f"{RULES}['graded'].cases"),
        ("leads_in_circle", f"{RULES}['wants'].cases"),
    }
    (first, _) = (item for item in problems_of(circle) if item.code == "leads_in_circle")
    assert first.params["circle"] == "graded → wants → graded"


def test_two_rules_may_share_a_dimension() -> None:
    """Each owns its own tags; in a dimension that takes one tag, all of them are one."""
    other = attrs.evolve(WANTS, key="other", cases=cases((F.name.is_present(), "服务")))
    assert found(BASE.with_classifications(other)) == set()
    one = Classification("one", "customer", cases((F.name.is_present(), "一")), dimension="phase")
    two = Classification("two", "customer", cases((F.name.is_missing(), "二")), dimension="phase")
    assert found(BASE.with_classifications(one, two)) == {("owned_twice", None, f"{RULES}['two']")}


def nested(times: int) -> Criterion:
    """Return a criterion that is nested so many times."""
    criterion: Criterion = F.name == "x"
    for _ in range(times):
        criterion = Not(criterion)
    return criterion


DEEP = nested(2000)


@pytest.mark.parametrize(
    ("configuration", "path"),
    [
        (grant(condition=DEEP), "$.grants[0].condition"),
        (fields(text("x", "text", applies_when=DEEP)), f"{FIELDS}['x'].applies_when"),
        (fields(text("x", "text", required_when=DEEP)), f"{FIELDS}['x'].required_when"),
        (fields(text("x", "text", rules=(Satisfies(DEEP),))), f"{FIELDS}['x'].rules[0].criterion"),
        (BASE.with_segments(Segment("deep", "customer", DEEP)), "$.segments['deep'].criterion"),
        (
            BASE.with_classifications(attrs.evolve(WANTS, cases=(Case(DEEP, "设备"),))),
            "$.classifications['wants'].cases[0].criterion",
        ),
        (
            BASE.with_life_cycles("customer", LifeCycle("grade", (Transition("a", guard=DEEP),))),
            "$.modules['customer'].life_cycles['grade'].transitions[0].guard",
        ),
    ],
)
def test_criteria_that_are_nested_too_deep(configuration: Configuration, path: str) -> None:
    """A criterion of any depth is a problem, wherever it stands, and not an error of recursion."""
    (problem,) = problems_of(configuration)
    assert (problem.code, problem.params["path"]) == ("criterion_misfit", path)
    assert problem.params["because"] == "criterion_too_deep"


def test_criteria_as_deep_as_may_be() -> None:
    """Fifty levels are taken; of one more it is said that it is too deep."""
    assert problems_of(fields(text("x", "text", required_when=nested(49)))) == []
    (problem,) = problems_of(fields(text("x", "text", required_when=nested(50))))
    assert problem.params["because"] == "criterion_too_deep"


@pytest.mark.parametrize("default", [FrozenDict({"a": 1}), (FrozenDict({"a": (1,)}),)])
def test_a_default_that_is_a_mapping(default: Any) -> None:
    """A raw value may be anything that can't change; whether the field takes it is for its kind to say."""
    (problem,) = problems_of(fields(text("x", "text", default=default)))
    assert (problem.code, problem.params["path"]) == ("default_invalid", f"{FIELDS}['x'].default")


def test_kinds_of_the_host() -> None:
    """A kind of the host's own is known where it is given, and takes any option."""
    own = Kind("plate", BUILT_IN_KINDS["text"].parser, BUILT_IN_KINDS["text"].renderer)
    configuration = fields(text("x", "plate", options={"any": 1}))
    assert check_configuration(configuration, kinds={"plate": own}).ok
    assert [item.code for item in check_configuration(configuration)] == ["unknown_part"]


def test_without_the_people() -> None:
    """Where no organisation is given, nothing is said about members and departments."""
    configuration = step(approvers=(NamedMember("x"),)).with_grants(attrs.evolve(SALES, condition=F.keeper == "x"))
    configuration = configuration.with_fields("customer", text("x", "user", default="nobody"))
    assert not check_configuration(configuration)
    report = check_configuration(configuration, organisation=sample_organisation())
    assert (report.ok, len(report.warnings)) == (True, 3)


def test_a_problem_knows_what_people_call_the_field() -> None:
    """The label stands before the text, and the module is a parameter."""
    (problem,) = problems_of(fields(attrs.evolve(CUSTOMER.fields["keeper"], mask="x")))
    assert problem.message("zh") == f"管家：没有脱敏方式 x（{FIELDS}['keeper'].mask）"
    assert problem.message("en") == f"管家: there is no mask style x ({FIELDS}['keeper'].mask)"
    assert problem.params["module"] == "customer"


def test_a_workspace_refuses_errors_and_takes_warnings() -> None:
    """A workspace raises all errors at once, the time zone among them; warnings do not stop it."""
    wrong = attrs.evolve(fields(text("x", "colour")), time_zone="Mars/Base")
    with pytest.raises(ConfigurationError) as caught:
        Workspace(wrong, units=MemoryUnits())
    assert [(item.code, item.params["path"]) for item in caught.value.problems] == [
        ("unknown_part", "$.time_zone"),
        ("unknown_part", f"{FIELDS}['x'].kind"),
    ]
    with Workspace(step(approvers=(NamedMember("x"),)), units=MemoryUnits()) as workspace:
        assert workspace.configuration.version == 1


def test_a_schema_that_was_checked() -> None:
    """It is the configuration compiled, in its time zone."""
    schema = checked_schema(BASE, sample_organisation(), {})
    assert schema.configuration is BASE
    assert str(schema.zone) == "Asia/Shanghai"

"""What holds for every configuration: JSON gives it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import attrs
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from custinfo.core.approval.flows import (
    CountQuorum,
    DepartmentHead,
    FieldMember,
    Flow,
    NamedMember,
    PositionHolders,
    RoleHolders,
    ShareQuorum,
    Step,
    TimeLimit,
    Trigger,
    WeightQuorum,
)
from custinfo.core.classification import Case, Classification, Segment
from custinfo.core.configuration import Configuration
from custinfo.core.converter import configuration_from_json, configuration_to_json
from custinfo.core.criteria import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Everything,
    Has,
    InSegment,
    LastFour,
    Mentions,
    Not,
    Nothing,
    OneOf,
    Present,
    StartsWith,
    Tagged,
    Under,
    Within,
)
from custinfo.core.criteria.nodes import SealedAs, SharedWith, Through
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition, FormerKind, Inheritance, ModuleDefinition
from custinfo.core.life_cycles import LifeCycle, Transition
from custinfo.core.policy.grants import Fields, Grant, Role
from custinfo.core.records import Share
from custinfo.core.retention import RetentionRule
from custinfo.core.rules import (
    RULE_TYPES,
    AllowedWhen,
    DateOrder,
    Length,
    MatchesBirthday,
    NotBefore,
    OneOfValues,
    Pattern,
    Range,
    Rule,
    Satisfies,
)
from custinfo.core.tags import TagDimension

KEYS = st.text("abc_客", min_size=1, max_size=3)
TEXTS = st.text(max_size=3)
LABELS: Any = st.dictionaries(st.sampled_from(["zh", "en"]), TEXTS)
FLAGS = st.booleans()
NUMBERS = st.integers(-9, 9)
DAYS = st.dates()
SCALARS: Any = st.one_of(
    TEXTS,
    st.integers(),
    FLAGS,
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    DAYS,
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
)
RAW: Any = st.one_of(SCALARS, st.lists(SCALARS, max_size=2).map(tuple))
"""What a host may write for a value."""

LIMITS: Any = st.one_of(st.integers(), st.decimals(-9, 9, places=2), DAYS, st.datetimes(timezones=st.just(UTC)))
OPTIONS: Any = st.dictionaries(
    KEYS, st.one_of(TEXTS, NUMBERS, FLAGS, st.lists(TEXTS, max_size=2).map(tuple)), max_size=2
)


def some(items: Any) -> Any:
    """Give none, one or two."""
    return st.lists(items, max_size=2).map(tuple)


PATHS = st.lists(KEYS, min_size=1, max_size=2).map(tuple)
PARTS: dict[type[Any], dict[str, Any]] = {}
"""Class → attribute → what it may be: every attribute of every class that a configuration is made of."""


def made(kind: type[Any], /, **attributes: Any) -> Any:
    """Enter a class into the table, and give instances in which any attribute that has a default may be left to it."""
    PARTS[kind] = attributes
    known = attrs.fields_dict(kind)
    needed = {name: value for name, value in attributes.items() if known[name].default is attrs.NOTHING}
    others = {name: value for name, value in attributes.items() if name not in needed}
    return st.fixed_dictionaries(needed, optional=others).map(lambda chosen: kind(**chosen))


LEAVES: Any = st.one_of(
    made(Everything),
    made(Nothing),
    made(Compare, path=PATHS, operator=st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]), value=RAW),
    made(OneOf, path=PATHS, values=some(SCALARS)),
    made(Under, path=PATHS, value=TEXTS),
    made(Contains, path=PATHS, text=TEXTS),
    made(Mentions, path=PATHS, text=TEXTS),
    made(StartsWith, path=PATHS, text=TEXTS),
    made(LastFour, path=PATHS, text=TEXTS),
    made(Has, path=PATHS, value=TEXTS),
    made(Present, path=PATHS),
    made(Within, path=PATHS, months=NUMBERS, days=NUMBERS, hours=NUMBERS),
    made(Tagged, dimension=TEXTS, value=TEXTS),
    made(InSegment, name=TEXTS),
)
PARTS |= {AllOf: {"parts": some(LEAVES)}, AnyOf: {"parts": some(LEAVES)}, Not: {"part": LEAVES}}
CRITERIA: Any = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        some(inner).map(lambda parts: AllOf(parts)), some(inner).map(lambda parts: AnyOf(parts)), inner.map(Not)
    ),
    max_leaves=4,
)
RULES: Any = st.one_of(
    made(Length, minimum=NUMBERS, maximum=NUMBERS),
    made(Range, minimum=LIMITS, maximum=LIMITS),
    made(Pattern, pattern=TEXTS, hint=TEXTS),
    made(OneOfValues, allowed=some(TEXTS)),
    made(DateOrder, other=KEYS, strict=FLAGS),
    made(NotBefore, other=KEYS),
    made(MatchesBirthday, other=KEYS),
    made(AllowedWhen, criterion=CRITERIA),
    made(Satisfies, criterion=CRITERIA, hint=LABELS),
)
FIELDS: Any = made(
    FieldDefinition,
    key=KEYS,
    kind=KEYS,
    label=LABELS,
    required=FLAGS,
    default=RAW,
    rules=some(RULES),
    options=OPTIONS,
    aliases=some(TEXTS),
    applies_when=CRITERIA,
    required_when=CRITERIA,
    sensitivity=st.sampled_from(["normal", "masked", "sensitive"]),
    mask=TEXTS,
    encrypted=FLAGS,
    unique=FLAGS,
    indexed=FLAGS,
    retired=FLAGS,
    help=LABELS,
    formula=TEXTS,
    former=some(made(FormerKind, kind=KEYS, until=NUMBERS, options=OPTIONS)),
    log_reads=FLAGS,
    last_four=FLAGS,
)
TRANSITIONS: Any = made(
    Transition,
    target=TEXTS,
    sources=some(TEXTS),
    required=some(KEYS),
    defaults=st.dictionaries(KEYS, RAW, max_size=2),
    guard=CRITERIA,
    flow=KEYS,
    label=LABELS,
)
MODULES: Any = made(
    ModuleDefinition,
    key=KEYS,
    fields=some(FIELDS),
    label=LABELS,
    title_field=KEYS,
    type_field=KEYS,
    owner_label=LABELS,
    owner_aliases=some(TEXTS),
    taggable=FLAGS,
    match_keys=some(some(KEYS)),
    duplicate_keys=some(some(KEYS)),
    life_cycles=some(made(LifeCycle, field=KEYS, transitions=some(TRANSITIONS), initial=some(TEXTS))),
    inherits=some(made(Inheritance, through=KEYS, level=st.sampled_from(["view", "edit"]))),
    handed_over=some(KEYS),
    announced=FLAGS,
    log_reads=FLAGS,
    log_exports=FLAGS,
)
VALUES: Any = made(
    DictionaryValue,
    code=TEXTS,
    label=LABELS,
    parent=TEXTS,
    aliases=some(TEXTS),
    state=st.sampled_from(["active", "retired", "merged"]),
    merged_into=TEXTS,
    valid_from=DAYS,
    valid_to=DAYS,
)
CHOSEN: Any = made(Fields, names=some(KEYS), everything=FLAGS, excluded=some(KEYS))
GRANTS: Any = made(
    Grant,
    role=KEYS,
    module=KEYS,
    actions=st.frozensets(st.sampled_from(["view", "edit", "create", "decrypt"])),
    scope=st.sampled_from(["own", "team", "department", "subtree", "departments", "all", "shared", "pool"]),
    through=KEYS,
    condition=CRITERIA,
    view=CHOSEN,
    edit=CHOSEN,
    mask=st.dictionaries(KEYS, TEXTS, max_size=2),
    departments=some(KEYS),
)
APPROVERS: Any = st.one_of(
    made(NamedMember, member=KEYS),
    made(RoleHolders, role=KEYS),
    made(PositionHolders, position=KEYS, within=st.sampled_from(["anywhere", "owner", "submitter"])),
    made(DepartmentHead, of=st.sampled_from(["owner", "submitter"]), level=NUMBERS, chain=FLAGS),
    made(FieldMember, field=KEYS),
)
QUORUMS: Any = st.one_of(
    st.none(),
    made(CountQuorum, approvals=NUMBERS),
    made(ShareQuorum, percent=NUMBERS),
    made(WeightQuorum, weights=some(NUMBERS), pass_mark=NUMBERS),
)
GATED: Any = st.sampled_from(["create", "update", "delete", "merge", "transfer", "archive", "import", "export"])
FLOWS: Any = made(
    Flow,
    key=KEYS,
    trigger=made(
        Trigger,
        module=KEYS,
        actions=some(GATED),
        fields=some(KEYS),
        before=CRITERIA,
        after=CRITERIA,
    ),
    steps=some(
        made(
            Step,
            key=KEYS,
            approvers=some(APPROVERS),
            label=LABELS,
            mode=st.sampled_from(["any", "all", "sequential", "quorum"]),
            fallback=some(APPROVERS),
            quorum=QUORUMS,
            rejection=st.sampled_from(["ends", "returns", "votes"]),
            unreachable=st.sampled_from(["ends", "returns"]),
            veto=some(APPROVERS),
            skip_when=CRITERIA,
            nobody=st.sampled_from(["refuse", "pass"]),
            inactive=st.sampled_from(["leave_out", "head"]),
            sees=st.none() | some(KEYS),
            amends=some(KEYS),
            limits=some(
                made(
                    TimeLimit,
                    hours=NUMBERS,
                    then=st.sampled_from(["remind", "escalate", "expire"]),
                    to=some(APPROVERS),
                )
            ),
        )
    ),
    label=LABELS,
    allow_own=FLAGS,
    version=NUMBERS,
    own_passes=FLAGS,
    repeated=st.sampled_from(["first", "adjacent", "each"]),
    after_return=st.sampled_from(["replay", "continue"]),
    export_hours=st.integers(1, 100),
    announced=st.booleans(),
)
CONFIGURATIONS: Any = made(
    Configuration,
    modules=some(MODULES),
    dictionaries=some(made(Dictionary, key=KEYS, values=some(VALUES), label=LABELS)),
    tag_dimensions=some(
        made(
            TagDimension,
            key=KEYS,
            values=some(TEXTS),
            label=LABELS,
            aliases=some(TEXTS),
            open=FLAGS,
            single=FLAGS,
            merged=st.dictionaries(TEXTS, TEXTS, max_size=2),
            retired=some(TEXTS),
        )
    ),
    roles=some(made(Role, key=KEYS, label=LABELS)),
    grants=some(GRANTS),
    flows=some(FLOWS),
    time_zone=TEXTS,
    language=TEXTS,
    country=TEXTS,
    version=NUMBERS,
    classifications=some(
        made(
            Classification,
            key=KEYS,
            module=KEYS,
            cases=some(made(Case, criterion=CRITERIA, value=TEXTS)),
            dimension=KEYS,
            field=KEYS,
            otherwise=TEXTS,
            label=LABELS,
        )
    ),
    segments=some(made(Segment, key=KEYS, module=KEYS, criterion=CRITERIA, label=LABELS)),
    retention=some(
        made(
            RetentionRule,
            key=KEYS,
            module=KEYS,
            since=KEYS,
            months=NUMBERS,
            action=st.sampled_from(("archive", "erase")),
            criterion=CRITERIA,
            fields=some(KEYS),
            label=LABELS,
        )
    ),
)


def classes_in(hint: Any) -> Iterator[type[Any]]:
    """Give the attrs classes that an annotation speaks of."""
    if hint is Rule:
        yield from RULE_TYPES.values()
    elif isinstance(hint, type) and attrs.has(hint):
        yield hint
    for argument in get_args(hint):
        yield from classes_in(argument)


def classes_of_configurations() -> set[type[Any]]:
    """Return every class that a configuration may be made of; those that policies and searches make are not written."""
    found: list[type[Any]] = [Configuration]
    for kind in found:
        hints = get_type_hints(kind)
        found.extend({part for name in attrs.fields_dict(kind) for part in classes_in(hints[name])} - set(found))
    return set(found) - {Through, SharedWith, Share, SealedAs}


def test_the_table_names_every_attribute_of_every_class() -> None:
    """Whoever adds an attribute, a rule or a node of criteria has to say here what it may be."""
    assert set(PARTS) == classes_of_configurations()
    assert {kind: set(attributes) for kind, attributes in PARTS.items()} == {
        kind: set(attrs.fields_dict(kind)) for kind in PARTS
    }


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
def test_every_attribute_takes_other_values_than_its_default(kind: type[Any]) -> None:
    """The table says something about each attribute: its values differ from the default, and from one another."""
    quick = settings(database=None, phases=[Phase.generate], max_examples=200)
    blank = kind(**{name: () for name, field in attrs.fields_dict(kind).items() if field.default is attrs.NOTHING})
    for name, values in PARTS[kind].items():
        default = getattr(blank, name)
        find(values, lambda value, default=default: bool(value not in (default, ())), settings=quick)  # type: ignore[misc]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(CONFIGURATIONS)
def test_every_configuration_comes_back_equal(configuration: Configuration) -> None:
    """Written as JSON and read again, a configuration is equal, hashes equal, and is written the same."""
    text = configuration_to_json(configuration)
    back = configuration_from_json(text)
    assert back == configuration
    assert hash(back) == hash(configuration)
    assert configuration_to_json(back) == text


def spelled(value: object) -> list[tuple[type[Any], str]]:
    """Return type and text of a raw value, or of each part of it: `1`, `True` and `Decimal("1.0")` are equal."""
    return [(type(item), str(item)) for item in (value if isinstance(value, tuple) else (value,))]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(FIELDS)
def test_every_field_comes_back_equal(field: FieldDefinition) -> None:
    """The class with the most attributes comes back by itself, with defaults of the type that was written."""
    (back,) = (
        configuration_from_json(configuration_to_json(Configuration((ModuleDefinition("m", (field,)),))))
        .modules["m"]
        .fields.values()
    )
    assert back == field
    assert spelled(back.default) == spelled(field.default)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["modules", "key", "fields", "grants"]), inner)
    ),
    max_leaves=8,
)


def hints_of(text: str) -> list[str] | None:
    """Return why a text is refused, or nothing for a configuration."""
    try:
        configuration_from_json(text)
    except ConfigurationError as error:
        return [str(problem.params["hint"]) for problem in error.problems]
    return None


@given(JSON)
def test_no_json_raises_anything_else(data: Any) -> None:
    """Whatever the JSON is, it is a configuration or a configuration error with hints."""
    hints = hints_of(json.dumps(data))
    assert hints is None or (hints and all(hints))


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    """Nor does any text."""
    hints = hints_of(text)
    assert hints is None or (hints and all(hints))


def test_decimals_keep_their_type() -> None:
    """A bound that is a decimal stays one, with its places."""
    rule = Range(Decimal("1.50"), 3)
    module = ModuleDefinition("m", (FieldDefinition("a", "money", rules=(rule,)),))
    back = configuration_from_json(configuration_to_json(Configuration((module,))))
    (found,) = back.modules["m"].fields["a"].rules
    assert isinstance(found, Range)
    assert (str(found.minimum), type(found.maximum)) == ("1.50", int)


FIELD = "$.modules['m'].fields['客户']"


def module_with(**field: Any) -> str:
    """Return the JSON of a configuration of one field."""
    return json.dumps({"modules": {"m": {"key": "m", "fields": {"客户": {"key": "客户", "kind": "text", **field}}}}})


@pytest.mark.parametrize(
    ("text", "path", "words", "chinese"),
    [
        (
            module_with(required="no"),
            f"{FIELD}.required",
            "expected true or false",
            "应为 true 或 false",
        ),
        (module_with(aliases="ab"), f"{FIELD}.aliases", "expected a list", "应为列表"),
        (module_with(mask=5), f"{FIELD}.mask", "expected a text", "应为文本"),
        (
            module_with(sensitivity="x"),
            f"{FIELD}.sensitivity",
            "expected one of normal, masked, sensitive",
            "应为以下之一：normal、masked、sensitive",
        ),
        (
            module_with(default={"decimal": "x"}),
            f"{FIELD}.default",
            "expected a decimal",
            "应为数字",
        ),
        (
            module_with(rules=[{"type": "nope"}]),
            f"{FIELD}.rules[0]",
            "one of length, range",
            "length、range",
        ),
        (
            module_with(rules=["length"]),
            f"{FIELD}.rules[0]",
            "one of length, range",
            "应为对象，其 type",
        ),
        (
            module_with(applies_when={"op": "?"}),
            f"{FIELD}.applies_when",
            "not a criterion: op has to be one of everything, nothing, all,",
            "不是筛选条件：op 应为以下之一：everything、nothing、all、",
        ),
        (module_with(options=["a"]), f"{FIELD}.options", "expected an object", "应为对象"),
        ('{"modules": {"m": null}}', "$.modules['m']", "expected an object", "应为对象"),
        ('{"modules": {}, "grants": [["sales"]]}', "$.grants[0]", "expected an object", "应为对象"),
        ("[]", "$", "expected an object", "应为对象"),
        (
            module_with(nonsense=1),
            FIELD,
            "extra fields found (nonsense)",
            "有未知的项：nonsense",
        ),
        ('{"modules": {"m": {"fields": {}}}}', "$.modules['m'].key", "required field missing", "缺少此项"),
        ('{"modules": {}, "version": "1"}', "$.version", "expected a whole number", "应为整数"),
        ('{"modules": {}, "modules": {}}', "$", "given twice in one object: modules", "同一对象中重复：modules"),
        ('{"modules":\n  nix}', "$", "not JSON: Expecting value", "不是 JSON：第 2 行第 3 列有误"),
        ("[" * 100_000, "$", "not JSON", "不是 JSON：嵌套过深"),
    ],
)
def test_a_person_finds_what_is_wrong(text: str, path: str, words: str, chinese: str) -> None:
    """Each problem has the path of the place as a parameter, and says in the reader's words what was expected there."""
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_json(text)
    (problem,) = caught.value.problems
    assert problem.params["path"] == path
    assert words in problem.message("en")
    assert problem.message("en").endswith(f"@ {path}")
    assert chinese in problem.message("zh")
    assert problem.message("zh").endswith(f"@ {path}")


FIRST_RELEASE = """
{"modules": {"m": {"key": "m", "fields": {"a": {"key": "a", "kind": "choice", "label": {"zh": "甲"},
   "options": {"dictionary": "d"}, "rules": [{"type": "one_of", "allowed": ["x"]}], "default": "x"}},
   "title_field": "a", "match_keys": [["a"]]}},
 "dictionaries": {"d": {"key": "d", "values": {"x": {"code": "x", "label": {"zh": "乙"}}}}},
 "tag_dimensions": {"t": {"key": "t", "values": ["y"], "open": true}},
 "roles": {"r": {"key": "r"}},
 "grants": [{"role": "r", "module": "m", "actions": ["view"], "view": {"everything": true}}],
 "flows": {"f": {"key": "f", "trigger": {"module": "m", "before": {"op": "eq", "field": ["a"], "value": "x"}},
   "steps": [{"key": "s", "approvers": [{"type": "role", "role": "r"}]}]}},
 "version": 3}
"""
"""As custinfo 0.1 wrote it, before there were life cycles, segments, classifications, formulas and validity."""


def test_what_an_older_release_wrote_is_read() -> None:
    """Attributes that were added later have their defaults; what was written is written again."""
    field = FieldDefinition("a", "choice", "甲", default="x", rules=(OneOfValues(("x",)),), options={"dictionary": "d"})
    step = Step("s", (RoleHolders("r"),))
    assert configuration_from_json(FIRST_RELEASE) == Configuration(
        (ModuleDefinition("m", (field,), title_field="a", match_keys=(("a",),)),),
        (Dictionary("d", (DictionaryValue("x", "乙"),)),),
        (TagDimension("t", ("y",), open=True),),
        (Role("r"),),
        (Grant("r", "m", frozenset({"view"}), view=Fields(everything=True)),),
        (Flow("f", Trigger("m", before=Compare(("a",), "eq", "x")), (step,)),),
        version=3,
    )
    assert json.loads(configuration_to_json(configuration_from_json(FIRST_RELEASE))) == json.loads(FIRST_RELEASE)

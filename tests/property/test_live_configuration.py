"""Properties of configurations that change: what converting, comparing and concerning mean, for whatever there is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo import (
    Case,
    Classification,
    Configuration,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    Flow,
    ModuleDefinition,
    NamedMember,
    Segment,
    Step,
    TagDimension,
    Trigger,
    configuration_from_json,
    configuration_to_json,
)
from custinfo.core.configuration_changes import affected_modules, compare_configurations
from custinfo.core.conversion import compile_conversion
from custinfo.core.fields import FormerKind
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds import BUILT_IN_KINDS, INVALID
from custinfo.core.policy.grants import ALL_FIELDS, Grant, Role
from custinfo.core.problems import Problem
from custinfo.core.records import Attachment, Sealed
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.standard import sample_organisation, standard_configuration

COLOURS = Dictionary(
    "colours",
    (
        DictionaryValue("red", "红"),
        DictionaryValue("crimson", "绯", parent="red"),
        DictionaryValue("12", "12"),
        DictionaryValue("old", "旧", state="merged", merged_into="red"),
    ),
)
OTHERS = Dictionary("others", (DictionaryValue("r", "红"), DictionaryValue("b", "蓝")))
FORMS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    *(
        (kind, {})
        for kind in sorted(set(BUILT_IN_KINDS) - {"computed", "choice", "multiple_choice", "money", "reference"})
    ),
    *((kind, {"dictionary": key}) for kind in ("choice", "multiple_choice") for key in ("colours", "others")),
    *(("money", {"currency": currency}) for currency in ("CNY", "USD")),
    ("reference", {"module": "thing"}),
)
DIGITS = st.text(alphabet="0123456789.,-+/:年月日 ¥$eE万一２½²", max_size=14)
TEXTS = st.one_of(st.text(max_size=20), DIGITS, st.sampled_from(("红", "红-绯", "12", "是", "李四", "2024-03-05", "-")))
LARGEST = Decimal("8999999999999.999999")
AMOUNTS = st.decimals(-LARGEST, LARGEST, places=6)
CODES = st.sampled_from(("red", "crimson", "12", "old", "r", "gone"))
STORED: Mapping[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63) + 1, 2**63 - 1),
    "decimal": AMOUNTS,
    "money": AMOUNTS,
    "boolean": st.booleans(),
    "date": st.dates(),
    "datetime": st.datetimes(timezones=st.just(UTC)),
    "choice": CODES,
    "multiple_choice": st.lists(CODES, min_size=1, max_size=3, unique=True).map(tuple),
    "attachment": st.builds(Attachment, st.text(max_size=5), st.text(max_size=5)),
    "user": st.sampled_from(("lisi", "gone", "12")),
    "department": st.sampled_from(("sales", "gone")),
}
"""Kind → values that a store may hold; texts for every other."""


@functools.cache
def module_of(place: int) -> ModuleSchema:
    """Return a module with a field of a form."""
    kind, options = FORMS[place]
    module = ModuleDefinition("thing", (FieldDefinition("f", kind, options=dict(options)),))
    return Schema(Configuration((module,), (COLOURS, OTHERS)), sample_organisation(), ZoneInfo("Asia/Shanghai")).module(
        "thing"
    )


places = st.integers(0, len(FORMS) - 1)


@settings(max_examples=400)
@given(old=places, new=places, data=st.data())
def test_converting_never_fails_otherwise(old: int, new: int, data: st.DataObject) -> None:
    """Whatever is stored comes to a value that the new kind keeps, or to problems that do not hold the value."""
    value = data.draw(STORED.get(FORMS[old][0], TEXTS.filter(bool)))
    problems: list[Problem] = []
    found = compile_conversion(module_of(old), module_of(new), "f")(value, problems)
    if found is INVALID:
        assert [problem for problem in problems if problem.severity == "error"]
    elif found is not None:
        kind = BUILT_IN_KINDS[FORMS[new][0]]
        again = kind.decode(kind.encode(found))
        assert (type(again), again) == (type(found), found)


@settings(max_examples=300)
@given(place=places, raw=TEXTS)
def test_text_to_a_kind_and_back_is_the_normal_form(place: int, raw: str) -> None:
    """A text that becomes a value and a text again is what people read, and comes to the same value once more."""
    text = FORMS.index(("text", {}))
    problems: list[Problem] = []
    value = compile_conversion(module_of(text), module_of(place), "f")(raw, problems)
    if value is INVALID or value is None or FORMS[place][0] == "attachment" or "\n" in str(value):
        return  # files are not written as text, and several lines become one
    back = compile_conversion(module_of(place), module_of(text), "f")(value, problems)
    assert compile_conversion(module_of(text), module_of(place), "f")(back, []) == value
    assert problems == [problem for problem in problems if problem.severity != "error"]


@pytest.mark.parametrize("old", range(len(FORMS)))
def test_a_sealed_value_is_not_guessed(old: int) -> None:
    """Without its key, a sealed value converts to nothing, and says so."""
    problems: list[Problem] = []
    assert compile_conversion(module_of(old), module_of(0), "f")(Sealed("x"), problems) is INVALID
    assert [problem.code for problem in problems] == ["unreadable_value"]


NORMAL_FORMS: tuple[tuple[str, str, str], ...] = (
    ("integer", "１，２３４", "1234"),
    ("integer", " 12 ", "12"),
    ("decimal", "1.50", "1.5"),
    ("money", "¥1200.5", "1200.50"),
    ("boolean", "Y", "是"),
    ("date", "2024年3月5日", "2024-03-05"),
    ("datetime", "2024/3/5 8:05", "2024-03-05 08:05:00"),
    ("choice", "绯", "红-绯"),
    ("choice", "旧", "红"),
    ("multiple_choice", "红、12", "红、12"),
    ("phone", "+86 138 0000 0009", "13800000009"),
    ("email", " A@Example.com ", "A@example.com"),
    ("user", "李四", "李四(销售一部-1组)"),
)


@pytest.mark.parametrize(("kind", "raw", "normal"), NORMAL_FORMS)
def test_normal_forms(kind: str, raw: str, normal: str) -> None:
    """By hand: what a text comes to, by way of a kind."""
    place = next(place for place, form in enumerate(FORMS) if form[0] == kind)
    text = FORMS.index(("text", {}))
    value = compile_conversion(module_of(text), module_of(place), "f")(raw, [])
    assert compile_conversion(module_of(place), module_of(text), "f")(value, []) == normal


# --- comparing

STANDARD = standard_configuration()
CUSTOMER = STANDARD.modules["customer"]
EDITS: Mapping[str, tuple[Callable[[Configuration], Configuration], frozenset[str]]] = {
    "label": (lambda c: c.change_field("customer", "address", label="x"), frozenset({"customer"})),
    "kind": (lambda c: c.change_field("follow_up", "content", kind="long_text", help="y"), frozenset({"follow_up"})),
    "former": (
        lambda c: c.change_field("customer", "email", former=(FormerKind("text", 1),)),
        frozenset({"customer"}),
    ),
    "new field": (lambda c: c.with_fields("follow_up", FieldDefinition("new", "text")), frozenset({"follow_up"})),
    "field gone": (
        lambda c: c.with_modules(attrs.evolve(CUSTOMER, fields=c.modules["customer"].fields.without("main_business"))),
        frozenset({"customer"}),
    ),
    "order": (lambda c: c.reorder_fields("customer", "phone"), frozenset({"customer"})),
    "title": (
        lambda c: c.with_modules(attrs.evolve(c.modules["follow_up"], title_field="content", owner_label="谁")),
        frozenset({"follow_up"}),
    ),
    "entry": (lambda c: c.with_dictionaries(c.dictionaries["source"].renamed("展会", "会展")), frozenset({"customer"})),
    "entries in order": (
        lambda c: c.with_dictionaries(c.dictionaries["source"].reordered("转介绍")),
        frozenset({"customer"}),
    ),
    "dimension": (lambda c: c.with_tag_dimensions(TagDimension("新", ("a",))), frozenset({"customer"})),
    "zone": (lambda c: attrs.evolve(c, time_zone="UTC"), frozenset(STANDARD.modules)),
    "language": (lambda c: attrs.evolve(c, language="en"), frozenset(STANDARD.modules)),
    "grant": (
        lambda c: c.with_grants(Grant("sales", "follow_up", frozenset({"archive"}), "all", view=ALL_FIELDS)),
        frozenset({"follow_up"}),
    ),
    "fewer grants": (
        lambda c: attrs.evolve(c, grants=tuple(item for item in c.grants if item.module != "follow_up")),
        frozenset({"follow_up"}),
    ),
    "role": (lambda c: c.with_roles(Role("new", "新")), frozenset()),
    "module": (lambda c: c.with_modules(ModuleDefinition("new", (FieldDefinition("a", "text"),))), frozenset()),
    "flow": (
        lambda c: c.with_flows(Flow("new", Trigger("follow_up"), (Step("one", (NamedMember("zhaojl"),)),))),
        frozenset({"follow_up"}),
    ),
    "flow gone": (lambda c: attrs.evolve(c, flows=c.flows.without("customer_lost")), frozenset({"customer"})),
    "rule": (
        lambda c: c.with_classifications(Classification("r", "follow_up", (Case(F.content == "x", "a"),), "新")),
        frozenset({"follow_up"}),
    ),
    "segment": (lambda c: c.with_segments(Segment("s", "follow_up", F.content == "x")), frozenset({"follow_up"})),
}
"""A change of one thing, and the modules that are concerned."""


@pytest.mark.parametrize("name", EDITS)
def test_who_must_be_allowed_to_configure(name: str) -> None:
    """By hand: a change is about the modules whose records or policy may behave differently."""
    edit, modules = EDITS[name]
    changed = edit(STANDARD)
    assert changed != STANDARD or name in ("order", "entries in order")
    for one, other in ((STANDARD, changed), (changed, STANDARD)):
        found = compare_configurations(one, other)
        assert found
        assert affected_modules(one, other, found) == modules | (
            {"new"} if name == "module" and one is changed else set()
        )


edits = st.lists(st.sampled_from(sorted(EDITS)), max_size=4, unique=True)


def made(names: list[str]) -> Configuration:
    """Return the standard configuration with edits."""
    return functools.reduce(lambda known, name: EDITS[name][0](known), names, STANDARD)


@settings(max_examples=60)
@given(one=edits, other=edits, version=st.integers(1, 9))
def test_comparing_finds_every_difference(one: list[str], other: list[str], version: int) -> None:
    """Two configurations are the same exactly where nothing is found to differ; the version plays no part."""
    a, b = attrs.evolve(made(one), version=version), made(other)
    found = compare_configurations(a, b)
    same = configuration_to_json(attrs.evolve(a, version=1)) == configuration_to_json(b)
    assert (not found) == same
    for name in set(one) ^ set(other) if other == [] or one == [] else ():
        assert EDITS[name][1] <= affected_modules(a, b, found)
    assert compare_configurations(a, configuration_from_json(configuration_to_json(a))) == ()


@settings(max_examples=60)
@given(names=edits)
def test_changes_are_found_in_both_directions(names: list[str]) -> None:
    """What was added one way was removed the other way; what changed, changed in the same attributes."""
    turned: dict[Any, Any] = {"added": "removed", "removed": "added", "changed": "changed"}
    there, back = (compare_configurations(*pair) for pair in ((STANDARD, made(names)), (made(names), STANDARD)))
    assert {attrs.evolve(item, action=turned[item.action]) for item in there} == set(back)


def test_the_order_of_other_parts_does_not_matter() -> None:
    """Roles, flows and dimensions have no order: only that of fields and entries is a change."""
    turned = attrs.evolve(STANDARD, roles=FrozenDict(dict(reversed(list(STANDARD.roles.items())))))
    assert compare_configurations(STANDARD, turned) == ()


def test_dates_are_dates() -> None:
    """The ends of the calendar convert between instants, days and texts."""
    place = {form[0]: number for number, form in enumerate(FORMS)}
    convert = compile_conversion(module_of(place["datetime"]), module_of(place["date"]), "f")
    assert convert(datetime(9999, 12, 31, 23, tzinfo=UTC), []) == date(9999, 12, 31)

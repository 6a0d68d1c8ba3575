"""Configurations are values that are changed by making new ones."""

from __future__ import annotations

import pickle

import pytest

from custinfo.core.approval.flows import Flow, Step, Trigger
from custinfo.core.classification import Segment
from custinfo.core.configuration import Configuration
from custinfo.core.criteria import F
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.policy.grants import Grant

A = FieldDefinition("a", "text")
BASE = Configuration((ModuleDefinition("m", (A, FieldDefinition("b", "text"))),))


def test_defaults() -> None:
    """A configuration of modules alone is Chinese, in Shanghai, at version 1."""
    assert (BASE.time_zone, BASE.language, BASE.country, BASE.version) == ("Asia/Shanghai", "zh", "CN", 1)
    assert BASE.grants == ()
    assert [*BASE.dictionaries, *BASE.tag_dimensions, *BASE.roles, *BASE.flows] == []


def test_collections_in_every_form() -> None:
    """Tuples and mappings of items make equal configurations."""
    assert Configuration(dict(BASE.modules)) == Configuration(BASE.modules) == BASE
    assert hash(Configuration(BASE.modules)) == hash(BASE)
    assert pickle.loads(pickle.dumps(BASE)) == BASE


def test_with_fields() -> None:
    """Fields are added at the end, or replace those of the same key where they stand."""
    long = FieldDefinition("a", "long_text")
    changed = BASE.with_fields("m", FieldDefinition("c", "date"), long)
    assert list(changed.modules["m"].fields) == ["a", "b", "c"]
    assert changed.modules["m"].fields["a"] is long
    assert BASE.modules["m"].fields["a"] is A


def test_with_everything_else() -> None:
    """Modules, dictionaries, grants and flows are added or replaced; the rest stays."""
    other = ModuleDefinition("n", ())
    dictionary = Dictionary("d", (DictionaryValue("x", "X"),))
    grants = (Grant("r", "m", frozenset({"view"})), Grant("s", "m", frozenset({"view"})))
    flow = Flow("f", Trigger("m"), (Step("s", ()),))
    changed = (
        BASE.with_modules(other).with_dictionaries(dictionary).with_grants(grants[0]).with_grants(grants[1])
    ).with_flows(flow)
    assert list(changed.modules) == ["m", "n"]
    assert changed.dictionaries == {"d": dictionary}
    assert changed.grants == grants
    assert changed.flows == {"f": flow}
    assert Configuration(BASE.modules) == BASE


def test_relabelling_keeps_the_old_names() -> None:
    """The old label is an alias, unless another field has it; labels of other languages stay."""
    fields = (
        FieldDefinition("a", "text", {"zh": "甲", "en": "A"}, aliases=("旧",)),
        FieldDefinition("b", "text", "乙"),
    )
    base = Configuration((ModuleDefinition("m", fields),))
    renamed = base.relabel_field("m", "a", "丙").modules["m"].fields["a"]
    assert (renamed.label, renamed.aliases) == ({"zh": "丙", "en": "A"}, ("旧", "甲"))
    back = base.relabel_field("m", "a", "丙").relabel_field("m", "a", "甲").modules["m"].fields["a"]
    assert (back.label, back.aliases) == ({"zh": "甲", "en": "A"}, ("旧", "丙"))
    swapped = base.change_field("m", "b", label="甲", aliases=()).relabel_field("m", "a", "乙").modules["m"].fields["a"]
    assert swapped.aliases == ("旧",)


def test_reordering_fields() -> None:
    """The fields named come first, the others follow as they were."""
    fields = tuple(FieldDefinition(key, "text") for key in "abcd")
    changed = Configuration((ModuleDefinition("m", fields),)).reorder_fields("m", "c", "a")
    assert list(changed.modules["m"].fields) == ["c", "a", "b", "d"]
    with pytest.raises(KeyError):
        changed.reorder_fields("m", "x")


def test_extended_with_another_configuration() -> None:
    """Everything of the other configuration is added or replaces what has its key; settings stay."""
    grants = (Grant("r", "m", frozenset({"view"})), Grant("s", "n", frozenset({"view"})))
    other = Configuration(
        (ModuleDefinition("n", ()), ModuleDefinition("m", (A,), label="新")),
        (Dictionary("d", (DictionaryValue("x", "X"),)),),
        grants=grants,
        time_zone="UTC",
        version=9,
        segments=(Segment("s", "m", F.a == "x"),),
    )
    changed = BASE.with_grants(grants[0]).extended(other)
    assert list(changed.modules) == ["m", "n"]
    assert changed.modules["m"].label == {"zh": "新"}
    assert (changed.grants, list(changed.dictionaries), list(changed.segments)) == (grants, ["d"], ["s"])
    assert (changed.time_zone, changed.version) == (BASE.time_zone, BASE.version)

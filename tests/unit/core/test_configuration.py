"""Configurations are values that are changed by making new ones."""

from __future__ import annotations

import pickle

from custinfo.core.approval.flows import Flow, Step, Trigger
from custinfo.core.configuration import Configuration
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

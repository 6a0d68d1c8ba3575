"""Definitions of fields and modules."""

from __future__ import annotations

import pickle

from custinfo.core.criteria import F
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict, label_in
from custinfo.core.rules import Length

NAME = FieldDefinition("name", "text", {"zh": "名称", "en": "Name"}, aliases=("全称",), rules=(Length(maximum=3),))


def test_labels_fall_back() -> None:
    """A label is given in the language, else in English, else in Chinese, else as the key."""
    assert NAME.label_in("zh") == "名称"
    assert NAME.label_in("fr") == "Name"
    assert FieldDefinition("a", "text", "甲").label_in("en") == "甲"
    assert FieldDefinition("a", "text").label_in("en") == "a"
    assert label_in({"zh": ""}, "zh", "x") == "x"


def test_names_of_a_field() -> None:
    """Key, labels and aliases in this order."""
    assert list(NAME.names()) == ["name", "名称", "Name", "全称"]


def test_options_are_frozen() -> None:
    """Lists in options become tuples, so that definitions hash."""
    field = FieldDefinition("a", "money", options={"allowed": ["x", "y"], "currency": "CNY"})
    assert field.options == {"allowed": ("x", "y"), "currency": "CNY"}
    assert hash(field) == hash(FieldDefinition("a", "money", options={"allowed": ("x", "y"), "currency": "CNY"}))


def test_definitions_are_values() -> None:
    """A definition with criteria compares, hashes and pickles."""
    field = FieldDefinition("a", "text", applies_when=F.b == "x", required_when=F.b.is_present())
    assert pickle.loads(pickle.dumps(field)) == field
    assert field != FieldDefinition("a", "text", applies_when=F.b == "y", required_when=F.b.is_present())


def test_fields_of_a_module_in_every_form() -> None:
    """A tuple, a mapping and a frozen mapping make equal modules."""
    fields = (NAME, FieldDefinition("old", "text", retired=True))
    module = ModuleDefinition("m", fields, "模块")
    by_key = {field.key: field for field in fields}
    assert ModuleDefinition("m", by_key, "模块") == module
    assert ModuleDefinition("m", FrozenDict(by_key), {"zh": "模块"}) == module
    assert list(module.fields) == ["name", "old"]
    assert module.label_in("en") == "模块"
    assert ModuleDefinition("m", ()).label_in("en") == "m"


def test_active_fields() -> None:
    """Retired fields are not among the active ones."""
    module = ModuleDefinition("m", (NAME, FieldDefinition("old", "text", retired=True)))
    assert module.active_fields() == (NAME,)

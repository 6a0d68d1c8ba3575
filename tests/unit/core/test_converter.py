"""Configurations and organisations as JSON."""

from __future__ import annotations

import json
import traceback
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from cattrs import Converter

from custinfo.core.approval.flows import DepartmentHead, FieldMember, Flow, NamedMember, RoleHolders, Step, Trigger
from custinfo.core.configuration import Configuration
from custinfo.core.converter import (
    configuration_from_json,
    configuration_to_json,
    configure_converter,
    make_converter,
    organisation_from_json,
    organisation_to_json,
)
from custinfo.core.criteria import F, Tagged
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.organisation import Organisation
from custinfo.core.policy.grants import Fields, Grant
from custinfo.core.rules import Length, MatchesBirthday, NotBefore, OneOfValues, Pattern, Range
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing._samples import sample_configuration

EVERYTHING = Configuration(
    (
        ModuleDefinition(
            "m",
            (
                FieldDefinition(
                    "a",
                    "text",
                    rules=(
                        Length(1, 3),
                        Range(Decimal("1.50"), 3),
                        Range(maximum=date(2024, 1, 1)),
                        Pattern("a+", "several a"),
                        OneOfValues(("x", "y")),
                        NotBefore("b"),
                        MatchesBirthday("c"),
                    ),
                    options={"allowed": ("x", "y"), "leaf_only": True, "max_length": 3},
                    default="x",
                    applies_when=(F.b >= Decimal("1.5")) & ~Tagged("d", "v"),
                    required_when=F.b.within(months=6) | F.b.is_in((1, 2)) | (F.c == date(2024, 1, 1)),
                ),
            ),
            match_keys=(("a",), ("a", "b")),
        ),
    ),
    grants=(
        Grant(
            "r", "m", frozenset({"view", "edit"}), "team", "ref", F.a == "x", Fields.everything_but("a"), mask={"a": ""}
        ),
    ),
    flows=(
        Flow(
            "f",
            Trigger("m", ("create", "archive"), ("a",), F.a == "x", F.a != "x"),
            (
                Step(
                    "s",
                    (NamedMember("u"), RoleHolders("r"), DepartmentHead("submitter", 2), FieldMember("k")),
                    mode="all",
                ),
            ),
        ),
    ),
    time_zone="Europe/Berlin",
    version=7,
)


@pytest.mark.parametrize("configuration", [standard_configuration(), sample_configuration(), EVERYTHING])
def test_configurations_come_back_equal(configuration: Configuration) -> None:
    """What was written is read as an equal value, and written again as the same text."""
    text = configuration_to_json(configuration)
    back = configuration_from_json(text)
    assert back == configuration
    assert hash(back) == hash(configuration)
    assert configuration_to_json(back) == text


def test_the_order_of_fields_is_kept() -> None:
    """People see fields in the order in which they were defined."""
    back = configuration_from_json(configuration_to_json(standard_configuration()))
    assert list(back.modules["customer"].fields) == list(standard_configuration().modules["customer"].fields)


def test_defaults_are_left_out() -> None:
    """The text says what differs from the defaults, in people's own characters."""
    data = json.loads(
        configuration_to_json(Configuration((ModuleDefinition("m", (FieldDefinition("a", "text", "甲"),)),)))
    )
    assert data == {
        "modules": {"m": {"key": "m", "fields": {"a": {"key": "a", "kind": "text", "label": {"zh": "甲"}}}}}
    }
    assert "甲" in configuration_to_json(EVERYTHING.with_fields("m", FieldDefinition("z", "text", "甲")))


def test_written_forms() -> None:
    """Rules and approvers carry their type; criteria, decimals and dates are objects."""
    data = json.loads(configuration_to_json(EVERYTHING))
    rules = data["modules"]["m"]["fields"]["a"]["rules"]
    assert rules == [
        {"type": "length", "minimum": 1, "maximum": 3},
        {"type": "range", "minimum": {"decimal": "1.50"}, "maximum": 3},
        {"type": "range", "maximum": {"date": "2024-01-01"}},
        {"type": "pattern", "pattern": "a+", "hint": "several a"},
        {"type": "one_of", "allowed": ["x", "y"]},
        {"type": "not_before", "other": "b"},
        {"type": "matches_birthday", "other": "c"},
    ]
    assert data["grants"][0]["condition"] == {"op": "eq", "field": ["a"], "value": "x"}
    assert data["grants"][0]["actions"] == ["edit", "view"]
    assert data["flows"]["f"]["steps"][0]["approvers"] == [
        {"type": "member", "member": "u"},
        {"type": "role", "role": "r"},
        {"type": "department_head", "of": "submitter", "level": 2},
        {"type": "field", "field": "k"},
    ]


def test_organisations_come_back_equal() -> None:
    """The organisation has a JSON form too."""
    organisation = sample_organisation()
    assert organisation_from_json(organisation_to_json(organisation)) == organisation
    with pytest.raises(ConfigurationError):
        organisation_from_json('{"departments": 5}')


def module_with(field: dict[str, Any]) -> str:
    """Return a configuration of one module with one field."""
    return json.dumps({"modules": {"m": {"key": "m", "fields": {"a": {"key": "a", "kind": "text", **field}}}}})


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "@ $"),
        ("null", "@ $"),
        ("5", "@ $"),
        ("{}", "@ $.modules"),
        ('{"modules": 5}', "@ $.modules"),
        ('{"modules": {}, "zz": 1}', "extra fields found (zz) @ $"),
        ('{"modules": {}, "version": "x"}', "@ $.version"),
        ('{"modules": {}, "grants": [{"role": "r", "module": "m", "actions": ["fly"]}]}', "@ $.grants[0].actions[0]"),
        (
            '{"modules": {}, "grants": [{"role": "r", "module": "m", "actions": [], "scope": "x"}]}',
            "@ $.grants[0].scope",
        ),
        (module_with({"rules": [{"type": "nope"}]}), "rules[0]"),
        (module_with({"rules": [{"maximum": 3}]}), "rules[0]"),
        (module_with({"rules": [{"type": "length", "maximum": 3, "zz": 1}]}), "rules[0]"),
        (module_with({"rules": ["length"]}), "rules[0]"),
        (module_with({"sensitivity": "secret"}), "sensitivity"),
        (module_with({"label": "甲"}), "label"),
        (module_with({"colour": "red"}), "extra fields found (colour)"),
    ],
)
def test_bad_json_says_where(text: str, hint: str) -> None:
    """Text that is no configuration raises an error with the path of what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_json(text)
    hints = [problem.params["hint"] for problem in caught.value.problems]
    assert {problem.code for problem in caught.value.problems} == {"configuration_invalid"}
    assert any(hint in str(item) for item in hints), hints


def test_everything_wrong_is_said_at_once() -> None:
    """Two mistakes give two problems."""
    text = '{"modules": {}, "version": "x", "grants": [{"role": "r", "module": "m", "actions": [], "scope": "x"}]}'
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_json(text)
    assert len(caught.value.problems) == 2


def organisation_with(part: str, key: str, **changes: Any) -> str:
    """Return the sample organisation with some attributes of one of its parts changed."""
    data = json.loads(organisation_to_json(sample_organisation()))
    data[part][key] |= changes
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (organisation_with("departments", "sales1", kind="13812345678"), "expected one of department, team"),
        (organisation_with("members", "lisi", active="13812345678"), "expected true or false"),
        (
            '{"departments": {}, "positions": {}, "members": {}, "deputies": [{"until": "13812345678"}]}',
            "expected a date",
        ),
        ('{"members": {"13812345678', "not JSON"),
    ],
)
def test_what_is_wrong_is_not_repeated(text: str, hint: str) -> None:
    """Neither the problems nor what they follow from show a value of a document that may be about people."""
    with pytest.raises(ConfigurationError) as caught:
        organisation_from_json(text)
    assert any(str(problem.params["hint"]).startswith(hint) for problem in caught.value.problems)
    assert "13812345678" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "field",
    [
        {"default": {"date": "13812345678"}},
        {"required_when": {"op": "eq", "field": ["a"], "value": {"datetime": "13812345678"}}},
        {"rules": [{"type": "range", "minimum": {"decimal": "1 13812345678"}}]},
    ],
)
def test_constants_are_not_repeated(field: dict[str, Any]) -> None:
    """A default or a constant that is none is not shown."""
    with pytest.raises(ConfigurationError, match="expected a d") as caught:
        configuration_from_json(module_with(field))
    assert "13812345678" not in "".join(traceback.format_exception(caught.value))


def test_hints_are_short() -> None:
    """A hint never repeats a whole document."""
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_json(json.dumps({"modules": {}, "x" * 2000: 1}))
    assert all(len(str(problem.params["hint"])) <= 500 for problem in caught.value.problems)


def test_a_hosts_converter_learns_the_types() -> None:
    """A host configures its own converter; ours is made once."""
    converter = Converter()
    configure_converter(converter)
    data = converter.unstructure(EVERYTHING)
    assert converter.structure(data, Configuration) == EVERYTHING
    assert converter.structure(converter.unstructure(sample_organisation()), Organisation) == sample_organisation()
    assert make_converter() is make_converter()

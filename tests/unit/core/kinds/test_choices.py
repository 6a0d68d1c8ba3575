"""Entries of dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, INVALID, KindContext
from custinfo.core.problems import Problem

Read = Callable[..., tuple[Any, list[str]]]
Show = Callable[..., str]


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("it", "it", []),
        ("IT设备", "it", []),
        ("ＩＴ 设备", "it", []),
        ("it equipment", "it", []),
        ("制造业-IT设备", "it", []),
        ("制造业/IT设备", "it", []),
        ("制造", "manufacturing", []),
        ("造业", "manufacturing", []),
        ("making", "manufacturing", []),
        ("服务业-其他", "other_s", []),
        ("批发、零售", "trade", []),
        (1, "1", []),
        (1.0, "1", []),
        ("其他", INVALID, ["ambiguous_choice"]),
        ("农业", INVALID, ["unknown_choice"]),
        ("采矿业", INVALID, ["retired_choice"]),
        ("mining", INVALID, ["retired_choice"]),
        ("x" * 1001, INVALID, ["unknown_choice"]),
        (True, INVALID, ["wrong_type"]),
        (["it"], INVALID, ["wrong_type"]),
    ],
)
def test_a_choice_is_found_by_any_of_its_names(read: Read, raw: object, value: object, codes: list[str]) -> None:
    """Code, label, alias and path give the code; a shared label, a retired and an unknown one are told apart."""
    assert read("choice", raw) == (value, codes)


def test_a_known_spelling_stays_known(context: KindContext) -> None:
    """The second reading of a spelling gives what the first gave, and a refusal is not remembered as a value."""
    parse = BUILT_IN_KINDS["choice"].parser(FieldDefinition("f", "choice", options={"dictionary": "industry"}), context)
    for _ in range(2):
        problems: list[Problem] = []
        assert parse("IT设备", problems) == "it"
        assert parse("其他", problems) is INVALID
        assert problems[0].params["candidates"] == ("制造业-其他", "服务业-其他")
        assert problems[0].params["dictionary"] == "行业"


def test_a_field_may_ask_for_the_lowest_level(read: Read) -> None:
    """With `leaf_only`, an entry that has active entries below it is refused."""
    assert read("choice", "制造业", leaf_only=True) == (INVALID, ["not_a_leaf"])
    assert read("choice", "IT设备", leaf_only=True) == ("it", [])


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("IT设备,服务业", ("it", "services"), []),
        ("服务业；IT设备；服务业", ("it", "services"), []),
        ("服务业\nIT设备、", ("it", "services"), []),
        ("批发、零售", ("trade",), []),
        (["services", "it"], ("it", "services"), []),
        (("IT设备", None, ""), ("it",), []),
        ({"it"}, ("it",), []),
        ("IT设备", ("it",), []),
        (1, ("1",), []),
        ([], None, []),
        ("、，", None, []),
        ("IT设备,农业", INVALID, ["unknown_choice"]),
        ("农业,林业", INVALID, ["unknown_choice"]),
        ("农业,其他", INVALID, ["unknown_choice", "ambiguous_choice"]),
        ([["it"]], INVALID, ["wrong_type"]),
        ([True], INVALID, ["wrong_type"]),
        (["it"] * 1001, INVALID, ["unknown_choice"]),
    ],
)
def test_several_choices(read: Read, raw: object, value: object, codes: list[str]) -> None:
    """A list or a text with separators gives codes in the dictionary's order, each once."""
    assert read("multiple_choice", raw) == (value, codes)


def test_choices_are_shown_by_path(show: Show) -> None:
    """A code is shown by its path in the language, or as itself where that would not lead back."""
    assert show("choice", "it") == "制造业-IT设备"
    assert show("choice", "it", at={"language": "en"}) == "Manufacturing-IT equipment"
    assert show("choice", "unknown") == "unknown"
    assert show("multiple_choice", ("it", "trade")) == "制造业-IT设备、trade"


def test_several_choices_are_stored_as_a_list() -> None:
    """The stored form is a list, and decodes to a tuple."""
    kind = BUILT_IN_KINDS["multiple_choice"]
    assert kind.storage == "list"
    assert kind.encode(("it", "trade")) == ["it", "trade"]
    assert kind.decode(["it", "trade"]) == ("it", "trade")


def test_a_missing_dictionary_is_an_error_of_the_configuration(context: KindContext) -> None:
    """Without the dictionary that it names, a field cannot be compiled."""
    empty = attrs.evolve(context, dictionaries={})
    for key in ("choice", "multiple_choice"):
        field = FieldDefinition("f", key, options={"dictionary": "industry"})
        with pytest.raises(ConfigurationError, match="names no dictionary"):
            BUILT_IN_KINDS[key].parser(field, empty)
        with pytest.raises(ConfigurationError, match="names no dictionary"):
            BUILT_IN_KINDS[key].renderer(FieldDefinition("f", key), context)

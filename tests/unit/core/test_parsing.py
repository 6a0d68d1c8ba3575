"""Parsers as the engine calls them: what it need not look for in every value."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from custinfo.core.configuration import Configuration
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, INVALID, Kind
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, Masked
from custinfo.core.schema import Schema
from custinfo.core.validation.conditions import Conditions
from custinfo.core.validation.engine import Validator
from custinfo.standard import sample_organisation, standard_configuration

CONTEXT = Schema(standard_configuration(), sample_organisation(), UTC).module("customer").context
OPTIONS = {
    "choice": {"dictionary": "customer_type"},
    "multiple_choice": {"dictionary": "customer_type"},
    "reference": {"module": "customer"},
}
ANYTHING = Kind("anything", lambda _field, _context: lambda raw, _problems: str(raw), lambda _field, _context: str)


@pytest.mark.parametrize("raw", [CLEAR, Masked("138****5678")], ids=["clear", "mask"])
@pytest.mark.parametrize("key", sorted(BUILT_IN_KINDS))
def test_no_kind_of_the_library_takes_them(key: str, raw: object) -> None:
    """The engine relies on it: it looks for `CLEAR` and masks only among the values that were refused."""
    field = FieldDefinition("field", key, options=OPTIONS.get(key, {}))
    assert BUILT_IN_KINDS[key].parser(field, CONTEXT)(raw, []) is INVALID


@pytest.mark.parametrize(
    ("raw", "patch", "problems"),
    [
        ("x", {"field": "x"}, []),
        (CLEAR, {"field": CLEAR}, []),
        (Masked("x*"), {}, [Problem("masked_value", "field")]),
    ],
    ids=["text", "clear", "mask"],
)
def test_a_kind_of_a_host_is_not_asked(raw: object, patch: dict[str, Any], problems: list[Problem]) -> None:
    """A kind that takes whatever comes is given neither `CLEAR` nor a mask."""
    module = ModuleDefinition("thing", (FieldDefinition("field", "anything"),))
    schema = Schema(Configuration(modules=(module,)), sample_organisation(), UTC, extra_kinds={"anything": ANYTHING})
    compiled = schema.module("thing")
    found = Validator(compiled, Conditions(schema, compiled)).normalise({"field": raw})
    assert (found.patch, found.problems) == (patch, problems)

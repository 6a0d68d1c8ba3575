"""What holds for every configuration: JSON gives it back."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.approval.flows import DepartmentHead, FieldMember, Flow, NamedMember, RoleHolders, Step, Trigger
from custinfo.core.configuration import Configuration
from custinfo.core.converter import configuration_from_json, configuration_to_json
from custinfo.core.criteria import Compare, Criterion, Not, OneOf, Present, Tagged, Within, all_of
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.policy.grants import Fields, Grant, Role
from custinfo.core.rules import Length, MatchesBirthday, NotBefore, OneOfValues, Pattern, Range
from custinfo.core.tags import TagDimension

KEYS = st.text("abc_客", min_size=1, max_size=4)
TEXTS = st.text(max_size=5)
LABELS: Any = st.dictionaries(st.sampled_from(["zh", "en"]), TEXTS)
CONSTANTS = st.one_of(
    st.integers(), st.booleans(), TEXTS, st.decimals(allow_nan=False, allow_infinity=False), st.dates()
)
LEAVES: st.SearchStrategy[Criterion] = st.one_of(
    st.builds(Compare, st.tuples(KEYS), st.sampled_from(["eq", "ne", "lt"]), CONSTANTS),
    st.builds(OneOf, st.tuples(KEYS, KEYS), st.lists(CONSTANTS, max_size=2).map(tuple)),
    st.builds(Present, st.tuples(KEYS)),
    st.builds(Within, st.tuples(KEYS), st.integers(-9, 9)),
    st.builds(Tagged, KEYS, st.none() | TEXTS),
)
CRITERIA = st.one_of(LEAVES, st.builds(Not, LEAVES), st.lists(LEAVES, max_size=3).map(all_of))
LIMITS: Any = st.one_of(
    st.none(),
    st.integers(-9, 9),
    st.decimals(-9, 9, places=2),
    st.dates(date(1900, 1, 1)),
)
RULES = st.one_of(
    st.builds(Length, st.integers(0, 3), st.none() | st.integers(0, 9)),
    st.builds(Range, LIMITS, LIMITS),
    st.builds(Pattern, TEXTS, TEXTS),
    st.builds(OneOfValues, st.lists(TEXTS, max_size=3).map(tuple)),
    st.builds(NotBefore, KEYS),
    st.builds(MatchesBirthday, KEYS),
)
OPTIONS: Any = st.dictionaries(
    KEYS, st.one_of(TEXTS, st.integers(), st.booleans(), st.lists(TEXTS).map(tuple)), max_size=2
)
FIELDS = st.builds(
    FieldDefinition,
    KEYS,
    st.sampled_from(["text", "choice", "money"]),
    LABELS,
    st.booleans(),
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    st.lists(RULES, max_size=2).map(tuple),
    OPTIONS,
    st.lists(TEXTS, max_size=2).map(tuple),
    st.none() | CRITERIA,
    st.none() | CRITERIA,
    st.sampled_from(["normal", "masked", "sensitive"]),
    st.none() | st.just("last4"),
)
MODULES = st.builds(
    ModuleDefinition,
    KEYS,
    st.lists(FIELDS, max_size=3).map(tuple),
    LABELS,
    st.none() | KEYS,
    match_keys=st.lists(st.lists(KEYS, max_size=2).map(tuple), max_size=2).map(tuple),
)
STATES = st.sampled_from(["active", "retired", "merged"])
VALUES = st.builds(DictionaryValue, KEYS, LABELS, st.none() | KEYS, st.lists(TEXTS, max_size=2).map(tuple), STATES)
DICTIONARIES = st.builds(Dictionary, KEYS, st.lists(VALUES, max_size=3).map(tuple), LABELS)
DIMENSIONS = st.builds(TagDimension, KEYS, st.lists(TEXTS, max_size=2).map(tuple), LABELS, open=st.booleans())
CHOSEN = st.builds(Fields, st.lists(KEYS, max_size=2).map(tuple), st.booleans(), st.lists(KEYS, max_size=2).map(tuple))
GRANTS = st.builds(
    Grant,
    KEYS,
    KEYS,
    st.frozensets(st.sampled_from(["view", "edit", "create", "decrypt"])),
    st.sampled_from(["own", "team", "department", "subtree", "all"]),
    st.none() | KEYS,
    st.none() | CRITERIA,
    CHOSEN,
    CHOSEN,
    st.dictionaries(KEYS, TEXTS, max_size=2),
)
APPROVERS = st.one_of(
    st.builds(NamedMember, KEYS),
    st.builds(RoleHolders, KEYS),
    st.builds(DepartmentHead, st.sampled_from(["owner", "submitter"]), st.integers(1, 3)),
    st.builds(FieldMember, KEYS),
)
SEVERAL = st.lists(APPROVERS, max_size=2).map(tuple)
STEPS = st.builds(Step, KEYS, SEVERAL, LABELS, st.sampled_from(["any", "all", "sequential"]), SEVERAL)
TRIGGERS = st.builds(
    Trigger,
    KEYS,
    st.lists(st.sampled_from(["create", "update", "transfer", "archive"]), max_size=2).map(tuple),
    st.lists(KEYS, max_size=2).map(tuple),
    st.none() | CRITERIA,
    st.none() | CRITERIA,
)
FLOWS = st.builds(
    Flow, KEYS, TRIGGERS, st.lists(STEPS, max_size=2).map(tuple), LABELS, st.booleans(), st.integers(1, 9)
)


def some(items: Any) -> Any:
    """Give none, one or two."""
    return st.lists(items, max_size=2).map(tuple)


CONFIGURATIONS = st.builds(
    Configuration,
    some(MODULES),
    some(DICTIONARIES),
    some(DIMENSIONS),
    some(st.builds(Role, KEYS, LABELS)),
    some(GRANTS),
    some(FLOWS),
    st.sampled_from(["Asia/Shanghai", "UTC"]),
    version=st.integers(1, 99),
)


@given(CONFIGURATIONS)
def test_every_configuration_comes_back_equal(configuration: Configuration) -> None:
    """Written as JSON and read again, a configuration is equal, hashes equal, and is written the same."""
    text = configuration_to_json(configuration)
    back = configuration_from_json(text)
    assert back == configuration
    assert hash(back) == hash(configuration)
    assert configuration_to_json(back) == text


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

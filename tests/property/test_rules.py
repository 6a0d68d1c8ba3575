"""What holds for every rule: whatever a field takes, its rules judge without raising."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo.core.checks import CHOICE_KINDS, DATE_KINDS, NUMBER_KINDS, TEXT_KINDS
from custinfo.core.configuration import Configuration
from custinfo.core.converter import configuration_from_json, configuration_to_json
from custinfo.core.criteria import F, Tagged
from custinfo.core.criteria.evaluate import no_related
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.kinds import BUILT_IN_KINDS
from custinfo.core.messages import CHINESE, ENGLISH
from custinfo.core.records import Attachment, Sealed, Tag
from custinfo.core.rules import (
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
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension
from custinfo.core.validation.compiling import rule_problems
from custinfo.core.validation.conditions import Conditions
from custinfo.core.validation.engine import Validator
from custinfo.standard import sample_organisation
from custinfo.testing._samples import NOW, make_record

DAYS = st.dates()
INSTANTS = st.datetimes(timezones=st.just(UTC))
NUMBERS = st.integers(-(10**12), 10**12)
DECIMALS = st.decimals(-(10**12), 10**12, places=6)
CODES = st.sampled_from(["red", "blue"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(TEXT_KINDS, st.text(max_size=30)),
    **dict.fromkeys(CHOICE_KINDS, CODES | st.text(max_size=3)),
    **dict.fromkeys(NUMBER_KINDS, DECIMALS),
    "integer": NUMBERS,
    "multiple_choice": st.lists(CODES).map(tuple),
    "date": DAYS,
    "datetime": INSTANTS,
    "boolean": st.booleans(),
    "attachment": st.just((Attachment("a", "b"),)),
    "computed": st.nothing(),
}
NAMES = st.sampled_from([*VALUES, "owner", "created_at", "none"])
LIMITS = st.one_of(st.none(), NUMBERS, DECIMALS, DAYS, INSTANTS, st.datetimes(), st.just(Decimal("Infinity")))
CRITERIA = st.one_of(
    st.builds(lambda name: F[name].is_present(), NAMES),
    st.builds(lambda name, value: F[name] >= value, NAMES, LIMITS.filter(lambda value: value is not None)),
    st.builds(lambda name, days: F[name].within(days=days), NAMES, st.integers(-(10**5), 10**5)),
    st.just(Tagged("need", "x")),
    st.just(~(F.choice == "red")),
)
RULES: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Length, st.integers(-1, 5), st.none() | st.integers(0, 20)),
    st.builds(Range, LIMITS, LIMITS),
    st.builds(Pattern, st.sampled_from([r"\w+", "(a|b)*", "[", r"(a)\1", "a{1001}"]), st.text(max_size=3)),
    st.builds(OneOfValues, st.lists(CODES).map(tuple)),
    st.builds(DateOrder, NAMES, st.booleans()),
    st.builds(NotBefore, NAMES),
    st.builds(MatchesBirthday, NAMES),
    st.builds(AllowedWhen, CRITERIA),
    st.builds(Satisfies, CRITERIA, st.just("") | st.just("提示")),
)
COLOURS = Dictionary("colour", (DictionaryValue("red", "红"), DictionaryValue("blue", "蓝")))
OPTIONS: dict[str, dict[str, Any]] = {
    "choice": {"dictionary": "colour"},
    "multiple_choice": {"dictionary": "colour"},
    "reference": {"module": "m"},
}


def configuration(rule: Rule, kind: str) -> Configuration:
    """Return a module with a field of each kind, one of which has a rule."""
    fields = tuple(
        FieldDefinition(key, key, options=OPTIONS.get(key, {}), rules=(rule,) if key == kind else ()) for key in VALUES
    )
    return Configuration((ModuleDefinition("m", fields),), (COLOURS,), (TagDimension("need", ("x",)),))


def test_every_kind_is_tried() -> None:
    """No kind is left out."""
    assert VALUES.keys() == BUILT_IN_KINDS.keys()


@given(RULES, st.sampled_from(sorted(VALUES)), st.data())
@settings(max_examples=500)
def test_rules_never_raise_on_data(rule: Rule, kind: str, data: Any) -> None:
    """A rule is refused with the configuration, or judges every record: its problems have texts and hold no value."""
    schema = Schema(configuration(rule, kind), sample_organisation(), ZoneInfo("Asia/Shanghai"))
    module = schema.module("m")
    misfits = rule_problems(schema)
    if misfits:
        assert [(problem.code, problem.field) for problem in misfits] == [("rule_misfit", kind)]
        return
    validator = Validator(module, Conditions(schema, module))
    sealed = st.just(Sealed("x"))
    shapes = {key: strategy | sealed for key, strategy in VALUES.items() if not strategy.is_empty}
    values = data.draw(st.fixed_dictionaries({}, optional=shapes))
    tags = data.draw(st.frozensets(st.just(Tag("need", "x"))))
    record = attrs.evolve(make_record(1, values), tags=tags)
    for changed in (None, frozenset(), frozenset(values), frozenset({"tags"})):
        for problem in validator.at(NOW).check(record, changed, no_related):
            assert problem.field == kind
            assert problem.code in ENGLISH.keys() & CHINESE.keys()
            assert problem.message("zh")
            assert "{" not in problem.message("en")


@given(RULES, st.sampled_from(sorted(VALUES)))
def test_rules_come_back_from_json(rule: Rule, kind: str) -> None:
    """JSON gives an equal rule back."""
    written = configuration(rule, kind)
    assert configuration_from_json(configuration_to_json(written)) == written


def test_kinds_are_told_apart() -> None:
    """No kind belongs to two of the groups that rules ask for."""
    groups = (TEXT_KINDS, CHOICE_KINDS, NUMBER_KINDS, DATE_KINDS)
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert all(isinstance(value, date | datetime) for value in (NOW, NOW.date()))

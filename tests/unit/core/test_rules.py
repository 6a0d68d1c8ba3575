"""Checks of single values, and which fields rules fit."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from custinfo.core.configuration import Configuration
from custinfo.core.converter import configuration_from_json, configuration_to_json, make_converter
from custinfo.core.criteria import Criterion, F, Tagged
from custinfo.core.criteria.evaluate import no_related
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, Kind
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import Sealed, Tag
from custinfo.core.rules import (
    RULE_TYPES,
    AllowedWhen,
    Check,
    CheckContext,
    DateOrder,
    Length,
    MatchesBirthday,
    NotBefore,
    OneOfValues,
    Pattern,
    Range,
    Rule,
    RuleTarget,
    Satisfies,
)
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension
from custinfo.core.validation.compiling import compile_checks, rule_problems
from custinfo.core.validation.conditions import Conditions
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing._samples import NOW, make_record

DAY = date(2024, 3, 15)
AT = datetime(2024, 3, 15, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
COLOURS = Dictionary(
    "colour", (DictionaryValue("red", {"zh": "红", "en": "Red"}), DictionaryValue("blue", "蓝")), "颜色"
)
HOSTS_KIND = attrs.evolve(BUILT_IN_KINDS["text"], key="plate")
OTHERS = (
    FieldDefinition("day", "date", {"zh": "日子", "en": "Day"}),
    FieldDefinition("moment", "datetime", "时刻"),
    FieldDefinition("words", "text", "文字"),
    FieldDefinition("colour", "choice", {"zh": "颜色", "en": "Colour"}, options={"dictionary": "colour"}),
    FieldDefinition("secret", "text", encrypted=True),
)


def schema(rule: Rule | None, kind: str, *, kinds: dict[str, Kind] | None = None) -> Schema:
    """Compile a module with a field `f` that has the rule, beside others."""
    options = {"dictionary": "colour"} if "choice" in kind else {"module": "m"} if kind == "reference" else {}
    field = FieldDefinition("f", kind, "某项", options=options, rules=() if rule is None else (rule,))
    configuration = Configuration(
        (ModuleDefinition("m", (field, *OTHERS)),), (COLOURS,), (TagDimension("need", ("x",), {"zh": "需求"}),)
    )
    return Schema(configuration, sample_organisation(), SHANGHAI, kinds or {})


def problem_of(
    rule: Rule, kind: str, value: Any, /, tags: Any = (), kinds: dict[str, Kind] | None = None, **others: Any
) -> Problem | None:
    """Run a rule on a field `f` of a kind, beside other values."""
    compiled = schema(rule, kind, kinds=kinds)
    module = compiled.module("m")
    ((key, _, check),) = compile_checks(module, Conditions(compiled, module)).values
    record = attrs.evolve(make_record(1, {"f": value, **others}), tags=frozenset(tags))
    problem: Problem | None = check(value, CheckContext(record.values, record, no_related, NOW))
    assert key == "f"
    assert problem is None or (problem.field, problem.severity) == ("f", "error")
    return problem


def found(rule: Rule, kind: str, value: Any, /, **rest: Any) -> tuple[str, dict[str, Any]] | None:
    """Return the code and the parameters of what a rule says."""
    problem = problem_of(rule, kind, value, **rest)
    return None if problem is None else (problem.code, dict(problem.params))


def refused(rule: Rule, kind: str) -> str:
    """Return why a rule does not fit a field of a kind."""
    (problem,) = rule_problems(schema(rule, kind))
    assert (problem.code, problem.field) == ("rule_misfit", "f")
    assert (problem.params["module"], problem.params["rule"]) == ("m", type(rule).__name__)
    assert problem.message("zh") != problem.message("en")
    return str(problem.params["hint"])


TABLE: list[tuple[Rule, str, Any, tuple[str, dict[str, Any]] | None]] = [
    (Length(), "text", "", None),
    (Length(2), "text", "a", ("too_short", {"limit": 2})),
    (Length(2), "long_text", "ab", None),
    (Length(maximum=2), "text", "中文", None),
    (Length(maximum=2), "text", "中文字", ("too_long", {"limit": 2})),
    (Length(maximum=0), "email", "a", ("too_long", {"limit": 0})),
    (Range(), "decimal", Decimal(5), None),
    (Range(0), "money", Decimal("-0.000001"), ("too_small", {"limit": "0"})),
    (Range(0), "decimal", Decimal(0), None),
    (Range(0), "integer", 5, None),
    (Range(maximum=Decimal("9.5")), "decimal", Decimal("9.5"), None),
    (Range(maximum=Decimal("9.5")), "decimal", Decimal("9.500001"), ("too_large", {"limit": "9.5"})),
    (Range(DAY, DAY), "date", DAY, None),
    (Range(DAY), "date", date(2024, 3, 14), ("too_small", {"limit": "2024-03-15"})),
    (Range(maximum=DAY), "date", date(2024, 3, 16), ("too_large", {"limit": "2024-03-15"})),
    (Range(AT), "datetime", AT, None),
    (Range(AT), "datetime", AT - timedelta(seconds=1), ("too_small", {"limit": "2024-03-15 00:00:00+00:00"})),
    (Pattern("[a-z]+", "letters"), "text", "abc", None),
    (Pattern("[a-z]+", "letters"), "text", "abc1", ("pattern_mismatch", {"hint": "letters"})),
    (Pattern("[a-z]+", "letters"), "text", "abc\n", ("pattern_mismatch", {"hint": "letters"})),
    (Pattern("a|b", "a or b"), "url", "ab", ("pattern_mismatch", {"hint": "a or b"})),
    (OneOfValues(("x", "y")), "text", "y", None),
    (OneOfValues(("x", "y")), "text", "z", ("not_one_of", {"allowed": ("x", "y")})),
    (OneOfValues(()), "text", "z", ("not_one_of", {"allowed": ()})),
    (OneOfValues(("red",)), "choice", "blue", ("not_one_of", {"allowed": ("red",)})),
    (OneOfValues(("red", "blue")), "multiple_choice", ("red",), None),
    (OneOfValues(("red",)), "multiple_choice", ("red", "blue"), ("not_one_of", {"allowed": ("red",)})),
]


@pytest.mark.parametrize(("rule", "kind", "value", "expected"), TABLE)
def test_rules_of_one_value(rule: Rule, kind: str, value: Any, expected: tuple[str, dict[str, Any]] | None) -> None:
    """Bounds are included; a problem names the limit, never the value."""
    assert found(rule, kind, value) == expected


@pytest.mark.parametrize(
    ("rule", "kind", "hint"),
    [
        (Length(2), "integer", "its kind is integer"),
        (Length(2), "choice", "its kind is choice"),
        (Length(2), "multiple_choice", "its kind is multiple_choice"),
        (Length(3, 2), "text", "above"),
        (Range(0), "text", "its kind is text"),
        (Range(DAY), "datetime", "cannot be compared"),
        (Range(AT), "date", "cannot be compared"),
        (Range(AT.replace(tzinfo=None)), "datetime", "cannot be compared"),
        (Range(0), "date", "cannot be compared"),
        (Range(DAY), "integer", "cannot be compared"),
        (Range(True), "integer", "cannot be compared"),  # noqa: FBT003 - the mistake that is meant
        (Range(0.5), "decimal", "cannot be compared"),  # type: ignore[arg-type]
        (Range("5"), "decimal", "cannot be compared"),  # type: ignore[arg-type]
        (Range(Decimal("NaN")), "decimal", "cannot be compared"),
        (Range(5, 4), "integer", "above"),
        (Pattern("a", "a"), "date", "its kind is date"),
        (Pattern("(", "a"), "text", "at character 1"),
        (Pattern(r"(a)\1", "a"), "text", r"\1"),
        (OneOfValues(("1",)), "integer", "its kind is integer"),
        (OneOfValues(("1",)), "boolean", "its kind is boolean"),
        (DateOrder("day"), "text", "its kind is text"),
        (DateOrder("words"), "date", "words is text"),
        (DateOrder("nothing"), "date", "no field nothing"),
        (NotBefore("nothing"), "date", "no field nothing"),
        (MatchesBirthday("day"), "text", "its kind is text"),
        (MatchesBirthday("moment"), "resident_id", "moment is datetime"),
        (AllowedWhen(F.nothing == 1), "text", "no field of this name"),
        (Satisfies(F.colour == "green"), "integer", "is not in the list"),
        (Satisfies(F.secret == "x"), "integer", "encrypted"),
    ],
)
def test_rules_that_do_not_fit(rule: Rule, kind: str, hint: str) -> None:
    """A rule that can't judge the values of a field is refused when it is compiled, with module, field and reason."""
    assert hint in refused(rule, kind)


def test_all_misfits_are_told_at_once() -> None:
    """One error has the problems of every rule and condition of the module."""
    fields = (
        FieldDefinition("a", "integer", rules=(Length(1), Pattern("a", "a"), Range(0))),
        FieldDefinition("b", "text", required_when=F.none == 1, applies_when=Tagged("none")),
    )
    compiled = Schema(Configuration((ModuleDefinition("m", fields),)), sample_organisation(), SHANGHAI)
    with pytest.raises(ConfigurationError) as caught:
        compile_checks(compiled.module("m"), Conditions(compiled, compiled.module("m")))
    told = [(problem.field, problem.params["rule"]) for problem in caught.value.problems]
    assert told == [("a", "Length"), ("a", "Pattern"), ("b", "applies_when"), ("b", "required_when")]
    assert rule_problems(compiled) == list(caught.value.problems)


def test_the_standard_configuration_fits() -> None:
    """Every rule that custinfo comes with fits its field."""
    assert rule_problems(Schema(standard_configuration(), sample_organisation(), SHANGHAI)) == []


EVENING = datetime(2024, 3, 15, 15, 59, tzinfo=UTC)
MIDNIGHT = datetime(2024, 3, 15, 16, tzinfo=UTC)
BEFORE = ("date_order", {"other": "日子"})
AFTER = ("date_order_strict", {"other": "日子"})


@pytest.mark.parametrize(
    ("rule", "kind", "value", "others", "expected"),
    [
        (NotBefore("day"), "date", DAY, {"day": DAY}, None),
        (NotBefore("day"), "date", DAY, {"day": date(2024, 3, 14)}, None),
        (NotBefore("day"), "date", DAY, {"day": date(2024, 3, 16)}, BEFORE),
        (NotBefore("日子"), "date", DAY, {"day": date(2024, 3, 16)}, BEFORE),
        (NotBefore("moment"), "datetime", AT, {"moment": AT}, None),
        (NotBefore("moment"), "datetime", AT, {"moment": AT + timedelta(hours=1)}, ("date_order", {"other": "时刻"})),
        (NotBefore("day"), "date", DAY, {}, None),
        (DateOrder("day"), "date", DAY, {"day": DAY}, None),
        (DateOrder("day", strict=True), "date", DAY, {"day": DAY}, AFTER),
        (DateOrder("day", strict=True), "date", DAY, {"day": date(2024, 3, 14)}, None),
        (DateOrder("day", strict=True), "date", DAY, {"day": date(2024, 3, 16)}, AFTER),
        (DateOrder("day"), "datetime", EVENING, {"day": DAY}, None),
        (DateOrder("day", strict=True), "datetime", EVENING, {"day": DAY}, AFTER),
        (DateOrder("day", strict=True), "datetime", MIDNIGHT, {"day": DAY}, None),
        (DateOrder("moment"), "date", DAY, {"moment": EVENING}, None),
        (DateOrder("moment"), "date", DAY, {"moment": MIDNIGHT}, ("date_order", {"other": "时刻"})),
        (DateOrder("moment"), "date", date.max, {"moment": datetime.max.replace(tzinfo=UTC)}, None),
        (DateOrder("day"), "date", DAY, {"day": Sealed("x")}, None),
    ],
)
def test_date_order(rule: Rule, kind: str, value: Any, others: dict[str, Any], expected: Any) -> None:
    """Two days, two instants, or the days of both in the configured time zone are in order; the problem says which."""
    assert found(rule, kind, value, **others) == expected


@pytest.mark.parametrize(
    ("birthday", "expected"),
    [
        (date(1949, 12, 31), None),
        (date(1949, 12, 30), ("birthday_mismatch", {"other": "日子"})),
        (None, None),
        (Sealed("1949-12-31"), None),
    ],
)
def test_matches_birthday(birthday: Any, expected: tuple[str, dict[str, Any]] | None) -> None:
    """The date within an identity number agrees with the birthday, where that is known."""
    others = {} if birthday is None else {"day": birthday}
    assert found(MatchesBirthday("day"), "resident_id", "11010519491231002X", **others) == expected


def test_allowed_when() -> None:
    """A value is refused where the condition does not hold, and the problem says the condition."""
    rule = AllowedWhen((F["颜色"] == "红") | Tagged("需求", "x"))
    assert found(rule, "integer", 1, colour="red") is None
    assert found(rule, "integer", 1, tags=[Tag("need", "x")]) is None
    assert found(rule, "integer", 1, colour="blue") == ("allowed_when", {"because": "颜色 = 红 或 有标签 需求：x"})


def test_satisfies() -> None:
    """A record in which the field has a value meets the criterion; the hint is told in the reader's language."""
    rule = Satisfies(F.words.is_present(), {"zh": "请填写文字", "en": "fill in the words"})
    assert found(rule, "integer", 1, words="x") is None
    result = found(rule, "integer", 1)
    assert result == ("rule_failed", {"hint": "请填写文字"})
    problem = Problem(result[0], "f", params=result[1])
    assert problem.message("en") == "f: fill in the words"
    assert problem.message("zh") == "f：请填写文字"
    assert Satisfies(F.words.is_present(), "中文") == Satisfies(F.words.is_present(), {"zh": "中文"})


def test_satisfies_without_a_hint() -> None:
    """Where no hint is given, the criterion is told in words."""
    result = found(Satisfies(F.colour == "red"), "integer", 1)
    assert result is not None
    hint = result[1]["hint"]
    assert isinstance(hint, Translated)
    assert (hint, hint.in_language("en")) == ("颜色 = 红", "Colour = Red")


@pytest.mark.parametrize(
    ("rule", "watches"),
    [
        (Length(1), {"f"}),
        (NotBefore("日子"), {"f", "day"}),
        (AllowedWhen(F.day.is_present() & Tagged("需求")), {"f", "day", "tags"}),
        (Satisfies((F.owner == "lisi") | ~F.words.contains("x")), {"f", "owner", "words"}),
    ],
)
def test_what_rules_watch(rule: Rule, watches: set[str]) -> None:
    """A rule is checked when its field, or anything that it looks at, changes."""
    compiled = schema(rule, "date" if isinstance(rule, NotBefore) else "text")
    module = compiled.module("m")
    checks = compile_checks(module, Conditions(compiled, module))
    assert checks.values[0][1] == watches
    assert checks.attributes == tuple(sorted(watches & {"tags", "owner"}))


@attrs.frozen
class Whole:
    """A host's rule: a number is a multiple of another."""

    step: int
    unless: Criterion | None = None

    def compile(self, target: RuleTarget, /) -> Check:
        """Return the check."""
        target.need_kind({"integer"})
        target.relative = self.unless is not None
        unless = target.condition(self.unless).holds if self.unless is not None else lambda _context: False

        def check(value: Any, context: CheckContext, /) -> Problem | None:
            if value % self.step == 0 or unless(context):
                return None
            return Problem("not_a_multiple", target.field, params={"hint": f"×{self.step}"})

        return check


def test_a_hosts_rule() -> None:
    """A class of the host's own is checked and refused as ours are; an unknown code reads as its hint."""
    assert found(Whole(6), "integer", 12) is None
    result = found(Whole(6), "integer", 13)
    assert result == ("not_a_multiple", {"hint": "×6"})
    assert Problem(result[0], "f", params=result[1]).message("en") == "f: ×6"
    assert found(Whole(6, F.words == "x"), "integer", 13, words="x") is None
    assert "its kind is text" in refused(Whole(6), "text")


def test_a_hosts_rule_in_json() -> None:
    """JSON has it under the name that the host gives; without that it is neither written nor read."""
    configuration = schema(Whole(6, Tagged("need", "x")), "integer").configuration
    types = {"whole": Whole}
    text = configuration_to_json(configuration, rule_types=types)
    assert configuration_from_json(text, rule_types=types) == configuration
    with pytest.raises(TypeError, match="Whole"):
        configuration_to_json(configuration)
    with pytest.raises(ConfigurationError):
        configuration_from_json(text)
    with pytest.raises(ValueError, match="length"):
        make_converter({"length": Whole})


def test_a_hosts_kind() -> None:
    """Rules take a host's kind by how it is stored; a value that can't be judged is of the wrong type, not an error."""
    kinds = {"plate": HOSTS_KIND}
    assert found(Length(2), "plate", "沪A1", kinds=kinds) is None
    assert found(Length(4), "plate", "沪A1", kinds=kinds) == ("too_short", {"limit": 4})
    assert found(Length(4), "plate", 5, kinds=kinds) == ("wrong_type", {"kind": "plate"})
    assert [item.field for item in rule_problems(schema(Range(0), "plate", kinds=kinds))] == ["f"]


def test_rules_have_names() -> None:
    """Each kind of rule has the name that JSON uses."""
    assert {
        "length": Length,
        "range": Range,
        "pattern": Pattern,
        "one_of": OneOfValues,
        "date_order": DateOrder,
        "not_before": NotBefore,
        "matches_birthday": MatchesBirthday,
        "allowed_when": AllowedWhen,
        "satisfies": Satisfies,
    } == RULE_TYPES


def test_rules_are_values() -> None:
    """Rules compare and hash by what they say."""
    assert {Length(1, 2), Length(1, 2), Range(0), Range(0)} == {Length(1, 2), Range(0)}
    assert len({AllowedWhen(F.a == 1), AllowedWhen(F.a == 1), Satisfies(F.a == 1, "x")}) == 2


@pytest.mark.parametrize(
    "rule",
    [
        DateOrder("day", strict=True),
        AllowedWhen(F.colour == "red"),
        Satisfies(Tagged("need", "x") & F.day.within(months=3), {"zh": "是", "en": "so"}),
    ],
)
def test_rules_in_json(rule: Rule) -> None:
    """Rules come back from JSON equal."""
    configuration = schema(rule, "date").configuration
    assert configuration_from_json(configuration_to_json(configuration)) == configuration


def test_a_form_in_words_of_each_language() -> None:
    """The form that a pattern wants is told in the reader's language; a plain text stays one, in JSON too."""
    rule = Pattern(r"\d{4}", {"zh": "四位数字", "en": "four digits"})
    problem = problem_of(rule, "text", "12")
    assert problem is not None
    assert (problem.message("zh", label="x"), problem.message("en", label="x")) == (
        "x：格式不符：四位数字",
        "x: does not have the required form: four digits",
    )
    for kept in (rule, Pattern(r"\d{4}", "四位数字")):
        configuration = schema(kept, "text").configuration
        text = configuration_to_json(configuration)
        assert configuration_from_json(text) == configuration
        assert json.loads(text)["modules"]["m"]["fields"]["f"]["rules"][0]["hint"] == kept.hint
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_json(text.replace('"hint": "四位数字"', '"hint": 4'))
    assert "rules[0].hint" in caught.value.message("en")

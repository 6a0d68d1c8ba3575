"""Life cycles in the engine: which steps are allowed, what they ask for and set, and what does not compile."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from custinfo.core.configuration import Configuration
from custinfo.core.converter import configuration_from_json, configuration_to_json
from custinfo.core.criteria import F, Tagged
from custinfo.core.criteria.evaluate import no_related
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.life_cycles import LifeCycle, Transition
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import Record
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension
from custinfo.core.validation.compiling import rule_problems
from custinfo.core.validation.conditions import Conditions
from custinfo.core.validation.engine import Validator
from custinfo.standard import sample_organisation
from custinfo.testing._samples import make_record

NOW = datetime(2024, 3, 15, 17, 30, tzinfo=UTC)
"""The 16th in Shanghai already."""

STAGES = Dictionary(
    "stage",
    (
        DictionaryValue("lead", {"zh": "潜在", "en": "Lead"}),
        DictionaryValue("keen", {"zh": "意向", "en": "Keen"}, aliases=("有意向",)),
        DictionaryValue("won", {"zh": "成交", "en": "Won"}),
        DictionaryValue("lost", {"zh": "流失", "en": "Lost"}),
        DictionaryValue("warm", {"zh": "温", "en": "Warm"}, state="merged", merged_into="keen"),
        DictionaryValue("old", {"zh": "旧", "en": "Old"}, state="retired"),
        DictionaryValue("twin1", "双"),
        DictionaryValue("twin2", "双"),
    ),
    {"zh": "阶段", "en": "Stage"},
)
FIELDS = (
    FieldDefinition("name", "text", "名称"),
    FieldDefinition("stage", "choice", {"zh": "阶段", "en": "Stage"}, options={"dictionary": "stage"}),
    FieldDefinition("amount", "integer", {"zh": "合同金额", "en": "Amount"}),
    FieldDefinition("effective_on", "date", {"zh": "生效日期", "en": "Effective on"}),
    FieldDefinition("closed_at", "datetime", "关闭时间"),
    FieldDefinition("reason", "text", "原因"),
    FieldDefinition("export_code", "text", "出口代码", applies_when=F.name == "abroad"),
    FieldDefinition("gone", "text", "旧字段", retired=True),
)
WINNING = Transition("成交", ("意向",), ("合同金额", "effective_on"), {"生效日期": "now"}, F.amount > 0)
CYCLE = LifeCycle(
    "stage",
    (
        Transition("有意向", ("潜在",)),
        WINNING,
        Transition("lost", required=("reason",), defaults={"closed_at": "now", "reason": "未说明"}),
        Transition("潜在", ("lost", "旧")),
        Transition("won", ("lost",), ("amount", "reason", "export_code")),
    ),
    ("潜在", "意向"),
)


def configuration(*cycles: LifeCycle, fields: tuple[FieldDefinition, ...] = FIELDS) -> Configuration:
    """Return a module `m` with life cycles."""
    dimension = TagDimension("seen", label="见过")
    return Configuration((ModuleDefinition("m", fields, life_cycles=cycles),), (STAGES,), (dimension,))


def compiled(*cycles: LifeCycle, **settings: Any) -> Validator:
    """Return the validator of the module."""
    schema = Schema(configuration(*cycles, **settings), sample_organisation(), ZoneInfo("Asia/Shanghai"))
    module = schema.module("m")
    return Validator(module, Conditions(schema, module)).at(NOW)


STAGED = compiled(CYCLE)


def record(stage: str | None, **values: Any) -> Record:
    """Return a record in a stage."""
    return make_record(1, values if stage is None else {"stage": stage, **values}, module="m")


def step(before: Record | None, after: Record, validator: Validator = STAGED) -> list[tuple[str, str | None]]:
    """Return what the engine says of a step, as the write path asks it."""
    patch = (
        after.values
        if before is None
        else [key for key in {*before.values, *after.values} if before.values.get(key) != after.values.get(key)]
    )
    changed = validator.changed(before, after, patch)
    problems = validator.check(after, changed, no_related, before=before)
    return [(problem.code, problem.field) for problem in problems]


def only(validator: Validator, before: Record | None, after: Record) -> Problem:
    """Return the one problem of a step that changes the stage."""
    changed = None if before is None else {"stage"}
    (problem,) = validator.check(after, changed, no_related, before=before)
    return problem


FULL = {"amount": 5, "effective_on": date(2024, 4, 1)}
NOT_ALLOWED = [("transition_not_allowed", "stage")]


class TestMoves:
    """A move needs a transition, and what the transition asks for."""

    @pytest.mark.parametrize(
        ("old", "new", "values", "expected"),
        [
            ("lead", "keen", {}, []),
            ("lead", "won", FULL, NOT_ALLOWED),
            ("lead", "lost", {"reason": "x"}, []),
            ("keen", "lead", {}, NOT_ALLOWED),
            ("keen", "won", FULL, []),
            ("keen", "won", {"amount": 5}, [("required_in_state", "effective_on")]),
            (
                "keen",
                "won",
                {},
                [("guard_not_met", "stage"), ("required_in_state", "amount"), ("required_in_state", "effective_on")],
            ),
            ("keen", "won", {**FULL, "amount": 0}, [("guard_not_met", "stage")]),
            ("won", "keen", {}, NOT_ALLOWED),
            ("won", "lost", {}, [("required_in_state", "reason")]),
            ("lost", "lead", {}, []),
            ("lost", "won", {"amount": 1}, [("required_in_state", "reason")]),
            ("lost", "won", {"amount": 1, "reason": "x"}, []),
            ("lost", "won", {"amount": 1, "reason": "x", "name": "abroad"}, [("required_in_state", "export_code")]),
            ("won", None, {}, NOT_ALLOWED),
            ("old", "lead", {}, []),
            ("old", "keen", {}, NOT_ALLOWED),
            ("warm", "won", FULL, []),
            ("warm", "keen", {}, []),
            ("keen", "warm", {}, []),
            ("lead", "warm", {}, []),
            ("unheard of", "lost", {"reason": "x"}, []),
            ("unheard of", "lead", {}, NOT_ALLOWED),
            (None, "lost", {"reason": "x"}, []),
            (None, "lost", {}, [("required_in_state", "reason")]),
            (None, "lead", {}, []),
            (None, "won", FULL, [("not_initial_state", "stage")]),
            (None, None, {}, []),
        ],
    )
    def test_move(
        self, old: str | None, new: str | None, values: dict[str, Any], expected: list[tuple[str, str]]
    ) -> None:
        """Each pair of states, with and without what the transition asks for."""
        assert step(record(old, **values), record(new, **values)) == expected

    @pytest.mark.parametrize(
        ("new", "values", "expected"),
        [
            (None, {}, []),
            ("lead", {}, []),
            ("keen", {}, []),
            ("lost", {}, [("not_initial_state", "stage"), ("required_in_state", "reason")]),
            ("won", {}, [("not_initial_state", "stage"), ("required_in_state", "amount")]),
        ],
    )
    def test_creation(self, new: str | None, values: dict[str, Any], expected: list[tuple[str, str]]) -> None:
        """A record begins in an initial state, with what every transition into the state requires."""
        assert step(None, record(new, **values)) == expected

    def test_creation_anywhere(self) -> None:
        """Without initial states a record begins in any, and guards and flows of transitions play no part."""
        anywhere = compiled(attrs.evolve(CYCLE, initial=()))
        assert step(None, record("won"), anywhere) == [("required_in_state", "amount")]
        assert step(None, record("won", amount=0), anywhere) == []
        assert step(record(None), record("won", amount=0), anywhere) == []
        assert anywhere.move_flows(None, record("won"), no_related) == ()

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            (record("won", amount=5), record("won"), [("required_in_state", "amount")]),
            (record("won", amount=5, reason="x"), record("won", amount=5), []),
            (record("won", **FULL), record("won", amount=5), []),
            (record("won"), record("won", name="a"), []),
            (record("won", amount=5, name="a"), record("won", amount=0, name="b"), []),
            (record("lost", reason="x"), record("lost"), [("required_in_state", "reason")]),
            (record("lead", amount=5), record("lead"), []),
            (record("warm", amount=5), record("keen"), []),
        ],
    )
    def test_what_a_state_holds(self, before: Record, after: Record, expected: list[tuple[str, str]]) -> None:
        """What every transition into a state requires may not be cleared there; elsewhere old records may be edited."""
        assert step(before, after) == expected

    def test_a_field_that_begins_to_apply(self) -> None:
        """A requirement of the state that applies from now on is asked for when it does."""
        exporting = compiled(LifeCycle("stage", (Transition("won", required=("export_code",)),)))
        before = record("won", name="at home")
        assert step(before, record("won", name="abroad"), exporting) == [("required_in_state", "export_code")]
        assert step(record("won", name="abroad", amount=1), record("won", name="abroad"), exporting) == []

    def test_wrong_values_are_not_judged(self) -> None:
        """What depends on a value that is wrong already is told once that is right."""
        before, after = record("keen"), record("won")
        changed = {"stage", "amount", "effective_on"}
        problems = STAGED.check(after, changed, no_related, {"amount"}, before=before)
        assert [(item.code, item.field) for item in problems] == [("required_in_state", "effective_on")]
        assert STAGED.check(after, changed, no_related, {"stage"}, before=before) == []

    def test_one_problem_for_a_field(self) -> None:
        """A field that is required anyway is named once, and so is a status that may not be cleared."""
        fields = tuple(attrs.evolve(item, required=item.key in ("amount", "stage")) for item in FIELDS)
        strict = compiled(attrs.evolve(CYCLE, initial=()), fields=fields)
        assert step(None, record("won"), strict) == [("required", "amount")]
        assert step(record("won", amount=1), record(None, amount=1), strict) == [("required", "stage")]


class TestSeveralTransitions:
    """Of several transitions between two states, the first whose guard holds is taken."""

    CYCLE = LifeCycle(
        "stage",
        (
            Transition("won", ("lead",), ("amount",), {"reason": "small"}, F.amount < 10, flow="leader"),
            Transition("won", ("lead",), ("amount", "reason"), {"name": "big"}, F.amount >= 10, flow="manager"),
            Transition("won", ("lead",), ("reason",), {"name": "blank"}, F.name == "blank"),
        ),
    )
    SEVERAL = compiled(CYCLE)

    @pytest.mark.parametrize(
        ("values", "flows", "defaults", "expected"),
        [
            ({"amount": 5}, ("leader",), {"reason": "small"}, []),
            ({"amount": 10}, ("manager",), {"name": "big"}, [("required_in_state", "reason")]),
            ({"amount": 10, "reason": "x"}, ("manager",), {"name": "big"}, []),
            ({"reason": "x"}, (), {"name": "blank"}, [("guard_not_met", "stage")]),
            ({"name": "c"}, (), {}, [("guard_not_met", "stage")]),
        ],
    )
    def test_first(
        self, values: dict[str, Any], flows: tuple[str, ...], defaults: dict[str, Any], expected: list[Any]
    ) -> None:
        """Requirements, defaults and flow are those of the transition that is taken; guards may look at defaults."""
        before, after = record("lead", **values), record("won", **values)
        assert self.SEVERAL.move_flows(before, after, no_related) == flows
        assert self.SEVERAL.move_defaults(before, after, no_related, NOW) == defaults
        assert step(before, after, self.SEVERAL) == expected

    def test_all_guards_are_named(self) -> None:
        """Where no guard holds, people read all of them, as alternatives."""
        problem = only(self.SEVERAL, record("lead", name="c"), record("won", name="c"))
        assert problem.message("zh", label="阶段") == (
            "阶段：仅当 合同金额 < 10；或者 合同金额 ≥ 10；或者 名称 = blank 时可变为 成交"
        )
        assert problem.message("en", label="Stage") == (
            "Stage: a change to Won is allowed only where Amount < 10; or Amount ≥ 10; or 名称 = blank"
        )


class TestMessages:
    """What people read."""

    @pytest.mark.parametrize(
        ("before", "after", "chinese", "english"),
        [
            (
                record("lead"),
                record("won", **FULL),
                "stage：不允许从 潜在 变为 成交",
                "stage: a change from Lead to Won is not allowed",
            ),
            (
                record("won"),
                record(None),
                "stage：不允许从 成交 变为 空",
                "stage: a change from Won to blank is not allowed",
            ),
            (
                record("13800138000"),
                record("won"),
                "stage：不允许从 未知状态 变为 成交",
                "stage: a change from an unknown state to Won is not allowed",
            ),
            (
                record("won"),
                record("lost"),
                "reason：状态为 流失 时必填",
                "reason: a value is required in Lost",
            ),
            (
                None,
                record("won", amount=1),
                "stage：不能从 成交 开始，只能从以下状态开始：潜在、意向",
                "stage: a record cannot start as Won, only as: Lead, Keen",
            ),
            (
                record("keen", effective_on=date(2024, 4, 1), amount=0),
                record("won", effective_on=date(2024, 4, 1), amount=0),
                "stage：仅当 合同金额 > 0 时可变为 成交",
                "stage: a change to Won is allowed only where Amount > 0",
            ),
        ],
    )
    def test_text(self, before: Record | None, after: Record, chinese: str, english: str) -> None:
        """Each problem names states and conditions as people call them, in both languages."""
        problem = only(STAGED, before, after)
        assert (problem.message("zh"), problem.message("en")) == (chinese, english)


class TestDefaults:
    """What a move sets where a field is blank."""

    @pytest.mark.parametrize(
        ("old", "new", "values", "expected"),
        [
            ("lead", "lost", {}, {"closed_at": NOW, "reason": "未说明"}),
            ("lead", "lost", {"reason": "x"}, {"closed_at": NOW}),
            ("keen", "won", {"amount": 1}, {"effective_on": date(2024, 3, 16)}),
            ("keen", "won", FULL, {}),
            ("lost", "lost", {}, {}),
            ("lead", "keen", {}, {}),
            ("lead", "won", {}, {}),
            (None, "lost", {}, {"closed_at": NOW, "reason": "未说明"}),
        ],
    )
    def test_of_a_move(self, old: str | None, new: str, values: dict[str, Any], expected: dict[str, Any]) -> None:
        """Typed values; `now` is the moment of the move, as a day in the configured zone."""
        found = STAGED.move_defaults(record(old, **values), record(new, **values), no_related, NOW)
        assert found == expected

    def test_a_field_that_does_not_apply(self) -> None:
        """A default is not set in a field that takes no value there."""
        exporting = compiled(LifeCycle("stage", (Transition("won", defaults={"export_code": "E1"}),)))
        for name, expected in (("abroad", {"export_code": "E1"}), ("at home", {})):
            before, after = record("lead", name=name), record("won", name=name)
            assert exporting.move_defaults(before, after, no_related, NOW) == expected

    def test_they_are_checked(self) -> None:
        """What a move sets counts as changed."""
        before = record("lead")
        after = record("lost", reason="x", closed_at=NOW)
        assert STAGED.changed(before, after, {"stage"}) == frozenset({"stage", "reason", "closed_at"})

    def test_on_creation(self) -> None:
        """`now` as the default of a date field is the moment of creation; elsewhere it is a text."""
        fields = (
            FieldDefinition("day", "date", default="now"),
            FieldDefinition("moment", "datetime", default="now"),
            FieldDefinition("word", "text", default="now"),
            FieldDefinition("fixed", "date", default="2024-01-01"),
        )
        made = compiled(fields=fields)
        fixed = {"word": "now", "fixed": date(2024, 1, 1)}
        assert made.defaults == fixed
        assert made.defaults_at(NOW) == {**fixed, "day": date(2024, 3, 16), "moment": NOW}


def test_a_guard_may_ask_for_the_time() -> None:
    """Periods in a guard move with the time, and tags and the owner may be looked at."""
    recent = compiled(LifeCycle("stage", (Transition("won", guard=F.effective_on.within(days=2)),)))
    before = record("lead", effective_on=date(2024, 3, 15))
    after = record("won", effective_on=date(2024, 3, 15))
    assert step(before, after, recent) == []
    assert step(before, after, recent.at(NOW + timedelta(days=9))) == [("guard_not_met", "stage")]
    owned = compiled(LifeCycle("stage", (Transition("won", guard=(F.owner == "lisi") & ~Tagged("seen")),)))
    assert step(before, attrs.evolve(after, owner="lisi", tags=frozenset()), owned) == []
    assert step(before, attrs.evolve(after, owner="wangwu"), owned) == [("guard_not_met", "stage")]


def test_two_life_cycles() -> None:
    """Each status field has its own, and a step in one leaves the other alone."""
    fields = (*FIELDS, FieldDefinition("other", "choice", options={"dictionary": "stage"}))
    both = compiled(
        LifeCycle("stage", (Transition("won", ("lead",), ("reason",), {"reason": "a"}, flow="one"),)),
        LifeCycle("other", (Transition("won", ("lead",), ("name",), {"reason": "b", "name": "n"}, flow="two"),)),
        fields=fields,
    )
    start = record("lead", other="lead")
    assert step(start, record("won", other="lead", reason="x"), both) == []
    assert step(start, record("lost", other="won"), both) == [*NOT_ALLOWED, ("required_in_state", "name")]
    end = record("won", other="won")
    assert both.move_flows(start, end, no_related) == ("one", "two")
    assert both.move_defaults(start, end, no_related, NOW) == {"reason": "a", "name": "n"}


class TestCompiling:
    """Everything in a life cycle that does not fit is told at once."""

    @staticmethod
    def misfits(*cycles: LifeCycle, **settings: Any) -> list[tuple[str | None, str]]:
        schema = Schema(configuration(*cycles, **settings), sample_organisation(), UTC)
        found = rule_problems(schema)
        assert {problem.code for problem in found} <= {"rule_misfit"}
        hints = [problem.params["hint"] for problem in found]
        assert all(isinstance(hint, Translated) for hint in hints)
        return [(problem.field, str(hint)) for problem, hint in zip(found, hints, strict=True)]

    def test_all_at_once(self) -> None:
        """States, fields, defaults, guards and flows are each named with their transition."""
        broken = LifeCycle(
            "stage",
            (
                Transition("nowhere", ("双",), ("missing", "gone")),
                Transition("won", (), (), {"amount": "many", "name": " ", "absent": 1, "effective_on": "now"}),
                Transition("lost", guard=F.nothing == 1, flow="unheard"),
            ),
            ("void",),
        )
        assert self.misfits(broken) == [
            ("stage", "there is no state void"),
            ("stage", "transition to nowhere: there is no state nowhere"),
            ("stage", "transition to nowhere: the state 双 may mean 双 / 双"),
            ("stage", "transition to nowhere: there is no field missing"),
            ("stage", "transition to nowhere: the field gone is retired"),
            ("stage", "transition to won: default of amount: is not a number"),
            ("stage", "transition to won: default of name: a value is required"),
            ("stage", "transition to won: there is no field absent"),
            ("stage", "transition to lost: nothing: there is no field of this name"),
            ("stage", "transition to lost: there is no approval flow unheard"),
        ]

    @pytest.mark.parametrize(
        ("field", "hint"),
        [
            (None, "there is no such field"),
            (FieldDefinition("s", "text"), "its kind is text, not choice"),
            (
                FieldDefinition("s", "multiple_choice", options={"dictionary": "stage"}),
                "its kind is multiple_choice, not choice",
            ),
            (FieldDefinition("s", "choice", options={"dictionary": "stage"}, retired=True), "the field is retired"),
            (
                FieldDefinition("s", "choice", options={"dictionary": "stage"}, encrypted=True),
                "the field is encrypted, so its states cannot be read",
            ),
            (FieldDefinition("s", "choice", options={"dictionary": "x"}), "it names no dictionary that exists"),
        ],
    )
    def test_status_field(self, field: FieldDefinition | None, hint: str) -> None:
        """The status field is an active choice field that can be read."""
        fields = FIELDS if field is None else (*FIELDS, field)
        assert self.misfits(LifeCycle("s", (Transition("won"),)), fields=fields) == [("s", hint)]

    def test_what_fits(self) -> None:
        """A life cycle that fits has no misfits, and goes through JSON as it is."""
        assert self.misfits(CYCLE) == []
        assert configuration_from_json(configuration_to_json(configuration(CYCLE))) == configuration(CYCLE)


class TestValidity:
    """Entries with dates are chosen within their dates only."""

    ENTRIES = Dictionary(
        "offer",
        (
            DictionaryValue("always", "常"),
            DictionaryValue("spring", "春", valid_from=date(2024, 3, 1), valid_to=date(2024, 3, 16)),
            DictionaryValue("past", "旧", valid_to=date(2024, 3, 15)),
            DictionaryValue("soon", "新", valid_from=date(2024, 3, 17)),
            DictionaryValue("gone", "并", state="merged", merged_into="past"),
            DictionaryValue("summer", "夏", valid_from=date(2024, 6, 1), valid_to=date(2024, 8, 31)),
        ),
        {"zh": "活动", "en": "Offer"},
    )

    @classmethod
    def validator(cls) -> Validator:
        options = {"dictionary": "offer"}
        fields = (
            FieldDefinition("one", "choice", options=options),
            FieldDefinition("many", "multiple_choice", options=options),
        )
        made = Configuration((ModuleDefinition("m", fields),), (cls.ENTRIES,))
        schema = Schema(made, sample_organisation(), ZoneInfo("Asia/Shanghai"))
        return Validator(schema.module("m"), {}).at(NOW)

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            (None, {"one": "always"}, []),
            (None, {"one": "spring", "many": ("always", "spring")}, []),
            (None, {"one": "past"}, ["one"]),
            (None, {"one": "soon", "many": ("always", "soon")}, ["one", "many"]),
            ({"one": "past"}, {"one": "past"}, []),
            ({"one": "gone"}, {"one": "past"}, []),
            ({"one": "always"}, {"one": "past"}, ["one"]),
            ({"one": "past"}, {}, []),
            ({"many": ("past",)}, {"many": ("always", "past")}, []),
            ({"many": ("past",)}, {"many": ("past", "soon")}, ["many"]),
        ],
    )
    def test_newly_chosen(self, before: dict[str, Any] | None, after: dict[str, Any], expected: list[str]) -> None:
        """What is newly chosen must be valid today in the configured zone; what is there stays."""
        old = None if before is None else make_record(1, before, module="m")
        changed = None if before is None else {"one", "many"}
        found = self.validator().check(make_record(1, after, module="m"), changed, no_related, before=old)
        assert [(item.code, item.field) for item in found] == [("choice_not_valid", key) for key in expected]

    def test_unconcerned(self) -> None:
        """Neither an edit elsewhere nor a value that is wrong already is judged."""
        after = make_record(1, {"one": "past"}, module="m")
        assert self.validator().check(after, {"many"}, no_related, before=after) == []
        assert self.validator().check(after, None, no_related, {"one"}) == []

    def test_the_day_goes_on(self) -> None:
        """The same choice is refused once the last day is over in the configured zone."""
        after = make_record(1, {"one": "spring"}, module="m")
        late = NOW + timedelta(hours=23)
        assert self.validator().at(late - timedelta(hours=1)).check(after, None, no_related) == []
        assert len(self.validator().at(late).check(after, None, no_related)) == 1

    @pytest.mark.parametrize(
        ("code", "chinese", "english"),
        [
            ("past", "2024-03-15 及以前", "until 2024-03-15"),
            ("soon", "2024-03-17 起", "from 2024-03-17 on"),
            ("summer", "2024-06-01 至 2024-08-31", "from 2024-06-01 to 2024-08-31"),
        ],
    )
    def test_text(self, code: str, chinese: str, english: str) -> None:
        """People read when the entry may be chosen."""
        (problem,) = self.validator().check(make_record(1, {"one": code}, module="m"), None, no_related)
        assert problem.message("zh") == f"one：“活动”中的该条目仅在有效期内可选：{chinese}"
        assert problem.message("en") == f"one: this entry of Offer can be chosen only {english}"

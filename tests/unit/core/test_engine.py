"""The one engine that normalises values and checks states."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from custinfo.core.configuration import Configuration
from custinfo.core.criteria import F, Nothing, Tagged
from custinfo.core.criteria.evaluate import no_related
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Masked, Record, Sealed, Tag
from custinfo.core.rules import AllowedWhen, Length, MatchesBirthday, NotBefore, Range
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension
from custinfo.core.validation.conditions import Conditions
from custinfo.core.validation.engine import Validator
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing._samples import NOW, make_record

SHANGHAI = ZoneInfo("Asia/Shanghai")


def validator(configuration: Configuration, module: str) -> Validator:
    """Compile the validator of a module."""
    schema = Schema(configuration, sample_organisation(), SHANGHAI)
    compiled = schema.module(module)
    return Validator(compiled, Conditions(schema, compiled)).at(NOW)


CUSTOMER = validator(standard_configuration(), "customer")
COLOURS = Dictionary(
    "colour",
    (
        DictionaryValue("red", "红"),
        DictionaryValue("green", "绿", state="retired"),
        DictionaryValue("dark", "深", state="retired"),
        DictionaryValue("deep", "深", state="retired"),
        DictionaryValue("top", "顶"),
        DictionaryValue("leaf", "叶", "top"),
    ),
)
THING = validator(
    Configuration(
        (
            ModuleDefinition(
                "m",
                (
                    FieldDefinition("name", "text", {"zh": "名称", "en": "Name"}, required=True, aliases=("全称",)),
                    FieldDefinition("gone", "text", "旧", retired=True, required=True, default="x"),
                    FieldDefinition("colour", "choice", options={"dictionary": "colour"}, default="红"),
                    FieldDefinition("leaf", "choice", options={"dictionary": "colour", "leaf_only": True}),
                    FieldDefinition("count", "integer", default=0, rules=(Range(0, 9),)),
                    FieldDefinition("active", "boolean", default=False),
                    FieldDefinition("start", "date", "开始"),
                    FieldDefinition("end", "date", "结束", rules=(NotBefore("start"), Range(date(2000, 1, 1)))),
                    FieldDefinition("code", "text", rules=(Length(2), Length(maximum=1))),
                    FieldDefinition("extra", "text", required=True, applies_when=F.active == True),  # noqa: E712
                    FieldDefinition("never", "text", applies_when=Nothing()),
                    FieldDefinition("proof", "text", "证明", required_when=(F["名称"] == "x") & (F.count > 1)),
                    FieldDefinition("parent", "reference", options={"module": "m"}),
                    FieldDefinition("why", "text", required_when=F.parent.count > 5),
                    FieldDefinition("number", "resident_id", rules=(MatchesBirthday("start"),), encrypted=True),
                ),
            ),
        ),
        (COLOURS,),
    ),
    "m",
)


def codes(problems: list[Problem]) -> list[tuple[str, str | None]]:
    """Return code and field of each problem."""
    return [(problem.code, problem.field) for problem in problems]


def check(
    values: dict[str, Any], changed: Collection[str] | None = None, related: Any = no_related
) -> list[tuple[str, str | None]]:
    """Check a state of the module `m`."""
    return codes(THING.check(make_record(1, values), changed, related))


class TestNormalise:
    """Raw values become a patch."""

    @pytest.mark.parametrize(
        ("raw", "patch"),
        [
            ({}, {}),
            ({"name": " A "}, {"name": "A"}),
            ({"名称": "A"}, {"name": "A"}),
            ({"ＮＡＭＥ": "A"}, {"name": "A"}),
            ({"全称": "A"}, {"name": "A"}),
            ({"name": CLEAR}, {"name": CLEAR}),
            ({"名称": CLEAR}, {"name": CLEAR}),
            ({"name": None}, {"name": CLEAR}),
            ({"name": "  "}, {"name": CLEAR}),
            ({"count": "", "colour": None}, {"count": CLEAR, "colour": CLEAR}),
            ({"count": "3", "colour": "红"}, {"count": 3, "colour": "red"}),
            ({"active": "否", "count": 0}, {"active": False, "count": 0}),
            ({"owner": "李四"}, {"owner": "lisi"}),
        ],
    )
    def test_patch(self, raw: dict[str, Any], patch: dict[str, Any]) -> None:
        """Names are found by key, label and alias; a blank removes the value; false and zero are values."""
        found = THING.normalise(raw)
        assert found.patch == patch
        assert found.errors == []

    @pytest.mark.parametrize(
        ("raw", "problems"),
        [
            ({"nothing": 1}, [("unknown_field", "nothing")]),
            ({5: 1}, [("unknown_field", "5")]),
            ({"gone": "x"}, [("retired_field", "gone")]),
            ({"旧": "x"}, [("retired_field", "gone")]),
            ({"version": 3}, [("read_only_field", "version")]),
            ({"created_at": "2024-01-01"}, [("read_only_field", "created_at")]),
            ({"name": Masked("A**")}, [("masked_value", "name")]),
            ({"名称": Masked("A**")}, [("masked_value", "name")]),
            ({"owner": Masked("李*")}, [("masked_value", "owner")]),
            ({"owner": "nobody"}, [("unknown_member", "owner")]),
            ({"count": "x"}, [("invalid_number", "count")]),
            ({"colour": "紫"}, [("unknown_choice", "colour")]),
            ({"colour": "绿"}, [("retired_choice", "colour")]),
            ({"leaf": "顶"}, [("not_a_leaf", "leaf")]),
            (
                {"count": "x", "nothing": 1, "colour": "紫", "name": Masked("A")},
                [
                    ("invalid_number", "count"),
                    ("unknown_field", "nothing"),
                    ("unknown_choice", "colour"),
                    ("masked_value", "name"),
                ],
            ),
        ],
    )
    def test_problems(self, raw: dict[str, Any], problems: list[tuple[str, str]]) -> None:
        """Every problem is found at once, and what is wrong is not in the patch."""
        found = THING.normalise(raw)
        assert codes(found.errors) == problems
        assert found.patch == {}

    def test_what_is_right_stays(self) -> None:
        """One wrong value does not hide the others."""
        found = THING.normalise({"name": "A", "count": "x"})
        assert found.patch == {"name": "A"}

    def test_an_unknown_name_is_cut(self) -> None:
        """A problem never repeats a whole cell."""
        (problem,) = THING.normalise({"x" * 500: 1}).problems
        assert problem.field == "x" * 100

    def test_notices_do_not_forbid_saving(self) -> None:
        """What was brought into another form is told, but is no error."""
        found = CUSTOMER.normalise({"annual_budget": "50万", "phone": "138 1234 5678"})
        assert found.patch == {"annual_budget": Decimal(500_000), "phone": "13812345678"}
        assert codes(found.problems) == [("normalised", "annual_budget"), ("normalised", "phone")]
        assert found.errors == []

    @pytest.mark.parametrize(
        ("raw", "before", "errors"),
        [
            ({"colour": "绿"}, {"colour": "green"}, []),
            ({"colour": "green"}, {"colour": "green"}, []),
            ({"colour": "深"}, {"colour": "deep"}, []),
            ({"colour": "紫"}, {"colour": "紫"}, []),
            ({"leaf": "顶"}, {"leaf": "top"}, []),
            ({"colour": "绿"}, {"colour": "red"}, [("retired_choice", "colour")]),
            ({"colour": "绿"}, {}, [("retired_choice", "colour")]),
            ({"colour": "紫"}, {"colour": "green"}, [("unknown_choice", "colour")]),
            ({"colour": 5.5}, {"colour": "green"}, [("unknown_choice", "colour")]),
            ({"count": "x"}, {"count": 3}, [("invalid_number", "count")]),
        ],
    )
    def test_a_retired_choice_may_stay(
        self, raw: dict[str, Any], before: dict[str, Any], errors: list[tuple[str, str]]
    ) -> None:
        """A form that writes a retired choice again as it stands changes nothing; choosing it newly is refused."""
        found = THING.normalise(raw, before)
        assert codes(found.errors) == errors
        assert found.patch == {}

    def test_defaults(self) -> None:
        """Defaults are read as raw values, false and zero among them; retired fields have none."""
        assert THING.defaults == {"colour": "red", "count": 0, "active": False}
        assert CUSTOMER.defaults == {"status": "高潜"}


class TestCheck:
    """States are checked as a whole, or where a step concerns them."""

    def test_required_on_creation(self) -> None:
        """A new record needs every required field that is not retired."""
        assert check({}) == [("required", "name")]
        assert check({"name": "A"}) == []

    def test_required_on_updates(self) -> None:
        """A required value cannot be cleared; an old record that lacks it may be edited elsewhere."""
        assert check({}, {"name"}) == [("required", "name")]
        assert check({}, {"count"}) == []
        assert check({}, set()) == []

    @pytest.mark.parametrize(
        ("values", "changed", "expected"),
        [
            ({"count": 10}, None, [("too_large", "count")]),
            ({"count": 10}, {"count"}, [("too_large", "count")]),
            ({"count": 10}, {"code"}, []),
            ({"code": "a"}, None, [("too_short", "code")]),
            ({"code": "ab"}, None, [("too_long", "code")]),
            ({"count": -1, "code": "a"}, None, [("too_small", "count"), ("too_short", "code")]),
        ],
    )
    def test_rules(self, values: dict[str, Any], changed: set[str] | None, expected: list[tuple[str, str]]) -> None:
        """Rules run where their field changed, all of them."""
        assert check({"name": "A", **values}, changed) == expected

    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            (None, [("date_order", "end")]),
            ({"end"}, [("date_order", "end")]),
            ({"start"}, [("date_order", "end")]),
            ({"name"}, []),
        ],
    )
    def test_rules_watch_the_other_field(self, changed: set[str] | None, expected: list[tuple[str, str]]) -> None:
        """A rule between two fields runs when either changes."""
        values = {"name": "A", "start": date(2024, 3, 16), "end": date(2024, 3, 15)}
        assert check(values, changed) == expected

    def test_the_other_field_is_named_by_its_label(self) -> None:
        """People read labels, not keys."""
        values = {"name": "A", "start": date(2024, 3, 16), "end": date(2024, 3, 15)}
        (problem,) = THING.check(make_record(1, values), None, no_related)
        assert problem.message("zh", label="结束") == "结束：不能早于开始"

    def test_sealed_values_are_not_looked_into(self) -> None:
        """What is encrypted was checked before it was."""
        start = date(2024, 3, 16)
        assert check({"name": "A", "start": start, "number": Sealed("x")}) == []
        assert check({"name": "A", "start": start, "number": "11010519491231002X"}) == [("birthday_mismatch", "number")]

    @pytest.mark.parametrize(
        ("values", "changed", "expected"),
        [
            ({"active": True}, None, [("required", "extra")]),
            ({"active": True, "extra": "x"}, None, []),
            ({"active": False, "extra": "x"}, None, [("not_applicable", "extra")]),
            ({"extra": "x"}, {"extra"}, [("not_applicable", "extra")]),
            ({"active": False, "extra": "x"}, {"active"}, [("not_applicable", "extra")]),
            ({"active": True}, {"active"}, [("required", "extra")]),
            ({"active": True}, {"extra"}, [("required", "extra")]),
            ({"active": True}, {"count"}, []),
            ({"active": False, "extra": "x"}, {"count"}, []),
            ({"active": False}, None, []),
            ({"never": "x"}, None, [("not_applicable", "never")]),
        ],
    )
    def test_fields_that_apply_to_some_records(
        self, values: dict[str, Any], changed: set[str] | None, expected: list[tuple[str, str]]
    ) -> None:
        """Where a field does not apply it takes no value; where it applies it may be required."""
        assert check({"name": "A", **values}, changed) == expected

    @pytest.mark.parametrize(
        ("values", "changed", "expected"),
        [
            ({"name": "x", "count": 2}, None, [("required_when", "proof")]),
            ({"name": "x", "count": 2, "proof": "p"}, None, []),
            ({"name": "x", "count": 1}, None, []),
            ({"name": "x", "count": 2}, {"proof"}, [("required_when", "proof")]),
            ({"name": "x", "count": 2}, {"count"}, [("required_when", "proof")]),
            ({"name": "x", "count": 2}, {"name"}, [("required_when", "proof")]),
            ({"name": "x", "count": 2}, {"colour"}, []),
        ],
    )
    def test_values_that_are_required_sometimes(
        self, values: dict[str, Any], changed: set[str] | None, expected: list[tuple[str, str]]
    ) -> None:
        """What a condition requires is needed on entering the state, and cannot be cleared within it."""
        assert check(values, changed) == expected

    def test_the_reason_is_told(self) -> None:
        """The problem says the whole condition in the reader's language."""
        (problem,) = THING.check(make_record(1, {"name": "x", "count": 2}), None, no_related)
        assert problem.params == {"because": "名称 = x 且 count > 1"}
        assert problem.message("zh", label="证明") == "证明：当 名称 = x 且 count > 1 时必填"
        assert problem.message("en", label="Proof") == "Proof: a value is required where Name = x and count > 1"

    def test_conditions_on_a_referenced_record(self) -> None:
        """A condition may look at the record that a reference points to."""
        target = make_record(2, {"count": 6})

        def related(record: Record, key: FieldKey) -> Record | None:
            return target if key == "parent" else None

        values = {"name": "A", "parent": target.id}
        assert check(values, None, related) == [("required_when", "why")]
        assert check(values, {"parent"}, related) == [("required_when", "why")]
        assert check(values, {"name"}, related) == []
        assert check(values, None) == []


WATCHING = validator(
    Configuration(
        (
            ModuleDefinition(
                "m",
                (
                    FieldDefinition("note", "text", required_when=Tagged("需求", "x")),
                    FieldDefinition("bill", "text", rules=(AllowedWhen(F.owner == "lisi"),)),
                    FieldDefinition("seen", "datetime"),
                    FieldDefinition("day", "date"),
                    FieldDefinition("next", "text", required_when=~F.seen.within(hours=2) & F.seen.is_present()),
                    FieldDefinition("soon", "text", rules=(AllowedWhen(F.day.within(days=-3) | Tagged("need")),)),
                    FieldDefinition("parent", "reference", options={"module": "m"}),
                    FieldDefinition("late", "text", required_when=F.parent.seen.within(days=1)),
                ),
            ),
        ),
        tag_dimensions=(TagDimension("need", ("x", "y"), {"zh": "需求", "en": "Need"}),),
    ),
    "m",
)
PLAIN = make_record(1, {}, owner="zhangsan", tags=frozenset())
TAGGED = attrs.evolve(PLAIN, tags=frozenset({Tag("need", "x")}), version=2)


class TestWhatChanged:
    """Checks run where what they look at changed: values, tags and system fields alike."""

    def test_tags(self) -> None:
        """A condition on tags is judged when only the tags change, and says so."""
        changed = WATCHING.changed(PLAIN, TAGGED, ())
        assert changed == frozenset({"tags"})
        (problem,) = WATCHING.check(TAGGED, changed, no_related)
        assert (problem.code, problem.field) == ("required_when", "note")
        assert problem.params == {"because": "有标签 需求：x"}
        assert problem.message("en") == "note: a value is required where tagged Need: x"

    def test_other_steps_leave_old_records_alone(self) -> None:
        """A record that misses what its tags require may still be edited elsewhere."""
        after = attrs.evolve(TAGGED, version=3)
        assert WATCHING.changed(TAGGED, after, {"bill"}) == frozenset({"bill"})
        assert WATCHING.check(after, {"seen"}, no_related) == []

    def test_the_owner(self) -> None:
        """A rule on the owner is judged when the owner changes, whether or not the patch says so."""
        before = make_record(1, {"bill": "x"}, owner="lisi")
        after = attrs.evolve(before, owner="zhangsan")
        changed = WATCHING.changed(before, after, {"owner"})
        assert changed == WATCHING.changed(before, after, ()) == frozenset({"owner"})
        assert codes(WATCHING.check(after, changed, no_related)) == [("allowed_when", "bill")]
        assert WATCHING.check(before, {"bill"}, no_related) == []

    def test_a_new_record(self) -> None:
        """Everything about a new record is new."""
        assert WATCHING.changed(None, TAGGED, {"bill"}) is None

    def test_fields_that_failed(self) -> None:
        """What depends on a value that is wrong already is not judged, also on creation."""
        record = make_record(1, {"bill": "x"}, owner="zhangsan")
        assert WATCHING.check(record, None, no_related, {"bill"}) == []
        assert codes(WATCHING.check(record, None, no_related)) == [("allowed_when", "bill")]


class TestTime:
    """Periods are those of the present, however long a validator lives."""

    @pytest.mark.parametrize(
        ("hours", "expected"),
        [(0, []), (1, []), (2, []), (2.001, [("required_when", "next")]), (-0.001, [("required_when", "next")])],
    )
    def test_instants(self, hours: float, expected: list[tuple[str, str]]) -> None:
        """What was recent when the validator was compiled is not for ever."""
        record = make_record(1, {"seen": NOW})
        assert codes(WATCHING.at(NOW + timedelta(hours=hours)).check(record, None, no_related)) == expected

    @pytest.mark.parametrize(("days", "allowed"), [(-4, False), (-3, True), (0, True), (1, False)])
    def test_days(self, days: int, allowed: bool) -> None:
        """A rule about days moves with the day in the configured time zone, beside what does not move."""
        record = make_record(1, {"day": NOW.astimezone(SHANGHAI).date(), "soon": "x"}, tags=frozenset())
        validator = WATCHING.at(NOW + timedelta(days=days))
        assert (validator.check(record, None, no_related) == []) is allowed
        tagged = attrs.evolve(record, tags=frozenset({Tag("need", "y")}))
        assert validator.check(tagged, None, no_related) == []

    def test_referenced_records(self) -> None:
        """A period may be asked of the record that a reference points to."""
        target = make_record(2, {"seen": NOW})
        record = make_record(1, {"parent": target.id})
        for days, expected in ((0, [("required_when", "late")]), (1, [("required_when", "late")]), (2, [])):
            at = WATCHING.at(NOW + timedelta(days=days))
            assert codes(at.check(record, None, lambda _record, _key: target)) == expected

    def test_without_periods(self) -> None:
        """A validator that needs no time stays the same object."""
        assert CUSTOMER.at(NOW) is CUSTOMER
        assert WATCHING.at(NOW) is not WATCHING


COMPLETE = {
    "name": "××科技有限公司",
    "customer_type": "企业客户",
    "contact_name": "张三",
    "phone": "13812345678",
    "status": "高潜",
}


class TestStandardCustomer:
    """The rules of the standard customer."""

    @pytest.mark.parametrize(
        ("values", "changed", "expected"),
        [
            (COMPLETE, None, []),
            (
                {},
                None,
                [
                    ("required", "name"),
                    ("required", "customer_type"),
                    ("required", "contact_name"),
                    ("required", "phone"),
                    ("required", "status"),
                ],
            ),
            (
                {**COMPLETE, "status": "成交"},
                {"status"},
                [("required_when", "contract_amount"), ("required_when", "effective_on")],
            ),
            ({**COMPLETE, "status": "成交", "contract_amount": Decimal(1), "effective_on": date(2024, 1, 1)}, None, []),
            (
                {**COMPLETE, "status": "成交", "contract_amount": Decimal(1)},
                {"effective_on"},
                [("required_when", "effective_on")],
            ),
            ({**COMPLETE, "customer_type": "个人客户", "uscc": "91350100M000100Y43"}, {"customer_type"},
             [("not_applicable", "uscc")]),
            ({**COMPLETE, "birthday": date(1990, 1, 1)}, None, [("not_applicable", "birthday")]),
            ({**COMPLETE, "customer_type": "个人客户", "birthday": date(1990, 1, 1)}, None, []),
            ({**COMPLETE, "annual_budget": Decimal("-0.01")}, None, [("too_small", "annual_budget")]),
            ({**COMPLETE, "name": "x" * 201}, {"name"}, [("too_long", "name")]),
        ],
    )  # fmt: skip
    def test_states(self, values: dict[str, Any], changed: set[str] | None, expected: list[tuple[str, str]]) -> None:
        """Winning needs amount and date; fields belong to types of customers; amounts are not negative."""
        assert codes(CUSTOMER.check(make_record(1, values, module="customer"), changed, no_related)) == expected

    def test_next_follow_up_is_not_before_this_one(self) -> None:
        """A follow-up names a later one."""
        follow_up = validator(standard_configuration(), "follow_up")
        at, earlier = datetime(2024, 3, 15, tzinfo=UTC), datetime(2024, 3, 14, tzinfo=UTC)
        values = {"customer": "c", "at": at, "content": "x", "next_at": earlier}
        problems = follow_up.check(make_record(1, values, module="follow_up"), None, no_related)
        assert codes(problems) == [("date_order", "next_at")]

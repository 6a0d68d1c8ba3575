"""Corner cases of the core, each of which went wrong once."""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custinfo.core.approval.machine import Command, decide
from custinfo.core.approval.requests import ResolvedStep, Task
from custinfo.core.binding import bind
from custinfo.core.configuration import Configuration
from custinfo.core.converter import configuration_from_json
from custinfo.core.criteria import AllOf, Compare, Everything, F, criterion_from_json
from custinfo.core.criteria.evaluate import compile_predicate, no_related
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.errors import ConfigurationError, InvalidInputError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import DEFAULT_MESSAGES
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.paths import bind_path
from custinfo.core.policy.grants import Grant
from custinfo.core.policy.scopes import Holder, scope_criterion
from custinfo.core.schema import DirectoryNames, Schema
from custinfo.core.validation.engine import Validator
from custinfo.testing import (
    make_record,
    make_request,
    record_id,
    sample_configuration,
    sample_directory,
    sample_schema,
)
from custinfo.testing._samples import NOW

S = sample_schema()


def schema(*fields: FieldDefinition, dictionaries: Any = ()) -> Schema:
    """Return a schema of one module."""
    return Schema(
        Configuration((ModuleDefinition("m", fields),), dictionaries), sample_directory(), ZoneInfo("Asia/Shanghai")
    )


CYCLE = Organisation(
    (Department("a", "A", "b", "team"), Department("b", "B", "a", "team")),
    (Position("p", "P", ("r",)),),
    (Member("u", "U", (Assignment("a", "p"),)),),
)


def test_cycles_of_departments() -> None:
    """Departments that are above each other neither hang nor repeat."""
    assert CYCLE.subtree("a") == ("a", "b")
    assert CYCLE.find_department("A") == "a"
    assert DirectoryNames(CYCLE).member_label("u")
    grant = Grant("r", "m", frozenset({"view"}), "department")
    assert scope_criterion(grant, Holder("u", CYCLE, {"r": ("a",)}), NOW) != Everything()


def test_repeated_approval_with_a_later_task() -> None:
    """An approval repeated by somebody who is asked again later is nothing new."""
    steps = (
        ResolvedStep("f", "a", FrozenDict(), "all", ("bob", "cai")),
        ResolvedStep("f", "b", FrozenDict(), "any", ("bob",)),
    )
    request = make_request(
        1, record_id(1), {"title": "x"}, steps=steps, tasks=(Task(0, "bob"), Task(0, "cai"), Task(1, "bob"))
    )
    request, _ = decide(request, Command("approve"), actor="bob", now=NOW)
    assert decide(request, Command("approve"), actor="bob", now=NOW) == (request, ())


def test_label_and_key_in_one_call() -> None:
    """A field given by label and by key is refused: neither value is lost in silence."""
    validator = Validator(schema(FieldDefinition("name", "text", "名称")).module("m"), {})
    for raw in ({"name": "A", "名称": "B"}, {"名称": "B", "name": "A"}):
        assert validator.normalise(raw).errors


def test_retired_multiple_choice_stays() -> None:
    """A multiple choice that holds a retired entry may be written again as it is."""
    d = Dictionary("c", (DictionaryValue("red", "红"), DictionaryValue("green", "绿", state="retired")))
    validator = Validator(
        schema(FieldDefinition("cs", "multiple_choice", options={"dictionary": "c"}), dictionaries=(d,)).module("m"), {}
    )
    for raw in (["red", "green"], "红、绿"):
        assert validator.normalise({"cs": raw}, {"cs": ("red", "green")}).errors == []


def test_label_of_a_retired_field_used_again() -> None:
    """A label means the active field, not the retired one that had it before."""
    s = schema(FieldDefinition("old", "text", "备注", retired=True), FieldDefinition("new", "text", "备注"))
    assert s.module("m").resolve("备注") == "new"


def test_unknown_kind_is_not_an_unknown_module() -> None:
    """A field of an unknown kind does not make its module unknown."""
    with pytest.raises(KeyError) as caught:
        schema(FieldDefinition("x", "txt")).module("m")
    assert getattr(caught.value, "code", "") != "unknown_module"


@pytest.mark.parametrize("criterion", [F.seen <= date.max, F.seen >= date.min])
def test_ends_of_the_calendar(criterion: Any) -> None:
    """Comparing with the first and the last day there is works."""
    assert compile_predicate(bind(criterion, "thing", S, NOW))(make_record(1, {"seen": NOW}), no_related)


@pytest.mark.parametrize(
    "criterion",
    [
        F.seen.within(months=10**6),
        F.seen.within(days=10**10),
        F.title.contains("\x00"),
        F.title.starts_with("\ud800"),
        Compare(("title",), "like", "x"),  # type: ignore[arg-type]
        Compare(("parent", "parent", "title"), "eq", "x"),
    ],
)
def test_refused_with_a_problem(criterion: Any) -> None:
    """What cannot be asked is refused with a problem, before it reaches a store."""
    with pytest.raises(InvalidInputError):
        bind(criterion, "thing", S, NOW)


def test_two_hops() -> None:
    """A path follows one reference only."""
    with pytest.raises(InvalidInputError):
        bind_path("parent.parent.title", "thing", S)


def test_hosts_decimal_context() -> None:
    """The decimal context of the host changes nothing."""
    with localcontext() as context:
        context.prec = 6
        assert bind(F.price > Decimal("123456.1234567"), "thing", S, NOW) == (F.price >= Decimal("123456.123457"))


def test_integer_bound() -> None:
    """Constants stay within the whole numbers that a column holds."""
    assert bind(F.count > Decimal("9223372036854775807.5"), "thing", S, NOW).__class__.__name__ == "Nothing"


def test_hours_over_a_change_of_clocks() -> None:
    """Hours are counted in real time, over a change of clocks too."""
    s = Schema(sample_configuration(), sample_directory(), ZoneInfo("America/New_York"))
    now = datetime(2024, 3, 10, 7, 30, tzinfo=UTC)
    assert bind(F.seen.within(hours=1), "thing", s, now) == AllOf((F.seen >= now - timedelta(hours=1), F.seen <= now))


@pytest.mark.parametrize(
    "pitfall",
    [
        lambda: operator.and_(Everything(), F.active),
        lambda: operator.and_(Everything(), None),
        lambda: operator.and_(F.a == 1, None),
        lambda: not F.a,
        lambda: F.a and F.b == 1,
    ],
)
def test_pitfalls(pitfall: Any) -> None:
    """`and`, `not` and foreign operands raise TypeError instead of dropping a criterion."""
    with pytest.raises(TypeError):
        pitfall()


@pytest.mark.parametrize(
    "data",
    [
        "x",
        [],
        None,
        {"op": "not", "part": "x"},
        {"op": "eq", "field": ["a"], "value": {"decimal": "x"}},
        {"op": "one_of", "field": ["a"], "values": "abc"},
        {"op": "within", "field": ["a"], "months": "x"},
    ],
)
def test_json_of_another_form(data: Any) -> None:
    """JSON that is no criterion raises ValueError."""
    with pytest.raises(ValueError, match=r"criterion|operand|decimal|isoformat|Invalid"):
        criterion_from_json(data)


def test_subtree_below_a_merged_entry() -> None:
    """What stands below a merged entry is found under the one it was merged into."""
    d = Dictionary(
        "d",
        (
            DictionaryValue("b", "B"),
            DictionaryValue("p", "P", state="merged", merged_into="b"),
            DictionaryValue("x", "X", "p"),
        ),
    )
    assert set(d.subtree("b")) == {"b", "p", "x"}


def test_name_that_equals_the_employee_number() -> None:
    """A name that folds to the employee number is not ambiguous with itself."""
    assert Organisation((), (), (Member("k", "Ann", employee_number="ANN"),)).find_member("ann") == "k"


def test_department_scope_reaches_teams_of_teams() -> None:
    """The scope of a department reaches teams within teams."""
    org = Organisation(
        (Department("a", "A"), Department("t", "T", "a", "team"), Department("tt", "TT", "t", "team")), (), ()
    )
    grant = Grant("r", "m", frozenset({"view"}), "department")
    found = scope_criterion(grant, Holder("u", org, {"r": ("tt",)}), NOW)
    assert "tt" in found.values  # type: ignore[union-attr]


def test_paths_in_configuration_errors() -> None:
    """Errors in a configuration name the keys on the way."""
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_json('{"modules": {"m": {"key": "m", "fields": {"a": {"key": "a"}}}}}')
    assert "'a'" in str(caught.value.problems[0].params["hint"])


def test_messages_never_raise() -> None:
    """A template of a host that is wrong gives its text, not an error."""
    messages = DEFAULT_MESSAGES.with_language("de", {"x": "{a.b}", "y": "{a[b]}"})
    assert messages.render("x", {"a": "s"}, "de") == "{a.b}"
    assert messages.render("y", {"a": "s"}, "de") == "{a[b]}"


def test_frozen_dict_or() -> None:
    """Joining with | gives a frozen mapping."""
    assert type(FrozenDict({"a": 1}) | {"b": 2}) is FrozenDict


def test_empty_parts() -> None:
    """Criteria without parts hold for all and for none."""
    assert compile_predicate(AllOf(()))(make_record(1), no_related)

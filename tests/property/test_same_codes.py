"""No wrong value gets in by any door: a bad row is refused with the same codes on every channel (FLD-3, XLS-5)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo import (
    ALL_FIELDS,
    AllowedWhen,
    Applied,
    AwaitingApproval,
    Configuration,
    DateOrder,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    Flow,
    Grant,
    InvalidInputError,
    Length,
    ModuleDefinition,
    NamedMember,
    OneOfValues,
    Pattern,
    PermissionDeniedError,
    Range,
    Role,
    Satisfies,
    Session,
    Step,
    Trigger,
    Workspace,
)
from custinfo.adapters.excel import plan_import
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.policy.grants import Action
from custinfo.workspace.defaults import Uuid7
from tests.adapters.excel.sheets_by_hand import workbook

PEOPLE = Organisation(
    (Department("d", "部门"),),
    (Position("all", "岗位", ("everything",)),),
    (Member("ann", "安", (Assignment("d", "all"),)), Member("bob", "鲍", (Assignment("d", "all"),))),
)
ACTIONS: frozenset[Action] = frozenset({"view", "create", "edit", "import", "configure"})
COLOURS = Dictionary("colour", tuple(DictionaryValue(code, code) for code in ("red", "blue", "grey", "green")))

FIELDS = (
    FieldDefinition("title", "text", "名称"),
    FieldDefinition("code", "text", "编号"),
    FieldDefinition("phone", "phone", "电话"),
    FieldDefinition("size", "integer", "数量"),
    FieldDefinition("price", "money", "单价", options={"currency": "CNY"}),
    FieldDefinition("begins", "date", "开始"),
    FieldDefinition("ends", "date", "结束"),
    FieldDefinition("colour", "choice", "颜色", options={"dictionary": "colour"}),
    FieldDefinition("note", "long_text", "备注"),
)
LENIENT = Configuration(
    (ModuleDefinition("thing", FIELDS, "物品", match_keys=()),),
    (COLOURS,),
    roles=(Role("everything"),),
    grants=(Grant("everything", "thing", ACTIONS, "all", view=ALL_FIELDS, edit=ALL_FIELDS),),
    flows=(
        Flow(
            "gate", Trigger("thing", fields=tuple(field.key for field in FIELDS)), (Step("one", (NamedMember("bob"),)),)
        ),
    ),
)

STRICTER: dict[str, list[dict[str, Any]]] = {
    "title": [{"required": True}, {"rules": (Length(2, 4),)}, {"rules": (Pattern("[a-z]+", "小写字母"),)}],
    "code": [{"unique": True}, {"rules": (OneOfValues(("A", "B")),)}, {"retired": True}],
    "phone": [{"options": {"types": ("mobile",)}}, {"required_when": F.size >= 5}],
    "size": [{"rules": (Range(1, 9),)}, {"rules": (Satisfies(F.price.is_present(), "数量须有单价"),)}],
    "price": [{"rules": (Range(maximum=100),)}, {"applies_when": F.colour == "red"}],
    "begins": [{"required_when": F.ends.is_present()}, {"rules": (AllowedWhen(F.size >= 3),)}],
    "ends": [{"rules": (DateOrder("begins", strict=True),)}],
    "colour": [{"required": True}, {"rules": (OneOfValues(("red",)),)}],
    "note": [{"rules": (Length(maximum=3),)}, {"applies_when": F.size < 5}],
}

ROWS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["", "x", "abc", "ABC", "abcdef"]),
        "code": st.sampled_from(["", "A", "C", "taken"]),
        "phone": st.sampled_from(["", "13800000001", "010-12345678"]),
        "size": st.sampled_from(["", "0", "3", "7", "12"]),
        "price": st.sampled_from(["", "10", "1000"]),
        "begins": st.sampled_from(["", "2024-01-01", "2024-03-01"]),
        "ends": st.sampled_from(["", "2024-01-01", "2024-02-01"]),
        "colour": st.sampled_from(["", "red", "blue", "grey"]),
        "note": st.sampled_from(["", "ok", "much too long"]),
    }
)


@st.composite
def strict(draw: st.DrawFn) -> Configuration:
    """Return the lenient configuration with some fields under stricter rules, and perhaps an entry retired."""
    configuration = LENIENT
    for key, options in STRICTER.items():
        chosen = draw(st.sampled_from([{}, *options]))
        if chosen:
            configuration = configuration.change_field("thing", key, **chosen)
    if draw(st.booleans()):
        configuration = configuration.with_dictionaries(COLOURS.retired("grey"))
    return configuration


def opened(configuration: Configuration) -> Workspace:
    """Open a workspace in memory."""
    times = (datetime(2024, 5, 1, tzinfo=UTC) + timedelta(milliseconds=number) for number in itertools.count())
    clock = times.__next__
    return Workspace.open("memory://", configuration, organisation=PEOPLE, clock=clock, ids=Uuid7(clock))


def codes(problems: Any) -> set[tuple[str, str | None]]:
    """Return (code, field) of what forbids saving."""
    return {(problem.code, problem.field) for problem in problems if problem.severity == "error"}


def refused(action: Any) -> set[tuple[str, str | None]]:
    """Return what an action is refused for, nothing if it is not."""
    try:
        action()
    except (InvalidInputError, PermissionDeniedError) as error:
        return codes(error.problems)
    return set()


class _TakeBackError(Exception):
    """End a session without keeping what it did."""


@contextmanager
def tried(workspace: Workspace) -> Iterator[Session]:
    """Give a session that leaves nothing behind."""
    with suppress(_TakeBackError), workspace.acting_as("ann") as session:
        yield session
        raise _TakeBackError


def by_create(workspace: Workspace, row: dict[str, str]) -> set[tuple[str, str | None]]:
    """Create the row."""
    with tried(workspace) as session:
        return refused(lambda: session.records("thing").create(row))


def by_update(workspace: Workspace, row: dict[str, str], record_id: str) -> set[tuple[str, str | None]]:
    """Change a record into the row."""
    with tried(workspace) as session:
        return refused(lambda: session.records("thing").update(record_id, row, version=1))


def by_import(workspace: Workspace, row: dict[str, str]) -> set[tuple[str, str | None]]:
    """Plan a workbook of the one row; what it resembles is news of imports alone."""
    file = BytesIO(workbook(list(row), [value or None for value in row.values()]))
    with workspace.acting_as("ann") as session:
        return codes(plan_import(session, "thing", file, duplicates="exact").rows[0].problems)


def by_approval(workspace: Workspace, wanted: Configuration, row: dict[str, str], record_id: str) -> Any:
    """Submit the row under lenient rules, make the rules strict, and approve it."""
    with workspace.acting_as("ann") as session:
        outcome = session.records("thing").update(record_id, row, version=1)
    assert isinstance(outcome, AwaitingApproval)
    with workspace.acting_as("ann") as session:
        live = session.configuration
        revision = live.change(attrs.evolve(wanted, version=live.current.version))
        assert revision.version == 2
    with workspace.acting_as("bob") as session:
        return refused(lambda: session.approvals.approve(outcome.request.id))


def with_things(configuration: Configuration, baseline: dict[str, str]) -> tuple[Workspace, str]:
    """Return a workspace with a record that has the unique value, and one to be changed."""
    workspace = opened(LENIENT)
    with workspace.acting_as("ann") as session:
        session.records("thing").create({"title": "abc", "code": "taken"})
        outcome = session.records("thing").create(baseline)
        assert isinstance(outcome, Applied)
    if configuration is not LENIENT:
        with workspace.acting_as("ann") as session:
            session.configuration.change(configuration)
    return workspace, outcome.record.id


BASELINE = {
    "title": "base",
    "code": "B",
    "phone": "13900000009",
    "size": "1",
    "price": "1",
    "begins": "2023-01-01",
    "ends": "2023-06-01",
    "colour": "green",
    "note": "z",
}
"""A value in every field, and none that a row has: what a record has from earlier times may stay."""


@settings(max_examples=60)
@given(strict(), ROWS)
def test_the_same_row_is_refused_alike_by_every_door(configuration: Configuration, row: dict[str, str]) -> None:
    """Created, imported, edited, or approved under rules that came meanwhile: the codes and fields are the same."""
    # A blank cell leaves a field as it is, where a form clears it: for a retired field that is not the same.
    row = {key: value for key, value in row.items() if value or not configuration.modules["thing"].fields[key].retired}
    if configuration == LENIENT or not any(row.values()):
        return
    workspace, record_id = with_things(configuration, BASELINE)
    created = by_create(workspace, row)
    assert by_import(workspace, row) == created
    assert by_update(workspace, row, record_id) == created
    lenient, other = with_things(LENIENT, BASELINE)
    assert by_approval(lenient, configuration, row, other) == created


def test_the_doors_tell_rows_apart() -> None:
    """The comparison is not empty: a sound row passes every door, and a wrong one is refused for what is wrong."""
    configuration = LENIENT.change_field("thing", "title", required=True).change_field(
        "thing", "size", rules=(Range(1, 9),)
    )
    sound = dict.fromkeys(("code", "phone", "price", "begins", "ends", "colour", "note"), "") | {
        "title": "abc",
        "size": "3",
    }
    wrong = sound | {"title": "", "size": "12"}
    expected = {("required", "title"), ("too_large", "size")}
    for row, codes_ in ((sound, set()), (wrong, expected)):
        workspace, record_id = with_things(configuration, BASELINE)
        assert by_import(workspace, row) == codes_
        assert by_create(workspace, row) == codes_
        assert by_update(workspace, row, record_id) == codes_
        lenient, other = with_things(LENIENT, BASELINE)
        assert by_approval(lenient, configuration, row, other) == codes_

"""What a policy lets somebody reach is the same in a store as in memory, for generated policies and records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, timedelta
from typing import Any, get_args

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custinfo import PermissionDeniedError, Workspace
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.binding import bind
from custinfo.core.configuration import Configuration
from custinfo.core.criteria import Criterion, F, Tagged
from custinfo.core.criteria.evaluate import compile_predicate
from custinfo.core.criteria.nodes import Everything, all_of
from custinfo.core.fields import FieldDefinition, Inheritance, ModuleDefinition
from custinfo.core.organisation import Assignment, Department, Deputy, Member, Organisation, Position
from custinfo.core.permission import Policy
from custinfo.core.policy.access import Verdict
from custinfo.core.policy.grants import Action, Fields, Grant, Role, Scope
from custinfo.core.records import FieldKey, Record, Share
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension
from custinfo.ports import Query, Units
from custinfo.testing import make_record, record_id
from custinfo.testing._samples import NOW
from tests.databases import MARIADB, POSTGRESQL, throw_away_units

ROLES, NODES, PEOPLE = ("r", "s"), ("a", "b", "c", "d"), ("ann", "bob")
ACTIONS: tuple[Action, ...] = ("view", "edit", "create", "transfer", "decrypt", "share")
KEYS = ("x", "y", "z", "owner", "tags", "shares")
SCOPES: tuple[Scope, ...] = get_args(Scope)


def fields(*more: FieldDefinition) -> tuple[FieldDefinition, ...]:
    """Return the fields that both modules have, and more."""
    return (
        FieldDefinition("x", "text", indexed=True),
        FieldDefinition("y", "date"),
        FieldDefinition("z", "text", sensitivity="sensitive", encrypted=True),
        *more,
    )


def modules(level: Any) -> tuple[ModuleDefinition, ...]:
    """Return a parent and a child, which inherits or not."""
    up = FieldDefinition("up", "reference", options={"module": "parent"}, indexed=True)
    inherits = () if level is None else (Inheritance("up", level),)
    return (
        ModuleDefinition("parent", fields()),
        ModuleDefinition("child", fields(up), inherits=inherits),
    )


CONDITIONS: st.SearchStrategy[Criterion | None] = st.sampled_from(
    [None, None, F.x == "1", ~(F.x == "1"), F.y.within(days=3), Tagged("d"), ~F.owner.is_present()]
)
FAR: st.SearchStrategy[Criterion | None] = st.one_of(
    CONDITIONS, st.sampled_from([F.up.x == "1", ~F.up.owner.is_present()])
)
NAMES = st.lists(st.sampled_from(KEYS), max_size=3).map(tuple)
FIELDS = st.builds(Fields, NAMES, st.booleans(), NAMES)


def grants(module: str) -> st.SearchStrategy[Grant]:
    """Make grants on a module."""
    return st.builds(
        Grant,
        st.sampled_from(ROLES),
        st.just(module),
        st.frozensets(st.sampled_from(ACTIONS), min_size=1),
        st.sampled_from(SCOPES),
        st.sampled_from([None, None, "up"]) if module == "child" else st.none(),
        FAR if module == "child" else CONDITIONS,
        FIELDS,
        FIELDS,
        st.dictionaries(st.sampled_from(["x", "z"]), st.just("full"), max_size=1),
        st.lists(st.sampled_from(NODES), max_size=2).map(tuple),
    )


GRANTS = st.sampled_from(["parent", "child"]).flatmap(grants)
POLICIES = st.lists(GRANTS, max_size=4)
SHARES = st.dictionaries(
    st.sampled_from([("member", "ann"), ("member", "bob"), ("role", "r"), ("department", "a"), ("department", "c")]),
    st.tuples(
        st.sampled_from(["read", "collaborate"]),
        st.sampled_from([None, NOW, NOW + timedelta(microseconds=1), NOW - timedelta(days=1)]),
    ),
    max_size=2,
).map(lambda found: [Share(*who, *rest) for who, rest in found.items()])  # type: ignore[arg-type]


@st.composite
def organisations(draw: st.DrawFn) -> Organisation:
    """Draw a small tree of departments and teams, and two people with up to two positions each."""
    departments = []
    for number, key in enumerate(NODES):
        parent = draw(st.sampled_from([None, *NODES[:number]]))
        kind: Any = draw(st.sampled_from(["department", "team"]))
        departments.append(Department(key, key.upper(), parent, kind))
    held = st.lists(st.builds(Assignment, st.sampled_from(NODES), st.sampled_from(ROLES)), max_size=2).map(tuple)
    members = tuple(Member(key, key, draw(held)) for key in PEOPLE)
    return Organisation(tuple(departments), tuple(Position(role, role, (role,)) for role in ROLES), members)


@st.composite
def stored(draw: st.DrawFn) -> list[Record]:
    """Draw up to three parents and three children."""
    found = []
    for number in range(draw(st.integers(1, 3)) + draw(st.integers(1, 3))):
        child = number > 2
        values: dict[str, Any] = draw(
            st.fixed_dictionaries(
                {}, optional={"x": st.sampled_from("12"), "y": st.just(NOW.date() - timedelta(days=1))}
            )
        )
        if child:
            values |= draw(st.fixed_dictionaries({}, optional={"up": st.integers(0, 4).map(record_id)}))
        found.append(
            make_record(
                number,
                values,
                module="child" if child else "parent",
                owner=draw(st.sampled_from([*PEOPLE, None])),
                department=draw(st.sampled_from([*NODES, None])),
                tags=draw(st.sampled_from([(), (("d", "t"),)])),
                shares=draw(SHARES),
            )
        )
    return found


def schema_of(directory: Organisation, policy: list[Grant], level: Any) -> Schema:
    """Return a configuration with a policy."""
    configuration = Configuration(
        modules(level),
        tag_dimensions=(TagDimension("d", ("t",)),),
        roles=tuple(map(Role, ROLES)),
        grants=tuple(policy),
    )
    return Schema(configuration, directory, UTC)


DEPUTIES = st.sampled_from(
    [None, None, Deputy("bob", "ann", roles=("r",)), Deputy("bob", "ann", actions=frozenset({"view", "edit"}))]
)


class _EnoughError(Exception):
    """Ends an example: what it saved is taken back."""


def following(records: list[Record]) -> Any:
    """Return what follows references."""
    known = {record.id: record for record in records if record.module == "parent"}

    def related(record: Record, key: FieldKey) -> Record | None:
        return known.get(record.values.get(key))  # type: ignore[arg-type]

    return related


def check(units: Units, schema: Schema, records: list[Record], deputy: Deputy | None) -> None:
    """Compare what a store finds with the verdicts, for each action and each field."""
    related = following(records)

    def ask() -> None:
        with unit.atomic():
            unit.records.save(records)
            for module in ("parent", "child"):
                access = Policy(schema).access("ann", module, NOW, deputy)
                verdicts = {item.id: access.verdict(item, related) for item in records if item.module == module}
                for action in ACTIONS:
                    found = {item.id for item in unit.queries.find(Query(module, access.reach(action)))}
                    assert found == {key for key, verdict in verdicts.items() if action in verdict.actions}, action
                for field in KEYS:
                    criterion = access.readable_where(field)
                    found = {item.id for item in unit.queries.find(Query(module, criterion))}
                    assert found == {key for key, verdict in verdicts.items() if field in verdict.readable}, field
                    assert unit.queries.count(Query(module, criterion)) == len(found)
            raise _EnoughError

    with units.begin(schema, "tenant") as unit, suppress(_EnoughError):
        ask()


LEVELS = st.sampled_from([None, "view", "edit"])
checks = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Units]:
    """Open SQLite in memory."""
    with throw_away_units("sqlite://") as units:
        yield units


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Units]:
    """Open PostgreSQL."""
    with throw_away_units(POSTGRESQL) as units:
        yield units


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Units]:
    """Open MariaDB."""
    with throw_away_units(MARIADB) as units:
        yield units


@settings(checks, max_examples=60)
@given(organisations(), POLICIES, LEVELS, stored(), DEPUTIES)
def test_memory(directory: Organisation, policy: list[Grant], level: Any, records: list[Record], deputy: Any) -> None:
    """The store in memory finds what the verdicts say."""
    check(MemoryUnits(), schema_of(directory, policy, level), records, deputy)


@settings(checks, max_examples=100)
@given(organisations(), POLICIES, LEVELS, stored(), DEPUTIES)
def test_sqlite(
    sqlite: Units, directory: Organisation, policy: list[Grant], level: Any, records: list[Record], deputy: Any
) -> None:
    """SQLite finds what the verdicts say."""
    check(sqlite, schema_of(directory, policy, level), records, deputy)


@settings(checks, max_examples=25)
@given(organisations(), POLICIES, LEVELS, stored(), DEPUTIES)
def test_postgresql(
    postgresql: Units, directory: Organisation, policy: list[Grant], level: Any, records: list[Record], deputy: Any
) -> None:
    """PostgreSQL finds what the verdicts say."""
    check(postgresql, schema_of(directory, policy, level), records, deputy)


@settings(checks, max_examples=25)
@given(organisations(), POLICIES, LEVELS, stored(), DEPUTIES)
def test_mariadb(
    mariadb: Units, directory: Organisation, policy: list[Grant], level: Any, records: list[Record], deputy: Any
) -> None:
    """MariaDB finds what the verdicts say."""
    check(mariadb, schema_of(directory, policy, level), records, deputy)


LEAF: st.SearchStrategy[tuple[Criterion, tuple[tuple[str, ...], ...]]] = st.sampled_from(
    [
        (Everything(), ()),
        (F.x == "1", (("x",),)),
        (~(F.x == "1"), (("x",),)),
        (F.y.is_present(), (("y",),)),
        (F.owner == "ann", (("owner",),)),
        (Tagged("d"), (("tags",),)),
        *[(F.up.x == "1", (("up",), ("up", "x")))] * 4,
        (~F.up.owner.is_present(), (("up",), ("up", "owner"))),
    ]
)
"""A question about children, and what it reads of each."""
QUESTIONS = st.lists(LEAF, min_size=1, max_size=2).map(
    lambda found: (all_of([item[0] for item in found]), [path for item in found for path in item[1]])
)
Question = tuple[Criterion, list[tuple[str, ...]]]


ASKING = st.builds(
    lambda policy, child, parent, scope: [
        *policy,
        Grant("r", "child", frozenset({"view"}), "all", view=Fields(everything=True, excluded=child)),
        Grant("r", "parent", frozenset({"view"}), scope, view=parent),
    ],
    st.lists(GRANTS, max_size=2),
    NAMES,
    FIELDS,
    st.sampled_from(["own", "all", "all"]),
)
"""Policies under which there is something to ask for."""


PEOPLES = organisations().map(
    lambda found: attrs.evolve(
        found,
        members=found.members.set(
            "ann",
            attrs.evolve(found.members["ann"], assignments=(*found.members["ann"].assignments, Assignment("a", "r"))),
        ),
    )
)
"""Organisations in which Ann has the role."""


def sound(policy: list[Grant]) -> list[Grant]:
    """Return grants that a configuration takes: departments are listed where the scope is about them."""
    listed = {"departments": 1, "pool": 0}
    return [
        attrs.evolve(grant, departments=(grant.departments or ("a",) * listed[grant.scope]))
        if grant.scope in listed
        else attrs.evolve(grant, departments=())
        for grant in policy
    ]


def answered(
    schema: Schema, records: list[Record], deputy: Deputy | None, question: Question
) -> dict[str, frozenset[FieldKey]]:
    """Return by memory alone which children an answer has, each with the fields that show something."""
    policy, related = Policy(schema), following(records)
    verdicts = {item.id: policy.access("ann", item.module, NOW, deputy).verdict(item, related) for item in records}
    criterion, paths = question
    holds = compile_predicate(bind(criterion, "child", schema, NOW))

    def reads(record: Record, path: tuple[str, ...]) -> bool:
        if len(path) == 1:
            return path[0] in verdicts[record.id].readable
        target = related(record, path[0])
        return target is not None and "view" in verdicts[target.id].actions and path[1] in verdicts[target.id].readable

    return {
        item.id: verdicts[item.id].readable | verdicts[item.id].masked.keys()
        for item in records
        if item.module == "child"
        and "view" in verdicts[item.id].actions
        and all(reads(item, path) for path in paths)
        and holds(item, related)
    }


def ask(units: Units, schema: Schema, records: list[Record], deputy: Deputy | None, question: Question) -> None:
    """Compare what a session finds, counts and shows with what follows from the verdicts."""
    people = schema.directory
    assert isinstance(people, Organisation)
    workspace = Workspace(
        schema.configuration,
        units=units,
        organisation=attrs.evolve(people, deputies=() if deputy is None else (deputy,)),
        clock=lambda: NOW,
        tenant="tenant",
    )
    expected = answered(schema, records, deputy, question)

    def compare() -> None:
        with workspace.acting_as(
            "ann" if deputy is None else "bob", on_behalf_of=None if deputy is None else "ann"
        ) as session:
            session.context.unit.records.save(records)
            children = session.records("child")
            try:
                found = children.find(question[0], limit=None).records
                counted = children.count(question[0])
            except PermissionDeniedError:
                assert expected == {}
                raise _EnoughError from None
            assert {view.id: view.visible for view in found} == expected
            assert counted == len(expected)
            raise _EnoughError

    with suppress(_EnoughError):
        compare()


@settings(checks, max_examples=50)
@given(PEOPLES, ASKING, LEVELS, stored(), DEPUTIES, QUESTIONS)
def test_questions_in_memory(
    directory: Organisation, policy: list[Grant], level: Any, records: list[Record], deputy: Any, question: Question
) -> None:
    """A question finds, counts and shows what the verdicts on single records and on what they refer to say."""
    ask(MemoryUnits(), schema_of(directory, sound(policy), level), records, deputy, question)


@settings(checks, max_examples=50)
@given(PEOPLES, ASKING, LEVELS, stored(), DEPUTIES, QUESTIONS)
def test_questions_in_sqlite(
    sqlite: Units,
    directory: Organisation,
    policy: list[Grant],
    level: Any,
    records: list[Record],
    deputy: Any,
    question: Question,
) -> None:
    """So it does in SQL."""
    ask(sqlite, schema_of(directory, sound(policy), level), records, deputy, question)


@settings(checks, max_examples=10)
@given(PEOPLES, ASKING, LEVELS, stored(), DEPUTIES, QUESTIONS)
def test_questions_in_postgresql(
    postgresql: Units,
    directory: Organisation,
    policy: list[Grant],
    level: Any,
    records: list[Record],
    deputy: Any,
    question: Question,
) -> None:
    """So it does on a server."""
    ask(postgresql, schema_of(directory, sound(policy), level), records, deputy, question)


def wider(more: Verdict, less: Verdict) -> bool:
    """Tell whether a verdict allows all that another does."""
    return (
        more.actions >= less.actions
        and more.readable >= less.readable
        and more.readable | more.masked.keys() >= less.masked.keys()
        and more.editable >= less.editable
        and more.creatable >= less.creatable
    )


@settings(checks, max_examples=200)
@given(organisations(), POLICIES, GRANTS, st.integers(0, 4), LEVELS, stored(), DEPUTIES)
def test_grants_only_widen(
    directory: Organisation, policy: list[Grant], grant: Grant, at: int, level: Any, records: list[Record], deputy: Any
) -> None:
    """Adding a grant never takes anything away, and so removing one never gives; nor does a deputy have more."""
    related = following(records)
    less, more = (
        Policy(schema_of(directory, grants, level)) for grants in (policy, [*policy[:at], grant, *policy[at:]])
    )
    for record in records:
        before = less.access("ann", record.module, NOW, deputy).verdict(record, related)
        assert wider(more.access("ann", record.module, NOW, deputy).verdict(record, related), before)
        assert wider(less.access("ann", record.module, NOW).verdict(record, related), before)

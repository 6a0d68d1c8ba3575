"""Policies as a whole: comparing and examining them agrees with what they allow, on generated policies and records."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from custinfo import Configuration, Entitlement, Grant, Organisation, Record, Role, policy_diff, policy_lint
from custinfo.core.criteria import Compare, Contains, Criterion, Everything, Has, Not, OneOf, Present, Tagged
from custinfo.core.criteria.evaluate import compile_predicate, no_related
from custinfo.core.criteria.implying import contradicts, implies
from custinfo.core.criteria.nodes import AllOf, AnyOf, Nothing
from custinfo.core.fields import FieldDefinition, Inheritance, ModuleDefinition
from custinfo.core.permission import Policy
from custinfo.core.policy.access import Verdict
from custinfo.core.review.entitlements import Rows, entitlements, widest
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension
from custinfo.testing._samples import make_record
from tests.property.test_access import (
    CONDITIONS,
    FIELDS,
    GRANTS,
    MODULE,
    POLICIES,
    ROLES,
    access,
    following,
    organisations,
    records,
    wider,
)

SOME_TIME = datetime(2024, 3, 15, tzinfo=UTC)
WRITTEN = frozenset({"x", "y", "z"})
"""Fields that people write; what the system sets is no part of the comparison."""


def configured(grants: list[Grant]) -> Configuration:
    """Return a configuration of one module with these grants."""
    return Configuration(
        (MODULE,), roles=tuple(map(Role, ROLES)), grants=tuple(grants), tag_dimensions=(TagDimension("d", open=True),)
    )


SCOPES: Any = ("own", "team", "department", "subtree", "all")


@st.composite
def revised(draw: st.DrawFn, grant: Grant) -> Grant:
    """Draw a grant that differs from another one in its scope, its condition or its fields, as revised policies do."""
    match draw(st.sampled_from(["scope", "condition", "view", "mask", "nothing"])):
        case "scope":
            return attrs.evolve(grant, scope=draw(st.sampled_from(SCOPES)))
        case "condition":
            return attrs.evolve(grant, condition=draw(CONDITIONS))
        case "view":
            return attrs.evolve(grant, view=draw(FIELDS))
        case "mask":
            return attrs.evolve(grant, mask={}) if grant.mask else attrs.evolve(grant, mask={"y": "full"})
        case _:
            return grant


@st.composite
def policy_pairs(draw: st.DrawFn) -> tuple[list[Grant], list[Grant]]:
    """Draw a policy, and one that was made from it."""
    before = draw(st.lists(GRANTS, min_size=1, max_size=4))
    after = [draw(revised(grant)) for grant in before if draw(st.integers(0, 4))]
    return before, [*after, *draw(st.lists(GRANTS, max_size=1))]


def writable(verdict: Verdict) -> Verdict:
    """Leave out the writing of what the system sets."""
    creatable = verdict.creatable & (WRITTEN | {"owner"})
    return attrs.evolve(verdict, editable=verdict.editable & WRITTEN, creatable=creatable)


def as_grants(parts: Iterable[Entitlement]) -> list[Grant]:
    """Return entitlements as grants, each of which has one."""
    grants = [part.as_grant() for part in parts]
    assert None not in grants
    return [grant for grant in grants if grant is not None]


def allowed(grants: list[Grant], directory: Organisation, record: Record, target: Record) -> Verdict:
    """Return what ann may do with a record."""
    return writable(access(grants, directory).verdict(record, following(target)))


@given(POLICIES)
def test_a_policy_does_not_differ_from_itself(grants: list[Grant]) -> None:
    """Nor from itself in another order, or with a grant said twice."""
    one = configured(grants)
    for other in (grants, grants[::-1], grants + grants[:1]):
        difference = policy_diff(one, configured(other))
        assert not difference
        assert (difference.gains, difference.losses, difference.changes) == ((), (), ())


@given(policy_pairs(), organisations())
def test_one_way_mirrors_the_other(pair: tuple[list[Grant], list[Grant]], directory: Organisation) -> None:
    """What is gained one way is lost the other way, for roles and for members."""
    before, after = pair
    there = policy_diff(configured(before), configured(after), organisation=directory)
    back = policy_diff(configured(after), configured(before), organisation=directory)
    assert (there.gains, there.losses) == (back.losses, back.gains)
    assert [(item.before, item.after) for item in there.changes] == [(item.after, item.before) for item in back.changes]
    assert {item.member: (item.gains, item.losses) for item in there.members} == {
        item.member: (item.losses, item.gains) for item in back.members
    }


@given(policy_pairs(), organisations(), records(), records())
def test_gains_are_what_is_missing(
    pair: tuple[list[Grant], list[Grant]], directory: Organisation, record: Record, target: Record
) -> None:
    """A policy with the gains added allows all that the other one does, and no more than the two together."""
    before, after = pair
    difference = policy_diff(configured(before), configured(after))
    new = allowed(after, directory, record, target)
    reached = allowed(before + as_grants(difference.gains), directory, record, target)
    both = allowed(before + after, directory, record, target)
    assert wider(reached, new)
    assert wider(both, reached)


@given(policy_pairs(), organisations(), records(), records())
def test_who_is_not_named_gains_nothing(
    pair: tuple[list[Grant], list[Grant]], directory: Organisation, record: Record, target: Record
) -> None:
    """A member gains something on a record only by a gain of theirs that is about it."""
    before, after = pair
    difference = policy_diff(configured(before), configured(after), organisation=directory)
    gains = [gain for item in difference.members if item.member == "ann" for gain in item.gains]
    new = allowed(after, directory, record, target)
    reached = allowed(before + as_grants(gains), directory, record, target)
    assert wider(reached, new)


@given(POLICIES, organisations(), records(), records())
def test_the_widest_parts_are_the_policy(
    grants: list[Grant], directory: Organisation, record: Record, target: Record
) -> None:
    """A policy taken apart, and without what is said twice, allows the same."""
    schema = Schema(configured(grants), directory, UTC)
    parts = widest(entitlements(schema))
    again = allowed(as_grants(parts), directory, record, target)
    whole = allowed(grants, directory, record, target)
    assert wider(again, whole)
    assert wider(whole, again)
    assert not [one for one in parts for other in parts if one is not other and other.covers(one)]


@given(POLICIES, organisations(), records(), records())
def test_what_lint_calls_superfluous_can_go(
    grants: list[Grant], directory: Organisation, record: Record, target: Record
) -> None:
    """Grants that are covered or never match, and masks without effect, make no difference."""
    found = policy_lint(configured([grant for grant in grants if grant.through is None]), organisation=directory)
    kept = [grant for grant in grants if grant.through is None]
    before = allowed(kept, directory, record, target)
    gone = {place_of(problem) for problem in found if problem.code in ("grant_covered", "grant_never_matches")}
    for problem in found:
        if problem.code == "mask_without_effect":
            place = place_of(problem)
            masks = {key: style for key, style in kept[place].mask.items() if key != problem.field}
            view = attrs.evolve(kept[place].view, excluded=(*kept[place].view.excluded, str(problem.field)))
            kept[place] = attrs.evolve(kept[place], mask=masks, view=view)
    rest = [grant for place, grant in enumerate(kept) if place not in gone]
    after = allowed(rest, directory, record, target)
    assert wider(after, before)
    assert wider(before, after)


CHILD = ModuleDefinition(
    "c",
    (FieldDefinition("note", "text"), FieldDefinition("ref", "reference", options={"module": "m"})),
    inherits=(Inheritance("ref", "edit"),),
)


@given(policy_pairs(), organisations(), records(), st.booleans())
def test_what_follows_from_a_parent_is_compared(
    pair: tuple[list[Grant], list[Grant]], directory: Organisation, target: Record, mine: bool
) -> None:
    """Who gains nothing in a module that inherits may do nothing new with its records."""
    configurations = [configured(grants).with_modules(CHILD) for grants in pair]
    difference = policy_diff(*configurations, organisation=directory)
    record = make_record(2, {"ref": "x"}, module="c", owner="ann" if mine else None)
    old, new = (
        Policy(Schema(item, directory, UTC)).access("ann", "c", SOME_TIME).verdict(record, following(target))
        for item in configurations
    )
    gains = {part.about[1:] for item in difference.members if item.member == "ann" for part in item.gains}
    losses = {part.about[1:] for item in difference.members if item.member == "ann" for part in item.losses}
    for one, other, named in ((old, new, gains), (new, old, losses)):
        assert {("c", action, None) for action in other.actions - one.actions} <= named
        assert {("c", "view", key) for key in other.readable - one.readable} <= named
        assert {("c", "edit", "note") for key in other.editable - one.editable if key == "note"} <= named


def place_of(problem: Any) -> int:
    """Return the place of the grant that a finding is about."""
    return int(str(problem.params["path"]).split("[")[1].split("]")[0])


@given(GRANTS.flatmap(lambda grant: st.tuples(st.just(grant), revised(grant))), organisations(), records(), records())
def test_rows_that_cover_others_include_them(
    pair: tuple[Grant, Grant], directory: Organisation, record: Record, target: Record
) -> None:
    """What the wider of two grants is about includes what the narrower one is about."""
    view: frozenset[Any] = frozenset({"view"})
    wide, narrow = (attrs.evolve(grant, role="r", actions=view) for grant in pair)
    schema = Schema(configured([wide, narrow]), directory, UTC)
    first, second = (entitlements(schema, [grant])[0].rows for grant in (wide, narrow))
    assert isinstance(first, Rows)
    if first.covers(second):
        seen, seen_less = (allowed([grant], directory, record, target).actions for grant in (wide, narrow))
        assert seen >= seen_less


PATHS = st.sampled_from([("x",), ("y",)])
VALUES = st.sampled_from(["1", "2", "v"])
LEAVES: st.SearchStrategy[Criterion] = st.one_of(
    st.builds(Compare, PATHS, st.sampled_from(["eq", "ne", "lt", "ge"]), VALUES),
    st.builds(OneOf, PATHS, st.lists(VALUES, max_size=2, unique=True).map(tuple)),
    st.builds(Contains, PATHS, VALUES),
    st.builds(Present, PATHS),
    st.builds(Has, st.just(("x",)), VALUES),
    st.sampled_from([Tagged("d"), Tagged("d", "t"), Tagged("d", "u"), Everything(), Nothing()]),
)
CRITERIA = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(CRITERIA, CRITERIA, records())
def test_a_criterion_that_implies_another_is_narrower(one: Criterion, other: Criterion, record: Record) -> None:
    """Where the narrow one holds, the wide one does; and what contradicts itself never holds."""
    holds = compile_predicate(one)(record, no_related)
    if implies(one, other):
        assert compile_predicate(other)(record, no_related) or not holds
    if contradicts(one):
        assert not holds
    assert implies(one, one)
    assert implies(one & other, one)
    assert implies(one, one | other)


def test_entitlements_are_values() -> None:
    """An entitlement can be compared, hashed, and made a grant again."""
    schema = Schema(configured([Grant("r", "m", frozenset({"view"}), mask={"y": ""})]), Organisation((), (), ()), UTC)
    parts = entitlements(schema)
    assert {(part.action, part.field, part.mask) for part in parts} == {("view", None, None), ("view", "y", "name")}
    assert len(set(parts)) == 2
    assert all(isinstance(part, Entitlement) for part in parts)
    assert entitlements(schema, as_grants([parts[1]]))[1] == parts[1]

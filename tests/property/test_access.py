"""What holds for every policy: grants only widen, and rows and verdicts agree."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.criteria import Compare, Criterion, Present, Tagged
from custinfo.core.criteria.evaluate import compile_predicate
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.kinds.masks import mask
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.policy.access import Access, Verdict, compile_access
from custinfo.core.policy.grants import Fields, Grant
from custinfo.core.records import FieldKey, Record
from custinfo.testing._samples import make_record

ROLES, NODES, PEOPLE = ("r", "s"), ("a", "b", "c", "d"), ("ann", "bob")
ACTIONS = ("view", "edit", "create", "transfer")
MODULE = ModuleDefinition(
    "m",
    (
        FieldDefinition("x", "text"),
        FieldDefinition("y", "text", mask="name"),
        FieldDefinition("z", "text", sensitivity="sensitive"),
    ),
)
KEYS = ("x", "y", "z", "owner", "tags")
STYLES = ("full", "last4", "keep:3,0", "name", "")
VALUES = ("13812345678", "张三", "alice@example.com", "1234")

CONDITIONS: st.SearchStrategy[Criterion | None] = st.sampled_from(
    [None, Compare(("x",), "eq", "1"), Compare(("x",), "ne", "1"), Present(("y",)), Tagged("d"), ~Present(("y",))]
)
NAMES = st.lists(st.sampled_from(KEYS), max_size=3).map(tuple)
FIELDS = st.builds(Fields, NAMES, st.booleans(), NAMES)
GRANTS = st.builds(
    Grant,
    st.sampled_from(ROLES),
    st.just("m"),
    st.frozensets(st.sampled_from(ACTIONS), min_size=1),
    st.sampled_from(["own", "team", "department", "subtree", "all"]),
    st.sampled_from([None, None, "ref"]),
    CONDITIONS,
    FIELDS,
    FIELDS,
    st.dictionaries(st.sampled_from(["x", "y", "z"]), st.sampled_from(STYLES), max_size=2),
)


@st.composite
def organisations(draw: st.DrawFn) -> Organisation:
    """Draw a small tree of departments and teams, and two people with up to two positions each."""
    departments = []
    for number, key in enumerate(NODES):
        parent = draw(st.sampled_from([None, *NODES[:number]]))
        kind: Any = draw(st.sampled_from(["department", "team"]))
        departments.append(Department(key, key.upper(), parent, kind))
    assignments = st.lists(st.builds(Assignment, st.sampled_from(NODES), st.sampled_from(ROLES)), max_size=2).map(tuple)
    members = tuple(Member(key, key, draw(assignments)) for key in PEOPLE)
    return Organisation(tuple(departments), tuple(Position(role, role, (role,)) for role in ROLES), members)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Draw a record with some values, owner and department."""
    values = draw(st.fixed_dictionaries({}, optional={"x": st.sampled_from("12"), "y": st.just("v")}))
    owner = draw(st.sampled_from([*PEOPLE, None]))
    department = draw(st.sampled_from([*NODES, None]))
    tags = draw(st.sampled_from([(), (("d", "t"),)]))
    return make_record(1, values, module="m", owner=owner, department=department, tags=tags)


def access(grants: list[Grant], directory: Organisation) -> Access:
    """Compile a policy for ann; the conditions are written bound."""
    conditions = {grant.condition: grant.condition for grant in grants if grant.condition is not None}
    return compile_access("ann", MODULE, grants, directory, conditions)


def following(target: Record) -> Any:
    """Return what follows the reference to the target."""

    def related(_record: Record, key: FieldKey) -> Record | None:
        return target if key == "ref" else None

    return related


POLICIES = st.lists(GRANTS, max_size=4)


def covers(grant: Grant, record: Record, target: Record, directory: Organisation) -> bool:
    """Tell plainly whether a grant of ann's covers a record, for scopes that need no search for the department."""
    looked_at = target if grant.through else record
    held = [department for role, department in directory.roles_of("ann") if role == grant.role]
    if not held:
        return False
    match grant.scope:
        case "all":
            return True
        case "own":
            return looked_at.owner == "ann"
        case "team":
            return looked_at.department in held
        case _:
            node = looked_at.department
            while node is not None:
                if node in held:
                    return True
                node = directory.departments[node].parent
            return False


@given(organisations(), POLICIES, records(), records())
def test_rows_and_verdicts_agree(directory: Organisation, grants: list[Grant], record: Record, target: Record) -> None:
    """What the store filters by and what memory says are the same, for actions and for each field."""
    compiled, related = access(grants, directory), following(target)
    verdict = compiled.verdict(record, related)
    for action in ACTIONS:
        reached = bool(compile_predicate(compiled.reach(action))(record, related))  # type: ignore[arg-type]
        assert reached is (action in verdict.actions)
        assert compiled.may(action) or not reached  # type: ignore[arg-type]
    for key in KEYS:
        readable = bool(compile_predicate(compiled.readable_where(key))(record, related))
        assert readable is (key in verdict.readable)
        assert (verdict.field(key) == "readable") is readable
    assert not verdict.masked.keys() & verdict.readable
    assert verdict.readable | verdict.masked.keys() <= compiled.visible_fields()
    assert verdict.editable | verdict.creatable <= compiled.writable_fields()


@given(organisations(), POLICIES, records(), records())
def test_every_grant_means_what_it_says(
    directory: Organisation, grants: list[Grant], record: Record, target: Record
) -> None:
    """The allowed actions are those of the grants whose scope and condition hold, looked at one by one."""
    plain = [grant for grant in grants if grant.scope != "department"]
    related = following(target)
    expected: set[str] = set()
    for grant in plain:
        holds = grant.condition is None or compile_predicate(grant.condition)(record, related)
        if holds and covers(grant, record, target, directory):
            expected |= grant.actions
    assert access(plain, directory).verdict(record, related).actions == expected


def shown(verdict: Verdict, key: FieldKey, value: str) -> int:
    """Return how many characters of a value show."""
    if key in verdict.readable:
        return len(value)
    found = Counter(mask(verdict.masked[key], value)) if key in verdict.masked else Counter[str]()
    return (found & Counter(value)).total()


def wider(more: Verdict, less: Verdict) -> bool:
    """Tell whether a verdict allows all that another does, and shows as much of what is masked."""
    return (
        more.actions >= less.actions
        and more.readable >= less.readable
        and more.readable | more.masked.keys() >= less.masked.keys()
        and all(shown(more, key, value) >= shown(less, key, value) for key in less.masked for value in VALUES)
        and more.editable >= less.editable
        and more.creatable >= less.creatable
    )


@given(organisations(), POLICIES, GRANTS, st.integers(0, 4), records(), records())
def test_grants_only_widen(
    directory: Organisation, grants: list[Grant], grant: Grant, at: int, record: Record, target: Record
) -> None:
    """Adding a grant anywhere never takes anything away."""
    related = following(target)
    before = access(grants, directory).verdict(record, related)
    after = access([*grants[:at], grant, *grants[at:]], directory).verdict(record, related)
    assert wider(after, before)


@given(organisations(), POLICIES, records(), st.randoms(use_true_random=False))
def test_the_order_of_grants_does_not_matter(
    directory: Organisation, grants: list[Grant], record: Record, random: Any
) -> None:
    """A policy is a set, whatever the styles of its masks."""
    shuffled = list(grants)
    random.shuffle(shuffled)
    related = following(attrs.evolve(record))
    one = access(grants, directory).verdict(record, related)
    other = access(shuffled, directory).verdict(record, related)
    assert one == other


HELD = Organisation(
    (Department("a", "A"),), (Position("r", "r", ("r",)),), (Member("ann", "ann", (Assignment("a", "r"),)),)
)
MASKING = st.sampled_from(STYLES).map(lambda style: Grant("r", "m", frozenset({"view"}), "all", mask={"y": style}))


@given(st.lists(MASKING, min_size=1, max_size=3), MASKING, st.integers(0, 3), st.sampled_from(VALUES))
def test_another_mask_never_hides_more(grants: list[Grant], grant: Grant, at: int, value: str) -> None:
    """Of several masks the one counts that shows most, wherever the grants stand."""
    record, related = make_record(1, {"y": value}, module="m"), following(make_record(2, {}, module="m"))
    before = access(grants, HELD).verdict(record, related)
    after = access([*grants[:at], grant, *grants[at:]], HELD).verdict(record, related)
    assert after == access([grant, *reversed(grants)], HELD).verdict(record, related)
    assert shown(after, "y", value) >= shown(before, "y", value)
    alone = access([grant], HELD).verdict(record, related)
    assert shown(after, "y", value) == max(shown(before, "y", value), shown(alone, "y", value))

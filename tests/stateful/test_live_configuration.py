"""Random changes of the configuration among random changes of records, on two stores, beside a naive model of both."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from custinfo import (
    ANY,
    CLEAR,
    Applied,
    Case,
    Classification,
    Configuration,
    ConfigurationPlan,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    InvalidInputError,
    ModuleDefinition,
    TagDimension,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant, Role
from custinfo.ports import Units
from custinfo.standard import sample_organisation
from custinfo.workspace.live_configuration import LiveConfiguration
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.test_importing import Rows

TEXTS = ("1", "12", "1.5", "2024-03-05", "x")
FORMS: Mapping[str, Mapping[str, Any]] = {
    "text": {text: text for text in TEXTS},
    "long_text": {text: text for text in TEXTS},
    "integer": {"1": 1, "12": 12},
    "decimal": {"1": Decimal(1), "12": Decimal(12), "1.5": Decimal("1.5")},
    "date": {"2024-03-05": date(2024, 3, 5)},
    "choice": {"1": "1", "12": "12", "x": "x"},
    "multiple_choice": {"1": ("1",), "12": ("12",), "x": ("x",)},
}
"""Kind → what people write → the value."""

ORDERED = ("text", "integer", "decimal", "date")
FORMULAS: Mapping[str, Callable[[int], int]] = {"n * 2": lambda n: n * 2, "n + 3": lambda n: n + 3}
CLASSES: Mapping[str, tuple[Case, ...]] = {
    "size": (Case(F.n >= 5, "big"),),
    "filled": (Case(F.x.is_present(), "filled"), Case(F.z.is_missing(), "bare")),
    "family": (Case(F.parent.n >= 5, "heir"), Case(F.parent.x.is_present(), "filled")),
    "sums": (Case(F.total >= 8, "big"), Case(F.parent.total >= 8, "heir")),
}
BY_RULE = ("big", "filled", "bare", "heir")
ADMIN = "zhoushi"
ROLE = "senior_administrator"
EVERYTHING: frozenset[Action] = frozenset({"view", "create", "edit", "archive", "tag", "import", "configure"})

Propose = Callable[[Configuration], Configuration]
Plan = Callable[[LiveConfiguration], ConfigurationPlan]

some = st.sampled_from


@attrs.frozen
class Shape:
    """The configuration as the model knows it."""

    kind: str = "text"
    unique_x: bool = False
    unique_z: bool = False
    sealed_z: bool = False
    retired: bool = False
    merged: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ("p", "q", "r")
    formula: str | None = None
    rule: str | None = None

    def value(self, text: str | None) -> Any:
        """Return what a text comes to; `None` where it has no place."""
        return FORMS[self.kind].get(self.live(text)) if text is not None else None

    def live(self, text: str) -> str:
        """Return a text with entries that were merged as they are now."""
        return dict(self.merged).get(text, text) if "choice" in self.kind else text


@attrs.define
class Thing:
    """A record as the model knows it; `x` is what people would write."""

    id: str
    name: str
    x: str | None = None
    z: str | None = None
    n: int | None = None
    parent: str | None = None
    total: int | None = None
    tags: frozenset[str] = frozenset()
    archived: bool = False
    seen: list[dict[str, Any]] = attrs.field(factory=list)
    seen_texts: list[tuple[Any, ...]] = attrs.field(factory=list)

    def values(self, shape: Shape) -> dict[str, Any]:
        """Return the typed values."""
        found = {"name": self.name, "x": shape.value(self.x), "z": self.z, "n": self.n}
        found |= {"parent": self.parent, "total": self.total}
        return {key: value for key, value in found.items() if value is not None}

    def strict(self, shape: Shape) -> dict[str, tuple[type, Any]]:
        """Return the typed values with their types, and the tags."""
        values: dict[str, Any] = {**self.values(shape), "tags": self.tags}
        return {key: (type(value), value) for key, value in values.items()}


@attrs.define
class Model:
    """Records and configuration in the plainest words."""

    shape: Shape = attrs.field(factory=Shape)
    things: dict[str, Thing] = attrs.field(factory=dict)

    def settle(self) -> None:
        """Work out everything that follows, again and again until nothing changes."""
        for _ in range(len(self.things) + 3):
            for thing in self.things.values():
                if self.shape.formula is not None:
                    thing.total = FORMULAS[self.shape.formula](thing.n) if thing.n is not None else None
                if self.shape.rule is not None:
                    given = {case.value for case in CLASSES[self.shape.rule]}
                    thing.tags = thing.tags - given | self.given(thing)

    def given(self, thing: Thing) -> set[str]:
        """Return the tags that follow from the rule."""
        parent = self.things.get(thing.parent or "") or Thing("", "")
        match self.shape.rule:
            case "size":
                found = {"big": (thing.n or 0) >= 5}
            case "filled":
                found = {"filled": thing.x is not None, "bare": thing.z is None}
            case "family":
                found = {"heir": (parent.n or 0) >= 5, "filled": parent.x is not None}
            case _:
                found = {"big": (thing.total or 0) >= 8, "heir": (parent.total or 0) >= 8}
        return {tag for tag, holds in found.items() if holds}

    def clashing(self) -> bool:
        """Tell whether live records share a value of a unique field."""
        live = [thing for thing in self.things.values() if not thing.archived]
        xs = Counter(self.shape.value(thing.x) for thing in live if thing.x is not None)
        zs = Counter(thing.z for thing in live if thing.z is not None)
        unique = [*(xs.values() if self.shape.unique_x else ()), *(zs.values() if self.shape.unique_z else ())]
        return any(number > 1 for number in unique)

    def take_down(self, before: Model, *, resealed: bool = False) -> None:
        """Add a version to each record that is another than before."""
        for key, thing in self.things.items():
            old = before.things.get(key)
            same = (
                old is not None
                and old.strict(before.shape) == thing.strict(self.shape)
                and old.archived == thing.archived
                and not (resealed and thing.z is not None)
            )
            if not same:
                thing.seen.append(thing.strict(self.shape))
                thing.seen_texts.append((thing.x, thing.z, thing.n, thing.parent, thing.tags))


class Ticking:
    """A clock that goes on by a second for each reading."""

    def __init__(self) -> None:
        self.seconds = itertools.count()

    def __call__(self) -> datetime:
        return datetime(2024, 3, 15, tzinfo=UTC) + timedelta(seconds=next(self.seconds))


class Counted:
    """Ids in order."""

    def __init__(self, first: int = 1) -> None:
        self.numbers = itertools.count(first)

    def __call__(self) -> str:
        return f"01900000-0000-7000-8000-{next(self.numbers):012}"


def configuration() -> Configuration:
    """Return what everything begins with."""
    fields = (
        FieldDefinition("name", "text"),
        FieldDefinition("x", "text", indexed=True, options={"dictionary": "d"}),
        FieldDefinition("z", "text"),
        FieldDefinition("n", "integer"),
        FieldDefinition("parent", "reference", options={"module": "thing"}),
        FieldDefinition("total", "computed", retired=True, options={"value_kind": "integer"}),
    )
    return Configuration(
        (ModuleDefinition("thing", fields, title_field="name", match_keys=(("name",),)),),
        (Dictionary("d", tuple(DictionaryValue(code, code) for code in FORMS["choice"])),),
        (TagDimension("need", Shape().needs), TagDimension("mark", BY_RULE)),
        roles=(Role(ROLE, ROLE),),
        grants=(Grant(ROLE, "thing", EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS),),
    )


@attrs.frozen
class Store:
    """A workspace, and units on its data that remember nothing."""

    workspace: Workspace
    again: Callable[[], Units]

    def records(self, session: Any) -> list[Any]:
        """Return everything that anybody sees of the records."""
        things = session.records("thing")
        return [
            (view.id, view.version, dict(view.values), view.tags, view.archived_at, things.history(view.id))
            for view in things.find(archived=True, order_by="id", limit=None).records
        ]

    def seen_in(self, session: Any) -> tuple[Any, ...]:
        """Return everything that a session sees."""
        return self.records(session), session.configuration.revisions(), session.configuration.current

    def dump(self) -> tuple[Any, ...]:
        """Return everything that anybody sees."""
        with self.workspace.acting_as(ADMIN) as session:
            return self.seen_in(session)


def workspace_on(units: Units) -> Workspace:
    """Return a workspace."""
    keyring = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32)
    settings: dict[str, Any] = {"organisation": sample_organisation(), "keyring": keyring}
    return Workspace(configuration(), units=units, clock=Ticking(), ids=Counted(), **settings)


def stores() -> tuple[Store, Store]:
    """Open an empty store in memory and one on SQLite."""
    memory, engine = MemoryUnits(), open_engine("sqlite://")
    units = SqlAlchemyUnits(engine)
    units.create_tables()
    return Store(workspace_on(memory), lambda: memory), Store(workspace_on(units), lambda: SqlAlchemyUnits(engine))


patches = st.fixed_dictionaries(
    {},
    optional={
        "x": some((*TEXTS, *TEXTS, CLEAR)),
        "z": some(("z1", "z2", "z3", CLEAR)),
        "n": some((0, 1, 5, 9, CLEAR)),
    },
)


class LiveConfigurations(RuleBasedStateMachine):
    """Change records and the configuration; everything is as the model says, on both stores."""

    @initialize(
        xs=st.lists(some(TEXTS), min_size=2, max_size=2), key=some((None, *CLASSES)), formula=some(tuple(FORMULAS))
    )
    def open(self, xs: tuple[str, str], key: str | None, formula: str) -> None:
        """Begin with a formula, a rule, and three records, of which one looks at another."""
        self.stores = stores()
        self.model = Model()
        self.names = 0
        self.version = 1
        self.undoable: tuple[Model, Model, bool] | None = None
        self.touched = True
        self.compute(formula)
        self.classify(key)
        self.created({"x": xs[0], "n": 5})
        self.created({"x": xs[1]}, parent=next(iter(self.model.things)), tags=("q",))
        self.created({"z": "z1"})

    def teardown(self) -> None:
        """See that units which remember nothing find everything as it was."""
        for store in getattr(self, "stores", ()):
            again = Store(workspace_on(store.again()), store.again)
            assert again.dump() == store.dump()
            store.workspace.close()

    def some_thing(self, data: st.DataObject, *, archived: bool = False) -> Thing:
        """Draw a record of the model to come."""
        found = [key for key, thing in self.model.things.items() if thing.archived == archived]
        return self.model.things[data.draw(some(found))]

    # --- records

    def carried_out(self, after: Model | None, change: Callable[[Any], Any]) -> None:
        """Carry a change of records out on both stores, which refuse it where the model does."""
        refused = after is None or after.clashing()
        for store in self.stores:
            with store.workspace.acting_as(ADMIN) as session:
                if refused:
                    with pytest.raises(InvalidInputError):
                        change(session)
                else:
                    outcome = change(session)
                    assert isinstance(outcome, Applied) or outcome is None
        if after is not None and not refused:
            after.take_down(self.model)
            self.model = after
            self.touched = True

    def next(self) -> Model:
        """Return a model to be changed."""
        return copy.deepcopy(self.model)

    def patched(self, after: Model, thing: Thing, patch: Mapping[str, Any]) -> Model | None:
        """Return the model after a patch; `None` where it is refused."""
        for key, raw in patch.items():
            value = None if raw is CLEAR else raw
            if key == "x":
                if after.shape.retired or (value is not None and after.shape.value(value) is None):
                    return None
                value = None if value is None else after.shape.live(value)
            setattr(thing, key, value)
        after.settle()
        return after

    @precondition(lambda self: len(self.model.things) < 5)
    @rule(patch=patches, needs=st.frozensets(st.integers(0, 1), max_size=1), child=st.booleans(), data=st.data())
    def create(self, patch: dict[str, Any], needs: frozenset[int], child: bool, data: st.DataObject) -> None:
        """Create a record, now and then with a parent."""
        given = {key: value for key, value in patch.items() if value is not CLEAR}
        parent = data.draw(some(list(self.model.things))) if child and self.model.things else None
        self.created(given, parent, tuple(self.model.shape.needs[place] for place in needs))

    def created(self, given: dict[str, Any], parent: str | None = None, tags: tuple[str, ...] = ()) -> None:
        """Create a record."""
        self.names += 1
        after = self.next()
        key, name = Counted(self.names)(), f"t{self.names}"
        thing = Thing(key, name, parent=parent, tags=frozenset(tags))
        after.things[thing.id] = thing
        values = {"name": thing.name, **given, **({} if parent is None else {"parent": parent})}
        pairs = [("need", tag) for tag in tags]
        ids = [Counted(self.names) for _ in self.stores]

        def change(session: Any) -> Any:
            session.context.ids = ids.pop()
            return session.records("thing").create(values, tags=pairs)

        self.carried_out(self.patched(after, thing, given), change)

    @precondition(lambda self: any(not thing.archived for thing in self.model.things.values()))
    @rule(patch=patches, by_import=st.booleans(), data=st.data())
    def update(self, patch: dict[str, Any], by_import: bool, data: st.DataObject) -> None:
        """Change a record, by hand or by an import."""
        key = self.some_thing(data).id
        after = self.next()
        thing = after.things[key]
        if by_import:
            patch = {name: value for name, value in patch.items() if value is not CLEAR and name == "n"}
            self.names += 1
            table = Rows([(thing.name, *patch.values())], ("name", *patch))

            def change(session: Any) -> Any:
                make_plan(session.context, "thing", table, digest=f"import {self.names}").apply()
        else:

            def change(session: Any) -> Any:
                return session.records("thing").update(key, patch, version=ANY)

        self.carried_out(self.patched(after, thing, patch), change)

    @precondition(lambda self: any(not thing.archived for thing in self.model.things.values()))
    @rule(add=st.integers(0, 2), remove=st.integers(0, 2), data=st.data())
    def tag(self, add: int, remove: int, data: st.DataObject) -> None:
        """Tag a record."""
        needs = self.model.shape.needs
        added, removed = needs[add % len(needs)], needs[remove % len(needs)]
        after = self.next()
        key = self.some_thing(data).id
        thing = after.things[key]
        thing.tags = thing.tags - {removed} | {added}
        after.settle()
        pairs = ("need", added), ("need", removed)
        self.carried_out(
            after, lambda session: session.records("thing").tag(key, pairs[0], remove=pairs[1], version=ANY)
        )

    @precondition(lambda self: any(not item.archived and not item.parent for item in self.model.things.values()))
    @rule(data=st.data())
    def archive(self, data: st.DataObject) -> None:
        """Archive a record that looks at no other."""
        found = [key for key, item in self.model.things.items() if not item.archived and not item.parent]
        key = data.draw(some(found))
        after = self.next()
        after.things[key].archived = True
        self.carried_out(after, lambda session: session.records("thing").archive(key, version=ANY))

    @precondition(lambda self: any(thing.archived for thing in self.model.things.values()))
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """Bring a record back, unless its unique values are taken."""
        key = self.some_thing(data, archived=True).id
        after = self.next()
        after.things[key].archived = False
        self.carried_out(after, lambda session: session.records("thing").restore(key, version=ANY))

    # --- the configuration

    def changed(
        self,
        shape: Shape,
        propose: Propose,
        effect: Callable[[Model], None] = lambda _: None,
    ) -> None:
        """Change the configuration, unless it stays the same."""
        if shape == self.model.shape:
            return
        after = self.next()
        after.shape = shape
        effect(after)
        failing = 0
        for thing in after.things.values():
            if thing.x is not None and shape.value(thing.x) is None:
                thing.x = None
                failing += 1
            elif thing.x is not None:
                thing.x = shape.live(thing.x)
        after.settle()
        resealed = shape.sealed_z != self.model.shape.sealed_z
        self.put_in_force(after, failing, resealed, lambda live: live.plan(propose(live.current)))

    def put_in_force(self, after: Model, failing: int, resealed: bool, plan: Plan) -> None:
        """Apply a plan on both stores, first so that it is refused where values have no place."""
        misfit = after.shape.unique_x and after.shape.kind in ("multiple_choice", "long_text")
        refused = after.clashing() or misfit
        for store in self.stores:
            before = store.dump()
            with store.workspace.acting_as(ADMIN) as session:
                planned = plan(session.configuration)
                if not misfit:  # records are not looked at under a configuration that is wrong in itself
                    assert planned.failing == failing
                    assert self.counted(planned) == self.differing(after, resealed)
                if refused or failing:
                    with pytest.raises(InvalidInputError):
                        planned.apply(failing="clear" if refused else "refuse")
                    assert store.seen_in(session) == before
                if not refused:
                    planned.apply(failing="clear", reason="because")
        if not refused:
            after.take_down(self.model, resealed=resealed)
            self.undoable = copy.deepcopy(self.model), copy.deepcopy(after), resealed
            self.model = after
            self.version += 1
            self.touched = False

    @staticmethod
    def counted(plan: ConfigurationPlan) -> dict[str, int]:
        """Return field → values that change, of those fields that keep their kind."""
        found: Counter[str] = Counter()
        for effect in plan.effects:
            found[effect.field] += effect.records
        return {key: number for key, number in found.items() if number and key != "x"}

    def differing(self, after: Model, resealed: bool) -> dict[str, int]:
        """Return field → records in which it differs, as the model has it."""
        found: Counter[str] = Counter()
        for key, thing in after.things.items():
            old, new = self.model.things[key].strict(self.model.shape), thing.strict(after.shape)
            found.update(name for name in {*old, *new} - {"x"} if old.get(name) != new.get(name))
            if resealed and thing.z is not None:
                found["z"] += 1
        return dict(found)

    @rule(kind=some(tuple(FORMS)))
    def convert(self, kind: str) -> None:
        """Give a field another kind."""
        self.changed(
            attrs.evolve(self.model.shape, kind=kind), lambda current: current.change_field("thing", "x", kind=kind)
        )

    @rule(key=some(("x", "z")), unique=st.booleans())
    def set_unique(self, key: str, unique: bool) -> None:
        """Make a field unique, or no more."""
        attribute: dict[str, Any] = {f"unique_{key}": unique}
        shape = attrs.evolve(self.model.shape, **attribute)
        self.changed(shape, lambda current: current.change_field("thing", key, unique=unique))

    @rule(encrypted=st.booleans())
    def encrypt(self, encrypted: bool) -> None:
        """Turn encryption on or off."""
        rule_looks = self.model.shape.rule == "filled"
        shape = attrs.evolve(self.model.shape, sealed_z=encrypted)
        if not rule_looks:
            self.changed(shape, lambda current: current.change_field("thing", "z", encrypted=encrypted))

    @rule(retired=st.booleans())
    def retire(self, retired: bool) -> None:
        """Retire a field, or bring it back."""
        shape = attrs.evolve(self.model.shape, retired=retired)
        self.changed(shape, lambda current: current.change_field("thing", "x", retired=retired))

    @rule(code=some(("12", "x")))
    def merge_entries(self, code: str) -> None:
        """Make an entry one with another."""
        merged = tuple(sorted({**dict(self.model.shape.merged), code: "1"}.items()))
        self.changed(
            attrs.evolve(self.model.shape, merged=merged),
            lambda current: current.with_dictionaries(current.dictionaries["d"].merged(code, "1")),
        )

    @precondition(lambda self: self.model.shape.needs == ("p", "q", "r"))
    @rule(merge=st.booleans())
    def rename_or_merge_tags(self, merge: bool) -> None:
        """Call a tag otherwise, or make it one with another."""
        needs, into = (("p", "r"), "r") if merge else (("p", "q2", "r"), "q2")

        def effect(after: Model) -> None:
            for thing in after.things.values():
                thing.tags = frozenset(into if tag == "q" else tag for tag in thing.tags)

        def propose(current: Configuration) -> Configuration:
            need = current.tag_dimensions["need"]
            return current.with_tag_dimensions(need.merged_into("q", into) if merge else need.renamed("q", into))

        self.changed(attrs.evolve(self.model.shape, needs=needs), propose, effect)

    @rule(formula=some((None, *FORMULAS)))
    def compute(self, formula: str | None) -> None:
        """Change a formula, or retire the field that it fills."""
        shape = attrs.evolve(self.model.shape, formula=formula)
        if self.model.shape.rule != "sums":
            self.changed(
                shape,
                lambda current: current.change_field("thing", "total", formula=formula, retired=formula is None),
            )

    @rule(key=some((None, *CLASSES)))
    def classify(self, key: str | None) -> None:
        """Change the rule that gives tags, or let it go: then what it gave stays."""

        def propose(current: Configuration) -> Configuration:
            if key is None:
                return attrs.evolve(current, classifications={})
            return current.with_classifications(Classification("rule", "thing", CLASSES[key], dimension="mark"))

        shape = self.model.shape
        if (key, shape.formula) != ("sums", None) and (key, shape.sealed_z) != ("filled", True):
            self.changed(attrs.evolve(shape, rule=key), propose)

    @precondition(lambda self: self.undoable is not None)
    @rule()
    def undo(self) -> None:
        """Take the latest change back: what nobody touched is as it was."""
        assert self.undoable is not None
        before, then, resealed = self.undoable
        after = self.next()
        after.shape = before.shape
        failing = 0
        for key, thing in after.things.items():
            failing += self.taken_back(thing, before.things.get(key), then.things.get(key), before.shape, then.shape)
        after.settle()
        if not self.touched:
            for key, thing in after.things.items():
                assert thing.strict(after.shape) == before.things[key].strict(before.shape)
        self.put_in_force(after, failing, resealed, lambda live: live.undo(live.current.version))

    @staticmethod
    def taken_back(thing: Thing, old: Thing | None, new: Thing | None, before: Shape, then: Shape) -> int:
        """Take one record back; return whether its value has no place."""
        if old is not None and new is not None:
            one, other = old.strict(before), new.strict(then)
            if one["tags"] != other["tags"] and thing.tags == new.tags:
                thing.tags = old.tags
            if one.get("total") != other.get("total") and thing.total == new.total:
                thing.total = old.total
            if one.get("x") != other.get("x") and then.value(thing.x) == then.value(new.x):
                thing.x = old.x
                return 0
        if thing.x is not None and before.value(thing.x) is None:
            thing.x = None
            return 1
        if thing.x is not None:
            thing.x = before.live(thing.x)
        return 0

    # --- what holds always

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        """Records, tags, versions and history are those of the model, on both stores."""
        one, other = (store.dump() for store in self.stores)
        assert one == other
        shape = self.model.shape
        for key, version, values, tags, archived_at, history in one[0]:
            thing = self.model.things[key]
            assert {name: (type(value), value) for name, value in values.items()} | {
                "tags": (frozenset, frozenset(tag.value for tag in tags))
            } == thing.strict(shape)
            assert (archived_at is not None) == thing.archived
            assert version == len(thing.seen)
            assert list(states(history)) == thing.seen
        assert len(one[0]) == len(self.model.things)
        assert self.version == one[2].version

    @invariant()
    def queries_agree(self) -> None:
        """Filters, order and distribution mean the new configuration, and find what the model finds."""
        shape = self.model.shape
        live = {key: shape.value(item.x) for key, item in sorted(self.model.things.items()) if not item.archived}
        for store in self.stores:
            with store.workspace.acting_as(ADMIN) as session:
                things = session.records("thing")
                if shape.kind != "multiple_choice":
                    for value in set(live.values()) - {None}:
                        found = [view.id for view in things.find(F.x == value).records]
                        assert sorted(found) == [key for key, item in live.items() if item == value]
                expected = Counter(item[0] if isinstance(item, tuple) else item for item in live.values())
                if shape.kind not in ("long_text",):
                    assert things.distribution("x") == expected
                if shape.kind in ORDERED:
                    ordered = [view.id for view in things.find(order_by="x").records]
                    assert ordered == sorted(live, key=lambda key: (live[key] is None, live[key] or 0, key))


def states(history: Any) -> Iterator[dict[str, tuple[type, Any]]]:
    """Yield what a record was after each change, as the history tells it."""
    state: dict[str, tuple[type, Any]] = {"tags": (frozenset, frozenset())}
    for change in history:
        for key, (_, new) in change.fields.items():
            if key == "tags":
                state[key] = frozenset, frozenset(tag for _, tag in new or ())
            elif new is None:
                state.pop(key, None)
            else:
                state[key] = type(new), new
        yield {key: value for key, value in state.items() if key not in SYSTEM}


SYSTEM = ("owner", "department", "archived_at", "created_by")

TestLiveConfigurations = LiveConfigurations.TestCase
TestLiveConfigurations.settings = settings(max_examples=12, stateful_step_count=20)

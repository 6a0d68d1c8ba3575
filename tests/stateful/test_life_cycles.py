"""Random life cycles under random changes by every door, against a naive model of which moves are legal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from custinfo import (
    ANY,
    CLEAR,
    Applied,
    AwaitingApproval,
    Configuration,
    ConflictError,
    F,
    FieldDefinition,
    InvalidInputError,
    ModuleDefinition,
    Workspace,
)
from custinfo.core.approval.flows import Flow, NamedMember, Step, Trigger
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.life_cycles import LifeCycle, Transition
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant, Role
from custinfo.standard import sample_organisation
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.test_importing import Rows

Values = dict[str, Any]

STATES = ("a", "b", "c")
DEFAULTS: Mapping[str, Any] = {"x": "set", "n": 1}
GUARDS: Mapping[str, tuple[Any, Callable[[Values], bool]]] = {
    "positive": (F.n > 0, lambda values: values.get("n", 0) > 0),
    "with x": (F.x.is_present(), lambda values: "x" in values),
    "without y": (F.y.is_missing(), lambda values: "y" not in values),
}
ADMIN, APPROVER = "sunjiu", "zhoushi"


@attrs.frozen
class Arrow:
    """A transition as the model knows it."""

    target: str
    sources: frozenset[str]
    required: frozenset[str]
    defaults: frozenset[str]
    guard: str | None
    flow: str | None

    def transition(self) -> Transition:
        """Return it as configuration."""
        defaults = {key: DEFAULTS[key] for key in sorted(self.defaults)}
        guard = None if self.guard is None else GUARDS[self.guard][0]
        return Transition(
            self.target, tuple(sorted(self.sources)), tuple(sorted(self.required)), defaults, guard, self.flow
        )

    def open(self, values: Values) -> bool:
        """Tell whether the guard lets a record pass."""
        return self.guard is None or GUARDS[self.guard][1](values)


some = st.sampled_from
arrows = st.builds(
    Arrow,
    some(STATES),
    st.frozensets(some(STATES)),
    st.frozensets(some(("x", "y", "n"))),
    st.frozensets(some(tuple(DEFAULTS))),
    some((None, None, *GUARDS)),
    some((None, "one", "two")),
)
GATED = (
    Arrow("b", frozenset("a"), frozenset("n"), frozenset(), "with x", "one"),
    Arrow("b", frozenset("a"), frozenset("n"), frozenset(), None, "two"),
)
"""Moves whose approval depends on a field, and whose requirement may go while they wait."""

patches = st.fixed_dictionaries(
    {},
    optional={
        "stage": some((*STATES, *STATES, CLEAR)),
        "x": some(("x1", "x2", CLEAR)),
        "y": some(("y1", CLEAR)),
        "n": some((0, 5, CLEAR)),
    },
)
cells = st.tuples(some((None, *STATES)), some((None, "x1")), some((None, "y1")), some((None, 0, 5)))


@attrs.frozen
class Model:
    """Say which steps are legal, in the plainest words."""

    arrows: tuple[Arrow, ...]
    initial: frozenset[str]

    def always(self, state: str | None) -> frozenset[str]:
        """Return what every way into a state requires."""
        into = [arrow.required for arrow in self.arrows if arrow.target == state]
        return frozenset.intersection(*into) if into else frozenset()

    def ways(self, before: Values | None, after: Values) -> list[Arrow] | None:
        """Return the transitions between two states; `None` where a record begins or stays."""
        if before is None or before.get("stage") == after.get("stage"):
            return None
        old, new = before.get("stage"), after.get("stage")
        found = [arrow for arrow in self.arrows if arrow.target == new and (not arrow.sources or old in arrow.sources)]
        return None if old is None and not found else found

    def filled(self, before: Values | None, after: Values) -> Values:
        """Return the record with what the move sets."""
        for arrow in self.ways(before, after) or ():
            values = {**{key: DEFAULTS[key] for key in arrow.defaults}, **after}
            if arrow.open(values):
                return values
        return after

    def judged(self, before: Values | None, after: Values) -> tuple[bool, str | None]:
        """Return whether a step is legal, and the flow that it has to pass."""
        ways, new = self.ways(before, after), after.get("stage")
        if ways is None:
            begins = new is not None and (before is None or before.get("stage") is None)
            allowed = not begins or not self.initial or new in self.initial
            return allowed and self.always(new) <= after.keys(), None
        way = next((arrow for arrow in ways if arrow.open(after)), None)
        return (False, None) if way is None else (way.required <= after.keys(), way.flow)


@attrs.define
class Deal:
    """A live record as the model knows it: its values at each version."""

    id: str
    name: str
    versions: list[Values]

    @property
    def values(self) -> Values:
        """The values now."""
        return self.versions[-1]


@attrs.frozen
class Waiting:
    """A request as the model knows it: of one change, or of several rows of an import."""

    id: str
    changes: tuple[tuple[Deal, Values], ...]
    flow: str


def patched(values: Values, patch: Mapping[str, Any]) -> Values:
    """Return values after a patch."""
    return {key: value for key, value in {**values, **patch}.items() if value is not CLEAR}


def difference(before: Values, after: Values) -> Values:
    """Return the patch from one state to the other."""
    keys = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    return {key: after.get(key, CLEAR) for key in keys}


def touched(before: Values, given: Values, after: Values) -> Values:
    """Return the patch that a change is: what it was given to write belongs to it though a move sets it back."""
    keys = difference(before, given).keys() | difference(before, after).keys()
    return {key: after.get(key, CLEAR) for key in keys}


def configuration(model: Model) -> Configuration:
    """Return a module with the life cycle of a model."""
    fields = (
        FieldDefinition("name", "text", unique=True),
        FieldDefinition("stage", "choice", options={"dictionary": "stage"}),
        FieldDefinition("x", "text"),
        FieldDefinition("y", "text"),
        FieldDefinition("n", "integer"),
    )
    cycle = LifeCycle("stage", tuple(item.transition() for item in model.arrows), tuple(sorted(model.initial)))
    everything: frozenset[Action] = frozenset({"view", "create", "edit", "import"})
    roles = ("data_administrator", "senior_administrator")
    steps = (Step("only", (NamedMember(APPROVER),)),)
    return Configuration(
        (ModuleDefinition("deal", fields, match_keys=(("name",),), title_field="name", life_cycles=(cycle,)),),
        (Dictionary("stage", tuple(DictionaryValue(key, key.upper()) for key in STATES)),),
        roles=tuple(Role(key, key) for key in roles),
        grants=tuple(Grant(key, "deal", everything, "all", view=ALL_FIELDS, edit=ALL_FIELDS) for key in roles),
        flows=tuple(Flow(key, Trigger("deal", actions=()), steps) for key in ("one", "two")),
    )


@contextmanager
def expected_refusal() -> Iterator[None]:
    """Expect that a change is refused."""
    with pytest.raises((InvalidInputError, ConflictError)):
        yield


class LifeCycles(RuleBasedStateMachine):
    """Change records by every door; what happens is what the model says."""

    url: ClassVar[str] = "memory://"

    @initialize(drawn=st.lists(arrows, max_size=5), initial=st.frozensets(some(STATES)), gated=st.booleans())
    def open(self, drawn: list[Arrow], initial: frozenset[str], gated: bool) -> None:
        """Begin with a life cycle and an empty store."""
        self.model = Model((*GATED, *drawn) if gated else tuple(drawn), initial)
        self.workspace = Workspace.open(self.url, configuration(self.model), organisation=sample_organisation())
        self.live: list[Deal] = []
        self.waiting: list[Waiting] = []
        self.names = 0

    def teardown(self) -> None:
        """Close the store."""
        if hasattr(self, "workspace"):
            self.workspace.close()

    def reserved(self, deal: Deal) -> set[str]:
        """Return the fields that requests hold."""
        return {key for item in self.waiting for changed, patch in item.changes if changed is deal for key in patch}

    def foreseen(self, deal: Deal | None, after: Values) -> tuple[str, Values, str | None]:
        """Return what becomes of a step: refused, reserved, unchanged, awaiting or applied; the record; the flow."""
        before = None if deal is None else deal.values
        if before == after:
            return "unchanged", after, None
        given, after = after, self.model.filled(before, after)
        legal, flow = self.model.judged(before, after)
        if not legal:
            return "refused", after, None
        if deal is not None and touched(deal.values, given, after).keys() & self.reserved(deal):
            return "reserved", after, None
        return ("applied" if flow is None else "awaiting"), after, flow

    def carried_out(self, deal: Deal, after: Values, change: Callable[[Any], Any]) -> None:
        """Carry a change out and hold it against what was foreseen."""
        given = after
        what, after, flow = self.foreseen(deal, given)
        with self.workspace.acting_as(ADMIN) as session:
            if what in ("refused", "reserved"):
                with expected_refusal():
                    change(session.records("deal"))
                return
            outcome = change(session.records("deal"))
        assert isinstance(outcome, AwaitingApproval) == (what == "awaiting")
        if isinstance(outcome, AwaitingApproval):
            assert outcome.request.flows == (flow,)
            patch = touched(deal.values, given, after)
            assert dict(outcome.request.proposed) == patch
            self.waiting.append(Waiting(outcome.request.id, ((deal, patch),), str(flow)))
        elif what == "applied":
            deal.versions.append(after)

    @rule(values=patches)
    def create(self, values: Values) -> None:
        """Create a record."""
        self.names += 1
        name, values = f"d{self.names}", patched({}, values)
        what, after, _ = self.foreseen(None, values)
        with self.workspace.acting_as(ADMIN) as session:
            if what == "refused":
                with expected_refusal():
                    session.records("deal").create({"name": name, **values})
                return
            outcome = session.records("deal").create({"name": name, **values})
        assert isinstance(outcome, Applied)
        self.live.append(Deal(outcome.record.id, name, [after]))

    @rule()
    def submit_a_move(self) -> None:
        """Create a record and move it at once, which may have to wait."""
        count = len(self.live)
        self.create({"stage": "a", "x": "x1", "n": 5})
        if len(self.live) > count:
            deal = self.live[-1]
            after = {**deal.values, "stage": "b"}
            self.carried_out(deal, after, lambda deals: deals.update(deal.id, {"stage": "b"}, version=ANY))

    @precondition(lambda self: self.live)
    @rule(patch=patches, data=st.data())
    def update(self, patch: Values, data: st.DataObject) -> None:
        """Change a record by hand."""
        deal = data.draw(some(self.live))
        after = patched(deal.values, patch)
        self.carried_out(deal, after, lambda deals: deals.update(deal.id, patch, version=ANY))

    @precondition(lambda self: any(len(deal.versions) > 1 for deal in self.live))
    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        """Go back to a past version."""
        deal = data.draw(some([deal for deal in self.live if len(deal.versions) > 1]))
        version = data.draw(st.integers(1, len(deal.versions) - 1))
        after = deal.versions[version - 1]
        self.carried_out(deal, after, lambda deals: deals.revert(deal.id, to_version=version, version=ANY))

    @rule(rows=st.lists(cells, min_size=1, max_size=3), known=st.integers(0, 3))
    def import_(self, rows: list[tuple[Any, ...]], known: int) -> None:
        """Import rows: some for records that are there, the others for new ones; each stands by itself."""
        deals: list[Deal | None] = [*self.live[:known], None, None, None]
        table, foreseen = [], []
        for deal, row in zip(deals, rows, strict=False):
            self.names += 1
            values = {key: value for key, value in zip(("stage", "x", "y", "n"), row, strict=True) if value is not None}
            name = f"d{self.names}" if deal is None else deal.name
            table.append((name, *row))
            foreseen.append((name, deal, *self.foreseen(deal, {**({} if deal is None else deal.values), **values})))
        with self.workspace.acting_as(ADMIN) as session:
            digest = f"import {self.names}"
            plan = make_plan(session.context, "deal", Rows(table, ("name", "stage", "x", "y", "n")), digest=digest)
            outcomes = [row.outcome for row in plan.rows]
            requests = list(plan.apply().requests)
        words = {
            "refused": "rejected",
            "reserved": "conflict",
            "awaiting": "awaiting",
            "unchanged": "unchanged",
        }
        expected = [words.get(what, "create" if deal is None else "update") for _, deal, what, *_ in foreseen]
        assert outcomes == expected
        together: dict[str, list[tuple[Deal, Values]]] = {}
        for name, deal, what, after, flow in foreseen:
            if what == "applied" and deal is None:
                with self.workspace.acting_as(ADMIN) as session:
                    (found,) = session.records("deal").find(F.name == name).records
                self.live.append(Deal(found.id, name, [after]))
            elif what == "applied" and deal is not None:
                deal.versions.append(after)
            elif what == "awaiting" and deal is not None:
                together.setdefault(str(flow), []).append((deal, difference(deal.values, after)))
        for request, (flow, changes) in zip(requests, together.items(), strict=True):
            self.waiting.append(Waiting(request, tuple(changes), flow))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        """Approve a request: each change is applied if the move is legal for its record as it is by now."""
        waiting = data.draw(some(self.waiting))
        legal = []
        for deal, patch in waiting.changes:
            after = patched(deal.values, patch)
            allowed, flow = self.model.judged(deal.values, after)
            if allowed and flow in (None, waiting.flow):
                legal.append((deal, after))
        with self.workspace.acting_as(APPROVER) as session:
            if not legal and len(waiting.changes) == 1:
                with expected_refusal():
                    session.approvals.approve(waiting.id)
                return
            view = session.approvals.approve(waiting.id)
        assert view.state == "applied"
        if view.items:
            assert [item.record_id for item in view.items if item.outcome == "applied"] == [
                deal.id for deal, _ in legal
            ]
        self.waiting.remove(waiting)
        for deal, after in legal:
            deal.versions.append(after)

    @precondition(lambda self: self.waiting)
    @rule(key=some(("x", "y", "n")), clear=st.booleans(), data=st.data())
    def change_meanwhile(self, key: str, clear: bool, data: st.DataObject) -> None:
        """Change a field beside those that a request holds: what the move needs may go, and its guard may turn."""
        deal, _ = data.draw(some(data.draw(some(self.waiting)).changes))
        patch = {key: CLEAR if clear else {"x": "x3", "y": "y3", "n": 7}[key]}
        self.carried_out(deal, patched(deal.values, patch), lambda deals: deals.update(deal.id, patch, version=ANY))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """Take a request back."""
        waiting = data.draw(some(self.waiting))
        with self.workspace.acting_as(ADMIN) as session:
            session.approvals.withdraw(waiting.id)
        self.waiting.remove(waiting)

    @invariant()
    def live_data_is_as_the_model_says(self) -> None:
        """Nothing else changed, and every record has what its state requires."""
        if not hasattr(self, "workspace"):
            return
        with self.workspace.acting_as(ADMIN) as session:
            found = {view.id: dict(view.values) for view in session.records("deal").find(limit=None).records}
        assert found == {deal.id: {"name": deal.name, **deal.values} for deal in self.live}
        for values in found.values():
            assert self.model.always(values.get("stage")) <= values.keys()


class LifeCyclesOnSqlite(LifeCycles):
    """The same on SQLite."""

    url = "sqlite://"


TestMemory = LifeCycles.TestCase
TestMemory.settings = settings(max_examples=100, stateful_step_count=25)
TestSqlite = LifeCyclesOnSqlite.TestCase
TestSqlite.settings = settings(max_examples=40, stateful_step_count=25)

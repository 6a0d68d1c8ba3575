"""What follows from a record is what the definitions say, whatever people did to it and by whatever door."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    Case,
    Classification,
    Configuration,
    ConflictError,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    Flow,
    InvalidInputError,
    ModuleDefinition,
    NamedMember,
    Step,
    TagDimension,
    Tagged,
    Trigger,
    Workspace,
)
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant, Role
from custinfo.standard import sample_organisation
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.test_importing import Rows

ADMIN, APPROVER, ROLE = "zhoushi", "zhaojl", "senior_administrator"
EVERYTHING: frozenset[Action] = frozenset(
    {"view", "create", "edit", "archive", "tag", "transfer", "import", "configure"}
)
FORMULAS: dict[str, Callable[[Any, Any], int]] = {
    "a + b": lambda a, b: a + b,
    "a * 2 - b": lambda a, b: a * 2 - b,
    "MAX(a, b)": max,
}
LIMITS = (0, 3, 6)


@attrs.frozen
class Definitions:
    """A formula, two limits for grades, one for a tag, and whether a flow gates `a`."""

    formula: str
    limits: tuple[int, int]
    tagged_from: int
    over_tags: bool
    gated: bool

    def configuration(self) -> Configuration:
        """Return them as a configuration; the tag `top` follows from the grade, `both` from tags."""
        fields = (
            FieldDefinition("name", "text"),
            *(FieldDefinition(key, "integer") for key in ("a", "b")),
            FieldDefinition("sum", "computed", formula=self.formula, options={"value_kind": "integer"}),
            FieldDefinition("grade", "choice", options={"dictionary": "grades"}),
        )
        low, high = self.limits
        cases = Case(F.sum >= high, "A"), Case(F.sum >= low, "B")
        by_tag = Case(Tagged("people", "p"), "both") if self.over_tags else Case(F.grade == "B", "both")
        steps = (Step("one", (NamedMember(APPROVER),)),)
        return Configuration(
            (ModuleDefinition("thing", fields, title_field="name", match_keys=(("name",),)),),
            (Dictionary("grades", tuple(DictionaryValue(key, key) for key in "ABC")),),
            (TagDimension("people", ("p", "q")), TagDimension("mixed", ("big", "top", "both", "own"))),
            roles=(Role(ROLE, ROLE),),
            grants=(Grant(ROLE, "thing", EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS),),
            flows=(Flow("gate", Trigger("thing", fields=("a",), after=F.a >= 8), steps),) if self.gated else (),
            classifications=(
                Classification("grades", "thing", cases, field="grade", otherwise="C"),
                Classification("big", "thing", (Case(F.a >= self.tagged_from, "big"),), dimension="mixed"),
                Classification("top", "thing", (Case(F.grade == "A", "top"), by_tag), dimension="mixed"),
            ),
        )

    def follows(self, a: int | None, b: int | None, people: set[str]) -> tuple[dict[str, Any], set[str]]:
        """Return in plain words what follows: values and tags."""
        both = [item for item in (a, b) if item is not None]
        total = FORMULAS[self.formula](a, b) if len(both) == 2 else None
        if self.formula.startswith("MAX"):
            total = max(both, default=None)
        low, high = self.limits
        grade = "C" if total is None or total < min(low, high) else "A" if total >= high else "B"
        tags = {"big"} if a is not None and a >= self.tagged_from else set()
        tags |= {"top"} if grade == "A" else set()
        tags |= {"both"} if ("p" in people if self.over_tags else grade == "B") else set()
        return {"grade": grade, **({} if total is None else {"sum": total})}, tags


definitions = st.builds(
    Definitions,
    st.sampled_from(sorted(FORMULAS)),
    st.sampled_from([(low, high) for low, high in itertools.product(LIMITS, LIMITS) if low < high]),
    st.sampled_from(LIMITS),
    st.booleans(),
    st.booleans(),
)
numbers = st.sampled_from((None, 0, 2, 4, 9))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("update"), numbers, numbers),
        st.tuples(st.just("tag"), st.sampled_from((("people", "p"), ("people", "q"), ("mixed", "own"))), st.booleans()),
        st.tuples(st.just("transfer"), st.sampled_from(("lisi", "wangwu")), st.none()),
        st.tuples(st.just("revert"), st.integers(1, 4), st.none()),
        st.tuples(st.just("import"), numbers, st.booleans()),
        st.tuples(st.just("approve"), st.none(), st.none()),
        st.tuples(st.just("archive"), st.none(), st.none()),
    ),
    max_size=8,
)


class Ticking:
    """A clock that goes on by a second for each reading."""

    def __init__(self) -> None:
        self.seconds = itertools.count()

    def __call__(self) -> datetime:
        return datetime(2024, 3, 15, tzinfo=UTC) + timedelta(seconds=next(self.seconds))


def import_(workspace: Workspace, number: int, a: int | None) -> str:
    """Import a number for the record, and return the batch."""
    table = Rows([("t", a)], ("name", "a"))
    with workspace.acting_as(ADMIN) as session:
        return str(make_plan(session.context, "thing", table, digest=str(number)).apply().batch_id)


def approve(workspace: Workspace, waiting: list[str]) -> None:
    """Approve what waits, as far as it still fits."""
    for key in waiting:
        with workspace.acting_as(APPROVER) as session:
            session.approvals.approve(key)
    waiting.clear()


def carry_out(workspace: Workspace, key: str, number: int, step: tuple[Any, ...], waiting: list[str]) -> None:
    """Do one thing to the record."""
    what, one, other = step
    if what == "import":
        batch = import_(workspace, number, one)
        if other:
            workspace.undo_import(batch, actor=ADMIN)
        return
    if what == "approve":
        approve(workspace, waiting)
        return
    with workspace.acting_as(ADMIN) as session:
        things = session.records("thing")
        match what:
            case "update":
                outcome: Any = things.update(key, {"a": one, "b": other}, version=ANY)
                waiting += [outcome.request.id] if isinstance(outcome, AwaitingApproval) else []
            case "tag":
                things.tag(key, *(() if other else (one,)), remove=(one,) if other else (), version=ANY)
            case "transfer":
                things.transfer(key, one, version=ANY)
            case "revert":
                versions = len(things.history(key))
                outcome = things.revert(key, to_version=min(one, versions), version=ANY)
                waiting += [outcome.request.id] if isinstance(outcome, AwaitingApproval) else []
            case _:
                things.archive(key, version=ANY)
                things.restore(key, version=ANY)


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(known=definitions, a=numbers, b=numbers, done=steps)
def test_what_follows_is_what_the_definitions_say(
    url: str, known: Definitions, a: int | None, b: int | None, done: list[tuple[Any, ...]]
) -> None:
    """After every step, values and tags by rule are those of the definitions, and people's tags are theirs."""
    settings: dict[str, Any] = {"organisation": sample_organisation(), "clock": Ticking()}
    with Workspace.open(url, known.configuration(), **settings) as workspace:
        with workspace.acting_as(ADMIN) as session:
            outcome = session.records("thing").create({"name": "t", "b": b, **({} if a == 9 else {"a": a})})
            assert isinstance(outcome, Applied)
            key = outcome.record.id
        waiting: list[str] = []
        own: set[str] = set()
        for number, step in enumerate(done):
            try:
                carry_out(workspace, key, number, step, waiting)
            except (InvalidInputError, ConflictError):
                waiting.clear()
            else:
                if step[0] == "tag":
                    own = own - {step[1][1]} if step[2] else own | {step[1][1]}
            with workspace.acting_as(ADMIN) as session:
                view = session.records("thing").get(key)
                derivation = session.context.compiled.derivation("thing")
                [stored] = session.context.unit.records.get("thing", [view.id]).values()
                related = session.context.related
                assert derivation.derive(derivation.stripped(stored), related, session.now()) == stored
            people = {tag.value for tag in view.tags if tag.value in ("p", "q", "own")}
            if step[0] == "revert":
                own = people
            assert people == own
            values, tags = known.follows(view.get("a"), view.get("b"), people)
            assert {name: value for name, value in view.values.items() if name in ("sum", "grade")} == values
            assert {tag.value for tag in view.tags} == tags | people

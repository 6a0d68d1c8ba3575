"""While an import goes on, others work: each row is written under the policy of that moment, or told as refused."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from custinfo import (
    ALL_FIELDS,
    ANY,
    Case,
    Classification,
    Configuration,
    ConflictError,
    F,
    FieldDefinition,
    Fields,
    Flow,
    Grant,
    InvalidInputError,
    ModuleDefinition,
    NamedMember,
    NotFoundError,
    PermissionDeniedError,
    Role,
    Step,
    StorageError,
    TagDimension,
    Trigger,
    Workspace,
)
from custinfo.core.policy.grants import Action
from custinfo.standard import sample_organisation
from custinfo.workspace.importing import ImportReport, Progress
from custinfo.workspace.planning import make_plan
from tests.property.test_import_plans import Ticking
from tests.unit.workspace.test_importing import Rows

IMPORTER, OTHER, ADMIN = "lisi", "sunjiu", "admin"
EVERYTHING: Final[frozenset[Action]] = frozenset({"view", "create", "edit", "delete", "archive", "transfer"})
FLOW: Final = Flow(
    "large",
    Trigger("item", actions=("create", "update"), after=F.deal.size >= 8),
    (Step("one", (NamedMember(OTHER),)),),
)
HEADER: Final = ("deal", "name", "text")
PARENTS: Final = 3


def configuration() -> Configuration:
    """Return deals, and items that belong to whom their deal belongs; what is tagged and approved depends on it."""
    deal = ModuleDefinition("deal", (FieldDefinition("name", "text"), FieldDefinition("size", "integer")))
    item = ModuleDefinition(
        "item",
        (
            FieldDefinition("deal", "reference", options={"module": "deal"}, required=True),
            FieldDefinition("name", "text"),
            FieldDefinition("text", "text"),
        ),
        match_keys=(("name",),),
        duplicate_keys=(),
    )
    mine: frozenset[Action] = frozenset({"view", "create", "edit", "import"})
    grants = (
        Grant("data_administrator", "deal", EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS),
        Grant("data_administrator", "item", EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS),
        Grant("data_administrator", "item", frozenset({"import"}), "all"),
        Grant("sales", "deal", frozenset({"view"}), view=ALL_FIELDS),
        Grant("sales", "item", mine, through="deal", view=ALL_FIELDS, edit=ALL_FIELDS),
        Grant("system_administrator", "deal", frozenset({"configure"}), "all"),
        Grant("system_administrator", "item", frozenset({"configure"}), "all"),
    )
    return Configuration(
        (deal, item),
        tag_dimensions=(TagDimension("rule", ("big",)),),
        roles=tuple(Role(role) for role in ("data_administrator", "sales", "system_administrator")),
        grants=grants,
        flows=(FLOW,),
        classifications=(Classification("big", "item", (Case(F.deal.size >= 5, "big"),), dimension="rule"),),
    )


CONFIGURATION: Final = configuration()

rows = st.lists(
    st.tuples(st.integers(0, PARENTS - 1), st.sampled_from("abcdef"), st.sampled_from("xy")),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row[1],
)
VERBS: Final = ("transfer", "delete", "archive", "size", "item", "read_only", "required", "no_import")
meddling = st.lists(
    st.one_of(st.none(), st.tuples(st.sampled_from(VERBS), st.integers(0, PARENTS - 1), st.sampled_from([1, 6, 9]))),
    max_size=5,
)


@contextmanager
def opened(store: str) -> Iterator[Workspace]:
    """Open a workspace in memory or in a file."""
    with tempfile.TemporaryDirectory() as folder:
        url = "memory://" if store == "memory" else f"sqlite:///{folder}/store.db"
        with Workspace.open(url, CONFIGURATION, organisation=sample_organisation(), clock=Ticking()) as workspace:
            yield workspace


class World:
    """A workspace in which somebody meddles with an import, at its beginning and after each of its rows."""

    def __init__(self, workspace: Workspace, data: list[Any], existing: list[Any], meddling: list[Any]) -> None:
        self.workspace = workspace
        self.meddling = iter(meddling)
        with workspace.acting_as(OTHER) as session:
            made: list[Any] = [
                session.records("deal").create({"name": str(number), "size": 1, "owner": IMPORTER})
                for number in range(PARENTS)
            ]
            self.deals = [outcome.record.id for outcome in made]
            for deal, name, text in existing:
                session.records("item").create({"deal": self.deals[deal], "name": name, "text": text})
        self.data = [(self.deals[deal], name, text) for deal, name, text in data]
        self.written = self.items()

    def items(self) -> dict[str, Any]:
        """Return the items by name: what people wrote, what follows from it, and their version."""
        with self.workspace.acting_as(OTHER) as session:
            found = session.records("item").find(limit=None).records
            return {
                view["name"]: (view["deal"], view.get("text"), bool(view.tags), view.version, view.get("new"))
                for view in found
            }

    def meddle(self) -> None:
        """Do the next thing, if it can be done."""
        step = next(self.meddling, None)
        if step is None:
            return
        verb, place, number = step
        deal = self.deals[place]
        try:
            if verb in ("read_only", "required", "no_import"):
                with self.workspace.acting_as(ADMIN) as session:
                    session.configuration.change(self.changed(session.configuration.current, verb))
            else:
                with self.workspace.acting_as(OTHER) as session:
                    self.work(session, verb, deal, number)
        except (InvalidInputError, ConflictError, NotFoundError):
            pass
        self.written = self.items()  # those of the import are checked as they are written

    def work(self, session: Any, verb: str, deal: str, number: int) -> None:
        """Change a deal, or an item."""
        deals, items = session.records("deal"), session.records("item")
        match verb:
            case "transfer":
                deals.transfer(deal, "wangwu", version=ANY)
            case "delete":
                deals.delete(deal, version=ANY)
            case "archive":
                deals.archive(deal, version=ANY)
            case "size":
                deals.update(deal, {"size": number}, version=ANY)
            case _:
                found = items.find(order_by=["name"], limit=1).records
                items.update(found[0].id if found else deal, {"text": f"by hand {number}"}, version=ANY)

    def changed(self, current: Configuration, verb: str) -> Configuration:
        """Return another configuration, in which the importer may do less, or has to give more."""
        if verb == "required":
            return current.with_fields("item", FieldDefinition("new", "text", default="given"))
        actions: frozenset[Action] = frozenset({"view", "create", "edit", "import"})
        actions -= {"import"} if verb == "no_import" else set()
        edit = Fields.only("deal", "name") if verb == "read_only" else ALL_FIELDS
        grant = Grant("sales", "item", actions, through="deal", view=ALL_FIELDS, edit=edit)
        others = tuple(item for item in current.grants if (item.role, item.module) != ("sales", "item"))
        return attrs.evolve(current, grants=(*others, grant))

    def check(self) -> None:
        """Look at what was written since the last time: whether the importer may write that, as things are now."""
        now, before = self.items(), self.written
        for name in now:
            if before.get(name) != now[name]:
                self.check_item(name, before.get(name), now[name])
        self.written = now

    def check_item(self, name: str, before: Any, now: Any) -> None:
        """Look at one item that the import wrote."""
        deal, text, big, _, new = now
        with self.workspace.acting_as(OTHER) as session:
            parent = session.records("deal").get(deal)
            has_new = "new" in session.context.module("item").definition.fields
        assert parent.owner == IMPORTER
        assert parent["size"] < 8
        assert big == (parent["size"] >= 5)
        assert (deal, name, text) in self.data
        written = {"name"} if before is None else set()
        written |= {key for place, key in enumerate(("deal", "text")) if before is None or before[place] != now[place]}
        assert new == (before[4] if before is not None else "given" if has_new else None)
        with self.workspace.acting_as(IMPORTER) as session:
            access = session.context.access("item")
            assert access.may("import")
            assert written <= access.writable_fields()

    def import_(self) -> ImportReport | None:
        """Import with somebody meddling; plan anew whenever the plan counts no more; `None` where that is refused."""

        def progress(_: Progress) -> None:
            self.check()
            self.meddle()

        for _ in range(10):
            try:
                with self.workspace.acting_as(IMPORTER) as session:
                    plan = make_plan(session.context, "item", Rows(self.data, HEADER), digest="file")
                    self.meddle()
                    return plan.apply(progress, batch_size=1)
            except PermissionDeniedError:
                return None
            except (StorageError, ConflictError) as error:
                if error.code not in ("storage_retryable", "configuration_changed"):
                    raise
        raise AssertionError("the import comes to no end")


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@settings(max_examples=10)
@example(existing=[], data=[(0, "a", "x"), (1, "b", "x")], meddled=[("transfer", 1, 1)])
@example(existing=[], data=[(0, "a", "x"), (1, "b", "x")], meddled=[None, ("transfer", 1, 1)])
@example(existing=[(1, "b", "y")], data=[(0, "a", "x"), (1, "b", "x")], meddled=[None, ("transfer", 1, 1)])
@example(existing=[], data=[(0, "a", "x"), (1, "b", "x")], meddled=[None, ("delete", 1, 1)])
@example(existing=[], data=[(0, "a", "x"), (1, "b", "x")], meddled=[None, ("size", 1, 9)])
@example(existing=[], data=[(0, "a", "x"), (1, "b", "x"), (1, "c", "x")], meddled=[None, ("size", 1, 6)])
@example(existing=[], data=[(0, "a", "x"), (1, "b", "x")], meddled=[None, ("read_only", 1, 1)])
@example(existing=[], data=[(0, "a", "x"), (1, "b", "x")], meddled=[None, ("required", 1, 1)])
@example(existing=[], data=[(0, "a", "x"), (1, "b", "x")], meddled=[None, ("no_import", 1, 1)])
@given(existing=rows, data=rows, meddled=meddling)
def test_no_row_passes_by_the_policy(store: str, existing: list[Any], data: list[Any], meddled: list[Any]) -> None:
    """Whatever moves: what is written may be written then, whole; and the report says what came of each row."""
    with opened(store) as workspace:
        world = World(workspace, data, existing, meddled)
        report = world.import_()
        world.check()
        stored = world.items()
        if report is not None:
            by_number = {number: name for number, (_, name, _) in enumerate(world.data, 2)}
            for row in report.rows:
                name = by_number[row.row]
                if row.outcome in ("rejected", "conflict", "duplicate"):
                    assert any(problem.severity == "error" for problem in row.problems)
                elif row.outcome == "create":
                    assert name in stored
            assert report.counts.total == len(world.data)
        assert [item.code for item in workspace.check_integrity().problems] == []


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_nothing_refers_to_what_is_gone(store: str) -> None:
    """Who may write all items writes none about a deal that went after the plan."""
    with opened(store) as workspace:
        world = World(workspace, [(0, "a", "x"), (1, "b", "x"), (2, "c", "x")], [], [("delete", 1, 1)])
        with workspace.acting_as(OTHER) as session:
            plan = make_plan(session.context, "item", Rows(world.data, HEADER), digest="file")
            report = plan.apply(lambda told: world.meddle() if told.done == 1 else None, batch_size=1)
        assert [row.outcome for row in report.rows] == ["create", "rejected", "create"]
        assert report.differences[0].problems[-1].code == "unknown_reference"
        assert sorted(world.items()) == ["a", "c"]
        assert workspace.check_integrity().problems == ()

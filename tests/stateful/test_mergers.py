"""Mergers that wait, while people edit, decide, propose again and archive: nothing is lost or merged unseen."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    Configuration,
    CustinfoError,
    FieldDefinition,
    Flow,
    Grant,
    ModuleDefinition,
    NamedMember,
    Role,
    Step,
    Trigger,
    Workspace,
)
from custinfo.core.policy.grants import ALL_FIELDS, Action
from custinfo.standard import sample_organisation
from tests.unit.workspace.conftest import Clock

FIELDS = ("a", "b")
PLACE = st.integers(0, 2)
EVERYTHING: frozenset[Action] = frozenset({"view", "create", "edit", "archive", "merge"})
FLOW = Flow("merging", Trigger("thing", actions=("merge",)), (Step("s", (NamedMember("zhangsan"),)),))


def configuration() -> Configuration:
    """Return a module whose mergers wait for zhangsan."""
    roles = ("team_lead", "data_administrator")
    module = ModuleDefinition("thing", tuple(FieldDefinition(key, "text") for key in FIELDS))
    grants = tuple(Grant(role, "thing", EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS) for role in roles)
    return Configuration((module,), roles=tuple(Role(role, role) for role in roles), grants=grants, flows=(FLOW,))


@attrs.define
class Merging:
    """What the model knows of an open merger: its records, what it fills, and whether the one that goes changed."""

    keep: str
    other: str
    fills: dict[str, str]
    stale: bool = False


class Mergers(RuleBasedStateMachine):
    """Drive a workspace with three records; the model is what each of them must hold, by hand."""

    @initialize()
    def begin(self) -> None:
        """Open a workspace with three records."""
        self.clock = Clock()
        self.workspace = Workspace.open(
            "memory://", configuration(), organisation=sample_organisation(), clock=self.clock
        )
        self.live: dict[str, dict[str, str]] = {}
        self.open: dict[str, Merging] = {}
        with self.workspace.acting_as("sunjiu") as session:
            for number in range(3):
                outcome: Any = session.records("thing").create({"a": str(number)} if number else {"b": "0"})
                assert isinstance(outcome, Applied)
                self.live[outcome.record.id] = dict(outcome.record.values)

    def key(self, place: int) -> str:
        """Return one of the live records."""
        return list(self.live)[place % len(self.live)]

    def tried(self, actor: str, verb: Any) -> Any:
        """Return what a verb gives, or the code of its refusal."""
        self.clock.advance(seconds=1)
        try:
            with self.workspace.acting_as(actor) as session:
                return verb(session)
        except CustinfoError as error:
            return error.code

    @rule(place=PLACE, field=st.sampled_from(FIELDS), value=st.sampled_from(["x", "y"]))
    def edit(self, place: int, field: str, value: str) -> None:
        """Change a record: refused where a merger is to fill that field, and else done at once."""
        key = self.key(place)
        if self.live[key].get(field) == value:
            return
        found = self.tried("sunjiu", lambda session: session.records("thing").update(key, {field: value}, version=ANY))
        if any(item.keep == key and field in item.fills for item in self.open.values()):
            assert found == "field_reserved"
            return
        assert isinstance(found, Applied)
        self.live[key][field] = value
        for item in self.open.values():
            item.stale = item.stale or item.other == key

    @precondition(lambda self: len(self.live) > 1)
    @rule(keep=PLACE, other=PLACE)
    def merge(self, keep: int, other: int) -> None:
        """Ask for a merger: one record waits in one merger at most."""
        kept, gone = self.key(keep), self.key(other)
        if kept == gone:
            return
        found = self.tried("sunjiu", lambda session: session.records("thing").merge(kept, [gone], version=ANY))
        if any({item.keep, item.other} & {kept, gone} for item in self.open.values()):
            assert found == "field_reserved"
            return
        assert isinstance(found, AwaitingApproval)
        self.open[found.request.id] = Merging(kept, gone, self.filled(kept, gone))

    def filled(self, keep: str, other: str) -> dict[str, str]:
        """Return what is blank in one record and not in another."""
        return {name: value for name, value in self.live[other].items() if name not in self.live[keep]}

    @precondition(lambda self: self.open)
    @rule(verb=st.sampled_from(["approve", "approve", "approve", "reject"]))
    def decide(self, verb: str) -> None:
        """Decide about the oldest merger; a record that goes and changed stops it, and nothing is merged then."""
        key, item = next(iter(self.open.items()))
        found = self.tried("zhangsan", lambda session: getattr(session.approvals, verb)(key))
        if isinstance(found, str):
            assert found == "request_closed"  # it waits for its submitter
            return
        if verb == "approve" and item.stale:
            assert found.state == "needs_rebase"
            return
        assert found.state == ("applied" if verb == "approve" else "rejected")
        del self.open[key]
        if verb == "approve":
            self.live[item.keep] |= item.fills
            del self.live[item.other]

    @precondition(lambda self: self.open)
    @rule(verb=st.sampled_from(["rebase", "rebase", "withdraw"]))
    def answer(self, verb: str) -> None:
        """Propose the oldest merger again on the records as they are, or give it up."""
        key, item = next(iter(self.open.items()))
        found = self.tried("sunjiu", lambda session: getattr(session.approvals, verb)(key))
        if isinstance(found, str):
            assert (verb, found) == ("rebase", "request_closed")
        elif verb == "withdraw":
            del self.open[key]
        else:
            assert found.state == "pending"
            self.open[key] = Merging(item.keep, item.other, self.filled(item.keep, item.other))

    @rule(place=PLACE)
    def archive(self, place: int) -> None:
        """Put a record away: refused while a merger waits that is about it."""
        key = self.key(place)
        if len(self.live) < 2:
            return
        found = self.tried("sunjiu", lambda session: session.records("thing").archive(key, version=ANY))
        if any(key in (item.keep, item.other) for item in self.open.values()):
            assert found == "field_reserved"
        else:
            assert isinstance(found, Applied)
            del self.live[key]

    @invariant()
    def live_data_is_what_was_edited_and_merged(self) -> None:
        """Live records are those of the model, with its values, and no other."""
        if hasattr(self, "live"):
            with self.workspace.acting_as("sunjiu") as session:
                found = {view.id: dict(view.values) for view in session.records("thing").find().records}
            assert found == self.live


TestMergers = Mergers.TestCase
TestMergers.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)

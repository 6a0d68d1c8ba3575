"""Undoing an import that others have worked on since: what nobody changed is as before, the rest is listed (XLS-4)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Final, TypeVar

import attrs
import pytest
from hypothesis import given, settings
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
    Flow,
    Grant,
    InvalidInputError,
    ModuleDefinition,
    NamedMember,
    RecordView,
    Role,
    Step,
    TagDimension,
    Trigger,
    UndoReport,
    Workspace,
)
from custinfo.core.errors import IllegalTransitionError
from custinfo.core.history.changes import Change
from custinfo.core.policy.grants import Action
from custinfo.core.records import RecordId
from custinfo.standard import sample_organisation
from custinfo.workspace.importing import ImportReport, Progress
from custinfo.workspace.planning import make_plan
from tests.property.test_import_plans import Ticking
from tests.unit.workspace.test_importing import Rows

T = TypeVar("T")

IMPORTER, OTHER, APPROVER, ADMIN = "sunjiu", "zhoushi", "zhaojl", "admin"
EVERYTHING: Final[frozenset[Action]] = frozenset(
    {"view", "create", "edit", "archive", "delete", "merge", "tag", "transfer", "import", "erase"}
)
HEADER: Final = ("name", "code", "number", "parent", "text")
STEP: Final = (Step("one", (NamedMember(APPROVER),)),)
ROWS_WAIT: Final = Flow("rows", Trigger("thing", actions=("import",), after=F.number >= 8), STEP)
"""Approves that rows come in: undone, they go."""
TEXTS_WAIT: Final = Flow("texts", Trigger("thing", fields=("text",), after=F.text == "t"), STEP)
"""Approves a value: undone, it stays."""


def configuration() -> Configuration:
    """Return a module with unique codes and parents, whose tags follow from the parent, and notes about its records."""
    thing = ModuleDefinition(
        "thing",
        (
            FieldDefinition("name", "text"),
            FieldDefinition("code", "text", unique=True),
            FieldDefinition("number", "integer"),
            FieldDefinition("parent", "reference", options={"module": "thing"}),
            FieldDefinition("text", "text"),
        ),
        title_field="name",
        match_keys=(("name",),),
        duplicate_keys=(),
    )
    note = ModuleDefinition(
        "note", (FieldDefinition("about", "reference", required=True, options={"module": "thing"}),)
    )
    grants = [
        Grant(role, module, EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
        for role in ("data_administrator", "senior_administrator")
        for module in ("thing", "note")
    ]
    grants.append(Grant("system_administrator", "thing", frozenset({"configure"}), "all"))
    cases = (Case(F.parent.number >= 5, "big"),)
    return Configuration(
        (thing, note),
        tag_dimensions=(TagDimension("people", open=True), TagDimension("rule", ("big",))),
        roles=tuple(Role(role) for role in ("data_administrator", "senior_administrator", "system_administrator")),
        grants=tuple(grants),
        flows=(ROWS_WAIT, TEXTS_WAIT),
        classifications=(Classification("big", "thing", cases, dimension="rule"),),
    )


CONFIGURATION: Final = configuration()

rows = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.sampled_from([None, None, "X", "Y", "Z"]),
        st.sampled_from([None, 1, 6, 9]),
        st.sampled_from([None, None, "a", "b", "c"]),
        st.sampled_from([None, None, "s", "t"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda row: row[0],
)
VERBS: Final = (
    "number", "code", "parent", "name", "tag", "archive", "restore", "delete", "transfer", "merge", "erase", "note",
    "approve", "approve", "reject", "send_back", "submit",
)  # fmt: skip
steps = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 5), st.integers(0, 5)), max_size=5)


class StoppedError(Exception):
    """The work is interrupted."""


@attrs.define
class World:
    """A workspace, and what is to be expected of undoing the import.

    `base` is what each record of the import was before that came to it, and `touched` are the records that somebody
    changed by hand after that.
    """

    workspace: Workspace
    base: dict[str, Any] = attrs.field(factory=dict)
    touched: set[str] = attrs.field(factory=set)

    def records(self) -> dict[str, RecordView]:
        """Return all records by id."""
        with self.workspace.acting_as(OTHER) as session:
            return {
                view.id: view
                for module in ("thing", "note")
                for view in session.records(module).find(order_by=["id"], limit=None, archived=True).records
            }

    def state(self) -> dict[str, Any]:
        """Return what people see and wrote of each record: not its version, nor what follows by rule."""
        return {
            key: (
                dict(view.values),
                {tag for tag in view.tags if tag.dimension != "rule"},
                view.owner,
                view.department,
                view.archived_at,
            )
            for key, view in self.records().items()
        }

    def changes(self) -> list[Change]:
        """Return the changes of the import, none before it begins."""
        with self.workspace.acting_as(OTHER) as session:
            unit: Any = session.context.unit
            found = unit.imports.of_content("thing", "file", IMPORTER, hold=False)
            return list(unit.history.of_batch(found[-1].id)) if found else []

    def by_hand(self) -> dict[str, int]:
        """Return the last version of each record that people made by hand."""
        own = {(change.record_id, change.version) for change in self.changes()}
        found: dict[str, int] = {}
        views = self.records().values()
        with self.workspace.acting_as(OTHER) as session:
            for view in views:
                history = session.context.unit.history.of_record(view.module, RecordId(view.id))
                found[view.id] = max(
                    (
                        change.version
                        for change in history
                        if change.channel != "rule" and (view.id, change.version) not in own
                    ),
                    default=0,
                )
        return found

    def watch(self, work: Callable[[], T]) -> T:
        """Do something, and note what the import changed by it, and people."""
        state, known, before = self.state(), self.by_hand(), {change.record_id for change in self.changes()}
        try:
            return work()
        finally:
            came = {change.record_id for change in self.changes()} - before
            self.base |= {key: state.get(key) for key in came}
            now = self.by_hand()
            changed = {key for key in self.base if known.get(key, 0) != now.get(key, -1)}
            self.touched |= changed

    def import_(self, data: Any, stop_after: int = 0) -> ImportReport:
        """Import rows one by one; be interrupted after so many if asked to."""

        def progress(told: Progress) -> None:
            if told.done == stop_after:
                raise StoppedError

        with self.workspace.acting_as(IMPORTER) as session:
            plan = make_plan(session.context, "thing", Rows(data, HEADER), digest="file", duplicates="create")
            return plan.apply(progress, batch_size=1)

    def do(self, verb: str, one: int, other: int) -> None:
        """Let somebody do something, if it can be done."""
        with suppress(InvalidInputError, ConflictError, IllegalTransitionError, LookupError, ValueError):
            if verb in ("approve", "reject", "send_back"):
                self.watch(lambda: self.decide(verb, one))
            else:
                self.watch(lambda: self.change(verb, one, other))

    def decide(self, verb: str, one: int) -> None:
        """Decide one of the requests that wait."""
        with self.workspace.acting_as(APPROVER) as session:
            waiting = session.approvals.inbox()
            getattr(session.approvals, verb)(waiting[one].request_id)

    def change(self, verb: str, one: int, other: int) -> None:
        """Change a record by hand."""
        ids = [view.id for view in self.records().values() if view.module == "thing"]
        key, second = ids[one], ids[other % len(ids)]
        with self.workspace.acting_as(OTHER) as session:
            things = session.records("thing")
            verbs: dict[str, Callable[[], object]] = {
                "number": lambda: things.update(key, {"number": 2 + other}, version=ANY),
                "code": lambda: things.update(key, {"code": "XYZW"[other % 4]}, version=ANY),
                "parent": lambda: things.update(key, {"parent": second}, version=ANY),
                "name": lambda: things.update(key, {"name": "abcdef"[other]}, version=ANY),
                "submit": lambda: things.update(key, {"text": "t"}, version=ANY),
                "tag": lambda: things.tag(key, ("people", f"t{other}"), version=ANY),
                "archive": lambda: things.archive(key, version=ANY),
                "restore": lambda: things.restore(key, version=ANY),
                "delete": lambda: things.delete(key, version=ANY),
                "transfer": lambda: things.transfer(key, "lisi", version=ANY),
                "merge": lambda: things.merge(key, [second], version=ANY),
                "erase": lambda: things.erase_person(key, fields=["number"], reason="asked"),
                "note": lambda: session.records("note").create({"about": key}),
            }
            verbs[verb]()

    def waiting(self, own: Collection[str]) -> set[str]:
        """Return the records about which somebody's request, other than `own`, is open."""
        with self.workspace.acting_as(OTHER) as session:
            found = session.context.unit.approvals.open_for("thing", list(map(RecordId, self.base)))
            return {record_id for item in found if item.id not in own for record_id in item.record_ids()}

    def approved(self) -> set[str]:
        """Return the records of the import of which somebody approved a value."""
        changes = self.changes()
        with self.workspace.acting_as(IMPORTER) as session:
            return {
                change.record_id
                for change in changes
                if change.approval is not None and "texts" in session.approvals.get(change.approval).flows
            }


def begin(world: World, data: list[Any]) -> None:
    """Make records by hand: without parents that are not there yet."""
    made: dict[str, str] = {}
    for name, code, number, parent, _ in data:
        values = {"name": name, "code": code, "number": number, "parent": made.get(parent)}
        with suppress(InvalidInputError), world.workspace.acting_as(OTHER) as session:
            outcome: Any = session.records("thing").create({key: value for key, value in values.items() if value})
            made[name] = outcome.record.id


def is_needed_or_clashes(key: str, base: Any, after: dict[str, Any]) -> bool:
    """Tell whether a record that nobody changed can't go back because of what there is by now."""
    if base is None:
        return any(key in values.values() for values, *_ in after.values())
    code, parent = base[0].get("code"), base[0].get("parent")
    others = [values.get("code") for other, (values, *_, archived) in after.items() if other != key and not archived]
    return (code is not None and code in others) or (parent is not None and parent not in after)


def row(name: str, code: str | None = None, number: int | None = None, **more: str) -> tuple[object, ...]:
    """Return a row of the file, or a record that is there before it."""
    return (name, code, number, more.get("parent"), more.get("text"))


CASES: Final[dict[str, tuple[list[Any], list[Any], int, list[Any], list[Any]]]] = {
    "its former code is taken": ([row("a", "X"), row("b")], [row("a", "Y"), row("c")], 0, [], [("code", 1, 0)]),
    "what it referred to is gone": (
        [row("b"), row("c"), row("a", parent="b")], [row("a", parent="c"), row("d")], 0, [], [("delete", 0, 0)],
    ),
    "its tags follow from another row": (
        [row("b"), row("a", parent="b")], [row("a", text="s"), row("b", number=6)], 0, [], [],
    ),
    "its tags follow from what somebody changed": (
        [row("b"), row("a", parent="b")], [row("a", text="s")], 0, [], [("number", 0, 5)],
    ),
    "somebody changed it between two rows": (
        [row("a")], [row("a", number=1), row("b", number=6)], 1, [("name", 0, 1)], [],
    ),
    "its code went to a new record": ([row("a", "X")], [row("a", "Y"), row("b", "X")], 1, [], []),
    "another row refers to a new record": ([row("b")], [row("a"), row("b", parent="a")], 1, [], []),
    "a record that stays refers to a new one": (
        [row("b")], [row("a"), row("b", parent="a"), row("c", parent="b")], 1, [], [("tag", 0, 0)],
    ),
    "somebody refers to it": ([], [row("a"), row("b")], 0, [], [("note", 0, 0)]),
    "somebody deleted it": ([row("b")], [row("a"), row("b", number=1)], 0, [], [("delete", 0, 0), ("delete", 0, 0)]),
    "somebody waits for its approval": ([row("a")], [row("a", number=1)], 0, [], [("submit", 0, 0)]),
    "a value of it was approved": ([row("a")], [row("a", text="t")], 0, [], [("approve", 0, 0)]),
    "the import was approved": ([row("a")], [row("a", number=9), row("b", number=9)], 0, [], [("approve", 0, 0)]),
    "the import still waits": ([row("a")], [row("a", number=9), row("b", number=9)], 0, [], []),
    "the import was returned": ([row("a")], [row("a", number=9), row("b", number=1)], 0, [], [("send_back", 0, 0)]),
}  # fmt: skip
"""What is there, the rows of the file, after how many the import is interrupted, and what people do then, and since."""


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
@pytest.mark.parametrize("case", CASES)
def test_hard_cases(url: str, case: str) -> None:
    """What holds whatever people do holds in the cases that are likely to go wrong."""
    undo_and_check(url, *CASES[case])


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
@settings(max_examples=25)
@given(first=rows, data=rows, stop_after=st.integers(0, 2), between=steps, since=steps)
def test_undoing_what_others_worked_on(
    url: str, first: list[Any], data: list[Any], stop_after: int, between: list[Any], since: list[Any]
) -> None:
    """Each record of the import is as before, or as others left it, and then listed; all else stays as it is."""
    undo_and_check(url, first, data, stop_after, between, since)


def undo_and_check(
    url: str, first: list[Any], data: list[Any], stop_after: int, between: list[Any], since: list[Any]
) -> None:
    """Import, let people do something, undo, and compare with what was."""
    with Workspace.open(url, CONFIGURATION, organisation=sample_organisation(), clock=Ticking()) as workspace:
        world = World(workspace)
        begin(world, first)
        if stop_after and stop_after <= len(data):
            with pytest.raises(StoppedError):
                world.watch(lambda: world.import_(data, stop_after))
            for step in between:
                world.do(*step)
        report = world.watch(lambda: world.import_(data))
        for step in since:
            world.do(*step)

        found, stay = world.state(), world.touched | world.waiting(report.requests) | world.approved()
        undone = workspace.undo_import(report.batch_id, actor=ADMIN)
        after = world.state()
        assert sorted((*undone.removed, *undone.reverted, *undone.kept)) == sorted(world.base)
        assert stay & world.base.keys() <= set(undone.kept)
        for key in set[str](undone.kept) - stay:
            assert is_needed_or_clashes(key, world.base[key], after)
        went_back = {*undone.removed, *undone.reverted}
        for key in found.keys() | after.keys():
            assert after.get(key) == (world.base[key] if key in went_back else found.get(key))
        check_what_is_left(world, report, first=undone)


def check_what_is_left(world: World, report: ImportReport, first: UndoReport) -> None:
    """No request of the import can be decided any more, undoing again does nothing, and the store is sound."""
    with world.workspace.acting_as(APPROVER) as session:
        for request_id in first.withdrawn:
            with pytest.raises(IllegalTransitionError):
                session.approvals.approve(request_id)
        assert not {task.request_id for task in session.approvals.inbox()} & {*report.requests}
    assert world.workspace.undo_import(report.batch_id, actor=ADMIN) == UndoReport()
    assert world.workspace.check_integrity().problems == ()
    ids = list(map(RecordId, world.records()))
    with world.workspace.acting_as(OTHER) as session:
        derivation, unit = session.context.compiled.derivation("thing"), session.context.unit
        for record in unit.records.get("thing", ids).values():
            if record.archived_at is None:
                bare = derivation.stripped(record)
                assert derivation.derive(bare, session.context.related, session.now()) == record

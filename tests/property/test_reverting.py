"""Taking a record back to a version makes it what it was then, whatever happened in between (HIS-2)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo import ANY, CLEAR, FieldDefinition, Fields, Grant, ModuleDefinition, TagDimension, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.core.configuration import Configuration
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.policy.grants import Role
from custinfo.workspace.session import Session

FIELDS: Final = (
    FieldDefinition("name", "text", required=True),
    FieldDefinition("amount", "money", options={"currency": "CNY"}),
    FieldDefinition("since", "date"),
    FieldDefinition("kind", "choice", options={"dictionary": "kinds"}),
    FieldDefinition("kinds", "multiple_choice", options={"dictionary": "kinds"}),
    FieldDefinition("secret", "text", encrypted=True, unique=True, sensitivity="sensitive"),
    FieldDefinition("double", "computed", formula="amount * 2", options={"value_kind": "decimal"}),
)
KEYS: Final = tuple(field.key for field in FIELDS if field.kind != "computed")
EVERYTHING: Final = Fields.everything_but(also=("secret",))
CONFIGURATION: Final = Configuration(
    (ModuleDefinition("thing", FIELDS),),
    (Dictionary("kinds", tuple(DictionaryValue(code, code) for code in "abc")),),
    (TagDimension("need", ("x", "y")), TagDimension("phase", ("one", "two"), single=True)),
    (Role("keeper"),),
    (
        Grant(
            "keeper",
            "thing",
            frozenset({"view", "create", "edit", "tag", "archive"}),
            "all",
            view=EVERYTHING,
            edit=EVERYTHING,
        ),
    ),
)
PEOPLE: Final = Organisation(
    (Department("all", "全部"),),
    (Position("keeper", "管理员", ("keeper",)),),
    (Member("ann", "安", (Assignment("all", "keeper"),)),),
)
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "name": st.sampled_from(("甲", "乙")),
    "amount": st.sampled_from((Decimal("1.5"), Decimal(20), CLEAR)),
    "since": st.sampled_from((date(2024, 1, 1), date(2024, 2, 29), CLEAR)),
    "kind": st.sampled_from(("a", "b", CLEAR)),
    "kinds": st.sampled_from((("a",), ("b", "c"), CLEAR)),
    "secret": st.sampled_from(("s1", "s2", CLEAR)),
}
TAGS: Final = st.sets(st.sampled_from((("need", "x"), ("need", "y"), ("phase", "one"), ("phase", "two"))), max_size=2)
STEPS: Final = st.one_of(
    st.fixed_dictionaries({}, optional=VALUES).map(lambda values: ("update", values)),
    st.tuples(TAGS, TAGS).map(lambda pair: ("tag", pair)),
    st.just(("archive", None)),
)


def carry_out(session: Session, key: str, step: tuple[str, Any]) -> None:
    """Do one step, as far as it is possible."""
    verb, given_ = step
    things = session.records("thing")
    archived = things.get(key).archived_at is not None
    match verb:
        case "archive" if archived:
            things.restore(key, version=ANY)
        case "archive":
            things.archive(key, version=ANY)
        case "tag" if not archived:
            added, removed = given_
            one_phase = {tag for tag in sorted(added) if tag[0] != "phase"} | {
                tag for tag in sorted(added)[-1:] if tag[0] == "phase"
            }
            things.tag(key, list(one_phase), remove=list(removed), version=ANY)
        case "update" if not archived:
            things.update(key, given_, version=ANY)


@settings(max_examples=60)
@given(st.lists(STEPS, min_size=1, max_size=8), st.data())
def test_revert_then_diff_is_empty(steps: list[tuple[str, Any]], data: st.DataObject) -> None:
    """After a revert nothing differs from that version in any value or tag, what follows from them included."""
    keyring = Keyring({"k": b"k" * 32}, current="k", index_key=b"i" * 32, evidence_keys={"e": b"e" * 32})
    with Workspace.open("memory://", CONFIGURATION, organisation=PEOPLE, keyring=keyring) as workspace:
        with workspace.acting_as("ann") as session:
            things = session.records("thing")
            key = things.create({"name": "甲", "amount": 1, "secret": "s0"}).record.id  # type: ignore[union-attr]
            for step in steps:
                carry_out(session, key, step)
            if things.get(key).archived_at is not None:
                things.restore(key, version=ANY)
            version = things.get(key).version
            target = data.draw(st.integers(1, version))
            changes = session.context.unit.history.of_record("thing", key)  # also those of which ann sees nothing
            before = things.as_of(key, changes[target - 1].at)
            things.revert(key, to_version=target, version=version)
            now = things.get(key)
            found = things.diff(key, target, now.version)
            assert {name: pair for name, pair in found.items() if name != "archived_at"} == {}
            assert (dict(now), now.tags) == (dict(before), before.tags)
        assert workspace.verify().ok

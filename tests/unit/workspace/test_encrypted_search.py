"""Encrypted fields are found by exact value, by whoever may read them, and by nobody else (FLD-7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from custinfo import (
    ANY,
    Configuration,
    F,
    FieldDefinition,
    Grant,
    InvalidInputError,
    PermissionDeniedError,
    Role,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.core.criteria import criterion_to_json
from custinfo.core.criteria.describe import PlainWords, describe
from custinfo.core.criteria.nodes import Criterion, SealedAs
from custinfo.core.fields import ModuleDefinition
from custinfo.core.policy.grants import ALL_FIELDS, Action
from custinfo.standard import sample_organisation
from tests.unit.workspace.story import IDENTITY_NUMBER, Story, applied

OTHER_NUMBER = "440524188001010014"
READER, MASKED, BLIND = "zhoushi", "sunjiu", "lisi"


def ids(story: Story, actor: str, criterion: Criterion, module: str = "customer") -> list[str]:
    """Return what somebody finds, and check that it is counted alike."""
    with story.workspace.acting_as(actor) as session:
        found: list[str] = [record.id for record in session.records(module).find(criterion).records]
        assert session.records(module).count(criterion) == len(found)
    return found


def test_found_by_exact_value(story: Story) -> None:
    """A number is read as on input; another one finds nothing, and `~` finds the rest."""
    one = story.individual()
    other = story.individual(id_number=None, name="李小红", phone="13900139001")
    for number in (IDENTITY_NUMBER, IDENTITY_NUMBER.lower(), f" {IDENTITY_NUMBER} "):
        assert ids(story, READER, F.id_number == number) == [one.id]
    assert ids(story, READER, F["证件号码"].is_in([OTHER_NUMBER, IDENTITY_NUMBER])) == [one.id]
    assert ids(story, READER, F.id_number == OTHER_NUMBER) == []
    assert ids(story, READER, F.id_number.is_in([])) == []
    assert ids(story, READER, ~(F.id_number == IDENTITY_NUMBER)) == [other.id]
    assert ids(story, READER, (F.id_number == IDENTITY_NUMBER) & (F.name == "李小红")) == []


def test_found_once_archived_and_through_a_reference(story: Story) -> None:
    """Records out of the index of unique values are found, too."""
    one = story.individual()
    with story.workspace.acting_as("lisi") as session:
        note = applied(session.follow_ups.create({"customer": one.id, "at": "2024-03-01 09:00", "content": "聊"}))
    with story.workspace.acting_as(READER) as session:
        found = session.follow_ups.find(F.customer.id_number == IDENTITY_NUMBER).records
        assert [item.id for item in found] == [note.id]
    with story.workspace.acting_as("lisi") as session:
        session.customers.archive(one.id, version=ANY)
    with story.workspace.acting_as(READER) as session:
        assert session.customers.find(F.id_number == IDENTITY_NUMBER).records == ()
        page = session.customers.find(F.id_number == IDENTITY_NUMBER, archived=True)
        assert [record.id for record in page.records] == [one.id]


@pytest.mark.parametrize("actor", [MASKED, BLIND])
@pytest.mark.parametrize("number", [IDENTITY_NUMBER, OTHER_NUMBER, "nonsense"])
def test_no_oracle(story: Story, actor: str, number: str) -> None:
    """Who sees a mask or nothing is refused alike, whatever the number."""
    story.individual(owner=BLIND)
    for criterion in (F.id_number == number, F.id_number.is_in([number]), ~(F.id_number == number)):
        with pytest.raises(PermissionDeniedError, match="field_not_readable"):
            ids(story, actor, criterion)


REFUSED = [
    F.id_number != IDENTITY_NUMBER,
    F.id_number < IDENTITY_NUMBER,
    F.id_number.contains("1101"),
    F.id_number.starts_with("1101"),
    F.id_number.has("1101"),
]


@pytest.mark.parametrize("criterion", REFUSED)
def test_nothing_else_may_be_asked(story: Story, criterion: Criterion) -> None:
    """Everything but equality is refused, with the reason."""
    with pytest.raises(InvalidInputError) as caught:
        ids(story, READER, criterion)
    (problem,) = caught.value.problems
    assert (problem.code, problem.field, problem.params["kind"]) == ("unknown_operator", "id_number", "encrypted")


def test_a_value_that_is_none(story: Story) -> None:
    """What is no identity number is refused as on input, without repeating it."""
    with pytest.raises(InvalidInputError) as caught:
        ids(story, READER, F.id_number == "nonsense")
    assert [problem.field for problem in caught.value.problems] == ["id_number"]
    assert "nonsense" not in str(caught.value)


def test_without_a_keyring(story: Story) -> None:
    """Without a keyring the problem says what is missing."""
    story.workspace._begin.keyring = None
    with pytest.raises(InvalidInputError) as caught:
        ids(story, READER, F.id_number == IDENTITY_NUMBER)
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [("keyring_missing", "id_number")]


def test_the_bound_form_shows_nothing() -> None:
    """Neither text nor words nor JSON of a bound criterion have the digest."""
    bound = SealedAs(("id_number",), ("digest",))
    assert "digest" not in repr(bound).replace("digests", "")
    assert describe(bound, PlainWords(), "en") == "id_number = ***"
    with pytest.raises(TypeError, match="no form in JSON"):
        criterion_to_json(bound)


ACTIONS: frozenset[Action] = frozenset({"view", "create", "edit", "decrypt"})
KINDS: list[tuple[str, object, list[object], list[object]]] = [
    ("text", "甲 乙", ["甲 乙"], ["甲", "乙"]),
    ("integer", 5, [5, "5", 5.0], [6, 5.5]),
    ("decimal", "1.50", [1.5, "1.5"], [1.51, 10**14]),
    ("date", "2024-03-15", ["2024/3/15"], ["2024-03-16"]),
    ("boolean", True, [True, "是"], [False]),
    ("phone", "138 1234 5678", ["13812345678"], ["13812345679"]),
]


@pytest.mark.parametrize(("kind", "value", "same", "others"), KINDS)
def test_values_of_any_kind_that_are_not_unique(
    url: str, kind: str, value: object, same: list[object], others: list[object]
) -> None:
    """Values are read as on input, and several records may have one."""
    with opened(url, kind, Keyring.generate()) as workspace:
        story = Story(workspace)
        made = two(workspace, value)
        assert [ids(story, READER, F.secret == one, "thing") for one in same] == [made] * len(same)
        assert [ids(story, READER, F.secret == one, "thing") for one in others] == [[]] * len(others)
        assert ids(story, READER, F.secret.is_in([*others, value]), "thing") == made


def test_found_while_keys_rotate(tmp_path: Path) -> None:
    """What was sealed under a former key is found as before, with what was sealed since."""
    url, keyring = f"sqlite:///{tmp_path}/things.db", Keyring.generate()
    with opened(url, "text", keyring) as workspace:
        old = two(workspace, "x")
    rotated = keyring.rotated("k2")
    with opened(url, "text", rotated) as workspace:
        every = [*old, *two(workspace, "x")]
        assert ids(Story(workspace), READER, F.secret == "x", "thing") == every
        workspace.rotate_keys()
    with opened(url, "text", rotated.without(keyring.current)) as workspace:
        assert ids(Story(workspace), READER, F.secret == "x", "thing") == every


def opened(url: str, kind: str, keyring: Keyring) -> Workspace:
    """Open a workspace of things with a field that is encrypted and not unique."""
    fields = (FieldDefinition("name", "text"), FieldDefinition("secret", kind, encrypted=True))
    grant = Grant("senior_administrator", "thing", ACTIONS, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
    module, roles = ModuleDefinition("thing", fields, title_field="name"), (Role("senior_administrator"),)
    configuration = Configuration((module,), roles=roles, grants=(grant,))
    return Workspace.open(url, configuration, organisation=sample_organisation(), keyring=keyring)


def two(workspace: Workspace, value: object) -> list[str]:
    """Save two things with a value, and one without, and return the ids of the two."""
    with workspace.acting_as(READER) as session:
        things = session.records("thing")
        made = [applied(things.create({"name": name, "secret": value})).id for name in "ab"]
        things.create({"name": "c"})
    return list(map(str, made))

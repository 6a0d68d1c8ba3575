"""Encrypted fields are found by their last four characters where their definition says so (FLD-7)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from custinfo import CLEAR, F, InvalidInputError, PermissionDeniedError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.core.configuration import Configuration
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.records import Sealed
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import IDENTITY_NUMBER, Story

KEYRING = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32, evidence_keys={"e": b"e" * 32})
OTHER = "110101194912310016"


def configured() -> Configuration:
    """Return the standard configuration, in which identity numbers are found by their end."""
    return standard_configuration().change_field("customer", "id_number", last_four=True)


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """One whose identity numbers are found by their end."""
    with Workspace.open(
        url, configured(), organisation=sample_organisation(), keyring=KEYRING, clock=clock
    ) as workspace:
        yield workspace


def ids(story: Story, criterion: Criterion, actor: str = "zhoushi") -> set[str]:
    """Return what somebody finds."""
    with story.workspace.acting_as(actor) as session:
        return {record.id for record in session.customers.find(criterion, archived=True).records}


def code(story: Story, criterion: Criterion, actor: str = "zhoushi") -> str:
    """Return with what code a question is refused."""
    with (
        story.workspace.acting_as(actor) as session,
        pytest.raises((InvalidInputError, PermissionDeniedError)) as caught,
    ):
        session.customers.find(criterion)
    return caught.value.code


def test_found_by_the_last_four(story: Story) -> None:
    """Whatever their case and width; whoever may not read the number is refused, whatever they ask."""
    one = story.individual(birthday=None)
    other = story.individual(name="李小红", id_number=OTHER, birthday=None)
    for text in ("002X", "002x", "００２Ｘ"):
        assert ids(story, F.id_number.last_four(text)) == {one.id}
    assert ids(story, F.id_number.last_four("0016")) == {other.id}
    assert ids(story, F["证件号码"].last_four("9999")) == set()
    assert ids(story, ~F.id_number.last_four("002X")) == {other.id}
    assert ids(story, F.id_number == IDENTITY_NUMBER) == {one.id}
    for actor in ("sunjiu", "liuqi", "lisi"):
        assert code(story, F.id_number.last_four("002X"), actor) == "field_not_readable"


def test_it_follows_the_value(story: Story) -> None:
    """Changed through an approval, reverted and cleared, it is found by what it is, and no more by what it was."""
    one = story.individual(birthday=None)
    story.approve("sunjiu", story.submit("lisi", one, {"id_number": OTHER}))
    assert ids(story, F.id_number.last_four("0016")) == {one.id}
    assert ids(story, F.id_number.last_four("002X")) == set()
    story.approve("sunjiu", story.submit("lisi", one, {"id_number": CLEAR}))
    assert ids(story, F.id_number.last_four("0016")) == set()
    assert story.workspace.verify().ok


def test_what_is_asked_must_be_four(story: Story) -> None:
    """Fewer or more are refused, and so are fields that are not searched so."""
    story.individual()
    assert code(story, F.id_number.last_four("02X")) == "too_short"
    assert code(story, F.id_number.last_four("1002X")) == "too_long"
    assert code(story, F.name.last_four("科技有限")) == "unknown_operator"


def test_without_it_nothing_is_kept(url: str, clock: Clock) -> None:
    """A definition that does not ask for it gives the store nothing to compare, and refuses the question."""
    people = sample_organisation()
    with Workspace.open(url, standard_configuration(), organisation=people, keyring=KEYRING, clock=clock) as workspace:
        story = Story(workspace)
        one = story.individual()
        assert code(story, F.id_number.last_four("002X")) == "unknown_operator"
        with workspace.acting_as("zhoushi") as session:
            [record] = session.context.unit.records.get("customer", [one.id]).values()
            assert isinstance(record.values["id_number"], Sealed)
            assert record.values["id_number"].tail is None


def test_it_is_turned_on_and_off_while_in_use(url: str, clock: Clock) -> None:
    """The plan seals values anew, and says how many; turned off, the digests go."""
    people = sample_organisation()
    with Workspace.open(url, standard_configuration(), organisation=people, keyring=KEYRING, clock=clock) as workspace:
        story = Story(workspace)
        one = story.individual()
        for on, found in ((True, {one.id}), (False, None)):
            with workspace.acting_as("admin") as session:
                live = session.configuration
                plan = live.plan(live.current.change_field("customer", "id_number", last_four=on))
                assert [(effect.field, effect.cause, effect.records) for effect in plan.effects] == [
                    ("id_number", "sealed", 1)
                ]
                plan.apply(reason="按末四位查找")
            if found is not None:
                assert ids(story, F.id_number.last_four("002X")) == found
            else:
                assert code(story, F.id_number.last_four("002X")) == "unknown_operator"
            assert ids(story, F.id_number == IDENTITY_NUMBER) == {one.id}
        with workspace.acting_as("zhoushi") as session:
            assert session.customers.get(one.id)["id_number"] == IDENTITY_NUMBER
        assert workspace.verify().ok


def test_short_values_have_none(story: Story) -> None:
    """What has four characters or fewer would be all told by its end."""
    configuration = standard_configuration().change_field("customer", "occupation", encrypted=True, last_four=True)
    with Workspace.open("memory://", configuration, organisation=sample_organisation(), keyring=KEYRING) as workspace:
        inner = Story(workspace)
        inner.individual(occupation="教师")
        long = inner.individual(name="李小红", id_number=None, occupation="高级工程师")
        assert ids(inner, F.occupation.last_four("级工程师")) == {long.id}
        assert code(inner, F.occupation.last_four("教师")) == "too_short"

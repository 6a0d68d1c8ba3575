"""Policies tried out: what somebody would see, edit and lose, and what the one who tries it out may be told."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from custinfo import (
    ALL_FIELDS,
    Assignment,
    Configuration,
    ConfigurationError,
    Department,
    F,
    FieldDefinition,
    Fields,
    Grant,
    InvalidInputError,
    Masked,
    Member,
    ModuleDefinition,
    Organisation,
    PermissionDeniedError,
    Position,
    Role,
    Simulation,
    Workspace,
)
from tests.unit.workspace.story import Story

SEE: frozenset[Any] = frozenset({"view"})
EDIT: frozenset[Any] = frozenset({"edit"})
DEAL = ModuleDefinition(
    "deal",
    (
        FieldDefinition("name", "text"),
        FieldDefinition("stage", "text"),
        FieldDefinition("secret", "text"),
        FieldDefinition("phone", "phone", mask="phone"),
    ),
)
PEOPLE = Organisation(
    (Department("d", "D"),),
    tuple(Position(role, role, (role,)) for role in ("seller", "keeper", "maker", "blind")),
    tuple(
        Member(key, key.title(), (Assignment("d", role),))
        for key, role in (("ann", "seller"), ("kim", "keeper"), ("mark", "maker"), ("bert", "blind"))
    ),
)
SELLER = Grant("seller", "deal", SEE, "all", condition=F.stage == "won", view=Fields.only("name", "phone"))
KEEPER = Grant(
    "keeper", "deal", SEE | {"configure"}, "all", view=Fields.everything_but("secret"), mask={"phone": "full"}
)
BLIND = Grant("blind", "deal", frozenset({"configure"}), "all")
MAKER = Grant("maker", "deal", frozenset({"view", "create"}), "all", view=ALL_FIELDS, edit=ALL_FIELDS)
BASE = Configuration(
    (DEAL,),
    roles=tuple(map(Role, ("seller", "keeper", "maker", "blind"))),
    grants=(SELLER, KEEPER, BLIND, MAKER),
)


@pytest.fixture
def deals() -> Any:
    """A workspace with a won deal, a lost one, and one of which ann is the owner."""
    with Workspace.open("memory://", BASE, organisation=PEOPLE) as workspace:
        with workspace.acting_as("mark") as session:
            records = session.records("deal")
            for stage, secret in (("won", "yes"), ("lost", "no"), ("open", "yes")):
                records.create({"name": stage, "stage": stage, "secret": secret, "phone": "13812345678"})
        yield workspace


def tried(workspace: Workspace, *grants: Grant, by: str = "kim", actor: str = "ann", **asked: Any) -> Simulation:
    """Try out a policy with further grants for sellers."""
    with workspace.acting_as(by) as session:
        proposed = attrs.evolve(session.configuration.current, grants=(*grants, KEEPER, BLIND, MAKER))
        return session.simulate(proposed, actor, "deal", **asked)


def test_what_would_be_seen_and_lost(deals: Workspace) -> None:
    """Ann would see the lost deal instead of the won one, and could edit it."""
    other = attrs.evolve(SELLER, condition=F.stage == "lost", actions=SEE | EDIT, edit=Fields.only("name"))
    found = tried(deals, other)
    assert found.counts == {"looked_at": 3, "before": 1, "after": 1, "gained": 1, "lost": 1, "untold": 0}
    won, lost, open_ = found.records
    assert won.losses() == ("view", "view name", "view phone")
    assert lost.gains() == ("edit", "edit name", "view", "view name", "view phone")
    assert not open_.changed
    assert (won.view, open_.view) == (None, None)
    assert lost.view is not None
    assert dict(lost.view.values) == {"name": "lost", "phone": Masked("******")}  # masked for who tries it out
    assert {part.action for part in found.rights.gains} == {"view", "edit"}
    assert found.rights.losses


def test_only_what_is_asked_for(deals: Workspace) -> None:
    """Criteria and a limit choose among the records."""
    assert tried(deals, SELLER, criteria=F.stage == "won").counts["looked_at"] == 1
    found = tried(deals, SELLER, limit=2)
    assert (len(found.records), found.more) == (2, True)
    assert not tried(deals, SELLER, limit=3).more
    assert not any(item.changed for item in tried(deals, SELLER).records)


def test_nothing_is_written(deals: Workspace) -> None:
    """Trying out changes neither the configuration nor a record."""
    before = deals.configuration
    tried(deals, attrs.evolve(SELLER, condition=None))
    assert deals.configuration == before
    with deals.acting_as("ann") as session:
        assert session.records("deal").count() == 1


def test_who_may_try_out(deals: Workspace) -> None:
    """Only those who may configure the module, and only what exists."""
    with pytest.raises(PermissionDeniedError):
        tried(deals, SELLER, by="ann")
    with pytest.raises(InvalidInputError) as caught:
        tried(deals, SELLER, actor="nobody")
    assert caught.value.code == "unknown_member"
    with pytest.raises(ConfigurationError):
        tried(deals, attrs.evolve(SELLER, role="nothing"))


def test_a_condition_on_what_may_not_be_read_tells_nothing(deals: Workspace) -> None:
    """Kim may not read the secret: that a grant depends on it gives no answer, whatever the secret is."""
    found = tried(deals, SELLER, attrs.evolve(SELLER, condition=F.secret == "yes"))
    assert found.counts == {"looked_at": 3, "before": 0, "after": 0, "gained": 0, "lost": 0, "untold": 3}
    assert not [item for item in found.records if item.told or item.view or item.changed]
    with pytest.raises(PermissionDeniedError):
        tried(deals, SELLER, criteria=F.secret == "yes")


def test_who_views_nothing_looks_at_nothing(deals: Workspace) -> None:
    """Bert configures and views nothing: he is told what the grants say, and of made-up records."""
    found = tried(deals, attrs.evolve(SELLER, condition=F.secret == "yes"), by="bert", samples=[
        {"stage": "won", "secret": "yes"}, {"stage": "won"}, {"secret": "yes", "owner": "ann"},
    ])  # fmt: skip
    assert found.counts == {"looked_at": 3, "before": 2, "after": 2, "gained": 1, "lost": 1, "untold": 0}
    assert [item.record_id for item in found.records] == ["sample 1", "sample 2", "sample 3"]
    assert {item.view for item in found.records} == {None}
    with pytest.raises(InvalidInputError):
        tried(deals, SELLER, by="bert", samples=[{"nothing": 1}])


def test_values_that_would_change_are_not_judged(deals: Workspace) -> None:
    """Where the data model changes as well, what depends on it isn't told: that is for a plan."""
    with deals.acting_as("kim") as session:
        proposed = session.configuration.current.change_field("deal", "stage", kind="long_text")
        found = session.simulate(proposed, "ann", "deal")
    assert found.counts["untold"] == 3


def test_a_simulation_in_words(deals: Workspace) -> None:
    """It is a page for people, in both languages."""
    found = tried(deals, attrs.evolve(SELLER, condition=None))
    english = found.to_markdown("en").splitlines()
    assert english[:5] == [
        "| Member | Gains | Loses |",
        "| --- | --- | --- |",
        "| Ann | view name, phone of deal: all |  |",
        "",
        "3 records looked at: 1 seen now, 3 seen then (2 gained, 0 lost, 0 not told)",
    ]
    assert english[6] == "| Record | Gains | Loses |"
    assert english[8].endswith("| view<br>view name<br>view phone |  |")
    assert "检查 3 条记录：现在可见 1 条，之后可见 3 条" in found.to_markdown("zh")
    assert pickle.loads(pickle.dumps(found.records[1].after)) == found.records[1].after


def test_the_standard_policy_is_tried_out(story: Story) -> None:
    """An administrator who views nothing tries out more for finance on customers that they make up."""
    story.won("lisi")
    with story.workspace.acting_as("admin") as session:
        more = Grant("finance", "customer", SEE, "all", condition=F.status == "流失", view=Fields.only("name"))
        proposed = session.configuration.current.with_grants(more)
        found = session.simulate(proposed, "qianba", "customer", samples=[{"客户状态": "流失"}, {"客户状态": "成交"}])
    assert [item.gains() for item in found.records] == [("view", "view name"), ()]
    assert found.counts["looked_at"] == 2


def test_another_mask_is_a_difference(deals: Workspace) -> None:
    """Who would see more, or less, of a masked value is told by which mask, now and then."""
    with deals.acting_as("kim") as session:
        proposed = attrs.evolve(
            session.configuration.current,
            grants=(SELLER, attrs.evolve(KEEPER, mask={"phone": "last4"}), BLIND, MAKER),
        )
        found = session.simulate(proposed, "kim", "deal")
    assert [(item.gains(), item.losses()) for item in found.records] == [
        (("mask phone last4",), ("mask phone full",))
    ] * 3
    assert "view masked (its last four) phone" in found.to_markdown("en")
    assert "脱敏查看" in found.to_markdown("zh")

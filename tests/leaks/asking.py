"""Two stores that differ in one thing, and what one question comes to in both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from custinfo import ANY, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.approval.flows import Flow
from custinfo.core.configuration import Configuration
from custinfo.core.policy.grants import Action, Fields, Grant
from custinfo.workspace.session import Session
from tests.leaks.answers import answer
from tests.leaks.twins import Surroundings
from tests.leaks.world import ACTOR, CONFIGURATION, organisation

Question = Callable[[Session, str], Any]
Story = Callable[[Workspace, str, int], None]
KEYS: Final = Keyring.generate()


def grant(*actions: Action, view: tuple[str, ...] = ("name",), edit: tuple[str, ...] = (), **more: Any) -> Grant:
    """Return a grant of the asker on all deals, or those that are said."""
    given = {"scope": "all", **more}
    return Grant("r", "deal", frozenset({"view", *actions}), view=Fields(view), edit=Fields(edit), **given)


def field(key: str, **changes: Any) -> Configuration:
    """Return the configuration with a field of deals changed."""
    known = CONFIGURATION.modules["deal"].fields[key]
    return CONFIGURATION.with_fields("deal", attrs.evolve(known, **changes))


def with_flow(flow: Flow) -> Configuration:
    """Return the configuration with this flow and no other."""
    return attrs.evolve(CONFIGURATION, flows=(flow,))


def _nothing(_workspace: Workspace, _key: str, _side: int) -> None:
    pass


def ask_both(
    question: Question,
    *grants: Grant,
    story: Story = _nothing,
    configuration: Configuration = CONFIGURATION,
    **values: tuple[Any, Any],
) -> tuple[str, str]:
    """Return the answers of two stores with a deal of Ann's, which differ in `values`, and in what `story` does."""
    found = []
    for side in (0, 1):
        around = Surroundings()
        workspace = Workspace(
            configuration.with_grants(*grants),
            units=MemoryUnits(),
            organisation=organisation(judge=False),
            keyring=KEYS,
            clock=around.clock,
            ids=around.ids,
        )
        around.at(1)
        given = {"name": "Ax", "owner": "ann", **{key: pair[side] for key, pair in values.items()}}
        with workspace.acting_as("ann") as session:
            key = session.records("deal").create(given).record.id  # type: ignore[union-attr]
        around.at(2)
        story(workspace, key, side)
        around.at(3)
        with workspace.acting_as(ACTOR) as session:
            found.append(answer(lambda: question(session, key)).text)  # noqa: B023
    return found[0], found[1]


def differ(answers: tuple[str, str], *words: str) -> bool:
    """Tell whether answers differ, and each word is in one of them and not in the other."""
    one, other = answers
    return one != other and all((word in one) is not (word in other) for word in words)


def updating(**values: Any) -> Question:
    """Return the question what a change of the deal comes to."""
    return lambda session, key: session.records("deal").update(key, values, version=ANY)

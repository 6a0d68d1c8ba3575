"""Mistakes of calling code that nobody checked with mypy: each is named where it is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from custinfo import Workspace
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.session import Session
from tests.unit.workspace.story import Story


@pytest.mark.parametrize("version", [None, "1", 1.5])
@pytest.mark.parametrize(
    "change",
    [
        lambda session, key, version: session.customers.update(key, {"企业地址": "苏州"}, version=version),
        lambda session, key, version: session.customers.archive(key, version=version),
        lambda session, key, version: session.customers.revert(key, to_version=1, version=version),
        lambda session, key, version: session.customers.erase_person(key, reason="要求", version=version),
    ],
    ids=["update", "archive", "revert", "erase_person"],
)
def test_what_is_no_version(story: Story, version: Any, change: Callable[[Session, str, Any], object]) -> None:
    """A version that came as a text from a web page is not called stale: reading again would not help."""
    key = story.customer().id
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(TypeError, match=r"the number .* or ANY: not"):
        change(session, key, version)


@pytest.mark.parametrize("time", ["2024-03-15", date(2024, 3, 15), 1710460800])
def test_what_is_no_instant(story: Story, time: Any) -> None:
    """Who asks for the past by a text or a day is told what an instant is."""
    key = story.customer().id
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(TypeError, match=rf"a datetime: not {type(time).__name__}"):
            session.customers.as_of(key, time)
        with pytest.raises(TypeError, match=rf"a datetime: not {type(time).__name__}"):
            session.customers.history(key, since=time)


def test_what_is_no_configuration() -> None:
    """Arguments in the wrong order, and functions that were not called, are told apart from a bad configuration."""
    swapped: Any = ("memory://", standard_configuration())
    with pytest.raises(TypeError, match="url must be a text: not Configuration"):
        Workspace.open(*reversed(swapped))
    uncalled: Any = standard_configuration
    with pytest.raises(TypeError, match="must be a Configuration: not function"):
        Workspace.open("memory://", uncalled)


def test_what_is_no_organisation() -> None:
    """A function that would give the people is not taken for them."""
    with pytest.raises(TypeError, match="an Organisation or a Directory: not function"):
        Workspace.open("memory://", standard_configuration(), organisation=sample_organisation)


def test_objects_say_who_they_are(story: Story) -> None:
    """What one holds while one debugs says for whom and for what it is, and nothing that a record holds."""
    assert repr(story.workspace) == "Workspace(tenant='default')"
    with story.workspace.acting_as("lisi") as session:
        assert repr(session) == "Session(tenant='default', actor='lisi')"
        assert repr(session.customers) == "Records(module='customer', actor='lisi')"
        assert repr(session.approvals) == "Approvals(actor='lisi')"

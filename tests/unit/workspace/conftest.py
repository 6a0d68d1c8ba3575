"""A workspace on each built-in store, with a clock that the test moves and ids that it can foresee."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from custinfo import Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.defaults import Uuid7
from tests.unit.workspace.story import Story

KEYS = b"k" * 32, b"i" * 32


class Clock:
    """Stand still until told otherwise, then go on by a second for each reading."""

    def __init__(self) -> None:
        self.time = datetime(2024, 3, 15, 2, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def advance(self, **period: float) -> None:
        """Move on."""
        self.time += timedelta(**period)


@pytest.fixture
def clock() -> Clock:
    """A clock that starts at 2024-03-15 10:30 in Shanghai."""
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/customers.db"


@pytest.fixture
def workspace(url: str, clock: Clock) -> Iterator[Workspace]:
    """The standard configuration with the sample organisation and a keyring."""
    opened = Workspace.open(
        url,
        standard_configuration(),
        organisation=sample_organisation(),
        keyring=Keyring({"k1": KEYS[0]}, current="k1", index_key=KEYS[1]),
        clock=clock,
        ids=Uuid7(clock),
    )
    with opened:
        yield opened


@pytest.fixture
def story(workspace: Workspace) -> Story:
    """Shorthand for what many tests begin with."""
    return Story(workspace)

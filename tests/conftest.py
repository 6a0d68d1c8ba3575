"""What holds for all tests: what a test opens is closed when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec

import pytest


@pytest.fixture(autouse=True)
def closed_engines() -> Iterator[None]:
    """Close the engines that a test leaves open; Python 3.13 warns of connections that nobody closed.

    Those of a whole class or module are opened before, and stay open for it.
    """
    if find_spec("sqlalchemy") is None:
        yield
        return
    from custinfo.adapters.sqlalchemy._engines import open_engine

    with ExitStack() as opened, pytest.MonkeyPatch.context() as patch:

        def noted(url: str) -> object:
            engine = open_engine(url)
            opened.callback(engine.dispose)
            return engine

        patch.setattr("custinfo.adapters.sqlalchemy.units.open_engine", noted)
        yield

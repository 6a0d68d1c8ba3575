"""Engines of the servers, as custinfo opens them and as a host does, and threads that begin at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, create_engine

from custinfo import CustinfoError
from custinfo.adapters.sqlalchemy._engines import open_engine
from tests.databases import MARIADB, POSTGRESQL, require_server

__all__ = ["ENGINES", "at_once", "server"]

PATIENCE: Final = 60

ENGINES: Final[dict[str, Callable[[], Engine]]] = {
    "postgresql": lambda: open_engine(POSTGRESQL),
    "mariadb": lambda: open_engine(MARIADB),
    "a host's own mariadb": lambda: create_engine(MARIADB),
    "a host's own postgresql": lambda: create_engine(POSTGRESQL, isolation_level="REPEATABLE READ"),
}
"""Engines as custinfo opens them, and those whose transactions show one state to their end."""


@contextmanager
def server(name: str) -> Iterator[Engine]:
    """Connect to a server by one of the engines; skip the test unless it answers."""
    require_server(POSTGRESQL if "postgresql" in name else MARIADB)
    engine = ENGINES[name]()
    try:
        yield engine
    finally:
        engine.dispose()


def at_once(*actions: Callable[[Callable[[], object]], Any]) -> Sequence[Any]:
    """Run actions in threads; return what each returns, or the error of custinfo's that it raises.

    Each is given what waits until all have come as far. Anything else that one raises is raised here.
    """
    start = threading.Barrier(len(actions))
    outcomes: list[Any] = [None] * len(actions)

    def run(place: int, action: Callable[[Callable[[], object]], Any]) -> None:
        try:
            outcomes[place] = action(lambda: start.wait(PATIENCE))
        except CustinfoError as error:
            outcomes[place] = error
        except BaseException as error:
            start.abort()
            outcomes[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, CustinfoError):
            raise outcome
    return outcomes

"""Processes that want the same at once: run as `python -m`, each does its part when told to, and says how it went.

What goes in and comes out is JSON, a line for each race.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session as HostSession

from custinfo import ANY, Session, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.configuration import Configuration
from custinfo.core.errors import CustinfoError
from custinfo.core.fields import FieldDefinition
from custinfo.core.outbox import Event
from custinfo.core.policy.grants import ALL_FIELDS, Grant
from custinfo.core.store_errors import storage_failure
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.story import ENTERPRISE

__all__ = ["ROLES", "configuration", "increment", "open_workspace"]

_PATIENT: Final = 200
"""Attempts of whoever has to come to an end."""


def configuration() -> Configuration:
    """Return the standard configuration with a counter and a unique number that somebody added."""
    fields = (FieldDefinition("card", "text", "卡号", unique=True), FieldDefinition("counter", "integer", "计数"))
    everything = Grant("sales", "customer", frozenset({"view", "create", "edit"}), view=ALL_FIELDS, edit=ALL_FIELDS)
    return standard_configuration().with_fields("customer", *fields).with_grants(everything)


def open_workspace(url: str, prefix: str) -> Workspace:
    """Open the store; its tables are there."""
    units = SqlAlchemyUnits(open_engine(url), prefix=prefix)
    return Workspace(configuration(), units=units, organisation=sample_organisation())


def increment(session: Session, key: str) -> None:
    """Add one to the counter of a customer, as it is read here."""
    view = session.customers.get(key)
    session.customers.update(key, {"counter": (view["counter"] or 0) + 1}, version=view.version)


@attrs.frozen
class Racer:
    """One of the processes: where the store is, which one it is, and what it is about."""

    url: str
    prefix: str
    number: int
    given: Mapping[str, Any]
    random: random.Random
    workspace: Workspace

    def tried(self, action: Callable[[], object], outcomes: Counter[str]) -> bool:
        """Do something once, count how it went, and tell whether it went well."""
        try:
            action()
        except CustinfoError as error:
            outcomes[error.code] += 1
            return False
        outcomes["done"] += 1
        return True


def update_once(racer: Racer) -> Mapping[str, int]:
    """Read a record and change it as it was read, again and again; whoever is refused does not try again."""
    outcomes: Counter[str] = Counter()

    def once() -> None:
        with racer.workspace.acting_as("lisi") as session:
            increment(session, racer.given["record"])

    for _ in range(racer.given["rounds"]):
        racer.tried(once, outcomes)
    return outcomes


def update_always(racer: Racer) -> Mapping[str, int]:
    """Do the same in `Workspace.run`, which tries again."""
    outcomes: Counter[str] = Counter()

    def work(session: Session) -> None:
        increment(session, racer.given["record"])

    for _ in range(racer.given["rounds"]):
        racer.tried(lambda: racer.workspace.run("lisi", work, attempts=_PATIENT), outcomes)
    return outcomes


def cross(racer: Racer) -> Mapping[str, int]:
    """Change two records in one transaction, in the one order or in the other: they wait for each other."""
    outcomes: Counter[str] = Counter()

    def both(session: Session) -> None:
        for key in racer.given["records"][:: 1 if racer.number % 2 else -1]:
            increment(session, key)

    for _ in range(racer.given["rounds"]):
        racer.tried(lambda: racer.workspace.run("lisi", both, attempts=_PATIENT), outcomes)
    return outcomes


def host(racer: Racer) -> Mapping[str, int]:
    """Do the same in a host's own session, which tries again itself where it is told that it may."""
    outcomes: Counter[str] = Counter()
    level = {"isolation_level": "SERIALIZABLE"}
    engine = create_engine(racer.url, hide_parameters=True, **level)

    def once() -> None:
        with HostSession(engine) as session:
            unit = SqlAlchemyUnit(session, prefix=racer.prefix)
            with racer.workspace.acting_as("lisi", unit=unit) as acting:
                for key in racer.given["records"][:: 1 if racer.number % 2 else -1]:
                    increment(acting, key)
            committed(session)

    for _ in range(racer.given["rounds"]):
        while not racer.tried(once, outcomes):
            pass
    engine.dispose()
    return outcomes


def committed(session: HostSession) -> None:
    """Commit; the host's own commit may fail too, and the host asks the database why."""
    try:
        session.commit()
    except OperationalError as error:
        raise storage_failure(error, retryable=True) from None


def take(racer: Racer) -> Mapping[str, Any]:
    """Create customers with the same unique numbers, or give one's own customer each of them in turn."""
    outcomes: Counter[str] = Counter()
    values = list(racer.given["values"])
    racer.random.shuffle(values)
    own = racer.given["own"][racer.number] if racer.number % 2 else None

    def one(value: str) -> None:
        def work(session: Session) -> None:
            if own is None:
                session.customers.create({**ENTERPRISE, "uscc": None, "card": value})
            else:
                session.customers.update(own, {"card": value}, version=ANY)

        racer.workspace.run("lisi", work, attempts=_PATIENT)

    won = [value for value in values if racer.tried(partial(one, value), outcomes)]
    return {**outcomes, "won": won}


def reserve(racer: Racer) -> Mapping[str, Any]:
    """Ask for the same change of each record, which needs an approval: one request at a time may hold its field."""
    outcomes: Counter[str] = Counter()
    records = list(racer.given["records"])
    racer.random.shuffle(records)

    def one(key: str) -> None:
        change = {"status": "流失"}
        racer.workspace.run("lisi", lambda s: s.customers.update(key, change, version=ANY), attempts=_PATIENT)

    for key in records:
        racer.tried(partial(one, key), outcomes)
    return outcomes


def deliver(racer: Racer) -> Mapping[str, Any]:
    """Deliver events until none is left."""
    found: list[str] = []

    def handler(event: Event) -> None:
        found.append(event.key)

    while racer.workspace.undelivered(limit=1):
        racer.workspace.deliver(handler, limit=7)
    return {"keys": found}


ROLES: Final[Mapping[str, Callable[[Racer], Mapping[str, Any]]]] = {
    role.__name__: role for role in (update_once, update_always, cross, host, take, reserve, deliver)
}


def main(url: str, prefix: str, number: int) -> None:
    """Say that one is ready, and do one's part in each race that comes, until none does."""
    workspace = open_workspace(url, prefix)
    chance = random.Random(number)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        given = json.loads(line)
        racer = Racer(url, prefix, number, given, chance, workspace)
        sys.stdout.write(f"{json.dumps(ROLES[given['role']](racer))}\n")
        sys.stdout.flush()
    workspace.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

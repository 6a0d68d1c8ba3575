"""What people see: searches and pages through sessions, whose scopes, policies and masks are part of it."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import attrs

from benchmarks.clock import Clock
from benchmarks.customers import NOW, TENANT, customers, organisation
from benchmarks.harness import Result
from custinfo import F, Tagged, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.criteria import Criterion
from custinfo.core.schema import Schema

__all__ = ["Users", "growth"]

WORST = {"sqlite": 0.150, "postgresql": 0.150, "mariadb": 0.700}
Work = Callable[[Any], object]
_PICKS = (
    F.annual_budget >= 1_500_000,
    F.region == "江苏",
    F.status == "成交",
    F.updated_at.within(months=6),
    Tagged("需求", "技术服务"),
    F.industry == "软件",
)
_ORDERS: tuple[tuple[str, ...], ...] = ((), ("-updated_at",), ("annual_budget",), ("name",), ("-annual_budget",))


def _times(units: SqlAlchemyUnits, schema: Schema, actor: str, works: Sequence[Work], clock: Clock) -> list[float]:
    """Return how long each piece of work takes, asked once; the session has had one page before."""
    space = Workspace(schema.configuration, units=units, organisation=organisation(), tenant=TENANT, clock=lambda: NOW)
    taken = []
    with space.acting_as(actor) as session:
        session.customers.find(limit=1)
        for work in works:
            start = clock()
            work(session)
            taken.append(clock() - start)
    return taken


def _rank(times: Sequence[float], percent: int) -> float:
    return sorted(times)[len(times) * percent // 100]


def _search(text: str, session: Any) -> object:
    return session.customers.search(text)


def _page(criterion: Criterion, order: tuple[str, ...], session: Any) -> object:
    return session.customers.find(criterion, order_by=order, limit=50)


def _pages(rng: random.Random, count: int) -> list[Work]:
    works: list[Work] = []
    for _ in range(count):
        criterion = F.archived_at.is_missing()
        for part in rng.sample(_PICKS, rng.randrange(4)):
            criterion &= part
        works.append(partial(_page, criterion, rng.choice(_ORDERS)))
    return works


@attrs.frozen
class Users:
    """Let people work on one database."""

    title: str
    name: str
    schema: Schema
    units: SqlAlchemyUnits
    clock: Clock

    def results(self) -> Iterator[Result]:
        """Yield the time of searches in a branch, and of the slowest pages of a random mix."""
        rng = random.Random(11)
        names = [item.document["name"] for item in itertools.islice(customers(400, self.schema), 200)]
        starts = [rng.randrange(len(name) - 4) for name in names]
        pairs = [name[start : start + 2] for name, start in zip(names, starts, strict=True)]
        times = self._times("branch3-4", [partial(_search, pair) for pair in pairs])
        yield self._result("search for two characters, p95", _rank(times, 95), 0.010)
        common = self._times("branch3-4", [partial(_search, "公司")] * 5)
        yield self._result("search for the commonest pair", statistics.median(common), 0.050)
        for actor in ("all", "region2", "branch5-5", "d1-2-3a"):  # a process that others have worked with before
            self._times(actor, _pages(random.Random(6), 60))
        rng = random.Random(5)
        mixed = [self._times(actor, _pages(rng, 60)) for actor in ("all", "region2", "branch5-5", "d1-2-3a")]
        yield self._result("page of a random mix, p99", _rank([*itertools.chain(*mixed)], 99), WORST[self.name])

    def _times(self, actor: str, works: Sequence[Work]) -> list[float]:
        return _times(self.units, self.schema, actor, works, self.clock)

    def _result(self, case: str, ours: float, most: float) -> Result:
        return Result("storage", f"{self.title}: {case}", ours, f"{most * 1000:.0f} ms", most, 1.0)


def growth(title: str, schema: Schema, small: SqlAlchemyUnits, big: SqlAlchemyUnits, clock: Clock) -> Iterator[Result]:
    """Yield how pages become slower from 10 000 customers on."""
    found = []
    for units in (small, big):
        branch: list[float] = []
        for number in range(4):
            branch += _times(units, schema, f"branch{number}-{number}", _pages(random.Random(number), 25), clock)
        by_budget = [partial(_page, F.annual_budget >= 0, ("annual_budget",))] * 20
        found.append((_rank(branch, 95), statistics.median(_times(units, schema, "all", by_budget, clock))))
    (before, flat), (after, still) = found
    yield Result("storage", f"{title}: page in a branch, p95", after, "with 10 000 customers", before, 12.0)
    yield Result("storage", f"{title}: page by an indexed field", still, "with 10 000 customers", flat, 1.5)

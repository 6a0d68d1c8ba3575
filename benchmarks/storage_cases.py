"""Questions and changes through custinfo's repositories, each beside the fastest way to do it by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
from sqlalchemy import Engine

from benchmarks import layout_a
from benchmarks.by_hand import ByHand
from benchmarks.clock import Clock
from benchmarks.customers import NOW, TENANT, as_record, claimed_slots, customers, insert_raw
from benchmarks.harness import Result, in_turns
from custinfo import F, Tagged
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.binding import bind
from custinfo.core.criteria import Criterion
from custinfo.core.history.changes import Change, changes_between
from custinfo.core.records import Record, RecordId
from custinfo.core.schema import Schema
from custinfo.core.stored import ValueCodec, instant_to_text
from custinfo.ports import Grouping, Order, Query, UnitOfWork

__all__ = ["BRANCH", "Bench"]

BRANCH = ("b3-4", *(f"d3-4-{team}" for team in range(10)))
SINCE = NOW.replace(year=NOW.year - 1, month=12)
NEWEST = (Order(("updated_at",), descending=True),)
_LIVE = "r.tenant_id = ? AND r.module = 'customer' AND r.archived_at IS NULL"
_MARKS = ", ".join("?" * len(BRANCH))
_IN_BRANCH = f"{_LIVE} AND r.department_id IN ({_MARKS})"
_NEEDS = (
    "EXISTS (SELECT 1 FROM $_tag t WHERE t.tenant_id = r.tenant_id AND t.record_id = r.id AND t.dimension = '需求' "
    "AND t.value = '采购设备')"
)
_MILLION = 1_000_000


@attrs.frozen
class Bench:
    """Measure on one database."""

    title: str
    name: str
    engine: Engine
    units: SqlAlchemyUnits
    schema: Schema
    hand: ByHand
    clock: Clock

    @classmethod
    def of(cls, title: str, name: str, engine: Engine, units: SqlAlchemyUnits, schema: Schema, clock: Clock) -> Bench:
        """Connect by hand, too."""
        slots = {field: slot for slot, field in claimed_slots(engine, units, schema).items()}
        hand = ByHand.of(name, engine, units.tables.record.name, slots)
        clock.look()
        return cls(title, name, engine, units, schema, hand, clock)

    def _compared(
        self, case: str, ours: Callable[[], Any], hand: Callable[[], Any], target: float, **options: Any
    ) -> Result:
        one, other = in_turns(ours, hand, clock=self.clock)
        return self._result(case, one, options.get("baseline", "SQL by hand"), other, target)

    def _result(self, case: str, ours: float, baseline: str, other: float, target: float) -> Result:
        return Result("storage", f"{self.title}: {case}", ours, baseline, other, target)

    def _bound(self, criterion: Criterion) -> Criterion:
        return bind(criterion & F.archived_at.is_missing(), "customer", self.schema, NOW)

    def reads(self) -> Iterator[Result]:
        """Yield pages, a get, a count and groups."""
        with self.units.begin(self.schema, TENANT) as unit:
            yield from self._filtered(unit)
            yield from self._flagship(unit)
            yield from self._sorted(unit)
            yield from self._single(unit)
            yield from self._counted(unit)
        self.hand.driver.rollback()

    def _filtered(self, unit: UnitOfWork) -> Iterator[Result]:
        """Yield the second page of what was lost in a branch, newest first."""
        criterion = self._bound(F.department.is_in(BRANCH) & (F.annual_budget >= 500_000) & (F.status == "流失"))
        query = Query("customer", criterion, NEWEST, 50)
        last = unit.queries.find(query)[-1]
        query = attrs.evolve(query, after=(last.updated_at, last.id))
        where = (
            f"{_IN_BRANCH} AND r.:annual_budget >= ? AND r.:status = ? AND r.updated_at <= ? AND "
            "(r.updated_at < ? OR r.id > ?)"
        )
        moment = instant_to_text(last.updated_at)
        given = (TENANT, *BRANCH, 500_000 * _MILLION, "流失", moment, moment, last.id)
        hand = self.hand.pages(where, "r.updated_at DESC, r.id", given, ("department", "updated", "status"))
        _assert_same(unit.queries.find(query), hand())
        yield self._compared("filtered page of 50 in a branch", lambda: unit.queries.find(query), hand, 1.2)

    def _flagship(self, unit: UnitOfWork) -> Iterator[Result]:
        """Yield budget, follow-up, region and tag in a branch; on SQLite against another layout, too."""
        criterion = self._bound(
            (F.annual_budget >= 500_000)
            & (F.updated_at >= SINCE)
            & (F.region == "江苏")
            & Tagged("需求", "采购设备")
            & F.department.is_in(BRANCH)
        )
        query = Query("customer", criterion, NEWEST, 50)
        where = f"{_IN_BRANCH} AND r.:annual_budget >= ? AND r.updated_at >= ? AND r.:region = ? AND {_NEEDS}"
        given = (TENANT, *BRANCH, 500_000 * _MILLION, instant_to_text(SINCE), "江苏")
        hand = self.hand.pages(where, "r.updated_at DESC, r.id", given, ("department", "region", "updated"))
        _assert_same(unit.queries.find(query), hand())
        yield self._compared("flagship page in a branch", lambda: unit.queries.find(query), hand, 1.2)
        if self.name == "sqlite":
            layout_a.build(self.hand)
            other = layout_a.flagship(self.hand, given, _MARKS)
            _assert_same(unit.queries.find(query), other())
            yield self._compared(
                "flagship page in a branch ",
                lambda: unit.queries.find(query),
                other,
                0.25,
                baseline="layout A: document, indexes on it",
            )

    def _sorted(self, unit: UnitOfWork) -> Iterator[Result]:
        query = Query("customer", self._bound(F.annual_budget >= 0), (Order(("annual_budget",)),), 50)
        where = f"{_LIVE} AND r.:annual_budget >= ?"
        hand = self.hand.pages(where, "r.:annual_budget, r.id", (TENANT, 0), ("annual_budget",))
        _assert_same(unit.queries.find(query), hand())
        yield self._compared("page by an indexed field, over all", lambda: unit.queries.find(query), hand, 1.2)

    def _single(self, unit: UnitOfWork) -> Iterator[Result]:
        keys = [record.id for record in unit.queries.find(Query("customer", limit=500))]
        one, bound = keys[7], 3.0 if self.name == "sqlite" else 2.0
        get = lambda: unit.records.get("customer", [one])  # noqa: E731 - one of many
        yield self._compared("get", get, lambda: self.hand.bare(TENANT, one), bound, baseline="raw driver, bare row")
        yield self._compared("get ", get, lambda: self.hand.get(TENANT, one), 1.5, baseline="raw driver to attrs")
        marks = ", ".join("?" * 500)
        sql = (
            "SELECT r.id, r.owner_id, r.department_id, r.version, r.created_at, r.updated_at, r.created_by, "
            "r.archived_at, d.data, d.tags FROM $ r JOIN $_document d ON d.tenant_id = r.tenant_id AND d.record_id = "
            f"r.id WHERE r.tenant_id = ? AND r.module = 'customer' AND r.id IN ({marks})"
        )
        yield self._compared(
            "read 500 records",
            lambda: unit.records.get("customer", keys),
            lambda: self.hand.customers(sql, (TENANT, *keys)),
            1.5,
            baseline="raw driver to attrs",
        )

    def _counted(self, unit: UnitOfWork) -> Iterator[Result]:
        scope = Query("customer", self._bound(F.department.is_in(BRANCH)))
        given = (TENANT, *BRANCH)
        counted = f"SELECT count(*) FROM $ r {{}} WHERE {_IN_BRANCH}"
        hand = self.hand.fastest([counted.format(hint) for hint in ("", self.hand.hint("department"))], given)
        yield self._compared("count in a branch", lambda: unit.queries.count(scope), hand, 1.2)
        by = Grouping(("industry",))
        hand = self.hand.quickest(self._groups(_IN_BRANCH, given))
        yield self._compared("groups in a branch", lambda: unit.queries.distribution(scope, by), hand, 1.2)
        everything = Query("customer", self._bound(F.id.is_present()))
        hand = self.hand.quickest(self._groups(_LIVE, (TENANT,)))
        yield self._compared("groups over all", lambda: unit.queries.distribution(everything, by), hand, 1.2)

    def _groups(self, where: str, given: Sequence[Any]) -> list[Callable[[], Any]]:
        """Return ways to group by industry, those without one too, whom the index of the field does not have."""
        form = f"SELECT r.:industry, count(*) FROM $ r {{}} WHERE {where} {{}}GROUP BY r.:industry"
        ways: list[Callable[[], Any]] = [
            partial(self.hand.rows, form.format(hint, ""), given) for hint in ("", self.hand.hint("department"))
        ]
        present = form.format(self.hand.hint("industry"), "AND r.:industry IS NOT NULL ")
        everyone = f"SELECT count(*) FROM $ r WHERE {where}"

        def apart() -> list[Any]:
            found, [[number]] = self.hand.rows(present, given), self.hand.rows(everyone, given)
            return [*found, (None, number - sum(row[1] for row in found))]

        return [*ways, apart]

    # --- writing

    def writes(self, count: int) -> Iterator[Result]:
        """Yield changes of one and of many, and inserts."""
        with self.units.begin(self.schema, TENANT) as unit:
            keys = [record.id for record in unit.queries.find(Query("customer", limit=8_000))]
        timing: Any = {"clock": self.clock, "least": 0.2, "most": 200}
        singles, bulks = iter(keys[:4_000]), _parts(keys[4_000:])
        one, other = in_turns(
            lambda: self._update([next(singles)]), lambda: self._update_by_hand([next(singles)]), **timing
        )
        yield self._result("update with history", one, "raw driver, the same changes", other, 1.6)
        timing["most"] = 3
        one, other = in_turns(lambda: self._update(next(bulks)), lambda: self._update_by_hand(next(bulks)), **timing)
        yield self._result("update 500 with history", one, "raw read, diff, executemany", other, 3.0)
        yield self._inserted(count)

    def _update(self, keys: Sequence[RecordId]) -> None:
        with self.units.begin(self.schema, TENANT) as unit:
            before = unit.records.get("customer", keys)
            after = [_changed(record) for record in before.values()]
            unit.records.save(after)
            unit.history.append([_change(before[record.id], record) for record in after])

    def _update_by_hand(self, keys: Sequence[RecordId]) -> None:
        self.hand.update(TENANT, keys, 123 * _MILLION, "周强", instant_to_text(NOW))

    def _inserted(self, count: int) -> Result:
        codec = ValueCodec(self.schema.module("customer"))
        slots = {slot: field for field, slot in self.hand.slots.items()}
        start = count + 20_000 * random.SystemRandom().randrange(1, 400)
        source = customers(20_000, self.schema, start=start, seed=11)
        batches = iter(_parts(list(source), 2_000))

        def ours() -> float:
            records = [as_record(item, codec) for item in next(batches)]
            start = self.clock()
            with self.units.begin(self.schema, TENANT) as unit:
                unit.records.save(records)
            return self.clock() - start

        def raw() -> float:
            batch, start = next(batches), self.clock()
            with self.engine.begin() as connection:
                insert_raw(connection, self.units, batch, slots)
            return self.clock() - start

        taken = [(ours(), raw()) for _ in range(5)]
        one, other = (min(times) for times in zip(*taken, strict=True))
        kind = "COPY" if self.name == "postgresql" else "executemany"
        return Result(
            "storage", f"{self.title}: insert 2 000", one, f"raw {kind} of the same rows", other, 0.6, faster=True
        )


def _parts(items: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _changed(record: Record) -> Record:
    values = record.values.merged({"annual_budget": Decimal(321), "contact_name": "周强"})
    return attrs.evolve(record, version=record.version + 1, values=values, updated_at=NOW + timedelta(days=1))


def _change(before: Record, after: Record) -> Change:
    fields = changes_between(before, after)
    return Change("customer", after.id, after.version, after.updated_at, "keeper", "update", fields)


def _assert_same(ours: Sequence[Record], hand: Sequence[Any]) -> None:
    """Make sure that both have the same customers with the same values."""
    found = [
        [(item.id, dict(item.values), item.tags, item.version, item.updated_at) for item in items]
        for items in (ours, hand)
    ]
    if found[0] != found[1]:
        raise RuntimeError("custinfo and the SQL by hand find different customers")

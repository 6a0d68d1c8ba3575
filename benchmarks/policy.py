"""Permission decisions against an `if` written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.harness import Result, per_call
from custinfo import Organisation, Record
from custinfo.core.binding import bind
from custinfo.core.criteria.evaluate import compile_selection, no_related
from custinfo.core.frozen import FrozenDict
from custinfo.core.policy.access import Access, Verdict, compile_access
from custinfo.core.records import RecordId
from custinfo.core.schema import Schema
from custinfo.standard import sample_organisation, standard_configuration

NOW = datetime(2024, 3, 15, tzinfo=UTC)


def _access(actor: str) -> Access:
    configuration = standard_configuration()
    people: Organisation = sample_organisation()
    schema = Schema(configuration, people, UTC)
    conditions = {
        grant.condition: bind(grant.condition, grant.module, schema, NOW)
        for grant in configuration.grants
        if grant.condition is not None
    }
    return compile_access(actor, configuration.modules["customer"], configuration.grants, people, conditions)


def _records(count: int) -> list[Record]:
    departments = ("sales1", "sales1-1", "sales1-2", "service", "data")
    return [
        Record(
            RecordId(f"{number:036}"),
            "customer",
            FrozenDict({"name": f"客户{number}", "status": ("高潜", "成交", "流失")[number % 3]}),
            frozenset(),
            "lisi" if number % 2 else "wangwu",
            departments[number % len(departments)],
            1,
            NOW,
            NOW,
        )
        for number in range(count)
    ]


def run(quick: bool) -> Iterator[Result]:
    """Measure one decision with field verdicts, and filtering a list."""
    access = _access("zhaojl")
    records = _records(10_000)
    record = records[1]
    nodes = frozenset({"sales1", "sales1-1", "sales1-2"})
    allowed, refused = access.verdict(record, no_related), Verdict()

    def by_hand() -> Verdict:
        return allowed if record.department in nodes else refused

    own, hand = per_call(lambda: access.verdict(record, no_related), by_hand, calls=20_000 if quick else 100_000)
    yield Result("policy", "one decision with the verdict of every field", own, "hand-written if", hand, 5.0)

    select = compile_selection(access.reach("view"))
    own, hand = per_call(
        lambda: select(records, no_related),
        lambda: [item for item in records if item.department in nodes],
        calls=5 if quick else 20,
    )
    yield Result("policy", "filter 10 000 records in memory", own, "hand-written comprehension", hand, 2.0)

    finance = compile_selection(_access("qianba").reach("view"))
    own, hand = per_call(
        lambda: finance(records, no_related),
        lambda: [item for item in records if item.values.get("status") == "成交"],
        calls=5 if quick else 20,
    )
    yield Result("policy", "filter 10 000 records by a condition", own, "hand-written comprehension", hand, 2.0)

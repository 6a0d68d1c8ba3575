"""The questions that are asked about permission, and their answers written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from custinfo import Record
from custinfo.core.frozen import FrozenDict
from custinfo.core.permission import Policy
from custinfo.core.policy.access import Access
from custinfo.core.policy.grants import Action, Grant
from custinfo.core.records import RecordId
from custinfo.core.schema import Schema
from custinfo.standard import sample_organisation, standard_configuration

__all__ = ["ACTORS", "ASKED", "TEAM_OF", "UNITS_OF", "Rule", "access_of", "by_hand", "records", "rules"]

NOW: Final = datetime(2024, 3, 15, tzinfo=UTC)
ACTORS: Final = ("lisi", "zhangsan", "zhaojl", "liuqi", "qianba", "sunjiu", "zhoushi", "admin")
ASKED: Final[tuple[Action, ...]] = ("view", "edit", "export", "transfer", "approve", "delete")
TEAM_OF: Final = {"zhangsan": "sales1-1"}
UNITS_OF: Final = {"zhaojl": frozenset({"sales1", "sales1-1", "sales1-2"})}
_DEPARTMENTS: Final = ("sales1", "sales1-1", "sales1-2", "service", "data")


@attrs.frozen
class Rule:
    """One line of the standard policy on customers as other engines take it; `status` is "*" for any."""

    role: str
    action: str
    scope: str
    status: str


def rules() -> Iterator[Rule]:
    """Yield the standard policy on customers, action by action."""
    grants: tuple[Grant, ...] = standard_configuration().grants
    for grant in grants:
        if grant.module == "customer":
            for action in sorted(grant.actions):
                yield Rule(grant.role, action, grant.scope, "成交" if grant.condition is not None else "*")


def by_hand(actor: str, action: str, record: Record) -> bool:
    """Decide as a host would write it without a library."""
    match actor:
        case "lisi":
            mine = ("view", "create", "tag", "export", "archive", "edit")
            return action in mine and record.owner == "lisi"
        case "zhangsan":
            return action == "view" and record.department == "sales1-1"
        case "zhaojl":
            return action in ("view", "transfer", "approve") and record.department in UNITS_OF["zhaojl"]
        case "liuqi":
            return action in ("view", "edit")
        case "qianba":
            return action == "view" and record.values.get("status") == "成交"
        case "sunjiu":
            return action in ("view", "create", "edit", "import", "merge", "approve", "archive", "tag")
        case "zhoushi":
            return action in ("view", "export", "approve", "decrypt")
        case _:
            return action == "configure"


def records(count: int) -> list[Record]:
    """Return customers of several owners, departments and states."""
    return [
        Record(
            RecordId(f"{number:036}"),
            "customer",
            FrozenDict({"name": f"客户{number}", "status": ("高潜", "成交", "流失")[number % 3]}),
            frozenset(),
            "lisi" if number % 2 else "wangwu",
            _DEPARTMENTS[number % len(_DEPARTMENTS)],
            1,
            NOW,
            NOW,
        )
        for number in range(count)
    ]


def access_of(actor: str) -> Access:
    """Return the access that custinfo compiles for a session."""
    return Policy(Schema(standard_configuration(), sample_organisation(), UTC)).access(actor, "customer", NOW)

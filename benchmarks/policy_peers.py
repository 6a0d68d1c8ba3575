"""The same policy in pycasbin and in Cedar, each in the form that it is quickest in.

Neither knows fields: they are asked whether an action is allowed, where custinfo's answer has every action and field.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from benchmarks.policy_questions import ACTORS, TEAM_OF, UNITS_OF, rules
from custinfo import Record
from custinfo.standard import sample_organisation

__all__ = ["Peer", "peers"]

Decide = Callable[[str, str, Record], bool]

_MODEL: Final = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, act, scope, status
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && g(r.sub, p.sub) && covers(p.scope, r.sub, r.obj) && (p.status == "*" || r.obj.status == p.status)
"""
_SCOPES: Final = {
    "own": "resource.owner == principal",
    "team": "resource.department == principal.department",
    "subtree": "resource in principal.department",
}


@attrs.frozen
class Peer:
    """Another engine with the policy loaded.

    `decide` answers one question about a record that `prepare` was given; `select` picks the records of which an actor
    may do something. `factor` is how much faster custinfo is to be.
    """

    name: str
    factor: float
    prepare: Callable[[Iterable[Record]], None]
    decide: Decide
    select: Callable[[str, str, Sequence[Record]], list[Record]]


def peers() -> Iterator[Peer]:
    """Yield the engines that are installed; the others are named."""
    for name, library, make in (("pycasbin", "casbin", _casbin), ("cedarpy", "cedarpy", _cedar)):
        try:
            found = importlib.import_module(library)
        except ImportError:
            print(f"{name} is not installed, and left out: it is in the dependency group bench")
            continue
        yield make(found)


@attrs.frozen
class _Plain:
    """What pycasbin's matcher reads of a record."""

    owner: str | None
    department: str | None
    status: Any


def _covers(scope: str, actor: str, item: _Plain) -> bool:
    match scope:
        case "own":
            return item.owner == actor
        case "team":
            return item.department == TEAM_OF[actor]
        case "subtree":
            return item.department in UNITS_OF[actor]
        case _:
            return True


def _casbin(casbin: Any) -> Peer:
    model = casbin.Model()
    model.load_model_from_text(_MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_function("covers", _covers)
    for rule in rules():
        enforcer.add_policy(rule.role, rule.action, rule.scope, rule.status)
    for actor in ACTORS:
        for role, _ in sample_organisation().roles_of(actor):
            enforcer.add_grouping_policy(actor, role)
    plain: dict[str, _Plain] = {}

    def prepare(found: Iterable[Record]) -> None:
        plain.update((item.id, _Plain(item.owner, item.department, item.values.get("status"))) for item in found)

    def decide(actor: str, action: str, record: Record) -> bool:
        return bool(enforcer.enforce(actor, plain[record.id], action))

    def select(actor: str, action: str, found: Sequence[Record]) -> list[Record]:
        answers = enforcer.batch_enforce([(actor, plain[item.id], action) for item in found])
        return [item for item, allowed in zip(found, answers, strict=True) if allowed]

    return Peer("pycasbin", 50.0, prepare, decide, select)


def _uid(kind: str, key: str) -> dict[str, str]:
    return {"type": kind, "id": key}


def _entity(kind: str, key: str, parents: Iterable[tuple[str, str]], **attributes: Any) -> dict[str, Any]:
    return {"uid": _uid(kind, key), "attrs": attributes, "parents": [_uid(*parent) for parent in parents]}


def _people() -> Iterator[dict[str, Any]]:
    organisation = sample_organisation()
    for department in organisation.departments.values():
        above = [("Department", department.parent)] if department.parent else []
        yield _entity("Department", department.key, above)
    for key, member in organisation.members.items():
        roles = [("Role", role) for role, _ in organisation.roles_of(key)]
        yield _entity("User", key, roles, department={"__entity": _uid("Department", str(member.department))})


def _customer(record: Record) -> dict[str, Any]:
    department = str(record.department)
    return _entity(
        "Customer",
        record.id,
        [("Department", department)],
        owner={"__entity": _uid("User", str(record.owner))},
        department={"__entity": _uid("Department", department)},
        status=record.values["status"],
    )


def _cedar_policies() -> str:
    lines = []
    for rule in rules():
        parts = [_SCOPES[rule.scope]] if rule.scope in _SCOPES else []
        if rule.status != "*":
            parts.append(f'resource.status == "{rule.status}"')
        when = f" when {{ {' && '.join(parts)} }}" if parts else ""
        lines.append(f'permit(principal in Role::"{rule.role}", action == Action::"{rule.action}", resource){when};')
    return "\n".join(lines)


def _cedar(cedarpy: Any) -> Peer:
    policies = cedarpy.PolicySet.from_str(_cedar_policies())
    entities = [cedarpy.Entities.from_json_str(json.dumps(list(_people())))]

    def prepare(found: Iterable[Record]) -> None:
        everybody = [*_people(), *map(_customer, found)]
        entities[0] = cedarpy.Entities.from_json_str(json.dumps(everybody))

    def request(actor: str, action: str, record: Record) -> dict[str, Any]:
        return {
            "principal": _uid("User", actor),
            "action": _uid("Action", action),
            "resource": _uid("Customer", record.id),
            "context": {},
        }

    def decide(actor: str, action: str, record: Record) -> bool:
        return bool(cedarpy.is_authorized(request(actor, action, record), policies, entities[0]).allowed)

    def select(actor: str, action: str, found: Sequence[Record]) -> list[Record]:
        asked = [request(actor, action, item) for item in found]
        answers = cedarpy.is_authorized_batch(asked, policies, entities[0])
        return [item for item, answer in zip(found, answers, strict=True) if answer.allowed]

    return Peer("cedarpy", 15.0, prepare, decide, select)

"""From Cedar's policies and entities to grants.

Principals are members, and a policy is a role that those hold whom it is about, as a host's directory would say it;
resources are records of a module for each type, with their attributes as fields, and with all entities that they are
in. `resource.owner == principal` is the scope of own records, also through another entity.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo import (
    ALL_FIELDS,
    Assignment,
    Criterion,
    Department,
    Grant,
    Member,
    Organisation,
    Position,
)
from custinfo.core.criteria.nodes import Everything, Nothing, all_of
from tests.corpus.cedar_language import And, CedarPolicy, Compare, Get, Has, Is, Not, Or, Set, Uid, Var, read_policies
from tests.corpus.cedar_records import CedarRecords, entities_of, member_key
from tests.corpus.policy_worlds import NotExpressibleError, World, action_names, build

__all__ = ["cedar_world"]

_OPPOSITE: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def cedar_world(policies: str, entities: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]) -> World:
    """Return policies and entities as a workspace that knows the principals and resources of some requests.

    Questions are asked with `member_key`, the id of the action and the `Uid` of the resource.
    Raises: NotExpressibleError.
    """
    return _Translation(read_policies(policies), CedarRecords(dict(entities_of(entities, requests)), requests)).world()


@attrs.frozen
class _Branch:
    """One way in which a policy can hold: of whom, with which acts, on which resources."""

    who: tuple[Any, ...]
    acts: frozenset[str]
    on: tuple[Any, ...]
    mine: tuple[str, ...] | None
    """Attributes that lead from the resource to the principal, the last of which is its owner."""


@attrs.frozen(slots=False, eq=False)
class _Translation:
    policies: list[CedarPolicy]
    records: CedarRecords

    def world(self) -> World:
        if any(policy.effect != "permit" for policy in self.policies):
            raise NotExpressibleError("deny")
        branches = [branch for policy in self.policies for branch in self._branches(policy)]
        records = self.records
        asked = [request["action"]["id"] for request in records.requests]
        acts = action_names([*asked, *(act for branch in branches for act in sorted(branch.acts))])
        grants = [grant for place, branch in enumerate(branches) for grant in self._grants(_role(place), branch, acts)]
        people, things = self._people(branches), records.things(self._owners(branches))
        return build(records.modules(), grants, people, things, acts, dictionaries=records.dictionaries)

    # --- policies

    def _branches(self, policy: CedarPolicy) -> Iterator[_Branch]:
        for literals in _alternatives(policy.condition):
            sides: dict[str, list[Any]] = {"principal": [], "action": [], "resource": []}
            mine: list[tuple[str, ...]] = []
            for literal in literals:
                found = {name for name in _variables(literal) if name}
                if "context" in found:
                    raise NotExpressibleError("context")
                if found == {"principal", "resource"}:
                    mine.append(_ownership(literal))
                elif found:
                    sides[next(iter(found))].append(literal)
                elif literal is False:
                    break
            else:
                if len(mine) > 1:
                    raise NotExpressibleError("people")
                acts = frozenset(
                    uid.id for uid in self._of_actions() if all(self._holds(part, uid) for part in sides["action"])
                )
                yield _Branch(tuple(sides["principal"]), acts, tuple(sides["resource"]), mine[0] if mine else None)

    def _of_actions(self) -> list[Uid]:
        return [uid for uid in self.records.entities if uid.type.split("::")[-1] == "Action"]

    def _holds(self, literal: Any, uid: Uid) -> bool:
        """Return whether a literal on one entity holds, which the host's directory would know."""
        match literal:
            case Not(part):
                return not self._holds(part, uid)
            case bool():
                return literal
            case Is(_, kind):
                return uid.type == kind
            case Has(of, name):
                there = self._evaluated(of, uid)
                return isinstance(there, Uid) and name in self.records.entities[there].attributes
            case Compare(sign, left, right):
                one, other = self._evaluated(left, uid), self._evaluated(right, uid)
                return one is not None and other is not None and self._compared(sign, one, other)
            case _:
                return self._evaluated(literal, uid) is True

    def _compared(self, sign: str, one: Any, other: Any) -> bool:
        match sign:
            case "==" | "!=":
                return (one == other) is (sign == "==")
            case "in":
                wanted = other if isinstance(other, frozenset) else {other}
                return isinstance(one, Uid) and bool(self._within(one) & wanted)
            case "contains":
                return other in one
            case _:
                return bool({"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[sign])

    def _within(self, uid: Uid) -> frozenset[Uid]:
        return self.records.entities[uid].within if uid in self.records.entities else frozenset({uid})

    def _evaluated(self, value: Any, uid: Uid) -> Any:
        match value:
            case Var():
                return uid
            case Get(of, name):
                there = self._evaluated(of, uid)
                return self.records.entities[there].attributes.get(name) if there in self.records.entities else None
            case Set(items):
                return frozenset(items)
            case _:
                return value

    # --- grants

    def _owners(self, branches: Iterable[_Branch]) -> dict[str, str]:
        """Return for each type of resource the attribute that is its owner, as the policies speak of it."""
        owners: dict[str, str] = {}
        for branch in branches:
            if branch.mine is None:
                continue
            *hop, owner = branch.mine
            for kind, found in self.records.kinds().items():
                pointing = [self.records.refs(entity) for entity in found]
                targets = {refs[hop[0]].type for refs in pointing if hop[0] in refs} if hop else {kind}
                for target in targets:
                    if owners.setdefault(target, owner) != owner:
                        raise NotExpressibleError("people")
        return owners

    def _grants(self, role: str, branch: _Branch, acts: Mapping[str, Any]) -> Iterator[Grant]:
        for kind, found in self.records.kinds().items():
            scope: Any = "all"
            through = None
            if branch.mine is not None:
                *hop, owner = branch.mine
                scope, through = "own", self.records.field(hop[0]) if hop else None
                if len(hop) > 1 or not any((hop[0] if hop else owner) in entity.attributes for entity in found):
                    continue
            condition = all_of([self.records.criterion(part, kind, found) for part in branch.on])
            wanted: Criterion | None = None if isinstance(condition, Everything) else condition
            actions = frozenset(acts[act] for act in branch.acts)
            if actions and not isinstance(condition, Nothing):
                yield Grant(role, self.records.module(kind), actions, scope, through, wanted, ALL_FIELDS, ALL_FIELDS)

    # --- people

    def _people(self, branches: Sequence[_Branch]) -> Organisation:
        people = [entity for entity in self.records.entities.values() if entity.uid.type in self.records.people_types]
        held = {
            member_key(entity.uid): tuple(
                Assignment("all", _role(place))
                for place, branch in enumerate(branches)
                if all(self._holds(part, entity.uid) for part in branch.who)
            )
            for entity in people
        }
        roles = [_role(place) for place, _ in enumerate(branches)]
        members = tuple(Member(key, key, assignments) for key, assignments in held.items())
        return Organisation(
            (Department("all", "All"),), tuple(Position(role, role, (role,)) for role in roles), members
        )


def _role(place: int) -> str:
    """Return the role of those whom a branch is about."""
    return f"branch {place}"


def _alternatives(condition: Any, *, negated: bool = False) -> list[tuple[Any, ...]]:
    """Return the ways in which a condition can hold, each a list of literals."""
    match condition:
        case Not(part):
            return _alternatives(part, negated=not negated)
        case And(parts) | Or(parts):
            found = [_alternatives(part, negated=negated) for part in parts]
            if isinstance(condition, Or) is not negated:
                return [literals for alternatives in found for literals in alternatives]
            return [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*found)]
        case Compare(sign, left, right) if negated and sign in _OPPOSITE:
            return [(Compare(_OPPOSITE[sign], left, right),)]
        case bool():
            return [(condition is not negated,)]
        case _:
            return [(Not(condition) if negated else condition,)]


def _variables(value: Any) -> set[str]:
    if isinstance(value, Var):
        return {value.name}
    parts = [getattr(value, item.name) for item in attrs.fields(type(value))] if attrs.has(type(value)) else []
    return {name for part in (*parts, *(value if isinstance(value, tuple) else ())) for name in _variables(part)}


def _ownership(literal: Any) -> tuple[str, ...]:
    """Return the attributes that lead to the principal. Raises: NotExpressibleError for any other relation."""
    match literal:
        case Compare("==", Get() as path, Var("principal")) | Compare("==", Var("principal"), Get() as path):
            names: list[str] = []
            value: Any = path
            while isinstance(value, Get):
                names.insert(0, value.name)
                value = value.of
            if value == Var("resource") and len(names) <= 2:
                return tuple(names)
    raise NotExpressibleError("people")

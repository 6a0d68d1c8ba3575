"""Cedar's entities as records: a module for each type of resource, attributes as fields, and conditions on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs

from custinfo import Criterion, Dictionary, DictionaryValue, F, FieldDefinition, ModuleDefinition
from custinfo.core.criteria.nodes import Everything, Nothing, all_of, any_of
from custinfo.core.criteria.nodes import Not as Complement
from tests.corpus.cedar_language import Compare, Get, Has, Is, Not, Set, Uid, Var
from tests.corpus.policy_worlds import NotExpressibleError, Thing, identifier

__all__ = ["CedarRecords", "Entity", "entities_of", "member_key"]


@attrs.frozen
class Entity:
    """An entity with its attributes, and with all that it is in, itself included."""

    uid: Uid
    attributes: Mapping[str, Any]
    within: frozenset[Uid]


def uid_of(value: Mapping[str, str]) -> Uid:
    """Return the entity that JSON names."""
    return Uid(value["type"], value["id"])


def member_key(uid: Uid) -> str:
    """Return the key of a principal as a member."""
    return f"{uid.type}::{uid.id}"


def entities_of(
    given: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Uid, Entity]]:
    """Yield the entities of a file, and those that are asked about without being there."""
    parents = {uid_of(item["uid"]): [uid_of(parent) for parent in item["parents"]] for item in given}
    attributes = {uid_of(item["uid"]): item.get("attrs", {}) for item in given}
    asked = [uid_of(request[part]) for request in requests for part in ("principal", "action", "resource")]
    for uid in dict.fromkeys([*parents, *asked]):
        reached = [uid]
        for known in reached:
            reached += [parent for parent in parents.get(known, ()) if parent not in reached]
        yield (
            uid,
            Entity(uid, {name: _value(item) for name, item in attributes.get(uid, {}).items()}, frozenset(reached)),
        )


def _value(item: Any) -> Any:
    match item:
        case {"__entity": {"type": kind, "id": key}} | {"type": kind, "id": key}:
            return Uid(kind, key)
        case {"__extn": _}:
            raise NotExpressibleError("matcher")
        case list():
            return frozenset(map(_value, item))
        case dict():
            return Set(tuple((name, _value(value)) for name, value in item.items()))
        case _:
            return item


@attrs.frozen(slots=False, eq=False)
class CedarRecords:
    """Hold the entities that are records: those of types that are asked about, and those to which they refer."""

    entities: dict[Uid, Entity]
    requests: Sequence[Mapping[str, Any]]
    keys: dict[str, str] = attrs.field(factory=dict)

    # --- records

    @cached_property
    def resources(self) -> list[Entity]:
        """The entities that are records: of the types that are asked about, and of those to which these refer."""
        kinds = {request["resource"]["type"] for request in self.requests}
        while True:
            more = {
                value.type
                for entity in self.entities.values()
                if entity.uid.type in kinds
                for value in entity.attributes.values()
                if isinstance(value, Uid) and value.type not in self.people_types and value in self.entities
            }
            if more <= kinds:
                return sorted(
                    (item for item in self.entities.values() if item.uid.type in kinds),
                    key=lambda item: len(self.refs(item)),
                )
            kinds |= more

    @cached_property
    def people_types(self) -> set[str]:
        return {request["principal"]["type"] for request in self.requests} | {"User"}

    def refs(self, entity: Entity) -> dict[str, Uid]:
        """Return the attributes that refer to other records."""
        found = {
            name: value
            for name, value in entity.attributes.items()
            if isinstance(value, Uid) and value.type not in self.people_types and value in self.entities
        }
        return {name: value for name, value in found.items() if value.type != entity.uid.type}

    def kinds(self) -> dict[str, list[Entity]]:
        kinds: dict[str, list[Entity]] = {}
        for entity in self.resources:
            kinds.setdefault(entity.uid.type, []).append(entity)
        return kinds

    def modules(self) -> list[ModuleDefinition]:
        return [ModuleDefinition(self.module(kind), tuple(self._fields(found))) for kind, found in self.kinds().items()]

    def module(self, kind: str) -> str:
        return identifier(f"type {kind}", self.keys)

    def field(self, name: str) -> str:
        return identifier(f"attribute {name}", self.keys)

    def _fields(self, found: Iterable[Entity]) -> Iterator[FieldDefinition]:
        yield FieldDefinition("uid", "text")
        yield FieldDefinition("inside", "multiple_choice", options={"dictionary": "entities"})
        known: dict[str, tuple[str, dict[str, Any]]] = {}
        for entity in found:
            for name, value in entity.attributes.items():
                target = self.refs(entity).get(name)
                kind, options = _kind(value)
                if target is not None:
                    kind, options = "reference", {"module": self.module(target.type)}
                if known.setdefault(name, (kind, options)) != (kind, options):
                    raise NotExpressibleError("shape")
        for name, (kind, options) in known.items():
            yield FieldDefinition(self.field(name), kind, options=options)

    @cached_property
    def dictionaries(self) -> tuple[Dictionary, ...]:
        uids = {uid for entity in self.resources for uid in entity.within} | {
            item
            for entity in self.resources
            for value in entity.attributes.values()
            if isinstance(value, frozenset)
            for item in value
        }
        codes = sorted(member_key(uid) if isinstance(uid, Uid) else str(uid) for uid in uids)
        return (Dictionary("entities", tuple(DictionaryValue(self._code(code), code) for code in codes)),)

    def _code(self, name: Any) -> str:
        return identifier(f"entity {member_key(name) if isinstance(name, Uid) else name}", self.keys)

    def things(self, owners: Mapping[str, str]) -> Iterator[Thing]:
        for entity in self.resources:
            refs = self.refs(entity)
            owner = entity.attributes.get(owners.get(entity.uid.type, ""))
            values: dict[str, Any] = {
                "uid": member_key(entity.uid),
                "inside": [self._code(uid) for uid in sorted(entity.within, key=member_key)],
            }
            for name, value in entity.attributes.items():
                if name not in refs and value != frozenset():
                    values[self.field(name)] = self._stored(value)
            pointing = {self.field(name): target for name, target in refs.items()}
            yield Thing(
                entity.uid,
                self.module(entity.uid.type),
                values,
                member_key(owner) if isinstance(owner, Uid) else None,
                pointing,
            )

    def _stored(self, value: Any) -> Any:
        match value:
            case Uid():
                return member_key(value)
            case frozenset():
                return sorted(map(self._code, value))
            case _:
                return value

    def criterion(self, literal: Any, kind: str, found: Iterable[Entity]) -> Criterion:
        match literal:
            case Not(part):
                # A comparison with an attribute that isn't there is an error in Cedar, and the policy doesn't hold.
                names = _attributes(part)
                if not all(any(name in entity.attributes for entity in found) for name in names):
                    return Nothing()
                present = [F[self.field(name)].is_present() for name in names]
                return all_of([*present, Complement(self.criterion(part, kind, found))])
            case Is(Var(), wanted):
                return Everything() if wanted == kind else Nothing()
            case Compare("==", Var(), Uid() as uid):
                return F.uid == member_key(uid) if uid.type == kind else Nothing()
            case Compare("in", Var(), (Uid() | Set()) as target):
                uids = target.items if isinstance(target, Set) else (target,)
                known = {code.label_in("zh") for code in self.dictionaries[0].values.values()}
                parts = [F.inside.has(self._code(uid)) for uid in uids if member_key(uid) in known]
                return any_of(parts)
            case Has(Var(), name):
                return self._of(name, found, lambda field: field.is_present())
            case Compare("contains", Get(Var(), name), value):
                code = self._code(value)
                return self._of(
                    name, found, lambda field: field.has(code) if code in self.dictionaries[0].values else Nothing()
                )
            case Compare(sign, Get(Var(), name), value):
                return self._of(name, found, lambda field: _compared(field, sign, self._stored(value)))
            case Get(Var(), name):
                return self._of(name, found, lambda field: field == True)  # noqa: E712 - a criterion
            case _:
                raise NotExpressibleError("matcher")

    def _of(self, name: str, found: Iterable[Entity], make: Any) -> Criterion:
        """Return a criterion on an attribute; on a type that lacks it, it never holds."""
        there = any(name in entity.attributes for entity in found)
        return make(F[self.field(name)]) if there else Nothing()


def _compared(field: Any, sign: str, value: Any) -> Criterion:
    match sign:
        case "==":
            found: Criterion = field == value
        case "!=":
            found = field != value
        case "<":
            found = field < value
        case "<=":
            found = field <= value
        case ">":
            found = field > value
        case _:
            found = field >= value
    return found


def _kind(value: Any) -> tuple[str, dict[str, Any]]:
    match value:
        case bool():
            return "boolean", {}
        case int():
            return "integer", {}
        case str() | Uid():
            return "text", {}
        case frozenset():
            return "multiple_choice", {"dictionary": "entities"}
        case _:
            raise NotExpressibleError("matcher")


def _attributes(value: Any) -> set[str]:
    """Return the attributes of the resource that a literal reads."""
    match value:
        case Get(Var(), name):
            return {name}
        case Compare(_, left, right):
            return _attributes(left) | _attributes(right)
        case _:
            return set()

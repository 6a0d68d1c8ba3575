"""What one actor may do in one module: grants compiled to criteria, predicates and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from custinfo.core.criteria.evaluate import Predicate, Related, compile_predicate
from custinfo.core.criteria.nodes import Compare, Criterion, Everything, Nothing, OneOf, Path, all_of, any_of
from custinfo.core.fields import ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.organisation import Directory
from custinfo.core.policy.grants import Action, Grant
from custinfo.core.records import FieldKey, MemberKey, Record

__all__ = ["NO_ACCESS", "Access", "BoundGrant", "FieldVerdict", "Verdict", "compile_access", "scope_criterion"]


@attrs.frozen
class Verdict:
    """Say what an actor may do with one record, field by field.

    `readable` fields show their value; `masked` ones (field → style) a part of it; all others are hidden. `editable`
    fields may be changed, `creatable` ones set on creation: writing never implies reading.
    """

    actions: frozenset[Action] = frozenset()
    readable: frozenset[FieldKey] = frozenset()
    masked: FrozenDict[FieldKey, str] = FrozenDict()
    editable: frozenset[FieldKey] = frozenset()
    creatable: frozenset[FieldKey] = frozenset()

    def field(self, key: FieldKey) -> FieldVerdict:
        """Return what the actor sees of a field: `readable`, `masked` or `hidden`."""
        if key in self.readable:
            return "readable"
        return "masked" if key in self.masked else "hidden"


FieldVerdict = str

NO_ACCESS: Final = Verdict()


@attrs.frozen
class BoundGrant:
    """A grant of one of the actor's roles, with the row criterion that it comes to for this actor."""

    grant: Grant
    rows: Criterion
    verdict: Verdict


class Access:
    """Hold a policy compiled for one actor and one module (POL-3).

    The same grants give the row criterion that a store filters by and the verdict on a record in memory, so the two
    can't disagree. Build it with `compile_access`; it holds no session and may be shared between threads.
    """

    __slots__ = ("_combined", "_readable", "_rules", "actor", "grants", "module")

    def __init__(self, actor: MemberKey, module: ModuleDefinition, grants: Iterable[BoundGrant]) -> None:
        self.actor = actor
        self.module = module
        self.grants = tuple(grants)
        by_rows: dict[Criterion, Verdict] = {}
        for bound in self.grants:
            by_rows[bound.rows] = _union(by_rows.get(bound.rows, NO_ACCESS), bound.verdict)
        self._rules: tuple[tuple[Criterion, Predicate, Verdict], ...] = tuple(
            (rows, compile_predicate(rows), verdict) for rows, verdict in by_rows.items()
        )
        self._combined: dict[int, Verdict] = {0: NO_ACCESS}
        self._readable: dict[FieldKey, Criterion] = {}

    def verdict(self, record: Record, related: Related) -> Verdict:
        """Return what the actor may do with `record`; `related` follows references for scopes of parents."""
        held = 0
        for position, (_, holds, _) in enumerate(self._rules):
            if holds(record, related):
                held |= 1 << position
        verdict = self._combined.get(held)
        return verdict if verdict is not None else self._combine(held)

    def _combine(self, held: int) -> Verdict:
        verdict = NO_ACCESS
        for position, (_, _, part) in enumerate(self._rules):
            if held >> position & 1:
                verdict = _union(verdict, part)
        self._combined[held] = verdict
        return verdict

    def reach(self, *actions: Action) -> Criterion:
        """Return the criterion of the records on which at least one of `actions` is allowed."""
        wanted = frozenset(actions)
        return any_of([rows for rows, _, verdict in self._rules if verdict.actions & wanted])

    def may(self, action: Action) -> bool:
        """Return whether `action` is allowed on any record at all."""
        return any(action in verdict.actions for _, _, verdict in self._rules)

    def readable_where(self, key: FieldKey) -> Criterion:
        """Return the criterion of the records whose field `key` the actor may read unmasked."""
        known = self._readable.get(key)
        if known is None:
            known = any_of([rows for rows, _, verdict in self._rules if key in verdict.readable])
            self._readable[key] = known
        return known

    def writable_fields(self) -> frozenset[FieldKey]:
        """Return the fields that the actor may set on some record, on creation or later."""
        return frozenset(key for _, _, verdict in self._rules for key in verdict.creatable | verdict.editable)

    def visible_fields(self) -> frozenset[FieldKey]:
        """Return the fields of which the actor may see something on some record."""
        return frozenset(key for _, _, verdict in self._rules for key in (*verdict.readable, *verdict.masked))


def _union(one: Verdict, other: Verdict) -> Verdict:
    readable = one.readable | other.readable
    return Verdict(
        one.actions | other.actions,
        readable,
        FrozenDict({key: style for key, style in {**other.masked, **one.masked}.items() if key not in readable}),
        one.editable | other.editable,
        one.creatable | other.creatable,
    )


def _grant_verdict(grant: Grant, module: ModuleDefinition) -> Verdict:
    nothing: frozenset[FieldKey] = frozenset()
    masked = {
        key: style or module.fields[key].mask or "full"
        for key, style in grant.mask.items()
        if key in module.fields and "view" in grant.actions
    }
    edit = grant.edit.within(module)
    view = grant.view.within(module) if "view" in grant.actions else nothing
    return Verdict(
        grant.actions,
        view - masked.keys(),
        FrozenDict(masked),
        edit if "edit" in grant.actions else nothing,
        edit if "create" in grant.actions else nothing,
    )


def _nodes(scope: str, departments: Iterable[str], directory: Directory) -> Iterator[str]:
    """Yield the departments whose records a scope covers, for a role held in `departments`."""
    for held_in in departments:
        match scope:
            case "team":
                yield held_in
            case "subtree":
                yield from directory.subtree(held_in)
            case _:
                root = held_in
                seen = {root}
                while (node := directory.department(root)) is not None and node.kind == "team" and node.parent:
                    if node.parent in seen:
                        break
                    root = node.parent
                    seen.add(root)
                covered = {root}
                for key in directory.subtree(root):  # parents first
                    node = directory.department(key)
                    if key == root or (node is not None and node.kind == "team" and node.parent in covered):
                        covered.add(key)
                        yield key


def scope_criterion(grant: Grant, actor: MemberKey, departments: Iterable[str], directory: Directory) -> Criterion:
    """Return the bound criterion of the records that the grant's scope covers.

    `departments` are those in which the actor holds the grant's role.
    """
    hop: Path = (grant.through,) if grant.through else ()
    if grant.scope == "all":
        return Everything()
    if grant.scope == "own":
        return Compare((*hop, "owner"), "eq", actor)
    nodes = tuple(sorted(set(_nodes(grant.scope, departments, directory))))
    return OneOf((*hop, "department"), nodes) if nodes else Nothing()


def compile_access(
    actor: MemberKey,
    module: ModuleDefinition,
    grants: Iterable[Grant],
    directory: Directory,
    conditions: Mapping[Criterion, Criterion],
) -> Access:
    """Return the access of `actor` to `module`.

    Args:
        actor: Key of the member; one who has left or is unknown has no access.
        module: The module.
        grants: The whole policy; those of other modules and roles are passed over.
        directory: Knows the roles of the actor and the departments.
        conditions: The bound form of each grant's condition.
    """
    held: dict[str, list[str]] = {}
    for role, department in directory.roles_of(actor):
        held.setdefault(role, []).append(department)
    bound = [
        BoundGrant(
            grant,
            all_of(
                [
                    scope_criterion(grant, actor, held[grant.role], directory),
                    conditions[grant.condition] if grant.condition is not None else Everything(),
                ]
            ),
            _grant_verdict(grant, module),
        )
        for grant in grants
        if grant.module == module.key and grant.role in held
    ]
    return Access(actor, module, bound)

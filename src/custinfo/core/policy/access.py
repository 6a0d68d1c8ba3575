"""What one actor may do in one module: grants compiled to criteria, predicates and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from custinfo.core.criteria.evaluate import Related, compile_choice
from custinfo.core.criteria.nodes import Criterion, Everything, Through, all_of, any_of
from custinfo.core.criteria.walking import with_shares
from custinfo.core.fields import Inheritance, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds.masks import any_style
from custinfo.core.organisation import Deputy, Directory
from custinfo.core.policy.grants import ALL_FIELDS, READING, Action, Grant
from custinfo.core.policy.scopes import Holder, scope_criterion
from custinfo.core.records import FieldKey, MemberKey, Record, ShareLevel

__all__ = [
    "NO_ACCESS",
    "Access",
    "BoundGrant",
    "FieldVerdict",
    "Verdict",
    "compile_access",
    "grant_verdict",
    "inherited_actions",
]

_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen
class Verdict:
    """Say what an actor may do with one record, field by field.

    `readable` fields show their value; `masked` ones (field → style) a part of it; all others are hidden. Where grants
    mask a field in several ways, the style has `|` between them, and the one counts that shows most. `editable` fields
    may be changed, `creatable` ones set on creation: writing never implies reading.
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
_MOST_COMBINED: Final = 4096
_INHERITED: Final[Mapping[str, frozenset[Action]]] = {
    "view": frozenset({"view"}),
    "edit": frozenset({"view", "edit", "tag", "archive"}),
}


@attrs.frozen
class BoundGrant:
    """A grant of one of the actor's roles, with what it comes to for this actor.

    `scope` and `condition` are the two halves of `rows`; of an inherited grant, all stands in `scope`. A grant of scope
    `shared` comes to two of these: its reading actions, and all others. `inherited` is the parent's grant from which
    this one follows (`ModuleDefinition.inherits`).
    """

    grant: Grant
    scope: Criterion
    condition: Criterion
    verdict: Verdict
    inherited: Grant | None = None

    @property
    def rows(self) -> Criterion:
        """The criterion of the records for which the grant holds."""
        return all_of([self.scope, self.condition])


@attrs.frozen(eq=False)
class _Rules:
    """Row criteria, each with what the grants of these rows allow together.

    `choose` tells by bits which of them hold for a record; `combined` keeps what sets of them come to.
    """

    rows: tuple[tuple[Criterion, Verdict], ...]
    choose: Callable[[Record, Related], int]
    combined: dict[int, Verdict]

    @classmethod
    def of(cls, grants: Iterable[BoundGrant]) -> _Rules:
        found: dict[Criterion, Verdict] = {}
        for bound in grants:
            found[bound.rows] = _union(found.get(bound.rows, NO_ACCESS), bound.verdict)
        return cls(tuple(found.items()), compile_choice(list(found)), {0: NO_ACCESS})

    def at(self, now: datetime) -> _Rules:
        """Return them with shares judged at an instant; which hold together, and what they come to, is the same."""
        rows = tuple((_at(criterion, now), verdict) for criterion, verdict in self.rows)
        return _Rules(rows, compile_choice([criterion for criterion, _ in rows]), self.combined)

    def verdict(self, held: int) -> Verdict:
        verdict = NO_ACCESS
        for position, (_, part) in enumerate(self.rows):
            if held >> position & 1:
                verdict = _union(verdict, part)
        if len(self.combined) < _MOST_COMBINED:
            self.combined[held] = verdict
        return verdict


class Access:
    """Hold a policy compiled for one actor and one module (POL-3).

    The same grants give the row criterion that a store filters by and the verdict on a record in memory, so the two
    can't disagree. Build it with `compile_access`; it holds no session and may be shared between threads.
    """

    __slots__ = ("_choose", "_combined", "_readable", "_rules", "actor", "grants", "module")

    def __init__(
        self,
        actor: MemberKey,
        module: ModuleDefinition,
        grants: Iterable[BoundGrant],
        rules: _Rules | None = None,
    ) -> None:
        self.actor: MemberKey = actor
        self.module: ModuleDefinition = module
        self.grants: tuple[BoundGrant, ...] = tuple(grants)
        self._rules = _Rules.of(self.grants) if rules is None else rules
        self._choose, self._combined = self._rules.choose, self._rules.combined
        self._readable: dict[FieldKey, Criterion] = {}

    def verdict(self, record: Record, related: Related) -> Verdict:
        """Return what the actor may do with `record`; `related` follows references for scopes of parents."""
        held = self._choose(record, related)
        verdict = self._combined.get(held)
        return verdict if verdict is not None else self._rules.verdict(held)

    def at(self, now: datetime) -> Access:
        """Return the same access with shares judged at another instant; itself if it depends on none."""
        if all(_at(bound.scope, now) is bound.scope for bound in self.grants):
            return self
        grants = [attrs.evolve(bound, scope=_at(bound.scope, now)) for bound in self.grants]
        return Access(self.actor, self.module, grants, self._rules.at(now))

    def reach(self, *actions: Action) -> Criterion:
        """Return the criterion of the records on which at least one of `actions` is allowed."""
        wanted = frozenset(actions)
        return any_of([rows for rows, verdict in self._rules.rows if verdict.actions & wanted])

    def may(self, action: Action) -> bool:
        """Return whether `action` is allowed on any record at all."""
        return any(action in verdict.actions for _, verdict in self._rules.rows)

    def readable_where(self, key: FieldKey) -> Criterion:
        """Return the criterion of the records whose field `key` the actor may read unmasked."""
        known = self._readable.get(key)
        if known is None:
            known = any_of([rows for rows, verdict in self._rules.rows if key in verdict.readable])
            self._readable[key] = known
        return known

    def writable_fields(self) -> frozenset[FieldKey]:
        """Return the fields that the actor may set on some record, on creation or later."""
        return frozenset(key for _, verdict in self._rules.rows for key in verdict.creatable | verdict.editable)

    def visible_fields(self) -> frozenset[FieldKey]:
        """Return the fields of which the actor may see something on some record."""
        return frozenset(key for _, verdict in self._rules.rows for key in (*verdict.readable, *verdict.masked))

    def masked_fields(self) -> frozenset[FieldKey]:
        """Return the fields of which the actor sees only a part on some record."""
        return frozenset(key for _, verdict in self._rules.rows for key in verdict.masked)


def _at(criterion: Criterion, now: datetime) -> Criterion:
    return with_shares(criterion, lambda shared: attrs.evolve(shared, at=now))


def _union(one: Verdict, other: Verdict) -> Verdict:
    readable = one.readable | other.readable
    masked = {**other.masked, **one.masked}
    return Verdict(
        one.actions | other.actions,
        readable,
        FrozenDict(
            {
                key: any_style(style, other.masked.get(key, style))
                for key, style in masked.items()
                if key not in readable
            }
        ),
        one.editable | other.editable,
        one.creatable | other.creatable,
    )


def grant_verdict(grant: Grant, module: ModuleDefinition, actions: frozenset[Action]) -> Verdict:
    """Return what a grant allows where it holds, of its actions only those given."""
    nothing: frozenset[FieldKey] = frozenset()
    seen = grant.view.within(module) if "view" in actions else nothing
    masked = {
        key: style or module.fields[key].mask or "full"
        for key, style in grant.mask.items()
        if key in module.fields and "view" in actions
    }
    if "decrypt" not in actions:
        masked = {key: module.fields[key].mask or "full" for key in seen & _guarded(module)} | masked
    edit = grant.edit.within(module)
    return Verdict(
        actions,
        seen - masked.keys(),
        FrozenDict(masked),
        edit if "edit" in actions else nothing,
        edit if "create" in actions else nothing,
    )


def _guarded(module: ModuleDefinition) -> frozenset[FieldKey]:
    """Return the fields that take `decrypt` to be read: encrypted for whoever holds the store, sensitive for people."""
    fields = module.fields.values()
    return frozenset(field.key for field in fields if field.encrypted and field.sensitivity == "sensitive")


def _bound_grants(
    grant: Grant, module: ModuleDefinition, holder: Holder, condition: Criterion, now: datetime
) -> Iterator[BoundGrant]:
    """Yield what a grant comes to: one rule, or of one for shared records two, as far as the levels go."""
    actions = grant.actions if holder.actions is None else grant.actions & holder.actions
    parts: tuple[tuple[frozenset[Action], tuple[ShareLevel, ...]], ...] = ((actions, ()),)
    if grant.scope == "shared":
        parts = ((actions & READING, ("read", "collaborate")), (actions - READING, ("collaborate",)))
    for part, levels in parts:
        if part:
            scope = scope_criterion(grant, holder, now, levels)
            yield BoundGrant(grant, scope, condition, grant_verdict(grant, module, part))


def inherited_actions(rule: Inheritance, allowed: frozenset[Action]) -> frozenset[Action]:
    """Return what may be done with a record, given what may be done with its parent."""
    actions = allowed & _INHERITED[rule.level]
    return actions | {"create"} if "edit" in actions else actions


def _inherited(module: ModuleDefinition, rule: Inheritance, parent: Access) -> Iterator[BoundGrant]:
    """Yield what follows from the access to the record to which a reference points, a rule for each of its grants."""
    for bound in parent.grants:
        actions = inherited_actions(rule, bound.verdict.actions)
        if actions:
            given = Grant(
                bound.grant.role, module.key, actions, bound.grant.scope, rule.through, view=ALL_FIELDS, edit=ALL_FIELDS
            )
            rows = Through(rule.through, bound.rows)
            yield BoundGrant(given, rows, Everything(), grant_verdict(given, module, actions), bound.grant)


def compile_access(
    actor: MemberKey,
    module: ModuleDefinition,
    grants: Iterable[Grant],
    directory: Directory,
    conditions: Mapping[Criterion, Criterion],
    *,
    now: datetime = _ALWAYS,
    parents: Mapping[FieldKey, Access] | None = None,
    deputy: Deputy | None = None,
) -> Access:
    """Return the access of `actor` to `module`.

    Args:
        actor: Key of the member; one who has left or is unknown has no access.
        module: The module.
        grants: The whole policy; those of other modules and roles are passed over.
        directory: Knows the roles of the actor and the departments.
        conditions: The bound form of each grant's condition.
        now: The instant by which it is judged whether a share has ended.
        parents: Reference field → access to the module that it points to, for what the module inherits.
        deputy: The rule under which somebody acts on behalf of the actor; it narrows what the actor may do.
    """
    holder = Holder.of(actor, directory, deputy)
    bound = [
        part
        for grant in grants
        if grant.module == module.key and grant.role in holder.roles
        for part in _bound_grants(
            grant,
            module,
            holder,
            conditions[grant.condition] if grant.condition is not None else Everything(),
            now,
        )
    ]
    for rule in module.inherits:
        parent = (parents or {}).get(rule.through)
        if parent is not None:
            bound += _inherited(module, rule, parent)
    return Access(actor, module, bound)

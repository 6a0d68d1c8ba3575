"""A policy taken apart: one action of one role on some records, or on one field of them, at a time.

Grants only widen, so a policy allows what its parts allow together, and two policies can be compared part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

import attrs

from custinfo.core.binding import bind
from custinfo.core.criteria.implying import implies
from custinfo.core.criteria.nodes import Criterion, Everything
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.policy.access import grant_verdict, inherited_actions
from custinfo.core.policy.grants import ALL_FIELDS, NO_FIELDS, PSEUDO_FIELDS, Action, Fields, Grant
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.review._order import ACTIONS
from custinfo.core.schema import Schema

__all__ = ["Entitlement", "Rows", "entitlements", "uncovered", "widest"]

_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Periods are compared as of the same instant; which one makes no difference."""


@attrs.frozen
class Rows:
    """Which records a grant is about.

    Args:
        grant: The grant without role, actions and fields; what is left is scope and condition.
        condition: The condition, bound to the module of the grant.
        via: References that lead from the records to those that the grant is about, where access follows from these
            (`ModuleDefinition.inherits`).
    """

    grant: Grant
    condition: Criterion = attrs.field(default=Everything(), eq=False, repr=False)
    via: tuple[FieldKey, ...] = ()

    def covers(self, other: Rows) -> bool:
        """Tell whether they certainly include all records of `other`, for whoever holds the role."""
        if self.grant.scope == "all" and not self.via and isinstance(self.condition, Everything):
            return True
        same_module = self.via == other.via and self.grant.module == other.grant.module
        return same_module and implies(other.condition, self.condition) and _covers(self.grant, other.grant)

    def beyond(self, reference: FieldKey, module: ModuleKey) -> Rows:
        """Return the records of `module` whose `reference` points to one of these."""
        grant = self.grant
        if self.via or grant.through or grant.condition is not None or grant.scope in ("all", "shared", "pool"):
            return attrs.evolve(self, via=(reference, *self.via))
        return Rows(attrs.evolve(grant, module=module, through=reference))  # the same as a grant of this scope


def _covers(wide: Grant, narrow: Grant) -> bool:
    """Tell whether the scope of one grant certainly includes that of another on the same module."""
    if wide.scope == "all":
        return True
    one, other = (attrs.evolve(grant, scope="all", departments=(), condition=None) for grant in (wide, narrow))
    if one != other:
        return False
    match wide.scope, narrow.scope:
        case (("department" | "subtree"), "team"):
            return True
        case ("departments", "departments") | ("pool", "pool"):
            everywhere = wide.scope == "pool" and not wide.departments
            return everywhere or (bool(narrow.departments) and {*narrow.departments} <= {*wide.departments})
        case _:
            return wide.scope == narrow.scope


@attrs.frozen
class Entitlement:
    """One action of one role on some records, or on one field of them.

    Args:
        role: Key of the role.
        module: Key of the module.
        action: What may be done.
        field: With `view`, `edit` and `create`: the field that may be read, changed, or set on creation. `None` means
            the action as such.
        mask: The style, where the field may only be seen masked.
        rows: On which records.
        decrypts: Whether it shows a field in the open that takes `decrypt`, which it includes.
    """

    role: str
    module: ModuleKey
    action: Action
    field: FieldKey | None
    mask: str | None
    rows: Rows
    decrypts: bool = False

    @property
    def about(self) -> tuple[str, ModuleKey, Action, FieldKey | None]:
        """Role, module, action and field, without how much of it and where."""
        return self.role, self.module, self.action, self.field

    def covers(self, other: Entitlement) -> bool:
        """Tell whether it certainly allows all that `other` does: what may be read may be seen masked."""
        return self.about == other.about and self.mask in (None, other.mask) and self.rows.covers(other.rows)

    def as_grant(self) -> Grant | None:
        """Return the grant that allows this and nothing else; `None` if it follows from the access to a parent."""
        if self.rows.via:
            return None
        named = NO_FIELDS if self.field is None else Fields.only(self.field)
        masked = self.mask is not None
        opening: frozenset[Action] = frozenset({"decrypt"}) if self.decrypts else frozenset()
        return attrs.evolve(
            self.rows.grant,
            role=self.role,
            actions=frozenset({self.action}) | opening,
            view=named if self.action == "view" and not masked else NO_FIELDS,
            edit=named if self.action != "view" else NO_FIELDS,
            mask=FrozenDict({str(self.field): str(self.mask)} if masked else {}),
        )


def entitlements(schema: Schema, grants: Iterable[Grant] | None = None) -> tuple[Entitlement, ...]:
    """Return everything that grants allow, in their order; those of unknown modules allow nothing.

    Args:
        schema: The configuration.
        grants: The policy; that of the configuration when not given.
    """
    found: dict[Entitlement, None] = {}
    for grant in schema.configuration.grants if grants is None else grants:
        if grant.module in schema.configuration.modules:
            for given, rows in _with_children(grant, _rows(grant, schema), schema, (grant.module,)):
                found.update(dict.fromkeys(_parts(given, schema.configuration.modules[given.module], rows)))
    return tuple(found)


def _with_children(
    grant: Grant, rows: Rows, schema: Schema, above: tuple[ModuleKey, ...]
) -> Iterator[tuple[Grant, Rows]]:
    """Yield a grant, and what follows from it for the modules that inherit from its module."""
    yield grant, rows
    for module in schema.configuration.modules.values():
        for rule in module.inherits:
            field = module.fields.get(rule.through)
            parent = None if field is None else field.options.get("module")
            actions = inherited_actions(rule, grant.actions)
            if parent == grant.module and module.key not in above and actions:
                given = Grant(grant.role, module.key, actions, view=ALL_FIELDS, edit=ALL_FIELDS)
                below = rows.beyond(rule.through, module.key)
                yield from _with_children(given, below, schema, (*above, module.key))


def _rows(grant: Grant, schema: Schema) -> Rows:
    bare = attrs.evolve(
        grant, role="", actions=frozenset(), view=NO_FIELDS, edit=NO_FIELDS, mask=FrozenDict[FieldKey, str]()
    )
    if grant.condition is None:
        return Rows(bare)
    try:
        return Rows(bare, bind(grant.condition, grant.module, schema, _SOME_TIME))
    except InvalidInputError:  # a condition that does not fit the module is compared as it is written
        return Rows(bare, grant.condition)


def _parts(grant: Grant, module: ModuleDefinition, rows: Rows) -> Iterator[Entitlement]:
    verdict = grant_verdict(grant, module, grant.actions)
    guarded = grant_verdict(grant, module, grant.actions - {"decrypt"}).masked

    def part(action: Action, field: FieldKey | None = None, mask: str | None = None) -> Entitlement:
        decrypts = field in guarded and mask is None and action == "view"
        return Entitlement(grant.role, grant.module, action, field, mask, rows, decrypts)

    yield from (part(action) for action in ACTIONS if action in grant.actions)
    for key in (*module.fields, *PSEUDO_FIELDS):
        if verdict.field(key) != "hidden":
            yield part("view", key, verdict.masked.get(key))
        if key in verdict.editable and _takes(module, key, "edit"):
            yield part("edit", key)
        if key in verdict.creatable and _takes(module, key, "create"):
            yield part("create", key)


def _takes(module: ModuleDefinition, key: FieldKey, action: Action) -> bool:
    """Tell whether people write a field at all: what is computed, retired, or set by the system, they don't."""
    field = module.fields.get(key)
    if field is None:
        return key == "owner" and action == "create"  # later on, that is a transfer, and tags are tagged
    return field.kind != "computed" and not field.retired


class Covering(Protocol):
    """What may include another one of its kind, if the two are about the same."""

    @property
    def about(self) -> Hashable:
        """What it is about."""

    def covers(self, other: Any, /) -> bool:
        """Tell whether it certainly includes all of the other one."""


P = TypeVar("P", bound=Covering)


def uncovered(wanted: Iterable[P], given: Iterable[P]) -> tuple[P, ...]:
    """Return what of `wanted` none of `given` covers, in order."""
    return _without(wanted, given, lambda one, other: other.covers(one))


def widest(parts: Iterable[P]) -> tuple[P, ...]:
    """Return the parts without those that another one covers, in order."""
    listed = list(parts)
    places = {id(part): place for place, part in enumerate(listed)}

    def beaten(one: P, other: P) -> bool:
        # Of two that cover each other, the first one stays.
        return one is not other and other.covers(one) and (not one.covers(other) or places[id(other)] < places[id(one)])

    return _without(listed, listed, beaten)


def _without(wanted: Iterable[P], given: Iterable[P], beaten: Callable[[P, P], bool]) -> tuple[P, ...]:
    known: dict[Hashable, list[P]] = {}
    for part in given:
        known.setdefault(part.about, []).append(part)
    return tuple(one for one in wanted if not any(beaten(one, other) for other in known.get(one.about, ())))

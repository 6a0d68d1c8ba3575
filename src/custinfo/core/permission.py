"""A configuration's grants, ready to be compiled for whoever acts, and kept as long as nothing changes."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Final

from custinfo.core.binding import bind
from custinfo.core.criteria.nodes import Criterion, Within
from custinfo.core.criteria.walking import leaves
from custinfo.core.organisation import Deputy, directory_version
from custinfo.core.policy.access import Access, compile_access
from custinfo.core.policy.grants import Grant
from custinfo.core.records import FieldKey, MemberKey, ModuleKey
from custinfo.core.schema import Schema
from custinfo.core.segments import expand

__all__ = ["Policy"]

_MOST: Final = 4096

_Key = tuple[MemberKey, ModuleKey, Deputy | None, Hashable]


class Policy:
    """Compile the grants of one configuration, per actor and module (POL-3).

    What no period in a condition makes depend on the time is compiled once, and again when the directory says that it
    changed (`VersionedDirectory`). It may be shared between threads.

    >>> from datetime import UTC, datetime
    >>> from custinfo.core.schema import Schema
    >>> from custinfo.standard import sample_organisation, standard_configuration
    >>> policy = Policy(Schema(standard_configuration(), sample_organisation(), UTC))
    >>> access = policy.access("qianba", "customer", datetime(2024, 3, 15, tzinfo=UTC))
    >>> sorted(access.visible_fields())
    ['name', 'paid_amount', 'paid_on']
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._grants: dict[ModuleKey, list[Grant]] = {}
        for grant in schema.configuration.grants:
            self._grants.setdefault(grant.module, []).append(grant)
        self._known: dict[_Key, Access] = {}

    def access(
        self,
        actor: MemberKey,
        module: ModuleKey,
        now: datetime,
        deputy: Deputy | None = None,
        _below: frozenset[ModuleKey] = frozenset(),
    ) -> Access:
        """Return what a member may do in a module.

        Args:
            actor: Key of the member; one who has left or is unknown has no access.
            module: Key of the module.
            now: The instant by which shares end, and to which relative periods refer.
            deputy: The rule under which somebody acts on behalf of the member.

        Raises: InvalidInputError for an unknown module.
        """
        version = directory_version(self._schema.directory)
        key = (actor, module, deputy, version)
        known = self._known.get(key) if version is not None else None
        if known is not None:
            return known.at(now)
        compiled = self._compile(actor, module, now, deputy, _below)
        if version is not None and not _below and not self._looks_at_periods(actor, module):
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = compiled
        return compiled

    def _compile(
        self, actor: MemberKey, module: ModuleKey, now: datetime, deputy: Deputy | None, below: frozenset[ModuleKey]
    ) -> Access:
        schema = self._schema
        roles = {role for role, _ in schema.directory.roles_of(actor)}
        grants = [grant for grant in self._grants.get(module, ()) if grant.role in roles]
        found = {grant.condition for grant in grants if grant.condition is not None}
        conditions = {item: bind(item, module, schema, now) for item in found}
        definition = schema.module(module).definition
        parents: dict[FieldKey, Access] = {}
        for rule in definition.inherits:
            parent = str(definition.fields[rule.through].options["module"])
            if parent not in {module, *below}:
                parents[rule.through] = self.access(actor, parent, now, deputy, below | {module})
        return compile_access(
            actor, definition, grants, schema.directory, conditions, now=now, parents=parents, deputy=deputy
        )

    def _looks_at_periods(self, actor: MemberKey, module: ModuleKey) -> bool:
        """Tell whether the access depends on the time by periods in conditions, which are bound to instants."""
        roles = {role for role, _ in self._schema.directory.roles_of(actor)}
        found = [module]
        for key in found:  # which grows meanwhile, by what it inherits from
            if any(grant.role in roles and self._is_relative(grant) for grant in self._grants.get(key, ())):
                return True
            definition = self._schema.module(key).definition
            parents = (str(definition.fields[rule.through].options["module"]) for rule in definition.inherits)
            found += [parent for parent in dict.fromkeys(parents) if parent not in found]
        return False

    def _is_relative(self, grant: Grant) -> bool:
        if grant.condition is None:
            return False
        expanded: Criterion = expand(grant.condition, grant.module, self._schema)
        return any(isinstance(leaf, Within) for leaf in leaves(expanded))

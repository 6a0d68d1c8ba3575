"""A policy under examination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import attrs

from custinfo.core.messages import Translated
from custinfo.core.organisation import Directory
from custinfo.core.policy.grants import Grant
from custinfo.core.records import FieldKey, MemberKey, ModuleKey
from custinfo.core.review.entitlements import Entitlement, entitlements
from custinfo.core.schema import Schema
from custinfo.core.spots import Spot

__all__ = ["Policy"]


@attrs.frozen(slots=False, eq=False)
class Policy:
    """Hold the grants of a configuration by their places, taken apart, and the people where they are known."""

    schema: Schema
    grants: Mapping[int, Grant]
    directory: Directory | None

    @cached_property
    def parts(self) -> Mapping[int, tuple[Entitlement, ...]]:
        """What each grant allows."""
        return {place: entitlements(self.schema, [grant]) for place, grant in self.grants.items()}

    def others(self, place: int, without: Iterable[int] = ()) -> Mapping[int, tuple[Entitlement, ...]]:
        """Return what the other grants of the same role allow."""
        role, left_out = self.grants[place].role, {place, *without}
        return {
            other: self.parts[other]
            for other, grant in self.grants.items()
            if other not in left_out and grant.role == role
        }

    def holders(self, role: str) -> tuple[MemberKey, ...]:
        """Return who holds a role, as far as the people are known."""
        return () if self.directory is None else self.directory.holders(role)

    def role(self, key: str) -> Translated:
        """Return the label of a role in each language."""
        role = self.schema.configuration.roles.get(key)
        return Translated.named({} if role is None else role.label, key)

    def spot(self, place: int, field: FieldKey | None = None) -> Spot:
        """Return the place of a grant in the configuration, for a finding about one of its fields."""
        module: ModuleKey = self.grants[place].module
        known = self.schema.configuration.modules[module].fields.get(field or "")
        labels = None if known is None else known.label or None
        return attrs.evolve(Spot().dot("grants").at(place), module=module, field=field, labels=labels)

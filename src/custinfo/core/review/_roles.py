"""Roles that are not in use, and people without any."""

from __future__ import annotations

from collections.abc import Iterator

from custinfo.core.organisation import Organisation
from custinfo.core.problems import Problem
from custinfo.core.review._policy import Policy
from custinfo.core.spots import Spot

__all__ = ["role_findings"]


def role_findings(policy: Policy) -> Iterator[Problem]:
    """Yield roles that allow nothing, that nobody has or that aren't configured, and members who have none."""
    granted = {grant.role for grant in policy.grants.values()}
    for mapped in policy.schema.configuration.roles:
        spot = Spot().dot("roles").at(mapped)
        if mapped not in granted:
            yield spot.problem("role_without_grants", severity="warning", role=policy.role(mapped))
        if policy.directory is not None and not policy.holders(mapped):
            yield spot.problem("role_without_members", severity="warning", role=policy.role(mapped))
    if isinstance(policy.directory, Organisation):
        yield from _positions(policy, policy.directory)
        yield from _members(policy, policy.directory)


def _positions(policy: Policy, organisation: Organisation) -> Iterator[Problem]:
    for position in organisation.positions.values():
        for role in position.roles:
            if role not in policy.schema.configuration.roles:
                params = {"position": position.name, "role": role}
                yield Problem("role_not_configured", params=params, severity="warning")


def _members(policy: Policy, organisation: Organisation) -> Iterator[Problem]:
    for member in organisation.members.values():
        if member.active and not any(
            role in policy.schema.configuration.roles for role, _ in organisation.roles_of(member.key)
        ):
            yield Problem("member_without_role", params={"member": member.key}, severity="warning")

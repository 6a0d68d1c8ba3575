"""Finding the people whom a flow asks about a change, from the directory and the record (APR-1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from custinfo.core.approval.approvers import (
    Approver,
    DepartmentHead,
    FieldMember,
    NamedMember,
    PositionHolders,
    RoleHolders,
)
from custinfo.core.approval.flows import Flow, Step, WeightQuorum
from custinfo.core.approval.requests import ResolvedLimit, ResolvedStep
from custinfo.core.approval.votes import reachable
from custinfo.core.offers import offered
from custinfo.core.organisation import Department, Directory, PositionDirectory
from custinfo.core.records import FieldKey, MemberKey, Record

__all__ = ["Resolver"]


@attrs.frozen
class Resolver:
    """Find people for one change.

    Args:
        directory: The people.
        submitter: Who submits the change.
        record: The record before the change, or as it would be where it is new; `None` for no record.
        deputy: Who submits it on the submitter's behalf, if somebody does: they decide no more than the submitter.
    """

    directory: Directory
    submitter: MemberKey
    record: Record | None
    deputy: MemberKey | None = None

    def step(self, flow: Flow, step: Step) -> ResolvedStep | None:
        """Return the step with the active members whom it asks; `None` where nobody may decide, or too few."""
        for approvers, weighs in ((step.approvers, True), (step.fallback, False)):
            found = self._weighted(flow, step, approvers, weighs=weighs)
            weights = tuple(found.values())
            if reachable(step.mode, step.quorum, weights) or (found and not weighs):
                return self._resolved(flow, step, tuple(found), weights, votes=weighs)
        return None

    def _resolved(
        self, flow: Flow, step: Step, members: tuple[MemberKey, ...], weights: tuple[int, ...], *, votes: bool
    ) -> ResolvedStep:
        own = (self.submitter,) if flow.own_passes and self.submitter in members else ()
        return ResolvedStep(
            flow.key,
            step.key,
            step.label,
            step.mode if votes or step.mode != "quorum" else "any",
            members,
            weights if set(weights) != {1} else (),
            step.quorum if votes else None,
            step.rejection,
            step.unreachable,
            tuple(self.members(flow, step.veto)),
            own,
            flow.repeated,
            step.sees,
            step.amends,
            tuple(
                ResolvedLimit(limit.hours, limit.then, tuple(self.members(flow, limit.to)))
                for limit in sorted(step.limits, key=lambda limit: limit.hours)
            ),
            flow.allow_own,
        )

    def _weighted(self, flow: Flow, step: Step, approvers: Sequence[Approver], *, weighs: bool) -> dict[MemberKey, int]:
        given = step.quorum.weights if weighs and isinstance(step.quorum, WeightQuorum) else ()
        weights = (*given, *(1 for _ in approvers[len(given) :]))
        found: dict[MemberKey, int] = {}
        for approver, weight in zip(approvers, weights, strict=False):
            for key in self.members(flow, (approver,), up=step.inactive == "head"):
                found.setdefault(key, weight)
        return found

    def members(self, flow: Flow, approvers: Iterable[Approver], *, up: bool = False) -> dict[MemberKey, None]:
        """Return the active members whom approvers name, in order; the submitter only if the flow says so.

        Args:
            flow: The flow, which says whether submitters decide.
            approvers: Whom to find.
            up: For a member who has left, the head above is found.
        """
        found: dict[MemberKey, None] = {}
        for approver in approvers:
            for key in self._candidates(flow, approver):
                for usable in self._usable(flow, key, up=up):
                    found[usable] = None
        return found

    def _usable(self, flow: Flow, key: MemberKey, *, up: bool) -> Iterable[MemberKey]:
        member = self.directory.member(key)
        if member is None or not self._may_decide(flow, key):
            return ()
        if member.active:
            return (key,)
        return self._heads(flow, member.department, 1, chain=False) if up else ()

    def _may_decide(self, flow: Flow, key: MemberKey) -> bool:
        """Tell whether a flow may ask a member; a deputy can't answer where it is the submitter's task that passes."""
        if key == self.submitter:
            return flow.allow_own or flow.own_passes
        return key != self.deputy or flow.allow_own

    def _candidates(self, flow: Flow, approver: Approver) -> Iterable[MemberKey]:
        match approver:
            case NamedMember(member):
                return (member,)
            case RoleHolders(role):
                return self.directory.holders(role)
            case PositionHolders(position, within):
                return self._position_holders(position, within)
            case FieldMember(field):
                return self._field_members(field)
            case DepartmentHead(of, level, chain):
                return self._heads(flow, self._department(of), level, chain=chain)

    def _field_members(self, field: FieldKey) -> Iterable[MemberKey]:
        if self.record is None:
            return ()
        value = self.record.owner if field == "owner" else self.record.values.get(field)
        return (value,) if isinstance(value, str) else ()

    def _department(self, of: str) -> str | None:
        if of == "owner" and self.record is not None:
            return self.record.department
        member = self.directory.member(self.submitter)
        return member.department if member is not None else None

    def _position_holders(self, position: str, within: str) -> Iterable[MemberKey]:
        directory = offered(self.directory, PositionDirectory)
        if directory is None:
            return ()
        home = None if within == "anywhere" else self._nearest(self._department(within))
        inside = None if home is None else set(self.directory.subtree(home))
        return [
            key
            for key, department in directory.in_position(position)
            if within == "anywhere" or (inside is not None and department in inside)
        ]

    def _nearest(self, key: str | None) -> str | None:
        """Return the department, of which a team is part."""
        return next((item.key for item in self._upwards(key) if item.kind == "department"), None)

    def _upwards(self, key: str | None) -> Iterator[Department]:
        seen: set[str] = set()
        node = self.directory.department(key or "")
        while node is not None and node.key not in seen:
            seen.add(node.key)
            yield node
            node = self.directory.department(node.parent or "")

    def _heads(self, flow: Flow, start: str | None, level: int, *, chain: bool) -> Sequence[MemberKey]:
        """Return the head of the department `level` up, or of the next one above that has another active head.

        With `chain`, the heads on the way there too.
        """
        found: list[MemberKey] = []
        passed = 0
        for node in self._upwards(start):
            if node.kind != "department":
                continue
            passed += 1
            head = self.directory.member(node.head or "")
            usable = head is not None and head.active and self._may_decide(flow, head.key)
            if head is not None and usable and (chain or passed >= level) and head.key not in found:
                found.append(head.key)
            if passed >= level and found:
                break
        return found

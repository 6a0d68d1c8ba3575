"""What is odd about a flow, given the people that there are: it works, and not as somebody meant it to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from custinfo.core.approval.approvers import Approver, FieldMember, NamedMember, PositionHolders, RoleHolders
from custinfo.core.approval.flows import CountQuorum, Flow, Step, WeightQuorum
from custinfo.core.approval.resolving import Resolver
from custinfo.core.approval.votes import needed
from custinfo.core.criteria.nodes import Everything
from custinfo.core.messages import Translated
from custinfo.core.organisation import Directory
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey

__all__ = ["lint"]

_NO_ONE = ""
"""A submitter who is nobody: approvers that depend on one are not looked at."""

_APPROVED = Translated(
    {"zh": "其审批人此前都已同意，不再询问", "en": "whoever it asks has approved before, and is not asked again"}, "zh"
)
_SKIPPED = Translated({"zh": "其跳过条件总是成立", "en": "its condition to be skipped always holds"}, "zh")


def lint(flow: Flow, directory: Directory) -> tuple[Problem, ...]:
    """Return what is odd about a flow as warnings, in the order of its steps.

    Found are steps that are never reached or that nobody decides, also since everybody whom they ask has approved
    before; roles without holders, votes that can't pass, so that the flow never ends well, escalations to nobody, back
    to the same people, or in a circle through several steps, and flows that end without any decision. People who are
    found only by a record or a submitter are taken to be there.

    Args:
        flow: A flow that `check_configuration` finds nothing wrong with.
        directory: The people.

    >>> from custinfo.standard import sample_organisation, standard_configuration
    >>> [lint(flow, sample_organisation()) for flow in standard_configuration().flows.values()]
    [(), (), ()]
    """
    resolver = Resolver(directory, _NO_ONE, None)
    circling = _circling(flow, resolver)
    findings: list[Problem] = []
    for number, step in enumerate(flow.steps):
        findings += _step(flow, step, resolver)
        if _is_approved_before(flow, number, resolver):
            findings.append(_told("step_never_reached", flow, step, because=_APPROVED))
        if number in circling:
            findings.append(_told("escalation_circle", flow, step))
    if all(_passes_alone(flow, step, resolver) for step in flow.steps):
        findings.append(Problem("flow_without_decision", params={"flow": _name(flow)}, severity="warning"))
    return tuple(findings)


def _told(code: str, flow: Flow, step: Step, **params: Any) -> Problem:
    return Problem(code, params={"flow": _name(flow), "step": _name(step), **params}, severity="warning")


def _step(flow: Flow, step: Step, resolver: Resolver) -> Iterator[Problem]:
    if isinstance(step.skip_when, Everything):
        yield _told("step_never_reached", flow, step, because=_SKIPPED)
        return
    named = (*step.approvers, *step.fallback, *step.veto)
    for role in dict.fromkeys(approver.role for approver in named if isinstance(approver, RoleHolders)):
        if not resolver.directory.holders(role):
            yield _told("role_without_holders", flow, step, role=role)
    yield from _vote(flow, step, resolver)
    for limit in step.limits:
        if limit.then == "escalate" and _fixed(limit.to) and not _found(flow, limit.to, resolver):
            yield _told("escalation_nowhere", flow, step)


def _vote(flow: Flow, step: Step, resolver: Resolver) -> Iterator[Problem]:
    if not _fixed(step.approvers):
        if _too_few(step):
            yield _told("quorum_out_of_reach", flow, step)
    elif _found(flow, step.approvers, resolver):
        if resolver.step(flow, attrs.evolve(step, fallback=())) is None:
            yield _told("quorum_out_of_reach", flow, step)
    elif _passes_alone(flow, step, resolver):
        yield _told("step_always_passed", flow, step)


def _circling(flow: Flow, resolver: Resolver) -> set[int]:
    """Return the steps whose escalations lead back: to those who were asked there, or did not decide elsewhere."""
    passes = [pair for number, step in enumerate(flow.steps) for pair in _passed_on(flow, number, step, resolver)]
    onward: dict[object, set[object]] = {}
    for _, those, to in passes:
        for one in those:
            onward.setdefault(one, set()).update(to)
    return {
        number
        for number, those, to in passes
        if to and (to <= those or any(_leads(onward, other, one) for one in those - to for other in to))
    }


def _passed_on(
    flow: Flow, number: int, step: Step, resolver: Resolver
) -> Iterator[tuple[int, frozenset[object], frozenset[object]]]:
    """Yield (step, those who did not decide, to whom it escalates then) for each escalation of a step."""
    asked = step.approvers if not _fixed(step.approvers) or _found(flow, step.approvers, resolver) else step.fallback
    those = _people(flow, asked, resolver)
    for limit in sorted(step.limits, key=lambda limit: limit.hours):
        if limit.then == "escalate":
            to = _people(flow, limit.to, resolver)
            yield number, those, to
            those = those | to if to <= those else to


def _people(flow: Flow, approvers: tuple[Approver, ...], resolver: Resolver) -> frozenset[object]:
    """Return members as far as they are known, and else what finds them: the same approver finds the same people."""
    return frozenset(
        person
        for approver in approvers
        for person in (_found(flow, (approver,), resolver) if _fixed((approver,)) else (approver,))
    )


def _leads(onward: Mapping[object, set[object]], start: object, end: object) -> bool:
    """Tell whether escalations lead from one to another."""
    seen, ahead = set[object](), [start]
    while ahead:
        here = ahead.pop()
        if here == end:
            return True
        if here not in seen:
            seen.add(here)
            ahead += onward.get(here, ())
    return False


def _is_approved_before(flow: Flow, number: int, resolver: Resolver) -> bool:
    """Tell whether approvals that were given by then pass a step in any case, so that nobody is ever asked there."""
    here = resolver.step(flow, flow.steps[number]) if _fixed(flow.steps[number].approvers) else None
    if here is None or flow.repeated == "each":
        return False
    first = max(0, number - 1) if flow.repeated == "adjacent" else 0
    sure = {member for step in flow.steps[first:number] for member in _surely_approving(flow, step, resolver)}
    weights = here.weights or (1,) * len(here.approvers)
    yes = sum(weight for member, weight in zip(here.approvers, weights, strict=True) if member in sure)
    return yes >= needed(here.mode, here.quorum, sum(weights))


def _surely_approving(flow: Flow, step: Step, resolver: Resolver) -> frozenset[MemberKey]:
    """Return those without whose approval nothing passes a step."""
    if not _fixed(step.approvers) or step.skip_when is not None or any(item.then == "escalate" for item in step.limits):
        return frozenset()
    found = resolver.step(flow, step)
    if found is None or (len(found.approvers) > 1 and found.mode not in ("all", "sequential")):
        return frozenset()
    return frozenset(found.approvers)


def _too_few(step: Step) -> bool:
    """Tell whether approvers who each find one person at most are too few for a quorum."""
    if isinstance(step.quorum, WeightQuorum):
        return False
    single = all(isinstance(approver, FieldMember) for approver in step.approvers)
    return single and isinstance(step.quorum, CountQuorum) and step.quorum.approvals > len(step.approvers)


def _fixed(approvers: tuple[Approver, ...]) -> bool:
    """Tell whether approvers are found without a record and a submitter."""
    return all(isinstance(item, NamedMember | RoleHolders | PositionHolders) for item in approvers)


def _found(flow: Flow, approvers: tuple[Approver, ...], resolver: Resolver) -> frozenset[MemberKey]:
    return frozenset(resolver.members(flow, approvers))


def _passes_alone(flow: Flow, step: Step, resolver: Resolver) -> bool:
    if isinstance(step.skip_when, Everything):
        return True
    known = _fixed(step.approvers) and _fixed(step.fallback)
    return step.nobody == "pass" and known and resolver.step(flow, step) is None


def _name(item: Flow | Step) -> Translated:
    return Translated.named(item.label, item.key, "zh")

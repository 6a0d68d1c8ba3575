"""What is odd about a flow, given the people that there are: it works, and not as somebody meant it to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from custinfo.core.approval.approvers import Approver, FieldMember, NamedMember, PositionHolders, RoleHolders
from custinfo.core.approval.flows import CountQuorum, Flow, Step, WeightQuorum
from custinfo.core.approval.resolving import Resolver
from custinfo.core.criteria.nodes import Everything
from custinfo.core.messages import Translated
from custinfo.core.organisation import Directory
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey

__all__ = ["lint"]

_NO_ONE = ""
"""A submitter who is nobody: approvers that depend on one are not looked at."""

_SKIPPED = Translated({"zh": "其跳过条件总是成立", "en": "its condition to be skipped always holds"}, "zh")


def lint(flow: Flow, directory: Directory) -> tuple[Problem, ...]:
    """Return what is odd about a flow as warnings, in the order of its steps.

    Found are steps that are never reached or that nobody decides, roles without holders, votes that can't pass,
    escalations to nobody or back to the same people, and flows that end without any decision. People who are found
    only by a record or a submitter are taken to be there.

    Args:
        flow: A flow that `check_configuration` finds nothing wrong with.
        directory: The people.

    >>> from custinfo.standard import sample_organisation, standard_configuration
    >>> [lint(flow, sample_organisation()) for flow in standard_configuration().flows.values()]
    [(), (), ()]
    """
    resolver = Resolver(directory, _NO_ONE, None)
    findings = [problem for step in flow.steps for problem in _step(flow, step, resolver)]
    if all(_passes_alone(flow, step, resolver) for step in flow.steps):
        findings.append(Problem("flow_without_decision", params={"flow": _name(flow)}, severity="warning"))
    return tuple(findings)


def _told(code: str, flow: Flow, step: Step, **params: Any) -> Problem:
    return Problem(code, params={"flow": _name(flow), "step": _name(step), **params}, severity="warning")


def _step(flow: Flow, step: Step, resolver: Resolver) -> Iterator[Problem]:
    if isinstance(step.skip_when, Everything):
        yield _told("step_never_reached", flow, step, because=_SKIPPED)
        return
    for approver in step.approvers:
        if isinstance(approver, RoleHolders) and not resolver.directory.holders(approver.role):
            yield _told("role_without_holders", flow, step, role=approver.role)
    yield from _vote(flow, step, resolver)
    for limit in step.limits:
        if limit.then == "escalate" and _fixed(limit.to):
            yield from _escalation(flow, step, _found(flow, limit.to, resolver), resolver)


def _vote(flow: Flow, step: Step, resolver: Resolver) -> Iterator[Problem]:
    if not _fixed(step.approvers):
        if _too_few(step):
            yield _told("quorum_out_of_reach", flow, step)
    elif _found(flow, step.approvers, resolver):
        if resolver.step(flow, attrs.evolve(step, fallback=())) is None:
            yield _told("quorum_out_of_reach", flow, step)
    elif _passes_alone(flow, step, resolver):
        yield _told("step_always_passed", flow, step)


def _escalation(flow: Flow, step: Step, to: frozenset[MemberKey], resolver: Resolver) -> Iterator[Problem]:
    if not to:
        yield _told("escalation_nowhere", flow, step)
    elif _fixed(step.approvers) and to <= _asked(flow, step, resolver):
        yield _told("escalation_circle", flow, step)


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


def _asked(flow: Flow, step: Step, resolver: Resolver) -> frozenset[MemberKey]:
    return _found(flow, step.approvers, resolver) or _found(flow, step.fallback, resolver)


def _passes_alone(flow: Flow, step: Step, resolver: Resolver) -> bool:
    if isinstance(step.skip_when, Everything):
        return True
    known = _fixed(step.approvers) and _fixed(step.fallback)
    return step.nobody == "pass" and known and resolver.step(flow, step) is None


def _name(item: Flow | Step) -> Translated:
    return Translated({**{language: item.label_in(language) for language in ("zh", "en")}}, "zh")

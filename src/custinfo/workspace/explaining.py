"""Why yes, why no (POL-4)."""

from __future__ import annotations

from typing import Literal

import attrs

from custinfo.core.criteria.evaluate import compile_predicate
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.policy.access import BoundGrant
from custinfo.core.policy.grants import Action, Grant
from custinfo.core.records import MemberKey, ModuleKey, Record
from custinfo.workspace.context import Context

__all__ = ["Explanation", "GrantFinding", "explain", "explain_out_of_reach"]

Clause = Literal["allows", "action", "scope", "condition"]


@attrs.frozen
class GrantFinding:
    """What one grant of the actor's roles says: it `allows`, or the first clause that failed."""

    grant: Grant
    clause: Clause

    def text(self) -> str:
        """Return it as a line for people."""
        grant = self.grant
        rows = f"{grant.scope} through {grant.through}" if grant.through else grant.scope
        what = f"role {grant.role}: {', '.join(sorted(grant.actions))} on {grant.module} ({rows})"
        return f"{what} — {'allows' if self.clause == 'allows' else f'not by its {self.clause}'}"


@attrs.frozen
class Explanation:
    """The decision on an action, and what each grant of the actor's roles had to say; true where it is allowed."""

    allowed: bool
    actor: MemberKey
    action: Action
    module: ModuleKey
    findings: tuple[GrantFinding, ...]

    def __bool__(self) -> bool:
        return self.allowed

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Return the decision and its reasons, a line each."""
        head = f"{self.actor} {'may' if self.allowed else 'may not'} {self.action} {self.module}"
        return "\n".join([head, *(f"  {finding.text()}" for finding in self.findings)])


def explain_out_of_reach(context: Context, action: Action, module: ModuleKey) -> Explanation:
    """Return why the actor may do nothing with a record: the same answer whether it exists or not."""
    findings = tuple(
        GrantFinding(bound.grant, "scope" if action in bound.verdict.actions else "action")
        for bound in context.access(module).grants
    )
    return Explanation(False, context.actor, action, module, findings)  # noqa: FBT003


def explain(context: Context, action: Action, module: ModuleKey, record: Record | None) -> Explanation:
    """Return why the actor may or may not do something with a record, or with any record when none is given."""
    access = context.access(module)
    findings = tuple(_finding(context, bound, action, record) for bound in access.grants)
    allowed = any(finding.clause == "allows" for finding in findings)
    return Explanation(allowed, context.actor, action, module, findings)


def _finding(context: Context, bound: BoundGrant, action: Action, record: Record | None) -> GrantFinding:
    if action not in bound.verdict.actions:
        return GrantFinding(bound.grant, "action")
    if record is None:
        return GrantFinding(bound.grant, "allows")
    parts: tuple[tuple[Criterion, Clause], ...] = ((bound.scope, "scope"), (bound.condition, "condition"))
    for criterion, clause in parts:
        if not compile_predicate(criterion)(record, context.related):
            return GrantFinding(bound.grant, clause)
    return GrantFinding(bound.grant, "allows")

"""Why yes, why no (POL-4).

An explanation tells an actor no more of a record than they may find out anyhow: what they may do with it, which shows
when they do it, and what follows from that and from the fields that they may read. Where the rows of a grant depend on
anything else, it isn't told whether the grant holds for the record.
"""

from __future__ import annotations

from collections.abc import Iterable

from custinfo.core.criteria.nodes import Everything
from custinfo.core.policy.access import BoundGrant, Verdict
from custinfo.core.policy.grants import PSEUDO_FIELDS, Action, Grant
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record
from custinfo.workspace.context import Context
from custinfo.workspace.explanations import Clause, Explanation, GrantFinding
from custinfo.workspace.telling import Telling

__all__ = ["explain", "explain_out_of_reach"]

_Right = tuple[str, str]
"""An action, or what may be done to a field."""


def explain_out_of_reach(
    context: Context, action: Action, module: ModuleKey, field: FieldKey | None = None
) -> Explanation:
    """Return why the actor may do nothing with a record: the same answer whether it exists or not."""
    findings = _findings(
        context,
        [
            (bound, _not_its_rows(bound) if action in bound.verdict.actions else "action")
            for bound in context.access(module).grants
        ],
    )
    shown = None if field is None else "hidden"
    return Explanation(False, context.actor, action, module, findings, field, shown, (), context.schema)  # noqa: FBT003


def _findings(context: Context, told: Iterable[tuple[BoundGrant, Clause]]) -> tuple[GrantFinding, ...]:
    """Return a finding for each grant; one for shared records comes in two parts, of which one has the action."""
    found: dict[tuple[Grant, Grant | None], Clause] = {}
    for bound, clause in told:
        known = found.get((bound.grant, bound.inherited))
        if known in (None, "action"):
            found[bound.grant, bound.inherited] = clause
    return tuple(GrantFinding(grant, clause, inherited, context.schema) for (grant, inherited), clause in found.items())


def _not_its_rows(bound: BoundGrant) -> Clause:
    """Return which clause a record fails that is out of reach, as far as the grant alone tells."""
    if isinstance(bound.condition, Everything):
        return "scope"
    return "condition" if isinstance(bound.scope, Everything) else "rows"


def explain(
    context: Context, action: Action, module: ModuleKey, record: Record | None, field: FieldKey | None = None
) -> Explanation:
    """Return why the actor may or may not do something with a record, or with any record when none is given."""
    grants = context.access(module).grants
    if record is None:
        rows: dict[int, Clause] = dict.fromkeys(range(len(grants)), "allows")
    else:
        rows = dict(enumerate(_Clauses(context, record).clauses(grants)))
    findings = _findings(
        context, [(bound, _clause(context, bound, action, field, rows[place])) for place, bound in enumerate(grants)]
    )
    obstacles = () if field is None else _obstacles(context, action, module, field)
    if record is None:
        allowed, shown = any(finding.clause == "allows" for finding in findings), None
    else:
        verdict = context.verdict(record)
        allowed = _right(action, field) in _rights(verdict)
        shown = None if field is None else verdict.field(field)
    return Explanation(
        allowed and not obstacles, context.actor, action, module, findings, field, shown, obstacles, context.schema
    )


def _clause(context: Context, bound: BoundGrant, action: Action, field: FieldKey | None, rows: Clause) -> Clause:
    """Return what a grant says to an action or a field, given what it says to the record."""
    if action not in bound.verdict.actions:
        return "action"
    lacks = field is not None and _right(action, field) not in _rights(bound.verdict)
    # Which fields a grant is about is no secret; whether it is about this record may be one.
    return _missing_field(context, bound, action, str(field)) if lacks and rows in ("allows", "untold") else rows


def _missing_field(context: Context, bound: BoundGrant, action: Action, field: FieldKey) -> Clause:
    if action == "view" and field in bound.verdict.masked:
        return "masked"
    definition = context.module(bound.grant.module).definition.fields.get(field)
    chosen = bound.grant.view if action == "view" else bound.grant.edit
    sensitive = definition is not None and definition.sensitivity == "sensitive"
    return "sensitive" if sensitive and chosen.everything and field not in chosen.excluded else "field"


def _obstacles(context: Context, action: Action, module: ModuleKey, field: FieldKey) -> tuple[Problem, ...]:
    """Return what keeps everybody from writing a field."""
    if action == "view":
        return ()
    definition = context.module(module).definition.fields.get(field)
    if definition is None:
        set_by_system = field in PSEUDO_FIELDS and field not in ("owner", "tags")
        return (Problem("read_only_field", field),) if set_by_system else ()
    found = [Problem("read_only_field", field)] if definition.kind == "computed" else []
    return (*found, *([Problem("retired_field", field)] if definition.retired else []))


# --- what may be told


def _right(action: Action, field: FieldKey | None) -> _Right:
    return ("action", action) if field is None else (action, field)


def _rights(verdict: Verdict) -> frozenset[_Right]:
    """Return everything that a verdict allows; what is readable can also be seen masked."""
    return frozenset(
        (
            *(("action", action) for action in verdict.actions),
            *(("view", key) for key in verdict.readable),
            *(("masked", key) for key in (*verdict.readable, *verdict.masked)),
            *(("edit", key) for key in verdict.editable),
            *(("create", key) for key in verdict.creatable),
        )
    )


class _Clauses:
    """Say of each grant whether it holds for a record, as far as the actor may know."""

    def __init__(self, context: Context, record: Record) -> None:
        self._context = context
        self._record = record
        self._telling = Telling(context, record)
        self._rights = _rights(context.verdict(record))

    def clauses(self, grants: Iterable[BoundGrant]) -> list[Clause]:
        """Return for each grant the first clause of its rows that fails, or `allows`."""
        listed = list(grants)
        known = [self._by_reading(bound) for bound in listed]
        possible = [
            _rights(bound.verdict)
            if clause == "allows" or (clause == "untold" and _rights(bound.verdict) <= self._rights)
            else frozenset[_Right]()
            for bound, clause in zip(listed, known, strict=True)
        ]
        return [
            self._by_what_is_allowed(place, listed[place], possible) if clause == "untold" else clause
            for place, clause in enumerate(known)
        ]

    def _by_reading(self, bound: BoundGrant) -> Clause:
        """Return what follows from the fields that the actor may read."""
        told = [self._telling.tells(bound.scope), self._telling.tells(bound.condition)]
        if told[0] and not self._telling.holds(bound.scope):
            return "scope"
        if told[1] and not self._telling.holds(bound.condition):
            return "condition"
        return "allows" if all(told) else "untold"

    def _by_what_is_allowed(self, place: int, bound: BoundGrant, possible: list[frozenset[_Right]]) -> Clause:
        """Return what follows from all that the actor may do, which shows when they do it."""
        rights = _rights(bound.verdict)
        if not rights <= self._rights:
            return self._failing(bound)
        others = frozenset[_Right]().union(*(found for other, found in enumerate(possible) if other != place))
        return "untold" if rights <= others else "allows"

    def _failing(self, bound: BoundGrant) -> Clause:
        if self._telling.tells(bound.scope):
            return "condition"
        return "scope" if self._telling.tells(bound.condition) else "rows"

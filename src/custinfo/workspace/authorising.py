"""Second stage of the write path: what no grant allows is refused, before and after the change."""

from __future__ import annotations

from custinfo.core.errors import PermissionDeniedError
from custinfo.core.policy.access import Verdict
from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import NEEDED, Prepared
from custinfo.workspace.tagging import asks_for_tags

__all__ = ["authorise", "not_editable", "refusal"]


def authorise(context: Context, prepared: Prepared) -> None:
    """Set the error of a change that the actor may not make; all refused fields are named.

    A new record is judged as it would be; a change of owner also as it would be afterwards.
    """
    after, before = prepared.after, prepared.before
    if after is None or prepared.error is not None:
        return
    access = context.access(prepared.draft.module)
    refusals = _refusals(context, prepared, access.verdict(before or after, context.related))
    # Whoever takes from the pool, or gives back to it, does no more than that.
    moved = before is not None and before.owner != after.owner and prepared.draft.action not in ("claim", "release")
    if moved and not refusals and "transfer" not in access.verdict(after, context.related).actions:
        refusals = [refusal(context, "transfer", after.module)]
    if refusals:
        prepared.error = PermissionDeniedError(refusals)


def _refusals(context: Context, prepared: Prepared, verdict: Verdict) -> list[Problem]:
    draft, before = prepared.draft, prepared.before
    action = NEEDED[draft.action]
    if action not in verdict.actions:
        return [refusal(context, action, draft.module)]
    refusals = []
    if action in ("create", "edit"):
        writable = verdict.creatable if before is None else verdict.editable
        for key in prepared.patch:
            if key == "owner" and before is not None:
                if "transfer" not in verdict.actions:
                    refusals.append(refusal(context, "transfer", draft.module))
            elif key not in writable and not (key == "owner" and prepared.patch[key] == context.actor):
                refusals.append(not_editable(key, creating=before is None))
    if asks_for_tags(context, before, draft.tags) and "tag" not in verdict.actions:
        refusals.append(refusal(context, "tag", draft.module))
    if _lends_editing(prepared) and "edit" not in verdict.actions:
        refusals.append(refusal(context, "edit", draft.module))
    return refusals


def _lends_editing(prepared: Prepared) -> bool:
    """Tell whether a change shares a record to collaborate: nobody passes on more than they have."""
    before, after = prepared.before, prepared.after
    if before is None or after is None:
        return False
    return any(share.level == "collaborate" for share in after.shares - before.shares)


def refusal(context: Context, action: Action, module: ModuleKey) -> Problem:
    """Return the problem that a record is not in the actor's reach for an action, or that none is."""
    params = {"action": action, "module": context.named(module)}
    if context.access(module).may(action):
        return Problem("scope_denied", params={**params, "clause": "scope"})
    return Problem("action_denied", params=params)


def not_editable(key: FieldKey, *, creating: bool = False) -> Problem:
    """Return the problem that a field is not the actor's to change, or, of a new record, to fill in."""
    return Problem("field_not_editable", key, params={"doing": "fill_in" if creating else "change"})

"""Third stage of the write path: the state after the change must hold, with everything wrong told at once."""

from __future__ import annotations

from collections.abc import Sequence

from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Record
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Prepared
from custinfo.workspace.uniqueness import UniqueCheck

__all__ = ["validate"]


def validate(context: Context, batch: Sequence[Prepared], *, authorised: bool) -> None:
    """Set the error of each change that breaks a rule; clashes of unique values are looked up for all together."""
    UniqueCheck(context).run(
        (prepared.before, prepared.after, prepared.problems) for prepared in batch if prepared.after is not None
    )
    for prepared in batch:
        if prepared.after is not None:
            _check(context, prepared, prepared.after, authorised=authorised)


def _check(context: Context, prepared: Prepared, after: Record, *, authorised: bool) -> None:
    changed = None if prepared.before is None else frozenset(prepared.patch)
    failed = (
        frozenset(problem.field for problem in prepared.errors if problem.field) if prepared.problems else frozenset()
    )
    prepared.problems += context.validator(after.module).check(after, changed, context.related, failed)
    prepared.problems += _reference_problems(context, after, changed, authorised=authorised)
    if prepared.errors:
        prepared.error = InvalidInputError(prepared.errors)


def _reference_problems(
    context: Context, after: Record, changed: frozenset[FieldKey] | None, *, authorised: bool
) -> list[Problem]:
    """Refuse references to what does not exist or what the actor can't see: the answer is the same."""
    problems = []
    for key, target_module in context.related.fields(after.module):
        if key not in after.values or (changed is not None and key not in changed):
            continue
        target = context.related(after, key)
        seen = target is not None and (not authorised or "view" in context.verdict(target).actions)
        if not seen:
            problems.append(Problem("unknown_reference", key, params={"module": target_module}))
    return problems

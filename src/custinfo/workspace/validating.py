"""Third stage of the write path: the state after the change must hold, with everything wrong told at once."""

from __future__ import annotations

from collections.abc import Sequence

from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import Record
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Prepared
from custinfo.workspace.uniqueness import UniqueCheck

__all__ = ["check_references", "validate"]


def validate(context: Context, batch: Sequence[Prepared]) -> None:
    """Set the error of each change that breaks a rule; clashes of unique values are looked up for all together."""
    for prepared in batch:
        if prepared.after is not None:
            _check(context, prepared, prepared.after)
    UniqueCheck(context).run(
        (prepared.before, prepared.after, prepared.problems) for prepared in batch if prepared.after is not None
    )
    for prepared in batch:
        if prepared.errors:
            prepared.error = InvalidInputError(prepared.errors)


def _check(context: Context, prepared: Prepared, after: Record) -> None:
    validator = context.validator(after.module)
    changed = validator.changed(prepared.before, after, prepared.patch)
    failed = frozenset(problem.field for problem in prepared.problems if problem.field and problem.severity == "error")
    prepared.problems += validator.check(after, changed, context.related, failed)


def check_references(context: Context, prepared: Prepared) -> None:
    """Refuse references to what does not exist or what the actor can't see: the answer is the same.

    It comes before the permission is judged, which may depend on the record that is referred to.
    """
    after = prepared.after
    if after is None:
        return
    problems = []
    for key, target_module in context.related.fields(after.module):
        if key not in prepared.patch or key not in after.values:
            continue
        target = context.related(after, key)
        if target is None or "view" not in context.verdict(target).actions:
            problems.append(Problem("unknown_reference", key, params={"module": target_module}))
    if problems:
        prepared.error = InvalidInputError([*prepared.errors, *problems])

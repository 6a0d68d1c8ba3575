"""Third stage of the write path: the state after the change must hold, with everything wrong told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Final

import attrs

from custinfo.core.errors import InvalidInputError
from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import Telling, Translated
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Record, Sealed
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import derived_changes
from custinfo.workspace.drafts import NEEDED, Prepared
from custinfo.workspace.uniqueness import UniqueCheck

__all__ = ["check_references", "leavers", "lost_references", "validate", "without_hidden"]

_PRESENT_STATE: Final = Translated({"zh": "当前状态", "en": "its present state"})
_ANOTHER: Final = Translated({"zh": "另一字段", "en": "another field"})
_A_RULE: Final = {
    "because": Translated({"zh": "模块的规则要求如此", "en": "a rule of the module says so"}),
    "hint": Translated({"zh": "不符合模块的规则", "en": "a rule of the module does not allow it"}),
}
"""What is said in place of a condition in words, by the name of the parameter."""


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
    if changed is not None and prepared.before is not None:
        changed |= derived_changes(context, prepared.before, after)
    failed = frozenset(problem.field for problem in prepared.problems if problem.field and problem.severity == "error")
    problems = validator.check(_opened(context, after), changed, context.related, failed, before=prepared.before)
    prepared.problems += without_hidden(context, prepared.before, after, prepared.patch, problems)
    prepared.problems += leavers(context, prepared.before, after, prepared.patch)


def _opened(context: Context, record: Record) -> Record:
    """Return a record with the sealed values in the open that the actor may read: the rules on these hold as well.

    What somebody may not read plays no part in what they are told.
    """
    sealed = [key for key, value in record.values.items() if type(value) is Sealed]
    readable = context.verdict(record).readable if sealed else frozenset()
    values = dict(record.values)
    for key in sealed:
        if key in readable:
            with suppress(InvalidInputError):
                values[key] = context.sealer.unseal(record, key, record.values[key])
    return attrs.evolve(record, values=FrozenDict(values)) if readable else record


def leavers(context: Context, before: Record | None, after: Record, written: Collection[FieldKey]) -> Iterator[Problem]:
    """Yield a problem for each member who is newly named, as owner or in a field, and has left (ORG-4)."""
    for key in written:
        if key != "owner" and key not in context.module(after.module).user_fields:
            continue
        value = after.owner if key == "owner" else after.values.get(key)
        held = None if before is None else before.owner if key == "owner" else before.values.get(key)
        if isinstance(value, str) and value != held:
            member = context.schema.directory.member(value)
            if member is None or not member.active:
                yield Problem("inactive_member", key)


def lost_references(
    context: Context, before: Record | None, after: Record, written: Collection[FieldKey]
) -> Iterator[Problem]:
    """Yield a problem for each record that is newly referred to, and is gone."""
    for key, module in context.related.fields(after.module):
        value = after.values.get(key)
        held = None if before is None else before.values.get(key)
        if key in written and value not in (None, held) and context.related(after, key) is None:
            yield Problem("unknown_reference", key, params={"module": context.named(module)})


def without_hidden(
    context: Context, before: Record | None, after: Record, written: Collection[FieldKey], problems: Sequence[Problem]
) -> list[Problem]:
    """Return problems without what speaks of fields that the actor may not read, and did not write themselves.

    That is the state that a life cycle is in, and what a condition or a rule looks at.
    """
    if not problems:
        return []
    cycles = context.module(after.module).definition.life_cycles if before is not None else {}
    hidden = cycles.keys() - context.verdict(before or after).readable if cycles else frozenset()
    told = [_without_state(problem, hidden, written) for problem in problems] if hidden else problems
    return [_without_words(context, before or after, written, problem) for problem in told]


def _without_words(context: Context, record: Record, written: Collection[FieldKey], problem: Problem) -> Problem:
    """Return a problem that says no more than that there is a rule, where it looks at what the actor may not read."""
    withheld = {
        name: _A_RULE.get(name, _ANOTHER)
        for name, value in problem.params.items()
        if isinstance(value, Telling) and not all(_reads(context, record, path, written) for path in value.paths)
    }
    return attrs.evolve(problem, params=problem.params.merged(withheld)) if withheld else problem


def _reads(context: Context, record: Record, path: Sequence[str], written: Collection[FieldKey] = ()) -> bool:
    """Tell whether the actor reads what stands at a path, through references too, or wrote it."""
    key, *further = path
    if key not in context.verdict(record).readable and key not in written and key not in ("id", "version"):
        return False
    if not further:
        return True
    target = context.related(record, key)
    return target is not None and _reads(context, target, further)


def _without_state(problem: Problem, hidden: Collection[FieldKey], written: Collection[FieldKey]) -> Problem:
    """Return a problem that does not tell the old state; the new one it tells to whoever wrote it."""
    if problem.code == "transition_not_allowed" and problem.field in hidden:
        return attrs.evolve(problem, params=problem.params.set("before", _PRESENT_STATE))
    if problem.code == "required_in_state" and not all(key in written for key in hidden):
        return attrs.evolve(problem, params=problem.params.set("state", _PRESENT_STATE))
    return problem


def check_references(context: Context, prepared: Prepared) -> None:
    """Refuse references to what does not exist or what the actor can't see: the answer is the same.

    It comes before the permission is judged, which may depend on the record that is referred to. What a merger takes
    over from records was checked when it was written there: whoever merges need not see it.
    """
    after = prepared.after
    if after is None or prepared.draft.action == "merge":
        return
    references = context.related.fields(after.module)
    problems = []
    unread = {key for key, _ in references} & {problem.field for problem in prepared.errors}
    if unread and context.access(after.module).may(NEEDED[prepared.draft.action]):
        # Whose record it is can't be told without it: the rest that is wrong is said along with it.
        _check(context, prepared, after)
        prepared.error = InvalidInputError(prepared.errors)
        return
    for key, target_module in references:
        if key not in prepared.patch or key not in after.values:
            continue
        target = context.related(after, key)
        if target is None or "view" not in context.verdict(target).actions:
            problems.append(Problem("unknown_reference", key, params={"module": context.named(target_module)}))
    if problems:
        prepared.error = InvalidInputError([*prepared.errors, *problems])

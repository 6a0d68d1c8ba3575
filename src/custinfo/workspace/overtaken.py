"""Changes that were prepared a while ago, looked at again: what they refer to may be another's by now, or gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from custinfo.core.errors import ConflictError, CustinfoError
from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey
from custinfo.workspace.authorising import authorise
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import derived
from custinfo.workspace.drafts import Prepared
from custinfo.workspace.gating import Gate
from custinfo.workspace.validating import check_references, validate

__all__ = ["overtaken"]

_NOTHING_HELD: Final[Mapping[str, Mapping[FieldKey, str]]] = FrozenDict()


def overtaken(context: Context, batch: Iterable[Prepared]) -> list[tuple[Prepared, CustinfoError]]:
    """Return the changes of an import that may not be made any more, each with what stops it.

    The record that a change is about is compared by its version when it is saved. What it refers to has a version of
    its own, and decides as well: whose it is, what follows from it, and what has to be approved. Where nothing of that
    moved since it was read for the plan, nothing is asked again.
    """
    concerned = [
        item
        for item in batch
        if item.going and item.changed and item.after is not None and context.related.fields(item.after.module)
    ]
    if not concerned or not context.related.renew(item.after for item in concerned if item.after is not None):
        return []
    for item in concerned:
        if item.after is not None:
            item.after = derived(context, item.after)
        check_references(context, item)
        authorise(context, item)
    validate(context, [item for item in concerned if item.going])
    gate = Gate(context, importing=True)
    found = []
    for item in concerned:
        error, item.error, item.problems = item.error, None, []
        if error is None:
            error = _ungated(context, gate, item)
        if error is not None:
            found.append((item, error))
    return found


def _ungated(context: Context, gate: Gate, item: Prepared) -> CustinfoError | None:
    """Return what says that a change needs an approval by now that nobody is going to be asked for."""
    if item.after is None:
        return None
    path, error = gate.judge(item.before, item.after, item.patch, _NOTHING_HELD)
    asked = item.path.flows if item.path is not None else ()
    missing = [flow for flow in path.flows if flow not in asked] if path is not None else []
    if error is not None or not missing:
        return error
    language = context.schema.configuration.language
    named = [Translated.named(flow.label, flow.key, language) for flow in missing]
    return ConflictError([Problem("approval_missing", params={"flow": flow}) for flow in named])

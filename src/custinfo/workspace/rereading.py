"""Reading again what a request holds: the configuration may have changed since it was submitted (APR-5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from custinfo.core.approval.requests import Request
from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Record, Sealed, Tag
from custinfo.workspace.context import Context
from custinfo.workspace.sealing import NO_KEYS

__all__ = ["reread"]


def reread(context: Context, request: Request, before: Record | None) -> tuple[Mapping[FieldKey, Any], list[Problem]]:
    """Return a request's patch as it would be read today, and what would be refused in it.

    An entry or tag that was merged meanwhile is the one that it is now; one that was retired, a field that was, or a
    value that its kind no longer takes, is a problem, as in an edit by hand.
    """
    fields = context.module(request.module).definition.fields
    held = before.values if before is not None else {}
    written = {key: value for key, value in request.patch.items() if key in fields and held.get(key) != value}
    keys = before.data_keys if before is not None else NO_KEYS
    raw = {key: _plain(context, request, key, value, keys) for key, value in written.items()}
    found = context.validator(request.module).normalise(raw, held)
    sealed = {key for key, value in written.items() if type(value) is Sealed}
    patch = {**request.patch, **{key: value for key, value in found.patch.items() if key not in sealed}}
    problems = found.errors
    if "tags" in patch and patch["tags"] is not CLEAR:
        patch["tags"], others = _tags(context, patch["tags"], before.tags if before is not None else frozenset())
        problems += others
    return patch, problems


def _plain(context: Context, request: Request, key: FieldKey, value: Any, data_keys: Mapping[FieldKey, str]) -> Any:
    """Return a value in the open; a sealed one whose key is missing is not looked at."""
    if type(value) is not Sealed:
        return value
    try:
        return context.sealer.unseal_proposed(request, key, value, data_keys)
    except InvalidInputError:
        return CLEAR


def _tags(context: Context, tags: Iterable[Tag], held: frozenset[Tag]) -> tuple[tuple[Tag, ...], list[Problem]]:
    found: set[Tag] = set()
    problems: list[Problem] = []
    for tag in tags:
        now = tag if tag in held else context.schema.resolve_tag(*tag)
        if isinstance(now, Problem):
            problems.append(now)
        else:
            found.add(now)
    return tuple(sorted(found)), problems
